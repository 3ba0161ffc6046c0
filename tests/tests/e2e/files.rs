//! Files of repositories: listed, described and found.
use crate::hub::Hub;
use hub_api::types::{RepoTreeEntry, RepoType};
use hub_api::{Arg, ErrorKind, types::RepoId};
use hub_local::{Fault, Method, Origin};
use hub_upload::Uploads as _;

/// Names that have to be encoded in one way or another.
const ODD: [&str; 5] = ["a b/c#1.txt", "a%20b", "q?x=1&y", "ünï/çode+.txt", "quo\"te'.txt"];

async fn odd_model(hub: &Hub) {
    hub.model("local/m", &ODD.map(|path| (path, "x"))).await;
}

#[tokio::test]
async fn odd_names_are_found_wherever_they_stand() {
    let hub = Hub::start().await;
    odd_model(&hub).await;
    hub.api.create_branch("local/m", "a/b#c").await.unwrap();
    let mut files = hub.api.list_repo_files("local/m").revision("a/b#c").await.unwrap();
    files.retain(|path| path != ".gitattributes");
    let mut expected = ODD.map(str::to_owned);
    files.sort();
    expected.sort();
    assert_eq!(files, expected);
    for path in ODD {
        assert!(hub.api.file_exists("local/m", path).revision("a/b#c").await.unwrap(), "{path}");
        let info = hub.api.get_paths_info("local/m", path).revision("a/b#c").await.unwrap();
        assert_eq!(info[0].path(), path);
    }
    let folder = hub.api.list_repo_tree("local/m").path_in_repo("a b").revision("a/b#c").await.unwrap();
    assert_eq!(folder[0].path(), "a b/c#1.txt");
}

#[tokio::test]
async fn a_tree_is_listed_over_all_pages() {
    let hub = Hub::with_pages_of(2).await;
    hub.model("local/m", &[("a", "1"), ("d/e/f", "12"), ("d/g", "123")]).await;
    let paths = async |recursive, folder: &str| -> Vec<String> {
        let tree = hub.api.list_repo_tree("local/m").recursive(recursive).path_in_repo(folder);
        tree.await.unwrap().iter().map(|entry| entry.path().to_owned()).collect()
    };
    assert_eq!(paths(false, "").await, [".gitattributes", "a", "d"]);
    assert_eq!(paths(true, "").await.len(), 6);
    assert_eq!(paths(false, "d").await, ["d/e", "d/g"]);
    assert_eq!(paths(true, "d/e").await, ["d/e/f"]);
    assert_eq!(hub.api.list_repo_files("local/m").await.unwrap(), [".gitattributes", "a", "d/e/f", "d/g"]);
}

#[tokio::test]
async fn entries_tell_sizes_hashes_and_last_commits() {
    let hub = Hub::start().await;
    let first = hub.model("local/m", &[("a", "1"), ("d/x", "12")]).await;
    let second = hub.commit("local/m", &[("d/x", "123")]).await;
    let entries = hub.api.get_paths_info("local/m", ["a", "d", "missing", "d/x"]).expand(true).await.unwrap();
    let [RepoTreeEntry::File(a), RepoTreeEntry::Folder(d), RepoTreeEntry::File(x)] = &entries[..] else {
        panic!("{entries:?}")
    };
    // What `printf 1 | git hash-object --stdin` says.
    assert_eq!((a.size, a.blob_id.as_str()), (1, "56a6051ca2b02b04ef92d5150c9ef600403cb1de"));
    let last = |commit: &Option<hub_api::types::LastCommitInfo>| commit.as_ref().unwrap().oid.clone();
    assert_eq!(last(&a.last_commit), first.as_str());
    assert_eq!((last(&d.last_commit), last(&x.last_commit)), (second.to_string(), second.to_string()));
    assert_eq!(x.size, 3);
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let hub = Hub::start().await;
    hub.api.create_repo("m").await.unwrap();
    let api = &hub.api;
    let kinds = [
        (api.list_repo_tree("local/m").path_in_repo("nope").await, ErrorKind::EntryNotFound),
        (api.list_repo_tree("local/m").revision("nope").await, ErrorKind::RevisionNotFound),
        (api.list_repo_tree("local/nope").await, ErrorKind::RepositoryNotFound),
        (api.get_paths_info("local/m", "x").revision("nope").await, ErrorKind::RevisionNotFound),
    ];
    for (result, kind) in kinds {
        assert_eq!(result.unwrap_err().kind(), kind);
    }
    for (repo, revision, file) in
        [("local/m", "main", "nope"), ("local/m", "nope", ".gitattributes"), ("local/nope", "main", "x")]
    {
        assert!(!api.file_exists(repo, file).revision(revision).await.unwrap(), "{repo} {revision} {file}");
    }
}

#[tokio::test]
async fn the_metadata_of_a_small_file_is_that_of_the_hub() {
    let hub = Hub::start().await;
    let commit = hub.model("local/m", &[("a", "1")]).await;
    let url = format!("{}/local/m/resolve/main/a", hub.endpoint());
    let file = hub.api.get_hf_file_metadata(&url).await.unwrap();
    assert_eq!(file.commit_hash, Some(commit));
    let etag = file.etag.unwrap();
    assert_eq!(etag.git_sha1(), Some("56a6051ca2b02b04ef92d5150c9ef600403cb1de"));
    assert_eq!((file.size, file.location), (Some(1), url));
}

#[tokio::test]
async fn the_metadata_of_a_large_file_is_told_without_going_there() {
    let hub = Hub::start().await;
    hub.api.create_repo("d").repo_type(RepoType::Dataset).await.unwrap();
    let content = vec![7; 5000];
    let repo_id = Arg::<RepoId>::from("local/d");
    hub.api.upload_file(content, "x y.safetensors", repo_id).repo_type(RepoType::Dataset).await.unwrap();
    hub.clear_requests();
    let url = format!("{}/datasets/local/d/resolve/main/x%20y.safetensors", hub.endpoint());
    let file = hub.api.get_hf_file_metadata(url).await.unwrap();
    assert_eq!(file.size, Some(5000));
    // What `head -c 5000 /dev/zero | tr '\0' '\7' | sha256sum` says.
    let sha256 = "f302a3f85503eeb1a105c81a5fbea0aa461417fb3893919572949cadbfee86a7";
    assert_eq!(file.etag.unwrap().sha256(), Some(sha256));
    assert!(file.location.starts_with(hub.storage_endpoint()), "{}", file.location);
    assert!(hub.requests().iter().all(|request| request.origin == Origin::Hub));
}

#[tokio::test]
async fn metadata_follows_a_renamed_repository() {
    let hub = Hub::start().await;
    hub.model("local/old", &[("a", "1")]).await;
    hub.api.move_repo("local/old", "local/new").await.unwrap();
    let url = |name: &str| format!("{}/local/{name}/resolve/main/a", hub.endpoint());
    let file = hub.api.get_hf_file_metadata(url("old")).await.unwrap();
    assert_eq!((file.size, file.location), (Some(1), url("new")));
}

#[tokio::test]
async fn metadata_that_could_name_another_file_is_refused() {
    let hub = Hub::start().await;
    hub.model("local/m", &[("a", "1")]).await;
    let url = format!("{}/local/m/resolve/main/a", hub.endpoint());
    for (header, value) in [("etag", "\"../../x\""), ("x-repo-commit", "../x")] {
        hub.fault(Fault::on(Method::HEAD, "/resolve/").replace_header(header, value));
        let error = hub.api.get_hf_file_metadata(&url).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileMetadata, "{header}");
        hub.clear_faults();
    }
}

#[tokio::test]
async fn the_token_goes_to_no_other_host() {
    let (hub, elsewhere) = (Hub::start().await, Hub::start().await);
    let url = format!("{}/local/m/resolve/main/a", elsewhere.endpoint());
    assert!(hub.api.get_hf_file_metadata(url).await.is_err());
    let seen = elsewhere.requests();
    assert_eq!((seen.len(), seen[0].authorization()), (1, None));
}

#[tokio::test]
async fn a_tree_tells_last_commits_when_asked_to() {
    let hub = Hub::with_pages_of(2).await;
    let first = hub.model("local/m", &[("a", "1"), ("d/x", "12")]).await;
    let second = hub.commit("local/m", &[("d/x", "123")]).await;
    let tree = hub.api.list_repo_tree("local/m").recursive(true).expand(true).await.unwrap();
    let commits: Vec<_> = tree
        .iter()
        .map(|entry| match entry {
            RepoTreeEntry::File(file) => (file.path.as_str(), file.last_commit.as_ref()),
            RepoTreeEntry::Folder(folder) => (folder.path.as_str(), folder.last_commit.as_ref()),
        })
        .map(|(path, commit)| (path, commit.unwrap().oid.as_str()))
        .collect();
    assert_eq!(commits[1..], [("a", first.as_str()), ("d", second.as_str()), ("d/x", second.as_str())]);
    let plain = hub.api.list_repo_tree("local/m").await.unwrap();
    assert_eq!(plain[0].as_file().unwrap().last_commit, None);
}

#[tokio::test]
async fn the_files_of_a_dataset_are_not_those_of_the_model_of_its_name() {
    let (hub, dataset) = (Hub::start().await, RepoType::Dataset);
    hub.model("local/x", &[("of_model", "1")]).await;
    hub.api.create_repo("x").repo_type(dataset).await.unwrap();
    hub.api.create_branch("local/x", "dev").repo_type(dataset).await.unwrap();
    let upload = hub.api.upload_file(b"12".to_vec(), "of_dataset", "local/x").repo_type(dataset);
    upload.revision("dev").await.unwrap();
    let both = ["of_model", "of_dataset"];
    let infos = hub.api.get_paths_info("local/x", both).repo_type(dataset).revision("dev").await.unwrap();
    let tree = hub.api.list_repo_tree("local/x").repo_type(dataset).revision("dev").await.unwrap();
    let files = hub.api.list_repo_files("local/x").repo_type(dataset).revision("dev").await.unwrap();
    assert_eq!((infos.len(), infos[0].path()), (1, "of_dataset"));
    assert_eq!(tree[1], infos[0]);
    assert_eq!(files, [".gitattributes", "of_dataset"]);
    let exists = |file: &str, revision: &str| {
        hub.api.file_exists("local/x", file).repo_type(dataset).revision(revision).into_future()
    };
    assert!(exists("of_dataset", "dev").await.unwrap());
    assert!(!exists("of_dataset", "main").await.unwrap());
    assert!(!exists("of_model", "dev").await.unwrap());
}
