//! Uploads of single files.
use crate::hub::Hub;
use crate::uploading::{REPO, Uploading, noise};
use hub_api::ErrorKind;
use hub_api::types::RepoType;
use hub_local::{LocalHub, Method, Origin};
use hub_upload::{CommitOperation, CommitOperationAdd, Source, UploadEvent, Uploads as _, observe};
use std::io::Cursor;
use std::sync::{Arc, Mutex};

#[tokio::test]
async fn content_from_everywhere_arrives() {
    let world = Uploading::start().await;
    let content = noise(1, 1_000_000);
    world.write("m.bin", &content);
    let (again, seekable) = (content.clone(), content.clone());
    let sources: [(&str, Source); 4] = [
        ("path.bin", world.out().join("m.bin").into()),
        ("bytes.bin", content.clone().into()),
        ("factory.bin", Source::reader(move || Ok(Cursor::new(again.clone())))),
        ("seekable.bin", Source::seekable(Cursor::new(seekable))),
    ];
    for (path, source) in sources {
        let commit = world.api.upload_file(source, path, REPO).await.unwrap();
        assert_eq!(commit.commit_message, format!("Upload {path} with huggingface_hub"));
        assert!(world.read(path).await == content, "{path}");
    }
    assert_eq!(world.puts().len(), 1, "the same content is stored once");
}

#[tokio::test]
async fn small_files_go_with_the_commit() {
    let world = Uploading::start().await;
    world.api.upload_file(b"hello".to_vec(), "a b/#%é.txt", REPO).await.unwrap();
    assert_eq!(world.read("a b/#%é.txt").await, b"hello");
    let requests: Vec<_> = world.hub.requests().into_iter().take(2).map(|request| request.path).collect();
    assert_eq!(requests, ["/api/models/local/m/preupload/main", "/api/models/local/m/commit/main"]);
}

#[tokio::test]
async fn large_files_go_in_parts() {
    let world = Uploading::on(LocalHub::builder().part_size_bytes(100_000)).await;
    let content = noise(2, 1_234_567);
    world.api.upload_file(content.clone(), "m.safetensors", REPO).await.unwrap();
    assert_eq!(world.puts().len(), 13);
    assert_eq!(world.requests(Method::POST, "complete_multipart").len(), 1);
    assert_eq!(world.requests(Method::POST, "objects/verify").len(), 1);
    assert!(world.read("m.safetensors").await == content);
}

#[tokio::test]
async fn the_token_goes_to_the_hub_and_never_to_the_storage() {
    let world = Uploading::on(LocalHub::builder().part_size_bytes(100_000)).await;
    world.api.upload_file(noise(3, 1000), "small.safetensors", REPO).await.unwrap();
    world.api.upload_file(noise(4, 300_000), "large.safetensors", REPO).await.unwrap();
    let (hub, storage): (Vec<_>, Vec<_>) =
        world.hub.requests().into_iter().partition(|request| request.origin == Origin::Hub);
    assert_eq!(storage.len(), 4);
    assert!(storage.iter().all(|request| request.authorization().is_none()));
    let bearer = format!("Bearer {}", world.hub.token());
    for request in hub.iter().filter(|request| !request.path.contains("complete_multipart")) {
        assert_eq!(request.authorization(), Some(&*bearer), "{}", request.path);
    }
}

#[tokio::test]
async fn what_was_sent_before_is_not_sent_with_the_commit() {
    let world = Uploading::start().await;
    let content = noise(5, 200_000);
    let shard = CommitOperationAdd::new("shard.safetensors", content.clone());
    world.api.preupload_lfs_files(REPO, [shard.clone()]).await.unwrap();
    assert_eq!((world.puts().len(), world.commits_sent()), (1, 0));
    world.api.create_commit(REPO, [CommitOperation::from(shard)], "Shard").await.unwrap();
    assert_eq!((world.puts().len(), world.commits_sent()), (1, 1));
    assert!(world.read("shard.safetensors").await == content);
}

#[tokio::test]
async fn an_observer_hears_of_every_byte() {
    let world = Uploading::start().await;
    let content = noise(6, 700_000);
    let told = Arc::new(Mutex::new((0, 0, Vec::new())));
    let listener = told.clone();
    let observer = move |event: UploadEvent<'_>| {
        let mut told = listener.lock().unwrap();
        match event {
            UploadEvent::Hashed { bytes } => told.0 += bytes,
            UploadEvent::Sent { bytes } => told.1 += bytes,
            UploadEvent::Stored { path } => told.2.push(path.to_owned()),
            _ => {}
        }
    };
    observe(observer, world.api.upload_file(content, "m.safetensors", REPO)).await.unwrap();
    let (hashed, sent, stored) = &*told.lock().unwrap();
    assert_eq!(*hashed, 700_000);
    let commit: u64 =
        world.requests(Method::POST, "/commit/")[0].header("content-length").unwrap().parse().unwrap();
    assert_eq!(*sent, 700_000 + commit);
    assert_eq!(*stored, ["m.safetensors"]);
}

#[tokio::test]
async fn a_file_goes_to_the_branch_that_is_named_with_what_is_said_of_it() {
    let world = Uploading::start().await;
    world.api.create_branch(REPO, "dev").await.unwrap();
    let upload = world.api.upload_file(b"one".to_vec(), "a.txt", REPO).revision("dev");
    upload.commit_message("Add a").commit_description("for b").await.unwrap();
    world.assert_newest("dev", ("Add a", "for b")).await;
    assert_eq!(world.read_at("dev", "a.txt").await, b"one");
    assert!(world.files().await.is_empty());
}

#[tokio::test]
async fn a_file_can_be_suggested() {
    let world = Uploading::start().await;
    let commit = world.api.upload_file(b"one".to_vec(), "a.txt", REPO).create_pr(true).await.unwrap();
    assert_eq!(world.read_at(&commit.pr_revision.unwrap(), "a.txt").await, b"one");
    assert!(world.files().await.is_empty());
}

#[tokio::test]
async fn a_file_for_what_has_moved_on_is_refused() {
    let world = Uploading::start().await;
    let first = world.head().await;
    let upload = |text: &str| {
        world.api.upload_file(text.as_bytes().to_vec(), "a.txt", REPO).parent_commit(&first).into_future()
    };
    upload("one").await.unwrap();
    assert_eq!(upload("two").await.unwrap_err().kind(), ErrorKind::ParentMoved);
    assert_eq!(world.read("a.txt").await, b"one");
}

#[tokio::test]
async fn what_is_ignored_is_not_sent_before_the_commit() {
    let world = Uploading::start().await;
    let add = CommitOperationAdd::new("a.safetensors", noise(8, 10_000));
    let preupload = world.api.preupload_lfs_files(REPO, [add.clone()]);
    preupload.gitignore_content("*.safetensors\n").await.unwrap();
    assert!(world.puts().is_empty());
    world.api.preupload_lfs_files(REPO, [add]).await.unwrap();
    assert_eq!(world.puts().len(), 1);
}

#[tokio::test]
async fn content_is_sent_ahead_for_a_pull_request_to_a_dataset_of_others() {
    let hub = Hub::start().await;
    let (dataset, repo) = (RepoType::Dataset, "local/d");
    hub.api.create_repo(repo).repo_type(dataset).await.unwrap();
    hub.api.create_branch(repo, "dev").repo_type(dataset).await.unwrap();
    let ann = hub.other("ann").await;
    let shard = CommitOperationAdd::new("a.safetensors", noise(7, 10_000));
    let ahead = |shard| ann.preupload_lfs_files(repo, [shard]).repo_type(dataset).revision("dev");
    assert_eq!(ahead(shard.clone()).await.unwrap_err().status(), Some(403));
    ahead(shard.clone()).create_pr(true).await.unwrap();
    hub.clear_requests();
    let commit = ann.create_commit(repo, [CommitOperation::from(shard)], "Suggest").repo_type(dataset);
    let commit = commit.revision("dev").create_pr(true).await.unwrap();
    assert!(hub.requests().iter().all(|request| request.origin == Origin::Hub), "nothing is sent again");
    let reference = commit.pr_revision.unwrap();
    assert!(ann.file_exists(repo, "a.safetensors").repo_type(dataset).revision(reference).await.unwrap());
}
