//! The requests that came, and what the owners answer.
use super::{status, store};
use crate::{
    accounts::User,
    repos::{Repo, Writable},
    social::{account, person},
    state::HubState,
    web::{ApiError, JsonBody, Result, error::json},
};
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use rusqlite::{Connection, params};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn repo_routes() -> Router<HubState> {
    Router::new()
        .route("/user-access-request/{status}", get(list))
        .route("/user-access-request/handle", post(handle))
        .route("/user-access-request/grant", post(grant))
}

fn check_gated(repo: &Repo) -> Result<()> {
    match repo.gated {
        Some(_) => Ok(()),
        None => Err(ApiError::bad_request("Repo is not gated")),
    }
}

fn check_status(status: &str) -> Result<()> {
    match status {
        "pending" | "accepted" | "rejected" => Ok(()),
        _ => Err(ApiError::bad_request("status must be \"pending\", \"accepted\" or \"rejected\"")),
    }
}

#[derive(Deserialize)]
struct At {
    status: String,
}

async fn list(
    State(state): State<HubState>,
    Path(At { status }): Path<At>,
    Writable { repo, .. }: Writable,
) -> Result<Response> {
    check_status(&status)?;
    check_gated(&repo)?;
    let found = state.store.call(move |connection| listed(connection, &repo, &status));
    Ok(json(&found.await?))
}

/// The requests of one status, in the order they came.
fn listed(connection: &Connection, repo: &Repo, status: &str) -> Result<Vec<Value>> {
    let mut statement = connection.prepare_cached(
        "SELECT accounts.name, accounts.email, access_requests.created_at, fields, granted_by
         FROM access_requests JOIN accounts ON accounts.name = user
         WHERE repo = ?1 AND status = ?2 ORDER BY access_requests.created_at, accounts.name",
    )?;
    let mut rows = statement.query((repo.key, status))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let mut user = person(connection, &row.get::<_, String>(0)?)?;
        let granted_by: Option<String> = row.get(4)?;
        let mut request = json!({ "status": status, "timestamp": row.get::<_, String>(2)? });
        match granted_by {
            Some(name) => request["grantedBy"] = person(connection, &name)?,
            // Only those who ask show their address to the owners.
            None => user["email"] = row.get::<_, Option<String>>(1)?.into(),
        }
        request["user"] = user;
        if let Some(fields) = row.get::<_, Option<String>>(3)? {
            request["fields"] = serde_json::from_str(&fields).unwrap_or_default();
        }
        found.push(request);
    }
    Ok(found)
}

#[derive(Deserialize)]
struct Answer {
    user: String,
    status: String,
}

async fn handle(
    State(state): State<HubState>,
    Writable { repo, .. }: Writable,
    JsonBody(body): JsonBody<Answer>,
) -> Result<Response> {
    check_status(&body.status)?;
    check_gated(&repo)?;
    let done = state.store.call(move |connection| {
        let user = account(connection, &body.user, "user")?;
        match status(connection, &repo, &user)? {
            None => Err(ApiError::not_found("User access request not found")),
            Some(status) if status == body.status => {
                Err(ApiError::not_found(format!("User access request is {status} already")))
            }
            Some(_) => set_status(connection, &repo, &user, &body.status),
        }
    });
    done.await?;
    Ok(json(&json!({ "success": true })))
}

fn set_status(connection: &Connection, repo: &Repo, user: &str, status: &str) -> Result<()> {
    connection.execute(
        "UPDATE access_requests SET status = ?1 WHERE repo = ?2 AND user = ?3",
        params![status, repo.key, user],
    )?;
    Ok(())
}

#[derive(Deserialize)]
struct Granted {
    user: String,
}

async fn grant(
    State(state): State<HubState>,
    Writable { repo, user: User { name: owner, .. } }: Writable,
    JsonBody(body): JsonBody<Granted>,
) -> Result<Response> {
    check_gated(&repo)?;
    let done = state.store.call(move |connection| {
        let user = account(connection, &body.user, "user")?;
        match status(connection, &repo, &user)?.as_deref() {
            Some("accepted") => Err(ApiError::bad_request("User already has access")),
            Some(_) => set_status(connection, &repo, &user, "accepted"),
            None => store(connection, &repo, &user, "accepted", None, Some(&owner)),
        }
    });
    done.await?;
    Ok(json(&json!({ "success": true })))
}
