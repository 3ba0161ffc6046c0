//! Whether what is in the cache is what it is called.
use crate::hasher::Hasher;
use crate::layout::RepoCache;
use crate::listing::Listing;
use crate::local_dir::hash_file;
use crate::scan::{at_once, scan_repo};
use hub_http::{Error, ErrorKind, Result};
use hub_types::{CommitHash, Etag, RepoId, RepoType, Revision, SafeRelPath};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Says what a look at every byte of a revision found.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct VerifyReport {
    /// The commit that was looked at.
    pub commit_hash: CommitHash,
    /// How many files are what they are called.
    pub verified: usize,
    /// Files whose content is not what it is called.
    pub corrupted: Vec<CorruptedFile>,
    /// Files that the commit has and the cache has not, as far as the listing of the commit is in the cache.
    pub missing: Vec<String>,
    /// Files whose content has a name that is no hash, so nothing can be said.
    pub unknown: Vec<String>,
    /// Whether the commit's listing is in the cache, so that missing files are noticed.
    pub has_listing: bool,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    pub fn is_good(&self) -> bool {
        self.corrupted.is_empty() && self.missing.is_empty()
    }
}

/// Names a file whose content is not what it is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CorruptedFile {
    /// The path in the repository.
    pub path: String,
    /// Where the content is; removing it has it fetched again.
    pub blob_path: PathBuf,
    /// The hash it is called by.
    pub expected: String,
    /// The hash that its bytes have.
    pub actual: String,
}

/// Reads every file of a revision in the cache and compares it with its hash, without any request.
///
/// It blocks for as long as reading and hashing takes, on all cores.
///
/// ```no_run
/// # fn main() -> hub_api::Result<()> {
/// let config = hub_api::Config::from_env()?;
/// let (repo, main) = ("openai-community/gpt2".parse()?, Default::default());
/// let report = hub_cache::verify_revision(&config.cache_dir, Default::default(), &repo, &main)?;
/// assert!(report.is_good(), "{report:?}");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `LocalEntryNotFound` if the revision is not in the cache; `Io` if a file cannot be read.
pub fn verify_revision(
    cache_dir: &Path,
    repo_type: RepoType,
    repo_id: &RepoId,
    revision: &Revision,
) -> Result<VerifyReport> {
    let cache = RepoCache::new(cache_dir, repo_type, repo_id);
    let not_here = || {
        let message = format!("`{repo_id}` at `{revision}` is not in the cache; download it first");
        Error::new(ErrorKind::LocalEntryNotFound, message).about(repo_id.as_str())
    };
    let commit = cache.commit_of(revision).ok_or_else(not_here)?;
    let (repo, _) = scan_repo(repo_type, repo_id, cache.folder());
    let repo = repo.ok_or_else(not_here)?;
    if let Some(error) = repo.unreadable.first() {
        let message = format!("could not read `{}`: {}", error.path.display(), error.message);
        return Err(Error::new(ErrorKind::Io, message).about(error.path.display().to_string()));
    }
    let found = repo.revisions.into_iter().find(|found| found.commit_hash == commit).ok_or_else(not_here)?;

    let listing = Listing::read(&cache.tree(&commit));
    let has_listing = listing.is_some();
    let mut expected: BTreeMap<String, Etag> = listing
        .into_iter()
        .flat_map(|listing| listing.0)
        .filter_map(|file| Some((file.name().to_owned(), file.etag()?)))
        .collect();
    let files: Vec<_> = found
        .files
        .into_iter()
        .map(|file| {
            // The listing knows better than the link: a link may lead to the wrong blob.
            let named = expected.remove(&file.path);
            let etag = named.or_else(|| file.blob.as_deref().and_then(|blob| Etag::parse(blob).ok()));
            (file, etag)
        })
        .collect();
    let mut report = VerifyReport {
        commit_hash: commit.clone(),
        verified: 0,
        corrupted: Vec::new(),
        missing: expected.into_keys().collect(),
        unknown: Vec::new(),
        has_listing,
    };
    let snapshot = cache.snapshot(&commit);
    let hashed = at_once(&files, |(file, etag)| match (etag, SafeRelPath::parse(&file.path)) {
        (Some(etag), Ok(path)) => hash_file(&path.join_to(&snapshot), Hasher::of(etag, file.size)),
        _ => Ok(None),
    });
    for ((file, etag), hash) in files.into_iter().zip(hashed) {
        match (etag, hash?) {
            (Some(etag), Some(hash)) if hash == etag.as_str() => report.verified += 1,
            (Some(etag), Some(actual)) => {
                let blob_path = match &file.blob {
                    Some(blob) => cache.blobs().join(blob),
                    None => snapshot.join(&file.path),
                };
                let expected = etag.as_str().to_owned();
                report.corrupted.push(CorruptedFile { path: file.path, blob_path, expected, actual });
            }
            _ => report.unknown.push(file.path),
        }
    }
    Ok(report)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::scan::tests::cache;
    use std::fs;

    #[test]
    fn a_blob_that_is_not_its_hash_is_told() {
        let folder = cache();
        let repo = folder.path().join("models--me--m");
        let snapshot = repo.join("snapshots").join("b".repeat(40));
        // `printf 'hello\n' | git hash-object --stdin`
        let hash = "ce013625030ba8dba906f756967f9e9ca394464a";
        for (name, content) in [("good", "hello\n"), ("bad", "jello\n")] {
            let blob = if name == "good" { hash.to_owned() } else { hash.replace("ce", "cf") };
            fs::write(repo.join("blobs").join(&blob), content).unwrap();
            std::os::unix::fs::symlink(format!("../../blobs/{blob}"), snapshot.join(name)).unwrap();
        }
        let report =
            verify_revision(folder.path(), RepoType::Model, &"me/m".parse().unwrap(), &Revision::main());
        let report = report.unwrap();
        assert_eq!((report.verified, report.corrupted.len(), report.unknown.len()), (1, 1, 2));
        assert_eq!(report.corrupted[0].path, "bad");
        assert!(!report.is_good() && !report.has_listing);
    }

    #[test]
    fn a_revision_that_is_not_here_cannot_be_verified() {
        let folder = cache();
        let v9 = Revision::parse("v9").unwrap();
        let error =
            verify_revision(folder.path(), RepoType::Model, &"me/m".parse().unwrap(), &v9).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::LocalEntryNotFound);
    }
}
