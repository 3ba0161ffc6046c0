//! Trees: what is at a path, and what is below it.
use super::Git;
use crate::web::Result;
use git2::{ErrorCode, ObjectType, Oid, Tree};
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, OnceLock},
};

/// A file or folder of a tree.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    /// The path from the folder that was listed.
    pub(crate) path: String,
    /// The id of the blob or the tree.
    pub(crate) id: Oid,
    pub(crate) is_folder: bool,
}

/// The items of a folder, in git's order, a folder before what is in it.
#[derive(Debug)]
pub(crate) struct Listing {
    tree: Oid,
    recursive: bool,
    pub(crate) items: Vec<Item>,
    /// Where the item of a name is, made when the first is looked for.
    index: OnceLock<HashMap<String, usize>>,
}

impl Listing {
    fn get(&self, name: &str) -> Option<&Item> {
        let make = || self.items.iter().enumerate().map(|(at, item)| (item.path.clone(), at)).collect();
        let index = self.index.get_or_init(make);
        index.get(name).and_then(|&at| self.items.get(at))
    }
}

/// How many items the listings kept in memory may have together.
const ITEMS_KEPT: usize = 400_000;
const LISTINGS_KEPT: usize = 256;

impl Git<'_> {
    /// The tree of a commit.
    pub(crate) fn tree_of(&self, commit: Oid) -> Result<Oid> {
        Ok(self.repository.find_commit(commit)?.tree_id())
    }

    /// What is at a path of a commit; the empty path is its root folder.
    pub(crate) fn find(&self, commit: Oid, path: &str) -> Result<Option<Item>> {
        let tree = self.tree_of(commit)?;
        let mut found = Item { path: String::new(), id: tree, is_folder: true };
        if path.is_empty() {
            return Ok(Some(found));
        }
        // Through listings rather than by git, which reads, inflates and hashes each tree anew.
        for segment in path.split('/') {
            if !found.is_folder {
                return Ok(None);
            }
            match self.list(found.id, false)?.get(segment) {
                Some(item) => found = item.clone(),
                None => return Ok(None),
            }
        }
        Ok(Some(Item { path: path.to_owned(), ..found }))
    }

    /// The content of a regular file of a commit.
    pub(crate) fn read(&self, commit: Oid, path: &str) -> Result<Option<Vec<u8>>> {
        match self.find(commit, path)? {
            Some(item) if !item.is_folder => self.content(item.id).map(Some),
            _ => Ok(None),
        }
    }

    /// The items of a tree.
    pub(crate) fn list(&self, tree: Oid, recursive: bool) -> Result<Arc<Listing>> {
        let mut kept = self.shared.listings.lock().expect("no holder panics");
        let known = kept.iter().position(|listing| listing.tree == tree && listing.recursive == recursive);
        if let Some(listing) = known.and_then(|index| kept.remove(index)) {
            kept.push_back(listing.clone());
            return Ok(listing);
        }
        drop(kept);
        let mut items = Vec::new();
        self.collect(&self.repository.find_tree(tree)?, "", recursive, &mut items)?;
        let listing = Arc::new(Listing { tree, recursive, items, index: OnceLock::new() });
        let mut kept = self.shared.listings.lock().expect("no holder panics");
        kept.push_back(listing.clone());
        let mut total: usize = kept.iter().map(|listing| listing.items.len()).sum();
        while (total > ITEMS_KEPT || kept.len() > LISTINGS_KEPT)
            && let Some(oldest) = kept.pop_front()
        {
            total -= oldest.items.len();
        }
        Ok(listing)
    }

    fn collect(&self, tree: &Tree<'_>, prefix: &str, recursive: bool, items: &mut Vec<Item>) -> Result<()> {
        for entry in tree {
            let path = format!("{prefix}{}", String::from_utf8_lossy(entry.name_bytes()));
            let is_folder = match entry.kind() {
                Some(ObjectType::Tree) => true,
                Some(ObjectType::Blob) => false,
                // A submodule: its commit is in another repository.
                _ => continue,
            };
            let below = format!("{path}/");
            items.push(Item { path, id: entry.id(), is_folder });
            if is_folder && recursive {
                self.collect(&self.repository.find_tree(entry.id())?, &below, true, items)?;
            }
        }
        Ok(())
    }
}

/// What is at a path of a tree.
pub(super) fn find_in(tree: &Tree<'_>, path: &str) -> Result<Option<Item>> {
    if path.is_empty() {
        return Ok(Some(Item { path: String::new(), id: tree.id(), is_folder: true }));
    }
    match tree.get_path(Path::new(path)) {
        Ok(entry) => {
            let is_folder = entry.kind() == Some(ObjectType::Tree);
            Ok(Some(Item { path: path.to_owned(), id: entry.id(), is_folder }))
        }
        // Trailing or doubled slashes are invalid to git; nothing is there either.
        Err(cause) if matches!(cause.code(), ErrorCode::NotFound | ErrorCode::Invalid) => Ok(None),
        Err(cause) if cause.class() == git2::ErrorClass::Tree => Ok(None),
        Err(cause) => Err(cause.into()),
    }
}
