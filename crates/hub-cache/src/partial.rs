//! Files that are not complete yet, on disk, in a form that outlives the process.
use crate::disk::InCache as _;
use crate::ranges::Ranges;
use hub_http::{IoContext as _, Result};
use hub_types::Etag;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

/// The end of the names of partial files. The Python client's own end with `.incomplete`.
pub(crate) const SUFFIX: &str = ".partial";
/// What the journal begins with.
const MAGIC: &[u8] = b"hub-partial 1\n";
/// How much may be written before the journal tells.
const JOURNAL_EVERY_BYTES: u64 = 1 << 20;
/// A journal that is longer than this is not one of ours.
const MAX_JOURNAL_BYTES: u64 = 64 << 20;
/// How long a partial must have been left alone when its owner cannot be told from a dead one.
const ABANDONED_AFTER: Duration = Duration::from_secs(60);

/// A file under construction.
///
/// It is one file, `<etag>.<tag>.partial`. Up to the size of the content it is either a prefix of it, or, when
/// ranges come in any order, content with holes, followed by a journal: the line `hub-partial 1` and a line
/// `start end` for each range that has been written. One name cannot come apart from its journal in a crash.
///
/// The tag is the host's and this process's, so no two processes write one file: a partial is taken over by renaming
/// it, which only one can do.
pub(crate) struct Partial {
    path: PathBuf,
    file: File,
    size: u64,
    done: Ranges,
    /// Where the next line of the journal goes, if there is one.
    journal_end: Option<u64>,
    unwritten: Ranges,
    /// Whether bytes of an earlier run are in it.
    resumed: bool,
}

/// Whether a partial of another run may be taken over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Adopt {
    /// No: what is there is to be fetched anew.
    Nothing,
    /// Those of which it is certain, or long ago enough, that nobody writes to them.
    Abandoned,
    /// Any of this host, since a lock that works is held.
    Locked,
}

impl Partial {
    /// Takes over the fullest partial of a content, or begins one.
    ///
    /// `foreign` is where the Python client would keep its own, a prefix.
    pub(crate) fn claim(
        folder: &Path,
        etag: &Etag,
        size: u64,
        adopt: Adopt,
        foreign: Option<&Path>,
    ) -> Result<Self> {
        let own = fresh_path(folder, etag);
        if adopt != Adopt::Nothing {
            let mut found: Vec<(u64, PathBuf)> = candidates(folder, etag, adopt)
                .into_iter()
                .chain(foreign.filter(|_| adopt == Adopt::Locked).map(Path::to_path_buf))
                .filter_map(|path| {
                    Some((read_state(&mut File::open(&path).ok()?, size).ok()?.0.total(), path))
                })
                .collect();
            found.sort();
            while let Some((total, path)) = found.pop() {
                if total == 0 {
                    let _ = fs::remove_file(&path);
                } else if fs::rename(&path, &own).is_ok() {
                    let mut partial = Self::open(own, size)?;
                    partial.resumed = true;
                    // The others can only be less.
                    for (_, path) in found {
                        let _ = fs::remove_file(path);
                    }
                    return Ok(partial);
                }
            }
        }
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&own).in_cache(&own)?;
        Ok(Self {
            path: own,
            file,
            size,
            done: Ranges::default(),
            journal_end: None,
            unwritten: Ranges::default(),
            resumed: false,
        })
    }

    fn open(path: PathBuf, size: u64) -> Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).open(&path).in_cache(&path)?;
        let (done, journal_end) = read_state(&mut file, size).at(&path)?;
        Ok(Self { path, file, size, done, journal_end, unwritten: Ranges::default(), resumed: false })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The bytes that are there.
    pub(crate) fn done(&self) -> &Ranges {
        &self.done
    }

    /// Whether bytes of an earlier run are in it.
    pub(crate) fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Writes bytes to their place.
    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.file
            .seek(SeekFrom::Start(offset))
            .and_then(|_| self.file.write_all(bytes))
            .in_cache(&self.path)?;
        let end = offset + bytes.len() as u64;
        self.done.insert(offset, end);
        if self.journal_end.is_some() {
            self.unwritten.insert(offset, end);
            if self.unwritten.total() >= JOURNAL_EVERY_BYTES {
                self.note()?;
            }
        }
        Ok(())
    }

    /// Begins a journal, so that ranges may come in any order from now on.
    pub(crate) fn begin_journal(&mut self) -> Result<()> {
        if self.journal_end.is_some() {
            return Ok(());
        }
        let mut text = MAGIC.to_vec();
        write_lines(&mut text, &self.done);
        self.append(self.size, &text)
    }

    /// Writes down what was written since the last time.
    pub(crate) fn note(&mut self) -> Result<()> {
        let Some(end) = self.journal_end.filter(|_| self.unwritten.total() > 0) else { return Ok(()) };
        let mut text = Vec::new();
        write_lines(&mut text, &self.unwritten);
        self.unwritten.clear();
        self.append(end, &text)
    }

    /// Empties it, to begin again.
    pub(crate) fn restart(&mut self) -> Result<()> {
        self.file.set_len(0).in_cache(&self.path)?;
        self.done.clear();
        self.unwritten.clear();
        self.journal_end = None;
        self.resumed = false;
        Ok(())
    }

    /// Makes it the content alone, and sees it safely on the disk.
    pub(crate) fn complete(self) -> Result<PathBuf> {
        if self.journal_end.is_some() {
            self.file.set_len(self.size).in_cache(&self.path)?;
        }
        // A name in the cache must not outlive a power cut that its bytes did not.
        self.file.sync_data().in_cache(&self.path)?;
        Ok(self.path)
    }

    /// Removes it.
    pub(crate) fn discard(self) {
        let _ = fs::remove_file(&self.path);
    }

    fn append(&mut self, at: u64, text: &[u8]) -> Result<()> {
        self.file.seek(SeekFrom::Start(at)).and_then(|_| self.file.write_all(text)).in_cache(&self.path)?;
        self.journal_end = Some(at + text.len() as u64);
        Ok(())
    }
}

/// A name for a new partial; no two are alike.
pub(crate) fn fresh_path(folder: &Path, etag: &Etag) -> PathBuf {
    folder.join(format!("{etag}.{:08x}{:08x}{SUFFIX}", *HOST, fastrand::u32(..)))
}

/// What changes when somebody writes to the partials of a content.
pub(crate) fn signs_of_life(folder: &Path, etag: &Etag, foreign: Option<&Path>) -> (u64, Option<SystemTime>) {
    let metas = siblings(folder, etag)
        .into_iter()
        .chain(foreign.map(Path::to_path_buf))
        .filter_map(|path| fs::metadata(path).ok());
    metas.fold((0, None), |(bytes, latest), meta| (bytes + meta.len(), latest.max(meta.modified().ok())))
}

/// Whether a file is a partial, ours or the Python client's, by its name.
pub(crate) fn is_name(name: &str) -> bool {
    name.ends_with(SUFFIX) || name.ends_with(".incomplete")
}

/// The content that a partial is of, by its name.
pub(crate) fn etag_of(name: &str) -> Option<Etag> {
    let stem = match name.strip_suffix(SUFFIX) {
        Some(stem) => stem.rsplit_once('.')?.0,
        None => name.strip_suffix(".incomplete")?,
    };
    Etag::parse(stem).ok()
}

/// How many bytes the partials in a folder take up already.
pub(crate) fn bytes_in(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(is_name))
        .filter_map(|entry| entry.metadata().ok())
        .map(|meta| occupied(&meta))
        .sum()
}

/// What a file takes up on the disk: less than its length if it has holes.
#[cfg(unix)]
pub(crate) fn occupied(meta: &fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(meta) * 512
}

/// What a file takes up on the disk.
#[cfg(not(unix))]
pub(crate) fn occupied(meta: &fs::Metadata) -> u64 {
    meta.len()
}

/// Tells hosts apart that share a folder, as well as that can be done: by the identity of the running system.
static HOST: LazyLock<u32> = LazyLock::new(|| {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .or_else(|_| fs::read_to_string("/etc/hostname"))
        .ok()
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .unwrap_or_default();
    // FNV-1a: it need not be strong, and must be the same in every process.
    id.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
});

fn siblings(folder: &Path, etag: &Etag) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mine = |name: &str| {
        name.strip_suffix(SUFFIX)
            .and_then(|stem| stem.rsplit_once('.'))
            .is_some_and(|(stem, tag)| stem == etag.as_str() && tag.len() == 16)
    };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(mine))
        .map(|entry| entry.path())
        .collect()
}

fn candidates(folder: &Path, etag: &Etag, adopt: Adopt) -> Vec<PathBuf> {
    let host = format!(".{:08x}", *HOST);
    let mut found = siblings(folder, etag);
    found.retain(|path| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let ours = name.strip_prefix(etag.as_str()).is_some_and(|rest| rest.starts_with(&host));
        (adopt == Adopt::Locked && ours) || is_left_alone(path)
    });
    found
}

/// Whether nobody has written to a file for a while.
pub(crate) fn is_left_alone(path: &Path) -> bool {
    let modified = fs::metadata(path).and_then(|meta| meta.modified());
    modified.is_ok_and(|at| at.elapsed().is_ok_and(|age| age > ABANDONED_AFTER))
}

/// Reads which bytes of a partial are there, and where its journal ends if it has one.
///
/// What is no partial of this size counts as empty.
fn read_state(file: &mut File, size: u64) -> io::Result<(Ranges, Option<u64>)> {
    let length = file.metadata()?.len();
    if length <= size {
        return Ok((Ranges::up_to(length), None));
    }
    if length - size > MAX_JOURNAL_BYTES {
        return Ok((Ranges::default(), None));
    }
    let mut text = Vec::new();
    file.seek(SeekFrom::Start(size))?;
    file.read_to_end(&mut text)?;
    let Some(lines) = text.strip_prefix(MAGIC) else { return Ok((Ranges::default(), None)) };
    // A line that the crash cut off is not there.
    let whole = lines.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
    let mut done = Ranges::default();
    for line in String::from_utf8_lossy(&lines[..whole]).lines() {
        let range =
            line.split_once(' ').and_then(|(start, end)| Some((start.parse().ok()?, end.parse().ok()?)));
        match range {
            Some((start, end)) if start < end && end <= size => done.insert(start, end),
            _ => return Ok((Ranges::default(), None)),
        }
    }
    Ok((done, Some(size + (MAGIC.len() + whole) as u64)))
}

fn write_lines(text: &mut Vec<u8>, ranges: &Ranges) {
    for (start, end) in ranges.iter() {
        text.extend_from_slice(format!("{start} {end}\n").as_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn etag() -> Etag {
        Etag::parse("e1").unwrap()
    }

    fn claim(folder: &Path, adopt: Adopt) -> Partial {
        Partial::claim(folder, &etag(), 100, adopt, None).unwrap()
    }

    #[test]
    fn a_prefix_is_taken_over_by_its_length() {
        let folder = tempfile::tempdir().unwrap();
        claim(folder.path(), Adopt::Locked).write(0, &[7; 40]).unwrap();
        let partial = claim(folder.path(), Adopt::Locked);
        assert_eq!((partial.done(), partial.journal_end), (&Ranges::up_to(40), None));
        assert!(partial.is_resumed());
        assert_eq!(siblings(folder.path(), &etag()), [partial.path()]);
    }

    #[test]
    fn a_journal_tells_which_ranges_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut partial = claim(folder.path(), Adopt::Locked);
        partial.write(0, &[1; 10]).unwrap();
        partial.begin_journal().unwrap();
        partial.write(50, &[2; 30]).unwrap();
        partial.note().unwrap();
        drop(partial);
        let mut partial = claim(folder.path(), Adopt::Locked);
        assert_eq!(partial.done().gaps(100), [(10, 50), (80, 100)]);
        partial.write(10, &[3; 40]).unwrap();
        partial.write(80, &[4; 20]).unwrap();
        let path = partial.complete().unwrap();
        assert_eq!(fs::metadata(path).unwrap().len(), 100);
    }

    #[test]
    fn a_line_that_was_cut_off_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut partial = claim(folder.path(), Adopt::Locked);
        partial.begin_journal().unwrap();
        partial.write(0, &[1; 10]).unwrap();
        partial.note().unwrap();
        let end = partial.journal_end.unwrap();
        partial.file.seek(SeekFrom::Start(end)).unwrap();
        partial.file.write_all(b"20 3").unwrap();
        drop(partial);
        assert_eq!(claim(folder.path(), Adopt::Locked).done(), &Ranges::up_to(10));
    }

    #[test]
    fn junk_is_not_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(fresh_path(folder.path(), &etag()), [9; 150]).unwrap();
        let partial = claim(folder.path(), Adopt::Locked);
        assert_eq!(partial.done().total(), 0);
        assert!(!partial.is_resumed());
    }

    #[test]
    fn without_a_lock_a_partial_in_use_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        claim(folder.path(), Adopt::Locked).write(0, &[7; 40]).unwrap();
        assert_eq!(claim(folder.path(), Adopt::Abandoned).done().total(), 0);
        assert_eq!(siblings(folder.path(), &etag()).len(), 2);
    }

    #[test]
    fn a_prefix_that_python_left_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let foreign = folder.path().join("e1.incomplete");
        fs::write(&foreign, [5; 60]).unwrap();
        let partial = Partial::claim(folder.path(), &etag(), 100, Adopt::Locked, Some(&foreign)).unwrap();
        assert_eq!(partial.done(), &Ranges::up_to(60));
        assert!(!foreign.exists());
    }
}
