//! A successful answer.
use crate::exchange::{self, Exchange, Failure};
use crate::retry::Deadline;
use crate::{Error, ErrorKind, Result, Timeout, answer, next_link, redact_url};
use bytes::{Bytes, BytesMut};
use reqwest::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, TRANSFER_ENCODING};
use reqwest::{StatusCode, Version};
use serde::de::{DeserializeOwned, IgnoredAny};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// How much room is made for an answer before it comes.
const MAX_ANNOUNCED_BYTES: u64 = 8 << 20;
/// Less than this in each second of waiting is a stall.
const FLOOR_BYTES_PER_SECOND: f64 = 1024.0;

/// The head of an answer, and its body still to be read.
pub struct Response {
    pub(crate) inner: reqwest::Response,
    /// The time within which the body has to make progress.
    window: Timeout,
    deadline: Option<Deadline>,
    meter: Meter,
    /// The exchange that it answers, so that it can be asked for again if its body breaks.
    exchange: Option<Box<Exchange>>,
}

impl Response {
    pub(crate) fn new(inner: reqwest::Response, window: Timeout, deadline: Option<Deadline>) -> Self {
        Self { inner, window, deadline, meter: Meter::default(), exchange: None }
    }

    pub(crate) fn with_exchange(self, exchange: Box<Exchange>) -> Self {
        Self { exchange: Some(exchange), ..self }
    }

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
    /// [`ErrorKind::ForeignOrigin`] if it is at another origin: following it would show the token there;
    /// [`ErrorKind::Decode`] if the link cannot be read.
    pub fn next_page(&self) -> Result<Option<Url>> {
        let url = || redact_url(self.url());
        let target = next_link(self.headers())
            .map_err(|error| error.context(|| format!("could not find the page after {}", url())))?;
        let Some(target) = target else { return Ok(None) };
        let next = self.url().join(&target).map_err(|error| {
            let message = format!("the address of the page after {} is not a valid URL", url());
            Error::new(ErrorKind::Decode, message).caused_by(error)
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
    /// [`ErrorKind::Connection`] if the body breaks off; [`ErrorKind::Timeout`] if it stalls, which means less than
    /// 1,024 bytes a second, or passes the deadline of the handle.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>> {
        let start = Instant::now();
        let idle = self.window.deadline(start);
        let deadline = self.deadline.map(|deadline| deadline.at);
        let chunk = match (idle, deadline) {
            (None, None) => Some(self.inner.chunk().await),
            (Some(until), None) | (None, Some(until)) => {
                tokio::time::timeout_at(until, self.inner.chunk()).await.ok()
            }
            (Some(idle), Some(deadline)) => {
                tokio::time::timeout_at(idle.min(deadline), self.inner.chunk()).await.ok()
            }
        };
        let url = || redact_url(self.inner.url());
        match chunk {
            Some(Ok(chunk)) => {
                let bytes = chunk.as_ref().map_or(0, Bytes::len);
                if chunk.is_some() && self.meter.stalls(start.elapsed(), bytes, self.window) {
                    let message =
                        format!("the answer of {} stalled: too few bytes in {}", url(), self.window);
                    return Err(Error::new(ErrorKind::Timeout, message));
                }
                Ok(chunk)
            }
            Some(Err(error)) => {
                let message = format!("the answer of {} broke off", url());
                Err(Error::new(ErrorKind::Connection, message).caused_by(error.without_url()))
            }
            None => match self.deadline.filter(|deadline| deadline.left().is_zero()) {
                Some(deadline) => Err(exchange::past(deadline, &url())),
                None => {
                    let message = format!("the answer of {} stalled: no byte for {}", url(), self.window);
                    Err(Error::new(ErrorKind::Timeout, message))
                }
            },
        }
    }

    /// Reads the whole body into memory.
    ///
    /// If the body breaks off or stalls, the request is sent again under the same rules as if there had been no answer.
    ///
    /// # Errors
    /// As [`Response::chunk`] and [`Client::execute`](crate::Client::execute); [`ErrorKind::Decode`] if the body is
    /// larger than [`Http::max_answer_bytes`](crate::Http::max_answer_bytes), counted after decompression.
    pub async fn collect(mut self) -> Result<Answer> {
        loop {
            let exchange = self.exchange.take();
            let url = self.url().clone();
            let failure = match self.read(exchange.as_ref().map(|exchange| exchange.max_answer_bytes())).await
            {
                Ok(answer) => return Ok(answer),
                Err(error) if matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout) => {
                    Failure::transient(error, url)
                }
                Err(error) => Failure::lasting(error, url),
            };
            let Some(mut exchange) = exchange else { return Err(failure.into_error()) };
            exchange.failed(failure).await?;
            self = Box::pin(exchange.run()).await?;
        }
    }

    async fn read(mut self, max_bytes: Option<usize>) -> Result<Answer> {
        let (status, headers, url) = (self.status(), self.headers().clone(), self.url().clone());
        // What a server announces is room for a start, not a promise.
        let announced = self.inner.content_length().unwrap_or(0).min(MAX_ANNOUNCED_BYTES);
        let mut body = BytesMut::with_capacity(announced as usize);
        while let Some(chunk) = self.chunk().await? {
            if let Some(max) = max_bytes.filter(|max| body.len() + chunk.len() > *max) {
                let message = format!("the answer of {} is larger than {} MiB", redact_url(&url), max >> 20);
                return Err(Error::new(ErrorKind::Decode, message));
            }
            body.extend_from_slice(&chunk);
        }
        if self.ends_with_connection() && is_cut_json(&body) {
            let message = format!("the answer of {} ended before its JSON did", redact_url(&url));
            return Err(Error::new(ErrorKind::Connection, message));
        }
        Ok(Answer { status, headers, url, body: body.freeze() })
    }

    /// Whether only the end of the connection marks the end of the body, so that HTTP cannot tell that it was cut.
    fn ends_with_connection(&self) -> bool {
        let framed = [CONTENT_LENGTH, TRANSFER_ENCODING].iter().any(|name| self.headers().contains_key(name));
        !framed && self.inner.version() <= Version::HTTP_11
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// As [`Response::collect`] and [`Answer::json`].
    pub async fn json<T: DeserializeOwned>(self) -> Result<T> {
        self.collect().await?.json()
    }
}

/// Whether a text is the beginning of a JSON document.
fn is_cut_json(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"[") | body.trim_ascii_start().starts_with(b"{")
        && serde_json::from_slice::<IgnoredAny>(body).is_err_and(|error| error.is_eof())
}

/// Tells a stall from a slow line: it counts only the time spent waiting for the server.
#[derive(Debug, Default)]
struct Meter {
    waited: Duration,
    bytes: usize,
}

impl Meter {
    fn stalls(&mut self, waited: Duration, bytes: usize, window: Timeout) -> bool {
        self.waited += waited;
        self.bytes += bytes;
        if Timeout::new(self.waited) < window {
            return false;
        }
        let floor = self.waited.as_secs_f64() * FLOOR_BYTES_PER_SECOND;
        let stalled = (self.bytes as f64) < floor;
        *self = Self::default();
        stalled
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

    /// Checks that the answer is not a web page, where its content does not matter otherwise.
    ///
    /// # Errors
    /// [`ErrorKind::NotAHub`] if it is one: the login page of a network, say.
    pub fn check_not_a_page(&self) -> Result<()> {
        let is_page = self.header(CONTENT_TYPE.as_str()).is_some_and(|media| media.contains("text/html"));
        if !is_page && !self.body.trim_ascii_start().starts_with(b"<") {
            return Ok(());
        }
        let message = format!(
            "{} answered with a web page; is HF_ENDPOINT a Hub, and is there a login page between?",
            redact_url(&self.url)
        );
        Err(Error::new(ErrorKind::NotAHub, message))
    }

    fn unreadable(&self, why: &str) -> Error {
        let url = redact_url(&self.url);
        match self.check_not_a_page() {
            Err(page) => page,
            Ok(()) => Error::new(ErrorKind::Decode, format!("could not read the answer of {url}: {why}")),
        }
    }
}

/// Reads the body a second time, more slowly, to learn which field is wrong.
fn path_of_error<T: DeserializeOwned>(body: &[u8]) -> Option<String> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let error = serde_path_to_error::deserialize::<_, T>(&mut reader).err()?;
    Some(format!("at `{}`: {}", error.path(), error.inner()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trickle_is_a_stall_and_a_slow_line_is_not() {
        let second = Duration::from_secs(1);
        let mut trickle = Meter::default();
        assert!((0..11).any(|_| trickle.stalls(second, 1, (10 * second).into())));
        let mut slow = Meter::default();
        assert!(!(0..100).any(|_| slow.stalls(second, 64 << 10, (10 * second).into())));
    }

    #[test]
    fn only_the_beginning_of_json_is_cut_json() {
        for cut in [r#"{"a":[1"#, "[", r#"["x"#, " {\"a\":"] {
            assert!(is_cut_json(cut.as_bytes()), "{cut}");
        }
        for other in ["", "[]", r#"{"a":1}"#, "<html>", "OK", "[}", "nul"] {
            assert!(!is_cut_json(other.as_bytes()), "{other}");
        }
    }
}
