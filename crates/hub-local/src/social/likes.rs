//! Who likes which repository.
use super::{
    Place,
    people::{COLUMNS, Named, account, person_of},
};
use crate::{
    accounts::Caller,
    repos::{Readable, Repo},
    stamp,
    state::HubState,
    web::{Page, Params, Result, address::OriginalUri, error::json},
};
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use rusqlite::{Connection, params};
use serde_json::json;

pub(super) fn routes() -> Router<HubState> {
    Router::new().route("/api/users/{name}/likes", get(liked))
}

pub(super) fn repo_routes() -> Router<HubState> {
    Router::new().route("/like", post(like).delete(unlike)).route("/likers", get(likers))
}

async fn like(State(state): State<HubState>, Readable { repo, caller }: Readable) -> Result<Response> {
    let user = caller.writer()?.name.clone();
    let liked = state.store.call(move |connection| {
        connection.execute(
            "INSERT OR IGNORE INTO likes (user, repo, created_at) VALUES (?1, ?2, ?3)",
            params![user, repo.key, stamp::now()],
        )?;
        count(connection, &repo)
    });
    liked.await?;
    Ok(json(&json!({ "success": true })))
}

async fn unlike(State(state): State<HubState>, Readable { repo, caller }: Readable) -> Result<Response> {
    let user = caller.writer()?.name.clone();
    let unliked = state.store.call(move |connection| {
        connection.execute("DELETE FROM likes WHERE user = ?1 AND repo = ?2", (user, repo.key))?;
        count(connection, &repo)
    });
    unliked.await?;
    Ok(json(&json!({ "success": true })))
}

/// Writes down how many like a repository, where listings look for it.
fn count(connection: &Connection, repo: &Repo) -> Result<()> {
    connection.execute(
        "UPDATE repos SET likes = (SELECT COUNT(*) FROM likes WHERE repo = repos.key) WHERE key = ?1",
        [repo.key],
    )?;
    Ok(())
}

async fn likers(
    State(state): State<HubState>,
    Readable { repo, .. }: Readable,
    uri: OriginalUri,
    params: Params,
) -> Result<Page> {
    let place = Place::of(&state, &params)?;
    let (before, rows) = (place.before, place.rows());
    let found = state.store.call(move |connection| {
        let mut statement = connection.prepare_cached(&format!(
            "SELECT likes.key, {COLUMNS} FROM likes JOIN accounts ON accounts.name = likes.user
             WHERE likes.repo = ?1 AND likes.key < ?2 ORDER BY likes.key DESC LIMIT ?3"
        ))?;
        let people =
            statement.query_map((repo.key, before, rows), |row| Ok((row.get(0)?, person_of(row, 1)?)))?;
        Ok(people.collect::<rusqlite::Result<Vec<_>>>()?)
    });
    Ok(place.page(&state, &uri, found.await?))
}

/// What a user likes, as far as the caller may know of it.
async fn liked(
    State(state): State<HubState>,
    Path(Named { name }): Path<Named>,
    caller: Caller,
    uri: OriginalUri,
    params: Params,
) -> Result<Page> {
    let place = Place::of(&state, &params)?;
    let (before, rows) = (place.before, place.rows());
    let found = state.store.call(move |connection| {
        let name = account(connection, &name, "user")?;
        let viewer = caller.0.map(|user| user.name);
        let mut statement = connection.prepare_cached(
            "SELECT likes.key, likes.created_at, repos.id, repos.kind
             FROM likes JOIN repos ON repos.key = likes.repo
             WHERE likes.user = ?1 AND likes.key < ?2
               AND (NOT repos.private OR repos.namespace = ?3
                    OR repos.namespace IN (SELECT org FROM members WHERE user = ?3))
             ORDER BY likes.key DESC LIMIT ?4",
        )?;
        let likes = statement.query_map(params![name, before, viewer, rows], |row| {
            let repo = json!({ "name": row.get::<_, String>(2)?, "type": row.get::<_, String>(3)? });
            Ok((row.get(0)?, json!({ "createdAt": row.get::<_, String>(1)?, "repo": repo })))
        })?;
        Ok(likes.collect::<rusqlite::Result<Vec<_>>>()?)
    });
    Ok(place.page(&state, &uri, found.await?))
}
