//! Inference Endpoints: created, changed, stopped, waited for.
use crate::hub::Hub;
use hub_api::inference_endpoints::{CreateInferenceEndpointRequest, ScaleToZero};
use hub_api::types::{InferenceEndpoint, InferenceEndpointStatus, InferenceEndpointType};
use hub_api::{ErrorKind, HfApi};
use hub_local::{Fault, LocalHub, Method};
use serde_json::json;
use std::time::Duration;

const SOON: Duration = Duration::from_millis(5);
const LONG: Duration = Duration::from_secs(30);

fn create(api: &HfApi, name: &str) -> CreateInferenceEndpointRequest<HfApi> {
    api.create_inference_endpoint(name, "local/m", "pytorch", "cpu", "x2", "intel-icl", "us-east-1", "aws")
}

async fn status(api: &HfApi, name: &str) -> InferenceEndpointStatus {
    api.get_inference_endpoint(name).await.unwrap().status
}

fn names(endpoints: &[InferenceEndpoint]) -> Vec<String> {
    endpoints.iter().map(|endpoint| format!("{}/{}", endpoint.namespace, endpoint.name)).collect()
}

#[tokio::test]
async fn a_new_endpoint_is_pending_and_then_runs() {
    let hub = Hub::start().await;
    let commit = hub.model("local/m", &[("config.json", "{}")]).await;
    let made = create(&hub.api, "tiny").task("text-generation").min_replica(1).max_replica(2).await.unwrap();
    assert_eq!((made.status, &made.url), (InferenceEndpointStatus::Pending, &None));
    assert_eq!((made.namespace.as_str(), made.r#type), ("local", InferenceEndpointType::Protected));
    let read = hub.api.get_inference_endpoint("tiny").await.unwrap();
    assert_eq!(read.status, InferenceEndpointStatus::Running);
    assert!(read.url.unwrap().ends_with("/local/tiny"));
    assert_eq!(read.revision.as_deref(), Some(commit.as_str()));
    assert_eq!(read.task.as_deref(), Some("text-generation"));
    let scaling = json!({ "minReplica": 1, "maxReplica": 2, "scaleToZeroTimeout": 15 });
    assert_eq!(read.raw["compute"]["scaling"], scaling);
    assert_eq!(create(&hub.api, "tiny").await.unwrap_err().status(), Some(409));
}

#[tokio::test]
async fn values_that_cannot_be_are_refused() {
    let hub = Hub::start().await;
    for request in [
        create(&hub.api, "No Good"),
        create(&hub.api, "tiny").min_replica(3),
        create(&hub.api, "tiny").max_replica(-1),
        create(&hub.api, "tiny").r#type("secret"),
    ] {
        assert_eq!(request.await.unwrap_err().kind(), ErrorKind::BadRequest);
    }
    assert_eq!(hub.api.list_inference_endpoints().await.unwrap(), []);
}

#[tokio::test]
async fn an_update_changes_what_it_names() {
    let hub = Hub::start().await;
    create(&hub.api, "tiny").revision("main").await.unwrap();
    let image = json!({ "url": "images.test/tgi:1", "health_route": "/up" });
    let update = hub.api.update_inference_endpoint("tiny").max_replica(4).custom_image(image.clone());
    let answer = update.scale_to_zero_timeout(ScaleToZero::Never).await.unwrap();
    assert_eq!(answer.status, InferenceEndpointStatus::Updating);
    let read = hub.api.get_inference_endpoint("tiny").await.unwrap();
    let scaling = json!({ "minReplica": 0, "maxReplica": 4, "scaleToZeroTimeout": null });
    assert_eq!(read.raw["compute"]["scaling"], scaling);
    assert_eq!(read.raw["model"]["image"], json!({ "custom": image }));
    assert_eq!((read.framework.as_str(), read.revision.as_deref()), ("pytorch", Some("main")));
    assert_eq!(read.status, InferenceEndpointStatus::Running);
}

#[tokio::test]
async fn secrets_are_not_shown() {
    let hub = Hub::start().await;
    let secrets = [("KEY".to_owned(), "s3cret".into())];
    let made = create(&hub.api, "tiny").secrets(secrets).await.unwrap();
    assert!(!serde_json::to_string(&made).unwrap().contains("s3cret"));
}

#[tokio::test]
async fn a_paused_endpoint_runs_when_it_is_resumed() {
    let hub = Hub::start().await;
    create(&hub.api, "tiny").await.unwrap();
    assert_eq!(
        hub.api.pause_inference_endpoint("tiny").await.unwrap().status,
        InferenceEndpointStatus::Paused
    );
    assert_eq!(status(&hub.api, "tiny").await, InferenceEndpointStatus::Paused);
    let resumed = hub.api.resume_inference_endpoint("tiny").await.unwrap();
    assert_eq!(resumed.status, InferenceEndpointStatus::Initializing);
    assert_eq!(status(&hub.api, "tiny").await, InferenceEndpointStatus::Running);
}

#[tokio::test]
async fn resuming_what_runs_is_fine_unless_told_otherwise() {
    let hub = Hub::start().await;
    create(&hub.api, "tiny").await.unwrap();
    let running = hub.api.resume_inference_endpoint("tiny").await.unwrap();
    assert_eq!(running.status, InferenceEndpointStatus::Running);
    let error = hub.api.resume_inference_endpoint("tiny").running_ok(false).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest);
}

#[tokio::test]
async fn a_call_wakes_what_is_scaled_to_zero() {
    let hub = Hub::start().await;
    create(&hub.api, "tiny").r#type("public").await.unwrap();
    let scaled = hub.api.scale_to_zero_inference_endpoint("tiny").await.unwrap();
    assert_eq!(scaled.status, InferenceEndpointStatus::ScaledToZero);
    assert_eq!(status(&hub.api, "tiny").await, InferenceEndpointStatus::ScaledToZero);
    let mut endpoint = hub.api.inference_endpoint(scaled);
    endpoint.wait(LONG, SOON).await.unwrap();
    assert_eq!(status(&hub.api, "tiny").await, InferenceEndpointStatus::Running);
    hub.api.pause_inference_endpoint("tiny").await.unwrap();
    let error = hub.api.scale_to_zero_inference_endpoint("tiny").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest);
}

#[tokio::test]
async fn a_deleted_endpoint_is_gone() {
    let hub = Hub::start().await;
    create(&hub.api, "tiny").await.unwrap();
    hub.api.delete_inference_endpoint("tiny").await.unwrap();
    let missing = [
        hub.api.get_inference_endpoint("tiny").await.unwrap_err(),
        hub.api.delete_inference_endpoint("tiny").await.unwrap_err(),
    ];
    assert!(missing.iter().all(|error| error.status() == Some(404)), "{missing:?}");
    assert_eq!(hub.api.list_inference_endpoints().await.unwrap(), []);
}

#[tokio::test]
async fn endpoints_are_listed_by_namespace_or_all_at_once() {
    let hub = Hub::start().await;
    for org in ["acme", "closed"] {
        hub.add_organization(org, &["local"]).await.unwrap();
        create(&hub.api, "theirs").namespace(org).await.unwrap();
    }
    create(&hub.api, "mine").await.unwrap();
    assert_eq!(names(&hub.api.list_inference_endpoints().await.unwrap()), ["local/mine"]);
    assert_eq!(names(&hub.api.list_inference_endpoints().namespace("acme").await.unwrap()), ["acme/theirs"]);
    let refused = hub.fault(Fault::any("/endpoint/closed").status(401));
    let all = hub.api.list_inference_endpoints().namespace("*").await.unwrap();
    assert_eq!((names(&all), refused.hits()), (vec!["local/mine".to_owned(), "acme/theirs".to_owned()], 1));
}

#[tokio::test]
async fn endpoints_of_others_are_theirs() {
    let hub = Hub::start().await;
    create(&hub.api, "tiny").await.unwrap();
    let ann = hub.other("ann").await;
    let refused = [
        ann.get_inference_endpoint("tiny").namespace("local").await.unwrap_err(),
        ann.delete_inference_endpoint("tiny").namespace("local").await.unwrap_err(),
        create(&ann, "new").namespace("local").await.unwrap_err(),
    ];
    assert!(refused.iter().all(|error| error.status() == Some(403)), "{refused:?}");
    assert_eq!(names(&hub.api.list_inference_endpoints().await.unwrap()), ["local/tiny"]);
}

#[tokio::test]
async fn a_token_of_an_organization_must_say_whose_endpoints_it_means() {
    let hub = Hub::start().await;
    let whoami = json!({ "type": "org", "name": "acme" }).to_string();
    hub.fault(Fault::any("/api/whoami-v2").body(whoami));
    for error in [
        hub.api.list_inference_endpoints().await.unwrap_err(),
        hub.api.list_inference_endpoints().namespace("*").await.unwrap_err(),
        create(&hub.api, "tiny").await.unwrap_err(),
        hub.api.pause_inference_endpoint("tiny").await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }
    assert!(hub.requests_to("/ie/").is_empty());
}

#[tokio::test]
async fn waiting_ends_when_the_endpoint_answers() {
    let hub = Hub::of(LocalHub::builder().deploy_time(Duration::from_millis(40))).await;
    for kind in ["public", "protected"] {
        let made = create(&hub.api, kind).r#type(kind).await.unwrap();
        let mut endpoint = hub.api.inference_endpoint(made);
        let ready = endpoint.wait(LONG, SOON).await.unwrap();
        assert_eq!(ready.status, InferenceEndpointStatus::Running);
        assert_eq!(endpoint.into_inner().name, kind);
    }
    let calls = hub.requests_to("/ie/run/");
    assert!(calls.iter().any(|call| call.path == "/ie/run/local/public/health"));
    assert!(calls.iter().all(|call| call.authorization().is_none()), "the token is the Hub's alone");
}

#[tokio::test]
async fn waiting_ends_with_the_time_for_it() {
    let hub = Hub::of(LocalHub::builder().deploy_time(Duration::from_secs(3600))).await;
    let mut endpoint = hub.api.inference_endpoint(create(&hub.api, "tiny").await.unwrap());
    let error = endpoint.wait(Duration::from_millis(20), SOON).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InferenceEndpointTimeout);
    assert!(error.to_string().contains("`tiny`"), "{error}");
    assert_eq!(endpoint.status, InferenceEndpointStatus::Initializing);
    let error = endpoint.wait(LONG, Duration::ZERO).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument);
}

#[tokio::test]
async fn nobody_waits_for_what_failed_or_is_paused() {
    let hub = Hub::start().await;
    create(&hub.api, "tiny").await.unwrap();
    let mut paused = hub.api.inference_endpoint(hub.api.pause_inference_endpoint("tiny").await.unwrap());
    assert_eq!(paused.wait(None, SOON).await.unwrap_err().kind(), ErrorKind::InferenceEndpoint);
    let mut failed = paused.raw.clone();
    failed["status"]["state"] = json!("failed");
    hub.fault(Fault::on(Method::GET, "/endpoint/local/tiny").body(serde_json::to_vec(&failed).unwrap()));
    paused.fetch().await.unwrap();
    let error = paused.wait(None, SOON).await.unwrap_err();
    assert_eq!((error.kind(), error.to_string().contains("failed")), (ErrorKind::InferenceEndpoint, true));
}

#[tokio::test]
async fn a_handle_does_what_the_methods_do_and_sees_it() {
    let hub = Hub::start().await;
    let mut endpoint = hub.api.inference_endpoint(create(&hub.api, "tiny").await.unwrap());
    assert_eq!(endpoint.fetch().await.unwrap().status, InferenceEndpointStatus::Running);
    endpoint.update(|change| change.max_replica(3)).await.unwrap();
    assert_eq!(endpoint.raw["compute"]["scaling"]["maxReplica"], 3);
    endpoint.scale_to_zero().await.unwrap();
    assert_eq!(endpoint.status, InferenceEndpointStatus::ScaledToZero);
    endpoint.pause().await.unwrap();
    assert_eq!(status(&hub.api, "tiny").await, InferenceEndpointStatus::Paused);
    endpoint.resume().await.unwrap();
    assert_eq!(status(&hub.api, "tiny").await, InferenceEndpointStatus::Running);
    endpoint.delete().await.unwrap();
    assert_eq!(hub.api.get_inference_endpoint("tiny").await.unwrap_err().status(), Some(404));
}

#[tokio::test]
async fn an_endpoint_is_made_as_it_was_asked_for() {
    let hub = Hub::start().await;
    hub.add_organization("acme", &["local"]).await.unwrap();
    let image = json!({ "url": "images.test/tgi:1", "health_route": "/up" });
    let request = create(&hub.api, "tiny").namespace("acme").account_id("1234").r#type("private");
    let request = request.custom_image(image.clone()).scale_to_zero_timeout(ScaleToZero::AfterMinutes(30));
    request.revision("c1").secrets([("KEY".to_owned(), "s3cret".into())]).await.unwrap();
    let read = hub.api.get_inference_endpoint("tiny").namespace("acme").await.unwrap();
    assert_eq!((read.namespace.as_str(), read.repository.as_str()), ("acme", "local/m"));
    assert_eq!((read.framework.as_str(), read.revision.as_deref()), ("pytorch", Some("c1")));
    assert_eq!((&read.raw["accountId"], read.r#type), (&json!("1234"), InferenceEndpointType::Private));
    assert_eq!(read.raw["model"]["image"], json!({ "custom": image }));
    assert_eq!(read.raw["model"]["secrets"], json!({ "KEY": null }));
    assert_eq!(read.raw["provider"], json!({ "region": "us-east-1", "vendor": "aws" }));
    let compute = &read.raw["compute"];
    assert_eq!(compute["scaling"], json!({ "minReplica": 0, "maxReplica": 1, "scaleToZeroTimeout": 30 }));
    assert_eq!(
        (&compute["accelerator"], &compute["instanceSize"], &compute["instanceType"]),
        (&json!("cpu"), &json!("x2"), &json!("intel-icl"))
    );
}

#[tokio::test]
async fn every_part_of_an_endpoint_can_be_changed() {
    let hub = Hub::start().await;
    create(&hub.api, "tiny").secrets([("OLD".to_owned(), "x".into())]).await.unwrap();
    let update = hub.api.update_inference_endpoint("tiny").accelerator("gpu").instance_size("x4");
    let update = update.instance_type("nvidia-a10g").min_replica(1).max_replica(3);
    let update = update.repository("local/n").framework("custom").revision("c2").task("fill-mask");
    update.secrets([("NEW".to_owned(), "x".into())]).await.unwrap();
    let read = hub.api.get_inference_endpoint("tiny").await.unwrap();
    let compute = json!({
        "accelerator": "gpu", "instanceSize": "x4", "instanceType": "nvidia-a10g",
        "scaling": { "minReplica": 1, "maxReplica": 3, "scaleToZeroTimeout": 15 },
    });
    assert_eq!(read.raw["compute"], compute);
    assert_eq!((read.repository.as_str(), read.framework.as_str()), ("local/n", "custom"));
    assert_eq!((read.revision.as_deref(), read.task.as_deref()), (Some("c2"), Some("fill-mask")));
    assert_eq!(read.raw["model"]["secrets"], json!({ "NEW": null }));
}

#[tokio::test]
async fn what_is_done_in_a_namespace_leaves_the_endpoint_of_that_name_elsewhere() {
    let hub = Hub::start().await;
    hub.add_organization("acme", &["local"]).await.unwrap();
    create(&hub.api, "tiny").await.unwrap();
    create(&hub.api, "tiny").namespace("acme").await.unwrap();
    let theirs = async || hub.api.get_inference_endpoint("tiny").namespace("acme").await;
    let own = hub.api.get_inference_endpoint("tiny").await.unwrap();

    hub.api.pause_inference_endpoint("tiny").namespace("acme").await.unwrap();
    assert_eq!(theirs().await.unwrap().status, InferenceEndpointStatus::Paused);
    hub.api.resume_inference_endpoint("tiny").namespace("acme").await.unwrap();
    assert_eq!(theirs().await.unwrap().status, InferenceEndpointStatus::Running);
    hub.api.scale_to_zero_inference_endpoint("tiny").namespace("acme").await.unwrap();
    assert_eq!(theirs().await.unwrap().status, InferenceEndpointStatus::ScaledToZero);
    hub.api.update_inference_endpoint("tiny").namespace("acme").task("fill-mask").await.unwrap();
    assert_eq!(theirs().await.unwrap().task.as_deref(), Some("fill-mask"));
    hub.api.delete_inference_endpoint("tiny").namespace("acme").await.unwrap();
    assert_eq!(theirs().await.unwrap_err().status(), Some(404));
    assert_eq!(hub.api.get_inference_endpoint("tiny").await.unwrap(), own);
}
