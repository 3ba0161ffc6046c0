//! All files of a commit into the cache, or into a folder.
use crate::disk;
use crate::fetch::{Fetcher, Place, SMALL_BYTES};
use crate::file_download::metadata_timeout;
use crate::layout::RepoCache;
use crate::listing::Listing;
use crate::local_dir::LocalDir;
use crate::metadata::{self, Found, cache_miss, can_fall_back_to_cache, is_unanswered, warn_of_fallback};
use crate::partial;
use crate::plan::{Plan, select, survey};
use crate::pool::Pool;
use crate::presence::Presence;
use crate::progress::ProgressListener;
use crate::symlinks::UseSymlinks;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hub_api::patterns::PathFilter;
use hub_api::{Answer, Arg, HfApi, Http, Many, Run, repo_path, request, resolve_path};
use hub_http::MAX_LISTING_BYTES;
use hub_http::{Error, ErrorKind, IoContext as _, Result, blocking};
use hub_types::{CommitHash, RepoId, RepoType, Revision, SafeRelPath};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// How many small files are under way at once, unless said otherwise.
const SMALL_AT_ONCE: usize = 48;
/// How many files a file under way may hold open, its connections included.
const OPEN_FOR_EACH: usize = 5;
/// How many files are asked for at once where a mirror has no listing that says what they are.
const ASKED_AT_ONCE: usize = 16;
/// How many of the missing files an error names.
const NAMED: usize = 3;
/// How many connections the large files of a call have among them.
pub(crate) const CONNECTIONS: usize = 16;

request! {
    /// Downloads all files of a revision into the cache, those that are missing, and tells the folder.
    ///
    /// It costs a request for the commit, one for each page of its listing and one for each missing file. A commit whose
    /// files are all there costs no request, a branch or tag one. Everything is of one commit, even if the branch moves
    /// during the download, and is compared with its hash before it becomes visible. When the Hub cannot be reached or
    /// refuses to answer, the folder of the last known commit is returned if it is complete, with a warning. With
    /// `local_dir` the files are put into that folder instead.
    /// `GET /api/{type}s/{repo_id}/revision/{revision}`, `GET /api/{type}s/{repo_id}/tree/{commit}`,
    /// `GET /{repo_id}/resolve/{commit}/{path}`.
    ///
    /// # Errors
    /// `RepositoryNotFound`, `GatedRepo`, `RevisionNotFound`; `LocalEntryNotFound` if nothing is in the cache and the Hub
    /// may not or cannot be asked; `IncompleteSnapshot` if some files are not there and could not be fetched;
    /// `HashMismatch`, `InsufficientSpace`, `CacheReadOnly`; `UnsafePath` if a file that the patterns keep has a name that
    /// would leave the folder, or with `local_dir` one in `.git` or `.cache/huggingface`, before anything is written;
    /// `NameCollision` if two of the names are one file on this system.
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
            Err(error) => return self.fall_back(error).await,
        };
        let place = Arc::new(self.place(&commit));
        let plan = match self.look(&place, &commit).await? {
            Some(plan) => {
                // It names all files, and the listing does so better.
                drop(answer);
                plan
            }
            None if self.request.local_files_only => return self.fall_back(not_asked()).await,
            None if self.siblings_are_there(&commit, answer).await? => {
                return self.finish(&commit, None).await;
            }
            None => match self.list(&place, &commit).await {
                Ok(plan) => plan,
                Err(error) => return self.fall_back(error).await,
            },
        };
        let mut corrected = None;
        if !plan.missing.is_empty() {
            if self.request.local_files_only || self.api.config().offline {
                let error = Error::new(ErrorKind::Offline, "the Hub may not be asked");
                return self.fall_back(error).await;
            }
            corrected = self.fetch(&place, plan, &commit).await?;
        }
        self.finish(&commit, corrected).await
    }

    /// Reads the kept listing, if there is one, and finds out what is missing.
    async fn look(&self, place: &Arc<Place>, commit: &CommitHash) -> Result<Option<Plan>> {
        let (place, path) = (place.clone(), self.listing_path(commit));
        let (cache, filter, force) = (self.cache.clone(), self.filter.clone(), self.request.force_download);
        blocking(move || {
            let Some(listing) = Listing::read(&path).map(Arc::new) else { return Ok(None) };
            let wanted = select(&listing, &filter, &place)?;
            survey(listing, &wanted, &place, &cache, force).map(Some)
        })
        .await
    }

    /// Asks the Hub for the listing, keeps it, and finds out what is missing.
    async fn list(&self, place: &Arc<Place>, commit: &CommitHash) -> Result<Plan> {
        let mut listing = Listing::fetch(&self.api, self.repo_type, &self.repo_id, commit).await?;
        let wanted = {
            let (filter, place) = (self.filter.clone(), place.clone());
            let (back, wanted) = blocking(move || {
                let wanted = select(&listing, &filter, &place)?;
                Ok((listing, wanted))
            })
            .await?;
            listing = back;
            wanted
        };
        self.learn(&mut listing, &wanted, commit).await?;
        let (path, place, force) = (self.listing_path(commit), place.clone(), self.request.force_download);
        let cache = self.cache.clone();
        blocking(move || {
            let plan = survey(Arc::new(listing), &wanted, &place, &cache, force)?;
            // What a mirror did not say of the files that are not wanted must not look as if it were known.
            if plan.listing.is_known() {
                match place.prepare().and_then(|()| plan.listing.write(&path)) {
                    // A cache that cannot be written to is still of use if nothing is missing.
                    Err(error) if plan.missing.is_empty() => {
                        tracing::debug!(%error, "the listing was not kept");
                    }
                    kept => kept?,
                }
            }
            Ok(plan)
        })
        .await
    }

    /// Asks for each wanted file of which the listing of a mirror does not say what it is.
    async fn learn(&self, listing: &mut Listing, wanted: &[u32], commit: &CommitHash) -> Result<()> {
        let unknown: Vec<(u32, SafeRelPath)> = wanted
            .iter()
            .filter(|&&index| !listing.0[index as usize].is_known())
            .map(|&index| Ok((index, listing.0[index as usize].path()?.clone())))
            .collect::<Result<_>>()?;
        let mut answers = stream::iter(unknown)
            .map(|(index, path)| async move { Ok::<_, Error>((index, self.ask(&path, commit).await?)) })
            .buffer_unordered(ASKED_AT_ONCE);
        while let Some((index, found)) = answers.try_next().await? {
            listing.0[index as usize].learn(found.etag, found.size);
        }
        Ok(())
    }

    /// Asks what a file of the commit is.
    async fn ask(&self, path: &SafeRelPath, commit: &CommitHash) -> Result<Found> {
        let timeout = metadata_timeout(&self.api, self.request.etag_timeout)?;
        let (api, revision) = (self.api.with_timeout(timeout), commit.clone().into());
        metadata::ask(&api, self.repo_type, &self.repo_id, &revision, path).await
    }

    /// Notes the commit of the branch, and what was learned of the files, and gives the folder.
    async fn finish(&self, commit: &CommitHash, corrected: Option<Listing>) -> Result<PathBuf> {
        let (cache, revision, commit) = (self.cache.clone(), self.revision.clone(), commit.clone());
        let (path, local) = (self.listing_path(&commit), self.local.clone());
        blocking(move || {
            if let Some(listing) = corrected.filter(Listing::is_known)
                && let Err(error) = listing.write(&path)
            {
                tracing::debug!(%error, "the listing was not kept");
            }
            if let Err(error) = cache.write_ref(&revision, &commit) {
                tracing::debug!(%error, "the reference was not noted");
            }
            match local {
                None => Ok(cache.snapshot(&commit)),
                Some(dir) => real(dir.folder()),
            }
        })
        .await
    }

    /// The commit that the revision stands for, and the description of the repository if the Hub was asked.
    async fn commit(&self) -> Result<(CommitHash, Option<Answer>)> {
        if let Some(commit) = self.revision.as_commit() {
            return Ok((commit, None));
        }
        if self.request.local_files_only {
            return Err(not_asked());
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

    /// Whether all files that the description names are in the cache, which another client has filled.
    ///
    /// Only if all are wanted and each is known to be whole; else the listing says more.
    async fn siblings_are_there(&self, commit: &CommitHash, answer: Option<Answer>) -> Result<bool> {
        let is_all = self.request.allow_patterns.is_none() && self.request.ignore_patterns.is_none();
        let usable = is_all && self.local.is_none() && !self.request.force_download;
        let Some(answer) = answer.filter(|_| usable) else { return Ok(false) };
        let (cache, commit, place) = (self.cache.clone(), commit.clone(), self.place(commit));
        blocking(move || {
            let Ok(Siblings { siblings }) = answer.json() else { return Ok(false) };
            if siblings.is_empty() || !cache.snapshot(&commit).is_dir() {
                return Ok(false);
            }
            let is_there = |sibling: &Sibling| {
                SafeRelPath::parse(&sibling.rfilename)
                    .is_ok_and(|path| cache.presence(&commit, &path) == Presence::Verified)
            };
            // A first one that is missing saves a look at the others.
            if !is_there(&siblings[0]) || !disk::at_once(&siblings, is_there).into_iter().all(|there| there) {
                return Ok(false);
            }
            let names = siblings.iter().map(|sibling| sibling.rfilename.as_str());
            crate::collisions::refuse(&place.partials(), names).map(|()| true)
        })
        .await
    }

    /// Fetches what is missing, large and small files in parallel.
    ///
    /// Gives a corrected listing if files turned out to be others than a mirror had listed.
    async fn fetch(&self, place: &Arc<Place>, plan: Plan, commit: &CommitHash) -> Result<Option<Listing>> {
        let (bytes, shared) = (plan.bytes(), place.clone());
        let bearable = blocking(move || {
            shared.prepare()?;
            let partials = shared.partials();
            disk::require_space(&partials, bytes.saturating_sub(partial::bytes_in(&partials)))?;
            Ok(disk::open_files().map_or(usize::MAX, |limit| (limit / OPEN_FOR_EACH).max(1)))
        })
        .await?;
        let progress = self.request.tqdm_class.as_ref().and_then(ProgressListener::get);
        if let Some(progress) = &progress {
            progress.planned(plan.missing.len() as u64, bytes);
        }
        let fetcher = Fetcher {
            client: self.api.client().clone(),
            place: place.clone(),
            pool: Pool::new(CONNECTIONS.min(bearable)),
            progress,
            force: self.request.force_download,
        };
        let work = Work {
            snapshot: self,
            plan: &plan,
            fetcher,
            commit,
            done: plan.missing.iter().map(|_| AtomicBool::new(false)).collect(),
            learned: Mutex::default(),
        };
        let workers = self.request.max_workers.unwrap_or(SMALL_AT_ONCE).min(bearable);
        let run = |small: bool, at_once: usize| {
            let work = &work;
            let is_small = |number: usize| {
                let size = work.plan.file(work.plan.missing[number]).size;
                size.is_some_and(|size| size <= SMALL_BYTES)
            };
            stream::iter((0..work.plan.missing.len()).filter(move |&number| is_small(number) == small))
                .map(move |number| async move {
                    work.fetch(work.plan.missing[number]).await?;
                    work.done[number].store(true, Ordering::Relaxed);
                    Ok(())
                })
                .buffer_unordered(at_once)
                .try_collect::<()>()
        };
        let fetched = tokio::try_join!(run(true, workers), run(false, workers.min(CONNECTIONS)));
        fetched.map_err(|error| self.interrupted(error, &work))?;
        let learned = work.learned.into_inner().unwrap_or_else(PoisonError::into_inner);
        if learned.is_empty() {
            return Ok(None);
        }
        let mut listing = Listing::clone(&plan.listing);
        for (index, found) in learned {
            for index in plan.files(index) {
                listing.0[index as usize].learn(found.etag.clone(), found.size);
            }
        }
        Ok(Some(listing))
    }

    /// Says what is missing, when the connection is what failed.
    fn interrupted(&self, error: Error, work: &Work<'_>) -> Error {
        if !is_unanswered(&error) {
            return error;
        }
        let missing = || {
            let left =
                work.plan.missing.iter().zip(&work.done).filter(|(_, done)| !done.load(Ordering::Relaxed));
            left.flat_map(|(&index, _)| work.plan.files(index)).map(|index| work.plan.file(index).name())
        };
        let message = format!(
            "the snapshot of `{}` is not complete, {} of its files are missing, {}: {error}; run it again to go on",
            self.repo_id,
            missing().count(),
            some_of(missing())
        );
        Error::new(ErrorKind::IncompleteSnapshot, message).caused_by(error)
    }

    /// What is on disk, when the Hub may not be asked, gave no answer or refused.
    async fn fall_back(&self, error: Error) -> Result<PathBuf> {
        let (force, local_only) = (self.request.force_download, self.request.local_files_only);
        if !can_fall_back_to_cache(&error) || (force && error.kind() != ErrorKind::Offline) {
            return Err(error);
        }
        let (cache, revision, local) = (self.cache.clone(), self.revision.clone(), self.local.clone());
        let filter = self.filter.clone();
        let on_disk = blocking(move || OnDisk::of(&cache, &revision, local.as_ref(), &filter)).await?;
        let what = || format!("a snapshot of `{}` at `{}` is not in the cache", self.repo_id, self.revision);
        let Some(on_disk) = on_disk.filter(|_| !force) else {
            return Err(cache_miss(error, force, local_only, what));
        };
        let commit = on_disk.commit.as_ref();
        if on_disk.missing.is_empty() {
            warn_of_fallback(&error, &format!("`{}` at `{}`", self.repo_id, self.revision), commit);
            return Ok(on_disk.folder);
        }
        // What the Hub says of a token or of a repository is of more use than what is missing without it.
        if error.kind() != ErrorKind::Offline && !is_unanswered(&error) {
            return Err(error);
        }
        let message = format!(
            "the snapshot of `{}` at `{}` is not complete: {} files are missing, {}; run it again when the Hub can be asked",
            self.repo_id,
            self.revision,
            on_disk.missing.len(),
            some_of(on_disk.missing.iter().map(String::as_str))
        );
        Err(Error::new(ErrorKind::IncompleteSnapshot, message).caused_by(error))
    }
}

/// The download of what a plan says is missing.
struct Work<'s> {
    snapshot: &'s Snapshot,
    plan: &'s Plan,
    fetcher: Fetcher,
    commit: &'s CommitHash,
    /// By place among the missing.
    done: Vec<AtomicBool>,
    /// What files turned out to be.
    learned: Mutex<Vec<(u32, Found)>>,
}

impl Work<'_> {
    async fn fetch(&self, index: u32) -> Result<()> {
        let Snapshot { repo_type, repo_id, .. } = self.snapshot;
        let revision: Revision = self.commit.clone().into();
        let mut unit = self
            .plan
            .unit(index, |path| Http::get(resolve_path(*repo_type, repo_id, &revision, path.as_str())))?;
        let file = self.plan.file(index);
        if file.size.is_none() {
            let size = self.fetcher.fetch_of_unknown_size(&unit).await?;
            let (commit, location) = (self.commit.clone(), None);
            self.learned(
                index,
                Found { commit, etag: unit.etag, size: Some(size), is_exact: true, location },
            );
            return Ok(());
        }
        let error = match self.fetcher.fetch(unit.clone()).await {
            Err(error) if error.kind() == ErrorKind::ContentChanged => error,
            Err(error) if error.kind() == ErrorKind::HashMismatch && file.is_in_git() => error,
            fetched => return fetched,
        };
        // Mirrors list files in LFS as if they were in git, or tell the size of a compressed answer; what the file
        // itself says counts then.
        let Ok(mut found) = self.snapshot.ask(file.path()?, self.commit).await else { return Err(error) };
        let is_other = found.etag != unit.etag;
        let is_vague = error.kind() == ErrorKind::ContentChanged && !found.is_exact && found.is_hash();
        if !is_other && !is_vague {
            return Err(error);
        }
        unit.etag = found.etag.clone();
        unit.location = found.location.clone();
        match found.size.filter(|_| found.is_exact) {
            Some(size) => {
                unit.size = size;
                self.fetcher.fetch(unit).await?;
            }
            None => found.size = Some(self.fetcher.fetch_of_unknown_size(&unit).await?),
        }
        self.learned(index, found);
        Ok(())
    }

    fn learned(&self, index: u32, found: Found) {
        self.learned.lock().unwrap_or_else(PoisonError::into_inner).push((index, found));
    }
}

/// What is on disk of a snapshot.
struct OnDisk {
    folder: PathBuf,
    commit: Option<CommitHash>,
    /// The wanted files that are known to be missing or damaged.
    missing: Vec<String>,
}

impl OnDisk {
    /// Looks at what is there, and puts into place what can be without the Hub; none if there is nothing.
    fn of(
        cache: &RepoCache,
        revision: &Revision,
        local: Option<&LocalDir>,
        filter: &PathFilter,
    ) -> Result<Option<Self>> {
        let commit = cache.commit_of(revision);
        let (folder, tree) = match (local, &commit) {
            (Some(dir), _) => (dir.folder().to_path_buf(), commit.as_ref().map(|commit| dir.tree(commit))),
            (None, Some(commit)) => (cache.snapshot(commit), Some(cache.tree(commit))),
            (None, None) => return Ok(None),
        };
        let listing = tree.and_then(|tree| Listing::read(&tree)).map(Arc::new);
        let is_empty = std::fs::read_dir(&folder).map_or(true, |mut entries| entries.next().is_none());
        if is_empty && (local.is_some() || listing.is_none()) {
            return Ok(None);
        }
        let missing = match (listing, &commit) {
            (Some(listing), Some(commit)) => {
                let place = match local {
                    None => Place::Cache(cache.clone(), commit.clone()),
                    Some(dir) => Place::Local(dir.clone(), commit.clone()),
                };
                let wanted = select(&listing, filter, &place)?;
                let plan = survey(listing, &wanted, &place, cache, false)?;
                plan.paths().map(str::to_owned).collect()
            }
            (None, Some(commit)) if local.is_none() => damaged(cache, commit, filter),
            _ => Vec::new(),
        };
        let folder = if local.is_some() { real(&folder)? } else { folder };
        Ok(Some(Self { folder, commit, missing }))
    }
}

/// The files of a snapshot without a listing that are damaged for all that can be told.
fn damaged(cache: &RepoCache, commit: &CommitHash, filter: &PathFilter) -> Vec<String> {
    let mut found = Vec::new();
    let mut todo = vec![(cache.snapshot(commit), String::new())];
    while let Some((folder, prefix)) = todo.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let path = format!("{prefix}{name}");
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                todo.push((entry.path(), format!("{path}/")));
            } else if filter.keeps(&path)
                && SafeRelPath::parse(&path).is_ok_and(|path| !cache.presence(commit, &path).is_hit())
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The first of some names, as a part of a sentence.
fn some_of<'n>(names: impl Iterator<Item = &'n str>) -> String {
    let mut names = names.map(|name| format!("`{}`", name.escape_debug()));
    let some: Vec<_> = names.by_ref().take(NAMED).collect();
    let more = if names.next().is_some() { " and others" } else { "" };
    some.join(", ") + more
}

fn not_asked() -> Error {
    Error::new(ErrorKind::Offline, "local_files_only is set, so the Hub was not asked")
}

/// The folder of the user's without links on the way, as the Python client gives it.
fn real(folder: &Path) -> Result<PathBuf> {
    std::fs::canonicalize(folder).at(folder)
}
