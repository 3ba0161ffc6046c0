//! What is in the cache is what it is called, whatever servers and earlier runs did.
use crate::downloading::{Downloading, REPO, names, noise};
use hub_api::ErrorKind;
use hub_cache::Downloads as _;
use hub_local::{Cut, Fault, Method, Origin};
use std::fs;

const LARGE: usize = 3 << 20;

/// A Hub with a small file kept in git and a large one kept in LFS.
async fn hub() -> Downloading {
    Downloading::of(&[("config.json", b"{\"a\": 1}".to_vec()), ("model.bin", noise(LARGE, 7))]).await
}

#[tokio::test]
async fn a_changed_byte_in_lfs_content_is_a_hash_mismatch_and_leaves_nothing() {
    let hub = hub().await;
    let fault = hub.fault(Fault::on(Method::GET, "").at(Origin::Storage).corrupt_byte(1_000_000).times(1));
    let error = hub.api.hf_hub_download(REPO, "model.bin").await.unwrap_err();
    assert_eq!((error.kind(), fault.hits()), (ErrorKind::HashMismatch, 1));
    assert_eq!(error.subject(), Some("model.bin"));
    let hashes =
        error.to_string().split(|c: char| !c.is_ascii_hexdigit()).filter(|hash| hash.len() == 64).count();
    assert_eq!(hashes, 2, "expected and actual: {error}");
    assert_eq!(hub.blobs(), [""; 0]);
    let path = hub.api.hf_hub_download(REPO, "model.bin").await.unwrap();
    assert_eq!(fs::read(path).unwrap(), noise(LARGE, 7));
}

#[tokio::test]
async fn a_changed_byte_in_git_content_is_a_hash_mismatch() {
    let hub = hub().await;
    hub.fault(Fault::on(Method::GET, "config.json").corrupt_byte(3).times(1));
    let error = hub.api.hf_hub_download(REPO, "config.json").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HashMismatch);
    assert_eq!(hub.blobs(), [""; 0]);
    hub.api.hf_hub_download(REPO, "config.json").await.unwrap();
}

#[tokio::test]
async fn pages_of_errors_never_become_blobs() {
    for (status, body) in [(404, "gone"), (403, "no"), (500, "oops"), (200, "<html>log in</html>")] {
        let hub = hub().await;
        let page = Fault::on(Method::GET, "/resolve/").status(status).body(body);
        hub.fault(page.header("content-type", "text/html"));
        for file in ["config.json", "model.bin"] {
            // What the client was told to fetch is at the storage; there it is the same.
            let page = Fault::on(Method::GET, "").at(Origin::Storage).status(status).body(body);
            hub.fault(page.header("content-type", "text/html"));
            let error = hub.api.hf_hub_download(REPO, file).await.unwrap_err();
            assert!(!error.to_string().is_empty());
            assert_eq!(hub.blobs(), [""; 0], "{status} {file}");
        }
    }
}

#[tokio::test]
async fn a_web_page_in_place_of_a_file_is_called_one() {
    let hub = hub().await;
    let page = Fault::on(Method::GET, "config.json").status(200).body("<html>please log in</html>");
    hub.fault(page.header("content-type", "text/html"));
    let error = hub.api.hf_hub_download(REPO, "config.json").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotAHub, "{error}");
}

#[tokio::test]
async fn a_pointer_in_place_of_its_content_is_called_one() {
    let hub = hub().await;
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 3145728\n";
    hub.fault(Fault::on(Method::GET, "").at(Origin::Storage).status(200).body(pointer));
    hub.fault(Fault::on(Method::GET, "/resolve/").status(200).body(pointer));
    let error = hub.api.hf_hub_download(REPO, "model.bin").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::HashMismatch);
    assert!(error.to_string().contains("LFS pointer of `model.bin`"), "{error}");
    assert_eq!(hub.blobs(), [""; 0]);
}

#[tokio::test]
async fn a_body_that_breaks_goes_on_where_it_broke() {
    for cut in [Cut::Finish, Cut::Reset] {
        let hub = hub().await;
        hub.fault(Fault::on(Method::GET, "").at(Origin::Storage).times(1).cut_after(1 << 20, cut));
        let path = hub.api.hf_hub_download(REPO, "model.bin").await.unwrap();
        assert_eq!(fs::read(path).unwrap(), noise(LARGE, 7));
        let requests = hub.content_requests();
        assert_eq!(requests.len(), 2);
        assert!(requests[1].range().unwrap().starts_with("bytes="), "{cut:?}");
    }
}

#[tokio::test]
async fn a_server_that_ignores_ranges_is_read_from_the_start() {
    let hub = hub().await;
    let storage = || Fault::on(Method::GET, "").at(Origin::Storage);
    hub.fault(storage().times(1).cut_after(1 << 20, Cut::Finish));
    hub.fault(storage().ignore_range());
    let path = hub.api.hf_hub_download(REPO, "model.bin").await.unwrap();
    assert_eq!(fs::read(path).unwrap(), noise(LARGE, 7));
}

#[tokio::test]
async fn a_body_without_length_that_ends_early_is_no_file() {
    let hub = hub().await;
    let storage = Fault::on(Method::GET, "").at(Origin::Storage).times(1);
    hub.fault(storage.without_length().truncate_after(1 << 20));
    let path = hub.api.hf_hub_download(REPO, "model.bin").await.unwrap();
    assert_eq!(fs::read(path).unwrap(), noise(LARGE, 7));
}

#[tokio::test]
async fn a_prefix_that_was_damaged_is_fetched_again() {
    let hub = hub().await;
    let etag = hub.api.get_paths_info(REPO, ["model.bin"]).await.unwrap();
    let etag = etag[0].as_file().unwrap().content_hash().to_owned();
    fs::create_dir_all(hub.cache().blobs()).unwrap();
    fs::write(hub.cache().blobs().join(format!("{etag}.incomplete")), vec![1; 500_000]).unwrap();
    let path = hub.api.hf_hub_download(REPO, "model.bin").await.unwrap();
    assert_eq!(fs::read(path).unwrap(), noise(LARGE, 7));
    assert_eq!(hub.blobs(), [etag]);
}

#[tokio::test]
async fn hostile_headers_write_nothing() {
    for (header, value) in
        [("etag", "\"../../../x\""), ("x-linked-etag", "../../x"), ("x-repo-commit", "../../x")]
    {
        let hub = hub().await;
        hub.fault(Fault::on(Method::HEAD, "/resolve/").replace_header(header, value));
        assert!(hub.api.hf_hub_download(REPO, "config.json").await.is_err(), "{header}");
        assert_eq!(names(&hub.api.config().cache_dir), [""; 0], "{header}");
    }
}

#[tokio::test]
async fn a_hostile_listing_is_refused_before_any_write() {
    for path in ["../x", "/x", "C:\\\\x", "a\\u0000b", "a/../../b"] {
        let hub = hub().await;
        let blob = "a".repeat(40);
        let good = format!(r#"{{"type":"file","path":"good","size":1,"oid":"{blob}"}}"#);
        let bad = format!(r#"{{"type":"file","path":"{path}","size":1,"oid":"{blob}"}}"#);
        let page = Fault::on(Method::GET, "/tree/").status(200).body(format!("[{good},{bad}]"));
        hub.fault(page.header("content-type", "application/json"));
        let error = hub.api.snapshot_download(REPO).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsafePath, "{error}");
        assert_eq!(names(&hub.api.config().cache_dir), [""; 0], "{path}");
        let error = hub.api.snapshot_download(REPO).local_dir(hub.folder()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnsafePath, "{error}");
        assert!(!hub.folder().exists());
    }
}
