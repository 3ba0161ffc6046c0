//! The account of the token.
use crate::hub::Hub;
use hub_api::types::TokenRole;
use hub_api::{Auth, ErrorKind, Token};

#[tokio::test]
async fn the_token_tells_its_account_and_role() {
    let hub = Hub::start().await;
    let me = hub.api.whoami().await.unwrap();
    assert_eq!((me.name(), me.token_role()), (Some("local"), Some(TokenRole::Write)));
    let read = hub.add_token("ann", hub_local::TokenRole::Read).await.unwrap();
    let ann = hub.stranger().with_token(Token::parse(&read).unwrap()).whoami().await.unwrap();
    assert_eq!((ann.name(), ann.token_role()), (Some("ann"), Some(TokenRole::Read)));
}

#[tokio::test]
async fn an_unknown_token_is_called_so() {
    let hub = Hub::start().await;
    let api = hub.stranger().with_token(Token::parse("hf_unknown").unwrap());
    let error = api.whoami().await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Http, Some(401)));
    assert!(error.to_string().starts_with("invalid user token"), "{error}");
    assert!(!error.full_message().contains("hf_unknown"), "{error}");
}

#[tokio::test]
async fn a_handle_without_token_does_not_ask() {
    let hub = Hub::start().await;
    for api in [hub.stranger(), hub.api.with_auth(Auth::Anonymous)] {
        assert_eq!(api.whoami().await.unwrap_err().kind(), ErrorKind::TokenMissing);
    }
    assert!(hub.requests().is_empty());
}

#[tokio::test]
async fn a_name_is_completed_with_the_account() {
    let hub = Hub::start().await;
    assert_eq!(hub.api.get_full_repo_name("m").await.unwrap().as_str(), "local/m");
    hub.clear_requests();
    let request = hub.api.get_full_repo_name("m").organization("acme");
    assert_eq!(request.await.unwrap().as_str(), "acme/m");
    assert!(hub.requests().is_empty());
}

#[tokio::test]
#[expect(deprecated)]
async fn the_permission_of_no_valid_token_is_none() {
    let hub = Hub::start().await;
    assert_eq!(hub.api.get_token_permission().await.unwrap(), Some(TokenRole::Write));
    let unknown = hub.stranger().with_token(Token::parse("hf_unknown").unwrap());
    for api in [unknown, hub.stranger()] {
        assert_eq!(api.get_token_permission().await.unwrap(), None);
    }
}

#[tokio::test]
#[expect(deprecated)]
async fn the_permission_is_that_of_the_token() {
    let hub = Hub::start().await;
    let read = hub.add_token("ann", hub_local::TokenRole::Read).await.unwrap();
    let ann = hub.stranger().with_token(Token::parse(&read).unwrap());
    assert_eq!(ann.get_token_permission().await.unwrap(), Some(TokenRole::Read));
}

#[tokio::test]
async fn an_account_tells_its_organizations() {
    let hub = Hub::start().await;
    hub.add_organization("lab", &["local"]).await.unwrap();
    hub.add_organization("other", &[]).await.unwrap();
    let orgs: Vec<String> = hub.api.whoami().await.unwrap().orgs().into_iter().map(|org| org.name).collect();
    assert_eq!(orgs, ["lab"]);
}
