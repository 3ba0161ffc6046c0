//! Users, organizations and their tokens.
mod caller;
mod whoami;

pub(crate) use caller::{Caller, User};
pub(crate) use whoami::{avatar_url, routes};

use crate::{
    stamp,
    store::Schema,
    web::{ApiError, Result},
};
use rusqlite::{Connection, OptionalExtension, params};
use sha2::{Digest, Sha256};
use std::{collections::HashSet, sync::RwLock};

pub(crate) const SCHEMA: Schema = Schema {
    noun: "accounts",
    steps: &["
        CREATE TABLE accounts (
            name TEXT PRIMARY KEY COLLATE NOCASE,
            oid TEXT NOT NULL,
            kind TEXT NOT NULL CHECK (kind IN ('user', 'org')),
            fullname TEXT NOT NULL,
            email TEXT,
            created_at TEXT NOT NULL
        );
        CREATE TABLE members (
            org TEXT NOT NULL COLLATE NOCASE REFERENCES accounts (name),
            user TEXT NOT NULL COLLATE NOCASE REFERENCES accounts (name),
            role TEXT NOT NULL CHECK (role IN ('admin', 'write', 'contributor', 'read')),
            PRIMARY KEY (org, user)
        );
        CREATE TABLE tokens (
            hash TEXT PRIMARY KEY,
            user TEXT NOT NULL COLLATE NOCASE REFERENCES accounts (name),
            display_name TEXT NOT NULL,
            role TEXT NOT NULL CHECK (role IN ('read', 'write')),
            created_at TEXT NOT NULL
        );
        "],
};

/// What a token allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRole {
    /// Reading what its user may read.
    Read,
    /// Everything its user may do.
    Write,
}

impl TokenRole {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }
}

/// The names of all accounts, kept in memory because the form of every path depends on them.
#[derive(Default)]
pub(crate) struct AccountNames(RwLock<HashSet<String>>);

impl AccountNames {
    pub(crate) fn load(connection: &Connection) -> Result<Self> {
        let mut statement = connection.prepare("SELECT name FROM accounts")?;
        let names = statement.query_map([], |row| row.get::<_, String>(0))?;
        let names: rusqlite::Result<HashSet<_>> =
            names.map(|name| name.map(|name| name.to_lowercase())).collect();
        Ok(Self(RwLock::new(names?)))
    }

    pub(crate) fn contains(&self, name: &str) -> bool {
        self.0.read().expect("no holder panics").contains(&name.to_lowercase())
    }

    pub(crate) fn insert(&self, name: &str) {
        self.0.write().expect("no holder panics").insert(name.to_lowercase());
    }
}

/// Adds a user or an organization; one that exists already is left as it is.
pub(crate) fn add_account(connection: &Connection, name: &str, kind: &str) -> Result<()> {
    let valid = name.parse::<hub_types::RepoId>().is_ok_and(|id| id.namespace().is_none());
    if !valid {
        return Err(ApiError::bad_request(format!("invalid account name {name:?}")));
    }
    let email = (kind == "user").then(|| format!("{name}@example.org"));
    connection.execute(
        "INSERT OR IGNORE INTO accounts (name, oid, kind, fullname, email, created_at)
         VALUES (?1, ?2, ?3, ?1, ?4, ?5)",
        params![name, stamp::object_id(), kind, email, stamp::now()],
    )?;
    let existing: String =
        connection.query_row("SELECT kind FROM accounts WHERE name = ?1", [name], |row| row.get(0))?;
    if existing != kind {
        return Err(ApiError::conflict(format!("an account of another kind is called {name:?} already")));
    }
    Ok(())
}

/// Makes a user a member of an organization.
pub(crate) fn add_member(connection: &Connection, org: &str, user: &str, role: &str) -> Result<()> {
    connection
        .execute("INSERT OR REPLACE INTO members (org, user, role) VALUES (?1, ?2, ?3)", [org, user, role])?;
    Ok(())
}

/// Stores a token of a user; only its hash, so that the database gives no access away.
pub(crate) fn add_token(connection: &Connection, user: &str, token: &str, role: TokenRole) -> Result<()> {
    connection.execute(
        "INSERT OR REPLACE INTO tokens (hash, user, display_name, role, created_at) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![token_hash(token), user, format!("{}-token", role.as_str()), role.as_str(), stamp::now()],
    )?;
    Ok(())
}

/// A new random token.
pub(crate) fn new_token() -> String {
    format!("hf_{}", stamp::random_hex(17))
}

fn token_hash(token: &str) -> String {
    hex::encode(Sha256::digest(token))
}

/// Whether a user may write to what belongs to a namespace: their own, or an organization's with the role for it.
pub(crate) fn may_write(connection: &Connection, user: &str, namespace: &str) -> Result<bool> {
    if user.eq_ignore_ascii_case(namespace) {
        return Ok(true);
    }
    Ok(matches!(role_in(connection, user, namespace)?.as_deref(), Some("admin" | "write" | "contributor")))
}

/// Whether a user may see what is private to a namespace.
pub(crate) fn may_read(connection: &Connection, user: &str, namespace: &str) -> Result<bool> {
    Ok(user.eq_ignore_ascii_case(namespace) || role_in(connection, user, namespace)?.is_some())
}

fn role_in(connection: &Connection, user: &str, org: &str) -> Result<Option<String>> {
    let mut statement = connection.prepare_cached("SELECT role FROM members WHERE org = ?1 AND user = ?2")?;
    Ok(statement.query_row([org, user], |row| row.get(0)).optional()?)
}
