//! Starting a Hub.
use crate::{
    Error, LocalHub, Origin, TokenRole,
    accounts::{self, AccountNames},
    api,
    fault::FaultPlan,
    git::GitStore,
    hub::failed,
    lfs::LfsStore,
    log::RequestLog,
    state::{HubState, Inner, Limits, Urls},
    store::{Store, blocking},
    web::{
        connection::{self, Control},
        front::Front,
    },
    webhooks::{self, Courier},
};
use std::{
    fs,
    io::{self, Write},
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};
use tempfile::TempDir;
use tokio::net::TcpListener;

/// How a [`LocalHub`] is to be started.
#[derive(Debug, Clone)]
#[must_use = "a builder starts nothing until `start`"]
pub struct LocalHubBuilder {
    data_dir: Option<PathBuf>,
    host: IpAddr,
    port: u16,
    storage_port: u16,
    public_host: Option<String>,
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
            storage_port: 0,
            public_host: None,
            token: None,
            user: "local".into(),
            limits: Limits {
                page: None,
                part_bytes: 64 << 20,
                url_lifetime: Duration::from_secs(3600),
                deploy_time: Duration::ZERO,
            },
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

    /// Listens at this port; a free one if unset or 0.
    pub fn port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Serves LFS content at this port; a free one if unset or 0.
    pub fn storage_port(mut self, port: u16) -> Self {
        self.storage_port = port;
        self
    }

    /// Names this host, instead of the address listened at, in the URLs that clients are sent to.
    ///
    /// Needed when clients on other machines reach this one by another name or through a forwarded port.
    pub fn public_host(mut self, host: impl Into<String>) -> Self {
        self.public_host = Some(host.into());
        self
    }

    /// Gives the first user this token. If unset it is a random one, kept in the file `token` of the folder.
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

    /// Lets Spaces and Inference Endpoints take this long to start.
    ///
    /// If unset they take no time: the answer to the request still says that they start, the next one that they run.
    pub fn deploy_time(mut self, time: Duration) -> Self {
        self.limits.deploy_time = time;
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
        let storage_listener = listen(self.host, self.storage_port).await?;
        let host = self.public_host.as_deref();
        let urls = Urls { endpoint: url_of(&hub_listener, host)?, storage: url_of(&storage_listener, host)? };
        let (path, durable) = (data_dir.clone(), folder.is_none());
        let opened = blocking(move || Ok(self.open(&path, durable, urls)));
        let (state, token) = opened.await.map_err(failed)??;
        let origins = [
            (hub_listener, Origin::Hub, api::hub(state.clone())),
            (storage_listener, Origin::Storage, api::storage(state.clone())),
        ];
        let tasks = origins.into_iter().map(|(listener, origin, routes)| {
            let front = Front { state: state.clone(), origin, control: Control::default() };
            connection::serve(listener, move |control| api::connection(front.clone(), &routes, control))
        });
        let tasks = tasks.chain([webhooks::deliver(state.clone())]).collect();
        Ok(LocalHub { state, token, data_dir, tasks, _folder: folder })
    }

    fn open(&self, data_dir: &Path, durable: bool, urls: Urls) -> Result<(HubState, String), Error> {
        let repos = data_dir.join("repos");
        fs::create_dir_all(&repos).map_err(|cause| Error::at(&repos, cause))?;
        let token = match &self.token {
            Some(token) => token.clone(),
            None => kept_token(&data_dir.join("token"))?,
        };
        let store = Store::open(&data_dir.join("hub.sqlite3"), durable)?;
        let set_up = store.with(|connection| {
            accounts::add_account(connection, &self.user, "user")?;
            accounts::add_token(connection, &self.user, &token, TokenRole::Write)?;
            AccountNames::load(connection)
        });
        let state = HubState::new(Inner {
            accounts: set_up.map_err(failed)?,
            store,
            git: GitStore::new(repos, durable),
            lfs: LfsStore::open(data_dir.join("lfs"), durable)?,
            urls,
            limits: self.limits,
            log: RequestLog::new(self.log_capacity),
            faults: FaultPlan::default(),
            courier: Courier::default(),
        });
        state.courier.look(&state).map_err(failed)?;
        Ok((state, token))
    }
}

/// The random token of a folder: the same one at each start, so that clients need not be told again.
fn kept_token(path: &Path) -> Result<String, Error> {
    match fs::read_to_string(path) {
        Ok(token) if !token.trim().is_empty() => return Ok(token.trim().to_owned()),
        Ok(_) => {}
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {}
        Err(cause) => return Err(Error::at(path, cause)),
    }
    let token = accounts::new_token();
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(token.as_bytes()));
    written.map_err(|cause| Error::at(path, cause))?;
    Ok(token)
}

async fn listen(host: IpAddr, port: u16) -> Result<TcpListener, Error> {
    let address = SocketAddr::new(host, port);
    TcpListener::bind(address)
        .await
        .map_err(|cause| Error::with(format!("could not listen at {address}"), cause))
}

fn url_of(listener: &TcpListener, public_host: Option<&str>) -> Result<String, Error> {
    let address = listener.local_addr().map_err(|cause| Error::with("could not learn the port", cause))?;
    Ok(match public_host {
        Some(host) => format!("http://{host}:{}", address.port()),
        None => format!("http://{address}"),
    })
}
