//! Access to gated repositories: who asked for it, and what became of it.
use crate::macros::endpoint;
use crate::types::{AccessRequest, AccessRequestStatus, RepoId, RepoType};
use crate::{Arg, Endpoint, Http, Method, repo_path};
use serde_json::json;

/// The methods of this module.
pub(crate) const METHODS: &[Method] = &[
    Method::of::<AcceptAccessRequestRequest>(),
    Method::of::<CancelAccessRequestRequest>(),
    Method::of::<GrantAccessRequest>(),
    Method::lines_of::<ListAcceptedAccessRequestsRequest>(),
    Method::lines_of::<ListPendingAccessRequestsRequest>(),
    Method::lines_of::<ListRejectedAccessRequestsRequest>(),
    Method::of::<RejectAccessRequestRequest>(),
];

/// The requests that have come so far.
fn listed(repo_type: Option<RepoType>, repo_id: &Arg<RepoId>, status: AccessRequestStatus) -> Http {
    Http::get(repo_path(repo_type, repo_id).push("user-access-request").push(status.as_str()))
}

/// A request that came becomes one of this status.
fn handled(
    repo_type: Option<RepoType>,
    repo_id: &Arg<RepoId>,
    user: &str,
    status: AccessRequestStatus,
) -> Http {
    let path = repo_path(repo_type, repo_id).push("user-access-request").push("handle");
    Http::post(path).json(json!({ "user": user, "status": status }))
}

endpoint! {
    /// Lists who asked for access to a gated repository and waits for an answer.
    ///
    /// Repositories that are gated `auto` grant access at once, so that nobody waits. Needs a token that may write to
    /// the repository. `GET /api/{type}s/{repo_id}/user-access-request/pending`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `BadRequest` if the repository is not gated; `Http` with status 403 if the token may only
    /// read it.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// for request in api.list_pending_access_requests("me/gated").await? {
    ///     println!("{} <{:?}> asked at {}", request.username, request.email, request.timestamp);
    ///     api.accept_access_request("me/gated", request.username).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_pending_access_requests(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> Vec<AccessRequest>;

    /// The parameters of [`HfApi::list_pending_access_requests`](crate::HfApi::list_pending_access_requests).
    pub struct ListPendingAccessRequestsRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for ListPendingAccessRequestsRequest {
    fn http(&self) -> Http {
        listed(self.repo_type, &self.repo_id, AccessRequestStatus::Pending)
    }
}

endpoint! {
    /// Lists who has access to a gated repository.
    ///
    /// Those whom the owners let in unasked are among them; their email address is not told. Needs a token that may
    /// write to the repository. `GET /api/{type}s/{repo_id}/user-access-request/accepted`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `BadRequest` if the repository is not gated; `Http` with status 403 if the token may only
    /// read it.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let readers = api.list_accepted_access_requests("me/gated").await?;
    /// println!("{} users have access", readers.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_accepted_access_requests(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> Vec<AccessRequest>;

    /// The parameters of [`HfApi::list_accepted_access_requests`](crate::HfApi::list_accepted_access_requests).
    pub struct ListAcceptedAccessRequestsRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for ListAcceptedAccessRequestsRequest {
    fn http(&self) -> Http {
        listed(self.repo_type, &self.repo_id, AccessRequestStatus::Accepted)
    }
}

endpoint! {
    /// Lists who asked for access to a gated repository and was refused.
    ///
    /// Needs a token that may write to the repository. `GET /api/{type}s/{repo_id}/user-access-request/rejected`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `BadRequest` if the repository is not gated; `Http` with status 403 if the token may only
    /// read it.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// for request in api.list_rejected_access_requests("me/gated").await? {
    ///     println!("{} filled in {:?}", request.username, request.fields);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_rejected_access_requests(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> Vec<AccessRequest>;

    /// The parameters of [`HfApi::list_rejected_access_requests`](crate::HfApi::list_rejected_access_requests).
    pub struct ListRejectedAccessRequestsRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for ListRejectedAccessRequestsRequest {
    fn http(&self) -> Http {
        listed(self.repo_type, &self.repo_id, AccessRequestStatus::Rejected)
    }
}

endpoint! {
    /// Accepts a user's request for access to a gated repository.
    ///
    /// A request that was rejected before may be accepted, too. Needs a token that may write to the repository.
    /// `POST /api/{type}s/{repo_id}/user-access-request/handle`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `BadRequest` if the repository is not gated; `Http` with status 404 if the user does not
    /// exist or has not asked, and with status 403 if the token may only read the repository.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.accept_access_request("me/gated", "alice").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn accept_access_request(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The name of the user who asked.
        user: String,
    ) -> ();

    /// The parameters of [`HfApi::accept_access_request`](crate::HfApi::accept_access_request).
    pub struct AcceptAccessRequestRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for AcceptAccessRequestRequest {
    fn http(&self) -> Http {
        handled(self.repo_type, &self.repo_id, &self.user, AccessRequestStatus::Accepted)
    }
}

endpoint! {
    /// Refuses a user's request for access to a gated repository.
    ///
    /// A request that was accepted before loses its access. Needs a token that may write to the repository.
    /// `POST /api/{type}s/{repo_id}/user-access-request/handle`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `BadRequest` if the repository is not gated; `Http` with status 404 if the user does not
    /// exist or has not asked, and with status 403 if the token may only read the repository.
    ///
    /// ```no_run
    /// # use hub_api::types::RepoType;
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.reject_access_request("me/gated-data", "mallory").repo_type(RepoType::Dataset).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn reject_access_request(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The name of the user who asked.
        user: String,
    ) -> ();

    /// The parameters of [`HfApi::reject_access_request`](crate::HfApi::reject_access_request).
    pub struct RejectAccessRequestRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for RejectAccessRequestRequest {
    fn http(&self) -> Http {
        handled(self.repo_type, &self.repo_id, &self.user, AccessRequestStatus::Rejected)
    }
}

endpoint! {
    /// Puts a user's request for access to a gated repository back among those that wait for an answer.
    ///
    /// The user has no access until it is accepted again. Needs a token that may write to the repository.
    /// `POST /api/{type}s/{repo_id}/user-access-request/handle`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `BadRequest` if the repository is not gated; `Http` with status 404 if the user does not
    /// exist or has not asked, and with status 403 if the token may only read the repository.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.cancel_access_request("me/gated", "alice").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn cancel_access_request(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The name of the user who asked.
        user: String,
    ) -> ();

    /// The parameters of [`HfApi::cancel_access_request`](crate::HfApi::cancel_access_request).
    pub struct CancelAccessRequestRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for CancelAccessRequestRequest {
    fn http(&self) -> Http {
        handled(self.repo_type, &self.repo_id, &self.user, AccessRequestStatus::Pending)
    }
}

endpoint! {
    /// Lets a user into a gated repository who has not asked.
    ///
    /// A user who has asked is let in by accepting the request. Needs a token that may write to the repository.
    /// `POST /api/{type}s/{repo_id}/user-access-request/grant`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `BadRequest` if the repository is not gated or the user has access already; `Http` with
    /// status 404 if there is no such user, and with status 403 if the token may only read the repository.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.grant_access("me/gated", "bob").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn grant_access(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The name of the user.
        user: String,
    ) -> ();

    /// The parameters of [`HfApi::grant_access`](crate::HfApi::grant_access).
    pub struct GrantAccessRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for GrantAccessRequest {
    fn http(&self) -> Http {
        let path = repo_path(self.repo_type, &self.repo_id).push("user-access-request").push("grant");
        Http::post(path).json(json!({ "user": self.user }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_list() {
        let path = |status: &str| format!("/api/models/me/m/user-access-request/{status}");
        let pending = ListPendingAccessRequestsRequest::new("me/m").http();
        assert_eq!(pending, Http::get(path("pending").as_str()));
        let accepted = ListAcceptedAccessRequestsRequest::new("me/m").http();
        assert_eq!(accepted, Http::get(path("accepted").as_str()));
        let rejected = ListRejectedAccessRequestsRequest::new("me/m").http();
        assert_eq!(rejected, Http::get(path("rejected").as_str()));
    }

    #[test]
    fn an_answer_says_what_becomes_of_the_request() {
        let handled = |status: &str| {
            Http::post("/api/spaces/me/s/user-access-request/handle")
                .json(json!({ "user": "ann", "status": status }))
        };
        let accept = AcceptAccessRequestRequest::new("me/s", "ann").repo_type(RepoType::Space);
        assert_eq!(accept.http(), handled("accepted"));
        let reject = RejectAccessRequestRequest::new("me/s", "ann").repo_type(RepoType::Space);
        assert_eq!(reject.http(), handled("rejected"));
        let cancel = CancelAccessRequestRequest::new("me/s", "ann").repo_type(RepoType::Space);
        assert_eq!(cancel.http(), handled("pending"));
    }

    #[test]
    fn access_is_granted_to_a_user_by_name() {
        let grant = GrantAccessRequest::new("gpt2", "a b").repo_type(RepoType::Dataset);
        let expected =
            Http::post("/api/datasets/gpt2/user-access-request/grant").json(json!({ "user": "a b" }));
        assert_eq!(grant.http(), expected);
        assert_eq!(grant.http().idempotency, hub_http::Idempotency::Unsafe, "a second one is refused");
    }
}
