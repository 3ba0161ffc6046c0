//! Webhooks: kept, and called when what they watch has changed.
//!
//! What has changed is found by comparing what a repository looked like before with what it looks like now, after
//! each request that may have written. So whatever writes need not know of webhooks. Only loopback addresses are
//! called: a Hub for tests has no business elsewhere.
mod changes;
mod courier;
mod manage;
mod post;
mod snapshot;

pub(crate) use courier::{Courier, deliver, observe};
pub(crate) use manage::routes;

use crate::{store::Schema, web::Result};
use hub_types::{RepoType, WebhookDomain, WebhookWatchedItem, WebhookWatchedType};
use rusqlite::{Connection, Row};
use serde_json::{Value, json};

pub(crate) const SCHEMA: Schema = Schema {
    noun: "webhooks",
    steps: &["
        CREATE TABLE webhooks (
            id TEXT PRIMARY KEY,
            user TEXT NOT NULL COLLATE NOCASE REFERENCES accounts (name),
            url TEXT NOT NULL,
            watched TEXT NOT NULL,
            domains TEXT NOT NULL,
            secret TEXT,
            disabled INTEGER NOT NULL DEFAULT 0,
            created_at TEXT NOT NULL
        );
        "],
};

/// A webhook as the database has it.
#[derive(Debug, Clone)]
struct Webhook {
    id: String,
    user: String,
    url: String,
    watched: Vec<WebhookWatchedItem>,
    domains: Vec<WebhookDomain>,
    secret: Option<String>,
    disabled: bool,
}

/// What newer clients call the domain of discussions.
const DISCUSSION: &str = "discussion";

const COLUMNS: &str = "id, user, url, watched, domains, secret, disabled";

impl Webhook {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let text = |index| row.get::<_, String>(index);
        Ok(Self {
            id: text(0)?,
            user: text(1)?,
            url: text(2)?,
            watched: serde_json::from_str(&text(3)?).unwrap_or_default(),
            domains: serde_json::from_str(&text(4)?).unwrap_or_default(),
            secret: row.get(5)?,
            disabled: row.get(6)?,
        })
    }

    /// Whether it is to be called for events of this domain.
    fn hears(&self, domain: &WebhookDomain) -> bool {
        let is_meant = |own: &WebhookDomain| {
            own == domain || *own == DISCUSSION && *domain == WebhookDomain::Discussions
        };
        self.domains.iter().any(is_meant)
    }

    /// The webhooks that are switched on.
    fn enabled(connection: &Connection) -> Result<Vec<Self>> {
        let sql = format!("SELECT {COLUMNS} FROM webhooks WHERE NOT disabled ORDER BY created_at, id");
        let mut statement = connection.prepare_cached(&sql)?;
        Ok(statement.query_map([], Self::from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// The form of the API.
    fn describe(&self) -> Value {
        json!({
            "id": self.id,
            "url": self.url,
            "watched": self.watched,
            "domains": self.domains,
            "secret": self.secret,
            "disabled": self.disabled,
        })
    }
}

/// Whether something watched is this repository or its owner.
fn covers(item: &WebhookWatchedItem, kind: RepoType, owner: &str, id: &str) -> bool {
    let (wanted, name) = match &item.r#type {
        WebhookWatchedType::User | WebhookWatchedType::Org => (None, owner),
        WebhookWatchedType::Model => (Some(RepoType::Model), id),
        WebhookWatchedType::Dataset => (Some(RepoType::Dataset), id),
        WebhookWatchedType::Space => (Some(RepoType::Space), id),
        _ => return false,
    };
    wanted.is_none_or(|wanted| wanted == kind) && item.name.eq_ignore_ascii_case(name)
}
