//! Collections one by one.
use super::collection_path;
use crate::macros::{composite, endpoint};
use crate::types::Collection;
use crate::{Answer, Endpoint, Error, ErrorKind, HfApi, Http, Result, Run};
use serde::Deserialize;
use serde_json::json;

endpoint! {
    /// Describes a collection, with all its items.
    ///
    /// Private ones are seen by their owners only. `GET /api/collections/{slug}`.
    ///
    /// # Errors
    /// `Http` with status 404 if there is no such collection, or the token may not see it.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let collection = api.get_collection("TheBloke/recent-models-64f9a55bb3115b4f513ec026").await?;
    /// for item in &collection.items {
    ///     println!("{} {}: {:?}", item.item_type, item.item_id, item.note);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_collection(
        /// The slug: `owner/title-64f9a55bb3115b4f513ec026`.
        collection_slug: String,
    ) -> Collection;

    /// The parameters of [`HfApi::get_collection`].
    pub struct GetCollectionRequest {}
}

impl Endpoint for GetCollectionRequest {
    fn http(&self) -> Http {
        Http::get(collection_path(&self.collection_slug))
    }

    fn decode(&self, api: &HfApi, answer: Answer) -> Result<Collection> {
        Ok(answer.json::<Collection>()?.with_endpoint(api.endpoint()))
    }
}

composite! {
    /// Creates a collection, without items.
    ///
    /// Needs a token that may write for the owner. `POST /api/collections`; without a namespace
    /// `GET /api/whoami-v2` before, and with `exists_ok` `GET /api/collections/{slug}` after a conflict.
    ///
    /// # Errors
    /// `BadRequest` if the title or the description is too long; `Http` with status 409 if the owner has a collection
    /// of this title, unless `exists_ok`, and with status 403 if the token may not write for the owner. Without a
    /// namespace `TokenMissing` if there is no token.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let collection = api.create_collection("ICCV 2023").description("Papers of note").exists_ok(true).await?;
    /// println!("{}", collection.url);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_collection(
        /// The title.
        title: String,
    ) -> Collection;

    /// The parameters of [`HfApi::create_collection`].
    pub struct CreateCollectionRequest {
        /// The user or organization that owns it; the owner of the token if unset.
        namespace: Option<String>,
        /// What it is about.
        description: Option<String>,
        /// Whether only its owner sees it.
        private: bool,
        /// Whether an existing collection of this title counts as success; it is returned as it is.
        exists_ok: bool,
    }
}

impl CreateCollectionRequest {
    /// The exchange that creates the collection for an owner.
    pub fn http(&self, namespace: &str) -> Http {
        Http::post("/api/collections").json(json!({
            "title": self.title,
            "namespace": namespace,
            "private": self.private,
            "description": self.description,
        }))
    }
}

impl Run for CreateCollectionRequest {
    async fn run(mut self, api: HfApi) -> Result<Collection> {
        let namespace = match self.namespace.take() {
            Some(namespace) => namespace,
            None => own_name(&api).await?,
        };
        let refusal = match api.exchange(self.http(&namespace)).await {
            Ok(answer) => return Ok(answer.json::<Collection>()?.with_endpoint(api.endpoint())),
            Err(error) => error,
        };
        let existing = refusal.http().and_then(|http| http.slug.as_deref());
        match (refusal.status(), existing) {
            (Some(409), Some(slug)) if self.exists_ok => api.send(GetCollectionRequest::new(slug)).await,
            _ => Err(refusal),
        }
    }
}

async fn own_name(api: &HfApi) -> Result<String> {
    let me = api.whoami().await?;
    let nameless =
        || Error::new(ErrorKind::Decode, "the Hub does not say whose token this is; give `namespace`");
    me.name().map(str::to_owned).ok_or_else(nameless)
}

endpoint! {
    /// Changes what is said of a collection; what is not given stays.
    ///
    /// The slug keeps its id and gets the words of a new title. Needs a token that may write for the owner.
    /// `PATCH /api/collections/{slug}`.
    ///
    /// # Errors
    /// `BadRequest` if a value is not allowed; `Http` with status 404 if there is no such collection, and with status
    /// 403 if the token may not change it.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let slug = "me/iccv-2023-64f9a55bb3115b4f513ec026";
    /// let collection = api.update_collection_metadata(slug).title("ICCV 2024").position(0).theme("pink").await?;
    /// println!("{}", collection.slug);
    /// # Ok(())
    /// # }
    /// ```
    pub fn update_collection_metadata(
        /// The slug: `owner/title-64f9a55bb3115b4f513ec026`.
        collection_slug: String,
    ) -> Collection;

    /// The parameters of [`HfApi::update_collection_metadata`].
    pub struct UpdateCollectionMetadataRequest {
        /// The title.
        title: Option<String>,
        /// What it is about.
        description: Option<String>,
        /// The place among the collections of its owner, counted from zero.
        position: Option<i64>,
        /// Whether only its owner sees it.
        private: Option<bool>,
        /// The colour on the Hub's pages.
        theme: Option<String>,
    }
}

/// The answer to a change of a collection.
#[derive(Deserialize)]
struct Changed {
    data: Collection,
}

impl Endpoint for UpdateCollectionMetadataRequest {
    fn http(&self) -> Http {
        Http::patch(collection_path(&self.collection_slug)).json(json!({
            "position": self.position,
            "private": self.private,
            "theme": self.theme,
            "title": self.title,
            "description": self.description,
        }))
    }

    fn decode(&self, api: &HfApi, answer: Answer) -> Result<Collection> {
        Ok(answer.json::<Changed>()?.data.with_endpoint(api.endpoint()))
    }
}

endpoint! {
    /// Deletes a collection; what was in it stays.
    ///
    /// It cannot be undone. Needs a token that may write for the owner. `DELETE /api/collections/{slug}`.
    ///
    /// # Errors
    /// `Http` with status 404 if there is no such collection, unless `missing_ok`, and with status 403 if the token
    /// may not delete it.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.delete_collection("me/iccv-2023-64f9a55bb3115b4f513ec026").missing_ok(true).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete_collection(
        /// The slug: `owner/title-64f9a55bb3115b4f513ec026`.
        collection_slug: String,
    ) -> ();

    /// The parameters of [`HfApi::delete_collection`].
    pub struct DeleteCollectionRequest {
        /// Whether a collection that does not exist counts as success.
        missing_ok: bool,
    }
}

impl Endpoint for DeleteCollectionRequest {
    fn http(&self) -> Http {
        Http::delete(collection_path(&self.collection_slug))
    }

    fn recover(&self, _api: &HfApi, error: Error) -> Result<()> {
        if self.missing_ok && error.status() == Some(404) { Ok(()) } else { Err(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_in_a_slug_is_a_segment_of_its_own() {
        let expected = Http::get("/api/collections/me/a%20b%23c-1");
        assert_eq!(GetCollectionRequest::new("me/a b#c-1").http(), expected);
        let expected = Http::delete("/api/collections/me/c-1");
        assert_eq!(DeleteCollectionRequest::new("me/c-1").http(), expected);
    }

    #[test]
    fn an_empty_description_is_one() {
        let create = |body| Http::post("/api/collections").json(body);
        let request = CreateCollectionRequest::new("T");
        let plain = json!({"title": "T", "namespace": "me", "private": false});
        assert_eq!(request.http("me"), create(plain));
        let described = json!({"title": "T", "namespace": "lab", "private": true, "description": ""});
        assert_eq!(request.description("").private(true).http("lab"), create(described));
    }

    #[test]
    fn only_what_is_given_changes() {
        let change = |body| Http::patch("/api/collections/me/c-1").json(body);
        let request = || UpdateCollectionMetadataRequest::new("me/c-1");
        assert_eq!(request().http(), change(json!({})));
        let hidden = request().private(false).position(0);
        assert_eq!(hidden.http(), change(json!({"private": false, "position": 0})));
        let themed = request().title("").theme("blue").description("d");
        assert_eq!(themed.http(), change(json!({"title": "", "theme": "blue", "description": "d"})));
    }
}
