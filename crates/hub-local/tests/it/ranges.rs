use crate::client::{Client, header, noise};
use hub_local::{LocalHub, Method};
use reqwest::header::{IF_RANGE, RANGE};

/// A Hub with a regular file and an LFS file of the same content, and where to get them.
async fn two_files() -> (LocalHub, Client, Vec<u8>, [String; 2]) {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let content: Vec<u8> = noise(1000).into_iter().map(|byte| byte | 1).collect();
    let change = crate::client::file("plain", &content);
    client.commit("local/m", &serde_json::json!({ "summary": "x" }), &[change]).await;
    client.commit_lfs("local/m", "lfs.bin", &content).await;
    let lfs = client.location("/local/m/resolve/main/lfs.bin").await;
    (hub, client, content, ["/local/m/resolve/main/plain".into(), lfs])
}

#[tokio::test]
async fn range_gets_its_part() {
    let (_hub, client, content, paths) = two_files().await;
    for path in &paths {
        for (range, part, named) in [
            ("bytes=0-99", 0..100, "bytes 0-99/1000"),
            ("bytes=900-", 900..1000, "bytes 900-999/1000"),
            ("bytes=-1", 999..1000, "bytes 999-999/1000"),
            ("bytes=500-5000", 500..1000, "bytes 500-999/1000"),
        ] {
            let answer = client.request(Method::GET, path).header(RANGE, range).send().await.unwrap();
            assert_eq!(answer.status(), 206);
            assert_eq!(header(&answer, "content-range"), named);
            assert_eq!(answer.bytes().await.unwrap(), content[part]);
        }
    }
}

#[tokio::test]
async fn range_after_the_end_is_not_satisfiable() {
    let (_hub, client, _, paths) = two_files().await;
    for path in &paths {
        let answer = client.request(Method::GET, path).header(RANGE, "bytes=1000-").send().await.unwrap();
        assert_eq!(answer.status(), 416);
        assert_eq!(header(&answer, "content-range"), "bytes */1000");
    }
}

#[tokio::test]
async fn several_ranges_get_the_whole() {
    let (_hub, client, content, paths) = two_files().await;
    for path in &paths {
        let answer = client.request(Method::GET, path).header(RANGE, "bytes=0-1,5-6").send().await.unwrap();
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.bytes().await.unwrap(), content);
    }
}

#[tokio::test]
async fn if_range_of_other_content_gets_the_whole() {
    let (_hub, client, _, paths) = two_files().await;
    for path in &paths {
        let etag = header(&client.get(path).await, "etag");
        for (condition, status) in [(&*etag, 206), ("\"other\"", 200)] {
            let request = client.request(Method::GET, path).header(RANGE, "bytes=5-");
            let answer = request.header(IF_RANGE, condition).send().await.unwrap();
            assert_eq!(answer.status(), status, "{path} {condition}");
        }
    }
}

#[tokio::test]
async fn head_has_the_headers_of_get() {
    let (_hub, client, _, paths) = two_files().await;
    for path in &paths {
        let head = client.request(Method::HEAD, path).send().await.unwrap();
        let get = client.get(path).await;
        for name in ["content-length", "etag", "accept-ranges"] {
            assert_eq!(header(&head, name), header(&get, name), "{path} {name}");
        }
        assert_eq!(head.bytes().await.unwrap().len(), 0);
    }
}

#[tokio::test]
async fn large_object_is_sent_whole_in_chunks() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let content = noise(3_000_001);
    client.commit_lfs("local/m", "m.bin", &content).await;
    let location = client.location("/local/m/resolve/main/m.bin").await;
    assert_eq!(client.get(&location).await.bytes().await.unwrap(), content);
    let sent = hub.requests().last().unwrap().body_bytes_sent;
    assert_eq!(sent, 3_000_001);
}
