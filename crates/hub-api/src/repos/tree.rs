//! Files and folders of repositories.
use crate::macros::{endpoint, listing};
use crate::paths::PushRevision as _;
use crate::types::{RepoId, RepoTreeEntry, RepoType, Revision};
use crate::{Answer, Arg, Endpoint, HfApi, Http, List, Many, Result, repo_path};
use serde::Deserialize;

listing! {
    /// Lists the files and folders of a repository, or of one of its folders.
    ///
    /// `GET /api/{type}s/{repo_id}/tree/{revision}[/{path_in_repo}]`.
    ///
    /// # Errors
    /// `RepositoryNotFound`, `GatedRepo`, `RevisionNotFound`; `EntryNotFound` if there is no such folder.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// for entry in api.list_repo_tree("openai-community/gpt2").recursive(true).await? {
    ///     println!("{} {:?}", entry.path(), entry.as_file().map(|file| file.size));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_repo_tree(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> Stream<RepoTreeEntry>;

    /// The parameters of [`HfApi::list_repo_tree`].
    pub struct ListRepoTreeRequest {
        /// The folder to list; the whole repository if unset.
        path_in_repo: Option<String>,
        /// Whether folders in it are listed too, and those in them.
        recursive: bool,
        /// Whether to tell the last commits and what the security scans found; makes pages smaller.
        expand: bool,
        /// The branch, tag or commit; the default branch if unset.
        revision: Option<Arg<Revision>>,
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl List for ListRepoTreeRequest {
    type Item = RepoTreeEntry;

    fn http(&self) -> Http {
        let path =
            repo_path(self.repo_type, &self.repo_id).push("tree").push_revision(self.revision.as_ref());
        // The Hub takes the folder as one segment, as the Python client sends it.
        let path = match self.path_in_repo.as_deref() {
            None | Some("") => path,
            Some(folder) => path.push(folder),
        };
        Http::get(path).query_bool("recursive", self.recursive).query_bool("expand", self.expand)
    }
}

listing! {
    /// Lists the paths of all files of a repository.
    ///
    /// `GET /api/{type}s/{repo_id}/tree/{revision}`.
    ///
    /// # Errors
    /// `RepositoryNotFound`, `GatedRepo`, `RevisionNotFound`.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let files = api.list_repo_files("openai-community/gpt2").revision("main").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_repo_files(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> Stream<String>;

    /// The parameters of [`HfApi::list_repo_files`].
    pub struct ListRepoFilesRequest {
        /// The branch, tag or commit; the default branch if unset.
        revision: Option<Arg<Revision>>,
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

/// What is read of an entry when only its path is wanted.
#[derive(Deserialize)]
struct Entry {
    r#type: String,
    path: String,
}

impl List for ListRepoFilesRequest {
    type Item = String;

    fn http(&self) -> Http {
        let tree = ListRepoTreeRequest {
            revision: self.revision.clone(),
            repo_type: self.repo_type,
            recursive: true,
            ..ListRepoTreeRequest::new(self.repo_id.clone())
        };
        tree.http()
    }

    fn items(&self, _api: &HfApi, page: Answer) -> Result<Vec<String>> {
        let entries: Vec<Entry> = page.json()?;
        Ok(entries.into_iter().filter(|entry| entry.r#type == "file").map(|entry| entry.path).collect())
    }
}

endpoint! {
    /// Describes some files and folders of a repository; those that do not exist are left out.
    ///
    /// `POST /api/{type}s/{repo_id}/paths-info/{revision}`.
    ///
    /// # Errors
    /// `RepositoryNotFound`, `GatedRepo`, `RevisionNotFound`.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let entries = api.get_paths_info("openai-community/gpt2", ["README.md", "onnx"]).expand(true).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_paths_info(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The paths in the repository.
        paths: Many<String>,
    ) -> Vec<RepoTreeEntry>;

    /// The parameters of [`HfApi::get_paths_info`].
    pub struct GetPathsInfoRequest {
        /// Whether to tell the last commits and what the security scans found.
        expand: bool,
        /// The branch, tag or commit; the default branch if unset.
        revision: Option<Arg<Revision>>,
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for GetPathsInfoRequest {
    fn http(&self) -> Http {
        let path =
            repo_path(self.repo_type, &self.repo_id).push("paths-info").push_revision(self.revision.as_ref());
        let paths = self.paths.iter().map(|path| ("paths".to_owned(), path.clone()));
        let expand = if self.expand { "True" } else { "False" };
        let form = paths.chain([("expand".to_owned(), expand.to_owned())]);
        Http::post(path).form(form).repeatable(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_one_path_segment() {
        let request = ListRepoTreeRequest::new("me/d")
            .repo_type(RepoType::Dataset)
            .revision("refs/pr/1")
            .path_in_repo("a b/c#d");
        let expected = Http::get("/api/datasets/me/d/tree/refs%2Fpr%2F1/a%20b%2Fc%23d");
        assert_eq!(request.http(), expected.query("recursive", "False").query("expand", "False"));
    }

    #[test]
    fn the_root_has_no_segment() {
        let expected = Http::get("/api/models/m/tree/main").query("recursive", "True");
        let request = ListRepoTreeRequest::new("m").path_in_repo("").recursive(true).expand(true);
        assert_eq!(request.http(), expected.clone().query("expand", "True"));
        assert_eq!(ListRepoFilesRequest::new("m").http(), expected.query("expand", "False"));
    }

    #[test]
    fn paths_are_a_form_and_may_be_asked_for_again() {
        let request = GetPathsInfoRequest::new("m", ["a&b", "é"]).revision("v1");
        let form = [("paths", "a&b"), ("paths", "é"), ("expand", "False")];
        let form = form.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let expected = Http::post("/api/models/m/paths-info/v1").form(form).repeatable(true);
        assert_eq!(request.http(), expected);
        assert_eq!(*GetPathsInfoRequest::new("m", "one").paths, ["one"]);
    }
}
