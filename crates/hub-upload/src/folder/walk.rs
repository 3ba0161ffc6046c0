//! The files of a local folder.
use crate::progress::SkipReason;
use hub_api::patterns::{PathFilter, Patterns};
use hub_api::{Error, HfApi, Result};
use std::fs;
use std::path::{Path, PathBuf};
use walkdir::{DirEntry, WalkDir};

/// What to upload of a folder.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selection {
    /// What the paths within the folder have to match.
    pub(crate) filter: PathFilter,
    /// Patterns that were named to be allowed, which may ask for secrets by name.
    pub(crate) asked_for: Vec<String>,
    /// Whether links to files count as files.
    pub(crate) follow_symlinks: bool,
    /// Files that hold secrets and must not go along by accident.
    pub(crate) secrets: Vec<PathBuf>,
    /// All patterns that were named, each by itself.
    patterns: Vec<(String, Patterns)>,
}

impl Selection {
    /// Chooses files by patterns; nothing that the client keeps secret goes along.
    pub(crate) fn new(
        api: &HfApi,
        allow: Option<&[String]>,
        ignore: &[String],
        follow_symlinks: bool,
    ) -> Self {
        let config = api.config();
        let named = allow.unwrap_or_default();
        Self {
            filter: PathFilter::new(allow, Some(ignore)),
            asked_for: named.to_vec(),
            follow_symlinks,
            secrets: vec![config.token_path.clone(), config.stored_tokens_path.clone()],
            patterns: Self::each(named.iter().chain(ignore)),
        }
    }

    fn each<'p>(patterns: impl Iterator<Item = &'p String>) -> Vec<(String, Patterns)> {
        let each = patterns.map(|pattern| (pattern.clone(), Patterns::new([pattern])));
        // What is never uploaded may be excluded all the same.
        each.filter(|(_, pattern)| !NEVER_UPLOADED.iter().any(|path| pattern.matches(path))).collect()
    }
}

/// Examples of what is left out silently.
const NEVER_UPLOADED: [&str; 3] = [".git/config", ".cache/huggingface/download/x.metadata", "a/.git/config"];

/// A file to upload: its path within the folder, with slashes, and on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) relative: String,
    pub(crate) path: PathBuf,
}

/// What a folder holds.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    /// The files to upload.
    pub(crate) found: Vec<Found>,
    /// What matches the selection and is not uploaded, by its path within the folder.
    pub(crate) skipped: Vec<(String, SkipReason)>,
    /// The patterns that match no file.
    pub(crate) unmatched: Vec<String>,
}

/// Lists the files of a folder, in an order that does not change. Blocks.
///
/// What git and downloads keep for themselves is left out silently, at any depth. Pipes, sockets, devices, links to
/// folders, links to nothing and files that may hold secrets are listed as skipped.
pub(crate) fn walk(folder: &Path, selection: &Selection) -> Result<Walked> {
    match fs::metadata(folder) {
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Err(Error::invalid(format!("`{}` is not a folder", folder.display()))),
        Err(error) => {
            return Err(Error::invalid(format!("there is no folder `{}`", folder.display())).caused_by(error));
        }
    }
    // A link to a folder is followed when it is the folder itself.
    let root = fs::canonicalize(folder).map_err(|error| unreadable(folder, error))?;
    let mut walked = Walked::default();
    let mut unmatched: Vec<_> = selection.patterns.iter().collect();
    let entries =
        WalkDir::new(&root).sort_by_file_name().into_iter().filter_entry(|entry| !is_bookkeeping(entry));
    for entry in entries {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(folder).to_owned();
            Error::new(hub_api::ErrorKind::Io, format!("could not read `{}`", path.display()))
                .about(path.display().to_string())
                .caused_by(error)
        })?;
        if entry.file_type().is_dir() {
            continue;
        }
        let path = entry.path();
        let Some(relative) = relative(&root, path) else {
            let shown = path.strip_prefix(&root).unwrap_or(path).to_string_lossy();
            if selection.filter.keeps(&shown) {
                return Err(Error::invalid(format!(
                    "the name of `{}` is not valid UTF-8, and repositories have no other names",
                    path.display()
                )));
            }
            continue;
        };
        unmatched.retain(|(_, pattern)| !pattern.matches(&relative));
        if !selection.filter.keeps(&relative) {
            continue;
        }
        let reason = match why_not_content(&entry, selection) {
            None if is_secret(&relative, path, selection) => Some(SkipReason::MayHoldSecrets),
            reason => reason,
        };
        match reason {
            Some(reason) => walked.skipped.push((relative, reason)),
            None => walked.found.push(Found { relative, path: path.to_owned() }),
        }
    }
    walked.unmatched = unmatched.into_iter().map(|(pattern, _)| pattern.clone()).collect();
    Ok(walked)
}

/// Whether an entry belongs to git or to the record of downloads.
fn is_bookkeeping(entry: &DirEntry) -> bool {
    if entry.depth() == 0 {
        return false;
    }
    let name = entry.file_name();
    let in_cache =
        || entry.path().parent().and_then(Path::file_name).is_some_and(|parent| parent == ".cache");
    // Below the folder itself, so that a folder that is kept in `.cache` can be uploaded.
    name == ".git" || (name == "huggingface" && entry.depth() > 1 && in_cache())
}

/// Why an entry is neither a file nor a link to one.
fn why_not_content(entry: &DirEntry, selection: &Selection) -> Option<SkipReason> {
    if entry.file_type().is_file() {
        return None;
    }
    if !entry.file_type().is_symlink() {
        return Some(SkipReason::NotAFile);
    }
    if !selection.follow_symlinks {
        return Some(SkipReason::Link);
    }
    match fs::metadata(entry.path()) {
        Ok(metadata) if metadata.is_file() => None,
        Ok(metadata) if metadata.is_dir() => Some(SkipReason::LinkToFolder),
        Ok(_) => Some(SkipReason::NotAFile),
        Err(_) => Some(SkipReason::BrokenLink),
    }
}

/// Whether a file is one that holds secrets by its name or place, and was not asked for by name.
fn is_secret(relative: &str, path: &Path, selection: &Selection) -> bool {
    let name = relative.rsplit('/').next().unwrap_or(relative);
    let by_name = name == ".env";
    let by_place = || {
        selection.secrets.iter().any(|secret| {
            secret.file_name() == path.file_name()
                && fs::canonicalize(secret)
                    .is_ok_and(|secret| fs::canonicalize(path).is_ok_and(|path| path == secret))
        })
    };
    (by_name || by_place()) && !selection.asked_for.iter().any(|pattern| pattern == relative)
}

/// The path below the folder with slashes, if it is valid UTF-8.
fn relative(root: &Path, path: &Path) -> Option<String> {
    let below = path.strip_prefix(root).ok()?;
    let segments: Option<Vec<&str>> = below.iter().map(|segment| segment.to_str()).collect();
    Some(segments?.join("/"))
}

fn unreadable(path: &Path, error: std::io::Error) -> Error {
    use hub_http::IoContext as _;
    Err::<(), _>(error).at(path).unwrap_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(folder: &Path, paths: &[&str]) {
        for path in paths {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
    }

    fn names(folder: &Path, selection: &Selection) -> Vec<String> {
        walk(folder, selection).unwrap().found.into_iter().map(|found| found.relative).collect()
    }

    fn all() -> Selection {
        Selection { follow_symlinks: true, ..Selection::default() }
    }

    #[test]
    fn bookkeeping_is_left_out_at_any_depth() {
        let folder = tempfile::tempdir().unwrap();
        write(
            folder.path(),
            &[
                ".git/config",
                "sub/.git",
                "sub/.gitignore",
                ".cache/huggingface/download/a.metadata",
                "sub/.cache/huggingface/x",
                "huggingface/kept",
                "b",
                "a/c",
                ".env",
                "sub/.env",
            ],
        );
        assert_eq!(names(folder.path(), &all()), ["a/c", "b", "huggingface/kept", "sub/.gitignore"]);
        let asked = Selection { asked_for: vec![".env".into()], ..all() };
        assert_eq!(names(folder.path(), &asked)[0], ".env");
    }

    #[test]
    fn a_token_is_not_uploaded_from_where_it_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &["home/token", "other/token"]);
        let selection = Selection { secrets: vec![folder.path().join("home/token")], ..all() };
        assert_eq!(names(folder.path(), &selection), ["other/token"]);
    }

    #[test]
    fn patterns_choose_by_the_path_within_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &["a.txt", "d/b.txt", "d/c.bin"]);
        let filter = PathFilter::new(Some(["*.txt"]), Some(["d/"]));
        assert_eq!(names(folder.path(), &Selection { filter, ..all() }), ["a.txt"]);
    }

    #[test]
    fn patterns_that_match_no_file_are_told() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &["a.txt", ".git/config"]);
        let patterns = ["*.txt", "*.bin", ".git/*"].map(str::to_owned);
        let selection = Selection { patterns: Selection::each(patterns.iter()), ..all() };
        assert_eq!(walk(folder.path(), &selection).unwrap().unmatched, ["*.bin"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_to_files_are_content_and_nothing_else_is() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        write(outside.path(), &["blob", "dir/inner"]);
        symlink(outside.path().join("blob"), folder.path().join("link")).unwrap();
        symlink(outside.path().join("dir"), folder.path().join("dir")).unwrap();
        symlink("nowhere", folder.path().join("dangling")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
        let pipe = std::process::Command::new("mkfifo").arg(folder.path().join("pipe")).status();
        assert!(pipe.is_ok_and(|status| status.success()), "mkfifo is part of every Unix");
        assert_eq!(names(folder.path(), &all()), ["link"]);
        let skipped = walk(folder.path(), &all()).unwrap().skipped;
        let reasons: Vec<_> = skipped.iter().map(|(path, reason)| (path.as_str(), *reason)).collect();
        assert_eq!(
            reasons,
            [
                ("dangling", SkipReason::BrokenLink),
                ("dir", SkipReason::LinkToFolder),
                ("pipe", SkipReason::NotAFile),
                ("socket", SkipReason::NotAFile)
            ]
        );
        assert_eq!(names(folder.path(), &Selection::default()), Vec::<String>::new());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_that_is_not_utf8_is_refused_unless_ignored() {
        use std::os::unix::ffi::OsStrExt as _;
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(std::ffi::OsStr::from_bytes(b"bad\xff.txt")), "x").unwrap();
        let error = walk(folder.path(), &all()).unwrap_err();
        assert!(error.to_string().contains("UTF-8"), "{error}");
        let filter = PathFilter::new(None::<[&str; 0]>, Some(["bad*"]));
        assert!(names(folder.path(), &Selection { filter, ..all() }).is_empty());
    }

    #[test]
    fn decomposed_names_stay_as_they_are() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &["e\u{301}.txt"]);
        assert_eq!(names(folder.path(), &all()), ["e\u{301}.txt"]);
    }

    #[test]
    fn a_file_is_no_folder() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(walk(file.path(), &all()).is_err());
        assert!(walk(&file.path().join("x"), &all()).is_err());
    }
}
