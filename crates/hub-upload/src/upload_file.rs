//! Uploading one file.
use crate::commit::Commit;
use crate::commit::operation::CommitOperation;
use crate::place::Place;
use crate::source::Source;
use hub_api::{Arg, HfApi, Result, Run, request};
use hub_types::{CommitInfo, RepoId, RepoType, Revision};

request! {
    /// Uploads a file in a commit of its own.
    ///
    /// A large file goes to the LFS storage, a small one with the commit. If the repository has this content under this
    /// name already, no commit is made and the current one is described. The repository has to exist.
    /// Needs a token that may write to it, or may read it with `create_pr`.
    /// `POST /api/{type}s/{repo_id}/preupload/{revision}`, the LFS protocol, then
    /// `POST /api/{type}s/{repo_id}/commit/{revision}`.
    ///
    /// # Errors
    /// As `create_commit`.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// # use hub_upload::Uploads as _;
    /// api.upload_file("./out/model.safetensors", "model.safetensors", "me/model").await?;
    /// api.upload_file(b"hello".to_vec(), "greeting.txt", "me/model").create_pr(true).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn upload_file(
        /// The content: a path, bytes, or a reader.
        path_or_fileobj: Source,
        /// The file in the repository.
        path_in_repo: String,
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> CommitInfo;

    /// The parameters of [`Uploads::upload_file`](crate::Uploads::upload_file).
    pub struct UploadFileRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
        /// The branch to commit to; the default branch if unset.
        revision: Option<Arg<Revision>>,
        /// The first line of the message; names the file if unset.
        commit_message: Option<String>,
        /// The rest of the message.
        commit_description: Option<String>,
        /// Whether the commit makes a pull request against the branch.
        create_pr: Option<bool>,
        /// The commit that the branch has to be at; a pull request begins at it.
        parent_commit: Option<String>,
    }
}

impl Run for UploadFileRequest {
    async fn run(self, api: HfApi) -> Result<CommitInfo> {
        let place = Place::new(self.repo_type, &self.repo_id, self.revision.as_ref(), self.create_pr)?;
        let message = self
            .commit_message
            .unwrap_or_else(|| format!("Upload {} with huggingface_hub", self.path_in_repo));
        let commit = Commit::new(api, place, message, self.commit_description, self.parent_commit)?;
        commit.make(vec![CommitOperation::add(self.path_in_repo, self.path_or_fileobj)]).await
    }
}
