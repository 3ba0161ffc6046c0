use crate::client::{Client, header};
use hub_local::{LocalHub, Method};
use hub_types::{RepoId, RepoType};
use serde_json::{Value, json};

#[tokio::test]
async fn existing_repo_is_a_conflict_with_its_url() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let answer = client.send(Method::POST, "/api/repos/create", &json!({ "name": "m" })).await;
    assert_eq!(answer.status(), 409);
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["url"], format!("{}/local/m", hub.endpoint()));
}

#[tokio::test]
async fn namespace_of_others_is_forbidden_and_of_ones_organization_allowed() {
    let hub = LocalHub::start().await.unwrap();
    hub.add_user("alice").await.unwrap();
    hub.add_organization("acme", &["local"]).await.unwrap();
    let client = Client::of(&hub);
    for (organization, status) in [("alice", 403), ("nobody", 403), ("acme", 200)] {
        let body = json!({ "name": "m", "organization": organization });
        let answer = client.send(Method::POST, "/api/repos/create", &body).await;
        assert_eq!(answer.status(), status, "{organization}");
    }
}

#[tokio::test]
async fn private_repo_looks_missing_to_others() {
    let hub = LocalHub::start().await.unwrap();
    let other = hub.add_user("alice").await.unwrap();
    let client = Client::of(&hub);
    client.send(Method::POST, "/api/repos/create", &json!({ "name": "m", "private": true })).await;
    assert_eq!(client.get("/api/models/local/m").await.status(), 200);
    for (client, status) in [(Client::with_token(&hub, Some(other)), 404), (Client::anonymous(&hub), 401)] {
        for path in
            ["/api/models/local/m", "/local/m/resolve/main/.gitattributes", "/api/models/local/missing"]
        {
            let answer = client.get(path).await;
            assert_eq!(answer.status(), status, "{path}");
            assert_eq!(header(&answer, "x-error-code"), "RepoNotFound");
        }
        assert_eq!(client.json("/api/models").await, json!([]));
    }
}

#[tokio::test]
async fn gated_repo_shows_itself_but_not_its_files() {
    let hub = LocalHub::start().await.unwrap();
    let other = hub.add_user("alice").await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    client.send(Method::PUT, "/api/models/local/m/settings", &json!({ "gated": "manual" })).await;
    for (client, status) in [(Client::with_token(&hub, Some(other)), 403), (Client::anonymous(&hub), 401)] {
        assert_eq!(client.json("/api/models/local/m").await["gated"], "manual");
        for path in ["/local/m/resolve/main/.gitattributes", "/api/models/local/m/auth-check"] {
            let answer = client.get(path).await;
            assert_eq!(answer.status(), status);
            assert_eq!(header(&answer, "x-error-code"), "GatedRepo");
        }
    }
    assert_eq!(client.get("/local/m/resolve/main/.gitattributes").await.status(), 200);
}

#[tokio::test]
async fn moved_repo_redirects_from_its_old_name() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("old").await;
    let body = json!({ "fromRepo": "local/old", "toRepo": "local/new", "type": "model" });
    assert_eq!(client.send(Method::POST, "/api/repos/move", &body).await.status(), 200);
    for (old, new) in [
        ("/api/models/local/old/tree/main?recursive=True", "/api/models/local/new/tree/main?recursive=True"),
        ("/local/old/resolve/main/.gitattributes", "/local/new/resolve/main/.gitattributes"),
    ] {
        let answer = client.get(old).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "location").as_str()), (307, new));
        assert_eq!(client.get(new).await.status(), 200);
    }
    // The name is free again, and then names what has it.
    client.create_repo("old").await;
    assert_eq!(client.get("/api/models/local/old").await.status(), 200);
}

#[tokio::test]
async fn canonical_repo_has_one_part_in_all_urls() {
    let hub = LocalHub::start().await.unwrap();
    hub.add_repo(RepoType::Dataset, &RepoId::parse("squad").unwrap()).await.unwrap();
    let client = Client::anonymous(&hub);
    assert_eq!(client.json("/api/datasets/squad").await["id"], "squad");
    assert_eq!(client.json("/api/datasets/squad/tree/main").await[0]["path"], ".gitattributes");
    assert_eq!(client.get("/datasets/squad/resolve/main/.gitattributes").await.status(), 200);
}

#[tokio::test]
async fn card_of_the_head_becomes_tags_and_library() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let card =
        "---\nlicense: mit\nlanguage: [en, fr]\npipeline_tag: fill-mask\ndatasets:\n- squad\n---\n# M\n";
    client.commit_files("local/m", &[("README.md", card), ("config.json", r#"{"model_type":"bert"}"#)]).await;
    let info = client.json("/api/models/local/m").await;
    assert_eq!(info["cardData"]["license"], "mit");
    assert_eq!((&info["library_name"], &info["pipeline_tag"]), (&json!("transformers"), &json!("fill-mask")));
    let tags: Vec<_> = info["tags"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    for tag in ["en", "fr", "license:mit", "dataset:squad", "fill-mask", "transformers"] {
        assert!(tags.contains(&tag), "{tag} in {tags:?}");
    }
}

#[tokio::test]
async fn parameters_of_safetensors_are_counted() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    assert_eq!(client.json("/api/models/local/m").await.get("safetensors"), None);
    let header = r#"{"__metadata__":{"format":"pt"},"a":{"dtype":"U8","shape":[2,3],"data_offsets":[0,6]}}"#;
    let mut content = (header.len() as u64).to_le_bytes().to_vec();
    content.extend_from_slice(header.as_bytes());
    content.extend_from_slice(&[0; 6]);
    client.commit_lfs("local/m", "model.safetensors", &content).await;
    let expected = json!({ "parameters": { "U8": 6 }, "total": 6 });
    assert_eq!(client.json("/api/models/local/m").await["safetensors"], expected);
}

#[tokio::test]
async fn expand_shows_only_what_is_asked_for() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let info = client.json("/api/models/local/m?expand[]=sha&expand=likes").await;
    let mut names: Vec<_> = info.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["_id", "id", "likes", "modelId", "sha"]);
    assert_eq!(client.get("/api/models/local/m?expand=nonsense").await.status(), 400);
}

#[tokio::test]
async fn deleted_repo_is_gone() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let id = RepoId::parse("local/m").unwrap();
    let folder = hub.git_dir(RepoType::Model, &id).await.unwrap();
    let answer = client.send(Method::DELETE, "/api/repos/delete", &json!({ "name": "m" })).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(client.get("/api/models/local/m").await.status(), 404);
    assert!(!folder.exists());
}
