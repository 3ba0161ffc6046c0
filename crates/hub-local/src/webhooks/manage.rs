//! The webhooks of an account: `/api/settings/webhooks`.
use super::{COLUMNS, DISCUSSION, Webhook};
use crate::{
    accounts::Caller,
    repos::find,
    stamp,
    state::HubState,
    web::{ApiError, JsonBody, Result, error::json},
};
use axum::{
    Router,
    extract::{Path, State},
    http::Uri,
    response::Response,
    routing::{get, post},
};
use hub_types::{RepoId, RepoType, WebhookDomain, WebhookWatchedItem, WebhookWatchedType};
use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use serde_json::json;

pub(crate) fn routes() -> Router<HubState> {
    Router::new()
        .route("/api/settings/webhooks", get(list).post(create))
        .route("/api/settings/webhooks/{id}", get(read).post(update).delete(delete))
        .route("/api/settings/webhooks/{id}/enable", post(enable))
        .route("/api/settings/webhooks/{id}/disable", post(disable))
}

#[derive(Deserialize)]
struct Change {
    url: Option<String>,
    watched: Option<Vec<WebhookWatchedItem>>,
    domains: Option<Vec<WebhookDomain>>,
    secret: Option<String>,
}

impl Change {
    /// Puts what is given into a webhook, once it is clear that it can be.
    fn apply(self, connection: &Connection, caller: &Caller, webhook: &mut Webhook) -> Result<()> {
        if let Some(url) = self.url {
            let parsed = url.parse::<Uri>().ok();
            let callable = parsed.is_some_and(|url| {
                url.host().is_some() && matches!(url.scheme_str(), Some("http" | "https"))
            });
            if !callable {
                return Err(ApiError::bad_request(format!("Invalid url: {url:?}")));
            }
            webhook.url = url;
        }
        if let Some(watched) = self.watched {
            watched.iter().try_for_each(|item| check(connection, caller, item))?;
            webhook.watched = watched;
        }
        if let Some(domains) = self.domains {
            if let Some(unknown) = domains.iter().find(|domain| !domain.is_known() && **domain != DISCUSSION)
            {
                return Err(ApiError::bad_request(format!("Invalid domain: {unknown}")));
            }
            webhook.domains = domains;
        }
        webhook.secret = self.secret.or(webhook.secret.take());
        Ok(())
    }
}

/// Refuses what does not exist, or what the caller may not know of.
fn check(connection: &Connection, caller: &Caller, item: &WebhookWatchedItem) -> Result<()> {
    let kind = match &item.r#type {
        kind @ (WebhookWatchedType::User | WebhookWatchedType::Org) => {
            let mut statement = connection.prepare_cached("SELECT kind FROM accounts WHERE name = ?1")?;
            let found: Option<String> = statement.query_row([&item.name], |row| row.get(0)).optional()?;
            let right = found.is_some_and(|found| found == kind.as_str());
            let missing = || ApiError::bad_request(format!("Invalid watched: no {kind} {}", item.name));
            return right.then_some(()).ok_or_else(missing);
        }
        WebhookWatchedType::Model => RepoType::Model,
        WebhookWatchedType::Dataset => RepoType::Dataset,
        WebhookWatchedType::Space => RepoType::Space,
        other => return Err(ApiError::bad_request(format!("Invalid watched type: {other}"))),
    };
    let found = find(connection, kind, &RepoId::parse(&item.name)?)?;
    match found {
        Some(repo) if repo.is_visible_to(connection, caller)? => Ok(()),
        _ => Err(ApiError::bad_request(format!("Invalid watched: no {kind} {}", item.name))),
    }
}

fn store(connection: &Connection, webhook: &Webhook) -> Result<()> {
    let list = |json: serde_json::Value| json.to_string();
    connection.execute(
        "INSERT INTO webhooks (id, user, url, watched, domains, secret, disabled, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
         ON CONFLICT (id) DO UPDATE SET url = ?3, watched = ?4, domains = ?5, secret = ?6, disabled = ?7",
        params![
            webhook.id,
            webhook.user,
            webhook.url,
            list(json!(webhook.watched)),
            list(json!(webhook.domains)),
            webhook.secret,
            webhook.disabled,
            stamp::now()
        ],
    )?;
    Ok(())
}

fn load(connection: &Connection, user: &str, id: &str) -> Result<Webhook> {
    let sql = format!("SELECT {COLUMNS} FROM webhooks WHERE id = ?1 AND user = ?2");
    let found = connection.prepare_cached(&sql)?.query_row([id, user], Webhook::from_row).optional()?;
    found.ok_or_else(|| ApiError::not_found("Webhook not found"))
}

fn wrapped(webhook: &Webhook) -> Response {
    json(&json!({ "webhook": webhook.describe() }))
}

async fn list(State(state): State<HubState>, caller: Caller) -> Result<Response> {
    let user = caller.user()?.name.clone();
    let all = state.store.call(move |connection| {
        let sql = format!("SELECT {COLUMNS} FROM webhooks WHERE user = ?1 ORDER BY created_at, id");
        let mut statement = connection.prepare_cached(&sql)?;
        let webhooks = statement.query_map([user], Webhook::from_row)?;
        Ok(webhooks.map(|webhook| Ok(webhook?.describe())).collect::<rusqlite::Result<Vec<_>>>()?)
    });
    Ok(json(&all.await?))
}

async fn create(
    State(state): State<HubState>,
    caller: Caller,
    JsonBody(body): JsonBody<Change>,
) -> Result<Response> {
    let user = caller.writer()?.name.clone();
    if body.url.is_none() || body.watched.is_none() {
        return Err(ApiError::bad_request("A webhook needs a url and what it watches"));
    }
    let webhook = state.store.call(move |connection| {
        let mut webhook = Webhook {
            id: stamp::object_id(),
            user,
            url: String::new(),
            watched: Vec::new(),
            domains: vec![WebhookDomain::Repo, WebhookDomain::Discussions],
            secret: None,
            disabled: false,
        };
        body.apply(connection, &caller, &mut webhook)?;
        store(connection, &webhook)?;
        Ok(webhook)
    });
    let webhook = webhook.await?;
    state.courier.wake();
    Ok(wrapped(&webhook))
}

async fn read(State(state): State<HubState>, Path(id): Path<String>, caller: Caller) -> Result<Response> {
    let user = caller.user()?.name.clone();
    Ok(wrapped(&state.store.call(move |connection| load(connection, &user, &id)).await?))
}

async fn change(
    state: HubState,
    caller: &Caller,
    id: String,
    change: impl FnOnce(&Connection, &mut Webhook) -> Result<()> + Send + 'static,
) -> Result<Response> {
    let user = caller.writer()?.name.clone();
    let webhook = state.store.call(move |connection| {
        let mut webhook = load(connection, &user, &id)?;
        change(connection, &mut webhook)?;
        store(connection, &webhook)?;
        Ok(webhook)
    });
    let webhook = webhook.await?;
    state.courier.wake();
    Ok(wrapped(&webhook))
}

async fn update(
    State(state): State<HubState>,
    Path(id): Path<String>,
    caller: Caller,
    JsonBody(body): JsonBody<Change>,
) -> Result<Response> {
    let who = caller.clone();
    change(state, &caller, id, move |connection, webhook| body.apply(connection, &who, webhook)).await
}

async fn enable(State(state): State<HubState>, Path(id): Path<String>, caller: Caller) -> Result<Response> {
    change(state, &caller, id, |_, webhook| {
        webhook.disabled = false;
        Ok(())
    })
    .await
}

async fn disable(State(state): State<HubState>, Path(id): Path<String>, caller: Caller) -> Result<Response> {
    change(state, &caller, id, |_, webhook| {
        webhook.disabled = true;
        Ok(())
    })
    .await
}

async fn delete(State(state): State<HubState>, Path(id): Path<String>, caller: Caller) -> Result<Response> {
    let user = caller.writer()?.name.clone();
    let deleted = state.store.call(move |connection| {
        let webhook = load(connection, &user, &id)?;
        connection.execute("DELETE FROM webhooks WHERE id = ?1", [webhook.id])?;
        Ok(())
    });
    deleted.await?;
    state.courier.wake();
    Ok(json(&json!({ "success": true })))
}
