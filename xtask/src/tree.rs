//! Folders as values, to be compared: what is a folder, what is a link and where to, what a file holds.
use crate::Result;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// What is at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A folder.
    Folder,
    /// A link and what it says.
    Link(PathBuf),
    /// A file and its size.
    File(u64),
}

/// Everything under a folder, by relative path.
pub fn read(folder: &Path) -> Result<BTreeMap<PathBuf, Entry>> {
    let mut entries = BTreeMap::new();
    collect(folder, Path::new(""), &mut entries)?;
    Ok(entries)
}

fn collect(root: &Path, below: &Path, entries: &mut BTreeMap<PathBuf, Entry>) -> Result {
    let folder = root.join(below);
    let listing = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    for item in listing {
        let item = item?;
        let path = below.join(item.file_name());
        let kind = item.file_type()?;
        if kind.is_symlink() {
            entries.insert(path, Entry::Link(fs::read_link(item.path())?));
        } else if kind.is_dir() {
            entries.insert(path.clone(), Entry::Folder);
            collect(root, &path, entries)?;
        } else {
            entries.insert(path, Entry::File(item.metadata()?.len()));
        }
    }
    Ok(())
}

/// How the entries under two folders differ: names, links, sizes, then bytes.
pub fn differences(left: &Path, right: &Path) -> Result<Vec<String>> {
    let (one, other) = (read(left)?, read(right)?);
    let mut told = Vec::new();
    for (path, entry) in &one {
        match other.get(path) {
            Some(same) if same == entry => {
                if matches!(entry, Entry::File(_)) && !same_bytes(&left.join(path), &right.join(path))? {
                    told.push(format!("{}: the bytes differ", path.display()));
                }
            }
            Some(unlike) => told.push(format!("{}: {entry:?} and {unlike:?}", path.display())),
            None => told.push(format!("{}: only in {}", path.display(), left.display())),
        }
    }
    let rest = other.keys().filter(|path| !one.contains_key(*path));
    told.extend(rest.map(|path| format!("{}: only in {}", path.display(), right.display())));
    Ok(told)
}

/// How the files of a folder differ from those of another, links followed.
pub fn content_differences(folder: &Path, expected: &Path) -> Result<Vec<String>> {
    let files = |root: &Path| -> Result<Vec<PathBuf>> {
        let all = read(root)?.into_iter().filter(|(_, entry)| *entry != Entry::Folder);
        Ok(all.map(|(path, _)| path).collect())
    };
    let (found, wanted) = (files(folder)?, files(expected)?);
    if found != wanted {
        return Ok(vec![format!("{found:?} instead of {wanted:?}")]);
    }
    let mut told = Vec::new();
    for path in found {
        if !same_bytes(&folder.join(&path), &expected.join(&path))? {
            told.push(format!("{}: the bytes differ", path.display()));
        }
    }
    Ok(told)
}

fn same_bytes(left: &Path, right: &Path) -> Result<bool> {
    let open = |path: &Path| -> Result<_> {
        let file = File::open(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok((file.metadata()?.len(), file))
    };
    let ((left_size, left), (right_size, right)) = (open(left)?, open(right)?);
    if left_size != right_size {
        return Ok(false);
    }
    let (mut left, mut right) = (left, right);
    loop {
        let (mut one, mut other) = (Vec::new(), Vec::new());
        left.by_ref().take(BLOCK_BYTES).read_to_end(&mut one)?;
        right.by_ref().take(BLOCK_BYTES).read_to_end(&mut other)?;
        if one != other {
            return Ok(false);
        }
        if one.is_empty() {
            return Ok(true);
        }
    }
}

/// How much of two files is compared at once.
const BLOCK_BYTES: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn the_same_files_are_the_same() {
        let (one, other) = (folder(&[("a/b", "text")]), folder(&[("a/b", "text")]));
        assert_eq!(differences(one.path(), other.path()).unwrap(), [""; 0]);
        assert_eq!(content_differences(one.path(), other.path()).unwrap(), [""; 0]);
    }

    #[test]
    fn one_byte_is_a_difference() {
        let (one, other) = (folder(&[("a/b", "text")]), folder(&[("a/b", "tent")]));
        assert_eq!(differences(one.path(), other.path()).unwrap(), ["a/b: the bytes differ"]);
        assert_eq!(content_differences(one.path(), other.path()).unwrap(), ["a/b: the bytes differ"]);
    }

    #[test]
    fn names_on_either_side_are_told() {
        let (one, other) = (folder(&[("a", "")]), folder(&[("b", "")]));
        assert_eq!(differences(one.path(), other.path()).unwrap().len(), 2);
        assert_eq!(content_differences(one.path(), other.path()).unwrap().len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_is_what_it_says_or_what_it_leads_to() {
        let (one, other) = (folder(&[("a", "x"), ("b", "x")]), folder(&[("a", "x")]));
        std::os::unix::fs::symlink("a", other.path().join("b")).unwrap();
        assert_eq!(differences(one.path(), other.path()).unwrap().len(), 1);
        assert_eq!(content_differences(one.path(), other.path()).unwrap(), [""; 0]);
    }
}
