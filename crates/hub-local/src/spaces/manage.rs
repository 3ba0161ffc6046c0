//! Hardware, storage, sleep time; pausing and restarting.
use super::{
    only_spaces,
    runtime::{Space, has_app, is_static, runtime},
};
use crate::{
    repos::{Readable, Repo, Writable},
    stamp,
    state::HubState,
    store::blocking,
    web::{ApiError, JsonBody, Params, Result, error::json},
};
use axum::{
    Router,
    extract::State,
    response::Response,
    routing::{get, post},
};
use serde::Deserialize;

pub(crate) fn repo_routes() -> Router<HubState> {
    Router::new()
        .route("/runtime", get(read))
        .route("/hardware", post(request_hardware))
        .route("/sleeptime", post(set_sleep_time))
        .route("/storage", post(request_storage).delete(delete_storage))
        .route("/pause", post(pause))
        .route("/restart", post(restart))
}

async fn read(State(state): State<HubState>, Readable { repo, .. }: Readable) -> Result<Response> {
    only_spaces(&repo)?;
    let shared = state.clone();
    let oid = repo.oid.clone();
    let answer = state
        .git
        .run(&oid, move |git| shared.store.with(|connection| runtime(connection, git, &repo)))
        .await?;
    Ok(json(&answer))
}

/// Changes the state of a Space and answers with what it is doing then; `change` says whether it starts anew.
async fn change(
    state: HubState,
    repo: Repo,
    change: impl FnOnce(&mut Space, &HubState) -> Result<bool> + Send + 'static,
) -> Result<Response> {
    only_spaces(&repo)?;
    if is_static(&repo) {
        return Err(ApiError::bad_request("Static Spaces always run, on no hardware of their own"));
    }
    let answer = blocking(move || {
        let has_app = state.git.with(&repo.oid, |git| has_app(git, &repo))?;
        state.store.with(|connection| {
            let mut space = Space::load(connection, &repo)?;
            let starts = change(&mut space, &state)?;
            space.store(connection, &repo)?;
            Ok(space.describe(&repo, has_app, stamp::unix_millis(), starts))
        })
    });
    Ok(json(&answer.await?))
}

fn start(space: &mut Space, state: &HubState, from_scratch: bool) {
    space.start(stamp::unix_millis(), state.limits.deployed_at(), from_scratch);
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Hardware {
    flavor: String,
    sleep_time_seconds: Option<i64>,
}

async fn request_hardware(
    State(state): State<HubState>,
    Writable { repo, .. }: Writable,
    JsonBody(body): JsonBody<Hardware>,
) -> Result<Response> {
    change(state, repo, move |space, state| {
        // What it runs on until then is what it was told before.
        start(space, state, false);
        space.request(&body.flavor)?;
        if let Some(seconds) = body.sleep_time_seconds {
            space.set_sleep_time(seconds)?;
        }
        Ok(true)
    })
    .await
}

#[derive(Deserialize)]
struct SleepTime {
    seconds: i64,
}

async fn set_sleep_time(
    State(state): State<HubState>,
    Writable { repo, .. }: Writable,
    JsonBody(body): JsonBody<SleepTime>,
) -> Result<Response> {
    change(state, repo, move |space, _| space.set_sleep_time(body.seconds).map(|()| false)).await
}

#[derive(Deserialize)]
struct Storage {
    tier: String,
}

async fn request_storage(
    State(state): State<HubState>,
    Writable { repo, .. }: Writable,
    JsonBody(body): JsonBody<Storage>,
) -> Result<Response> {
    change(state, repo, move |space, _| space.set_storage(&body.tier).map(|()| false)).await
}

async fn delete_storage(State(state): State<HubState>, Writable { repo, .. }: Writable) -> Result<Response> {
    change(state, repo, |space, _| match space.storage.take() {
        Some(_) => Ok(false),
        None => Err(ApiError::bad_request("This Space has no persistent storage")),
    })
    .await
}

async fn pause(State(state): State<HubState>, Writable { repo, .. }: Writable) -> Result<Response> {
    if is_static(&repo) {
        only_spaces(&repo)?;
        return Err(ApiError::bad_request("Static Spaces cannot be paused"));
    }
    change(state, repo, |space, _| {
        space.pause();
        Ok(false)
    })
    .await
}

async fn restart(
    State(state): State<HubState>,
    params: Params,
    Writable { repo, .. }: Writable,
) -> Result<Response> {
    let from_scratch = params.flag("factory");
    change(state, repo, move |space, state| {
        // What was paused runs on nothing meanwhile.
        let was_paused = std::mem::take(&mut space.paused);
        start(space, state, from_scratch || was_paused);
        Ok(true)
    })
    .await
}
