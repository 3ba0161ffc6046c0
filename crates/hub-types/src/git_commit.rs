//! Commits in a repository's history.
use crate::lenient::or_default;
use crate::timestamp;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Describes a commit in a repository's history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "RawCommit")]
#[non_exhaustive]
pub struct GitCommitInfo {
    /// The hash of the commit.
    pub commit_id: String,
    /// The names of its authors.
    pub authors: Vec<String>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// The first line of its message.
    pub title: String,
    /// The rest of its message.
    pub message: String,
    /// The title as HTML, when asked for.
    pub formatted_title: Option<String>,
    /// The message as HTML, when asked for.
    pub formatted_message: Option<String>,
}

#[derive(Deserialize)]
struct RawCommit {
    #[serde(alias = "id")]
    commit_id: String,
    #[serde(default)]
    authors: Vec<RawAuthor>,
    #[serde(alias = "date", deserialize_with = "timestamp::required")]
    created_at: DateTime<Utc>,
    #[serde(default, deserialize_with = "or_default")]
    title: String,
    #[serde(default, deserialize_with = "or_default")]
    message: String,
    #[serde(default, deserialize_with = "or_default")]
    formatted: Formatted,
    formatted_title: Option<String>,
    formatted_message: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawAuthor {
    Account { user: Option<String> },
    Name(String),
}

#[derive(Default, Deserialize)]
struct Formatted {
    title: Option<String>,
    message: Option<String>,
}

impl From<RawCommit> for GitCommitInfo {
    fn from(raw: RawCommit) -> Self {
        let name = |author| match author {
            RawAuthor::Account { user } => user.unwrap_or_default(),
            RawAuthor::Name(name) => name,
        };
        Self {
            commit_id: raw.commit_id,
            authors: raw.authors.into_iter().map(name).collect(),
            created_at: raw.created_at,
            title: raw.title,
            message: raw.message,
            formatted_title: raw.formatted_title.or(raw.formatted.title),
            formatted_message: raw.formatted_message.or(raw.formatted.message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn commits_round_trip() {
        let json = json!({"id": "c1", "title": "Fix", "message": "", "date": "2024-01-02T03:04:05.000Z",
            "authors": [{"user": "ann", "avatar": "/a.svg"}, {"user": "ben"}], "formatted": {"title": "<b>Fix</b>"}});
        let commit: GitCommitInfo = serde_json::from_value(json).unwrap();
        assert_eq!(commit.authors, ["ann", "ben"]);
        assert_eq!(commit.formatted_title.as_deref(), Some("<b>Fix</b>"));
        assert_eq!(commit.formatted_message, None);
        let written = serde_json::to_value(&commit).unwrap();
        assert_eq!(serde_json::from_value::<GitCommitInfo>(written).unwrap(), commit);
    }
}
