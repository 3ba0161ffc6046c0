//! Files that are not complete yet, on disk, in a form that outlives the process.
use crate::disk::InCache as _;
use crate::fs::{self, Reader};
use crate::lock::{Locking, Signs};
use crate::owned::{Adoption, Owned};
use crate::ranges::Ranges;
use bytes::Bytes;
use hub_http::{IoContext as _, Result};
use hub_types::Etag;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::time::Duration;

/// The end of the names of partial files. The Python client's own end with `.incomplete`.
pub(crate) const SUFFIX: &str = ".partial";
/// What the journal begins with.
const MAGIC: &[u8] = b"hub-partial 1\n";
/// How much may be written before the journal tells.
const JOURNAL_EVERY_BYTES: u64 = 1 << 20;
/// A journal that is longer than this is not one of ours.
const MAX_JOURNAL_BYTES: u64 = 64 << 20;
/// Less than this is not worth copying.
const COPY_FROM_BYTES: u64 = 1 << 20;

/// How long a partial must have been left alone before it is removed without a lock that works.
const ABANDONED_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// A file under construction.
///
/// It is one file, `<etag>.<tag>.partial`. Up to the size of the content it is either a prefix of it, or, when
/// ranges come in any order, content with holes, followed by a journal: the line `hub-partial 1` and a line
/// `start end` for each range that has been written. One name cannot come apart from its journal in a crash.
///
/// The tag is the host's and a random number. [`Owned`] says how it is ensured that one process alone writes to it.
#[derive(Debug)]
pub(crate) struct Partial {
    owned: Owned,
    size: u64,
    done: Ranges,
    /// Where the next line of the journal goes, if there is one.
    journal_end: Option<u64>,
    unwritten: Ranges,
    /// Whether bytes of an earlier run are in it.
    resumed: bool,
}

/// What may be used of what other runs left or have under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Adopt {
    /// Nothing: all is to be fetched anew.
    Nothing,
    /// Partials.
    Partials,
    /// Partials and, since the lock that the Python client honours is held, the Python client's own.
    PartialsAndForeign,
}

impl Partial {
    /// Takes over the fullest partial of a blob, or begins one, and copies what others have beside that.
    ///
    /// Partials that nobody owns are taken over as they are. Those that may be in use, now or ever, are only read from:
    /// partials with an owner, those of another host, and all where locks do not work. `foreign` is where the Python
    /// client would keep its own, a prefix.
    pub(crate) fn claim(
        folder: &Path,
        etag: &Etag,
        size: u64,
        adopt: Adopt,
        foreign: Option<&Path>,
    ) -> Result<Self> {
        Self::claim_with(Locking::System, folder, etag, size, adopt, foreign)
    }

    fn claim_with(
        locking: Locking,
        folder: &Path,
        etag: &Etag,
        size: u64,
        adopt: Adopt,
        foreign: Option<&Path>,
    ) -> Result<Self> {
        if adopt == Adopt::Nothing {
            return Self::begin(folder, etag, size, locking);
        }
        let (mut free, in_use) = survey(folder, etag, size, locking);
        let mut partial = match free.pop() {
            Some(fullest) => fullest,
            None => Self::begin(folder, etag, size, locking)?,
        };
        // Bytes of other hosts, or of before a power cut, are as good as the hash that they are compared with.
        if etag.sha256().is_some() || etag.git_sha1().is_some() {
            let foreign = foreign.map(Path::to_path_buf);
            let own = free.iter().map(|other| other.path().to_path_buf());
            for source in own.chain(in_use).chain(foreign) {
                if let Err(error) = partial.fill_from(&source) {
                    tracing::debug!(%error, path = %source.display(), "bytes of a partial were not copied");
                }
            }
        }
        // What was of use in the others has been copied.
        free.into_iter().for_each(Self::discard);
        if let Some(foreign) = foreign.filter(|_| adopt == Adopt::PartialsAndForeign) {
            let _ = fs::remove_file(foreign);
        }
        Ok(partial)
    }

    /// Begins an empty one.
    fn begin(folder: &Path, etag: &Etag, size: u64, locking: Locking) -> Result<Self> {
        let owned = Owned::create(folder, locking, || fresh_name(etag))?;
        Ok(Self {
            owned,
            size,
            done: Ranges::default(),
            journal_end: None,
            unwritten: Ranges::default(),
            resumed: false,
        })
    }

    /// Goes on with one that has become ours.
    fn resume(owned: Owned, size: u64) -> Result<Self> {
        let reader = owned.file().reader().at(owned.path())?;
        let (done, journal_end) = read_state(&reader, size).at(owned.path())?;
        Ok(Self { owned, size, resumed: done.total() > 0, done, journal_end, unwritten: Ranges::default() })
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.owned.path()
    }

    /// The bytes that are there.
    pub(crate) fn done(&self) -> &Ranges {
        &self.done
    }

    /// Whether bytes of an earlier run are in it.
    pub(crate) fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// A handle to read from it, which is right whatever happens to its name.
    pub(crate) fn reader(&self) -> Result<Reader> {
        self.owned.file().reader().at(self.path())
    }

    /// Writes bytes to their place.
    pub(crate) fn write(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        self.owned.file().write_all_at(bytes, offset).in_cache(self.path())?;
        self.has_come(offset, offset + bytes.len() as u64)
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
        self.owned.file().set_len(0).in_cache(self.path())?;
        self.done.clear();
        self.unwritten.clear();
        self.journal_end = None;
        self.resumed = false;
        Ok(())
    }

    /// Begins one of a blob whose size is not known; see [`Partial::end`].
    pub(crate) fn begin_unsized(folder: &Path, etag: &Etag) -> Result<Self> {
        Self::begin(folder, etag, u64::MAX, Locking::System)
    }

    /// Says that what has come is all; gives the size.
    pub(crate) fn end(&mut self) -> u64 {
        self.size = self.done.head();
        self.size
    }

    /// Makes it the content alone, safe from power cuts, and has it moved to its place; see [`Owned::publish`].
    pub(crate) fn publish<T>(self, place: impl Fn(&Path) -> Result<T>) -> Result<T> {
        if self.journal_end.is_some() {
            self.owned.file().set_len(self.size).in_cache(self.path())?;
        }
        self.owned.publish(self.size, place)
    }

    /// Removes it.
    pub(crate) fn discard(self) {
        self.owned.discard();
    }

    fn has_come(&mut self, start: u64, end: u64) -> Result<()> {
        self.done.insert(start, end);
        if self.journal_end.is_some() {
            self.unwritten.insert(start, end);
            if self.unwritten.total() >= JOURNAL_EVERY_BYTES {
                self.note()?;
            }
        }
        Ok(())
    }

    fn append(&mut self, at: u64, text: &[u8]) -> Result<()> {
        self.owned.file().write_all_at(text, at).in_cache(self.path())?;
        self.journal_end = Some(at + text.len() as u64);
        Ok(())
    }

    /// Copies the ranges that another partial has and this one lacks.
    ///
    /// The other one may be in use: its journal, or its length, is read first, and what that names was written before.
    /// If its owner truncates it during the copy, wrong bytes may be copied; the final hash detects that.
    fn fill_from(&mut self, source: &Path) -> Result<()> {
        let mut reader = match Reader::open(source) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            opened => opened.at(source)?,
        };
        let there = read_state(&reader, self.size).at(source)?.0;
        let missing = there.without(&self.done);
        if missing.total() < COPY_FROM_BYTES.min(self.size) {
            return Ok(());
        }
        if missing.iter().any(|(start, _)| start != self.done.head()) || missing.iter().count() > 1 {
            self.begin_journal()?;
        }
        for (start, end) in missing.iter() {
            let copied = self.owned.file().copy_range(reader.file(), start, end).in_cache(self.path())?;
            if copied > 0 {
                self.resumed = true;
                self.has_come(start, start + copied)?;
            }
            if copied < end - start {
                break;
            }
        }
        self.note()
    }
}

/// Writes a small file in one go, as a partial of which all has come.
pub(crate) fn write_whole(folder: &Path, etag: &Etag, pieces: &[Bytes]) -> Result<Partial> {
    let size = pieces.iter().map(|piece| piece.len() as u64).sum();
    let mut partial = Partial::begin(folder, etag, size, Locking::System)?;
    for piece in pieces {
        if let Err(error) = partial.write(partial.done.head(), piece) {
            partial.discard();
            return Err(error);
        }
    }
    Ok(partial)
}

/// A name for a new partial; hardly two are alike.
fn fresh_name(etag: &Etag) -> String {
    format!("{etag}.{:08x}{:08x}{SUFFIX}", HOST.unwrap_or_default(), fastrand::u32(..))
}

/// What changes when somebody writes to the partials of a blob.
pub(crate) fn signs_of_life(folder: &Path, etag: &Etag, foreign: Option<&Path>) -> Signs {
    let metas = siblings(folder, etag)
        .into_iter()
        .chain(foreign.map(Path::to_path_buf))
        .filter_map(|path| std::fs::metadata(path).ok());
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
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries
        .flatten()
        .filter(|entry| entry.file_name().to_str().is_some_and(is_name))
        .filter_map(|entry| entry.metadata().ok())
        .map(|meta| occupied(&meta))
        .sum()
}

/// What a file takes up on the disk: less than its length if it has holes.
#[cfg(unix)]
pub(crate) fn occupied(meta: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::blocks(meta) * 512
}

/// What a file takes up on the disk.
#[cfg(not(unix))]
pub(crate) fn occupied(meta: &std::fs::Metadata) -> u64 {
    meta.len()
}

/// Tells hosts apart that share a folder, by the identity of the running system; `None` where it has none.
static HOST: LazyLock<Option<u32>> = LazyLock::new(|| {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let id = read("/proc/sys/kernel/random/boot_id")
        .or_else(|| read("/etc/hostname"))
        .or_else(|| std::env::var("COMPUTERNAME").ok())
        .filter(|id| !id.trim().is_empty())?;
    // FNV-1a: it need not be strong, and must be the same in every process.
    Some(id.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)))
});

/// Whether a partial is of this host, by its name. A lock may be known to one host only.
pub(crate) fn is_of_this_host(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let tag = name.strip_suffix(SUFFIX).and_then(|stem| stem.rsplit_once('.')).map(|(_, tag)| tag);
    tag.zip(*HOST).is_some_and(|(tag, host)| tag.len() == 16 && tag.starts_with(&format!("{host:08x}")))
}

/// The partials of a blob, ours and those of others.
fn siblings(folder: &Path, etag: &Etag) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
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

/// Takes over the partials of a blob that nobody owns, the fullest last, and tells the paths of the others.
///
/// Those without any byte of use are removed.
fn survey(folder: &Path, etag: &Etag, size: u64, locking: Locking) -> (Vec<Partial>, Vec<PathBuf>) {
    let (mut free, mut in_use) = (Vec::new(), Vec::new());
    for path in siblings(folder, etag) {
        if !is_of_this_host(&path) {
            in_use.push(path);
            continue;
        }
        match Owned::adopt(&path, locking) {
            Adoption::Owned(owned) => match Partial::resume(owned, size) {
                Ok(partial) if partial.done.total() > 0 => free.push(partial),
                Ok(useless) => useless.discard(),
                Err(error) => tracing::debug!(%error, "a partial cannot be read"),
            },
            Adoption::InUse => in_use.push(path),
            Adoption::Gone => {}
        }
    }
    free.sort_by_key(|partial| partial.done.total());
    (free, in_use)
}

/// Reads which bytes of a partial are there, and where its journal ends if it has one.
///
/// What is no partial of this size counts as empty.
pub(crate) fn read_state(reader: &Reader, size: u64) -> io::Result<(Ranges, Option<u64>)> {
    let length = reader.length()?;
    if length <= size {
        return Ok((Ranges::up_to(length), None));
    }
    if length - size > MAX_JOURNAL_BYTES {
        return Ok((Ranges::default(), None));
    }
    let mut text = vec![0; usize::try_from(length - size).unwrap_or_default()];
    let read = reader.read_at(&mut text, size)?;
    text.truncate(read);
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

/// Whether nobody has written to a file for a long time.
pub(crate) fn is_left_alone(meta: &std::fs::Metadata) -> bool {
    meta.modified().is_ok_and(|at| at.elapsed().is_ok_and(|age| age > ABANDONED_AFTER))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const MIB: u64 = 1 << 20;
    const SIZE: u64 = 8 * MIB;
    const LOCKINGS: [Locking; 3] = [Locking::System, Locking::Absent, Locking::GrantedToAll];

    fn etag() -> Etag {
        Etag::parse(&"e".repeat(64)).unwrap()
    }

    fn claim(folder: &Path, adopt: Adopt) -> Partial {
        claim_with(Locking::System, folder, adopt)
    }

    fn claim_with(locking: Locking, folder: &Path, adopt: Adopt) -> Partial {
        Partial::claim_with(locking, folder, &etag(), SIZE, adopt, None).unwrap()
    }

    /// The content: each byte says in which MiB it is.
    fn content(start: u64, end: u64) -> Vec<u8> {
        (start..end).map(|at| (at / MIB) as u8 + 1).collect()
    }

    fn write(partial: &mut Partial, start: u64, end: u64) {
        partial.write(start, &content(start, end)).unwrap();
    }

    /// Lets a file look as if nobody had written to it for a while.
    fn age(path: &Path, seconds: u64) {
        let then = std::time::SystemTime::now() - Duration::from_secs(seconds);
        fs::File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
    }

    /// Renames a partial as if it were of another host.
    fn of_another_host(path: &Path) -> PathBuf {
        let name = path.file_name().unwrap().to_str().unwrap();
        let host = u32::from_str_radix(&name[65..73], 16).unwrap();
        let renamed = path.with_file_name(format!("{}{:08x}{}", &name[..65], !host, &name[73..]));
        fs::rename(path, &renamed).unwrap();
        renamed
    }

    #[test]
    fn a_published_file_is_out_of_reach_of_a_stalled_owner() {
        for locking in LOCKINGS {
            for restarts in [false, true] {
                let folder = tempfile::tempdir().unwrap();
                let published = folder.path().join("published");
                let mut first = claim_with(locking, folder.path(), Adopt::Partials);
                write(&mut first, 0, 2 * MIB);
                first.begin_journal().unwrap();
                write(&mut first, 4 * MIB, 5 * MIB);
                age(first.path(), 61);
                let mut second = claim_with(locking, folder.path(), Adopt::Partials);
                assert_ne!(second.path(), first.path(), "{locking:?}");
                for (start, end) in second.done().gaps(SIZE) {
                    write(&mut second, start, end);
                }
                second.publish(|from| crate::disk::rename(from, &published)).unwrap();
                // The first one wakes up.
                if restarts {
                    first.restart().unwrap();
                }
                first.write(3 * MIB, &[0xee; 1 << 20]).unwrap();
                first.note().unwrap();
                assert!(fs::read(&published).unwrap() == content(0, SIZE), "{locking:?}");
            }
        }
    }

    #[test]
    fn a_partial_that_is_owned_is_copied_from() {
        for locking in LOCKINGS {
            let folder = tempfile::tempdir().unwrap();
            let mut first = claim_with(locking, folder.path(), Adopt::Partials);
            write(&mut first, 0, 2 * MIB);
            first.begin_journal().unwrap();
            write(&mut first, 4 * MIB, 5 * MIB);
            first.note().unwrap();
            let mut second = claim_with(locking, folder.path(), Adopt::Partials);
            assert_eq!(second.done().gaps(SIZE), [(2 * MIB, 4 * MIB), (5 * MIB, SIZE)], "{locking:?}");
            assert!(second.is_resumed());
            for (start, end) in second.done().gaps(SIZE) {
                write(&mut second, start, end);
            }
            second.publish(|from| crate::disk::rename(from, &folder.path().join("published"))).unwrap();
            assert!(fs::read(folder.path().join("published")).unwrap() == content(0, SIZE));
            assert_eq!(siblings(folder.path(), &etag()), [first.path()]);
        }
    }

    #[test]
    fn a_partial_of_another_host_is_copied_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let mut theirs = claim(folder.path(), Adopt::Partials);
        write(&mut theirs, 0, 2 * MIB);
        let theirs = of_another_host(theirs.path());
        age(&theirs, 1_000_000);
        let ours = claim(folder.path(), Adopt::PartialsAndForeign);
        assert_eq!(ours.done(), &Ranges::up_to(2 * MIB));
        assert_ne!(ours.path(), theirs);
        assert_eq!(fs::read(theirs).unwrap(), content(0, 2 * MIB));
    }

    #[test]
    fn bytes_that_no_hash_covers_are_not_copied() {
        let folder = tempfile::tempdir().unwrap();
        let etag = Etag::parse("d41d8cd98f00b204e9800998ecf8427e-2").unwrap();
        let begin = || Partial::claim(folder.path(), &etag, SIZE, Adopt::Partials, None).unwrap();
        let mut first = begin();
        write(&mut first, 0, 2 * MIB);
        assert_eq!(begin().done().total(), 0);
        drop(first);
        assert_eq!(begin().done().total(), 2 * MIB, "under its lock it is taken over");
    }

    #[test]
    fn partials_that_nobody_owns_are_joined_into_one() {
        let folder = tempfile::tempdir().unwrap();
        let (mut one, mut two) = (claim(folder.path(), Adopt::Nothing), claim(folder.path(), Adopt::Nothing));
        write(&mut one, 0, 3 * MIB);
        two.begin_journal().unwrap();
        write(&mut two, 2 * MIB, 4 * MIB);
        two.note().unwrap();
        drop((one, two));
        let joined = claim(folder.path(), Adopt::Partials);
        assert_eq!(joined.done(), &Ranges::up_to(4 * MIB));
        assert_eq!(siblings(folder.path(), &etag()), [joined.path()]);
        let mut read = vec![0; (4 * MIB) as usize];
        joined.reader().unwrap().read_exact_at(&mut read, 0).unwrap();
        assert!(read == content(0, 4 * MIB));
    }

    #[test]
    fn a_prefix_is_taken_over_by_its_length() {
        let folder = tempfile::tempdir().unwrap();
        write(&mut claim(folder.path(), Adopt::Partials), 0, 2 * MIB);
        let partial = claim(folder.path(), Adopt::Partials);
        assert_eq!((partial.done(), partial.journal_end), (&Ranges::up_to(2 * MIB), None));
        assert!(partial.is_resumed());
        assert_eq!(siblings(folder.path(), &etag()), [partial.path()]);
    }

    #[test]
    fn a_journal_tells_which_ranges_are_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut partial = claim(folder.path(), Adopt::Partials);
        write(&mut partial, 0, 100);
        partial.begin_journal().unwrap();
        write(&mut partial, MIB, 2 * MIB);
        partial.note().unwrap();
        drop(partial);
        let mut partial = claim(folder.path(), Adopt::Partials);
        assert_eq!(partial.done().gaps(SIZE), [(100, MIB), (2 * MIB, SIZE)]);
        write(&mut partial, 100, MIB);
        write(&mut partial, 2 * MIB, SIZE);
        let published = folder.path().join("published");
        partial.publish(|from| crate::disk::rename(from, &published)).unwrap();
        assert!(fs::read(published).unwrap() == content(0, SIZE));
    }

    #[test]
    fn a_line_that_was_cut_off_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let mut partial = claim(folder.path(), Adopt::Partials);
        partial.begin_journal().unwrap();
        write(&mut partial, 0, 10);
        partial.note().unwrap();
        let end = partial.journal_end.unwrap();
        partial.owned.file().write_all_at(b"20 3", end).unwrap();
        drop(partial);
        assert_eq!(claim(folder.path(), Adopt::Partials).done(), &Ranges::up_to(10));
    }

    #[test]
    fn junk_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let junk = folder.path().join(fresh_name(&etag()));
        fs::write(&junk, vec![9; (SIZE + 50) as usize]).unwrap();
        let partial = claim(folder.path(), Adopt::Partials);
        assert_eq!(partial.done().total(), 0);
        assert!(!partial.is_resumed() && !junk.exists());
    }

    #[test]
    fn a_prefix_that_python_left_is_copied() {
        let folder = tempfile::tempdir().unwrap();
        let foreign = folder.path().join("e1.incomplete");
        fs::write(&foreign, content(0, 3 * MIB)).unwrap();
        let of = |adopt| Partial::claim(folder.path(), &etag(), SIZE, adopt, Some(&foreign)).unwrap();
        let partial = of(Adopt::Partials);
        assert_eq!(partial.done(), &Ranges::up_to(3 * MIB));
        partial.discard();
        assert!(foreign.exists(), "its lock is not held");
        assert_eq!(of(Adopt::PartialsAndForeign).done(), &Ranges::up_to(3 * MIB));
        assert!(!foreign.exists());
    }

    #[test]
    fn a_file_whose_name_was_removed_is_published_all_the_same() {
        let folder = tempfile::tempdir().unwrap();
        for removal in ["the file", "the folder"] {
            let blobs = folder.path().join(removal);
            fs::create_dir(&blobs).unwrap();
            let mut partial = claim(&blobs, Adopt::Partials);
            write(&mut partial, 0, SIZE);
            match removal {
                "the file" => fs::remove_file(partial.path()).unwrap(),
                _ => fs::remove_dir_all(&blobs).unwrap(),
            }
            partial.publish(|from| crate::disk::rename(from, &blobs.join("published"))).unwrap();
            assert!(fs::read(blobs.join("published")).unwrap() == content(0, SIZE));
            assert_eq!(siblings(&blobs, &etag()).len(), 0);
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_published_shares_no_inode_with_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let mut partial = claim(folder.path(), Adopt::Partials);
        write(&mut partial, 0, SIZE);
        let backup = folder.path().join("backup");
        fs::hard_link(partial.path(), &backup).unwrap();
        let published = folder.path().join("published");
        partial.publish(|from| crate::disk::rename(from, &published)).unwrap();
        fs::write(backup, "overwritten").unwrap();
        assert!(fs::read(published).unwrap() == content(0, SIZE));
    }

    #[test]
    fn a_file_that_another_program_lengthened_is_not_published() {
        let folder = tempfile::tempdir().unwrap();
        let mut partial = claim(folder.path(), Adopt::Partials);
        write(&mut partial, 0, SIZE);
        fs::OpenOptions::new().append(true).open(partial.path()).unwrap().set_len(SIZE + 1).unwrap();
        let published = folder.path().join("published");
        let error = partial.publish(|from| crate::disk::rename(from, &published)).unwrap_err();
        assert_eq!(error.kind(), hub_http::ErrorKind::ContentChanged);
        assert!(!published.exists());
    }
}
