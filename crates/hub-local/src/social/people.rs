//! What is told of users and of the members of organizations.
use super::Place;
use crate::{
    accounts::{Caller, avatar_url},
    state::HubState,
    web::{ApiError, Page, Params, Result, address::OriginalUri, error::json},
};
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use hub_types::RepoType;
use rusqlite::{Connection, OptionalExtension, Row};
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) fn routes() -> Router<HubState> {
    Router::new()
        .route("/api/users/{name}/overview", get(overview))
        .route("/api/organizations/{name}/members", get(members))
}

#[derive(Deserialize)]
pub(super) struct Named {
    pub(super) name: String,
}

/// An account, as the author of something and as an item of a list.
pub(crate) fn person(connection: &Connection, name: &str) -> Result<Value> {
    let mut statement =
        connection.prepare_cached("SELECT oid, name, fullname, kind FROM accounts WHERE name = ?1")?;
    Ok(statement.query_row([name], |row| person_of(row, 0)).optional()?.unwrap_or(Value::Null))
}

/// The columns that [`person_of`] reads.
pub(super) const COLUMNS: &str = "accounts.oid, accounts.name, accounts.fullname, accounts.kind";

pub(super) fn person_of(row: &Row<'_>, first: usize) -> rusqlite::Result<Value> {
    let name: String = row.get(first + 1)?;
    Ok(json!({
        "_id": row.get::<_, String>(first)?,
        "avatarUrl": avatar_url(&name),
        "isPro": false,
        "fullname": row.get::<_, String>(first + 2)?,
        "user": name,
        "name": name,
        "type": row.get::<_, String>(first + 3)?,
        "isHf": false,
        "isMod": false,
    }))
}

/// The name of an account of one kind as it is written, or that there is none.
pub(crate) fn account(connection: &Connection, name: &str, kind: &str) -> Result<String> {
    let mut statement =
        connection.prepare_cached("SELECT name FROM accounts WHERE name = ?1 AND kind = ?2")?;
    let found = statement.query_row([name, kind], |row| row.get(0)).optional()?;
    found.ok_or_else(|| nobody(kind))
}

/// The refusal for names that are nobody's.
fn nobody(kind: &str) -> ApiError {
    ApiError::not_found(if kind == "org" { "Organization not found" } else { "User not found" })
}

async fn overview(
    State(state): State<HubState>,
    Path(Named { name }): Path<Named>,
    caller: Caller,
) -> Result<Response> {
    let answer = state.store.call(move |connection| describe(connection, &name, &caller)).await?;
    Ok(json(&answer))
}

/// A user with all that is counted.
fn describe(connection: &Connection, name: &str, caller: &Caller) -> Result<Value> {
    let name = account(connection, name, "user")?;
    let mut object = person(connection, &name)?;
    let count = |sql: &str| -> Result<i64> {
        Ok(connection.prepare_cached(sql)?.query_row([&name], |row| row.get(0))?)
    };
    object["createdAt"] = connection
        .query_row("SELECT created_at FROM accounts WHERE name = ?1", [&name], |row| row.get::<_, String>(0))?
        .into();
    for (field, kind) in
        [("numModels", RepoType::Model), ("numDatasets", RepoType::Dataset), ("numSpaces", RepoType::Space)]
    {
        object[field] = repos_of(connection, &name, kind, caller)?.into();
    }
    object["numDiscussions"] =
        count("SELECT COUNT(*) FROM discussions WHERE author = ?1 COLLATE NOCASE")?.into();
    object["numPapers"] = count(
        "SELECT COUNT(*) FROM papers
         WHERE EXISTS (SELECT 1 FROM json_each(authors) WHERE value = ?1 COLLATE NOCASE)",
    )?
    .into();
    object["numUpvotes"] = count(
        "SELECT COUNT(*) FROM collection_upvotes JOIN collections ON collections.key = collection
         WHERE owner = ?1",
    )?
    .into();
    object["numLikes"] = count("SELECT COUNT(*) FROM likes WHERE user = ?1")?.into();
    object["numFollowing"] = count("SELECT COUNT(*) FROM follows WHERE follower = ?1")?.into();
    object["numFollowers"] = count("SELECT COUNT(*) FROM follows WHERE followed = ?1")?.into();
    object["orgs"] = organizations(connection, &name)?.into();
    if let Some(user) = &caller.0 {
        object["isFollowing"] = super::follows::is_following(connection, &user.name, &name)?.into();
    }
    Ok(object)
}

/// How many repositories of a user the caller may know of.
fn repos_of(connection: &Connection, owner: &str, kind: RepoType, caller: &Caller) -> Result<i64> {
    let own = caller.0.as_ref().is_some_and(|user| user.name.eq_ignore_ascii_case(owner));
    let sql = "SELECT COUNT(*) FROM repos WHERE namespace = ?1 AND kind = ?2 AND (NOT private OR ?3)";
    Ok(connection.prepare_cached(sql)?.query_row((owner, kind.as_str(), own), |row| row.get(0))?)
}

fn organizations(connection: &Connection, user: &str) -> Result<Vec<Value>> {
    let mut statement = connection.prepare_cached(
        "SELECT accounts.name, accounts.fullname FROM members JOIN accounts ON accounts.name = members.org
         WHERE members.user = ?1 ORDER BY 1",
    )?;
    let rows = statement.query_map([user], |row| {
        let name: String = row.get(0)?;
        let avatar = avatar_url(&name);
        Ok(json!({ "name": name, "fullname": row.get::<_, String>(1)?, "avatarUrl": avatar }))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

async fn members(
    State(state): State<HubState>,
    Path(Named { name }): Path<Named>,
    uri: OriginalUri,
    params: Params,
    _caller: Caller,
) -> Result<Page> {
    let place = Place::of(&state, &params)?;
    let (before, rows) = (place.before, place.rows());
    let found = state.store.call(move |connection| {
        let org = account(connection, &name, "org")?;
        let mut statement = connection.prepare_cached(&format!(
            "SELECT members.rowid, {COLUMNS}, members.role FROM members
             JOIN accounts ON accounts.name = members.user
             WHERE members.org = ?1 AND members.rowid < ?2 ORDER BY members.rowid DESC LIMIT ?3"
        ))?;
        let people = statement.query_map((org, before, rows), |row| {
            let mut person = person_of(row, 1)?;
            person["role"] = row.get::<_, String>(5)?.into();
            Ok((row.get(0)?, person))
        })?;
        Ok(people.collect::<rusqlite::Result<Vec<_>>>()?)
    });
    Ok(place.page(&state, &uri, found.await?))
}
