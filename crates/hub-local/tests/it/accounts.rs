use crate::client::{Client, header};
use hub_local::{LocalHub, Method, TokenRole};
use serde_json::json;

#[tokio::test]
async fn whoami_tells_user_organizations_and_role() {
    let hub = LocalHub::start().await.unwrap();
    hub.add_organization("acme", &["local"]).await.unwrap();
    let me = Client::of(&hub).json("/api/whoami-v2").await;
    assert_eq!((&me["name"], &me["type"]), (&json!("local"), &json!("user")));
    assert_eq!(me["orgs"][0]["name"], "acme");
    assert_eq!(me["auth"]["accessToken"]["role"], "write");
}

#[tokio::test]
async fn unknown_token_is_refused_everywhere() {
    let hub = LocalHub::start().await.unwrap();
    let stranger = Client::with_token(&hub, Some("hf_wrong".into()));
    for path in ["/api/whoami-v2", "/api/models", "/api/models/a/b"] {
        let answer = stranger.get(path).await;
        assert_eq!(answer.status(), 401);
        assert_eq!(header(&answer, "x-error-message"), "Invalid credentials in Authorization header");
        assert!(header(&answer, "x-request-id").starts_with("Root="));
    }
}

#[tokio::test]
async fn token_that_may_read_does_not_write() {
    let hub = LocalHub::start().await.unwrap();
    let token = hub.add_token("local", TokenRole::Read).await.unwrap();
    let reader = Client::with_token(&hub, Some(token));
    let answer = reader.send(Method::POST, "/api/repos/create", &json!({ "name": "m" })).await;
    assert_eq!(answer.status(), 403);
}

#[tokio::test]
async fn database_holds_no_token() {
    let hub = LocalHub::start().await.unwrap();
    let token = hub.add_user("alice").await.unwrap();
    for name in ["hub.sqlite3", "hub.sqlite3-wal"] {
        let bytes = std::fs::read(hub.data_dir().join(name)).unwrap_or_default();
        assert!(!bytes.windows(token.len()).any(|window| window == token.as_bytes()), "{name}");
    }
}

#[tokio::test]
async fn other_addresses_than_loopback_need_a_token() {
    let error = LocalHub::builder().host([0, 0, 0, 0].into()).start().await.unwrap_err();
    assert!(error.to_string().contains("choose a token"), "{error}");
}
