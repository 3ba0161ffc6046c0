use crate::client::{Client, header, noise, sha256};
use hub_local::{LocalHub, Method, Origin};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn lfs_file_is_served_by_redirect_from_the_other_origin() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let content = noise(100_000);
    let oid = client.commit_lfs("local/m", "model.safetensors", &content).await;
    for method in [Method::HEAD, Method::GET] {
        let answer = client.request(method, "/local/m/resolve/main/model.safetensors").send().await.unwrap();
        assert_eq!(answer.status(), 302);
        assert_eq!(header(&answer, "x-linked-etag"), format!("\"{oid}\""));
        assert_eq!(header(&answer, "x-linked-size"), "100000");
        assert!(header(&answer, "location").starts_with(hub.storage_endpoint()));
    }
    let location = client.location("/local/m/resolve/main/model.safetensors").await;
    let answer = client.get(&location).await;
    assert_eq!(answer.bytes().await.unwrap(), content);
    let tree = client.json("/api/models/local/m/tree/main").await;
    let entry = &tree.as_array().unwrap()[1];
    assert_eq!((&entry["lfs"]["oid"], &entry["size"]), (&json!(oid), &json!(100_000)));
    assert_eq!(entry["lfs"]["pointerSize"].as_u64().unwrap() as usize, pointer(&oid, 100_000).len());
    let raw = client.get("/local/m/raw/main/model.safetensors").await;
    assert_eq!(raw.text().await.unwrap(), pointer(&oid, 100_000));
}

fn pointer(oid: &str, size: usize) -> String {
    format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n")
}

#[tokio::test]
async fn object_that_is_not_what_it_was_said_to_be_is_not_stored() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let content = noise(50_000);
    let oid = sha256(&content);
    let mut flipped = content.clone();
    flipped[25_000] ^= 1;
    let mut longer = content.clone();
    longer.push(0);
    for wrong in [flipped, content[..49_999].to_vec(), longer, Vec::new()] {
        let offer = client.offer("local/m", &oid, content.len(), &["basic"]).await;
        let href = offer["actions"]["upload"]["href"].as_str().unwrap();
        let answer = client.request(Method::PUT, href).body(wrong).send().await.unwrap();
        assert_eq!(answer.status(), 400);
        assert!(!hub.lfs_object_path(&oid).exists());
        let object = json!({ "oid": oid, "size": content.len() });
        let verify = client.send(Method::POST, "/local/m.git/info/lfs/objects/verify", &object);
        assert_eq!(verify.await.status(), 404);
    }
    client.commit_lfs("local/m", "m.bin", &content).await;
    assert!(hub.lfs_object_path(&oid).exists());
}

#[tokio::test]
async fn object_that_is_there_needs_no_upload() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let oid = client.commit_lfs("local/m", "m.bin", b"content").await;
    let offer = client.offer("local/m", &oid, 7, &["basic"]).await;
    assert_eq!(offer.get("actions"), None);
}

#[tokio::test]
async fn parts_in_any_order_make_the_object() {
    let hub = LocalHub::builder().part_size_bytes(10_000).start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let content = noise(34_567);
    let oid = sha256(&content);
    let offer = client.offer("local/m", &oid, content.len(), &["basic", "multipart"]).await;
    let header = offer["actions"]["upload"]["header"].as_object().unwrap();
    assert_eq!(header["chunk_size"], "10000");
    let mut parts = Vec::new();
    for number in [3_usize, 1, 4, 2] {
        let href = header[&format!("{number:05}")].as_str().unwrap();
        let part = content.chunks(10_000).nth(number - 1).unwrap().to_vec();
        let answer = client.request(Method::PUT, href).body(part).send().await.unwrap();
        parts.push(json!({ "partNumber": number, "etag": crate::client::header(&answer, "etag") }));
    }
    let href = offer["actions"]["upload"]["href"].as_str().unwrap();
    let complete = |parts: Vec<Value>| {
        let path = href.strip_prefix(hub.endpoint()).unwrap();
        let body = json!({ "oid": oid, "parts": parts });
        let anonymous = Client::anonymous(&hub);
        let path = path.to_owned();
        async move { anonymous.send(Method::POST, &path, &body).await.status().as_u16() }
    };
    assert_eq!(complete(parts[..3].to_vec()).await, 400);
    assert!(!hub.lfs_object_path(&oid).exists());
    assert_eq!(complete(parts).await, 200);
    assert_eq!(std::fs::read(hub.lfs_object_path(&oid)).unwrap(), content);
}

#[tokio::test]
async fn part_of_the_wrong_length_is_refused() {
    let hub = LocalHub::builder().part_size_bytes(10).start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let offer = client.offer("local/m", &sha256(b"x"), 15, &["multipart"]).await;
    let header = &offer["actions"]["upload"]["header"];
    for (part, body) in [("00001", "123456789"), ("00002", "123456")] {
        let answer =
            client.request(Method::PUT, header[part].as_str().unwrap()).body(body).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{part}");
    }
}

#[tokio::test]
async fn parts_that_make_something_else_store_nothing() {
    let hub = LocalHub::builder().part_size_bytes(10).start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let oid = sha256(b"0123456789abcde");
    let offer = client.offer("local/m", &oid, 15, &["multipart"]).await;
    let upload = &offer["actions"]["upload"];
    let mut parts = Vec::new();
    for (number, body) in [(1, "0123456789"), (2, "abcdX")] {
        let href = upload["header"][format!("{number:05}")].as_str().unwrap();
        let answer = client.request(Method::PUT, href).body(body).send().await.unwrap();
        parts.push(json!({ "partNumber": number, "etag": header(&answer, "etag") }));
    }
    let href = upload["href"].as_str().unwrap();
    let answer = client.send(Method::POST, href, &json!({ "oid": oid, "parts": parts })).await;
    assert_eq!(answer.status(), 400);
    assert!(!hub.lfs_object_path(&oid).exists());
}

#[tokio::test]
async fn expired_or_altered_url_is_refused() {
    let hub = LocalHub::builder().url_lifetime(Duration::ZERO).start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let oid = sha256(b"x");
    let offer = client.offer("local/m", &oid, 1, &["basic"]).await;
    let href = offer["actions"]["upload"]["href"].as_str().unwrap();
    let answer = client.request(Method::PUT, href).body("x").send().await.unwrap();
    assert_eq!(answer.status(), 403);
    assert!(header(&answer, "x-error-message").contains("expired"));
    for altered in [href.replace("Expires=1", "Expires=9"), href.replace("size=1", "size=2")] {
        let answer = client.request(Method::PUT, &altered).body("x").send().await.unwrap();
        assert!(header(&answer, "x-error-message").contains("signature"), "{altered}");
    }
}

#[tokio::test]
async fn token_at_the_storage_origin_is_refused_and_logged() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    client.commit_lfs("local/m", "m.bin", b"content").await;
    let location = client.location("/local/m/resolve/main/m.bin").await;
    hub.clear_requests();
    let answer = client.request(Method::GET, &location).bearer_auth(hub.token()).send().await.unwrap();
    assert_eq!(answer.status(), 400);
    let [request] = &hub.requests()[..] else { panic!("one request") };
    assert_eq!((request.origin, request.status), (Origin::Storage, Some(400)));
    assert_eq!(request.authorization(), Some(&*format!("Bearer {}", hub.token())));
}

#[tokio::test]
async fn preupload_tells_lfs_ignored_and_present_files() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    client.commit_files("local/m", &[("there.txt", "x")]).await;
    let file = |path: &str, sample: &str, size: u64| json!({ "path": path, "sample": sample, "size": size });
    let files = [
        file("model.safetensors", "", 10),
        file("big.txt", "eA==", 11 << 20),
        file("image.png", "iVBORwANCg==", 7),
        file("config.json", "e30=", 2),
        file("logs/a.log", "eA==", 1),
        file("there.txt", "eA==", 1),
    ];
    let body = json!({ "files": files, "gitIgnore": "*.log" });
    let answer = client.send(Method::POST, "/api/models/local/m/preupload/main", &body).await;
    let answer: Value = answer.json().await.unwrap();
    let told: Vec<_> = answer["files"]
        .as_array()
        .unwrap()
        .iter()
        .map(|file| {
            (
                file["uploadMode"].as_str().unwrap(),
                file["shouldIgnore"].as_bool().unwrap(),
                file.get("oid").is_some(),
            )
        })
        .collect();
    let regular = ("regular", false, false);
    let lfs = ("lfs", false, false);
    assert_eq!(told, [lfs, lfs, lfs, regular, ("regular", true, false), ("regular", false, true)]);
}

#[tokio::test]
async fn invalid_card_is_told() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::anonymous(&hub);
    for (kind, content, status, errors) in [
        ("model", "---\nlicense: mit\n---\n", 200, 0),
        ("model", "# no metadata", 200, 0),
        ("model", "---\na: [1\n---\n", 400, 1),
        ("space", "---\nsdk: vba\n---\n", 400, 1),
    ] {
        let body = json!({ "content": content, "repoType": kind });
        let answer = client.send(Method::POST, "/api/validate-yaml", &body).await;
        assert_eq!(answer.status(), status, "{content}");
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["errors"].as_array().unwrap().len(), errors, "{content}");
    }
}
