//! Uploads when something goes wrong.
use crate::uploading::{REPO, Uploading, append, noise};
use hub_api::{Error, ErrorKind};
use hub_local::{Fault, LocalHub, Method, Origin};
use hub_upload::{CommitOperation, UploadEvent, Uploads as _, observe};
use std::sync::Arc;
use tokio::sync::Notify;

const TITLE: &str = "Add it";

/// Uploads a large file under a message of its own.
async fn upload_large(world: &Uploading) -> Result<Vec<u8>, Error> {
    let content = noise(7, 500_000);
    world.api.upload_file(content.clone(), "m.safetensors", REPO).commit_message(TITLE).await?;
    Ok(content)
}

#[tokio::test]
async fn a_storage_that_fails_once_is_asked_again() {
    let world = Uploading::start().await;
    let fault = world.hub.fault(Fault::on(Method::PUT, "").at(Origin::Storage).times(1).status(503));
    let content = upload_large(&world).await.unwrap();
    assert_eq!((fault.hits(), world.puts().len()), (1, 2));
    assert!(world.read("m.safetensors").await == content);
}

#[tokio::test]
async fn a_connection_to_the_storage_that_breaks_is_made_again() {
    let world = Uploading::start().await;
    let fault = world.hub.fault(Fault::on(Method::PUT, "").at(Origin::Storage).times(1).reset());
    let content = upload_large(&world).await.unwrap();
    assert_eq!(fault.hits(), 1);
    assert!(world.read("m.safetensors").await == content);
}

#[tokio::test]
async fn only_the_part_that_failed_is_sent_again() {
    let world = Uploading::on(LocalHub::builder().part_size_bytes(100_000)).await;
    world.hub.fault(Fault::on(Method::PUT, "/3?").at(Origin::Storage).times(1).status(500));
    let content = upload_large(&world).await.unwrap();
    assert_eq!(world.puts().len(), 6);
    assert!(world.read("m.safetensors").await == content);
}

#[tokio::test]
async fn addresses_that_expired_are_renewed() {
    for builder in [LocalHub::builder(), LocalHub::builder().part_size_bytes(100_000)] {
        let world = Uploading::on(builder).await;
        world.hub.fault(Fault::on(Method::PUT, "").at(Origin::Storage).times(1).status(403));
        let content = upload_large(&world).await.unwrap();
        assert_eq!(world.requests(Method::POST, "objects/batch").len(), 2);
        assert!(world.read("m.safetensors").await == content);
    }
}

#[tokio::test]
async fn a_storage_that_says_yes_and_keeps_nothing_is_found_out() {
    let world = Uploading::start().await;
    world.hub.fault(Fault::on(Method::PUT, "").at(Origin::Storage).status(200));
    let error = upload_large(&world).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UploadLost);
    assert!(error.to_string().contains("m.safetensors"), "{error}");
    assert_eq!(world.commits_sent(), 0);
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_not_made_twice() {
    for status in [500, 502, 504] {
        let world = Uploading::start().await;
        world.hub.fault(Fault::on(Method::POST, "/commit/").times(1).commit_then_fail(status));
        world.write("a.txt", "one");
        world.write("m.safetensors", noise(1, 1000));
        let upload = world.api.upload_folder(REPO, world.out()).commit_message(TITLE);
        let commit = upload.await.unwrap();
        assert_eq!(world.commits_sent(), 1, "{status}");
        let newest = world.api.list_repo_commits(REPO).await.unwrap().remove(0);
        assert_eq!((newest.commit_id, &*newest.title), (commit.oid, TITLE));
        assert!(commit.commit_url.ends_with(&format!("/local/m/commit/{}", world.head().await)));
    }
}

#[tokio::test]
async fn a_deletion_whose_answer_was_lost_is_found() {
    let world = Uploading::start().await;
    let adds = ["a.txt", "d/b.txt"].map(|path| CommitOperation::add(path, b"x".to_vec()));
    world.api.create_commit(REPO, adds, "First").await.unwrap();
    for delete in [CommitOperation::delete("a.txt"), CommitOperation::delete_folder("d")] {
        world.hub.clear_requests();
        world.hub.fault(Fault::on(Method::POST, "/commit/").times(1).commit_then_fail(504));
        let commit = world.api.create_commit(REPO, [delete], "Delete").await.unwrap();
        assert_eq!((world.commits_sent(), commit.oid), (1, world.head().await));
        world.hub.clear_faults();
    }
    assert!(world.files().await.is_empty());
}

#[tokio::test]
async fn a_pull_request_whose_answer_was_lost_is_not_opened_twice() {
    let world = Uploading::start().await;
    world.hub.fault(Fault::on(Method::POST, "/commit/").times(1).commit_then_fail(504));
    let add = [CommitOperation::add("a.txt", b"one".to_vec())];
    let commit = world.api.create_commit(REPO, add, TITLE).create_pr(true).await.unwrap();
    assert_eq!((world.commits_sent(), commit.pr_num), (1, Some(1)));
    let newest = world.api.list_repo_commits(REPO).revision("refs/pr/1").await.unwrap().remove(0);
    assert_eq!(newest.commit_id, commit.oid);
}

#[tokio::test]
async fn a_pull_request_that_may_still_be_opened_is_not_sent_again() {
    let world = Uploading::start().await;
    let fault = world.hub.fault(Fault::on(Method::POST, "/commit/").times(1).status(504));
    let add = [CommitOperation::add("a.txt", b"one".to_vec())];
    let error = world.api.create_commit(REPO, add, TITLE).create_pr(true).await.unwrap_err();
    assert!(error.to_string().contains("may have been made"), "{error}");
    assert_eq!((world.commits_sent(), fault.hits()), (1, 1));
}

#[tokio::test]
async fn a_commit_that_was_not_made_is_sent_again_on_the_same_parent() {
    let world = Uploading::start().await;
    let before = world.titles().await.len();
    world.hub.fault(Fault::on(Method::POST, "/commit/").times(2).status(502));
    upload_large(&world).await.unwrap();
    assert_eq!((world.commits_sent(), world.titles().await.len()), (3, before + 1));
}

#[tokio::test]
async fn a_commit_named_like_an_older_one_is_made_all_the_same() {
    let world = Uploading::start().await;
    let add = |text: &str| [CommitOperation::add("a.txt", text.as_bytes().to_vec())];
    world.api.create_commit(REPO, add("one"), TITLE).await.unwrap();
    world.api.create_commit(REPO, add("two"), TITLE).await.unwrap();
    let before = world.titles().await.len();
    world.hub.fault(Fault::on(Method::POST, "/commit/").times(1).status(500));
    world.api.create_commit(REPO, add("one"), TITLE).await.unwrap();
    assert_eq!(world.read("a.txt").await, b"one");
    assert_eq!(world.titles().await.len(), before + 1);
}

#[tokio::test]
async fn a_hub_that_is_busy_with_another_commit_is_waited_for() {
    let world = Uploading::start().await;
    world.hub.fault(Fault::on(Method::POST, "/commit/").times(2).status(409));
    upload_large(&world).await.unwrap();
    assert_eq!(world.commits_sent(), 3);
    assert!(world.requests(Method::GET, "/commits/").is_empty(), "nothing was in doubt");
}

#[tokio::test]
async fn a_hub_that_stays_down_is_given_up() {
    let world = Uploading::start().await;
    world.hub.fault(Fault::on(Method::POST, "/commit/").status(503));
    let error = upload_large(&world).await.unwrap_err();
    assert_eq!(error.status(), Some(503));
    assert_eq!(world.commits_sent(), 5);
}

#[tokio::test]
async fn a_large_file_that_grows_while_it_is_sent_is_not_committed() {
    let world = Uploading::start().await;
    world.write("m.safetensors", noise(1, 2_000_000));
    let path = world.out().join("m.safetensors");
    let grow = move |event: UploadEvent<'_>| {
        if let UploadEvent::Sending { .. } = event {
            append(&path);
        }
    };
    let error = observe(grow, world.api.upload_folder(REPO, world.out())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SourceChanged);
    assert_eq!(world.commits_sent(), 0);
}

#[tokio::test]
async fn a_file_that_changes_before_the_commit_is_sent_is_not_committed() {
    for (changed, size) in [("m.safetensors", 100_000), ("small.txt", 20)] {
        let world = Uploading::start().await;
        world.write("m.safetensors", noise(1, 100_000));
        world.write("small.txt", "a".repeat(20));
        let head = world.head().await;
        let path = world.out().join(changed);
        assert_eq!(path.metadata().unwrap().len(), size);
        let grow = move |event: UploadEvent<'_>| {
            if let UploadEvent::Committing { .. } = event {
                append(&path);
            }
        };
        let error = observe(grow, world.api.upload_folder(REPO, world.out())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::SourceChanged, "{changed}");
        assert!(error.to_string().contains(changed), "{error}");
        assert_eq!(world.head().await, head, "{changed}");
    }
}

#[tokio::test]
async fn an_upload_that_is_dropped_stops() {
    let world = Uploading::start().await;
    world.hub.fault(Fault::on(Method::PUT, "").at(Origin::Storage).never_answer());
    let sending = Arc::new(Notify::new());
    let told = sending.clone();
    let observer = move |event: UploadEvent<'_>| {
        if let UploadEvent::Sending { .. } = event {
            told.notify_one();
        }
    };
    let upload = world.api.upload_file(noise(1, 100_000), "m.safetensors", REPO);
    tokio::select! {
        result = observe(observer, upload) => panic!("{result:?}"),
        () = sending.notified() => {}
    }
    assert_eq!(world.commits_sent(), 0);
    assert!(world.files().await.is_empty());
}

#[tokio::test]
async fn a_commit_that_reached_no_hub_was_not_made() {
    let world = Uploading::start().await;
    // The port was free a moment ago, and nobody listens on it.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut config = world.api.config().clone();
    config.endpoint = format!("http://127.0.0.1:{port}");
    let delete = [CommitOperation::delete("a.txt")];
    let error = hub_api::HfApi::new(config).create_commit(REPO, delete, TITLE).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection, "{error}");
    assert!(!error.to_string().contains("may have been made"), "{error}");
}
