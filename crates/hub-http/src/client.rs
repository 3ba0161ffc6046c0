//! The one place that sends requests.
use crate::body::BodySource;
use crate::connect::{self, Connections};
use crate::credentials::Credentials;
use crate::limiter::Limiter;
use crate::{
    Config, Error, ErrorKind, Http, Redirects, RequestBody, Response, Result, Target, Timeout, Token, answer,
    redact_url, retry, token,
};
use bytes::Bytes;
use futures_util::StreamExt as _;
use reqwest::header::{
    ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION,
};
use reqwest::{Method, StatusCode};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;
use url::{Host, Origin, Url};

const MAX_REDIRECTS: usize = 10;
/// How much of a refusal is read for its message.
const MAX_REFUSAL_BYTES: usize = 64 << 10;

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
    patience: Option<Duration>,
}

#[derive(Debug)]
struct Shared {
    config: Config,
    /// Where the token belongs, and the user and password that take its place there.
    origins: Vec<(Origin, Option<Credentials>)>,
    connections: Connections,
    limiter: Limiter,
}

impl Client {
    /// Creates the transport. Nothing is connected or read before the first request.
    pub fn new(mut config: Config) -> Self {
        config.settle();
        let origins = config
            .bases()
            .into_iter()
            .filter_map(|(base, credentials)| Some((Url::parse(base).ok()?.origin(), credentials.cloned())));
        let origins = origins.collect();
        let shared =
            Shared { config, origins, connections: Connections::default(), limiter: Limiter::default() };
        Self {
            shared: Arc::new(shared),
            auth: Auth::default(),
            headers: HeaderMap::new(),
            timeout: None,
            patience: None,
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

    /// A handle that waits this long without progress for an answer.
    #[must_use]
    pub fn with_timeout(&self, timeout: impl Into<Timeout>) -> Self {
        Self { timeout: Some(timeout.into()), ..self.clone() }
    }

    /// A handle whose requests wait this long at most when the server asks to wait, all attempts together.
    ///
    /// A request that would have to wait longer fails with an error that says how long. Without this each wait may
    /// take [`RetryPolicy::max_wait`](crate::RetryPolicy::max_wait).
    #[must_use]
    pub fn with_patience(&self, patience: Duration) -> Self {
        Self { patience: Some(patience), ..self.clone() }
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
    /// Redirects are followed, and with [`Redirects::SameHost`] an answer may also be a redirect to elsewhere.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if the request is invalid and [`ErrorKind::Offline`] if requests are switched
    /// off, both before anything is sent; the kind that the Hub's refusal means; [`ErrorKind::Connection`] or
    /// [`ErrorKind::Timeout`] if there was no answer.
    pub async fn execute(&self, http: Http) -> Result<Response> {
        let url = self.resolve(&http)?;
        if self.config().offline {
            let what = format!("{} {}", http.method, redact_url(&url));
            return Err(Error::new(
                ErrorKind::Offline,
                format!("HF_HUB_OFFLINE is set, so {what} was not sent"),
            ));
        }
        Box::pin(self.attempts(&http, url)).await
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

    async fn attempts(&self, http: &Http, url: Url) -> Result<Response> {
        let policy = self.config().retry;
        let mut limit = self.patience.map_or(policy.max_wait, |patience| patience.min(policy.max_wait));
        let mut attempt = 1;
        let mut unsent = true;
        loop {
            let error = match self.follow(http, url.clone()).await {
                Ok(response) => return Ok(response),
                Err(failure) => {
                    unsent &= failure.error.is_unsent();
                    let again = attempt < policy.max_attempts && failure.may_repeat(http);
                    let asked = failure.error.retry_after();
                    if !again || asked.is_some_and(|wait| wait > limit) {
                        return Err(too_long(failure.error, asked, limit)
                            .with_attempts(attempt)
                            .with_unsent(unsent));
                    }
                    if self.patience.is_some() {
                        limit = limit.saturating_sub(asked.unwrap_or_default());
                    }
                    let wait = asked.unwrap_or_else(|| policy.backoff(attempt));
                    if asked.is_some() || failure.error.kind() == ErrorKind::RateLimited {
                        self.shared.limiter.close(host_of(&failure.url), wait);
                    } else {
                        tokio::time::sleep(wait).await;
                    }
                    failure.error
                }
            };
            tracing::debug!(attempt, %error, "trying again");
            attempt += 1;
        }
    }

    /// Sends a request and follows its redirects.
    async fn follow(&self, http: &Http, first: Url) -> Result<Response, Failure> {
        let mut url = first.clone();
        let mut method = http.method.clone();
        for hop in 0..=MAX_REDIRECTS {
            let response = self.send(http, &method, &url, hop).await?;
            let status = response.status();
            if status.is_success() {
                return Ok(response);
            }
            let location = response
                .headers()
                .get(LOCATION)
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            let Some(location) = location.filter(|_| is_redirect(status)) else {
                let mut failure = refused(response, &method).await;
                failure.error = token::blame(failure.error, self.sent_token(http, &failure.url));
                return Err(failure);
            };
            if http.redirects == Redirects::SameHost && names_a_host(&location) {
                return Ok(response);
            }
            let next =
                redirect_target(&url, &location).map_err(|error| Failure::lasting(error, url.clone()))?;
            // Browsers and the reference turn a redirected POST into a GET, but for 307 and 308.
            if status == StatusCode::SEE_OTHER || (method == Method::POST && !keeps_method(status)) {
                method = if method == Method::HEAD { Method::HEAD } else { Method::GET };
            }
            url = next;
        }
        let chain = format!("from {} to {}", redact_url(&first), redact_url(&url));
        let error = Error::new(ErrorKind::Redirect, format!("more than {MAX_REDIRECTS} redirects, {chain}"));
        Err(Failure::lasting(error, url))
    }

    /// Sends one request to one URL and waits for the head of its answer.
    async fn send(&self, http: &Http, method: &Method, url: &Url, hop: usize) -> Result<Response, Failure> {
        let config = self.config();
        let fail = |error: Error| Failure::lasting(error, url.clone());
        self.shared.limiter.ready(host_of(url)).await;

        let mut headers = http.headers.clone();
        if self.is_own(url) {
            headers.extend(self.headers.clone());
            if let Some(credentials) = self.credentials(url) {
                headers.insert(AUTHORIZATION, credentials.basic());
            } else if http.authorized
                && let Some(token) = self.token().map_err(fail)?
            {
                headers.insert(AUTHORIZATION, token.bearer());
            }
        } else {
            if hop > 0 {
                headers.remove(AUTHORIZATION);
            }
            headers.extend(http.elsewhere.clone());
        }
        let connections = self.shared.connections.for_url(url, config).map_err(fail)?;
        let progress = Progress::default();
        let mut request = connections.request(method.clone(), url.clone()).headers(headers);
        if *method == http.method {
            request = with_body(request, &http.body, &progress);
        }
        let request = request
            .build()
            .map_err(|error| fail(Error::invalid("the request could not be built").caused_by(error)))?;
        let line = format!("{method} {}", redact_url(url));
        tracing::debug!("{line}");
        let patience = http.timeout.or(self.timeout).unwrap_or(config.download_timeout);
        match progress.watch(connections.execute(request), patience).await {
            Some(Ok(inner)) => Ok(Response { inner, patience }),
            Some(Err(error)) => {
                let (unsent, transient) = (error.is_connect(), !connect::is_permanent(&error));
                let error = connect::broken(error, config, &line).with_unsent(unsent);
                Err(Failure { error, url: url.clone(), transient })
            }
            None => {
                let message =
                    format!("no answer within {patience} ({line}); the limit is HF_HUB_DOWNLOAD_TIMEOUT");
                Err(Failure {
                    error: Error::new(ErrorKind::Timeout, message),
                    url: url.clone(),
                    transient: true,
                })
            }
        }
    }

    /// Whether a URL is at an origin that the token belongs to.
    fn is_own(&self, url: &Url) -> bool {
        self.shared.origins.iter().any(|(origin, _)| *origin == url.origin())
    }

    /// The user and password that the endpoint at the origin of a URL asks for, in place of the token.
    fn credentials(&self, url: &Url) -> Option<&Credentials> {
        let origin = url.origin();
        self.shared.origins.iter().filter(|(own, _)| *own == origin).find_map(|(_, found)| found.as_ref())
    }

    /// The token that a request to a URL carries.
    fn sent_token(&self, http: &Http, url: &Url) -> Option<&Token> {
        let carried = http.authorized && self.is_own(url) && self.credentials(url).is_none();
        self.token().ok().flatten().filter(|_| carried)
    }
}

/// A failed attempt.
struct Failure {
    error: Error,
    url: Url,
    /// It may go better the next time.
    transient: bool,
}

impl Failure {
    fn lasting(error: Error, url: Url) -> Self {
        Self { error, url, transient: false }
    }

    fn may_repeat(&self, http: &Http) -> bool {
        // A request that was turned away for its number was not performed.
        let turned_away = self.error.kind() == ErrorKind::RateLimited;
        self.transient && (self.error.is_unsent() || http.repeatable || turned_away)
    }
}

fn too_long(error: Error, asked: Option<Duration>, limit: Duration) -> Error {
    match asked {
        Some(wait) if wait > limit => {
            let limit = limit.as_secs();
            let text =
                format!("the server asks to wait {} s, longer than the limit of {limit} s", wait.as_secs());
            crate::Context::<()>::with(Err(error), || text).unwrap_err()
        }
        _ => error,
    }
}

async fn refused(mut response: Response, method: &Method) -> Failure {
    let mut body = Vec::new();
    while body.len() < MAX_REFUSAL_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            // The status tells enough; the rest of its page is not worth a failure.
            Ok(None) | Err(_) => break,
        }
    }
    let status = response.status();
    let error = answer::refusal(method, response.url(), status, response.headers(), &body);
    let transient = retry::is_transient(status);
    let transient = transient
        || (status == StatusCode::FORBIDDEN
            && retry::asked_wait(response.headers(), SystemTime::now()).is_some());
    Failure { error, url: response.url().clone(), transient }
}

fn parse(text: &str) -> Result<Url> {
    Url::parse(text).map_err(|error| Error::invalid(format!("`{text}` is no URL")).caused_by(error))
}

fn host_of(url: &Url) -> &str {
    &url[url::Position::BeforeHost..url::Position::AfterPort]
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

fn keeps_method(status: StatusCode) -> bool {
    matches!(status.as_u16(), 307 | 308)
}

/// Whether a `Location` names a host, rather than a path on the same one.
fn names_a_host(location: &str) -> bool {
    location.starts_with("//") || Url::parse(location).is_ok()
}

/// Where a redirect leads, if one may go there.
fn redirect_target(from: &Url, location: &str) -> Result<Url> {
    let refuse = |why: &str| {
        let from = redact_url(from);
        Err(Error::new(ErrorKind::Redirect, format!("{from} redirects to {why}; refused")))
    };
    let Ok(next) = from.join(location) else { return refuse("what is no URL") };
    if !matches!(next.scheme(), "http" | "https") {
        return refuse(&format!("a `{}:` URL", next.scheme()));
    }
    // A server must not make us ask the machine's own metadata service.
    if is_link_local(&next) && !is_link_local(from) {
        return refuse("a link-local address");
    }
    Ok(next)
}

fn is_link_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_link_local(),
        Some(Host::Ipv6(ip)) => {
            ip.is_unicast_link_local() || ip.to_ipv4_mapped().is_some_and(|ip| ip.is_link_local())
        }
        _ => false,
    }
}

fn with_body(
    request: reqwest::RequestBuilder,
    body: &RequestBody,
    progress: &Progress,
) -> reqwest::RequestBuilder {
    match body {
        RequestBody::Empty => request,
        RequestBody::Json(value) => request.header(CONTENT_TYPE, "application/json").body(value.to_string()),
        RequestBody::Form(pairs) => {
            let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form)
        }
        RequestBody::Bytes { content_type, bytes } => {
            request.header(CONTENT_TYPE, *content_type).body(bytes.clone())
        }
        RequestBody::Stream { content_type, length, source } => {
            let request =
                content_type.iter().fold(request, |request, media| request.header(CONTENT_TYPE, *media));
            let request =
                length.iter().fold(request, |request, length| request.header(CONTENT_LENGTH, *length));
            request.header(ACCEPT_ENCODING, "identity").body(progress.follow(source))
        }
    }
}

/// When something last went out, so that a long upload is not mistaken for a silent server.
#[derive(Debug, Clone)]
struct Progress(Arc<Mutex<Instant>>);

impl Default for Progress {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(Instant::now())))
    }
}

impl Progress {
    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A body that notes when each piece is taken.
    fn follow(&self, source: &BodySource) -> reqwest::Body {
        let progress = self.clone();
        reqwest::Body::wrap_stream(source.open().inspect(move |_: &std::io::Result<Bytes>| {
            *progress.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }))
    }

    /// Waits for a future as long as something happens every `patience`; `None` if nothing does.
    async fn watch<T>(&self, work: impl Future<Output = T>, patience: Timeout) -> Option<T> {
        let mut work = std::pin::pin!(work);
        loop {
            let Some(deadline) = patience.deadline(self.last()) else { return Some(work.await) };
            match tokio::time::timeout_at(deadline, &mut work).await {
                Ok(done) => return Some(done),
                Err(_) if patience.deadline(self.last()).is_none_or(|later| later > deadline) => {}
                Err(_) => return None,
            }
        }
    }
}
