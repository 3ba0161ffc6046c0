//! New commits: a list of changes applied to a tree.
use super::{Git, signature, tree::find_in};
use crate::web::{ApiError, Result};
use git2::{Index, IndexEntry, IndexTime, Oid, Tree};
use hub_types::SafeRelPath;
use std::path::Path;

/// A change to one path.
#[derive(Debug, Clone)]
pub(crate) enum Change {
    /// Puts a blob that is written already at a path.
    Put {
        /// Where.
        path: SafeRelPath,
        /// The blob.
        id: Oid,
    },
    /// Deletes a file.
    DeleteFile(SafeRelPath),
    /// Deletes a folder and all that is in it.
    DeleteFolder(SafeRelPath),
}

/// Changes on top of a commit, or on nothing.
#[derive(Debug, Clone)]
pub(crate) struct Edit {
    pub(crate) parent: Option<Oid>,
    pub(crate) changes: Vec<Change>,
}

const REGULAR_FILE: u32 = 0o100_644;

impl Edit {
    pub(crate) fn new(parent: Option<Oid>) -> Self {
        Self { parent, changes: Vec::new() }
    }
}

impl Git<'_> {
    /// Writes the commit of an edit; no reference moves.
    pub(crate) fn commit(&self, edit: &Edit, user: &str, message: &str) -> Result<Oid> {
        let parent = edit.parent.map(|id| self.repository.find_commit(id)).transpose()?;
        let base = parent.as_ref().map(git2::Commit::tree).transpose()?;
        let tree = self.repository.find_tree(self.apply(base.as_ref(), &edit.changes)?)?;
        let author = signature(user)?;
        let parents: Vec<_> = parent.iter().collect();
        Ok(self.repository.commit(None, &author, &author, message, &tree, &parents)?)
    }

    /// Writes a commit without parents that has the tree of `commit`.
    pub(crate) fn squash(&self, commit: Oid, user: &str, message: &str) -> Result<Oid> {
        let tree = self.repository.find_commit(commit)?.tree()?;
        let author = signature(user)?;
        Ok(self.repository.commit(None, &author, &author, message, &tree, &[])?)
    }

    fn apply(&self, base: Option<&Tree<'_>>, changes: &[Change]) -> Result<Oid> {
        let mut index = Index::new()?;
        if let Some(base) = base {
            index.read_tree(base)?;
        }
        for change in changes {
            match change {
                Change::Put { path, id } => put(&mut index, path, *id)?,
                Change::DeleteFile(path) => {
                    let there = index.get_path(Path::new(path.as_str()), 0).is_some();
                    if !there {
                        return Err(missing("file", path));
                    }
                    index.remove(Path::new(path.as_str()), 0)?;
                }
                Change::DeleteFolder(path) => {
                    let there = base.map(|base| find_in(base, path.as_str())).transpose()?.flatten();
                    if !there.is_some_and(|item| item.is_folder) {
                        return Err(missing("folder", path));
                    }
                    index.remove_dir(Path::new(path.as_str()), 0)?;
                }
            }
        }
        Ok(index.write_tree_to(self.repository)?)
    }
}

fn missing(what: &str, path: &SafeRelPath) -> ApiError {
    ApiError::entry_not_found(format!("A {what} with this name doesn't exist: {path}"))
}

fn put(index: &mut Index, path: &SafeRelPath, id: Oid) -> Result<()> {
    let zero = IndexTime::new(0, 0);
    let entry = IndexEntry {
        ctime: zero,
        mtime: zero,
        dev: 0,
        ino: 0,
        mode: REGULAR_FILE,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_str().as_bytes().to_vec(),
    };
    // Git itself refuses what it could not check out, such as `.git/config`.
    index
        .add(&entry)
        .map_err(|cause| ApiError::bad_request(format!("Invalid path {path}: {}", cause.message())))
}
