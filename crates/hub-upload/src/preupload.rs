//! Sending the content of large files before their commit.
use crate::commit::operation::{Addition, CommitOperationAdd};
use crate::commit::{hint_at_create_repo, text_of};
use crate::place::Place;
use crate::progress::{Observer, UploadEvent};
use crate::sort::sort;
use hub_api::{Arg, HfApi, Result, Run, request};
use hub_http::blocking;
use hub_types::{RepoId, RepoType, Revision};
use std::sync::Arc;

request! {
    /// Sends the content of large files to the LFS storage, to be committed later.
    ///
    /// A commit of the same files finds their content there and does not send it again; without one the Hub removes it
    /// after a while. Files that the Hub would keep in git are not sent. Useful where files are made one by one and
    /// there is no room for all of them. Needs a token that may write to the repository.
    /// `POST /api/{type}s/{repo_id}/preupload/{revision}`, then the LFS protocol at `/{repo_id}.git/info/lfs`.
    ///
    /// # Errors
    /// As `create_commit`.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use hub_upload::{CommitOperationAdd, Uploads as _};
    ///
    /// let shard = CommitOperationAdd::new("shard-1.safetensors", "./shard-1.safetensors");
    /// api.preupload_lfs_files("me/model", [shard]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn preupload_lfs_files(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The files.
        additions: Vec<CommitOperationAdd>,
    ) -> ();

    /// The parameters of [`Uploads::preupload_lfs_files`](crate::Uploads::preupload_lfs_files).
    pub struct PreuploadLfsFilesRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
        /// The branch to commit to; the default branch if unset.
        revision: Option<Arg<Revision>>,
        /// Whether the commit will make a pull request against the branch.
        create_pr: Option<bool>,
        /// How many files are sent at once; 5 if unset.
        num_threads: Option<usize>,
        /// Without effect: content is freed with the request that holds it.
        free_memory: Option<bool>,
        /// The content of `.gitignore`, if it is not the one in the repository or among the files.
        gitignore_content: Option<String>,
    }
}

impl Run for PreuploadLfsFilesRequest {
    async fn run(self, api: HfApi) -> Result<()> {
        let place = Place::new(self.repo_type, &self.repo_id, self.revision.as_ref(), self.create_pr)?;
        let observer = Observer::current();
        let additions = self.additions;
        let additions: Vec<Addition> =
            blocking(move || additions.into_iter().map(Addition::prepare).collect()).await?;
        let bytes = additions.iter().map(|addition| addition.file.size()).sum();
        observer.tell(UploadEvent::Started { files: additions.len(), bytes });
        let gitignore = match self.gitignore_content {
            Some(given) => Some(given),
            None => text_of(".gitignore", &additions).await?,
        };
        let files_at_once = self.num_threads.unwrap_or(5);
        let additions = Arc::new(additions);
        let sorted = sort(&api, &place, &additions, gitignore.as_deref(), files_at_once, &observer).await;
        sorted.map(drop).map_err(hint_at_create_repo)
    }
}
