//! Creating, deleting and moving repositories, and their settings.
use super::{Content, Repo, Writable, find, find_renamed};
use crate::{
    accounts::{Caller, User, may_write},
    git::GitStore,
    spaces, stamp,
    state::HubState,
    store::blocking,
    web::{ApiError, JsonBody, Result, error::json},
};
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{delete, get, post, put},
};
use hub_types::{RepoId, RepoType, Revision};
use rusqlite::{Connection, params};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(crate) fn routes() -> Router<HubState> {
    Router::new()
        .route("/api/repos/create", post(create_repo))
        .route("/api/repos/delete", delete(delete_repo))
        .route("/api/repos/move", post(move_repo))
}

pub(crate) fn repo_routes() -> Router<HubState> {
    Router::new().route("/settings", put(change_settings)).route("/auth-check", get(auth_check))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewRepo {
    name: String,
    organization: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    private: Option<bool>,
    visibility: Option<String>,
    sdk: Option<String>,
    resource_group_id: Option<String>,
    #[serde(flatten)]
    space: spaces::Wanted,
}

const SDKS: [&str; 4] = ["gradio", "streamlit", "docker", "static"];

async fn create_repo(
    State(state): State<HubState>,
    caller: Caller,
    JsonBody(body): JsonBody<NewRepo>,
) -> Result<Response> {
    let user = caller.writer()?.clone();
    let kind = repo_type(body.kind.as_deref())?;
    let id = repo_id(&body.name, body.organization.as_deref(), &user)?;
    if body.resource_group_id.is_some() {
        return Err(ApiError::bad_request("Invalid resource group: there are none here"));
    }
    let sdk = body.sdk.filter(|_| kind == RepoType::Space);
    if kind == RepoType::Space && !sdk.as_deref().is_some_and(|sdk| SDKS.contains(&sdk)) {
        return Err(ApiError::bad_request(format!("A Space needs an sdk: one of {}", SDKS.join(", "))));
    }
    let private = body.private.unwrap_or(matches!(body.visibility.as_deref(), Some("private" | "protected")));
    let shared = state.clone();
    let repo = blocking(move || {
        shared.store.with(|connection| {
            let namespace = id.namespace().unwrap_or_default();
            if !may_write(connection, &user.name, namespace)? {
                return Err(ApiError::forbidden(format!(
                    "You don't have the rights to create a {kind} under the namespace \"{namespace}\""
                )));
            }
            if let Some(existing) = find(connection, kind, &id)? {
                return Err(ApiError::conflict(format!("You already created this {kind} repo"))
                    .field("url", existing.url(&shared)));
            }
            let repo = create(connection, &shared.git, kind, &id, &user.name, private, sdk.as_deref())?;
            spaces::set_up(connection, &repo, &body.space, &shared.limits)?;
            Ok(repo)
        })
    })
    .await?;
    Ok(json(&json!({ "url": repo.url(&state), "name": repo.id, "id": repo.oid })))
}

/// Creates a repository with its first commit; that there is none of that name has been checked.
pub(crate) fn create(
    connection: &Connection,
    git: &GitStore,
    kind: RepoType,
    id: &RepoId,
    user: &str,
    private: bool,
    sdk: Option<&str>,
) -> Result<Repo> {
    let oid = stamp::object_id();
    let readme = sdk.map(|sdk| {
        format!(
            "---\ntitle: {}\nsdk: {sdk}\nemoji: 🚀\ncolorFrom: blue\ncolorTo: green\npinned: false\n---\n",
            id.name()
        )
    });
    let mut files: Vec<(&str, &[u8])> =
        vec![(".gitattributes", crate::uploads::DEFAULT_ATTRIBUTES.as_bytes())];
    files.extend(readme.as_ref().map(|text| ("README.md", text.as_bytes())));
    git.create(&oid, user, "initial commit", &files)?;
    register(connection, git, kind, id, &oid, private, sdk)
}

/// Stores a repository that git has already; that there is none of that name has been checked.
pub(crate) fn register(
    connection: &Connection,
    git: &GitStore,
    kind: RepoType,
    id: &RepoId,
    oid: &str,
    private: bool,
    sdk: Option<&str>,
) -> Result<Repo> {
    let head = git.with(oid, |git| git.resolve(Revision::MAIN))?;
    let now = stamp::now();
    connection.execute("DELETE FROM renames WHERE kind = ?1 AND id = ?2", (kind.as_str(), id.as_str()))?;
    connection.execute(
        "INSERT INTO repos (oid, kind, id, namespace, private, created_at, last_modified, sha, sdk)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8)",
        params![oid, kind.as_str(), id.as_str(), id.namespace(), private, now, head.to_string(), sdk],
    )?;
    let repo = find(connection, kind, id)?.ok_or_else(|| ApiError::repo_not_found(false))?;
    git.with(oid, |git| super::refresh(connection, git, &repo, head))?;
    find(connection, kind, id)?.ok_or_else(|| ApiError::repo_not_found(false))
}

#[derive(Deserialize)]
struct OldRepo {
    name: String,
    organization: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

async fn delete_repo(
    State(state): State<HubState>,
    caller: Caller,
    JsonBody(body): JsonBody<OldRepo>,
) -> Result<&'static str> {
    let user = caller.writer()?.clone();
    let kind = repo_type(body.kind.as_deref())?;
    let id = repo_id(&body.name, body.organization.as_deref(), &user)?;
    blocking(move || {
        let repo = state.store.with(|connection| {
            let repo = writable(connection, kind, &id, &user)?;
            connection.execute("DELETE FROM repos WHERE key = ?1", [repo.key])?;
            Ok(repo)
        })?;
        state.git.remove(&repo.oid)
    })
    .await?;
    Ok("OK")
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Move {
    from_repo: String,
    to_repo: String,
    #[serde(rename = "type")]
    kind: Option<String>,
}

async fn move_repo(
    State(state): State<HubState>,
    caller: Caller,
    JsonBody(body): JsonBody<Move>,
) -> Result<&'static str> {
    let user = caller.writer()?.clone();
    let kind = repo_type(body.kind.as_deref())?;
    let (from, to) = (RepoId::parse(&body.from_repo)?, RepoId::parse(&body.to_repo)?);
    state
        .store
        .call(move |connection| {
            let repo = writable(connection, kind, &from, &user)?;
            let namespace =
                to.namespace().ok_or_else(|| ApiError::bad_request("toRepo needs a namespace"))?;
            if !may_write(connection, &user.name, namespace)? {
                return Err(ApiError::forbidden(format!(
                    "You don't have the rights to move a {kind} to the namespace \"{namespace}\""
                )));
            }
            if find(connection, kind, &to)?.is_some_and(|other| other.key != repo.key) {
                return Err(ApiError::conflict(format!("There is a {kind} called {to} already")));
            }
            let kind = kind.as_str();
            connection.execute("DELETE FROM renames WHERE kind = ?1 AND id = ?2", (kind, to.as_str()))?;
            connection.execute(
                "INSERT OR REPLACE INTO renames (kind, id, repo) VALUES (?1, ?2, ?3)",
                // The present name, since `from` may be a former one, which is recorded already.
                (kind, repo.id.as_str(), repo.key),
            )?;
            connection.execute(
                "UPDATE repos SET id = ?1, namespace = ?2 WHERE key = ?3",
                (to.as_str(), namespace, repo.key),
            )?;
            Ok("OK")
        })
        .await
}

async fn change_settings(
    State(state): State<HubState>,
    Writable { repo, .. }: Writable,
    JsonBody(body): JsonBody<Map<String, Value>>,
) -> Result<Response> {
    let private = match (body.get("private"), body.get("visibility").and_then(Value::as_str)) {
        (Some(Value::Bool(private)), _) => Some(*private),
        (_, Some(visibility @ ("private" | "public"))) => Some(visibility == "private"),
        (None, None) => None,
        _ => return Err(ApiError::bad_request("Invalid visibility")),
    };
    let gated = match body.get("gated") {
        None => None,
        Some(Value::Bool(false)) => Some(None),
        Some(Value::String(mode)) if matches!(&**mode, "auto" | "manual") => Some(Some(mode.clone())),
        Some(_) => return Err(ApiError::bad_request("gated must be false, \"auto\" or \"manual\"")),
    };
    state
        .store
        .call(move |connection| {
            if let Some(private) = private {
                connection.execute("UPDATE repos SET private = ?1 WHERE key = ?2", (private, repo.key))?;
            }
            if let Some(gated) = gated {
                connection.execute("UPDATE repos SET gated = ?1 WHERE key = ?2", (gated, repo.key))?;
            }
            Ok(())
        })
        .await?;
    Ok(json(&body))
}

async fn auth_check(_: Content) -> &'static str {
    "OK"
}

fn repo_type(text: Option<&str>) -> Result<RepoType> {
    Ok(text.map(str::parse).transpose()?.unwrap_or_default())
}

/// The id that a body names in two fields, one of which may hold both parts.
fn repo_id(name: &str, organization: Option<&str>, user: &User) -> Result<RepoId> {
    let id = match organization {
        Some(organization) => format!("{organization}/{name}"),
        None if name.contains('/') => name.to_owned(),
        None => format!("{}/{name}", user.name),
    };
    Ok(RepoId::parse(&id)?)
}

/// A repository that a user may delete or move, by its present or a former name.
fn writable(connection: &Connection, kind: RepoType, id: &RepoId, user: &User) -> Result<Repo> {
    let found = match find(connection, kind, id)? {
        None => find_renamed(connection, kind, id)?,
        found => found,
    };
    let caller = Caller(Some(user.clone()));
    let visible = found.filter(|repo| repo.is_visible_to(connection, &caller).unwrap_or(false));
    let repo = visible.ok_or_else(|| ApiError::repo_not_found(false))?;
    if !may_write(connection, &user.name, repo.owner())? {
        return Err(ApiError::forbidden(format!("You don't have the rights to write to {id}")));
    }
    Ok(repo)
}
