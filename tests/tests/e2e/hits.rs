//! A hit is a whole file, by the best knowledge there is, on every way into the cache.
use crate::downloading::{Downloading, REPO, noise};
use hub_api::ErrorKind;
use hub_api::types::{CommitHash, RepoType, Revision};
use hub_cache::{Downloads as _, find_in_cache};
use std::fs;
use std::path::PathBuf;

const LARGE: usize = 3 << 20;

/// A Hub with a small file kept in git, a small and a large one kept in LFS.
async fn hub() -> Downloading {
    let small = noise(300 << 10, 31);
    Downloading::of(&[
        ("config.json", b"{\"a\": 1}".to_vec()),
        ("small.bin", small),
        ("model.bin", noise(LARGE, 32)),
    ])
    .await
}

fn commit(hub: &Downloading) -> CommitHash {
    hub.cache().commit_of(&Revision::main()).unwrap()
}

/// The file that `find_in_cache` finds by the branch.
fn found(hub: &Downloading, name: &str) -> Option<PathBuf> {
    let (cache_dir, repo) = (hub.api.config().cache_dir.clone(), REPO.parse().unwrap());
    find_in_cache(&cache_dir, RepoType::Model, &repo, &Revision::main(), name).unwrap()
}

/// Makes the blob of a file shorter; to its start, or to nothing.
fn truncate(pointer: &PathBuf, len: u64) {
    fs::File::options().write(true).open(pointer).unwrap().set_len(len).unwrap();
}

#[tokio::test]
async fn truncated_file_is_a_miss_by_commit_by_branch_and_offline() {
    for (name, size) in [("config.json", 8), ("small.bin", 300 << 10), ("model.bin", LARGE as u64)] {
        for len in [0, 7, size - 1] {
            let hub = hub().await;
            let path = hub.api.hf_hub_download(REPO, name).await.unwrap();
            let (whole, commit) = (fs::read(&path).unwrap(), commit(&hub));
            assert_eq!(found(&hub, name), Some(path.clone()));

            truncate(&path, len);
            assert_eq!(found(&hub, name), None, "{name} of {len} bytes");
            let error = hub.offline().hf_hub_download(REPO, name).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::LocalEntryNotFound, "{error}");
            assert!(error.to_string().contains("damaged"), "{error}");
            let by_commit = hub.api.hf_hub_download(REPO, name).revision(commit.clone()).await.unwrap();
            assert_eq!(fs::read(by_commit).unwrap(), whole, "{name} of {len} bytes");
            assert_eq!(found(&hub, name), Some(path.clone()));

            truncate(&path, len);
            assert_eq!(fs::read(hub.api.hf_hub_download(REPO, name).await.unwrap()).unwrap(), whole);
            hub.clear_requests();
            hub.api.hf_hub_download(REPO, name).revision(commit).await.unwrap();
            hub.offline().hf_hub_download(REPO, name).await.unwrap();
            assert_eq!(hub.requests().len(), 0);
        }
    }
}

#[tokio::test]
async fn small_file_with_a_changed_byte_is_a_miss_by_commit() {
    let hub = hub().await;
    let path = hub.api.hf_hub_download(REPO, "config.json").await.unwrap();
    let get = || hub.api.hf_hub_download(REPO, "config.json").revision(commit(&hub));
    fs::write(&path, b"{\"a\": 2}").unwrap();
    assert_eq!(fs::read(get().await.unwrap()).unwrap(), b"{\"a\": 1}");
    let local = get().local_dir(hub.folder()).await.unwrap();
    fs::write(&local, b"{\"a\": 2}").unwrap();
    fs::File::options().write(true).open(&local).unwrap().set_modified(std::time::UNIX_EPOCH).unwrap();
    assert_eq!(fs::read(get().local_dir(hub.folder()).await.unwrap()).unwrap(), b"{\"a\": 1}");
}

#[tokio::test]
async fn small_file_with_a_changed_byte_is_a_miss_by_branch() {
    let hub = hub().await;
    let path = hub.api.hf_hub_download(REPO, "config.json").await.unwrap();
    fs::write(&path, b"{\"a\": 2}").unwrap();
    assert_eq!(fs::read(hub.api.hf_hub_download(REPO, "config.json").await.unwrap()).unwrap(), b"{\"a\": 1}");
}

#[tokio::test]
async fn file_of_unknown_size_is_measured_once_by_the_hub() {
    let hub = hub().await;
    let path = hub.api.hf_hub_download(REPO, "model.bin").await.unwrap();
    let (whole, commit) = (fs::read(&path).unwrap(), commit(&hub));
    let get = || hub.api.hf_hub_download(REPO, "model.bin").revision(commit.clone());
    forget_what_python_does_not_write(&hub);
    truncate(&path, 2 << 20);
    assert_eq!(fs::read(get().await.unwrap()).unwrap(), whole);

    forget_what_python_does_not_write(&hub);
    hub.clear_requests();
    for _ in 0..2 {
        assert_eq!(get().await.unwrap(), path);
    }
    assert_eq!(hub.requests().len(), 1, "the second time the size is recorded");
    forget_what_python_does_not_write(&hub);
    assert_eq!(hub.offline().hf_hub_download(REPO, "model.bin").revision(commit).await.unwrap(), path);
}

#[tokio::test]
async fn blob_that_is_gone_is_a_miss() {
    let hub = hub().await;
    let path = hub.api.hf_hub_download(REPO, "config.json").await.unwrap();
    fs::remove_file(fs::canonicalize(&path).unwrap()).unwrap();
    assert_eq!(found(&hub, "config.json"), None);
    let error = hub.offline().hf_hub_download(REPO, "config.json").await.unwrap_err();
    assert!(error.to_string().contains("leads nowhere"), "{error}");
    let again = hub.api.hf_hub_download(REPO, "config.json").revision(commit(&hub)).await.unwrap();
    assert_eq!(fs::read(again).unwrap(), b"{\"a\": 1}");
}

/// Leaves what huggingface_hub 0.27 would have written.
fn forget_what_python_does_not_write(hub: &Downloading) {
    for ours in [hub.cache().folder().join("trees"), hub.api.config().cache_dir.join(".locks")] {
        let _ = fs::remove_dir_all(ours);
    }
}

#[tokio::test]
async fn cache_filled_by_python_is_repaired() {
    let hub = hub().await;
    let folder = hub.api.snapshot_download(REPO).await.unwrap();
    for (name, len) in
        [("config.json", 7), ("model.bin", 7), ("model.bin", LARGE as u64 - 1), ("small.bin", 0)]
    {
        forget_what_python_does_not_write(&hub);
        let path = folder.join(name);
        let whole = fs::read(&path).unwrap();
        truncate(&path, len);
        hub.clear_requests();
        hub.api.snapshot_download(REPO).await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole, "{name} of {len} bytes");
        assert_eq!(hub.content_requests().len(), 1, "the others are whole");
    }
}

#[tokio::test]
async fn damage_in_a_cache_without_listing_is_an_incomplete_snapshot_offline() {
    let hub = hub().await;
    let folder = hub.api.snapshot_download(REPO).await.unwrap();
    forget_what_python_does_not_write(&hub);
    assert_eq!(hub.offline().snapshot_download(REPO).await.unwrap(), folder);
    truncate(&folder.join("config.json"), 7);
    fs::remove_file(fs::canonicalize(folder.join("model.bin")).unwrap()).unwrap();
    let error = hub.offline().snapshot_download(REPO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IncompleteSnapshot);
    assert!(error.to_string().contains("`config.json`, `model.bin`"), "{error}");
    hub.offline().snapshot_download(REPO).allow_patterns(["small*"]).await.unwrap();
}

#[tokio::test]
async fn filtered_snapshot_keeps_the_whole_listing() {
    let hub = hub().await;
    hub.api.hf_hub_download(REPO, "config.json").await.unwrap();
    hub.api.snapshot_download(REPO).allow_patterns(["*.json"]).await.unwrap();
    let error = hub.offline().snapshot_download(REPO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IncompleteSnapshot);
    assert!(error.to_string().contains("`model.bin`"), "{error}");
    hub.offline().snapshot_download(REPO).allow_patterns(["*.json"]).await.unwrap();
    let error = hub.offline().snapshot_download(REPO).ignore_patterns(["model*", ".git*"]).await.unwrap_err();
    assert!(error.to_string().contains("`small.bin`"), "{error}");
    assert!(!error.to_string().contains("model.bin"), "{error}");
}

#[tokio::test]
async fn incomplete_snapshot_names_what_is_missing() {
    let hub = hub().await;
    let mut config = hub.api.config().clone();
    config.retry.max_attempts = 1;
    hub.fault(hub_local::Fault::on(hub_local::Method::GET, "config.json").reset());
    let error = hub_api::HfApi::new(config).snapshot_download(REPO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IncompleteSnapshot);
    assert!(error.to_string().contains("`config.json`"), "{error}");
}
