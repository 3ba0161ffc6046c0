//! Comments.
use super::discussion_path;
use crate::macros::endpoint;
use crate::types::{DiscussionComment, RepoId, RepoType};
use crate::{Answer, Arg, Endpoint, HfApi, Http, Result};
use hub_http::UrlPath;
use serde::Deserialize;
use serde_json::json;
use std::num::NonZeroU64;

/// The answer to a comment.
#[derive(Deserialize)]
struct Commented {
    #[serde(rename = "newMessage")]
    new_message: DiscussionComment,
}

/// The answer to a change of a comment.
#[derive(Deserialize)]
struct Changed {
    #[serde(rename = "updatedComment")]
    updated_comment: DiscussionComment,
}

/// Ids are hexadecimal, and the Hub knows them in lower case only.
fn push_comment(discussion: UrlPath, comment_id: &str, change: &str) -> UrlPath {
    discussion.push("comment").push(&comment_id.to_lowercase()).push(change)
}

endpoint! {
    /// Comments on a discussion or pull request.
    ///
    /// The text is sent as it is. `POST /api/{type}s/{repo_id}/discussions/{discussion_num}/comment`.
    ///
    /// # Errors
    /// `InvalidArgument` if the number is not from 1 up; `RepositoryNotFound`; `BadRequest` if the comment is empty or
    /// too long; `Http` with status 404 if there is no such discussion, and with status 403 if it is locked.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let comment = api.comment_discussion("me/model", 3, "Thank you!").await?;
    /// println!("{}", comment.id);
    /// # Ok(())
    /// # }
    /// ```
    pub fn comment_discussion(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The number of the discussion or pull request.
        discussion_num: Arg<NonZeroU64>,
        /// The text, in Markdown.
        comment: String,
    ) -> DiscussionComment;

    /// The parameters of [`HfApi::comment_discussion`].
    pub struct CommentDiscussionRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for CommentDiscussionRequest {
    fn http(&self) -> Http {
        let path = discussion_path(self.repo_type, &self.repo_id, &self.discussion_num).push("comment");
        Http::post(path).json(json!({ "comment": self.comment }))
    }

    fn decode(&self, _api: &HfApi, answer: Answer) -> Result<DiscussionComment> {
        Ok(answer.json::<Commented>()?.new_message)
    }
}

endpoint! {
    /// Replaces the text of a comment.
    ///
    /// The text before stays in its history. Needs a token of the author.
    /// `POST /api/{type}s/{repo_id}/discussions/{discussion_num}/comment/{comment_id}/edit`.
    ///
    /// # Errors
    /// `InvalidArgument` if the number is not from 1 up; `RepositoryNotFound`; `Http` with status 404 if there is no
    /// such comment, and with status 403 if the token may not change it.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let comment = api.comment_discussion("me/model", 3, "Thank yo!").await?;
    /// let edited = api.edit_discussion_comment("me/model", 3, comment.id, "Thank you!").await?;
    /// assert!(edited.edited);
    /// # Ok(())
    /// # }
    /// ```
    pub fn edit_discussion_comment(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The number of the discussion or pull request.
        discussion_num: Arg<NonZeroU64>,
        /// The id of the comment.
        comment_id: String,
        /// The text now, in Markdown.
        new_content: String,
    ) -> DiscussionComment;

    /// The parameters of [`HfApi::edit_discussion_comment`].
    pub struct EditDiscussionCommentRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for EditDiscussionCommentRequest {
    fn http(&self) -> Http {
        let discussion = discussion_path(self.repo_type, &self.repo_id, &self.discussion_num);
        Http::post(push_comment(discussion, &self.comment_id, "edit"))
            .json(json!({ "content": self.new_content }))
    }

    fn decode(&self, _api: &HfApi, answer: Answer) -> Result<DiscussionComment> {
        Ok(answer.json::<Changed>()?.updated_comment)
    }
}

endpoint! {
    /// Hides a comment for good: its text cannot be had back, and it cannot be shown again.
    ///
    /// Needs a token of the author, or one that may write to the repository.
    /// `POST /api/{type}s/{repo_id}/discussions/{discussion_num}/comment/{comment_id}/hide`.
    ///
    /// # Errors
    /// `InvalidArgument` if the number is not from 1 up; `RepositoryNotFound`; `Http` with status 404 if there is no
    /// such comment, and with status 403 if the token may not hide it.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let hidden = api.hide_discussion_comment("me/model", 3, "64a1b2c3d4e5f60718293a4b").await?;
    /// assert!(hidden.hidden);
    /// # Ok(())
    /// # }
    /// ```
    pub fn hide_discussion_comment(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The number of the discussion or pull request.
        discussion_num: Arg<NonZeroU64>,
        /// The id of the comment.
        comment_id: String,
    ) -> DiscussionComment;

    /// The parameters of [`HfApi::hide_discussion_comment`].
    pub struct HideDiscussionCommentRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for HideDiscussionCommentRequest {
    fn http(&self) -> Http {
        let discussion = discussion_path(self.repo_type, &self.repo_id, &self.discussion_num);
        Http::post(push_comment(discussion, &self.comment_id, "hide"))
    }

    fn decode(&self, _api: &HfApi, answer: Answer) -> Result<DiscussionComment> {
        Ok(answer.json::<Changed>()?.updated_comment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_is_sent_as_it_is() {
        let request = CommentDiscussionRequest::new("me/d", 2, " \n").repo_type(RepoType::Dataset);
        let expected = Http::post("/api/datasets/me/d/discussions/2/comment").json(json!({"comment": " \n"}));
        assert_eq!(request.http(), expected);
    }

    #[test]
    fn ids_of_comments_are_in_lower_case() {
        let request = EditDiscussionCommentRequest::new("me/m", 2, "64A1 B", "x");
        let expected =
            Http::post("/api/models/me/m/discussions/2/comment/64a1%20b/edit").json(json!({"content": "x"}));
        assert_eq!(request.http(), expected);
        let request = HideDiscussionCommentRequest::new("me/m", 2, "AB");
        assert_eq!(request.http(), Http::post("/api/models/me/m/discussions/2/comment/ab/hide"));
    }

    #[test]
    fn answers_have_the_comment_inside() {
        let comment = json!({"id": "c1", "type": "comment", "createdAt": "2024-01-01T00:00:00.000Z",
            "data": {"edited": true, "hidden": false, "latest": {"raw": "x"}}});
        let new: Commented = serde_json::from_value(json!({ "newMessage": comment })).unwrap();
        let changed: Changed = serde_json::from_value(json!({ "updatedComment": comment })).unwrap();
        assert_eq!(new.new_message, changed.updated_comment);
        assert_eq!((changed.updated_comment.content.as_str(), changed.updated_comment.edited), ("x", true));
    }
}
