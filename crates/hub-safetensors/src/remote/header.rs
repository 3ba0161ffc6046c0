//! Reading headers and indexes from the Hub.

use std::ops::Range;

use bytes::{Buf as _, Bytes, BytesMut};
use hub_api::Result;
use hub_http::{ByteRange, Error, ErrorKind, Piece, RemoteBody, RemoteFile};

use tokio::task::JoinError;

use super::unsound;
use crate::error;
use crate::header::{LENGTH_BYTES, ParseOptions};
use crate::index::{Index, MAX_INDEX_LEN, is_plain_file_name};
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
const SHORT_TEXT: u64 = 512 << 10;

/// How the name of a shard ends in an index.
const NAME_END: &[u8] = b".safetensors\"";

/// The beginning of a file, which has the header in full, and what is known of the file around it.
pub(super) struct HeaderBytes {
    bytes: Pieces,
    json: Range<u64>,
    file_len: Option<u64>,
}

impl HeaderBytes {
    pub(super) fn options(&self) -> ParseOptions {
        options(self.file_len)
    }

    /// Parses the JSON, a long one away from the threads that move bytes.
    pub(super) async fn parse<T: Send + 'static>(
        self,
        parser: impl FnOnce(&[u8]) -> T + Send + 'static,
    ) -> Result<T> {
        let len = self.json.end - self.json.start;
        // The pieces are put together where they are parsed: that memory is used again for the next header.
        away(len, move || parser(&self.bytes.copy(self.json))).await
    }
}

/// Bytes in the pieces in which they came.
#[derive(Default)]
struct Pieces {
    pieces: Vec<Bytes>,
    len: u64,
}

impl Pieces {
    /// The bytes of a range, or as many of them as there are.
    fn copy(&self, range: Range<u64>) -> Vec<u8> {
        let end = range.end.min(self.len);
        let mut copy = Vec::with_capacity(end.saturating_sub(range.start) as usize);
        let mut at = 0;
        for piece in &self.pieces {
            let within = |place: u64| place.saturating_sub(at).min(piece.len() as u64) as usize;
            copy.extend_from_slice(&piece[within(range.start)..within(end)]);
            at += piece.len() as u64;
        }
        copy
    }
}

/// What bytes are gathered in as they come.
trait Gather {
    fn gathered(&self) -> u64;
    fn add(&mut self, piece: Bytes);
    /// What came so far is void.
    fn begin_anew(&mut self);
}

impl Gather for Pieces {
    fn gathered(&self) -> u64 {
        self.len
    }

    fn add(&mut self, piece: Bytes) {
        self.len += piece.len() as u64;
        self.pieces.push(piece);
    }

    fn begin_anew(&mut self) {
        *self = Self::default();
    }
}

impl Gather for BytesMut {
    fn gathered(&self) -> u64 {
        self.len() as u64
    }

    fn add(&mut self, piece: Bytes) {
        self.extend_from_slice(&piece);
    }

    fn begin_anew(&mut self) {
        self.clear();
    }
}

/// The text of an index, which is searched for the names of shards as it comes.
struct IndexText<'g> {
    bytes: BytesMut,
    guesses: Guesses,
    /// Who is told, if anybody wants to know.
    guess: Option<&'g mut (dyn FnMut(&str) + Send)>,
}

impl Gather for IndexText<'_> {
    fn gathered(&self) -> u64 {
        self.bytes.gathered()
    }

    fn add(&mut self, piece: Bytes) {
        self.bytes.add(piece);
        if let Some(guess) = &mut self.guess {
            self.guesses.search(&self.bytes, guess);
        }
    }

    fn begin_anew(&mut self) {
        self.bytes.begin_anew();
        self.guesses = Guesses::default();
    }
}

/// Finds what look like names of shards in an index of which only the beginning is there.
#[derive(Default)]
struct Guesses {
    searched: usize,
    last: Vec<u8>,
}

impl Guesses {
    /// Goes on with a text that has grown.
    fn search(&mut self, text: &[u8], guess: &mut dyn FnMut(&str)) {
        for found in memchr::memmem::find_iter(&text[self.searched..], NAME_END) {
            let end = self.searched + found + NAME_END.len() - 1;
            let start = memchr::memrchr(b'"', &text[..end]).map_or(0, |quote| quote + 1);
            let name = &text[start..end];
            // Neighbours are mostly in one shard.
            if name != self.last {
                self.last = name.to_owned();
                if let Ok(name) = str::from_utf8(name)
                    && is_plain_file_name(name)
                {
                    guess(name);
                }
            }
        }
        // The end of a name may have come in part.
        self.searched = self.searched.max((text.len() + 1).saturating_sub(NAME_END.len()));
    }
}

fn options(file_len: Option<u64>) -> ParseOptions {
    let options = ParseOptions::new().max_header_len(REMOTE_MAX_HEADER_LEN);
    file_len.into_iter().fold(options, ParseOptions::file_len)
}

/// Fetches a file's header, by one request or by two.
pub(super) async fn fetch_header(file: &RemoteFile, what: &str) -> Result<HeaderBytes> {
    // A server that ignores the range sends the header first all the same.
    let file = file.clone().accept_whole();
    let mut body = file.open(ByteRange::new(0, FIRST_BYTES)).await?;
    let mut bytes = Pieces::default();
    read_on(&mut body, &mut bytes, 0..LENGTH_BYTES).await?;
    let announced = |body: &RemoteBody, bytes: &Pieces| {
        let first = bytes.copy(0..LENGTH_BYTES);
        options(body.size()).header_len(&first).map_err(|error| unsound(error, what))
    };
    let end = LENGTH_BYTES + announced(&body, &bytes)?;
    // A short answer is read to its end, so that its connection can be used again.
    let short = body.range_end().is_some_and(|end| end <= FIRST_BYTES);
    read_on(&mut body, &mut bytes, 0..if short { FIRST_BYTES } else { end }).await?;
    // The body may have begun anew meanwhile, with another header.
    let (len, file_len) = (announced(&body, &bytes)?, body.size());
    let mut json = LENGTH_BYTES..LENGTH_BYTES + len;
    if bytes.len < json.end {
        drop(body);
        bytes = Pieces::default();
        bytes.add(read_range(&file, json).await?.0);
        json = 0..len;
    }
    if bytes.len < json.end {
        let incomplete = error::Error::HeaderIncomplete { len, available: bytes.len };
        return Err(unsound(incomplete, what));
    }
    Ok(HeaderBytes { bytes, json, file_len })
}

/// Fetches an index file.
///
/// What look like names of shards are given to `guess` as they come, mostly before the whole index is there.
pub(super) async fn fetch_index(
    file: &RemoteFile,
    what: &str,
    guess: Option<&mut (dyn FnMut(&str) + Send)>,
) -> Result<Index> {
    let mut body = file.open(ByteRange::ALL).await?;
    let too_large = |len| Err(unsound(error::Error::IndexTooLarge { len, limit: MAX_INDEX_LEN }, what));
    if let Some(len) = body.size().filter(|&len| len > MAX_INDEX_LEN) {
        return too_large(len);
    }
    // One byte more than is accepted tells that there is more.
    let range = 0..MAX_INDEX_LEN + 1;
    let mut text = IndexText { bytes: room(&body, &range), guesses: Guesses::default(), guess };
    read_on(&mut body, &mut text, range).await?;
    let text = text.bytes;
    if text.gathered() > MAX_INDEX_LEN {
        return too_large(text.gathered());
    }
    away(text.gathered(), move || Index::parse(&text)).await?.map_err(|error| unsound(error, what))
}

/// Reads a range, less of it if the file ends before it does, and tells how long the whole file is.
pub(super) async fn read_range(file: &RemoteFile, range: Range<u64>) -> Result<(Bytes, Option<u64>)> {
    let mut body = file.open(ByteRange::new(range.start, range.end)).await?;
    let bytes = read(&mut body, range).await?;
    Ok((bytes, body.size()))
}

/// Reads what a body has of a range, wherever it begins.
async fn read(body: &mut RemoteBody, range: Range<u64>) -> Result<Bytes> {
    let mut bytes = room(body, &range);
    read_on(body, &mut bytes, range.clone()).await?;
    bytes.truncate((range.end - range.start) as usize);
    Ok(bytes.freeze())
}

/// Room for what a body has of a range.
fn room(body: &RemoteBody, range: &Range<u64>) -> BytesMut {
    let expected = body.size().map_or(range.end, |size| size.min(range.end)).saturating_sub(range.start);
    BytesMut::with_capacity(expected.min(MAX_EXPECTED_BYTES) as usize)
}

/// Reads on until all of a range is there and perhaps more, or until the body ends.
///
/// What is left of an answer when its body is dropped is not fetched: that ends the connection.
async fn read_on(body: &mut RemoteBody, bytes: &mut impl Gather, range: Range<u64>) -> Result<()> {
    while bytes.gathered() < range.end - range.start {
        let at = body.position();
        match body.next().await? {
            Some(Piece::Restart) => bytes.begin_anew(),
            Some(Piece::Data(mut data)) => {
                let skipped = range.start.saturating_sub(at).min(data.len() as u64) as usize;
                data.advance(skipped);
                bytes.add(data);
            }
            None => break,
        }
    }
    Ok(())
}

/// Works on a text of a length, if it is a long one away from the threads that move bytes.
async fn away<T: Send + 'static>(len: u64, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    if len <= SHORT_TEXT {
        return Ok(work());
    }
    tokio::task::spawn_blocking(work).await.map_err(stopped)
}

/// The error for a task that did not come to its end.
pub(super) fn stopped(error: JoinError) -> Error {
    Error::new(ErrorKind::Cancelled, "a reader was stopped").caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_guessed_however_the_index_comes() {
        let index = r#"{"metadata": {"base": "..\\up.safetensors", "x": "a.safetensors"}, "weight_map": {
            "t": "m-1.safetensors", "u.safetensors": "m-1.safetensors", "v": "Größe.safetensors", "w": "d/f.safetensors"#
            .to_owned()
            + r#"", "x": "m-1.safetensors", "y": "m-2.bin", "z": "m-3.safetensors"#;
        for step in [1, 2, 7, 13, 64, 1000] {
            let (mut guesses, mut found) = (Guesses::default(), Vec::new());
            for end in (0..index.len()).step_by(step).chain([index.len()]) {
                guesses.search(&index.as_bytes()[..end], &mut |name| found.push(name.to_owned()));
            }
            let expected = ["a", "m-1", "u", "m-1", "Größe", "m-1"].map(|name| format!("{name}.safetensors"));
            assert_eq!(found, expected, "{step}");
        }
    }

    #[test]
    fn pieces_are_put_together() {
        let mut pieces = Pieces::default();
        ["ab", "", "cde", "f"].into_iter().for_each(|piece| pieces.add(Bytes::from(piece)));
        for start in 0..8 {
            for end in start..8 {
                let expected = "abcdef".get(start..end.min(6)).unwrap_or_default();
                let copy = pieces.copy(start as u64..end as u64);
                assert_eq!(copy, expected.as_bytes(), "{start}..{end}");
            }
        }
    }
}
