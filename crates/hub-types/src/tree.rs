//! Files and folders of a repository.
use crate::lenient::{filled, or_default};
use crate::{BlobLfsInfo, timestamp};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Describes a file or a folder of a repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged, try_from = "RawEntry")]
pub enum RepoTreeEntry {
    /// A file.
    File(RepoFile),
    /// A folder.
    Folder(RepoFolder),
}

impl RepoTreeEntry {
    /// The path in the repository, as the Hub sent it: check it before joining it to a local path.
    pub fn path(&self) -> &str {
        match self {
            Self::File(file) => &file.path,
            Self::Folder(folder) => &folder.path,
        }
    }

    /// The file, if it is one.
    pub fn as_file(&self) -> Option<&RepoFile> {
        match self {
            Self::File(file) => Some(file),
            Self::Folder(_) => None,
        }
    }

    /// Gives the file away, if it is one.
    pub fn into_file(self) -> Option<RepoFile> {
        match self {
            Self::File(file) => Some(file),
            Self::Folder(_) => None,
        }
    }
}

/// Describes a file of a repository.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RepoFile {
    /// The path in the repository, as the Hub sent it: check it before joining it to a local path.
    pub path: String,
    /// The size of the content in bytes.
    pub size: u64,
    /// The hash of the git blob; for LFS files that of the pointer.
    #[serde(alias = "oid")]
    pub blob_id: String,
    /// What LFS says of the content; none for files kept in git.
    #[serde(default, deserialize_with = "filled", skip_serializing_if = "Option::is_none")]
    pub lfs: Option<BlobLfsInfo>,
    /// The last commit that changed it, when asked for.
    #[serde(
        alias = "lastCommit",
        default,
        deserialize_with = "filled",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_commit: Option<LastCommitInfo>,
    /// What the security scans found, when asked for.
    #[serde(
        alias = "securityFileStatus",
        default,
        deserialize_with = "filled",
        skip_serializing_if = "Option::is_none"
    )]
    pub security: Option<BlobSecurityInfo>,
}

impl RepoFile {
    /// Creates the description of a file kept in git.
    pub fn new(path: impl Into<String>, size: u64, blob_id: impl Into<String>) -> Self {
        Self { path: path.into(), size, blob_id: blob_id.into(), ..Self::default() }
    }

    /// The hash that names the content: the sha256 of an LFS file, else the git blob's sha1.
    pub fn content_hash(&self) -> &str {
        self.lfs.as_ref().map_or(&self.blob_id, |lfs| &lfs.sha256)
    }
}

/// Describes a folder of a repository.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RepoFolder {
    /// The path in the repository, as the Hub sent it: check it before joining it to a local path.
    pub path: String,
    /// The hash of the git tree.
    #[serde(alias = "oid")]
    pub tree_id: String,
    /// The last commit that changed something in it, when asked for.
    #[serde(
        alias = "lastCommit",
        default,
        deserialize_with = "filled",
        skip_serializing_if = "Option::is_none"
    )]
    pub last_commit: Option<LastCommitInfo>,
}

impl RepoFolder {
    /// Creates the description of a folder.
    pub fn new(path: impl Into<String>, tree_id: impl Into<String>) -> Self {
        Self { path: path.into(), tree_id: tree_id.into(), ..Self::default() }
    }
}

/// Names the last commit that changed a file or folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LastCommitInfo {
    /// The hash of the commit.
    #[serde(alias = "id")]
    pub oid: String,
    /// The first line of its message.
    #[serde(default, deserialize_with = "or_default")]
    pub title: String,
    /// When it was made.
    #[serde(deserialize_with = "timestamp::required")]
    pub date: DateTime<Utc>,
}

impl LastCommitInfo {
    /// Creates the description from its parts.
    pub fn new(oid: impl Into<String>, title: impl Into<String>, date: DateTime<Utc>) -> Self {
        Self { oid: oid.into(), title: title.into(), date }
    }
}

/// Says what the security scans found in a file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "RawSecurity")]
#[non_exhaustive]
pub struct BlobSecurityInfo {
    /// Whether the status is `safe`.
    pub safe: bool,
    /// The outcome of all scans: `safe`, `unsafe`, `queued`.
    pub status: String,
    /// The outcome of the virus scan, as the Hub sent it.
    pub av_scan: Option<Value>,
    /// The outcome of the scan for imports in pickles, as the Hub sent it.
    pub pickle_import_scan: Option<Value>,
}

#[derive(Deserialize)]
struct RawSecurity {
    #[serde(default, deserialize_with = "or_default")]
    status: String,
    #[serde(alias = "avScan")]
    av_scan: Option<Value>,
    #[serde(alias = "pickleImportScan")]
    pickle_import_scan: Option<Value>,
}

impl From<RawSecurity> for BlobSecurityInfo {
    fn from(raw: RawSecurity) -> Self {
        let safe = raw.status == "safe";
        Self { safe, status: raw.status, av_scan: raw.av_scan, pickle_import_scan: raw.pickle_import_scan }
    }
}

/// The Hub marks entries with a `type` and gives both kinds an `oid`; written entries differ in their fields.
#[derive(Deserialize)]
struct RawEntry {
    #[serde(rename = "type")]
    kind: Option<EntryKind>,
    path: String,
    size: Option<u64>,
    oid: Option<String>,
    blob_id: Option<String>,
    tree_id: Option<String>,
    #[serde(default, deserialize_with = "filled")]
    lfs: Option<BlobLfsInfo>,
    #[serde(alias = "lastCommit", default, deserialize_with = "filled")]
    last_commit: Option<LastCommitInfo>,
    #[serde(alias = "securityFileStatus", default, deserialize_with = "filled")]
    security: Option<BlobSecurityInfo>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum EntryKind {
    File,
    #[serde(other)]
    Folder,
}

impl TryFrom<RawEntry> for RepoTreeEntry {
    type Error = String;

    fn try_from(raw: RawEntry) -> Result<Self, Self::Error> {
        let lacks = |field: &str| format!("the entry of {:?} lacks `{field}`", raw.path);
        let is_file = match raw.kind {
            Some(EntryKind::File) => true,
            Some(EntryKind::Folder) => false,
            None => raw.tree_id.is_none(),
        };
        if is_file {
            let size = raw.size.ok_or_else(|| lacks("size"))?;
            let blob_id = raw.oid.or(raw.blob_id).ok_or_else(|| lacks("oid"))?;
            let (lfs, last_commit, security) = (raw.lfs, raw.last_commit, raw.security);
            return Ok(Self::File(RepoFile { path: raw.path, size, blob_id, lfs, last_commit, security }));
        }
        let tree_id = raw.oid.or(raw.tree_id).ok_or_else(|| lacks("oid"))?;
        Ok(Self::Folder(RepoFolder { path: raw.path, tree_id, last_commit: raw.last_commit }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(json: Value) -> RepoTreeEntry {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn the_type_tells_files_from_folders() {
        let file = read(json!({"type": "file", "oid": "b1", "size": 0, "path": "a/b.txt"}));
        assert_eq!(file.as_file(), Some(&RepoFile::new("a/b.txt", 0, "b1")));
        let folder = read(json!({"type": "directory", "oid": "t1", "size": 0, "path": "a"}));
        assert_eq!(folder, RepoTreeEntry::Folder(RepoFolder::new("a", "t1")));
    }

    #[test]
    fn everything_asked_for_round_trips() {
        let entry = read(json!({"type": "file", "oid": "b1", "size": 7, "path": "m.bin",
            "lfs": {"oid": "cc", "size": 7, "pointerSize": 130},
            "lastCommit": {"id": "c1", "title": "Add", "date": "2024-05-06T07:08:09.000Z"},
            "securityFileStatus": {"status": "unsafe", "avScan": {"virusFound": true}}}));
        assert_eq!(entry.as_file().unwrap().content_hash(), "cc");
        let written = serde_json::to_value(&entry).unwrap();
        assert_eq!(written["last_commit"]["oid"], "c1");
        assert_eq!(written["security"]["safe"], false);
        assert_eq!(read(written), entry);
    }

    #[test]
    fn nothing_known_of_a_file_is_none() {
        let json = json!({"type": "file", "oid": "b", "size": 1, "path": "p", "lfs": null, "lastCommit": null,
            "securityFileStatus": null});
        assert_eq!(
            serde_json::to_value(read(json)).unwrap(),
            json!({"path": "p", "size": 1, "blob_id": "b"})
        );
    }

    #[test]
    fn a_file_needs_its_size() {
        let error = serde_json::from_value::<RepoTreeEntry>(json!({"type": "file", "oid": "b", "path": "p"}));
        assert!(error.unwrap_err().to_string().contains("\"p\" lacks `size`"));
    }
}
