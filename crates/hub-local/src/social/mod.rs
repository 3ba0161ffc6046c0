//! People: what they like, whom they follow, and what is told of them.
mod follows;
mod likes;
mod people;

pub(crate) use people::{account, person};

use crate::{
    state::HubState,
    store::Schema,
    web::{ApiError, Page, Params, Result, address::OriginalUri, page::decode_cursor, page::encode_cursor},
};
use axum::Router;
use serde_json::Value;

pub(crate) const SCHEMA: Schema = Schema {
    noun: "social",
    steps: &["
        CREATE TABLE likes (
            key INTEGER PRIMARY KEY,
            user TEXT NOT NULL COLLATE NOCASE REFERENCES accounts (name),
            repo INTEGER NOT NULL REFERENCES repos (key) ON DELETE CASCADE,
            created_at TEXT NOT NULL,
            UNIQUE (user, repo)
        );
        CREATE INDEX likes_of ON likes (repo);
        CREATE TABLE follows (
            key INTEGER PRIMARY KEY,
            follower TEXT NOT NULL COLLATE NOCASE REFERENCES accounts (name),
            followed TEXT NOT NULL COLLATE NOCASE REFERENCES accounts (name),
            created_at TEXT NOT NULL,
            UNIQUE (follower, followed)
        );
        CREATE INDEX follows_of ON follows (followed);
        "],
};

pub(crate) fn routes() -> Router<HubState> {
    people::routes().merge(follows::routes()).merge(likes::routes())
}

/// Routes below the id of a repository.
pub(crate) fn repo_routes() -> Router<HubState> {
    likes::repo_routes()
}

/// Most people or likes on a page.
const PAGE: usize = 1000;

/// Where a page of a listing begins and how long it is; the newest row, with the largest key, comes first.
struct Place {
    before: i64,
    limit: usize,
}

impl Place {
    fn of(state: &HubState, params: &Params) -> Result<Self> {
        let before = match params.get("cursor") {
            None => i64::MAX,
            Some(cursor) => {
                let parts = decode_cursor(cursor).unwrap_or_default();
                let key = parts.first().and_then(|key| key.parse().ok());
                key.ok_or_else(|| ApiError::bad_request("Invalid cursor"))?
            }
        };
        let limit = params.number("limit").unwrap_or(PAGE).clamp(1, state.limits.page(PAGE));
        Ok(Self { before, limit })
    }

    /// How many rows to read: one more than the page has, to see whether another follows.
    fn rows(&self) -> i64 {
        i64::try_from(self.limit + 1).unwrap_or(i64::MAX)
    }

    fn page(&self, state: &HubState, uri: &OriginalUri, rows: Vec<(i64, Value)>) -> Page {
        let cursor = |last: &(i64, Value)| ("cursor", encode_cursor(&[&last.0.to_string()]));
        Page::cut(state, uri, rows, self.limit, cursor, |(_, item)| item)
    }
}
