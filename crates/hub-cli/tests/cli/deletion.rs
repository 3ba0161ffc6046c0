//! Commands that delete by name.
use crate::hub::Hub;
use hub_client::types::RepoType;

#[tokio::test(flavor = "multi_thread")]
async fn a_file_to_delete_that_does_not_exist_is_an_error_before_anything_is_deleted() {
    let hub = Hub::with_model(&[("a.txt", "a"), ("b.txt", "b")]).await;
    let named = hub.run(["repo", "delete-files", "local/it", "a.txt", "nope.txt"]).await.exits(1);
    named.says(&["error", "`nope.txt`", "nothing was deleted"]);
    let pattern = hub.run(["repo", "delete-files", "local/it", "*.bin"]).await.exits(1);
    pattern.says(&["error", "`*.bin`", "nothing was deleted"]);
    assert_eq!(hub.files("local/it").await, ["a.txt", "b.txt"]);
    let some = hub.run(["repo", "delete-files", "local/it", "*.bin", "a.*"]).await.exits(0);
    some.says(&["warning", "`*.bin`"]);
    assert_eq!(hub.files("local/it").await, ["b.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn patterns_of_an_upload_that_delete_nothing_are_reported() {
    let hub = Hub::with_model(&[("a.txt", "a"), ("old.bin", "b")]).await;
    hub.write(&[("up/a.txt", "new")]);
    let done = hub.run(["upload", "local/it", "up", "--delete", "*.bin", "*.csv"]).await.exits(0);
    let done = done.says(&["warning", "`*.csv`"]).says(&["1 file added or changed, 1 file deleted"]);
    assert_eq!(done.lines(&["`*.bin`"]), 0, "{done:#?}");
    assert_eq!(hub.files("local/it").await, ["a.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_of_a_space_that_does_not_exist_is_an_error() {
    let hub = Hub::start().await;
    hub.api.create_repo("local/app").repo_type(RepoType::Space).space_sdk("static").await.unwrap();
    hub.run(["spaces", "variables", "add", "app", "A=1"]).await.exits(0);
    hub.run(["spaces", "variables", "delete", "local/app", "NOPE"]).await.exits(1).says(&["error", "`NOPE`"]);
    hub.run(["spaces", "variables", "delete", "local/app", "A"]).await.exits(0);
}
