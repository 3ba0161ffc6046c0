//! Who a token belongs to.
use super::Caller;
use crate::{
    state::HubState,
    web::{Result, error::json},
};
use axum::{Router, extract::State, response::Response, routing::get};
use rusqlite::Connection;
use serde_json::{Value, json};

pub(crate) fn routes() -> Router<HubState> {
    Router::new().route("/api/whoami-v2", get(whoami))
}

async fn whoami(State(state): State<HubState>, caller: Caller) -> Result<Response> {
    let user = caller.user()?.clone();
    let answer = state
        .store
        .call(move |connection| {
            let mut account = connection.query_row(
                "SELECT oid, name, fullname, email FROM accounts WHERE name = ?1",
                [&user.name],
                |row| {
                    Ok(json!({
                        "type": "user",
                        "id": row.get::<_, String>(0)?,
                        "name": row.get::<_, String>(1)?,
                        "fullname": row.get::<_, String>(2)?,
                        "email": row.get::<_, Option<String>>(3)?,
                        "emailVerified": true,
                        "canPay": false,
                        "periodEnd": null,
                        "isPro": false,
                        "avatarUrl": avatar_url(&user.name),
                    }))
                },
            )?;
            account["orgs"] = organizations_of(connection, &user.name)?.into();
            account["auth"] = json!({
                "type": "access_token",
                "accessToken": {
                    "displayName": user.token_name,
                    "role": user.role.as_str(),
                    "createdAt": user.token_created_at,
                },
            });
            Ok(account)
        })
        .await?;
    Ok(json(&answer))
}

/// Where the picture of an account would be.
pub(crate) fn avatar_url(name: &str) -> String {
    format!("/avatars/{name}.svg")
}

fn organizations_of(connection: &Connection, user: &str) -> Result<Vec<Value>> {
    let mut statement = connection.prepare_cached(
        "SELECT accounts.oid, accounts.name, accounts.fullname, members.role
         FROM members JOIN accounts ON accounts.name = members.org WHERE members.user = ?1 ORDER BY 2",
    )?;
    let rows = statement.query_map([user], |row| {
        let name: String = row.get(1)?;
        Ok(json!({
            "type": "org",
            "id": row.get::<_, String>(0)?,
            "avatarUrl": avatar_url(&name),
            "name": name,
            "fullname": row.get::<_, String>(2)?,
            "email": null,
            "canPay": false,
            "periodEnd": null,
            "isEnterprise": false,
            "roleInOrg": row.get::<_, String>(3)?,
        }))
    })?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
