//! Unfinished files that one open file alone may change.
use crate::disk::{self, InCache as _};
use crate::fs::{self, File};
use crate::lock::{Locking, Ownership};
use hub_http::{Error, ErrorKind, IoContext as _, Result};
use std::fs::{Metadata, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

/// How often a file is given a new name when other processes take its name away.
const ATTEMPTS: usize = 5;

/// An unfinished file, owned by this value.
///
/// Its owner holds an exclusive lock on the inode, from before the first byte is written until after the file has been
/// moved to its place. Where locks do not work, the name is random and was created by the owner, and nobody takes
/// such files over. So of all descriptors that can write to an inode, only those of one owner ever do.
///
/// [`Owned::publish`] consumes the value: what has been published cannot be written to any more.
#[derive(Debug)]
pub(crate) struct Owned {
    path: PathBuf,
    file: File,
}

/// What came of the attempt to take over a file that another run left.
pub(crate) enum Adoption {
    /// It is ours now.
    Owned(Owned),
    /// Somebody may still write to it, so it can be copied at most.
    InUse,
    /// It is not there any more.
    Gone,
}

impl Owned {
    /// Creates a file under one of the names that `name` makes.
    pub(crate) fn create(folder: &Path, locking: Locking, name: impl Fn() -> String) -> Result<Self> {
        for _ in 0..ATTEMPTS {
            let path = folder.join(name());
            let file = match File::create_new(&path) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    disk::create_dir_all(folder)?;
                    continue;
                }
                created => created.in_cache(&path)?,
            };
            // Another process may have locked the new and empty file before it was locked here. If it has removed the
            // file and let go of it, that shows when the file is published.
            if !matches!(locking.try_lock(file.lockable()), Err(TryLockError::WouldBlock)) {
                return Ok(Self { path, file });
            }
        }
        let message = format!(
            "could not create a file in `{}`: other processes took every new file away; stop them and try again",
            folder.display()
        );
        Err(Error::new(ErrorKind::Io, message).about(folder.display().to_string()))
    }

    /// Takes over a file, if it is certain that nobody else writes to it or will.
    pub(crate) fn adopt(path: &Path, locking: Locking) -> Adoption {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Adoption::Gone,
            Err(_) => return Adoption::InUse,
        };
        if locking.own(file.lockable(), path) != Ownership::Exclusive {
            return Adoption::InUse;
        }
        // Whoever had the lock before may have published the file, or removed it.
        match file.metadata().and_then(|meta| is_only_name(path, &file, &meta)) {
            Ok(true) => Adoption::Owned(Self { path: path.to_path_buf(), file }),
            Ok(false) => Adoption::Gone,
            Err(_) => Adoption::InUse,
        }
    }

    /// The name that it was given.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The open file.
    pub(crate) fn file(&self) -> &File {
        &self.file
    }

    /// Whether its name is still a name of the open file.
    pub(crate) fn has_its_name(&self) -> bool {
        fs::is_name_of(&self.path, self.file.lockable()).unwrap_or(false)
    }

    /// Moves the file to its place, once all its bytes are on the disk.
    ///
    /// A file that has lost its name, since somebody removed it, is copied from the open descriptor. `place` moves the
    /// file of a name to its place; it is called again if the name was removed in the meantime.
    ///
    /// # Errors
    /// [`ErrorKind::ContentChanged`] if the file does not have the length that was written, and those of the disk.
    pub(crate) fn publish<T>(self, length: u64, place: impl Fn(&Path) -> Result<T>) -> Result<T> {
        let mut owned = self;
        for _ in 0..ATTEMPTS {
            // A name in the cache must not outlive a power cut that its bytes did not.
            owned.file.sync().in_cache(&owned.path)?;
            let meta = owned.file.metadata().at(&owned.path)?;
            if meta.len() != length {
                let message = format!(
                    "another program changed `{}`: it has {} bytes, not {length}; try again",
                    owned.path.display(),
                    meta.len()
                );
                owned.discard();
                return Err(Error::new(ErrorKind::ContentChanged, message));
            }
            if is_only_name(&owned.path, &owned.file, &meta).at(&owned.path)? {
                match place(&owned.path) {
                    Err(_) if !owned.has_its_name() => {}
                    placed => return placed,
                }
            }
            tracing::warn!(path = %owned.path.display(), "an unfinished file was removed or linked; copying it");
            owned = owned.copy(length)?;
        }
        let message = format!("could not finish `{}`: other programs keep removing it", owned.path.display());
        Err(Error::new(ErrorKind::Io, message))
    }

    /// Removes it, if its name is still its own.
    pub(crate) fn remove(self) -> Result<()> {
        if self.has_its_name() {
            fs::remove_file(&self.path).in_cache(&self.path)?;
        }
        Ok(())
    }

    /// Removes it as far as that is possible.
    pub(crate) fn discard(self) {
        if let Err(error) = self.remove() {
            tracing::debug!(%error, "an unfinished file was left");
        }
    }

    /// A file of the same content and a name of its own.
    fn copy(self, length: u64) -> Result<Self> {
        let folder = self.path.parent().unwrap_or(&self.path);
        disk::create_dir_all(folder)?;
        let stem = self.path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let copy = Self::create(folder, Locking::System, || renamed(stem))?;
        let mut from = self.file.reader().at(&self.path)?;
        let copied = copy.file.copy_range(from.file(), 0, length).in_cache(&copy.path);
        if let Err(error) = copied {
            copy.discard();
            return Err(error);
        }
        self.discard();
        Ok(copy)
    }
}

/// Whether a path is the one and only name of an open file.
fn is_only_name(path: &Path, file: &File, meta: &Metadata) -> io::Result<bool> {
    Ok(fs::names(meta) == 1 && fs::is_name_of(path, file.lockable())?)
}

/// Another name of the same form: the last eight digits of the tag are random.
fn renamed(name: &str) -> String {
    let (stem, suffix) = name.rsplit_once('.').unwrap_or((name, ""));
    let kept = stem.len().checked_sub(8).and_then(|end| stem.get(..end)).unwrap_or_default();
    format!("{kept}{:08x}.{suffix}", fastrand::u32(..))
}
