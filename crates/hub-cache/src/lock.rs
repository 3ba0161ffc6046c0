//! Locks: which process downloads a blob, and which open file owns an unfinished one.
use crate::fs;
use hub_http::{Error, ErrorKind, Result, blocking};
use hub_types::Etag;
use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// How long the holder of a lock may show no progress before others go on without it.
const PATIENCE: Duration = Duration::from_secs(60);
const LONGEST_PAUSE: Duration = Duration::from_millis(250);
/// How long it is waited for a lock that is held for moments.
const NAMES_PATIENCE: Duration = Duration::from_secs(10);
const NAMES_PAUSE: Duration = Duration::from_millis(1);

/// How the file system locks files; tests choose among the kinds that exist.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Locking {
    /// Asks the system.
    #[default]
    System,
    /// Fails, as on file systems that have no locks.
    #[cfg(test)]
    Absent,
    /// Succeeds for everybody, as on some network file systems.
    #[cfg(test)]
    GrantedToAll,
}

/// What an attempt to lock an open file has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ownership {
    /// Nobody else on this host has the lock, for as long as the file is open here.
    Exclusive,
    /// Another open file has the lock.
    Taken,
    /// Locks do not work here, so nothing is known.
    Unknown,
}

impl Locking {
    /// Tries to lock an open file, of which `path` is a name.
    pub(crate) fn own(self, file: &File, path: &Path) -> Ownership {
        match self.try_lock(file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ownership::Taken,
            Err(TryLockError::Error(error)) => {
                tracing::debug!(%error, path = %path.display(), "locks do not work here");
                return Ownership::Unknown;
            }
        }
        // A lock that is granted twice is none.
        let second = OpenOptions::new().read(true).write(true).open(path);
        match second.map(|second| self.try_lock(&second)) {
            Ok(Err(TryLockError::WouldBlock)) => Ownership::Exclusive,
            _ => Ownership::Unknown,
        }
    }

    /// Tells who owns a file, and leaves it as it is; `None` if it is not there.
    pub(crate) fn look(self, path: &Path) -> Option<Ownership> {
        match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => Some(self.own(&file, path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(_) => Some(Ownership::Unknown),
        }
    }

    /// Tries to lock an open file, without finding out whether that keeps others out.
    pub(crate) fn try_lock(self, file: &File) -> std::result::Result<(), TryLockError> {
        match self {
            Self::System => file.try_lock(),
            #[cfg(test)]
            Self::Absent => Err(TryLockError::Error(io::ErrorKind::Unsupported.into())),
            #[cfg(test)]
            Self::GrantedToAll => {
                let _ = file;
                Ok(())
            }
        }
    }
}

/// A lock on the names of a repository: shared while a blob gets its name and its pointers, exclusive while blobs that
/// no pointer shows are removed.
///
/// It is held for moments only. Where locks do not work, the work is done without it.
pub(crate) struct Names {
    /// Closing it releases the lock.
    file: Option<(PathBuf, File)>,
}

impl Names {
    /// Keeps blobs of a repository from being removed; `folder` is the repository's.
    ///
    /// Whoever removes blobs for longer than a few seconds is not waited for: what that costs is fetched again.
    pub(crate) fn share(folder: &Path) -> Self {
        Self::wait(folder, File::try_lock_shared).unwrap_or_else(|| {
            tracing::warn!(folder = %folder.display(), "another process keeps the repository locked; going on");
            Self { file: None }
        })
    }

    /// Keeps blobs of a repository from coming into use.
    ///
    /// # Errors
    /// [`ErrorKind::Timeout`] if others keep using the lock.
    pub(crate) fn exclude(folder: &Path) -> Result<Self> {
        Self::wait(folder, File::try_lock).ok_or_else(|| {
            let folder = folder.display().to_string();
            let message = format!(
                "could not delete from `{folder}`: other processes keep it locked, since they download into it; try \
                 again when they are done"
            );
            Error::new(ErrorKind::Timeout, message).about(folder)
        })
    }

    /// Removes an exclusive lock together with its file and the folders that are empty then.
    pub(crate) fn remove(self) {
        let Some((path, _file)) = self.file else { return };
        let removed = fs::remove_file(&path);
        let mut folders = path.ancestors().skip(1).take(2);
        // The second is `.locks`. Locks of other repositories and of the Python client may be in them.
        let _ = removed.and_then(|()| folders.try_for_each(fs::remove_dir));
    }

    /// Waits for the lock for a while; `None` if others keep it.
    fn wait(folder: &Path, lock: impl Fn(&File) -> std::result::Result<(), TryLockError>) -> Option<Self> {
        let useless = Some(Self { file: None });
        let (Some(cache), Some(name)) = (folder.parent(), folder.file_name()) else { return useless };
        // The locks of blobs are called `<etag>.lock`, so this is none of them.
        let path = cache.join(".locks").join(name).join("names");
        let since = std::time::Instant::now();
        while since.elapsed() < NAMES_PATIENCE {
            let Ok(file) = open_lock(&path) else { return useless };
            match lock(&file) {
                // Whoever had the lock before may have removed its file.
                Ok(()) if fs::is_name_of(&path, &file).unwrap_or(true) => {
                    return Some(Self { file: Some((path, file)) });
                }
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => std::thread::sleep(NAMES_PAUSE),
                Err(TryLockError::Error(_)) => return useless,
            }
        }
        None
    }
}

/// Opens a file to lock, and makes it if it is missing.
fn open_lock(path: &Path) -> io::Result<File> {
    match fs::touch(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(path.parent().unwrap_or(path))?;
            fs::touch(path)
        }
        opened => opened,
    }
}

/// A lock that saves work; what is written is right without it, too.
///
/// It is the advisory lock that the Python client takes, on the same file. Where locks do not work (some network file
/// systems grant them to everybody, or to nobody) it says so, and the download goes on with files of its own.
pub(crate) struct Lock {
    /// Closing it releases the lock.
    _file: Option<File>,
    exclusive: bool,
}

/// What changes while the holder of a lock makes progress.
pub(crate) type Signs = (u64, Option<SystemTime>);

impl Lock {
    /// Whether nobody else on this host can hold it now.
    pub(crate) fn is_exclusive(&self) -> bool {
        self.exclusive
    }

    /// Waits for a lock as long as its holder makes progress; `None` when what the lock is for has been done.
    ///
    /// `watch` looks at the disk: it returns what changes while the holder works, or `None` once the work is done.
    pub(crate) async fn wait(
        path: PathBuf,
        etag: &Etag,
        watch: impl Fn() -> Option<Signs> + Send + Sync + 'static,
    ) -> Result<Option<Self>> {
        let (path, watch) = (Arc::new(path), Arc::new(watch));
        let mut seen = None;
        let mut since = Instant::now();
        let mut pause = Duration::from_millis(5);
        loop {
            let (path, watch) = (path.clone(), watch.clone());
            let look = move || {
                Ok(match Self::attempt(&path, Locking::System) {
                    Attempt::Taken => Err(watch()),
                    Attempt::Held(lock) => Ok(lock),
                    Attempt::Useless => Ok(Self::none()),
                })
            };
            let signs = match blocking(look).await? {
                Ok(lock) => return Ok(Some(lock)),
                Err(None) => return Ok(None),
                Err(signs) => signs,
            };
            if signs != seen {
                (seen, since) = (signs, Instant::now());
            } else if since.elapsed() > PATIENCE {
                tracing::warn!(%etag, "the process that downloads this makes no progress; going on without it");
                return Ok(Some(Self::none()));
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Who holds a lock; makes no file.
    pub(crate) fn look(path: &Path) -> Ownership {
        Locking::System.look(path).unwrap_or(Ownership::Exclusive)
    }

    /// Tries to take a lock.
    pub(crate) fn attempt(path: &Path, locking: Locking) -> Attempt {
        let file = match open_lock(path) {
            Ok(file) => file,
            Err(error) => {
                tracing::debug!(%error, path = %path.display(), "a lock could not be made");
                return Attempt::Useless;
            }
        };
        match locking.own(&file, path) {
            Ownership::Exclusive => Attempt::Held(Self { _file: Some(file), exclusive: true }),
            Ownership::Taken => Attempt::Taken,
            Ownership::Unknown => Attempt::Useless,
        }
    }

    fn none() -> Self {
        Self { _file: None, exclusive: false }
    }
}

/// What an attempt to take a lock came to.
pub(crate) enum Attempt {
    /// It is ours, and nobody else's.
    Held(Lock),
    /// Somebody else has it.
    Taken,
    /// Locks do not work here.
    Useless,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    fn etag() -> Etag {
        Etag::parse("e1").unwrap()
    }

    async fn wait(path: &Path, watch: impl Fn() -> Option<Signs> + Send + Sync + 'static) -> Option<Lock> {
        Lock::wait(path.to_path_buf(), &etag(), watch).await.unwrap()
    }

    #[tokio::test]
    async fn a_lock_is_exclusive_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".locks/r/e1.lock");
        let first = wait(&path, || Some((0, None))).await.unwrap();
        assert!(first.is_exclusive());
        assert!(matches!(Lock::attempt(&path, Locking::System), Attempt::Taken));
        assert_eq!(Lock::look(&path), Ownership::Taken);
        drop(first);
        assert!(matches!(Lock::attempt(&path, Locking::System), Attempt::Held(_)));
    }

    #[tokio::test]
    async fn a_waiter_sees_that_the_work_is_done() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e1.lock");
        let _holder = wait(&path, || Some((0, None))).await.unwrap();
        let ticks = AtomicU64::new(0);
        let watch = move || {
            let tick = ticks.fetch_add(1, Ordering::Relaxed);
            (tick <= 2).then_some((tick, None))
        };
        assert!(wait(&path, watch).await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_waiter_goes_on_after_a_minute_without_progress() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e1.lock");
        let _holder = wait(&path, || Some((0, None))).await.unwrap();
        let started = Instant::now();
        // Some progress at first, then none.
        let ticks = AtomicU64::new(0);
        let watch = move || Some((ticks.fetch_add(1, Ordering::Relaxed).min(100), None));
        assert!(!wait(&path, watch).await.unwrap().is_exclusive());
        assert!(started.elapsed() > PATIENCE + 90 * LONGEST_PAUSE, "{:?}", started.elapsed());
    }

    #[test]
    fn locks_that_are_absent_or_granted_twice_are_useless() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("e1.lock");
        for locking in [Locking::Absent, Locking::GrantedToAll] {
            assert!(matches!(Lock::attempt(&path, locking), Attempt::Useless), "{locking:?}");
        }
    }

    #[test]
    fn looking_at_a_lock_makes_no_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("r/e1.lock");
        assert_eq!(Lock::look(&path), Ownership::Exclusive);
        assert!(!folder.path().join("r").exists());
    }
}
