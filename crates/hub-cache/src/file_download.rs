//! One file into the cache, or into a folder.
use crate::disk;
use crate::fetch::{Fetcher, Place, Unit};
use crate::hasher::Hasher;
use crate::layout::RepoCache;
use crate::local_dir::{Age, LocalDir, LocalFile, hash_file};
use crate::metadata::{self, Found, cache_miss, can_fall_back_to_cache, warn_of_fallback};
use crate::plan::refuse_name;
use crate::pool::Pool;
use crate::presence::{HASHED_FIRST_BYTES, Presence, needs_record};
use crate::progress::ProgressListener;
use crate::snapshot::CONNECTIONS;
use crate::symlinks::UseSymlinks;
use hub_api::{Arg, HfApi, Http, Run, request, resolve_path};
use hub_http::{Context as _, Error, ErrorKind, Result, Timeout, blocking};
use hub_types::{CommitHash, Etag, RepoId, RepoType, Revision, SafeRelPath};
use std::path::{Path, PathBuf};
use std::sync::Arc;

request! {
    /// Downloads a file into the cache, unless it is there, and tells its path.
    ///
    /// By a commit hash a cached file costs no request; by a branch or tag it costs one, to see whether it moved. A cached
    /// file that is damaged is downloaded again. What is downloaded is compared with its hash before it becomes visible,
    /// and an interrupted download resumes. When the Hub cannot be reached or refuses to answer, the last version in
    /// the cache is used, with a warning. With `local_dir` the file is put into that folder instead.
    /// `HEAD` and `GET /{repo_id}/resolve/{revision}/{filename}`.
    ///
    /// # Errors
    /// `RepositoryNotFound`, `GatedRepo`, `RevisionNotFound`, `EntryNotFound`; `LocalEntryNotFound` if the file is not in
    /// the cache and the Hub may not or cannot be asked; `HashMismatch` if what came is not the file;
    /// `InsufficientSpace`, `CacheReadOnly`; `InvalidArgument` if the name would leave the folder; `UnsafePath` if it
    /// is one in `.git` or `.cache/huggingface` of `local_dir`.
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
        let local = self.request.local_dir.clone().map(LocalDir::new);
        refuse_name(&self.path, local.as_ref())?;
        match local {
            None => self.into_cache().await,
            Some(dir) => self.into_folder(dir).await,
        }
    }

    async fn into_cache(self) -> Result<PathBuf> {
        let mut force = self.request.force_download;
        let mut is_unverified = false;
        if let Some(commit) = self.revision.as_commit().filter(|_| !force) {
            let (cache, path) = (self.cache.clone(), self.path.clone());
            let look = blocking(move || Ok((cache.presence(&commit, &path), cache.pointer(&commit, &path))));
            match look.await? {
                (Presence::Damaged(why), _) => {
                    // Its size may be right, so that nothing but a look at its bytes tells.
                    tracing::debug!("{} is damaged in the cache: {why}", self.name());
                    force = true;
                }
                (Presence::Verified, pointer) => return Ok(pointer),
                // The Hub knows its size; after that so does the cache.
                (Presence::Unverified, _) => is_unverified = true,
                (Presence::Missing, _) => {}
            }
        }
        let found = match self.ask().await {
            Ok(found) => found,
            Err(error) => return self.fall_back(error).await,
        };
        let (this, known) = (self.at_work(), found.clone());
        let look = blocking(move || {
            let pointer = this.cache.pointer(&known.commit, &this.path);
            let is_hit = !force && is_whole(&pointer, &known);
            if is_hit {
                if is_unverified && let Some(size) = known.size {
                    this.record_size(&known.etag, size);
                }
                this.note_ref(&known.commit);
            }
            // Of the right size, and yet not the file: only its bytes tell.
            let is_damaged = !is_hit && known.size.is_some_and(|size| disk::is_whole(&pointer, size));
            Ok((is_hit.then_some(pointer), is_damaged))
        });
        match look.await? {
            (Some(pointer), _) => return Ok(pointer),
            (None, is_damaged) => force |= is_damaged,
        }
        let place = Place::Cache(self.cache.clone(), found.commit.clone());
        let size = self.fetch(place, &found, force).await?;
        let this = self.at_work();
        blocking(move || {
            this.record_size(&found.etag, size);
            this.note_ref(&found.commit);
            Ok(this.cache.pointer(&found.commit, &this.path))
        })
        .await
    }

    async fn into_folder(self, dir: LocalDir) -> Result<PathBuf> {
        let mut force = self.request.force_download;
        let file = dir.file(&self.path);
        if let Some(commit) = self.revision.as_commit().filter(|_| !force) {
            let (own, path) = (dir.clone(), self.path.clone());
            let look = blocking(move || {
                let known = own.read(&path).filter(|known| known.commit == commit);
                Ok(known.map(|known| own.presence(&path, &known.commit, &known.etag, known.size)))
            });
            match look.await? {
                Some(Presence::Damaged(why)) => {
                    tracing::debug!("{} is damaged in the folder: {why}", self.name());
                    force = true;
                }
                Some(Presence::Verified) => return Ok(file),
                // Of an unverified one the Hub knows the size.
                _ => {}
            }
        }
        let found = match self.ask().await {
            Ok(found) => found,
            Err(error) => return self.fall_back_to_folder(error, dir).await,
        };
        let (own, path) = (dir.clone(), self.path.clone());
        blocking(move || own.pin([&path])).await?;
        if !force && found.size.is_some() {
            let place = Place::Local(dir.clone(), found.commit.clone());
            let (this, unit, known) = (self.at_work(), self.unit(&found), found.clone());
            let own = dir.clone();
            let is_here = blocking(move || {
                let cached = this.cache.pointer(&known.commit, &this.path);
                if !is_whole(&cached, &known) {
                    return Ok(false);
                }
                place.prepare()?;
                if !own.has(&this.path, &unit.etag, unit.size)? {
                    own.copy_in(&cached, &this.path)?;
                }
                place.note(&unit)?;
                Ok(true)
            });
            if is_here.await? {
                return Ok(file);
            }
        }
        self.fetch(Place::Local(dir, found.commit.clone()), &found, force).await?;
        Ok(file)
    }

    /// Asks the Hub which content the file has now.
    async fn ask(&self) -> Result<Found> {
        if self.request.local_files_only {
            return Err(Error::new(ErrorKind::Offline, "local_files_only is set, so the Hub was not asked"));
        }
        let timeout = metadata_timeout(&self.api, self.request.etag_timeout)?;
        let api = self.api.with_timeout(timeout);
        metadata::ask(&api, self.repo_type, &self.repo_id, &self.revision, &self.path).await
    }

    fn at_work(&self) -> AtWork {
        AtWork { cache: self.cache.clone(), revision: self.revision.clone(), path: self.path.clone() }
    }

    /// The file in the cache, when the Hub gave no answer or refused.
    async fn fall_back(&self, error: Error) -> Result<PathBuf> {
        let (this, absent) = (self.at_work(), absent_at(&error));
        let force = self.request.force_download;
        let cached = blocking(move || {
            if let Some(commit) = absent {
                this.note_absence(&commit);
            }
            let commit = this.cache.commit_of(&this.revision).filter(|_| !force);
            Ok(commit.map(|commit| {
                let presence = this.cache.presence(&commit, &this.path);
                (this.cache.pointer(&commit, &this.path), presence, commit)
            }))
        });
        let cached = cached.await?;
        if !can_fall_back_to_cache(&error) {
            return Err(error);
        }
        match cached {
            Some((pointer, presence, commit)) if presence.is_hit() => {
                warn_of_fallback(&error, &self.name(), Some(&commit));
                Ok(pointer)
            }
            Some((_, Presence::Damaged(why), _)) => {
                Err(self.missed(error, &format!("is damaged in the cache: {why}")))
            }
            _ => Err(self.missed(error, "is not in the cache")),
        }
    }

    /// The file in the folder, when the Hub gave no answer or refused.
    async fn fall_back_to_folder(&self, error: Error, dir: LocalDir) -> Result<PathBuf> {
        if !can_fall_back_to_cache(&error) {
            return Err(error);
        }
        let (path, force) = (self.path.clone(), self.request.force_download);
        let seen = blocking(move || {
            let file = dir.file(&path);
            let known = dir.read_with_age(&path).filter(|(_, age)| !force && *age != Age::Newer);
            let Some((LocalFile { commit, etag, size }, _)) = known else {
                // What the user changed is the user's.
                return Ok((file.is_file() && !force).then_some((file, None, Presence::Unverified)));
            };
            let presence = dir.presence(&path, &commit, &etag, size);
            Ok(Some((file, Some(commit), presence)))
        });
        match seen.await? {
            Some((file, commit, presence)) if presence.is_hit() => {
                warn_of_fallback(&error, &self.name(), commit.as_ref());
                Ok(file)
            }
            Some((_, _, Presence::Damaged(why))) => {
                Err(self.missed(error, &format!("is damaged in the folder: {why}")))
            }
            _ => Err(self.missed(error, "is not in the folder")),
        }
    }

    fn name(&self) -> String {
        format!("`{}` of `{}` at `{}`", self.path, self.repo_id, self.revision)
    }

    /// The error for a file that is not here and could not be asked for.
    fn missed(&self, error: Error, why: &str) -> Error {
        let request = &self.request;
        cache_miss(error, request.force_download, request.local_files_only, || {
            format!("{} {why}", self.name())
        })
    }

    fn unit(&self, found: &Found) -> Unit {
        // By the commit, so that a branch that moves meanwhile does not mix two versions.
        let revision = found.commit.clone().into();
        let http = Http::get(resolve_path(self.repo_type, &self.repo_id, &revision, self.path.as_str()));
        Unit {
            etag: found.etag.clone(),
            size: found.size.unwrap_or_default(),
            paths: vec![self.path.clone()],
            http,
            location: found.location.clone(),
        }
    }

    /// Sees to it that a file is at its place, from what is on disk or from the Hub; gives its size.
    async fn fetch(&self, place: Place, found: &Found, force: bool) -> Result<u64> {
        let (place, unit) = (Arc::new(place), self.unit(found));
        let (here, wanted, is_sized) = (place.clone(), unit.clone(), found.size.is_some());
        let is_here = blocking(move || {
            here.prepare()?;
            if !force && is_sized && here.adopt(&wanted)? {
                return Ok(true);
            }
            if wanted.size <= crate::fetch::SMALL_BYTES {
                disk::require_space(&here.partials(), wanted.size)?;
            }
            Ok(false)
        });
        if is_here.await? {
            return Ok(unit.size);
        }
        let progress = self.request.progress.as_ref().and_then(ProgressListener::get);
        if let Some(progress) = &progress {
            progress.planned(1, unit.size);
        }
        let client = self.api.client().clone();
        let fetcher =
            Fetcher { client, place, pool: Pool::new(CONNECTIONS), progress: progress.clone(), force };
        if is_sized {
            let size = unit.size;
            match fetcher.fetch(unit.clone()).await {
                Ok(()) => return Ok(size),
                // What HEAD told was the length of a compressed answer, or of nothing; the hash decides.
                Err(error)
                    if error.kind() == ErrorKind::ContentChanged && !found.is_exact && found.is_hash() =>
                {
                    tracing::debug!(%error, "the size that was announced is wrong");
                }
                Err(error) => return Err(error),
            }
        }
        let size = fetcher.fetch_of_unknown_size(&unit).await?;
        if let Some(progress) = &progress {
            progress.finished(self.path.as_str());
        }
        Ok(size)
    }
}

/// What is needed on the blocking pool.
struct AtWork {
    cache: RepoCache,
    revision: Revision,
    path: SafeRelPath,
}

impl AtWork {
    /// Records the size of a blob whose size nothing else on disk records.
    fn record_size(&self, etag: &Etag, size: u64) {
        if needs_record(etag, size)
            && let Err(error) = self.cache.record_size(etag, size)
        {
            tracing::debug!(%error, "the size was not recorded");
        }
    }

    /// Notes the commit of the branch; a cache that cannot be written to is still of use.
    fn note_ref(&self, commit: &CommitHash) {
        if let Err(error) = self.cache.write_ref(&self.revision, commit) {
            tracing::debug!(%error, "the reference was not noted");
        }
    }

    /// Notes that the commit has no such file.
    fn note_absence(&self, commit: &CommitHash) {
        if let Err(error) = self.cache.write_no_exist(commit, &self.path) {
            tracing::debug!(%error, "the absence of the file was not noted");
        }
        self.note_ref(commit);
    }
}

/// The commit that has no such file, if that is what an error says.
fn absent_at(error: &Error) -> Option<CommitHash> {
    let commit = CommitHash::parse(error.http()?.repo_commit.as_deref()?).ok()?;
    (error.kind() == ErrorKind::EntryNotFound).then_some(commit)
}

/// Whether a file is the one that the Hub described.
fn is_whole(file: &Path, found: &Found) -> bool {
    let Ok(meta) = std::fs::metadata(file) else { return false };
    if !meta.is_file() {
        return false;
    }
    let has_size = found.size == Some(meta.len());
    if has_size && meta.len() > HASHED_FIRST_BYTES {
        return true;
    }
    if !has_size && found.size.is_some() && found.is_exact {
        return false;
    }
    // The file is small, or the Hub does not know the size for certain, but the hash.
    match hash_file(file, Hasher::of(&found.etag, meta.len())) {
        Ok(Some(hash)) => hash == found.etag.as_str(),
        Ok(None) | Err(_) => has_size,
    }
}

/// Returns how long a request for metadata may take: the argument in seconds, or the configured limit.
pub(crate) fn metadata_timeout(api: &HfApi, etag_timeout: Option<f64>) -> Result<Timeout> {
    match etag_timeout {
        Some(seconds) => Timeout::from_secs_f64(seconds).with(|| "could not use etag_timeout".to_owned()),
        None => Ok(api.config().etag_timeout),
    }
}

/// Finds a file in the cache without any request; `None` if it is not there, or known to be damaged.
///
/// See [`RepoCache::find`].
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
