//! The data of the Hugging Face Hub.
//!
//! Ids, paths and hashes are types made by checking constructors, so that what holds one holds a valid one:
//! [`RepoId`], [`RepoType`], [`Revision`], [`CommitHash`], [`Etag`], [`SafeRelPath`]. The other modules hold the
//! objects that the Hub's API returns, under the attribute names of the Python client. They read both the Hub's own
//! JSON (`lastModified`) and the form they are written in (`last_modified`).
//!
//! This crate does no I/O and knows no transport; the other crates of the workspace build on it.

mod hash;
mod invalid;
mod repo_id;
mod repo_type;
mod revision;
mod safe_path;

pub use hash::{CommitHash, Etag};
pub use invalid::InvalidArgument;
pub use repo_id::RepoId;
pub use repo_type::RepoType;
pub use revision::Revision;
pub use safe_path::SafeRelPath;
