//! The account that the token belongs to.
use crate::macros::composite;
use crate::types::{RepoId, TokenRole, WhoAmI};
use crate::{Auth, Error, ErrorKind, HfApi, Http, Method, Result, Run};
use hub_http::Context as _;

/// The methods of this module.
pub(crate) const METHODS: &[Method] = &[
    Method::of::<GetFullRepoNameRequest>(),
    Method::of::<GetTokenPermissionRequest>(),
    Method::of::<WhoamiRequest>(),
];

composite! {
    /// Tells whose token is sent, and what it may do.
    ///
    /// The configured token is sent even if `HF_HUB_DISABLE_IMPLICIT_TOKEN` keeps it back elsewhere.
    /// `GET /api/whoami-v2`.
    ///
    /// # Errors
    /// `TokenMissing` if there is no token, or the handle is one that sends none; `Http` with status 401 if the token
    /// is not valid.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let me = api.whoami().await?;
    /// println!("{:?} of {:?}", me.token_role(), me.name());
    /// # Ok(())
    /// # }
    /// ```
    pub fn whoami() -> WhoAmI;

    /// The parameters of [`HfApi::whoami`].
    pub struct WhoamiRequest {}
}

impl WhoamiRequest {
    /// The exchange that asks.
    pub fn http(&self) -> Http {
        Http::get("/api/whoami-v2")
    }
}

impl Run for WhoamiRequest {
    async fn run(self, api: HfApi) -> Result<WhoAmI> {
        let api = match api.client().auth() {
            Auth::Token(_) | Auth::Required => api,
            Auth::Implicit => api.with_auth(Auth::Required),
            Auth::Anonymous => {
                let message = "whoami needs a token, and this client is told to send none";
                return Err(Error::new(ErrorKind::TokenMissing, message));
            }
        };
        let answer = api.exchange(self.http()).await;
        match &answer {
            Err(error) if matches!(error.status(), Some(401 | 403)) => {
                answer.with(|| "invalid user token".to_owned())?.json()
            }
            _ => answer?.json(),
        }
    }
}

composite! {
    /// Tells what the token may do: `read`, `write`, `fineGrained`, or nothing if it is missing or not valid.
    ///
    /// Deprecated: permissions have become finer than one word; use `whoami` and read its `auth`.
    /// `GET /api/whoami-v2`.
    ///
    /// # Errors
    /// `Connection` or `Timeout`; refusals of the Hub count as nothing.
    ///
    /// ```no_run
    /// # #[allow(deprecated)]
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let role = api.get_token_permission().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[deprecated(note = "permissions have become finer than one word; use `whoami` and read its `auth`")]
    pub fn get_token_permission() -> Option<TokenRole>;

    /// The parameters of [`HfApi::get_token_permission`].
    pub struct GetTokenPermissionRequest {}
}

impl Run for GetTokenPermissionRequest {
    async fn run(self, api: HfApi) -> Result<Option<TokenRole>> {
        match api.whoami().await {
            Ok(me) => Ok(me.token_role()),
            Err(error) if error.kind() == ErrorKind::TokenMissing || error.status().is_some() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

composite! {
    /// Completes the name of a repository with its namespace: the organization, or else the account of the token.
    ///
    /// A name that has a namespace is complete. `GET /api/whoami-v2`, only without an organization.
    ///
    /// # Errors
    /// `InvalidArgument` if the result is no name of a repository; those of [`HfApi::whoami`].
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let name = api.get_full_repo_name("my-model").organization("acme").await?;
    /// assert_eq!(name.as_str(), "acme/my-model");
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_full_repo_name(
        /// The name of the repository.
        model_id: String,
    ) -> RepoId;

    /// The parameters of [`HfApi::get_full_repo_name`].
    pub struct GetFullRepoNameRequest {
        /// The organization that owns it; the account of the token if unset.
        organization: Option<String>,
    }
}

impl Run for GetFullRepoNameRequest {
    async fn run(self, api: HfApi) -> Result<RepoId> {
        let name = self.model_id;
        let namespace = match self.organization {
            Some(organization) => organization,
            None if name.contains('/') => return Ok(RepoId::parse(&name)?),
            None => {
                // What cannot become a name is refused before anybody is asked.
                RepoId::parse(&name)?;
                let me = api.whoami().await?;
                let lacking = || Error::new(ErrorKind::Decode, "the Hub did not say the name of the account");
                me.name().ok_or_else(lacking)?.to_owned()
            }
        };
        Ok(RepoId::parse(&format!("{namespace}/{name}"))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;

    fn without_token() -> HfApi {
        // Nothing listens there, so a request that is sent fails in another way.
        HfApi::new(Config::new("http://127.0.0.1:1", "/nowhere").unwrap())
    }

    #[tokio::test]
    async fn nobody_is_asked_without_a_token() {
        let api = without_token();
        for api in [api.clone(), api.with_auth(Auth::Anonymous)] {
            assert_eq!(api.whoami().await.unwrap_err().kind(), ErrorKind::TokenMissing);
            #[expect(deprecated)]
            let role = api.get_token_permission().await.unwrap();
            assert_eq!(role, None);
        }
    }

    #[tokio::test]
    async fn a_name_with_its_namespace_needs_no_request() {
        let api = without_token();
        let full = api.get_full_repo_name("m").organization("acme").await.unwrap();
        assert_eq!(full.as_str(), "acme/m");
        assert_eq!(api.get_full_repo_name("me/m").await.unwrap().as_str(), "me/m");
    }

    #[tokio::test]
    async fn what_is_no_name_is_refused() {
        let api = without_token();
        for request in [
            api.get_full_repo_name("a//b"),
            api.get_full_repo_name(""),
            api.get_full_repo_name("me/m").organization("acme"),
        ] {
            assert_eq!(request.await.unwrap_err().kind(), ErrorKind::InvalidArgument);
        }
    }
}
