//! The handle that methods are called on.
use crate::queue::Queue;
use crate::{Auth, Client, Config, Result, Timeout, Token};
use hub_http::header::{HeaderName, HeaderValue};
use std::sync::Arc;

/// A client of the Hub: every method of the API starts here.
///
/// Cloning it is free, and all clones share connections and rate limits. Who asks, and how patiently, belongs to the
/// handle: [`HfApi::with_token`], [`HfApi::with_timeout`], [`HfApi::with_header`].
///
/// ```no_run
/// # fn main() -> hub_api::Result<()> {
/// let api = hub_api::HfApi::from_env()?;
/// let me = api.whoami().block()?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct HfApi {
    client: Client,
    shared: Arc<Shared>,
    python_requests: bool,
}

/// What all handles of a client share beside its transport.
#[derive(Debug, Default)]
struct Shared {
    queue: Queue,
    #[cfg(feature = "blocking")]
    blocking: crate::blocking::Blocking,
}

impl HfApi {
    /// Creates a client configured by the environment: `HF_ENDPOINT`, `HF_TOKEN`, `HF_HOME` and the others.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    pub fn from_env() -> Result<Self> {
        Ok(Self::new(Config::from_env()?))
    }

    /// Creates a client from a configuration.
    pub fn new(config: Config) -> Self {
        Self { client: Client::new(config), shared: Arc::default(), python_requests: false }
    }

    /// The transport.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        self.client.config()
    }

    /// The Hub's endpoint, without a slash at the end.
    pub fn endpoint(&self) -> &str {
        &self.config().endpoint
    }

    /// A handle that sends this token.
    #[must_use]
    pub fn with_token(&self, token: Token) -> Self {
        self.with_auth(Auth::Token(token))
    }

    /// A handle that sends the token that this says.
    #[must_use]
    pub fn with_auth(&self, auth: Auth) -> Self {
        self.with_client(self.client.with_auth(auth))
    }

    /// A handle that waits this long without progress for an answer, whatever the request is for.
    ///
    /// See [`Client::with_timeout`].
    #[must_use]
    pub fn with_timeout(&self, timeout: impl Into<Timeout>) -> Self {
        self.with_client(self.client.with_timeout(timeout))
    }

    /// A handle whose requests wait this long at most when the server asks to wait, all attempts together.
    ///
    /// See [`Client::with_patience`].
    #[must_use]
    pub fn with_patience(&self, patience: impl Into<Timeout>) -> Self {
        self.with_client(self.client.with_patience(patience))
    }

    /// A handle whose calls have to be finished within this time from now, with all their requests, pauses and bodies.
    ///
    /// See [`Client::with_deadline`].
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use std::time::Duration;
    ///
    /// let me = api.with_deadline(Duration::from_secs(30)).whoami().await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_deadline(&self, limit: impl Into<Timeout>) -> Self {
        self.with_client(self.client.with_deadline(limit))
    }

    /// A handle that sends exactly what the Python client sends where this library says more by default.
    ///
    /// A commit then names its parent only if the caller does, see `create_commit`.
    #[must_use]
    pub fn with_python_requests(&self) -> Self {
        Self { python_requests: true, ..self.clone() }
    }

    /// Whether this handle sends exactly what the Python client sends.
    pub fn has_python_requests(&self) -> bool {
        self.python_requests
    }

    /// A handle that adds a header to each request to the Hub's own origin.
    #[must_use]
    pub fn with_header(&self, name: HeaderName, value: HeaderValue) -> Self {
        self.with_client(self.client.with_header(name, value))
    }
    fn with_client(&self, client: Client) -> Self {
        Self { client, ..self.clone() }
    }

    pub(crate) fn queue(&self) -> &Queue {
        &self.shared.queue
    }

    /// The runtime of the blocking calls of this client.
    #[cfg(feature = "blocking")]
    pub(crate) fn blocking(&self) -> &crate::blocking::Blocking {
        &self.shared.blocking
    }

    /// Runs a future on the runtime of this client and blocks the calling thread until it is done.
    ///
    /// It may be called from anywhere: without a runtime, within any runtime, and within a task.
    ///
    /// # Panics
    /// If the system gives no thread, or the future panics.
    #[cfg(feature = "blocking")]
    pub fn block_on<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> T {
        self.shared.blocking.run(future)
    }
}
