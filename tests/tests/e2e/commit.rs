//! Commits of several operations.
use crate::uploading::{REPO, Uploading, noise};
use hub_api::ErrorKind;
use hub_api::types::RepoType;
use hub_local::Method;
use hub_upload::{CommitOperation, Uploads as _};

#[tokio::test]
async fn one_commit_adds_deletes_and_copies() {
    let world = Uploading::start().await;
    let weights = noise(1, 100_000);
    let first = [
        CommitOperation::add("a.txt", b"one".to_vec()),
        CommitOperation::add("old/b.txt", b"two".to_vec()),
        CommitOperation::add("model.safetensors", weights.clone()),
    ];
    world.api.create_commit(REPO, first, "First").await.unwrap();
    world.hub.clear_requests();

    let second = [
        CommitOperation::delete_folder("old"),
        CommitOperation::copy("a.txt", "copies/a b#%é.txt"),
        CommitOperation::copy("model.safetensors", "copies/model.safetensors"),
        CommitOperation::add("./empty", Vec::new()),
        CommitOperation::delete("/a.txt"),
    ];
    let commit = world.api.create_commit(REPO, second, "Second").commit_description("more").await.unwrap();

    assert_eq!(commit.commit_message, "Second");
    let files = ["copies/a b#%é.txt", "copies/model.safetensors", "empty", "model.safetensors"];
    assert_eq!(world.files().await, files);
    assert_eq!(world.read("copies/a b#%é.txt").await, b"one");
    assert!(world.read("copies/model.safetensors").await == weights);
    assert!(world.requests(Method::POST, "objects/batch").is_empty(), "LFS files are copied by reference");
    let newest = world.api.list_repo_commits(REPO).await.unwrap().remove(0);
    assert_eq!((newest.commit_id, newest.message), (commit.oid, "more".to_owned()));
}

#[tokio::test]
async fn a_commit_that_changes_nothing_is_not_made() {
    let world = Uploading::start().await;
    let operations = [
        CommitOperation::add("a.txt", b"one".to_vec()),
        CommitOperation::add("m.safetensors", noise(1, 5000)),
    ];
    let first = world.api.create_commit(REPO, operations.clone(), "First").await.unwrap();
    world.hub.clear_requests();

    let again = world.api.create_commit(REPO, operations, "Again").await.unwrap();
    assert_eq!(again.oid, first.oid);
    assert_eq!((world.commits_sent(), world.puts().len()), (0, 0));
    assert!(world.requests(Method::POST, "objects/batch").is_empty());
}

#[tokio::test]
async fn only_what_changed_is_committed() {
    let world = Uploading::start().await;
    let add = |a: &str, b: &str| {
        let add = |path: &str, text: &str| CommitOperation::add(path, text.as_bytes().to_vec());
        [add("a.txt", a), add("b.txt", b)]
    };
    world.api.create_commit(REPO, add("one", "two"), "First").await.unwrap();
    world.hub.clear_requests();
    world.api.create_commit(REPO, add("one", "three"), "Second").await.unwrap();
    let length: u64 =
        world.requests(Method::POST, "/commit/")[0].header("content-length").unwrap().parse().unwrap();
    assert!(length < 240, "one file is in a body of {length} bytes");
    assert_eq!(world.read("b.txt").await, b"three");
}

#[tokio::test]
async fn unchanged_files_survive_the_deletion_of_their_folder() {
    let world = Uploading::start().await;
    let files = [
        CommitOperation::add("d/keep.txt", b"same".to_vec()),
        CommitOperation::add("d/drop.txt", b"gone".to_vec()),
    ];
    world.api.create_commit(REPO, files, "First").await.unwrap();
    let replace = [CommitOperation::delete("d/"), CommitOperation::add("d/keep.txt", b"same".to_vec())];
    world.api.create_commit(REPO, replace, "Second").await.unwrap();
    assert_eq!(world.files().await, ["d/keep.txt"]);
}

#[tokio::test]
async fn a_pull_request_leaves_the_branch_alone() {
    let world = Uploading::start().await;
    let add = [CommitOperation::add("a.txt", b"one".to_vec())];
    let commit = world.api.create_commit(REPO, add, "Suggest").create_pr(true).await.unwrap();
    let reference = commit.pr_revision.unwrap();
    assert_eq!((commit.pr_num, &*reference), (Some(1), "refs/pr/1"));
    assert_eq!(world.files().await, Vec::<String>::new());
    assert_eq!(world.files_at(&reference).await, ["a.txt"]);

    let more = [CommitOperation::add("b.txt", b"two".to_vec())];
    world.api.create_commit(REPO, more, "Go on").revision(&*reference).await.unwrap();
    assert_eq!(world.files_at(&reference).await, ["a.txt", "b.txt"]);
}

#[tokio::test]
async fn a_parent_that_is_not_the_head_is_refused() {
    let world = Uploading::start().await;
    let add = |text: &str| [CommitOperation::add("a.txt", text.as_bytes().to_vec())];
    let first = world.api.create_commit(REPO, add("one"), "First").await.unwrap();
    let on_first = |text| world.api.create_commit(REPO, add(text), "Next").parent_commit(&*first.oid);
    on_first("two").await.unwrap();
    let error = on_first("three").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ParentMoved);
    assert_eq!(world.read("a.txt").await, b"two");
}

#[tokio::test]
async fn what_cannot_be_committed_is_refused_before_any_request() {
    let world = Uploading::start().await;
    let fine = || CommitOperation::add("a.txt", b"one".to_vec());
    let refused = [
        world.api.create_commit(REPO, [fine()], ""),
        world.api.create_commit(REPO, [fine()], "m").parent_commit("zzz"),
        world.api.create_commit(REPO, [fine(), CommitOperation::add("b", "/no/such/file")], "m"),
        world.api.create_commit(REPO, [fine(), CommitOperation::delete("../b")], "m"),
        world.api.create_commit(REPO, [fine(), CommitOperation::add("a/.git/config", Vec::new())], "m"),
        world.api.create_commit("no//repo", [fine()], "m"),
    ];
    for request in refused {
        assert_eq!(request.await.unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    assert!(world.hub.requests().is_empty());
}

#[tokio::test]
async fn what_does_not_exist_is_named() {
    let world = Uploading::start().await;
    let add = || [CommitOperation::add("a.txt", b"one".to_vec())];
    let kind = |error: hub_api::Error| error.kind();
    let error = world.api.create_commit("local/nope", add(), "m").await.unwrap_err();
    assert!(error.to_string().contains("create_repo"), "{error}");
    assert_eq!(kind(error), ErrorKind::RepositoryNotFound);
    let on_branch = world.api.create_commit(REPO, add(), "m").revision("nope");
    assert_eq!(kind(on_branch.await.unwrap_err()), ErrorKind::RevisionNotFound);
    let error = world.api.create_commit(REPO, [CommitOperation::copy("a", "b")], "m").await.unwrap_err();
    assert_eq!(kind(error), ErrorKind::EntryNotFound);
    let error = world.api.delete_file("nope.txt", REPO).await.unwrap_err();
    assert_eq!(kind(error), ErrorKind::EntryNotFound);
}

#[tokio::test]
async fn metadata_that_the_hub_refuses_stops_the_upload() {
    let world = Uploading::start().await;
    let readme = CommitOperation::add("README.md", b"---\nlicense: [\n---\n".to_vec());
    let error = world.api.create_commit(REPO, [readme], "m").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    assert!(error.to_string().contains("invalid metadata in README.md"), "{error}");
    assert_eq!(world.commits_sent(), 0);
}

#[tokio::test]
async fn files_folders_and_patterns_are_deleted() {
    let world = Uploading::start().await;
    let paths = ["a.txt", "b.txt", "logs/1.log", "logs/2.txt", "d/e/f", "d/g"];
    let adds: Vec<_> = paths.iter().map(|path| CommitOperation::add(*path, b"x".to_vec())).collect();
    world.api.create_commit(REPO, adds, "First").await.unwrap();
    let delete = world.api.delete_file("a.txt", REPO).await.unwrap();
    assert_eq!(delete.commit_message, "Delete a.txt with huggingface_hub");
    world.api.delete_folder("d/e", REPO).await.unwrap();
    world.api.delete_files(REPO, ["logs/", ".gitattributes"]).await.unwrap();
    assert_eq!(world.files().await, ["b.txt", "d/g"]);
    let nothing = world.api.delete_files(REPO, ["*.zip"]).await.unwrap();
    assert_eq!(nothing.oid, world.api.list_repo_commits(REPO).await.unwrap()[0].commit_id);
    let attributes = world.read(".gitattributes").await;
    assert!(!attributes.is_empty());
}

/// What `REPO` has on a branch `dev` that begins at its first commit, and that commit.
async fn with_branch(files: &[&str]) -> (Uploading, String) {
    let world = Uploading::start().await;
    let adds: Vec<_> = files.iter().map(|path| CommitOperation::add(*path, b"x".to_vec())).collect();
    let first = world.api.create_commit(REPO, adds, "First").await.unwrap().oid;
    world.api.create_branch(REPO, "dev").await.unwrap();
    (world, first)
}

#[tokio::test]
async fn deletions_go_to_the_branch_that_is_named() {
    let (world, _) = with_branch(&["a", "b/c", "d.log", "e"]).await;
    let (file, folder) = (world.api.delete_file("a", REPO), world.api.delete_folder("b", REPO));
    let files = world.api.delete_files(REPO, "*.log");
    file.revision("dev").commit_message("Drop a").commit_description("one").await.unwrap();
    folder.revision("dev").commit_message("Drop b").commit_description("two").await.unwrap();
    files.revision("dev").commit_message("Drop logs").commit_description("three").await.unwrap();
    assert_eq!(world.files_at("dev").await, ["e"]);
    assert_eq!(world.files().await, ["a", "b/c", "d.log", "e"]);
    let commits = world.api.list_repo_commits(REPO).revision("dev").await.unwrap();
    let said: Vec<_> =
        commits.iter().take(3).map(|commit| (commit.title.as_str(), commit.message.as_str())).collect();
    assert_eq!(said, [("Drop logs", "three"), ("Drop b", "two"), ("Drop a", "one")]);
}

#[tokio::test]
async fn deletions_can_be_suggested() {
    let (world, _) = with_branch(&["a", "b/c", "d.log"]).await;
    let suggestions = [
        (world.api.delete_file("a", REPO).create_pr(true).await.unwrap(), ["b/c", "d.log"]),
        (world.api.delete_folder("b", REPO).create_pr(true).await.unwrap(), ["a", "d.log"]),
        (world.api.delete_files(REPO, "*.log").create_pr(true).await.unwrap(), ["a", "b/c"]),
    ];
    for (commit, left) in suggestions {
        assert_eq!(world.files_at(&commit.pr_revision.unwrap()).await, left);
    }
    assert_eq!(world.files().await, ["a", "b/c", "d.log"]);
}

#[tokio::test]
async fn deletions_of_what_has_moved_on_are_refused() {
    let (world, first) = with_branch(&["a", "b/c", "d.log"]).await;
    let add = [CommitOperation::add("new", b"x".to_vec())];
    world.api.create_commit(REPO, add, "Second").await.unwrap();
    for error in [
        world.api.delete_file("a", REPO).parent_commit(&first).await.unwrap_err(),
        world.api.delete_folder("b", REPO).parent_commit(&first).await.unwrap_err(),
        world.api.delete_files(REPO, "*.log").parent_commit(&first).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::ParentMoved, "{error}");
    }
    assert_eq!(world.files().await, ["a", "b/c", "d.log", "new"]);
}

#[tokio::test]
async fn a_dataset_is_changed_and_not_the_model_of_its_name() {
    let (world, _) = with_branch(&["a", "b/c", "d.log"]).await;
    let dataset = RepoType::Dataset;
    world.api.create_repo(REPO).repo_type(dataset).await.unwrap();
    let adds: Vec<_> =
        ["a", "b/c", "d.log", "e"].map(|path| CommitOperation::add(path, b"y".to_vec())).into();
    world.api.create_commit(REPO, adds, "First").repo_type(dataset).await.unwrap();
    world.api.delete_file("a", REPO).repo_type(dataset).await.unwrap();
    world.api.delete_folder("b", REPO).repo_type(dataset).await.unwrap();
    world.api.delete_files(REPO, "*.log").repo_type(dataset).await.unwrap();
    let files = world.api.list_repo_files(REPO).repo_type(dataset).await.unwrap();
    assert_eq!(files, [".gitattributes", "e"]);
    assert_eq!(world.files().await, ["a", "b/c", "d.log"]);
}

#[tokio::test]
async fn a_pull_request_begins_at_its_parent() {
    let (world, first) = with_branch(&["a"]).await;
    world.api.create_commit(REPO, [CommitOperation::delete("a")], "Second").await.unwrap();
    let add = [CommitOperation::add("b", b"x".to_vec())];
    let commit = world.api.create_commit(REPO, add, "Suggest").create_pr(true).parent_commit(first);
    assert_eq!(world.files_at(&commit.await.unwrap().pr_revision.unwrap()).await, ["a", "b"]);
}
