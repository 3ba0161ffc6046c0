//! Discussions and pull requests.
mod comments;
mod list;
mod open;
mod status;

pub use comments::{CommentDiscussionRequest, EditDiscussionCommentRequest, HideDiscussionCommentRequest};
pub use list::GetRepoDiscussionsRequest;
pub use open::{CreateDiscussionRequest, CreatePullRequestRequest, GetDiscussionDetailsRequest};
pub use status::{ChangeDiscussionStatusRequest, MergePullRequestRequest, RenameDiscussionRequest};

use crate::types::{RepoId, RepoType};
use crate::{Arg, Method, repo_path};
use hub_http::UrlPath;
use std::num::NonZeroU64;

/// The methods of this module.
pub(crate) const METHODS: &[Method] = &[
    Method::of::<ChangeDiscussionStatusRequest>(),
    Method::of::<CommentDiscussionRequest>(),
    Method::of::<CreateDiscussionRequest>(),
    Method::of::<CreatePullRequestRequest>(),
    Method::of::<EditDiscussionCommentRequest>(),
    Method::of::<GetDiscussionDetailsRequest>(),
    Method::list_of::<GetRepoDiscussionsRequest>(),
    Method::of::<HideDiscussionCommentRequest>(),
    Method::of::<MergePullRequestRequest>(),
    Method::of::<RenameDiscussionRequest>(),
];

/// The path of a discussion: `/api/models/me/model/discussions/3`.
fn discussion_path(repo_type: Option<RepoType>, repo_id: &Arg<RepoId>, num: &Arg<NonZeroU64>) -> UrlPath {
    match num.get() {
        Ok(num) => repo_path(repo_type, repo_id).push("discussions").push(&num.to_string()),
        Err(error) => UrlPath::invalid(error),
    }
}

/// A comment that goes with something else: without the space around it, and none if nothing is left.
fn trimmed(comment: Option<&String>) -> Option<&str> {
    comment.map(|comment| comment.trim()).filter(|comment| !comment.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discussions_are_counted_from_one() {
        let path = discussion_path(Some(RepoType::Space), &"me/app".into(), &7.into());
        assert_eq!(path.as_str().unwrap(), "/api/spaces/me/app/discussions/7");
        for num in [0, -3] {
            assert!(discussion_path(None, &"me/app".into(), &num.into()).as_str().is_err(), "{num}");
        }
    }
}
