//! A content whose size is known only when all of it has come.
use crate::disk::InCache as _;
use crate::fetch::{Fetcher, MAX_POINTER_BYTES, POINTER, Unit};
use crate::hasher::Hasher;
use crate::local_dir::hash_file;
use crate::partial;
use hub_http::header::CONTENT_TYPE;
use hub_http::{ByteRange, Error, ErrorKind, Piece, RemoteFile, Result, blocking};
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much is collected before it is written.
const WRITE_BYTES: usize = 1 << 20;
/// A body without a length may end early unnoticed, so a wrong hash is worth a second try.
const ATTEMPTS: u32 = 2;

impl Fetcher {
    /// Fetches a content whose size the server does not say beforehand, and shows it at its paths.
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
        let place = self.place.clone();
        let path = partial::fresh_path(&place.partials(), &unit.etag);
        // Removed unless it gets its name; also when this future is dropped.
        let unfinished = Unfinished(path.clone());
        let created = path.clone();
        let mut file = blocking(move || {
            place.prepare()?;
            File::options().read(true).write(true).create_new(true).open(&created).in_cache(&created)
        })
        .await?;
        let mut waiting = Vec::new();
        loop {
            let piece = body.next().await.map_err(about)?;
            let is_end = piece.is_none();
            match piece {
                Some(Piece::Data(bytes)) => {
                    if let Some(progress) = &self.progress {
                        progress.received(name, bytes.len() as u64);
                    }
                    waiting.extend_from_slice(&bytes);
                }
                Some(Piece::Restart) => {
                    waiting.clear();
                    // A new file, since the old one has a position and a length.
                    file =
                        File::options().read(true).write(true).truncate(true).open(&path).in_cache(&path)?;
                }
                None => {}
            }
            if is_end || waiting.len() >= WRITE_BYTES {
                let (bytes, shown) = (std::mem::take(&mut waiting), path.clone());
                file = blocking(move || {
                    file.write_all(&bytes).in_cache(&shown)?;
                    Ok(file)
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
        let (place, unit) = (self.place.clone(), Arc::new(unit.clone()));
        blocking(move || {
            let size = file.metadata().in_cache(&path)?.len();
            let hash = hash_file(&path, Hasher::of(&unit.etag, size))?;
            if let Some(hash) = hash.filter(|hash| hash != unit.etag.as_str()) {
                return Err(mismatch(&unit, &hash, &path, is_page));
            }
            file.sync_all().in_cache(&path)?;
            drop(file);
            place.publish(&Unit { size, ..Unit::clone(&unit) }, &path)?;
            drop(unfinished);
            Ok(size)
        })
        .await
    }
}

/// The error for a content of the wrong hash: what it is instead, if that can be told.
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

/// A file that is removed unless it was moved to its place.
struct Unfinished(PathBuf);

impl Drop for Unfinished {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}
