//! The repository that a request is about, once it is clear that the caller may do so.
use super::{Repo, find, find_renamed};
use crate::{
    access::is_granted,
    accounts::{Caller, User, may_read, may_write},
    state::HubState,
    web::{ApiError, RepoAddress, Result},
};
use axum::{
    extract::{FromRequestParts, Path},
    http::request::Parts,
};
use hub_types::{RepoId, RepoType};
use rusqlite::Connection;
use serde::Deserialize;

/// A repository that the caller may know of: its description, its listings.
pub(crate) struct Readable {
    pub(crate) repo: Repo,
    pub(crate) caller: Caller,
}

/// A repository whose files the caller may read: if it is gated, they were let in.
pub(crate) struct Content {
    pub(crate) repo: Repo,
}

/// A repository that the caller may write to, with a token that allows it.
pub(crate) struct Writable {
    pub(crate) repo: Repo,
    pub(crate) user: User,
}

#[derive(Deserialize)]
struct RepoParams {
    repo_kind: String,
    repo_namespace: String,
    repo_name: String,
}

impl FromRequestParts<HubState> for Readable {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &HubState) -> Result<Self> {
        look_up(parts, state, |_, repo, caller| Ok(Self { repo, caller })).await
    }
}

impl FromRequestParts<HubState> for Content {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &HubState) -> Result<Self> {
        let endpoint = state.urls.endpoint.clone();
        look_up(parts, state, move |connection, repo, caller| {
            check_gate(connection, &repo, &caller, &endpoint)?;
            Ok(Self { repo })
        })
        .await
    }
}

impl FromRequestParts<HubState> for Writable {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &HubState) -> Result<Self> {
        look_up(parts, state, |connection, repo, caller| {
            let user = caller.writer()?.clone();
            if !may_write(connection, &user.name, repo.owner())? {
                return Err(ApiError::forbidden(format!(
                    "You don't have the rights to write to {}",
                    repo.id
                )));
            }
            Ok(Self { repo, user })
        })
        .await
    }
}

async fn look_up<T: Send + 'static>(
    parts: &mut Parts,
    state: &HubState,
    check: impl FnOnce(&Connection, Repo, Caller) -> Result<T> + Send + 'static,
) -> Result<T> {
    let caller = Caller::from_request_parts(parts, state).await?;
    let path = Path::<RepoParams>::from_request_parts(parts, state).await;
    let Path(params) = path.map_err(|cause| ApiError::bad_request(cause.to_string()))?;
    let kind: RepoType = params.repo_kind.parse()?;
    let id = match &*params.repo_namespace {
        "~" => params.repo_name,
        namespace => format!("{namespace}/{}", params.repo_name),
    };
    // An id that cannot be is an id that is not there.
    let id = RepoId::parse(&id).map_err(|_| ApiError::repo_not_found(caller.is_anonymous()))?;
    let address = parts.extensions.get::<RepoAddress>().cloned();
    state
        .store
        .call(move |connection| {
            let found = find(connection, kind, &id)?;
            let moved = if found.is_none() { find_renamed(connection, kind, &id)? } else { None };
            let is_moved = moved.is_some();
            let repo = found.or(moved).ok_or_else(|| ApiError::repo_not_found(caller.is_anonymous()))?;
            if !repo.is_visible_to(connection, &caller)? {
                return Err(ApiError::repo_not_found(caller.is_anonymous()));
            }
            if let Some(address) = address.filter(|_| is_moved) {
                return Err(ApiError::moved(address.with_id(repo.id.as_str())));
            }
            if repo.disabled {
                return Err(ApiError::forbidden("Access to this resource is disabled."));
            }
            check(connection, repo, caller)
        })
        .await
}

fn check_gate(connection: &Connection, repo: &Repo, caller: &Caller, endpoint: &str) -> Result<()> {
    if repo.gated.is_none() {
        return Ok(());
    }
    let (kind, id) = (repo.kind, &repo.id);
    let Some(user) = &caller.0 else {
        let message = format!("Access to {kind} {id} is restricted. You must be authenticated to access it.");
        return Err(ApiError::unauthorized(message).code("GatedRepo"));
    };
    if may_read(connection, &user.name, repo.owner())? || is_granted(connection, repo, &user.name)? {
        return Ok(());
    }
    Err(ApiError::forbidden(format!(
        "Access to {kind} {id} is restricted and you are not in the authorized list. Visit {endpoint}/{}{id} to \
         ask for access.",
        kind.url_prefix()
    ))
    .code("GatedRepo"))
}
