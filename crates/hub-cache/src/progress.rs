//! Who is told how far a download is.
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;
use std::sync::Arc;

/// Is told how far a download is, from any thread; every method does nothing unless overridden.
///
/// Files are named by their paths in the repository.
pub trait Progress: Send + Sync {
    /// So many files are to come, of so many bytes in all; said once, before the first of them.
    fn planned(&self, files: u64, bytes: u64) {
        let _ = (files, bytes);
    }

    /// A file begins; so many of its bytes are here from an earlier run.
    fn started(&self, path: &str, size_bytes: u64, resumed_bytes: u64) {
        let _ = (path, size_bytes, resumed_bytes);
    }

    /// Bytes of a file have come.
    fn received(&self, path: &str, bytes: u64) {
        let _ = (path, bytes);
    }

    /// A file is verified and in its place.
    fn finished(&self, path: &str) {
        let _ = path;
    }
}

/// Holds who is told of the progress, as a parameter of requests; in JSON it can only be null.
#[derive(Clone)]
pub struct ProgressListener(Option<Arc<dyn Progress>>);

impl ProgressListener {
    pub(crate) fn get(&self) -> Option<Arc<dyn Progress>> {
        self.0.clone()
    }
}

impl<P: Progress + 'static> From<Arc<P>> for ProgressListener {
    fn from(listener: Arc<P>) -> Self {
        Self(Some(listener))
    }
}

impl From<Arc<dyn Progress>> for ProgressListener {
    fn from(listener: Arc<dyn Progress>) -> Self {
        Self(Some(listener))
    }
}

impl fmt::Debug for ProgressListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProgressListener")
    }
}

impl Serialize for ProgressListener {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de> Deserialize<'de> for ProgressListener {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<serde::de::IgnoredAny>::deserialize(deserializer)?.map_or(Ok(Self(None)), |_| {
            Err(D::Error::custom("who is told of the progress cannot be given as data"))
        })
    }
}
