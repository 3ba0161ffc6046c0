//! The one error of the workspace.
use hub_types::InvalidArgument;
use reqwest::StatusCode;
use std::path::Path;
use std::time::Duration;
use std::{error::Error as StdError, fmt, io};

/// The result of what may fail with the workspace's error.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, to match on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A parameter is missing, ill-formed or refused before any request.
    InvalidArgument,
    /// A token is required and there is none.
    TokenMissing,
    /// The repository does not exist, or the token may not see it.
    RepositoryNotFound,
    /// The repository asks for an access request that was not granted.
    GatedRepo,
    /// The repository was disabled by its owner or by the Hub.
    DisabledRepo,
    /// The repository has no such revision.
    RevisionNotFound,
    /// The repository has no such file at this revision.
    EntryNotFound,
    /// The file is not in the cache and no request may be or could be made.
    LocalEntryNotFound,
    /// The Hub refused the request as ill-formed (status 400).
    BadRequest,
    /// The branch has moved since the parent commit that was named (status 412).
    ParentMoved,
    /// Too many requests; [`Error::retry_after`] says how long to wait.
    RateLimited,
    /// Any other refusal of the Hub; [`Error::http`] has its status.
    Http,
    /// Requests are switched off by `HF_HUB_OFFLINE`.
    Offline,
    /// No connection could be made, or it broke and could not be made again.
    Connection,
    /// The certificate of a server is not trusted, has expired or is for another host.
    Certificate,
    /// The proxy refuses to connect to the server.
    Proxy,
    /// Nothing came for too long.
    Timeout,
    /// Redirects went round, went too far, or to where they must not.
    Redirect,
    /// An answer names another origin for what must come from this one.
    ForeignOrigin,
    /// A listing leads back to a page it already gave.
    PaginationLoop,
    /// What answered is not a Hub.
    NotAHub,
    /// An answer could not be read.
    Decode,
    /// An answer about a file lacks what identifies it.
    FileMetadata,
    /// The content of a file is not what its hash says.
    HashMismatch,
    /// A file on the server changed while it was read.
    ContentChanged,
    /// The server does not serve ranges of this file.
    RangeIgnored,
    /// A name from the network would leave its folder.
    UnsafePath,
    /// Two names of a repository are one file on this system.
    NameCollision,
    /// There is not enough room on the disk.
    InsufficientSpace,
    /// The cache cannot be written to.
    CacheReadOnly,
    /// Some files of a snapshot are missing.
    IncompleteSnapshot,
    /// A local file changed while it was uploaded.
    SourceChanged,
    /// An upload was acknowledged and is not there.
    UploadLost,
    /// The repository has no safetensors files.
    NotASafetensorsRepo,
    /// A safetensors header could not be read.
    SafetensorsParsing,
    /// An Inference Endpoint failed.
    InferenceEndpoint,
    /// An Inference Endpoint was not ready in time.
    InferenceEndpointTimeout,
    /// A file or folder could not be read or written.
    Io,
    /// The work was cancelled.
    Cancelled,
}

impl ErrorKind {
    /// The name of the Python client's exception for this kind.
    pub fn python_class(self) -> &'static str {
        match self {
            Self::InvalidArgument => "ValueError",
            Self::TokenMissing => "LocalTokenNotFoundError",
            Self::RepositoryNotFound => "RepositoryNotFoundError",
            Self::GatedRepo => "GatedRepoError",
            Self::DisabledRepo => "DisabledRepoError",
            Self::RevisionNotFound => "RevisionNotFoundError",
            Self::EntryNotFound => "EntryNotFoundError",
            Self::LocalEntryNotFound | Self::IncompleteSnapshot => "LocalEntryNotFoundError",
            Self::BadRequest => "BadRequestError",
            Self::Offline => "OfflineModeIsEnabled",
            Self::FileMetadata => "FileMetadataError",
            Self::NotASafetensorsRepo => "NotASafetensorsRepoError",
            Self::SafetensorsParsing => "SafetensorsParsingError",
            Self::InferenceEndpoint => "InferenceEndpointError",
            Self::InferenceEndpointTimeout => "InferenceEndpointTimeoutError",
            Self::Connection => "ConnectionError",
            Self::Certificate => "SSLError",
            Self::Proxy => "ProxyError",
            Self::Timeout => "Timeout",
            Self::Redirect => "TooManyRedirects",
            Self::Io
            | Self::InsufficientSpace
            | Self::CacheReadOnly
            | Self::SourceChanged
            | Self::HashMismatch
            | Self::ContentChanged
            | Self::RangeIgnored
            | Self::UploadLost
            | Self::UnsafePath
            | Self::NameCollision => "OSError",
            Self::Cancelled => "CancelledError",
            Self::ParentMoved
            | Self::RateLimited
            | Self::Http
            | Self::ForeignOrigin
            | Self::PaginationLoop
            | Self::NotAHub
            | Self::Decode => "HfHubHTTPError",
        }
    }
}

/// What is known of the answer that an error came from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HttpContext {
    /// The status.
    pub status: StatusCode,
    /// The method and the URL, without secrets.
    pub request: String,
    /// The id to give when reporting it (`X-Request-Id`, else `X-Amzn-Trace-Id`).
    pub request_id: Option<String>,
    /// The Hub's word for the error (`X-Error-Code`).
    pub error_code: Option<String>,
    /// The Hub's message.
    pub message: Option<String>,
    /// The page that the Hub names in its refusal: for a conflict, that of what exists already.
    pub page: Option<String>,
    /// The slug that the Hub names in its refusal: for a conflict, that of what exists already.
    pub slug: Option<String>,
    /// The commit that the answer is about (`X-Repo-Commit`), also when it lacks the file that was asked for.
    pub repo_commit: Option<String>,
}

/// What failed, on what, why, and what to do.
///
/// One pointer wide. Its text is one line; what caused it is in [`StdError::source`].
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    message: String,
    subject: Option<String>,
    http: Option<HttpContext>,
    retry_after: Option<Duration>,
    attempts: u32,
    unsent: bool,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// Creates an error of a kind from its one-line message.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            subject: None,
            http: None,
            retry_after: None,
            attempts: 1,
            unsent: false,
            source: None,
        }))
    }

    /// Creates an error about a parameter.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidArgument, message)
    }

    /// Adds what caused it.
    #[must_use]
    pub fn caused_by(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Adds what it is about: a repository, a file, a path.
    #[must_use]
    pub fn about(mut self, subject: impl Into<String>) -> Self {
        self.0.subject = Some(subject.into());
        self
    }

    /// Changes the kind, when the place that knows more says so.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.0.kind = kind;
        self
    }

    /// Says what was attempted, in front of the message.
    #[must_use]
    pub(crate) fn context(mut self, what: impl FnOnce() -> String) -> Self {
        self.0.message = format!("{}: {}", what(), self.0.message);
        self
    }

    pub(crate) fn with_http(mut self, http: HttpContext) -> Self {
        self.0.http = Some(http);
        self
    }

    pub(crate) fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.0.retry_after = wait;
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    pub(crate) fn with_unsent(mut self, unsent: bool) -> Self {
        self.0.unsent = unsent;
        self
    }

    /// Whether no connection could be made in any attempt, so that the request cannot have had an effect.
    ///
    /// False also for what failed without an attempt, such as an invalid argument.
    pub fn is_unsent(&self) -> bool {
        self.0.unsent
    }

    /// What went wrong, to match on.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What it is about, if it is about one thing.
    pub fn subject(&self) -> Option<&str> {
        self.0.subject.as_deref()
    }

    /// The answer it came from, if there was one.
    pub fn http(&self) -> Option<&HttpContext> {
        self.0.http.as_ref()
    }

    /// The status of the answer it came from, if there was one.
    pub fn status(&self) -> Option<u16> {
        self.0.http.as_ref().map(|http| http.status.as_u16())
    }

    /// The id to give when reporting it to the Hub.
    pub fn request_id(&self) -> Option<&str> {
        self.0.http.as_ref()?.request_id.as_deref()
    }

    /// How long the server asks to wait.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// How many times the request was sent.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// Whether the repository could not be read: not found, or gated.
    pub fn is_repository_not_found(&self) -> bool {
        matches!(self.kind(), ErrorKind::RepositoryNotFound | ErrorKind::GatedRepo)
    }

    /// The whole story in one line: this error and its causes, parted by colons.
    pub fn full_message(&self) -> String {
        let mut text = self.to_string();
        let mut cause = self.source();
        while let Some(error) = cause {
            let next = error.to_string();
            if !text.contains(&next) {
                text.push_str(": ");
                text.push_str(&next);
            }
            cause = error.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        f.write_str(&inner.message)?;
        if let Some(subject) = inner.subject.as_deref().filter(|subject| !inner.message.contains(subject)) {
            write!(f, " (`{subject}`)")?;
        }
        if inner.attempts > 1 {
            write!(f, ", after {} attempts", inner.attempts)?;
        }
        if let Some(request_id) = self.request_id() {
            write!(f, " (request id: {request_id})")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        f.debug_struct("Error")
            .field("kind", &inner.kind)
            .field("message", &self.full_message())
            .field("http", &inner.http)
            .finish_non_exhaustive()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

impl From<InvalidArgument> for Error {
    fn from(error: InvalidArgument) -> Self {
        Self::invalid(error.to_string())
    }
}

/// Says what was attempted when something failed.
pub trait Context<T> {
    /// Wraps the failure in a message; its kind stays if it has one.
    ///
    /// # Errors
    /// The failure, wrapped.
    fn with(self, message: impl FnOnce() -> String) -> Result<T>;
}

impl<T> Context<T> for Result<T, InvalidArgument> {
    fn with(self, message: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error::invalid(format!("{}: {error}", message())))
    }
}

impl<T> Context<T> for Result<T, Error> {
    fn with(self, message: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| error.context(message))
    }
}

/// Names the path that an I/O failure is about.
pub trait IoContext<T> {
    /// Wraps an I/O failure with its path; a full disk or quota is [`ErrorKind::InsufficientSpace`], all else
    /// [`ErrorKind::Io`].
    ///
    /// # Errors
    /// The failure, wrapped.
    fn at(self, path: impl AsRef<Path>) -> Result<T>;
}

impl<T> IoContext<T> for io::Result<T> {
    fn at(self, path: impl AsRef<Path>) -> Result<T> {
        self.map_err(|error| {
            let path = path.as_ref().display().to_string();
            let kind = match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorKind::InsufficientSpace,
                _ => ErrorKind::Io,
            };
            Error::new(kind, format!("could not use `{path}`: {error}")).about(path).caused_by(error)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_is_one_pointer_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
    }

    #[test]
    fn a_full_disk_has_its_own_kind() {
        let full: io::Result<()> = Err(io::ErrorKind::StorageFull.into());
        let error = full.at("/cache/x").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InsufficientSpace);
        assert!(error.to_string().contains("/cache/x"));
    }
}
