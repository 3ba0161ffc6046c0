//! The paths of repositories.
use crate::{Arg, Http};
use hub_http::{Method, Target, UrlPath};
use hub_types::{RepoId, RepoType, Revision};

/// The API path of a repository: `/api/models/me/model`.
pub fn repo_path(repo_type: Option<RepoType>, repo_id: &Arg<RepoId>) -> UrlPath {
    let kind = UrlPath::new("/api").push(repo_type.unwrap_or_default().plural());
    match repo_id.get() {
        Ok(repo_id) => kind.extend(repo_id.as_str()),
        Err(error) => UrlPath::invalid(error),
    }
}

/// A request to the API of a repository.
pub fn repo_api(method: Method, repo_type: Option<RepoType>, repo_id: &Arg<RepoId>, rest: &[&str]) -> Http {
    let path = rest.iter().fold(repo_path(repo_type, repo_id), |path, segment| path.push(segment));
    Http::new(method, Target::Hub(path))
}

/// The path of a file: `/datasets/me/data/resolve/main/a/b.txt`.
pub fn resolve_path(repo_type: RepoType, repo_id: &RepoId, revision: &Revision, filename: &str) -> UrlPath {
    UrlPath::new(&format!("/{}", repo_type.url_prefix()))
        .extend(repo_id.as_str())
        .push("resolve")
        .push(revision.as_str())
        .extend(filename)
}

/// The revision as given, or the default branch.
pub(crate) fn or_main(revision: Option<&Arg<Revision>>) -> Result<String, hub_types::InvalidArgument> {
    revision.map_or(Ok(Revision::MAIN.to_owned()), |revision| Ok(revision.get()?.as_str().to_owned()))
}

/// Adds the revision to a path, the default branch if there is none.
pub(crate) trait PushRevision {
    /// Adds the revision as one segment.
    fn push_revision(self, revision: Option<&Arg<Revision>>) -> Self;
}

impl PushRevision for UrlPath {
    fn push_revision(self, revision: Option<&Arg<Revision>>) -> Self {
        match or_main(revision) {
            Ok(revision) => self.push(&revision),
            Err(error) => Self::invalid(error),
        }
    }
}
