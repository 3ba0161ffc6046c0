//! Collections of repositories and papers.
mod items;
mod list;
mod manage;

pub use items::{AddCollectionItemRequest, DeleteCollectionItemRequest, UpdateCollectionItemRequest};
pub use list::ListCollectionsRequest;
pub use manage::{
    CreateCollectionRequest, DeleteCollectionRequest, GetCollectionRequest, UpdateCollectionMetadataRequest,
};

use crate::Method;
use hub_http::UrlPath;

/// The methods of this module.
pub(crate) const METHODS: &[Method] = &[
    Method::of::<AddCollectionItemRequest>(),
    Method::of::<CreateCollectionRequest>(),
    Method::of::<DeleteCollectionRequest>(),
    Method::of::<DeleteCollectionItemRequest>(),
    Method::of::<GetCollectionRequest>(),
    Method::list_of::<ListCollectionsRequest>(),
    Method::of::<UpdateCollectionItemRequest>(),
    Method::of::<UpdateCollectionMetadataRequest>(),
];

/// The path of a collection; the owner in its slug is a segment of its own.
fn collection_path(slug: &str) -> UrlPath {
    UrlPath::new("/api/collections").extend(slug)
}
