//! The tags that models and datasets are filtered by.
use crate::macros::endpoint;
use crate::{Endpoint, Http, Method};
use serde_json::{Map, Value};

/// The methods of this module.
pub(crate) const METHODS: &[Method] =
    &[Method::of::<GetDatasetTagsRequest>(), Method::of::<GetModelTagsRequest>()];

endpoint! {
    /// Lists the tags of models, by kind: `pipeline_tag`, `library`, `language`, `license` and so on.
    ///
    /// It is the Hub's answer untouched: for each kind an array of objects with `id`, `label` and `type`. Tags are
    /// public: no token is sent. `GET /api/models-tags-by-type`.
    ///
    /// # Errors
    /// `Http` if the Hub refuses.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let tags = api.get_model_tags().await?;
    /// println!("{}", tags["library"]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_model_tags() -> Map<String, Value>;

    /// The parameters of [`HfApi::get_model_tags`](crate::HfApi::get_model_tags).
    pub struct GetModelTagsRequest {}
}

impl Endpoint for GetModelTagsRequest {
    fn http(&self) -> Http {
        Http::get("/api/models-tags-by-type").without_token()
    }
}

endpoint! {
    /// Lists the tags of datasets, by kind: `task_categories`, `size_categories`, `language` and so on.
    ///
    /// It is the Hub's answer untouched: for each kind an array of objects with `id`, `label` and `type`. Tags are
    /// public: no token is sent. `GET /api/datasets-tags-by-type`.
    ///
    /// # Errors
    /// `Http` if the Hub refuses.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// for (kind, tags) in api.get_dataset_tags().await? {
    ///     println!("{kind}: {}", tags.as_array().map_or(0, Vec::len));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_dataset_tags() -> Map<String, Value>;

    /// The parameters of [`HfApi::get_dataset_tags`](crate::HfApi::get_dataset_tags).
    pub struct GetDatasetTagsRequest {}
}

impl Endpoint for GetDatasetTagsRequest {
    fn http(&self) -> Http {
        Http::get("/api/datasets-tags-by-type").without_token()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_asked_for_without_a_token() {
        let models = Http::get("/api/models-tags-by-type").without_token();
        assert_eq!(GetModelTagsRequest::new().http(), models);
        let datasets = Http::get("/api/datasets-tags-by-type").without_token();
        assert_eq!(GetDatasetTagsRequest::new().http(), datasets);
    }
}
