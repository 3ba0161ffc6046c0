//! Listings of Spaces.
use super::search::{SearchQuery as _, expand_excludes, limit_of};
use crate::macros::listing;
use crate::types::{ExpandSpaceProperty, SpaceInfo};
use crate::{Arg, Http, List, Many};

listing! {
    /// Lists the Spaces that the token may see, with what is asked for.
    ///
    /// `GET /api/spaces`.
    ///
    /// # Errors
    /// `InvalidArgument` if `expand` and `full` are given both; `BadRequest` if the Hub does not know a value.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let spaces = api.list_spaces().models("openai-community/gpt2").sort("likes").limit(20).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_spaces() -> Stream<SpaceInfo>;

    /// The parameters of [`HfApi::list_spaces`](crate::HfApi::list_spaces).
    pub struct ListSpacesRequest {
        /// The tags that a Space must have, all of them.
        filter: Many<String>,
        /// The user or organization that owns it.
        author: Option<String>,
        /// A part of its name.
        search: Option<String>,
        /// The datasets that it uses.
        datasets: Many<String>,
        /// The models that it uses.
        models: Many<String>,
        /// Whether it must use a model or a dataset.
        linked: bool,
        /// What to sort by: `last_modified`, `trending_score`, `created_at` or `likes`.
        sort: Option<String>,
        /// The direction of the order: -1 for falling.
        direction: Option<i64>,
        /// How many to fetch at most; all of them if unset.
        limit: Option<Arg<usize>>,
        /// The parts of the descriptions to send; the others are left out.
        expand: Many<ExpandSpaceProperty>,
        /// Whether to send the commit, the files and the card.
        full: Option<bool>,
    }
}

impl List for ListSpacesRequest {
    type Item = SpaceInfo;

    fn http(&self) -> Http {
        let full = self.full == Some(true);
        if !self.expand.is_empty() && full {
            return expand_excludes("`full`");
        }
        Http::get("/api/spaces")
            .query_each("filter", &*self.filter)
            .query_some("author", self.author.as_ref())
            .query_some("search", self.search.as_ref())
            .sorted(self.sort.as_ref(), self.direction, self.limit.as_ref())
            .switch("linked", self.linked)
            .query_each("datasets", &*self.datasets)
            .query_each("models", &*self.models)
            .query_each("expand", &*self.expand)
            .switch("full", full)
    }

    fn limit(&self) -> Option<usize> {
        limit_of(self.limit.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_argument_has_its_place() {
        let request = ListSpacesRequest::new()
            .filter("gradio")
            .author("me")
            .search("chat")
            .datasets(["d1", "d2"])
            .models("m")
            .linked(true)
            .sort("last_modified")
            .direction(-1)
            .limit(2)
            .full(true);
        let expected = Http::get("/api/spaces")
            .query("filter", "gradio")
            .query("author", "me")
            .query("search", "chat")
            .query("sort", "lastModified")
            .query("direction", -1)
            .query("limit", 2)
            .query("linked", "True")
            .query_each("datasets", ["d1", "d2"])
            .query("models", "m")
            .query("full", "True");
        assert_eq!(request.http(), expected);
    }

    #[test]
    fn what_is_given_is_sent_even_if_it_is_empty() {
        let request = ListSpacesRequest::new().filter("").author("").search("").models("");
        let names = ["filter", "author", "search", "models"];
        let expected = names.into_iter().fold(Http::get("/api/spaces"), |http, name| http.query(name, ""));
        assert_eq!(request.http(), expected);
    }

    #[test]
    fn parts_exclude_more_than_usual() {
        let request = ListSpacesRequest::new().expand(["runtime", "sdk"]);
        assert_eq!(request.http(), Http::get("/api/spaces").query_each("expand", ["runtime", "sdk"]));
        assert!(request.full(true).http().invalid.is_some());
    }
}
