//! The settings of repositories.
use crate::macros::endpoint;
use crate::types::{Gated, RepoId, RepoType};
use crate::{Arg, Endpoint, Http, repo_api};
use hub_http::Method;
use hub_types::InvalidArgument;
use serde_json::{Map, Value, json};

endpoint! {
    /// Changes who sees a repository, and whether access to it must be asked for.
    ///
    /// At least one of `gated` and `private` is needed. Needs a token that may write to the repository.
    /// `PUT /api/{type}s/{repo_id}/settings`.
    ///
    /// # Errors
    /// `InvalidArgument` if there is nothing to change, or `gated` is none of `auto`, `manual` and false;
    /// `RepositoryNotFound`; `Http` with status 403 if the token may not change it.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.update_repo_settings("me/model").gated("auto").await?;
    /// api.update_repo_settings("me/model").gated(false).private(true).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn update_repo_settings(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> ();

    /// The parameters of [`HfApi::update_repo_settings`](crate::HfApi::update_repo_settings).
    pub struct UpdateRepoSettingsRequest {
        /// Whether access must be asked for: `auto` (granted at once), `manual` (granted by the owners) or false.
        gated: Option<Gated>,
        /// Whether only its owners see it.
        private: Option<bool>,
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for UpdateRepoSettingsRequest {
    fn http(&self) -> Http {
        let refuse = |why: &str| Http::invalid(InvalidArgument::new(why));
        match (&self.gated, self.private) {
            (None, None) => return refuse("nothing to change: give `gated`, `private` or both"),
            (None | Some(Gated::No | Gated::Auto | Gated::Manual), _) => {}
            (Some(_), _) => return refuse("`gated` must be `auto`, `manual` or false"),
        }
        repo_api(Method::PUT, self.repo_type, &self.repo_id, &["settings"])
            .json(json!({ "gated": self.gated, "private": self.private }))
    }
}

endpoint! {
    /// Makes a repository private or public, and returns what the Hub says of it then.
    ///
    /// Deprecated: `update_repo_settings` does this too. Needs a token that may write to the repository.
    /// `PUT /api/{type}s/{repo_id}/settings`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `Http` with status 403 if the token may not change it.
    ///
    /// ```no_run
    /// # #[allow(deprecated)]
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.update_repo_visibility("me/model").private(true).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[deprecated(note = "use `update_repo_settings`")]
    pub fn update_repo_visibility(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> Map<String, Value>;

    /// The parameters of [`HfApi::update_repo_visibility`](crate::HfApi::update_repo_visibility).
    pub struct UpdateRepoVisibilityRequest {
        /// Whether only its owners see it; everybody does if unset.
        private: bool,
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for UpdateRepoVisibilityRequest {
    fn http(&self) -> Http {
        repo_api(Method::PUT, self.repo_type, &self.repo_id, &["settings"])
            .json(json!({ "private": self.private }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_given_changes() {
        let change = |body| Http::put("/api/models/me/m/settings").json(body);
        let request = || UpdateRepoSettingsRequest::new("me/m");
        assert_eq!(request().gated("manual").http(), change(json!({"gated": "manual"})));
        assert_eq!(request().gated(false).http(), change(json!({"gated": false})));
        assert_eq!(request().private(false).http(), change(json!({"private": false})));
    }

    #[test]
    fn nothing_and_nonsense_are_refused() {
        let request = || UpdateRepoSettingsRequest::new("me/m");
        for request in [request(), request().gated("yes"), request().gated(true)] {
            assert!(request.http().invalid.is_some(), "{request:?}");
        }
    }

    #[test]
    fn visibility_is_public_unless_said() {
        let request = UpdateRepoVisibilityRequest::new("me/d").repo_type(RepoType::Dataset);
        let expected = Http::put("/api/datasets/me/d/settings").json(json!({"private": false}));
        assert_eq!(request.http(), expected);
    }
}
