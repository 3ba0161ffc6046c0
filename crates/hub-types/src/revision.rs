//! Names of versions.
use crate::CommitHash;
use crate::invalid::{InvalidArgument, checked_text, without_secrets};

/// Names a version of a repository: a branch, a tag, `refs/pr/N`, or a commit hash.
///
/// It is one percent-encoded segment in URLs, so slashes in it are kept. What git allows in no reference is refused:
/// control characters, empty parts, and parts that are `.` or `..` (they would walk out of the folder of references).
///
/// ```
/// # use hub_types::Revision;
/// assert_eq!(Revision::parse("refs/pr/1")?.as_str(), "refs/pr/1");
/// assert!(Revision::parse("../../x").is_err());
/// # Ok::<(), hub_types::InvalidArgument>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(Box<str>);

checked_text!(Revision);

const MAX_BYTES: usize = 1024;

impl Revision {
    /// The name of the default branch.
    pub const MAIN: &'static str = "main";

    /// Checks a text and makes a revision of it.
    ///
    /// # Errors
    /// Says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidArgument> {
        let refuse = |why: &str| {
            Err(InvalidArgument::new(format!("invalid revision {:?}: {why}", without_secrets(text))))
        };
        if text.is_empty() {
            return refuse("it is empty");
        }
        if text.len() > MAX_BYTES {
            return refuse("it is longer than 1024 bytes");
        }
        if text.chars().any(char::is_control) || text.contains('\\') {
            return refuse("control characters and backslashes are not allowed");
        }
        if text.split('/').any(|part| matches!(part, "" | "." | "..")) {
            return refuse("a part between slashes must not be empty, `.` or `..`");
        }
        Ok(Self(text.into()))
    }

    /// The default branch.
    pub fn main() -> Self {
        Self(Self::MAIN.into())
    }

    /// The commit this revision names, if it is a whole commit hash.
    pub fn as_commit(&self) -> Option<CommitHash> {
        CommitHash::parse(&self.0).ok()
    }
}

impl Default for Revision {
    fn default() -> Self {
        Self::main()
    }
}

impl From<CommitHash> for Revision {
    fn from(commit: CommitHash) -> Self {
        Self(commit.as_str().into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traversal_and_control_characters_are_refused() {
        for text in
            ["", "..", "../../x", "a/../b", "a//b", "/a", "a/", "a\r\nX: y", "a\\b", &"x".repeat(1025)]
        {
            assert!(Revision::parse(text).is_err(), "{text:?}");
        }
    }
}
