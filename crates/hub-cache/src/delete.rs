//! Removes revisions, and what was left unfinished.
use crate::disk::InCache as _;
use crate::fs;
use crate::lock::{Attempt, Lock, Locking, Names, Ownership};
use crate::owned::{Adoption, Owned};
use crate::partial;
use crate::scan::{CacheInfo, CachedRepo, CachedRevision, scan_repo};
use hub_http::{Error, ErrorKind, IoContext as _, Result};
use hub_types::{CommitHash, RepoId, RepoType};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};

/// What deleting revisions would remove. Nothing is removed before [`DeletePlan::execute`].
#[derive(Debug, Clone, Default, Serialize)]
#[must_use = "nothing is deleted before the plan is executed"]
#[non_exhaustive]
pub struct DeletePlan {
    /// How many bytes would be free then.
    pub freed_bytes: u64,
    /// The folders of repositories of which nothing would remain.
    pub repos: Vec<PathBuf>,
    /// The folders of revisions.
    pub snapshots: Vec<PathBuf>,
    /// The references to them.
    pub refs: Vec<PathBuf>,
    /// The contents that no other revision shows.
    pub blobs: Vec<PathBuf>,
    /// Commits that are not in the cache.
    pub not_found: Vec<CommitHash>,
    #[serde(skip)]
    touched: Vec<Touched>,
}

/// The revisions of one repository that a plan removes.
#[derive(Debug, Clone)]
struct Touched {
    repo_type: RepoType,
    repo_id: RepoId,
    folder: PathBuf,
    /// The commits with the references to each.
    commits: HashMap<CommitHash, Vec<String>>,
}

impl CacheInfo {
    /// Tells what deleting these commits would remove.
    ///
    /// ```no_run
    /// # fn main() -> hub_api::Result<()> {
    /// let config = hub_api::Config::from_env()?;
    /// let cache = hub_cache::scan_cache_dir(&config.cache_dir)?;
    /// let plan = cache.delete_revisions(["607a30d783dfa663caf39e06633721c8d4cfcd7e".parse()?]);
    /// println!("{} bytes will be free", plan.freed_bytes);
    /// plan.execute()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete_revisions(&self, commits: impl IntoIterator<Item = CommitHash>) -> DeletePlan {
        let commits: Vec<CommitHash> = commits.into_iter().collect();
        let mut left: HashSet<&CommitHash> = commits.iter().collect();
        let mut plan = DeletePlan::default();
        for repo in &self.repos {
            let chosen: HashSet<&CommitHash> = repo
                .revisions
                .iter()
                .map(|revision| &revision.commit_hash)
                .filter(|commit| commits.contains(commit))
                .collect();
            left.retain(|commit| !chosen.contains(commit));
            if chosen.is_empty() {
                continue;
            }
            plan.touched.push(Touched {
                repo_type: repo.repo_type,
                repo_id: repo.repo_id.clone(),
                folder: repo.repo_path.clone(),
                commits: repo
                    .revisions
                    .iter()
                    .filter(|revision| chosen.contains(&revision.commit_hash))
                    .map(|revision| (revision.commit_hash.clone(), revision.refs.clone()))
                    .collect(),
            });
            if chosen.len() == repo.revisions.len() {
                plan.freed_bytes += repo.size_on_disk + repo.partial_bytes;
                plan.repos.push(repo.repo_path.clone());
                continue;
            }
            let kept = repo.blobs_except(&chosen);
            let mut seen = HashSet::new();
            for revision in repo.revisions.iter().filter(|revision| chosen.contains(&revision.commit_hash)) {
                plan.snapshots.push(revision.snapshot_path.clone());
                plan.refs.extend(revision.refs.iter().map(|name| ref_path(&repo.repo_path, name)));
                for file in &revision.files {
                    match file.blob.as_deref() {
                        Some(blob) if kept.contains(blob) || !seen.insert(blob) => {}
                        Some(blob) => {
                            plan.freed_bytes += file.size;
                            plan.blobs.push(repo.repo_path.join("blobs").join(blob));
                        }
                        // A copy is a part of the snapshot.
                        None => plan.freed_bytes += file.size,
                    }
                }
            }
        }
        plan.not_found = commits.iter().filter(|commit| left.contains(commit)).cloned().collect();
        plan
    }

    /// Tells what deleting the revisions that no branch or tag stands for would remove.
    pub fn delete_detached(&self) -> DeletePlan {
        let revisions = self.repos.iter().flat_map(|repo| &repo.revisions);
        self.delete_revisions(
            revisions
                .filter(|revision| revision.refs.is_empty())
                .map(|revision| revision.commit_hash.clone()),
        )
    }
}

impl DeletePlan {
    /// Whether there is nothing to remove.
    pub fn is_empty(&self) -> bool {
        self.repos.is_empty() && self.snapshots.is_empty()
    }

    /// Removes what the plan says, but for what has come into use since it was made.
    ///
    /// Each repository is looked at again, under its lock, and decided about by itself. Revisions that were not there
    /// when the plan was made stay, with their blobs, and so do references that lead to another commit by now, and
    /// downloads under way. References go first and blobs last, so that a concurrent reader
    /// finds fewer entries but no dangling ones.
    ///
    /// # Errors
    /// [`ErrorKind::Io`] if something in a repository cannot be read: it may be a pointer to any blob, so that nothing is
    /// removed of this repository. [`ErrorKind::Timeout`] if downloads keep it locked. `CacheReadOnly`. The other repositories are dealt with all the same.
    pub fn execute(&self) -> Result<()> {
        let results: Vec<_> = self.touched.iter().map(|repo| self.execute_in(repo)).collect();
        results.into_iter().collect()
    }

    fn execute_in(&self, repo: &Touched) -> Result<()> {
        let names = Names::exclude(&repo.folder)?;
        let whole = self.repos.contains(&repo.folder);
        let is_planned = |revision: &CachedRevision| {
            let Some(refs) = repo.commits.get(&revision.commit_hash) else { return false };
            // A branch that has come to it since the plan brings it into use.
            revision.refs.iter().all(|name| refs.contains(name))
                && (whole || self.snapshots.contains(&revision.snapshot_path))
        };
        let revisions = repo.scan()?.map(|found| found.revisions).unwrap_or_default();
        let (gone, kept): (Vec<_>, Vec<_>) = revisions.into_iter().partition(is_planned);
        let refs = gone.iter().flat_map(|revision| &revision.refs);
        for path in refs.map(|name| ref_path(&repo.folder, name)) {
            if whole || self.refs.contains(&path) {
                ignore_missing(fs::remove_file(&path)).in_cache(&path)?;
            }
        }
        for revision in &gone {
            remove_revision(&revision.snapshot_path)?;
        }
        if whole && kept.is_empty() && !has_owner(&repo.folder)? {
            // Snapshots first here too: a folder that is half gone must not look like a repository.
            let snapshots = repo.folder.join("snapshots");
            ignore_missing(fs::remove_dir_all(&snapshots)).in_cache(&snapshots)?;
            ignore_missing(fs::remove_dir_all(&repo.folder)).in_cache(&repo.folder)?;
            names.remove();
            return Ok(());
        }
        // Programs that do not know our lock may have changed the repository since the scan.
        let now = repo.scan()?;
        let shown: HashSet<&str> = now.iter().flat_map(|repo| repo.blobs_except(&HashSet::new())).collect();
        let blobs = gone.iter().flat_map(|revision| &revision.files).filter_map(|file| file.blob.as_deref());
        for blob in blobs.filter(|blob| !shown.contains(blob)) {
            let path = repo.folder.join("blobs").join(blob);
            if whole || self.blobs.contains(&path) {
                ignore_missing(fs::remove_file(&path)).in_cache(&path)?;
            }
        }
        Ok(())
    }
}

impl Touched {
    /// Looks at the repository again; a look that is not complete is an error.
    fn scan(&self) -> Result<Option<CachedRepo>> {
        let (found, _) = scan_repo(self.repo_type, &self.repo_id, &self.folder);
        let Some(error) = found.as_ref().and_then(|found| found.unreadable.first()) else { return Ok(found) };
        let (id, path) = (&self.repo_id, error.path.display());
        let message = format!(
            "could not delete revisions of `{id}`: `{path}` cannot be read ({}), and what it uses is not known; \
             make it readable and try again",
            error.message
        );
        Err(Error::new(ErrorKind::Io, message).about(path.to_string()))
    }
}

fn ref_path(repo: &Path, name: &str) -> PathBuf {
    name.split('/').fold(repo.join("refs"), |path, part| path.join(part))
}

/// Whether a download into a repository is under way.
fn has_owner(repo: &Path) -> Result<bool> {
    let blobs = repo.join("blobs");
    let entries = match std::fs::read_dir(&blobs) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        entries => entries.at(&blobs)?,
    };
    for entry in entries {
        let path = entry.at(&blobs)?.path();
        let is_partial = path.file_name().and_then(|name| name.to_str()).is_some_and(partial::is_name);
        if is_partial && Found::look(&path, locks_of(repo)).is_some_and(|found| found == Found::InUse) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Removes the folder of a commit, and what else is kept of it.
fn remove_revision(snapshot: &Path) -> Result<()> {
    ignore_missing(fs::remove_dir_all(snapshot)).in_cache(snapshot)?;
    let commit = snapshot.file_name().and_then(|name| CommitHash::parse(name.to_str()?).ok());
    let Some((repo, commit)) = snapshot.parent().and_then(Path::parent).zip(commit) else { return Ok(()) };
    let absent = repo.join(".no_exist").join(commit.as_str());
    ignore_missing(fs::remove_dir_all(&absent)).in_cache(&absent)?;
    let tree = repo.join("trees").join(format!("{commit}.json"));
    ignore_missing(fs::remove_file(&tree)).in_cache(&tree)
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// A file that was not completed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Leftover {
    /// Where it is.
    pub path: PathBuf,
    /// What it takes on the disk.
    pub size_on_disk: u64,
    /// Why it counts as left over.
    pub evidence: LeftoverEvidence,
}

/// Why an unfinished file counts as left over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LeftoverEvidence {
    /// No process holds its locks.
    Unlocked,
    /// Locks say nothing about it, since they do not work here or it is another host's, but it has not changed for a
    /// day.
    Old,
}

/// What is known of the owner of an unfinished file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    InUse,
    Leftover(LeftoverEvidence),
    /// Nothing is known of an owner, and it is not old.
    Unknown,
}

impl Found {
    /// Looks at an unfinished file and its locks; `None` if it is gone.
    fn look(path: &Path, locks: PathBuf) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let lock = partial::etag_of(name).map(|etag| locks.join(format!("{etag}.lock")));
        let downloading = lock.map_or(Ownership::Unknown, |lock| Lock::look(&lock));
        if downloading == Ownership::Taken {
            return Some(Self::InUse);
        }
        let own = match name.ends_with(partial::SUFFIX) {
            true => Locking::System.look(path)?,
            // The Python client locks the lock file alone.
            false => downloading,
        };
        let of_this_host = !name.ends_with(partial::SUFFIX) || partial::is_of_this_host(path);
        Some(match own {
            Ownership::Taken => Self::InUse,
            Ownership::Exclusive if of_this_host => Self::Leftover(LeftoverEvidence::Unlocked),
            _ if partial::is_left_alone(&std::fs::metadata(path).ok()?) => {
                Self::Leftover(LeftoverEvidence::Old)
            }
            _ => Self::Unknown,
        })
    }
}

/// The folder of a repository's locks.
fn locks_of(repo: &Path) -> PathBuf {
    let cache = repo.parent().unwrap_or(repo);
    cache.join(".locks").join(repo.file_name().unwrap_or_default())
}

/// Finds the files that downloads left unfinished and that nobody owns; see [`LeftoverEvidence`].
///
/// # Errors
/// `Io` if the cache cannot be read.
pub fn find_partials(cache_dir: &Path) -> Result<Vec<Leftover>> {
    let info = crate::scan::scan_cache_dir(cache_dir)?;
    let mut found = Vec::new();
    for repo in info.repos.iter().filter(|repo| repo.partial_bytes > 0) {
        for entry in std::fs::read_dir(repo.repo_path.join("blobs")).into_iter().flatten().flatten() {
            let path = entry.path();
            if entry.file_name().to_str().is_some_and(partial::is_name)
                && let Some(Found::Leftover(evidence)) = Found::look(&path, locks_of(&repo.repo_path))
                && let Ok(meta) = entry.metadata()
            {
                found.push(Leftover { path, size_on_disk: partial::occupied(&meta), evidence });
            }
        }
    }
    Ok(found)
}

/// Removes what [`find_partials`] finds, and tells what was removed. Those downloads begin anew.
///
/// # Errors
/// `CacheReadOnly`, `Io`.
pub fn prune_partials(cache_dir: &Path) -> Result<Vec<Leftover>> {
    let mut removed = Vec::new();
    for leftover in find_partials(cache_dir)? {
        if remove_leftover(&leftover)? {
            removed.push(leftover);
        }
    }
    Ok(removed)
}

/// Removes an unfinished file, under its locks; tells whether it was still left over.
fn remove_leftover(leftover: &Leftover) -> Result<bool> {
    let path = &leftover.path;
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let repo = path.parent().and_then(Path::parent).unwrap_or(path);
    // Whoever begins to download now waits for a moment.
    let lock = partial::etag_of(name)
        .map(|etag| Lock::attempt(&locks_of(repo).join(format!("{etag}.lock")), Locking::System));
    if let Some(Attempt::Taken) = lock {
        return Ok(false);
    }
    if leftover.evidence == LeftoverEvidence::Unlocked && name.ends_with(partial::SUFFIX) {
        let Adoption::Owned(owned) = Owned::adopt(path, Locking::System) else { return Ok(false) };
        return owned.remove().map(|()| true);
    }
    if leftover.evidence == LeftoverEvidence::Unlocked && !matches!(lock, Some(Attempt::Held(_))) {
        return Ok(false);
    }
    ignore_missing(fs::remove_file(path)).in_cache(path).map(|()| true)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::partial::{Adopt, Partial};
    use crate::scan::{scan_cache_dir, tests::cache};
    use std::fs;

    fn commit(letter: &str) -> CommitHash {
        CommitHash::parse(&letter.repeat(40)).unwrap()
    }

    #[test]
    fn only_contents_of_no_other_revision_are_removed() {
        let folder = cache();
        let repo = folder.path().join("models--me--m");
        let plan = scan_cache_dir(folder.path()).unwrap().delete_revisions([commit("a"), commit("f")]);
        assert_eq!((plan.freed_bytes, plan.blobs.len(), &plan.not_found), (2, 1, &vec![commit("f")]));
        assert!(repo.join("blobs/e2").exists(), "a plan removes nothing");
        plan.execute().unwrap();
        assert!(!repo.join("blobs/e2").exists() && repo.join("blobs/e1").exists());
        assert!(!repo.join("refs/pr/1").exists() && repo.join("refs/main").exists());
        let info = scan_cache_dir(folder.path()).unwrap();
        assert_eq!((info.size_on_disk, info.repos[0].revisions.len(), info.warnings.len()), (4, 1, 0));
    }

    #[test]
    fn a_content_that_was_taken_into_use_meanwhile_is_kept() {
        let folder = cache();
        let repo = folder.path().join("models--me--m");
        let plan = scan_cache_dir(folder.path()).unwrap().delete_revisions([commit("a")]);
        let link = repo.join("snapshots").join(commit("b").as_str()).join("z");
        std::os::unix::fs::symlink("../../blobs/e2", &link).unwrap();
        plan.execute().unwrap();
        assert_eq!(fs::read_to_string(link).unwrap(), "22");
    }

    #[test]
    fn a_repository_without_revisions_goes_whole() {
        let folder = cache();
        let plan = scan_cache_dir(folder.path()).unwrap().delete_revisions([commit("a"), commit("b")]);
        assert_eq!((plan.freed_bytes, plan.repos.len()), (6, 1));
        plan.execute().unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn revisions_that_no_branch_stands_for_are_detached() {
        let folder = cache();
        fs::remove_file(folder.path().join("models--me--m/refs/pr/1")).unwrap();
        let plan = scan_cache_dir(folder.path()).unwrap().delete_detached();
        assert!(plan.snapshots[0].ends_with(commit("a").as_str()) && plan.snapshots.len() == 1);
    }

    #[test]
    fn a_revision_that_arrived_after_the_plan_is_kept() {
        let folder = cache();
        let repo = folder.path().join("models--me--m");
        let plan = scan_cache_dir(folder.path()).unwrap().delete_revisions([commit("a"), commit("b")]);
        let snapshot = repo.join("snapshots").join(commit("c").as_str());
        fs::create_dir(&snapshot).unwrap();
        std::os::unix::fs::symlink("../../blobs/e2", snapshot.join("z")).unwrap();
        fs::write(repo.join("refs/main"), commit("c").as_str()).unwrap();
        plan.execute().unwrap();
        assert_eq!(fs::read_to_string(snapshot.join("z")).unwrap(), "22");
        assert!(repo.join("refs/main").exists(), "it leads to another commit by now");
        let info = scan_cache_dir(folder.path()).unwrap();
        assert_eq!((info.size_on_disk, info.repos[0].revisions.len(), info.warnings.len()), (2, 1, 0));
        assert!(!repo.join("blobs/e1").exists() && !repo.join("refs/pr/1").exists());
    }

    #[test]
    fn a_revision_that_a_branch_has_come_to_after_the_plan_is_kept() {
        let folder = cache();
        let repo = folder.path().join("models--me--m");
        fs::remove_file(repo.join("refs/pr/1")).unwrap();
        for commits in [vec!["a"], vec!["a", "b"]] {
            let plan =
                scan_cache_dir(folder.path()).unwrap().delete_revisions(commits.into_iter().map(commit));
            fs::write(repo.join("refs/new"), commit("a").as_str()).unwrap();
            plan.execute().unwrap();
            let info = scan_cache_dir(folder.path()).unwrap();
            assert!(info.repos[0].revisions.iter().any(|revision| revision.commit_hash == commit("a")));
            assert!(repo.join("blobs/e2").exists());
            fs::remove_file(repo.join("refs/new")).unwrap();
        }
    }

    #[test]
    fn a_repository_that_cannot_be_read_is_not_deleted_from() {
        for (unreadable, commits) in [
            ("snapshots", vec!["a"]),
            ("snapshots", vec!["a", "b"]),
            ("refs", vec!["a"]),
            ("blobs", vec!["a"]),
        ] {
            let folder = cache();
            let repo = folder.path().join("models--me--m");
            let plan =
                scan_cache_dir(folder.path()).unwrap().delete_revisions(commits.into_iter().map(commit));
            // A file in the place of a folder cannot be read by anybody, root included.
            fs::rename(repo.join(unreadable), repo.join("moved")).unwrap();
            fs::write(repo.join(unreadable), "").unwrap();
            let error = plan.execute().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Io);
            let path = repo.join(unreadable).display().to_string();
            assert!(error.to_string().contains(&path), "{error}");
            fs::remove_file(repo.join(unreadable)).unwrap();
            fs::rename(repo.join("moved"), repo.join(unreadable)).unwrap();
            let info = scan_cache_dir(folder.path()).unwrap();
            assert_eq!((info.size_on_disk, info.repos[0].revisions.len()), (6, 2), "{unreadable}");
        }
    }

    #[test]
    fn one_repository_that_cannot_be_read_does_not_stop_the_others() {
        let folder = cache();
        let (bad, good) = (folder.path().join("models--me--m"), folder.path().join("models--me--n"));
        fs::create_dir_all(good.join("snapshots").join(commit("a").as_str())).unwrap();
        let plan = scan_cache_dir(folder.path()).unwrap().delete_revisions([commit("a")]);
        fs::rename(bad.join("refs"), bad.join("moved")).unwrap();
        fs::write(bad.join("refs"), "").unwrap();
        plan.execute().unwrap_err();
        assert!(bad.join("snapshots").join(commit("a").as_str()).exists() && !good.exists());
    }

    #[test]
    fn a_repository_stays_while_a_download_into_it_is_under_way() {
        let folder = cache();
        let blobs = folder.path().join("models--me--m/blobs");
        let partial = begun(&blobs, "e9");
        let delete = || {
            let info = scan_cache_dir(folder.path()).unwrap();
            info.delete_revisions([commit("a"), commit("b")]).execute().unwrap();
        };
        delete();
        let left: Vec<_> = fs::read_dir(&blobs).unwrap().map(|entry| entry.unwrap().path()).collect();
        assert_eq!(left, [partial.path()]);
        assert!(scan_cache_dir(folder.path()).unwrap().repos[0].revisions.is_empty());
    }

    /// A partial that has begun.
    fn begun(blobs: &Path, etag: &str) -> Partial {
        let etag = hub_types::Etag::parse(etag).unwrap();
        let mut partial = Partial::claim(blobs, &etag, 1 << 20, Adopt::Nothing, None).unwrap();
        partial.write(0, &[7; 4096]).unwrap();
        partial
    }

    fn pruned(cache: &Path) -> Vec<(String, LeftoverEvidence)> {
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap()[..2].to_owned();
        let found = find_partials(cache).unwrap();
        let removed = prune_partials(cache).unwrap();
        assert_eq!(found, removed);
        assert!(removed.iter().all(|leftover| !leftover.path.exists() && leftover.size_on_disk > 0));
        removed.iter().map(|leftover| (name(&leftover.path), leftover.evidence)).collect()
    }

    #[test]
    fn a_partial_that_somebody_holds_is_not_pruned() {
        let folder = cache();
        let blobs = folder.path().join("models--me--m/blobs");
        let locks = folder.path().join(".locks/models--me--m");
        fs::create_dir_all(&locks).unwrap();
        let held = |name: &str| {
            let lock = fs::File::create(locks.join(name)).unwrap();
            lock.lock().unwrap();
            lock
        };
        // By its own lock; by the lock of who downloads; the Python client's by that lock, too.
        let owned = begun(&blobs, "e7");
        drop(begun(&blobs, "e8"));
        fs::write(blobs.join("e9.incomplete"), [0; 4096]).unwrap();
        let others = [held("e8.lock"), held("e9.lock")];
        assert_eq!(pruned(folder.path()), []);
        drop(owned);
        assert_eq!(pruned(folder.path()), [("e7".to_owned(), LeftoverEvidence::Unlocked)]);
        drop(others);
        let mut left = pruned(folder.path());
        left.sort_by(|a, b| a.0.cmp(&b.0));
        assert_eq!(left, ["e8", "e9"].map(|name| (name.to_owned(), LeftoverEvidence::Unlocked)));
    }

    #[test]
    fn a_partial_of_another_host_is_pruned_after_a_day() {
        let folder = cache();
        let blobs = folder.path().join("models--me--m/blobs");
        let path = blobs.join("e8.0123456789abcdef.partial");
        fs::write(&path, [0; 4096]).unwrap();
        let age = |hours: u64| {
            let then = std::time::SystemTime::now() - std::time::Duration::from_secs(hours * 60 * 60);
            fs::File::options().write(true).open(&path).unwrap().set_modified(then).unwrap();
        };
        age(23);
        assert_eq!(pruned(folder.path()), []);
        age(25);
        assert_eq!(pruned(folder.path()), [("e8".to_owned(), LeftoverEvidence::Old)]);
    }
}
