//! The transport as its users see it: a handle with its settings, and what handles share.
use crate::connect::Connections;
use crate::exchange::Exchange;
use crate::limiter::Limiter;
use crate::origin::Origins;
use crate::retry::{Budget, Deadline};
use crate::{
    Answer, Config, Error, ErrorKind, Http, Purpose, Response, Result, Retry, Target, Timeout, Token,
    redact_url,
};
use reqwest::header::{HeaderMap, HeaderValue};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::runtime;
use url::Url;

/// Which token a handle sends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Auth {
    /// The configured token, if there is one and it may be sent without being asked for.
    #[default]
    Implicit,
    /// The configured token; it is an error to have none.
    Required,
    /// No token.
    Anonymous,
    /// This token.
    Token(Token),
}

/// The transport: shared by all handles of one configuration, cheap to clone.
#[derive(Debug, Clone)]
pub struct Client {
    shared: Arc<Shared>,
    auth: Auth,
    headers: HeaderMap,
    timeout: Option<Timeout>,
    patience: Option<Timeout>,
    deadline: Option<Deadline>,
}

#[derive(Debug)]
struct Shared {
    config: Config,
    origins: Origins,
    pools: Pools,
    limiter: Limiter,
    budget: Arc<Budget>,
}

/// The connections of each runtime that uses the client.
///
/// A connection is driven by a task of the runtime that made it. Used from another runtime it would stand still while
/// its own one is blocked, for example by a blocking call in a current-thread runtime.
#[derive(Debug, Default)]
struct Pools(Mutex<Vec<(runtime::Id, Arc<Connections>)>>);

/// How many runtimes keep their connections; a program rarely has more than two.
const MAX_POOLS: usize = 8;

impl Pools {
    /// The connections of the current runtime.
    fn current(&self) -> Arc<Connections> {
        let id = runtime::Handle::current().id();
        let mut pools = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, connections)) = pools.iter().find(|(other, _)| *other == id) {
            return connections.clone();
        }
        if pools.len() >= MAX_POOLS {
            pools.remove(0);
        }
        let connections = Arc::<Connections>::default();
        pools.push((id, connections.clone()));
        connections
    }
}

impl Client {
    /// Creates the transport. Nothing is connected or read before the first request.
    pub fn new(mut config: Config) -> Self {
        config.settle();
        let origins = Origins::new(config.bases());
        let shared = Shared {
            config,
            origins,
            pools: Pools::default(),
            limiter: Limiter::default(),
            budget: Arc::default(),
        };
        Self {
            shared: Arc::new(shared),
            auth: Auth::default(),
            headers: HeaderMap::new(),
            timeout: None,
            patience: None,
            deadline: None,
        }
    }

    /// The configuration.
    pub fn config(&self) -> &Config {
        &self.shared.config
    }

    /// Which token this handle sends.
    pub fn auth(&self) -> &Auth {
        &self.auth
    }

    /// A handle that sends another token; the connections are shared.
    #[must_use]
    pub fn with_auth(&self, auth: Auth) -> Self {
        if matches!(auth, Auth::Token(_)) && self.config().has_endpoint_credentials() {
            tracing::warn!(
                "HF_ENDPOINT has a user or password, which are sent in place of the token that was given"
            );
        }
        Self { auth, ..self.clone() }
    }

    /// A handle that adds a header to each request to the Hub's own origin.
    #[must_use]
    pub fn with_header(&self, name: reqwest::header::HeaderName, mut value: HeaderValue) -> Self {
        // What it says is not known here, so it is not shown.
        value.set_sensitive(true);
        let mut handle = self.clone();
        handle.headers.insert(name, value);
        handle
    }

    /// A handle that waits this long without progress for an answer, whatever the request is for.
    ///
    /// It takes precedence over the limits of the configuration and over those that endpoints declare, and is also the
    /// time within which a body has to make progress.
    #[must_use]
    pub fn with_timeout(&self, timeout: impl Into<Timeout>) -> Self {
        Self { timeout: Some(timeout.into()), ..self.clone() }
    }

    /// A handle whose requests wait this long at most when the server asks to wait, all attempts together.
    ///
    /// That includes the waits that the server has asked of other tasks of this client. A request that would have to
    /// wait longer fails at once with [`ErrorKind::RateLimited`] or the kind of the refusal, and
    /// [`Error::retry_after`] says how long the wait would be. Without this each wait may take
    /// [`RetryPolicy::max_wait`](crate::RetryPolicy::max_wait).
    #[must_use]
    pub fn with_patience(&self, patience: impl Into<Timeout>) -> Self {
        Self { patience: Some(patience.into()), ..self.clone() }
    }

    /// A handle whose requests have to be finished within this time from now: all requests of the handle, with all
    /// their attempts, pauses and bodies.
    #[must_use]
    pub fn with_deadline(&self, limit: impl Into<Timeout>) -> Self {
        Self { deadline: Deadline::start(limit.into()), ..self.clone() }
    }

    /// The token this handle sends to the Hub.
    ///
    /// # Errors
    /// [`ErrorKind::TokenMissing`] if one is required and there is none; the token is to be read from a file that cannot
    /// be used.
    pub fn token(&self) -> Result<Option<&Token>> {
        let config = self.config();
        let configured = || config.check_token_file().map(|()| config.token.as_ref());
        match &self.auth {
            Auth::Anonymous => Ok(None),
            Auth::Token(token) => Ok(Some(token)),
            Auth::Implicit if !config.implicit_token => Ok(None),
            Auth::Implicit => configured(),
            // The user and password of an endpoint say who asks, too.
            Auth::Required if config.bases()[0].1.is_some() => configured(),
            Auth::Required => configured()?.map(Some).ok_or_else(|| {
                Error::new(
                    ErrorKind::TokenMissing,
                    "a token is required and there is none; log in with `hub auth login` or set HF_TOKEN",
                )
            }),
        }
    }

    /// Performs an exchange and returns the head of its answer, whose status is a success.
    ///
    /// Redirects are followed, and with [`Redirects::SameHost`](crate::Redirects::SameHost) an answer may also be a
    /// redirect to elsewhere. An answer to a DELETE may also have the status 404, if an earlier attempt may have deleted
    /// the thing and its answer was lost.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if the request is invalid and [`ErrorKind::Offline`] if requests are switched
    /// off, both before anything is sent; the kind that the Hub's refusal means; [`ErrorKind::Connection`] or
    /// [`ErrorKind::Timeout`] if there was no answer; [`ErrorKind::ForeignOrigin`] or [`ErrorKind::Redirect`] if an
    /// answer names an address that must not be asked.
    pub async fn execute(&self, http: Http) -> Result<Response> {
        let url = self.resolve(&http)?;
        if self.config().offline {
            let what = format!("{} {}", http.method, redact_url(&url));
            return Err(Error::new(
                ErrorKind::Offline,
                format!("HF_HUB_OFFLINE is set, so {what} was not sent"),
            ));
        }
        Box::pin(Exchange::new(self, http, url).run()).await
    }

    /// Performs an exchange and reads the whole answer.
    ///
    /// An answer whose body breaks off is asked for again like one that never came.
    ///
    /// # Errors
    /// Those of [`Client::execute`] and [`Response::collect`].
    pub async fn answer(&self, http: Http) -> Result<Answer> {
        self.execute(http).await?.collect().await
    }

    /// The retries of an operation that is larger than a request, under the limits of this handle.
    pub fn retry(&self) -> Retry {
        let patience = self.patience.and_then(Timeout::duration);
        Retry::new(self.config().retry, self.shared.budget.clone(), self.deadline, patience)
    }

    /// The URL of a request.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if a part of the path or the query cannot be one.
    pub fn resolve(&self, http: &Http) -> Result<Url> {
        if let Some(error) = &http.invalid {
            return Err(error.clone().into());
        }
        let mut url = match &http.target {
            Target::Hub(path) => parse(&format!("{}{}", self.config().endpoint, path.as_str()?))?,
            Target::InferenceEndpoints(path) => {
                parse(&format!("{}{}", self.config().inference_endpoints, path.as_str()?))?
            }
            Target::Url(url) => url.clone(),
        };
        if !http.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&http.query);
        }
        Ok(url)
    }

    /// The connections of the current runtime.
    pub(crate) fn connections(&self) -> Arc<Connections> {
        self.shared.pools.current()
    }

    pub(crate) fn limiter(&self) -> &Limiter {
        &self.shared.limiter
    }

    pub(crate) fn origins(&self) -> &Origins {
        &self.shared.origins
    }

    /// The headers that go to the Hub's own origin.
    pub(crate) fn own_headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The time within which a body has to make progress.
    pub(crate) fn body_window(&self) -> Timeout {
        self.timeout.unwrap_or(self.config().download_timeout)
    }

    /// How long the first byte of an answer may take, and what to name if it does not come.
    pub(crate) fn answer_limit(&self, http: &Http) -> (Timeout, &'static str) {
        const BY_ENDPOINT: &str = "this request may take";
        let config = self.config();
        if let Some(timeout) = self.timeout {
            return (timeout, "the caller allows");
        }
        match (http.timeout, http.purpose) {
            (Some(timeout), _) => (timeout, BY_ENDPOINT),
            (None, Purpose::Metadata) => (config.etag_timeout, "HF_HUB_ETAG_TIMEOUT allows"),
            (None, Purpose::Download) => (config.download_timeout, "HF_HUB_DOWNLOAD_TIMEOUT allows"),
            // Who is in a hurry with downloads does not want to wait a minute for what is only read either. What writes
            // is not cut short: the Hub would go on with it.
            (None, Purpose::Api)
                if http.method.is_safe() && config.download_timeout < DEFAULT_DOWNLOAD_TIMEOUT =>
            {
                (config.download_timeout, "HF_HUB_DOWNLOAD_TIMEOUT allows")
            }
            (None, Purpose::Api) => (config.api_timeout, "a call of the API may take"),
        }
    }
}

/// A shorter `HF_HUB_DOWNLOAD_TIMEOUT` than this was chosen by somebody.
const DEFAULT_DOWNLOAD_TIMEOUT: Timeout = Timeout::from_secs(10);

fn parse(text: &str) -> Result<Url> {
    Url::parse(text).map_err(|error| Error::invalid(format!("`{text}` is not a valid URL")).caused_by(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_has_the_limit_of_its_purpose() {
        let limit = |config: &Config, http: &Http, timeout: Option<u64>| {
            let client = Client::new(config.clone());
            let client =
                timeout.map_or(client.clone(), |timeout| client.with_timeout(Timeout::from_secs(timeout)));
            client.answer_limit(http).0.duration().unwrap().as_secs()
        };
        let mut config = Config::new("http://hub.test", "/nonexistent").unwrap();
        let (get, post) = (Http::get("/x"), Http::post("/x"));
        let (head, file) =
            (Http::head("/x").purpose(Purpose::Metadata), get.clone().purpose(Purpose::Download));
        let slow = post.clone().timeout(Some(Timeout::from_secs(300)));
        let limits = |config: &Config, timeout| {
            [&get, &post, &head, &file, &slow].map(|http| limit(config, http, timeout))
        };
        assert_eq!(limits(&config, None), [60, 60, 10, 10, 300]);
        assert_eq!(limits(&config, Some(7)), [7; 5]);
        // In a hurry: what is only read is given up sooner, what writes is not.
        config.download_timeout = Timeout::from_secs(2);
        assert_eq!(limits(&config, None), [2, 60, 10, 2, 300]);
        config.download_timeout = Timeout::from_secs(90);
        assert_eq!(limits(&config, None), [60, 60, 10, 90, 300]);
    }
}
