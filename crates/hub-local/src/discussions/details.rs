//! One discussion with all that happened in it.
use super::{At, Discussion, describe, reference};
use crate::{
    git::{Git, Merge},
    repos::Readable,
    state::HubState,
    web::{Params, Result, error::json},
};
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use serde_json::{Value, json};

pub(super) fn repo_routes() -> Router<HubState> {
    Router::new().route("/discussions/{num}", get(details))
}

async fn details(
    State(state): State<HubState>,
    Path(At { num }): Path<At>,
    Readable { repo, .. }: Readable,
    params: Params,
) -> Result<Response> {
    let with_diff = params.flag("diff");
    let (shared, oid) = (state.clone(), repo.oid.clone());
    let answer = state.git.run(&oid, move |git| {
        let (found, mut object) = shared.store.with(|connection| {
            let found = Discussion::find(connection, &repo, num)?;
            let mut object = describe::discussion(connection, &repo, &found)?;
            object["events"] = describe::events(connection, &repo, num)?.into();
            Ok((found, object))
        })?;
        if found.is_pull_request {
            add_changes(git, &found, &mut object, with_diff)?;
        }
        Ok(object)
    });
    Ok(json(&answer.await?))
}

/// What a pull request would change, and what keeps it from being merged.
fn add_changes(git: &Git<'_>, found: &Discussion, object: &mut Value, with_diff: bool) -> Result<()> {
    let base = found.base();
    object["changes"] = json!({ "base": base });
    if let Some(commit) = &found.merge_commit {
        object["changes"]["mergeCommitId"] = commit.clone().into();
    }
    // Either may have been deleted since, and then there is nothing to compare.
    let (Some(head), Some(target)) = (git.reference(&reference(found.num))?, git.reference(&base)?) else {
        return Ok(());
    };
    let conflicts = match found.is_pending().then(|| git.merge(target, head)).transpose()? {
        Some(Merge::Conflicts(paths)) => paths,
        Some(Merge::Tree(_)) | None => Vec::new(),
    };
    object["filesWithConflicts"] = conflicts.into();
    if with_diff {
        object["diff"] = git.diff(target, head)?.into();
    }
    Ok(())
}
