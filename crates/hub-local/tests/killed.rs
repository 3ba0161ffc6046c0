//! What the Hub acknowledged is there after `kill -9`, and what it did not is there whole or not at all.
//!
//! The program starts itself a second time as the server that it kills, so it has a `main` of its own.
use hub_local::LocalHub;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::{
    env,
    error::Error,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const SERVE: &str = "HUB_LOCAL_SERVE";
const TOKEN: &str = "hf_killed";
/// How many turns of the event loop the last commit of each round gets before the kill.
const TURNS: [usize; 5] = [0, 1_000, 4_000, 16_000, 64_000];
const ACKNOWLEDGED_A_ROUND: usize = 4;

fn main() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if let Some(folder) = env::var_os(SERVE) {
        return runtime.block_on(serve(folder.as_ref()));
    }
    // Test runners ask every program for the names of its tests.
    if env::args().any(|argument| argument == "--list") {
        println!("acknowledged_commits_survive_kill: test");
        return Ok(());
    }
    runtime.block_on(acknowledged_commits_survive_kill())?;
    println!("test acknowledged_commits_survive_kill ... ok");
    Ok(())
}

async fn serve(folder: &Path) -> Result<()> {
    let hub = LocalHub::builder().data_dir(folder).token(TOKEN).start().await?;
    println!("{}", hub.endpoint());
    std::future::pending().await
}

async fn acknowledged_commits_survive_kill() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let mut acknowledged = Vec::new();
    for (round, turns) in TURNS.into_iter().enumerate() {
        let (mut server, endpoint) = start(folder.path())?;
        let client = Client::new(endpoint);
        if round == 0 {
            client.post("/api/repos/create", json!({ "name": "m" }).to_string()).await?;
        }
        check(&client, &acknowledged).await?;
        for number in 0..ACKNOWLEDGED_A_ROUND {
            let name = format!("{round}-{number}");
            client.commit(&name).await?;
            acknowledged.push(name);
        }
        // Killed in the middle of one more, wherever that is.
        let lost = format!("{round}-lost");
        let kill = async {
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
            server.kill()
        };
        let (unacknowledged, killed) = futures_util::future::join(client.commit(&lost), kill).await;
        killed?;
        server.wait()?;
        if unacknowledged.is_ok() {
            acknowledged.push(lost);
        }
    }
    let (mut server, endpoint) = start(folder.path())?;
    let checked = check(&Client::new(endpoint), &acknowledged).await;
    server.kill()?;
    server.wait()?;
    checked
}

fn start(folder: &Path) -> Result<(Child, String)> {
    let mut server = Command::new(env::current_exe()?).env(SERVE, folder).stdout(Stdio::piped()).spawn()?;
    let output = server.stdout.take().ok_or("the server has an output")?;
    let mut endpoint = String::new();
    BufReader::new(output).read_line(&mut endpoint)?;
    Ok((server, endpoint.trim().to_owned()))
}

/// Every acknowledged file, regular and LFS, is whole; so are those that are there without it.
async fn check(client: &Client, acknowledged: &[String]) -> Result<()> {
    let tree: Vec<Value> = client.get("/api/models/local/m/tree/main").await?.json().await?;
    let paths: Vec<&str> = tree.iter().filter_map(|item| item["path"].as_str()).collect();
    for name in acknowledged {
        for path in [name.clone(), format!("{name}.bin")] {
            assert!(paths.contains(&&*path), "{path} was acknowledged and is not among {paths:?}");
        }
    }
    for item in tree.iter().filter(|item| item["path"] != ".gitattributes") {
        let path = item["path"].as_str().ok_or("a path")?;
        let mut answer = client.get(&format!("/local/m/resolve/main/{path}")).await?;
        if let Some(location) = answer.headers().get("location") {
            answer = client.http.get(location.to_str()?).send().await?;
        }
        let content = answer.bytes().await?;
        assert_eq!(content, content_of(path.trim_end_matches(".bin")), "{path}");
    }
    let info: Value = client.get("/api/models/local/m").await?.json().await?;
    let commits: Vec<Value> = client.get("/api/models/local/m/commits/main").await?.json().await?;
    assert_eq!(info["sha"], commits[0]["id"], "the database follows the branch");
    Ok(())
}

fn content_of(name: &str) -> Vec<u8> {
    name.repeat(1000).into_bytes()
}

struct Client {
    http: reqwest::Client,
    endpoint: String,
}

impl Client {
    fn new(endpoint: String) -> Self {
        // Beside hub-http in one build reqwest can do TLS and wants to know how, though these tests never do.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        Self { http: http.build().expect("a client without TLS can be made"), endpoint }
    }

    async fn get(&self, path: &str) -> Result<reqwest::Response> {
        let request = self.http.get(format!("{}{path}", self.endpoint)).bearer_auth(TOKEN);
        Ok(request.send().await?)
    }

    async fn post(&self, path: &str, body: String) -> Result<Value> {
        let request = self.http.post(format!("{}{path}", self.endpoint)).bearer_auth(TOKEN);
        Ok(request.body(body).send().await?.error_for_status()?.json().await?)
    }

    /// Commits a regular file and an LFS file of the same content; done only when both are acknowledged.
    async fn commit(&self, name: &str) -> Result<()> {
        let content = content_of(name);
        let (oid, size) = (hex::encode(Sha256::digest(&content)), content.len());
        let batch = json!({ "operation": "upload", "objects": [{ "oid": oid, "size": size }] });
        let offer = self.post("/local/m.git/info/lfs/objects/batch", batch.to_string()).await?;
        if let Some(href) = offer["objects"][0]["actions"]["upload"]["href"].as_str() {
            self.http.put(href).body(content.clone()).send().await?.error_for_status()?;
        }
        let text = String::from_utf8(content)?;
        let lines = [
            json!({ "key": "header", "value": { "summary": name } }),
            json!({ "key": "file", "value": { "path": name, "content": text } }),
            json!({ "key": "lfsFile", "value": { "path": format!("{name}.bin"), "oid": oid, "size": size } }),
        ];
        let lines = lines.map(|line| line.to_string()).join("\n");
        self.post("/api/models/local/m/commit/main", lines).await?;
        Ok(())
    }
}
