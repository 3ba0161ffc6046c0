//! `hub upload`: which files go where.
use crate::hub::Hub;
use hub_client::types::RepoType;

#[tokio::test(flavor = "multi_thread")]
async fn a_name_without_a_namespace_is_ones_own_throughout() {
    let hub = Hub::start().await;
    hub.write(&[("f.txt", "x"), ("g.txt", "y")]);
    hub.run(["upload", "mymodel", "f.txt"]).await.exits(0);
    hub.run(["upload", "mymodel", "g.txt"]).await.exits(0);
    assert_eq!(hub.files("local/mymodel").await, ["f.txt", "g.txt"]);
    hub.run(["repo", "branch", "create", "mymodel", "dev"]).await.exits(0);
    hub.run(["repo", "tag", "create", "mymodel", "v1"]).await.exits(0);
    hub.run(["repo", "delete-files", "mymodel", "g.txt"]).await.exits(0);
    hub.run(["repo", "settings", "mymodel", "--private"]).await.exits(0);
    hub.run(["repo", "move", "mymodel", "other"]).await.exits(0);
    assert_eq!(hub.files("local/other").await, ["f.txt"]);
    hub.run(["repo", "delete", "other", "--yes"]).await.exits(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quoted_pattern_uploads_what_matches() {
    let hub = Hub::start().await;
    hub.write(&[("a.bin", "a"), ("b.bin", "b"), ("sub/c.bin", "c"), ("n.txt", "n")]);
    hub.run(["upload", "local/it", "*.bin"]).await.exits(0);
    assert_eq!(hub.files("local/it").await, ["a.bin", "b.bin", "sub/c.bin"]);
    hub.run(["upload", "local/it", "../work/n.*", "to"]).await.exits(0);
    assert!(hub.files("local/it").await.contains(&"to/n.txt".to_owned()));
    hub.run(["upload", "local/new", "*.csv"]).await.exits(2).says(&["error", "no file"]);
    assert!(!hub.api.repo_exists("local/new").await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn several_paths_are_all_uploaded_under_their_own_names() {
    let hub = Hub::start().await;
    hub.write(&[("a.bin", "a"), ("b.bin", "b"), ("dir/c.bin", "c"), ("dir/.env", "s"), ("other/a.bin", "x")]);
    let two = hub.run(["upload", "local/it", "a.bin", "other/a.bin"]).await.exits(2);
    two.says(&["error", "--path-in-repo"]);
    assert!(!hub.api.repo_exists("local/it").await.unwrap());
    hub.run(["upload", "local/pair", "a.bin", "b.bin"]).await.exits(0);
    assert_eq!(hub.files("local/pair").await, ["a.bin", "b.bin"]);
    hub.run(["upload", "local/same", "./b.bin", "b.bin"]).await.exits(0);
    assert_eq!(hub.files("local/same").await, ["b.bin"]);
    hub.run(["upload", "local/it", "a.bin", "b.bin", "dir"]).await.exits(0).says(&["warning", "`dir/.env`"]);
    assert_eq!(hub.files("local/it").await, ["a.bin", "b.bin", "dir/c.bin"]);
    hub.run(["upload", "local/two", "a.bin", "b.bin", "--path-in-repo", "x"]).await.exits(0);
    assert_eq!(hub.files("local/two").await, ["x/a.bin", "x/b.bin"]);
    let clash = hub.run(["upload", "local/it", "a.bin", "other/a.bin", "b.bin"]).await.exits(2);
    clash.says(&["error", "would both become `a.bin`"]);
    hub.run(["upload", "local/it", "a.bin", "b.bin", "nope.bin"]).await.exits(2).says(&["`nope.bin`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn private_does_not_change_a_public_repository_and_says_so_first() {
    let hub = Hub::with_model(&[("f.txt", "x")]).await;
    hub.write(&[("f.txt", "y")]);
    hub.run(["upload", "local/it", "f.txt", "--private"]).await.exits(0).says(&[
        "warning",
        "local/it",
        "is public",
    ]);
    assert_eq!(hub.api.model_info("local/it").await.unwrap().private, Some(false));
    let existing = hub.run(["repo", "create", "local/it", "--private", "--exist-ok"]).await.exits(0);
    existing.says(&["warning", "local/it", "is public"]);
    let created = hub.run(["repo", "create", "local/it2", "--private", "--exist-ok"]).await.exits(0);
    assert_eq!(created.lines(&["warning"]), 0, "{created:#?}");
    let created = hub.run(["upload", "local/new", "f.txt", "--private"]).await.exits(0);
    assert_eq!(created.lines(&["warning"]), 0, "{created:#?}");
    assert_eq!(hub.api.model_info("local/new").await.unwrap().private, Some(true));
}

#[tokio::test(flavor = "multi_thread")]
async fn paths_in_the_repository_are_normalised_or_refused_before_anything_is_sent() {
    let hub = Hub::start().await;
    hub.write(&[("f.bin", "x")]);
    for (given, path) in [
        ("x//y.bin", "x/y.bin"),
        ("dir/", "dir/f.bin"),
        ("./z/./w.bin", "z/w.bin"),
        ("/abs.bin", "abs.bin"),
        (".", "f.bin"),
    ] {
        hub.run(["upload", "local/it", "f.bin", given]).await.exits(0);
        let files = hub.files("local/it").await;
        assert!(files.contains(&path.to_owned()), "{given}: {files:?}");
    }
    let sent = |hub: &Hub| hub.requests().iter().filter(|request| request.path.contains("preupload")).count();
    let before = sent(&hub);
    for given in ["a\\b.bin", "../f.bin", ".git/config", "a/.GIT/b", "a/../b", &"x".repeat(300)] {
        hub.run(["upload", "local/it", "f.bin", given]).await.exits(2).says(&["error", "path_in_repo"]);
    }
    hub.write(&[("folder/with\\backslash.bin", "x")]);
    hub.run(["upload", "local/it", "folder"]).await.exits(2).says(&["backslash"]);
    assert_eq!(sent(&hub), before);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_local_name_that_is_not_utf8_is_never_changed() {
    use std::os::unix::ffi::OsStrExt as _;
    let hub = Hub::start().await;
    let name = std::ffi::OsStr::from_bytes(b"bad\xff.txt");
    std::fs::write(hub.work().join(name), "x").unwrap();
    let mut command = hub.command(["upload", "local/it"]);
    command.arg(name);
    crate::hub::Output::of(command).await.exits(2).says(&["not valid UTF-8"]);
    let mut command = hub.command(["upload", "local/it"]);
    command.arg(name).arg("good.txt");
    crate::hub::Output::of(command).await.exits(0);
    assert_eq!(hub.files("local/it").await, ["good.txt"]);
    hub.run(["upload", "local/it", "."]).await.exits(2).says(&["not valid UTF-8"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_tells_the_branch_and_the_folder() {
    let hub = Hub::start().await;
    hub.write(&[("f.txt", "x")]);
    hub.run(["upload", "hf://datasets/local/data@dev/sub/", "f.txt"]).await.exits(0);
    let files =
        hub.api.list_repo_files("local/data").repo_type(RepoType::Dataset).revision("dev").await.unwrap();
    assert!(files.contains(&"sub/f.txt".to_owned()), "{files:?}");
}
