//! What the Hub sends to webhooks.
//!
//! These objects are written as the Hub writes them, so that a receiver can pass them on.
use crate::lenient::or_default;
use crate::text_enum::text_enum;
use crate::{DiscussionStatus, RepoType};
use serde::{Deserialize, Serialize};

/// Is what the Hub sends to a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WebhookPayload {
    /// What happened.
    pub event: WebhookPayloadEvent,
    /// The repository that it happened to.
    pub repo: WebhookPayloadRepo,
    /// The discussion or pull request that it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discussion: Option<WebhookPayloadDiscussion>,
    /// The comment that it happened to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comment: Option<WebhookPayloadComment>,
    /// The webhook that is called.
    pub webhook: WebhookPayloadWebhook,
    /// The new name of a repository that was moved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moved_to: Option<WebhookPayloadMovedTo>,
    /// The references that were changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_refs: Option<Vec<WebhookPayloadUpdatedRef>>,
}

/// Says what happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WebhookPayloadEvent {
    /// What was done.
    pub action: WebhookAction,
    /// What it was done to: `repo`, `repo.content`, `discussion.comment`.
    pub scope: String,
}

text_enum! {
    /// Says what was done when a webhook is called.
    WebhookAction {
        Create = "create",
        Delete = "delete",
        Move = "move",
        Update = "update",
    }
}

/// Names something by its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ObjectId {
    /// The id.
    pub id: String,
}

/// Says where something is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WebhookPayloadUrl {
    /// The URL of its page.
    pub web: String,
    /// The URL of its API.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api: Option<String>,
}

/// Describes the repository that a webhook is called for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WebhookPayloadRepo {
    /// The id.
    pub id: String,
    /// The owner.
    pub owner: ObjectId,
    /// The hash of the newest commit.
    #[serde(alias = "head_sha", skip_serializing_if = "Option::is_none")]
    pub head_sha: Option<String>,
    /// The name with the namespace.
    pub name: String,
    /// Whether only its owners see it.
    pub private: bool,
    /// The part of a Space's host name that is its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subdomain: Option<String>,
    /// The tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<String>>,
    /// The kind of the repository.
    #[serde(rename = "type")]
    pub r#type: RepoType,
    /// Where it is found.
    pub url: WebhookPayloadUrl,
}

/// Describes the discussion that a webhook is called for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WebhookPayloadDiscussion {
    /// The id.
    pub id: String,
    /// The number in the repository.
    pub num: u64,
    /// Who opened it.
    pub author: ObjectId,
    /// Where it is found.
    pub url: WebhookPayloadUrl,
    /// The title.
    pub title: String,
    /// Whether it is a pull request.
    pub is_pull_request: bool,
    /// Whether it is open.
    pub status: DiscussionStatus,
    /// What a pull request is to change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changes: Option<WebhookPayloadDiscussionChanges>,
    /// Whether it is kept at the top of the list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pinned: Option<bool>,
}

/// Says what a pull request is to change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WebhookPayloadDiscussionChanges {
    /// The reference that it is to be merged into.
    pub base: String,
    /// The hash of the commit that merged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merge_commit_id: Option<String>,
}

/// Describes the comment that a webhook is called for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WebhookPayloadComment {
    /// The id.
    pub id: String,
    /// Who wrote it.
    pub author: ObjectId,
    /// Whether it was hidden.
    #[serde(default, deserialize_with = "or_default")]
    pub hidden: bool,
    /// The text, if it is not hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// Where it is found.
    pub url: WebhookPayloadUrl,
}

/// Names the webhook that is called.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WebhookPayloadWebhook {
    /// The id.
    pub id: String,
    /// The version of the payload's format: 3.
    pub version: u64,
}

/// Says what a repository is called now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WebhookPayloadMovedTo {
    /// The name with the namespace.
    pub name: String,
    /// The owner.
    pub owner: ObjectId,
}

/// Says how a reference was changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct WebhookPayloadUpdatedRef {
    /// The full name of the reference.
    #[serde(rename = "ref")]
    pub r#ref: String,
    /// The hash of the commit that it pointed to; none if it is new.
    pub old_sha: Option<String>,
    /// The hash of the commit that it points to; none if it was deleted.
    pub new_sha: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_payload_is_written_as_it_was_read() {
        let json = json!({
            "event": {"action": "update", "scope": "discussion.comment"},
            "repo": {"type": "model", "name": "me/it", "id": "r1", "private": false, "owner": {"id": "u1"},
                "headSha": "c1", "tags": ["a"], "url": {"web": "https://hub.test/me/it", "api": "https://hub.test/api"}},
            "discussion": {"id": "d1", "num": 2, "author": {"id": "u1"}, "title": "t", "isPullRequest": true,
                "status": "draft", "url": {"web": "https://hub.test/me/it/discussions/2"},
                "changes": {"base": "refs/heads/main", "mergeCommitId": "c2"}},
            "comment": {"id": "m1", "author": {"id": "u2"}, "hidden": false, "content": "hi",
                "url": {"web": "https://hub.test/me/it/discussions/2#m1"}},
            "webhook": {"id": "w1", "version": 3},
            "movedTo": {"name": "me/that", "owner": {"id": "u1"}},
            "updatedRefs": [{"ref": "refs/heads/main", "oldSha": null, "newSha": "c3"}],
        });
        let payload: WebhookPayload = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(payload.discussion.as_ref().unwrap().status, DiscussionStatus::Draft);
        assert_eq!(serde_json::to_value(&payload).unwrap(), json);
    }
}
