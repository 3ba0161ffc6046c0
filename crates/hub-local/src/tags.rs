//! The tags that repositories have, by kind.
use crate::{
    state::HubState,
    web::{Result, error::json},
};
use axum::{Router, extract::State, response::Response, routing::get};
use hub_types::RepoType;
use rusqlite::Connection;
use serde_json::{Map, Value, json};

pub(crate) fn routes() -> Router<HubState> {
    Router::new()
        .route("/api/models-tags-by-type", get(|state| tags(RepoType::Model, state)))
        .route("/api/datasets-tags-by-type", get(|state| tags(RepoType::Dataset, state)))
}

async fn tags(kind: RepoType, State(state): State<HubState>) -> Result<Response> {
    let found = state.store.call(move |connection| by_type(connection, kind));
    Ok(json(&found.await?))
}

/// The tags of all public repositories of a kind.
fn by_type(connection: &Connection, kind: RepoType) -> Result<Map<String, Value>> {
    let mut types = Map::new();
    let mut statement = connection.prepare_cached(
        "SELECT DISTINCT tag, tag IN (SELECT pipeline_tag FROM repos WHERE kind = ?1),
             tag IN (SELECT library_name FROM repos WHERE kind = ?1)
         FROM repo_tags JOIN repos ON repos.key = repo WHERE kind = ?1 AND NOT private ORDER BY tag",
    )?;
    let mut rows = statement.query([kind.as_str()])?;
    while let Some(row) = rows.next()? {
        let (tag, is_task, is_library): (String, Option<bool>, Option<bool>) =
            (row.get(0)?, row.get(1)?, row.get(2)?);
        let (of, label) = match tag.split_once(':') {
            Some((of, label)) if !of.is_empty() => (of, label),
            _ if is_task == Some(true) => ("pipeline_tag", &*tag),
            _ if is_library == Some(true) => ("library", &*tag),
            _ => ("other", &*tag),
        };
        let item = json!({ "id": tag, "label": label, "type": of });
        if let Some(list) = types.entry(of).or_insert_with(|| json!([])).as_array_mut() {
            list.push(item);
        }
    }
    Ok(types)
}
