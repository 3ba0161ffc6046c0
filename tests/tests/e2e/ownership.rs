//! Processes that are stopped, slow or in each other's way, and the files that they have under way.
#![cfg(unix)]
use crate::cache_state::{another, await_milestone, is_another, sent};
use crate::downloading::{Downloading, REPO, noise};
use hub_cache::{Downloads as _, LeftoverEvidence, find_partials, prune_partials};
use hub_local::{Fault, Method, Origin};
use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, SystemTime};

const SIZE: usize = 8 << 20;

/// A Hub whose storage is slow enough to stop a download in the middle.
async fn slow_hub(seed: u64) -> (Downloading, Vec<u8>) {
    let content = noise(SIZE, seed);
    let hub = Downloading::of(&[("model.bin", content.clone())]).await;
    hub.fault(Fault::on(Method::GET, "").at(Origin::Storage).bytes_per_second(8 << 20));
    (hub, content)
}

fn signal(process: &Child, signal: &str) {
    let sent = Command::new("kill").args([signal, &process.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

/// Lets a process that was stopped go on, and sees that it ends well.
fn finish(process: Child) {
    signal(&process, "-CONT");
    let output = tokio::task::block_in_place(|| process.wait_with_output()).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

/// The one partial that is in the cache.
fn partial(hub: &Downloading) -> PathBuf {
    let names: Vec<_> = hub.blobs().into_iter().filter(|name| name.ends_with(".partial")).collect();
    let [name] = &names[..] else { panic!("{names:?}") };
    hub.cache().blobs().join(name)
}

/// Makes a file look as if it had been left alone for long.
fn age(path: &PathBuf) {
    let then = SystemTime::now() - Duration::from_secs(10 * 24 * 60 * 60);
    File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_process_cannot_change_what_another_published() {
    if is_another().await {
        return;
    }
    let (hub, content) = slow_hub(31).await;
    // Without locks nobody waits, and every process is on its own.
    fs::create_dir_all(&hub.api.config().cache_dir).unwrap();
    fs::write(hub.api.config().cache_dir.join(".locks"), "in the way").unwrap();
    let test = "ownership::a_stopped_process_cannot_change_what_another_published";
    let mut owner = another(&hub, test, 4 << 20);
    await_milestone(&mut owner);
    signal(&owner, "-STOP");
    let partial = partial(&hub);
    age(&partial);
    hub.clear_requests();
    let path = hub.api.hf_hub_download(REPO, "model.bin").await.unwrap();
    assert!(sent(&hub) <= 5 << 20, "what the other has is copied: {} bytes came", sent(&hub));
    assert!(partial.exists(), "it belongs to the other");
    let published = File::open(&path).unwrap();
    finish(owner);
    // Readers that have the file open see unchanged bytes, and so do new readers.
    let mut read = Vec::new();
    std::io::Read::read_to_end(&mut &published, &mut read).unwrap();
    assert!(read == content);
    assert!(fs::read(path).unwrap() == content);
    assert_eq!(hub.blobs().len(), 1, "{:?}", hub.blobs());
}

#[tokio::test(flavor = "multi_thread")]
async fn prune_keeps_the_partial_of_a_process_that_is_stopped() {
    if is_another().await {
        return;
    }
    let (hub, content) = slow_hub(32).await;
    let cache_dir = hub.api.config().cache_dir.clone();
    let test = "ownership::prune_keeps_the_partial_of_a_process_that_is_stopped";
    let mut owner = another(&hub, test, 4 << 20);
    await_milestone(&mut owner);
    signal(&owner, "-STOP");
    let partial = partial(&hub);
    age(&partial);
    assert_eq!(find_partials(&cache_dir).unwrap(), []);
    assert_eq!(prune_partials(&cache_dir).unwrap(), []);
    // The lock file may have been removed by somebody who knows no better.
    fs::remove_dir_all(cache_dir.join(".locks")).unwrap();
    assert_eq!(prune_partials(&cache_dir).unwrap(), []);
    assert!(partial.exists());
    finish(owner);
    let path = hub.api.hf_hub_download(REPO, "model.bin").await.unwrap();
    assert!(fs::read(path).unwrap() == content);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_whose_partial_was_removed_ends_well() {
    if is_another().await {
        return;
    }
    let (hub, content) = slow_hub(33).await;
    let mut owner = another(&hub, "ownership::a_download_whose_partial_was_removed_ends_well", 4 << 20);
    await_milestone(&mut owner);
    signal(&owner, "-STOP");
    fs::remove_dir_all(hub.cache().folder()).unwrap();
    finish(owner);
    hub.clear_requests();
    let path = hub.api.hf_hub_download(REPO, "model.bin").await.unwrap();
    assert!(fs::read(path).unwrap() == content);
    assert_eq!(sent(&hub), 0, "the process had put it into its place");
}

#[tokio::test(flavor = "multi_thread")]
async fn prune_removes_the_partial_of_a_process_that_was_killed() {
    if is_another().await {
        panic!("it was to be killed before it was done");
    }
    let (hub, _) = slow_hub(34).await;
    let test = "ownership::prune_removes_the_partial_of_a_process_that_was_killed";
    let mut owner = another(&hub, test, 4 << 20);
    await_milestone(&mut owner);
    owner.kill().unwrap();
    owner.wait().unwrap();
    let path = partial(&hub);
    let removed = prune_partials(&hub.api.config().cache_dir).unwrap();
    let removed: Vec<_> = removed.into_iter().map(|leftover| (leftover.path, leftover.evidence)).collect();
    assert_eq!(removed, [(path, LeftoverEvidence::Unlocked)]);
    assert_eq!(hub.blobs(), [""; 0]);
}

#[tokio::test]
async fn a_prefix_is_void_when_the_server_ignores_the_range() {
    let content = noise(SIZE, 35);
    let hub = Downloading::of(&[("model.bin", content.clone())]).await;
    let entry = hub.api.get_paths_info(REPO, ["model.bin"]).await.unwrap().remove(0);
    let etag = entry.as_file().unwrap().content_hash().to_owned();
    fs::create_dir_all(hub.cache().blobs()).unwrap();
    fs::write(hub.cache().blobs().join(format!("{etag}.incomplete")), &content[..7 << 20]).unwrap();
    hub.fault(Fault::on(Method::GET, "").at(Origin::Storage).ignore_range());
    let path = hub.api.hf_hub_download(REPO, "model.bin").await.unwrap();
    assert!(fs::read(path).unwrap() == content);
    assert_eq!(hub.blobs(), [etag]);
}
