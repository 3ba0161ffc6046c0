//! What is in a cache: repositories, revisions, files and sizes.
use hub_http::{IoContext as _, Result};
use hub_types::{CommitHash, RepoId, RepoType};
use serde::Serialize;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{self, DirEntry};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

/// Describes a cache folder.
#[derive(Debug, Clone, Default, Serialize)]
#[non_exhaustive]
pub struct CacheInfo {
    /// What all contents take, each counted once.
    pub size_on_disk: u64,
    /// The repositories, by kind and name.
    pub repos: Vec<CachedRepo>,
    /// What is damaged or not understood; it is left out of everything else.
    pub warnings: Vec<String>,
}

/// Describes a repository in the cache.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct CachedRepo {
    /// The name of the repository.
    pub repo_id: RepoId,
    /// The kind of the repository.
    pub repo_type: RepoType,
    /// Its folder.
    pub repo_path: PathBuf,
    /// What its contents take, each counted once.
    pub size_on_disk: u64,
    /// How many contents the revisions show.
    pub nb_files: usize,
    /// How many bytes are taken by files that are not complete.
    pub partial_bytes: u64,
    /// The revisions, by commit.
    pub revisions: Vec<CachedRevision>,
    /// What could not be read; while this is not empty, the repository may hold more than the other fields say, and
    /// nothing of it must be deleted.
    pub unreadable: Vec<ScanError>,
    /// When a content was last read, if the system keeps count of that.
    pub last_accessed: Option<SystemTime>,
    /// When a content was last written.
    pub last_modified: Option<SystemTime>,
}

/// Names a file or folder that a scan could not read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ScanError {
    /// The file or folder.
    pub path: PathBuf,
    /// Why it could not be read.
    pub message: String,
}

impl ScanError {
    fn new(path: &Path, error: &io::Error) -> Self {
        Self { path: path.to_path_buf(), message: error.to_string() }
    }
}

/// Describes a commit in the cache.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct CachedRevision {
    /// The commit.
    pub commit_hash: CommitHash,
    /// Its folder.
    pub snapshot_path: PathBuf,
    /// The branches and tags that had this commit when they were last asked for.
    pub refs: Vec<String>,
    /// What its contents take, each counted once.
    pub size_on_disk: u64,
    /// The files, by path.
    pub files: Vec<CachedFile>,
    /// When a content of it was last written.
    pub last_modified: Option<SystemTime>,
}

/// Describes a file of a commit in the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CachedFile {
    /// The path in the repository.
    pub path: String,
    /// The name of the content among the blobs; none if it is a copy.
    pub blob: Option<String>,
    /// The size in bytes.
    pub size: u64,
}

/// A reference holds 40 digits, and perhaps white space around them.
const MAX_REF_BYTES: u64 = 256;

/// What is known of a content.
#[derive(Clone, Copy)]
struct Blob {
    size: u64,
    modified: Option<SystemTime>,
    accessed: Option<SystemTime>,
}

/// Names that other clients put beside the repositories: the blobs that newer Python clients share among repositories,
/// the tag that keeps backups away, and the version files of transformers and diffusers.
const FOREIGN_NAMES: [&str; 4] = ["CACHEDIR.TAG", "blobs", "version.txt", "version_diffusers_cache.txt"];
/// What file managers leave in every folder; the Python client ignores it as well.
const FOLDER_SETTINGS: &str = ".DS_Store";

/// Looks through a cache folder.
///
/// Damage is reported in [`CacheInfo::warnings`], and so is every file and folder that cannot be read; the repository
/// that it belongs to lists it in [`CachedRepo::unreadable`]. A folder that does not exist is an empty cache. The scan
/// blocks, for about a second with a hundred thousand files.
///
/// ```no_run
/// # fn main() -> hub_api::Result<()> {
/// let config = hub_api::Config::from_env()?;
/// for repo in hub_cache::scan_cache_dir(&config.cache_dir)?.repos {
///     println!("{} {} bytes", repo.repo_id, repo.size_on_disk);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// `Io` if the folder cannot be read.
pub fn scan_cache_dir(cache_dir: &Path) -> Result<CacheInfo> {
    let entries = match fs::read_dir(cache_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(CacheInfo::default()),
        entries => entries.at(cache_dir)?,
    };
    let mut info = CacheInfo::default();
    let mut folders = Vec::new();
    for entry in entries {
        let entry = entry.at(cache_dir)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with('.') || FOREIGN_NAMES.contains(&name.as_str()) {
            continue;
        }
        match repo_of(&name) {
            Some((repo_type, repo_id)) => folders.push((repo_type, repo_id, entry.path())),
            None => info.warnings.push(format!("`{}` is no repository of a cache", entry.path().display())),
        }
    }
    folders.sort();
    for (scanned, warnings) in at_once(&folders, |(kind, id, path)| scan_repo(*kind, id, path)) {
        info.size_on_disk += scanned.as_ref().map_or(0, |repo| repo.size_on_disk);
        info.repos.extend(scanned);
        info.warnings.extend(warnings);
    }
    Ok(info)
}

/// Does something with every item on as many threads as there are cores; results come in the items' order.
pub(crate) fn at_once<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(items.len());
    let (next, results) = (AtomicUsize::new(0), Mutex::new(BTreeMap::new()));
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((index, item)) = {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    items.get(index).map(|item| (index, item))
                } {
                    let result = work(item);
                    results.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(index, result);
                }
            });
        }
    });
    results.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner).into_values().collect()
}

/// Reads `models--me--model`.
fn repo_of(name: &str) -> Option<(RepoType, RepoId)> {
    let (kind, id) = name.split_once("--")?;
    let repo_type = RepoType::ALL.into_iter().find(|repo_type| repo_type.plural() == kind)?;
    Some((repo_type, RepoId::parse(&id.replace("--", "/")).ok()?))
}

/// Looks through the folder of one repository; none if it holds no revisions.
pub(crate) fn scan_repo(
    repo_type: RepoType,
    repo_id: &RepoId,
    folder: &Path,
) -> (Option<CachedRepo>, Vec<String>) {
    let mut warnings = Vec::new();
    let mut unreadable = Vec::new();
    let snapshots = folder.join("snapshots");
    // A folder that cannot be read is not an empty one: what it shows must not be deleted.
    let commits = match fs::read_dir(&snapshots) {
        Ok(entries) => entries_of(&snapshots, entries, &mut unreadable),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            warnings.push(format!("`{}` has no snapshots", folder.display()));
            return (None, warnings);
        }
        Err(error) => {
            unreadable.push(ScanError::new(&snapshots, &error));
            Vec::new()
        }
    };
    let (blobs, partial_bytes) = scan_blobs(&folder.join("blobs"), &mut unreadable);
    let mut refs = scan_refs(&folder.join("refs"), &mut warnings, &mut unreadable);
    let mut revisions = Vec::new();
    let mut shown: HashMap<PathBuf, Blob> = HashMap::new();
    for entry in commits {
        let path = entry.path();
        if entry.file_name() == FOLDER_SETTINGS {
            continue;
        }
        let commit = entry.file_name().to_str().and_then(|name| CommitHash::parse(name).ok());
        let Some(commit) = commit.filter(|_| entry.file_type().is_ok_and(|kind| kind.is_dir())) else {
            warnings.push(format!("`{}` is no commit", path.display()));
            continue;
        };
        let mut walk = Walk {
            root: &path,
            blobs: &blobs,
            files: Vec::new(),
            shown: HashMap::new(),
            warnings: &mut warnings,
            unreadable: &mut unreadable,
        };
        walk.folder(&path, "");
        let (mut files, own) = (walk.files, walk.shown);
        files.sort_by(|a, b| a.path.cmp(&b.path));
        revisions.push(CachedRevision {
            refs: refs.remove(commit.as_str()).unwrap_or_default(),
            size_on_disk: own.values().map(|blob| blob.size).sum(),
            last_modified: own.values().filter_map(|blob| blob.modified).max(),
            snapshot_path: path,
            commit_hash: commit,
            files,
        });
        shown.extend(own);
    }
    // Without all commits it is not known which references are stale.
    let stale = if unreadable.is_empty() { refs } else { BTreeMap::new() };
    for (commit, names) in stale {
        warnings.push(format!(
            "{} of `{repo_id}` at commit `{}`, which is not in the cache",
            names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
            commit.escape_debug()
        ));
    }
    warnings.extend(unreadable.iter().map(|error| {
        format!("could not read `{}`: {}; `{repo_id}` is incomplete", error.path.display(), error.message)
    }));
    revisions.sort_by(|a, b| a.commit_hash.cmp(&b.commit_hash));
    let repo = CachedRepo {
        repo_id: repo_id.clone(),
        repo_type,
        repo_path: folder.to_path_buf(),
        size_on_disk: shown.values().map(|blob| blob.size).sum(),
        nb_files: shown.len(),
        partial_bytes,
        revisions,
        unreadable,
        last_accessed: shown.values().filter_map(|blob| blob.accessed).max(),
        last_modified: shown.values().filter_map(|blob| blob.modified).max(),
    };
    (Some(repo), warnings)
}

/// The entries of a folder that has been opened; failures on the way are noted.
fn entries_of(folder: &Path, entries: fs::ReadDir, unreadable: &mut Vec<ScanError>) -> Vec<DirEntry> {
    let note = |entry: io::Result<DirEntry>| {
        entry.map_err(|error| unreadable.push(ScanError::new(folder, &error))).ok()
    };
    entries.filter_map(note).collect()
}

/// The entries of a folder; a missing folder has none.
fn read_folder(folder: &Path, unreadable: &mut Vec<ScanError>) -> Vec<DirEntry> {
    match fs::read_dir(folder) {
        Ok(entries) => entries_of(folder, entries, unreadable),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => {
            unreadable.push(ScanError::new(folder, &error));
            Vec::new()
        }
    }
}

/// The contents by name, and how many bytes incomplete ones take.
fn scan_blobs(folder: &Path, unreadable: &mut Vec<ScanError>) -> (HashMap<String, Blob>, u64) {
    let mut blobs = HashMap::new();
    for entry in read_folder(folder, unreadable) {
        if let (Ok(meta), Ok(name)) = (entry.metadata(), entry.file_name().into_string())
            && meta.is_file()
            && !crate::partial::is_name(&name)
        {
            blobs.insert(name, Blob::of(&meta));
        }
    }
    (blobs, crate::partial::bytes_in(folder))
}

/// The commit that a reference holds, if it holds one.
fn read_commit(path: &Path) -> io::Result<Option<CommitHash>> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_REF_BYTES).read_to_end(&mut bytes)?;
    Ok(std::str::from_utf8(&bytes).ok().and_then(|text| CommitHash::parse(text.trim()).ok()))
}

/// The names of references by commit.
fn scan_refs(
    folder: &Path,
    warnings: &mut Vec<String>,
    unreadable: &mut Vec<ScanError>,
) -> BTreeMap<String, Vec<String>> {
    let mut refs: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut todo = vec![(folder.to_path_buf(), String::new())];
    while let Some((folder, prefix)) = todo.pop() {
        for entry in read_folder(&folder, unreadable) {
            let Some(name) = entry.file_name().into_string().ok().filter(|name| name != FOLDER_SETTINGS)
            else {
                continue;
            };
            let name = format!("{prefix}{name}");
            let path = entry.path();
            let commit = match entry.file_type() {
                Ok(kind) if kind.is_dir() => {
                    todo.push((path, format!("{name}/")));
                    continue;
                }
                Ok(kind) if kind.is_file() => read_commit(&path),
                // A link leads elsewhere, and a pipe never ends.
                Ok(_) => Ok(None),
                Err(error) => Err(error),
            };
            match commit {
                Ok(Some(commit)) => refs.entry(commit.into()).or_default().push(name),
                Ok(None) => warnings.push(format!("`{}` is not a reference to a commit", path.display())),
                // Removed since the folder was read.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => unreadable.push(ScanError::new(&path, &error)),
            }
        }
    }
    refs.values_mut().for_each(|names| names.sort());
    refs
}

impl Blob {
    fn of(meta: &fs::Metadata) -> Self {
        Self { size: meta.len(), modified: meta.modified().ok(), accessed: meta.accessed().ok() }
    }
}

/// Goes through the folder of a commit.
struct Walk<'a> {
    root: &'a Path,
    blobs: &'a HashMap<String, Blob>,
    files: Vec<CachedFile>,
    shown: HashMap<PathBuf, Blob>,
    warnings: &'a mut Vec<String>,
    unreadable: &'a mut Vec<ScanError>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, prefix: &str) {
        for entry in read_folder(folder, self.unreadable) {
            let Ok(name) = entry.file_name().into_string() else {
                self.warnings.push(format!("a name in `{}` is not UTF-8", folder.display()));
                continue;
            };
            if name == FOLDER_SETTINGS {
                continue;
            }
            let path = format!("{prefix}{name}");
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.folder(&entry.path(), &format!("{path}/")),
                _ => self.file(&entry, path),
            }
        }
    }

    fn file(&mut self, entry: &DirEntry, path: String) {
        let link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
        // The name of the blob is in the link, and what there is to know of it is known: no look at the file itself.
        let name = link
            .then(|| fs::read_link(entry.path()).ok())
            .flatten()
            .filter(|target| target.parent().is_some_and(|folder| folder.ends_with("blobs")))
            .and_then(|target| target.file_name()?.to_str().map(str::to_owned));
        let known = name.as_ref().and_then(|name| Some((PathBuf::from(name), *self.blobs.get(name)?)));
        let found = match known {
            Some(known) => Ok(Some(known)),
            None => fs::metadata(entry.path())
                .map(|meta| meta.is_file().then(|| (target_of(entry, link), Blob::of(&meta)))),
        };
        match found {
            Ok(None) => {
                let folder = self.root.display();
                self.warnings.push(format!("`{path}` in `{folder}` is neither a file nor a link to one"));
            }
            Ok(Some((key, blob))) => {
                self.files.push(CachedFile { path, blob: name, size: blob.size });
                self.shown.insert(key, blob);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let folder = self.root.display();
                self.warnings.push(format!("`{path}` in `{folder}` is a link to a blob that is not there"));
            }
            // The blob is there for all that is known, so it stays in use.
            Err(error) => {
                self.unreadable.push(ScanError::new(&entry.path(), &error));
                self.files.push(CachedFile { path, blob: name, size: 0 });
            }
        }
    }
}

/// What a file that is not a link into `blobs` is counted by: where its link leads, since several may lead there.
fn target_of(entry: &DirEntry, link: bool) -> PathBuf {
    let path = entry.path();
    if link { fs::canonicalize(&path).unwrap_or(path) } else { path }
}

impl CachedRepo {
    /// The names of the contents that its revisions show, but for those left out.
    pub(crate) fn blobs_except(&self, left_out: &HashSet<&CommitHash>) -> HashSet<&str> {
        let kept = self.revisions.iter().filter(|revision| !left_out.contains(&revision.commit_hash));
        kept.flat_map(|revision| revision.files.iter().filter_map(|file| file.blob.as_deref())).collect()
    }
}

#[cfg(all(test, unix))]
pub(crate) mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A cache with a repository of two revisions that share a content.
    pub(crate) fn cache() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        let repo = folder.path().join("models--me--m");
        for made in ["blobs", "refs/pr", "snapshots"] {
            fs::create_dir_all(repo.join(made)).unwrap();
        }
        for (name, content) in [("e1", "1"), ("e2", "22"), ("e3", "333")] {
            fs::write(repo.join("blobs").join(name), content).unwrap();
        }
        let (a, b) = ("a".repeat(40), "b".repeat(40));
        for (commit, path, blob) in [(&a, "x", "e1"), (&a, "y", "e2"), (&b, "x", "e1"), (&b, "y", "e3")] {
            let snapshot = repo.join("snapshots").join(commit).join("d");
            fs::create_dir_all(&snapshot).unwrap();
            symlink(format!("../../../blobs/{blob}"), snapshot.join(path)).unwrap();
        }
        fs::write(repo.join("refs/main"), &b).unwrap();
        fs::write(repo.join("refs/pr/1"), &a).unwrap();
        folder
    }

    #[test]
    fn sizes_count_shared_contents_once() {
        let folder = cache();
        let info = scan_cache_dir(folder.path()).unwrap();
        assert_eq!((info.size_on_disk, info.repos.len(), info.warnings.len()), (6, 1, 0));
        let repo = &info.repos[0];
        assert_eq!((repo.repo_id.as_str(), repo.nb_files), ("me/m", 3));
        let sizes: Vec<_> = repo.revisions.iter().map(|revision| revision.size_on_disk).collect();
        assert_eq!(sizes, [3, 4]);
        assert_eq!(repo.revisions[0].refs, ["pr/1"]);
        let file = &repo.revisions[1].files[1];
        assert_eq!((file.path.as_str(), file.blob.as_deref(), file.size), ("d/y", Some("e3"), 3));
    }

    #[test]
    fn damage_is_told_and_does_not_stop_the_scan() {
        let folder = cache();
        let repo = folder.path().join("models--me--m");
        fs::remove_file(repo.join("blobs/e2")).unwrap();
        fs::write(repo.join("refs/gone"), "c".repeat(40)).unwrap();
        fs::write(repo.join("snapshots/file"), "").unwrap();
        fs::write(folder.path().join("junk"), "").unwrap();
        fs::write(folder.path().join("CACHEDIR.TAG"), "").unwrap();
        fs::create_dir_all(folder.path().join("models--empty")).unwrap();
        let info = scan_cache_dir(folder.path()).unwrap();
        assert_eq!(info.repos.len(), 1);
        for part in ["d/y", "`gone`", "snapshots/file", "junk", "models--empty"] {
            assert!(
                info.warnings.iter().any(|warning| warning.contains(part)),
                "{part}: {:?}",
                info.warnings
            );
        }
        assert_eq!(info.warnings.len(), 5);
    }

    #[test]
    fn scan_does_not_warn_of_what_other_programs_keep_in_a_cache() {
        let folder = cache();
        let repo = folder.path().join("models--me--m");
        let commit = "b".repeat(40);
        fs::create_dir_all(folder.path().join("blobs/ab")).unwrap();
        fs::write(folder.path().join("blobs/ab/abcd"), "shared").unwrap();
        for foreign in ["CACHEDIR.TAG", ".DS_Store", "version.txt", "models--me--m/.DS_Store"] {
            fs::write(folder.path().join(foreign), "x").unwrap();
        }
        fs::create_dir_all(repo.join("trees")).unwrap();
        fs::write(repo.join("trees").join(format!("{commit}.json")), "{}").unwrap();
        for inside in ["snapshots", "refs", "refs/pr", "blobs", &format!("snapshots/{commit}/d")] {
            fs::write(repo.join(inside).join(".DS_Store"), [0, 159, 146, 150]).unwrap();
        }
        for shared in ["one", "two"] {
            let link = repo.join("snapshots").join(&commit).join(shared);
            symlink("../../../blobs/ab/abcd", link).unwrap();
        }
        let info = scan_cache_dir(folder.path()).unwrap();
        assert_eq!(info.warnings, [""; 0]);
        let revision = &info.repos[0].revisions[1];
        let paths: Vec<_> = revision.files.iter().map(|file| (file.path.as_str(), file.size)).collect();
        assert_eq!(paths, [("d/x", 1), ("d/y", 3), ("one", 6), ("two", 6)]);
        assert_eq!(revision.size_on_disk, 1 + 3 + 6, "a shared blob counts once");
    }

    #[test]
    fn scan_reports_folders_that_cannot_be_read() {
        // A folder that links to itself cannot be read even by root, whom permissions do not stop.
        for (loops, commits) in [("snapshots", 0), ("refs", 2), ("blobs", 2)] {
            let folder = cache();
            let path = folder.path().join("models--me--m").join(loops);
            fs::rename(&path, path.with_extension("moved")).unwrap();
            symlink(loops, &path).unwrap();
            let info = scan_cache_dir(folder.path()).unwrap();
            let repo = &info.repos[0];
            assert_eq!(repo.revisions.len(), commits, "{loops}");
            assert!(repo.unreadable.iter().any(|error| error.path == path), "{:?}", repo.unreadable);
            let told = |warning: &String| warning.contains(&path.display().to_string());
            assert!(info.warnings.iter().any(told), "{:?}", info.warnings);
        }
    }

    #[test]
    fn only_regular_files_are_read_as_references_and_contents() {
        let folder = cache();
        let repo = folder.path().join("models--me--m");
        let (outside, snapshot) =
            (folder.path().join(".outside"), repo.join("snapshots").join("a".repeat(40)));
        fs::write(&outside, "a secret outside of the repository").unwrap();
        symlink(&outside, repo.join("refs/link")).unwrap();
        symlink("..", snapshot.join("folder")).unwrap();
        fs::write(repo.join("refs/text"), "\u{1b}[31m not a commit").unwrap();
        for pipe in [repo.join("refs/pipe"), snapshot.join("pipe")] {
            assert!(std::process::Command::new("mkfifo").arg(pipe).status().unwrap().success());
        }
        let info = scan_cache_dir(folder.path()).unwrap();
        assert_eq!((info.size_on_disk, info.repos[0].nb_files), (6, 3));
        for part in ["refs/link", "refs/text", "refs/pipe", "`pipe`", "`folder`"] {
            assert!(
                info.warnings.iter().any(|warning| warning.contains(part)),
                "{part}: {:?}",
                info.warnings
            );
        }
        let all = info.warnings.join("\n");
        assert!(!all.contains("secret") && !all.contains('\u{1b}'), "{all}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_empty_cache() {
        let info = scan_cache_dir(Path::new("/nonexistent/cache")).unwrap();
        assert_eq!((info.repos.len(), info.size_on_disk), (0, 0));
    }
}
