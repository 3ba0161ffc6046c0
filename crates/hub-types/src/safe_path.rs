//! Paths that stay inside the folder they are joined to.
use crate::invalid::{InvalidArgument, checked_text};
use std::path::{Path, PathBuf};

/// A path within a repository that is safe to join to a local folder on every system.
///
/// Segments are separated by `/`; none is empty, `.` or `..`, longer than 255 bytes, or holds a backslash or NUL; the
/// whole is not absolute and has no drive. Names that only Windows reserves (`CON`, `a:b`, a final dot or space) are
/// accepted, since repositories have them and they are harmless elsewhere; [`SafeRelPath::is_portable`] tells.
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
            let stem = segment.split('.').next().unwrap_or(segment).to_ascii_uppercase();
            let numbered = |prefix: &str| {
                stem.strip_prefix(prefix)
                    .is_some_and(|n| n.len() == 1 && matches!(n.as_bytes()[0], b'1'..=b'9'))
            };
            let reserved =
                matches!(&*stem, "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT");
            let forbidden = |c: char| c.is_control() || matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*');
            !reserved && !segment.contains(forbidden) && !segment.ends_with(['.', ' '])
        })
    }
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
    fn names_reserved_by_windows_only_are_accepted_and_told() {
        for text in ["CON", "NUL.txt", "data/10:30.json", "a.", "a ", "com1.bin"] {
            assert!(!SafeRelPath::parse(text).unwrap().is_portable(), "{text:?}");
        }
        assert!(SafeRelPath::parse(".gitattributes").unwrap().is_portable());
    }
}
