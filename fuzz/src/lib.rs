//! What several fuzz targets share.
use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// The input as text; bytes that are not UTF-8 become replacement characters.
pub fn text(data: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(data)
}

/// Splits the input at its first line break: a first argument and the rest.
pub fn first_line(text: &str) -> (&str, &str) {
    text.split_once('\n').unwrap_or((text, ""))
}

/// Whether a character steers a terminal instead of being shown: control characters, line and paragraph separators,
/// and marks that change the direction of writing.
pub fn steers(c: char) -> bool {
    let directional =
        matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || directional || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Creates a folder for files that live as long as an input; in memory where the system has such a place.
pub fn scratch() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    tempfile::Builder::new().prefix("hub-fuzz-").tempdir_in(folder).expect("the folder is writable")
}

/// Creates what a text describes below `root`, and nothing outside of it: `d PATH` is a folder, `f PATH CONTENT` a file,
/// `l PATH TARGET` a symbolic link, `p PATH` a pipe. In contents and targets, `{a}` is a commit hash, and `{root}` is
/// the root. Lines that cannot be followed are skipped, and so are links in place of the folders of the cache's layout, the
/// first two below the root: people move these to other disks, and then their files are the cache's own.
pub fn plant(root: &Path, description: &str) {
    for line in description.lines().take(64) {
        let mut words = line.splitn(3, ' ');
        let (Some(kind), Some(path)) = (words.next(), words.next()) else { continue };
        let rest = expand(words.next().unwrap_or_default(), root);
        let Some(path) = inside(root, &expand(path, root)) else { continue };
        let _ = match kind {
            "d" => fs::create_dir_all(path),
            "f" => write(&path, rest.as_bytes()),
            "l" if path.strip_prefix(root).is_ok_and(|below| below.iter().count() > 2) => link(&path, &rest),
            "p" => pipe(&path),
            _ => Ok(()),
        };
    }
}

/// The commit hash that `{a}`, `{b}` … stand for.
pub fn commit(letter: char) -> String {
    letter.to_string().repeat(40)
}

fn expand(text: &str, root: &Path) -> String {
    let mut text = text.replace("{root}", &root.display().to_string());
    for letter in ['a', 'b', 'c'] {
        text = text.replace(&format!("{{{letter}}}"), &commit(letter));
    }
    text
}

/// The path below the root, if creating it follows no link: what is planted must not leave the root itself.
fn inside(root: &Path, relative: &str) -> Option<PathBuf> {
    let mut path = root.to_owned();
    for segment in relative.split('/') {
        if matches!(segment, "" | "." | "..") || segment.contains('\0') {
            return None;
        }
        if path.is_symlink() {
            return None;
        }
        path.push(segment);
    }
    (!path.is_symlink()).then_some(path)
}

fn write(path: &Path, content: &[u8]) -> io::Result<()> {
    parent(path)?;
    if fs::symlink_metadata(path).is_ok_and(|metadata| !metadata.is_file()) {
        return Ok(());
    }
    fs::write(path, content)
}

#[cfg(unix)]
fn link(path: &Path, target: &str) -> io::Result<()> {
    parent(path)?;
    std::os::unix::fs::symlink(target, path)
}

#[cfg(not(unix))]
fn link(_path: &Path, _target: &str) -> io::Result<()> {
    Ok(())
}

#[cfg(target_os = "linux")]
fn pipe(path: &Path) -> io::Result<()> {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    parent(path)?;
    Ok(mknodat(CWD, path, FileType::Fifo, Mode::RWXU, 0)?)
}

#[cfg(not(target_os = "linux"))]
fn pipe(_path: &Path) -> io::Result<()> {
    Ok(())
}

fn parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}
