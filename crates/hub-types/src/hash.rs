//! Hashes that name things: commits, and the content of files.
use crate::invalid::{InvalidArgument, checked_text};

/// The hash of a commit: 40 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommitHash(Box<str>);

checked_text!(CommitHash);

impl CommitHash {
    /// Checks a text and makes a hash of it.
    ///
    /// # Errors
    /// The text is not 40 lower-case hex digits.
    pub fn parse(text: &str) -> Result<Self, InvalidArgument> {
        if is_hex(text, 40) {
            return Ok(Self(text.into()));
        }
        Err(InvalidArgument::new(format!(
            "invalid commit hash {text:?}: it must be 40 lower-case hex digits"
        )))
    }
}

/// What a server says identifies the content of a file, freed of quotes and the weak mark.
///
/// It names the blob in the cache, so it is a plain file name: letters, digits, `-`, `_`, `.`, `+`, `=`, at most 128, not
/// beginning with a dot, and not ending as the names of unfinished downloads do. The Hub's are hashes:
/// [`Etag::sha256`] for LFS files, [`Etag::git_sha1`] for the others.
///
/// ```
/// # use hub_types::Etag;
/// let etag = Etag::parse("W/\"7c5d3f4b8b76583b422fcb9189ad6c89d5d97a09\"")?;
/// assert!(etag.git_sha1().is_some());
/// assert!(Etag::parse("\"../../x\"").is_err());
/// # Ok::<(), hub_types::InvalidArgument>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Etag(Box<str>);

checked_text!(Etag);

/// The ends of the names of unfinished downloads beside the blobs, the Python client's and this one's.
const UNFINISHED: [&str; 2] = [".incomplete", ".partial"];

impl Etag {
    /// Reads the value of an `ETag` or `X-Linked-Etag` header.
    ///
    /// # Errors
    /// What is left without quotes and weak mark is no plain file name.
    pub fn parse(text: &str) -> Result<Self, InvalidArgument> {
        let bare = text.trim();
        let bare = bare.strip_prefix("W/").unwrap_or(bare);
        let bare = bare.strip_prefix('"').unwrap_or(bare);
        let bare = bare.strip_suffix('"').unwrap_or(bare);
        let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.' | b'+' | b'=');
        if bare.is_empty() || bare.len() > 128 || bare.starts_with('.') || !bare.bytes().all(plain) {
            return Err(InvalidArgument::new(format!(
                "invalid ETag {text:?}: it must be letters, digits, `-`, `_`, `.`, `+` and `=`, at most 128"
            )));
        }
        if UNFINISHED.iter().any(|suffix| bare.ends_with(suffix)) {
            return Err(InvalidArgument::new(format!(
                "invalid ETag {text:?}: it must not end with `.incomplete` or `.partial`, which name unfinished downloads"
            )));
        }
        let lower = bare.to_ascii_lowercase();
        let hash = is_hex(&lower, 40) || is_hex(&lower, 64);
        Ok(Self(if hash { lower.into() } else { bare.into() }))
    }

    /// The sha256 of the content, if this is one: 64 hex digits.
    pub fn sha256(&self) -> Option<&str> {
        is_hex(&self.0, 64).then_some(&self.0)
    }

    /// The git blob sha1 of the content, if this is one: 40 hex digits.
    pub fn git_sha1(&self) -> Option<&str> {
        is_hex(&self.0, 40).then_some(&self.0)
    }
}

fn is_hex(text: &str, digits: usize) -> bool {
    text.len() == digits && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etag_is_normalised() {
        let sha = "a".repeat(40);
        let cases = [
            (format!("\"{sha}\""), sha.clone()),
            (format!("W/\"{sha}\""), sha.clone()),
            (sha.clone(), sha.clone()),
            (sha.to_uppercase(), sha.clone()),
            ("\"d41d8cd98f00b204e9800998ecf8427e-2\"".into(), "d41d8cd98f00b204e9800998ecf8427e-2".into()),
            (format!("\"{sha}-gzip\""), format!("{sha}-gzip")),
        ];
        for (header, etag) in cases {
            assert_eq!(Etag::parse(&header).unwrap().as_str(), etag, "{header}");
        }
    }

    #[test]
    fn etag_never_leaves_the_blob_folder() {
        for header in
            ["", "\"\"", "..", "\"../x\"", "/etc/passwd", "a\\b", "a:b", ".lock", "a\0", &"a".repeat(129)]
        {
            assert!(Etag::parse(header).is_err(), "{header:?}");
        }
    }

    #[test]
    fn etag_is_no_name_of_an_unfinished_download() {
        for header in ["\"e1.incomplete\"", "e1.0123456789abcdef.partial"] {
            assert!(Etag::parse(header).is_err(), "{header:?}");
        }
        assert!(Etag::parse("\"e1.partial-2\"").is_ok());
    }

    #[test]
    fn commit_hash_is_forty_lower_case_digits() {
        assert!(CommitHash::parse(&"a1".repeat(20)).is_ok());
        for text in ["", "main", "../x", &"A".repeat(40), &"g".repeat(40), &"a".repeat(39)] {
            assert!(CommitHash::parse(text).is_err(), "{text}");
        }
    }
}
