//! Files: `/{id}/resolve/{revision}/{path}`.
use super::send::send_bytes;
use crate::{
    git::Blob,
    repos::Content,
    state::HubState,
    web::{ApiError, Result, error::header_text},
};
use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use git2::Oid;
use serde::Deserialize;

pub(crate) fn file_routes() -> Router<HubState> {
    Router::new()
        .route("/resolve/{revision}/{*path}", get(resolve))
        .route("/raw/{revision}/{*path}", get(raw))
}

#[derive(Deserialize)]
struct At {
    revision: String,
    path: String,
}

/// A file of a commit. The content of a regular one comes along; an LFS file is elsewhere.
struct Found {
    commit: Oid,
    id: Oid,
    blob: Blob,
    content: Vec<u8>,
}

async fn resolve(
    State(state): State<HubState>,
    Path(at): Path<At>,
    Content { repo }: Content,
    headers: HeaderMap,
) -> Result<Response> {
    let name = at.path.rsplit('/').next().unwrap_or_default().to_owned();
    let found = find(&state, &repo.oid, at, false).await?;
    let mut answer = match &found.blob.lfs {
        None => send_bytes(&headers, &format!("\"{}\"", found.id), found.content),
        Some(lfs) => {
            let location = state.lfs.download_url(&state, &lfs.oid, &name);
            let text = format!("Found. Redirecting to {location}");
            let mut answer = (StatusCode::FOUND, text).into_response();
            let headers = answer.headers_mut();
            headers.insert(header::LOCATION, header_text(&location));
            headers.insert("x-linked-size", lfs.size.into());
            headers.insert("x-linked-etag", header_text(&format!("\"{}\"", lfs.oid)));
            headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            answer
        }
    };
    describe(&mut answer, found.commit, &name);
    Ok(answer)
}

/// What git has: for an LFS file its pointer.
async fn raw(
    State(state): State<HubState>,
    Path(at): Path<At>,
    Content { repo }: Content,
    headers: HeaderMap,
) -> Result<Response> {
    let found = find(&state, &repo.oid, at, true).await?;
    let mut answer: Response<Body> = send_bytes(&headers, &format!("\"{}\"", found.id), found.content);
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    describe(&mut answer, found.commit, "");
    Ok(answer)
}

async fn find(state: &HubState, repo: &str, at: At, pointers: bool) -> Result<Found> {
    let found = state.git.run(repo, move |git| {
        let commit = git.resolve(&at.revision)?;
        let item = git.find(commit, &at.path)?.filter(|item| !item.is_folder);
        let item = item.ok_or_else(|| ApiError::entry_not_found("Entry not found").of_commit(commit))?;
        let blob = git.blob(item.id)?;
        let wanted = pointers || blob.lfs.is_none();
        let content = if wanted { git.content(item.id)? } else { Vec::new() };
        Ok(Found { commit, id: item.id, blob, content })
    });
    found.await
}

fn describe(answer: &mut Response, commit: Oid, name: &str) {
    let headers = answer.headers_mut();
    headers.insert(HeaderName::from_static("x-repo-commit"), header_text(&commit.to_string()));
    if !name.is_empty() {
        let name = name.replace(['"', '\\'], "_");
        headers.insert(header::CONTENT_DISPOSITION, header_text(&format!("inline; filename=\"{name}\"")));
    }
}
