//! Names that are one file on this file system.
use crate::disk;
use crate::fs;
use hub_http::{Error, ErrorKind, Result};
use icu_normalizer::DecomposingNormalizerBorrowed;
use std::collections::HashMap;
use std::path::Path;
use unicase::UniCase;

/// What a file system takes for the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sameness {
    /// Names that differ in case.
    case: bool,
    /// Names that differ in how accented letters are composed (NFC and NFD).
    composition: bool,
}

/// Refuses names that would be one file in or below a folder, or where that folder is going to be.
///
/// # Errors
/// [`ErrorKind::NameCollision`] names two of them.
pub(crate) fn refuse<'p>(folder: &Path, paths: impl Iterator<Item = &'p str> + Clone) -> Result<()> {
    let existing = folder.ancestors().find(|folder| folder.is_dir());
    let case = existing.is_some_and(disk::ignores_case);
    let composable = paths.clone().any(|path| !path.is_ascii());
    if !case && !composable {
        return Ok(());
    }
    // Whether composition matters is tried on disk, and only if some names differ in nothing else.
    let composition = composable && find(paths.clone(), Sameness { case, composition: true }).is_some() && {
        existing.is_some_and(ignores_composition)
    };
    let Some((one, other)) = find(paths, Sameness { case, composition }) else { return Ok(()) };
    let message = format!(
        "`{one}` and `{other}` are one file on this system; leave one out by ignore_patterns, or use another disk"
    );
    Err(Error::new(ErrorKind::NameCollision, message).about(other))
}

/// The first two paths that are the same, or whose folders are the same file as another path.
fn find<'p>(paths: impl Iterator<Item = &'p str>, sameness: Sameness) -> Option<(&'p str, &'p str)> {
    if !sameness.case && !sameness.composition {
        return None;
    }
    let mut seen: HashMap<String, &str> = HashMap::new();
    let mut folders: HashMap<String, &str> = HashMap::new();
    for path in paths {
        let key = key(path, sameness);
        // `Data/x` and `data` cannot both be there, but `Data/x` and `data/y` can.
        if let Some(&other) = folders.get(&key) {
            return Some((other, path));
        }
        for (end, _) in key.match_indices('/') {
            let folder = &key[..end];
            if let Some(&other) = seen.get(folder) {
                return Some((other, path));
            }
            if !folders.contains_key(folder) {
                folders.insert(folder.to_owned(), path);
            }
        }
        if let Some(other) = seen.insert(key, path) {
            return Some((other, path));
        }
    }
    None
}

/// A text that is equal for names that are the same: with full case folding, as APFS and ext4 do it.
fn key(path: &str, sameness: Sameness) -> String {
    let fold = |text: &str| if sameness.case { UniCase::new(text).to_folded_case() } else { text.to_owned() };
    if path.is_ascii() || !sameness.composition {
        return fold(path);
    }
    let nfd = DecomposingNormalizerBorrowed::new_nfd();
    nfd.normalize(&fold(&nfd.normalize(path))).into_owned()
}

/// Whether a folder, which must exist, treats composed and decomposed letters as equal. It is tested with a
/// temporary file; where none can be created, the default of the operating system is assumed.
fn ignores_composition(folder: &Path) -> bool {
    let tag = fastrand::u64(..);
    let [composed, decomposed] =
        ["\u{e9}", "e\u{301}"].map(|letter| folder.join(format!("tmp_{tag:016x}{letter}")));
    match fs::File::create_new(&composed) {
        Ok(_) => {
            let same = decomposed.exists();
            let _ = fs::remove_file(&composed);
            same
        }
        Err(_) => cfg!(target_os = "macos"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CASE: Sameness = Sameness { case: true, composition: false };
    const COMPOSITION: Sameness = Sameness { case: false, composition: true };
    const BOTH: Sameness = Sameness { case: true, composition: true };
    const NEITHER: Sameness = Sameness { case: false, composition: false };

    #[test]
    fn names_collide_by_case_and_by_composition() {
        let cases = [
            (["a.txt", "A.txt"], [true, false, true]),
            (["stra\u{df}e", "STRASSE"], [true, false, true]),
            (["\u{e9}.txt", "e\u{301}.txt"], [false, true, true]),
            (["\u{c9}.txt", "e\u{301}.txt"], [false, false, true]),
            (["caf\u{e9}/a", "cafe\u{301}/a"], [false, true, true]),
            (["Data", "data/x"], [true, false, true]),
            (["data/x", "Data"], [true, false, true]),
            (["Data/x", "data/y"], [false, false, false]),
            (["a", "b"], [false, false, false]),
        ];
        for (paths, expected) in cases {
            let found = [CASE, COMPOSITION, BOTH].map(|sameness| find(paths.into_iter(), sameness).is_some());
            assert_eq!(found, expected, "{paths:?}");
            assert_eq!(find(paths.into_iter(), NEITHER), None);
        }
    }

    #[test]
    fn composed_names_are_two_files_where_the_file_system_says_so() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["\u{e9}.txt", "e\u{301}.txt"];
        for path in paths {
            std::fs::write(folder.path().join(path), path).unwrap();
        }
        let two = std::fs::read_dir(folder.path()).unwrap().count() == 2;
        assert_eq!(refuse(folder.path(), paths.into_iter()).is_ok(), two);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), if two { 2 } else { 1 });
    }
}
