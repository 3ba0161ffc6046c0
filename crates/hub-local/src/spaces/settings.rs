//! The secrets and variables of Spaces.
use super::{only_spaces, runtime::Space};
use crate::{
    repos::{Readable, Repo, Writable},
    stamp,
    state::HubState,
    web::{ApiError, JsonBody, Result, error::json},
};
use axum::{Router, extract::State, response::Response, routing::get};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(crate) fn repo_routes() -> Router<HubState> {
    Router::new()
        .route("/secrets", get(secrets).post(add_secret).delete(delete_secret))
        .route("/variables", get(variables).post(add_variable).delete(delete_variable))
}

/// What is asked for along with a new Space.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wanted {
    pub(super) hardware: Option<String>,
    pub(super) storage_tier: Option<String>,
    pub(super) sleep_time_seconds: Option<i64>,
    #[serde(default)]
    secrets: Vec<Setting>,
    #[serde(default)]
    variables: Vec<Setting>,
}

#[derive(Debug, Deserialize)]
struct Setting {
    key: String,
    value: String,
    description: Option<String>,
}

#[derive(Deserialize)]
struct Key {
    key: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Secret,
    Variable,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Variable => "variable",
        }
    }
}

/// Adds all settings of a new Space.
pub(super) fn add_all(connection: &Connection, repo: &Repo, wanted: &Wanted) -> Result<()> {
    for (kind, settings) in [(Kind::Secret, &wanted.secrets), (Kind::Variable, &wanted.variables)] {
        settings.iter().try_for_each(|setting| add(connection, repo, kind, setting))?;
    }
    Ok(())
}

/// Gives a copy of a Space the variables of the original; its secrets are nobody else's.
pub(super) fn copy_variables(connection: &Connection, from: &Repo, to: &Repo) -> Result<()> {
    connection.execute(
        "INSERT INTO space_settings (repo, kind, key, value, description, updated_at)
         SELECT ?2, kind, key, value, description, ?3 FROM space_settings WHERE repo = ?1 AND kind = 'variable'",
        params![from.key, to.key, stamp::now()],
    )?;
    Ok(())
}

fn add(connection: &Connection, repo: &Repo, kind: Kind, setting: &Setting) -> Result<()> {
    let key = &setting.key;
    let mut characters = key.chars();
    let begins = characters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_');
    if !begins || !characters.all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(ApiError::bad_request(format!("{key:?} is no name of an environment variable")));
    }
    let present = connection
        .query_row("SELECT kind FROM space_settings WHERE repo = ?1 AND key = ?2", (repo.key, key), |row| {
            row.get::<_, String>(0)
        })
        .optional()?;
    if let Some(other) = present.filter(|present| present != kind.as_str()) {
        return Err(ApiError::conflict(format!("There is a {other} called {key} already")));
    }
    // Nobody can read a secret back, so it is not kept.
    let value = (kind == Kind::Variable).then_some(&setting.value);
    connection.execute(
        "INSERT OR REPLACE INTO space_settings (repo, kind, key, value, description, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![repo.key, kind.as_str(), key, value, setting.description, stamp::now()],
    )?;
    Ok(())
}

fn list(connection: &Connection, repo: &Repo, kind: Kind) -> Result<Value> {
    let mut statement = connection.prepare_cached(
        "SELECT key, value, description, updated_at FROM space_settings WHERE repo = ?1 AND kind = ?2
         ORDER BY key",
    )?;
    let rows = statement.query_map((repo.key, kind.as_str()), |row| {
        let fields = json!({
            "key": row.get::<_, String>(0)?,
            "value": row.get::<_, Option<String>>(1)?,
            "description": row.get::<_, Option<String>>(2)?,
            "updatedAt": row.get::<_, String>(3)?,
        });
        let known = fields.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null());
        let known: Map<String, Value> = known.map(|(name, value)| (name.clone(), value.clone())).collect();
        Ok((row.get(0)?, Value::Object(known)))
    })?;
    Ok(Value::Object(rows.collect::<rusqlite::Result<_>>()?))
}

async fn read(state: HubState, repo: Repo, kind: Kind) -> Result<Response> {
    only_spaces(&repo)?;
    Ok(json(&state.store.call(move |connection| list(connection, &repo, kind)).await?))
}

/// Changes a setting, which starts the Space anew, and answers with all of the kind.
async fn change(
    state: HubState,
    repo: Repo,
    kind: Kind,
    change: impl FnOnce(&Connection, &Repo) -> Result<()> + Send + 'static,
) -> Result<Response> {
    only_spaces(&repo)?;
    let (now, ready_at) = (stamp::unix_millis(), state.limits.deployed_at());
    let all = state.store.call(move |connection| {
        change(connection, &repo)?;
        let mut space = Space::load(connection, &repo)?;
        space.start(now, ready_at, false);
        space.store(connection, &repo)?;
        list(connection, &repo, kind)
    });
    Ok(json(&all.await?))
}

async fn put(state: HubState, repo: Repo, kind: Kind, setting: Setting) -> Result<Response> {
    change(state, repo, kind, move |connection, repo| add(connection, repo, kind, &setting)).await
}

async fn delete(state: HubState, repo: Repo, kind: Kind, key: String) -> Result<Response> {
    change(state, repo, kind, move |connection, repo| {
        let deleted = connection.execute(
            "DELETE FROM space_settings WHERE repo = ?1 AND kind = ?2 AND key = ?3",
            (repo.key, kind.as_str(), &key),
        )?;
        if deleted == 0 {
            return Err(ApiError::not_found(format!("This Space has no {} called {key}", kind.as_str())));
        }
        Ok(())
    })
    .await
}

async fn secrets(State(state): State<HubState>, Writable { repo, .. }: Writable) -> Result<Response> {
    read(state, repo, Kind::Secret).await
}

async fn add_secret(
    State(state): State<HubState>,
    Writable { repo, .. }: Writable,
    JsonBody(body): JsonBody<Setting>,
) -> Result<Response> {
    put(state, repo, Kind::Secret, body).await
}

async fn delete_secret(
    State(state): State<HubState>,
    Writable { repo, .. }: Writable,
    JsonBody(body): JsonBody<Key>,
) -> Result<Response> {
    delete(state, repo, Kind::Secret, body.key).await
}

async fn variables(State(state): State<HubState>, Readable { repo, .. }: Readable) -> Result<Response> {
    read(state, repo, Kind::Variable).await
}

async fn add_variable(
    State(state): State<HubState>,
    Writable { repo, .. }: Writable,
    JsonBody(body): JsonBody<Setting>,
) -> Result<Response> {
    put(state, repo, Kind::Variable, body).await
}

async fn delete_variable(
    State(state): State<HubState>,
    Writable { repo, .. }: Writable,
    JsonBody(body): JsonBody<Key>,
) -> Result<Response> {
    delete(state, repo, Kind::Variable, body.key).await
}
