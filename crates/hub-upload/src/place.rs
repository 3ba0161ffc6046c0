//! Where a commit goes.
use hub_api::{Arg, Http, Result, repo_path};
use hub_http::{Method, Target, UrlPath};
use hub_types::{RepoId, RepoType, Revision};

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
}
