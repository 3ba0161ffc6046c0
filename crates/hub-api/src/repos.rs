//! Repositories: their references.
pub mod refs;

use crate::Method;

/// The methods of this module.
pub(crate) const METHODS: &[Method] = &[
    Method::of::<refs::CreateBranchRequest>(),
    Method::of::<refs::CreateTagRequest>(),
    Method::of::<refs::DeleteBranchRequest>(),
    Method::of::<refs::DeleteTagRequest>(),
    Method::of::<refs::ListRepoRefsRequest>(),
];
