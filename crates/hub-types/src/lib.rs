//! The data of the Hugging Face Hub.
//!
//! Ids, paths and hashes are types made by checking constructors, so that what holds one holds a valid one:
//! [`RepoId`], [`RepoType`], [`Revision`], [`CommitHash`], [`Etag`], [`SafeRelPath`]. The other modules hold the
//! objects that the Hub's API returns, under the attribute names of the Python client. They read both the Hub's own
//! JSON (`lastModified`) and the form they are written in (`last_modified`).
//!
//! This crate does no I/O and knows no transport; the other crates of the workspace build on it.

mod access_request;
mod card_data;
mod collection;
mod commit_info;
mod dataset_info;
mod discussion;
mod discussion_event;
mod expand;
mod file_metadata;
mod gated;
mod git_commit;
mod hash;
mod hub_uri;
mod inference_endpoint;
mod invalid;
mod lenient;
mod likes;
mod model_index;
mod model_info;
mod paper;
mod refs;
mod repo_id;
mod repo_info;
mod repo_type;
mod repo_url;
mod revision;
mod safe_path;
mod sibling;
mod space;
mod space_info;
mod text_enum;
mod timestamp;
mod tree;
mod user;
mod webhook;
mod webhook_payload;
mod whoami;

pub use access_request::{AccessRequest, AccessRequestStatus};
pub use card_data::CardData;
pub use collection::{Collection, CollectionItem, CollectionItemType, CollectionSort};
pub use commit_info::CommitInfo;
pub use dataset_info::DatasetInfo;
pub use discussion::{
    ConflictingFiles, Discussion, DiscussionPage, DiscussionStatus, DiscussionStatusFilter,
    DiscussionTypeFilter, DiscussionWithDetails,
};
pub use discussion_event::{
    DiscussionComment, DiscussionCommit, DiscussionEvent, DiscussionOtherEvent, DiscussionStatusChange,
    DiscussionTitleChange,
};
pub use expand::{ExpandDatasetProperty, ExpandModelProperty, ExpandSpaceProperty};
pub use file_metadata::HfFileMetadata;
pub use gated::Gated;
pub use git_commit::GitCommitInfo;
pub use hash::{CommitHash, Etag};
pub use hub_uri::HubUri;
pub use inference_endpoint::{InferenceEndpoint, InferenceEndpointStatus, InferenceEndpointType};
pub use invalid::InvalidArgument;
pub use likes::{Like, LikedRepo, UserLikes};
pub use model_info::{ModelInference, ModelInfo, SafeTensorsInfo, TransformersInfo};
pub use paper::PaperInfo;
pub use refs::{GitRefInfo, GitRefs};
pub use repo_id::RepoId;
pub use repo_info::RepoInfo;
pub use repo_type::RepoType;
pub use repo_url::{DEFAULT_ENDPOINT, RepoUrl};
pub use revision::Revision;
pub use safe_path::SafeRelPath;
pub use sibling::{BlobLfsInfo, RepoSibling};
pub use space::{
    SpaceHardware, SpaceRuntime, SpaceSetting, SpaceStage, SpaceStorage, SpaceVariable, SpaceVariables,
};
pub use space_info::SpaceInfo;
pub use timestamp::parse_datetime;
pub use tree::{BlobSecurityInfo, LastCommitInfo, RepoFile, RepoFolder, RepoTreeEntry};
pub use user::{Organization, User};
pub use webhook::{WebhookDomain, WebhookInfo, WebhookWatchedItem, WebhookWatchedType};
pub use webhook_payload::{
    ObjectId, WebhookAction, WebhookPayload, WebhookPayloadComment, WebhookPayloadDiscussion,
    WebhookPayloadDiscussionChanges, WebhookPayloadEvent, WebhookPayloadMovedTo, WebhookPayloadRepo,
    WebhookPayloadUpdatedRef, WebhookPayloadUrl, WebhookPayloadWebhook,
};
pub use whoami::{TokenRole, WhoAmI};
