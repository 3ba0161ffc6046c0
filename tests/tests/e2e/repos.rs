//! Repositories: created, described, changed, moved and deleted.
use crate::hub::Hub;
use hub_api::ErrorKind;
use hub_api::types::{Gated, RepoInfo, RepoType};
use hub_local::{Fault, Method};
use hub_upload::Uploads as _;

#[tokio::test]
async fn a_created_repository_describes_itself() {
    let hub = Hub::start().await;
    for (repo_type, prefix) in
        [(RepoType::Model, ""), (RepoType::Dataset, "datasets/"), (RepoType::Space, "spaces/")]
    {
        let url = hub.api.create_repo("it").repo_type(repo_type).space_sdk("static").await.unwrap();
        assert_eq!(url.url, format!("{}/{prefix}local/it", hub.endpoint()));
        assert_eq!((url.repo_type, url.repo_id.as_str()), (repo_type, "local/it"));
        let info = hub.api.repo_info("local/it").repo_type(repo_type).await.unwrap();
        assert_eq!((info.repo_type(), info.id(), info.private()), (repo_type, "local/it", Some(false)));
        assert_eq!(info.siblings().unwrap()[0].rfilename, ".gitattributes");
    }
    assert_eq!(hub.api.space_info("local/it").await.unwrap().sdk.as_deref(), Some("static"));
}

#[tokio::test]
async fn an_existing_repository_is_created_again_only_if_that_is_fine() {
    let hub = Hub::start().await;
    hub.api.create_repo("m").await.unwrap();
    let conflict = hub.api.create_repo("m").await.unwrap_err();
    assert_eq!((conflict.kind(), conflict.status()), (ErrorKind::Http, Some(409)));
    // The namespace is known from the answer only.
    assert_eq!(hub.api.create_repo("m").exist_ok(true).await.unwrap().repo_id, "local/m");
}

#[tokio::test]
async fn what_others_have_exists_for_those_who_may_see_it() {
    let hub = Hub::start().await;
    hub.api.create_repo("m").await.unwrap();
    let ann = hub.other("ann").await;
    assert_eq!(ann.create_repo("local/m").exist_ok(true).await.unwrap().repo_id, "local/m");
    for request in [ann.create_repo("local/m"), ann.create_repo("local/new").exist_ok(true)] {
        assert_eq!(request.await.unwrap_err().status(), Some(403));
    }
}

#[tokio::test]
async fn creation_waits_while_the_hub_is_busy() {
    let hub = Hub::start().await;
    let busy = r#"{"error":"Cannot create repo: another conflicting operation is in progress"}"#;
    let fault = Fault::on(Method::POST, "/api/repos/create").times(2).status(409).body(busy);
    let handle = hub.fault(fault);
    // It is no sign that the repository exists.
    let url = hub.api.create_repo("m").exist_ok(true).await.unwrap();
    assert_eq!((url.repo_id.as_str(), handle.hits()), ("local/m", 2));
    assert!(hub.api.repo_exists("local/m").await.unwrap());
}

#[tokio::test]
async fn a_hub_that_stays_busy_is_an_error() {
    let hub = Hub::start().await;
    let busy = r#"{"error":"Cannot create repo: another conflicting operation is in progress"}"#;
    let handle = hub.fault(Fault::on(Method::POST, "/api/repos/create").status(409).body(busy));
    let error = hub.api.create_repo("m").exist_ok(true).await.unwrap_err();
    assert_eq!(error.status(), Some(409));
    assert!((5..50).contains(&handle.hits()), "{}", handle.hits());
}

#[tokio::test]
async fn a_lost_answer_does_not_create_twice() {
    let hub = Hub::start().await;
    hub.fault(Fault::on(Method::POST, "/api/repos/create").times(1).commit_then_fail(500));
    assert_eq!(hub.api.create_repo("m").await.unwrap_err().status(), Some(500));
    assert_eq!(hub.requests_to("/api/repos/create").len(), 1);
}

#[tokio::test]
async fn a_private_repository_is_not_there_for_others() {
    let hub = Hub::start().await;
    hub.api.create_repo("m").await.unwrap();
    let others = [hub.other("ann").await, hub.stranger()];
    for api in &others {
        assert!(api.repo_exists("local/m").await.unwrap());
    }
    hub.api.update_repo_settings("local/m").private(true).await.unwrap();
    for api in &others {
        assert!(!api.repo_exists("local/m").await.unwrap());
        assert!(!api.revision_exists("local/m", "main").await.unwrap());
        assert!(!api.file_exists("local/m", ".gitattributes").await.unwrap());
        assert_eq!(api.auth_check("local/m").await.unwrap_err().kind(), ErrorKind::RepositoryNotFound);
        assert_eq!(api.model_info("local/m").await.unwrap_err().kind(), ErrorKind::RepositoryNotFound);
    }
    hub.api.auth_check("local/m").await.unwrap();
    assert_eq!(hub.api.model_info("local/m").await.unwrap().private, Some(true));
}

#[tokio::test]
async fn a_gated_repository_exists_but_its_files_are_not_told() {
    let hub = Hub::start().await;
    hub.api.create_repo("m").await.unwrap();
    hub.api.update_repo_settings("local/m").gated("manual").await.unwrap();
    let ann = hub.other("ann").await;
    assert!(ann.repo_exists("local/m").await.unwrap());
    assert_eq!(ann.model_info("local/m").await.unwrap().gated, Some(Gated::Manual));
    assert_eq!(ann.auth_check("local/m").await.unwrap_err().kind(), ErrorKind::GatedRepo);
    let error = ann.file_exists("local/m", ".gitattributes").await.unwrap_err();
    assert_eq!((error.kind(), error.is_repository_not_found()), (ErrorKind::GatedRepo, true));
    hub.api.update_repo_settings("local/m").gated(false).await.unwrap();
    assert!(ann.file_exists("local/m", ".gitattributes").await.unwrap());
}

#[tokio::test]
#[expect(deprecated)]
async fn visibility_is_changed_and_told() {
    let hub = Hub::start().await;
    hub.api.create_repo("d").repo_type(RepoType::Dataset).await.unwrap();
    let answer = hub.api.update_repo_visibility("local/d").repo_type(RepoType::Dataset).private(true).await;
    assert_eq!(answer.unwrap()["private"], true);
    assert!(!hub.stranger().repo_exists("local/d").repo_type(RepoType::Dataset).await.unwrap());
}

#[tokio::test]
async fn a_moved_repository_answers_to_both_names() {
    let hub = Hub::start().await;
    hub.add_organization("acme", &["local"]).await.unwrap();
    let commit = hub.model("local/old", &[("a.txt", "a")]).await;
    hub.api.move_repo("local/old", "acme/new").await.unwrap();
    for name in ["local/old", "acme/new"] {
        let info = hub.api.model_info(name).await.unwrap();
        assert_eq!((info.id.as_str(), info.sha.as_deref()), ("acme/new", Some(commit.as_str())));
        assert!(hub.api.file_exists(name, "a.txt").await.unwrap());
    }
    let error = hub.api.move_repo("local/missing", "acme/x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RepositoryNotFound);
    assert!(error.to_string().contains("renaming-or-transferring"), "{error}");
}

#[tokio::test]
async fn a_move_by_a_former_name_keeps_all_names() {
    let hub = Hub::start().await;
    hub.api.create_repo("local/first").await.unwrap();
    hub.api.move_repo("local/first", "local/second").await.unwrap();
    hub.api.move_repo("local/first", "local/third").await.unwrap();
    for name in ["local/first", "local/second", "local/third"] {
        assert_eq!(hub.api.model_info(name).await.unwrap().id.as_str(), "local/third", "{name}");
    }
}

#[tokio::test]
async fn a_deleted_repository_is_gone() {
    let hub = Hub::start().await;
    hub.api.create_repo("m").await.unwrap();
    hub.api.delete_repo("local/m").await.unwrap();
    assert!(!hub.api.repo_exists("local/m").await.unwrap());
    let error = hub.api.delete_repo("local/m").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RepositoryNotFound);
    hub.api.delete_repo("local/m").missing_ok(true).await.unwrap();
}

#[tokio::test]
async fn deleting_what_is_not_ones_own_is_refused() {
    let hub = Hub::start().await;
    hub.api.create_repo("m").await.unwrap();
    let ann = hub.other("ann").await;
    assert_eq!(ann.delete_repo("local/m").missing_ok(true).await.unwrap_err().status(), Some(403));
    assert!(ann.repo_exists("local/m").await.unwrap());
}

#[tokio::test]
async fn a_description_has_the_parts_that_are_asked_for() {
    let hub = Hub::start().await;
    let card = "---\nlicense: mit\n---\n# M\n";
    let commit = hub.model("local/m", &[("README.md", card)]).await;
    let info = hub.api.model_info("local/m").revision(commit.clone()).files_metadata(true).await.unwrap();
    assert_eq!(info.card_data.unwrap().license(), Some("mit"));
    let siblings = info.siblings.unwrap();
    let readme = siblings.iter().find(|file| file.rfilename == "README.md").unwrap();
    assert_eq!((readme.size, readme.blob_id.is_some()), (Some(card.len() as u64), true));
    let info = hub.api.model_info("local/m").expand(["sha"]).await.unwrap();
    assert_eq!((info.sha.as_deref(), info.likes, info.siblings), (Some(commit.as_str()), None, None));
    let info = hub.api.repo_info("local/m").expand(["likes"]).await.unwrap();
    assert!(matches!(info, RepoInfo::Model(info) if info.likes == Some(0)));
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let hub = Hub::start().await;
    hub.api.create_repo("m").await.unwrap();
    let kind = |error: hub_api::Error| (error.kind(), error.request_id().is_some());
    let missing = hub.api.dataset_info("local/m").await.unwrap_err();
    assert_eq!(kind(missing), (ErrorKind::RepositoryNotFound, true));
    let missing = hub.api.model_info("local/m").revision("refs/pr/9").await.unwrap_err();
    assert_eq!(kind(missing), (ErrorKind::RevisionNotFound, true));
}

#[tokio::test]
async fn a_dataset_is_described_as_it_was_made() {
    let hub = Hub::start().await;
    hub.api.create_repo("d").repo_type(RepoType::Dataset).private(true).await.unwrap();
    let card = "---\nlicense: mit\nlanguage: fr\n---\n";
    let upload = hub.api.upload_file(card.as_bytes().to_vec(), "README.md", "local/d");
    let commit = upload.repo_type(RepoType::Dataset).await.unwrap().oid;
    hub.api.like("local/d").repo_type(RepoType::Dataset).await.unwrap();
    let info = hub.api.dataset_info("local/d").files_metadata(true).await.unwrap();
    assert_eq!((info.id.as_str(), info.author.as_deref()), ("local/d", Some("local")));
    assert_eq!((info.sha, info.private, info.likes), (Some(commit), Some(true), Some(1)));
    assert!(info.tags.unwrap().contains(&"language:fr".to_owned()));
    assert_eq!(info.card_data.unwrap().license(), Some("mit"));
    let readme = info.siblings.unwrap().remove(1);
    assert_eq!((readme.rfilename.as_str(), readme.size), ("README.md", Some(card.len() as u64)));
    let part = hub.api.dataset_info("local/d").expand(["likes"]).await.unwrap();
    assert_eq!((part.likes, part.sha), (Some(1), None));
}

#[tokio::test]
async fn a_space_is_described_as_it_was_made() {
    let hub = Hub::start().await;
    hub.api.create_repo("s").repo_type(RepoType::Space).space_sdk("static").await.unwrap();
    let card = "---\nsdk: static\nlicense: mit\nmodels:\n- local/m\n---\n";
    let upload = hub.api.upload_file(card.as_bytes().to_vec(), "README.md", "local/s");
    let commit = upload.repo_type(RepoType::Space).await.unwrap().oid;
    let info = hub.api.space_info("local/s").files_metadata(true).await.unwrap();
    assert_eq!((info.sha, info.models.unwrap()), (Some(commit), vec!["local/m".to_owned()]));
    assert_eq!(info.card_data.unwrap().license(), Some("mit"));
    assert_eq!(info.siblings.unwrap()[1].size, Some(card.len() as u64));
    let part = hub.api.space_info("local/s").expand(["sdk"]).await.unwrap();
    assert_eq!((part.sdk.as_deref(), part.sha, part.siblings), (Some("static"), None, None));
}

#[tokio::test]
async fn a_revision_is_described_with_its_own_files() {
    let hub = Hub::start().await;
    for kind in [RepoType::Model, RepoType::Dataset, RepoType::Space] {
        hub.api.create_repo("it").repo_type(kind).space_sdk("static").await.unwrap();
        let add = async |path: &str| {
            hub.api.upload_file(b"123".to_vec(), path, "local/it").repo_type(kind).await.unwrap().oid
        };
        let first = add("first").await;
        hub.api.create_tag("local/it", "v1").repo_type(kind).await.unwrap();
        add("second").await;
        let info = match kind {
            RepoType::Dataset => {
                RepoInfo::Dataset(hub.api.dataset_info("local/it").revision("v1").await.unwrap())
            }
            RepoType::Space => RepoInfo::Space(hub.api.space_info("local/it").revision("v1").await.unwrap()),
            _ => RepoInfo::Model(hub.api.model_info("local/it").revision("v1").await.unwrap()),
        };
        let names: Vec<_> = info.siblings().unwrap().iter().map(|file| file.rfilename.as_str()).collect();
        assert_eq!(info.sha(), Some(first.as_str()));
        assert!(names.contains(&"first") && !names.contains(&"second"), "{names:?}");
        let same = hub.api.repo_info("local/it").repo_type(kind).revision(&first).files_metadata(true);
        let same = same.await.unwrap();
        let file = same.siblings().unwrap().iter().find(|file| file.rfilename == "first").unwrap();
        assert_eq!((same.sha(), file.size), (Some(first.as_str()), Some(3)));
    }
}

#[tokio::test]
async fn what_is_done_to_a_dataset_is_not_done_to_the_model_of_its_name() {
    let (hub, dataset) = (Hub::start().await, RepoType::Dataset);
    for kind in [RepoType::Model, dataset] {
        hub.api.create_repo("x").repo_type(kind).await.unwrap();
    }
    let model = hub.api.model_info("local/x").await.unwrap();
    let ann = hub.other("ann").await;
    hub.api.update_repo_settings("local/x").repo_type(dataset).gated("auto").await.unwrap();
    let check = ann.auth_check("local/x").repo_type(dataset).await;
    assert_eq!(check.unwrap_err().kind(), ErrorKind::GatedRepo);
    ann.auth_check("local/x").await.unwrap();
    hub.api.move_repo("local/x", "local/y").repo_type(dataset).await.unwrap();
    assert_eq!(hub.api.dataset_info("local/y").await.unwrap().id, "local/y");
    hub.api.delete_repo("local/y").repo_type(dataset).await.unwrap();
    assert!(!hub.api.repo_exists("local/y").repo_type(dataset).await.unwrap());
    assert_eq!(hub.api.model_info("local/x").await.unwrap(), model);
}

#[tokio::test]
#[expect(deprecated)]
async fn what_was_hidden_is_shown_again() {
    let hub = Hub::start().await;
    for name in ["a", "b"] {
        hub.api.create_repo(name).private(true).await.unwrap();
    }
    hub.api.update_repo_settings("local/a").private(false).await.unwrap();
    hub.api.update_repo_visibility("local/b").await.unwrap();
    for name in ["local/a", "local/b"] {
        assert!(hub.stranger().repo_exists(name).await.unwrap(), "{name}");
    }
}

#[tokio::test]
async fn a_repository_in_a_resource_group_that_is_not_there_is_not_made() {
    let hub = Hub::start().await;
    let error = hub.api.create_repo("local/m").resource_group_id("none").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest);
    assert!(!hub.api.repo_exists("local/m").await.unwrap());
}
