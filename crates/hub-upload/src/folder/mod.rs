//! Uploading a folder.
mod walk;

use crate::commit::Commit;
use crate::commit::operation::CommitOperation;
use crate::delete::{delete_one_file, matching};
use crate::place::{Place, file_path, normal_path};
use crate::progress::{Observer, report_skipped};
use hub_api::{Arg, HfApi, Many, Result, Run, request};
use hub_http::blocking;
use hub_types::{CommitInfo, RepoId, RepoType, Revision};
use std::collections::HashSet;
use std::path::PathBuf;
use walk::{Found, Selection, Walked, walk};

request! {
    /// Uploads the files of a folder in one commit.
    ///
    /// Patterns are matched against the path within the folder, `delete_patterns` against the path below `path_in_repo`;
    /// in them `*` is any text, slashes included, and a slash at the end means everything below. `.git` and
    /// `.cache/huggingface` never go along, nor do `.env` files and the stored tokens unless `allow_patterns` names them
    /// in full. Links to files are uploaded as the files they lead to; pipes, sockets, devices, links to folders and
    /// links to nothing are left out with a warning.
    /// Only files that differ from what the repository has are sent; if none does, no commit is made and the current one
    /// is described. The repository has to exist. Needs a token that may write to it, or may read it with `create_pr`.
    /// `POST /api/{type}s/{repo_id}/preupload/{revision}`, the LFS protocol, then
    /// `POST /api/{type}s/{repo_id}/commit/{revision}`; with `delete_patterns` also
    /// `GET /api/{type}s/{repo_id}/tree/{revision}`.
    ///
    /// # Errors
    /// `InvalidArgument` if the folder does not exist or a name in it is not valid UTF-8, and as `create_commit`.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// # use hub_upload::Uploads as _;
    /// api.upload_folder("me/model", "./out").commit_message("v1").ignore_patterns(["*.tmp"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn upload_folder(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The local folder.
        folder_path: PathBuf,
    ) -> CommitInfo;

    /// The parameters of [`Uploads::upload_folder`](crate::Uploads::upload_folder).
    pub struct UploadFolderRequest {
        /// The folder in the repository that the files go to; its root if unset.
        path_in_repo: Option<String>,
        /// The first line of the message.
        commit_message: Option<String>,
        /// The rest of the message.
        commit_description: Option<String>,
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
        /// The branch to commit to; the default branch if unset.
        revision: Option<Arg<Revision>>,
        /// Whether the commit makes a pull request against the branch.
        create_pr: Option<bool>,
        /// The commit that the branch has to be at; a pull request begins at it.
        parent_commit: Option<String>,
        /// Patterns of which a file has to match one; all files if unset.
        allow_patterns: Option<Many<String>>,
        /// Patterns of which a file must match none.
        ignore_patterns: Option<Many<String>>,
        /// Patterns of files in the repository that are deleted in the same commit, unless they are uploaded anew.
        delete_patterns: Option<Many<String>>,
        /// Whether links to files are uploaded as the files they lead to; they are if unset.
        follow_symlinks: Option<bool>,
    }
}

impl Run for UploadFolderRequest {
    async fn run(self, api: HfApi) -> Result<CommitInfo> {
        let place = Place::new(self.repo_type, &self.repo_id, self.revision.as_ref(), self.create_pr)?;
        let message = self
            .commit_message
            .filter(|message| !message.is_empty())
            .unwrap_or_else(|| "Upload folder using huggingface_hub".to_owned());
        let commit =
            Commit::new(api.clone(), place.clone(), message, self.commit_description, self.parent_commit)?;

        let prefix = prefix(self.path_in_repo.as_deref())?;
        let selection = Selection::new(
            &api,
            self.allow_patterns.as_ref().map(|patterns| patterns.as_slice()),
            self.ignore_patterns.as_ref().map_or(&[], |patterns| patterns.as_slice()),
            self.follow_symlinks.unwrap_or(true),
        );
        let found = find(self.folder_path, &prefix, selection, &commit.observer).await?;
        let added: HashSet<&str> = found.iter().map(|(path_in_repo, _)| &**path_in_repo).collect();

        let mut operations = Vec::new();
        if let Some(patterns) = &self.delete_patterns {
            // A pull request is made against a branch, but what it deletes is looked up on the default one.
            let revision = if place.create_pr { Revision::main() } else { place.revision.clone() };
            let matching = matching(&api, &place, &revision, &prefix, patterns, &commit.observer).await?;
            let superfluous = matching.into_iter().filter(|path| !added.contains(&**path));
            operations.extend(superfluous.map(delete_one_file));
        }
        operations
            .extend(found.into_iter().map(|(path_in_repo, path)| CommitOperation::add(path_in_repo, path)));
        commit.make(operations).await
    }
}

/// Lists the files of a folder that [`upload_folder`](crate::Uploads::upload_folder) would upload, with their paths in the
/// repository.
///
/// All files are allowed if no pattern is. What is left out is reported as there: as warnings, and to the observer of
/// [`observe`](crate::observe).
///
/// # Errors
/// `InvalidArgument` if the folder does not exist, a name in it is not valid UTF-8, or `path_in_repo` cannot be used.
pub async fn list_folder(
    api: &HfApi,
    folder: impl Into<PathBuf>,
    path_in_repo: &str,
    allow_patterns: &[String],
    ignore_patterns: &[String],
) -> Result<Vec<(String, PathBuf)>> {
    let prefix = prefix(Some(path_in_repo))?;
    let allow = (!allow_patterns.is_empty()).then_some(allow_patterns);
    let selection = Selection::new(api, allow, ignore_patterns, true);
    find(folder.into(), &prefix, selection, &Observer::current()).await
}

/// Finds the files of a folder and reports what is left out.
async fn find(
    folder: PathBuf,
    prefix: &str,
    selection: Selection,
    observer: &Observer,
) -> Result<Vec<(String, PathBuf)>> {
    let shown = folder.display().to_string();
    let Walked { found, skipped, unmatched } = blocking(move || walk(&folder, &selection)).await?;
    let skipped: Vec<_> = skipped.iter().map(|(path, reason)| (format!("{prefix}{path}"), *reason)).collect();
    report_skipped(observer, skipped.iter().map(|(path, reason)| (path.as_str(), *reason)));
    for pattern in unmatched {
        tracing::warn!("no file of `{shown}` matches `{pattern}`");
    }
    Ok(found.into_iter().map(|Found { relative, path }| (format!("{prefix}{relative}"), path)).collect())
}

/// What stands before the paths of the folder in the repository: nothing, or a folder and a slash.
fn prefix(path_in_repo: Option<&str>) -> Result<String> {
    let folder = normal_path(path_in_repo.unwrap_or_default())?;
    Ok(match folder.trim_end_matches('/') {
        "" => String::new(),
        folder => format!("{}/", file_path(folder)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_nothing_or_ends_with_one_slash() {
        for (given, expected) in [
            (None, ""),
            (Some(""), ""),
            (Some("."), ""),
            (Some("./"), ""),
            (Some("/"), ""),
            (Some("a/b"), "a/b/"),
            (Some("/a/b/"), "a/b/"),
            (Some("./a"), "a/"),
            (Some("a//b"), "a/b/"),
        ] {
            assert_eq!(prefix(given).unwrap(), expected, "{given:?}");
        }
        for wrong in ["..", "a/../b", ".git", "a\\b"] {
            assert!(prefix(Some(wrong)).is_err(), "{wrong:?}");
        }
    }
}
