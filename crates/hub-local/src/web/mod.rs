//! What all handlers share: errors, query parameters, bodies, pages, and the front that every request passes.
pub(crate) mod address;
pub(crate) mod body;
pub(crate) mod connection;
pub(crate) mod error;
pub(crate) mod front;
pub(crate) mod page;
pub(crate) mod params;

pub(crate) use address::RepoAddress;
pub(crate) use body::JsonBody;
pub(crate) use error::{ApiError, Result};
pub(crate) use page::{Page, link_to};
pub(crate) use params::Params;
