//! The Hugging Face Hub client: every method of the API in one crate.
//!
//! ```no_run
//! use hub_client::prelude::*;
//!
//! # async fn example() -> hub_client::Result<()> {
//! let api = HfApi::from_env()?;
//! let info = api.model_info("openai-community/gpt2").revision("main").files_metadata(true).await?;
//! # Ok(())
//! # }
//! ```
//!
//! The layers are crates of their own, for those who need less: `hub-types` (the data), `hub-http` (the transport),
//! `hub-api` (requests), `hub-cache` (downloads), `hub-upload` (uploads), `hub-safetensors` (headers and tensors).

#[cfg(all(feature = "download", feature = "safetensors"))]
mod cached_files;
mod methods;

#[cfg(all(feature = "download", feature = "safetensors"))]
pub use cached_files::CachedFiles;
pub use hub_api::*;
#[cfg(feature = "download")]
pub use hub_cache as cache;
#[cfg(feature = "safetensors")]
pub use hub_safetensors as safetensors;
#[cfg(feature = "upload")]
pub use hub_upload as upload;
pub use methods::{method, methods};

/// What most programs use: the client and the traits that add downloads, uploads and safetensors to it.
pub mod prelude {
    pub use hub_api::types::{RepoId, RepoType, Revision};
    pub use hub_api::{Arg, Error, ErrorKind, HfApi, Result};
    #[cfg(feature = "download")]
    pub use hub_cache::Downloads as _;
    #[cfg(feature = "safetensors")]
    pub use hub_safetensors::Safetensors as _;
    #[cfg(feature = "upload")]
    pub use hub_upload::{CommitOperation, Uploads as _};
}
