//! A content from the Hub to its place, verified on the way.
use crate::disk;
use crate::fs;
use crate::hasher::Hasher;
use crate::layout::RepoCache;
use crate::local_dir::{LocalDir, LocalFile};
use crate::lock::{Lock, Names};
use crate::partial::{self, Adopt, Partial};
use crate::pool::Pool;
use crate::presence::needs_record;
use crate::progress::Progress;
use crate::ranges::Ranges;
use crate::sink::Sink;
use crate::transfer::Transfer;
use bytes::Bytes;
use hub_api::{Client, Http};
use hub_http::header::{CONTENT_TYPE, HeaderMap};
use hub_http::{ByteRange, Error, ErrorKind, Piece, RemoteFile, Result, Url, blocking, redact_url};
use hub_types::{CommitHash, Etag, SafeRelPath};
use std::path::PathBuf;
use std::sync::Arc;
use tracing::Instrument as _;

/// Up to this size a file is received in memory, hashed and written in one go.
pub(crate) const SMALL_BYTES: u64 = 1 << 20;
/// What every LFS pointer begins with.
pub(crate) const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";
pub(crate) const MAX_POINTER_BYTES: usize = 1024;

/// A content to fetch, and the paths that show it.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    pub(crate) etag: Etag,
    pub(crate) size: u64,
    /// The paths in the repository; at least one.
    pub(crate) paths: Vec<SafeRelPath>,
    /// The request that resolves one of them.
    pub(crate) http: Http,
    /// Where that is known to lead.
    pub(crate) location: Option<Url>,
}

impl Unit {
    fn name(&self) -> &str {
        self.paths.first().map_or("", |path| path.as_str())
    }
}

/// Where contents go.
#[derive(Debug, Clone)]
pub(crate) enum Place {
    /// A repository's folder in the cache: content once, pointers in the commit's folder.
    Cache(RepoCache, CommitHash),
    /// A folder of the user's: content in place.
    Local(LocalDir, CommitHash),
}

impl Place {
    /// Makes the folders that are always needed.
    pub(crate) fn prepare(&self) -> Result<()> {
        match self {
            Self::Cache(cache, commit) => cache.prepare(commit),
            Self::Local(dir, _) => dir.prepare(),
        }
    }

    /// The folder of what is not complete yet.
    pub(crate) fn partials(&self) -> PathBuf {
        match self {
            Self::Cache(cache, _) => cache.blobs(),
            Self::Local(dir, _) => dir.partials(),
        }
    }

    /// Where the Python client keeps this content while it is not complete.
    fn foreign_partial(&self, unit: &Unit) -> Option<PathBuf> {
        match self {
            Self::Cache(cache, _) => Some(cache.blobs().join(format!("{}.incomplete", unit.etag))),
            Self::Local(dir, _) => unit.paths.first().map(|path| dir.foreign_partial(path, &unit.etag)),
        }
    }

    fn lock(&self, unit: &Unit) -> PathBuf {
        match self {
            Self::Cache(cache, _) => cache.lock(&unit.etag),
            Self::Local(dir, _) => {
                unit.paths.first().map_or_else(|| dir.partials().join("lock"), |path| dir.lock(path))
            }
        }
    }

    /// Whether somebody has put a content into its place; looks at names only.
    fn is_here(&self, unit: &Unit) -> bool {
        match self {
            Self::Cache(cache, _) => disk::is_whole(&cache.blob(&unit.etag), unit.size),
            Self::Local(dir, _) => unit.paths.iter().all(|path| {
                disk::is_whole(&dir.file(path), unit.size)
                    && dir.read(path).is_some_and(|known| known.etag == unit.etag)
            }),
        }
    }

    /// Puts a content that is here already where it belongs; tells whether it was.
    pub(crate) fn adopt(&self, unit: &Unit) -> Result<bool> {
        match self {
            Self::Cache(cache, commit) => {
                let blob = cache.blob(&unit.etag);
                if !disk::is_whole(&blob, unit.size) {
                    return Ok(false);
                }
                let snapshot = cache.snapshot(commit);
                let _names = Names::share(cache.folder());
                for path in &unit.paths {
                    if !disk::is_whole(&path.join_to(&snapshot), unit.size) {
                        disk::link(&snapshot, path, &unit.etag, &blob)?;
                    }
                }
                // Somebody may have pruned the blob between the look and the link.
                Ok(unit.paths.iter().all(|path| disk::is_whole(&path.join_to(&snapshot), unit.size)))
            }
            Self::Local(dir, _) => {
                for path in &unit.paths {
                    if !dir.has(path, &unit.etag, unit.size)? {
                        return Ok(false);
                    }
                }
                self.note(unit)?;
                Ok(true)
            }
        }
    }

    /// Moves a verified content to its place and shows it at its paths.
    pub(crate) fn publish(&self, unit: &Unit, partial: Partial) -> Result<()> {
        match self {
            Self::Cache(cache, commit) => {
                let blob = cache.blob(&unit.etag);
                let names = partial.publish(|content| {
                    // Whoever removes blobs must not look for pointers between this step and the next.
                    let names = Names::share(cache.folder());
                    match disk::rename(content, &blob) {
                        // Another process holds the blob open, on systems where that is in the way.
                        Err(error) if !disk::is_whole(&blob, unit.size) => Err(error),
                        _ => Ok(names),
                    }
                })?;
                let snapshot = cache.snapshot(commit);
                unit.paths.iter().try_for_each(|path| disk::link(&snapshot, path, &unit.etag, &blob))?;
                drop(names);
                if unit.size > SMALL_BYTES {
                    disk::sync_path(cache.folder().parent().unwrap_or(cache.folder()), &blob);
                }
                Ok(())
            }
            Self::Local(dir, _) => {
                let Some((first, others)) = unit.paths.split_first() else { return Ok(()) };
                partial.publish(|content| dir.publish(content, first))?;
                let file = dir.file(first);
                for other in others {
                    dir.copy_in(&file, other)?;
                }
                if unit.size > SMALL_BYTES {
                    disk::sync_path(dir.folder(), &file);
                }
                self.note(unit)
            }
        }
    }

    /// Notes in a folder of the user's what its files are.
    pub(crate) fn note(&self, unit: &Unit) -> Result<()> {
        let Self::Local(dir, commit) = self else { return Ok(()) };
        let size = needs_record(&unit.etag, unit.size).then_some(unit.size);
        let known = LocalFile { commit: commit.clone(), etag: unit.etag.clone(), size };
        unit.paths
            .iter()
            .filter(|path| dir.read(path).is_none_or(|noted| !noted.is_same(&known)))
            .try_for_each(|path| dir.write(path, &known))
    }
}

/// Fetches contents into one place.
#[derive(Clone)]
pub(crate) struct Fetcher {
    pub(crate) client: Client,
    pub(crate) place: Arc<Place>,
    pub(crate) pool: Pool,
    pub(crate) progress: Option<Arc<dyn Progress>>,
    /// Whether to fetch what is here already.
    pub(crate) force: bool,
}

impl Fetcher {
    /// Fetches one content and shows it at its paths.
    pub(crate) async fn fetch(&self, unit: Unit) -> Result<()> {
        let unit = Arc::new(unit);
        let span = tracing::debug_span!("download", path = unit.name(), bytes = unit.size);
        let fetched = async {
            if unit.size <= SMALL_BYTES { self.small(&unit).await } else { self.large(&unit).await }
        };
        fetched.instrument(span).await?;
        if let Some(progress) = &self.progress {
            progress.finished(unit.name());
        }
        Ok(())
    }

    fn remote(&self, unit: &Unit) -> RemoteFile {
        let remote = RemoteFile::new(&self.client, unit.http.clone()).with_size(unit.size);
        unit.location.iter().fold(remote, |remote, url| remote.with_location(url.clone()))
    }

    fn started(&self, unit: &Unit, resumed: u64) {
        if let Some(progress) = &self.progress {
            progress.started(unit.name(), unit.size, resumed);
        }
    }

    fn received(&self, unit: &Unit, bytes: u64) {
        if let Some(progress) = &self.progress {
            progress.received(unit.name(), bytes);
        }
    }

    async fn small(&self, unit: &Arc<Unit>) -> Result<()> {
        self.started(unit, 0);
        let mut body = match self.remote(unit).open(ByteRange::ALL).await {
            Err(error) => return Err(self.explain(unit, error).await),
            Ok(body) => body,
        };
        let mut pieces: Vec<Bytes> = Vec::new();
        while let Some(piece) = body.next().await.map_err(|error| about(unit, error))? {
            match piece {
                Piece::Data(bytes) => {
                    self.received(unit, bytes.len() as u64);
                    pieces.push(bytes);
                }
                Piece::Restart => pieces.clear(),
            }
        }
        let (place, shared) = (self.place.clone(), unit.clone());
        let stored = blocking(move || {
            let mut hasher = Hasher::of(&shared.etag, shared.size);
            pieces.iter().for_each(|piece| hasher.update(piece));
            let hash = hasher.finish();
            if hash.as_deref().is_some_and(|hash| hash != shared.etag.as_str()) {
                return Ok(hash);
            }
            let partial = partial::write_whole(&place.partials(), &shared.etag, &pieces)?;
            let path = partial.path().to_path_buf();
            let published = place.publish(&shared, partial);
            if published.is_err() {
                // The next run fetches the whole of a small file anyway.
                let _ = fs::remove_file(&path);
            }
            published.map(|()| None)
        });
        match stored.await? {
            None => Ok(()),
            Some(hash) => Err(self.mismatch(unit, &hash, body.headers())),
        }
    }

    async fn large(&self, unit: &Arc<Unit>) -> Result<()> {
        let partials = self.place.partials();
        let foreign = self.place.foreign_partial(unit);
        let (place, shared, force) = (self.place.clone(), unit.clone(), self.force);
        let (folder, python) = (partials.clone(), foreign.clone());
        let watch = move || {
            let is_done = !force && place.is_here(&shared);
            (!is_done).then(|| partial::signs_of_life(&folder, &shared.etag, python.as_deref()))
        };
        // Threads that outlive this future hold it, too.
        let lock = Arc::new(Lock::wait(self.place.lock(unit), &unit.etag, watch).await?);
        let mut adopt = match (force, Option::as_ref(&lock).is_some_and(Lock::is_exclusive)) {
            (true, _) => Adopt::Nothing,
            (false, true) => Adopt::PartialsAndForeign,
            (false, false) => Adopt::Partials,
        };
        loop {
            let (folder, shared, foreign) = (partials.clone(), unit.clone(), foreign.clone());
            let place = self.place.clone();
            let claimed = blocking(move || {
                // Who held the lock before may have done the work.
                if adopt != Adopt::Nothing && place.is_here(&shared) && place.adopt(&shared)? {
                    return Ok(None);
                }
                let partial = Partial::claim(&folder, &shared.etag, shared.size, adopt, foreign.as_deref())?;
                let have = partial.done().total();
                if let Err(error) = disk::require_space(&folder, shared.size - have) {
                    if have == 0 {
                        partial.discard();
                    }
                    return Err(error);
                }
                Ok(Some(partial))
            });
            let Some(partial) = claimed.await? else { return Ok(()) };
            let (have, resumed) = (partial.done().clone(), partial.is_resumed());
            self.started(unit, have.total());
            let (partial, hash, headers) = self.transfer(unit, partial, &have, lock.clone()).await?;
            if hash.as_deref().is_none_or(|hash| hash == unit.etag.as_str()) {
                let (place, shared) = (self.place.clone(), unit.clone());
                return blocking(move || {
                    let published = place.publish(&shared, partial);
                    drop(lock);
                    published
                })
                .await;
            }
            let discarded = blocking(move || {
                partial.discard();
                Ok(())
            });
            discarded.await?;
            if !resumed {
                return Err(self.mismatch(unit, hash.as_deref().unwrap_or_default(), &headers));
            }
            // What an earlier run left may have been the bad part.
            tracing::warn!(
                path = unit.name(),
                "what was left of an earlier download is damaged; fetching all of it"
            );
            adopt = Adopt::Nothing;
        }
    }

    async fn transfer(
        &self,
        unit: &Arc<Unit>,
        partial: Partial,
        have: &Ranges,
        lock: Arc<Option<Lock>>,
    ) -> Result<(Partial, Option<String>, HeaderMap)> {
        let sink = Sink::start(partial, Hasher::of(&unit.etag, unit.size), lock);
        let remote = self.remote(unit);
        let count = |bytes| self.received(unit, bytes);
        let transferred = Transfer::new(&remote, unit.size, have, &sink, &self.pool, &count).run().await;
        let received = sink.finish().await?;
        match transferred {
            Ok(headers) => Ok((received.partial, received.hash, headers)),
            Err(error) => {
                if received.partial.done().total() == 0 {
                    received.partial.discard();
                }
                Err(self.explain(unit, error).await)
            }
        }
    }

    /// The error for content that is not what its name says.
    fn mismatch(&self, unit: &Unit, actual: &str, headers: &HeaderMap) -> Error {
        let (name, expected) = (unit.name(), &unit.etag);
        let url = self.client.resolve(&unit.http).map_or_else(|_| String::new(), |url| redact_url(&url));
        let request = headers.get("x-request-id").and_then(|id| id.to_str().ok());
        let request = request.map_or_else(String::new, |id| format!(" (request id: {id})"));
        let message = format!(
            "the content of `{name}` is not what it should be: its hash is {actual}, expected {expected}; \
             nothing of it was kept, so try again; from {url}{request}"
        );
        Error::new(ErrorKind::HashMismatch, message).about(name)
    }

    /// Says more about an answer of the wrong size: what came in place of the file.
    async fn explain(&self, unit: &Unit, error: Error) -> Error {
        if error.kind() != ErrorKind::ContentChanged {
            return about(unit, error);
        }
        let Ok(mut body) = RemoteFile::new(&self.client, unit.http.clone()).open(ByteRange::ALL).await else {
            return about(unit, error);
        };
        let mut start = Vec::new();
        while start.len() < MAX_POINTER_BYTES
            && let Ok(Some(Piece::Data(bytes))) = body.next().await
        {
            start.extend_from_slice(&bytes);
        }
        let name = unit.name();
        let media =
            body.headers().get(CONTENT_TYPE).and_then(|media| media.to_str().ok()).unwrap_or_default();
        if unit.etag.sha256().is_some() && start.starts_with(POINTER) {
            let message = format!("the server sent the LFS pointer of `{name}` instead of its content");
            return Error::new(ErrorKind::HashMismatch, message).about(name).caused_by(error);
        }
        if media.starts_with("text/html") && start.trim_ascii_start().starts_with(b"<") {
            let message = format!("the server sent a web page instead of `{name}`");
            return Error::new(ErrorKind::NotAHub, message).about(name).caused_by(error);
        }
        about(unit, error)
    }
}

fn about(unit: &Unit, error: Error) -> Error {
    if error.subject().is_some() { error } else { error.about(unit.name()) }
}
