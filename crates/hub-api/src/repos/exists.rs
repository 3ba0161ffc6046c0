//! Whether repositories, revisions and files exist, and may be read.
use super::file_metadata::head;
use super::info::describe;
use crate::macros::endpoint;
use crate::paths::PushRevision as _;
use crate::types::{RepoId, RepoType, Revision};
use crate::{Answer, Arg, Endpoint, Error, ErrorKind, HfApi, Http, Result, repo_api};
use hub_http::{Method, UrlPath};
use serde::de::IgnoredAny;

endpoint! {
    /// Tells whether a repository exists.
    ///
    /// One that is private and not visible to the token does not; one that is gated does.
    /// `GET /api/{type}s/{repo_id}`.
    ///
    /// # Errors
    /// Those of the transport.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// assert!(api.repo_exists("openai-community/gpt2").await?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn repo_exists(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> bool;

    /// The parameters of [`HfApi::repo_exists`].
    pub struct RepoExistsRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for RepoExistsRequest {
    fn http(&self) -> Http {
        describe(self.repo_type.unwrap_or_default(), &self.repo_id, None)
    }

    fn decode(&self, _api: &HfApi, answer: Answer) -> Result<bool> {
        answer.json().map(|IgnoredAny| true)
    }

    fn recover(&self, _api: &HfApi, error: Error) -> Result<bool> {
        match error.kind() {
            ErrorKind::GatedRepo => Ok(true),
            ErrorKind::RepositoryNotFound => Ok(false),
            _ => Err(error),
        }
    }
}

endpoint! {
    /// Tells whether a repository has a revision that the token may read.
    ///
    /// A repository that does not exist, or is gated, has none. `GET /api/{type}s/{repo_id}/revision/{revision}`.
    ///
    /// # Errors
    /// Those of the transport.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// assert!(!api.revision_exists("openai-community/gpt2", "no-such-branch").await?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn revision_exists(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The branch, tag or commit.
        revision: Arg<Revision>,
    ) -> bool;

    /// The parameters of [`HfApi::revision_exists`].
    pub struct RevisionExistsRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for RevisionExistsRequest {
    fn http(&self) -> Http {
        describe(self.repo_type.unwrap_or_default(), &self.repo_id, Some(&self.revision))
    }

    fn decode(&self, _api: &HfApi, answer: Answer) -> Result<bool> {
        answer.json().map(|IgnoredAny| true)
    }

    fn recover(&self, _api: &HfApi, error: Error) -> Result<bool> {
        match error.kind() {
            ErrorKind::RevisionNotFound | ErrorKind::RepositoryNotFound | ErrorKind::GatedRepo => Ok(false),
            _ => Err(error),
        }
    }
}

endpoint! {
    /// Tells whether a repository has a file at a revision.
    ///
    /// A repository or a revision that does not exist has none.
    /// `HEAD /{prefix}{repo_id}/resolve/{revision}/{filename}`.
    ///
    /// # Errors
    /// `GatedRepo`: whether the file exists is not for the token to know.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// assert!(api.file_exists("openai-community/gpt2", "config.json").await?);
    /// # Ok(())
    /// # }
    /// ```
    pub fn file_exists(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The path of the file in the repository.
        filename: String,
    ) -> bool;

    /// The parameters of [`HfApi::file_exists`].
    pub struct FileExistsRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
        /// The branch, tag or commit; the default branch if unset.
        revision: Option<Arg<Revision>>,
    }
}

impl Endpoint for FileExistsRequest {
    fn http(&self) -> Http {
        let repo_id = match self.repo_id.get() {
            Ok(repo_id) => repo_id.as_str(),
            Err(error) => return Http::invalid(error),
        };
        let path = UrlPath::new(&format!("/{}", self.repo_type.unwrap_or_default().url_prefix()))
            .extend(repo_id)
            .push("resolve")
            .push_revision(self.revision.as_ref())
            .extend(&self.filename);
        head(Http::head(path))
    }

    fn decode(&self, _api: &HfApi, _answer: Answer) -> Result<bool> {
        Ok(true)
    }

    fn recover(&self, _api: &HfApi, error: Error) -> Result<bool> {
        match error.kind() {
            ErrorKind::EntryNotFound | ErrorKind::RevisionNotFound | ErrorKind::RepositoryNotFound => {
                Ok(false)
            }
            _ => Err(error),
        }
    }
}

endpoint! {
    /// Checks that the token may read the files of a repository.
    ///
    /// `GET /api/{type}s/{repo_id}/auth-check`.
    ///
    /// # Errors
    /// `RepositoryNotFound` if it does not exist or is private, `GatedRepo` if access must be asked for.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use hub_api::ErrorKind;
    ///
    /// match api.auth_check("me/model").await {
    ///     Ok(()) => println!("come in"),
    ///     Err(error) if error.kind() == ErrorKind::GatedRepo => println!("ask for access"),
    ///     Err(error) => return Err(error),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn auth_check(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> ();

    /// The parameters of [`HfApi::auth_check`].
    pub struct AuthCheckRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for AuthCheckRequest {
    fn http(&self) -> Http {
        repo_api(Method::GET, self.repo_type, &self.repo_id, &["auth-check"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn recovered<E: Endpoint<Output = bool>>(request: &E, kind: ErrorKind) -> Option<bool> {
        let api = HfApi::new(Config::new("http://127.0.0.1:1", "/nowhere").unwrap());
        request.recover(&api, Error::new(kind, "refused")).ok()
    }

    #[test]
    fn a_gated_repository_exists_and_its_revisions_do_not() {
        let cases = [
            (ErrorKind::GatedRepo, Some(true), Some(false), None),
            (ErrorKind::RepositoryNotFound, Some(false), Some(false), Some(false)),
            (ErrorKind::RevisionNotFound, None, Some(false), Some(false)),
            (ErrorKind::EntryNotFound, None, None, Some(false)),
            (ErrorKind::DisabledRepo, None, None, None),
            (ErrorKind::Http, None, None, None),
        ];
        for (kind, repo, revision, file) in cases {
            assert_eq!(recovered(&RepoExistsRequest::new("r"), kind), repo, "{kind:?}");
            assert_eq!(recovered(&RevisionExistsRequest::new("r", "v"), kind), revision, "{kind:?}");
            assert_eq!(recovered(&FileExistsRequest::new("r", "f"), kind), file, "{kind:?}");
        }
    }

    #[test]
    fn the_head_of_a_file_is_asked_for_as_it_is() {
        let request = FileExistsRequest::new("me/d", "a b/c#d%.json")
            .repo_type(RepoType::Dataset)
            .revision("refs/pr/1");
        let path = "/datasets/me/d/resolve/refs%2Fpr%2F1/a%20b/c%23d%25.json";
        assert_eq!(request.http(), head(Http::head(path)));
    }

    #[test]
    fn a_file_outside_the_repository_is_refused() {
        for filename in ["../x", "/x", "", "a//b"] {
            let http = FileExistsRequest::new("r", filename).http();
            let hub_http::Target::Hub(path) = http.target else { panic!("{filename}") };
            assert!(path.as_str().is_err(), "{filename}");
        }
    }

    #[test]
    fn access_is_checked_at_its_own_place() {
        let request = AuthCheckRequest::new("me/s").repo_type(RepoType::Space);
        assert_eq!(request.http(), Http::get("/api/spaces/me/s/auth-check"));
        let request = RevisionExistsRequest::new("me/m", "a/b");
        let listing = |path: &str| Http::get(path).max_answer_bytes(hub_http::MAX_LISTING_BYTES);
        assert_eq!(request.http(), listing("/api/models/me/m/revision/a%2Fb"));
        assert_eq!(RepoExistsRequest::new("m").http(), listing("/api/models/m"));
    }
}
