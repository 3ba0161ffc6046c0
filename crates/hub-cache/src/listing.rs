//! The files of a commit with their contents' names and sizes, as the Hub lists them and as the cache keeps them.
use crate::disk;
use hub_api::{HfApi, Http, Pages, repo_path};
use hub_http::{Context as _, Error, ErrorKind, Result};
use hub_types::{CommitHash, Etag, RepoId, RepoType, SafeRelPath};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// The only form of kept listings there is so far.
const FORMAT_VERSION: u32 = 1;

/// A file of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedFile {
    pub(crate) path: SafeRelPath,
    pub(crate) etag: Etag,
    pub(crate) size: u64,
    /// Kept for the Python client, which has a use for it.
    xet_hash: Option<String>,
    /// The git blob: of the pointer if the content is in LFS.
    blob_id: String,
}

/// The files of a commit, which never change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listing(pub(crate) Vec<ListedFile>);

/// An entry of the Hub's listing of a tree.
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "type")]
    kind: String,
    path: String,
    #[serde(default)]
    size: u64,
    #[serde(default)]
    oid: String,
    lfs: Option<Lfs>,
    #[serde(rename = "xetHash")]
    xet_hash: Option<String>,
}

#[derive(Deserialize)]
struct Lfs {
    oid: String,
    size: u64,
}

/// The kept form, which is that of huggingface_hub 2: by path.
#[derive(Serialize, Deserialize)]
struct Kept {
    format_version: u32,
    files: BTreeMap<String, KeptFile>,
}

#[derive(Serialize, Deserialize)]
struct KeptFile {
    size: u64,
    blob_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    lfs_sha256: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lfs_size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    xet_hash: Option<String>,
}

impl Listing {
    /// Asks the Hub for all files of a commit.
    ///
    /// # Errors
    /// [`ErrorKind::UnsafePath`] if a name would leave its folder: then nothing of the commit is to be written.
    pub(crate) async fn fetch(
        api: &HfApi,
        repo_type: RepoType,
        repo_id: &RepoId,
        commit: &CommitHash,
    ) -> Result<Self> {
        let path = repo_path(Some(repo_type), &repo_id.into()).push("tree").push(commit.as_str());
        let first = Http::get(path).query_bool("recursive", true).query_bool("expand", false);
        let listed = repo_id.clone();
        let mut pages = Pages::new(api, first, true, move |page, _| {
            let files = page.json::<Vec<Entry>>()?.into_iter().filter(|entry| entry.kind == "file");
            let check =
                |entry| ListedFile::check(entry).with(|| format!("the listing of `{listed}` was refused"));
            files.map(check).collect::<Result<Vec<_>>>()
        });
        let mut files = Vec::new();
        while let Some(page) = pages.next().await? {
            files.extend(page);
        }
        Ok(Self(files))
    }

    /// Reads a kept listing; one that is missing, damaged or of another form is none.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let kept: Kept = serde_json::from_slice(&std::fs::read(path).ok()?).ok()?;
        if kept.format_version != FORMAT_VERSION {
            return None;
        }
        let files = kept.files.into_iter().map(|(path, file)| {
            let lfs = file.lfs_sha256.map(|oid| Lfs { oid, size: file.lfs_size.unwrap_or(file.size) });
            let (size, oid, xet_hash) = (file.size, file.blob_id, file.xet_hash);
            ListedFile::check(Entry { kind: "file".to_owned(), path, size, oid, lfs, xet_hash })
        });
        files.collect::<Result<_>>().ok().map(Self)
    }

    /// Keeps the listing.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let files = self.0.iter().map(|file| {
            let lfs = file.etag.sha256();
            let kept = KeptFile {
                size: file.size,
                blob_id: file.blob_id.clone(),
                lfs_sha256: lfs.map(str::to_owned),
                lfs_size: lfs.map(|_| file.size),
                xet_hash: file.xet_hash.clone(),
            };
            (file.path.as_str().to_owned(), kept)
        });
        let kept = Kept { format_version: FORMAT_VERSION, files: files.collect() };
        let text = serde_json::to_vec(&kept).map_err(|error| {
            Error::new(ErrorKind::Decode, "the listing cannot be written down").caused_by(error)
        })?;
        let folder = path.parent().unwrap_or(path);
        disk::create_dir_all(folder)?;
        disk::write_atomic(folder, path, &text)
    }
}

impl ListedFile {
    fn check(entry: Entry) -> Result<Self> {
        let path = SafeRelPath::parse(&entry.path).map_err(|error| {
            Error::new(ErrorKind::UnsafePath, error.to_string()).about(entry.path.escape_debug().to_string())
        })?;
        let (hash, size) = match entry.lfs {
            Some(lfs) => (lfs.oid, lfs.size),
            None => (entry.oid.clone(), entry.size),
        };
        let etag = Etag::parse(&hash).map_err(|error| {
            Error::new(
                ErrorKind::FileMetadata,
                format!("the content of `{path}` has no usable name: {error}"),
            )
        })?;
        Ok(Self { path, etag, size, xet_hash: entry.xet_hash, blob_id: entry.oid })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(path: &str, oid: &str, lfs: Option<(&str, u64)>) -> Entry {
        let lfs = lfs.map(|(oid, size)| Lfs { oid: oid.to_owned(), size });
        Entry { kind: "file".into(), path: path.into(), size: 7, oid: oid.into(), lfs, xet_hash: None }
    }

    #[test]
    fn names_that_leave_the_folder_are_refused() {
        for path in ["../x", "/x", "C:\\x", "a\0b", "a/../../b", ""] {
            let error = ListedFile::check(entry(path, &"a".repeat(40), None)).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnsafePath, "{path:?}");
        }
        let error = ListedFile::check(entry("a", "../../x", None)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileMetadata);
    }

    #[test]
    fn a_kept_listing_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trees/c.json");
        let sha = "b".repeat(64);
        let listing = Listing(vec![
            ListedFile::check(entry("a/config.json", &"a".repeat(40), None)).unwrap(),
            ListedFile::check(entry("model.bin", &"c".repeat(40), Some((&sha, 9)))).unwrap(),
        ]);
        listing.write(&path).unwrap();
        assert_eq!(Listing::read(&path), Some(listing));
        let text: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        assert_eq!(text["files"]["model.bin"]["lfs_sha256"], sha);
        assert_eq!(text["files"]["a/config.json"]["size"], 7);
    }

    #[test]
    fn a_kept_listing_that_was_tampered_with_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.json");
        for text in [
            "",
            r#"{"format_version": 2, "files": {}}"#,
            r#"{"format_version": 1, "files": {"../x": {"size": 1, "blob_id": "aa"}}}"#,
            r#"{"format_version": 1, "files": {"x": {"size": 1, "blob_id": "../../y"}}}"#,
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(Listing::read(&path), None, "{text}");
        }
    }
}
