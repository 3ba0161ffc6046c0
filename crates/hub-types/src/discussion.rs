//! Discussions and pull requests.
use crate::lenient::or_default;
use crate::text_enum::text_enum;
use crate::{DEFAULT_ENDPOINT, DiscussionEvent, RepoType, timestamp};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use std::ops::Deref;

/// Describes a discussion or pull request.
///
/// The Hub does not send its own address: it is that of the public Hub until [`Discussion::with_endpoint`] says
/// another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RawDiscussion")]
#[non_exhaustive]
pub struct Discussion {
    /// The title.
    pub title: String,
    /// Whether it is open.
    pub status: DiscussionStatus,
    /// The number in the repository.
    pub num: u64,
    /// The name of the repository.
    pub repo_id: String,
    /// The kind of the repository.
    pub repo_type: RepoType,
    /// Who opened it; `deleted` if the account is gone.
    pub author: String,
    /// Whether it is a pull request.
    pub is_pull_request: bool,
    /// When it was opened.
    pub created_at: DateTime<Utc>,
    /// The address of the Hub.
    pub endpoint: String,
    /// The reference to push changes of a pull request to: `refs/pr/1`.
    pub git_reference: Option<String>,
    /// The URL of its page.
    pub url: String,
}

impl Discussion {
    /// Says which Hub the discussion was read from, of which its URL is a part.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: &str) -> Self {
        self.url = url(endpoint, self.repo_type, &self.repo_id, self.num);
        endpoint.clone_into(&mut self.endpoint);
        self
    }
}

fn url(endpoint: &str, repo_type: RepoType, repo_id: &str, num: u64) -> String {
    format!("{endpoint}/{}{repo_id}/discussions/{num}", repo_type.url_prefix())
}

/// Describes a discussion or pull request with all that happened in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "RawDetails")]
#[non_exhaustive]
pub struct DiscussionWithDetails {
    /// What listings say of it, too.
    #[serde(flatten)]
    pub discussion: Discussion,
    /// What happened in it, oldest first.
    pub events: Vec<DiscussionEvent>,
    /// What keeps a pull request from being merged; none for discussions.
    pub conflicting_files: Option<ConflictingFiles>,
    /// The reference that a pull request is to be merged into.
    pub target_branch: Option<String>,
    /// The hash of the commit that merged a pull request.
    pub merge_commit_oid: Option<String>,
    /// What a pull request changes, as a diff.
    pub diff: Option<String>,
}

impl DiscussionWithDetails {
    /// Says which Hub the discussion was read from, of which its URL is a part.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: &str) -> Self {
        self.discussion = self.discussion.with_endpoint(endpoint);
        self
    }
}

impl Deref for DiscussionWithDetails {
    type Target = Discussion;

    fn deref(&self) -> &Discussion {
        &self.discussion
    }
}

/// Says which files of a pull request conflict with its target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ConflictingFiles {
    /// These files; none if it can be merged.
    Files(Vec<String>),
    /// Whether there are any; which ones cannot be told.
    Any(bool),
}

text_enum! {
    /// Says whether a discussion or pull request is open.
    DiscussionStatus {
        Open = "open",
        Closed = "closed",
        /// Of pull requests only.
        Merged = "merged",
        /// Of pull requests only: not yet to be reviewed.
        Draft = "draft",
    }
}

text_enum! {
    /// Chooses between discussions and pull requests.
    DiscussionTypeFilter {
        All = "all",
        Discussion = "discussion",
        PullRequest = "pull_request",
    }
}

text_enum! {
    /// Chooses between open and closed discussions.
    DiscussionStatusFilter {
        All = "all",
        Open = "open",
        Closed = "closed",
    }
}

/// Is one page of a repository's discussions, as the Hub lists them.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct DiscussionPage {
    /// The discussions on the page.
    pub discussions: Vec<Discussion>,
    /// The number of discussions on all pages.
    pub count: u64,
    /// The number of discussions on the pages before.
    pub start: u64,
}

impl DiscussionPage {
    /// Whether another page follows.
    pub fn has_next(&self) -> bool {
        let seen = self.start + self.discussions.len() as u64;
        !self.discussions.is_empty() && seen < self.count
    }
}

/// An author as the Hub sends it, or the name that is written.
#[derive(Deserialize)]
#[serde(untagged)]
pub(crate) enum RawAuthor {
    Account { name: Option<String> },
    Name(String),
}

/// The name of an author; the Hub leaves deleted accounts out.
pub(crate) fn author_name(author: Option<RawAuthor>) -> String {
    let name = author.and_then(|author| match author {
        RawAuthor::Account { name } => name,
        RawAuthor::Name(name) => Some(name),
    });
    name.unwrap_or_else(|| "deleted".to_owned())
}

#[derive(Deserialize)]
struct RawDiscussion {
    title: String,
    status: DiscussionStatus,
    num: u64,
    repo: Option<RawRepo>,
    repo_id: Option<String>,
    repo_type: Option<RepoType>,
    author: Option<RawAuthor>,
    #[serde(alias = "isPullRequest")]
    is_pull_request: bool,
    #[serde(alias = "createdAt", deserialize_with = "timestamp::required")]
    created_at: DateTime<Utc>,
    endpoint: Option<String>,
}

#[derive(Deserialize)]
struct RawRepo {
    name: String,
    #[serde(rename = "type")]
    kind: RepoType,
}

impl TryFrom<RawDiscussion> for Discussion {
    type Error = &'static str;

    fn try_from(raw: RawDiscussion) -> Result<Self, Self::Error> {
        let (repo_id, repo_type) = match (raw.repo, raw.repo_id) {
            (Some(repo), _) => (repo.name, repo.kind),
            (None, Some(repo_id)) => (repo_id, raw.repo_type.unwrap_or_default()),
            (None, None) => return Err("a discussion lacks `repo`"),
        };
        let endpoint = raw.endpoint.unwrap_or_else(|| DEFAULT_ENDPOINT.to_owned());
        Ok(Self {
            url: url(&endpoint, repo_type, &repo_id, raw.num),
            title: raw.title,
            status: raw.status,
            num: raw.num,
            repo_id,
            repo_type,
            author: author_name(raw.author),
            is_pull_request: raw.is_pull_request,
            created_at: raw.created_at,
            endpoint,
            git_reference: raw.is_pull_request.then(|| format!("refs/pr/{}", raw.num)),
        })
    }
}

#[derive(Deserialize)]
struct RawDetails {
    #[serde(flatten)]
    discussion: Discussion,
    #[serde(default, deserialize_with = "or_default")]
    events: Vec<DiscussionEvent>,
    #[serde(alias = "filesWithConflicts")]
    conflicting_files: Option<ConflictingFiles>,
    #[serde(default, deserialize_with = "or_default")]
    changes: RawChanges,
    target_branch: Option<String>,
    merge_commit_oid: Option<String>,
    diff: Option<String>,
}

#[derive(Default, Deserialize)]
struct RawChanges {
    base: Option<String>,
    #[serde(rename = "mergeCommitId")]
    merge_commit_id: Option<String>,
}

impl From<RawDetails> for DiscussionWithDetails {
    fn from(raw: RawDetails) -> Self {
        let of_pull_request = raw.discussion.is_pull_request;
        Self {
            discussion: raw.discussion,
            events: raw.events,
            conflicting_files: raw.conflicting_files.filter(|_| of_pull_request),
            target_branch: raw.target_branch.or(raw.changes.base).filter(|_| of_pull_request),
            merge_commit_oid: raw
                .merge_commit_oid
                .or(raw.changes.merge_commit_id)
                .filter(|_| of_pull_request),
            diff: raw.diff,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn hub() -> Value {
        json!({"num": 3, "title": "Fix", "status": "merged", "author": {"name": "ann"}, "isPullRequest": true,
            "createdAt": "2024-01-01T00:00:00.000Z", "repo": {"name": "me/it", "type": "dataset"},
            "changes": {"base": "refs/heads/main", "mergeCommitId": "c1"}, "filesWithConflicts": true,
            "diff": "--- a", "events": [{"id": "e1", "type": "lock", "createdAt": "2024-01-01T00:00:00.000Z"}]})
    }

    #[test]
    fn the_url_is_that_of_the_hub_it_came_from() {
        let discussion: Discussion = serde_json::from_value(hub()).unwrap();
        assert_eq!(discussion.url, "https://huggingface.co/datasets/me/it/discussions/3");
        assert_eq!(discussion.git_reference.as_deref(), Some("refs/pr/3"));
        let there = discussion.with_endpoint("http://127.0.0.1:9");
        assert_eq!(there.url, "http://127.0.0.1:9/datasets/me/it/discussions/3");
        let written = serde_json::to_value(&there).unwrap();
        assert_eq!(serde_json::from_value::<Discussion>(written).unwrap(), there);
    }

    #[test]
    fn details_round_trip() {
        let details: DiscussionWithDetails = serde_json::from_value(hub()).unwrap();
        assert_eq!((details.num, details.author.as_str()), (3, "ann"));
        assert_eq!(details.conflicting_files, Some(ConflictingFiles::Any(true)));
        assert_eq!(details.target_branch.as_deref(), Some("refs/heads/main"));
        let details = details.with_endpoint("https://hub.test");
        let written = serde_json::to_value(&details).unwrap();
        assert_eq!(written["merge_commit_oid"], "c1");
        assert_eq!(serde_json::from_value::<DiscussionWithDetails>(written).unwrap(), details);
    }

    #[test]
    fn a_discussion_has_nothing_to_merge() {
        let mut json = hub();
        json["isPullRequest"] = json!(false);
        let details: DiscussionWithDetails = serde_json::from_value(json).unwrap();
        assert_eq!((&details.conflicting_files, &details.target_branch), (&None, &None));
        assert_eq!((&details.git_reference, details.diff.as_deref()), (&None, Some("--- a")));
    }

    #[test]
    fn a_deleted_account_has_no_name() {
        for author in [json!(null), json!({}), json!({"name": null})] {
            let mut json = hub();
            json["author"] = author;
            assert_eq!(serde_json::from_value::<Discussion>(json).unwrap().author, "deleted");
        }
    }

    #[test]
    fn the_last_page_is_the_one_that_reaches_the_count() {
        let page = |start: u64, discussions: &[Value]| {
            let json = json!({"discussions": discussions, "start": start, "count": 3});
            serde_json::from_value::<DiscussionPage>(json).unwrap().has_next()
        };
        assert!(page(0, &[hub(), hub()]));
        assert!(!page(2, &[hub()]));
        assert!(!page(2, &[]));
    }
}
