//! The bare git repositories behind the Hub's repositories.
mod blob;
mod copy;
mod edit;
mod history;
mod merge;
mod pack;
mod refs;
mod tree;

pub(crate) use blob::{Blob, Pointer, is_sha256};
pub(crate) use edit::{Change, Edit};
pub(crate) use history::CommitSummary;
pub(crate) use merge::Merge;
pub(crate) use pack::BlobWriter;
pub(crate) use tree::{Item, Listing};

use crate::{store::blocking, web::Result};
use git2::{Oid, Repository, RepositoryInitOptions, Signature};
use std::{
    collections::{HashMap, VecDeque},
    fs, io,
    path::PathBuf,
    sync::{Arc, Mutex},
};

/// A folder of bare repositories, each named by the object id of the Hub's repository, so that a move renames nothing.
#[derive(Clone)]
pub(crate) struct GitStore(Arc<Shared>);

struct Shared {
    root: PathBuf,
    durable: bool,
    /// Opening a repository reads half a dozen files, so open ones are kept for the next request.
    open: Mutex<HashMap<String, Vec<Repository>>>,
    /// One writer at a time moves the references of a repository.
    writers: Mutex<HashMap<String, Arc<Mutex<()>>>>,
    /// What is known of blobs; their ids are hashes of their content, so this is never out of date.
    blobs: Mutex<HashMap<Oid, Blob>>,
    /// The trees listed last, for the pages that follow.
    listings: Mutex<VecDeque<Arc<Listing>>>,
}

const MAX_OPEN: usize = 16;

/// One open repository.
pub(crate) struct Git<'a> {
    repository: &'a Repository,
    shared: &'a Shared,
}

impl GitStore {
    /// Uses the folder `root`; with `durable`, what is written outlives a power failure.
    pub(crate) fn new(root: PathBuf, durable: bool) -> Self {
        Self(Arc::new(Shared {
            root,
            durable,
            open: Mutex::default(),
            writers: Mutex::default(),
            blobs: Mutex::default(),
            listings: Mutex::default(),
        }))
    }

    /// The folder of a repository.
    pub(crate) fn path(&self, key: &str) -> PathBuf {
        self.0.root.join(format!("{key}.git"))
    }

    /// Creates a repository whose first commit, by `author`, has these files.
    pub(crate) fn create(
        &self,
        key: &str,
        author: &str,
        message: &str,
        files: &[(&str, &[u8])],
    ) -> Result<Oid> {
        let mut options = RepositoryInitOptions::new();
        options.bare(true).initial_head("main").external_template(false);
        let repository = Repository::init_opts(self.path(key), &options)?;
        if self.0.durable {
            repository.config()?.set_bool("core.fsyncObjectFiles", true)?;
        }
        let mut edit = Edit::new(None);
        for (path, content) in files {
            let id = repository.blob(content)?;
            edit.changes.push(Change::Put { path: path.parse()?, id });
        }
        let git = Git { repository: &repository, shared: &self.0 };
        let commit = git.commit(&edit, author, message)?;
        git.set_reference("refs/heads/main", commit)?;
        Ok(commit)
    }

    /// Removes a repository.
    pub(crate) fn remove(&self, key: &str) -> Result<()> {
        self.0.open.lock().expect("no holder panics").remove(key);
        match fs::remove_dir_all(self.path(key)) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(cause.into()),
            _ => Ok(()),
        }
    }

    /// Runs `f` on a repository; for blocking threads.
    pub(crate) fn with<T>(&self, key: &str, f: impl FnOnce(&Git<'_>) -> Result<T>) -> Result<T> {
        let kept = self.0.open.lock().expect("no holder panics").get_mut(key).and_then(Vec::pop);
        let repository = match kept {
            Some(repository) => repository,
            None => Repository::open_bare(self.path(key))?,
        };
        let result = f(&Git { repository: &repository, shared: &self.0 });
        let mut open = self.0.open.lock().expect("no holder panics");
        let pool = open.entry(key.to_owned()).or_default();
        if pool.len() < MAX_OPEN {
            pool.push(repository);
        }
        result
    }

    /// Runs `f` on a repository while no other writer does; for blocking threads.
    pub(crate) fn write<T>(&self, key: &str, f: impl FnOnce(&Git<'_>) -> Result<T>) -> Result<T> {
        let writer =
            self.0.writers.lock().expect("no holder panics").entry(key.to_owned()).or_default().clone();
        // A writer that panicked has moved no reference, or moved it whole.
        let _turn = writer.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        self.with(key, f)
    }

    /// Runs `f` on a repository on a blocking thread.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        key: &str,
        f: impl FnOnce(&Git<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (store, key) = (self.clone(), key.to_owned());
        blocking(move || store.with(&key, f)).await
    }
}

impl Git<'_> {
    /// Writes a blob.
    pub(crate) fn write_blob(&self, content: &[u8]) -> Result<Oid> {
        Ok(self.repository.blob(content)?)
    }

    /// Begins to write blobs that may be many.
    pub(crate) fn blob_writer(&self) -> BlobWriter<'_> {
        BlobWriter::new(self)
    }
}

fn signature(user: &str) -> Result<Signature<'static>> {
    Ok(Signature::now(user, &format!("{user}@users.noreply.example.org"))?)
}
