use crate::client::{Client, noise};
use hub_local::{Fault, LocalHub, Method};

#[tokio::test]
async fn restart_serves_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let start = || LocalHub::builder().data_dir(folder.path()).start();
    let content = noise(10_000);
    let hub = start().await.unwrap();
    let other = hub.add_user("alice").await.unwrap();
    let token = hub.token().to_owned();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    client.commit_lfs("local/m", "m.bin", &content).await;
    let commit = client.commit_files("local/m", &[("a", "1")]).await;
    hub.shutdown().await;

    let hub = start().await.unwrap();
    assert_eq!(hub.token(), token);
    let alice = Client::with_token(&hub, Some(other));
    assert_eq!(alice.json("/api/whoami-v2").await["name"], "alice");
    assert_eq!(alice.json("/api/models/local/m").await["sha"], commit.as_str());
    let location = alice.location("/local/m/resolve/main/m.bin").await;
    assert_eq!(alice.get(&location).await.bytes().await.unwrap(), content);
}

#[tokio::test]
async fn temporary_folder_goes_with_the_hub() {
    let hub = LocalHub::start().await.unwrap();
    let folder = hub.data_dir().to_owned();
    assert!(folder.join("hub.sqlite3").exists());
    hub.shutdown().await;
    assert!(!folder.exists());
}

#[tokio::test]
async fn shutdown_ends_requests_that_would_never_end() {
    let hub = LocalHub::start().await.unwrap();
    hub.fault(Fault::on(Method::GET, "/whoami").never_answer());
    let client = Client::of(&hub);
    let request = client.request(Method::GET, "/api/whoami-v2").send();
    let pending = tokio::spawn(request);
    while hub.requests().is_empty() {
        tokio::task::yield_now().await;
    }
    hub.shutdown().await;
    assert!(pending.await.unwrap().is_err());
}

#[tokio::test]
async fn public_host_is_in_the_urls_that_clients_get() {
    let hub = LocalHub::builder().public_host("localhost").start().await.unwrap();
    assert!(hub.endpoint().starts_with("http://localhost:"));
    let client = Client::of(&hub);
    client.create_repo("m").await;
    client.commit_lfs("local/m", "m.bin", b"content").await;
    let location = client.location("/local/m/resolve/main/m.bin").await;
    assert!(location.starts_with("http://localhost:"), "{location}");
}

#[cfg(unix)]
#[tokio::test]
async fn kept_token_is_for_the_owners_eyes() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let hub = LocalHub::builder().data_dir(folder.path()).start().await.unwrap();
    let file = folder.path().join("token");
    assert_eq!(std::fs::read_to_string(&file).unwrap(), hub.token());
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
}
