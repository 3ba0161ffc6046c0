//! One exchange, as a value.
use crate::redact::is_secret_header;
use crate::{BodySource, Idempotency, RequestBody, Timeout, UrlPath, redact_url};
use bytes::Bytes;
use hub_types::InvalidArgument;
use reqwest::Method;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;
use std::fmt;
use url::Url;

/// Where a request goes.
#[derive(Clone, PartialEq)]
pub enum Target {
    /// A path below the Hub's endpoint.
    Hub(UrlPath),
    /// A path below the base of the Inference Endpoints API.
    InferenceEndpoints(UrlPath),
    /// A whole URL; it gets the token only if it has the endpoint's origin.
    Url(Url),
}

/// Without the values of queries, which may be signatures.
impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub(path) => f.debug_tuple("Hub").field(path).finish(),
            Self::InferenceEndpoints(path) => f.debug_tuple("InferenceEndpoints").field(path).finish(),
            Self::Url(url) => f.debug_tuple("Url").field(&redact_url(url)).finish(),
        }
    }
}

/// Which redirects are followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Redirects {
    /// All, up to ten; the token stays at its origin.
    #[default]
    Follow,
    /// Those that name no host; any other is the answer.
    SameHost,
}

/// What an exchange is for, which decides how long the first byte of its answer may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Purpose {
    /// A call of the API: [`Config::api_timeout`](crate::Config::api_timeout), or what the endpoint declares.
    #[default]
    Api,
    /// The metadata of a file: [`Config::etag_timeout`](crate::Config::etag_timeout).
    Metadata,
    /// The content of a file: [`Config::download_timeout`](crate::Config::download_timeout).
    Download,
}

/// How many bytes the answer of an API call may have unless the endpoint declares more, after decompression.
pub const MAX_ANSWER_BYTES: usize = 64 << 20;
/// How many bytes an answer may have that lists the files of a repository, after decompression.
pub const MAX_LISTING_BYTES: usize = 256 << 20;

/// One HTTP exchange, as a value to compare, log and perform.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "an exchange does nothing until it is executed"]
#[non_exhaustive]
pub struct Http {
    /// The method.
    pub method: Method,
    /// Where it goes.
    pub target: Target,
    /// The query, in order, not encoded.
    pub query: Vec<(String, String)>,
    /// Headers beside those that the transport adds.
    pub headers: HeaderMap,
    /// Headers that take the place of those at another origin than the Hub's, where a redirect leads to storage.
    pub elsewhere: HeaderMap,
    /// The body.
    pub body: RequestBody,
    /// What sending it twice may do, and so when it is retried.
    pub idempotency: Idempotency,
    /// What it is for, which decides its time limit unless it has one of its own.
    pub purpose: Purpose,
    /// How many bytes of its answer are accepted in memory, after decompression.
    pub max_answer_bytes: usize,
    /// Whether the token is sent (to its own origin only).
    pub authorized: bool,
    /// Which redirects are followed.
    pub redirects: Redirects,
    /// How long to wait without progress for the first byte of the answer, where the endpoint is known to take longer
    /// or has to be faster; the time of its purpose if unset. [`Client::with_timeout`](crate::Client::with_timeout)
    /// takes precedence.
    pub timeout: Option<Timeout>,
    /// Why this request must not be sent.
    pub invalid: Option<InvalidArgument>,
}

impl Http {
    /// Creates a request. GET, HEAD and PUT are [`Idempotency::Safe`], DELETE is [`Idempotency::Delete`], and all others
    /// are [`Idempotency::Unsafe`] unless said otherwise.
    pub fn new(method: Method, target: Target) -> Self {
        let idempotency = match method {
            Method::GET | Method::HEAD | Method::PUT => Idempotency::Safe,
            Method::DELETE => Idempotency::Delete,
            _ => Idempotency::Unsafe,
        };
        Self {
            method,
            target,
            query: Vec::new(),
            headers: HeaderMap::new(),
            elsewhere: HeaderMap::new(),
            body: RequestBody::Empty,
            idempotency,
            purpose: Purpose::Api,
            max_answer_bytes: MAX_ANSWER_BYTES,
            authorized: true,
            redirects: Redirects::Follow,
            timeout: None,
            invalid: None,
        }
    }

    /// A request that is refused with this error when it is executed.
    pub fn invalid(error: InvalidArgument) -> Self {
        let mut http = Self::get("/");
        http.invalid = Some(error);
        http
    }

    /// A GET below the Hub's endpoint.
    pub fn get(path: impl Into<UrlPath>) -> Self {
        Self::new(Method::GET, Target::Hub(path.into()))
    }

    /// A HEAD below the Hub's endpoint.
    pub fn head(path: impl Into<UrlPath>) -> Self {
        Self::new(Method::HEAD, Target::Hub(path.into()))
    }

    /// A POST below the Hub's endpoint.
    pub fn post(path: impl Into<UrlPath>) -> Self {
        Self::new(Method::POST, Target::Hub(path.into()))
    }

    /// A PUT below the Hub's endpoint.
    pub fn put(path: impl Into<UrlPath>) -> Self {
        Self::new(Method::PUT, Target::Hub(path.into()))
    }

    /// A PATCH below the Hub's endpoint.
    pub fn patch(path: impl Into<UrlPath>) -> Self {
        Self::new(Method::PATCH, Target::Hub(path.into()))
    }

    /// A DELETE below the Hub's endpoint.
    pub fn delete(path: impl Into<UrlPath>) -> Self {
        Self::new(Method::DELETE, Target::Hub(path.into()))
    }

    /// A request to a whole URL.
    pub fn url(method: Method, url: Url) -> Self {
        Self::new(method, Target::Url(url))
    }

    /// Adds a query parameter.
    pub fn query(mut self, name: &str, value: impl ToString) -> Self {
        self.query.push((name.to_owned(), value.to_string()));
        self
    }

    /// Adds a query parameter if there is a value.
    pub fn query_some(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Adds a query parameter for each value.
    pub fn query_each<T: ToString>(self, name: &str, values: impl IntoIterator<Item = T>) -> Self {
        values.into_iter().fold(self, |http, value| http.query(name, value))
    }

    /// Adds a query parameter in the form the Hub reads booleans in: `True` or `False`.
    pub fn query_bool(self, name: &str, value: bool) -> Self {
        self.query(name, if value { "True" } else { "False" })
    }

    /// Adds a header.
    ///
    /// A value that cannot be a header makes the request invalid.
    pub fn header(mut self, name: HeaderName, value: &str) -> Self {
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(is_secret_header(&name));
                self.headers.insert(name, value);
            }
            Err(_) => {
                self.invalid = Some(InvalidArgument::new(format!(
                    "the value for the header `{name}` has control characters"
                )));
            }
        }
        self
    }

    /// Sets a JSON body; members of the object that are null are left out.
    pub fn json(mut self, mut value: Value) -> Self {
        if let Value::Object(members) = &mut value {
            members.retain(|_, member| !member.is_null());
        }
        self.body = RequestBody::Json(value);
        self
    }

    /// Sets a form as the body.
    pub fn form(mut self, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        self.body = RequestBody::Form(pairs.into_iter().collect());
        self
    }

    /// Sets bytes as the body.
    pub fn bytes(mut self, content_type: &'static str, bytes: impl Into<Bytes>) -> Self {
        self.body = RequestBody::Bytes { content_type, bytes: bytes.into() };
        self
    }

    /// Sets a stream as the body.
    pub fn stream(
        mut self,
        content_type: Option<&'static str>,
        length: Option<u64>,
        source: BodySource,
    ) -> Self {
        self.body = RequestBody::Stream { content_type, length, source };
        self
    }

    /// Says whether sending this twice does no harm: [`Idempotency::Safe`] or [`Idempotency::Unsafe`].
    pub fn repeatable(self, repeatable: bool) -> Self {
        self.idempotency(if repeatable { Idempotency::Safe } else { Idempotency::Unsafe })
    }

    /// Sets what sending this twice may do.
    pub fn idempotency(mut self, idempotency: Idempotency) -> Self {
        self.idempotency = idempotency;
        self
    }

    /// Sets what this is for.
    pub fn purpose(mut self, purpose: Purpose) -> Self {
        self.purpose = purpose;
        self
    }

    /// Sets how many bytes of the answer are accepted in memory, after decompression.
    pub fn max_answer_bytes(mut self, bytes: usize) -> Self {
        self.max_answer_bytes = bytes;
        self
    }

    /// Sends no token.
    pub fn without_token(mut self) -> Self {
        self.authorized = false;
        self
    }

    /// Sets which redirects are followed.
    pub fn redirects(mut self, redirects: Redirects) -> Self {
        self.redirects = redirects;
        self
    }

    /// Sets how long to wait without progress for the answer.
    pub fn timeout(mut self, timeout: Option<Timeout>) -> Self {
        self.timeout = timeout.or(self.timeout);
        self
    }

    /// Asks for the bytes as they are, not compressed, so that lengths and ranges mean what they say.
    pub fn identity(self) -> Self {
        self.header(reqwest::header::ACCEPT_ENCODING, "identity")
    }
}
