//! Merging one line of commits into another, and what it would change.
use super::{CommitSummary, Git, signature};
use crate::web::Result;
use git2::{DiffFormat, ErrorCode, Oid, Sort};

/// What becomes of a merge.
#[derive(Debug)]
pub(crate) enum Merge {
    /// The tree with the changes of both sides.
    Tree(Oid),
    /// The paths that both sides changed, in different ways.
    Conflicts(Vec<String>),
}

impl Git<'_> {
    /// Merges the changes of `theirs` into `ours`; no reference moves.
    pub(crate) fn merge(&self, ours: Oid, theirs: Oid) -> Result<Merge> {
        let commit = |id| self.repository.find_commit(id);
        let mut index = self.repository.merge_commits(&commit(ours)?, &commit(theirs)?, None)?;
        if !index.has_conflicts() {
            return Ok(Merge::Tree(index.write_tree_to(self.repository)?));
        }
        let mut paths = Vec::new();
        for conflict in index.conflicts()? {
            let conflict = conflict?;
            let entry = conflict.our.or(conflict.their).or(conflict.ancestor);
            paths.extend(entry.map(|entry| String::from_utf8_lossy(&entry.path).into_owned()));
        }
        paths.sort();
        paths.dedup();
        Ok(Merge::Conflicts(paths))
    }

    /// Writes the one commit that a merge leaves on the branch it was made into.
    pub(crate) fn commit_merged(&self, onto: Oid, tree: Oid, user: &str, message: &str) -> Result<Oid> {
        let parent = self.repository.find_commit(onto)?;
        let tree = self.repository.find_tree(tree)?;
        let author = signature(user)?;
        Ok(self.repository.commit(None, &author, &author, message, &tree, &[&parent])?)
    }

    /// Where two lines of commits parted; `None` if they have nothing in common.
    pub(crate) fn merge_base(&self, one: Oid, other: Oid) -> Result<Option<Oid>> {
        match self.repository.merge_base(one, other) {
            Ok(base) => Ok(Some(base)),
            Err(cause) if cause.code() == ErrorCode::NotFound => Ok(None),
            Err(cause) => Err(cause.into()),
        }
    }

    /// The commits that lead to `head` and not to `base`, oldest first.
    pub(crate) fn commits_since(&self, base: Oid, head: Oid) -> Result<Vec<CommitSummary>> {
        let mut walk = self.repository.revwalk()?;
        walk.set_sorting(Sort::TOPOLOGICAL | Sort::TIME | Sort::REVERSE)?;
        walk.push(head)?;
        walk.hide(base)?;
        walk.map(|id| self.summary(id?)).collect()
    }

    /// What `head` changes since it parted from `base`, as a unified diff.
    pub(crate) fn diff(&self, base: Oid, head: Oid) -> Result<String> {
        let from = self.merge_base(base, head)?.unwrap_or(base);
        let tree = |id| self.repository.find_commit(id)?.tree();
        let diff = self.repository.diff_tree_to_tree(Some(&tree(from)?), Some(&tree(head)?), None)?;
        let mut text = Vec::new();
        diff.print(DiffFormat::Patch, |_, _, line| {
            if let origin @ ('+' | '-' | ' ') = line.origin() {
                text.extend(origin.to_string().bytes());
            }
            text.extend_from_slice(line.content());
            true
        })?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}
