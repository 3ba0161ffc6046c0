//! Discussions and pull requests.
use crate::{repos::Repo, stamp, store::Schema, web::Result};
use rusqlite::{Connection, params};

pub(crate) const SCHEMA: Schema = Schema {
    noun: "discussions",
    steps: &["
        CREATE TABLE discussions (
            repo INTEGER NOT NULL REFERENCES repos (key) ON DELETE CASCADE,
            num INTEGER NOT NULL,
            title TEXT NOT NULL,
            author TEXT NOT NULL,
            status TEXT NOT NULL CHECK (status IN ('draft', 'open', 'closed', 'merged')),
            is_pull_request INTEGER NOT NULL,
            target_branch TEXT,
            merge_commit TEXT,
            created_at TEXT NOT NULL,
            PRIMARY KEY (repo, num)
        );
        CREATE TABLE discussion_events (
            key INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            repo INTEGER NOT NULL,
            num INTEGER NOT NULL,
            type TEXT NOT NULL,
            author TEXT NOT NULL,
            created_at TEXT NOT NULL,
            data TEXT NOT NULL,
            FOREIGN KEY (repo, num) REFERENCES discussions (repo, num) ON DELETE CASCADE
        );
        CREATE INDEX discussion_events_of ON discussion_events (repo, num);
        "],
};

/// A discussion that is about to be.
pub(crate) struct NewDiscussion<'a> {
    pub(crate) title: &'a str,
    pub(crate) author: &'a str,
    /// The branch that a pull request wants to change; `None` for discussions without changes.
    pub(crate) target_branch: Option<&'a str>,
    pub(crate) status: &'a str,
}

/// Adds a discussion and gives its number.
pub(crate) fn open(connection: &Connection, repo: &Repo, new: &NewDiscussion<'_>) -> Result<u32> {
    let num: u32 = connection.query_row(
        "SELECT COALESCE(MAX(num), 0) + 1 FROM discussions WHERE repo = ?1",
        [repo.key],
        |row| row.get(0),
    )?;
    connection.execute(
        "INSERT INTO discussions (repo, num, title, author, status, is_pull_request, target_branch, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            repo.key,
            num,
            new.title,
            new.author,
            new.status,
            new.target_branch.is_some(),
            new.target_branch,
            stamp::now()
        ],
    )?;
    Ok(num)
}

/// Adds an event, with the `data` of its type, and gives its id.
pub(crate) fn add_event(
    connection: &Connection,
    repo: &Repo,
    num: u32,
    kind: &str,
    author: &str,
    data: &serde_json::Value,
) -> Result<String> {
    let id = stamp::object_id();
    connection.execute(
        "INSERT INTO discussion_events (id, repo, num, type, author, created_at, data)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![id, repo.key, num, kind, author, stamp::now(), data.to_string()],
    )?;
    Ok(id)
}

/// The reference that the commits of a pull request are on.
pub(crate) fn reference(num: u32) -> String {
    format!("refs/pr/{num}")
}
