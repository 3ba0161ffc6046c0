//! Looking for a commit whose answer was lost.
use super::body::Line;
use super::{Commit, copies};
use crate::hash::{Algorithm, Cancel, digest};
use hub_api::{Http, Result};
use hub_http::blocking;
use hub_types::{CommitInfo, Discussion, GitCommitInfo, RepoTreeEntry, Revision};
use serde::Deserialize;
use std::collections::HashMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How far the clocks of the Hub and of this machine may differ.
const CLOCK_SKEW: Duration = Duration::from_secs(300);

/// What was found of a commit.
pub(super) enum Trace {
    /// It was made.
    Made(Box<CommitInfo>),
    /// It was not made; the branch is at this commit.
    NotMade {
        /// The newest commit.
        head: Option<String>,
    },
}

/// Looks for a commit that may have been made since `started`, on a branch that was at `before`.
pub(super) async fn look_for(
    commit: &Commit,
    effects: &HashMap<&str, &Line>,
    before: Option<&str>,
    started: SystemTime,
) -> Result<Trace> {
    if commit.place.create_pr {
        return look_for_pull_request(commit, effects, started).await;
    }
    let commits = commits(commit, &commit.place.revision).await?;
    let head = commits.first().map(|newest| newest.commit_id.clone());
    let new = new_commits(&commits, before);
    if before.is_none() {
        // Without knowing where the branch was, an older commit of this name must not be taken for this one: what it
        // did has to be true still.
        let Some(newest) = &head else { return Ok(Trace::NotMade { head }) };
        if !shows(commit, &Revision::parse(newest)?, effects).await? {
            return Ok(Trace::NotMade { head });
        }
    }
    for candidate in new.iter().filter(|candidate| is_named(commit, &candidate.title)) {
        if shows(commit, &Revision::parse(&candidate.commit_id)?, effects).await? {
            return Ok(Trace::Made(commit.describe(&candidate.commit_id)?.into()));
        }
    }
    Ok(Trace::NotMade { head })
}

async fn look_for_pull_request(
    commit: &Commit,
    effects: &HashMap<&str, &Line>,
    started: SystemTime,
) -> Result<Trace> {
    #[derive(Deserialize)]
    struct Page {
        discussions: Vec<Discussion>,
    }
    let earliest =
        started.duration_since(UNIX_EPOCH).unwrap_or_default().saturating_sub(CLOCK_SKEW).as_secs();
    let http = Http::get(commit.place.api().push("discussions")).query("type", "pull_request").query("p", 0);
    let page: Page = commit.api.exchange(http).await?.json()?;
    let mut opened: Vec<_> = page
        .discussions
        .into_iter()
        .filter(|one| one.is_pull_request && is_named(commit, &one.title))
        .filter(|one| u64::try_from(one.created_at.timestamp()).is_ok_and(|opened| opened >= earliest))
        .collect();
    opened.sort_unstable_by_key(|one| std::cmp::Reverse(one.num));
    for one in opened {
        let revision = Revision::parse(&format!("refs/pr/{}", one.num))?;
        let commits = commits(commit, &revision).await?;
        let Some(newest) = commits.first().filter(|newest| is_named(commit, &newest.title)) else { continue };
        if shows(commit, &revision, effects).await? {
            let page = one.with_endpoint(commit.api.endpoint()).url;
            let made = commit.describe(&newest.commit_id)?.with_pull_request(page)?;
            return Ok(Trace::Made(made.into()));
        }
    }
    Ok(Trace::NotMade { head: None })
}

async fn commits(commit: &Commit, revision: &Revision) -> Result<Vec<GitCommitInfo>> {
    let http = Http::get(commit.place.api_at("commits", revision));
    commit.api.exchange(http).await?.json()
}

/// The commits that came after the one that the branch was at; all that are known if it is not among them.
fn new_commits<'a>(commits: &'a [GitCommitInfo], before: Option<&str>) -> &'a [GitCommitInfo] {
    let known = before
        .map(str::to_ascii_lowercase)
        .and_then(|before| commits.iter().position(|commit| commit.commit_id.starts_with(&before)));
    &commits[..known.unwrap_or(commits.len())]
}

fn is_named(commit: &Commit, title: &str) -> bool {
    commit.message.lines().next().unwrap_or_default().trim() == title.trim()
}

/// Whether a revision has what the commit leaves behind.
async fn shows(commit: &Commit, revision: &Revision, effects: &HashMap<&str, &Line>) -> Result<bool> {
    let paths: Vec<&str> = effects.keys().copied().collect();
    let found = copies::describe(&commit.api, &commit.place, revision, &paths).await?;
    let found: HashMap<&str, &RepoTreeEntry> = found.iter().map(|entry| (entry.path(), entry)).collect();
    for (path, line) in effects {
        let there = match line {
            Line::Lfs { oid, .. } => has_content(found.get(path), oid),
            Line::File { file, .. } => {
                let file = file.clone();
                let sha1 =
                    blocking(move || digest(&file, Algorithm::GitSha1, false, &Cancel::default(), |_| {}));
                has_content(found.get(path), &sha1.await?)
            }
            Line::DeletedFile { .. } => !found.contains_key(path),
            Line::DeletedFolder { .. } => {
                let below = |other: &&str| other.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
                !found.contains_key(path) || effects.keys().any(below)
            }
        };
        if !there {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether an entry is a file with this content.
fn has_content(entry: Option<&&RepoTreeEntry>, hash: &str) -> bool {
    entry.and_then(|entry| entry.as_file()).is_some_and(|file| file.content_hash() == hash)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_commits_after_the_known_one_are_new() {
        let commits: Vec<GitCommitInfo> = ["c3", "c2", "c1"]
            .map(|id| json!({"id": id, "title": "t", "authors": [], "date": "2024-01-01T00:00:00.000Z"}))
            .map(|json| serde_json::from_value(json).unwrap())
            .to_vec();
        assert_eq!(new_commits(&commits, Some("c3")).len(), 0);
        assert_eq!(new_commits(&commits, Some("C1")).len(), 2);
        assert_eq!(new_commits(&commits, Some("c9")).len(), 3);
        assert_eq!(new_commits(&commits, None).len(), 3);
    }
}
