//! All files of a revision into the cache.
use crate::downloading::{Downloading, REPO, names, noise};
use hub_api::ErrorKind;
use hub_api::types::{RepoType, Revision};
use hub_cache::{Downloads as _, Progress};
use hub_local::{Cut, Fault, Method, Origin};
use hub_upload::Uploads as _;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

fn many(count: usize) -> Vec<(String, Vec<u8>)> {
    (0..count).map(|n| (format!("data/{n:03}.txt"), format!("file {n}").into_bytes())).collect()
}

async fn hub_of(files: &[(String, Vec<u8>)]) -> Downloading {
    let files: Vec<_> = files.iter().map(|(path, content)| (path.as_str(), content.clone())).collect();
    Downloading::of(&files).await
}

#[tokio::test]
async fn a_snapshot_costs_the_listing_and_one_request_a_file() {
    let files = many(40);
    let hub = hub_of(&files).await;
    let folder = hub.api.snapshot_download(REPO).await.unwrap();
    for (path, content) in &files {
        assert_eq!(&fs::read(folder.join(path)).unwrap(), content);
    }
    // The commit, one page of listing, `.gitattributes` and the files.
    assert_eq!(hub.requests().len(), 2 + 1 + 40);
    assert!(hub.requests().iter().all(|request| request.method == Method::GET));
}

#[tokio::test]
async fn a_complete_snapshot_costs_one_request_by_branch_and_none_by_commit() {
    let hub = hub_of(&many(3)).await;
    let folder = hub.api.snapshot_download(REPO).await.unwrap();
    hub.clear_requests();
    assert_eq!(hub.api.snapshot_download(REPO).await.unwrap(), folder);
    assert_eq!(hub.requests().len(), 1);
    hub.clear_requests();
    let commit = hub.cache().commit_of(&Revision::main()).unwrap();
    assert_eq!(hub.api.snapshot_download(REPO).revision(commit).await.unwrap(), folder);
    assert_eq!(hub.requests().len(), 0);
}

#[tokio::test]
async fn a_snapshot_that_another_client_filled_is_not_listed() {
    let hub = hub_of(&many(3)).await;
    hub.api.snapshot_download(REPO).await.unwrap();
    fs::remove_dir_all(hub.cache().folder().join("trees")).unwrap();
    hub.clear_requests();
    hub.api.snapshot_download(REPO).await.unwrap();
    assert_eq!(hub.requests().len(), 1);
}

#[tokio::test]
async fn patterns_choose_the_files() {
    let content = || b"x".to_vec();
    let hub = Downloading::of(&[
        ("a.json", content()),
        ("sub/b.json", content()),
        ("sub/c.txt", content()),
        ("onnx/d.json", content()),
    ])
    .await;
    let folder =
        hub.api.snapshot_download(REPO).allow_patterns(["*.json"]).ignore_patterns("onnx/").await.unwrap();
    assert_eq!(names(&folder), ["a.json", "sub"]);
    assert_eq!(names(&folder.join("sub")), ["b.json"]);
}

#[tokio::test]
async fn equal_files_are_fetched_once() {
    let content = noise(2 << 20, 3);
    let hub = Downloading::of(&[("a.bin", content.clone()), ("b/c.bin", content.clone())]).await;
    let folder = hub.api.snapshot_download(REPO).allow_patterns("*.bin").await.unwrap();
    assert_eq!(hub.content_requests().len(), 1);
    for path in ["a.bin", "b/c.bin"] {
        assert!(fs::read(folder.join(path)).unwrap() == content);
    }
}

#[tokio::test]
async fn what_a_later_commit_shares_is_not_fetched_again() {
    let hub = hub_of(&many(5)).await;
    hub.api.snapshot_download(REPO).await.unwrap();
    let commit = hub.commit(&[("data/new.txt", b"new".to_vec())]).await;
    hub.clear_requests();
    let folder = hub.api.snapshot_download(REPO).await.unwrap();
    assert_eq!(folder, hub.cache().snapshot(&commit));
    assert_eq!((names(&folder.join("data")).len(), hub.content_requests().len()), (6, 1));
}

#[tokio::test]
async fn a_snapshot_that_breaks_off_says_so_and_goes_on() {
    let hub = hub_of(&many(10)).await;
    let mut config = hub.api.config().clone();
    config.retry.max_attempts = 1;
    let impatient = hub_api::HfApi::new(config);
    hub.fault(Fault::on(Method::GET, "data/007").reset());
    let error = impatient.snapshot_download(REPO).max_workers(1usize).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::IncompleteSnapshot, "{error}");
    let offline = hub.offline().snapshot_download(REPO).await.unwrap_err();
    assert_eq!(offline.kind(), ErrorKind::LocalEntryNotFound, "the branch was never complete: {offline}");
    hub.clear_faults();
    hub.clear_requests();
    hub.api.snapshot_download(REPO).await.unwrap();
    assert!(hub.content_requests().len() <= 4, "what was there is not fetched again");
    hub.offline().snapshot_download(REPO).await.unwrap();
}

#[tokio::test]
async fn without_the_hub_an_incomplete_snapshot_is_told() {
    let hub = hub_of(&many(3)).await;
    let folder = hub.api.snapshot_download(REPO).await.unwrap();
    assert_eq!(hub.offline().snapshot_download(REPO).await.unwrap(), folder);
    assert_eq!(hub.unreachable().snapshot_download(REPO).await.unwrap(), folder);
    fs::remove_file(folder.join("data/002.txt")).unwrap();
    hub.offline().snapshot_download(REPO).await.unwrap();
    assert!(folder.join("data/002.txt").is_file(), "its content was still there");
    fs::remove_file(fs::canonicalize(folder.join("data/001.txt")).unwrap()).unwrap();
    let commit = hub.cache().commit_of(&Revision::main()).unwrap();
    for request in [
        hub.offline().snapshot_download(REPO),
        hub.unreachable().snapshot_download(REPO),
        hub.api.snapshot_download(REPO).revision(commit).local_files_only(true),
    ] {
        let error = request.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::IncompleteSnapshot);
        assert!(error.to_string().contains("`data/001.txt`"), "{error}");
    }
    hub.offline().snapshot_download(REPO).ignore_patterns("*001*").await.unwrap();
}

#[tokio::test]
async fn a_repository_that_is_hidden_is_not_found() {
    let hub = hub_of(&many(1)).await;
    let error = hub.api.snapshot_download("local/none").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RepositoryNotFound);
}

#[tokio::test]
async fn a_large_file_on_a_slow_line_comes_over_several_connections() {
    let content = noise(40 << 20, 4);
    let hub = Downloading::of(&[("model.bin", content.clone())]).await;
    hub.fault(Fault::on(Method::GET, "").at(Origin::Storage).bytes_per_second(20 << 20));
    let folder = hub.api.snapshot_download(REPO).await.unwrap();
    assert!(fs::read(folder.join("model.bin")).unwrap() == content);
    let ranges = hub.content_requests().iter().filter(|request| request.range().is_some()).count();
    assert!(ranges >= 3, "{ranges}");
}

#[tokio::test]
async fn a_server_without_ranges_serves_a_large_file_over_one_connection() {
    let content = noise(40 << 20, 5);
    let hub = Downloading::of(&[("model.bin", content.clone())]).await;
    hub.fault(Fault::on(Method::GET, "").at(Origin::Storage).bytes_per_second(80 << 20).ignore_range());
    let folder = hub.api.snapshot_download(REPO).await.unwrap();
    assert!(fs::read(folder.join("model.bin")).unwrap() == content);
}

#[tokio::test]
async fn connections_that_fail_are_done_without() {
    let content = noise(40 << 20, 6);
    let hub = Downloading::of(&[("model.bin", content.clone())]).await;
    let storage = || Fault::on(Method::GET, "").at(Origin::Storage);
    hub.fault(storage().range("").nth(2).times(3).cut_after(100_000, Cut::Reset));
    hub.fault(storage().bytes_per_second(20 << 20));
    let folder = hub.api.snapshot_download(REPO).await.unwrap();
    assert!(fs::read(folder.join("model.bin")).unwrap() == content);
}

#[derive(Default)]
struct Count {
    planned: AtomicU64,
    received: AtomicU64,
    finished: AtomicU64,
}

impl Progress for Count {
    fn planned(&self, _files: u64, bytes: u64) {
        self.planned.store(bytes, Ordering::Relaxed);
    }
    fn received(&self, _path: &str, bytes: u64) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }
    fn finished(&self, _path: &str) {
        self.finished.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn progress_adds_up() {
    let hub = Downloading::of(&[("a.bin", noise(2 << 20, 8)), ("b.txt", b"b".to_vec())]).await;
    let count = Arc::new(Count::default());
    hub.api.snapshot_download(REPO).ignore_patterns(".git*").progress(count.clone()).await.unwrap();
    let [planned, received, finished] =
        [&count.planned, &count.received, &count.finished].map(|number| number.load(Ordering::Relaxed));
    assert_eq!((planned, received, finished), ((2 << 20) + 1, (2 << 20) + 1, 2));
}

#[tokio::test]
async fn a_snapshot_is_that_of_the_revision_and_the_kind_of_repository() {
    let hub = Downloading::of(&[("a.txt", b"one".to_vec())]).await;
    hub.api.create_branch(REPO, "dev").await.unwrap();
    hub.api.upload_file(b"two".to_vec(), "a.txt", REPO).revision("dev").await.unwrap();
    hub.api.create_repo(REPO).repo_type(RepoType::Dataset).await.unwrap();
    let upload = hub.api.upload_file(b"three".to_vec(), "a.txt", REPO);
    upload.repo_type(RepoType::Dataset).await.unwrap();
    for (request, text) in [
        (hub.api.snapshot_download(REPO), "one"),
        (hub.api.snapshot_download(REPO).revision("dev"), "two"),
        (hub.api.snapshot_download(REPO).repo_type(RepoType::Dataset), "three"),
    ] {
        let folder = request.await.unwrap();
        assert_eq!(fs::read_to_string(folder.join("a.txt")).unwrap(), text);
    }
}

#[tokio::test]
async fn a_snapshot_can_be_fetched_again_though_it_is_there() {
    let hub = hub_of(&many(3)).await;
    let folder = hub.api.snapshot_download(REPO).await.unwrap();
    // Of the right length, so that nothing but another look at the content tells it.
    fs::write(fs::canonicalize(folder.join("data/001.txt")).unwrap(), b"FILE 1").unwrap();
    hub.api.snapshot_download(REPO).await.unwrap();
    assert_eq!(fs::read(folder.join("data/001.txt")).unwrap(), b"FILE 1");
    hub.api.snapshot_download(REPO).force_download(true).await.unwrap();
    assert_eq!(fs::read(folder.join("data/001.txt")).unwrap(), b"file 1");
}

#[tokio::test]
async fn a_snapshot_in_a_cache_of_ones_own_is_found_there_without_the_hub() {
    let hub = hub_of(&many(2)).await;
    let own = hub.folder();
    let folder = hub.api.snapshot_download(REPO).cache_dir(&own).await.unwrap();
    assert!(folder.starts_with(own.join("models--local--m")), "{folder:?}");
    hub.clear_requests();
    let again = hub.api.snapshot_download(REPO).cache_dir(&own).local_files_only(true);
    assert_eq!(again.await.unwrap(), folder);
    assert_eq!(hub.requests().len(), 0);
    let usual = hub.api.snapshot_download(REPO).local_files_only(true).await.unwrap_err();
    assert_eq!(usual.kind(), ErrorKind::LocalEntryNotFound);
}

#[tokio::test]
async fn a_hub_that_is_silent_is_waited_for_as_long_as_was_said() {
    let hub = hub_of(&many(2)).await;
    let folder = hub.api.snapshot_download(REPO).await.unwrap();
    hub.fault(Fault::on(Method::GET, "/revision/").never_answer());
    let patient = hub.api.snapshot_download(REPO).etag_timeout(0.02).into_future();
    // The usual time is ten seconds, again and again.
    let cached = tokio::time::timeout(Duration::from_secs(8), patient).await.expect("it gives up soon");
    assert_eq!(cached.unwrap(), folder);
}

/// Makes the folder of a repository look as where case does not count.
#[cfg(unix)]
fn ignore_case(hub: &Downloading) {
    let blobs = hub.cache().blobs();
    fs::create_dir_all(&blobs).unwrap();
    let other = blobs.with_file_name("BLOBS");
    if !other.exists() {
        std::os::unix::fs::symlink("blobs", other).unwrap();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn names_that_are_one_file_are_refused_before_anything_is_fetched() {
    let files = [("a.txt", b"one".to_vec()), ("A.txt", b"two".to_vec()), ("b/c.txt", b"three".to_vec())];
    let hub = Downloading::of(&files).await;
    ignore_case(&hub);
    let error = hub.api.snapshot_download(REPO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NameCollision, "{error}");
    assert!(error.to_string().contains("`A.txt` and `a.txt`"), "{error}");
    assert!(hub.content_requests().is_empty());
    // One of them can be had, and the other cannot be told to be there then.
    let folder = hub.api.snapshot_download(REPO).ignore_patterns(["A.txt"]).await.unwrap();
    assert_eq!(fs::read(folder.join("a.txt")).unwrap(), b"one");
    let error = hub.api.snapshot_download(REPO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NameCollision, "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_snapshot_of_another_client_does_not_hide_names_that_are_one_file() {
    let hub = Downloading::of(&[("a.txt", b"one".to_vec()), ("A.txt", b"two".to_vec())]).await;
    let folder = hub.api.snapshot_download(REPO).await.unwrap();
    let commit = folder.file_name().unwrap().to_str().unwrap();
    let listing = hub.cache().blobs().with_file_name("trees").join(format!("{commit}.json"));
    fs::remove_file(listing).unwrap();
    ignore_case(&hub);
    let error = hub.api.snapshot_download(REPO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NameCollision, "{error}");
}
