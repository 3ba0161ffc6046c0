//! Paths that stay inside the folder they are joined to.
use crate::invalid::{InvalidArgument, checked_text};
use std::path::{Path, PathBuf};

/// A path within a repository that is safe to join to a local folder on every system.
///
/// Segments are separated by `/`; none is empty, `.` or `..`, longer than 255 bytes, or holds a backslash or NUL; the
/// whole is not absolute and has no drive. Names that only Windows reserves (`CON`, `a:b`, a final dot or space) are
/// accepted, since repositories have them and they are harmless elsewhere; [`SafeRelPath::is_portable`] tells. Names
/// that belong to git and to the Hub's clients are accepted as well; [`SafeRelPath::reserved`] tells.
///
/// ```
/// # use hub_types::SafeRelPath;
/// let path = SafeRelPath::parse("onnx/model.onnx")?;
/// assert_eq!(path.join_to("snapshot".as_ref()), std::path::Path::new("snapshot/onnx/model.onnx"));
/// assert!(SafeRelPath::parse("../x").is_err());
/// # Ok::<(), hub_types::InvalidArgument>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SafeRelPath(Box<str>);

checked_text!(SafeRelPath);

const MAX_SEGMENT_BYTES: usize = 255;

impl SafeRelPath {
    /// Checks a text and makes a path of it.
    ///
    /// # Errors
    /// Says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidArgument> {
        let refuse = |why: &str| Err(InvalidArgument::new(format!("unsafe path {text:?}: {why}")));
        if text.contains(['\\', '\0']) {
            return refuse("backslashes and NUL are not allowed");
        }
        let bytes = text.as_bytes();
        if bytes.len() >= 2 && bytes[0].is_ascii_alphabetic() && bytes[1] == b':' {
            return refuse("it begins with a drive letter");
        }
        for segment in text.split('/') {
            match segment {
                "" => return refuse("it is absolute, empty or has an empty segment"),
                "." | ".." => return refuse("`.` and `..` are not allowed"),
                _ if segment.len() > MAX_SEGMENT_BYTES => {
                    return refuse("a segment is longer than 255 bytes");
                }
                _ => {}
            }
        }
        Ok(Self(text.into()))
    }

    /// The segments in order.
    pub fn segments(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.0.split('/')
    }

    /// The last segment.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }

    /// This path under `folder`.
    pub fn join_to(&self, folder: &Path) -> PathBuf {
        let mut path = folder.to_path_buf();
        path.extend(self.segments());
        path
    }

    /// Whether every system can have a file of this name, Windows included.
    pub fn is_portable(&self) -> bool {
        self.segments().all(|segment| {
            let stem = segment.split('.').next().unwrap_or(segment).trim_end().to_uppercase();
            let digit = |c: char| matches!(c, '1'..='9' | '¹' | '²' | '³');
            let numbered = |prefix: &str| {
                stem.strip_prefix(prefix).is_some_and(|n| n.chars().count() == 1 && n.chars().all(digit))
            };
            let reserved = matches!(&*stem, "CON" | "PRN" | "AUX" | "NUL" | "CONIN$" | "CONOUT$")
                || numbered("COM")
                || numbered("LPT");
            let forbidden = |c: char| c.is_control() || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*');
            !reserved && !segment.contains(forbidden) && !segment.ends_with(['.', ' '])
        })
    }

    /// The reserved name that this path would write to inside a user's folder, if it would: `.git` at any depth, or
    /// the bookkeeping of downloads in `.cache/huggingface`.
    ///
    /// Names that some file system takes for these count as well: other case, final dots and spaces, NTFS streams and
    /// short names (`git~1`), and the characters that HFS+ ignores.
    ///
    /// ```
    /// # use hub_types::SafeRelPath;
    /// let reserved = |path: &str| SafeRelPath::parse(path).unwrap().reserved();
    /// assert_eq!(reserved("sub/.GIT/hooks/post-checkout"), Some(".git"));
    /// assert_eq!(reserved(".cache/huggingface/download/a.metadata"), Some(".cache/huggingface"));
    /// assert_eq!(reserved(".gitattributes"), None);
    /// ```
    pub fn reserved(&self) -> Option<&'static str> {
        if self.segments().any(|segment| names_reserved(segment, ".git", "git")) {
            return Some(".git");
        }
        let mut segments = self.segments();
        let in_cache = segments.next().is_some_and(|first| names_reserved(first, ".cache", "cache"));
        // A file named `.cache` would take the place of the folder.
        let taken =
            in_cache && segments.next().is_none_or(|second| names_reserved(second, "huggingface", "huggin"));
        taken.then_some(".cache/huggingface")
    }
}

/// Whether some file system takes a name for a reserved one, whose short name on NTFS begins with `short` and `~`.
fn names_reserved(segment: &str, name: &str, short: &str) -> bool {
    // Nearly all names are told apart here, without an allocation.
    if segment.is_ascii() && !segment.starts_with(['.', 'g', 'G', 'c', 'C', 'h', 'H']) {
        return false;
    }
    let ignored_by_hfs = |c: char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let folded: String =
        segment.chars().filter(|&c| !ignored_by_hfs(c)).flat_map(char::to_lowercase).collect();
    let folded = folded.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    let is_short = |rest: &str| {
        rest.strip_prefix('~').is_some_and(|n| !n.is_empty() && n.bytes().all(|c| c.is_ascii_digit()))
    };
    folded == name || folded.strip_prefix(short).is_some_and(is_short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_leave_the_folder_is_refused() {
        let long = "x".repeat(300);
        let refused = [
            "",
            "../x",
            "a/../../x",
            "/x",
            "C:\\x",
            "D:x",
            "\\x",
            "\\\\h\\s\\x",
            "a\\..\\b",
            "a/./b",
            "a//b",
            ".",
            "..",
            "x\0y",
            "a/",
            "c:/x",
            &long,
        ];
        for text in refused {
            assert!(SafeRelPath::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn reserved_names_are_recognised_in_every_spelling() {
        for text in [
            ".git/config",
            ".git",
            "sub/.git/hooks/post-checkout",
            ".GIT/config",
            ".Git ./x",
            ".git::$INDEX_ALLOCATION/x",
            "git~1/config",
            "GIT~1/hooks/x",
            ".g\u{200c}it/config",
            "\u{feff}.git/config",
        ] {
            assert_eq!(SafeRelPath::parse(text).unwrap().reserved(), Some(".git"), "{text:?}");
        }
        for text in [
            ".cache/huggingface/download/config.json.metadata",
            ".cache/huggingface",
            ".cache",
            ".Cache/HuggingFace/trees/x.json",
            ".cache./huggingface /x",
            "CACHE~1/HUGGIN~1/x",
            ".ca\u{200d}che/huggingface/x",
        ] {
            assert_eq!(SafeRelPath::parse(text).unwrap().reserved(), Some(".cache/huggingface"), "{text:?}");
        }
    }

    #[test]
    fn names_that_resemble_reserved_ones_are_free() {
        for text in [
            ".gitattributes",
            ".gitignore",
            ".github/workflows/ci.yml",
            "git/config",
            "my.git/x",
            ".cache/other/x",
            "sub/.cache/huggingface/x",
            "cache/huggingface",
            "git~x/y",
            "gitter~1",
            "huggingface",
        ] {
            assert_eq!(SafeRelPath::parse(text).unwrap().reserved(), None, "{text:?}");
        }
    }

    #[test]
    fn names_reserved_by_windows_only_are_accepted_and_told() {
        for text in
            ["CON", "NUL.txt", "data/10:30.json", "a.", "a ", "com1.bin", "COM\u{b9}", "con .txt", "conin$"]
        {
            assert!(!SafeRelPath::parse(text).unwrap().is_portable(), "{text:?}");
        }
        assert!(SafeRelPath::parse(".gitattributes").unwrap().is_portable());
    }
}
