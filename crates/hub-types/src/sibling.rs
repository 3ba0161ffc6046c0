//! Files as the descriptions of repositories name them.
use crate::lenient::{filled, or_default};
use serde::{Deserialize, Serialize};

/// Names a file of a repository in the repository's description.
///
/// All but the name is there only when file metadata was asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RepoSibling {
    /// The path in the repository, as the Hub sent it: check it before joining it to a local path.
    pub rfilename: String,
    /// The size in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// The hash of the git blob; for LFS files that of the pointer.
    #[serde(alias = "blobId", skip_serializing_if = "Option::is_none")]
    pub blob_id: Option<String>,
    /// What LFS says of the content; none for files kept in git.
    #[serde(default, deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub lfs: Option<BlobLfsInfo>,
}

impl RepoSibling {
    /// Creates an entry that says the name only.
    pub fn new(rfilename: impl Into<String>) -> Self {
        Self { rfilename: rfilename.into(), ..Self::default() }
    }
}

/// Describes the content of a file kept in LFS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawLfs")]
#[non_exhaustive]
pub struct BlobLfsInfo {
    /// The size of the content in bytes.
    pub size: u64,
    /// The sha256 of the content, in hex.
    pub sha256: String,
    /// The size of the pointer in bytes; zero if the Hub did not say.
    pub pointer_size: u64,
}

impl BlobLfsInfo {
    /// Creates the description from its parts.
    pub fn new(size: u64, sha256: impl Into<String>, pointer_size: u64) -> Self {
        Self { size, sha256: sha256.into(), pointer_size }
    }
}

/// Descriptions of repositories say `sha256`, listings of trees say `oid`.
#[derive(Deserialize)]
struct RawLfs {
    size: u64,
    sha256: Option<String>,
    oid: Option<String>,
    #[serde(alias = "pointerSize", default, deserialize_with = "or_default")]
    pointer_size: u64,
}

impl TryFrom<RawLfs> for BlobLfsInfo {
    type Error = &'static str;

    fn try_from(raw: RawLfs) -> Result<Self, Self::Error> {
        let sha256 = raw.sha256.or(raw.oid).ok_or("an LFS file has neither `sha256` nor `oid`")?;
        Ok(Self { size: raw.size, sha256, pointer_size: raw.pointer_size })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn lfs_content_is_read_under_both_names() {
        let info = BlobLfsInfo::new(9, "ab", 134);
        for json in [
            json!({"size": 9, "sha256": "ab", "pointerSize": 134}),
            json!({"size": 9, "oid": "ab", "pointerSize": 134}),
            json!({"size": 9, "oid": "cd", "sha256": "ab", "pointerSize": 134}),
            json!({"size": 9, "sha256": "ab", "pointer_size": 134}),
        ] {
            assert_eq!(serde_json::from_value::<BlobLfsInfo>(json.clone()).unwrap(), info, "{json}");
        }
        assert!(serde_json::from_value::<BlobLfsInfo>(json!({"size": 9, "pointerSize": 134})).is_err());
    }

    #[test]
    fn a_name_alone_is_a_sibling() {
        for json in [json!({"rfilename": "a"}), json!({"rfilename": "a", "lfs": {}, "size": null})] {
            let sibling: RepoSibling = serde_json::from_value(json).unwrap();
            assert_eq!(serde_json::to_value(&sibling).unwrap(), json!({"rfilename": "a"}));
        }
    }
}
