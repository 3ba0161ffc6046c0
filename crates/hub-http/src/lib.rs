//! Configuration, tokens and the one transport of the Hugging Face Hub client.
//!
//! An exchange is an [`Http`] value: method, target, query, body, and its idempotency. [`Client::execute`]
//! performs it: it adds the token where it belongs, follows redirects without carrying the token off its origin,
//! retries what may be retried, obeys rate limits, and turns a refusal into an [`Error`] with a [`ErrorKind`].
//! [`RemoteFile`] reads ranges of a file and goes on where a broken connection stopped.
//!
//! ```no_run
//! # async fn example() -> hub_http::Result<()> {
//! use hub_http::{Client, Config, Http, UrlPath};
//!
//! let client = Client::new(Config::from_env()?);
//! let http = Http::get(UrlPath::new("/api/models").push("gpt2"));
//! let info: serde_json::Value = client.execute(http).await?.json().await?;
//! # Ok(())
//! # }
//! ```
//!
//! This crate knows no endpoint of the Hub: what a method means in HTTP is written in the crates above.

mod answer;
mod blocking;
mod body;
mod client;
mod config;
mod connect;
mod connecting;
mod credentials;
mod environment;
mod error;
mod exchange;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzz;
mod limiter;
mod link;
mod origin;
mod path;
mod proxy;
mod redact;
mod remote_file;
mod request;
mod response;
mod retry;
mod timeout;
mod token;
mod token_store;
mod trust;

pub use blocking::blocking;
pub use body::{BodySource, RequestBody};
pub use client::{Auth, Client};
pub use config::Config;
pub use environment::{expand_path, is_true};
pub use error::{Context, Error, ErrorKind, HttpContext, IoContext, Result};
pub use link::next_link;
pub use path::UrlPath;
pub use redact::redact_url;
pub use remote_file::{ByteRange, Piece, RemoteBody, RemoteFile};
pub use request::{Http, MAX_ANSWER_BYTES, MAX_LISTING_BYTES, Purpose, Redirects, Target};
pub use reqwest::{Method, StatusCode, header};
pub use response::{Answer, Response};
pub use retry::{Idempotency, Retry, RetryPolicy};
pub use timeout::Timeout;
pub use token::{Token, TokenSource};
pub use token_store::{StoredToken, TokenStore};
pub use url::Url;
