//! Deleting files and folders.
use crate::commit::Commit;
use crate::commit::operation::{CommitOperation, CommitOperationDelete};
use crate::place::Place;
use crate::progress::{Observer, UploadEvent};
use hub_api::patterns::Patterns;
use hub_api::{Arg, HfApi, Http, Many, Pages, Result, Run, request};
use hub_types::{CommitInfo, RepoId, RepoTreeEntry, RepoType, Revision};

/// What a repository needs to work as one; patterns never delete it.
const ATTRIBUTES: &str = ".gitattributes";

request! {
    /// Deletes a file.
    ///
    /// A path that ends with a slash is a folder. Needs a token that may write to the repository.
    /// `POST /api/{type}s/{repo_id}/commit/{revision}`.
    ///
    /// # Errors
    /// `EntryNotFound` if there is no such file, and as `create_commit`.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// # use hub_upload::Uploads as _;
    /// api.delete_file("pytorch_model.bin", "me/model").commit_message("Use safetensors").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete_file(
        /// The file in the repository.
        path_in_repo: String,
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> CommitInfo;

    /// The parameters of [`Uploads::delete_file`](crate::Uploads::delete_file).
    pub struct DeleteFileRequest {
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

impl Run for DeleteFileRequest {
    async fn run(self, api: HfApi) -> Result<CommitInfo> {
        let place = Place::new(self.repo_type, &self.repo_id, self.revision.as_ref(), self.create_pr)?;
        let message = self
            .commit_message
            .unwrap_or_else(|| format!("Delete {} with huggingface_hub", self.path_in_repo));
        let commit = Commit::new(api, place, message, self.commit_description, self.parent_commit)?;
        commit.make(vec![CommitOperation::delete(self.path_in_repo)]).await
    }
}

request! {
    /// Deletes the files that match patterns, in one commit.
    ///
    /// `.gitattributes` stays. If no file matches, no commit is made and the current one is described.
    /// Needs a token that may write to the repository.
    /// `GET /api/{type}s/{repo_id}/tree/{revision}`, then `POST /api/{type}s/{repo_id}/commit/{revision}`.
    ///
    /// # Errors
    /// As `create_commit`.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// # use hub_upload::Uploads as _;
    /// api.delete_files("me/model", ["logs/", "*.tmp"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete_files(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The patterns: `*` is any text, a slash at the end means everything below.
        delete_patterns: Many<String>,
    ) -> CommitInfo;

    /// The parameters of [`Uploads::delete_files`](crate::Uploads::delete_files).
    pub struct DeleteFilesRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
        /// The branch to commit to; the default branch if unset.
        revision: Option<Arg<Revision>>,
        /// The first line of the message; names the patterns if unset.
        commit_message: Option<String>,
        /// The rest of the message.
        commit_description: Option<String>,
        /// Whether the commit makes a pull request against the branch.
        create_pr: Option<bool>,
        /// The commit that the branch has to be at; a pull request begins at it.
        parent_commit: Option<String>,
    }
}

impl Run for DeleteFilesRequest {
    async fn run(self, api: HfApi) -> Result<CommitInfo> {
        let place = Place::new(self.repo_type, &self.repo_id, self.revision.as_ref(), self.create_pr)?;
        let message = self.commit_message.unwrap_or_else(|| {
            format!("Delete files {} with huggingface_hub", self.delete_patterns.join(" "))
        });
        let commit =
            Commit::new(api.clone(), place.clone(), message, self.commit_description, self.parent_commit)?;
        let matching =
            matching(&api, &place, &place.revision, "", &self.delete_patterns, &commit.observer).await?;
        commit.make(matching.into_iter().map(delete_one_file).collect()).await
    }
}

request! {
    /// Deletes a folder with all that is in it.
    ///
    /// Needs a token that may write to the repository. `POST /api/{type}s/{repo_id}/commit/{revision}`.
    ///
    /// # Errors
    /// `EntryNotFound` if there is no such folder, and as `create_commit`.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// # use hub_upload::Uploads as _;
    /// api.delete_folder("checkpoints", "me/model").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete_folder(
        /// The folder in the repository.
        path_in_repo: String,
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> CommitInfo;

    /// The parameters of [`Uploads::delete_folder`](crate::Uploads::delete_folder).
    pub struct DeleteFolderRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
        /// The branch to commit to; the default branch if unset.
        revision: Option<Arg<Revision>>,
        /// The first line of the message; names the folder if unset.
        commit_message: Option<String>,
        /// The rest of the message.
        commit_description: Option<String>,
        /// Whether the commit makes a pull request against the branch.
        create_pr: Option<bool>,
        /// The commit that the branch has to be at; a pull request begins at it.
        parent_commit: Option<String>,
    }
}

impl Run for DeleteFolderRequest {
    async fn run(self, api: HfApi) -> Result<CommitInfo> {
        let place = Place::new(self.repo_type, &self.repo_id, self.revision.as_ref(), self.create_pr)?;
        let message = self
            .commit_message
            .unwrap_or_else(|| format!("Delete folder {} with huggingface_hub", self.path_in_repo));
        let commit = Commit::new(api, place, message, self.commit_description, self.parent_commit)?;
        commit.make(vec![CommitOperation::delete_folder(self.path_in_repo)]).await
    }
}

/// The operation that deletes a file that was listed.
pub(crate) fn delete_one_file(path: String) -> CommitOperation {
    CommitOperation::Delete(CommitOperationDelete { path_in_repo: path, is_folder: Some(false) })
}

/// Lists the files below a folder of the repository that match patterns, which are taken relative to that folder.
///
/// Patterns that match nothing are reported.
pub(crate) async fn matching(
    api: &HfApi,
    place: &Place,
    revision: &Revision,
    folder: &str,
    patterns: &[String],
    observer: &Observer,
) -> Result<Vec<String>> {
    let mut each: Vec<_> =
        patterns.iter().map(|pattern| (pattern, Patterns::new([pattern]), false)).collect();
    let tree = Http::get(place.api_at("tree", revision)).query_bool("recursive", true);
    let mut pages = Pages::new(api, tree, true, |page, _| page.json::<Vec<RepoTreeEntry>>());
    let mut found = Vec::new();
    while let Some(page) = pages.next().await? {
        for file in page.into_iter().filter_map(RepoTreeEntry::into_file) {
            let Some(below) = file.path.strip_prefix(folder).filter(|_| file.path != ATTRIBUTES) else {
                continue;
            };
            let mut is_matched = false;
            for (_, pattern, matched) in &mut each {
                if pattern.matches(below) {
                    (*matched, is_matched) = (true, true);
                }
            }
            if is_matched {
                found.push(file.path);
            }
        }
    }
    for (pattern, _, _) in each.iter().filter(|(_, _, matched)| !matched) {
        tracing::warn!(
            "no file of `{}` matches `{pattern}`, so there is nothing to delete for it",
            place.repo_id
        );
        observer.tell(UploadEvent::Unmatched { pattern });
    }
    Ok(found)
}
