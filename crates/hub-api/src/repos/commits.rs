//! The history of repositories.
use crate::macros::{endpoint, listing};
use crate::paths::PushRevision as _;
use crate::request::LONG_ANSWER;
use crate::types::{GitCommitInfo, RepoId, RepoType, Revision};
use crate::{Arg, Endpoint, Http, List, repo_api, repo_path};
use hub_http::Method;
use serde_json::json;

listing! {
    /// Lists the commits of a revision, the newest first.
    ///
    /// `GET /api/{type}s/{repo_id}/commits/{revision}`.
    ///
    /// # Errors
    /// `RepositoryNotFound`, `GatedRepo`, `RevisionNotFound`.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// for commit in api.list_repo_commits("openai-community/gpt2").await? {
    ///     println!("{} {}", commit.commit_id, commit.title);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_repo_commits(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> Stream<GitCommitInfo>;

    /// The parameters of [`HfApi::list_repo_commits`](crate::HfApi::list_repo_commits).
    pub struct ListRepoCommitsRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
        /// The branch, tag or commit to begin with; the default branch if unset.
        revision: Option<Arg<Revision>>,
        /// Whether to tell titles and messages as HTML too.
        formatted: bool,
    }
}

impl List for ListRepoCommitsRequest {
    type Item = GitCommitInfo;

    fn http(&self) -> Http {
        let path =
            repo_path(self.repo_type, &self.repo_id).push("commits").push_revision(self.revision.as_ref());
        let http = Http::get(path);
        if self.formatted { http.query("expand[]", "formatted") } else { http }
    }
}

endpoint! {
    /// Replaces the commits of a branch with a single one that has the same files, for good.
    ///
    /// Large files that no other revision needs are freed. Needs a token that may write to the repository.
    /// `POST /api/{type}s/{repo_id}/super-squash/{branch}`.
    ///
    /// # Errors
    /// `RepositoryNotFound`, `RevisionNotFound`; `BadRequest` if it is not a branch.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.super_squash_history("me/model").branch("checkpoints").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn super_squash_history(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> ();

    /// The parameters of [`HfApi::super_squash_history`](crate::HfApi::super_squash_history).
    pub struct SuperSquashHistoryRequest {
        /// The branch; the default branch if unset.
        branch: Option<String>,
        /// The message of the commit; one that names the branch if unset.
        commit_message: Option<String>,
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for SuperSquashHistoryRequest {
    fn http(&self) -> Http {
        let branch = self.branch.as_deref().unwrap_or(Revision::MAIN);
        let given = self.commit_message.clone().filter(|message| !message.is_empty());
        // The Python client's words, so that histories read the same.
        let message =
            given.unwrap_or_else(|| format!("Super-squash branch '{branch}' using huggingface_hub"));
        repo_api(Method::POST, self.repo_type, &self.repo_id, &["super-squash", branch])
            .json(json!({ "message": message }))
            .timeout(Some(LONG_ANSWER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commits_begin_at_the_revision() {
        let request = ListRepoCommitsRequest::new("me/s").repo_type(RepoType::Space).revision("a/b");
        let expected = Http::get("/api/spaces/me/s/commits/a%2Fb");
        assert_eq!(request.http(), expected);
        assert_eq!(request.formatted(true).http(), expected.query("expand[]", "formatted"));
        assert_eq!(ListRepoCommitsRequest::new("m").http(), Http::get("/api/models/m/commits/main"));
    }

    #[test]
    fn squashing_names_the_branch_unless_told_what_to_say() {
        let squash = |branch: &str, message: &str| {
            Http::post(format!("/api/models/m/super-squash/{branch}").as_str())
                .json(json!({ "message": message }))
                .timeout(Some(LONG_ANSWER))
        };
        let request = || SuperSquashHistoryRequest::new("m");
        let words = "Super-squash branch 'main' using huggingface_hub";
        assert_eq!(request().http(), squash("main", words));
        assert_eq!(request().commit_message("").http(), squash("main", words));
        assert_eq!(request().branch("a/b").commit_message("x").http(), squash("a%2Fb", "x"));
    }
}
