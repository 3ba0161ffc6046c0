//! Folders that hold a repository's files in place, with what is known of them beside.
use crate::beneath::Beneath;
use crate::disk::{self, InCache as _};
use crate::fs;
use crate::hasher::Hasher;
use crate::presence::HASHED_FIRST_BYTES;
use hub_http::{IoContext as _, Result};
use hub_types::{CommitHash, Etag, SafeRelPath};
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// A folder that a download is put into as it is, named by `local_dir`.
///
/// ```text
/// <path>                                             the file
/// .cache/huggingface/.gitignore                      `*`
/// .cache/huggingface/download/<path>.metadata        commit, ETag, time and perhaps size, a line each
/// .cache/huggingface/download/<path>.lock            the lock of who writes it
/// .cache/huggingface/download/<etag>.<tag>.partial   a file that is not complete yet
/// .cache/huggingface/trees/<commit>.json             the listing of a commit
/// ```
#[derive(Debug, Clone)]
pub(crate) struct LocalDir {
    folder: PathBuf,
    beneath: Arc<Beneath>,
}

/// What file systems take as a name at most.
const MAX_NAME_BYTES: usize = 255;
/// How exact the times are that are noted, in seconds.
const TIME_PRECISION: f64 = 2e-6;

/// What is known of a file in the folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LocalFile {
    /// The commit it was last seen in.
    pub(crate) commit: CommitHash,
    /// The name of its content.
    pub(crate) etag: Etag,
    /// Its size, where its hash is not looked at. The Python client, which reads three lines, notes none.
    pub(crate) size: Option<u64>,
}

/// How the time of a file compares with the one that was noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Age {
    Same,
    Older,
    Newer,
}

impl LocalFile {
    /// Whether both are the same version of the file.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.commit == other.commit && self.etag == other.etag
    }
}

impl LocalDir {
    pub(crate) fn new(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self { beneath: Arc::new(Beneath::new(folder.clone())), folder }
    }

    /// Notes which folders on the way to these files are links of the user's. Before anything is written: links that
    /// appear later are not followed. Only the first call does something.
    pub(crate) fn pin<'p>(&self, paths: impl IntoIterator<Item = &'p SafeRelPath>) -> Result<()> {
        let own = [".cache/huggingface/download/x", ".cache/huggingface/trees/x"];
        self.beneath.pin(own.into_iter().chain(paths.into_iter().map(SafeRelPath::as_str)))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a file of the repository goes.
    pub(crate) fn file(&self, path: &SafeRelPath) -> PathBuf {
        path.join_to(&self.folder)
    }

    /// The folder of what is not complete yet.
    pub(crate) fn partials(&self) -> PathBuf {
        self.known().join("download")
    }

    pub(crate) fn tree(&self, commit: &CommitHash) -> PathBuf {
        self.known().join("trees").join(format!("{commit}.json"))
    }

    pub(crate) fn lock(&self, path: &SafeRelPath) -> PathBuf {
        self.beside(path, ".lock")
    }

    /// Where the Python client keeps a file that is not complete.
    pub(crate) fn foreign_partial(&self, path: &SafeRelPath, etag: &Etag) -> PathBuf {
        self.beside(path, &format!(".{etag}.incomplete"))
    }

    /// What is known of a file, if it is there and was not changed since that was written.
    pub(crate) fn read(&self, path: &SafeRelPath) -> Option<LocalFile> {
        let (known, age) = self.read_with_age(path)?;
        // The Python client notes a time after that of the file, and no size.
        let is_fresh = age == Age::Same || (age == Age::Older && known.size.is_none());
        is_fresh.then_some(known)
    }

    /// What was noted of a file, and whether it is still the file of that time.
    pub(crate) fn read_with_age(&self, path: &SafeRelPath) -> Option<(LocalFile, Age)> {
        let text = std::fs::read_to_string(self.partials().join(beside(path, ".metadata"))).ok()?;
        let mut lines = text.lines().map(str::trim);
        let commit = CommitHash::parse(lines.next()?).ok()?;
        let etag = Etag::parse(lines.next()?).ok()?;
        let noted: f64 = lines.next()?.parse().ok()?;
        let size = lines.next().and_then(|size| size.parse().ok());
        let modified = seconds(std::fs::metadata(self.file(path)).ok()?.modified().ok()?);
        // The Python client lets a second pass; but a file that was changed within it is another.
        let age = match modified - noted {
            apart if apart.abs() <= TIME_PRECISION => Age::Same,
            apart if apart < 0.0 => Age::Older,
            _ => Age::Newer,
        };
        Some((LocalFile { commit, etag, size }, age))
    }

    /// Notes what is known of a file.
    pub(crate) fn write(&self, path: &SafeRelPath, file: &LocalFile) -> Result<()> {
        // The time of the file rather than that of the clock, so that whatever is written later is newer.
        let modified = std::fs::metadata(self.file(path)).and_then(|meta| meta.modified());
        let noted = seconds(modified.unwrap_or_else(|_| SystemTime::now()));
        let mut text = format!("{}\n{}\n{noted:.6}\n", file.commit, file.etag);
        if let Some(size) = file.size {
            text.push_str(&format!("{size}\n"));
        }
        let known = self.known();
        if !known.is_dir() {
            // Files may be in place without what was noted of them.
            self.prepare()?;
        }
        let unfinished = known.join(format!("tmp_{:016x}", fastrand::u64(..)));
        let metadata = format!("{DOWNLOAD}/{}", beside(path, ".metadata"));
        let written = fs::write_new(&unfinished, text.as_bytes())
            .in_cache(&unfinished)
            .and_then(|_| self.beneath.place(&unfinished, &metadata));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    /// Makes the folder and what belongs into it.
    pub(crate) fn prepare(&self) -> Result<()> {
        disk::create_dir_all(&self.partials())?;
        let ignore = self.known().join(".gitignore");
        if !ignore.exists() {
            let written = fs::write_new(&ignore, b"*");
            // Another process may have been faster.
            written
                .map(drop)
                .or_else(|error| if ignore.exists() { Ok(()) } else { Err(error) })
                .in_cache(&ignore)?;
        }
        Ok(())
    }

    /// Whether a file is there with this content, as far as is known, or else by its hash.
    pub(crate) fn has(&self, path: &SafeRelPath, etag: &Etag, size: u64) -> Result<bool> {
        let file = self.file(path);
        if !disk::is_whole(&file, size) {
            return Ok(false);
        }
        // An older file than noted may be the Python client's, or one whose time was set back; small ones are hashed.
        if let Some((known, age)) = self.read_with_age(path)
            && (age == Age::Same || age == Age::Older && known.size.is_none() && size > HASHED_FIRST_BYTES)
        {
            return Ok(known.etag == *etag);
        }
        let found = hash_file(&file, Hasher::of(etag, size))?;
        Ok(found.as_deref() == Some(etag.as_str()))
    }

    /// Moves a complete file to its place.
    pub(crate) fn publish(&self, from: &Path, path: &SafeRelPath) -> Result<()> {
        self.beneath.place(from, path.as_str())
    }

    /// Copies a file from elsewhere to its place.
    pub(crate) fn copy_in(&self, from: &Path, path: &SafeRelPath) -> Result<()> {
        let beside = self.partials().join(format!("tmp_{:016x}", fastrand::u64(..)));
        let copied = disk::copy_new(from, &beside).and_then(|()| self.publish(&beside, path));
        if copied.is_err() {
            let _ = fs::remove_file(&beside);
        }
        copied
    }

    fn known(&self) -> PathBuf {
        self.folder.join(".cache").join("huggingface")
    }

    fn beside(&self, path: &SafeRelPath, suffix: &str) -> PathBuf {
        let mut file = self.partials();
        file.extend(beside(path, suffix).split('/'));
        file
    }
}

/// The folder of the bookkeeping of files.
const DOWNLOAD: &str = ".cache/huggingface/download";

/// The path of a bookkeeping file: that of the file with a suffix, as the Python client has it; or with a hash in place
/// of a name that leaves no room for the suffix.
fn beside(path: &SafeRelPath, suffix: &str) -> String {
    let name = path.file_name();
    if name.len() + suffix.len() <= MAX_NAME_BYTES {
        return format!("{path}{suffix}");
    }
    let folder = path.as_str().strip_suffix(name).unwrap_or_default();
    format!("{folder}{}{suffix}", hex::encode(Sha256::digest(name)))
}

/// The hash of a file on disk, if the hasher makes one.
pub(crate) fn hash_file(path: &Path, mut hasher: Hasher) -> Result<Option<String>> {
    let mut file = File::open(path).at(path)?;
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).at(path)? {
            0 => return Ok(hasher.finish()),
            read => hasher.update(&buffer[..read]),
        }
    }
}

fn seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn known() -> LocalFile {
        LocalFile {
            commit: CommitHash::parse(&"c".repeat(40)).unwrap(),
            etag: Etag::parse("ce013625030ba8dba906f756967f9e9ca394464a").unwrap(),
            size: None,
        }
    }

    fn folder() -> (tempfile::TempDir, LocalDir) {
        let folder = tempfile::tempdir().unwrap();
        let dir = LocalDir::new(folder.path());
        dir.prepare().unwrap();
        (folder, dir)
    }

    #[test]
    fn metadata_is_three_lines() {
        let (folder, dir) = folder();
        let path: SafeRelPath = "a.txt".parse().unwrap();
        fs::write(dir.file(&path), "hello\n").unwrap();
        dir.write(&path, &known()).unwrap();
        let text =
            fs::read_to_string(folder.path().join(".cache/huggingface/download/a.txt.metadata")).unwrap();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines[..2], [known().commit.as_str(), known().etag.as_str()]);
        assert!(lines.len() == 3 && lines[2].parse::<f64>().unwrap() > 1.7e9);
        assert_eq!(dir.read(&path), Some(known()));
        let large = LocalFile { size: Some(6 << 30), ..known() };
        dir.write(&path, &large).unwrap();
        assert_eq!(dir.read(&path), Some(large));
        assert_eq!(fs::read_to_string(folder.path().join(".cache/huggingface/.gitignore")).unwrap(), "*");
    }

    #[test]
    fn long_names_have_bookkeeping_files_with_short_ones() {
        let (_folder, dir) = folder();
        for length in [246, 247, 255] {
            let path: SafeRelPath = format!("sub/{}", "x".repeat(length)).parse().unwrap();
            let from = dir.partials().join("tmp_1");
            fs::write(&from, "hello\n").unwrap();
            dir.publish(&from, &path).unwrap();
            dir.write(&path, &known()).unwrap();
            assert_eq!(dir.read(&path), Some(known()), "{length}");
            fs::write(dir.lock(&path), "").unwrap();
        }
        assert_eq!(beside(&"a/b".parse().unwrap(), ".metadata"), "a/b.metadata");
    }

    #[test]
    fn a_file_that_was_changed_within_a_second_is_not_known() {
        let (_folder, dir) = folder();
        let path: SafeRelPath = "a.txt".parse().unwrap();
        fs::write(dir.file(&path), "hello\n").unwrap();
        dir.write(&path, &known()).unwrap();
        let file = File::options().write(true).open(dir.file(&path)).unwrap();
        let noted = file.metadata().unwrap().modified().unwrap();
        file.set_modified(noted + std::time::Duration::from_millis(20)).unwrap();
        assert_eq!(dir.read(&path), None);
        file.set_modified(noted - std::time::Duration::from_secs(3600)).unwrap();
        assert_eq!(dir.read(&path), Some(known()));
    }

    #[test]
    fn a_file_that_changed_since_is_not_known() {
        let (_folder, dir) = folder();
        let path: SafeRelPath = "sub/a.txt".parse().unwrap();
        fs::create_dir_all(dir.file(&path).parent().unwrap()).unwrap();
        fs::write(dir.file(&path), "hello\n").unwrap();
        dir.write(&path, &known()).unwrap();
        let later = SystemTime::now() + std::time::Duration::from_secs(5);
        File::options().write(true).open(dir.file(&path)).unwrap().set_modified(later).unwrap();
        assert_eq!(dir.read(&path), None);
        assert!(dir.has(&path, &known().etag, 6).unwrap(), "its hash still tells");
        fs::write(dir.file(&path), "jello\n").unwrap();
        File::options().write(true).open(dir.file(&path)).unwrap().set_modified(later).unwrap();
        assert!(!dir.has(&path, &known().etag, 6).unwrap());
    }
}
