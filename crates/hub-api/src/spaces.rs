//! Spaces: how they run, their settings, and copies of them.
mod duplicate;
mod hardware;
mod runtime;
mod settings;

pub use duplicate::DuplicateSpaceRequest;
pub use hardware::{
    DeleteSpaceStorageRequest, RequestSpaceHardwareRequest, RequestSpaceStorageRequest,
    SetSpaceSleepTimeRequest,
};
pub use runtime::{GetSpaceRuntimeRequest, PauseSpaceRequest, RestartSpaceRequest};
pub use settings::{
    AddSpaceSecretRequest, AddSpaceVariableRequest, DeleteSpaceSecretRequest, DeleteSpaceVariableRequest,
    GetSpaceVariablesRequest,
};

use crate::types::{RepoId, RepoType};
use crate::{Arg, Http, Method, repo_api};

/// The methods of this module.
pub(crate) const METHODS: &[Method] = &[
    Method::of::<AddSpaceSecretRequest>(),
    Method::of::<AddSpaceVariableRequest>(),
    Method::of::<DeleteSpaceSecretRequest>(),
    Method::of::<DeleteSpaceStorageRequest>(),
    Method::of::<DeleteSpaceVariableRequest>(),
    Method::of::<DuplicateSpaceRequest>(),
    Method::of::<GetSpaceRuntimeRequest>(),
    Method::of::<GetSpaceVariablesRequest>(),
    Method::of::<PauseSpaceRequest>(),
    Method::of::<RequestSpaceHardwareRequest>(),
    Method::of::<RequestSpaceStorageRequest>(),
    Method::of::<RestartSpaceRequest>(),
    Method::of::<SetSpaceSleepTimeRequest>(),
];

/// A request to one part of a Space's API.
fn space_api(method: hub_http::Method, repo_id: &Arg<RepoId>, part: &str) -> Http {
    repo_api(method, Some(RepoType::Space), repo_id, &[part])
}
