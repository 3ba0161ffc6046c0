//! Repositories: their life, settings, descriptions, listings, files, history and references.
pub mod commits;
pub mod create;
pub mod datasets;
mod emissions;
pub mod exists;
pub mod file_metadata;
pub mod info;
pub mod models;
pub mod refs;
mod search;
pub mod settings;
pub mod spaces;
pub mod tree;

pub use emissions::EmissionsThresholds;
pub use file_metadata::{file_metadata, read_file_metadata};

use crate::Method;

/// The methods of this module.
pub(crate) const METHODS: &[Method] = &[
    Method::of::<create::CreateRepoRequest>(),
    Method::of::<create::DeleteRepoRequest>(),
    Method::of::<create::MoveRepoRequest>(),
    Method::of::<exists::AuthCheckRequest>(),
    Method::of::<exists::FileExistsRequest>(),
    Method::of::<exists::RepoExistsRequest>(),
    Method::of::<exists::RevisionExistsRequest>(),
    Method::of::<file_metadata::GetHfFileMetadataRequest>(),
    Method::of::<info::DatasetInfoRequest>(),
    Method::of::<info::ModelInfoRequest>(),
    Method::of::<info::RepoInfoRequest>(),
    Method::of::<info::SpaceInfoRequest>(),
    Method::of::<refs::CreateBranchRequest>(),
    Method::of::<refs::CreateTagRequest>(),
    Method::of::<refs::DeleteBranchRequest>(),
    Method::of::<refs::DeleteTagRequest>(),
    Method::of::<refs::ListRepoRefsRequest>(),
    Method::of::<commits::SuperSquashHistoryRequest>(),
    Method::of::<settings::UpdateRepoSettingsRequest>(),
    Method::of::<settings::UpdateRepoVisibilityRequest>(),
    Method::list_of::<commits::ListRepoCommitsRequest>(),
    Method::list_of::<datasets::ListDatasetsRequest>(),
    Method::list_of::<models::ListModelsRequest>(),
    Method::list_of::<spaces::ListSpacesRequest>(),
    Method::list_of::<tree::ListRepoFilesRequest>(),
    Method::list_of::<tree::ListRepoTreeRequest>(),
    Method::lines_of::<tree::GetPathsInfoRequest>(),
];
