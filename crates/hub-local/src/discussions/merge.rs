//! Merging pull requests.
use super::{At, Discussion, add_event, describe, reference};
use crate::{
    accounts::User,
    git::{CommitSummary, Git, Merge},
    repos::{Repo, Writable, refresh},
    state::HubState,
    store::blocking,
    web::{ApiError, JsonBody, Result, error::json},
};
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::post,
};
use rusqlite::params;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn repo_routes() -> Router<HubState> {
    Router::new().route("/discussions/{num}/merge", post(merge))
}

#[derive(Deserialize)]
struct Body {
    comment: Option<String>,
}

async fn merge(
    State(state): State<HubState>,
    Path(At { num }): Path<At>,
    Writable { repo, user }: Writable,
    JsonBody(body): JsonBody<Body>,
) -> Result<Response> {
    if let Some(comment) = &body.comment {
        super::comments::check_text(comment)?;
    }
    let event = blocking(move || {
        let oid = repo.oid.clone();
        state.git.write(&oid, |git| perform(&state, git, &repo, num, &user, body.comment.as_deref()))
    });
    Ok(json(&json!({ "newStatus": event.await? })))
}

/// Leaves one commit on the target with all the changes, as the Hub does, and gives the event.
fn perform(
    state: &HubState,
    git: &Git<'_>,
    repo: &Repo,
    num: u32,
    user: &User,
    comment: Option<&str>,
) -> Result<Value> {
    state.store.with(|connection| {
        let found = Discussion::find(connection, repo, num)?;
        match &*found.status {
            _ if !found.is_pull_request => return Err(ApiError::bad_request("This is no pull request")),
            "open" => {}
            "draft" => return Err(ApiError::bad_request("A draft has to be opened before it is merged")),
            status => return Err(ApiError::bad_request(format!("Pull request is {status} already"))),
        }
        let base = found.base();
        let target = git.reference(&base)?.ok_or_else(|| ApiError::revision_not_found(&base))?;
        let head = reference(num);
        let head = git.reference(&head)?.ok_or_else(|| ApiError::revision_not_found(&head))?;
        let tree = match git.merge(target, head)? {
            Merge::Tree(tree) => tree,
            Merge::Conflicts(paths) => {
                let message = format!("Conflicts with {base}: {}", paths.join(", "));
                return Err(ApiError::conflict(message).field("filesWithConflicts", paths));
            }
        };
        let message = message(&found, &git.commits_since(target, head)?);
        let commit = git.commit_merged(target, tree, &user.name, &message)?;
        if let Some(comment) = comment {
            add_event(connection, repo, num, "comment", &user.name, &json!({ "content": comment }))?;
        }
        connection.execute(
            "UPDATE discussions SET status = 'merged', merge_commit = ?1 WHERE repo = ?2 AND num = ?3",
            params![commit.to_string(), repo.key, num],
        )?;
        let data = json!({ "status": "merged" });
        let id = add_event(connection, repo, num, "status-change", &user.name, &data)?;
        let event = describe::event(connection, &id)?;
        if base == "refs/heads/main" {
            refresh(connection, git, repo, commit)?;
        }
        // Last, so that a failure before it changes nothing.
        git.set_reference(&base, commit)?;
        Ok(event)
    })
}

fn message(found: &Discussion, commits: &[CommitSummary]) -> String {
    let mut text = format!("{} (#{})\n", found.title, found.num);
    if !commits.is_empty() {
        text.push('\n');
    }
    for commit in commits {
        text.push_str(&format!("- {} ({})\n", commit.title, commit.id));
    }
    text
}
