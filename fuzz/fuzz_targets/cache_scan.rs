//! The scan of a cache, and deleting all of it: a tree made from the input, see [`hub_fuzz::plant`]. The scan reads
//! nothing outside of the cache, and deleting changes nothing there.

#![no_main]

use hub_cache::{
    CachedRepo, CachedRevision, find_in_cache, find_partials, prune_partials, scan_cache_dir, verify_revision,
};
use hub_fuzz::{plant, scratch, text};
use hub_types::Revision;
use libfuzzer_sys::fuzz_target;
use std::fs;
use std::path::{Component, Path};

/// What stands in files outside of the cache, and must be found nowhere else.
const CANARY: &str = "canary-outside-the-cache";

fuzz_target!(|data: &[u8]| {
    let folder = scratch();
    let (cache, outside) = (folder.path().join("cache"), folder.path().join("outside"));
    fs::create_dir_all(&cache).expect("the folder is writable");
    fs::create_dir_all(outside.join("snapshots").join(hub_fuzz::commit('a')))
        .expect("the folder is writable");
    for name in ["file", "main", "e1.incomplete", "snapshots/file"] {
        fs::write(outside.join(name), CANARY).expect("the folder is writable");
    }
    plant(&cache, &text(data));

    let info = scan_cache_dir(&cache).expect("the folder is readable");
    let shown = serde_json::to_string(&info).expect("it can be written");
    assert!(!shown.contains(CANARY), "{shown}");
    for repo in &info.repos {
        assert!(repo.repo_path.starts_with(&cache));
        assert!(repo.nb_files <= repo.revisions.iter().map(|revision| revision.files.len()).sum());
        for revision in &repo.revisions {
            assert!(revision.snapshot_path.starts_with(&repo.repo_path));
            for file in &revision.files {
                assert!(stays_inside(&file.path), "{:?}", file.path);
                assert!(file.blob.as_deref().is_none_or(stays_inside), "{file:?}");
            }
            let sum: u64 = revision.files.iter().map(|file| file.size).sum();
            assert!(revision.size_on_disk <= sum);
            read(&cache, repo, revision);
        }
    }
    for leftover in find_partials(&cache).expect("the folder is readable") {
        assert!(leftover.path.starts_with(&cache));
    }

    let all: Vec<_> =
        info.repos.iter().flat_map(|repo| &repo.revisions).map(|one| one.commit_hash.clone()).collect();
    // First all but the last, which removes blobs one by one, then the rest, which removes folders.
    let most = all.len().saturating_sub(1);
    for commits in [&all[..most], &all[most..]] {
        let plan = info.delete_revisions(commits.to_vec());
        for path in plan.repos.iter().chain(&plan.snapshots).chain(&plan.refs).chain(&plan.blobs) {
            assert!(path.starts_with(&cache), "{}", path.display());
        }
        // It may fail where the tree is not one of a cache.
        let _ = plan.execute();
    }
    let _ = prune_partials(&cache);
    for name in ["file", "main", "e1.incomplete", "snapshots/file"] {
        assert_eq!(fs::read_to_string(outside.join(name)).ok().as_deref(), Some(CANARY), "{name} outside");
    }
    assert!(outside.join("snapshots").join(hub_fuzz::commit('a')).is_dir());
});

/// Looks everything up that a program would.
fn read(cache: &Path, repo: &CachedRepo, revision: &CachedRevision) {
    let name = Revision::from(revision.commit_hash.clone());
    for file in &revision.files {
        if let Ok(Some(path)) = find_in_cache(cache, repo.repo_type, &repo.repo_id, &name, &file.path) {
            assert!(path.starts_with(&revision.snapshot_path));
        }
    }
    let _ = verify_revision(cache, repo.repo_type, &repo.repo_id, &name);
}

fn stays_inside(path: &str) -> bool {
    Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}
