//! What the cache does with files beside reading and writing them: safe folders, atomic writes, links, free space.
use crate::fs::{self, File};
use hub_http::{Error, ErrorKind, IoContext, Result};
use hub_types::{Etag, SafeRelPath};
use std::io;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::thread;

/// How many threads look at files, by the number of processors.
const MIN_LOOKING: usize = 2;
const MAX_LOOKING: usize = 8;
/// Fewer looks than this are not worth a thread.
const LOOKS_A_THREAD: usize = 128;

/// Names the path of a failure in the cache.
pub(crate) trait InCache<T> {
    /// Wraps a failure with its path; a cache that may not be written to has its own kind.
    fn in_cache(self, path: &Path) -> Result<T>;
}

impl<T> InCache<T> for io::Result<T> {
    fn in_cache(self, path: &Path) -> Result<T> {
        match self {
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem
                ) =>
            {
                let path = path.display().to_string();
                let message = format!(
                    "could not write `{path}`: {error}; make it writable, or name another folder by cache_dir or HF_HUB_CACHE"
                );
                Err(Error::new(ErrorKind::CacheReadOnly, message).about(path).caused_by(error))
            }
            other => other.at(path),
        }
    }
}

/// Makes a folder and those above it.
pub(crate) fn create_dir_all(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).in_cache(folder)
}

/// Makes the folders that a file needs below a root, without leaving the root through a link on the way.
pub(crate) fn create_parents(root: &Path, path: &SafeRelPath) -> Result<PathBuf> {
    let mut folder = root.to_path_buf();
    let mut segments: Vec<&str> = path.segments().collect();
    let name = segments.pop().unwrap_or_default();
    for segment in segments {
        folder.push(segment);
        match fs::create_dir(&folder) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                if std::fs::symlink_metadata(&folder).at(&folder)?.is_dir() {
                    continue;
                }
                let message = format!(
                    "`{}` is in the way of `{path}`: it is no folder, or a link to one; remove it",
                    folder.display()
                );
                return Err(Error::new(ErrorKind::UnsafePath, message).about(path.as_str()));
            }
            Err(error) => return Err(error).in_cache(&folder),
        }
    }
    Ok(folder.join(name))
}

/// Writes a file so that a reader sees the old content or the new one; what is unfinished is in `scratch`, which is
/// on the same file system.
///
/// A power cut may leave an empty file. [`write_durable`] is for what must not be empty then.
pub(crate) fn write_atomic(scratch: &Path, path: &Path, content: &[u8]) -> Result<()> {
    write_beside(scratch, path, content, |_| Ok(()))
}

/// Does what [`write_atomic`] does, for a file that is read as it is: a power cut leaves the old content or the new one.
pub(crate) fn write_durable(scratch: &Path, path: &Path, content: &[u8]) -> Result<()> {
    write_beside(scratch, path, content, File::sync)
}

fn write_beside(
    scratch: &Path,
    path: &Path,
    content: &[u8],
    before_moving: impl FnOnce(&File) -> io::Result<()>,
) -> Result<()> {
    create_dir_all(path.parent().unwrap_or(scratch))?;
    let unfinished = scratch.join(temporary_name());
    let written = fs::write_new(&unfinished, content).and_then(|file| before_moving(&file));
    let moved = written.in_cache(&unfinished).and_then(|()| rename(&unfinished, path));
    if moved.is_err() {
        // The failure is what matters; a leftover is small and removed with the repository.
        let _ = fs::remove_file(&unfinished);
    }
    moved
}

/// The name of a file that is moved to its place as soon as it is written.
pub(crate) fn temporary_name() -> String {
    format!("tmp_{:016x}", fastrand::u64(..))
}

/// Moves a file to its place, over one that is there.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    let mut left = if cfg!(windows) { 100 } else { 0 };
    loop {
        match fs::rename(from, to) {
            // Virus scanners hold new files open for a moment.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied && left > 0 => {
                left -= 1;
                thread::sleep(std::time::Duration::from_millis(100));
            }
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                return copy(from, &to.with_file_name(temporary_name()), to, true);
            }
            other => return other.in_cache(to),
        }
    }
}

/// Waits until the path of a file below a folder is on the disk: its name and those of the folders on the way, which may
/// be new. Where that is not possible, a power cut may cost the file.
pub(crate) fn sync_path(root: &Path, path: &Path) {
    let mut folders = path.ancestors().skip(1).take_while(|folder| folder.starts_with(root));
    if let Err(error) = folders.try_for_each(fs::sync_dir) {
        tracing::debug!(%error, path = %path.display(), "the folders of a file were not synced");
    }
}

/// Copies a file to its place by way of another path on the same file system.
pub(crate) fn copy(from: &Path, unfinished: &Path, to: &Path, remove: bool) -> Result<()> {
    let copied = copy_new(from, unfinished).and_then(|()| fs::rename(unfinished, to).in_cache(to));
    if copied.is_err() {
        let _ = fs::remove_file(unfinished);
    } else if remove {
        let _ = fs::remove_file(from);
    }
    copied
}

/// Copies a file to a new one, which is on the disk then: renamed into place, it must not outlive a power cut that its
/// bytes did not.
pub(crate) fn copy_new(from: &Path, to: &Path) -> Result<()> {
    let mut source = std::fs::File::open(from).at(from)?;
    let length = source.metadata().at(from)?.len();
    let file = File::create_new(to).in_cache(to)?;
    file.copy_range(&mut source, 0, length).in_cache(to)?;
    file.sync().in_cache(to)
}

/// Whether a file is there, behind links too, and has this many bytes.
pub(crate) fn is_whole(path: &Path, size: u64) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.len() == size)
}

/// Looks at many things, some at a time: a look waits for the disk, or for the network that it is behind.
pub(crate) fn at_once<T: Sync, R: Send>(things: &[T], look: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, NonZero::get).clamp(MIN_LOOKING, MAX_LOOKING);
    let look_at = |share: &[T]| share.iter().map(&look).collect::<Vec<R>>();
    thread::scope(|scope| {
        let mut shares = things.chunks(things.len().div_ceil(threads).max(LOOKS_A_THREAD));
        let own = shares.next().unwrap_or_default();
        let begin = |share| (share, thread::Builder::new().spawn_scoped(scope, move || look_at(share)));
        let others: Vec<_> = shares.map(begin).collect();
        let mut seen = look_at(own);
        for (share, other) in others {
            seen.extend(match other {
                Ok(other) => other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                // There are no more threads to be had.
                Err(_) => look_at(share),
            });
        }
        seen
    })
}

/// Makes a pointer in a snapshot: a relative link to the blob, or a copy where links cannot be.
pub(crate) fn link(snapshot: &Path, path: &SafeRelPath, etag: &Etag, blob: &Path) -> Result<()> {
    let pointer = match create_parents(snapshot, path) {
        Err(_) if !snapshot.exists() => {
            create_dir_all(snapshot)?;
            create_parents(snapshot, path)?
        }
        made => made?,
    };
    // In the repository's folder, since a crash must not leave anything in that of the commit.
    let scratch = snapshot.parent().and_then(Path::parent).unwrap_or(snapshot);
    let mut target = PathBuf::new();
    target.extend(std::iter::repeat_n("..", path.segments().count() + 1));
    target.extend(["blobs", etag.as_str()]);
    let mut linked = fs::symlink(&target, &pointer);
    if linked.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        // Somebody has removed the folder of the commit, or the whole repository, since it was made.
        create_dir_all(snapshot)?;
        create_parents(snapshot, path)?;
        linked = fs::symlink(&target, &pointer);
    }
    match linked {
        Ok(()) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if std::fs::read_link(&pointer).is_ok_and(|existing| existing == target) {
                return Ok(());
            }
            let unfinished = scratch.join(temporary_name());
            if fs::symlink(&target, &unfinished).is_ok() {
                return rename(&unfinished, &pointer);
            }
        }
        Err(error) if error.kind() == io::ErrorKind::ReadOnlyFilesystem => {
            return Err(error).in_cache(&pointer);
        }
        Err(error) => tracing::debug!(%error, "no links here, so files are copied"),
    }
    copy(blob, &scratch.join(temporary_name()), &pointer, false)
}

/// Refuses to begin what the disk has no room for.
pub(crate) fn require_space(folder: &Path, bytes: u64) -> Result<()> {
    // The folder itself may not be there yet.
    let existing = folder.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(folder);
    match fs4::available_space(existing) {
        Ok(free) if free < bytes => {
            let folder = folder.display().to_string();
            let message = format!(
                "not enough room in `{folder}`: {bytes} bytes are to come and {free} are free; free some, or name another folder"
            );
            Err(Error::new(ErrorKind::InsufficientSpace, message).about(folder))
        }
        Ok(_) => Ok(()),
        Err(error) => {
            tracing::debug!(%error, "the free space is not known");
            Ok(())
        }
    }
}

/// How many more files this process may open, as far as the system says.
pub(crate) fn open_files() -> Option<usize> {
    let limits = std::fs::read_to_string("/proc/self/limits").ok()?;
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    let limit: usize = line.split_whitespace().next()?.parse().ok()?;
    let open = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    Some(limit.saturating_sub(open))
}

/// Whether names that differ in case only are one file in a folder, which must exist.
pub(crate) fn ignores_case(folder: &Path) -> bool {
    let Some(name) = folder.file_name().and_then(|name| name.to_str()) else { return false };
    let other = if name.chars().any(char::is_lowercase) { name.to_uppercase() } else { name.to_lowercase() };
    // Another folder may have that name where case counts.
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    other != name && real(&folder.with_file_name(other)).is_some_and(|other| real(folder) == Some(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[cfg(unix)]
    #[test]
    fn pointers_are_relative_links_to_blobs() {
        let folder = tempfile::tempdir().unwrap();
        let snapshot = folder.path().join("snapshots/c");
        let blob = folder.path().join("blobs/e1");
        for made in [&snapshot, &folder.path().join("blobs")] {
            fs::create_dir_all(made).unwrap();
        }
        fs::write(&blob, "x").unwrap();
        let etag = Etag::parse("e1").unwrap();
        for (path, target) in [("a", "../../blobs/e1"), ("b/c/d", "../../../../blobs/e1")] {
            let path: SafeRelPath = path.parse().unwrap();
            link(&snapshot, &path, &etag, &blob).unwrap();
            link(&snapshot, &path, &etag, &blob).unwrap();
            assert_eq!(fs::read_link(path.join_to(&snapshot)).unwrap(), Path::new(target));
            assert_eq!(fs::read_to_string(path.join_to(&snapshot)).unwrap(), "x");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_among_the_folders_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let (root, outside) = (folder.path().join("root"), folder.path().join("outside"));
        fs::create_dir_all(&root).unwrap();
        fs::create_dir_all(&outside).unwrap();
        std::os::unix::fs::symlink(&outside, root.join("sub")).unwrap();
        let error = create_parents(&root, &"sub/deeper/file".parse().unwrap()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsafePath);
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
    }

    #[cfg(unix)]
    #[test]
    fn case_does_not_count_where_another_case_is_the_same_folder() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("blobs");
        fs::create_dir(&folder).unwrap();
        // As a file system does that ignores case, except for the file systems that do.
        if !ignores_case(&folder) {
            std::os::unix::fs::symlink("blobs", root.path().join("BLOBS")).unwrap();
            assert!(ignores_case(&folder));
            fs::create_dir(root.path().join("other")).unwrap();
            fs::create_dir(root.path().join("OTHER")).unwrap();
            assert!(!ignores_case(&root.path().join("other")));
        }
        assert!(!ignores_case(&root.path().join("1")));
    }

    #[test]
    fn what_is_looked_at_keeps_its_order() {
        for len in [0, 1, 127, 128, 129, 300, 5000] {
            let things: Vec<usize> = (0..len).collect();
            let seen = at_once(&things, |thing| thing * 2);
            assert_eq!(seen, things.iter().map(|thing| thing * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn more_than_the_disk_has_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        require_space(&folder.path().join("not/yet/there"), 1).unwrap();
        let error = require_space(folder.path(), u64::MAX).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InsufficientSpace);
    }
}
