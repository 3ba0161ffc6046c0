//! Sending a commit once, whatever happens to its answer.
use super::body::CommitBody;
use super::lost::{Trace, look_for};
use super::{Commit, effects};
use crate::outgoing::{Alarm, patiently};
use hub_api::{Error, ErrorKind, Result};
use hub_http::Context as _;
use hub_types::CommitInfo;
use serde::Deserialize;
use std::time::SystemTime;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    commit_oid: String,
    commit_url: String,
    pull_request_url: Option<String>,
}

/// Sends a commit. `head` is the commit that the branch was at before, if that is known.
///
/// A commit whose answer was lost is looked for; only if it was not made is it sent again, and then it names its
/// parent, so that the Hub refuses it should the first one be made after all.
pub(super) async fn send(commit: &Commit, body: &CommitBody, head: Option<String>) -> Result<CommitInfo> {
    let policy = commit.api.config().retry;
    let started = SystemTime::now();
    // A pull request begins at the parent it names, whatever the branch is at, so naming one guards nothing.
    let mut parent = commit.parent.clone();
    let mut before = commit.parent.clone().or(head);
    let mut in_doubt = false;
    let mut attempt = 1;
    loop {
        let error = match exchange(commit, body, parent.as_deref()).await {
            Ok(answer) => return describe(commit, answer),
            Err(error) => error,
        };
        let fate = fate(&error);
        let moved = fate == Fate::Moved && in_doubt;
        let busy = fate == Fate::Busy;
        let lost = fate == Fate::InDoubt;
        if !(moved || busy || lost) {
            return Err(if in_doubt && error.is_unsent() { uncertain(error) } else { error });
        }
        if lost || moved {
            in_doubt = true;
            tracing::debug!(%error, "looking whether the commit was made");
            let effects = effects(&body.lines);
            let trace = look_for(commit, &effects, before.as_deref(), started).await;
            let again = match trace {
                Ok(Trace::Made(made)) => return Ok(*made),
                Ok(Trace::NotMade { head }) if commit.place.create_pr => {
                    before = head;
                    !may_still_run(&error)
                }
                Ok(Trace::NotMade { head }) => {
                    if commit.parent.is_none() {
                        parent.clone_from(&head);
                        before = head;
                    }
                    !moved || commit.parent.is_none()
                }
                Err(unknown) => {
                    tracing::debug!(error = %unknown, "could not look");
                    false
                }
            };
            if !again {
                return if moved { Err(error) } else { Err(uncertain(error)) };
            }
        }
        let asked = error.retry_after();
        if attempt >= policy.max_attempts || asked.is_some_and(|wait| wait > policy.max_wait) {
            return Err(error);
        }
        tokio::time::sleep(asked.unwrap_or_else(|| policy.backoff(attempt))).await;
        attempt += 1;
    }
}

async fn exchange(commit: &Commit, body: &CommitBody, parent: Option<&str>) -> Result<Answer> {
    let alarm = Alarm::default();
    let http = body.attach(commit.place.post("commit"), parent, &commit.observer, &alarm);
    let client = commit.api.client();
    alarm.execute(client, patiently(client, http)).await?.json().await
}

fn describe(commit: &Commit, answer: Answer) -> Result<CommitInfo> {
    let endpoint = commit.api.endpoint();
    let (message, description) = (&commit.message, &commit.description);
    let made = CommitInfo::new(endpoint, answer.commit_url, message, description, answer.commit_oid)?;
    match answer.pull_request_url.filter(|_| commit.place.create_pr) {
        Some(url) => Ok(made.with_pull_request(url)?),
        None => Ok(made),
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
