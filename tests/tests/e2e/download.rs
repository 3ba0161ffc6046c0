//! One file into the cache.
use crate::downloading::{Downloading, REPO, names, noise};
use hub_api::ErrorKind;
use hub_api::types::{RepoType, Revision};
use hub_cache::Downloads as _;
use hub_local::{Fault, Method, Origin};
use hub_upload::Uploads as _;
use std::fs;
use std::time::Duration;

#[tokio::test]
async fn file_by_branch_costs_two_requests_then_one_and_by_commit_none() {
    let hub = Downloading::of(&[("config.json", b"{}".to_vec())]).await;
    let path = hub.api.hf_hub_download(REPO, "config.json").await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"{}");
    assert_eq!(hub.requests().len(), 2);
    hub.clear_requests();
    assert_eq!(hub.api.hf_hub_download(REPO, "config.json").await.unwrap(), path);
    let requests = hub.requests();
    assert_eq!((requests.len(), &requests[0].method), (1, &Method::HEAD));
    hub.clear_requests();
    let commit = hub.cache().commit_of(&Revision::main()).unwrap();
    assert_eq!(hub.api.hf_hub_download(REPO, "config.json").revision(commit).await.unwrap(), path);
    assert_eq!(hub.requests().len(), 0);
}

#[tokio::test]
async fn the_cache_has_the_layout_of_the_python_client() {
    let weights = noise(3 << 20, 1);
    let hub = Downloading::of(&[("a/config.json", b"{}\n".to_vec()), ("model.bin", weights.clone())]).await;
    let json = hub.api.hf_hub_download(REPO, "config.json").subfolder("a").await.unwrap();
    let model = hub.api.hf_hub_download(REPO, "model.bin").await.unwrap();
    let folder = hub.api.config().cache_dir.join("models--local--m");
    assert_eq!(names(&folder), ["blobs", "refs", "snapshots"]);
    let commit = fs::read_to_string(folder.join("refs/main")).unwrap();
    assert_eq!(json, folder.join("snapshots").join(&commit).join("a/config.json"));
    // `printf '{}\n' | git hash-object --stdin`
    let blob = "0967ef424bce6791893e9a57bb952f80fd536e93";
    assert_eq!(fs::read_link(&json).unwrap().to_str().unwrap(), format!("../../../blobs/{blob}"));
    assert_eq!(fs::read(&model).unwrap(), weights);
    let target = fs::read_link(&model).unwrap();
    assert_eq!(target.file_name().unwrap().len(), 64, "{target:?}");
}

#[tokio::test]
async fn the_token_stays_at_its_origin() {
    let hub = Downloading::of(&[("model.bin", noise(2 << 20, 2))]).await;
    hub.api.hf_hub_download(REPO, "model.bin").await.unwrap();
    for request in hub.requests() {
        assert_eq!(request.authorization().is_some(), request.origin == Origin::Hub, "{}", request.path);
    }
    assert!(hub.requests().iter().any(|request| request.origin == Origin::Storage));
}

#[tokio::test]
async fn without_the_hub_the_cache_answers() {
    let hub = Downloading::of(&[("config.json", b"{}".to_vec())]).await;
    let path = hub.api.hf_hub_download(REPO, "config.json").await.unwrap();
    hub.clear_requests();
    assert_eq!(hub.offline().hf_hub_download(REPO, "config.json").await.unwrap(), path);
    assert_eq!(hub.unreachable().hf_hub_download(REPO, "config.json").await.unwrap(), path);
    assert_eq!(hub.api.hf_hub_download(REPO, "config.json").local_files_only(true).await.unwrap(), path);
    assert_eq!(hub.requests().len(), 0);
}

#[tokio::test]
async fn what_is_not_in_the_cache_is_missed_with_advice() {
    let hub = Downloading::of(&[("config.json", b"{}".to_vec())]).await;
    let local = hub.api.hf_hub_download(REPO, "config.json").local_files_only(true).await.unwrap_err();
    let offline = hub.offline().hf_hub_download(REPO, "config.json").await.unwrap_err();
    let unreachable = hub.unreachable().hf_hub_download(REPO, "config.json").await.unwrap_err();
    for (error, advice) in
        [(local, "local_files_only"), (offline, "HF_HUB_OFFLINE"), (unreachable, "check the connection")]
    {
        assert_eq!(error.kind(), ErrorKind::LocalEntryNotFound);
        assert!(error.to_string().contains(advice), "{error}");
    }
}

#[tokio::test]
async fn a_file_that_does_not_exist_is_noted_as_absent() {
    let hub = Downloading::of(&[("config.json", b"{}".to_vec())]).await;
    let commit = hub.api.list_repo_refs(REPO).await.unwrap().branches[0].target_commit.to_string();
    let absent = Fault::on(Method::HEAD, "none.json").status(404).header("x-error-code", "EntryNotFound");
    hub.fault(absent.header("x-repo-commit", commit));
    let error = hub.api.hf_hub_download(REPO, "a/none.json").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::EntryNotFound);
    assert!(hub.cache().is_known_absent(&Revision::main(), &"a/none.json".parse().unwrap()));
}

#[tokio::test]
async fn a_revision_that_does_not_exist_is_not_looked_up_in_the_cache() {
    let hub = Downloading::of(&[("config.json", b"{}".to_vec())]).await;
    let error = hub.api.hf_hub_download(REPO, "config.json").revision("v9").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RevisionNotFound);
}

#[tokio::test]
async fn a_branch_that_moved_leads_to_its_new_commit() {
    let hub = Downloading::of(&[("config.json", b"1".to_vec())]).await;
    let old = hub.api.hf_hub_download(REPO, "config.json").await.unwrap();
    let commit = hub.commit(&[("config.json", b"2".to_vec())]).await;
    let new = hub.api.hf_hub_download(REPO, "config.json").await.unwrap();
    assert_eq!([fs::read(old).unwrap(), fs::read(new).unwrap()], [b"1", b"2"]);
    assert_eq!(hub.cache().commit_of(&Revision::main()), Some(commit));
}

#[tokio::test]
async fn a_branch_with_a_slash_is_a_reference_in_a_folder() {
    let hub = Downloading::of(&[("config.json", b"{}".to_vec())]).await;
    hub.api.create_branch(REPO, "try/one").await.unwrap();
    hub.api.hf_hub_download(REPO, "config.json").revision("try/one").await.unwrap();
    assert_eq!(names(&hub.cache().folder().join("refs/try")), ["one"]);
}

#[tokio::test]
async fn force_download_fetches_again_and_needs_the_hub() {
    let hub = Downloading::of(&[("config.json", b"{}".to_vec())]).await;
    let path = hub.api.hf_hub_download(REPO, "config.json").await.unwrap();
    hub.clear_requests();
    let forced = hub.api.hf_hub_download(REPO, "config.json").force_download(true).await.unwrap();
    assert_eq!((forced, hub.content_requests().len()), (path, 1));
    let error = hub.offline().hf_hub_download(REPO, "config.json").force_download(true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[tokio::test]
async fn names_that_leave_the_folder_are_refused_unsent() {
    let hub = Downloading::of(&[]).await;
    for name in ["../x", "/x", "a/../../x", "C:\\x", "a\0b", ""] {
        let error = hub.api.hf_hub_download(REPO, name).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{name:?}");
    }
    assert_eq!(hub.requests().len(), 0);
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let hub = Downloading::of(&[("empty", Vec::new())]).await;
    let path = hub.api.hf_hub_download(REPO, "empty").await.unwrap();
    assert_eq!(fs::read(path).unwrap(), b"");
}

#[tokio::test]
async fn a_file_that_a_commit_lacks_is_remembered() {
    let hub = Downloading::of(&[("config.json", b"{}".to_vec())]).await;
    let error = hub.api.hf_hub_download(REPO, "gone.json").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::EntryNotFound);
    let folder = hub.api.hf_hub_download(REPO, "config.json").await.unwrap();
    let commit = folder.parent().unwrap().file_name().unwrap();
    let repo = folder.ancestors().nth(3).unwrap();
    assert!(repo.join(".no_exist").join(commit).join("gone.json").is_file());
}

#[tokio::test]
async fn a_file_of_a_dataset_is_not_that_of_the_model_of_its_name() {
    let hub = Downloading::of(&[("config.json", b"model".to_vec())]).await;
    hub.api.create_repo(REPO).repo_type(RepoType::Dataset).await.unwrap();
    let upload = hub.api.upload_file(b"dataset".to_vec(), "config.json", REPO);
    upload.repo_type(RepoType::Dataset).await.unwrap();
    let path = hub.api.hf_hub_download(REPO, "config.json").repo_type(RepoType::Dataset).await.unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"dataset");
    assert!(path.starts_with(hub.api.config().cache_dir.join("datasets--local--m")), "{path:?}");
}

#[tokio::test]
async fn a_cache_of_ones_own_is_used_alone() {
    let hub = Downloading::of(&[("config.json", b"{}".to_vec())]).await;
    let own = hub.folder();
    let get = || hub.api.hf_hub_download(REPO, "config.json").cache_dir(&own);
    let path = get().await.unwrap();
    assert!(path.starts_with(own.join("models--local--m")), "{path:?}");
    assert_eq!(get().local_files_only(true).await.unwrap(), path);
    let usual = hub.api.hf_hub_download(REPO, "config.json").local_files_only(true);
    assert_eq!(usual.await.unwrap_err().kind(), ErrorKind::LocalEntryNotFound);
}

#[tokio::test]
async fn a_hub_that_is_silent_is_waited_for_as_long_as_was_said() {
    let hub = Downloading::of(&[("config.json", b"{}".to_vec())]).await;
    let path = hub.api.hf_hub_download(REPO, "config.json").await.unwrap();
    hub.fault(Fault::on(Method::HEAD, "/resolve/").never_answer());
    let patient = hub.api.hf_hub_download(REPO, "config.json").etag_timeout(0.02).into_future();
    // The usual time is ten seconds, again and again.
    let cached = tokio::time::timeout(Duration::from_secs(8), patient).await.expect("it gives up soon");
    assert_eq!(cached.unwrap(), path);
}
