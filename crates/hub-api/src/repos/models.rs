//! Listings of models.
use super::emissions::EmissionsThresholds;
use super::search::{SearchQuery as _, expand_excludes, limit_of};
use crate::macros::listing;
use crate::types::{ExpandModelProperty, ModelInference, ModelInfo};
use crate::{Arg, Http, List, Many};
use hub_types::InvalidArgument;

listing! {
    /// Lists the models that the token may see, with what is asked for.
    ///
    /// `filter`, `library`, `task`, `trained_dataset`, `language` and `tags` all name tags that a model must have;
    /// `model_name` and `search` both look in its name. `emissions_thresholds` is applied here, on the cards, after
    /// `limit`. `GET /api/models`.
    ///
    /// # Errors
    /// `InvalidArgument` if `expand` is given with `full`, `cardData` or `fetch_config`, or `emissions_thresholds`
    /// without the cards; `BadRequest` if the Hub does not know a value.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use futures_util::TryStreamExt as _;
    ///
    /// let newest = api.list_models().author("google").sort("created_at").limit(10).await?;
    /// let mut all = api.list_models().filter(["text-classification", "safetensors"]).stream();
    /// while let Some(model) = all.try_next().await? {
    ///     println!("{}", model.id);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_models() -> Stream<ModelInfo>;

    /// The parameters of [`HfApi::list_models`](crate::HfApi::list_models).
    pub struct ListModelsRequest {
        /// The tags that a model must have, all of them.
        filter: Many<String>,
        /// The user or organization that owns it.
        author: Option<String>,
        /// Whether access must be asked for.
        gated: Option<bool>,
        /// Whether inference providers have it ready.
        inference: Option<ModelInference>,
        /// The libraries that it is for: `pytorch`, `transformers`.
        library: Many<String>,
        /// The languages that it is for: `en`.
        language: Many<String>,
        /// A part of its name.
        model_name: Option<String>,
        /// The tasks that it is for: `fill-mask`.
        task: Many<String>,
        /// The datasets that it was trained on.
        trained_dataset: Many<String>,
        /// More tags that it must have.
        tags: Many<String>,
        /// A part of its name.
        search: Option<String>,
        /// The task that its page is about.
        pipeline_tag: Option<String>,
        /// The bounds of the emissions that its card must declare, in grams; needs `cardData`.
        emissions_thresholds: Option<EmissionsThresholds>,
        /// What to sort by: `last_modified`, `trending_score`, `created_at`, `downloads` or `likes`.
        sort: Option<String>,
        /// The direction of the order: -1 for falling.
        direction: Option<i64>,
        /// How many to fetch at most; all of them if unset.
        limit: Option<Arg<usize>>,
        /// The parts of the descriptions to send; the others are left out.
        expand: Many<ExpandModelProperty>,
        /// Whether to send the commit, the files and all tags.
        full: Option<bool>,
        /// Whether to send the metadata of the cards.
        cardData: bool,
        /// Whether to send parts of the `config.json` files.
        fetch_config: bool,
    }
}

impl ListModelsRequest {
    fn has_cards(&self) -> bool {
        self.cardData || self.full == Some(true) || self.expand.contains(&ExpandModelProperty::CardData)
    }
}

impl List for ListModelsRequest {
    type Item = ModelInfo;

    fn http(&self) -> Http {
        let full = self.full == Some(true);
        if !self.expand.is_empty() && (full || self.cardData || self.fetch_config) {
            return expand_excludes("`full`, `cardData` or `fetch_config`");
        }
        if self.emissions_thresholds.is_some() && !self.has_cards() {
            let message = "`emissions_thresholds` are compared with the cards: set `cardData` too";
            return Http::invalid(InvalidArgument::new(message));
        }
        let gated = self.gated.map(|gated| if gated { "True" } else { "False" });
        Http::get("/api/models")
            .texts("filter", &self.filter)
            .texts("filter", &self.library)
            .texts("filter", &self.task)
            .tags_of("dataset", &self.trained_dataset)
            .texts("filter", &self.language)
            .texts("filter", &self.tags)
            .text("author", self.author.as_ref())
            .query_some("gated", gated)
            .query_some("inference", self.inference.as_ref())
            .text("pipeline_tag", self.pipeline_tag.as_ref())
            .text("search", self.model_name.as_ref())
            .text("search", self.search.as_ref())
            .sorted(self.sort.as_ref(), self.direction, self.limit.as_ref())
            .switch("full", full)
            .switch("config", self.fetch_config)
            .switch("cardData", self.cardData)
            .query_each("expand", &*self.expand)
    }

    fn limit(&self) -> Option<usize> {
        limit_of(self.limit.as_ref())
    }

    fn keeps(&self, model: &ModelInfo) -> bool {
        let Some(thresholds) = &self.emissions_thresholds else { return true };
        model.card_data.as_ref().is_some_and(|card| thresholds.contain(card))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn models() -> ListModelsRequest {
        ListModelsRequest::new()
    }

    fn query(http: Http) -> Vec<(String, String)> {
        assert_eq!(http.invalid, None);
        http.query
    }

    #[test]
    fn nothing_given_is_nothing_sent() {
        assert_eq!(models().http(), Http::get("/api/models"));
        let request = models().author("").filter("").search("").full(false);
        assert_eq!(request.http(), Http::get("/api/models"));
    }

    #[test]
    fn every_argument_has_its_place() {
        let request = models()
            .filter("a")
            .author("me")
            .gated(false)
            .inference("warm")
            .library(["l1", "l2"])
            .language("en")
            .model_name("bert")
            .task("fill-mask")
            .trained_dataset(["d1", "dataset:d2"])
            .tags("t")
            .search("tiny")
            .pipeline_tag("p")
            .sort("trending_score")
            .direction(-1)
            .limit(5)
            .full(true)
            .cardData(true)
            .fetch_config(true);
        let expected = [
            ("filter", "a"),
            ("filter", "l1"),
            ("filter", "l2"),
            ("filter", "fill-mask"),
            ("filter", "dataset:d1"),
            ("filter", "dataset:d2"),
            ("filter", "en"),
            ("filter", "t"),
            ("author", "me"),
            ("gated", "False"),
            ("inference", "warm"),
            ("pipeline_tag", "p"),
            ("search", "bert"),
            ("search", "tiny"),
            ("sort", "trendingScore"),
            ("direction", "-1"),
            ("limit", "5"),
            ("full", "True"),
            ("config", "True"),
            ("cardData", "True"),
        ];
        assert_eq!(query(request.http()), expected.map(|(name, value)| (name.into(), value.into())));
        assert_eq!(List::limit(&request), Some(5));
    }

    #[test]
    fn parts_exclude_more_than_usual() {
        for request in [models().full(true), models().cardData(true), models().fetch_config(true)] {
            assert!(request.expand(["likes"]).http().invalid.is_some());
        }
        let request = models().expand(["likes"]).full(false);
        assert_eq!(query(request.http()), [("expand".to_owned(), "likes".to_owned())]);
    }

    #[test]
    fn emissions_need_the_cards() {
        let request = models().emissions_thresholds((1.0, 2.0));
        assert!(request.clone().http().invalid.is_some());
        assert!(request.clone().cardData(true).http().invalid.is_none());
        assert!(request.expand(["cardData"]).http().invalid.is_none());
    }

    #[test]
    fn only_models_within_the_bounds_are_kept() {
        let request = models().emissions_thresholds((1.0, 2.0));
        let model = |json| serde_json::from_value::<ModelInfo>(json).unwrap();
        assert!(request.keeps(&model(json!({"id": "a", "cardData": {"co2_eq_emissions": 1.5}}))));
        assert!(!request.keeps(&model(json!({"id": "a", "cardData": {"co2_eq_emissions": 3}}))));
        assert!(!request.keeps(&model(json!({"id": "a"}))));
        assert!(models().keeps(&model(json!({"id": "a"}))));
    }
}
