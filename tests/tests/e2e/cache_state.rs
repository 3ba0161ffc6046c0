//! What earlier runs, other processes and accidents leave in the cache.
use crate::downloading::{Downloading, REPO, names, noise};
use hub_api::types::Revision;
use hub_api::{Config, HfApi, Token};
use hub_cache::{Downloads as _, Progress};
use hub_local::{Fault, Method, Origin};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Notify;

const SIZE: usize = 48 << 20;

/// Tells when so many bytes have come.
#[derive(Default)]
struct Milestone {
    received: AtomicU64,
    at: u64,
    reached: Notify,
}

impl Progress for Milestone {
    fn received(&self, _path: &str, bytes: u64) {
        if self.received.fetch_add(bytes, Ordering::Relaxed) + bytes >= self.at {
            self.reached.notify_one();
        }
    }
}

/// Prints a line when half of the file has come.
struct Announce(AtomicU64);

impl Progress for Announce {
    fn received(&self, _path: &str, bytes: u64) {
        let before = self.0.fetch_add(bytes, Ordering::Relaxed);
        if before < SIZE as u64 / 2 && before + bytes >= SIZE as u64 / 2 {
            println!("halfway");
        }
    }
}

/// The bytes of content that were sent.
fn sent(hub: &Downloading) -> u64 {
    hub.content_requests().iter().map(|request| request.body_bytes_sent).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_download_fetches_only_what_is_missing() {
    const NAME: &str = "cache_state::a_killed_download_fetches_only_what_is_missing";
    if let Ok(job) = std::env::var("E2E_DOWNLOAD_AND_BE_KILLED") {
        let [endpoint, token, home] = job.split('|').collect::<Vec<_>>()[..] else { panic!("{job}") };
        let config = Config::new(endpoint, Path::new(home)).unwrap().with_token(Token::parse(token).unwrap());
        let announce = Arc::new(Announce(AtomicU64::new(0)));
        HfApi::new(config).hf_hub_download(REPO, "model.bin").progress(announce).await.unwrap();
        panic!("it was to be killed before it was done");
    }
    let content = noise(SIZE, 9);
    let hub = Downloading::of(&[("model.bin", content.clone())]).await;
    // Slow enough for several connections, and never done.
    let storage = || Fault::on(Method::GET, "").at(Origin::Storage);
    hub.fault(storage().bytes_per_second(24 << 20));
    let home = hub.api.config().home.display().to_string();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args([NAME, "--exact", "--nocapture"])
        .env("E2E_DOWNLOAD_AND_BE_KILLED", format!("{}|{}|{home}", hub.endpoint(), hub.token()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(
        lines.map_while(Result::ok).any(|line| line.ends_with("halfway")),
        "it was over before it was half"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(hub.blobs().iter().all(|name| name.ends_with(".partial")), "{:?}", hub.blobs());
    hub.clear_faults();
    hub.clear_requests();

    let path = hub.api.hf_hub_download(REPO, "model.bin").await.unwrap();
    assert!(fs::read(path).unwrap() == content);
    // What was on its way to the disk when it was killed is lost: a few pieces on each connection.
    let missing = (SIZE / 2 + (16 << 20)) as u64;
    assert!(sent(&hub) < missing, "{} of {SIZE} bytes", sent(&hub));
    assert_eq!(hub.blobs().len(), 1);
}

#[tokio::test]
async fn a_download_that_is_dropped_goes_on_where_it_was() {
    let content = noise(4 << 20, 10);
    let hub = Downloading::of(&[("model.bin", content.clone())]).await;
    hub.fault(Fault::on(Method::GET, "").at(Origin::Storage).times(1).stall_after(3 << 20));
    let milestone = Arc::new(Milestone { at: 2 << 20, ..Milestone::default() });
    let download = hub.api.hf_hub_download(REPO, "model.bin").progress(milestone.clone()).into_future();
    let task = tokio::spawn(download);
    milestone.reached.notified().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    hub.clear_requests();
    let path = hub.api.hf_hub_download(REPO, "model.bin").await.unwrap();
    assert!(fs::read(path).unwrap() == content);
    assert!(sent(&hub) <= 2 << 20, "{}", sent(&hub));
}

#[tokio::test]
async fn two_that_want_a_file_fetch_it_once() {
    let content = noise(4 << 20, 11);
    let hub = Downloading::of(&[("model.bin", content.clone())]).await;
    let get = || hub.api.hf_hub_download(REPO, "model.bin").into_future();
    let (one, two) = tokio::join!(get(), get());
    assert_eq!(one.unwrap(), two.unwrap());
    assert_eq!((hub.content_requests().len(), hub.blobs().len()), (1, 1));
}

#[tokio::test]
async fn what_python_left_unfinished_is_finished() {
    let content = noise(4 << 20, 12);
    let hub = Downloading::of(&[("model.bin", content.clone())]).await;
    let entry = hub.api.get_paths_info(REPO, ["model.bin"]).await.unwrap().remove(0);
    let etag = entry.as_file().unwrap().content_hash().to_owned();
    fs::create_dir_all(hub.cache().blobs()).unwrap();
    fs::write(hub.cache().blobs().join(format!("{etag}.incomplete")), &content[..3 << 20]).unwrap();
    hub.clear_requests();
    let path = hub.api.hf_hub_download(REPO, "model.bin").await.unwrap();
    assert!(fs::read(path).unwrap() == content);
    assert_eq!((sent(&hub), hub.blobs()), (1 << 20, vec![etag]));
}

#[tokio::test]
async fn a_hit_writes_nothing() {
    let hub = Downloading::of(&[("a/config.json", b"{}".to_vec()), ("model.bin", noise(2 << 20, 13))]).await;
    hub.api.snapshot_download(REPO).await.unwrap();
    hub.api.hf_hub_download(REPO, "a/config.json").await.unwrap();
    let before = times(&hub.api.config().cache_dir);
    hub.api.snapshot_download(REPO).await.unwrap();
    hub.api.hf_hub_download(REPO, "a/config.json").await.unwrap();
    hub.offline().hf_hub_download(REPO, "model.bin").await.unwrap();
    assert_eq!(times(&hub.api.config().cache_dir), before);
}

/// Every file and folder below one, with the time it was changed.
fn times(folder: &Path) -> Vec<(std::path::PathBuf, std::time::SystemTime)> {
    let mut found = vec![(folder.to_path_buf(), fs::symlink_metadata(folder).unwrap().modified().unwrap())];
    for name in names(folder) {
        let path = folder.join(name);
        let meta = fs::symlink_metadata(&path).unwrap();
        match meta.is_dir() {
            true => found.extend(times(&path)),
            false => found.push((path, meta.modified().unwrap())),
        }
    }
    found
}

#[tokio::test]
async fn damage_is_mended_by_fetching_what_is_damaged() {
    let hub = Downloading::of(&[("a.json", b"{}".to_vec()), ("model.bin", noise(2 << 20, 14))]).await;
    let folder = hub.api.snapshot_download(REPO).await.unwrap();
    let commit = hub.cache().commit_of(&Revision::main()).unwrap();
    // A blob that is gone leaves a link to nothing, one cut short by a power failure a wrong size.
    let model = fs::canonicalize(folder.join("model.bin")).unwrap();
    fs::write(&model, b"").unwrap();
    fs::remove_file(fs::canonicalize(folder.join("a.json")).unwrap()).unwrap();
    hub.clear_requests();
    hub.api.snapshot_download(REPO).revision(commit).await.unwrap();
    assert_eq!(hub.content_requests().len(), 2);
    assert_eq!(fs::read(folder.join("model.bin")).unwrap(), noise(2 << 20, 14));
    assert_eq!(fs::read(folder.join("a.json")).unwrap(), b"{}");
}

#[tokio::test]
async fn locks_that_cannot_be_made_are_done_without() {
    let hub = Downloading::of(&[("model.bin", noise(2 << 20, 15))]).await;
    let cache_dir = hub.api.config().cache_dir.clone();
    fs::create_dir_all(&cache_dir).unwrap();
    fs::write(cache_dir.join(".locks"), "in the way").unwrap();
    let path = hub.api.hf_hub_download(REPO, "model.bin").await.unwrap();
    assert_eq!(fs::read(path).unwrap(), noise(2 << 20, 15));
}
