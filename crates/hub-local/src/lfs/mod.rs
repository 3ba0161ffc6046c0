//! The content of LFS files: stored by its sha256, uploaded and downloaded at the second origin.
mod batch;
mod multipart;
mod sign;
mod storage;
mod store;

pub(crate) use batch::{file_routes, routes};
pub(crate) use storage::routes as storage_routes;
pub(crate) use store::LfsStore;
