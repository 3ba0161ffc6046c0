//! A Hub with a repository to download, and ways to see what downloads did.
use crate::hub::Hub;
use hub_api::types::{CommitHash, RepoId, RepoType};
use hub_api::{Arg, Config, HfApi, Token};
use hub_cache::RepoCache;
use hub_local::{LoggedRequest, Method, Origin};
use hub_upload::{CommitOperation, Uploads as _};
use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The repository that tests download.
pub const REPO: &str = "local/m";

/// A Hub with a repository, and a client with a cache of its own.
pub struct Downloading {
    pub api: HfApi,
    hub: Hub,
    home: TempDir,
}

impl Downloading {
    /// A Hub whose repository has these files.
    pub async fn of(files: &[(&str, Vec<u8>)]) -> Self {
        let hub = Hub::start().await;
        hub.api.create_repo(REPO).await.unwrap();
        let home = tempfile::tempdir().unwrap();
        let this = Self { api: hub.api.clone(), hub, home };
        let this = Self { api: this.client(this.hub.endpoint()), ..this };
        this.commit(files).await;
        this.hub.clear_requests();
        this
    }

    /// A client of a Hub at this address, with the cache of the tests.
    pub fn client(&self, endpoint: &str) -> HfApi {
        HfApi::new(self.config(endpoint))
    }

    /// A client that may make no request.
    pub fn offline(&self) -> HfApi {
        let mut config = self.config(self.hub.endpoint());
        config.offline = true;
        HfApi::new(config)
    }

    /// A client of a Hub that is gone.
    pub fn unreachable(&self) -> HfApi {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut config = self.config(&format!("http://{}", listener.local_addr().unwrap()));
        config.retry.max_attempts = 1;
        HfApi::new(config)
    }

    fn config(&self, endpoint: &str) -> Config {
        let mut config = Config::new(endpoint, self.home.path()).unwrap();
        config.retry.base = std::time::Duration::from_millis(1);
        config.with_token(Token::parse(self.hub.token()).unwrap())
    }

    /// Commits files to the default branch.
    pub async fn commit(&self, files: &[(&str, Vec<u8>)]) -> CommitHash {
        let add = |(path, content): &(&str, Vec<u8>)| CommitOperation::add(*path, content.clone());
        let operations: Vec<_> = files.iter().map(add).collect();
        let commit = self.api.create_commit(Arg::<RepoId>::from(REPO), operations, "add files").await;
        CommitHash::parse(&commit.unwrap().oid).unwrap()
    }

    /// The folder of the repository in the cache.
    pub fn cache(&self) -> RepoCache {
        RepoCache::new(&self.api.config().cache_dir, RepoType::Model, &REPO.parse().unwrap())
    }

    /// A folder that tests may put things into.
    pub fn folder(&self) -> PathBuf {
        self.home.path().join("folder")
    }

    /// The names of the files among the blobs.
    pub fn blobs(&self) -> Vec<String> {
        names(&self.cache().blobs())
    }

    /// The requests for the content of files, at either origin.
    pub fn content_requests(&self) -> Vec<LoggedRequest> {
        let content = |request: &LoggedRequest| {
            let redirect = request.status.is_some_and(|status| (300..400).contains(&status));
            let file = request.origin == Origin::Storage || request.path.contains("/resolve/");
            request.method == Method::GET && file && !redirect
        };
        self.hub.requests().into_iter().filter(content).collect()
    }
}

impl Deref for Downloading {
    type Target = Hub;
    fn deref(&self) -> &Hub {
        &self.hub
    }
}

/// The names in a folder, in order; none if there is no such folder.
pub fn names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// So many bytes that follow no pattern a mistake could hide in.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes
}
