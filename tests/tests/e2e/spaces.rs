//! Spaces: how they run, their settings, copies of them.
use crate::hub::Hub;
use hub_api::types::{RepoType, SpaceHardware, SpaceSetting, SpaceStage, SpaceStorage};
use hub_api::{ErrorKind, Http};
use hub_local::LocalHub;
use hub_upload::Uploads as _;
use serde_json::{Value, json};
use std::time::Duration;

const SPACE: &str = "local/demo";

/// Puts what a Space is started from into it.
async fn add_app(hub: &Hub, repo_id: &str, text: &str) {
    let upload = hub.api.upload_file(text.as_bytes().to_vec(), "app.py", repo_id);
    upload.repo_type(RepoType::Space).await.unwrap();
}

async fn with_space() -> Hub {
    let hub = Hub::start().await;
    hub.api.create_repo(SPACE).repo_type(RepoType::Space).space_sdk("gradio").await.unwrap();
    add_app(&hub, SPACE, "print(1)").await;
    hub
}

#[tokio::test]
async fn a_space_runs_once_it_has_an_app() {
    let hub = Hub::start().await;
    hub.api.create_repo(SPACE).repo_type(RepoType::Space).space_sdk("gradio").await.unwrap();
    assert_eq!(hub.api.get_space_runtime(SPACE).await.unwrap().stage, SpaceStage::NoAppFile);
    add_app(&hub, SPACE, "print(1)").await;
    let runtime = hub.stranger().get_space_runtime(SPACE).await.unwrap();
    assert_eq!((runtime.stage, runtime.hardware), (SpaceStage::Running, Some(SpaceHardware::CpuBasic)));
    assert_eq!(runtime.sleep_time, Some(48 * 3600));
}

#[tokio::test]
async fn hardware_is_asked_for_and_then_had() {
    let hub = with_space().await;
    let answer =
        hub.api.request_space_hardware(SPACE, SpaceHardware::T4Medium).sleep_time(3600).await.unwrap();
    assert_eq!(answer.hardware, Some(SpaceHardware::CpuBasic));
    assert_eq!(answer.requested_hardware, Some(SpaceHardware::T4Medium));
    let runtime = hub.api.get_space_runtime(SPACE).await.unwrap();
    assert_eq!(runtime.hardware, Some(SpaceHardware::T4Medium));
    assert_eq!((runtime.stage, runtime.sleep_time), (SpaceStage::Running, Some(3600)));
    let error = hub.api.request_space_hardware(SPACE, "toaster").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest);
}

#[tokio::test]
async fn a_space_is_built_as_long_as_the_hub_is_told() {
    let hub = Hub::of(LocalHub::builder().deploy_time(Duration::from_secs(3600))).await;
    hub.api.create_repo(SPACE).repo_type(RepoType::Space).space_sdk("gradio").await.unwrap();
    add_app(&hub, SPACE, "print(1)").await;
    let runtime = hub.api.get_space_runtime(SPACE).await.unwrap();
    assert_eq!((runtime.stage, runtime.hardware), (SpaceStage::Building, None));
}

#[tokio::test]
async fn a_sleep_time_counts_on_paid_hardware_and_can_be_never() {
    let hub = with_space().await;
    hub.api.set_space_sleep_time(SPACE, 900).await.unwrap();
    assert_eq!(hub.api.get_space_runtime(SPACE).await.unwrap().sleep_time, Some(48 * 3600));
    let upgraded = hub.api.request_space_hardware(SPACE, "a10g-small").await.unwrap();
    assert_eq!(upgraded.sleep_time, Some(900));
    assert_eq!(hub.api.set_space_sleep_time(SPACE, -1).await.unwrap().sleep_time, None);
}

#[tokio::test]
async fn a_paused_space_stays_so_until_it_is_restarted() {
    let hub = with_space().await;
    assert_eq!(hub.api.pause_space(SPACE).await.unwrap().stage, SpaceStage::Paused);
    let info = hub.api.space_info(SPACE).await.unwrap();
    assert_eq!(info.runtime.unwrap().stage, SpaceStage::Paused);
    hub.api.add_space_variable(SPACE, "A", "1").await.unwrap();
    assert_eq!(hub.api.get_space_runtime(SPACE).await.unwrap().stage, SpaceStage::Paused);
    assert_eq!(hub.api.restart_space(SPACE).await.unwrap().stage, SpaceStage::Building);
    assert_eq!(hub.api.get_space_runtime(SPACE).await.unwrap().stage, SpaceStage::Running);
}

#[tokio::test]
async fn a_factory_reboot_gives_up_the_running_app() {
    let hub = with_space().await;
    assert_eq!(hub.api.restart_space(SPACE).await.unwrap().stage, SpaceStage::RunningBuilding);
    let answer = hub.api.restart_space(SPACE).factory_reboot(true).await.unwrap();
    assert_eq!((answer.stage, answer.hardware), (SpaceStage::Building, None));
}

#[tokio::test]
async fn a_static_space_always_runs() {
    let hub = Hub::start().await;
    hub.api.create_repo(SPACE).repo_type(RepoType::Space).space_sdk("static").await.unwrap();
    assert_eq!(hub.api.pause_space(SPACE).await.unwrap_err().kind(), ErrorKind::BadRequest);
    assert_eq!(hub.api.restart_space(SPACE).await.unwrap_err().kind(), ErrorKind::BadRequest);
    let runtime = hub.api.get_space_runtime(SPACE).await.unwrap();
    assert_eq!((runtime.stage, runtime.hardware), (SpaceStage::Running, None));
}

#[tokio::test]
async fn only_owners_manage_a_space() {
    let hub = with_space().await;
    let ann = hub.other("ann").await;
    assert_eq!(ann.pause_space(SPACE).await.unwrap_err().status(), Some(403));
    assert_eq!(ann.add_space_secret(SPACE, "A", "1").await.unwrap_err().status(), Some(403));
    assert_eq!(hub.stranger().restart_space(SPACE).await.unwrap_err().status(), Some(401));
    let missing = hub.api.get_space_runtime("local/nope").await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::RepositoryNotFound);
    assert_eq!(hub.api.get_space_runtime(SPACE).await.unwrap().stage, SpaceStage::Running);
}

#[tokio::test]
async fn storage_grows_and_goes_and_does_not_shrink() {
    let hub = with_space().await;
    assert_eq!(hub.api.delete_space_storage(SPACE).await.unwrap_err().kind(), ErrorKind::BadRequest);
    hub.api.request_space_storage(SPACE, SpaceStorage::Medium).await.unwrap();
    let smaller = hub.api.request_space_storage(SPACE, SpaceStorage::Small).await.unwrap_err();
    assert_eq!(smaller.kind(), ErrorKind::BadRequest);
    assert_eq!(hub.api.get_space_runtime(SPACE).await.unwrap().storage, Some(SpaceStorage::Medium));
    assert_eq!(hub.api.delete_space_storage(SPACE).await.unwrap().storage, None);
    assert_eq!(hub.api.get_space_runtime(SPACE).await.unwrap().storage, None);
}

#[tokio::test]
async fn a_variable_that_is_set_is_listed() {
    let hub = with_space().await;
    hub.api.add_space_variable(SPACE, "MODEL", "me/tiny").description("what it shows").await.unwrap();
    let both = hub.api.add_space_variable(SPACE, "EMPTY", "").await.unwrap();
    assert_eq!(both.keys().collect::<Vec<_>>(), ["EMPTY", "MODEL"]);
    hub.api.add_space_variable(SPACE, "MODEL", "me/small").await.unwrap();
    let listed = hub.api.get_space_variables(SPACE).await.unwrap();
    assert_eq!((listed["MODEL"].value.as_str(), &listed["MODEL"].description), ("me/small", &None));
    assert!(listed["MODEL"].updated_at.is_some());
    let left = hub.api.delete_space_variable(SPACE, "MODEL").await.unwrap();
    assert_eq!(left.keys().collect::<Vec<_>>(), ["EMPTY"]);
    assert_eq!(hub.api.delete_space_variable(SPACE, "MODEL").await.unwrap_err().status(), Some(404));
}

#[tokio::test]
async fn a_secret_is_kept_and_never_shown() {
    let hub = with_space().await;
    hub.api.add_space_secret(SPACE, "KEY", "s3cret").await.unwrap();
    assert!(hub.api.get_space_variables(SPACE).await.unwrap().is_empty());
    // The name is taken.
    assert_eq!(hub.api.add_space_variable(SPACE, "KEY", "x").await.unwrap_err().status(), Some(409));
    hub.api.delete_space_secret(SPACE, "KEY").await.unwrap();
    hub.api.add_space_variable(SPACE, "KEY", "x").await.unwrap();
    assert_eq!(hub.api.delete_space_secret(SPACE, "KEY").await.unwrap_err().status(), Some(404));
}

#[tokio::test]
async fn a_key_must_name_an_environment_variable() {
    let hub = with_space().await;
    for key in ["", "1A", "A-B", "A B", "Ä"] {
        let error = hub.api.add_space_variable(SPACE, key, "x").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::BadRequest, "{key:?}");
    }
}

#[tokio::test]
async fn a_space_is_created_with_its_settings() {
    let hub = Hub::start().await;
    let create = hub.api.create_repo(SPACE).repo_type(RepoType::Space).space_sdk("docker");
    create
        .space_hardware("t4-small")
        .space_storage("large")
        .space_sleep_time(600)
        .space_variables([SpaceSetting::new("A", "1")])
        .space_secrets([SpaceSetting::new("KEY", "s3cret")])
        .await
        .unwrap();
    let runtime = hub.api.get_space_runtime(SPACE).await.unwrap();
    assert_eq!(runtime.requested_hardware, Some(SpaceHardware::T4Small));
    assert_eq!((runtime.storage, runtime.sleep_time), (Some(SpaceStorage::Large), Some(600)));
    assert_eq!(hub.api.get_space_variables(SPACE).await.unwrap()["A"].value, "1");
    hub.api.delete_space_secret(SPACE, "KEY").await.unwrap();
}

#[tokio::test]
async fn a_copy_has_the_files_history_and_variables_but_not_the_secrets() {
    let hub = with_space().await;
    hub.api.create_tag(SPACE, "v1").repo_type(RepoType::Space).await.unwrap();
    hub.api.add_space_variable(SPACE, "A", "1").await.unwrap();
    hub.api.add_space_variable(SPACE, "B", "1").await.unwrap();
    hub.api.add_space_secret(SPACE, "KEY", "s3cret").await.unwrap();
    let ann = hub.other("ann").await;
    let copy = ann.duplicate_space(SPACE).private(true).hardware("t4-small").sleep_time(60);
    let copy =
        copy.variables([SpaceSetting::new("B", "2")]).secrets([SpaceSetting::new("OWN", "x")]).await.unwrap();
    assert_eq!((copy.repo_id.as_str(), copy.repo_type), ("ann/demo", RepoType::Space));
    assert_eq!(copy.url, format!("{}/spaces/ann/demo", hub.endpoint()));
    let (original, info) =
        (hub.api.space_info(SPACE).await.unwrap(), ann.space_info("ann/demo").await.unwrap());
    assert_eq!((info.sha, info.private), (original.sha, Some(true)));
    let refs = ann.list_repo_refs("ann/demo").repo_type(RepoType::Space).await.unwrap();
    assert_eq!(refs.tags[0].name, "v1");
    let variables = ann.get_space_variables("ann/demo").await.unwrap();
    assert_eq!((variables["A"].value.as_str(), variables["B"].value.as_str()), ("1", "2"));
    let runtime = ann.get_space_runtime("ann/demo").await.unwrap();
    assert_eq!((runtime.hardware, runtime.sleep_time), (Some(SpaceHardware::T4Small), Some(60)));
    assert_eq!(ann.delete_space_secret("ann/demo", "KEY").await.unwrap_err().status(), Some(404));
    ann.delete_space_secret("ann/demo", "OWN").await.unwrap();
    assert_eq!(
        hub.api.get_space_runtime("ann/demo").await.unwrap_err().kind(),
        ErrorKind::RepositoryNotFound
    );
}

#[tokio::test]
async fn a_copy_goes_its_own_way() {
    let hub = with_space().await;
    hub.api.duplicate_space(SPACE).to_id("second").await.unwrap();
    add_app(&hub, "local/second", "print(2)").await;
    let (first, second) =
        (hub.api.space_info(SPACE).await.unwrap(), hub.api.space_info("local/second").await);
    assert_ne!(first.sha, second.unwrap().sha);
    hub.api.delete_repo(SPACE).repo_type(RepoType::Space).await.unwrap();
    let files = hub.api.list_repo_files("local/second").repo_type(RepoType::Space).await.unwrap();
    assert!(files.iter().any(|file| file == "app.py"), "{files:?}");
}

#[tokio::test]
async fn a_copy_that_exists_is_made_again_only_if_that_is_fine() {
    let hub = with_space().await;
    hub.api.duplicate_space(SPACE).to_id("local/second").await.unwrap();
    let conflict = hub.api.duplicate_space(SPACE).to_id("local/second").await.unwrap_err();
    assert_eq!((conflict.kind(), conflict.status()), (ErrorKind::Http, Some(409)));
    let again = hub.api.duplicate_space(SPACE).to_id("local/second").exist_ok(true).await.unwrap();
    assert_eq!(again.repo_id, "local/second");
    let elsewhere = hub.other("ann").await.duplicate_space(SPACE).to_id("local/third").await.unwrap_err();
    assert_eq!(elsewhere.status(), Some(403));
}

#[tokio::test]
async fn a_sleep_time_on_paid_hardware_is_read_again() {
    let hub = with_space().await;
    hub.api.request_space_hardware(SPACE, "t4-small").await.unwrap();
    for (seconds, read) in [(900, Some(900)), (-1, None)] {
        hub.api.set_space_sleep_time(SPACE, seconds).await.unwrap();
        assert_eq!(hub.api.get_space_runtime(SPACE).await.unwrap().sleep_time, read);
    }
}

#[tokio::test]
async fn a_variable_keeps_its_description_until_it_is_deleted() {
    let hub = with_space().await;
    hub.api.add_space_variable(SPACE, "MODEL", "me/tiny").description("what it shows").await.unwrap();
    hub.api.add_space_variable(SPACE, "OTHER", "1").await.unwrap();
    let listed = hub.stranger().get_space_variables(SPACE).await.unwrap();
    assert_eq!(listed["MODEL"].description.as_deref(), Some("what it shows"));
    hub.api.delete_space_variable(SPACE, "MODEL").await.unwrap();
    let listed = hub.api.get_space_variables(SPACE).await.unwrap();
    assert_eq!(listed.keys().collect::<Vec<_>>(), ["OTHER"]);
}

#[tokio::test]
async fn a_secret_is_known_by_its_name_and_description() {
    let hub = with_space().await;
    hub.api.add_space_secret(SPACE, "KEY", "s3cret").description("of the service").await.unwrap();
    // As the settings page asks; there is no method for it.
    let secrets = async || hub.api.exchange(Http::get("/api/spaces/local/demo/secrets")).await.unwrap();
    let listed: Value = secrets().await.json().unwrap();
    assert_eq!(
        (&listed["KEY"]["key"], &listed["KEY"]["description"]),
        (&json!("KEY"), &json!("of the service"))
    );
    assert!(!listed.to_string().contains("s3cret"));
    hub.api.delete_space_secret(SPACE, "KEY").await.unwrap();
    assert_eq!(secrets().await.json::<Value>().unwrap(), json!({}));
}

#[tokio::test]
async fn a_copy_of_a_private_space_is_private_and_has_the_storage_that_was_asked_for() {
    let hub = with_space().await;
    hub.api.update_repo_settings(SPACE).repo_type(RepoType::Space).private(true).await.unwrap();
    hub.api.duplicate_space(SPACE).to_id("second").storage("small").await.unwrap();
    assert_eq!(hub.api.space_info("local/second").await.unwrap().private, Some(true));
    let runtime = hub.api.get_space_runtime("local/second").await.unwrap();
    assert_eq!(runtime.storage, Some(SpaceStorage::Small));
    assert_eq!(hub.api.get_space_runtime(SPACE).await.unwrap().storage, None);
}

#[tokio::test]
async fn a_space_runs_on_while_it_is_built_anew_but_for_a_factory_reboot() {
    let folder = tempfile::tempdir().unwrap();
    let builder = || LocalHub::builder().data_dir(folder.path()).token("hf_kept");
    let hub = Hub::of(builder()).await;
    hub.api.create_repo(SPACE).repo_type(RepoType::Space).space_sdk("gradio").await.unwrap();
    add_app(&hub, SPACE, "print(1)").await;
    drop(hub);
    // From now on a start takes its time.
    let hub = Hub::of(builder().deploy_time(Duration::from_secs(3600))).await;
    for (factory, stage) in [(false, SpaceStage::RunningBuilding), (true, SpaceStage::Building)] {
        hub.api.restart_space(SPACE).factory_reboot(factory).await.unwrap();
        assert_eq!(hub.api.get_space_runtime(SPACE).await.unwrap().stage, stage);
    }
}
