//! Collections one by one.
use super::{At, Collection, check_length, check_owner, describe, moved};
use crate::{
    accounts::Caller,
    stamp,
    state::HubState,
    web::{ApiError, JsonBody, Result, error::json},
};
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use serde_json::json;

pub(super) fn routes() -> Router<HubState> {
    Router::new()
        .route("/api/collections", post(create))
        .route("/api/collections/{owner}/{name}", get(read).patch(update).delete(remove))
        .route("/api/collections/{owner}/{name}/upvote", post(upvote).delete(take_upvote))
}

const TITLE_CHARS: usize = 60;
const DESCRIPTION_CHARS: usize = 150;
const THEMES: [&str; 6] = ["orange", "blue", "green", "purple", "pink", "indigo"];

fn check_title(title: &str) -> Result<()> {
    if title.trim().is_empty() {
        return Err(ApiError::bad_request("title must not be empty"));
    }
    check_length("title", title, TITLE_CHARS)
}

#[derive(Deserialize)]
struct NewCollection {
    title: String,
    namespace: String,
    description: Option<String>,
    #[serde(default)]
    private: bool,
}

async fn create(
    State(state): State<HubState>,
    caller: Caller,
    JsonBody(body): JsonBody<NewCollection>,
) -> Result<Response> {
    let user = caller.writer()?.clone();
    check_title(&body.title)?;
    check_length("description", body.description.as_deref().unwrap_or_default(), DESCRIPTION_CHARS)?;
    let shared = state.clone();
    let created = state.store.call(move |connection| {
        check_owner(connection, &user, &body.namespace)?;
        if let Some(existing) = titled(connection, &body.namespace, &body.title)? {
            let message = "This collection already exists";
            return Err(ApiError::conflict(message).field("slug", existing.slug()));
        }
        connection.execute(
            "INSERT INTO collections (oid, owner, title, description, private, theme, position, last_updated)
             VALUES (?1, (SELECT name FROM accounts WHERE name = ?2), ?3, ?4, ?5, ?6,
                 (SELECT COALESCE(MAX(position) + 1, 0) FROM collections WHERE owner = ?2), ?7)",
            params![
                stamp::object_id(),
                body.namespace,
                body.title,
                body.description,
                body.private,
                THEMES[0],
                stamp::now()
            ],
        )?;
        let created = titled(connection, &body.namespace, &body.title)?;
        let created = created.ok_or_else(|| ApiError::not_found("Collection not found"))?;
        whole(connection, &shared, &created, &caller)
    });
    Ok(json(&created.await?))
}

/// A collection of an owner by its title.
fn titled(connection: &Connection, owner: &str, title: &str) -> Result<Option<Collection>> {
    let sql = format!("SELECT {} FROM collections WHERE owner = ?1 AND title = ?2", super::COLUMNS);
    Ok(connection.prepare_cached(&sql)?.query_row([owner, title], Collection::from_row).optional()?)
}

/// A collection with all its items and its place.
pub(super) fn whole(
    connection: &Connection,
    state: &HubState,
    found: &Collection,
    caller: &Caller,
) -> Result<serde_json::Value> {
    let mut object = describe::collection(connection, state, found, caller, usize::MAX)?;
    object["position"] = found.position.into();
    Ok(object)
}

async fn read(State(state): State<HubState>, Path(at): Path<At>, caller: Caller) -> Result<Response> {
    let shared = state.clone();
    let found = state.store.call(move |connection| {
        let found = Collection::visible(connection, &at, &caller)?;
        whole(connection, &shared, &found, &caller)
    });
    Ok(json(&found.await?))
}

#[derive(Deserialize)]
struct Changes {
    title: Option<String>,
    description: Option<String>,
    position: Option<i64>,
    private: Option<bool>,
    theme: Option<String>,
}

async fn update(
    State(state): State<HubState>,
    Path(at): Path<At>,
    caller: Caller,
    JsonBody(body): JsonBody<Changes>,
) -> Result<Response> {
    body.title.as_deref().map_or(Ok(()), check_title)?;
    check_length("description", body.description.as_deref().unwrap_or_default(), DESCRIPTION_CHARS)?;
    if body.theme.as_deref().is_some_and(|theme| !THEMES.contains(&theme)) {
        return Err(ApiError::bad_request(format!("theme must be one of {}", THEMES.join(", "))));
    }
    let shared = state.clone();
    let changed = state.store.call(move |connection| {
        let found = Collection::writable(connection, &at, &caller)?;
        connection.execute(
            "UPDATE collections SET title = COALESCE(?1, title), description = COALESCE(?2, description),
                 private = COALESCE(?3, private), theme = COALESCE(?4, theme) WHERE key = ?5",
            params![body.title, body.description, body.private, body.theme, found.key],
        )?;
        if let Some(place) = body.position {
            reorder(connection, &found, place)?;
        }
        found.touch(connection)?;
        whole(connection, &shared, &found.again(connection)?, &caller)
    });
    Ok(json(&json!({ "success": true, "data": changed.await? })))
}

/// Moves a collection among those of its owner.
fn reorder(connection: &Connection, found: &Collection, place: i64) -> Result<()> {
    let mut statement =
        connection.prepare_cached("SELECT key FROM collections WHERE owner = ?1 ORDER BY position, key")?;
    let keys = statement.query_map([&found.owner], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut write = connection.prepare_cached("UPDATE collections SET position = ?1 WHERE key = ?2")?;
    for (position, key) in moved(keys, found.key, place)?.iter().enumerate() {
        write.execute((i64::try_from(position).unwrap_or(i64::MAX), key))?;
    }
    Ok(())
}

async fn remove(State(state): State<HubState>, Path(at): Path<At>, caller: Caller) -> Result<Response> {
    let removed = state.store.call(move |connection| {
        let found = Collection::writable(connection, &at, &caller)?;
        connection.execute("DELETE FROM collections WHERE key = ?1", [found.key])?;
        Ok(())
    });
    removed.await?;
    Ok(json(&json!({ "success": true })))
}

async fn upvote(state: State<HubState>, at: Path<At>, caller: Caller) -> Result<Response> {
    let sql = "INSERT OR IGNORE INTO collection_upvotes (collection, user) VALUES (?1, ?2)";
    vote(state, at, caller, sql).await
}

async fn take_upvote(state: State<HubState>, at: Path<At>, caller: Caller) -> Result<Response> {
    vote(state, at, caller, "DELETE FROM collection_upvotes WHERE collection = ?1 AND user = ?2").await
}

async fn vote(
    State(state): State<HubState>,
    Path(at): Path<At>,
    caller: Caller,
    sql: &'static str,
) -> Result<Response> {
    let user = caller.writer()?.name.clone();
    let voted = state.store.call(move |connection| {
        let found = Collection::visible(connection, &at, &caller)?;
        connection.execute(sql, (found.key, user))?;
        Ok(())
    });
    voted.await?;
    Ok(json(&json!({ "success": true })))
}
