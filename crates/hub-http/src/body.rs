//! What a request carries.
use crate::redact::hide_secrets;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use serde_json::Value;
use std::{fmt, io, sync::Arc};

/// The body of a request.
#[derive(Clone, PartialEq, Default)]
pub enum RequestBody {
    /// Nothing.
    #[default]
    Empty,
    /// JSON.
    Json(Value),
    /// Name and value pairs, as `application/x-www-form-urlencoded`.
    Form(Vec<(String, String)>),
    /// Bytes in memory.
    Bytes {
        /// The media type.
        content_type: &'static str,
        /// The content.
        bytes: Bytes,
    },
    /// A stream that can be opened again for a repeated request.
    Stream {
        /// The media type; none for parts of a file.
        content_type: Option<&'static str>,
        /// The length in bytes, if it is known beforehand.
        length: Option<u64>,
        /// Opens the stream.
        source: BodySource,
    },
}

/// Without content, and without the values of secrets and variables.
impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Json(json) => write!(f, "Json({})", hide_secrets(json)),
            Self::Form(pairs) => f.debug_tuple("Form").field(pairs).finish(),
            Self::Bytes { content_type, bytes } => write!(f, "Bytes({} of {content_type})", bytes.len()),
            Self::Stream { content_type, length, .. } => write!(f, "Stream({length:?} of {content_type:?})"),
        }
    }
}

type Open = dyn Fn() -> BoxStream<'static, io::Result<Bytes>> + Send + Sync;

/// Opens a body stream; each call begins at the first byte.
#[derive(Clone)]
pub struct BodySource(Arc<Open>);

impl BodySource {
    /// Makes a source of a function that opens the stream.
    pub fn new(open: impl Fn() -> BoxStream<'static, io::Result<Bytes>> + Send + Sync + 'static) -> Self {
        Self(Arc::new(open))
    }

    /// Opens the stream.
    pub fn open(&self) -> BoxStream<'static, io::Result<Bytes>> {
        (self.0)()
    }
}

impl fmt::Debug for BodySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodySource")
    }
}

/// Two sources are equal if they are the same one.
impl PartialEq for BodySource {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}
