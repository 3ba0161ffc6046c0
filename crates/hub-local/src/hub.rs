//! Starting a Hub, and what tests ask of it.
use crate::{
    Error, Fault, FaultHandle, LoggedRequest, Origin, TokenRole,
    accounts::{self, AccountNames},
    api,
    fault::FaultPlan,
    git::GitStore,
    lfs::LfsStore,
    log::RequestLog,
    repos,
    state::{HubState, Inner, Limits, Urls},
    store::{Store, blocking},
    web::{
        ApiError,
        connection::{Control, serve},
        front::Front,
    },
};
use hub_types::{RepoId, RepoType};
use std::{
    fs,
    io::{Read, Seek, SeekFrom, Write},
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

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
    state: HubState,
    token: String,
    data_dir: PathBuf,
    tasks: Vec<JoinHandle<()>>,
    // Removed when the Hub is gone.
    _folder: Option<TempDir>,
}

/// How a [`LocalHub`] is to be started.
#[derive(Debug, Clone)]
#[must_use = "a builder starts nothing until `start`"]
pub struct LocalHubBuilder {
    data_dir: Option<PathBuf>,
    host: IpAddr,
    port: u16,
    token: Option<String>,
    user: String,
    limits: Limits,
    log_capacity: usize,
}

impl Default for LocalHubBuilder {
    fn default() -> Self {
        Self {
            data_dir: None,
            host: IpAddr::from([127, 0, 0, 1]),
            port: 0,
            token: None,
            user: "local".into(),
            limits: Limits { page: None, part_bytes: 64 << 20, url_lifetime: Duration::from_secs(3600) },
            log_capacity: 100_000,
        }
    }
}

impl LocalHubBuilder {
    /// Keeps everything in this folder, which is created if it is missing, instead of a temporary one.
    ///
    /// What the Hub acknowledges is then also safe from power failures.
    pub fn data_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data_dir = Some(folder.into());
        self
    }

    /// Listens at this address; 127.0.0.1 if unset. Others than loopback need a [`token`](Self::token).
    pub fn host(mut self, host: IpAddr) -> Self {
        self.host = host;
        self
    }

    /// Listens at this port; a free one if unset or 0. The storage origin always takes a free one.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Gives the first user this token; a random one if unset.
    pub fn token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(token.into());
        self
    }

    /// Names the first user; `local` if unset.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = name.into();
        self
    }

    /// Puts at most so many items on each page of a listing, so that few items make many pages.
    pub fn page_size(mut self, items: usize) -> Self {
        self.limits.page = Some(items.max(1));
        self
    }

    /// Asks for LFS objects larger than this in parts of this size; 64 MiB if unset.
    pub fn part_size_bytes(mut self, bytes: u64) -> Self {
        self.limits.part_bytes = bytes.max(1);
        self
    }

    /// Lets signed URLs expire after this time; an hour if unset.
    pub fn url_lifetime(mut self, lifetime: Duration) -> Self {
        self.limits.url_lifetime = lifetime;
        self
    }

    /// Remembers so many requests for [`LocalHub::requests`]; 100,000 if unset.
    pub fn log_capacity(mut self, requests: usize) -> Self {
        self.log_capacity = requests;
        self
    }

    /// Starts the Hub on the current tokio runtime.
    ///
    /// # Errors
    /// The folder or the address cannot be used, or the address is not loopback and there is no token.
    pub async fn start(self) -> Result<LocalHub, Error> {
        if !self.host.is_loopback() && self.token.is_none() {
            return Err(Error::new(format!(
                "{} can be reached from other machines; choose a token to serve there",
                self.host
            )));
        }
        let folder = match &self.data_dir {
            Some(_) => None,
            None => Some(
                TempDir::with_prefix("hub-local-")
                    .map_err(|cause| Error::with("could not create a temporary folder", cause))?,
            ),
        };
        let data_dir =
            self.data_dir.clone().or_else(|| folder.as_ref().map(|folder| folder.path().to_owned()));
        let data_dir = data_dir.expect("one of the two is there");
        let hub_listener = listen(self.host, self.port).await?;
        let storage_listener = listen(self.host, 0).await?;
        let urls = Urls { endpoint: url_of(&hub_listener)?, storage: url_of(&storage_listener)? };
        let token = self.token.clone().unwrap_or_else(accounts::new_token);
        let (path, durable, first_token) = (data_dir.clone(), folder.is_none(), token.clone());
        let state =
            blocking(move || Ok(self.open(&path, durable, &first_token, urls))).await.map_err(failed)??;
        let origins = [
            (hub_listener, Origin::Hub, api::hub(state.clone())),
            (storage_listener, Origin::Storage, api::storage(state.clone())),
        ];
        let tasks = origins.into_iter().map(|(listener, origin, routes)| {
            let front = Front { state: state.clone(), origin, control: Control::default() };
            serve(listener, move |control| api::connection(front.clone(), &routes, control))
        });
        let tasks = tasks.collect();
        Ok(LocalHub { state, token, data_dir, tasks, _folder: folder })
    }

    fn open(&self, data_dir: &Path, durable: bool, token: &str, urls: Urls) -> Result<HubState, Error> {
        let repos = data_dir.join("repos");
        fs::create_dir_all(&repos).map_err(|cause| Error::at(&repos, cause))?;
        let store = Store::open(&data_dir.join("hub.sqlite3"), durable)?;
        let set_up = store.with(|connection| {
            accounts::add_account(connection, &self.user, "user")?;
            accounts::add_token(connection, &self.user, token, TokenRole::Write)?;
            AccountNames::load(connection)
        });
        Ok(HubState::new(Inner {
            accounts: set_up.map_err(failed)?,
            store,
            git: GitStore::new(repos, durable),
            lfs: LfsStore::open(data_dir.join("lfs"), durable)?,
            urls,
            limits: self.limits,
            log: RequestLog::new(self.log_capacity),
            faults: FaultPlan::default(),
        }))
    }
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

async fn listen(host: IpAddr, port: u16) -> Result<TcpListener, Error> {
    let address = SocketAddr::new(host, port);
    TcpListener::bind(address)
        .await
        .map_err(|cause| Error::with(format!("could not listen at {address}"), cause))
}

fn url_of(listener: &TcpListener) -> Result<String, Error> {
    let address = listener.local_addr().map_err(|cause| Error::with("could not learn the port", cause))?;
    Ok(format!("http://{address}"))
}

fn failed(cause: ApiError) -> Error {
    Error::new(cause.into_message())
}
