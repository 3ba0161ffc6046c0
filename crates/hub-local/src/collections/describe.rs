//! Collections in the form of the API.
use super::Collection;
use crate::{
    accounts::{Caller, may_read},
    papers,
    social::person,
    state::HubState,
    web::Result,
};
use rusqlite::Connection;
use serde_json::{Value, json};

/// A collection with as many of its items as the caller may see, up to `most`.
pub(super) fn collection(
    connection: &Connection,
    state: &HubState,
    found: &Collection,
    caller: &Caller,
    most: usize,
) -> Result<Value> {
    let slug = found.slug();
    let user = caller.0.as_ref().map(|user| &user.name);
    let is_upvoted: bool = connection
        .prepare_cached(
            "SELECT EXISTS (SELECT 1 FROM collection_upvotes WHERE collection = ?1 AND user = ?2)",
        )?
        .query_row((found.key, user), |row| row.get(0))?;
    let mut object = json!({
        "shareUrl": format!("{}/collections/{slug}", state.urls.endpoint),
        "slug": slug,
        "title": found.title,
        "lastUpdated": found.last_updated,
        "gating": false,
        "owner": person(connection, &found.owner)?,
        "items": items(connection, found, caller, most)?,
        "theme": found.theme,
        "private": found.private,
        "upvotes": found.upvotes,
        "isUpvotedByUser": is_upvoted,
    });
    if let Some(description) = &found.description {
        object["description"] = description.clone().into();
    }
    Ok(object)
}

fn items(connection: &Connection, found: &Collection, caller: &Caller, most: usize) -> Result<Vec<Value>> {
    let mut statement = connection.prepare_cached(
        "SELECT item.oid, item.type, item.note, item.paper, repos.id, repos.namespace, repos.private,
             repos.likes, repos.last_modified, repos.gated
         FROM collection_items AS item LEFT JOIN repos ON repos.key = item.repo
         WHERE collection = ?1 ORDER BY item.position",
    )?;
    let mut rows = statement.query([found.key])?;
    let mut items = Vec::new();
    while let Some(row) = rows.next()?
        && items.len() < most
    {
        let mut item = json!({
            "_id": row.get::<_, String>(0)?,
            "type": row.get::<_, String>(1)?,
            "position": items.len(),
        });
        if let Some(note) = row.get::<_, Option<String>>(2)?.filter(|note| !note.is_empty()) {
            item["note"] = json!({ "text": note });
        }
        let more = if let Some(paper) = row.get::<_, Option<String>>(3)? {
            let mut more = papers::describe(connection, &paper)?;
            more["id"] = paper.into();
            more
        } else {
            let author: Option<String> = row.get(5)?;
            let private: bool = row.get(6)?;
            if private && !sees(connection, caller, author.as_deref())? {
                continue;
            }
            let gated: Option<String> = row.get(9)?;
            json!({
                "id": row.get::<_, String>(4)?,
                "author": author,
                "private": private,
                "likes": row.get::<_, i64>(7)?,
                "lastModified": row.get::<_, String>(8)?,
                "gated": gated.map_or(Value::Bool(false), Value::from),
            })
        };
        if let (Value::Object(item), Value::Object(more)) = (&mut item, more) {
            item.extend(more);
        }
        items.push(item);
    }
    Ok(items)
}

fn sees(connection: &Connection, caller: &Caller, owner: Option<&str>) -> Result<bool> {
    match (&caller.0, owner) {
        (Some(user), Some(owner)) => may_read(connection, &user.name, owner),
        _ => Ok(false),
    }
}
