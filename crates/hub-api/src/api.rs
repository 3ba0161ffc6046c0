//! The handle that methods are called on.
use crate::queue::Queue;
use crate::{Auth, Client, Config, Result, Token};
use hub_http::header::{HeaderName, HeaderValue};
use std::sync::Arc;
use std::time::Duration;

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
    pub(crate) queue: Arc<Queue>,
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
        Self { client: Client::new(config), queue: Arc::default() }
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
        Self { client: self.client.with_auth(auth), queue: self.queue.clone() }
    }

    /// A handle that waits this long without progress for an answer.
    #[must_use]
    pub fn with_timeout(&self, timeout: impl Into<hub_http::Timeout>) -> Self {
        Self { client: self.client.with_timeout(timeout), queue: self.queue.clone() }
    }

    /// A handle whose requests wait this long at most when the server asks to wait, all attempts together.
    ///
    /// See [`Client::with_patience`].
    #[must_use]
    pub fn with_patience(&self, patience: Duration) -> Self {
        Self { client: self.client.with_patience(patience), queue: self.queue.clone() }
    }

    /// A handle that adds a header to each request to the Hub's own origin.
    #[must_use]
    pub fn with_header(&self, name: HeaderName, value: HeaderValue) -> Self {
        Self { client: self.client.with_header(name, value), queue: self.queue.clone() }
    }
}
