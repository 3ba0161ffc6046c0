//! Sending a commit once, whatever happens to its answer.
use super::body::{CommitBody, Line};
use super::lost::{Trace, look_for};
use super::{Commit, effects};
use crate::outgoing::{AbortHandle, patiently};
use hub_api::{Error, ErrorKind, Result};
use hub_http::Context as _;
use hub_types::CommitInfo;
use serde::Deserialize;
use std::time::SystemTime;

/// How many times a commit follows a branch that others move before it is sent without naming a parent.
const MAX_MOVES: u32 = 20;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    commit_oid: String,
    commit_url: Option<String>,
    pull_request_url: Option<String>,
}

/// Sends a commit. `head` is the commit that the branch was at before, if that is known.
///
/// A commit whose answer was lost is looked for, and sent again only if it was not made and cannot be made any more:
///
/// - A commit names the parent that it expects from the first attempt on, so that the Hub refuses a late one once
///   another attempt has moved the branch. If others move the branch, the commit follows it.
/// - Without a parent (none is known, or the requests have to be those of Python) it is sent again only if the Hub said
///   itself that it failed, or if it deletes something, which works only once. Otherwise it is looked for some more, and
///   then the outcome is reported as unknown.
/// - A pull request begins at the parent it names, whatever the branch is at, so naming one guards nothing.
pub(super) async fn send(commit: &Commit, body: &CommitBody, head: Option<String>) -> Result<CommitInfo> {
    let mut retry = commit.api.client().retry();
    let started = SystemTime::now();
    let follows = commit.parent.is_none() && !commit.place.create_pr;
    let implied = head.clone().filter(|_| follows && !commit.api.has_python_requests());
    let mut parent = commit.parent.clone().or(implied);
    let mut before = commit.parent.clone().or(head);
    let mut in_doubt = false;
    // Whether an attempt may still be performed that nothing prevents from succeeding.
    let mut loose = false;
    let mut moves = 0;
    loop {
        let error = match exchange(commit, body, parent.as_deref()).await {
            Ok(answer) => return describe(commit, answer),
            Err(error) => error,
        };
        match fate(&error) {
            Fate::Refused if in_doubt && error.is_unsent() => return Err(uncertain(error)),
            Fate::Refused => return Err(error),
            Fate::Moved if !in_doubt && follows && parent.is_some() => {
                moves += 1;
                tracing::debug!(%error, moves, "following the branch");
                parent = if moves > MAX_MOVES { None } else { Some(commit.head().await?) };
                before.clone_from(&parent);
                continue;
            }
            Fate::Moved if !in_doubt => return Err(error),
            Fate::Busy => {
                retry.wait(error).await?;
                continue;
            }
            fate @ (Fate::Moved | Fate::InDoubt) => {
                in_doubt = true;
                let moved = fate == Fate::Moved;
                let guarded = !commit.place.create_pr && (parent.is_some() || deletes(body));
                loose |= !moved && may_still_run(&error) && !guarded;
                let mut error = error;
                // A loose attempt is waited for until it is found or the retries are used up.
                loop {
                    tracing::debug!(%error, "looking whether the commit was made");
                    let effects = effects(&body.lines);
                    let head = match look_for(commit, &effects, before.as_deref(), started).await {
                        Ok(Trace::Made(made)) => return Ok(*made),
                        Ok(Trace::NotMade { head }) => head,
                        Err(unknown) => {
                            tracing::debug!(error = %unknown, "could not look");
                            return Err(if moved { error } else { uncertain(error) });
                        }
                    };
                    if moved && !follows {
                        return Err(error);
                    }
                    if !loose {
                        if follows {
                            parent.clone_from(&head);
                        }
                        before = if commit.parent.is_some() { before } else { head };
                        break;
                    }
                    if commit.place.create_pr {
                        return Err(uncertain(error));
                    }
                    error = retry.wait(error).await.map_err(uncertain)?;
                }
                retry.wait(error).await?;
            }
        }
    }
}

/// Whether the commit deletes something, so that the Hub refuses to make it a second time.
fn deletes(body: &CommitBody) -> bool {
    let effects = effects(&body.lines);
    effects.values().any(|line| matches!(line, Line::DeletedFile { .. } | Line::DeletedFolder { .. }))
}

async fn exchange(commit: &Commit, body: &CommitBody, parent: Option<&str>) -> Result<Answer> {
    let abort = AbortHandle::default();
    let http = body.attach(commit.place.post("commit"), parent, &commit.observer, &abort);
    let client = commit.api.client();
    abort.answer(client, patiently(client, http)).await?.json()
}

/// Describes the commit that the Hub has made; what it says beside the hash does not make that a failure.
fn describe(commit: &Commit, answer: Answer) -> Result<CommitInfo> {
    let endpoint = commit.api.endpoint();
    let (message, description, oid) = (&commit.message, &commit.description, &answer.commit_oid);
    let is_page = |url: &String| url.starts_with("http") && url.contains("/commit/");
    let told = answer
        .commit_url
        .filter(is_page)
        .and_then(|url| CommitInfo::new(endpoint, url, message, description, oid).ok());
    let made = match told {
        Some(made) => made,
        // A Hub behind a proxy may name itself by another host.
        None => commit.describe(oid)?,
    };
    let Some(url) = answer.pull_request_url.filter(|_| commit.place.create_pr) else { return Ok(made) };
    match made.clone().with_pull_request(url) {
        Ok(made) => Ok(made),
        Err(error) => {
            tracing::warn!(%error, "the pull request was opened, and the answer does not say which");
            Ok(made)
        }
    }
}

/// What a failure means for the commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It was not made.
    Refused,
    /// It was not made since the branch is elsewhere.
    Moved,
    /// It was not made since another one was being made.
    Busy,
    /// It may have been made.
    InDoubt,
}

fn fate(error: &Error) -> Fate {
    match (error.status(), error.kind()) {
        (Some(412), _) => Fate::Moved,
        (Some(409), _) => Fate::Busy,
        (Some(500..), _) => Fate::InDoubt,
        (Some(_), _) => Fate::Refused,
        (None, _) if error.is_unsent() => Fate::Refused,
        (None, ErrorKind::Connection | ErrorKind::Timeout | ErrorKind::Decode | ErrorKind::NotAHub) => {
            Fate::InDoubt
        }
        (None, _) => Fate::Refused,
    }
}

/// Whether the Hub may be making the commit still: it did not say itself that it failed.
fn may_still_run(error: &Error) -> bool {
    !matches!(error.status(), Some(500 | 503))
}

fn uncertain(error: Error) -> Error {
    let what = || "the answer to the commit was lost and the commit may have been made".to_owned();
    Err::<(), _>(error).with(what).unwrap_err()
}
