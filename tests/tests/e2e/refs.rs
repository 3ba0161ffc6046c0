//! Branches, tags and history.
use crate::hub::Hub;
use hub_api::ErrorKind;
use hub_api::types::{CommitHash, GitRefInfo, RepoType};
use hub_upload::{CommitOperation, Uploads as _};

async fn branches_and_tags(hub: &Hub) -> (Vec<String>, Vec<String>) {
    let refs = hub.api.list_repo_refs("local/m").await.unwrap();
    let names = |refs: Vec<GitRefInfo>| refs.into_iter().map(|known| known.name).collect();
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

#[tokio::test]
async fn a_tag_with_a_message_is_more_than_a_name() {
    let hub = Hub::start().await;
    let commit = hub.model("local/m", &[("a", "1")]).await;
    hub.api.create_tag("local/m", "plain").await.unwrap();
    hub.api.create_tag("local/m", "told").tag_message("first").await.unwrap();
    let refs = hub.api.list_repo_refs("local/m").await.unwrap();
    assert!(refs.tags.iter().all(|tag| tag.target_commit == commit.as_str()), "{refs:?}");
    let git = hub.git_dir(RepoType::Model, &"local/m".parse().unwrap()).await.unwrap();
    let object = |tag: &str| std::fs::read_to_string(git.join("refs/tags").join(tag)).unwrap();
    assert_eq!(object("plain").trim(), commit.as_str());
    assert_ne!(object("told").trim(), commit.as_str(), "it leads to the message first");
}

#[tokio::test]
async fn a_deleted_tag_is_no_revision() {
    let hub = Hub::start().await;
    hub.model("local/m", &[("a", "1")]).await;
    for tag in ["v1", "v2"] {
        hub.api.create_tag("local/m", tag).await.unwrap();
    }
    hub.api.delete_tag("local/m", "v1").await.unwrap();
    assert_eq!(branches_and_tags(&hub).await.1, ["v2"]);
    assert!(!hub.api.revision_exists("local/m", "v1").await.unwrap());
}

#[tokio::test]
async fn the_branch_that_is_named_is_squashed() {
    let hub = Hub::start().await;
    hub.model("local/m", &[("a", "1")]).await;
    hub.api.create_branch("local/m", "dev/x").await.unwrap();
    hub.api.super_squash_history("local/m").branch("dev/x").await.unwrap();
    let commits = hub.api.list_repo_commits("local/m").revision("dev/x").await.unwrap();
    assert_eq!(commits.len(), 1);
    assert!(commits[0].title.contains("dev/x"), "{}", commits[0].title);
    assert_eq!(hub.api.list_repo_commits("local/m").await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_message_is_formatted_when_asked_for() {
    let hub = Hub::start().await;
    hub.api.create_repo("m").await.unwrap();
    let add = [CommitOperation::add("a", b"1".to_vec())];
    hub.api.create_commit("local/m", add, "Add `a`").commit_description("1 < 2").await.unwrap();
    let commits = hub.api.list_repo_commits("local/m").formatted(true).await.unwrap();
    assert_eq!((commits[0].title.as_str(), commits[0].message.as_str()), ("Add `a`", "1 < 2"));
    assert_eq!(commits[0].formatted_title.as_deref(), Some("Add <code>a</code>"));
    assert_eq!(commits[0].formatted_message.as_deref(), Some("<p>1 &lt; 2</p>"));
    assert_eq!(hub.api.list_repo_commits("local/m").await.unwrap()[0].formatted_title, None);
}

#[tokio::test]
async fn the_references_of_a_dataset_are_not_those_of_the_model_of_its_name() {
    let (hub, dataset) = (Hub::start().await, RepoType::Dataset);
    hub.model("local/m", &[("a", "1")]).await;
    hub.api.create_repo("m").repo_type(dataset).await.unwrap();
    let before = branches_and_tags(&hub).await;
    for name in ["kept", "dropped"] {
        hub.api.create_branch("local/m", name).repo_type(dataset).await.unwrap();
        hub.api.create_tag("local/m", format!("{name}-tag")).repo_type(dataset).await.unwrap();
    }
    hub.api.delete_branch("local/m", "dropped").repo_type(dataset).await.unwrap();
    hub.api.delete_tag("local/m", "dropped-tag").repo_type(dataset).await.unwrap();
    let refs = hub.api.list_repo_refs("local/m").repo_type(dataset).await.unwrap();
    let names: Vec<_> = refs.branches.iter().chain(&refs.tags).map(|known| known.name.as_str()).collect();
    assert_eq!(names, ["kept", "main", "kept-tag"]);
    assert!(hub.api.revision_exists("local/m", "kept").repo_type(dataset).await.unwrap());
    assert!(!hub.api.revision_exists("local/m", "kept").await.unwrap());
    assert_eq!(branches_and_tags(&hub).await, before);
}

#[tokio::test]
async fn the_history_of_a_dataset_is_not_that_of_the_model_of_its_name() {
    let (hub, dataset) = (Hub::start().await, RepoType::Dataset);
    hub.model("local/m", &[("a", "1")]).await;
    hub.api.create_repo("m").repo_type(dataset).await.unwrap();
    let upload = hub.api.upload_file(b"1".to_vec(), "rows", "local/m").repo_type(dataset);
    upload.commit_message("Add rows").await.unwrap();
    let commits = async |kind| hub.api.list_repo_commits("local/m").repo_type(kind).await.unwrap();
    let model = commits(RepoType::Model).await;
    assert_eq!(commits(dataset).await[0].title, "Add rows");
    hub.api.super_squash_history("local/m").repo_type(dataset).commit_message("One").await.unwrap();
    let squashed = commits(dataset).await;
    assert_eq!((squashed.len(), squashed[0].title.as_str()), (1, "One"));
    assert_eq!(commits(RepoType::Model).await, model);
}

#[tokio::test]
async fn pull_requests_are_references_when_they_are_asked_for() {
    let hub = Hub::start().await;
    hub.model("local/m", &[("a", "1")]).await;
    let add = [CommitOperation::add("b", b"2".to_vec())];
    let commit = hub.api.create_commit("local/m", add, "Add b").create_pr(true).await.unwrap();
    assert_eq!(hub.api.list_repo_refs("local/m").await.unwrap().pull_requests, None);
    let refs = hub.api.list_repo_refs("local/m").include_pull_requests(true).await.unwrap();
    assert_eq!(refs.pull_requests, Some(vec![GitRefInfo::new("refs/pr/1", "refs/pr/1", commit.oid)]));
}
