//! One file into the cache, or into a folder.
use crate::disk;
use crate::fetch::{Fetcher, Place, Unit};
use crate::layout::RepoCache;
use crate::local_dir::LocalDir;
use crate::pool::Pool;
use crate::progress::ProgressListener;
use crate::snapshot::CONNECTIONS;
use crate::symlinks::UseSymlinks;
use hub_api::{Arg, HfApi, Http, Run, request, resolve_path};
use hub_http::{Context as _, Error, ErrorKind, Result, Timeout, Url, blocking};
use hub_types::{CommitHash, Etag, RepoId, RepoType, Revision, SafeRelPath};
use std::path::{Path, PathBuf};
use std::sync::Arc;

request! {
    /// Downloads a file into the cache, unless it is there, and tells its path.
    ///
    /// By a commit hash a cached file costs no request; by a branch or tag it costs one, to see whether it moved. What is
    /// downloaded is compared with its hash before it becomes visible, and an interrupted download goes on where it
    /// stopped. When the Hub cannot be reached, the last version in the cache is taken. With `local_dir` the file is put
    /// into that folder instead.
    /// `HEAD` and `GET /{repo_id}/resolve/{revision}/{filename}`.
    ///
    /// # Errors
    /// `RepositoryNotFound`, `GatedRepo`, `RevisionNotFound`, `EntryNotFound`; `LocalEntryNotFound` if the file is not in
    /// the cache and the Hub may not or cannot be asked; `HashMismatch` if what came is not the file;
    /// `InsufficientSpace`, `CacheReadOnly`; `InvalidArgument` if the name would leave the folder.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use hub_cache::Downloads as _;
    ///
    /// let path = api.hf_hub_download("openai-community/gpt2", "config.json").revision("main").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn hf_hub_download(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The path of the file in the repository.
        filename: String,
    ) -> PathBuf;

    /// The parameters of [`Downloads::hf_hub_download`](crate::Downloads::hf_hub_download).
    pub struct HfHubDownloadRequest {
        /// A folder of the repository that `filename` is in.
        subfolder: Option<String>,
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
        /// The branch, tag or commit; the default branch if unset.
        revision: Option<Arg<Revision>>,
        /// The cache folder; the configured one if unset.
        cache_dir: Option<PathBuf>,
        /// A folder to put the file into instead of the cache, at its path in the repository.
        local_dir: Option<PathBuf>,
        /// Whether to download the file even if it is there.
        force_download: bool,
        /// How many seconds to wait for the metadata of the file.
        etag_timeout: Option<f64>,
        /// Whether to make no request at all.
        local_files_only: bool,
        /// Has no effect any more: downloads are resumed whenever that is possible.
        resume_download: Option<bool>,
        /// Has no effect any more: files keep the names they have on the Hub.
        force_filename: Option<String>,
        /// Has no effect any more: files in a `local_dir` are no links.
        local_dir_use_symlinks: Option<UseSymlinks>,
        /// Who is told of the progress.
        progress: Option<ProgressListener>,
    }
}

impl Run for HfHubDownloadRequest {
    async fn run(self, api: HfApi) -> Result<PathBuf> {
        FileDownload::new(self, api)?.run().await
    }
}

/// What the Hub says of the file.
struct Found {
    commit: CommitHash,
    etag: Etag,
    size: u64,
    location: Option<Url>,
}

struct FileDownload {
    api: HfApi,
    path: SafeRelPath,
    repo_id: RepoId,
    repo_type: RepoType,
    revision: Revision,
    cache: RepoCache,
    request: HfHubDownloadRequest,
}

impl FileDownload {
    fn new(request: HfHubDownloadRequest, api: HfApi) -> Result<Self> {
        let repo_id = request.repo_id.get()?.clone();
        let repo_type = request.repo_type.unwrap_or_default();
        let path = match request.subfolder.as_deref() {
            None | Some("") => SafeRelPath::parse(&request.filename)?,
            Some(folder) => SafeRelPath::parse(&format!("{folder}/{}", request.filename))?,
        };
        let revision =
            request.revision.as_ref().map_or(Ok(Revision::main()), |given| given.get().cloned())?;
        let cache_dir = match (&request.cache_dir, &request.local_dir) {
            (Some(folder), _) => folder,
            // Files from the cache are copied into the folder; a cache whose place is not known has none.
            (None, Some(_)) => &api.config().cache_dir,
            (None, None) => api.config().cache_dir()?,
        };
        let cache = RepoCache::new(cache_dir, repo_type, &repo_id);
        Ok(Self { api, path, repo_id, repo_type, revision, cache, request })
    }

    async fn run(self) -> Result<PathBuf> {
        match self.request.local_dir.clone() {
            None => self.into_cache().await,
            Some(folder) => self.into_folder(LocalDir::new(folder)).await,
        }
    }

    async fn into_cache(self) -> Result<PathBuf> {
        let force = self.request.force_download;
        if let Some(commit) = self.revision.as_commit().filter(|_| !force) {
            let pointer = self.cache.pointer(&commit, &self.path);
            if pointer.is_file() {
                return Ok(pointer);
            }
        }
        let found = match self.ask().await {
            Ok(found) => found,
            Err(error) => {
                self.note_absence(&error);
                if !stands_for_no_answer(&error) {
                    return Err(error);
                }
                let cached = self.cache.find(&self.revision, &self.path).filter(|_| !force);
                return cached.ok_or_else(|| self.not_here(error));
            }
        };
        let pointer = self.cache.pointer(&found.commit, &self.path);
        if !force && disk::is_whole(&pointer, found.size) {
            self.note_ref(&found.commit);
            return Ok(pointer);
        }
        let place = Place::Cache(self.cache.clone(), found.commit.clone());
        self.fetch(place, &found).await?;
        self.note_ref(&found.commit);
        Ok(pointer)
    }

    async fn into_folder(self, dir: LocalDir) -> Result<PathBuf> {
        let force = self.request.force_download;
        let file = dir.file(&self.path);
        let known = dir.read(&self.path).filter(|_| !force && file.is_file());
        if let (Some(commit), Some(known)) = (self.revision.as_commit(), &known)
            && known.commit == commit
        {
            return Ok(file);
        }
        let found = match self.ask().await {
            Ok(found) => found,
            Err(error) if !stands_for_no_answer(&error) => return Err(error),
            Err(error) if !force && file.is_file() => {
                tracing::warn!(%error, "the Hub was not asked whether the file has changed");
                return Ok(file);
            }
            Err(error) => return Err(self.not_here(error)),
        };
        if !force
            && let Some(cached) = self.cache.find(&found.commit.clone().into(), &self.path)
            && disk::is_whole(&cached, found.size)
        {
            let place = Place::Local(dir.clone(), found.commit.clone());
            let (unit, path) = (self.unit(&found), self.path.clone());
            blocking(move || {
                place.prepare()?;
                if !dir.has(&path, &unit.etag, unit.size)? {
                    dir.copy_in(&cached, &path)?;
                }
                place.note(&unit)
            })
            .await?;
            return Ok(file);
        }
        self.fetch(Place::Local(dir, found.commit.clone()), &found).await?;
        Ok(file)
    }

    /// Asks the Hub which content the file has now.
    async fn ask(&self) -> Result<Found> {
        if self.request.local_files_only {
            return Err(Error::new(ErrorKind::Offline, "local_files_only is set, so the Hub was not asked"));
        }
        let timeout = metadata_timeout(&self.api, self.request.etag_timeout)?;
        let api = self.api.with_timeout(timeout);
        let head =
            Http::head(resolve_path(self.repo_type, &self.repo_id, &self.revision, self.path.as_str()));
        let url = self.api.client().resolve(&head)?;
        let metadata = hub_api::repos::file_metadata(&api, head).await?;
        let lacks = |what: &str| {
            let message = format!(
                "what answered for `{}` says no {what}; is HF_ENDPOINT a Hub, and is there a proxy between?",
                self.path
            );
            Error::new(ErrorKind::FileMetadata, message)
        };
        let commit = metadata.commit_hash.ok_or_else(|| lacks("commit"))?;
        let etag = metadata.etag.ok_or_else(|| lacks("ETag"))?;
        let location = Url::parse(&metadata.location).ok().filter(|location| *location != url);
        let size = match (metadata.size, &location) {
            (Some(size), _) => size,
            // A redirect that does not say the size: its target does.
            (None, Some(location)) => {
                let head = Http::url(hub_http::Method::HEAD, location.clone()).identity();
                let answer = api.client().execute(head).await?;
                answer
                    .header("content-length")
                    .and_then(|size| size.parse().ok())
                    .ok_or_else(|| lacks("size"))?
            }
            (None, None) => return Err(lacks("size")),
        };
        Ok(Found { commit, etag, size, location })
    }

    fn unit(&self, found: &Found) -> Unit {
        // By the commit, so that a branch that moves meanwhile does not mix two versions.
        let revision = found.commit.clone().into();
        let http = Http::get(resolve_path(self.repo_type, &self.repo_id, &revision, self.path.as_str()));
        Unit {
            etag: found.etag.clone(),
            size: found.size,
            paths: vec![self.path.clone()],
            http,
            location: found.location.clone(),
        }
    }

    /// Sees to it that a file is at its place, from what is on disk or from the Hub.
    async fn fetch(&self, place: Place, found: &Found) -> Result<()> {
        let force = self.request.force_download;
        let (place, unit) = (Arc::new(place), self.unit(found));
        let (here, wanted) = (place.clone(), unit.clone());
        let is_here = blocking(move || {
            here.prepare()?;
            Ok(!force && here.adopt(&wanted)?)
        });
        if is_here.await? {
            return Ok(());
        }
        if unit.size <= crate::fetch::SMALL_BYTES {
            disk::require_space(&place.partials(), unit.size)?;
        }
        let progress = self.request.progress.as_ref().and_then(ProgressListener::get);
        if let Some(progress) = &progress {
            progress.planned(1, unit.size);
        }
        let client = self.api.client().clone();
        Fetcher { client, place, pool: Pool::new(CONNECTIONS), progress, force }.fetch(unit).await
    }

    /// Notes the commit of the branch; a cache that cannot be written to is still of use.
    fn note_ref(&self, commit: &CommitHash) {
        if let Err(error) = self.cache.write_ref(&self.revision, commit) {
            tracing::debug!(%error, "the reference was not noted");
        }
    }

    /// Notes that the commit has no such file, if the Hub says so.
    fn note_absence(&self, error: &Error) {
        let commit = error.http().and_then(|http| CommitHash::parse(http.repo_commit.as_deref()?).ok());
        if let (ErrorKind::EntryNotFound, Some(commit), None) =
            (error.kind(), commit, &self.request.local_dir)
        {
            if let Err(error) = self.cache.write_no_exist(&commit, &self.path) {
                tracing::debug!(%error, "the absence of the file was not noted");
            }
            self.note_ref(&commit);
        }
    }

    /// The error for a file that is not here and could not be asked for.
    fn not_here(&self, error: Error) -> Error {
        let request = &self.request;
        unanswered(error, request.force_download, request.local_files_only, || {
            format!("`{}` of `{}` at `{}`", self.path, self.repo_id, self.revision)
        })
    }
}

/// Whether an error leaves open what the Hub has, so that the cache may answer.
pub(crate) fn stands_for_no_answer(error: &Error) -> bool {
    !matches!(
        error.kind(),
        ErrorKind::RevisionNotFound
            | ErrorKind::EntryNotFound
            | ErrorKind::InvalidArgument
            | ErrorKind::TokenMissing
            | ErrorKind::UnsafePath
            | ErrorKind::ForeignOrigin
    )
}

/// The error for what is not in the cache when the Hub gave no answer.
pub(crate) fn unanswered(
    error: Error,
    force_download: bool,
    local_files_only: bool,
    what: impl FnOnce() -> String,
) -> Error {
    match error.kind() {
        ErrorKind::Offline if force_download && local_files_only => {
            Error::invalid("force_download and local_files_only exclude each other")
        }
        ErrorKind::Offline if force_download => {
            Error::invalid("force_download needs the Hub, and HF_HUB_OFFLINE is set")
        }
        ErrorKind::RepositoryNotFound | ErrorKind::GatedRepo => error,
        _ if force_download => error,
        ErrorKind::Offline if local_files_only => Error::new(
            ErrorKind::LocalEntryNotFound,
            format!("{} is not in the cache; leave out local_files_only to download it", what()),
        ),
        ErrorKind::Offline => Error::new(
            ErrorKind::LocalEntryNotFound,
            format!("{} is not in the cache; unset HF_HUB_OFFLINE to download it", what()),
        ),
        _ => {
            let message = format!(
                "{} is not in the cache, and the Hub did not answer as it should: {error}; check the connection and try again",
                what()
            );
            Error::new(ErrorKind::LocalEntryNotFound, message).caused_by(error)
        }
    }
}

/// Returns how long a request for metadata may take: the argument in seconds, or the configured limit.
pub(crate) fn metadata_timeout(api: &HfApi, etag_timeout: Option<f64>) -> Result<Timeout> {
    match etag_timeout {
        Some(seconds) => Timeout::from_secs_f64(seconds).with(|| "could not use etag_timeout".to_owned()),
        None => Ok(api.config().etag_timeout),
    }
}

/// Finds a file in the cache without any request; `None` if it is not there.
///
/// ```no_run
/// # fn main() -> hub_api::Result<()> {
/// use hub_cache::find_in_cache;
///
/// let config = hub_api::Config::from_env()?;
/// let repo = "openai-community/gpt2".parse()?;
/// let path = find_in_cache(&config.cache_dir, Default::default(), &repo, &Default::default(), "config.json")?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] if the name would leave the folder.
pub fn find_in_cache(
    cache_dir: &Path,
    repo_type: RepoType,
    repo_id: &RepoId,
    revision: &Revision,
    filename: &str,
) -> Result<Option<PathBuf>> {
    Ok(RepoCache::new(cache_dir, repo_type, repo_id).find(revision, &SafeRelPath::parse(filename)?))
}
