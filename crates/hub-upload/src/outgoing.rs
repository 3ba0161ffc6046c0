//! Bodies that are read, and made, on a blocking thread while they are sent.
use crate::progress::{Observer, UploadEvent};
use crate::source::LocalFile;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use hub_http::{Answer, BodySource, Client, Error, Http, Result, Timeout};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, mpsc};

/// How much is handed to the connection at a time.
const PIECE_BYTES: usize = 256 << 10;
/// How many pieces wait for the connection at most.
const PIECES_AHEAD: usize = 3;

/// How long a body may stand still at least: what was handed to the connection may still be on its way.
const PATIENCE: Timeout = Timeout::from_secs(60);
/// How long the Hub may take at least to make a commit or to join parts, about which it says nothing meanwhile.
const LONG_PATIENCE: Timeout = Timeout::from_secs(300);

/// Waits for an answer as long as making it may take.
pub(crate) fn patiently(client: &Client, http: Http) -> Http {
    http.timeout(Some(client.config().download_timeout.max(LONG_PATIENCE)))
}

/// Why the making of a body stopped.
pub(crate) enum Stop {
    /// Nobody takes it any more.
    Unwanted,
    /// It cannot be made.
    Failed(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// Aborts a request whose body cannot be finished, so that it is given up at once and not repeated.
#[derive(Debug, Clone, Default)]
pub(crate) struct AbortHandle(Arc<AbortState>);

#[derive(Debug, Default)]
struct AbortState {
    error: Mutex<Option<Error>>,
    aborted: Notify,
}

impl AbortHandle {
    fn abort(&self, error: Error) {
        self.0.error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.0.aborted.notify_one();
    }

    fn take(&self) -> Option<Error> {
        self.0.error.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Performs an exchange and reads its answer; fails with the error of the body if that cannot be made.
    pub(crate) async fn answer(&self, client: &Client, http: Http) -> Result<Answer> {
        let patience = http.timeout.unwrap_or(client.config().download_timeout.max(PATIENCE));
        let http = http.timeout(Some(patience));
        let answer = tokio::select! {
            biased;
            () = self.0.aborted.notified() => None,
            answer = client.answer(http) => Some(answer),
        };
        match (self.take(), answer) {
            (None, Some(answer)) => answer,
            // An answer that came in spite of it tells nothing about what was sent.
            (Some(error), _) => Err(error),
            (None, None) => Err(Error::new(hub_http::ErrorKind::Cancelled, "the upload was cancelled")),
        }
    }
}

/// Takes the bytes of a body as they are made.
pub(crate) struct Sink {
    sender: mpsc::Sender<io::Result<Bytes>>,
    buffer: Vec<u8>,
}

impl Sink {
    /// Adds bytes.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Stop> {
        self.buffer.extend_from_slice(bytes);
        self.flush_if_full()
    }

    /// Adds a whole file in base64.
    pub(crate) fn write_base64(&mut self, file: &LocalFile) -> Result<(), Stop> {
        // A multiple of three, so that only the last block is padded.
        const BLOCK_BYTES: usize = PIECE_BYTES / 4 * 3;
        let mut reader = file.open()?.take(file.size());
        let mut block = Vec::with_capacity(BLOCK_BYTES.min(file.size() as usize + 1));
        let mut length = 0;
        loop {
            block.clear();
            let read = reader.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut block);
            let count = read.map_err(|error| file.unreadable(error))?;
            if count == 0 {
                break;
            }
            length += count as u64;
            let start = self.buffer.len();
            self.buffer.resize(start + base64_len(count as u64) as usize, 0);
            BASE64.encode_slice(&block, &mut self.buffer[start..]).expect("the room was made for it");
            self.flush_if_full()?;
        }
        if length != file.size() {
            return Err(file.changed(&format!("it had {} bytes and has {length}", file.size())).into());
        }
        Ok(file.check_unchanged()?)
    }

    /// Adds a part of a file as it is.
    pub(crate) fn write_part(&mut self, file: &LocalFile, offset: u64, length: u64) -> Result<(), Stop> {
        let mut reader = file.open()?;
        reader.seek(SeekFrom::Start(offset)).map_err(|error| file.unreadable(error))?;
        let mut left = length;
        while left > 0 {
            let want = left.min(PIECE_BYTES as u64);
            self.buffer.reserve_exact(want as usize);
            let read = reader.by_ref().take(want).read_to_end(&mut self.buffer);
            let count = read.map_err(|error| file.unreadable(error))? as u64;
            if count == 0 {
                let end = offset + length - left;
                return Err(file.changed(&format!("it had {} bytes and has {end}", file.size())).into());
            }
            left -= count;
            if left > 0 {
                self.flush()?;
            }
        }
        // What is still in the buffer completes the body, so it goes out only if the file is what it was.
        Ok(file.check_unchanged()?)
    }

    fn flush_if_full(&mut self) -> Result<(), Stop> {
        if self.buffer.len() >= PIECE_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), Stop> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let piece = Bytes::from(std::mem::take(&mut self.buffer));
        self.sender.blocking_send(Ok(piece)).map_err(|_| Stop::Unwanted)
    }
}

/// How long `length` bytes are in base64.
pub(crate) fn base64_len(length: u64) -> u64 {
    length.div_ceil(3) * 4
}

/// Makes a body of a function that writes it; each time it is opened the function is called anew.
///
/// If it fails, the request is aborted and the body ends early, so that the server cannot take it for complete.
pub(crate) fn body(
    observer: &Observer,
    abort: &AbortHandle,
    write: impl Fn(&mut Sink) -> Result<(), Stop> + Send + Sync + 'static,
) -> BodySource {
    let write = Arc::new(write);
    let (observer, abort) = (observer.clone(), abort.clone());
    let sent = Arc::new(AtomicU64::new(0));
    BodySource::new(move || {
        let again = sent.swap(0, Ordering::Relaxed);
        if again > 0 {
            observer.tell(UploadEvent::Withdrawn { bytes: again });
        }
        let (write, abort) = (write.clone(), abort.clone());
        let (observer, sent) = (observer.clone(), sent.clone());
        let pieces = on_thread(move |sink| write(sink), abort);
        let counted = pieces.inspect(move |piece| {
            if let Ok(piece) = piece {
                let bytes = piece.len() as u64;
                sent.fetch_add(bytes, Ordering::Relaxed);
                observer.tell(UploadEvent::Sent { bytes });
            }
        });
        counted.boxed()
    })
}

fn on_thread(
    write: impl FnOnce(&mut Sink) -> Result<(), Stop> + Send + 'static,
    abort: AbortHandle,
) -> BoxStream<'static, io::Result<Bytes>> {
    let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
    // The thread ends when the receiver is gone, so nobody has to wait for it.
    drop(tokio::task::spawn_blocking(move || {
        let mut sink = Sink { sender, buffer: Vec::new() };
        if let Err(Stop::Failed(error)) = write(&mut sink).and_then(|()| sink.flush()) {
            let told = io::Error::other(error.to_string());
            abort.abort(error);
            // The connection may be gone already, and the handle says it all.
            let _ = sink.sender.blocking_send(Err(told));
        }
    }));
    stream::unfold(receiver, |mut receiver| async move { Some((receiver.recv().await?, receiver)) }).boxed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::TryStreamExt as _;
    use hub_http::ErrorKind;

    async fn collect(source: &BodySource) -> io::Result<Vec<u8>> {
        source
            .open()
            .try_fold(Vec::new(), |all, piece| async move { Ok([all, piece.to_vec()].concat()) })
            .await
    }

    #[tokio::test]
    async fn a_part_is_the_same_each_time_it_is_opened() {
        let bytes: Vec<u8> = (0..PIECE_BYTES * 3).map(|n| (n % 253) as u8).collect();
        let file = LocalFile::of_bytes(bytes.clone().into());
        let (offset, length) = (1000, PIECE_BYTES + 77);
        let part = file.clone();
        let source = body(&Observer::default(), &AbortHandle::default(), move |sink| {
            sink.write_part(&part, offset as u64, length as u64)
        });
        for _ in 0..2 {
            assert!(collect(&source).await.unwrap() == bytes[offset..offset + length]);
        }
    }

    #[tokio::test]
    async fn base64_in_blocks_is_base64_of_the_whole() {
        for length in [0, 1, 2, 3, PIECE_BYTES / 4 * 3, PIECE_BYTES / 4 * 3 + 1, PIECE_BYTES * 2] {
            let bytes: Vec<u8> = (0..length).map(|n| (n % 255) as u8).collect();
            let file = LocalFile::of_bytes(bytes.clone().into());
            let source =
                body(&Observer::default(), &AbortHandle::default(), move |sink| sink.write_base64(&file));
            let encoded = collect(&source).await.unwrap();
            assert!(encoded == BASE64.encode(&bytes).into_bytes(), "{length}");
            assert_eq!(encoded.len() as u64, base64_len(length as u64));
        }
    }

    #[tokio::test]
    async fn a_file_that_shrank_breaks_the_body_and_rings() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), vec![7; 1000]).unwrap();
        let measured = LocalFile::measure(file.path().into()).unwrap();
        std::fs::write(file.path(), vec![7; 10]).unwrap();
        let abort = AbortHandle::default();
        let source = body(&Observer::default(), &abort, move |sink| sink.write_part(&measured, 0, 1000));
        assert!(collect(&source).await.is_err());
        assert_eq!(abort.take().unwrap().kind(), ErrorKind::SourceChanged);
    }
}
