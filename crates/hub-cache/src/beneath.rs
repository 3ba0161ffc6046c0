//! Folders below one folder, without leaving it through links that others put there.
use crate::disk::{self, InCache as _};
use hub_http::{Error, ErrorKind, IoContext as _, Result};
use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

/// A folder of the user's that files are moved into.
///
/// A link to a folder that is there when [`Beneath::pin`] is called is followed to the folder that it leads to at that
/// moment, if it belongs to the user: to the one who runs this, to the owner of the folder, or to root. Every other
/// link on the way to a file is refused, also one that takes the place of a folder while files are written: folders
/// are opened one from the other and never looked up again by their path.
#[derive(Debug)]
pub(crate) struct Beneath {
    root: PathBuf,
    opened: OnceLock<Folder>,
    /// The folders that the user's links lead to, by their paths below the root.
    pins: Mutex<Option<HashMap<String, Folder>>>,
}

impl Beneath {
    pub(crate) fn new(root: PathBuf) -> Self {
        Self { root, opened: OnceLock::new(), pins: Mutex::new(None) }
    }

    /// Notes which folders on the way to these files are links now. Only the first call does something.
    pub(crate) fn pin<'p>(&self, paths: impl Iterator<Item = &'p str>) -> Result<()> {
        let mut pins = self.pins.lock().unwrap_or_else(PoisonError::into_inner);
        if pins.is_some() {
            return Ok(());
        }
        let pins = pins.insert(HashMap::new());
        if !self.root.is_dir() {
            return Ok(());
        }
        let _ = self.root()?;
        let mut folders: BTreeSet<&str> = BTreeSet::new();
        let mut last = "";
        for path in paths {
            let parent = path.rsplit_once('/').map_or("", |(parent, _)| parent);
            if parent != last {
                folders.extend(path.match_indices('/').map(|(end, _)| &path[..end]));
                last = parent;
            }
        }
        // In order, so that folders come before what is in them.
        for folder in folders {
            let path = self.root.join(folder);
            if is_own_link(&path, &self.root) && path.is_dir() {
                let target = fs::canonicalize(&path).at(&path)?;
                pins.insert(folder.to_owned(), Folder::open(&target)?);
            }
        }
        Ok(())
    }

    /// Moves a file to a path below the root, over one that is there; folders on the way are made.
    ///
    /// # Errors
    /// [`ErrorKind::UnsafePath`] if a folder on the way is a link that was not pinned, or a file.
    pub(crate) fn place(&self, from: &Path, path: &str) -> Result<()> {
        let mut segments: Vec<&str> = path.split('/').collect();
        let name = segments.pop().unwrap_or_default();
        let mut folder: Option<Folder> = None;
        let mut prefix = String::new();
        for segment in segments {
            if !prefix.is_empty() {
                prefix.push('/');
            }
            prefix.push_str(segment);
            let pins = self.pins.lock().unwrap_or_else(PoisonError::into_inner);
            let pinned = pins.as_ref().and_then(|pins| pins.get(&prefix)).map(Folder::again);
            drop(pins);
            let next = match (pinned, &folder) {
                (Some(pinned), _) => pinned.at(self.root.join(&prefix))?,
                (None, Some(folder)) => self.enter(folder, segment, &prefix, path)?,
                (None, None) => self.enter(self.root()?, segment, &prefix, path)?,
            };
            folder = Some(next);
        }
        let to = self.root.join(path);
        match &folder {
            Some(folder) => folder.take(from, name, &to),
            None => self.root()?.take(from, name, &to),
        }
    }

    fn root(&self) -> Result<&Folder> {
        if let Some(root) = self.opened.get() {
            return Ok(root);
        }
        disk::create_dir_all(&self.root)?;
        let root = Folder::open(&fs::canonicalize(&self.root).at(&self.root)?)?;
        Ok(self.opened.get_or_init(|| root))
    }

    fn enter(&self, folder: &Folder, name: &str, prefix: &str, path: &str) -> Result<Folder> {
        let shown = self.root.join(prefix);
        folder.enter(name).in_cache(&shown)?.ok_or_else(|| {
            let message = format!(
                "`{}` is in the way of `{path}`: it is a file, or a link that was not there before; remove it",
                shown.display()
            );
            Error::new(ErrorKind::UnsafePath, message).about(path)
        })
    }
}

/// Whether there is a link that the user has made, or somebody that the user has to trust.
#[cfg(unix)]
fn is_own_link(path: &Path, root: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(meta) = fs::symlink_metadata(path) else { return false };
    let is_trusted = |uid| {
        uid == 0
            || uid == rustix::process::geteuid().as_raw()
            || fs::metadata(root).is_ok_and(|root| root.uid() == uid)
    };
    meta.is_symlink() && is_trusted(meta.uid())
}

#[cfg(not(unix))]
fn is_own_link(path: &Path, _root: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|meta| meta.is_symlink())
}

#[cfg(unix)]
use unix::Folder;

#[cfg(unix)]
mod unix {
    use super::{Path, Result};
    use crate::disk::{InCache as _, temporary_name};
    use crate::fs::at;
    use rustix::fs::{Mode, OFlags};
    use rustix::io::Errno;
    use std::fs::File;
    use std::io;
    use std::os::fd::OwnedFd;

    /// An open folder, which stays the same whatever becomes of its path.
    #[derive(Debug)]
    pub(super) struct Folder(OwnedFd);

    const OPEN: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

    impl Folder {
        pub(super) fn open(path: &Path) -> Result<Self> {
            let opened = rustix::fs::open(path, OPEN.union(OFlags::NOFOLLOW), Mode::empty());
            opened.map(Self).map_err(io::Error::from).in_cache(path)
        }

        pub(super) fn again(&self) -> io::Result<Self> {
            self.0.try_clone().map(Self)
        }

        /// Opens a folder in this one, and makes it if it is not there; none if there is something else.
        pub(super) fn enter(&self, name: &str) -> io::Result<Option<Self>> {
            loop {
                match rustix::fs::openat(&self.0, name, OPEN.union(OFlags::NOFOLLOW), Mode::empty()) {
                    Ok(folder) => return Ok(Some(Self(folder))),
                    Err(Errno::NOENT) => match at::create_dir(&self.0, name) {
                        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                        _ => {}
                    },
                    // What FreeBSD says of a link.
                    Err(Errno::LOOP | Errno::NOTDIR | Errno::MLINK) => return Ok(None),
                    Err(error) => return Err(error.into()),
                }
            }
        }

        /// Moves a file into this folder.
        pub(super) fn take(&self, from: &Path, name: &str, shown: &Path) -> Result<()> {
            match at::rename_into(from, &self.0, name) {
                Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                    self.copy(from, name).in_cache(shown)
                }
                moved => moved.in_cache(shown),
            }
        }

        /// Copies a file from another disk by way of a file beside its place, and removes it there.
        fn copy(&self, from: &Path, name: &str) -> io::Result<()> {
            let beside = temporary_name();
            let created = at::create_new(&self.0, &beside)?;
            let copied = File::open(from).and_then(|mut from| {
                let length = from.metadata()?.len();
                created.copy_range(&mut from, 0, length)?;
                created.sync()?;
                at::rename(&self.0, &beside, name)
            });
            if copied.is_err() {
                let _ = at::remove_file(&self.0, &beside);
            } else {
                let _ = crate::fs::remove_file(from);
            }
            copied
        }
    }
}

/// A folder by its path, where folders cannot be opened one from the other: links are looked for on every step.
#[cfg(not(unix))]
#[derive(Debug)]
struct Folder(PathBuf);

#[cfg(not(unix))]
impl Folder {
    fn open(path: &Path) -> Result<Self> {
        Ok(Self(path.to_path_buf()))
    }

    fn again(&self) -> std::io::Result<Self> {
        Ok(Self(self.0.clone()))
    }

    fn enter(&self, name: &str) -> std::io::Result<Option<Self>> {
        let path = self.0.join(name);
        match crate::fs::create_dir(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        Ok(fs::symlink_metadata(&path)?.is_dir().then_some(Self(path)))
    }

    fn take(&self, from: &Path, name: &str, _shown: &Path) -> Result<()> {
        disk::rename(from, &self.0.join(name))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;
    use std::sync::atomic::{AtomicBool, Ordering};

    struct Folders {
        _all: tempfile::TempDir,
        root: PathBuf,
        outside: PathBuf,
        source: PathBuf,
    }

    fn folders() -> Folders {
        let all = tempfile::tempdir().unwrap();
        let of = |name: &str| all.path().join(name);
        for made in ["root", "outside"] {
            fs::create_dir(of(made)).unwrap();
        }
        fs::write(of("source"), "content").unwrap();
        Folders { root: of("root"), outside: of("outside"), source: of("source"), _all: all }
    }

    #[test]
    fn a_link_that_was_there_is_followed_and_one_that_appears_is_not() {
        let at = folders();
        symlink(&at.outside, at.root.join("own")).unwrap();
        let beneath = Beneath::new(at.root.clone());
        beneath.pin(["own/deep/file", "later/file"].into_iter()).unwrap();
        beneath.place(&at.source, "own/deep/file").unwrap();
        assert_eq!(fs::read_to_string(at.outside.join("deep/file")).unwrap(), "content");

        fs::write(&at.source, "content").unwrap();
        symlink(&at.outside, at.root.join("later")).unwrap();
        beneath.pin(["later/file"].into_iter()).unwrap();
        let error = beneath.place(&at.source, "later/file").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsafePath, "{error}");
        assert!(!at.outside.join("file").exists());
    }

    #[test]
    fn a_pinned_link_leads_where_it_led_at_the_start() {
        let at = folders();
        let other = at.root.with_file_name("other");
        fs::create_dir(&other).unwrap();
        symlink(&at.outside, at.root.join("own")).unwrap();
        let beneath = Beneath::new(at.root.clone());
        beneath.pin(["own/file"].into_iter()).unwrap();
        fs::remove_file(at.root.join("own")).unwrap();
        symlink(&other, at.root.join("own")).unwrap();
        beneath.place(&at.source, "own/file").unwrap();
        assert!(at.outside.join("file").exists() && !other.join("file").exists());
    }

    #[test]
    fn a_file_that_is_a_link_is_replaced() {
        let at = folders();
        let precious = at.outside.join("precious");
        fs::write(&precious, "precious").unwrap();
        symlink(&precious, at.root.join("file")).unwrap();
        let beneath = Beneath::new(at.root.clone());
        beneath.pin(["file"].into_iter()).unwrap();
        beneath.place(&at.source, "file").unwrap();
        assert_eq!(fs::read_to_string(precious).unwrap(), "precious");
        assert!(fs::symlink_metadata(at.root.join("file")).unwrap().is_file());
    }

    /// Two threads: one exchanges a folder for a link to the outside and back, the other writes below it.
    #[test]
    fn a_folder_that_becomes_a_link_in_a_race_is_never_left() {
        let at = folders();
        let (sub, aside) = (at.root.join("sub"), at.root.join("aside"));
        fs::create_dir(&sub).unwrap();
        symlink(&at.outside, &aside).unwrap();
        let beneath = Beneath::new(at.root.clone());
        beneath.pin(["sub/deep/file"].into_iter()).unwrap();
        let (mut placed, mut refused, over) = (0, 0, AtomicBool::new(false));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(Ordering::Relaxed) {
                    let flags = rustix::fs::RenameFlags::EXCHANGE;
                    rustix::fs::renameat_with(rustix::fs::CWD, &sub, rustix::fs::CWD, &aside, flags).unwrap();
                }
            });
            while placed < 200 || refused < 200 {
                fs::write(&at.source, "content").unwrap();
                match beneath.place(&at.source, "sub/deep/file") {
                    Ok(()) => placed += 1,
                    Err(error) => {
                        assert_eq!(error.kind(), ErrorKind::UnsafePath, "{error}");
                        refused += 1;
                    }
                }
            }
            over.store(true, Ordering::Relaxed);
        });
        assert_eq!(fs::read_dir(&at.outside).unwrap().count(), 0);
    }
}
