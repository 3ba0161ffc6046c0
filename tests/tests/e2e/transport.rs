//! Promises of the transport, seen through the methods that rely on them.
use crate::hub::Hub;
use crate::uploading::{REPO, Uploading};
use futures_util::future::try_join_all;
use hub_api::types::{CollectionItemType, RepoType};
use hub_api::{Error, ErrorKind, HfApi, Result};
use hub_cache::Downloads as _;
use hub_local::{Cut, Fault, Late, Method};
use hub_upload::{CommitOperation, Uploads as _};
use std::time::Duration;

#[tokio::test]
async fn a_page_that_breaks_off_is_asked_for_again() {
    for cut in [Cut::Reset, Cut::Finish] {
        let hub = Hub::with_pages_of(2).await;
        for name in ["one", "two", "three", "four", "five"] {
            hub.api.create_repo(name).await.unwrap();
        }
        hub.clear_requests();
        hub.fault(Fault::on(Method::GET, "cursor=").times(1).cut_after(10, cut));
        let models = hub.api.list_models().sort("created_at").direction(1).await.unwrap();
        let ids: Vec<_> = models.iter().map(|model| &*model.id).collect();
        assert_eq!(ids, ["local/one", "local/two", "local/three", "local/four", "local/five"]);
        assert_eq!(hub.requests_to("/api/models").len(), 4);
    }
}

#[tokio::test]
async fn a_listing_whose_next_page_cannot_be_read_is_not_complete() {
    let hub = Hub::with_pages_of(2).await;
    for name in ["one", "two", "three"] {
        hub.api.create_repo(name).await.unwrap();
    }
    hub.fault(
        Fault::on(Method::GET, "/api/models").replace_header("link", "</api/models?cursor=x; rel=next"),
    );
    assert_eq!(hub.api.list_models().await.unwrap_err().kind(), ErrorKind::Decode);
}

#[tokio::test]
async fn a_file_at_a_link_local_address_is_not_asked_for() {
    let hub = Hub::start().await;
    hub.model("local/m", &[("a.txt", "x")]).await;
    hub.fault(Fault::any("/resolve/").redirect("http://169.254.169.254/latest/meta-data"));
    let folder = tempfile::tempdir().unwrap();
    let error = hub.api.hf_hub_download("local/m", "a.txt").cache_dir(folder.path()).await.unwrap_err();
    assert!(error.full_message().contains("link-local"), "{error:?}");
}

/// Has the answer to the first deletion lost, and deletes.
async fn delete_with_loss<T>(hub: &Hub, delete: impl IntoFuture<Output = Result<T>>) -> Result<T> {
    hub.clear_faults();
    let fault = hub.fault(Fault::on(Method::DELETE, "/api").times(1).commit_then_fail(504));
    let result = delete.await;
    assert_eq!(fault.hits(), 1);
    hub.clear_faults();
    result
}

#[tokio::test]
async fn deletions_whose_answer_was_lost_succeed() {
    let hub = Hub::start().await;
    let api: &HfApi = &hub.api;
    hub.model("local/m", &[("a.txt", "x")]).await;
    api.create_branch("local/m", "b").await.unwrap();
    api.create_tag("local/m", "t").await.unwrap();
    delete_with_loss(&hub, api.delete_branch("local/m", "b")).await.unwrap();
    delete_with_loss(&hub, api.delete_tag("local/m", "t")).await.unwrap();

    let slug = api.create_collection("Mine").await.unwrap().slug;
    let filled = api.add_collection_item(&slug, "local/m", CollectionItemType::Model).await.unwrap();
    let item = filled.items[0].item_object_id.clone();
    delete_with_loss(&hub, api.delete_collection_item(&slug, item)).await.unwrap();
    delete_with_loss(&hub, api.delete_collection(&slug)).await.unwrap();

    api.create_repo("local/s").repo_type(RepoType::Space).space_sdk("static").await.unwrap();
    api.add_space_secret("local/s", "S", "x").await.unwrap();
    api.add_space_variable("local/s", "KEEP", "y").await.unwrap();
    api.add_space_variable("local/s", "V", "x").await.unwrap();
    delete_with_loss(&hub, api.delete_space_secret("local/s", "S")).await.unwrap();
    let left = delete_with_loss(&hub, api.delete_space_variable("local/s", "V")).await.unwrap();
    assert_eq!(left.keys().collect::<Vec<_>>(), ["KEEP"]);

    delete_with_loss(&hub, api.delete_repo("local/m")).await.unwrap();
    assert!(!api.repo_exists("local/m").await.unwrap());
    // What was never there is still an error.
    assert!(api.delete_branch("local/s", "nope").await.is_err());
    assert_eq!(api.delete_repo("local/m").await.unwrap_err().kind(), ErrorKind::RepositoryNotFound);
}

#[tokio::test]
async fn slow_work_of_the_hub_is_waited_for() {
    let hub = Hub::start().await;
    hub.model("local/m", &[("a.txt", "x")]).await;
    let mut config = hub.api.config().clone();
    config.download_timeout = Duration::from_millis(50).into();
    let api = HfApi::new(config).with_auth(hub.api.client().auth().clone());
    let slow = |path: &str| Fault::on(Method::POST, path).delay(Duration::from_millis(250));
    for path in ["/super-squash/", "/api/repos/create", "/api/repos/move"] {
        hub.fault(slow(path));
    }
    api.super_squash_history("local/m").await.unwrap();
    api.create_repo("local/n").await.unwrap();
    api.move_repo("local/n", "local/o").await.unwrap();
    // An explicit limit takes precedence.
    let hasty = api.with_timeout(Duration::from_millis(50));
    assert_eq!(hasty.create_repo("local/p").await.unwrap_err().kind(), ErrorKind::Timeout);
}

#[tokio::test]
async fn a_login_page_is_not_taken_for_success() {
    let hub = Hub::start().await;
    hub.model("local/m", &[("a.txt", "x")]).await;
    let page = Fault::any("/tag/").body("<html>log in</html>").header("content-type", "text/html");
    hub.fault(page);
    assert_eq!(hub.api.create_tag("local/m", "v1").await.unwrap_err().kind(), ErrorKind::NotAHub);
}

fn add(path: &str) -> [CommitOperation; 1] {
    [CommitOperation::add(path, path.as_bytes().to_vec())]
}

#[tokio::test]
async fn a_commit_that_is_performed_late_is_not_made_twice() {
    for status in [502, 504] {
        let world = Uploading::start().await;
        let before = world.titles().await.len();
        let late = Late::default();
        world.hub.fault(Fault::on(Method::POST, "/commit/").times(1).fail_then_perform(status, &late));
        let commit = world.api.create_commit(REPO, add("a.txt"), "Add it").await.unwrap();
        late.perform().await;
        assert_eq!((world.commits_sent(), world.titles().await.len()), (2, before + 1), "{status}");
        assert_eq!(world.head().await, commit.oid);
    }
}

#[tokio::test]
async fn a_deletion_that_is_performed_late_is_not_made_twice() {
    let world = Uploading::start().await;
    world.api.create_commit(REPO, add("a.txt"), "Add it").await.unwrap();
    let before = world.titles().await.len();
    let late = Late::default();
    world.hub.fault(Fault::on(Method::POST, "/commit/").times(1).fail_then_perform(504, &late));
    world.api.create_commit(REPO, [CommitOperation::delete("a.txt")], "Delete it").await.unwrap();
    late.perform().await;
    assert_eq!(world.titles().await.len(), before + 1);
}

#[tokio::test]
async fn a_commit_without_a_parent_is_not_sent_again_while_it_may_be_performed() {
    let world = Uploading::start().await;
    let before = world.titles().await.len();
    let late = Late::default();
    world.hub.fault(Fault::on(Method::POST, "/commit/").times(1).fail_then_perform(504, &late));
    let python = world.api.with_python_requests();
    let error: Error = python.create_commit(REPO, add("a.txt"), "Add it").await.unwrap_err();
    assert!(error.to_string().contains("may have been made"), "{error}");
    late.perform().await;
    assert_eq!((world.commits_sent(), world.titles().await.len()), (1, before + 1));
}

#[tokio::test]
async fn commits_to_one_branch_follow_one_another() {
    let world = Uploading::start().await;
    let before = world.titles().await.len();
    let paths: Vec<String> = (0..8).map(|n| format!("{n}.txt")).collect();
    try_join_all(paths.iter().map(|path| world.api.create_commit(REPO, add(path), "Add it").into_future()))
        .await
        .unwrap();
    assert_eq!(world.files().await, paths);
    assert_eq!(world.titles().await.len(), before + 8);
}

#[tokio::test]
async fn a_commit_on_a_parent_that_was_named_does_not_follow() {
    let world = Uploading::start().await;
    let parent = world.head().await;
    world.api.create_commit(REPO, add("a.txt"), "First").await.unwrap();
    let late = world.api.create_commit(REPO, add("b.txt"), "Second").parent_commit(parent);
    assert_eq!(late.await.unwrap_err().kind(), ErrorKind::ParentMoved);
}

#[tokio::test]
async fn a_commit_is_made_whatever_host_the_answer_names() {
    let world = Uploading::start().await;
    let oid = "0123456789012345678901234567890123456789";
    for url in ["https://inner.example:8443/local/m/commit/x", "nowhere", ""] {
        let answer = format!(r#"{{"success":true,"commitOid":"{oid}","commitUrl":"{url}"}}"#);
        world.hub.fault(Fault::on(Method::POST, "/commit/").times(1).commit_then_fail(200).body(answer));
        let commit =
            world.api.create_commit(REPO, add(&format!("{}.txt", url.len())), "Add it").await.unwrap();
        assert_eq!(commit.oid, oid);
        assert_eq!(commit.repo_url.repo_id, REPO, "{url}");
        world.hub.clear_faults();
    }
}
