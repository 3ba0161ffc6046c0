//! Repositories: what the Hub knows of them beside their content.
mod card;
mod extract;
mod info;
mod list;
mod manage;
mod metadata;
mod safetensors;

pub(crate) use card::metadata_block;
pub(crate) use extract::{Content, Readable, Writable};
pub(crate) use manage::{create, register};
pub(crate) use metadata::refresh;

use crate::{
    accounts::{Caller, may_read},
    state::HubState,
    store::Schema,
    web::Result,
};
use axum::Router;
use hub_types::{RepoId, RepoType};
use rusqlite::{Connection, OptionalExtension, Row};
use serde_json::Value;

pub(crate) const SCHEMA: Schema = Schema {
    noun: "repos",
    steps: &["
        CREATE TABLE repos (
            key INTEGER PRIMARY KEY,
            oid TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            id TEXT NOT NULL COLLATE NOCASE,
            namespace TEXT COLLATE NOCASE,
            private INTEGER NOT NULL,
            gated TEXT CHECK (gated IN ('auto', 'manual')),
            disabled INTEGER NOT NULL DEFAULT 0,
            created_at TEXT NOT NULL,
            last_modified TEXT NOT NULL,
            sha TEXT NOT NULL,
            downloads INTEGER NOT NULL DEFAULT 0,
            likes INTEGER NOT NULL DEFAULT 0,
            sdk TEXT,
            pipeline_tag TEXT,
            library_name TEXT,
            tags TEXT NOT NULL DEFAULT '[]',
            card TEXT,
            config TEXT,
            UNIQUE (kind, id)
        );
        CREATE INDEX repos_of ON repos (kind, namespace);
        CREATE TABLE repo_tags (
            repo INTEGER NOT NULL REFERENCES repos (key) ON DELETE CASCADE,
            tag TEXT NOT NULL COLLATE NOCASE,
            PRIMARY KEY (repo, tag)
        ) WITHOUT ROWID;
        CREATE TABLE renames (
            kind TEXT NOT NULL,
            id TEXT NOT NULL COLLATE NOCASE,
            repo INTEGER NOT NULL REFERENCES repos (key) ON DELETE CASCADE,
            PRIMARY KEY (kind, id)
        );
        "],
};

/// A repository as the database has it.
#[derive(Debug, Clone)]
pub(crate) struct Repo {
    pub(crate) key: i64,
    /// The id that stays when the name changes; it names the git repository.
    pub(crate) oid: String,
    pub(crate) kind: RepoType,
    pub(crate) id: RepoId,
    pub(crate) private: bool,
    /// `auto` or `manual`, for repositories that ask before they are read.
    pub(crate) gated: Option<String>,
    pub(crate) disabled: bool,
    pub(crate) created_at: String,
    pub(crate) last_modified: String,
    /// The head of the default branch.
    pub(crate) sha: String,
    pub(crate) downloads: i64,
    pub(crate) likes: i64,
    pub(crate) sdk: Option<String>,
    pub(crate) pipeline_tag: Option<String>,
    pub(crate) library_name: Option<String>,
    pub(crate) tags: Value,
    pub(crate) card: Value,
    pub(crate) config: Value,
}

const COLUMNS: &str = "key, oid, kind, id, private, gated, disabled, created_at, last_modified, sha, downloads, \
                       likes, sdk, pipeline_tag, library_name, tags, card, config";

impl Repo {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let text = |index| row.get::<_, String>(index);
        let json = |index| -> rusqlite::Result<Value> {
            let text: Option<String> = row.get(index)?;
            Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
        };
        Ok(Self {
            key: row.get(0)?,
            oid: text(1)?,
            kind: text(2)?.parse().expect("only kinds are stored"),
            id: text(3)?.parse().expect("only valid ids are stored"),
            private: row.get(4)?,
            gated: row.get(5)?,
            disabled: row.get(6)?,
            created_at: text(7)?,
            last_modified: text(8)?,
            sha: text(9)?,
            downloads: row.get(10)?,
            likes: row.get(11)?,
            sdk: row.get(12)?,
            pipeline_tag: row.get(13)?,
            library_name: row.get(14)?,
            tags: json(15)?,
            card: json(16)?,
            config: json(17)?,
        })
    }

    /// The page of the repository.
    pub(crate) fn url(&self, state: &HubState) -> String {
        format!("{}/{}{}", state.urls.endpoint, self.kind.url_prefix(), self.id)
    }

    /// Whom it belongs to. Canonical repositories belong to nobody.
    pub(crate) fn owner(&self) -> &str {
        self.id.namespace().unwrap_or_default()
    }

    /// Whether the caller may know that it exists.
    pub(crate) fn is_visible_to(&self, connection: &Connection, caller: &Caller) -> Result<bool> {
        match &caller.0 {
            _ if !self.private => Ok(true),
            Some(user) => may_read(connection, &user.name, self.owner()),
            None => Ok(false),
        }
    }
}

/// A repository by its present name.
pub(crate) fn find(connection: &Connection, kind: RepoType, id: &RepoId) -> Result<Option<Repo>> {
    let sql = format!("SELECT {COLUMNS} FROM repos WHERE kind = ?1 AND id = ?2");
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row((kind.as_str(), id.as_str()), Repo::from_row).optional()?)
}

/// A repository by a name it had before it was moved.
pub(crate) fn find_renamed(connection: &Connection, kind: RepoType, id: &RepoId) -> Result<Option<Repo>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM repos WHERE key = (SELECT repo FROM renames WHERE kind = ?1 AND id = ?2)"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row((kind.as_str(), id.as_str()), Repo::from_row).optional()?)
}

pub(crate) fn routes() -> Router<HubState> {
    manage::routes().merge(list::routes())
}

/// Routes below the id of a repository.
pub(crate) fn repo_routes() -> Router<HubState> {
    info::repo_routes().merge(manage::repo_routes())
}
