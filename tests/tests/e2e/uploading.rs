//! A Hub, a client that may write to it, and ways to see what uploads did.
use hub_api::types::{RepoType, Revision};
use hub_api::{Config, HfApi, Http, Token, resolve_path};
use hub_local::{LocalHub, LocalHubBuilder, LoggedRequest, Method, Origin};
use std::fs;
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;

/// The repository that tests upload to.
pub const REPO: &str = "local/m";

/// A Hub with an empty repository, its client, and a folder of files.
pub struct Uploading {
    pub hub: LocalHub,
    pub api: HfApi,
    pub folder: TempDir,
}

impl Uploading {
    pub async fn start() -> Self {
        Self::on(LocalHub::builder()).await
    }

    pub async fn on(builder: LocalHubBuilder) -> Self {
        let hub = builder.start().await.unwrap();
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::new(hub.endpoint(), folder.path().join(".home")).unwrap();
        config.retry.base = Duration::from_millis(1);
        let api = HfApi::new(config.with_token(Token::parse(hub.token()).unwrap()));
        api.create_repo(REPO).await.unwrap();
        hub.clear_requests();
        Self { hub, api, folder }
    }

    /// Writes a file into the folder `out`.
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.out().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// The folder that tests upload.
    pub fn out(&self) -> std::path::PathBuf {
        self.folder.path().join("out")
    }

    /// The content of a file at a revision.
    pub async fn read_at(&self, revision: &str, path: &str) -> Vec<u8> {
        let (repo_id, revision) = (REPO.parse().unwrap(), Revision::parse(revision).unwrap());
        let http = Http::get(resolve_path(RepoType::Model, &repo_id, &revision, path));
        self.api.exchange(http).await.unwrap().body.to_vec()
    }

    /// Compares the title and the message of the newest commit of a branch.
    pub async fn assert_newest(&self, branch: &str, expected: (&str, &str)) {
        let newest = self.api.list_repo_commits(REPO).revision(branch).await.unwrap().remove(0);
        assert_eq!((newest.title.as_str(), newest.message.as_str()), expected);
    }

    /// The content of a file on the default branch.
    pub async fn read(&self, path: &str) -> Vec<u8> {
        self.read_at("main", path).await
    }

    /// The files on the default branch but for `.gitattributes`.
    pub async fn files(&self) -> Vec<String> {
        self.files_at("main").await
    }

    /// The files at a revision but for `.gitattributes`.
    pub async fn files_at(&self, revision: &str) -> Vec<String> {
        let mut files = self.api.list_repo_files(REPO).revision(revision).await.unwrap();
        files.retain(|file| file != ".gitattributes");
        files.sort();
        files
    }

    /// The titles of the commits on the default branch, the newest first.
    pub async fn titles(&self) -> Vec<String> {
        let commits = self.api.list_repo_commits(REPO).await.unwrap();
        commits.into_iter().map(|commit| commit.title).collect()
    }

    /// The commit that the default branch is at.
    pub async fn head(&self) -> String {
        self.api.list_repo_commits(REPO).await.unwrap().remove(0).commit_id
    }

    /// The requests with this method whose path contains this text.
    pub fn requests(&self, method: Method, part: &str) -> Vec<LoggedRequest> {
        let mut all = self.hub.requests();
        all.retain(|request| request.method == method && request.path.contains(part));
        all
    }

    /// The bodies that the storage received.
    pub fn puts(&self) -> Vec<LoggedRequest> {
        let mut all = self.requests(Method::PUT, "");
        all.retain(|request| request.origin == Origin::Storage);
        all
    }

    /// How many commits the Hub was asked to make.
    pub fn commits_sent(&self) -> usize {
        self.requests(Method::POST, "/commit/").len()
    }
}

/// Bytes that look random, the same ones for the same seed.
pub fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    std::iter::repeat_with(next).take(length).collect()
}

/// Appends a byte to a file.
pub fn append(path: &Path) {
    use std::io::Write as _;
    fs::OpenOptions::new().append(true).open(path).unwrap().write_all(b"x").unwrap();
}
