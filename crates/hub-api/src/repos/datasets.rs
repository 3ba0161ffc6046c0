//! Listings of datasets.
use super::search::{SearchQuery as _, expand_excludes, limit_of};
use crate::macros::listing;
use crate::types::{DatasetInfo, ExpandDatasetProperty};
use crate::{Arg, Http, List, Many};

listing! {
    /// Lists the datasets that the token may see, with what is asked for.
    ///
    /// `filter`, `tags`, and the parameters named after a kind of tag (`task_categories`, which means the tags
    /// `task_categories:…`) all name tags that a dataset must have; `dataset_name` and `search` both look in its name.
    /// `GET /api/datasets`.
    ///
    /// # Errors
    /// `InvalidArgument` if `expand` and `full` are given both; `BadRequest` if the Hub does not know a value.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let datasets = api.list_datasets().language("fr").task_categories("translation").limit(20).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_datasets() -> Stream<DatasetInfo>;

    /// The parameters of [`HfApi::list_datasets`](crate::HfApi::list_datasets).
    pub struct ListDatasetsRequest {
        /// The tags that a dataset must have, all of them.
        filter: Many<String>,
        /// The user or organization that owns it.
        author: Option<String>,
        /// The benchmarks that it belongs to.
        benchmark: Many<String>,
        /// A part of its name.
        dataset_name: Option<String>,
        /// Whether access must be asked for.
        gated: Option<bool>,
        /// How its texts came about: `crowdsourced`.
        language_creators: Many<String>,
        /// Its languages: `en`.
        language: Many<String>,
        /// Whether it has several languages: `multilingual`.
        multilinguality: Many<String>,
        /// Its size: `100K<n<1M`.
        size_categories: Many<String>,
        /// More tags that it must have.
        tags: Many<String>,
        /// The tasks that it is for: `text-classification`.
        task_categories: Many<String>,
        /// The tasks that it is for, more closely: `sentiment-classification`.
        task_ids: Many<String>,
        /// A part of its name.
        search: Option<String>,
        /// What to sort by: `last_modified`, `trending_score`, `created_at`, `downloads` or `likes`.
        sort: Option<String>,
        /// The direction of the order: -1 for falling.
        direction: Option<i64>,
        /// How many to fetch at most; all of them if unset.
        limit: Option<Arg<usize>>,
        /// The parts of the descriptions to send; the others are left out.
        expand: Many<ExpandDatasetProperty>,
        /// Whether to send the commit, the files and the card.
        full: Option<bool>,
    }
}

impl List for ListDatasetsRequest {
    type Item = DatasetInfo;

    fn http(&self) -> Http {
        let full = self.full == Some(true);
        if !self.expand.is_empty() && full {
            return expand_excludes("`full`");
        }
        let gated = self.gated.map(|gated| if gated { "True" } else { "False" });
        Http::get("/api/datasets")
            .query_each("filter", &*self.filter)
            .tags_of("benchmark", &self.benchmark)
            .tags_of("language_creators", &self.language_creators)
            .tags_of("language", &self.language)
            .tags_of("multilinguality", &self.multilinguality)
            .tags_of("size_categories", &self.size_categories)
            .tags_of("task_categories", &self.task_categories)
            .tags_of("task_ids", &self.task_ids)
            .query_each("filter", &*self.tags)
            .text("author", self.author.as_ref())
            .query_some("gated", gated)
            .text("search", self.dataset_name.as_ref())
            .text("search", self.search.as_ref())
            .sorted(self.sort.as_ref(), self.direction, self.limit.as_ref())
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
        let request = ListDatasetsRequest::new()
            .filter(["a", "b"])
            .author("me")
            .benchmark("raft")
            .dataset_name("wiki")
            .gated(true)
            .language_creators("crowdsourced")
            .language(["fr", "language:en"])
            .multilinguality("multilingual")
            .size_categories("100K<n<1M")
            .tags("t")
            .task_categories("translation")
            .task_ids("paraphrase")
            .search("text")
            .sort("created_at")
            .direction(-1)
            .limit(3)
            .full(true);
        let expected = Http::get("/api/datasets")
            .query_each(
                "filter",
                [
                    "a",
                    "b",
                    "benchmark:raft",
                    "language_creators:crowdsourced",
                    "language:fr",
                    "language:en",
                    "multilinguality:multilingual",
                    "size_categories:100K<n<1M",
                    "task_categories:translation",
                    "task_ids:paraphrase",
                    "t",
                ],
            )
            .query("author", "me")
            .query("gated", "True")
            .query_each("search", ["wiki", "text"])
            .query("sort", "createdAt")
            .query("direction", -1)
            .query("limit", 3)
            .query("full", "True");
        assert_eq!(request.http(), expected);
    }

    #[test]
    fn empty_tags_are_sent_and_other_empty_texts_are_not() {
        let request =
            ListDatasetsRequest::new().filter("").tags(["", "t"]).author("").language("").search("");
        assert_eq!(request.http(), Http::get("/api/datasets").query_each("filter", ["", "", "t"]));
    }

    #[test]
    fn parts_exclude_more_than_usual() {
        let request = ListDatasetsRequest::new().expand(["likes"]);
        assert_eq!(request.http(), Http::get("/api/datasets").query("expand", "likes"));
        assert!(request.full(true).http().invalid.is_some());
    }
}
