//! Branches, tags and other references.
use serde::{Deserialize, Serialize};

/// Lists the references of a repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GitRefs {
    /// The branches.
    #[serde(default)]
    pub branches: Vec<GitRefInfo>,
    /// The references that the Hub makes for converted data: `refs/convert/parquet`.
    #[serde(default)]
    pub converts: Vec<GitRefInfo>,
    /// The tags.
    #[serde(default)]
    pub tags: Vec<GitRefInfo>,
    /// The pull requests, when asked for.
    #[serde(alias = "pullRequests")]
    pub pull_requests: Option<Vec<GitRefInfo>>,
}

/// Describes a reference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GitRefInfo {
    /// The short name: `main`.
    pub name: String,
    /// The full name: `refs/heads/main`.
    #[serde(rename = "ref")]
    pub r#ref: String,
    /// The hash of the commit it points to.
    #[serde(alias = "targetCommit")]
    pub target_commit: String,
}

impl GitRefInfo {
    /// Creates the description from its parts.
    pub fn new(name: impl Into<String>, r#ref: impl Into<String>, target_commit: impl Into<String>) -> Self {
        Self { name: name.into(), r#ref: r#ref.into(), target_commit: target_commit.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn references_round_trip() {
        let json = json!({"branches": [{"name": "main", "ref": "refs/heads/main", "targetCommit": "c1"}],
            "tags": [], "pullRequests": [{"name": "1", "ref": "refs/pr/1", "targetCommit": "c2"}]});
        let refs: GitRefs = serde_json::from_value(json).unwrap();
        assert_eq!(refs.branches, [GitRefInfo::new("main", "refs/heads/main", "c1")]);
        let written = serde_json::to_value(&refs).unwrap();
        assert_eq!(written["pull_requests"][0]["target_commit"], "c2");
        assert_eq!(serde_json::from_value::<GitRefs>(written).unwrap(), refs);
    }
}
