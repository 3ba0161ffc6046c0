//! Who may read what is in gated repositories.
mod ask;
mod requests;

use crate::{repos::Repo, state::HubState, store::Schema, web::Result};
use axum::Router;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

pub(crate) const SCHEMA: Schema = Schema {
    noun: "access_requests",
    steps: &[
        "
        CREATE TABLE access_requests (
            repo INTEGER NOT NULL REFERENCES repos (key) ON DELETE CASCADE,
            user TEXT NOT NULL COLLATE NOCASE REFERENCES accounts (name),
            status TEXT NOT NULL CHECK (status IN ('pending', 'accepted', 'rejected')),
            created_at TEXT NOT NULL,
            fields TEXT,
            PRIMARY KEY (repo, user)
        );
        ",
        "
        -- Who let a user in that had not asked.
        ALTER TABLE access_requests ADD COLUMN granted_by TEXT COLLATE NOCASE;
        ",
    ],
};

/// Routes below the id of a repository.
pub(crate) fn repo_routes() -> Router<HubState> {
    requests::repo_routes()
}

/// Routes below the page of a repository.
pub(crate) fn file_routes() -> Router<HubState> {
    ask::file_routes()
}

/// Whether a user was let into a gated repository.
pub(crate) fn is_granted(connection: &Connection, repo: &Repo, user: &str) -> Result<bool> {
    Ok(status(connection, repo, user)?.as_deref() == Some("accepted"))
}

/// What became of a user's request, if there is one.
fn status(connection: &Connection, repo: &Repo, user: &str) -> Result<Option<String>> {
    let mut statement =
        connection.prepare_cached("SELECT status FROM access_requests WHERE repo = ?1 AND user = ?2")?;
    Ok(statement.query_row((repo.key, user), |row| row.get(0)).optional()?)
}

/// Writes down a request, or another one in its place.
fn store(
    connection: &Connection,
    repo: &Repo,
    user: &str,
    status: &str,
    fields: Option<&Value>,
    granted_by: Option<&str>,
) -> Result<()> {
    connection.execute(
        "INSERT OR REPLACE INTO access_requests (repo, user, status, created_at, fields, granted_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![repo.key, user, status, crate::stamp::now(), fields.map(Value::to_string), granted_by],
    )?;
    Ok(())
}
