//! Commits made over HTTP, and what is asked before them.
mod attributes;
mod commit;
mod ndjson;
mod preupload;
mod validate;
mod wildmatch;

pub(crate) use attributes::DEFAULT as DEFAULT_ATTRIBUTES;

use crate::state::HubState;
use axum::Router;

/// The largest file that goes into git itself; larger ones have to be LFS files.
const MAX_REGULAR_BYTES: u64 = 10 << 20;

pub(crate) fn routes() -> Router<HubState> {
    validate::routes()
}

/// API routes below the id of a repository.
pub(crate) fn repo_routes() -> Router<HubState> {
    preupload::repo_routes().merge(commit::repo_routes())
}
