//! Which files go into git and which into LFS, and which are there already.
use super::{MAX_REGULAR_BYTES, attributes::is_lfs, commit::check_writer, wildmatch::is_ignored};
use crate::{
    git::Git,
    repos::Readable,
    state::HubState,
    web::{JsonBody, Params, Result, error::json},
};
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::post,
};
use git2::Oid;
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) fn repo_routes() -> Router<HubState> {
    Router::new().route("/preupload/{revision}", post(preupload))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Preupload {
    files: Vec<File>,
    git_attributes: Option<String>,
    git_ignore: Option<String>,
}

#[derive(Deserialize)]
struct File {
    path: String,
    size: u64,
    /// The beginning of the content, in base64.
    #[serde(default)]
    sample: String,
}

#[derive(Deserialize)]
struct At {
    revision: String,
}

async fn preupload(
    State(state): State<HubState>,
    Path(At { revision }): Path<At>,
    Readable { repo, caller }: Readable,
    params: Params,
    JsonBody(body): JsonBody<Preupload>,
) -> Result<Response> {
    check_writer(&state, &repo, &caller, &revision, params.flag("create_pr")).await?;
    let answer = state.git.run(&repo.oid, move |git| {
        let commit = git.resolve(&revision)?;
        let attributes = match body.git_attributes {
            Some(attributes) => attributes,
            None => text_of(git, commit, ".gitattributes")?.unwrap_or_default(),
        };
        let ignore = match body.git_ignore {
            Some(ignore) => ignore,
            None => text_of(git, commit, ".gitignore")?.unwrap_or_default(),
        };
        let files = body.files.iter().map(|file| {
            let lfs =
                is_lfs(&attributes, &file.path) || file.size > MAX_REGULAR_BYTES || is_binary(&file.sample);
            let mut answer = json!({
                "path": file.path,
                "uploadMode": if lfs { "lfs" } else { "regular" },
                "shouldIgnore": is_ignored(&ignore, &file.path),
            });
            if let Some(oid) = present(git, commit, &file.path)? {
                answer["oid"] = oid.into();
            }
            Ok(answer)
        });
        let files: Vec<Value> = files.collect::<Result<_>>()?;
        Ok(json!({ "files": files, "commitOid": commit.to_string() }))
    });
    Ok(json(&answer.await?))
}

fn text_of(git: &Git<'_>, commit: Oid, path: &str) -> Result<Option<String>> {
    Ok(git.read(commit, path)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
}

/// What names the content that is at a path now: the blob id, or the sha256 of an LFS file.
fn present(git: &Git<'_>, commit: Oid, path: &str) -> Result<Option<String>> {
    let Some(item) = git.find(commit, path)?.filter(|item| !item.is_folder) else { return Ok(None) };
    let blob = git.blob(item.id)?;
    Ok(Some(blob.lfs.map_or_else(|| item.id.to_string(), |lfs| lfs.oid)))
}

/// Whether a sample is of no text: it has a zero byte, as git tells it.
fn is_binary(sample: &str) -> bool {
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, sample);
    bytes.is_ok_and(|bytes| bytes.contains(&0))
}
