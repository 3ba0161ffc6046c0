//! The items of collections.
use super::{GetCollectionRequest, collection_path};
use crate::macros::{composite, endpoint};
use crate::types::{Collection, CollectionItemType};
use crate::{Endpoint, Error, HfApi, Http, Result, Run};
use serde_json::json;

composite! {
    /// Adds a repository or a paper to a collection, at its end.
    ///
    /// Returns the collection as it is then. Needs a token that may write for the owner.
    /// `POST /api/collections/{slug}/items`; with `exists_ok` `GET /api/collections/{slug}` after a conflict.
    ///
    /// # Errors
    /// `BadRequest` if the note is too long; `Http` with status 404 if there is no such collection or no such item,
    /// with status 409 if it is in the collection already, unless `exists_ok`, and with status 403 if the token may
    /// not change the collection.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let slug = "me/recent-models-64f9a55bb3115b4f513ec026";
    /// let collection = api.add_collection_item(slug, "me/model", "model").note("Nice **model**").await?;
    /// println!("{} items", collection.items.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_collection_item(
        /// The slug: `owner/title-64f9a55bb3115b4f513ec026`.
        collection_slug: String,
        /// The name of the repository, or the id of the paper.
        item_id: String,
        /// The kind of the item.
        item_type: CollectionItemType,
    ) -> Collection;

    /// The parameters of [`HfApi::add_collection_item`].
    pub struct AddCollectionItemRequest {
        /// What the owner says of it, up to 500 characters.
        note: Option<String>,
        /// Whether an item that is in the collection already counts as success; its note stays.
        exists_ok: bool,
    }
}

impl AddCollectionItemRequest {
    /// The exchange that adds the item.
    pub fn http(&self) -> Http {
        Http::post(collection_path(&self.collection_slug).push("items")).json(json!({
            "item": { "id": self.item_id, "type": self.item_type },
            "note": self.note,
        }))
    }
}

impl Run for AddCollectionItemRequest {
    async fn run(self, api: HfApi) -> Result<Collection> {
        match api.exchange(self.http()).await {
            Ok(answer) => Ok(answer.json::<Collection>()?.with_endpoint(api.endpoint())),
            Err(error) if self.exists_ok && error.status() == Some(409) => {
                api.send(GetCollectionRequest::new(self.collection_slug)).await
            }
            Err(error) => Err(error),
        }
    }
}

endpoint! {
    /// Changes the note or the place of an item; what is not given stays.
    ///
    /// Needs a token that may write for the owner. `PATCH /api/collections/{slug}/items/{item_object_id}`.
    ///
    /// # Errors
    /// `BadRequest` if a value is not allowed; `Http` with status 404 if there is no such collection or item, and with
    /// status 403 if the token may not change it.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let slug = "me/recent-models-64f9a55bb3115b4f513ec026";
    /// let collection = api.get_collection(slug).await?;
    /// if let Some(last) = collection.items.last() {
    ///     api.update_collection_item(slug, &last.item_object_id).note("Newest").position(0).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn update_collection_item(
        /// The slug: `owner/title-64f9a55bb3115b4f513ec026`.
        collection_slug: String,
        /// The id of the item itself, which [`HfApi::get_collection`] tells; not that of the repository.
        item_object_id: String,
    ) -> ();

    /// The parameters of [`HfApi::update_collection_item`].
    pub struct UpdateCollectionItemRequest {
        /// What the owner says of it, up to 500 characters; an empty note removes it.
        note: Option<String>,
        /// The place in the collection, counted from zero.
        position: Option<i64>,
    }
}

impl Endpoint for UpdateCollectionItemRequest {
    fn http(&self) -> Http {
        let path = collection_path(&self.collection_slug).push("items").push(&self.item_object_id);
        Http::patch(path).json(json!({ "position": self.position, "note": self.note }))
    }
}

endpoint! {
    /// Removes an item from a collection; the repository or paper stays.
    ///
    /// Needs a token that may write for the owner. `DELETE /api/collections/{slug}/items/{item_object_id}`.
    ///
    /// # Errors
    /// `Http` with status 404 if there is no such collection or item, unless `missing_ok`, and with status 403 if the
    /// token may not change it.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let slug = "me/recent-models-64f9a55bb3115b4f513ec026";
    /// api.delete_collection_item(slug, "64f9a55bb3115b4f513ec001").missing_ok(true).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete_collection_item(
        /// The slug: `owner/title-64f9a55bb3115b4f513ec026`.
        collection_slug: String,
        /// The id of the item itself, which [`HfApi::get_collection`] tells; not that of the repository.
        item_object_id: String,
    ) -> ();

    /// The parameters of [`HfApi::delete_collection_item`].
    pub struct DeleteCollectionItemRequest {
        /// Whether an item that is not there counts as success.
        missing_ok: bool,
    }
}

impl Endpoint for DeleteCollectionItemRequest {
    fn http(&self) -> Http {
        Http::delete(collection_path(&self.collection_slug).push("items").push(&self.item_object_id))
    }

    fn recover(&self, _api: &HfApi, error: Error) -> Result<()> {
        if self.missing_ok && error.status() == Some(404) { Ok(()) } else { Err(error) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_sent_only_when_given() {
        let add = |body| Http::post("/api/collections/me/c-1/items").json(body);
        let request = || AddCollectionItemRequest::new("me/c-1", "2307.09288", "paper");
        let item = json!({"id": "2307.09288", "type": "paper"});
        assert_eq!(request().http(), add(json!({ "item": item })));
        assert_eq!(request().note("").http(), add(json!({ "item": item, "note": "" })));
    }

    #[test]
    fn a_kind_that_is_not_known_here_is_left_to_the_hub() {
        let request = AddCollectionItemRequest::new("me/c-1", "b", "bucket");
        let expected = json!({"item": {"id": "b", "type": "bucket"}});
        assert_eq!(request.http(), Http::post("/api/collections/me/c-1/items").json(expected));
    }

    #[test]
    fn the_first_place_is_zero() {
        let request = UpdateCollectionItemRequest::new("me/c-1", "i/2").position(0);
        let expected = Http::patch("/api/collections/me/c-1/items/i%2F2").json(json!({"position": 0}));
        assert_eq!(request.http(), expected);
        let request = DeleteCollectionItemRequest::new("me/c-1", "i2");
        assert_eq!(request.http(), Http::delete("/api/collections/me/c-1/items/i2"));
    }
}
