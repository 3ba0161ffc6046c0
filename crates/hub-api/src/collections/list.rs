//! Finding collections.
use crate::macros::listing;
use crate::types::{Collection, CollectionSort};
use crate::{Arg, HfApi, Http, List, Many};

listing! {
    /// Lists collections.
    ///
    /// Items are cut at four a collection: [`HfApi::get_collection`] has them all. The position of each is its place
    /// in this listing. `GET /api/collections`, page by page.
    ///
    /// # Errors
    /// `InvalidArgument` if the limit is no number of items; `BadRequest` if the Hub does not know the order.
    ///
    /// ```no_run
    /// # use futures_util::TryStreamExt;
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let mut found = api.list_collections().item("models/openai-community/gpt2").sort("upvotes").limit(5).stream();
    /// while let Some(collection) = found.try_next().await? {
    ///     println!("{} {}", collection.upvotes, collection.title);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_collections() -> Stream<Collection>;

    /// The parameters of [`HfApi::list_collections`].
    pub struct ListCollectionsRequest {
        /// Only those of these users and organizations.
        owner: Many<String>,
        /// Only those with one of these items: `models/teknium/OpenHermes-2.5`, `papers/2311.12983`.
        item: Many<String>,
        /// The order.
        sort: Option<CollectionSort>,
        /// At most this many.
        limit: Option<Arg<usize>>,
    }
}

impl List for ListCollectionsRequest {
    type Item = Collection;

    fn http(&self) -> Http {
        let limit = match self.limit.as_ref().map(Arg::get).transpose() {
            Ok(limit) => limit,
            Err(error) => return Http::invalid(error),
        };
        Http::get("/api/collections")
            .query_each("owner", &self.owner)
            .query_each("item", &self.item)
            .query_some("sort", self.sort.as_ref())
            .query_some("limit", limit)
    }

    fn limit(&self) -> Option<usize> {
        self.limit.as_ref().and_then(|limit| limit.get().ok().copied())
    }

    fn complete(&self, api: &HfApi, item: Collection, position: usize) -> Collection {
        item.with_endpoint(api.endpoint()).with_position(position as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_filter_is_sent() {
        let request = ListCollectionsRequest::new()
            .owner(["me", "lab"])
            .item("papers/2311.12983")
            .sort("trending")
            .limit(3);
        let expected = Http::get("/api/collections")
            .query("owner", "me")
            .query("owner", "lab")
            .query("item", "papers/2311.12983")
            .query("sort", "trending")
            .query("limit", 3);
        assert_eq!(request.http(), expected);
        assert_eq!(List::limit(&request), Some(3));
    }

    #[test]
    fn nothing_is_sent_that_was_not_asked_for() {
        assert_eq!(ListCollectionsRequest::new().http(), Http::get("/api/collections"));
    }

    #[test]
    fn a_limit_below_zero_is_refused() {
        assert!(ListCollectionsRequest::new().limit(-1).http().invalid.is_some());
    }
}
