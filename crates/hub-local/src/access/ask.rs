//! Asking for access: what the button on the page of a gated repository does.
use super::{status, store};
use crate::{
    Error, LocalHub,
    hub::failed,
    repos::{Readable, Repo, find},
    state::HubState,
    web::{ApiError, Params, Result, body, error::json},
};
use axum::{
    Router,
    extract::{Request, State},
    response::Response,
    routing::post,
};
use hub_types::{AccessRequestStatus, RepoId, RepoType};
use rusqlite::Connection;
use serde_json::{Map, Value, json};

pub(super) fn file_routes() -> Router<HubState> {
    Router::new().route("/ask-access", post(ask))
}

/// Takes the form that asks for access: whatever is in it is shown to the owners.
async fn ask(
    State(state): State<HubState>,
    Readable { repo, caller }: Readable,
    request: Request,
) -> Result<Response> {
    let user = caller.user()?.name.clone();
    let form = body::read(request).await?;
    let form =
        String::from_utf8(form.to_vec()).map_err(|_| ApiError::bad_request("the form is not UTF-8"))?;
    let fields: Map<String, Value> =
        Params::parse(&form).into_pairs().map(|(name, value)| (name, value.into())).collect();
    let done = state.store.call(move |connection| add(connection, &repo, &user, fields));
    Ok(json(&json!({ "status": done.await?.as_str() })))
}

/// Adds a request, which repositories that are gated `auto` accept at once, and tells what became of it.
fn add(
    connection: &Connection,
    repo: &Repo,
    user: &str,
    fields: Map<String, Value>,
) -> Result<AccessRequestStatus> {
    let answer = match repo.gated.as_deref() {
        None => return Err(ApiError::bad_request("Repo is not gated")),
        Some("auto") => AccessRequestStatus::Accepted,
        Some(_) => AccessRequestStatus::Pending,
    };
    if let Some(status) = status(connection, repo, user)? {
        // Asking twice is asking once.
        return Ok(status.into());
    }
    let fields = (!fields.is_empty()).then_some(Value::Object(fields));
    store(connection, repo, user, answer.as_str(), fields.as_ref(), None)?;
    Ok(answer)
}

impl LocalHub {
    /// Asks for access to a gated repository in a user's name, as on its page, and tells what became of it: it is
    /// accepted at once where the repository is gated `auto`, and pending where it is `manual`.
    ///
    /// # Errors
    /// There is no such repository or user, or the repository is not gated.
    pub async fn ask_access(
        &self,
        user: &str,
        kind: RepoType,
        id: &RepoId,
        fields: Map<String, Value>,
    ) -> Result<AccessRequestStatus, Error> {
        let (user, id) = (user.to_owned(), id.clone());
        let done = self.state.store.call(move |connection| {
            let repo = find(connection, kind, &id)?.ok_or_else(|| ApiError::repo_not_found(false))?;
            let user = crate::social::account(connection, &user, "user")?;
            add(connection, &repo, &user, fields)
        });
        done.await.map_err(failed)
    }
}
