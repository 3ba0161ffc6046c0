//! Collections of repositories and papers.
mod describe;
mod items;
mod list;
mod manage;

use crate::{
    accounts::{Caller, User, may_read, may_write},
    state::HubState,
    store::Schema,
    web::{ApiError, Result},
};
use axum::Router;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Deserialize;

pub(crate) const SCHEMA: Schema = Schema {
    noun: "collections",
    steps: &["
        CREATE TABLE collections (
            key INTEGER PRIMARY KEY,
            oid TEXT NOT NULL UNIQUE,
            owner TEXT NOT NULL COLLATE NOCASE REFERENCES accounts (name),
            title TEXT NOT NULL,
            description TEXT,
            private INTEGER NOT NULL,
            theme TEXT NOT NULL,
            position INTEGER NOT NULL,
            last_updated TEXT NOT NULL
        );
        CREATE INDEX collections_of ON collections (owner, position);
        CREATE TABLE collection_items (
            key INTEGER PRIMARY KEY,
            oid TEXT NOT NULL UNIQUE,
            collection INTEGER NOT NULL REFERENCES collections (key) ON DELETE CASCADE,
            type TEXT NOT NULL CHECK (type IN ('model', 'dataset', 'space', 'paper')),
            repo INTEGER REFERENCES repos (key) ON DELETE CASCADE,
            paper TEXT,
            note TEXT,
            position INTEGER NOT NULL,
            UNIQUE (collection, repo),
            UNIQUE (collection, paper)
        );
        CREATE INDEX collection_items_of_repos ON collection_items (repo);
        CREATE TABLE collection_upvotes (
            collection INTEGER NOT NULL REFERENCES collections (key) ON DELETE CASCADE,
            user TEXT NOT NULL COLLATE NOCASE REFERENCES accounts (name),
            PRIMARY KEY (collection, user)
        );
        "],
};

pub(crate) fn routes() -> Router<HubState> {
    list::routes().merge(manage::routes()).merge(items::routes())
}

/// A collection as the database has it.
struct Collection {
    key: i64,
    /// The id that stays when the title changes.
    oid: String,
    owner: String,
    title: String,
    description: Option<String>,
    private: bool,
    theme: String,
    position: i64,
    last_updated: String,
    upvotes: i64,
}

const COLUMNS: &str = "key, oid, owner, title, description, private, theme, position, last_updated, \
                       (SELECT COUNT(*) FROM collection_upvotes WHERE collection = key) AS upvotes";

/// The two parts of a slug.
#[derive(Deserialize)]
struct At {
    owner: String,
    name: String,
}

impl Collection {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            key: row.get(0)?,
            oid: row.get(1)?,
            owner: row.get(2)?,
            title: row.get(3)?,
            description: row.get(4)?,
            private: row.get(5)?,
            theme: row.get(6)?,
            position: row.get(7)?,
            last_updated: row.get(8)?,
            upvotes: row.get(9)?,
        })
    }

    /// The name in URLs: the words of the title, and the id that alone counts.
    fn slug(&self) -> String {
        let mut words = String::new();
        for c in self.title.to_lowercase().chars() {
            match c {
                c if c.is_ascii_alphanumeric() => words.push(c),
                _ if words.ends_with('-') || words.is_empty() => {}
                _ => words.push('-'),
            }
        }
        let words = words.trim_end_matches('-');
        let hyphen = if words.is_empty() { "" } else { "-" };
        format!("{}/{words}{hyphen}{}", self.owner, self.oid)
    }

    /// The collection that a slug names, if the caller may see it.
    fn visible(connection: &Connection, at: &At, caller: &Caller) -> Result<Self> {
        let oid = at.name.rsplit('-').next().unwrap_or_default();
        let sql = format!("SELECT {COLUMNS} FROM collections WHERE oid = ?1 AND owner = ?2");
        let found =
            connection.prepare_cached(&sql)?.query_row([oid, &at.owner], Self::from_row).optional()?;
        let missing = || ApiError::not_found("Collection not found");
        let found = found.ok_or_else(missing)?;
        let sees = match &caller.0 {
            _ if !found.private => true,
            Some(user) => may_read(connection, &user.name, &found.owner)?,
            None => false,
        };
        if sees { Ok(found) } else { Err(missing()) }
    }

    /// The collection that a slug names, if the caller may change it.
    fn writable(connection: &Connection, at: &At, caller: &Caller) -> Result<Self> {
        let user = caller.writer()?;
        let found = Self::visible(connection, at, caller)?;
        check_owner(connection, user, &found.owner)?;
        Ok(found)
    }

    /// Reads again what may have changed.
    fn again(&self, connection: &Connection) -> Result<Self> {
        let sql = format!("SELECT {COLUMNS} FROM collections WHERE key = ?1");
        Ok(connection.prepare_cached(&sql)?.query_row([self.key], Self::from_row)?)
    }

    /// Writes down that something changed now.
    fn touch(&self, connection: &Connection) -> Result<()> {
        connection.execute(
            "UPDATE collections SET last_updated = ?1 WHERE key = ?2",
            params![crate::stamp::now(), self.key],
        )?;
        Ok(())
    }
}

fn check_owner(connection: &Connection, user: &User, owner: &str) -> Result<()> {
    if may_write(connection, &user.name, owner)? {
        return Ok(());
    }
    Err(ApiError::forbidden(format!("You don't have the rights to change collections of {owner}")))
}

fn check_length(what: &str, text: &str, most: usize) -> Result<()> {
    let chars = text.chars().count();
    if chars <= most {
        return Ok(());
    }
    Err(ApiError::bad_request(format!("{what} must have at most {most} characters; it has {chars}")))
}

/// The order of `keys` after one of them was moved to a place, or as near as there are places.
fn moved(mut keys: Vec<i64>, key: i64, place: i64) -> Result<Vec<i64>> {
    let place = usize::try_from(place).map_err(|_| ApiError::bad_request("position must not be negative"))?;
    keys.retain(|other| *other != key);
    keys.insert(place.min(keys.len()), key);
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_have_the_words_of_the_title() {
        let collection = |title: &str| Collection {
            key: 1,
            oid: "64f9a55bb3115b4f513ec026".into(),
            owner: "me".into(),
            title: title.into(),
            description: None,
            private: false,
            theme: "orange".into(),
            position: 0,
            last_updated: String::new(),
            upvotes: 0,
        };
        for (title, slug) in [
            ("Recent models!", "me/recent-models-64f9a55bb3115b4f513ec026"),
            (" a -- B_c ", "me/a-b-c-64f9a55bb3115b4f513ec026"),
            ("日本", "me/64f9a55bb3115b4f513ec026"),
        ] {
            assert_eq!(collection(title).slug(), slug);
        }
    }

    #[test]
    fn what_moves_pushes_the_others_on() {
        assert_eq!(moved(vec![1, 2, 3], 3, 0).unwrap(), [3, 1, 2]);
        assert_eq!(moved(vec![1, 2, 3], 1, 1).unwrap(), [2, 1, 3]);
        assert_eq!(moved(vec![1, 2], 1, 9).unwrap(), [2, 1]);
        assert!(moved(vec![1], 1, -1).is_err());
    }
}
