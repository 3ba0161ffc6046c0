//! Commits that were just made.
use crate::{InvalidArgument, RepoUrl};
use serde::{Deserialize, Serialize};

/// Describes a commit that was just made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CommitInfo {
    /// The page of the commit.
    pub commit_url: String,
    /// The first line of the message.
    pub commit_message: String,
    /// The rest of the message; may be empty.
    pub commit_description: String,
    /// The hash of the commit.
    pub oid: String,
    /// The page of the pull request, if one was made.
    pub pr_url: Option<String>,
    /// The repository.
    pub repo_url: RepoUrl,
    /// The reference of the pull request, if one was made: `refs/pr/1`.
    pub pr_revision: Option<String>,
    /// The number of the pull request, if one was made.
    pub pr_num: Option<u64>,
}

impl CommitInfo {
    /// Creates the description from what was committed and what the Hub answered.
    ///
    /// The repository follows from the URL of the commit, the pull request from its own.
    ///
    /// # Errors
    /// One of the URLs is not what the Hub sends.
    pub fn new(
        endpoint: &str,
        commit_url: impl Into<String>,
        commit_message: impl Into<String>,
        commit_description: impl Into<String>,
        oid: impl Into<String>,
    ) -> Result<Self, InvalidArgument> {
        let commit_url = commit_url.into();
        let repo = commit_url.split("/commit/").next().unwrap_or(&commit_url);
        Ok(Self {
            repo_url: RepoUrl::parse(repo, endpoint)?,
            commit_url,
            commit_message: commit_message.into(),
            commit_description: commit_description.into(),
            oid: oid.into(),
            pr_url: None,
            pr_revision: None,
            pr_num: None,
        })
    }

    /// Adds the pull request that was made, from the URL of its page.
    ///
    /// # Errors
    /// The URL does not end with `/discussions/` and a number.
    pub fn with_pull_request(mut self, pr_url: impl Into<String>) -> Result<Self, InvalidArgument> {
        let pr_url = pr_url.into();
        let num = pr_url.rsplit_once("/discussions/").and_then(|(_, num)| num.parse::<u64>().ok());
        let num = num.ok_or_else(|| {
            InvalidArgument::new(format!(
                "invalid URL of a pull request: {pr_url:?} does not end with its number"
            ))
        })?;
        self.pr_revision = Some(format!("refs/pr/{num}"));
        self.pr_num = Some(num);
        self.pr_url = Some(pr_url);
        Ok(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_follows_from_the_commit() {
        let url = "https://hub.test/datasets/me/it/commit/c1";
        let commit = CommitInfo::new("https://hub.test", url, "Add", "", "c1").unwrap();
        assert_eq!(commit.repo_url.repo_id, "me/it");
        assert_eq!(commit.repo_url.url, "https://hub.test/datasets/me/it");
        assert_eq!((&commit.pr_url, &commit.pr_revision, commit.pr_num), (&None, &None, None));
    }

    #[test]
    fn the_reference_follows_from_the_pull_request() {
        let commit =
            CommitInfo::new("https://hub.test", "https://hub.test/a/b/commit/c", "m", "d", "c").unwrap();
        let with_pr = commit.clone().with_pull_request("https://hub.test/a/b/discussions/12").unwrap();
        assert_eq!((with_pr.pr_revision.as_deref(), with_pr.pr_num), (Some("refs/pr/12"), Some(12)));
        for wrong in ["https://hub.test/a/b", "https://hub.test/a/b/discussions/", "x/discussions/1/files"] {
            assert!(commit.clone().with_pull_request(wrong).is_err(), "{wrong}");
        }
    }
}
