//! Verified downloads of the Hugging Face Hub's files, into the cache that the Python client shares.
//!
//! [`Downloads`] adds [`hf_hub_download`](Downloads::hf_hub_download) and
//! [`snapshot_download`](Downloads::snapshot_download) to [`HfApi`]. Every byte is hashed while it
//! streams, and a file becomes visible only when the hash is the one that names it: sha256 for files in LFS, the git
//! blob's sha1 for the others. Interrupted downloads go on where they stopped, also after the process was killed.
//!
//! ```no_run
//! # async fn example() -> hub_api::Result<()> {
//! use hub_api::HfApi;
//! use hub_cache::Downloads as _;
//!
//! let api = HfApi::from_env()?;
//! let config = api.hf_hub_download("openai-community/gpt2", "config.json").await?;
//! let folder = api.snapshot_download("openai-community/gpt2").ignore_patterns(["*.bin", "onnx/"]).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The layout on disk is that of huggingface_hub 0.27, and newer versions read it as well; [`RepoCache`] says where
//! things are.

mod beneath;
mod collisions;
#[cfg(feature = "crash-points")]
#[doc(hidden)]
pub mod crash_points;
mod delete;
mod disk;
mod fetch;
mod file_download;
mod fs;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzz;
mod hasher;
mod layout;
mod listing;
mod local_dir;
mod lock;
mod metadata;
mod owned;
mod partial;
mod plan;
mod pool;
mod presence;
mod progress;
mod ramp;
mod ranges;
mod scan;
mod sink;
mod snapshot;
mod spool;
mod symlinks;
mod transfer;
mod verify;

pub use delete::{DeletePlan, Leftover, LeftoverEvidence, find_partials, prune_partials};
pub use file_download::{HfHubDownloadRequest, find_in_cache};
pub use layout::RepoCache;
pub use progress::{Progress, ProgressListener};
pub use scan::{CacheInfo, CachedFile, CachedRepo, CachedRevision, ScanError, scan_cache_dir};
pub use snapshot::SnapshotDownloadRequest;
pub use symlinks::{Auto, UseSymlinks};
pub use verify::{CorruptedFile, VerifyReport, verify_revision};

use hub_api::{Arg, HfApi, Method};
use hub_types::RepoId;

/// The methods of this crate.
pub static METHODS: &[Method] =
    &[Method::of::<HfHubDownloadRequest>(), Method::of::<SnapshotDownloadRequest>()];

/// Adds the downloads to [`HfApi`].
pub trait Downloads {
    /// Downloads a file into the cache, unless it is there, and tells its path; see [`HfHubDownloadRequest`].
    fn hf_hub_download(
        &self,
        repo_id: impl Into<Arg<RepoId>>,
        filename: impl Into<String>,
    ) -> HfHubDownloadRequest<HfApi>;

    /// Downloads all files of a revision into the cache, those that are missing, and tells the folder; see
    /// [`SnapshotDownloadRequest`].
    fn snapshot_download(&self, repo_id: impl Into<Arg<RepoId>>) -> SnapshotDownloadRequest<HfApi>;
}

impl Downloads for HfApi {
    fn hf_hub_download(
        &self,
        repo_id: impl Into<Arg<RepoId>>,
        filename: impl Into<String>,
    ) -> HfHubDownloadRequest<HfApi> {
        HfHubDownloadRequest::new(repo_id, filename).on(self)
    }

    fn snapshot_download(&self, repo_id: impl Into<Arg<RepoId>>) -> SnapshotDownloadRequest<HfApi> {
        SnapshotDownloadRequest::new(repo_id).on(self)
    }
}
