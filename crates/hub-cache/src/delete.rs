//! Removes revisions, and what was left unfinished.
use crate::disk::InCache as _;
use crate::layout::RepoCache;
use crate::lock::Lock;
use crate::partial;
use crate::scan::{CacheInfo, CachedRepo, scan_repo};
use hub_http::Result;
use hub_types::CommitHash;
use serde::Serialize;
use std::collections::HashSet;
use std::fs;
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
    touched: Vec<CachedRepo>,
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
            if chosen.len() == repo.revisions.len() {
                plan.freed_bytes += repo.size_on_disk + repo.partial_bytes;
                plan.repos.push(repo.repo_path.clone());
                continue;
            }
            let kept = repo.blobs_except(&chosen);
            let mut seen = HashSet::new();
            for revision in repo.revisions.iter().filter(|revision| chosen.contains(&revision.commit_hash)) {
                plan.snapshots.push(revision.snapshot_path.clone());
                plan.refs.extend(revision.refs.iter().map(|name| {
                    name.split('/').fold(repo.repo_path.join("refs"), |path, part| path.join(part))
                }));
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
            plan.touched.push(repo.clone());
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

    /// Removes what the plan says, but for contents that another revision has come to show meanwhile.
    ///
    /// References go first and contents last, so that whoever looks at the cache meanwhile finds less, and nothing
    /// that leads nowhere.
    ///
    /// # Errors
    /// `CacheReadOnly`, `Io`.
    pub fn execute(&self) -> Result<()> {
        for path in &self.refs {
            ignore_missing(fs::remove_file(path)).in_cache(path)?;
        }
        for path in &self.snapshots {
            remove_revision(path)?;
        }
        let mut shown: HashSet<PathBuf> = HashSet::new();
        for repo in &self.touched {
            if let (Some(now), _) = scan_repo(repo.repo_type, &repo.repo_id, &repo.repo_path) {
                let blobs = repo.repo_path.join("blobs");
                shown.extend(now.blobs_except(&HashSet::new()).into_iter().map(|blob| blobs.join(blob)));
            }
        }
        for path in self.blobs.iter().filter(|path| !shown.contains(*path)) {
            ignore_missing(fs::remove_file(path)).in_cache(path)?;
        }
        for path in &self.repos {
            // Snapshots first here too: a folder that is half gone must not look like a repository.
            let snapshots = path.join("snapshots");
            ignore_missing(fs::remove_dir_all(&snapshots)).in_cache(&snapshots)?;
            ignore_missing(fs::remove_dir_all(path)).in_cache(path)?;
        }
        Ok(())
    }
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
}

/// Finds the files that downloads left unfinished and that nobody writes to now.
///
/// # Errors
/// `Io` if the cache cannot be read.
pub fn find_partials(cache_dir: &Path) -> Result<Vec<Leftover>> {
    let info = crate::scan::scan_cache_dir(cache_dir)?;
    let mut found = Vec::new();
    for repo in info.repos.iter().filter(|repo| repo.partial_bytes > 0) {
        let cache = RepoCache::new(cache_dir, repo.repo_type, &repo.repo_id);
        for entry in fs::read_dir(cache.blobs()).into_iter().flatten().flatten() {
            let Some(name) = entry.file_name().into_string().ok().filter(|name| partial::is_name(name))
            else {
                continue;
            };
            let free = partial::etag_of(&name).is_some_and(|etag| Lock::is_free(&cache.lock(&etag)));
            if (free || partial::is_left_alone(&entry.path()))
                && let Ok(meta) = entry.metadata()
            {
                found.push(Leftover { path: entry.path(), size_on_disk: partial::occupied(&meta) });
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
    let found = find_partials(cache_dir)?;
    for leftover in &found {
        ignore_missing(fs::remove_file(&leftover.path)).in_cache(&leftover.path)?;
    }
    Ok(found)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use crate::scan::{scan_cache_dir, tests::cache};

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
    fn a_partial_that_is_being_written_is_kept() {
        let folder = cache();
        let blobs = folder.path().join("models--me--m/blobs");
        for etag in ["e8", "e9"] {
            fs::write(blobs.join(format!("{etag}.0123456789abcdef.partial")), [0; 4096]).unwrap();
        }
        let locks = folder.path().join(".locks/models--me--m");
        fs::create_dir_all(&locks).unwrap();
        let held = fs::File::create(locks.join("e9.lock")).unwrap();
        held.lock().unwrap();
        let removed = prune_partials(folder.path()).unwrap();
        assert_eq!(removed.len(), 1);
        assert!(removed[0].path.to_string_lossy().contains("e8") && removed[0].size_on_disk >= 4096);
    }
}
