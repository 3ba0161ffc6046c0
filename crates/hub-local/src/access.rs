//! Who may read what is in gated repositories.
use crate::{repos::Repo, store::Schema, web::Result};
use rusqlite::{Connection, OptionalExtension};

pub(crate) const SCHEMA: Schema = Schema {
    noun: "access_requests",
    steps: &["
        CREATE TABLE access_requests (
            repo INTEGER NOT NULL REFERENCES repos (key) ON DELETE CASCADE,
            user TEXT NOT NULL COLLATE NOCASE REFERENCES accounts (name),
            status TEXT NOT NULL CHECK (status IN ('pending', 'accepted', 'rejected')),
            created_at TEXT NOT NULL,
            fields TEXT,
            PRIMARY KEY (repo, user)
        );
        "],
};

/// Whether a user was let into a gated repository.
pub(crate) fn is_granted(connection: &Connection, repo: &Repo, user: &str) -> Result<bool> {
    let mut statement = connection
        .prepare_cached("SELECT status = 'accepted' FROM access_requests WHERE repo = ?1 AND user = ?2")?;
    Ok(statement.query_row((repo.key, user), |row| row.get(0)).optional()?.unwrap_or(false))
}
