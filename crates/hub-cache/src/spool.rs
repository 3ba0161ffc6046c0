//! A content whose size is known only when all of it has come.
use crate::fetch::{Fetcher, MAX_POINTER_BYTES, POINTER, Unit};
use crate::hasher::Hasher;
use crate::local_dir::hash_file;
use crate::partial::Partial;
use bytes::Bytes;
use hub_http::header::CONTENT_TYPE;
use hub_http::{ByteRange, Error, ErrorKind, Piece, RemoteFile, Result, blocking};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// How much is collected before it is written.
const WRITE_BYTES: usize = 1 << 20;
/// A body without a length may end early unnoticed, so a wrong hash is worth a second try.
const ATTEMPTS: u32 = 2;

impl Fetcher {
    /// Downloads a blob whose size the server does not announce, and links it at its paths.
    ///
    /// `unit.size` is not looked at: the hash that the ETag is decides, and if it is none the size that the answer
    /// announces.
    ///
    /// # Errors
    /// [`ErrorKind::HashMismatch`] if what came is not the content; [`ErrorKind::NotAHub`] if it is a web page.
    pub(crate) async fn fetch_of_unknown_size(&self, unit: &Unit) -> Result<u64> {
        let mut attempt = 1;
        loop {
            match self.spool(unit).await {
                Err(error) if error.kind() == ErrorKind::HashMismatch && attempt < ATTEMPTS => {
                    tracing::debug!(%error, "fetching it again");
                    attempt += 1;
                }
                fetched => return fetched,
            }
        }
    }

    async fn spool(&self, unit: &Unit) -> Result<u64> {
        let name = unit.paths.first().map_or("", |path| path.as_str());
        let about = |error: Error| if error.subject().is_some() { error } else { error.about(name) };
        let remote = RemoteFile::new(&self.client, unit.http.clone());
        let remote = unit.location.iter().fold(remote, |remote, url| remote.with_location(url.clone()));
        let mut body = remote.open(ByteRange::ALL).await.map_err(about)?;
        if let Some(progress) = &self.progress {
            progress.started(name, body.size().unwrap_or(0), 0);
        }
        let (place, etag) = (self.place.clone(), unit.etag.clone());
        let begun = blocking(move || {
            place.prepare()?;
            Partial::begin_unsized(&place.partials(), &etag)
        });
        let mut partial = begun.await?;
        let mut waiting: Vec<Bytes> = Vec::new();
        let mut waiting_bytes = 0;
        loop {
            let piece = match body.next().await {
                Ok(piece) => piece,
                Err(error) => {
                    discard(partial).await?;
                    return Err(about(error));
                }
            };
            let is_end = piece.is_none();
            let mut restart = false;
            match piece {
                Some(Piece::Data(bytes)) => {
                    if let Some(progress) = &self.progress {
                        progress.received(name, bytes.len() as u64);
                    }
                    waiting_bytes += bytes.len();
                    waiting.push(bytes);
                }
                Some(Piece::Restart) => {
                    restart = true;
                    waiting.clear();
                }
                None => {}
            }
            if restart || is_end || waiting_bytes >= WRITE_BYTES {
                let pieces = std::mem::take(&mut waiting);
                waiting_bytes = 0;
                partial = blocking(move || {
                    let written = if restart { partial.restart() } else { Ok(()) };
                    let written = written.and_then(|()| {
                        pieces.iter().try_for_each(|piece| partial.write(partial.done().head(), piece))
                    });
                    match written {
                        Ok(()) => Ok(partial),
                        Err(error) => {
                            partial.discard();
                            Err(error)
                        }
                    }
                })
                .await?;
            }
            if is_end {
                break;
            }
        }
        let is_page = body
            .headers()
            .get(CONTENT_TYPE)
            .is_some_and(|media| media.to_str().is_ok_and(|media| media.starts_with("text/html")));
        let (place, unit) = (self.place.clone(), unit.clone());
        blocking(move || {
            let size = partial.end();
            match hash_file(partial.path(), Hasher::of(&unit.etag, size)) {
                Ok(Some(hash)) if hash != unit.etag.as_str() => {
                    let error = mismatch(&unit, &hash, partial.path(), is_page);
                    partial.discard();
                    Err(error)
                }
                Err(error) => {
                    partial.discard();
                    Err(error)
                }
                Ok(_) => {
                    place.publish(&Unit { size, ..unit }, partial)?;
                    Ok(size)
                }
            }
        })
        .await
    }
}

async fn discard(partial: Partial) -> Result<()> {
    blocking(move || {
        partial.discard();
        Ok(())
    })
    .await
}

/// Returns the error for a blob with the wrong hash, and names what arrived instead if it is recognised.
fn mismatch(unit: &Unit, hash: &str, path: &Path, is_page: bool) -> Error {
    let name = unit.paths.first().map_or("", |path| path.as_str());
    let mut start = Vec::new();
    if let Ok(file) = File::open(path) {
        // What cannot be read makes the message shorter, no more.
        let _ = file.take(MAX_POINTER_BYTES as u64).read_to_end(&mut start);
    }
    let (kind, message) = if unit.etag.sha256().is_some() && start.starts_with(POINTER) {
        (
            ErrorKind::HashMismatch,
            format!("the server sent the LFS pointer of `{name}` instead of its content"),
        )
    } else if is_page && start.trim_ascii_start().starts_with(b"<") {
        (ErrorKind::NotAHub, format!("the server sent a web page instead of `{name}`"))
    } else {
        let message = format!(
            "the content of `{name}` is not what it should be: its hash is {hash}, expected {}; nothing of it was \
             kept, so try again",
            unit.etag
        );
        (ErrorKind::HashMismatch, message)
    };
    Error::new(kind, message).about(name)
}
