//! Files that need not be fetched.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use hub_types::{CommitHash, RepoId, RepoType, Revision, SafeRelPath};

/// Finds files of repositories on this machine, so that they are read instead of fetched.
///
/// `hub-client` has one that looks into the cache of downloads, `CachedFiles`.
pub trait LocalFiles: Send + Sync {
    /// Tells the commit that a branch or tag had when it was last asked for.
    ///
    /// It counts only when the Hub cannot be reached or may not be asked.
    fn commit_of(&self, repo_type: RepoType, repo_id: &RepoId, revision: &Revision) -> Option<CommitHash>;

    /// Finds a file as it is at a commit.
    fn find(
        &self,
        repo_type: RepoType,
        repo_id: &RepoId,
        commit: &CommitHash,
        path: &SafeRelPath,
    ) -> Option<PathBuf>;
}

/// The files that are here, if anyone knows.
#[derive(Clone, Default)]
pub(super) struct Shelf(pub(super) Option<Arc<dyn LocalFiles>>);

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Shelf" } else { "no Shelf" })
    }
}
