//! Downloads into a folder of the user's.
use crate::downloading::{Downloading, REPO, names, noise};
use hub_api::ErrorKind;
use hub_cache::Downloads as _;
use hub_local::{Fault, Method, Origin};
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
async fn files_whose_metadata_folder_was_removed_are_kept() {
    let hub = hub().await;
    let folder = hub.folder();
    hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap();
    fs::remove_dir_all(folder.join(".cache")).unwrap();
    hub.clear_requests();
    hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap();
    assert_eq!(hub.content_requests().len(), 0);
    assert!(folder.join(".cache/huggingface/download/sub/model.bin.metadata").exists());
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
async fn folder_link_of_the_user_is_followed() {
    let hub = hub().await;
    let (folder, disk) = (hub.folder(), tempfile::tempdir().unwrap());
    fs::create_dir_all(&folder).unwrap();
    std::os::unix::fs::symlink(disk.path(), folder.join("sub")).unwrap();
    hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap();
    assert_eq!(names(disk.path()), ["model.bin"]);
    hub.clear_requests();
    hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap();
    assert_eq!(hub.content_requests().len(), 0);
    fs::remove_file(disk.path().join("model.bin")).unwrap();
    let file = hub.api.hf_hub_download(REPO, "sub/model.bin").local_dir(&folder).await.unwrap();
    assert_eq!((names(disk.path()), fs::read(file).unwrap()), (vec!["model.bin".into()], noise(2 << 20, 20)));
}

#[cfg(unix)]
#[tokio::test]
async fn folder_link_that_appears_during_the_download_is_refused() {
    let hub = hub().await;
    let (folder, outside) = (hub.folder(), tempfile::tempdir().unwrap());
    // The link appears when the content is on its way.
    let (sub, target) = (folder.join("sub"), outside.path().to_path_buf());
    let appears = Fault::on(Method::GET, "").at(Origin::Storage).when(move |_| {
        let _ = std::os::unix::fs::symlink(&target, &sub);
        false
    });
    hub.fault(appears);
    let error = hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UnsafePath, "{error}");
    assert_eq!(names(outside.path()), [""; 0]);
}

#[cfg(unix)]
#[tokio::test]
async fn file_link_is_replaced_and_its_target_kept() {
    let hub = hub().await;
    let (folder, outside) = (hub.folder(), tempfile::tempdir().unwrap());
    fs::create_dir_all(&folder).unwrap();
    let precious = outside.path().join("precious");
    fs::write(&precious, "precious").unwrap();
    std::os::unix::fs::symlink(&precious, folder.join("config.json")).unwrap();
    hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap();
    assert_eq!(fs::read_to_string(precious).unwrap(), "precious");
    assert!(fs::symlink_metadata(folder.join("config.json")).unwrap().is_file());
}

#[tokio::test]
async fn damaged_file_is_not_a_hit_by_commit_or_offline() {
    let hub = hub().await;
    let commit = hub.api.model_info(REPO).await.unwrap().sha.unwrap();
    for name in ["config.json", "sub/model.bin"] {
        let folder = hub.folder().join(name.replace('/', "-"));
        let get = || hub.api.hf_hub_download(REPO, name).local_dir(&folder).revision(commit.as_str());
        let path = get().await.unwrap();
        let whole = fs::read(&path).unwrap();
        // As after a power failure: shorter, and no newer than what was noted.
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_len(1).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        let offline = hub.offline().hf_hub_download(REPO, name).local_dir(&folder).await.unwrap_err();
        assert_eq!(offline.kind(), ErrorKind::LocalEntryNotFound, "{offline}");
        assert!(offline.to_string().contains("damaged"), "{offline}");
        get().await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole, "{name}");
        hub.clear_requests();
        get().await.unwrap();
        assert_eq!(hub.requests().len(), 0);
    }
}

#[tokio::test]
async fn file_that_was_changed_and_dated_back_is_fetched_again() {
    let hub = hub().await;
    let folder = hub.folder();
    hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap();
    for (name, whole) in [("config.json", b"{}".to_vec()), ("sub/model.bin", noise(2 << 20, 20))] {
        let path = folder.join(name);
        fs::write(&path, vec![b'x'; whole.len()]).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
        hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), whole, "{name}");
    }
}

#[tokio::test]
async fn long_file_names_fit_beside_their_bookkeeping() {
    let name = "n".repeat(254);
    let hub = Downloading::of(&[(&name, noise(2 << 20, 21))]).await;
    let folder = hub.folder();
    hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap();
    hub.clear_requests();
    hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap();
    assert_eq!(
        (fs::read(folder.join(&name)).unwrap(), hub.content_requests().len()),
        (noise(2 << 20, 21), 0)
    );
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
