//! Finding discussions.
use crate::macros::listing;
use crate::types::{
    Discussion, DiscussionPage, DiscussionStatusFilter, DiscussionTypeFilter, RepoId, RepoType,
};
use crate::{Answer, Arg, HfApi, Http, List, Result, repo_path};
use bytes::Bytes;
use hub_types::InvalidArgument;

listing! {
    /// Lists the discussions and pull requests of a repository, newest first.
    ///
    /// `GET /api/{type}s/{repo_id}/discussions`, page by page.
    ///
    /// # Errors
    /// `InvalidArgument` if a filter is none of the known ones; `RepositoryNotFound`; `Http` with status 403 if
    /// discussions are switched off.
    ///
    /// ```no_run
    /// # use futures_util::TryStreamExt;
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let mut open = api.get_repo_discussions("gpt2").discussion_status("open").author("julien-c").stream();
    /// while let Some(discussion) = open.try_next().await? {
    ///     println!("#{} {}", discussion.num, discussion.title);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_repo_discussions(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> Stream<Discussion>;

    /// The parameters of [`HfApi::get_repo_discussions`].
    pub struct GetRepoDiscussionsRequest {
        /// Only what this user opened.
        author: Option<String>,
        /// Only discussions, or only pull requests.
        discussion_type: Option<DiscussionTypeFilter>,
        /// Only open ones, or only those that are no longer.
        discussion_status: Option<DiscussionStatusFilter>,
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl GetRepoDiscussionsRequest {
    fn page(&self, page: usize) -> Http {
        if let Some(kind) = self.discussion_type.as_ref().filter(|kind| !kind.is_known()) {
            return unknown("discussion_type", kind.as_str(), DiscussionTypeFilter::KNOWN);
        }
        if let Some(status) = self.discussion_status.as_ref().filter(|status| !status.is_known()) {
            return unknown("discussion_status", status.as_str(), DiscussionStatusFilter::KNOWN);
        }
        Http::get(repo_path(self.repo_type, &self.repo_id).push("discussions"))
            .query_some("type", self.discussion_type.as_ref())
            .query_some("status", self.discussion_status.as_ref())
            .query_some("author", self.author.as_ref())
            .query("p", page)
    }
}

fn unknown(name: &str, value: &str, known: &[&str]) -> Http {
    let known = known.join("`, `");
    Http::invalid(InvalidArgument::new(format!("invalid {name} {value:?}: it must be one of `{known}`")))
}

impl List for GetRepoDiscussionsRequest {
    type Item = Discussion;

    fn http(&self) -> Http {
        self.page(0)
    }

    fn items(&self, _api: &HfApi, page: Answer) -> Result<Vec<Discussion>> {
        Ok(page.json::<DiscussionPage>()?.discussions)
    }

    fn complete(&self, api: &HfApi, item: Discussion, _position: usize) -> Discussion {
        item.with_endpoint(api.endpoint())
    }

    fn next(&self, body: &Bytes, page: usize) -> Result<Option<Http>> {
        // A page that cannot be read is reported where its items are.
        let Ok(read) = serde_json::from_slice::<DiscussionPage>(body) else { return Ok(None) };
        Ok(read.has_next().then(|| self.page(page)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn page(start: u64, discussions: u64) -> Bytes {
        let one = |num: u64| -> Value {
            json!({"num": num + 1, "title": "t", "status": "open", "isPullRequest": false,
                "createdAt": "2024-01-01T00:00:00.000Z", "repo": {"name": "me/m", "type": "model"}})
        };
        let discussions: Vec<Value> = (start..start + discussions).map(one).collect();
        json!({"discussions": discussions, "start": start, "count": 5}).to_string().into()
    }

    #[test]
    fn every_filter_is_sent() {
        let request = GetRepoDiscussionsRequest::new("me/d")
            .repo_type(RepoType::Dataset)
            .author("ann b")
            .discussion_type("pull_request")
            .discussion_status("closed");
        let expected = Http::get("/api/datasets/me/d/discussions")
            .query("type", "pull_request")
            .query("status", "closed")
            .query("author", "ann b")
            .query("p", 0);
        assert_eq!(request.http(), expected);
    }

    #[test]
    fn a_filter_that_is_not_known_is_refused() {
        let kind = GetRepoDiscussionsRequest::new("me/d").discussion_type("issue");
        let message = kind.http().invalid.unwrap().to_string();
        assert!(message.contains("pull_request"), "{message}");
        assert!(GetRepoDiscussionsRequest::new("me/d").discussion_status("merged").http().invalid.is_some());
    }

    #[test]
    fn pages_go_on_until_the_count_is_reached() {
        let request = GetRepoDiscussionsRequest::new("me/m");
        let second = Http::get("/api/models/me/m/discussions").query("p", 1);
        assert_eq!(request.next(&page(0, 2), 1).unwrap(), Some(second));
        assert_eq!(request.next(&page(4, 1), 3).unwrap(), None);
        assert_eq!(request.next(&page(3, 0), 3).unwrap(), None, "an empty page is the last");
    }
}
