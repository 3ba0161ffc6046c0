//! Every change that this crate makes on the disk.
//!
//! Each function here is one operation of the file system, or a loop over such operations. Reading needs no wrapper.
//! With the feature `crash-points` each operation is also a numbered crash point (see [`crash_points`]); without it
//! the functions compile to the calls that they wrap.
//!
//! [`crash_points`]: crate::crash_points
#[cfg(feature = "crash-points")]
use crate::crash_points::{self, Operation};
use std::fs;
use std::io::{self, Seek as _, SeekFrom};
use std::path::Path;

/// Performs an operation and records it if crash points are compiled in.
#[cfg(feature = "crash-points")]
macro_rules! step {
    ($operation:expr, $act:expr) => {
        crash_points::step(|| $operation, || $act)
    };
}

#[cfg(not(feature = "crash-points"))]
macro_rules! step {
    ($operation:expr, $act:expr) => {
        $act
    };
}

/// A file that is open for reading and writing.
#[derive(Debug)]
pub(crate) struct File {
    file: fs::File,
    #[cfg(feature = "crash-points")]
    id: crash_points::FileId,
}

impl File {
    /// Creates a file; one that exists is an error.
    pub(crate) fn create_new(path: &Path) -> io::Result<Self> {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(feature = "crash-points")]
        let id = crash_points::FileId::next();
        let file = step!(Operation::create(id, path), options.open(path))?;
        Ok(Self {
            file,
            #[cfg(feature = "crash-points")]
            id,
        })
    }

    /// Opens a file that exists, and changes nothing of it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let mut options = fs::OpenOptions::new();
        options.read(true).write(true);
        #[cfg(feature = "crash-points")]
        let id = crash_points::FileId::next();
        let file = step!(Operation::open(id, path), options.open(path))?;
        Ok(Self {
            file,
            #[cfg(feature = "crash-points")]
            id,
        })
    }

    /// Writes bytes at an offset, wherever the cursor is.
    pub(crate) fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        step!(Operation::write(self.id, offset, bytes), write_all_at(&self.file, bytes, offset))
    }

    /// Copies a range of another file to the same place in this one, and tells how many bytes were there to copy.
    ///
    /// Both cursors move. The system copies by reference where it can.
    pub(crate) fn copy_range(&self, from: &mut fs::File, start: u64, end: u64) -> io::Result<u64> {
        use std::io::Read as _;
        from.seek(SeekFrom::Start(start))?;
        let mut bytes = from.take(end.saturating_sub(start));
        #[cfg(feature = "crash-points")]
        {
            let mut copied = Vec::new();
            bytes.read_to_end(&mut copied)?;
            self.write_all_at(&copied, start)?;
            Ok(copied.len() as u64)
        }
        #[cfg(not(feature = "crash-points"))]
        {
            (&self.file).seek(SeekFrom::Start(start))?;
            io::copy(&mut bytes, &mut &self.file)
        }
    }

    /// Cuts the file, or lengthens it with zeros.
    pub(crate) fn set_len(&self, length: u64) -> io::Result<()> {
        step!(Operation::set_length(self.id, length), self.file.set_len(length))
    }

    /// Waits until the bytes and the length of the file are on the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        step!(Operation::sync_file(self.id), self.file.sync_data())
    }

    /// What the system knows of the file, whatever its name is now.
    pub(crate) fn metadata(&self) -> io::Result<fs::Metadata> {
        self.file.metadata()
    }

    /// A second handle of the same open file, for reading; it shares the lock.
    pub(crate) fn reader(&self) -> io::Result<Reader> {
        self.file.try_clone().map(Reader)
    }

    /// Writes one after the other from the beginning.
    pub(crate) fn into_writer(self) -> Writer {
        Writer { file: self, end: 0 }
    }

    /// The handle that the system locks.
    pub(crate) fn lockable(&self) -> &fs::File {
        &self.file
    }
}

/// Writes to a file in order.
#[derive(Debug)]
pub(crate) struct Writer {
    file: File,
    end: u64,
}

impl Writer {
    /// Waits until what was written is on the disk.
    pub(crate) fn sync(&self) -> io::Result<()> {
        self.file.sync()
    }
}

impl io::Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write_all_at(bytes, self.end)?;
        self.end += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A handle of a file that is only read from.
#[derive(Debug)]
pub(crate) struct Reader(fs::File);

impl Reader {
    /// Opens a file to read it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        fs::File::open(path).map(Self)
    }

    /// Reads bytes from an offset on, wherever the cursor is; fewer than asked for only at the end of the file.
    pub(crate) fn read_at(&self, mut bytes: &mut [u8], mut offset: u64) -> io::Result<usize> {
        let wanted = bytes.len();
        while !bytes.is_empty() {
            match read_at(&self.0, bytes, offset) {
                Ok(0) => break,
                Ok(read) => {
                    offset += read as u64;
                    bytes = &mut bytes[read..];
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(wanted - bytes.len())
    }

    /// Reads exactly these bytes.
    pub(crate) fn read_exact_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        match self.read_at(bytes, offset)? {
            read if read == bytes.len() => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    /// How long the file is.
    pub(crate) fn length(&self) -> io::Result<u64> {
        self.0.metadata().map(|meta| meta.len())
    }

    /// The file behind the handle.
    pub(crate) fn file(&mut self) -> &mut fs::File {
        &mut self.0
    }
}

#[cfg(unix)]
fn write_all_at(file: &fs::File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(not(unix))]
fn write_all_at(mut file: &fs::File, bytes: &[u8], offset: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(offset))?;
    io::Write::write_all(&mut file, bytes)
}

#[cfg(unix)]
fn read_at(file: &fs::File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &fs::File, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, bytes, offset)
}

/// Creates an empty file unless it exists; its content, if any, stays.
pub(crate) fn touch(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.read(true).append(true);
    // Most of these exist already, and opening what exists changes nothing.
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            options.create(true);
            step!(Operation::create(crash_points::FileId::next(), path), options.open(path))
        }
        opened => opened,
    }
}

/// Creates a file with this content; one that exists is an error.
pub(crate) fn write_new(path: &Path, content: &[u8]) -> io::Result<File> {
    let file = File::create_new(path)?;
    file.write_all_at(content, 0)?;
    Ok(file)
}

/// Moves a file or folder, over a file that is there.
pub(crate) fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step!(Operation::rename(from, to), fs::rename(from, to))
}

/// Makes a symbolic link to a file.
pub(crate) fn symlink(target: &Path, link: &Path) -> io::Result<()> {
    #[cfg(unix)]
    use std::os::unix::fs::symlink;
    #[cfg(windows)]
    use std::os::windows::fs::symlink_file as symlink;
    step!(Operation::symlink(target, link), symlink(target, link))
}

/// Removes a name of a file.
pub(crate) fn remove_file(path: &Path) -> io::Result<()> {
    step!(Operation::remove_file(path), fs::remove_file(path))
}

/// Makes a folder.
pub(crate) fn create_dir(path: &Path) -> io::Result<()> {
    step!(Operation::create_folder(path), fs::create_dir(path))
}

/// Makes a folder and those above it.
pub(crate) fn create_dir_all(path: &Path) -> io::Result<()> {
    #[cfg(feature = "crash-points")]
    {
        let missing: Vec<&Path> = path.ancestors().take_while(|folder| !folder.is_dir()).collect();
        for folder in missing.into_iter().rev().filter(|folder| *folder != Path::new("")) {
            match create_dir(folder) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
                made => made?,
            }
        }
        Ok(())
    }
    #[cfg(not(feature = "crash-points"))]
    fs::create_dir_all(path)
}

/// Removes an empty folder.
pub(crate) fn remove_dir(path: &Path) -> io::Result<()> {
    step!(Operation::remove_folder(path), fs::remove_dir(path))
}

/// Removes a folder and everything in it.
pub(crate) fn remove_dir_all(path: &Path) -> io::Result<()> {
    #[cfg(feature = "crash-points")]
    {
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => remove_dir_all(&entry.path())?,
                false => remove_file(&entry.path())?,
            }
        }
        remove_dir(path)
    }
    #[cfg(not(feature = "crash-points"))]
    fs::remove_dir_all(path)
}

/// Waits until the names in a folder are on the disk.
///
/// Systems that cannot sync folders write their names down in order.
pub(crate) fn sync_dir(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    return step!(Operation::sync_folder(path), fs::File::open(path)?.sync_all());
    #[cfg(not(unix))]
    {
        let _ = path;
        Ok(())
    }
}

/// Whether a path is a name of an open file, itself and not through a link.
pub(crate) fn is_name_of(path: &Path, file: &fs::File) -> io::Result<bool> {
    #[cfg(unix)]
    let is_same = {
        use std::os::unix::fs::MetadataExt as _;
        let open = file.metadata()?;
        fs::symlink_metadata(path).map(|named| (named.dev(), named.ino()) == (open.dev(), open.ino()))
    };
    #[cfg(not(unix))]
    let is_same = {
        let open = same_file::Handle::from_file(file.try_clone()?)?;
        same_file::Handle::from_path(path).map(|named| open == named)
    };
    match is_same {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        found => found,
    }
}

/// How many names a file has.
pub(crate) fn names(meta: &fs::Metadata) -> u64 {
    #[cfg(unix)]
    return std::os::unix::fs::MetadataExt::nlink(meta);
    #[cfg(not(unix))]
    {
        let _ = meta;
        1
    }
}

/// The same in a folder that is open, whatever its path leads to now.
#[cfg(unix)]
pub(crate) mod at {
    use super::File;
    #[cfg(feature = "crash-points")]
    use super::{Operation, crash_points};
    use rustix::fs::{AtFlags, CWD, Mode, OFlags};
    use std::io;
    use std::os::fd::OwnedFd;
    use std::path::Path;

    /// Creates a file; one that exists is an error, and so is a link.
    pub(crate) fn create_new(folder: &OwnedFd, name: &str) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let open = || -> io::Result<std::fs::File> {
            Ok(rustix::fs::openat(folder, name, flags, Mode::from_raw_mode(0o666))?.into())
        };
        #[cfg(feature = "crash-points")]
        let id = crash_points::FileId::next();
        let file = step!(Operation::create(id, &path(folder, name)), open())?;
        Ok(File {
            file,
            #[cfg(feature = "crash-points")]
            id,
        })
    }

    /// Makes a folder.
    pub(crate) fn create_dir(folder: &OwnedFd, name: &str) -> io::Result<()> {
        let create =
            || -> io::Result<()> { Ok(rustix::fs::mkdirat(folder, name, Mode::from_raw_mode(0o777))?) };
        step!(Operation::create_folder(&path(folder, name)), create())
    }

    /// Moves a file from elsewhere into the folder.
    pub(crate) fn rename_into(from: &Path, folder: &OwnedFd, name: &str) -> io::Result<()> {
        let rename = || -> io::Result<()> { Ok(rustix::fs::renameat(CWD, from, folder, name)?) };
        step!(Operation::rename(from, &path(folder, name)), rename())
    }

    /// Gives a file in the folder another name.
    pub(crate) fn rename(folder: &OwnedFd, from: &str, to: &str) -> io::Result<()> {
        let rename = || -> io::Result<()> { Ok(rustix::fs::renameat(folder, from, folder, to)?) };
        step!(Operation::rename(&path(folder, from), &path(folder, to)), rename())
    }

    /// Removes a name of a file.
    pub(crate) fn remove_file(folder: &OwnedFd, name: &str) -> io::Result<()> {
        let remove = || -> io::Result<()> { Ok(rustix::fs::unlinkat(folder, name, AtFlags::empty())?) };
        step!(Operation::remove_file(&path(folder, name)), remove())
    }

    /// The path of a name in an open folder, as Linux tells it.
    #[cfg(feature = "crash-points")]
    fn path(folder: &OwnedFd, name: &str) -> std::path::PathBuf {
        use std::os::fd::AsRawFd as _;
        let open = format!("/proc/self/fd/{}", folder.as_raw_fd());
        std::fs::read_link(open).unwrap_or_default().join(name)
    }
}
