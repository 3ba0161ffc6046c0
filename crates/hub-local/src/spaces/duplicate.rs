//! Copies of repositories: `POST /api/spaces/{id}/duplicate`.
use super::{Wanted, set_up, settings};
use crate::{
    accounts::{Caller, may_write},
    repos::{Content, Repo, find, register},
    stamp,
    state::HubState,
    store::blocking,
    web::{ApiError, JsonBody, Result, error::json},
};
use axum::{Router, extract::State, response::Response, routing::post};
use hub_types::{RepoId, RepoType};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::json;

pub(crate) fn repo_routes() -> Router<HubState> {
    Router::new().route("/duplicate", post(duplicate))
}

#[derive(Deserialize)]
struct Copy {
    repository: String,
    private: Option<bool>,
    #[serde(flatten)]
    wanted: Wanted,
}

async fn duplicate(
    State(state): State<HubState>,
    caller: Caller,
    Content { repo }: Content,
    JsonBody(body): JsonBody<Copy>,
) -> Result<Response> {
    let user = caller.writer()?.clone();
    let shared = state.clone();
    let copy = blocking(move || copy(&shared, &repo, &user.name, &body)).await?;
    Ok(json(&json!({ "url": copy.url(&state), "name": copy.id, "id": copy.oid })))
}

fn copy(state: &HubState, repo: &Repo, user: &str, body: &Copy) -> Result<Repo> {
    let kind = repo.kind;
    let id = RepoId::parse(&body.repository)?;
    let namespace = id.namespace().ok_or_else(|| ApiError::bad_request("repository needs a namespace"))?;
    let is_free = |connection: &Connection| match find(connection, kind, &id)? {
        Some(existing) => Err(ApiError::conflict(format!("You already created this {kind} repo"))
            .field("url", existing.url(state))),
        None => Ok(()),
    };
    state.store.with(|connection| {
        if !may_write(connection, user, namespace)? {
            return Err(ApiError::forbidden(format!(
                "You don't have the rights to create a {kind} under the namespace \"{namespace}\""
            )));
        }
        is_free(connection)
    })?;
    // Outside of the transaction: a commit holds the repository while it waits for the database.
    let oid = stamp::object_id();
    state.git.copy(&repo.oid, &oid)?;
    let made = state.store.with(|connection| {
        is_free(connection)?;
        let private = body.private.unwrap_or(repo.private);
        let copy = register(connection, &state.git, kind, &id, &oid, private, repo.sdk.as_deref())?;
        if kind == RepoType::Space {
            settings::copy_variables(connection, repo, &copy)?;
            set_up(connection, &copy, &body.wanted, &state.limits)?;
        }
        Ok(copy)
    });
    if made.is_err() {
        state.git.remove(&oid)?;
    }
    made
}
