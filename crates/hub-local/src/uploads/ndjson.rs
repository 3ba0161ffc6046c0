//! Lines of JSON from a body that arrives in chunks.
use crate::web::{ApiError, Result, body::Chunks};
use bytes::BytesMut;
use serde::de::DeserializeOwned;
use std::marker::PhantomData;

/// The lines of a body, decoded one at a time; no more than one is in memory.
pub(super) struct Lines<T> {
    chunks: Chunks,
    buffer: BytesMut,
    /// How far into the buffer no line ends.
    searched: usize,
    ended: bool,
    kind: PhantomData<T>,
}

/// A regular file at its largest, in base64, and its path.
const MAX_LINE_BYTES: usize = (super::MAX_REGULAR_BYTES as usize) / 3 * 4 + (64 << 10);

impl<T> Lines<T> {
    pub(super) fn of(chunks: Chunks) -> Self {
        Self { chunks, buffer: BytesMut::new(), searched: 0, ended: false, kind: PhantomData }
    }
}

impl<T: DeserializeOwned> Lines<T> {
    fn next_line(&mut self) -> Result<Option<BytesMut>> {
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|&c| c == b'\n') {
                let line = self.buffer.split_to(self.searched + end + 1);
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            if self.ended {
                self.searched = 0;
                let last = std::mem::take(&mut self.buffer);
                return Ok(Some(last).filter(|last| !last.is_empty()));
            }
            if self.buffer.len() > MAX_LINE_BYTES {
                return Err(ApiError::bad_request(
                    "a line is too long: files larger than 10 MB have to be LFS files",
                ));
            }
            match self.chunks.next() {
                Some(chunk) => self.buffer.extend_from_slice(&chunk.map_err(ApiError::bad_request)?),
                None => self.ended = true,
            }
        }
    }
}

impl<T: DeserializeOwned> Iterator for Lines<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        loop {
            match self.next_line() {
                Ok(None) => return None,
                Ok(Some(line)) if line.trim_ascii().is_empty() => {}
                Ok(Some(line)) => {
                    let decoded = serde_json::from_slice(&line);
                    return Some(
                        decoded.map_err(|cause| ApiError::bad_request(format!("Invalid line: {cause}"))),
                    );
                }
                Err(cause) => return Some(Err(cause)),
            }
        }
    }
}
