//! A client that knows nothing but HTTP.
use hub_local::{LocalHub, Method};
use reqwest::{RequestBuilder, Response, redirect::Policy};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub struct Client {
    http: reqwest::Client,
    endpoint: String,
    token: Option<String>,
}

impl Client {
    /// A client of the Hub's first user, which follows no redirects.
    pub fn of(hub: &LocalHub) -> Self {
        Self::with_token(hub, Some(hub.token().to_owned()))
    }

    pub fn anonymous(hub: &LocalHub) -> Self {
        Self::with_token(hub, None)
    }

    pub fn with_token(hub: &LocalHub, token: Option<String>) -> Self {
        // Beside hub-http in one build reqwest can do TLS and wants to know how, though these tests never do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
        Self { http, endpoint: hub.endpoint().to_owned(), token }
    }

    /// A request to a path of the Hub, with the token, or to a whole URL, without it.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        if path.starts_with("http") {
            return self.http.request(method, path);
        }
        let request = self.http.request(method, format!("{}{path}", self.endpoint));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    pub async fn send(&self, method: Method, path: &str, body: &Value) -> Response {
        self.request(method, path).json(body).send().await.unwrap()
    }

    pub async fn create_repo(&self, name: &str) {
        let answer = self.send(Method::POST, "/api/repos/create", &json!({ "name": name })).await;
        assert_eq!(answer.status(), 200);
    }

    /// Commits lines to `main` of a model.
    pub async fn commit(&self, id: &str, header: &Value, changes: &[Value]) -> Response {
        self.commit_to(&format!("/api/models/{id}/commit/main"), header, changes).await
    }

    pub async fn commit_to(&self, path: &str, header: &Value, changes: &[Value]) -> Response {
        let first = json!({ "key": "header", "value": header });
        let lines: Vec<String> = [&first].into_iter().chain(changes).map(Value::to_string).collect();
        self.request(Method::POST, path).body(lines.join("\n")).send().await.unwrap()
    }

    /// Commits text files to `main` of a model and gives the commit.
    pub async fn commit_files(&self, id: &str, files: &[(&str, &str)]) -> String {
        let changes: Vec<Value> = files.iter().map(|(path, text)| file(path, text.as_bytes())).collect();
        let answer = self.commit(id, &json!({ "summary": "files" }), &changes).await;
        assert_eq!(answer.status(), 200);
        let answer: Value = answer.json().await.unwrap();
        answer["commitOid"].as_str().unwrap().to_owned()
    }

    /// Asks how to upload an object and gives the whole answer for it.
    pub async fn offer(&self, id: &str, oid: &str, size: usize, transfers: &[&str]) -> Value {
        let objects = json!([{ "oid": oid, "size": size }]);
        let batch = json!({ "operation": "upload", "transfers": transfers, "objects": objects });
        let answer = self.send(Method::POST, &format!("/{id}.git/info/lfs/objects/batch"), &batch).await;
        assert_eq!(answer.status(), 200);
        let mut answer: Value = answer.json().await.unwrap();
        answer["objects"][0].take()
    }

    /// Uploads an object in one piece and commits it to `main` of a model.
    pub async fn commit_lfs(&self, id: &str, path: &str, content: &[u8]) -> String {
        let oid = sha256(content);
        let offer = self.offer(id, &oid, content.len(), &["basic"]).await;
        if let Some(href) = offer["actions"]["upload"]["href"].as_str() {
            let answer = self.request(Method::PUT, href).body(content.to_vec()).send().await.unwrap();
            assert_eq!(answer.status(), 200);
        }
        let change = lfs_file(path, &oid, content.len());
        let answer = self.commit(id, &json!({ "summary": "lfs" }), &[change]).await;
        assert_eq!(answer.status(), 200);
        oid
    }

    /// Where an LFS file is to be had.
    pub async fn location(&self, path: &str) -> String {
        let answer = self.get(path).await;
        assert_eq!(answer.status(), 302);
        header(&answer, "location")
    }
}

pub fn file(path: &str, content: &[u8]) -> Value {
    let content = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, content);
    json!({ "key": "file", "value": { "path": path, "content": content, "encoding": "base64" } })
}

pub fn lfs_file(path: &str, oid: &str, size: usize) -> Value {
    json!({ "key": "lfsFile", "value": { "path": path, "algo": "sha256", "oid": oid, "size": size } })
}

pub fn sha256(content: &[u8]) -> String {
    hex::encode(Sha256::digest(content))
}

pub fn header(answer: &Response, name: &str) -> String {
    answer.headers().get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap().to_owned()
}

/// Bytes that are not all alike.
pub fn noise(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}
