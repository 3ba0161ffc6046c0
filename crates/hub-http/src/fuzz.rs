//! What the fuzz targets of the workspace reach of this crate. Built with `--cfg fuzzing` only.
use crate::{Error, answer, remote_file, retry};
use reqwest::header::HeaderMap;
use reqwest::{Method, StatusCode};
use std::time::{Duration, SystemTime};
use url::Url;

/// Reads a `Content-Range` header: the first byte, the end, and the size of the whole file if the header has it.
pub fn content_range(header: &str) -> Option<(u64, u64, Option<u64>)> {
    let range = remote_file::ContentRange::parse(header)?;
    Some((range.start, range.end, range.total))
}

/// Reads how long `Retry-After` and `RateLimit` ask to wait.
pub fn asked_wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    retry::asked_wait(headers, now)
}

/// Makes the error of an answer that refuses a request.
pub fn refusal(url: &Url, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    answer::refusal(&Method::GET, url, status, headers, body, None)
}
