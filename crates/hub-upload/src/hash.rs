//! The hashes that name content: sha256 for LFS objects, git's sha1 for files kept in git.
use crate::source::LocalFile;
use hub_http::{Error, ErrorKind, Result};
use sha2::Digest as _;
use std::io::{self, Read as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

/// How much is read at a time; stays in the cache of a core.
const BLOCK_BYTES: usize = 256 << 10;

/// From here on a second thread that reads pays for itself.
const READ_AHEAD_FROM_BYTES: u64 = 8 << 20;

/// Which hash of the content is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Algorithm {
    /// What names an LFS object.
    Sha256,
    /// What names a git blob: a header with the size goes before the content.
    GitSha1,
}

enum Hasher {
    Sha256(sha2::Sha256),
    Sha1(sha1::Sha1),
}

impl Hasher {
    fn new(algorithm: Algorithm, size: u64) -> Self {
        match algorithm {
            Algorithm::Sha256 => Self::Sha256(sha2::Sha256::new()),
            Algorithm::GitSha1 => {
                let mut sha1 = sha1::Sha1::new();
                sha1.update(format!("blob {size}\0"));
                Self::Sha1(sha1)
            }
        }
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(sha256) => sha256.update(bytes),
            Self::Sha1(sha1) => sha1.update(bytes),
        }
    }

    fn finish(self) -> String {
        match self {
            Self::Sha256(sha256) => hex::encode(sha256.finalize()),
            Self::Sha1(sha1) => hex::encode(sha1.finalize()),
        }
    }
}

/// Set when nobody waits for the hashes any more.
#[derive(Debug, Clone, Default)]
pub(crate) struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A guard that sets it when it is dropped.
    pub(crate) fn on_drop(&self) -> CancelOnDrop {
        CancelOnDrop(self.clone())
    }

    fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Cancelled, "the upload was cancelled"));
        }
        Ok(())
    }
}

/// Tells the threads that hash to stop.
pub(crate) struct CancelOnDrop(Cancel);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// Hashes content and makes sure that it did not change meanwhile. Blocks.
///
/// With `read_ahead` large content is read on a thread of its own; several files at once keep all cores busy without.
pub(crate) fn digest(
    file: &LocalFile,
    algorithm: Algorithm,
    read_ahead: bool,
    cancel: &Cancel,
    on_bytes: impl Fn(u64),
) -> Result<String> {
    let mut hasher = Hasher::new(algorithm, file.size());
    let mut length = 0;
    let mut eat = |block: &[u8]| {
        hasher.update(block);
        length += block.len() as u64;
        on_bytes(block.len() as u64);
        cancel.check()
    };
    let ahead = read_ahead && file.size() >= READ_AHEAD_FROM_BYTES;
    if !(ahead && digest_ahead(file, thread::Builder::new(), &mut eat)?) {
        digest_plain(file, &mut eat)?;
    }
    if length != file.size() {
        return Err(file.changed(&format!("it had {} bytes and has {length}", file.size())));
    }
    file.check_unchanged()?;
    Ok(hasher.finish())
}

/// Reads and hashes in turn on this thread.
fn digest_plain(file: &LocalFile, eat: &mut impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let mut reader = file.open()?.take(file.size());
    let mut block = vec![0; BLOCK_BYTES.min(file.size() as usize + 1)];
    loop {
        match reader.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(count) => eat(&block[..count])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(file.unreadable(error)),
        }
    }
}

/// Reads on another thread and hashes on this one, with a few blocks that go round between them.
///
/// Returns false, with nothing read, if the system has no thread to give.
fn digest_ahead(
    file: &LocalFile,
    builder: thread::Builder,
    eat: &mut impl FnMut(&[u8]) -> Result<()>,
) -> Result<bool> {
    const BLOCKS: usize = 4;
    let (full_sender, full) = mpsc::sync_channel::<io::Result<Vec<u8>>>(BLOCKS);
    let (empty_sender, empty) = mpsc::channel::<Vec<u8>>();
    for _ in 0..BLOCKS {
        // The other end is in hand.
        let _ = empty_sender.send(Vec::with_capacity(BLOCK_BYTES));
    }
    let mut reader = file.open()?.take(file.size());
    thread::scope(|scope| {
        let read = move || {
            while let Ok(mut block) = empty.recv() {
                block.clear();
                let read = reader.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut block);
                let last = !matches!(read, Ok(1..));
                if full_sender.send(read.map(|_| block)).is_err() || last {
                    return;
                }
            }
        };
        if builder.spawn_scoped(scope, read).is_err() {
            return Ok(false);
        }
        // Dropping the ends of the channels on the way out lets the reading thread go.
        let (full, empty_sender) = (full, empty_sender);
        for block in &full {
            let block = block.map_err(|error| file.unreadable(error))?;
            eat(&block)?;
            let _ = empty_sender.send(block);
        }
        Ok(true)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    fn hash(file: &LocalFile, algorithm: Algorithm) -> Result<String> {
        digest(file, algorithm, true, &Cancel::default(), |_| {})
    }

    #[test]
    fn the_hashes_are_those_of_git_and_lfs() {
        let file = LocalFile::of_bytes("hello\n".into());
        assert_eq!(hash(&file, Algorithm::GitSha1).unwrap(), "ce013625030ba8dba906f756967f9e9ca394464a");
        assert_eq!(
            hash(&file, Algorithm::Sha256).unwrap(),
            "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
        );
        let empty = LocalFile::of_bytes("".into());
        assert_eq!(hash(&empty, Algorithm::GitSha1).unwrap(), "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391");
    }

    #[test]
    fn reading_ahead_changes_nothing() {
        let bytes: Vec<u8> =
            (0..(READ_AHEAD_FROM_BYTES as usize + 12_345)).map(|n| (n % 251) as u8).collect();
        let file = LocalFile::of_bytes(bytes.into());
        let seen = AtomicU64::new(0);
        let count = |bytes| {
            seen.fetch_add(bytes, Ordering::Relaxed);
        };
        let ahead = digest(&file, Algorithm::Sha256, true, &Cancel::default(), count).unwrap();
        let plain = digest(&file, Algorithm::Sha256, false, &Cancel::default(), |_| {}).unwrap();
        assert_eq!(ahead, plain);
        assert_eq!(seen.into_inner(), file.size());
    }

    #[test]
    fn without_a_thread_to_read_ahead_nothing_is_read() {
        let file = LocalFile::of_bytes(vec![7; READ_AHEAD_FROM_BYTES as usize].into());
        // No address space has room for this stack.
        let builder = thread::Builder::new().stack_size(1 << 56);
        let mut seen = 0;
        let mut eat = |block: &[u8]| {
            seen += block.len();
            Ok(())
        };
        assert!(!digest_ahead(&file, builder, &mut eat).unwrap());
        assert_eq!(seen, 0);
    }

    #[test]
    fn a_file_that_shrank_is_not_hashed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "0123456789").unwrap();
        let measured = LocalFile::measure(file.path().into()).unwrap();
        std::fs::write(file.path(), "01234").unwrap();
        assert_eq!(hash(&measured, Algorithm::Sha256).unwrap_err().kind(), ErrorKind::SourceChanged);
    }

    #[test]
    fn cancelling_stops_the_work() {
        let file = LocalFile::of_bytes(vec![0; 1 << 20].into());
        let cancel = Cancel::default();
        drop(cancel.on_drop());
        let error = digest(&file, Algorithm::Sha256, true, &cancel, |_| {}).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
    }
}
