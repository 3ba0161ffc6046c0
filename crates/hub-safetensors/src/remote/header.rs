//! Reading headers and indexes from the Hub.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use hub_api::Result;
use hub_http::{ByteRange, Error, ErrorKind, Piece, RemoteBody, RemoteFile};

use tokio::task::JoinError;

use super::unsound;
use crate::error;
use crate::header::{LENGTH_BYTES, ParseOptions};
use crate::index::{Index, MAX_INDEX_LEN};
use crate::metadata::REMOTE_MAX_HEADER_LEN;

/// How many bytes are asked for before the length of the header is known: most headers fit, and a second
/// request costs more than they do.
const FIRST_BYTES: u64 = 100_001;

/// How many bytes a storage host is asked for at first: headers of some 1,400 tensors fit, as files of the largest
/// models have them, and one that is shorter ends the answer.
pub(super) const STORAGE_BYTES: u64 = 160 << 10;

/// How much room is made for a text before it comes.
const MAX_EXPECTED_BYTES: u64 = 8 << 20;

/// Text longer than this is parsed on a thread of its own.
const SHORT_TEXT: usize = 512 << 10;

/// The JSON of a header, and what is known of the file around it.
pub(super) struct HeaderJson {
    pub json: Bytes,
    pub file_len: Option<u64>,
}

impl HeaderJson {
    pub(super) fn options(&self) -> ParseOptions {
        options(self.file_len)
    }
}

fn options(file_len: Option<u64>) -> ParseOptions {
    let options = ParseOptions::new().max_header_len(REMOTE_MAX_HEADER_LEN);
    file_len.into_iter().fold(options, ParseOptions::file_len)
}

/// Fetches the JSON of a file's header, by one request or by two.
pub(super) async fn fetch_header(file: &RemoteFile, what: &str) -> Result<HeaderJson> {
    // A server that ignores the range sends the header first all the same.
    let file = file.clone().accept_whole();
    let mut body = file.open(ByteRange::new(0, FIRST_BYTES)).await?;
    let expected = body.size().map_or(FIRST_BYTES, |size| size.min(FIRST_BYTES));
    let mut first = BytesMut::with_capacity(expected as usize);
    read_on(&mut body, &mut first, 0..LENGTH_BYTES).await?;
    let announced = |body: &RemoteBody, first: &[u8]| {
        options(body.size()).header_len(first).map_err(|error| unsound(error, what))
    };
    let end = LENGTH_BYTES + announced(&body, &first)?;
    // A short answer is read to its end, so that its connection can be used again.
    let short = body.range_end().is_some_and(|end| end <= FIRST_BYTES);
    read_on(&mut body, &mut first, 0..if short { FIRST_BYTES } else { end }).await?;
    // The body may have begun anew meanwhile, with another header.
    let (len, file_len) = (announced(&body, &first)?, body.size());
    let end = LENGTH_BYTES + len;
    let json = if end <= first.len() as u64 {
        first.freeze().slice(LENGTH_BYTES as usize..end as usize)
    } else {
        drop(body);
        read_range(&file, LENGTH_BYTES..end).await?.0
    };
    if (json.len() as u64) < len {
        let incomplete = error::Error::HeaderIncomplete { len, available: json.len() as u64 };
        return Err(unsound(incomplete, what));
    }
    Ok(HeaderJson { json, file_len })
}

/// Fetches an index file.
pub(super) async fn fetch_index(file: &RemoteFile, what: &str) -> Result<Index> {
    let json = fetch_index_json(file, what).await?;
    parse(json, Index::parse).await?.map_err(|error| unsound(error, what))
}

/// Fetches the text of an index file.
pub(super) async fn fetch_index_json(file: &RemoteFile, what: &str) -> Result<Bytes> {
    let mut body = file.open(ByteRange::ALL).await?;
    let too_large = |len| Err(unsound(error::Error::IndexTooLarge { len, limit: MAX_INDEX_LEN }, what));
    if let Some(len) = body.size().filter(|&len| len > MAX_INDEX_LEN) {
        return too_large(len);
    }
    // One byte more than is accepted tells that there is more.
    let json = read(&mut body, 0..MAX_INDEX_LEN + 1).await?;
    if json.len() as u64 > MAX_INDEX_LEN {
        return too_large(json.len() as u64);
    }
    Ok(json)
}

/// Reads a range, less of it if the file ends before it does, and tells how long the whole file is.
pub(super) async fn read_range(file: &RemoteFile, range: Range<u64>) -> Result<(Bytes, Option<u64>)> {
    let mut body = file.open(ByteRange::new(range.start, range.end)).await?;
    let bytes = read(&mut body, range).await?;
    Ok((bytes, body.size()))
}

/// Reads what a body has of a range, wherever it begins.
async fn read(body: &mut RemoteBody, range: Range<u64>) -> Result<Bytes> {
    let expected = body.size().map_or(range.end, |size| size.min(range.end)).saturating_sub(range.start);
    let mut bytes = BytesMut::with_capacity(expected.min(MAX_EXPECTED_BYTES) as usize);
    read_on(body, &mut bytes, range.clone()).await?;
    bytes.truncate((range.end - range.start) as usize);
    Ok(bytes.freeze())
}

/// Reads on until all of a range is there and perhaps more, or until the body ends.
///
/// What is left of an answer when its body is dropped is not fetched: that ends the connection.
async fn read_on(body: &mut RemoteBody, bytes: &mut BytesMut, range: Range<u64>) -> Result<()> {
    while (bytes.len() as u64) < range.end - range.start {
        let at = body.position();
        match body.next().await? {
            Some(Piece::Restart) => bytes.clear(),
            Some(Piece::Data(data)) => {
                let skipped = range.start.saturating_sub(at).min(data.len() as u64) as usize;
                bytes.extend_from_slice(&data[skipped..]);
            }
            None => break,
        }
    }
    Ok(())
}

/// Parses a text, a long one away from the threads that move bytes.
pub(super) async fn parse<T: Send + 'static>(
    text: Bytes,
    parser: impl FnOnce(&[u8]) -> T + Send + 'static,
) -> Result<T> {
    if text.len() <= SHORT_TEXT {
        return Ok(parser(&text));
    }
    tokio::task::spawn_blocking(move || parser(&text)).await.map_err(stopped)
}

/// The error for a task that did not come to its end.
pub(super) fn stopped(error: JoinError) -> Error {
    Error::new(ErrorKind::Cancelled, "a reader was stopped").caused_by(error)
}
