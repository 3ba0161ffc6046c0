//! The items of collections.
use super::{At, Collection, check_length, manage::whole, moved};
use crate::{
    accounts::Caller,
    papers,
    repos::find,
    stamp,
    state::HubState,
    web::{ApiError, JsonBody, Result, error::json},
};
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{patch, post},
};
use hub_types::{RepoId, RepoType};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use serde_json::json;

pub(super) fn routes() -> Router<HubState> {
    Router::new()
        .route("/api/collections/{owner}/{name}/items", post(add))
        .route("/api/collections/{owner}/{name}/items/{item}", patch(update).delete(remove))
}

const NOTE_CHARS: usize = 500;

#[derive(Deserialize)]
struct NewItem {
    item: Item,
    note: Option<String>,
}

#[derive(Deserialize)]
struct Item {
    id: String,
    #[serde(rename = "type")]
    kind: String,
}

/// What an item stands for: a repository by its key, or a paper by its id.
enum Target {
    Repo(i64),
    Paper(String),
}

impl Item {
    fn target(self, connection: &Connection, caller: &Caller) -> Result<Target> {
        let missing = || ApiError::not_found("Item not found");
        if self.kind == "paper" {
            let is_known = !papers::describe(connection, &self.id)?.is_null();
            return if is_known { Ok(Target::Paper(self.id)) } else { Err(missing()) };
        }
        let kind = RepoType::ALL.into_iter().find(|kind| kind.as_str() == self.kind);
        let kind = kind.ok_or_else(|| {
            ApiError::bad_request(format!(
                "Invalid item type {:?}: it must be model, dataset, space or paper",
                self.kind
            ))
        })?;
        let id = RepoId::parse(&self.id).map_err(|_| missing())?;
        let repo = find(connection, kind, &id)?.ok_or_else(missing)?;
        if repo.is_visible_to(connection, caller)? { Ok(Target::Repo(repo.key)) } else { Err(missing()) }
    }
}

async fn add(
    State(state): State<HubState>,
    Path(at): Path<At>,
    caller: Caller,
    JsonBody(body): JsonBody<NewItem>,
) -> Result<Response> {
    check_length("note", body.note.as_deref().unwrap_or_default(), NOTE_CHARS)?;
    let shared = state.clone();
    let added = state.store.call(move |connection| {
        let found = Collection::writable(connection, &at, &caller)?;
        let kind = body.item.kind.clone();
        let (repo, paper) = match body.item.target(connection, &caller)? {
            Target::Repo(key) => (Some(key), None),
            Target::Paper(id) => (None, Some(id)),
        };
        let is_new = connection.execute(
            "INSERT OR IGNORE INTO collection_items (oid, collection, type, repo, paper, note, position)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, (SELECT COALESCE(MAX(position), -1) + 1 FROM collection_items
                                              WHERE collection = ?2))",
            params![stamp::object_id(), found.key, kind, repo, paper, body.note],
        )?;
        if is_new == 0 {
            return Err(ApiError::conflict("Item already in collection"));
        }
        found.touch(connection)?;
        whole(connection, &shared, &found.again(connection)?, &caller)
    });
    Ok(json(&added.await?))
}

#[derive(Deserialize)]
struct ItemAt {
    owner: String,
    name: String,
    item: String,
}

impl ItemAt {
    /// The collection, and the key of its item.
    fn find(self, connection: &Connection, caller: &Caller) -> Result<(Collection, i64)> {
        let at = At { owner: self.owner, name: self.name };
        let found = Collection::writable(connection, &at, caller)?;
        let mut statement = connection
            .prepare_cached("SELECT key FROM collection_items WHERE collection = ?1 AND oid = ?2")?;
        let item = statement.query_row((found.key, self.item), |row| row.get(0)).optional()?;
        Ok((found, item.ok_or_else(|| ApiError::not_found("Item not found"))?))
    }
}

#[derive(Deserialize)]
struct Changes {
    note: Option<String>,
    position: Option<i64>,
}

async fn update(
    State(state): State<HubState>,
    Path(at): Path<ItemAt>,
    caller: Caller,
    JsonBody(body): JsonBody<Changes>,
) -> Result<Response> {
    check_length("note", body.note.as_deref().unwrap_or_default(), NOTE_CHARS)?;
    let changed = state.store.call(move |connection| {
        let (found, item) = at.find(connection, &caller)?;
        if let Some(note) = body.note {
            connection.execute("UPDATE collection_items SET note = ?1 WHERE key = ?2", (note, item))?;
        }
        if let Some(place) = body.position {
            reorder(connection, &found, item, place)?;
        }
        found.touch(connection)
    });
    changed.await?;
    Ok(json(&json!({ "success": true })))
}

fn reorder(connection: &Connection, found: &Collection, item: i64, place: i64) -> Result<()> {
    let mut statement = connection
        .prepare_cached("SELECT key FROM collection_items WHERE collection = ?1 ORDER BY position")?;
    let keys = statement.query_map([found.key], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let mut write = connection.prepare_cached("UPDATE collection_items SET position = ?1 WHERE key = ?2")?;
    for (position, key) in moved(keys, item, place)?.iter().enumerate() {
        write.execute((i64::try_from(position).unwrap_or(i64::MAX), key))?;
    }
    Ok(())
}

async fn remove(State(state): State<HubState>, Path(at): Path<ItemAt>, caller: Caller) -> Result<Response> {
    let removed = state.store.call(move |connection| {
        let (found, item) = at.find(connection, &caller)?;
        connection.execute("DELETE FROM collection_items WHERE key = ?1", [item])?;
        found.touch(connection)
    });
    removed.await?;
    Ok(json(&json!({ "success": true })))
}
