//! Servers that say less than the Hub, or say it otherwise.
use crate::downloading::{Downloading, REPO, noise};
use hub_api::ErrorKind;
use hub_cache::Downloads as _;
use hub_local::{Fault, Method, Origin};
use std::fs;

const CONFIG: &[u8] = b"{\"a\": 1}";
/// `CONFIG`, compressed.
const GZIPPED: &[u8] = &[
    31, 139, 8, 0, 0, 0, 0, 0, 2, 3, 171, 86, 74, 84, 178, 82, 48, 172, 5, 0, 151, 142, 161, 251, 8, 0, 0, 0,
];

async fn hub() -> Downloading {
    Downloading::of(&[("config.json", CONFIG.to_vec()), ("sub/deep/model.bin", noise(2 << 20, 41))]).await
}

async fn commit_of(hub: &Downloading) -> String {
    hub.api.model_info(REPO).await.unwrap().sha.unwrap()
}

async fn is_downloaded(hub: &Downloading) {
    let folder = hub.api.snapshot_download(REPO).await.unwrap();
    assert_eq!(fs::read(folder.join("config.json")).unwrap(), CONFIG);
    assert_eq!(fs::read(folder.join("sub/deep/model.bin")).unwrap(), noise(2 << 20, 41));
    hub.clear_faults();
    assert_eq!(hub.offline().snapshot_download(REPO).await.unwrap(), folder);
}

#[tokio::test]
async fn size_comes_from_the_content_where_head_does_not_say_it() {
    let head = || Fault::on(Method::HEAD, "config.json");
    let refused = |status| head().status(status);
    for fault in [
        head().drop_header("content-length").without_length(),
        head().replace_header("content-length", "0"),
        head().replace_header("content-length", "5"),
        head().replace_header("content-length", "4711"),
        refused(405),
        refused(501),
    ] {
        let hub = hub().await;
        let shown = format!("{fault:?}");
        hub.fault(fault);
        let path = hub.api.hf_hub_download(REPO, "config.json").await.unwrap();
        assert_eq!(fs::read(&path).unwrap(), CONFIG, "{shown}");
        assert_eq!(hub.blobs().len(), 1, "nothing unfinished is left: {:?}", hub.blobs());
        hub.clear_requests();
        assert_eq!(hub.api.hf_hub_download(REPO, "config.json").await.unwrap(), path);
        assert_eq!(
            hub.content_requests().iter().filter(|r| r.method == Method::GET).count(),
            usize::from(shown.contains("status: Some")),
            "{shown}"
        );
        let folder = hub.folder();
        let file = hub.api.hf_hub_download(REPO, "config.json").local_dir(&folder).await.unwrap();
        assert_eq!(fs::read(file).unwrap(), CONFIG, "{shown}");
    }
}

#[tokio::test]
async fn linked_size_counts_more_than_the_length_of_the_answer() {
    let hub = hub().await;
    let fault = Fault::on(Method::HEAD, "config.json").header("x-linked-size", CONFIG.len().to_string());
    hub.fault(fault.replace_header("content-length", "0"));
    hub.api.hf_hub_download(REPO, "config.json").await.unwrap();
    assert_eq!(hub.content_requests().len(), 1);
}

#[tokio::test]
async fn content_that_is_compressed_on_the_way_is_whole() {
    for (head_encoding, body) in [(true, GZIPPED), (false, GZIPPED)] {
        let hub = hub().await;
        let get =
            Fault::on(Method::GET, "/resolve/").status(200).body(body).header("content-encoding", "gzip");
        hub.fault(get);
        if head_encoding {
            let head = Fault::on(Method::HEAD, "config.json").header("content-encoding", "gzip");
            hub.fault(head.replace_header("content-length", body.len().to_string()));
        }
        let path = hub.api.hf_hub_download(REPO, "config.json").await.unwrap();
        assert_eq!(fs::read(path).unwrap(), CONFIG, "{head_encoding}");
    }
}

#[tokio::test]
async fn content_of_unknown_size_is_compared_with_its_hash() {
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:ab\nsize 3145728\n";
    let page = "<html>log in</html>";
    for (file, body, kind, said) in [
        ("config.json", "{\"a\": 2}", ErrorKind::HashMismatch, "hash"),
        ("config.json", page, ErrorKind::NotAHub, "web page"),
        ("sub/deep/model.bin", pointer, ErrorKind::HashMismatch, "LFS pointer"),
    ] {
        let hub = hub().await;
        let head = Fault::on(Method::HEAD, "").drop_header("content-length").drop_header("x-linked-size");
        hub.fault(head.without_length());
        let media = if body == page { "text/html" } else { "application/octet-stream" };
        hub.fault(Fault::on(Method::GET, "").status(200).body(body).header("content-type", media));
        let error = hub.api.hf_hub_download(REPO, file).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(said), "{error}");
        assert_eq!(hub.blobs(), [""; 0]);
    }
}

#[tokio::test]
async fn commit_that_was_asked_for_is_known() {
    let hub = hub().await;
    let commit = commit_of(&hub).await;
    hub.fault(Fault::on(Method::HEAD, "/resolve/").drop_header("x-repo-commit"));
    let path = hub.api.hf_hub_download(REPO, "config.json").revision(commit.as_str()).await.unwrap();
    assert!(path.to_string_lossy().contains(&commit));
    let error = hub.api.hf_hub_download(REPO, "config.json").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FileMetadata, "the commit of a branch has to be said: {error}");
    hub.clear_faults();
    hub.fault(Fault::on(Method::HEAD, "/resolve/").replace_header("x-repo-commit", "a".repeat(40)));
    let error =
        hub.api.hf_hub_download(REPO, "sub/deep/model.bin").revision(commit.as_str()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FileMetadata, "{error}");
}

#[tokio::test]
async fn login_page_is_not_a_file_of_a_known_commit() {
    let hub = hub().await;
    let commit = commit_of(&hub).await;
    let page = Fault::any("/resolve/").status(200).body("<html>log in</html>");
    hub.fault(page.header("content-type", "text/html").header("etag", "\"5f-62\""));
    let error = hub.api.hf_hub_download(REPO, "config.json").revision(commit.as_str()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::FileMetadata, "{error}");
    assert_eq!(hub.blobs(), [""; 0]);
}

#[tokio::test]
async fn snapshot_of_a_mirror_without_trees_takes_the_description() {
    for status in [404, 405, 501] {
        let hub = hub().await;
        hub.fault(Fault::on(Method::GET, "/tree/").status(status));
        is_downloaded(&hub).await;
    }
}

#[tokio::test]
async fn snapshot_of_a_mirror_without_sizes_asks_for_each_file() {
    let hub = hub().await;
    let commit = commit_of(&hub).await;
    let names = [".gitattributes", "config.json", "sub/deep/model.bin"];
    let siblings = names.map(|name| format!(r#"{{"rfilename":"{name}"}}"#)).join(",");
    let description = format!(r#"{{"id":"{REPO}","sha":"{commit}","siblings":[{siblings}]}}"#);
    hub.fault(Fault::on(Method::GET, "/tree/").status(404));
    hub.fault(
        Fault::on(Method::GET, "/revision/").body(description).header("content-type", "application/json"),
    );
    // A file that is not wanted is not asked for.
    let filtered = hub.api.snapshot_download(REPO).allow_patterns(["*.json"]).await.unwrap();
    assert!(filtered.join("config.json").is_file());
    let heads = |hub: &Downloading| hub.requests().iter().filter(|r| r.method == Method::HEAD).count();
    assert_eq!(heads(&hub), 1);
    is_downloaded(&hub).await;
    assert_eq!(heads(&hub), 1 + names.len());
}

#[tokio::test]
async fn repository_that_does_not_exist_is_not_taken_for_a_mirror_without_trees() {
    let hub = hub().await;
    hub.fault(Fault::on(Method::GET, "/tree/").status(404).header("x-error-code", "RevisionNotFound"));
    let error = hub.api.snapshot_download(REPO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RevisionNotFound);
}

/// The listing that a mirror makes of the two files.
async fn mirror_listing(hub: &Downloading, entries: impl Fn(&str, &str) -> String) -> Fault {
    let paths = hub.api.get_paths_info(REPO, ["config.json"]).await.unwrap();
    let config = paths[0].as_file().unwrap().blob_id.clone();
    // The blob of the pointer, which says nothing of the content.
    let pointer = "f".repeat(40);
    let page = format!("[{}]", entries(&config, &pointer));
    Fault::on(Method::GET, "/tree/").body(page).header("content-type", "application/json")
}

#[tokio::test]
async fn listing_without_sizes_or_lfs_is_completed_by_asking_for_the_files() {
    let without_sizes = |config: &str, pointer: &str| {
        format!(
            r#"{{"type":"file","path":"config.json","oid":"{config}"}},
               {{"type":"file","path":"sub/deep/model.bin","oid":"{pointer}"}}"#
        )
    };
    let without_lfs = |config: &str, pointer: &str| {
        format!(
            r#"{{"type":"file","path":"config.json","oid":"{config}","size":8}},
               {{"type":"file","path":"sub/deep/model.bin","oid":"{pointer}","size":2097152}}"#
        )
    };
    let with_pointer_size = |config: &str, pointer: &str| {
        format!(
            r#"{{"type":"file","path":"config.json","oid":"{config}","size":8}},
               {{"type":"file","path":"sub/deep/model.bin","oid":"{pointer}","size":132}}"#
        )
    };
    type Listing<'l> = &'l dyn Fn(&str, &str) -> String;
    let listings: [Listing<'_>; 3] = [&without_sizes, &without_lfs, &with_pointer_size];
    for entries in listings {
        let hub = hub().await;
        hub.fault(mirror_listing(&hub, entries).await);
        is_downloaded(&hub).await;
        hub.clear_requests();
        hub.api.snapshot_download(REPO).await.unwrap();
        assert_eq!(hub.requests().len(), 1, "what was learned is kept");
    }
}

#[tokio::test]
async fn listing_that_is_not_recursive_is_followed_into_its_folders() {
    let hub = hub().await;
    let commit = commit_of(&hub).await;
    let listed = hub.api.get_paths_info(REPO, ["config.json", "sub/deep/model.bin"]).await.unwrap();
    let [config, model] = [0, 1].map(|n| listed[n].as_file().unwrap().clone());
    let sha = model.content_hash().to_owned();
    let root = format!(
        r#"[{{"type":"file","path":"config.json","oid":"{}","size":8}},{{"type":"directory","path":"sub","oid":"{}"}}]"#,
        config.blob_id,
        "d".repeat(40)
    );
    let sub = format!(r#"[{{"type":"directory","path":"sub/deep","oid":"{}"}}]"#, "e".repeat(40));
    let deep = format!(
        r#"[{{"type":"file","path":"sub/deep/model.bin","oid":"{}","size":{},"lfs":{{"oid":"{sha}","size":{}}}}}]"#,
        model.blob_id, model.size, model.size
    );
    for (folder, page) in [("/sub%2Fdeep?", deep), ("/sub?", sub), ("?", root)] {
        let tree = Fault::on(Method::GET, format!("/tree/{commit}{folder}"));
        hub.fault(tree.body(page).header("content-type", "application/json"));
    }
    is_downloaded(&hub).await;
}

#[tokio::test]
async fn relative_link_to_the_next_page_is_followed() {
    let hub = hub().await;
    let commit = commit_of(&hub).await;
    let entry = |path: &str| {
        let oid = "a".repeat(40);
        format!(r#"[{{"type":"file","path":"{path}","oid":"{oid}","size":1}}]"#)
    };
    let page = |part: &str, path: &str| {
        Fault::on(Method::GET, format!("/tree/{commit}{part}"))
            .body(entry(path))
            .header("content-type", "application/json")
    };
    hub.fault(page("?cursor=2", "unwanted"));
    hub.fault(page("?recursive", "other").header("link", format!("<{commit}?cursor=2>; rel=\"next\"")));
    hub.api.snapshot_download(REPO).allow_patterns(["none"]).await.unwrap();
    let error = hub.offline().snapshot_download(REPO).await.unwrap_err();
    assert!(error.to_string().contains("`other`, `unwanted`"), "{error}");
}

#[tokio::test]
async fn file_whose_storage_refuses_head_is_downloaded() {
    let hub = hub().await;
    hub.fault(Fault::on(Method::HEAD, "/resolve/").drop_header("x-linked-size"));
    hub.fault(Fault::on(Method::HEAD, "").at(Origin::Storage).status(403));
    let path = hub.api.hf_hub_download(REPO, "sub/deep/model.bin").await.unwrap();
    assert_eq!(fs::read(path).unwrap(), noise(2 << 20, 41));
}

#[tokio::test]
async fn files_that_only_the_description_names_are_downloaded() {
    let hub = hub().await;
    hub.fault(
        Fault::on(Method::GET, "/tree/").status(200).body("[]").header("content-type", "application/json"),
    );
    is_downloaded(&hub).await;
}
