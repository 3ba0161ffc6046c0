//! What tests and the command line ask of a running Hub.
use crate::{
    Error, Fault, FaultHandle, LocalHubBuilder, LoggedRequest, TokenRole, accounts, repos, state::HubState,
    store::blocking, web::ApiError,
};
use hub_types::{RepoId, RepoType};
use std::{
    fs,
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};
use tempfile::TempDir;
use tokio::task::JoinHandle;

/// A Hub of one's own, served from a folder for as long as this value lives.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
/// let hub = hub_local::LocalHub::start().await?;
/// assert!(hub.endpoint().starts_with("http://127.0.0.1:"));
/// // Give clients `HF_ENDPOINT` and `HF_TOKEN`:
/// println!("{} {}", hub.endpoint(), hub.token());
/// # Ok::<(), hub_local::Error>(()) }).unwrap();
/// ```
pub struct LocalHub {
    pub(crate) state: HubState,
    pub(crate) token: String,
    pub(crate) data_dir: PathBuf,
    pub(crate) tasks: Vec<JoinHandle<()>>,
    // Removed when the Hub is gone.
    pub(crate) _folder: Option<TempDir>,
}

impl LocalHub {
    /// Starts a Hub in a temporary folder, on free loopback ports, with a user `local` and a random token.
    ///
    /// # Errors
    /// The folder or the ports cannot be had.
    pub async fn start() -> Result<Self, Error> {
        Self::builder().start().await
    }

    /// Begins a Hub with choices.
    pub fn builder() -> LocalHubBuilder {
        LocalHubBuilder::default()
    }

    /// The URL of the Hub, without a final slash: what `HF_ENDPOINT` is to be.
    pub fn endpoint(&self) -> &str {
        &self.state.urls.endpoint
    }

    /// The URL of the storage origin, without a final slash.
    pub fn storage_endpoint(&self) -> &str {
        &self.state.urls.storage
    }

    /// The token of the first user, which may write.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The folder that everything is in.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Adds a user and gives them a token that may write; a user that exists gets one more token.
    ///
    /// # Errors
    /// The name cannot be an account's, or is an organization's.
    pub async fn add_user(&self, name: &str) -> Result<String, Error> {
        self.add_token(name, TokenRole::Write).await
    }

    /// Gives a user a further token, and adds the user if there is none of the name.
    ///
    /// # Errors
    /// The name cannot be an account's, or is an organization's.
    pub async fn add_token(&self, user: &str, role: TokenRole) -> Result<String, Error> {
        let (name, token) = (user.to_owned(), accounts::new_token());
        let added = token.clone();
        let done = self.state.store.call(move |connection| {
            accounts::add_account(connection, &name, "user")?;
            accounts::add_token(connection, &name, &added, role)
        });
        done.await.map_err(failed)?;
        self.state.accounts.insert(user);
        Ok(token)
    }

    /// Adds an organization whose members, all existing users, may write; more members if it exists.
    ///
    /// # Errors
    /// The name cannot be an account's, or is a user's, or a member does not exist.
    pub async fn add_organization(&self, name: &str, members: &[&str]) -> Result<(), Error> {
        let org = name.to_owned();
        let members: Vec<String> = members.iter().map(|member| (*member).to_owned()).collect();
        let done = self.state.store.call(move |connection| {
            accounts::add_account(connection, &org, "org")?;
            members.iter().try_for_each(|member| accounts::add_member(connection, &org, member, "admin"))
        });
        done.await.map_err(failed)?;
        self.state.accounts.insert(name);
        Ok(())
    }

    /// Adds an empty public repository under any id, a canonical one of one part too, which no client can create.
    ///
    /// # Errors
    /// There is one of that kind and id.
    pub async fn add_repo(&self, kind: RepoType, id: &RepoId) -> Result<(), Error> {
        let (state, id) = (self.state.clone(), id.clone());
        let sdk = (kind == RepoType::Space).then_some("static");
        let done = blocking(move || {
            state.store.with(|connection| {
                if repos::find(connection, kind, &id)?.is_some() {
                    return Err(ApiError::conflict(format!("there is a {kind} called {id}")));
                }
                repos::create(connection, &state.git, kind, &id, "system", false, sdk)
            })
        });
        done.await.map_err(failed)?;
        Ok(())
    }

    /// The folder of a repository's bare git repository.
    ///
    /// # Errors
    /// There is no such repository.
    pub async fn git_dir(&self, kind: RepoType, id: &RepoId) -> Result<PathBuf, Error> {
        let wanted = id.clone();
        let found = self.state.store.call(move |connection| repos::find(connection, kind, &wanted));
        let repo = found.await.map_err(failed)?;
        let repo = repo.ok_or_else(|| Error::new(format!("there is no {kind} called {id}")))?;
        Ok(self.state.git.path(&repo.oid))
    }

    /// Where the LFS object with this sha256 is, or would be.
    ///
    /// # Panics
    /// The text is no sha256 in hex.
    pub fn lfs_object_path(&self, sha256: &str) -> PathBuf {
        assert!(crate::git::is_sha256(sha256), "{sha256:?} is no sha256 in lower-case hex");
        self.state.lfs.path(sha256)
    }

    /// Inverts a byte of a stored LFS object, as a bad disk might. Doing it again restores it.
    ///
    /// # Errors
    /// The object is not there or has no such byte.
    ///
    /// # Panics
    /// The text is no sha256 in hex.
    pub fn corrupt_lfs_object(&self, sha256: &str, offset: u64) -> Result<(), Error> {
        let path = self.lfs_object_path(sha256);
        let corrupt = || {
            let mut file = fs::OpenOptions::new().read(true).write(true).open(&path)?;
            let mut byte = [0];
            file.seek(SeekFrom::Start(offset))?;
            file.read_exact(&mut byte)?;
            file.seek(SeekFrom::Start(offset))?;
            file.write_all(&[!byte[0]])
        };
        corrupt().map_err(|cause| Error::at(&path, cause))
    }

    /// Makes something go wrong with requests to come. The first fault that matches a request happens to it.
    pub fn fault(&self, fault: Fault) -> FaultHandle {
        self.state.faults.add(fault)
    }

    /// Ends all faults.
    pub fn clear_faults(&self) {
        self.state.faults.clear();
    }

    /// The requests that reached either origin, in the order they came.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.state.log.all()
    }

    /// Forgets the requests so far.
    pub fn clear_requests(&self) {
        self.state.log.clear();
    }

    /// Ends all connections and tasks, and waits until they are gone.
    pub async fn shutdown(mut self) {
        for task in std::mem::take(&mut self.tasks) {
            task.abort();
            // What it returns is only that it was aborted.
            let _ = task.await;
        }
    }
}

impl Drop for LocalHub {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl std::fmt::Debug for LocalHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LocalHub")
            .field("endpoint", &self.endpoint())
            .field("storage_endpoint", &self.storage_endpoint())
            .field("data_dir", &self.data_dir)
            .finish_non_exhaustive()
    }
}

/// Serves a Hub until `shutdown` ends, as the command line does; `started` learns where it is and its token.
///
/// # Errors
/// As [`LocalHubBuilder::start`].
pub async fn serve(
    builder: LocalHubBuilder,
    started: impl FnOnce(&LocalHub),
    shutdown: impl Future<Output = ()>,
) -> Result<(), Error> {
    let hub = builder.start().await?;
    started(&hub);
    shutdown.await;
    hub.shutdown().await;
    Ok(())
}

pub(crate) fn failed(cause: ApiError) -> Error {
    Error::new(cause.into_message())
}
