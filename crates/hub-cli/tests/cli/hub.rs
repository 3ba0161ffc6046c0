//! A Hub in this process, and the tool that talks to it.
use hub_client::prelude::*;
use hub_client::{Config, Token};
use hub_local::LocalHub;
use std::ffi::OsStr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use tempfile::TempDir;

/// A Hub, a client of its user `local`, and an empty home and working folder for the tool.
pub struct Hub {
    pub api: HfApi,
    local: LocalHub,
    folder: TempDir,
}

/// What a command printed, and its exit code.
#[derive(Debug)]
pub struct Output {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Hub {
    pub async fn start() -> Self {
        let (local, folder) = (LocalHub::start().await.unwrap(), tempfile::tempdir().unwrap());
        for name in ["home", "work"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let config = Config::new(local.endpoint(), folder.path().join("api")).unwrap();
        let api = HfApi::new(config.with_token(Token::parse(local.token()).unwrap()));
        Self { api, local, folder }
    }

    /// Starts with a model `local/it` of text files.
    pub async fn with_model(files: &[(&str, &str)]) -> Self {
        let hub = Self::start().await;
        hub.model("local/it", files).await;
        hub
    }

    /// Creates a model of text files.
    pub async fn model(&self, repo_id: &str, files: &[(&str, &str)]) {
        self.api.create_repo(repo_id).await.unwrap();
        let add = |(path, text): &(&str, &str)| CommitOperation::add(*path, text.as_bytes().to_vec());
        let operations: Vec<_> = files.iter().map(add).collect();
        self.api.create_commit(repo_id, operations, "add files").await.unwrap();
    }

    /// The paths of the files of a model, in order.
    pub async fn files(&self, repo_id: &str) -> Vec<String> {
        let mut files = self.api.list_repo_files(repo_id).await.unwrap();
        files.retain(|path| path != ".gitattributes");
        files.sort();
        files
    }

    /// The home folder of the tool.
    pub fn home(&self) -> PathBuf {
        self.folder.path().join("home")
    }

    /// The folder that the tool runs in.
    pub fn work(&self) -> PathBuf {
        self.folder.path().join("work")
    }

    /// Writes files into the folder that the tool runs in.
    pub fn write(&self, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = self.work().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }

    /// A command of the tool, in an environment of its own.
    pub fn command<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hub"));
        command.env_clear().current_dir(self.work()).args(arguments).stdin(Stdio::null());
        command.env("HOME", self.home()).env("HF_HOME", self.home().join("hf"));
        command.env("HF_ENDPOINT", self.endpoint()).env("HF_TOKEN", self.token());
        command
    }

    /// Runs a command of the tool.
    pub async fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        Output::of(self.command(arguments)).await
    }

    /// The files of the only snapshot of a model in the tool's cache, in order.
    pub fn cached(&self, repo_id: &str) -> Vec<String> {
        let folder = format!("models--{}/snapshots", repo_id.replace('/', "--"));
        let snapshots = self.home().join("hf/hub").join(folder);
        let snapshot = std::fs::read_dir(snapshots).unwrap().next().unwrap().unwrap().path();
        names(&snapshot)
    }
}

/// The files below a folder, in order.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().flatten();
    let files = entries.filter(|entry| !entry.file_type().is_dir());
    files.map(|entry| entry.path().strip_prefix(folder).unwrap().to_string_lossy().into_owned()).collect()
}

impl Output {
    /// Runs a command to its end.
    pub async fn of(mut command: Command) -> Self {
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        Self::new(output.status, &output.stdout, &output.stderr)
    }

    fn new(status: ExitStatus, stdout: &[u8], stderr: &[u8]) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { code: status.code(), stdout: text(stdout), stderr: text(stderr) }
    }

    /// Asserts the exit code.
    pub fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self:#?}");
        assert!(!self.stderr.contains("panicked"), "{self:#?}");
        self
    }

    /// Asserts that a line of the standard error contains all these texts.
    pub fn says(self, texts: &[&str]) -> Self {
        assert!(self.lines(texts) > 0, "{texts:?} are not said: {self:#?}");
        self
    }

    /// How many lines of the standard error contain all these texts.
    pub fn lines(&self, texts: &[&str]) -> usize {
        self.stderr.lines().filter(|line| texts.iter().all(|text| line.contains(text))).count()
    }

    /// The standard output as JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:#?}"))
    }
}

impl Deref for Hub {
    type Target = LocalHub;
    fn deref(&self) -> &LocalHub {
        &self.local
    }
}
