//! The cache of downloads, for readers of safetensors files.
use hub_api::HfApi;
use hub_api::types::{CommitHash, RepoId, RepoType, Revision, SafeRelPath};
use hub_cache::RepoCache;
use hub_safetensors::LocalFiles;
use std::path::PathBuf;

/// The files in the cache, so that tensors of downloaded files are read instead of fetched.
///
/// ```no_run
/// # async fn example(api: hub_client::HfApi) -> hub_client::Result<()> {
/// use hub_client::{CachedFiles, prelude::*};
///
/// let model = api.open_safetensors("openai-community/gpt2").local_files(CachedFiles::of(&api)).await?;
/// let positions = model.tensor("wpe.weight").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct CachedFiles {
    cache_dir: PathBuf,
}

impl CachedFiles {
    /// The cache that a client downloads to.
    pub fn of(api: &HfApi) -> Self {
        Self::in_folder(&api.config().cache_dir)
    }

    /// The cache in a folder.
    pub fn in_folder(cache_dir: impl Into<PathBuf>) -> Self {
        Self { cache_dir: cache_dir.into() }
    }
}

impl LocalFiles for CachedFiles {
    fn commit_of(&self, repo_type: RepoType, repo_id: &RepoId, revision: &Revision) -> Option<CommitHash> {
        RepoCache::new(&self.cache_dir, repo_type, repo_id).commit_of(revision)
    }

    fn find(
        &self,
        repo_type: RepoType,
        repo_id: &RepoId,
        commit: &CommitHash,
        path: &SafeRelPath,
    ) -> Option<PathBuf> {
        RepoCache::new(&self.cache_dir, repo_type, repo_id).find(&commit.clone().into(), path)
    }
}
