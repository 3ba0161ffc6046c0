//! The API of Inference Endpoints.
use super::config::Config;
use crate::{
    accounts::{Caller, may_read, may_write},
    repos::find,
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
use hub_types::{RepoId, RepoType};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(crate) fn routes() -> Router<HubState> {
    Router::new()
        .route("/ie/v2/endpoint/{namespace}", get(list).post(create))
        .route("/ie/v2/endpoint/{namespace}/{name}", get(read).put(update).delete(delete))
        .route("/ie/v2/endpoint/{namespace}/{name}/pause", post(pause))
        .route("/ie/v2/endpoint/{namespace}/{name}/resume", post(resume))
        .route("/ie/v2/endpoint/{namespace}/{name}/scale-to-zero", post(scale_to_zero))
}

/// What an endpoint was told to do last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// To run: it does from when it is ready.
    Deployed,
    Paused,
    ScaledToZero,
}

impl Phase {
    fn as_str(self) -> &'static str {
        match self {
            Self::Deployed => "deployed",
            Self::Paused => "paused",
            Self::ScaledToZero => "scaledToZero",
        }
    }
}

/// An endpoint as the database has it.
pub(super) struct Endpoint {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) config: Config,
    pub(super) phase: Phase,
    pub(super) ready_at: i64,
    created_at: String,
    created_by: String,
    updated_at: String,
    updated_by: String,
}

const COLUMNS: &str =
    "namespace, name, config, phase, ready_at, created_at, created_by, updated_at, updated_by";

impl Endpoint {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let (config, phase): (String, String) = (row.get(2)?, row.get(3)?);
        let phases = [Phase::Deployed, Phase::Paused, Phase::ScaledToZero];
        Ok(Self {
            namespace: row.get(0)?,
            name: row.get(1)?,
            config: Config(serde_json::from_str(&config).unwrap_or_default()),
            phase: phases.into_iter().find(|known| known.as_str() == phase).expect("only phases are stored"),
            ready_at: row.get(4)?,
            created_at: row.get(5)?,
            created_by: row.get(6)?,
            updated_at: row.get(7)?,
            updated_by: row.get(8)?,
        })
    }

    pub(super) fn find(connection: &Connection, namespace: &str, name: &str) -> Result<Self> {
        let sql = format!("SELECT {COLUMNS} FROM inference_endpoints WHERE namespace = ?1 AND name = ?2");
        let found = connection.prepare_cached(&sql)?.query_row([namespace, name], Self::from_row);
        found.optional()?.ok_or_else(|| ApiError::not_found(format!("Endpoint {namespace}/{name} not found")))
    }

    pub(super) fn store(&self, connection: &Connection) -> Result<()> {
        connection.execute(
            "INSERT OR REPLACE INTO inference_endpoints
                 (namespace, name, config, phase, ready_at, created_at, created_by, updated_at, updated_by)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                self.namespace,
                self.name,
                self.config.0.to_string(),
                self.phase.as_str(),
                self.ready_at,
                self.created_at,
                self.created_by,
                self.updated_at,
                self.updated_by,
            ],
        )?;
        Ok(())
    }

    pub(super) fn is_running(&self) -> bool {
        self.phase == Phase::Deployed && stamp::unix_millis() >= self.ready_at
    }

    /// The state as it is called in the API.
    fn state(&self) -> &'static str {
        match self.phase {
            Phase::Paused => "paused",
            Phase::ScaledToZero => "scaledToZero",
            Phase::Deployed if self.is_running() => "running",
            Phase::Deployed => "initializing",
        }
    }

    /// The form of the API. An answer that begins a start says so by another state, however short the start is.
    fn describe(&self, connection: &Connection, hub: &HubState, begins: Option<&str>) -> Result<Value> {
        let state = begins.unwrap_or_else(|| self.state());
        let ready = if state == "running" { self.config.replicas() } else { 0 };
        let target = if self.phase == Phase::Deployed { self.config.replicas() } else { 0 };
        let mut status = json!({
            "createdAt": self.created_at,
            "createdBy": account(connection, &self.created_by)?,
            "updatedAt": self.updated_at,
            "updatedBy": account(connection, &self.updated_by)?,
            "private": null,
            "state": state,
            "message": format!("Endpoint is {state}"),
            "readyReplica": ready,
            "targetReplica": target,
        });
        if matches!(state, "running" | "updating" | "scaledToZero") {
            let Self { namespace, name, .. } = self;
            status["url"] = format!("{}/ie/run/{namespace}/{name}", hub.urls.endpoint).into();
        }
        let mut object = Map::from(self.config.clone());
        object.insert("name".into(), self.name.clone().into());
        object.insert("status".into(), status);
        Ok(Value::Object(object))
    }
}

fn account(connection: &Connection, name: &str) -> Result<Value> {
    let mut statement = connection.prepare_cached("SELECT oid FROM accounts WHERE name = ?1")?;
    let oid: Option<String> = statement.query_row([name], |row| row.get(0)).optional()?;
    Ok(json!({ "id": oid, "name": name }))
}

#[derive(Deserialize)]
struct Namespace {
    namespace: String,
}

#[derive(Deserialize)]
struct Named {
    namespace: String,
    name: String,
}

fn forbidden(namespace: &str) -> ApiError {
    ApiError::forbidden(format!("You don't have the rights to the Inference Endpoints of {namespace}"))
}

async fn list(
    State(state): State<HubState>,
    Path(Namespace { namespace }): Path<Namespace>,
    caller: Caller,
) -> Result<Response> {
    let user = caller.user()?.clone();
    let shared = state.clone();
    let items = state.store.call(move |connection| {
        if !may_read(connection, &user.name, &namespace)? {
            return Err(forbidden(&namespace));
        }
        let sql = format!("SELECT {COLUMNS} FROM inference_endpoints WHERE namespace = ?1 ORDER BY name");
        let mut statement = connection.prepare_cached(&sql)?;
        let endpoints: Vec<Endpoint> =
            statement.query_map([&namespace], Endpoint::from_row)?.collect::<rusqlite::Result<_>>()?;
        let items = endpoints.iter().map(|endpoint| endpoint.describe(connection, &shared, None));
        items.collect::<Result<Vec<_>>>()
    });
    Ok(json(&json!({ "items": items.await? })))
}

async fn read(
    State(state): State<HubState>,
    Path(Named { namespace, name }): Path<Named>,
    caller: Caller,
) -> Result<Response> {
    let user = caller.user()?.clone();
    let shared = state.clone();
    let answer = state.store.call(move |connection| {
        if !may_read(connection, &user.name, &namespace)? {
            return Err(forbidden(&namespace));
        }
        Endpoint::find(connection, &namespace, &name)?.describe(connection, &shared, None)
    });
    Ok(json(&answer.await?))
}

/// Leaves what was left open in a configuration to the model's repository, if it is here and the user may see it.
fn complete(connection: &Connection, config: &mut Config, caller: &Caller) -> Result<()> {
    if let Ok(id) = RepoId::parse(config.repository())
        && let Some(repo) = find(connection, RepoType::Model, &id)?
        && repo.is_visible_to(connection, caller)?
    {
        config.complete(&repo.sha, repo.pipeline_tag.as_deref());
    }
    Ok(())
}

async fn create(
    State(state): State<HubState>,
    Path(Namespace { namespace }): Path<Namespace>,
    caller: Caller,
    JsonBody(body): JsonBody<Value>,
) -> Result<Response> {
    let user = caller.writer()?.clone();
    let (name, mut config) = Config::create(&body)?;
    let shared = state.clone();
    let answer = state.store.call(move |connection| {
        if !may_write(connection, &user.name, &namespace)? {
            return Err(forbidden(&namespace));
        }
        if Endpoint::find(connection, &namespace, &name).is_ok() {
            return Err(ApiError::conflict(format!("Endpoint {namespace}/{name} exists already")));
        }
        complete(connection, &mut config, &caller)?;
        let endpoint = Endpoint {
            namespace,
            name,
            config,
            phase: Phase::Deployed,
            ready_at: shared.limits.deployed_at(),
            created_at: stamp::now(),
            created_by: user.name.clone(),
            updated_at: stamp::now(),
            updated_by: user.name,
        };
        endpoint.store(connection)?;
        endpoint.describe(connection, &shared, Some("pending"))
    });
    Ok(json(&answer.await?))
}

/// Changes an endpoint; `change` says in which state a start that it begins is.
async fn change(
    state: HubState,
    Named { namespace, name }: Named,
    caller: &Caller,
    change: impl FnOnce(&Connection, &mut Endpoint) -> Result<Option<&'static str>> + Send + 'static,
) -> Result<Response> {
    let user = caller.writer()?.clone();
    let shared = state.clone();
    let answer = state.store.call(move |connection| {
        if !may_write(connection, &user.name, &namespace)? {
            return Err(forbidden(&namespace));
        }
        let mut endpoint = Endpoint::find(connection, &namespace, &name)?;
        let begins = change(connection, &mut endpoint)?;
        if begins.is_some() {
            endpoint.ready_at = shared.limits.deployed_at();
        }
        endpoint.updated_at = stamp::now();
        endpoint.updated_by = user.name;
        endpoint.store(connection)?;
        endpoint.describe(connection, &shared, begins)
    });
    Ok(json(&answer.await?))
}

async fn update(
    State(state): State<HubState>,
    Path(named): Path<Named>,
    caller: Caller,
    JsonBody(body): JsonBody<Value>,
) -> Result<Response> {
    let who = caller.clone();
    change(state, named, &caller, move |connection, endpoint| {
        let before = endpoint.config.clone();
        endpoint.config.update(&body)?;
        if before.repository() != endpoint.config.repository() && body["model"]["revision"].is_null() {
            endpoint.config.0["model"]["revision"] = Value::Null;
        }
        complete(connection, &mut endpoint.config, &who)?;
        let restarts = endpoint.phase == Phase::Deployed && endpoint.config != before;
        Ok(restarts.then_some("updating"))
    })
    .await
}

async fn pause(State(state): State<HubState>, Path(named): Path<Named>, caller: Caller) -> Result<Response> {
    change(state, named, &caller, |_, endpoint| {
        endpoint.phase = Phase::Paused;
        Ok(None)
    })
    .await
}

async fn resume(State(state): State<HubState>, Path(named): Path<Named>, caller: Caller) -> Result<Response> {
    change(state, named, &caller, |_, endpoint| {
        if endpoint.phase == Phase::Deployed {
            return Err(ApiError::bad_request("Endpoint is already running"));
        }
        endpoint.phase = Phase::Deployed;
        Ok(Some("initializing"))
    })
    .await
}

async fn scale_to_zero(
    State(state): State<HubState>,
    Path(named): Path<Named>,
    caller: Caller,
) -> Result<Response> {
    change(state, named, &caller, |_, endpoint| {
        if endpoint.phase == Phase::Paused {
            return Err(ApiError::bad_request("Endpoint is paused; resume it first"));
        }
        endpoint.phase = Phase::ScaledToZero;
        Ok(None)
    })
    .await
}

async fn delete(
    State(state): State<HubState>,
    Path(Named { namespace, name }): Path<Named>,
    caller: Caller,
) -> Result<()> {
    let user = caller.writer()?.clone();
    let deleted = state.store.call(move |connection| {
        if !may_write(connection, &user.name, &namespace)? {
            return Err(forbidden(&namespace));
        }
        Endpoint::find(connection, &namespace, &name)?;
        connection.execute(
            "DELETE FROM inference_endpoints WHERE namespace = ?1 AND name = ?2",
            [&namespace, &name],
        )?;
        Ok(())
    });
    deleted.await
}
