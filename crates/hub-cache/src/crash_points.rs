//! Stops the process at any operation on the disk, and tells what a power cut would leave (feature `crash-points`).
//!
//! Every change that this crate makes on the disk goes through its module `fs`, one operation at a time. With this
//! feature the operations below one folder are numbered from 1, in the order in which they are performed; threads take
//! turns. They can be written to a log, and the process can be aborted before or after the operation of a number.
//!
//! A harness tests all crash points of a piece of work like this:
//!
//! 1. It runs the work once in a child process with [`ROOT_VARIABLE`] set to the folder (as it is spelled in the paths
//!    that the work uses) and [`LOG_VARIABLE`] to a file outside of it. [`Log::read`] then says how many operations
//!    there are.
//! 2. For each number `n` and each [`When`] it makes a fresh folder, runs a child with [`CRASH_VARIABLE`] set to
//!    `n:before` or `n:after` as well, and looks at what the child left: this is a crash of the process.
//! 3. For a power cut it takes the log of the first run and calls [`Log::after_power_cut`] for each `n` and each
//!    [`Unsynced`], which rebuilds the folder with everything lost that was not synced by then. No child is needed.
//!
//! Within a process [`record`] does what the first two variables do. A crash point that lies in a write is reached
//! with [`When::Before`] and the next one; a torn write is what the power cut leaves.
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::ffi::OsString;
use std::fs;
use std::io::{self, BufRead as _, Write as _};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

/// The environment variable that names the folder whose operations count.
pub const ROOT_VARIABLE: &str = "HUB_CACHE_CRASH_ROOT";
/// The environment variable that names the log, which is written anew.
pub const LOG_VARIABLE: &str = "HUB_CACHE_CRASH_LOG";
/// The environment variable that names the crash point: `17:before` or `17:after`.
pub const CRASH_VARIABLE: &str = "HUB_CACHE_CRASH_AT";

/// Names an open file in a log; every time that a file is opened it gets a new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FileId(u64);

impl FileId {
    pub(crate) fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// An operation on the disk. Paths are relative to the folder that is recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "operation", rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is the system call of its name")]
#[non_exhaustive]
pub enum Operation {
    Create {
        file: FileId,
        path: PathBuf,
    },
    Open {
        file: FileId,
        path: PathBuf,
    },
    Write {
        file: FileId,
        offset: u64,
        #[serde(with = "as_hex")]
        bytes: Vec<u8>,
    },
    SetLength {
        file: FileId,
        length: u64,
    },
    SyncFile {
        file: FileId,
    },
    SyncFolder {
        path: PathBuf,
    },
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Symlink {
        target: PathBuf,
        link: PathBuf,
    },
    RemoveFile {
        path: PathBuf,
    },
    CreateFolder {
        path: PathBuf,
    },
    RemoveFolder {
        path: PathBuf,
    },
}

impl Operation {
    pub(crate) fn create(file: FileId, path: &Path) -> Self {
        Self::Create { file, path: path.to_path_buf() }
    }

    pub(crate) fn open(file: FileId, path: &Path) -> Self {
        Self::Open { file, path: path.to_path_buf() }
    }

    pub(crate) fn write(file: FileId, offset: u64, bytes: &[u8]) -> Self {
        Self::Write { file, offset, bytes: bytes.to_vec() }
    }

    pub(crate) fn set_length(file: FileId, length: u64) -> Self {
        Self::SetLength { file, length }
    }

    pub(crate) fn sync_file(file: FileId) -> Self {
        Self::SyncFile { file }
    }

    pub(crate) fn sync_folder(path: &Path) -> Self {
        Self::SyncFolder { path: path.to_path_buf() }
    }

    pub(crate) fn rename(from: &Path, to: &Path) -> Self {
        Self::Rename { from: from.to_path_buf(), to: to.to_path_buf() }
    }

    pub(crate) fn symlink(target: &Path, link: &Path) -> Self {
        Self::Symlink { target: target.to_path_buf(), link: link.to_path_buf() }
    }

    pub(crate) fn remove_file(path: &Path) -> Self {
        Self::RemoveFile { path: path.to_path_buf() }
    }

    pub(crate) fn create_folder(path: &Path) -> Self {
        Self::CreateFolder { path: path.to_path_buf() }
    }

    pub(crate) fn remove_folder(path: &Path) -> Self {
        Self::RemoveFolder { path: path.to_path_buf() }
    }

    /// The operation with paths relative to a folder; `None` if it is elsewhere.
    fn below(self, root: &Path, known: &mut HashSet<FileId>) -> Option<Self> {
        let relative = |path: PathBuf| path.strip_prefix(root).map(Path::to_path_buf).ok();
        Some(match self {
            Self::Create { file, path } => {
                let path = relative(path)?;
                known.insert(file);
                Self::Create { file, path }
            }
            Self::Open { file, path } => {
                let path = relative(path)?;
                known.insert(file);
                Self::Open { file, path }
            }
            Self::Write { file, .. } | Self::SetLength { file, .. } | Self::SyncFile { file } => {
                return known.contains(&file).then_some(self);
            }
            Self::SyncFolder { path } => Self::SyncFolder { path: relative(path)? },
            Self::Rename { from, to } => Self::Rename { from: relative(from)?, to: relative(to)? },
            Self::Symlink { target, link } => Self::Symlink { target, link: relative(link)? },
            Self::RemoveFile { path } => Self::RemoveFile { path: relative(path)? },
            Self::CreateFolder { path } => Self::CreateFolder { path: relative(path)? },
            Self::RemoveFolder { path } => Self::RemoveFolder { path: relative(path)? },
        })
    }
}

/// Bytes as hex digits, decoded once for all power cuts of a log.
mod as_hex {
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        hex::decode(String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// On which side of an operation the process stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// The operation is not performed any more.
    Before,
    /// It is the last one that is performed.
    After,
}

/// Where the process stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrashPoint {
    /// The number of the operation, from 1.
    pub number: u64,
    /// On which side of it.
    pub when: When,
}

impl CrashPoint {
    fn parse(text: &str) -> Option<Self> {
        let (number, when) = text.split_once(':')?;
        let when = match when {
            "before" => When::Before,
            "after" => When::After,
            _ => return None,
        };
        Some(Self { number: number.parse().ok()?, when })
    }
}

struct Recorder {
    root: PathBuf,
    log: Option<fs::File>,
    crash: Option<CrashPoint>,
    count: u64,
    known: HashSet<FileId>,
}

static RECORDERS: LazyLock<Mutex<Vec<Recorder>>> = LazyLock::new(|| {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let recorder = variable(ROOT_VARIABLE).map(|root| {
        let crash = std::env::var(CRASH_VARIABLE).ok();
        let crash =
            crash.map(|text| CrashPoint::parse(&text).expect("a crash point is `NUMBER:before|after`"));
        let log = variable(LOG_VARIABLE).map(|log| fs::File::create(log).expect("the log can be written"));
        Recorder { root, log, crash, count: 0, known: HashSet::new() }
    });
    Mutex::new(recorder.into_iter().collect())
});

/// Records the operations of this process below a folder in a log, until the process ends.
///
/// # Errors
/// Those of creating the log.
pub fn record(root: &Path, log: &Path, crash: Option<CrashPoint>) -> io::Result<()> {
    let log = Some(fs::File::create(log)?);
    let recorder = Recorder { root: root.to_path_buf(), log, crash, count: 0, known: HashSet::new() };
    RECORDERS.lock().unwrap_or_else(PoisonError::into_inner).push(recorder);
    Ok(())
}

/// Performs an operation, records it if it succeeds, and stops the process if it is the one.
pub(crate) fn step<T>(
    operation: impl FnOnce() -> Operation,
    act: impl FnOnce() -> io::Result<T>,
) -> io::Result<T> {
    let mut recorders = RECORDERS.lock().unwrap_or_else(PoisonError::into_inner);
    if recorders.is_empty() {
        drop(recorders);
        return act();
    }
    let operation = operation();
    let found = recorders.iter_mut().find_map(|recorder| {
        let operation = operation.clone().below(&recorder.root, &mut recorder.known)?;
        Some((recorder, operation))
    });
    let Some((recorder, operation)) = found else { return act() };
    recorder.count += 1;
    let stops = |when| recorder.crash == Some(CrashPoint { number: recorder.count, when });
    if stops(When::Before) {
        std::process::abort();
    }
    let result = act();
    if result.is_ok()
        && let Some(log) = &mut recorder.log
    {
        let line = serde_json::to_string(&(recorder.count, operation)).expect("operations are plain data");
        writeln!(log, "{line}").expect("the log can be written");
    }
    if stops(When::After) {
        std::process::abort();
    }
    result
}

/// What becomes of names that were not synced when the power is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unsynced {
    /// They are lost: each folder has the names of its last sync.
    NamesLost,
    /// They are there, and only the bytes of files that were not synced are lost. Journaling file systems write names
    /// down before bytes if nobody asks for more.
    NamesKept,
    /// Each folder and each file is as it was synced last or as it was last, by the random numbers of this seed.
    Mixed(u64),
}

impl Unsynced {
    /// Whether the names of a folder, or else the bytes of a file, are those of the last sync.
    fn loses(self, node: usize, is_folder: bool) -> bool {
        match self {
            Self::NamesLost => true,
            Self::NamesKept => !is_folder,
            Self::Mixed(seed) => {
                let of_node = (node as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
                fastrand::Rng::with_seed(seed.wrapping_add(of_node)).bool()
            }
        }
    }
}

/// The operations of a run that succeeded, with their numbers.
#[derive(Debug, Clone, Default)]
pub struct Log(Vec<(u64, Operation)>);

impl Log {
    /// Reads a log; a last line that was cut off does not count.
    ///
    /// # Errors
    /// Those of reading the file.
    pub fn read(path: &Path) -> io::Result<Self> {
        let lines = io::BufReader::new(fs::File::open(path)?).lines();
        let lines: Vec<String> = lines.collect::<io::Result<_>>()?;
        Ok(Self(lines.iter().map_while(|line| serde_json::from_str(line).ok()).collect()))
    }

    /// The operations that succeeded, with their numbers.
    pub fn operations(&self) -> &[(u64, Operation)] {
        &self.0
    }

    /// The number of the last operation.
    pub fn last(&self) -> u64 {
        self.0.last().map_or(0, |(number, _)| *number)
    }

    /// Writes into an empty folder what a power cut right after the operation of this number leaves.
    ///
    /// `before` is the folder as it was, all on the disk, before the first operation; `None` if it was empty.
    ///
    /// # Errors
    /// Those of reading `before` and of writing `into`; `InvalidData` if the log and `before` do not belong together.
    pub fn after_power_cut(
        &self,
        number: u64,
        unsynced: Unsynced,
        before: Option<&Path>,
        into: &Path,
    ) -> io::Result<()> {
        let mut disk = Disk::new();
        if let Some(before) = before {
            disk.read(ROOT, before)?;
        }
        for (_, operation) in self.0.iter().take_while(|(performed, _)| *performed <= number) {
            disk.perform(operation).ok_or_else(|| {
                let message = format!("the log does not fit the folder: {operation:?}");
                io::Error::new(io::ErrorKind::InvalidData, message)
            })?;
        }
        disk.write(ROOT, unsynced, into)
    }
}

/// A model of the disk: what running programs see, and what is written down.
struct Disk {
    nodes: Vec<Node>,
    open: HashMap<FileId, usize>,
}

enum Node {
    File { bytes: Vec<u8>, synced: Vec<u8> },
    Link(PathBuf),
    Folder { names: BTreeMap<OsString, usize>, synced: BTreeMap<OsString, usize> },
}

const ROOT: usize = 0;

impl Disk {
    fn new() -> Self {
        Self { nodes: vec![Node::folder()], open: HashMap::new() }
    }

    fn add(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }

    /// Takes in a folder as it is on the disk.
    fn read(&mut self, node: usize, folder: &Path) -> io::Result<()> {
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let kind = entry.file_type()?;
            let child = if kind.is_dir() {
                let child = self.add(Node::folder());
                self.read(child, &entry.path())?;
                child
            } else if kind.is_symlink() {
                let target = fs::read_link(entry.path())?;
                self.add(Node::Link(target))
            } else {
                let bytes = fs::read(entry.path())?;
                self.add(Node::File { synced: bytes.clone(), bytes })
            };
            found.insert(entry.file_name(), child);
        }
        if let Node::Folder { names, synced } = &mut self.nodes[node] {
            synced.clone_from(&found);
            *names = found;
        }
        Ok(())
    }

    /// Performs an operation; `None` if it cannot have succeeded.
    fn perform(&mut self, operation: &Operation) -> Option<()> {
        match operation {
            Operation::Create { file, path } => {
                let node = match self.find(path) {
                    Some(node) => node,
                    None => {
                        let node = self.add(Node::File { bytes: Vec::new(), synced: Vec::new() });
                        self.name(path, node)?;
                        node
                    }
                };
                self.open.insert(*file, node);
            }
            Operation::Open { file, path } => {
                let node = self.find(path)?;
                self.open.insert(*file, node);
            }
            Operation::Write { file, offset, bytes: written } => {
                let start = usize::try_from(*offset).ok()?;
                let end = start.checked_add(written.len())?;
                let bytes = self.file(*file)?.0;
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[start..end].copy_from_slice(written);
            }
            Operation::SetLength { file, length } => {
                self.file(*file)?.0.resize(usize::try_from(*length).ok()?, 0);
            }
            Operation::SyncFile { file } => {
                let (bytes, synced) = self.file(*file)?;
                synced.clone_from(bytes);
            }
            Operation::SyncFolder { path } => {
                let node = self.find(path)?;
                let Node::Folder { names, synced } = &mut self.nodes[node] else { return None };
                synced.clone_from(names);
            }
            Operation::Rename { from, to } => {
                let node = self.find(from)?;
                self.forget(from)?;
                self.name(to, node)?;
            }
            Operation::Symlink { target, link } => {
                let node = self.add(Node::Link(target.clone()));
                self.name(link, node)?;
            }
            Operation::CreateFolder { path } => {
                let node = self.add(Node::folder());
                self.name(path, node)?;
            }
            Operation::RemoveFile { path } | Operation::RemoveFolder { path } => self.forget(path)?,
        }
        Some(())
    }

    fn find(&self, path: &Path) -> Option<usize> {
        path.components().try_fold(ROOT, |node, part| match (&self.nodes[node], part) {
            (_, Component::CurDir) => Some(node),
            (Node::Folder { names, .. }, Component::Normal(name)) => names.get(name).copied(),
            _ => None,
        })
    }

    /// The names in the folder of a path, and the last part of the path.
    fn parent(&mut self, path: &Path) -> Option<(&mut BTreeMap<OsString, usize>, OsString)> {
        let folder = self.find(path.parent()?)?;
        let name = path.file_name()?.to_os_string();
        let Node::Folder { names, .. } = &mut self.nodes[folder] else { return None };
        Some((names, name))
    }

    fn name(&mut self, path: &Path, node: usize) -> Option<()> {
        let (names, name) = self.parent(path)?;
        names.insert(name, node);
        Some(())
    }

    fn forget(&mut self, path: &Path) -> Option<()> {
        let (names, name) = self.parent(path)?;
        names.remove(&name).map(drop)
    }

    fn file(&mut self, file: FileId) -> Option<(&mut Vec<u8>, &mut Vec<u8>)> {
        match &mut self.nodes[*self.open.get(&file)?] {
            Node::File { bytes, synced } => Some((bytes, synced)),
            _ => None,
        }
    }

    /// Writes a folder as it is after a power cut.
    fn write(&self, node: usize, unsynced: Unsynced, folder: &Path) -> io::Result<()> {
        let Node::Folder { names, synced } = &self.nodes[node] else { return Ok(()) };
        let left = if unsynced.loses(node, true) { synced } else { names };
        for (name, &child) in left {
            let path = folder.join(name);
            match &self.nodes[child] {
                Node::File { bytes, synced } => {
                    fs::write(path, if unsynced.loses(child, false) { synced } else { bytes })?;
                }
                Node::Link(target) => symlink(target, &path)?,
                Node::Folder { .. } => {
                    fs::create_dir(&path)?;
                    self.write(child, unsynced, &path)?;
                }
            }
        }
        Ok(())
    }
}

impl Node {
    fn folder() -> Self {
        Self::Folder { names: BTreeMap::new(), synced: BTreeMap::new() }
    }
}

#[cfg(unix)]
fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, link)
}

#[cfg(not(unix))]
fn symlink(_target: &Path, _link: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::fs as layer;
    use std::process::Command;

    /// The files, links and folders below a folder, with what they hold.
    fn tree(folder: &Path) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            if path.is_symlink() {
                found.insert(name, format!("-> {}", fs::read_link(path).unwrap().display()));
            } else if path.is_dir() {
                let below = tree(&path).into_iter();
                found.extend(below.map(|(below, holds)| (format!("{name}/{below}"), holds)));
                found.insert(name, "folder".to_owned());
            } else {
                found.insert(name, fs::read_to_string(path).unwrap());
            }
        }
        found
    }

    fn expect(names: &[(&str, &str)]) -> BTreeMap<String, String> {
        names.iter().map(|&(name, holds)| (name.to_owned(), holds.to_owned())).collect()
    }

    /// Puts a file into its place as the cache does: 9 operations.
    fn work(root: &Path) -> io::Result<()> {
        layer::create_dir(&root.join("blobs"))?;
        layer::sync_dir(root)?;
        let file = layer::File::create_new(&root.join("blobs/x.partial"))?;
        file.write_all_at(b"12345", 0)?;
        file.set_len(4)?;
        file.sync()?;
        layer::rename(&root.join("blobs/x.partial"), &root.join("blobs/x"))?;
        layer::sync_dir(&root.join("blobs"))?;
        layer::symlink(Path::new("blobs/x"), &root.join("link"))
    }

    #[test]
    fn a_power_cut_leaves_what_was_synced() {
        let all = tempfile::tempdir().unwrap();
        let (root, log) = (all.path().join("root"), all.path().join("log"));
        fs::create_dir(&root).unwrap();
        fs::write(root.join("old"), "old").unwrap();
        let before = all.path().join("before");
        fs::create_dir(&before).unwrap();
        fs::write(before.join("old"), "old").unwrap();
        record(&root, &log, None).unwrap();
        work(&root).unwrap();
        layer::remove_file(&root.join("old")).unwrap();
        fs::write(all.path().join("elsewhere"), "").unwrap();
        layer::remove_file(&all.path().join("elsewhere")).unwrap();
        layer::remove_file(&root.join("missing")).unwrap_err();
        let log = Log::read(&log).unwrap();
        assert_eq!((log.last(), log.operations().len()), (10, 10));
        let after = |number, unsynced| {
            let into = all.path().join("into");
            fs::create_dir(&into).unwrap();
            log.after_power_cut(number, unsynced, Some(&before), &into).unwrap();
            let left = tree(&into);
            fs::remove_dir_all(into).unwrap();
            left
        };
        let (lost, kept) = (Unsynced::NamesLost, Unsynced::NamesKept);
        let (old, blobs) = (("old", "old"), ("blobs", "folder"));
        assert_eq!(after(1, lost), expect(&[old]));
        assert_eq!(after(1, kept), expect(&[old, blobs]));
        assert_eq!(after(5, lost), expect(&[old, blobs]));
        assert_eq!(after(5, kept), expect(&[old, blobs, ("blobs/x.partial", "")]));
        assert_eq!(after(6, kept), expect(&[old, blobs, ("blobs/x.partial", "1234")]));
        assert_eq!(after(7, lost), expect(&[old, blobs]));
        assert_eq!(after(8, lost), expect(&[old, blobs, ("blobs/x", "1234")]));
        assert_eq!(after(10, lost), expect(&[old, blobs, ("blobs/x", "1234")]));
        assert_eq!(after(10, kept), expect(&[blobs, ("blobs/x", "1234"), ("link", "-> blobs/x")]));
        assert_eq!(after(10, kept), tree(&root));
    }

    #[test]
    fn a_process_stops_at_its_crash_point() {
        if let Some(root) = std::env::var_os(ROOT_VARIABLE) {
            work(Path::new(&root)).unwrap();
            return;
        }
        let blobs = ("blobs", "folder");
        for (point, left, operations) in [
            ("1:before", expect(&[]), 0),
            ("4:before", expect(&[blobs, ("blobs/x.partial", "")]), 3),
            ("4:after", expect(&[blobs, ("blobs/x.partial", "12345")]), 4),
            ("7:after", expect(&[blobs, ("blobs/x", "1234")]), 7),
        ] {
            let all = tempfile::tempdir().unwrap();
            let (root, log) = (all.path().join("root"), all.path().join("log"));
            fs::create_dir(&root).unwrap();
            let child = Command::new(std::env::current_exe().unwrap())
                .args(["crash_points::tests::a_process_stops_at_its_crash_point", "--exact"])
                .env(ROOT_VARIABLE, &root)
                .env(LOG_VARIABLE, &log)
                .env(CRASH_VARIABLE, point)
                .output();
            assert!(!child.unwrap().status.success(), "{point}");
            assert_eq!(tree(&root), left, "{point}");
            assert_eq!(Log::read(&log).unwrap().operations().len(), operations, "{point}");
        }
    }

    #[test]
    fn what_is_published_is_whole_after_any_power_cut() {
        use crate::partial::{Adopt, Partial};
        let all = tempfile::tempdir().unwrap();
        let (root, log) = (all.path().join("root"), all.path().join("log"));
        fs::create_dir(&root).unwrap();
        record(&root, &log, None).unwrap();
        let etag = hub_types::Etag::parse(&"e".repeat(64)).unwrap();
        let claim = || Partial::claim(&root, &etag, 100, Adopt::Partials, None).unwrap();
        let mut partial = claim();
        partial.write(0, &[b'a'; 40]).unwrap();
        partial.begin_journal().unwrap();
        drop(partial);
        let mut partial = claim();
        partial.write(40, &[b'b'; 60]).unwrap();
        let blob = root.join("blob");
        partial.publish(|content| crate::disk::rename(content, &blob)).unwrap();
        crate::disk::sync_path(&root, &blob);
        let log = Log::read(&log).unwrap();
        let whole = "a".repeat(40) + &"b".repeat(60);
        for number in 0..=log.last() {
            for unsynced in [Unsynced::NamesLost, Unsynced::NamesKept] {
                let into = all.path().join("into");
                fs::create_dir(&into).unwrap();
                log.after_power_cut(number, unsynced, None, &into).unwrap();
                let left = fs::read_to_string(into.join("blob"));
                assert!(left.as_ref().map_or(true, |left| *left == whole), "{number} {unsynced:?}: {left:?}");
                assert!(number < log.last() || left.is_ok());
                fs::remove_dir_all(into).unwrap();
            }
        }
    }

    /// What a power cut after the last operation of some work leaves of a file.
    fn after_work(work: impl FnOnce(&Path) -> PathBuf, unsynced: Unsynced) -> Option<Vec<u8>> {
        let all = tempfile::tempdir().unwrap();
        let (root, log, into) = (all.path().join("root"), all.path().join("log"), all.path().join("into"));
        fs::create_dir(&root).unwrap();
        fs::create_dir(&into).unwrap();
        record(&root, &log, None).unwrap();
        let file = work(&root);
        let log = Log::read(&log).unwrap();
        log.after_power_cut(log.last(), unsynced, None, &into).unwrap();
        fs::read(into.join(file)).ok()
    }

    #[test]
    fn a_copied_file_is_whole_after_a_power_cut() {
        let source = tempfile::NamedTempFile::new().unwrap();
        fs::write(&source, "12345").unwrap();
        let copy = |root: &Path| {
            crate::disk::copy(source.path(), &root.join("tmp"), &root.join("copy"), false).unwrap();
            PathBuf::from("copy")
        };
        assert_eq!(after_work(copy, Unsynced::NamesKept).unwrap(), b"12345");
    }

    #[test]
    fn a_synced_path_outlives_a_power_cut_in_new_folders() {
        let write = |root: &Path| {
            let folder = root.join("models--a--b/blobs");
            layer::create_dir_all(&folder).unwrap();
            layer::write_new(&folder.join("x"), b"12345").unwrap().sync().unwrap();
            crate::disk::sync_path(root, &folder.join("x"));
            PathBuf::from("models--a--b/blobs/x")
        };
        assert_eq!(after_work(write, Unsynced::NamesLost).unwrap(), b"12345");
    }

    #[test]
    fn a_listing_is_whole_after_a_power_cut() {
        let write = |root: &Path| {
            crate::listing::Listing(Vec::new()).write(&root.join("trees/c.json")).unwrap();
            PathBuf::from("trees/c.json")
        };
        let left = after_work(write, Unsynced::NamesKept).unwrap();
        assert!(serde_json::from_slice::<serde_json::Value>(&left).is_ok(), "{left:?}");
    }
}
