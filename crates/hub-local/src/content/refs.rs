//! References: listing them, creating and deleting branches and tags.
use crate::{
    repos::{Readable, Writable, refresh},
    state::HubState,
    store::blocking,
    web::{ApiError, JsonBody, Params, Result, error::json},
};
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::{get, post},
};
use hub_types::Revision;
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) fn repo_routes() -> Router<HubState> {
    Router::new()
        .route("/refs", get(refs))
        .route("/branch/{branch}", post(create_branch).delete(delete_branch))
        // Creating names the revision to tag, deleting names the tag.
        .route("/tag/{name}", post(create_tag).delete(delete_tag))
        .route("/super-squash/{branch}", post(squash))
}

async fn refs(
    State(state): State<HubState>,
    Readable { repo, .. }: Readable,
    params: Params,
) -> Result<Response> {
    let with_pull_requests = params.flag("include_prs") || params.flag("include_pull_requests");
    let answer = state.git.run(&repo.oid, move |git| {
        let list = |prefix: &str, short: &str| -> Result<Value> {
            let found = git.references(prefix)?;
            Ok(found.iter().map(|reference| reference.describe(short)).collect())
        };
        let mut answer = json!({
            "branches": list("refs/heads/", "refs/heads/")?,
            "converts": list("refs/convert/", "refs/convert/")?,
            "tags": list("refs/tags/", "refs/tags/")?,
        });
        if with_pull_requests {
            answer["pullRequests"] = list("refs/pr/", "")?;
        }
        Ok(answer)
    });
    Ok(json(&answer.await?))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct NewBranch {
    starting_point: Option<String>,
    #[serde(default)]
    overwrite: bool,
}

#[derive(Deserialize)]
struct BranchAt {
    branch: String,
}

async fn create_branch(
    State(state): State<HubState>,
    Path(BranchAt { branch }): Path<BranchAt>,
    Writable { repo, .. }: Writable,
    JsonBody(body): JsonBody<NewBranch>,
) -> Result<Response> {
    let branch = Revision::parse(&branch)?;
    let shared = state.git.clone();
    let oid = repo.oid.clone();
    blocking(move || {
        shared.write(&oid, |git| {
            let start = git.resolve(body.starting_point.as_deref().unwrap_or(Revision::MAIN))?;
            if body.overwrite && branch.as_str() != Revision::MAIN {
                git.delete_reference(&format!("refs/heads/{branch}"))?;
            }
            git.create_branch(branch.as_str(), start)
        })
    })
    .await?;
    Ok(json(&json!({ "success": true })))
}

async fn delete_branch(
    State(state): State<HubState>,
    Path(BranchAt { branch }): Path<BranchAt>,
    Writable { repo, .. }: Writable,
) -> Result<Response> {
    if branch == Revision::MAIN {
        return Err(ApiError::forbidden("You cannot delete the main branch"));
    }
    let missing = ApiError::revision_not_found(&branch);
    let deleted = state.git.run(&repo.oid, move |git| git.delete_reference(&format!("refs/heads/{branch}")));
    if deleted.await? { Ok(json(&json!({ "success": true }))) } else { Err(missing) }
}

#[derive(Deserialize)]
struct NewTag {
    tag: String,
    message: Option<String>,
}

#[derive(Deserialize)]
struct TagAt {
    name: String,
}

async fn create_tag(
    State(state): State<HubState>,
    Path(TagAt { name: revision }): Path<TagAt>,
    Writable { repo, user }: Writable,
    JsonBody(body): JsonBody<NewTag>,
) -> Result<Response> {
    let tag = Revision::parse(&body.tag)?;
    let created = state.git.run(&repo.oid, move |git| {
        let commit = git.resolve(&revision)?;
        git.create_tag(tag.as_str(), commit, body.message.as_deref(), &user.name)
    });
    created.await?;
    Ok(json(&json!({ "success": true })))
}

async fn delete_tag(
    State(state): State<HubState>,
    Path(TagAt { name: tag }): Path<TagAt>,
    Writable { repo, .. }: Writable,
) -> Result<Response> {
    let deleted = state.git.run(&repo.oid, move |git| git.delete_reference(&format!("refs/tags/{tag}")));
    if deleted.await? {
        return Ok(json(&json!({ "success": true })));
    }
    Err(ApiError::not_found("Tag not found").code("RevisionNotFound"))
}

#[derive(Deserialize)]
struct Squash {
    message: Option<String>,
}

/// Replaces the history of a branch by one commit with the files it has now.
async fn squash(
    State(state): State<HubState>,
    Path(BranchAt { branch }): Path<BranchAt>,
    Writable { repo, user }: Writable,
    JsonBody(body): JsonBody<Squash>,
) -> Result<Response> {
    blocking(move || {
        state.git.write(&repo.oid, |git| {
            let reference = git.moving_reference(&branch)?;
            let reference = reference.ok_or_else(|| match git.resolve(&branch) {
                Ok(_) => ApiError::bad_request(format!("Invalid reference for a branch: {branch}")),
                Err(_) => ApiError::revision_not_found(&branch),
            })?;
            let message = body.message.unwrap_or_else(|| format!("Super-squash branch '{branch}'"));
            let commit = git.squash(git.resolve(&reference)?, &user.name, &message)?;
            git.set_reference(&reference, commit)?;
            if reference == "refs/heads/main" {
                state.store.with(|connection| refresh(connection, git, &repo, commit))?;
            }
            Ok(())
        })
    })
    .await?;
    Ok(json(&json!({ "success": true })))
}
