//! Discussions and pull requests.
mod comments;
mod describe;
mod details;
mod list;
mod merge;
mod open;
mod status;

pub(crate) use open::{NewDiscussion, open};

use crate::{
    accounts::{Caller, User, may_write},
    repos::Repo,
    stamp,
    state::HubState,
    store::Schema,
    web::{ApiError, Result},
};
use axum::Router;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;
use serde_json::Value;

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

/// Routes below the id of a repository.
pub(crate) fn repo_routes() -> Router<HubState> {
    list::repo_routes()
        .merge(open::repo_routes())
        .merge(details::repo_routes())
        .merge(comments::repo_routes())
        .merge(status::repo_routes())
        .merge(merge::repo_routes())
}

/// The number in the path of a discussion.
#[derive(Deserialize)]
struct At {
    num: u32,
}

/// A discussion as the database has it.
struct Discussion {
    num: u32,
    title: String,
    author: String,
    status: String,
    is_pull_request: bool,
    target_branch: Option<String>,
    merge_commit: Option<String>,
    created_at: String,
}

const COLUMNS: &str = "num, title, author, status, is_pull_request, target_branch, merge_commit, created_at";

impl Discussion {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            num: row.get(0)?,
            title: row.get(1)?,
            author: row.get(2)?,
            status: row.get(3)?,
            is_pull_request: row.get(4)?,
            target_branch: row.get(5)?,
            merge_commit: row.get(6)?,
            created_at: row.get(7)?,
        })
    }

    fn find(connection: &Connection, repo: &Repo, num: u32) -> Result<Self> {
        let sql = format!("SELECT {COLUMNS} FROM discussions WHERE repo = ?1 AND num = ?2");
        let found = connection.prepare_cached(&sql)?.query_row((repo.key, num), Self::from_row).optional()?;
        found.ok_or_else(|| ApiError::not_found("Discussion not found"))
    }

    /// The whole name of the branch that a pull request wants to change.
    fn base(&self) -> String {
        let branch = self.target_branch.as_deref().unwrap_or(hub_types::Revision::MAIN);
        if branch.starts_with("refs/") { branch.to_owned() } else { format!("refs/heads/{branch}") }
    }

    /// Whether it can still be merged.
    fn is_pending(&self) -> bool {
        self.is_pull_request && matches!(&*self.status, "open" | "draft")
    }

    /// Refuses all but the author and those who may write to the repository.
    fn check_may_manage(&self, connection: &Connection, repo: &Repo, user: &User) -> Result<()> {
        if self.author.eq_ignore_ascii_case(&user.name) || may_write(connection, &user.name, repo.owner())? {
            return Ok(());
        }
        Err(ApiError::forbidden("Only the author and those who may write to the repository may do this"))
    }

    fn set_status(&self, connection: &Connection, repo: &Repo, status: &str) -> Result<()> {
        connection.execute(
            "UPDATE discussions SET status = ?1 WHERE repo = ?2 AND num = ?3",
            params![status, repo.key, self.num],
        )?;
        Ok(())
    }
}

/// The user, if their token may write; discussions are open to all who see the repository.
fn participant(caller: &Caller) -> Result<User> {
    caller.writer().cloned()
}

/// Adds an event, with the `data` of its type, and gives its id.
pub(crate) fn add_event(
    connection: &Connection,
    repo: &Repo,
    num: u32,
    kind: &str,
    author: &str,
    data: &Value,
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
