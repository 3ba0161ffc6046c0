//! Uploads of folders.
use crate::uploading::{REPO, Uploading, noise};
use hub_api::ErrorKind;
use hub_api::types::RepoType;
use hub_local::Method;
use hub_upload::Uploads as _;

#[tokio::test]
async fn small_and_large_files_come_back_as_they_were() {
    let world = Uploading::start().await;
    let files = [
        ("config.json", b"{}\n".to_vec()),
        ("empty", Vec::new()),
        ("model.safetensors", noise(1, 3_000_000)),
        ("onnx/model.onnx", noise(2, 100_000)),
        ("sub dir/é#%.txt", b"text".to_vec()),
    ];
    for (path, content) in &files {
        world.write(path, content);
    }
    let commit = world.api.upload_folder(REPO, world.out()).commit_message("v1").await.unwrap();
    assert_eq!(commit.commit_message, "v1");
    for (path, content) in &files {
        assert!(world.read(path).await == *content, "{path}");
    }
    assert_eq!(world.files().await.len(), files.len());
}

#[tokio::test]
async fn an_unchanged_folder_sends_no_content_and_makes_no_commit() {
    let world = Uploading::start().await;
    world.write("a.txt", "one");
    world.write("d/b.txt", "two");
    world.write("m.safetensors", noise(1, 100_000));
    let first = world.api.upload_folder(REPO, world.out()).await.unwrap();
    world.hub.clear_requests();
    let again = world.api.upload_folder(REPO, world.out()).await.unwrap();
    assert_eq!(again.oid, first.oid);
    let requests: Vec<_> = world.hub.requests().into_iter().map(|request| request.path).collect();
    assert_eq!(requests, ["/api/models/local/m/preupload/main", "/api/models/local/m/revision/main"]);
}

#[tokio::test]
async fn identical_files_are_stored_once() {
    let world = Uploading::start().await;
    for path in ["a.safetensors", "b.safetensors", "c/d.safetensors"] {
        world.write(path, noise(1, 50_000));
    }
    world.api.upload_folder(REPO, world.out()).await.unwrap();
    assert_eq!(world.puts().len(), 1);
    assert_eq!(world.files().await.len(), 3);
}

#[tokio::test]
async fn patterns_choose_what_is_added_and_deleted() {
    let world = Uploading::start().await;
    for path in ["keep.txt", "drop.log", "logs/old.log", "logs/same.log"] {
        world.write(path, path);
    }
    world.api.upload_folder(REPO, world.out()).path_in_repo("run").await.unwrap();
    std::fs::remove_file(world.out().join("logs/old.log")).unwrap();
    std::fs::remove_file(world.out().join("drop.log")).unwrap();
    world.write("logs/same.log", "changed");
    world.write("new.txt", "new");
    world.write("new.tmp", "new");

    let upload = world.api.upload_folder(REPO, world.out()).path_in_repo("/run/");
    upload.ignore_patterns(["*.tmp"]).delete_patterns(["logs/"]).await.unwrap();
    let files = ["run/drop.log", "run/keep.txt", "run/logs/same.log", "run/new.txt"];
    assert_eq!(world.files().await, files);
    assert_eq!(world.read("run/logs/same.log").await, b"changed");
}

#[tokio::test]
async fn bookkeeping_and_secrets_stay_at_home() {
    let world = Uploading::start().await;
    for path in [".git/HEAD", ".cache/huggingface/download/a.metadata", "sub/.git/x", ".env", "a.txt"] {
        world.write(path, "x");
    }
    world.api.upload_folder(REPO, world.out()).await.unwrap();
    assert_eq!(world.files().await, ["a.txt"]);
}

#[tokio::test]
async fn what_gitignore_names_is_not_uploaded() {
    let world = Uploading::start().await;
    world.write(".gitignore", "*.log\n*.safetensors\n");
    world.write("a.log", "log");
    world.write("m.safetensors", noise(1, 1000));
    world.write("a.txt", "text");
    world.api.upload_folder(REPO, world.out()).await.unwrap();
    assert_eq!(world.files().await, [".gitignore", "a.txt"]);
    assert!(world.puts().is_empty());
}

#[cfg(unix)]
#[tokio::test]
async fn a_folder_of_links_uploads_what_they_lead_to() {
    let world = Uploading::start().await;
    world.write("../blobs/one", noise(1, 10_000));
    world.write("../blobs/two", "two");
    std::fs::create_dir_all(world.out().join("d")).unwrap();
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, world.out().join(at)).unwrap();
    link("../blobs/one", "m.safetensors");
    link("../../blobs/two", "d/two.txt");
    link("nowhere", "dangling");
    world.api.upload_folder(REPO, world.out()).await.unwrap();
    assert_eq!(world.files().await, ["d/two.txt", "m.safetensors"]);
    assert!(world.read("m.safetensors").await == noise(1, 10_000));
}

#[tokio::test]
async fn many_files_are_asked_about_in_batches() {
    let world = Uploading::start().await;
    for n in 0..600 {
        world.write(&format!("{}/{n}.txt", n % 7), n.to_string());
    }
    world.api.upload_folder(REPO, world.out()).await.unwrap();
    assert_eq!(world.requests(Method::POST, "/preupload/").len(), 3);
    assert_eq!(world.commits_sent(), 1);
    assert_eq!(world.files().await.len(), 600);
    assert_eq!(world.read("4/599.txt").await, b"599");
}

#[tokio::test]
async fn a_folder_can_be_suggested() {
    let world = Uploading::start().await;
    world.write("a.txt", "one");
    let commit = world.api.upload_folder(REPO, world.out()).create_pr(true).await.unwrap();
    assert_eq!(world.files_at(&commit.pr_revision.unwrap()).await, ["a.txt"]);
    assert!(world.files().await.is_empty());
}

#[tokio::test]
async fn only_what_is_allowed_is_uploaded() {
    let world = Uploading::start().await;
    for path in ["a.txt", "b.log", "d/c.txt", "d/e.txt"] {
        world.write(path, path);
    }
    let upload = world.api.upload_folder(REPO, world.out()).allow_patterns("*.txt").ignore_patterns("d/e*");
    upload.await.unwrap();
    assert_eq!(world.files().await, ["a.txt", "d/c.txt"]);
}

#[tokio::test]
async fn a_folder_goes_to_the_branch_that_is_named_with_what_is_said_of_it() {
    let world = Uploading::start().await;
    world.api.create_branch(REPO, "dev").await.unwrap();
    world.write("a.txt", "one");
    let upload = world.api.upload_folder(REPO, world.out()).revision("dev");
    upload.commit_message("Add a").commit_description("for b").await.unwrap();
    world.assert_newest("dev", ("Add a", "for b")).await;
    assert_eq!(world.read_at("dev", "a.txt").await, b"one");
    assert!(world.files().await.is_empty());
}

#[tokio::test]
async fn a_folder_goes_to_a_dataset_and_not_to_the_model_of_its_name() {
    let world = Uploading::start().await;
    world.api.create_repo(REPO).repo_type(RepoType::Dataset).await.unwrap();
    world.write("a.txt", "one");
    world.api.upload_folder(REPO, world.out()).repo_type(RepoType::Dataset).await.unwrap();
    assert!(world.api.file_exists(REPO, "a.txt").repo_type(RepoType::Dataset).await.unwrap());
    assert!(world.files().await.is_empty());
}

#[tokio::test]
async fn a_folder_for_what_has_moved_on_is_refused() {
    let world = Uploading::start().await;
    let first = world.head().await;
    let upload = || world.api.upload_folder(REPO, world.out()).parent_commit(&first).into_future();
    world.write("a.txt", "one");
    upload().await.unwrap();
    world.write("a.txt", "two");
    assert_eq!(upload().await.unwrap_err().kind(), ErrorKind::ParentMoved);
    assert_eq!(world.read("a.txt").await, b"one");
}

#[cfg(unix)]
#[tokio::test]
async fn links_are_left_out_when_they_are_not_to_be_followed() {
    let world = Uploading::start().await;
    world.write("a.txt", "one");
    std::os::unix::fs::symlink("a.txt", world.out().join("link.txt")).unwrap();
    world.api.upload_folder(REPO, world.out()).follow_symlinks(false).await.unwrap();
    assert_eq!(world.files().await, ["a.txt"]);
}
