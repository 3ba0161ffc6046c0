//! Renaming, closing, opening and merging.
use super::{discussion_path, trimmed};
use crate::macros::endpoint;
use crate::request::LONG_ANSWER;
use crate::types::{DiscussionStatus, DiscussionStatusChange, DiscussionTitleChange, RepoId, RepoType};
use crate::{Answer, Arg, Endpoint, HfApi, Http, Result};
use hub_types::InvalidArgument;
use serde::Deserialize;
use serde_json::json;
use std::num::NonZeroU64;

endpoint! {
    /// Changes the title of a discussion or pull request.
    ///
    /// Needs a token of the author, or one that may write to the repository.
    /// `POST /api/{type}s/{repo_id}/discussions/{discussion_num}/title`.
    ///
    /// # Errors
    /// `InvalidArgument` if the number is not from 1 up; `RepositoryNotFound`; `BadRequest` if the title is too short
    /// or too long; `Http` with status 404 if there is no such discussion, and with status 403 if the token may not
    /// rename it.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let change = api.rename_discussion("me/model", 3, "Add a license").await?;
    /// println!("it was {:?}", change.old_title);
    /// # Ok(())
    /// # }
    /// ```
    pub fn rename_discussion(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The number of the discussion or pull request.
        discussion_num: Arg<NonZeroU64>,
        /// The title now.
        new_title: String,
    ) -> DiscussionTitleChange;

    /// The parameters of [`HfApi::rename_discussion`].
    pub struct RenameDiscussionRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

/// The answer to a new title.
#[derive(Deserialize)]
struct Renamed {
    #[serde(rename = "newTitle")]
    new_title: DiscussionTitleChange,
}

impl Endpoint for RenameDiscussionRequest {
    fn http(&self) -> Http {
        let path = discussion_path(self.repo_type, &self.repo_id, &self.discussion_num).push("title");
        Http::post(path).json(json!({ "title": self.new_title }))
    }

    fn decode(&self, _api: &HfApi, answer: Answer) -> Result<DiscussionTitleChange> {
        Ok(answer.json::<Renamed>()?.new_title)
    }
}

endpoint! {
    /// Closes a discussion or pull request, or opens it again.
    ///
    /// Opening a pull request that is a draft asks for its review. Needs a token of the author, or one that may write to the repository.
    /// `POST /api/{type}s/{repo_id}/discussions/{discussion_num}/status`.
    ///
    /// # Errors
    /// `InvalidArgument` if the number is not from 1 up, or the status is neither `open` nor `closed`;
    /// `RepositoryNotFound`; `BadRequest` if it has this status already; `Http` with status 404 if there is no such
    /// discussion, and with status 403 if the token may not change it.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.change_discussion_status("me/model", 3, "closed").comment("Fixed in v2.").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn change_discussion_status(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The number of the discussion or pull request.
        discussion_num: Arg<NonZeroU64>,
        /// `open` or `closed`.
        new_status: DiscussionStatus,
    ) -> DiscussionStatusChange;

    /// The parameters of [`HfApi::change_discussion_status`].
    pub struct ChangeDiscussionStatusRequest {
        /// A comment that says why; none if blank.
        comment: Option<String>,
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

/// The answer to a new status.
#[derive(Deserialize)]
struct Changed {
    #[serde(rename = "newStatus")]
    new_status: DiscussionStatusChange,
}

impl Endpoint for ChangeDiscussionStatusRequest {
    fn http(&self) -> Http {
        if !matches!(self.new_status, DiscussionStatus::Open | DiscussionStatus::Closed) {
            let why =
                format!("invalid new_status {:?}: it must be `open` or `closed`", self.new_status.as_str());
            return Http::invalid(InvalidArgument::new(why));
        }
        let path = discussion_path(self.repo_type, &self.repo_id, &self.discussion_num).push("status");
        Http::post(path).json(json!({ "status": self.new_status, "comment": trimmed(self.comment.as_ref()) }))
    }

    fn decode(&self, _api: &HfApi, answer: Answer) -> Result<DiscussionStatusChange> {
        Ok(answer.json::<Changed>()?.new_status)
    }
}

endpoint! {
    /// Merges a pull request into its target branch, as one commit.
    ///
    /// A draft has to be opened first. Needs a token that may write to the repository.
    /// `POST /api/{type}s/{repo_id}/discussions/{discussion_num}/merge`.
    ///
    /// # Errors
    /// `InvalidArgument` if the number is not from 1 up; `RepositoryNotFound`; `BadRequest` if it is no open pull
    /// request; `Http` with status 404 if there is none of this number, with status 409 if files conflict, and with
    /// status 403 if the token may not merge it.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.merge_pull_request("me/model", 4).comment("Thank you!").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn merge_pull_request(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The number of the pull request.
        discussion_num: Arg<NonZeroU64>,
    ) -> ();

    /// The parameters of [`HfApi::merge_pull_request`].
    pub struct MergePullRequestRequest {
        /// A comment that goes with it; none if blank.
        comment: Option<String>,
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for MergePullRequestRequest {
    fn http(&self) -> Http {
        let merge =
            Http::post(discussion_path(self.repo_type, &self.repo_id, &self.discussion_num).push("merge"))
                .timeout(Some(LONG_ANSWER));
        match trimmed(self.comment.as_ref()) {
            Some(comment) => merge.json(json!({ "comment": comment })),
            None => merge,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_sent_as_it_is() {
        let request = RenameDiscussionRequest::new("me/s", 9, " Ünï ").repo_type(RepoType::Space);
        let expected = Http::post("/api/spaces/me/s/discussions/9/title").json(json!({"title": " Ünï "}));
        assert_eq!(request.http(), expected);
    }

    #[test]
    fn a_blank_comment_is_none() {
        let status = |body| Http::post("/api/models/me/m/discussions/3/status").json(body);
        let request = ChangeDiscussionStatusRequest::new("me/m", 3, "closed");
        assert_eq!(request.http(), status(json!({"status": "closed"})));
        assert_eq!(request.clone().comment(" ").http(), status(json!({"status": "closed"})));
        let why = request.comment("\nDone. ");
        assert_eq!(why.http(), status(json!({"status": "closed", "comment": "Done."})));
    }

    #[test]
    fn a_discussion_is_opened_or_closed_and_nothing_else() {
        for status in ["merged", "draft", "Open", ""] {
            let request = ChangeDiscussionStatusRequest::new("me/m", 3, status);
            assert!(request.http().invalid.is_some(), "{status}");
        }
        let request = ChangeDiscussionStatusRequest::new("me/m", 3, DiscussionStatus::Open);
        assert!(request.http().invalid.is_none());
    }

    #[test]
    fn a_merge_without_a_comment_has_no_body() {
        let merge = Http::post("/api/datasets/me/d/discussions/3/merge").timeout(Some(LONG_ANSWER));
        let request = MergePullRequestRequest::new("me/d", 3).repo_type(RepoType::Dataset);
        assert_eq!(request.http(), merge);
        assert_eq!(request.clone().comment("  ").http(), merge);
        assert_eq!(request.comment(" LGTM").http(), merge.json(json!({"comment": "LGTM"})));
    }

    #[test]
    fn answers_have_the_event_inside() {
        let event = |data| json!({"id": "e", "type": "x", "createdAt": "2024-01-01T00:00:00Z", "data": data});
        let mut title = event(json!({"from": "a", "to": "b"}));
        title["type"] = json!("title-change");
        let renamed: Renamed = serde_json::from_value(json!({ "newTitle": title })).unwrap();
        assert_eq!((renamed.new_title.old_title.as_str(), renamed.new_title.new_title.as_str()), ("a", "b"));
        let mut status = event(json!({"status": "closed"}));
        status["type"] = json!("status-change");
        let changed: Changed = serde_json::from_value(json!({ "newStatus": status })).unwrap();
        assert_eq!(changed.new_status.new_status, DiscussionStatus::Closed);
    }
}
