//! Paths of URLs, built segment by segment.
use hub_types::InvalidArgument;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// The path of a URL under construction.
///
/// What is pushed is percent-encoded, so no value can add a segment, a query or a step upwards. A value that cannot
/// be a segment at all (empty, `.` or `..`) makes the path invalid; the request made of it is then refused unsent.
///
/// ```
/// # use hub_http::UrlPath;
/// let path = UrlPath::new("/api/models").push("me").push("refs/pr/1").extend("a b/c#d");
/// assert_eq!(path.as_str().unwrap(), "/api/models/me/refs%2Fpr%2F1/a%20b/c%23d");
/// assert!(UrlPath::new("/api").push("..").as_str().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlPath {
    text: String,
    invalid: Option<InvalidArgument>,
}

/// What RFC 3986 leaves unreserved stays as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl UrlPath {
    /// Begins with a literal path that needs no encoding.
    pub fn new(literal: &str) -> Self {
        Self { text: literal.trim_end_matches('/').to_owned(), invalid: None }
    }

    /// A path that is refused with this error when it is used.
    pub fn invalid(error: InvalidArgument) -> Self {
        Self { text: String::new(), invalid: Some(error) }
    }

    /// Adds one segment; slashes in it are encoded.
    #[must_use]
    pub fn push(mut self, segment: &str) -> Self {
        if matches!(segment, "" | "." | "..") && self.invalid.is_none() {
            let what = format!("{segment:?} cannot be a part of the path after `{}`", self.text);
            self.invalid = Some(InvalidArgument::new(what));
        }
        self.text.push('/');
        self.text.extend(utf8_percent_encode(segment, SEGMENT));
        self
    }

    /// Adds the segments of a path; slashes separate.
    #[must_use]
    pub fn extend(self, path: &str) -> Self {
        path.split('/').fold(self, Self::push)
    }

    /// The encoded path.
    ///
    /// # Errors
    /// A part that was added cannot be a segment.
    pub fn as_str(&self) -> Result<&str, InvalidArgument> {
        match &self.invalid {
            Some(error) => Err(error.clone()),
            None => Ok(&self.text),
        }
    }
}

impl From<&str> for UrlPath {
    fn from(literal: &str) -> Self {
        Self::new(literal)
    }
}
