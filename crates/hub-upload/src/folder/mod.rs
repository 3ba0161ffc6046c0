//! Uploading a folder.
mod walk;

use crate::commit::Commit;
use crate::commit::operation::CommitOperation;
use crate::delete::{delete_one_file, matching};
use crate::place::Place;
use hub_api::patterns::PathFilter;
use hub_api::{Arg, HfApi, Many, Result, Run, request};
use hub_http::blocking;
use hub_types::{CommitInfo, RepoId, RepoType, Revision};
use std::collections::HashSet;
use std::path::PathBuf;
use walk::{Found, Selection, walk};

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

        let selection = Selection {
            filter: PathFilter::new(
                self.allow_patterns.as_ref().map(|patterns| patterns.iter()),
                self.ignore_patterns.as_ref().map(|patterns| patterns.iter()),
            ),
            asked_for: self.allow_patterns.map(|patterns| patterns.to_vec()).unwrap_or_default(),
            follow_symlinks: self.follow_symlinks.unwrap_or(true),
            secrets: vec![api.config().token_path.clone(), api.config().stored_tokens_path.clone()],
        };
        let folder = self.folder_path;
        let prefix = prefix(self.path_in_repo.as_deref());
        let found = blocking(move || walk(&folder, &selection)).await?;
        let added: HashSet<String> =
            found.iter().map(|Found { relative, .. }| format!("{prefix}{relative}")).collect();

        let mut operations = Vec::new();
        if let Some(patterns) = &self.delete_patterns {
            // A pull request is made against a branch, but what it deletes is looked up on the default one.
            let revision = if place.create_pr { Revision::main() } else { place.revision.clone() };
            let matching = matching(&api, &place, &revision, &prefix, patterns).await?;
            operations.extend(matching.into_iter().filter(|path| !added.contains(path)).map(delete_one_file));
        }
        operations.extend(
            found
                .into_iter()
                .map(|Found { relative, path }| CommitOperation::add(format!("{prefix}{relative}"), path)),
        );
        commit.make(operations).await
    }
}

/// What stands before the paths of the folder in the repository: nothing, or a folder and a slash.
fn prefix(path_in_repo: Option<&str>) -> String {
    let folder = path_in_repo.unwrap_or_default().trim_matches('/');
    let folder = folder.strip_prefix("./").unwrap_or(folder);
    match folder {
        "" | "." => String::new(),
        folder => format!("{folder}/"),
    }
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
        ] {
            assert_eq!(prefix(given), expected, "{given:?}");
        }
    }
}
