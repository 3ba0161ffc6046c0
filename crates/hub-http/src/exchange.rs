//! The one place that sends requests: one exchange with its redirects and retries.
use crate::body::BodySource;
use crate::connect;
use crate::connecting::Connecting;
use crate::retry::Deadline;
use crate::{
    Client, Error, ErrorKind, Http, Idempotency, Redirects, RequestBody, Response, Result, Retry, Timeout,
    Token, answer, redact_url, retry, token,
};
use bytes::Bytes;
use futures_util::StreamExt as _;
use reqwest::header::{ACCEPT_ENCODING, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use reqwest::{Method, StatusCode};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use tokio::time::Instant;
use tracing::Instrument as _;
use url::Url;

const MAX_REDIRECTS: usize = 10;
/// How much of a refusal is read for its message, after decompression.
const MAX_REFUSAL_BYTES: usize = 64 << 10;

/// A request with what is known of its attempts so far.
#[derive(Debug)]
pub(crate) struct Exchange {
    client: Client,
    http: Http,
    url: Url,
    retry: Retry,
    /// No attempt has reached a server.
    unsent: bool,
    /// An attempt may have been performed without its answer being known.
    maybe_performed: bool,
}

/// A failed attempt.
#[derive(Debug)]
pub(crate) struct Failure {
    error: Error,
    url: Url,
    /// It may go better the next time.
    transient: bool,
}

impl Failure {
    /// A failure that would be the same the next time.
    pub(crate) fn lasting(error: Error, url: Url) -> Self {
        Self { error, url, transient: false }
    }

    /// A failure that may be gone the next time.
    pub(crate) fn transient(error: Error, url: Url) -> Self {
        Self { error, url, transient: true }
    }

    pub(crate) fn into_error(self) -> Error {
        self.error
    }
}

impl Exchange {
    pub(crate) fn new(client: &Client, http: Http, url: Url) -> Box<Self> {
        let retry = client.retry();
        Box::new(Self { client: client.clone(), http, url, retry, unsent: true, maybe_performed: false })
    }

    /// How many bytes of the answer are accepted in memory.
    pub(crate) fn max_answer_bytes(&self) -> usize {
        self.http.max_answer_bytes
    }

    /// Sends the request until there is an answer that counts.
    pub(crate) async fn run(mut self: Box<Self>) -> Result<Response> {
        loop {
            let span = tracing::debug_span!(
                "request",
                method = %self.http.method,
                url = %redact_url(&self.url),
                attempt = self.retry.attempt(),
            );
            match self.follow().instrument(span).await {
                Ok(response) => {
                    self.retry.succeeded();
                    return Ok(response.with_exchange(self));
                }
                Err(failure) => self.failed(failure).await?,
            }
        }
    }

    /// Counts a failed attempt, and waits before the next one or gives up.
    pub(crate) async fn failed(&mut self, failure: Failure) -> Result<()> {
        let Failure { error, url, transient } = failure;
        // A request that was rate-limited was not performed.
        let rate_limited = error.kind() == ErrorKind::RateLimited;
        let unsent = error.is_unsent();
        self.unsent &= unsent;
        self.maybe_performed |= !unsent && !rate_limited;
        let retryable = unsent || rate_limited || self.http.idempotency != Idempotency::Unsafe;
        if !(transient && retryable) {
            let attempts = self.retry.attempt().max(error.attempts());
            return Err(error.with_attempts(attempts).with_unsent(self.unsent));
        }
        let (wait, error) = self.retry.plan(error).map_err(|error| error.with_unsent(self.unsent))?;
        tracing::debug!(attempt = self.retry.attempt() - 1, %error, "trying again");
        if error.retry_after().is_some() || rate_limited {
            // Every request to this host waits at its gate, the next attempt of this one among them.
            self.client.limiter().close(host_of(&url), wait);
        } else {
            tokio::time::sleep(wait).await;
        }
        Ok(())
    }

    /// Sends the request once and follows its redirects.
    async fn follow(&mut self) -> Result<Response, Failure> {
        let mut url = self.url.clone();
        let mut from = None;
        // Once a redirect has left the Hub, the token stays behind even if it leads back: its path was chosen elsewhere.
        let mut trusted = true;
        let mut method = self.http.method.clone();
        for hop in 0..=MAX_REDIRECTS {
            if let Err(error) = self.client.origins().check(&url, from.as_ref()) {
                return Err(Failure::lasting(error, url));
            }
            trusted &= self.client.origins().is_own(&url);
            let response = self.send(&method, &url, hop, trusted).await?;
            let status = response.status();
            if status.is_success() {
                return Ok(response);
            }
            let location = response
                .headers()
                .get(LOCATION)
                .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
            let Some(location) = location.filter(|_| is_redirect(status)) else {
                let gone = status == StatusCode::NOT_FOUND && self.http.idempotency == Idempotency::Delete;
                if gone && self.maybe_performed {
                    tracing::debug!("an earlier attempt has deleted it");
                    return Ok(response);
                }
                let secret = self.sent_token(&url).map(|token| token.secret().to_owned());
                let mut failure = refused(response, &method, secret.as_deref()).await;
                failure.error = token::blame(failure.error, self.sent_token(&failure.url));
                return Err(failure);
            };
            if self.http.redirects == Redirects::SameHost && names_a_host(&location) {
                return Ok(response);
            }
            let Ok(next) = url.join(&location) else {
                let what = format!("{} redirects to what is not a valid URL; refused", redact_url(&url));
                return Err(Failure::lasting(Error::new(ErrorKind::Redirect, what), url));
            };
            // Browsers and the reference turn a redirected POST into a GET, but for 307 and 308.
            if status == StatusCode::SEE_OTHER || (method == Method::POST && !keeps_method(status)) {
                method = if method == Method::HEAD { Method::HEAD } else { Method::GET };
            }
            // What a request carries, such as a secret of a Space, is as much the Hub's as the token.
            let carries = method == self.http.method && !matches!(self.http.body, RequestBody::Empty);
            if trusted && carries && !self.client.origins().is_own(&next) {
                let (from, to) = (redact_url(&url), redact_url(&next));
                let what =
                    format!("{from} redirects a {method} with content to another origin, {to}; refused");
                return Err(Failure::lasting(Error::new(ErrorKind::Redirect, what), url));
            }
            from = Some(std::mem::replace(&mut url, next));
        }
        let chain = format!("from {} to {}", redact_url(&self.url), redact_url(&url));
        let error = Error::new(ErrorKind::Redirect, format!("more than {MAX_REDIRECTS} redirects, {chain}"));
        Err(Failure::lasting(error, url))
    }

    /// Sends one request to one URL and waits for the head of its answer.
    async fn send(
        &mut self,
        method: &Method,
        url: &Url,
        hop: usize,
        trusted: bool,
    ) -> Result<Response, Failure> {
        let fail = |error: Error| Failure::lasting(error, url.clone());
        let line = format!("{method} {}", redact_url(url));
        self.pass_gate(url, &line).await.map_err(fail)?;

        let (client, http) = (&self.client, &self.http);
        let config = client.config();
        let mut headers = http.headers.clone();
        if trusted {
            headers.extend(client.own_headers().clone());
            if let Some(credentials) = client.origins().credentials(url) {
                headers.insert(AUTHORIZATION, credentials.basic());
            } else if http.authorized
                && let Some(token) = client.token().map_err(fail)?
            {
                headers.insert(AUTHORIZATION, token.bearer());
            }
        } else {
            if hop > 0 {
                headers.remove(AUTHORIZATION);
            }
            headers.extend(http.elsewhere.clone());
        }
        let connections = client.connections();
        let connections = connections.for_url(url, config).map_err(fail)?;
        let progress = Progress::default();
        let mut request = connections.request(method.clone(), url.clone()).headers(headers);
        if *method == http.method {
            request = with_body(request, &http.body, &progress);
        }
        let request = request
            .build()
            .map_err(|error| fail(Error::invalid("the request could not be built").caused_by(error)))?;
        let (limit, allowance) = client.answer_limit(http);
        let connecting = Connecting::default();
        let start = Instant::now();
        let answer = Box::pin(connecting.watch(connections.execute(request)));
        match progress.watch(answer, limit, self.retry.deadline()).await {
            Ok(Ok(inner)) => {
                let (status, elapsed_ms) = (inner.status().as_u16(), start.elapsed().as_millis() as u64);
                tracing::debug!(status, elapsed_ms, "{line}");
                Ok(Response::new(inner, client.body_window(), self.retry.deadline()))
            }
            Ok(Err(error)) => {
                let unsent = error.is_connect();
                let transient = !connect::is_permanent(&error);
                let error = if unsent && error.is_timeout() {
                    let message = format!("could not connect within {} ({line})", config.connect_timeout);
                    Error::new(ErrorKind::Timeout, message)
                } else {
                    connect::broken(error, config, &line)
                };
                Err(Failure { error: error.with_unsent(unsent), url: url.clone(), transient })
            }
            Err(Expired::Answer) => {
                let unsent = connecting.was_abandoned();
                let what = if unsent { "no connection" } else { "no answer" };
                let message = format!("{what} within the {limit} that {allowance} ({line})");
                let error = Error::new(ErrorKind::Timeout, message).with_unsent(unsent);
                Err(Failure::transient(error, url.clone()))
            }
            Err(Expired::Deadline(deadline)) => {
                Err(fail(past(deadline, &line).with_unsent(connecting.was_abandoned())))
            }
        }
    }

    /// The token that a request to a URL carries.
    fn sent_token(&self, url: &Url) -> Option<&Token> {
        let origins = self.client.origins();
        let carried = self.http.authorized && origins.is_own(url) && origins.credentials(url).is_none();
        self.client.token().ok().flatten().filter(|_| carried)
    }

    /// Waits until the host may be asked.
    async fn pass_gate(&mut self, url: &Url, line: &str) -> Result<()> {
        let deadline = self.retry.deadline();
        if let Some(deadline) = deadline.filter(|deadline| deadline.left().is_zero()) {
            return Err(past(deadline, line).with_unsent(true));
        }
        let limit = self.retry.wait_limit();
        let limit = deadline.map_or(limit, |deadline| deadline.left().min(limit));
        match self.client.limiter().ready(host_of(url), limit).await {
            Ok(waited) => {
                self.retry.waited(waited);
                Ok(())
            }
            Err(wait) => {
                let (seconds, limit) = (wait.as_secs_f64().ceil(), limit.as_secs_f64());
                let message = format!(
                    "the server has asked to wait for another {seconds} s, longer than the limit of {limit:.0} s; \
                     not sent ({line})"
                );
                let error = Error::new(ErrorKind::RateLimited, message);
                Err(error.with_retry_after(Some(wait)).with_unsent(true))
            }
        }
    }
}

/// The error for work that a deadline has ended.
pub(crate) fn past(deadline: Deadline, what: &str) -> Error {
    Error::new(ErrorKind::Timeout, format!("not finished within the deadline of {} ({what})", deadline.limit))
}

async fn refused(mut response: Response, method: &Method, secret: Option<&str>) -> Failure {
    let mut body = Vec::new();
    while body.len() < MAX_REFUSAL_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                body.extend_from_slice(&chunk[..chunk.len().min(MAX_REFUSAL_BYTES - body.len())]);
            }
            // The status tells enough; the rest of its page is not worth a failure.
            Ok(None) | Err(_) => break,
        }
    }
    let status = response.status();
    let error = answer::refusal(method, response.url(), status, response.headers(), &body, secret);
    let transient = retry::is_transient(status);
    let transient = transient
        || (status == StatusCode::FORBIDDEN
            && retry::asked_wait(response.headers(), SystemTime::now()).is_some());
    Failure { error, url: response.url().clone(), transient }
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

    /// Waits for a future as long as something happens within each `patience`.
    ///
    /// The future is dropped before this returns.
    async fn watch<T>(
        &self,
        mut work: Pin<Box<impl Future<Output = T>>>,
        patience: Timeout,
        deadline: Option<Deadline>,
    ) -> Result<T, Expired> {
        loop {
            let idle = patience.deadline(self.last());
            let until = match (idle, deadline) {
                (None, None) => return Ok(work.await),
                (Some(idle), None) => idle,
                (None, Some(deadline)) => deadline.at,
                (Some(idle), Some(deadline)) => idle.min(deadline.at),
            };
            if let Ok(done) = tokio::time::timeout_at(until, &mut work).await {
                return Ok(done);
            }
            match deadline.filter(|deadline| deadline.at <= until) {
                Some(deadline) => return Err(Expired::Deadline(deadline)),
                None if patience.deadline(self.last()).is_none_or(|later| later > until) => {}
                None => return Err(Expired::Answer),
            }
        }
    }
}

/// Which limit has ended the wait for an answer.
enum Expired {
    Answer,
    Deadline(Deadline),
}
