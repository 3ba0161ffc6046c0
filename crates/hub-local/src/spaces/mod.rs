//! Spaces: how they run, their settings, copies of them. Nothing is really built or started.
mod duplicate;
mod manage;
mod runtime;
mod settings;

pub(crate) use runtime::runtime;
pub(crate) use settings::Wanted;

use crate::{
    repos::Repo,
    state::{HubState, Limits},
    store::Schema,
    web::{ApiError, Result},
};
use axum::Router;
use hub_types::RepoType;
use rusqlite::Connection;

pub(crate) const SCHEMA: Schema = Schema {
    noun: "spaces",
    steps: &["
        CREATE TABLE spaces (
            repo INTEGER PRIMARY KEY REFERENCES repos (key) ON DELETE CASCADE,
            paused INTEGER NOT NULL,
            ready_at INTEGER NOT NULL,
            hardware TEXT,
            requested TEXT NOT NULL,
            sleep_time INTEGER,
            storage TEXT
        );
        CREATE TABLE space_settings (
            repo INTEGER NOT NULL REFERENCES repos (key) ON DELETE CASCADE,
            kind TEXT NOT NULL CHECK (kind IN ('secret', 'variable')),
            key TEXT NOT NULL,
            value TEXT,
            description TEXT,
            updated_at TEXT NOT NULL,
            PRIMARY KEY (repo, key)
        );
        "],
};

/// Routes below the id of a repository.
pub(crate) fn repo_routes() -> Router<HubState> {
    manage::repo_routes().merge(settings::repo_routes()).merge(duplicate::repo_routes())
}

/// Gives a new Space what was asked for with it.
pub(crate) fn set_up(connection: &Connection, repo: &Repo, wanted: &Wanted, limits: &Limits) -> Result<()> {
    if repo.kind != RepoType::Space {
        return Ok(());
    }
    let mut space = runtime::Space::new(limits.deployed_at());
    space.apply(wanted)?;
    space.store(connection, repo)?;
    settings::add_all(connection, repo, wanted)
}

/// Refuses repositories of other kinds.
fn only_spaces(repo: &Repo) -> Result<()> {
    if repo.kind == RepoType::Space {
        return Ok(());
    }
    Err(ApiError::not_found("Sorry, we can't find the page you are looking for."))
}
