//! Who fetches a content when several want it.
use hub_types::Etag;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// How long the holder of a lock may show no progress before others go on without it.
const PATIENCE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);

/// A lock that saves work; what is written is right without it, too.
///
/// It is the advisory lock that the Python client takes, on the same file. Where locks do not work (some network file
/// systems grant them to everybody, or to nobody) it says so, and the download goes on with files of its own.
pub(crate) struct Lock {
    /// Closing it releases the lock.
    _file: Option<File>,
    exclusive: bool,
}

impl Lock {
    /// Whether nobody else on this host can hold it now.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.exclusive
    }

    /// Waits for a lock as long as its holder makes progress; `None` when what the lock is for has been done.
    ///
    /// `signs` is what changes while the holder works.
    pub(crate) async fn wait(
        path: &Path,
        etag: &Etag,
        is_done: impl Fn() -> bool,
        signs: impl Fn() -> (u64, Option<SystemTime>),
    ) -> Option<Self> {
        let without = Self { _file: None, exclusive: false };
        let mut seen = None;
        let mut since = Instant::now();
        let mut pause = Duration::from_millis(5);
        loop {
            match Self::attempt(path) {
                Attempt::Held(lock) => return Some(lock),
                Attempt::Useless => return Some(without),
                Attempt::Taken => {}
            }
            if is_done() {
                return None;
            }
            let now = Some(signs());
            if now != seen {
                (seen, since) = (now, Instant::now());
            } else if since.elapsed() > PATIENCE {
                tracing::warn!(%etag, "the process that downloads this makes no progress; going on without it");
                return Some(without);
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Whether locks work here and nobody holds this one.
    pub(crate) fn is_free(path: &Path) -> bool {
        matches!(Self::attempt(path), Attempt::Held(lock) if lock.exclusive)
    }

    fn attempt(path: &Path) -> Attempt {
        let open = || OpenOptions::new().read(true).append(true).create(true).open(path);
        if let Some(folder) = path.parent()
            && let Err(error) = fs::create_dir_all(folder)
        {
            tracing::debug!(%error, "no folder for locks");
            return Attempt::Useless;
        }
        let Ok(file) = open() else { return Attempt::Useless };
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Attempt::Taken,
            Err(TryLockError::Error(error)) => {
                tracing::debug!(%error, "locks do not work here");
                return Attempt::Useless;
            }
        }
        // A lock that is granted twice locks nothing.
        let exclusive = open().is_ok_and(|second| matches!(second.try_lock(), Err(TryLockError::WouldBlock)));
        Attempt::Held(Self { _file: Some(file), exclusive })
    }
}

enum Attempt {
    Held(Lock),
    Taken,
    Useless,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

    fn etag() -> Etag {
        Etag::parse("e1").unwrap()
    }

    #[tokio::test]
    async fn a_lock_is_exclusive_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".locks/r/e1.lock");
        let first = Lock::wait(&path, &etag(), || false, || (0, None)).await.unwrap();
        assert!(first.is_exclusive());
        assert!(matches!(Lock::attempt(&path), Attempt::Taken));
        drop(first);
        assert!(matches!(Lock::attempt(&path), Attempt::Held(_)));
    }

    #[tokio::test]
    async fn who_waits_sees_that_the_work_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e1.lock");
        let _holder = Lock::wait(&path, &etag(), || false, || (0, None)).await.unwrap();
        let (done, ticks) = (AtomicBool::new(false), AtomicU64::new(0));
        let signs = || {
            let tick = ticks.fetch_add(1, Ordering::Relaxed);
            done.store(tick > 2, Ordering::Relaxed);
            (tick, None)
        };
        assert!(Lock::wait(&path, &etag(), || done.load(Ordering::Relaxed), signs).await.is_none());
    }
}
