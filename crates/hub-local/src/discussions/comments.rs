//! Comments: writing, editing and hiding them.
use super::{At, Discussion, add_event, describe, participant};
use crate::{
    accounts::{User, may_write},
    repos::{Readable, Repo},
    stamp,
    state::HubState,
    web::{ApiError, JsonBody, Result, error::json},
};
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::post,
};
use rusqlite::{Connection, OptionalExtension};
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn repo_routes() -> Router<HubState> {
    Router::new()
        .route("/discussions/{num}/comment", post(comment))
        .route("/discussions/{num}/comment/{comment}/edit", post(edit))
        .route("/discussions/{num}/comment/{comment}/hide", post(hide))
}

/// The longest text of a comment, in characters.
const MAX_TEXT_CHARS: usize = 65_536;

pub(super) fn check_text(text: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(ApiError::bad_request("a comment must not be empty"));
    }
    if text.chars().count() > MAX_TEXT_CHARS {
        return Err(ApiError::bad_request(format!(
            "a comment must not be longer than {MAX_TEXT_CHARS} characters"
        )));
    }
    Ok(())
}

#[derive(Deserialize)]
struct NewComment {
    comment: String,
}

async fn comment(
    State(state): State<HubState>,
    Path(At { num }): Path<At>,
    Readable { repo, caller }: Readable,
    JsonBody(body): JsonBody<NewComment>,
) -> Result<Response> {
    let user = participant(&caller)?;
    check_text(&body.comment)?;
    let event = state.store.call(move |connection| {
        Discussion::find(connection, &repo, num)?;
        let data = json!({ "content": body.comment });
        let id = add_event(connection, &repo, num, "comment", &user.name, &data)?;
        describe::event(connection, &id)
    });
    Ok(json(&json!({ "newMessage": event.await? })))
}

#[derive(Deserialize)]
struct CommentAt {
    num: u32,
    comment: String,
}

/// A comment as the database has it.
struct Comment {
    id: String,
    author: String,
    data: Value,
}

impl Comment {
    fn find(connection: &Connection, repo: &Repo, at: &CommentAt) -> Result<Self> {
        let mut statement = connection.prepare_cached(
            "SELECT id, author, data FROM discussion_events
             WHERE repo = ?1 AND num = ?2 AND id = ?3 AND type = 'comment'",
        )?;
        let found = statement.query_row((repo.key, at.num, &at.comment), |row| {
            let data: String = row.get(2)?;
            Ok(Self {
                id: row.get(0)?,
                author: row.get(1)?,
                data: serde_json::from_str(&data).unwrap_or_default(),
            })
        });
        found.optional()?.ok_or_else(|| ApiError::not_found("Comment not found"))
    }

    fn is_by(&self, user: &User) -> bool {
        self.author.eq_ignore_ascii_case(&user.name)
    }

    /// Writes other data in the place of the present ones.
    fn replace(&self, connection: &Connection, data: &Value) -> Result<Value> {
        connection
            .execute("UPDATE discussion_events SET data = ?1 WHERE id = ?2", [&data.to_string(), &self.id])?;
        describe::event(connection, &self.id)
    }
}

#[derive(Deserialize)]
struct Edit {
    content: String,
}

async fn edit(
    State(state): State<HubState>,
    Path(at): Path<CommentAt>,
    Readable { repo, caller }: Readable,
    JsonBody(body): JsonBody<Edit>,
) -> Result<Response> {
    let user = participant(&caller)?;
    check_text(&body.content)?;
    let event = state.store.call(move |connection| {
        let comment = Comment::find(connection, &repo, &at)?;
        if !comment.is_by(&user) {
            return Err(ApiError::forbidden("Only the author may edit a comment"));
        }
        if comment.data["hidden"] == true {
            return Err(ApiError::bad_request("A hidden comment cannot be edited"));
        }
        let mut history = comment.data["history"].as_array().cloned().unwrap_or_default();
        history.push(json!({ "content": comment.data["content"], "until": stamp::now() }));
        comment.replace(connection, &json!({ "content": body.content, "history": history }))
    });
    Ok(json(&json!({ "updatedComment": event.await? })))
}

async fn hide(
    State(state): State<HubState>,
    Path(at): Path<CommentAt>,
    Readable { repo, caller }: Readable,
) -> Result<Response> {
    let user = participant(&caller)?;
    let event = state.store.call(move |connection| {
        let comment = Comment::find(connection, &repo, &at)?;
        if !comment.is_by(&user) && !may_write(connection, &user.name, repo.owner())? {
            return Err(ApiError::forbidden(
                "Only the author and those who may write to the repository may hide it",
            ));
        }
        // The text and its history are gone for good.
        comment.replace(connection, &json!({ "hidden": true, "hiddenBy": user.name }))
    });
    Ok(json(&json!({ "updatedComment": event.await? })))
}
