//! What earlier runs, other processes and accidents leave in the cache.
use crate::downloading::{Downloading, REPO, names, noise};
use hub_api::types::Revision;
use hub_api::{Config, HfApi, Token};
use hub_cache::{Downloads as _, Progress};
use hub_local::{Fault, Method, Origin};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
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

/// Prints a line when so many bytes have come.
struct Announce {
    received: AtomicU64,
    at: u64,
}

impl Progress for Announce {
    fn received(&self, _path: &str, bytes: u64) {
        let before = self.received.fetch_add(bytes, Ordering::Relaxed);
        if before < self.at && before + bytes >= self.at {
            println!("{MILESTONE}");
        }
    }
}

const MILESTONE: &str = "as far as that";
/// Where the other process finds what it is to do.
const JOB: &str = "E2E_ANOTHER_PROCESS";

/// Starts a test a second time, as a process that downloads `model.bin` into the same cache, and tells when so many
/// bytes have come.
pub fn another(hub: &Downloading, test: &str, milestone: usize) -> Child {
    let home = hub.api.config().home.display().to_string();
    Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(JOB, format!("{}|{}|{milestone}|{home}", hub.endpoint(), hub.token()))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Does what is to be done if this is the other process, and tells whether it is.
pub async fn is_another() -> bool {
    let Ok(job) = std::env::var(JOB) else { return false };
    let [endpoint, token, milestone, home] = job.splitn(4, '|').collect::<Vec<_>>()[..] else {
        panic!("{job}")
    };
    let config = Config::new(endpoint, Path::new(home)).unwrap().with_token(Token::parse(token).unwrap());
    let announce = Arc::new(Announce { received: AtomicU64::new(0), at: milestone.parse().unwrap() });
    HfApi::new(config).hf_hub_download(REPO, "model.bin").progress(announce).await.unwrap();
    true
}

/// Waits until another process is as far as it was to tell.
pub fn await_milestone(process: &mut Child) {
    let mut lines = BufReader::new(process.stdout.as_mut().unwrap()).lines().map_while(Result::ok);
    let reached = tokio::task::block_in_place(|| lines.any(|line| line.ends_with(MILESTONE)));
    assert!(reached, "it was over before it was as far as that");
}

fn kill(mut process: Child) {
    process.kill().unwrap();
    process.wait().unwrap();
}

/// The bytes of content that were sent.
pub fn sent(hub: &Downloading) -> u64 {
    hub.content_requests().iter().map(|request| request.body_bytes_sent).sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_download_fetches_only_what_is_missing() {
    if is_another().await {
        panic!("it was to be killed before it was done");
    }
    let content = noise(SIZE, 9);
    let hub = Downloading::of(&[("model.bin", content.clone())]).await;
    // Slow enough for several connections, and never done.
    let storage = || Fault::on(Method::GET, "").at(Origin::Storage);
    hub.fault(storage().bytes_per_second(24 << 20));
    let mut child = another(&hub, "cache_state::a_killed_download_fetches_only_what_is_missing", SIZE / 2);
    await_milestone(&mut child);
    kill(child);
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

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_goes_on_where_a_killed_process_was() {
    if is_another().await {
        panic!("it was to be killed before it was done");
    }
    let content = noise(8 << 20, 16);
    let hub = Downloading::of(&[("model.bin", content.clone())]).await;
    hub.fault(Fault::on(Method::GET, "").at(Origin::Storage).times(1).stall_after(6 << 20));
    let mut holder = another(&hub, "cache_state::who_waits_goes_on_where_a_killed_process_was", 5 << 20);
    await_milestone(&mut holder);
    hub.clear_requests();
    let mut waiting = Box::pin(hub.api.hf_hub_download(REPO, "model.bin").into_future());
    // It asks for the metadata and then waits for the lock, which is not to be had as long as its holder lives.
    let metadata = async {
        while hub.requests().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        path = &mut waiting => panic!("two have the lock: {path:?}"),
        () = metadata => {}
    }
    kill(holder);
    assert!(fs::read(waiting.await.unwrap()).unwrap() == content);
    // What was on its way to the disk is lost, and no more than that.
    assert!(sent(&hub) <= 6 << 20, "{}", sent(&hub));
    assert_eq!(hub.blobs().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_without_locks_do_not_spoil_each_other() {
    if is_another().await {
        return;
    }
    let content = noise(8 << 20, 17);
    let hub = Downloading::of(&[("model.bin", content.clone())]).await;
    let cache_dir = hub.api.config().cache_dir.clone();
    fs::create_dir_all(&cache_dir).unwrap();
    fs::write(cache_dir.join(".locks"), "in the way").unwrap();
    hub.fault(Fault::on(Method::GET, "").at(Origin::Storage).bytes_per_second(16 << 20));
    let start = || another(&hub, "cache_state::processes_without_locks_do_not_spoil_each_other", 4 << 20);
    let (mut killed, others) = (start(), [start(), start(), start()]);
    let own = tokio::spawn(hub.api.hf_hub_download(REPO, "model.bin").into_future());
    await_milestone(&mut killed);
    kill(killed);
    let path = own.await.unwrap().unwrap();
    for process in others {
        let output = tokio::task::block_in_place(|| process.wait_with_output()).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    assert!(fs::read(path).unwrap() == content);
    let (partial, whole): (Vec<_>, Vec<_>) =
        hub.blobs().into_iter().partition(|name| name.ends_with(".partial"));
    assert!(whole.len() == 1 && partial.len() <= 1, "{whole:?} {partial:?}");
    hub.clear_requests();
    hub.api.hf_hub_download(REPO, "model.bin").await.unwrap();
    assert_eq!(sent(&hub), 0);
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
