//! What a HEAD request says of a file.
use crate::{CommitHash, Etag};
use serde::{Deserialize, Serialize};

/// Says where a file is and which content it has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HfFileMetadata {
    /// The hash of the commit that the revision stands for.
    pub commit_hash: Option<CommitHash>,
    /// What identifies the content, without quotes and weak mark.
    pub etag: Option<Etag>,
    /// The URL to download from; may be signed, and expire.
    pub location: String,
    /// The size in bytes.
    pub size: Option<u64>,
}

impl HfFileMetadata {
    /// Creates the metadata of a file of which only the URL is known.
    pub fn new(location: impl Into<String>) -> Self {
        Self { location: location.into(), ..Self::default() }
    }
}
