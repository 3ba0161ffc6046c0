//! All files of a commit into the cache, or into a folder.
use crate::disk;
use crate::fetch::{Fetcher, Place, SMALL_BYTES, Unit};
use crate::file_download::{metadata_timeout, stands_for_no_answer, unanswered};
use crate::layout::RepoCache;
use crate::listing::{ListedFile, Listing};
use crate::local_dir::LocalDir;
use crate::partial;
use crate::pool::Pool;
use crate::progress::ProgressListener;
use crate::symlinks::UseSymlinks;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hub_api::patterns::PathFilter;
use hub_api::{Answer, Arg, HfApi, Http, Many, Run, repo_path, request, resolve_path};
use hub_http::MAX_LISTING_BYTES;
use hub_http::{Error, ErrorKind, IoContext as _, Result, blocking};
use hub_types::{CommitHash, Etag, RepoId, RepoType, Revision, SafeRelPath};
use serde::Deserialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// How many small files are under way at once, unless said otherwise.
const SMALL_AT_ONCE: usize = 48;
/// How many files a file under way may hold open, its connections included.
const OPEN_FOR_EACH: usize = 5;
/// How many connections the large files of a call have among them.
pub(crate) const CONNECTIONS: usize = 16;

request! {
    /// Downloads all files of a revision into the cache, those that are missing, and tells the folder.
    ///
    /// It costs a request for the commit, one for each page of its listing and one for each missing file. A commit whose
    /// files are all there costs no request, a branch or tag one. Everything is of one commit, also when the branch moves
    /// meanwhile, and is compared with its hash before it becomes visible. When the Hub cannot be reached, the
    /// folder of the last known commit is told if it is complete. With `local_dir` the files are put into that
    /// folder instead.
    /// `GET /api/{type}s/{repo_id}/revision/{revision}`, `GET /api/{type}s/{repo_id}/tree/{commit}`,
    /// `GET /{repo_id}/resolve/{commit}/{path}`.
    ///
    /// # Errors
    /// `RepositoryNotFound`, `GatedRepo`, `RevisionNotFound`; `LocalEntryNotFound` if nothing is in the cache and the Hub
    /// may not or cannot be asked; `IncompleteSnapshot` if some files are not there and could not be fetched;
    /// `HashMismatch`, `InsufficientSpace`, `CacheReadOnly`; `UnsafePath` if a name in the listing would leave the
    /// folder, before anything is written; `NameCollision` if two names are one file on this system.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use hub_cache::Downloads as _;
    ///
    /// let folder = api.snapshot_download("openai-community/gpt2").allow_patterns(["*.json"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn snapshot_download(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> PathBuf;

    /// The parameters of [`Downloads::snapshot_download`](crate::Downloads::snapshot_download).
    pub struct SnapshotDownloadRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
        /// The branch, tag or commit; the default branch if unset.
        revision: Option<Arg<Revision>>,
        /// The cache folder; the configured one if unset.
        cache_dir: Option<PathBuf>,
        /// A folder to put the files into instead of the cache, at their paths in the repository.
        local_dir: Option<PathBuf>,
        /// How many seconds to wait for the description of the repository.
        etag_timeout: Option<f64>,
        /// Whether to download files even if they are there.
        force_download: bool,
        /// Whether to make no request at all.
        local_files_only: bool,
        /// Only files that match one of these wildcards; all if unset.
        allow_patterns: Option<Many<String>>,
        /// No files that match one of these wildcards.
        ignore_patterns: Option<Many<String>>,
        /// How many small files are under way at once; 48 if unset.
        max_workers: Option<usize>,
        /// Who is told of the progress; in Python a class of progress bars.
        tqdm_class: Option<ProgressListener>,
        /// Has no effect any more: files in a `local_dir` are no links.
        local_dir_use_symlinks: Option<UseSymlinks>,
        /// Has no effect any more: downloads are resumed whenever that is possible.
        resume_download: Option<bool>,
    }
}

impl<C> SnapshotDownloadRequest<C> {
    /// Says who is told of the progress.
    pub fn progress(self, listener: impl Into<ProgressListener>) -> Self {
        self.tqdm_class(listener)
    }
}

impl Run for SnapshotDownloadRequest {
    async fn run(self, api: HfApi) -> Result<PathBuf> {
        Snapshot::new(self, api)?.run().await
    }
}

/// What is read of the description of a repository.
#[derive(Deserialize)]
struct Description {
    sha: CommitHash,
}

/// What else it says, which is of use only as long as there is no listing.
#[derive(Deserialize)]
struct Siblings {
    #[serde(default)]
    siblings: Vec<Sibling>,
}

#[derive(Deserialize)]
struct Sibling {
    rfilename: String,
}

struct Snapshot {
    api: HfApi,
    repo_id: RepoId,
    repo_type: RepoType,
    revision: Revision,
    cache: RepoCache,
    local: Option<LocalDir>,
    filter: PathFilter,
    request: SnapshotDownloadRequest,
}

impl Snapshot {
    fn new(request: SnapshotDownloadRequest, api: HfApi) -> Result<Self> {
        let repo_id = request.repo_id.get()?.clone();
        let repo_type = request.repo_type.unwrap_or_default();
        let revision =
            request.revision.as_ref().map_or(Ok(Revision::main()), |given| given.get().cloned())?;
        let cache_dir = match (&request.cache_dir, &request.local_dir) {
            (Some(folder), _) => folder,
            // Files from the cache are copied into the folder; a cache whose place is not known has none.
            (None, Some(_)) => &api.config().cache_dir,
            (None, None) => api.config().cache_dir()?,
        };
        let cache = RepoCache::new(cache_dir, repo_type, &repo_id);
        let local = request.local_dir.as_ref().map(LocalDir::new);
        let lists = [&request.allow_patterns, &request.ignore_patterns]
            .map(|list| list.as_deref().map(Vec::as_slice));
        let filter = PathFilter::new(lists[0], lists[1]);
        if request.max_workers == Some(0) {
            return Err(Error::invalid("max_workers must be at least 1"));
        }
        Ok(Self { api, repo_id, repo_type, revision, cache, local, filter, request })
    }

    async fn run(self) -> Result<PathBuf> {
        let (commit, answer) = match self.commit().await {
            Ok(found) => found,
            Err(error) if stands_for_no_answer(&error) => return self.on_disk(error).await,
            Err(error) => return Err(error),
        };
        let kept = self.kept_listing(&commit).await?;
        if kept.is_none() && self.siblings_are_there(&commit, answer).await? {
            self.note_ref(&commit);
            return self.result(&commit);
        }
        let is_new = kept.is_none();
        let listing = match kept {
            Some(listing) => listing,
            None if self.request.local_files_only => {
                let error =
                    Error::new(ErrorKind::Offline, "local_files_only is set, so the Hub was not asked");
                return self.on_disk(error).await;
            }
            None => match Listing::fetch(&self.api, self.repo_type, &self.repo_id, &commit).await {
                Ok(listing) => listing,
                Err(error) if stands_for_no_answer(&error) => return self.on_disk(error).await,
                Err(error) => return Err(error),
            },
        };
        let (place, listing) = (Arc::new(self.place(&commit)), Arc::new(listing));
        let missing = self.missing(&place, &listing).await?;
        if is_new {
            self.keep_listing(listing, &commit, missing.is_empty()).await?;
        }
        if !missing.is_empty() {
            if self.request.local_files_only || self.api.config().offline {
                let error = Error::new(ErrorKind::Offline, "the Hub may not be asked");
                return self.on_disk(error).await;
            }
            self.fetch(&place, missing, &commit).await?;
        }
        self.note_ref(&commit);
        self.result(&commit)
    }

    /// The commit that the revision stands for, and the description of the repository if the Hub was asked.
    async fn commit(&self) -> Result<(CommitHash, Option<Answer>)> {
        if let Some(commit) = self.revision.as_commit() {
            return Ok((commit, None));
        }
        if self.request.local_files_only {
            return Err(Error::new(ErrorKind::Offline, "local_files_only is set, so the Hub was not asked"));
        }
        let timeout = metadata_timeout(&self.api, self.request.etag_timeout)?;
        let path = repo_path(Some(self.repo_type), &(&self.repo_id).into())
            .push("revision")
            .push(self.revision.as_str());
        let answer = self
            .api
            .with_timeout(timeout)
            .exchange(Http::get(path).max_answer_bytes(MAX_LISTING_BYTES))
            .await?;
        let description: Description = answer.json()?;
        Ok((description.sha, Some(answer)))
    }

    fn place(&self, commit: &CommitHash) -> Place {
        match &self.local {
            None => Place::Cache(self.cache.clone(), commit.clone()),
            Some(dir) => Place::Local(dir.clone(), commit.clone()),
        }
    }

    fn listing_path(&self, commit: &CommitHash) -> PathBuf {
        self.local.as_ref().map_or_else(|| self.cache.tree(commit), |dir| dir.tree(commit))
    }

    async fn kept_listing(&self, commit: &CommitHash) -> Result<Option<Listing>> {
        let path = self.listing_path(commit);
        blocking(move || Ok(Listing::read(&path))).await
    }

    /// Keeps the listing; a cache that cannot be written to is still of use if nothing is missing.
    async fn keep_listing(
        &self,
        listing: Arc<Listing>,
        commit: &CommitHash,
        is_complete: bool,
    ) -> Result<()> {
        let (path, place) = (self.listing_path(commit), self.place(commit));
        blocking(move || match place.prepare().and_then(|()| listing.write(&path)) {
            Err(error) if is_complete => {
                tracing::debug!(%error, "the listing was not kept");
                Ok(())
            }
            kept => kept,
        })
        .await
    }

    /// Whether the files that the Hub names are in the cache already, which another client has filled.
    async fn siblings_are_there(&self, commit: &CommitHash, answer: Option<Answer>) -> Result<bool> {
        let Some(answer) = answer.filter(|_| self.local.is_none() && !self.request.force_download) else {
            return Ok(false);
        };
        let Siblings { siblings } = answer.json()?;
        let names: Vec<String> = siblings.into_iter().map(|sibling| sibling.rfilename).collect();
        let (filter, cache, snapshot) =
            (self.filter.clone(), self.cache.clone(), self.cache.snapshot(commit));
        blocking(move || {
            if names.is_empty() || !snapshot.is_dir() {
                return Ok(false);
            }
            let there =
                |name: &&String| SafeRelPath::parse(name).is_ok_and(|path| path.join_to(&snapshot).is_file());
            let wanted: Vec<&String> = names.iter().filter(|name| filter.keeps(name)).collect();
            refuse_collisions(&cache.blobs(), wanted.iter().map(|name| name.as_str()))?;
            Ok(disk::at_once(&wanted, there).into_iter().all(|there| there))
        })
        .await
    }

    /// What was asked for and is not on disk, content by content.
    async fn missing(&self, place: &Arc<Place>, listing: &Arc<Listing>) -> Result<Vec<Unit>> {
        let (place, listing) = (place.clone(), listing.clone());
        let (cache, filter, force) = (self.cache.clone(), self.filter.clone(), self.request.force_download);
        blocking(move || {
            let kept = |file: &&ListedFile| filter.keeps(file.path.as_str());
            let wanted: Vec<&ListedFile> = listing.0.iter().filter(kept).collect();
            // Before anything is looked at: of two names for one file both would seem to be there.
            refuse_collisions(&place.partials(), wanted.iter().map(|file| file.path.as_str()))?;
            if force {
                return Ok(by_content(wanted));
            }
            let not_shown = match &*place {
                Place::Cache(cache, commit) => not_shown(wanted, &cache.snapshot(commit)),
                Place::Local(..) => wanted,
            };
            let mut missing = Vec::new();
            for unit in by_content(not_shown) {
                let is_here = match &*place {
                    Place::Cache(cache, _) => {
                        let blob = disk::is_whole(&cache.blob(&unit.etag), unit.size);
                        if blob {
                            place.prepare()?;
                        }
                        blob && place.adopt(&unit)?
                    }
                    Place::Local(dir, commit) => {
                        place.adopt(&unit)? || copy_from_cache(&cache, dir, commit, &unit)?
                    }
                };
                if !is_here {
                    missing.push(unit);
                }
            }
            Ok(missing)
        })
        .await
    }

    /// Fetches what is missing, large and small files side by side.
    async fn fetch(&self, place: &Arc<Place>, mut missing: Vec<Unit>, commit: &CommitHash) -> Result<()> {
        let revision: Revision = commit.clone().into();
        for unit in &mut missing {
            let path = unit.paths.first().map_or("", SafeRelPath::as_str);
            unit.http = Http::get(resolve_path(self.repo_type, &self.repo_id, &revision, path));
        }
        let bytes: u64 = missing.iter().map(|unit| unit.size).fold(0, u64::saturating_add);
        let (shared, names) = (place.clone(), missing.clone());
        blocking(move || {
            shared.prepare()?;
            let partials = shared.partials();
            let paths = names.iter().flat_map(|unit| &unit.paths);
            refuse_collisions(&partials, paths.map(SafeRelPath::as_str))?;
            disk::require_space(&partials, bytes.saturating_sub(partial::bytes_in(&partials)))
        })
        .await?;

        let bearable = disk::open_files().map_or(usize::MAX, |limit| (limit / OPEN_FOR_EACH).max(1));
        let total = missing.len();
        let progress = self.request.tqdm_class.as_ref().and_then(ProgressListener::get);
        if let Some(progress) = &progress {
            progress.planned(total as u64, bytes);
        }
        let fetcher = Fetcher {
            client: self.api.client().clone(),
            place: place.clone(),
            pool: Pool::new(CONNECTIONS.min(bearable)),
            progress,
            force: self.request.force_download,
        };
        let workers = self.request.max_workers.unwrap_or(SMALL_AT_ONCE).min(bearable);
        let (small, large): (Vec<_>, Vec<_>) = missing.into_iter().partition(|unit| unit.size <= SMALL_BYTES);
        let done = AtomicUsize::new(0);
        let run = |units: Vec<Unit>, at_once: usize| {
            let (fetcher, done) = (&fetcher, &done);
            stream::iter(units)
                .map(move |unit| async move {
                    fetcher.fetch(unit).await?;
                    done.fetch_add(1, Ordering::Relaxed);
                    Ok(())
                })
                .buffer_unordered(at_once)
                .try_collect::<()>()
        };
        let fetched = tokio::try_join!(run(small, workers), run(large, workers.min(CONNECTIONS)));
        fetched.map(drop).map_err(|error| self.interrupted(error, total - done.load(Ordering::Relaxed)))
    }

    /// Says how much is missing, when the connection is what failed.
    fn interrupted(&self, error: Error, missing: usize) -> Error {
        if !matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout) {
            return error;
        }
        let message = format!(
            "the snapshot of `{}` is not complete, {missing} of its files are missing: {error}; run it again to go on",
            self.repo_id
        );
        Error::new(ErrorKind::IncompleteSnapshot, message).caused_by(error)
    }

    /// What is on disk, when the Hub may not or cannot be asked.
    async fn on_disk(&self, error: Error) -> Result<PathBuf> {
        let request = &self.request;
        let commit = self.cache.commit_of(&self.revision);
        let folder = match (&self.local, &commit) {
            (Some(dir), _) => Some(dir.folder().to_path_buf())
                .filter(|folder| std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_some())),
            (None, Some(commit)) => Some(self.cache.snapshot(commit)).filter(|folder| folder.is_dir()),
            (None, None) => None,
        };
        let Some(folder) = folder.filter(|_| !request.force_download) else {
            return Err(unanswered(error, request.force_download, request.local_files_only, || {
                format!("a snapshot of `{}` at `{}`", self.repo_id, self.revision)
            }));
        };
        let missing: Vec<SafeRelPath> = match &commit {
            Some(commit) => self.known_missing(commit).await?,
            None => Vec::new(),
        };
        if missing.is_empty() {
            return real(folder, self.local.is_some());
        }
        let some: Vec<_> = missing.iter().take(3).map(|path| format!("`{path}`")).collect();
        let more = if missing.len() > some.len() { " and others" } else { "" };
        let message = format!(
            "the snapshot of `{}` at `{}` is not complete: {} files are missing, {}{more}; run it again when the Hub can be asked",
            self.repo_id,
            self.revision,
            missing.len(),
            some.join(", ")
        );
        Err(Error::new(ErrorKind::IncompleteSnapshot, message).caused_by(error))
    }

    /// The paths that are missing by the listing that is kept, if there is one; what can be mended is mended.
    async fn known_missing(&self, commit: &CommitHash) -> Result<Vec<SafeRelPath>> {
        let Some(listing) = self.kept_listing(commit).await? else { return Ok(Vec::new()) };
        let missing = self.missing(&Arc::new(self.place(commit)), &Arc::new(listing)).await?;
        Ok(missing.into_iter().flat_map(|unit| unit.paths).collect())
    }

    fn note_ref(&self, commit: &CommitHash) {
        if let Err(error) = self.cache.write_ref(&self.revision, commit) {
            tracing::debug!(%error, "the reference was not noted");
        }
    }

    fn result(&self, commit: &CommitHash) -> Result<PathBuf> {
        match &self.local {
            None => Ok(self.cache.snapshot(commit)),
            Some(dir) => real(dir.folder().to_path_buf(), true),
        }
    }
}

/// The files that a snapshot does not show in full.
fn not_shown<'l>(files: Vec<&'l ListedFile>, snapshot: &Path) -> Vec<&'l ListedFile> {
    let shown = disk::at_once(&files, |file| disk::is_whole(&file.path.join_to(snapshot), file.size));
    files.into_iter().zip(shown).filter_map(|(file, shown)| (!shown).then_some(file)).collect()
}

/// The contents of files, each with the paths that show it.
fn by_content(files: Vec<&ListedFile>) -> Vec<Unit> {
    let mut units: Vec<Unit> = Vec::new();
    let mut by_etag: HashMap<&Etag, usize> = HashMap::new();
    for file in files {
        match by_etag.get(&file.etag) {
            Some(&index) => units[index].paths.push(file.path.clone()),
            None => {
                by_etag.insert(&file.etag, units.len());
                units.push(Unit {
                    etag: file.etag.clone(),
                    size: file.size,
                    paths: vec![file.path.clone()],
                    // Filled in for what is missing only: a path costs more to encode than to look up.
                    http: Http::get("/"),
                    location: None,
                });
            }
        }
    }
    units
}

/// The folder as it is told: that of the user without links on the way, as Python does.
fn real(folder: PathBuf, is_local: bool) -> Result<PathBuf> {
    if is_local { std::fs::canonicalize(&folder).at(&folder) } else { Ok(folder) }
}

/// Copies files that the cache has of this commit.
fn copy_from_cache(cache: &RepoCache, dir: &LocalDir, commit: &CommitHash, unit: &Unit) -> Result<bool> {
    let blob = cache.blob(&unit.etag);
    if !disk::is_whole(&blob, unit.size) {
        return Ok(false);
    }
    let place = Place::Local(dir.clone(), commit.clone());
    place.prepare()?;
    for path in &unit.paths {
        dir.copy_in(&blob, path)?;
    }
    place.note(unit)?;
    Ok(true)
}

/// Refuses names that would be one file in or below a folder, or where that is going to be.
fn refuse_collisions<'p>(folder: &Path, paths: impl Iterator<Item = &'p str>) -> Result<()> {
    if !folder.ancestors().find(|folder| folder.is_dir()).is_some_and(disk::ignores_case) {
        return Ok(());
    }
    let mut seen: HashMap<String, &str> = HashMap::new();
    for path in paths {
        if let Some(other) = seen.insert(path.to_lowercase(), path) {
            let message = format!(
                "`{other}` and `{path}` are one file on this system; leave one out by ignore_patterns, or use another disk"
            );
            return Err(Error::new(ErrorKind::NameCollision, message).about(path));
        }
    }
    Ok(())
}
