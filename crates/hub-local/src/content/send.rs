//! Answers that carry the content of a file, or a range of it.
use super::range::{Asked, asked_range, if_range_holds};
use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use bytes::{Bytes, BytesMut};
use futures_util::stream;
use std::io::{self, SeekFrom};
use tokio::{
    fs::File,
    io::{AsyncReadExt, AsyncSeekExt},
};

const CHUNK: usize = 256 << 10;

/// Part of a file on disk.
pub(crate) struct FileSlice {
    file: File,
    remaining: u64,
}

impl FileSlice {
    async fn new(mut file: File, start: u64, length: u64) -> io::Result<Self> {
        file.seek(SeekFrom::Start(start)).await?;
        Ok(Self { file, remaining: length })
    }

    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        if self.remaining == 0 {
            return Ok(None);
        }
        let mut chunk = BytesMut::with_capacity(CHUNK.min(usize::try_from(self.remaining).unwrap_or(CHUNK)));
        if self.file.read_buf(&mut chunk).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let length = u64::try_from(chunk.len()).unwrap_or(u64::MAX).min(self.remaining);
        chunk.truncate(usize::try_from(length).unwrap_or(CHUNK));
        self.remaining -= length;
        Ok(Some((chunk.freeze(), self)))
    }
}

/// Answers a request for a file on disk, in chunks.
pub(crate) async fn send_file(headers: &HeaderMap, etag: &str, file: File) -> io::Result<Response> {
    let size = file.metadata().await?.len();
    let (mut answer, start, length) = head(headers, etag, size);
    if answer.status() != StatusCode::RANGE_NOT_SATISFIABLE {
        let slice = FileSlice::new(file, start, length).await?;
        *answer.body_mut() = Body::from_stream(stream::try_unfold(slice, FileSlice::next));
    }
    Ok(answer)
}

/// Answers a request for content that is in memory.
pub(crate) fn send_bytes(headers: &HeaderMap, etag: &str, content: Vec<u8>) -> Response {
    let content = Bytes::from(content);
    let (mut answer, start, length) = head(headers, etag, content.len() as u64);
    if answer.status() != StatusCode::RANGE_NOT_SATISFIABLE {
        let range = start as usize..(start + length) as usize;
        *answer.body_mut() = Body::from(content.slice(range));
    }
    answer
}

/// The answer without its body, and which part of the content that is.
fn head(headers: &HeaderMap, etag: &str, size: u64) -> (Response, u64, u64) {
    let asked = if if_range_holds(headers, etag) { asked_range(headers, size) } else { Asked::Whole };
    let (status, range, start, length) = match asked {
        Asked::Whole => (StatusCode::OK, None, 0, size),
        Asked::Part { start, length } => {
            let range = format!("bytes {start}-{}/{size}", start + length - 1);
            (StatusCode::PARTIAL_CONTENT, Some(range), start, length)
        }
        Asked::Unsatisfiable => (StatusCode::RANGE_NOT_SATISFIABLE, Some(format!("bytes */{size}")), 0, 0),
    };
    let mut answer = Response::default();
    *answer.status_mut() = status;
    let headers = answer.headers_mut();
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    if let Ok(etag) = HeaderValue::from_str(etag) {
        headers.insert(header::ETAG, etag);
    }
    if let Some(range) = range.and_then(|range| HeaderValue::from_str(&range).ok()) {
        headers.insert(header::CONTENT_RANGE, range);
    }
    (answer, start, length)
}
