//! Where a commit goes.
use hub_api::{Arg, Error, Http, Result, repo_path};
use hub_http::{Method, Target, UrlPath};
use hub_types::{RepoId, RepoType, Revision, SafeRelPath};

/// The repository and the branch that a commit goes to.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) repo_type: RepoType,
    pub(crate) repo_id: RepoId,
    pub(crate) revision: Revision,
    /// Whether the commit makes a pull request against the branch.
    pub(crate) create_pr: bool,
}

impl Place {
    /// Checks the parameters that say where a commit goes.
    pub(crate) fn new(
        repo_type: Option<RepoType>,
        repo_id: &Arg<RepoId>,
        revision: Option<&Arg<Revision>>,
        create_pr: Option<bool>,
    ) -> Result<Self> {
        Ok(Self {
            repo_type: repo_type.unwrap_or_default(),
            repo_id: repo_id.get()?.clone(),
            revision: revision.map_or_else(|| Ok(Revision::main()), |revision| revision.get().cloned())?,
            create_pr: create_pr.unwrap_or_default(),
        })
    }

    /// The API path of the repository.
    pub(crate) fn api(&self) -> UrlPath {
        repo_path(Some(self.repo_type), &Arg::from(&self.repo_id))
    }

    /// The API path of what is asked of the repository at a revision: `…/preupload/main`.
    pub(crate) fn api_at(&self, what: &str, revision: &Revision) -> UrlPath {
        self.api().push(what).push(revision.as_str())
    }

    /// A POST that may make a pull request.
    pub(crate) fn post(&self, what: &str) -> Http {
        let http = Http::post(self.api_at(what, &self.revision));
        if self.create_pr { http.query("create_pr", 1) } else { http }
    }

    /// A POST to the LFS server of the repository.
    pub(crate) fn lfs(&self, what: &str) -> Http {
        let path = UrlPath::new(&format!("/{}", self.repo_type.url_prefix()))
            .extend(&format!("{}.git", self.repo_id))
            .extend("info/lfs")
            .extend(what);
        Http::new(Method::POST, Target::Hub(path))
    }
}

/// Folders that no commit may touch: the repository itself, and what downloads keep beside their files.
const FORBIDDEN_FOLDERS: [&str; 2] = [".git", ".cache"];

/// Checks a path in a repository and brings it into the Hub's form: `./a//b/` and `/a/b/` are `a/b/`.
///
/// A slash at the end, which says that it is a folder, is kept. The root of the repository is empty.
pub(crate) fn normal_path(given: &str) -> Result<String> {
    let refuse = |why: &str| Err(Error::invalid(format!("invalid path_in_repo {given:?}: {why}")));
    let segments: Vec<&str> = given.split('/').filter(|segment| !matches!(*segment, "" | ".")).collect();
    if let Some(folder) = segments.iter().find(|segment| FORBIDDEN_FOLDERS.contains(segment)) {
        return refuse(&format!("nothing can be committed under a `{folder}` folder"));
    }
    if segments.contains(&"..") {
        return refuse("it leads out of the repository");
    }
    if segments.is_empty() {
        return Ok(String::new());
    }
    let is_folder = given.ends_with('/') || given.ends_with("/.");
    Ok(segments.join("/") + if is_folder { "/" } else { "" })
}

/// Checks the path of a file to write, by the rules of the Hub, which would refuse it after its content was sent.
pub(crate) fn file_path(given: &str) -> Result<String> {
    let refuse = |why: &str| Err(Error::invalid(format!("invalid path_in_repo {given:?}: {why}")));
    let path = normal_path(given)?;
    if path.is_empty() || path.ends_with('/') {
        return refuse("it names a folder; name the file, too");
    }
    if path.contains('\\') {
        return refuse(
            "names in repositories have no backslash; rename the file, or give path_in_repo with slashes",
        );
    }
    match SafeRelPath::parse(&path) {
        // The Hub refuses the names that some file system takes for `.git`, such as `.GIT`.
        Ok(path) if path.reserved() == Some(".git") => {
            refuse("nothing can be committed under a `.git` folder")
        }
        Ok(_) => Ok(path),
        Err(why) => refuse(&why.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(repo_type: RepoType, revision: &str, create_pr: bool) -> Place {
        Place::new(Some(repo_type), &"me/it".into(), Some(&revision.into()), Some(create_pr)).unwrap()
    }

    #[test]
    fn a_pull_request_is_asked_for_in_the_query() {
        let plain = place(RepoType::Model, "refs/pr/1", false);
        assert_eq!(plain.post("commit"), Http::post("/api/models/me/it/commit/refs%2Fpr%2F1"));
        let pull_request = place(RepoType::Dataset, "main", true);
        assert_eq!(
            pull_request.post("preupload"),
            Http::post("/api/datasets/me/it/preupload/main").query("create_pr", 1)
        );
    }

    #[test]
    fn the_lfs_server_is_that_of_the_git_repository() {
        let space = place(RepoType::Space, "main", false);
        assert_eq!(space.lfs("objects/batch"), Http::post("/spaces/me/it.git/info/lfs/objects/batch"));
        let model = place(RepoType::Model, "main", false);
        assert_eq!(model.lfs("objects/batch"), Http::post("/me/it.git/info/lfs/objects/batch"));
    }

    #[test]
    fn paths_are_brought_into_the_form_of_the_hub() {
        let cases = [
            ("a", "a"),
            ("/a", "a"),
            ("./a/b", "a/b"),
            ("/./a", "a"),
            ("x//y", "x/y"),
            ("a/./b", "a/b"),
            ("././a//.//b", "a/b"),
            ("a b#%é", "a b#%é"),
        ];
        for (given, path) in cases {
            assert_eq!(file_path(given).unwrap(), path, "{given}");
            assert_eq!(normal_path(&format!("{given}/")).unwrap(), format!("{path}/"), "{given}/");
        }
        for root in ["", "/", ".", "./", "//", "./."] {
            assert_eq!(normal_path(root).unwrap(), "", "{root}");
        }
    }

    #[test]
    fn paths_that_the_hub_would_refuse_are_refused() {
        let long = "x".repeat(256);
        let refused = [
            "", "/", ".", "./", "dir/", "dir/.", "..", "../a", "a/../b", ".git", "a/.git/b", ".cache/x",
            "a\0", "a/.GIT/b", "GIT~1/b", ".git./b",
        ];
        for given in refused.into_iter().chain(["a\\b", "C:/x", "c:x", &long]) {
            assert!(file_path(given).is_err(), "{given:?}");
        }
        assert!(file_path("a\\b").unwrap_err().to_string().contains("backslash"));
    }
}
