//! Downloads into a folder of the user's.
use crate::downloading::{Downloading, REPO, names, noise};
use hub_api::ErrorKind;
use hub_cache::Downloads as _;
use std::fs;

async fn hub() -> Downloading {
    Downloading::of(&[("config.json", b"{}".to_vec()), ("sub/model.bin", noise(2 << 20, 20))]).await
}

#[tokio::test]
async fn files_are_in_place_with_what_is_known_of_them_beside() {
    let hub = hub().await;
    let folder = hub.folder();
    let told = hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap();
    assert_eq!(told, fs::canonicalize(&folder).unwrap());
    assert_eq!(fs::read(folder.join("sub/model.bin")).unwrap(), noise(2 << 20, 20));
    assert!(!fs::symlink_metadata(folder.join("sub/model.bin")).unwrap().is_symlink());
    let known = folder.join(".cache/huggingface");
    assert_eq!(fs::read_to_string(known.join(".gitignore")).unwrap(), "*");
    let metadata = fs::read_to_string(known.join("download/sub/model.bin.metadata")).unwrap();
    let lengths: Vec<_> = metadata.lines().take(2).map(str::len).collect();
    assert_eq!(lengths, [40, 64]);
    assert_eq!(names(&hub.cache().blobs()), [""; 0], "the cache is not used");
}

#[tokio::test]
async fn what_is_there_is_not_fetched_again() {
    let hub = hub().await;
    let folder = hub.folder();
    hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap();
    hub.clear_requests();
    hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap();
    assert_eq!(hub.requests().len(), 1);
    hub.api.hf_hub_download(REPO, "config.json").local_dir(&folder).await.unwrap();
    assert_eq!(hub.content_requests().len(), 0);
}

#[tokio::test]
async fn a_file_that_the_user_changed_is_fetched_again() {
    let hub = hub().await;
    let folder = hub.folder();
    let path = hub.api.hf_hub_download(REPO, "config.json").local_dir(&folder).await.unwrap();
    assert_eq!(path, folder.join("config.json"));
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(9);
    fs::write(&path, "[]").unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(later).unwrap();
    hub.api.hf_hub_download(REPO, "config.json").local_dir(&folder).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"{}");
}

#[tokio::test]
async fn a_file_that_was_there_before_is_known_by_its_hash() {
    let hub = hub().await;
    let folder = hub.folder();
    fs::create_dir_all(folder.join("sub")).unwrap();
    fs::write(folder.join("sub/model.bin"), noise(2 << 20, 20)).unwrap();
    hub.api.hf_hub_download(REPO, "sub/model.bin").local_dir(&folder).await.unwrap();
    assert_eq!(hub.content_requests().len(), 0);
}

#[tokio::test]
async fn a_new_commit_replaces_the_files_that_changed() {
    let hub = hub().await;
    let folder = hub.folder();
    hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap();
    hub.commit(&[("config.json", b"{\"v\": 2}".to_vec())]).await;
    hub.clear_requests();
    hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap();
    assert_eq!(fs::read(folder.join("config.json")).unwrap(), b"{\"v\": 2}");
    assert_eq!(hub.content_requests().len(), 1);
}

#[tokio::test]
async fn what_the_cache_has_is_copied() {
    let hub = hub().await;
    hub.api.snapshot_download(REPO).await.unwrap();
    hub.clear_requests();
    hub.api.snapshot_download(REPO).local_dir(hub.folder()).await.unwrap();
    assert_eq!(hub.content_requests().len(), 0);
    assert_eq!(fs::read(hub.folder().join("sub/model.bin")).unwrap(), noise(2 << 20, 20));
}

#[tokio::test]
async fn without_the_hub_the_folder_answers() {
    let hub = hub().await;
    let folder = hub.folder();
    hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap();
    let file = hub.offline().hf_hub_download(REPO, "config.json").local_dir(&folder).await.unwrap();
    assert_eq!(file, folder.join("config.json"));
    hub.unreachable().snapshot_download(REPO).local_dir(&folder).await.unwrap();
    let error = hub.offline().hf_hub_download(REPO, "none").local_dir(&folder).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LocalEntryNotFound);
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_among_the_folders_is_not_followed_out() {
    let hub = hub().await;
    let (folder, outside) = (hub.folder(), tempfile::tempdir().unwrap());
    fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(outside.path(), folder.join("sub")).unwrap();
    let error = hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsafePath, "{error}");
    assert_eq!(names(outside.path()), [""; 0]);
}

#[tokio::test]
async fn arguments_that_are_kept_for_old_callers_change_nothing() {
    let hub = hub().await;
    let folder = hub.folder();
    let file = hub.api.hf_hub_download(REPO, "config.json").local_dir(&folder).force_filename("other");
    let path = file.resume_download(false).local_dir_use_symlinks(true).await.unwrap();
    assert_eq!(path, folder.join("config.json"));
    let snapshot = hub.api.snapshot_download(REPO).local_dir(&folder).resume_download(false);
    snapshot.local_dir_use_symlinks(true).await.unwrap();
    for path in ["config.json", "sub/model.bin"] {
        assert!(fs::symlink_metadata(folder.join(path)).unwrap().is_file(), "{path}");
    }
}
