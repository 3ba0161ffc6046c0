//! Commits: the history of a revision, and who changed a path last.
use super::{Git, tree::find_in};
use crate::{stamp, web::Result};
use git2::{Commit, Oid, Sort};
use serde_json::{Value, json};

/// What listings say of a commit.
#[derive(Debug, Clone)]
pub(crate) struct CommitSummary {
    pub(crate) id: Oid,
    pub(crate) author: String,
    pub(crate) title: String,
    /// The rest of the message.
    pub(crate) description: String,
    /// Seconds since 1970.
    pub(crate) time: i64,
}

impl CommitSummary {
    fn of(commit: &Commit<'_>) -> Self {
        let message = String::from_utf8_lossy(commit.message_bytes()).into_owned();
        let (title, description) = message.split_once('\n').unwrap_or((&message, ""));
        Self {
            id: commit.id(),
            author: String::from_utf8_lossy(commit.author().name_bytes()).into_owned(),
            title: title.to_owned(),
            description: description.trim_start_matches('\n').trim_end().to_owned(),
            time: commit.time().seconds(),
        }
    }

    /// The form of `lastCommit` in tree listings.
    pub(crate) fn describe_as_last(&self) -> Value {
        json!({ "id": self.id.to_string(), "title": self.title, "date": stamp::from_seconds(self.time) })
    }
}

impl Git<'_> {
    /// The commits that lead to a commit, newest first: up to `take` of them after `skip`.
    pub(crate) fn log(&self, from: Oid, skip: usize, take: usize) -> Result<Vec<CommitSummary>> {
        let mut walk = self.repository.revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME)?;
        walk.push(from)?;
        let commits = walk.skip(skip).take(take).map(|id| self.summary(id?));
        commits.collect()
    }

    pub(crate) fn summary(&self, id: Oid) -> Result<CommitSummary> {
        Ok(CommitSummary::of(&self.repository.find_commit(id)?))
    }

    /// For each path the last commit, at or before `from`, that changed what is there.
    pub(crate) fn last_changes(&self, from: Oid, paths: &[&str]) -> Result<Vec<Option<CommitSummary>>> {
        let mut found = vec![None; paths.len()];
        let mut commit = self.repository.find_commit(from)?;
        loop {
            let tree = commit.tree()?;
            let parent = commit.parents().next();
            let parent_tree = parent.as_ref().map(Commit::tree).transpose()?;
            let mut missing = false;
            for (path, slot) in paths.iter().zip(&mut found).filter(|(_, slot)| slot.is_none()) {
                let now = find_in(&tree, path)?.map(|item| item.id);
                let before = match &parent_tree {
                    Some(tree) => find_in(tree, path)?.map(|item| item.id),
                    None => None,
                };
                if now == before {
                    missing = true;
                } else {
                    *slot = Some(CommitSummary::of(&commit));
                }
            }
            match parent {
                Some(parent) if missing => commit = parent,
                _ => return Ok(found),
            }
        }
    }
}
