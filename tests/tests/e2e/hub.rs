//! A local Hub with a client of its first user.
use hub_api::types::CommitHash;
use hub_api::{Arg, Config, HfApi, Token, types::RepoId};
use hub_local::{LocalHub, LocalHubBuilder, LoggedRequest};
use hub_upload::{CommitOperation, Uploads as _};
use std::ops::Deref;
use std::time::Duration;
use tempfile::TempDir;

/// A Hub in this process, and who asks it.
pub struct Hub {
    pub api: HfApi,
    local: LocalHub,
    home: TempDir,
}

impl Hub {
    /// A Hub whose first user is `local`.
    pub async fn start() -> Self {
        Self::of(LocalHub::builder()).await
    }

    /// A Hub that puts so many items on a page.
    pub async fn with_pages_of(items: usize) -> Self {
        Self::of(LocalHub::builder().page_size(items)).await
    }

    /// A Hub with choices.
    pub async fn of(builder: LocalHubBuilder) -> Self {
        let (local, home) = (builder.start().await.unwrap(), tempfile::tempdir().unwrap());
        let mut config = Config::new(local.endpoint(), home.path()).unwrap();
        // Whatever is waited for comes at once here.
        config.retry.base = Duration::from_millis(1);
        let api = HfApi::new(config).with_token(Token::parse(local.token()).unwrap());
        Self { api, local, home }
    }

    /// A client without a token.
    pub fn stranger(&self) -> HfApi {
        HfApi::new(Config::new(self.endpoint(), self.home.path()).unwrap())
    }

    /// A client of another user, who is added.
    pub async fn other(&self, name: &str) -> HfApi {
        let token = self.add_user(name).await.unwrap();
        self.stranger().with_token(Token::parse(&token).unwrap())
    }

    /// Commits text files to the default branch of a model.
    pub async fn commit(&self, repo_id: &str, files: &[(&str, &str)]) -> CommitHash {
        let add = |(path, text): &(&str, &str)| CommitOperation::add(*path, text.as_bytes().to_vec());
        let operations: Vec<_> = files.iter().map(add).collect();
        let commit = self.api.create_commit(Arg::<RepoId>::from(repo_id), operations, "add files").await;
        CommitHash::parse(&commit.unwrap().oid).unwrap()
    }

    /// Creates a model with text files.
    pub async fn model(&self, repo_id: &str, files: &[(&str, &str)]) -> CommitHash {
        self.api.create_repo(repo_id).await.unwrap();
        self.commit(repo_id, files).await
    }

    /// The requests whose path begins like this.
    pub fn requests_to(&self, path: &str) -> Vec<LoggedRequest> {
        self.requests().into_iter().filter(|request| request.path.starts_with(path)).collect()
    }
}

impl Deref for Hub {
    type Target = LocalHub;
    fn deref(&self) -> &LocalHub {
        &self.local
    }
}
