//! Who follows whom.
use super::{
    Place,
    people::{COLUMNS, Named, account, person_of},
};
use crate::{
    Error, LocalHub,
    accounts::Caller,
    hub::failed,
    stamp,
    state::HubState,
    web::{ApiError, Page, Params, Result, address::OriginalUri, error::json},
};
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use rusqlite::Connection;
use serde_json::json;

pub(super) fn routes() -> Router<HubState> {
    Router::new()
        .route("/api/users/{name}/followers", get(followers))
        .route("/api/users/{name}/following", get(following))
        .route("/api/users/{name}/follow", post(follow))
        .route("/api/users/{name}/unfollow", post(unfollow))
}

pub(super) fn is_following(connection: &Connection, follower: &str, followed: &str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM follows WHERE follower = ?1 AND followed = ?2)";
    Ok(connection.prepare_cached(sql)?.query_row([follower, followed], |row| row.get(0))?)
}

fn add(connection: &Connection, follower: &str, followed: &str) -> Result<()> {
    let (follower, followed) =
        (account(connection, follower, "user")?, account(connection, followed, "user")?);
    if follower == followed {
        return Err(ApiError::bad_request("You cannot follow yourself"));
    }
    connection.execute(
        "INSERT OR IGNORE INTO follows (follower, followed, created_at) VALUES (?1, ?2, ?3)",
        [follower, followed, stamp::now()],
    )?;
    Ok(())
}

async fn follow(
    State(state): State<HubState>,
    Path(Named { name }): Path<Named>,
    caller: Caller,
) -> Result<Response> {
    let user = caller.writer()?.name.clone();
    state.store.call(move |connection| add(connection, &user, &name)).await?;
    Ok(json(&json!({ "success": true })))
}

async fn unfollow(
    State(state): State<HubState>,
    Path(Named { name }): Path<Named>,
    caller: Caller,
) -> Result<Response> {
    let user = caller.writer()?.name.clone();
    let ended = state.store.call(move |connection| {
        let name = account(connection, &name, "user")?;
        connection.execute("DELETE FROM follows WHERE follower = ?1 AND followed = ?2", [user, name])?;
        Ok(())
    });
    ended.await?;
    Ok(json(&json!({ "success": true })))
}

async fn followers(
    state: State<HubState>,
    path: Path<Named>,
    uri: OriginalUri,
    params: Params,
    caller: Caller,
) -> Result<Page> {
    list(state, path, uri, params, caller, ("followed", "follower")).await
}

async fn following(
    state: State<HubState>,
    path: Path<Named>,
    uri: OriginalUri,
    params: Params,
    caller: Caller,
) -> Result<Page> {
    list(state, path, uri, params, caller, ("follower", "followed")).await
}

/// The accounts in one column of `follows` next to a name in the other.
async fn list(
    State(state): State<HubState>,
    Path(Named { name }): Path<Named>,
    uri: OriginalUri,
    params: Params,
    caller: Caller,
    (given, wanted): (&'static str, &'static str),
) -> Result<Page> {
    let place = Place::of(&state, &params)?;
    let (before, rows) = (place.before, place.rows());
    let found = state.store.call(move |connection| {
        let name = account(connection, &name, "user")?;
        let mut statement = connection.prepare_cached(&format!(
            "SELECT follows.key, {COLUMNS} FROM follows JOIN accounts ON accounts.name = follows.{wanted}
             WHERE follows.{given} = ?1 AND follows.key < ?2 ORDER BY follows.key DESC LIMIT ?3"
        ))?;
        let people =
            statement.query_map((name, before, rows), |row| Ok((row.get(0)?, person_of(row, 1)?)))?;
        let mut people = people.collect::<rusqlite::Result<Vec<_>>>()?;
        if let Some(user) = &caller.0 {
            for (_, person) in &mut people {
                let name = person["name"].as_str().unwrap_or_default();
                person["isFollowing"] = is_following(connection, &user.name, name)?.into();
            }
        }
        Ok(people)
    });
    Ok(place.page(&state, &uri, found.await?))
}

impl LocalHub {
    /// Lets a user follow another, as on that user's page.
    ///
    /// # Errors
    /// One of them does not exist, or they are the same.
    pub async fn follow(&self, follower: &str, followed: &str) -> Result<(), Error> {
        let (follower, followed) = (follower.to_owned(), followed.to_owned());
        let done = self.state.store.call(move |connection| add(connection, &follower, &followed));
        done.await.map_err(failed)
    }
}
