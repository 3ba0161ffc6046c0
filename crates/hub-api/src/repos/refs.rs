//! Branches and tags.
use crate::macros::{composite, endpoint};
use crate::paths::PushRevision as _;
use crate::types::{GitRefs, RepoId, RepoType, Revision};
use crate::{Arg, Endpoint, Error, HfApi, Http, Result, Run, repo_api, repo_path};
use hub_http::Method;
use serde_json::json;

composite! {
    /// Creates a branch.
    ///
    /// It begins at `revision`, or at the head of the default branch. Needs a token that may write to the repository.
    /// `POST /api/{type}s/{repo_id}/branch/{branch}`.
    ///
    /// # Errors
    /// `RepositoryNotFound`, `RevisionNotFound`; `BadRequest` if the name is no branch name; `Http` with status 409
    /// if the branch exists, unless `exist_ok`.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.create_branch("me/model", "experiment").revision("v1").exist_ok(true).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_branch(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The name of the branch.
        branch: String,
    ) -> ();

    /// The parameters of [`HfApi::create_branch`].
    pub struct CreateBranchRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
        /// Where the branch begins: a branch, tag or commit.
        revision: Option<Arg<Revision>>,
        /// Whether an existing branch of this name counts as success.
        exist_ok: bool,
    }
}

impl CreateBranchRequest {
    /// The exchange that creates the branch.
    pub fn http(&self) -> Http {
        let path = repo_path(self.repo_type, &self.repo_id).push("branch").push(&self.branch);
        match self.revision.as_ref().map(Arg::get).transpose() {
            Ok(revision) => Http::post(path).json(json!({ "startingPoint": revision })),
            Err(error) => Http::invalid(error),
        }
    }
}

impl Run for CreateBranchRequest {
    async fn run(self, api: HfApi) -> Result<()> {
        let refusal = match api.exchange(self.http()).await {
            Ok(_) => return Ok(()),
            Err(error) if self.exist_ok => error,
            Err(error) => return Err(error),
        };
        match refusal.status() {
            Some(409) => Ok(()),
            // A protected branch is refused before it is looked at; what exists may still be seen.
            Some(403) => {
                let refs = ListRepoRefsRequest {
                    repo_type: self.repo_type,
                    ..ListRepoRefsRequest::new(self.repo_id)
                };
                let exists = api.send(refs).await?.branches.iter().any(|known| known.name == self.branch);
                if exists { Ok(()) } else { Err(refusal) }
            }
            _ => Err(refusal),
        }
    }
}

endpoint! {
    /// Deletes a branch.
    ///
    /// The default branch cannot be deleted. Needs a token that may write to the repository.
    /// `DELETE /api/{type}s/{repo_id}/branch/{branch}`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `Http` if the branch is protected or does not exist.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.delete_branch("me/model", "experiment").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete_branch(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The name of the branch.
        branch: String,
    ) -> ();

    /// The parameters of [`HfApi::delete_branch`].
    pub struct DeleteBranchRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for DeleteBranchRequest {
    fn http(&self) -> Http {
        repo_api(Method::DELETE, self.repo_type, &self.repo_id, &["branch", &self.branch])
    }
}

endpoint! {
    /// Creates a tag on a revision.
    ///
    /// Needs a token that may write to the repository. `POST /api/{type}s/{repo_id}/tag/{revision}`.
    ///
    /// # Errors
    /// `RepositoryNotFound`, `RevisionNotFound`; `Http` with status 409 if the tag exists, unless `exist_ok`.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.create_tag("me/model", "v1").tag_message("first release").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_tag(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The name of the tag.
        tag: String,
    ) -> ();

    /// The parameters of [`HfApi::create_tag`].
    pub struct CreateTagRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
        /// The revision to tag; the default branch if unset.
        revision: Option<Arg<Revision>>,
        /// The message of an annotated tag.
        tag_message: Option<String>,
        /// Whether an existing tag of this name counts as success.
        exist_ok: bool,
    }
}

impl Endpoint for CreateTagRequest {
    fn http(&self) -> Http {
        let path = repo_path(self.repo_type, &self.repo_id).push("tag").push_revision(self.revision.as_ref());
        Http::post(path).json(json!({ "tag": self.tag, "message": self.tag_message }))
    }

    fn recover(&self, _api: &HfApi, error: Error) -> Result<()> {
        if self.exist_ok && error.status() == Some(409) { Ok(()) } else { Err(error) }
    }
}

endpoint! {
    /// Deletes a tag.
    ///
    /// Needs a token that may write to the repository. `DELETE /api/{type}s/{repo_id}/tag/{tag}`.
    ///
    /// # Errors
    /// `RepositoryNotFound`, `RevisionNotFound` if there is no such tag.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.delete_tag("me/model", "v1").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete_tag(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The name of the tag.
        tag: String,
    ) -> ();

    /// The parameters of [`HfApi::delete_tag`].
    pub struct DeleteTagRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for DeleteTagRequest {
    fn http(&self) -> Http {
        repo_api(Method::DELETE, self.repo_type, &self.repo_id, &["tag", &self.tag])
    }
}

endpoint! {
    /// Lists the branches, tags and pull request references of a repository.
    ///
    /// `GET /api/{type}s/{repo_id}/refs`.
    ///
    /// # Errors
    /// `RepositoryNotFound`, `GatedRepo`.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// for branch in api.list_repo_refs("gpt2").await?.branches {
    ///     println!("{} {}", branch.name, branch.target_commit);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_repo_refs(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> GitRefs;

    /// The parameters of [`HfApi::list_repo_refs`].
    pub struct ListRepoRefsRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
        /// Whether pull request references are listed too.
        include_pull_requests: bool,
    }
}

impl Endpoint for ListRepoRefsRequest {
    fn http(&self) -> Http {
        let http = repo_api(Method::GET, self.repo_type, &self.repo_id, &["refs"]);
        if self.include_pull_requests { http.query("include_prs", 1) } else { http }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revision_with_slash_is_one_path_segment() {
        let request = CreateTagRequest::new("me/model", "v1").revision("refs/pr/1").tag_message("first");
        let expected = Http::post("/api/models/me/model/tag/refs%2Fpr%2F1")
            .json(json!({ "tag": "v1", "message": "first" }));
        assert_eq!(request.http(), expected);
    }

    #[test]
    fn tag_without_message_sends_none() {
        let request = DeleteTagRequest::new("me/data", "a b").repo_type(RepoType::Dataset);
        assert_eq!(request.http(), Http::delete("/api/datasets/me/data/tag/a%20b"));
        let request = CreateTagRequest::new("gpt2", "v1");
        assert_eq!(request.http(), Http::post("/api/models/gpt2/tag/main").json(json!({ "tag": "v1" })));
    }

    #[test]
    fn branch_begins_at_the_revision() {
        let request = CreateBranchRequest::new("me/model", "a/b").revision("v1");
        let expected = Http::post("/api/models/me/model/branch/a%2Fb").json(json!({ "startingPoint": "v1" }));
        assert_eq!(request.http(), expected);
    }
}
