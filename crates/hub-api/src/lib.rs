//! The methods of the Hugging Face Hub's API as typed requests.
//!
//! A method is a struct of its parameters under their Python names; [`HfApi`] makes it bound to a client, setters add
//! the optional ones, and `.await` performs it. `.block()` does so without an async runtime (feature `blocking`), and
//! listings also have `.stream()` and, for blocking code, `.iter()`.
//!
//! ```no_run
//! # async fn example() -> hub_api::Result<()> {
//! use hub_api::HfApi;
//!
//! let api = HfApi::from_env()?;
//! let info = api.model_info("openai-community/gpt2").revision("main").files_metadata(true).await?;
//! println!("{:?}", info.sha);
//! # Ok(())
//! # }
//! ```
//!
//! Requests are plain data: they can be read from JSON, compared and stored, and [`Endpoint::http`] tells what one
//! means in HTTP without sending it. [`METHODS`] lists them with their documentation, for command lines and reference
//! pages. Crates above this one declare their own with [`request!`].

// The macros name this crate as their callers do.
extern crate self as hub_api;

pub mod access_requests;
pub mod account;
mod api;
mod arg;
#[cfg(feature = "blocking")]
mod blocking;
pub mod collections;
pub mod discussions;
pub mod inference_endpoints;
pub mod likes;
mod listing;
mod macros;
pub mod papers;
mod paths;
pub mod patterns;
mod queue;
mod registry;
pub mod repos;
mod request;
mod secret;
pub mod spaces;
pub mod tags;
pub mod users;
pub mod webhooks;

pub use api::HfApi;
pub use arg::{Arg, Many};
#[cfg(feature = "blocking")]
pub use blocking::{Iter, block_on};
pub use listing::Pages;
pub use paths::{repo_api, repo_path, resolve_path};
pub use queue::Pending;
pub use registry::{Json, METHODS, Method, Param, Spec, handle_params};
pub use request::{Endpoint, List, Request, Run};
pub use secret::Secret;

pub use hub_http::{Answer, Auth, Client, Config, Error, ErrorKind, Http, Result, Timeout, Token};
pub use hub_types as types;

/// What the code of the macros refers to.
#[doc(hidden)]
pub mod __private {
    pub use crate::request::perform;
    pub use futures_util::TryStreamExt;
    pub use futures_util::future::BoxFuture;
    pub use futures_util::stream::BoxStream;
    pub use serde;
}
