//! New titles, closing and opening.
use super::{At, Discussion, add_event, describe, open::check_title, participant};
use crate::{
    repos::Readable,
    state::HubState,
    web::{ApiError, JsonBody, Result, error::json},
};
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::post,
};
use rusqlite::params;
use serde::Deserialize;
use serde_json::json;

pub(super) fn repo_routes() -> Router<HubState> {
    Router::new()
        .route("/discussions/{num}/title", post(rename))
        .route("/discussions/{num}/status", post(change_status))
}

#[derive(Deserialize)]
struct NewTitle {
    title: String,
}

async fn rename(
    State(state): State<HubState>,
    Path(At { num }): Path<At>,
    Readable { repo, caller }: Readable,
    JsonBody(body): JsonBody<NewTitle>,
) -> Result<Response> {
    let user = participant(&caller)?;
    check_title(&body.title)?;
    let event = state.store.call(move |connection| {
        let found = Discussion::find(connection, &repo, num)?;
        found.check_may_manage(connection, &repo, &user)?;
        connection.execute(
            "UPDATE discussions SET title = ?1 WHERE repo = ?2 AND num = ?3",
            params![body.title, repo.key, num],
        )?;
        let data = json!({ "from": found.title, "to": body.title });
        let id = add_event(connection, &repo, num, "title-change", &user.name, &data)?;
        describe::event(connection, &id)
    });
    Ok(json(&json!({ "newTitle": event.await? })))
}

#[derive(Deserialize)]
struct NewStatus {
    status: String,
    comment: Option<String>,
}

async fn change_status(
    State(state): State<HubState>,
    Path(At { num }): Path<At>,
    Readable { repo, caller }: Readable,
    JsonBody(body): JsonBody<NewStatus>,
) -> Result<Response> {
    let user = participant(&caller)?;
    let event = state.store.call(move |connection| {
        let found = Discussion::find(connection, &repo, num)?;
        found.check_may_manage(connection, &repo, &user)?;
        match (&*found.status, &*body.status) {
            ("open" | "draft", "closed") | ("closed" | "draft", "open") => {}
            ("merged", _) => return Err(ApiError::bad_request("A merged pull request keeps its status")),
            (_, "open" | "closed") => {
                return Err(ApiError::bad_request(format!("Discussion is {} already", found.status)));
            }
            _ => return Err(ApiError::bad_request("status must be \"open\" or \"closed\"")),
        }
        if let Some(comment) = &body.comment {
            super::comments::check_text(comment)?;
            add_event(connection, &repo, num, "comment", &user.name, &json!({ "content": comment }))?;
        }
        found.set_status(connection, &repo, &body.status)?;
        let data = json!({ "status": body.status });
        let id = add_event(connection, &repo, num, "status-change", &user.name, &data)?;
        describe::event(connection, &id)
    });
    Ok(json(&json!({ "newStatus": event.await? })))
}
