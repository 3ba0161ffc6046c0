//! What a repository looks like from outside, to be compared with what it looks like later.
use super::covers;
use crate::{
    git::GitStore,
    web::{ApiError, Result},
};
use hub_types::{RepoType, WebhookWatchedItem};
use rusqlite::Connection;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// A repository at one time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Snapshot {
    pub(super) oid: String,
    pub(super) kind: RepoType,
    pub(super) id: String,
    pub(super) owner: String,
    pub(super) owner_oid: Option<String>,
    pub(super) private: bool,
    pub(super) gated: Option<String>,
    pub(super) tags: Value,
    /// The commits of references by their whole names.
    pub(super) references: BTreeMap<String, String>,
    pub(super) discussions: BTreeMap<u32, Discussion>,
}

/// A discussion or pull request at one time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Discussion {
    pub(super) title: String,
    pub(super) status: String,
    pub(super) author: String,
    pub(super) author_oid: Option<String>,
    pub(super) is_pull_request: bool,
    pub(super) target_branch: Option<String>,
    pub(super) merge_commit: Option<String>,
    /// By the order they were written in.
    pub(super) comments: BTreeMap<i64, Comment>,
}

/// A comment at one time.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Comment {
    pub(super) id: String,
    pub(super) author_oid: Option<String>,
    pub(super) data: Value,
}

impl Snapshot {
    /// Whether any of what is watched is this repository or its owner.
    pub(super) fn is_watched(&self, watched: &[WebhookWatchedItem]) -> bool {
        watched.iter().any(|item| covers(item, self.kind, &self.owner, &self.id))
    }
}

/// The repositories that `wanted` tells by their keys, kinds, owners and ids, by key.
pub(super) fn take(
    connection: &Connection,
    git: &GitStore,
    wanted: impl Fn(i64, RepoType, &str, &str) -> bool,
) -> Result<HashMap<i64, Snapshot>> {
    let accounts = accounts(connection)?;
    let mut statement =
        connection.prepare_cached("SELECT key, oid, kind, id, private, gated, tags FROM repos")?;
    let mut rows = statement.query([])?;
    let mut taken = HashMap::new();
    while let Some(row) = rows.next()? {
        let key: i64 = row.get(0)?;
        let (kind, id): (String, String) = (row.get(2)?, row.get(3)?);
        let kind: RepoType = kind.parse()?;
        let owner = id.split_once('/').map_or("", |(owner, _)| owner);
        if !wanted(key, kind, owner, &id) {
            continue;
        }
        let tags: String = row.get(6)?;
        let oid: String = row.get(1)?;
        let references = git.with(&oid, |git| git.references("refs/"))?;
        let snapshot = Snapshot {
            kind,
            owner: owner.to_owned(),
            owner_oid: accounts.get(&owner.to_lowercase()).cloned(),
            private: row.get(4)?,
            gated: row.get(5)?,
            tags: serde_json::from_str(&tags).unwrap_or_default(),
            references: references.into_iter().map(|found| (found.name, found.commit.to_string())).collect(),
            discussions: discussions(connection, key, &accounts)?,
            oid,
            id,
        };
        taken.insert(key, snapshot);
    }
    Ok(taken)
}

/// The ids of accounts by their names in lower case.
fn accounts(connection: &Connection) -> Result<HashMap<String, String>> {
    let mut statement = connection.prepare_cached("SELECT name, oid FROM accounts")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?.to_lowercase(), row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

fn discussions(
    connection: &Connection,
    repo: i64,
    accounts: &HashMap<String, String>,
) -> Result<BTreeMap<u32, Discussion>> {
    let account = |name: &str| accounts.get(&name.to_lowercase()).cloned();
    let mut statement = connection.prepare_cached(
        "SELECT num, title, status, author, is_pull_request, target_branch, merge_commit
         FROM discussions WHERE repo = ?1",
    )?;
    let rows = statement.query_map([repo], |row| {
        let author: String = row.get(3)?;
        let discussion = Discussion {
            title: row.get(1)?,
            status: row.get(2)?,
            author_oid: account(&author),
            author,
            is_pull_request: row.get(4)?,
            target_branch: row.get(5)?,
            merge_commit: row.get(6)?,
            comments: BTreeMap::new(),
        };
        Ok((row.get(0)?, discussion))
    })?;
    let mut found = rows.collect::<rusqlite::Result<BTreeMap<u32, Discussion>>>()?;
    let mut statement = connection.prepare_cached(
        "SELECT num, key, id, author, data FROM discussion_events WHERE repo = ?1 AND type = 'comment'",
    )?;
    let mut rows = statement.query([repo])?;
    while let Some(row) = rows.next()? {
        let (author, data): (String, String) = (row.get(3)?, row.get(4)?);
        let comment = Comment {
            id: row.get(2)?,
            author_oid: account(&author),
            data: serde_json::from_str(&data).unwrap_or_default(),
        };
        let num: u32 = row.get(0)?;
        let discussion = found.get_mut(&num);
        let discussion =
            discussion.ok_or_else(|| ApiError::not_found("a comment belongs to a discussion"))?;
        discussion.comments.insert(row.get(1)?, comment);
    }
    Ok(found)
}
