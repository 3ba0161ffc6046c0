use crate::client::{Client, file, header, lfs_file, sha256};
use hub_local::{LocalHub, Method};
use serde_json::{Value, json};
use sha1::{Digest, Sha1};

#[tokio::test]
async fn committed_file_has_gits_own_id() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let commit = client.commit_files("local/m", &[("a/b.txt", "hello\n")]).await;
    let answer = client.get("/local/m/resolve/main/a/b.txt").await;
    let id = hex::encode(Sha1::digest("blob 6\0hello\n"));
    assert_eq!(header(&answer, "etag"), format!("\"{id}\""));
    assert_eq!(header(&answer, "x-repo-commit"), commit);
    assert_eq!(answer.text().await.unwrap(), "hello\n");
    let raw = client.get("/local/m/raw/main/a/b.txt").await;
    assert_eq!(raw.text().await.unwrap(), "hello\n");
}

#[tokio::test]
async fn commit_on_an_old_parent_fails() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let first = client.commit_files("local/m", &[("a", "1")]).await;
    let second = client.commit_files("local/m", &[("a", "2")]).await;
    let change = [file("a", b"3")];
    let answer = client.commit("local/m", &json!({ "summary": "x", "parentCommit": first }), &change).await;
    assert_eq!(answer.status(), 412);
    assert_eq!(client.json("/api/models/local/m").await["sha"], second.as_str());
    let answer = client.commit("local/m", &json!({ "summary": "x", "parentCommit": second }), &change).await;
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn commits_at_once_are_all_kept() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let paths: Vec<String> = (0..8).map(|n| format!("f{n}")).collect();
    let commits = paths.iter().map(async |path| client.commit_files("local/m", &[(path, "x")]).await);
    futures_util::future::join_all(commits).await;
    let tree = client.json("/api/models/local/m/tree/main").await;
    assert_eq!(tree.as_array().unwrap().len(), 9);
    assert_eq!(client.json("/api/models/local/m/commits/main").await.as_array().unwrap().len(), 9);
}

#[tokio::test]
async fn files_and_folders_are_deleted() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    client.commit_files("local/m", &[("a/1", "x"), ("a/b/2", "x"), ("c", "x"), ("d", "x")]).await;
    let changes = [
        json!({ "key": "deletedFolder", "value": { "path": "a/" } }),
        json!({ "key": "deletedFile", "value": { "path": "c" } }),
    ];
    assert_eq!(client.commit("local/m", &json!({ "summary": "x" }), &changes).await.status(), 200);
    let tree = client.json("/api/models/local/m/tree/main?recursive=true").await;
    let paths: Vec<_> = tree.as_array().unwrap().iter().map(|item| item["path"].as_str().unwrap()).collect();
    assert_eq!(paths, [".gitattributes", "d"]);
}

#[tokio::test]
async fn deleting_what_is_not_there_fails() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    for key in ["deletedFile", "deletedFolder"] {
        let change = json!({ "key": key, "value": { "path": "nope" } });
        let answer = client.commit("local/m", &json!({ "summary": "x" }), &[change]).await;
        assert_eq!(
            (answer.status().as_u16(), header(&answer, "x-error-code").as_str()),
            (404, "EntryNotFound")
        );
    }
}

#[tokio::test]
async fn path_that_leaves_the_repository_is_refused() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    for path in ["../x", "/x", "a/../../x", "", "a//b", ".git/config", "a\\b"] {
        let answer = client.commit("local/m", &json!({ "summary": "x" }), &[file(path, b"x")]).await;
        assert_eq!(answer.status(), 400, "{path:?}");
    }
}

#[tokio::test]
async fn lfs_object_that_was_not_uploaded_cannot_be_committed() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let change = lfs_file("m.bin", &sha256(b"x"), 1);
    let answer = client.commit("local/m", &json!({ "summary": "x" }), &[change]).await;
    assert_eq!(answer.status(), 400);
    assert!(header(&answer, "x-error-message").contains("was not uploaded"));
}

#[tokio::test]
async fn large_regular_file_is_refused() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let change = file("big.txt", &vec![b'x'; 11 << 20]);
    let answer = client.commit("local/m", &json!({ "summary": "x" }), &[change]).await;
    assert_eq!(answer.status(), 400);
}

#[tokio::test]
async fn pull_request_has_a_reference_and_leaves_the_branch() {
    let hub = LocalHub::start().await.unwrap();
    let other = hub.add_user("alice").await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let path = "/api/models/local/m/commit/main";
    let alice = Client::with_token(&hub, Some(other));
    let header = json!({ "summary": "Fix", "description": "it" });
    assert_eq!(alice.commit_to(path, &header, &[file("a", b"x")]).await.status(), 403);
    let answer = alice.commit_to(&format!("{path}?create_pr=1"), &header, &[file("a", b"x")]).await;
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["pullRequestUrl"], format!("{}/local/m/discussions/1", hub.endpoint()));
    for revision in ["refs%2Fpr%2F1", "refs/pr/1"] {
        assert_eq!(client.get(&format!("/local/m/resolve/{revision}/a")).await.status(), 200);
    }
    assert_eq!(client.get("/local/m/resolve/main/a").await.status(), 404);
    let refs = client.json("/api/models/local/m/refs?include_prs=1").await;
    assert_eq!(refs["pullRequests"][0]["ref"], "refs/pr/1");
    assert_eq!(refs["pullRequests"][0]["targetCommit"], answer["commitOid"]);
    // A further commit goes onto it.
    let more = alice.commit_to("/api/models/local/m/commit/refs%2Fpr%2F1", &header, &[file("b", b"x")]).await;
    assert_eq!(more.status(), 200);
}

#[tokio::test]
async fn branches_and_tags_come_and_go() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let first = client.commit_files("local/m", &[("a", "1")]).await;
    client.commit_files("local/m", &[("a", "2")]).await;
    let base = "/api/models/local/m";
    let body = json!({ "startingPoint": first });
    let branch = format!("{base}/branch/feature%2Fx");
    assert_eq!(client.send(Method::POST, &branch, &body).await.status(), 200);
    assert_eq!(client.send(Method::POST, &branch, &body).await.status(), 409);
    let tag = format!("{base}/tag/feature%2Fx");
    assert_eq!(client.send(Method::POST, &tag, &json!({ "tag": "v1", "message": "m" })).await.status(), 200);
    assert_eq!(client.send(Method::POST, &tag, &json!({ "tag": "v1" })).await.status(), 409);
    for revision in ["feature%2Fx", "v1", &first, &first[..9]] {
        let answer = client.get(&format!("/local/m/resolve/{revision}/a")).await;
        assert_eq!(answer.text().await.unwrap(), "1", "{revision}");
    }
    assert_eq!(client.request(Method::DELETE, &branch).send().await.unwrap().status(), 200);
    assert_eq!(client.request(Method::DELETE, &branch).send().await.unwrap().status(), 404);
    assert_eq!(client.request(Method::DELETE, &format!("{base}/tag/v1")).send().await.unwrap().status(), 200);
    assert_eq!(
        client.request(Method::DELETE, &format!("{base}/branch/main")).send().await.unwrap().status(),
        403
    );
    let answer = client.get(&format!("{base}/revision/v1")).await;
    assert_eq!(
        (answer.status().as_u16(), header(&answer, "x-error-code").as_str()),
        (404, "RevisionNotFound")
    );
}

#[tokio::test]
async fn squashed_branch_has_one_commit_with_its_files() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    client.commit_files("local/m", &[("a", "1")]).await;
    let path = "/api/models/local/m/super-squash/main";
    assert_eq!(client.send(Method::POST, path, &json!({ "message": "one" })).await.status(), 200);
    let commits = client.json("/api/models/local/m/commits/main").await;
    assert_eq!(commits.as_array().unwrap().len(), 1);
    assert_eq!(commits[0]["title"], "one");
    assert_eq!(client.get("/local/m/resolve/main/a").await.text().await.unwrap(), "1");
}

#[tokio::test]
async fn git_reads_the_repository_file_by_file() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let commit = client.commit_files("local/m", &[("a", "1")]).await;
    for base in ["/local/m.git", "/local/m"] {
        let references = client.get(&format!("{base}/info/refs?service=git-upload-pack")).await;
        assert_eq!(references.text().await.unwrap(), format!("{commit}\trefs/heads/main\n"));
        assert_eq!(client.get(&format!("{base}/HEAD")).await.text().await.unwrap(), "ref: refs/heads/main\n");
        let object = format!("{base}/objects/{}/{}", &commit[..2], &commit[2..]);
        assert_eq!(client.get(&object).await.status(), 200);
        for outside in ["..%2Fconfig", "%2Fetc%2Fpasswd", "info"] {
            assert_eq!(client.get(&format!("{base}/objects/{outside}")).await.status(), 404, "{outside}");
        }
    }
    client.send(Method::PUT, "/api/models/local/m/settings", &json!({ "private": true })).await;
    assert_eq!(Client::anonymous(&hub).get("/local/m.git/info/refs").await.status(), 401);
}
