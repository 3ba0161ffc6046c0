//! Names that a repository must not have written.
use crate::downloading::{Downloading, REPO, names};
use hub_api::ErrorKind;
use hub_cache::Downloads as _;
use hub_local::{Fault, Method};
use std::fs;

async fn hub() -> Downloading {
    Downloading::of(&[("config.json", b"{}".to_vec())]).await
}

/// The listing of a repository that has `config.json` and a file of this name.
async fn listing_with(hub: &Downloading, path: &str) -> Fault {
    let config = hub.api.get_paths_info(REPO, ["config.json"]).await.unwrap();
    let config = &config[0].as_file().unwrap().blob_id;
    let entry = |path: &str| {
        let path = serde_json::to_string(path).unwrap();
        format!(r#"{{"type":"file","path":{path},"size":2,"oid":"{config}"}}"#)
    };
    let page = format!("[{},{}]", entry("config.json"), entry(path));
    hub.clear_requests();
    Fault::on(Method::GET, "/tree/").body(page).header("content-type", "application/json")
}

#[tokio::test]
async fn reserved_names_are_refused_in_a_local_dir_before_anything_is_written() {
    for path in [
        ".cache/huggingface/download/config.json.metadata",
        ".Cache/HuggingFace/trees/x.json",
        ".git/config",
        ".GIT/hooks/post-checkout",
        "sub/.git/config",
        "git~1/config",
        ".g\u{200c}it/config",
    ] {
        let hub = hub().await;
        hub.fault(listing_with(&hub, path).await);
        let folder = hub.folder();
        let error = hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap_err();
        assert_eq!((error.kind(), error.subject()), (ErrorKind::UnsafePath, Some(path)), "{error}");
        assert!(!folder.exists() && hub.content_requests().is_empty(), "{path}");
        // Filtered out, it is nobody's business.
        hub.api.snapshot_download(REPO).local_dir(&folder).ignore_patterns([path]).await.unwrap();
        assert_eq!(fs::read(folder.join("config.json")).unwrap(), b"{}");
        // Nor is it when the listing was kept.
        let error = hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsafePath, "{error}");

        hub.clear_requests();
        let error = hub.api.hf_hub_download(REPO, path).local_dir(&folder).await.unwrap_err();
        assert_eq!((error.kind(), hub.requests().len()), (ErrorKind::UnsafePath, 0), "{error}");
    }
}

#[tokio::test]
async fn names_reserved_in_a_local_dir_are_harmless_in_the_cache() {
    let hub = Downloading::of(&[(".gitattributes", b"x".to_vec()), (".github/ci.yml", b"y".to_vec())]).await;
    let folder = hub.folder();
    hub.api.snapshot_download(REPO).local_dir(&folder).await.unwrap();
    assert_eq!(fs::read(folder.join(".github/ci.yml")).unwrap(), b"y");
    hub.fault(listing_with_blob(&hub, ".cache/huggingface/x").await);
    let commit = hub.commit(&[("more", b"z".to_vec())]).await;
    let snapshot = hub.api.snapshot_download(REPO).revision(commit).await.unwrap();
    assert_eq!(fs::read(snapshot.join(".cache/huggingface/x")).unwrap(), b"x");
}

/// A listing of one file with the content of `.gitattributes`.
async fn listing_with_blob(hub: &Downloading, path: &str) -> Fault {
    let listed = hub.api.get_paths_info(REPO, [".gitattributes"]).await.unwrap();
    let blob = &listed[0].as_file().unwrap().blob_id;
    let page = format!(r#"[{{"type":"file","path":"{path}","size":1,"oid":"{blob}"}}]"#);
    let resolve = Fault::on(Method::GET, "/resolve/").status(200).body("x");
    hub.fault(resolve);
    Fault::on(Method::GET, "/tree/").body(page).header("content-type", "application/json")
}

#[tokio::test]
async fn refused_name_matters_only_if_the_file_is_wanted() {
    for path in ["dir\\model.bin", "../x", "/x", "C:\\x", "a/../../b"] {
        let hub = hub().await;
        hub.fault(listing_with(&hub, path).await);
        let error = hub.api.snapshot_download(REPO).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsafePath, "{error}");
        assert_eq!(names(&hub.api.config().cache_dir), [""; 0], "{path}");
        for _ in 0..2 {
            let folder = hub.api.snapshot_download(REPO).allow_patterns(["*.json"]).await.unwrap();
            assert_eq!(names(&folder), ["config.json"], "{path}");
        }
        hub.offline().snapshot_download(REPO).allow_patterns(["*.json"]).await.unwrap();
        let error = hub.api.snapshot_download(REPO).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsafePath, "{error}");
    }
}
