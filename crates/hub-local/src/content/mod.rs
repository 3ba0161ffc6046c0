//! What is in a repository: trees, files, references, commits.
mod commits;
mod dumb;
mod range;
mod refs;
mod resolve;
mod send;
mod tree;

pub(crate) use send::send_file;

use crate::state::HubState;
use axum::Router;

/// API routes below the id of a repository.
pub(crate) fn repo_routes() -> Router<HubState> {
    tree::repo_routes().merge(refs::repo_routes()).merge(commits::repo_routes())
}

/// File routes below the id of a repository.
pub(crate) fn file_routes() -> Router<HubState> {
    resolve::file_routes().merge(dumb::file_routes())
}
