//! Where everything of one repository is in the cache.
use crate::disk::{self, InCache as _};
use hub_http::Result;
use hub_types::{CommitHash, Etag, RepoId, RepoType, Revision, SafeRelPath};
use std::path::{Path, PathBuf};

/// The folder of one repository in the cache.
///
/// ```text
/// models--me--model/
///   blobs/<etag>                    content, once
///   refs/<revision>                 the commit a branch or tag had when it was last asked for
///   snapshots/<commit>/<path>       links to blobs
///   .no_exist/<commit>/<path>       empty: the commit is known to have no such file
///   trees/<commit>.json             the listing of a commit
/// ```
///
/// Everything that is joined to a path here is of a checked type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepoCache {
    folder: PathBuf,
    locks: PathBuf,
}

impl RepoCache {
    /// The folder of a repository below a cache folder.
    pub fn new(cache_dir: &Path, repo_type: RepoType, repo_id: &RepoId) -> Self {
        let name = format!("{}--{}", repo_type.plural(), repo_id.as_str().replace('/', "--"));
        Self { folder: cache_dir.join(&name), locks: cache_dir.join(".locks").join(name) }
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The folder of the contents.
    pub fn blobs(&self) -> PathBuf {
        self.folder.join("blobs")
    }

    /// The content that an ETag names.
    pub fn blob(&self, etag: &Etag) -> PathBuf {
        self.blobs().join(etag.as_str())
    }

    /// The folder of a commit's files.
    pub fn snapshot(&self, commit: &CommitHash) -> PathBuf {
        self.folder.join("snapshots").join(commit.as_str())
    }

    /// The place of a file in the folder of a commit.
    pub fn pointer(&self, commit: &CommitHash, path: &SafeRelPath) -> PathBuf {
        path.join_to(&self.snapshot(commit))
    }

    /// The listing of a commit.
    pub(crate) fn tree(&self, commit: &CommitHash) -> PathBuf {
        self.folder.join("trees").join(format!("{commit}.json"))
    }

    /// The lock of who fetches a content.
    pub(crate) fn lock(&self, etag: &Etag) -> PathBuf {
        self.locks.join(format!("{etag}.lock"))
    }

    /// Returns the path of the file that records a blob's size.
    ///
    /// It is beside the locks, since Python clients expect nothing but blobs among the blobs.
    pub(crate) fn size_record(&self, etag: &Etag) -> PathBuf {
        self.locks.join(format!("{etag}.size"))
    }

    /// Returns the size of a blob as recorded when it was downloaded.
    pub(crate) fn recorded_size(&self, etag: &Etag) -> Option<u64> {
        std::fs::read_to_string(self.size_record(etag)).ok()?.trim().parse().ok()
    }

    /// Records the size of a blob, for lookups without the listing of its commit.
    pub(crate) fn record_size(&self, etag: &Etag, size: u64) -> Result<()> {
        if self.recorded_size(etag) == Some(size) {
            return Ok(());
        }
        disk::create_dir_all(&self.locks)?;
        disk::write_atomic(&self.locks, &self.size_record(etag), size.to_string().as_bytes())
    }

    /// The commit that a revision is known to stand for: itself, or what its reference holds.
    pub fn commit_of(&self, revision: &Revision) -> Option<CommitHash> {
        revision.as_commit().or_else(|| self.read_ref(revision))
    }

    /// Finds a file of a revision in the cache, without any request.
    ///
    /// A file that is damaged is not found: a link that leads nowhere, or content whose hash or size is not the one
    /// that is known. A small file is hashed for this; the size of others is compared with the one that was recorded
    /// when they were downloaded, or with the kept listing of the commit.
    pub fn find(&self, revision: &Revision, path: &SafeRelPath) -> Option<PathBuf> {
        let commit = self.commit_of(revision)?;
        self.presence(&commit, path).is_hit().then(|| self.pointer(&commit, path))
    }

    /// Whether a revision is known to have no such file.
    pub fn is_known_absent(&self, revision: &Revision, path: &SafeRelPath) -> bool {
        self.commit_of(revision).is_some_and(|commit| self.no_exist(&commit, path).is_file())
    }

    /// Makes the folders that contents and a commit's files go into.
    pub(crate) fn prepare(&self, commit: &CommitHash) -> Result<()> {
        disk::create_dir_all(&self.blobs())?;
        disk::create_dir_all(&self.snapshot(commit))
    }

    /// Notes the commit of a branch or tag, if it is not noted already.
    ///
    /// A reader sees the old hash or the new one, never a part.
    pub(crate) fn write_ref(&self, revision: &Revision, commit: &CommitHash) -> Result<()> {
        if revision.as_str() == commit.as_str() || self.read_ref(revision).as_ref() == Some(commit) {
            return Ok(());
        }
        // The Python client reads every file below `refs` as a reference, so what is unfinished stays outside.
        disk::write_durable(&self.folder, &self.ref_path(revision), commit.as_str().as_bytes())
    }

    /// Notes that a commit has no such file.
    pub(crate) fn write_no_exist(&self, commit: &CommitHash, path: &SafeRelPath) -> Result<()> {
        let marker = self.no_exist(commit, path);
        if let Some(folder) = marker.parent() {
            disk::create_dir_all(folder)?;
        }
        crate::fs::touch(&marker).in_cache(&marker).map(drop)
    }

    fn read_ref(&self, revision: &Revision) -> Option<CommitHash> {
        CommitHash::parse(std::fs::read_to_string(self.ref_path(revision)).ok()?.trim()).ok()
    }

    fn ref_path(&self, revision: &Revision) -> PathBuf {
        let mut path = self.folder.join("refs");
        path.extend(revision.as_str().split('/'));
        path
    }

    fn no_exist(&self, commit: &CommitHash, path: &SafeRelPath) -> PathBuf {
        path.join_to(&self.folder.join(".no_exist").join(commit.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(folder: &Path) -> RepoCache {
        RepoCache::new(folder, RepoType::Dataset, &"me/data".parse().unwrap())
    }

    #[test]
    fn folders_have_the_names_of_the_python_client() {
        let cache = cache(Path::new("/c"));
        let commit = CommitHash::parse(&"a".repeat(40)).unwrap();
        let pointer = cache.pointer(&commit, &"x/y.txt".parse().unwrap());
        let folder = "/c/datasets--me--data";
        assert_eq!(pointer, PathBuf::from(format!("{folder}/snapshots/{commit}/x/y.txt")));
        assert_eq!(cache.ref_path(&"refs/pr/1".parse().unwrap()), Path::new(folder).join("refs/refs/pr/1"));
        let lock = cache.lock(&Etag::parse("\"e\"").unwrap());
        assert_eq!(lock, Path::new("/c/.locks/datasets--me--data/e.lock"));
    }

    #[test]
    fn a_reference_holds_forty_digits_and_no_newline() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path());
        let (main, commit) = (Revision::main(), CommitHash::parse(&"b".repeat(40)).unwrap());
        cache.write_ref(&main, &commit).unwrap();
        assert_eq!(std::fs::read(cache.ref_path(&main)).unwrap(), commit.as_str().as_bytes());
        assert_eq!(cache.commit_of(&main), Some(commit));
        let names: Vec<_> =
            std::fs::read_dir(cache.folder()).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(names, ["refs"], "nothing unfinished is left");
    }

    #[test]
    fn a_torn_or_hostile_reference_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let cache = cache(folder.path());
        std::fs::create_dir_all(cache.folder().join("refs")).unwrap();
        for text in ["", "abc", "../../../../etc"] {
            std::fs::write(cache.ref_path(&Revision::main()), text).unwrap();
            assert_eq!(cache.commit_of(&Revision::main()), None, "{text:?}");
        }
    }
}
