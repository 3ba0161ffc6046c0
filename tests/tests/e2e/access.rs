//! Gated repositories: refused until access is granted.
use crate::hub::Hub;
use hub_api::types::{AccessRequest, AccessRequestStatus, RepoId, RepoType};
use hub_api::{Arg, ErrorKind, HfApi, Http};
use serde_json::{Map, json};

const REPO: &str = "local/gated";

/// A Hub with a repository that is gated in this way, and a client of `ann`, who has no part in it.
async fn gated(mode: &str) -> (Hub, HfApi) {
    let hub = Hub::start().await;
    hub.model(REPO, &[("secret.txt", "x")]).await;
    hub.api.update_repo_settings(REPO).gated(mode).await.unwrap();
    let ann = hub.other("ann").await;
    (hub, ann)
}

/// Asks with the form of the repository's page.
async fn ask(api: &HfApi, fields: &[(&str, &str)]) {
    let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    api.exchange(Http::post("/local/gated/ask-access").form(fields)).await.unwrap();
}

async fn may_read(api: &HfApi) -> bool {
    match api.auth_check(REPO).await {
        Ok(()) => true,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::GatedRepo, "{error}");
            false
        }
    }
}

fn names(requests: &[AccessRequest]) -> Vec<&str> {
    requests.iter().map(|request| request.username.as_str()).collect()
}

#[tokio::test]
async fn a_gated_repository_refuses_whoever_was_not_let_in() {
    let (hub, ann) = gated("manual").await;
    assert!(!may_read(&ann).await);
    assert!(!may_read(&hub.stranger()).await);
    assert!(may_read(&hub.api).await, "the owner is in");
    let file = ann.get_hf_file_metadata(format!("{}/{REPO}/resolve/main/secret.txt", hub.endpoint()));
    assert_eq!(file.await.unwrap_err().kind(), ErrorKind::GatedRepo);
    assert!(ann.model_info(REPO).await.is_ok(), "what is behind the gate is described");
}

#[tokio::test]
async fn a_request_waits_until_it_is_accepted() {
    let (hub, ann) = gated("manual").await;
    ask(&ann, &[("Company", "Acme & Co"), ("agree", "on")]).await;
    assert!(!may_read(&ann).await);
    let pending = hub.api.list_pending_access_requests(REPO).await.unwrap();
    assert_eq!(names(&pending), ["ann"]);
    assert_eq!(pending[0].email.as_deref(), Some("ann@example.org"));
    assert_eq!(pending[0].fields.as_ref().unwrap()["Company"], "Acme & Co");
    hub.api.accept_access_request(REPO, "ann").await.unwrap();
    assert!(may_read(&ann).await);
    assert!(hub.api.list_pending_access_requests(REPO).await.unwrap().is_empty());
    let accepted = hub.api.list_accepted_access_requests(REPO).await.unwrap();
    assert_eq!((names(&accepted), &accepted[0].status), (vec!["ann"], &AccessRequestStatus::Accepted));
}

#[tokio::test]
async fn who_was_accepted_can_be_refused_again() {
    let (hub, ann) = gated("manual").await;
    ask(&ann, &[]).await;
    hub.api.accept_access_request(REPO, "ann").await.unwrap();
    hub.api.reject_access_request(REPO, "ann").await.unwrap();
    assert!(!may_read(&ann).await);
    assert_eq!(names(&hub.api.list_rejected_access_requests(REPO).await.unwrap()), ["ann"]);
    ask(&ann, &[]).await;
    assert!(
        hub.api.list_pending_access_requests(REPO).await.unwrap().is_empty(),
        "asking again changes nothing"
    );
    hub.api.cancel_access_request(REPO, "ann").await.unwrap();
    assert!(!may_read(&ann).await);
    assert_eq!(names(&hub.api.list_pending_access_requests(REPO).await.unwrap()), ["ann"]);
}

#[tokio::test]
async fn an_automatic_gate_opens_when_asked() {
    let (hub, ann) = gated("auto").await;
    assert!(!may_read(&ann).await);
    let id = RepoId::parse(REPO).unwrap();
    let fields = Map::from_iter([("Age".to_owned(), json!(33))]);
    let status = hub.ask_access("ann", RepoType::Model, &id, fields).await.unwrap();
    assert_eq!(status, AccessRequestStatus::Accepted);
    assert!(may_read(&ann).await);
    let accepted = hub.api.list_accepted_access_requests(REPO).await.unwrap();
    assert_eq!(accepted[0].fields.as_ref().unwrap()["Age"], 33);
}

#[tokio::test]
async fn access_is_granted_unasked_and_once() {
    let (hub, ann) = gated("manual").await;
    hub.api.grant_access(REPO, "ann").await.unwrap();
    assert!(may_read(&ann).await);
    let accepted = hub.api.list_accepted_access_requests(REPO).await.unwrap();
    assert_eq!((names(&accepted), accepted[0].email.as_deref()), (vec!["ann"], None));
    let error = hub.api.grant_access(REPO, "ann").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest);
    assert_eq!(hub.api.grant_access(REPO, "nobody").await.unwrap_err().status(), Some(404));
}

#[tokio::test]
async fn only_owners_answer_and_only_what_was_asked() {
    let (hub, ann) = gated("manual").await;
    for error in [
        ann.list_pending_access_requests(REPO).await.unwrap_err(),
        ann.grant_access(REPO, "ann").await.unwrap_err(),
        ann.accept_access_request(REPO, "ann").await.unwrap_err(),
    ] {
        assert_eq!(error.status(), Some(403), "{error}");
    }
    let unasked = hub.api.accept_access_request(REPO, "ann").await.unwrap_err();
    assert_eq!(unasked.status(), Some(404), "{unasked}");
    ask(&ann, &[]).await;
    let twice = hub.api.cancel_access_request(REPO, "ann").await.unwrap_err();
    assert_eq!(twice.status(), Some(404), "{twice}");
}

#[tokio::test]
async fn a_repository_without_a_gate_has_no_requests() {
    let hub = Hub::start().await;
    hub.api.create_repo("open").repo_type(RepoType::Dataset).await.unwrap();
    let open = || Arg::<RepoId>::from("local/open");
    let list = hub.api.list_accepted_access_requests(open()).repo_type(RepoType::Dataset);
    assert_eq!(list.await.unwrap_err().kind(), ErrorKind::BadRequest);
    let grant = hub.api.grant_access(open(), "local").repo_type(RepoType::Dataset);
    assert_eq!(grant.await.unwrap_err().kind(), ErrorKind::BadRequest);
}

#[tokio::test]
async fn a_dataset_has_requests_of_its_own() {
    let (hub, ann) = gated("manual").await;
    hub.api.create_repo(REPO).repo_type(RepoType::Dataset).await.unwrap();
    let gate = hub.api.update_repo_settings(REPO).repo_type(RepoType::Dataset).gated("manual");
    gate.await.unwrap();
    ann.exchange(Http::post("/datasets/local/gated/ask-access").form([])).await.unwrap();
    assert!(hub.api.list_pending_access_requests(REPO).await.unwrap().is_empty(), "the model has none");
    let dataset = RepoType::Dataset;
    let pending = hub.api.list_pending_access_requests(REPO).repo_type(dataset).await.unwrap();
    assert_eq!(names(&pending), ["ann"]);

    hub.api.accept_access_request(REPO, "ann").repo_type(dataset).await.unwrap();
    let accepted = hub.api.list_accepted_access_requests(REPO).repo_type(dataset).await.unwrap();
    assert_eq!(names(&accepted), ["ann"]);
    ann.auth_check(REPO).repo_type(dataset).await.unwrap();
    assert!(!may_read(&ann).await, "the model stays closed");

    hub.api.reject_access_request(REPO, "ann").repo_type(dataset).await.unwrap();
    let rejected = hub.api.list_rejected_access_requests(REPO).repo_type(dataset).await.unwrap();
    assert_eq!(names(&rejected), ["ann"]);
    hub.api.cancel_access_request(REPO, "ann").repo_type(dataset).await.unwrap();
    let pending = hub.api.list_pending_access_requests(REPO).repo_type(dataset).await.unwrap();
    assert_eq!(names(&pending), ["ann"]);
    hub.api.grant_access(REPO, "ann").repo_type(dataset).await.unwrap();
    ann.auth_check(REPO).repo_type(dataset).await.unwrap();
}
