//! A successful answer.
use crate::{Error, ErrorKind, Result, answer, next_link, redact_url};
use bytes::{Bytes, BytesMut};
use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use serde::de::DeserializeOwned;
use std::time::Duration;
use url::Url;

/// What an answer that is kept in memory may weigh at most.
const MAX_BYTES: usize = 256 << 20;

/// The head of an answer, and its body still to be read.
#[derive(Debug)]
pub struct Response {
    pub(crate) inner: reqwest::Response,
    pub(crate) patience: Duration,
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
        match tokio::time::timeout(self.patience, self.inner.chunk()).await {
            Ok(Ok(chunk)) => Ok(chunk),
            Ok(Err(error)) => {
                let url = redact_url(self.url());
                Err(Error::new(ErrorKind::Connection, format!("the answer of {url} broke off"))
                    .caused_by(error.without_url()))
            }
            Err(_) => {
                let seconds = self.patience.as_secs();
                let url = redact_url(self.url());
                Err(Error::new(
                    ErrorKind::Timeout,
                    format!("the answer of {url} stood still for {seconds} s"),
                ))
            }
        }
    }

    /// The whole body, in memory.
    ///
    /// # Errors
    /// As [`Response::chunk`]; [`ErrorKind::Decode`] if it is larger than 256 MiB.
    pub async fn bytes(mut self) -> Result<Bytes> {
        let mut body = BytesMut::new();
        while let Some(chunk) = self.chunk().await? {
            if body.is_empty() && self.inner.content_length() == Some(0) {
                return Ok(chunk);
            }
            if body.len() + chunk.len() > MAX_BYTES {
                let url = redact_url(self.url());
                return Err(Error::new(
                    ErrorKind::Decode,
                    format!("the answer of {url} is larger than 256 MiB"),
                ));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// As [`Response::bytes`]; [`ErrorKind::NotAHub`] if it is a web page, [`ErrorKind::Decode`] if it is not what
    /// was expected, with the path of the field.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        let head = Head::of(&self);
        let body = self.bytes().await?;
        head.parse(&body)
    }
}

/// What the error about a body that cannot be read needs of its answer.
#[derive(Debug, Clone)]
struct Head {
    url: Url,
    is_page: bool,
}

impl Head {
    fn of(response: &Response) -> Self {
        let is_page = response.header(CONTENT_TYPE.as_str()).is_some_and(|media| media.contains("text/html"));
        Self { url: response.url().clone(), is_page }
    }

    fn parse<T: DeserializeOwned>(&self, body: &[u8]) -> Result<T> {
        match serde_json::from_slice(body) {
            Ok(value) => Ok(value),
            Err(error) => Err(self.unreadable(body, &path_of_error::<T>(body).unwrap_or(error.to_string()))),
        }
    }

    fn unreadable(&self, body: &[u8], why: &str) -> Error {
        let url = redact_url(&self.url);
        if self.is_page || body.trim_ascii_start().starts_with(b"<") {
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
