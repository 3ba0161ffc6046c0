//! Branches, tags and history.
use crate::hub::Hub;
use hub_api::ErrorKind;
use hub_api::types::CommitHash;

async fn branches_and_tags(hub: &Hub) -> (Vec<String>, Vec<String>) {
    let refs = hub.api.list_repo_refs("local/m").await.unwrap();
    let names = |refs: Vec<hub_api::types::GitRefInfo>| refs.into_iter().map(|known| known.name).collect();
    (names(refs.branches), names(refs.tags))
}

#[tokio::test]
async fn a_branch_begins_at_its_revision() {
    let hub = Hub::start().await;
    let first = hub.model("local/m", &[("a", "1")]).await;
    let second = hub.commit("local/m", &[("a", "2")]).await;
    hub.api.create_branch("local/m", "dev/old").revision(first.clone()).await.unwrap();
    hub.api.create_branch("local/m", "new").await.unwrap();
    for (branch, commit) in [("dev/old", first), ("new", second)] {
        let info = hub.api.model_info("local/m").revision(branch).await.unwrap();
        assert_eq!(info.sha.as_deref(), Some(commit.as_str()), "{branch}");
    }
}

#[tokio::test]
async fn a_branch_exists_once() {
    let hub = Hub::start().await;
    hub.api.create_repo("m").await.unwrap();
    hub.api.create_branch("local/m", "dev").await.unwrap();
    assert_eq!(hub.api.create_branch("local/m", "dev").await.unwrap_err().status(), Some(409));
    hub.api.create_branch("local/m", "dev").exist_ok(true).await.unwrap();
    hub.api.delete_branch("local/m", "dev").await.unwrap();
    assert_eq!(branches_and_tags(&hub).await.0, ["main"]);
    assert!(hub.api.delete_branch("local/m", "dev").await.is_err());
}

#[tokio::test]
async fn a_tag_names_a_revision_until_it_is_deleted() {
    let hub = Hub::start().await;
    let first = hub.model("local/m", &[("a", "1")]).await;
    hub.commit("local/m", &[("a", "2")]).await;
    hub.api.create_tag("local/m", "v1").revision(first.clone()).tag_message("first").await.unwrap();
    let info = hub.api.model_info("local/m").revision("v1").await.unwrap();
    assert_eq!(info.sha.as_deref(), Some(first.as_str()));
    assert_eq!(hub.api.create_tag("local/m", "v1").await.unwrap_err().status(), Some(409));
    hub.api.create_tag("local/m", "v1").exist_ok(true).await.unwrap();
    assert_eq!(branches_and_tags(&hub).await.1, ["v1"]);
    hub.api.delete_tag("local/m", "v1").await.unwrap();
    assert_eq!(hub.api.delete_tag("local/m", "v1").await.unwrap_err().kind(), ErrorKind::RevisionNotFound);
}

#[tokio::test]
async fn branches_tags_and_commits_are_revisions() {
    let hub = Hub::start().await;
    let commit = hub.model("local/m", &[("a", "1")]).await;
    hub.api.create_branch("local/m", "dev/x").await.unwrap();
    hub.api.create_tag("local/m", "v1").await.unwrap();
    for (revision, exists) in [
        ("main", true),
        ("dev/x", true),
        ("v1", true),
        (commit.as_str(), true),
        ("dev", false),
        ("refs/pr/1", false),
    ] {
        assert_eq!(hub.api.revision_exists("local/m", revision).await.unwrap(), exists, "{revision}");
    }
    assert!(!hub.api.revision_exists("local/missing", "main").await.unwrap());
}

#[tokio::test]
async fn commits_are_listed_from_the_newest_over_all_pages() {
    let hub = Hub::with_pages_of(2).await;
    let first = hub.model("local/m", &[("a", "1")]).await;
    let mut hashes = vec![first];
    for text in ["2", "3", "4"] {
        hashes.push(hub.commit("local/m", &[("a", text)]).await);
    }
    let commits = hub.api.list_repo_commits("local/m").formatted(true).await.unwrap();
    let listed: Vec<&str> = commits.iter().map(|commit| commit.commit_id.as_str()).collect();
    let newest: Vec<&str> = hashes.iter().rev().map(CommitHash::as_str).collect();
    assert_eq!((&listed[..4], listed.len()), (&newest[..], 5));
    assert_eq!((commits[0].title.as_str(), commits[0].authors[0].as_str()), ("add files", "local"));
    assert_eq!(commits[0].formatted_title.as_deref(), Some("add files"));
    let older = hub.api.list_repo_commits("local/m").revision(hashes[1].clone()).await.unwrap();
    assert_eq!(older.len(), 3);
}

#[tokio::test]
async fn a_squashed_branch_has_its_files_and_one_commit() {
    let hub = Hub::start().await;
    hub.model("local/m", &[("a", "1"), ("b", "1")]).await;
    hub.commit("local/m", &[("a", "2")]).await;
    hub.api.create_branch("local/m", "kept").await.unwrap();
    hub.api.super_squash_history("local/m").commit_message("all in one").await.unwrap();
    let commits = hub.api.list_repo_commits("local/m").await.unwrap();
    assert_eq!((commits.len(), commits[0].title.as_str()), (1, "all in one"));
    assert_eq!(hub.api.list_repo_files("local/m").await.unwrap(), [".gitattributes", "a", "b"]);
    assert_eq!(hub.api.list_repo_commits("local/m").revision("kept").await.unwrap().len(), 3);
    let error = hub.api.super_squash_history("local/m").branch("missing").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RevisionNotFound);
}
