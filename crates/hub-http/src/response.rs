//! A successful answer.
use crate::{Error, ErrorKind, Result, Timeout, answer, next_link, redact_url};
use bytes::{Bytes, BytesMut};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde::de::DeserializeOwned;
use url::Url;

/// What an answer that is kept in memory may weigh at most.
const MAX_BYTES: usize = 256 << 20;
/// How much room is made for an answer before it comes.
const MAX_ANNOUNCED_BYTES: u64 = 8 << 20;

/// The head of an answer, and its body still to be read.
pub struct Response {
    pub(crate) inner: reqwest::Response,
    pub(crate) patience: Timeout,
}

impl Response {
    /// The status.
    pub fn status(&self) -> StatusCode {
        self.inner.status()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// The URL that answered, after redirects.
    pub fn url(&self) -> &Url {
        self.inner.url()
    }

    /// The id to give when reporting this exchange to the Hub.
    pub fn request_id(&self) -> Option<String> {
        answer::request_id(self.headers())
    }

    /// The next page of a listing, as an absolute URL.
    ///
    /// # Errors
    /// [`ErrorKind::ForeignOrigin`] if it is at another origin: following it would show the token there.
    pub fn next_page(&self) -> Result<Option<Url>> {
        let Some(target) = next_link(self.headers()) else { return Ok(None) };
        let next = self.url().join(&target).map_err(|error| {
            Error::new(ErrorKind::Decode, format!("the next page `{target}` is no URL")).caused_by(error)
        })?;
        if next.origin() == self.url().origin() {
            return Ok(Some(next));
        }
        Err(Error::new(
            ErrorKind::ForeignOrigin,
            format!(
                "the listing at {} goes on at another origin, {}; refused",
                redact_url(self.url()),
                redact_url(&next)
            ),
        ))
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// [`ErrorKind::Connection`] if the body breaks off, [`ErrorKind::Timeout`] if nothing comes for too long.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        match self.patience.limit(self.inner.chunk()).await {
            Some(Ok(chunk)) => Ok(chunk),
            Some(Err(error)) => {
                let url = redact_url(self.url());
                Err(Error::new(ErrorKind::Connection, format!("the answer of {url} broke off"))
                    .caused_by(error.without_url()))
            }
            None => {
                let limit = self.patience;
                let url = redact_url(self.url());
                Err(Error::new(ErrorKind::Timeout, format!("the answer of {url} stood still for {limit}")))
            }
        }
    }

    /// Reads the whole body into memory.
    ///
    /// # Errors
    /// As [`Response::chunk`]; [`ErrorKind::Decode`] if it is larger than 256 MiB.
    pub async fn collect(mut self) -> Result<Answer> {
        let (status, headers, url) = (self.status(), self.headers().clone(), self.url().clone());
        // What a server announces is room for a start, not a promise.
        let announced = self.inner.content_length().unwrap_or(0).min(MAX_ANNOUNCED_BYTES);
        let mut body = BytesMut::with_capacity(announced as usize);
        while let Some(chunk) = self.chunk().await? {
            if body.len() + chunk.len() > MAX_BYTES {
                let url = redact_url(&url);
                return Err(Error::new(
                    ErrorKind::Decode,
                    format!("the answer of {url} is larger than 256 MiB"),
                ));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(Answer { status, headers, url, body: body.freeze() })
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// As [`Response::collect`] and [`Answer::json`].
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        self.collect().await?.json()
    }
}

/// A successful answer with its whole body.
#[derive(Clone)]
#[non_exhaustive]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The URL that answered, after redirects.
    pub url: Url,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// [`ErrorKind::NotAHub`] if it is a web page, [`ErrorKind::Decode`] if it is not what was expected, with the
    /// path of the field.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T> {
        // Text that was checked as a whole is read faster than one that is checked string by string.
        let read = match std::str::from_utf8(&self.body) {
            Ok(text) => serde_json::from_str(text),
            Err(_) => serde_json::from_slice(&self.body),
        };
        read.map_err(|error| {
            self.unreadable(&path_of_error::<T>(&self.body).unwrap_or_else(|| error.to_string()))
        })
    }

    fn unreadable(&self, why: &str) -> Error {
        let url = redact_url(&self.url);
        let is_page = self.header(CONTENT_TYPE.as_str()).is_some_and(|media| media.contains("text/html"));
        if is_page || self.body.trim_ascii_start().starts_with(b"<") {
            let message = format!(
                "{url} answered with a web page; is HF_ENDPOINT a Hub, and is there a login page between?"
            );
            return Error::new(ErrorKind::NotAHub, message);
        }
        Error::new(ErrorKind::Decode, format!("could not read the answer of {url}: {why}"))
    }
}

/// Reads the body a second time, more slowly, to learn which field is wrong.
fn path_of_error<T: DeserializeOwned>(body: &[u8]) -> Option<String> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let error = serde_path_to_error::deserialize::<_, T>(&mut reader).err()?;
    Some(format!("at `{}`: {}", error.path(), error.inner()))
}
