//! `git clone` without a git server: the files of the bare repository, by the "dumb" protocol.
//!
//! It knows no pushes and sends LFS files as pointers; git-lfs fetches those by the batch API.
use super::send::{send_bytes, send_file};
use crate::{
    repos::Content,
    state::HubState,
    web::{ApiError, Result},
};
use axum::{
    Router,
    extract::{Path, State},
    http::HeaderMap,
    response::Response,
    routing::get,
};
use hub_types::SafeRelPath;
use std::fmt::Write;

pub(crate) fn file_routes() -> Router<HubState> {
    Router::new()
        .route("/git/info/refs", get(references))
        .route("/git/HEAD", get(head))
        .route("/git/objects/info/packs", get(packs))
        .route("/git/objects/{*path}", get(object))
}

async fn references(
    State(state): State<HubState>,
    Content { repo }: Content,
    headers: HeaderMap,
) -> Result<Response> {
    let text = state.git.run(&repo.oid, |git| {
        let references = git.references("refs/")?;
        Ok(references.iter().fold(String::new(), |mut text, reference| {
            let _ = writeln!(text, "{}\t{}", reference.commit, reference.name);
            text
        }))
    });
    Ok(send_bytes(&headers, "\"refs\"", text.await?.into_bytes()))
}

async fn head(_: Content, headers: HeaderMap) -> Response {
    send_bytes(&headers, "\"HEAD\"", b"ref: refs/heads/main\n".to_vec())
}

async fn packs(
    State(state): State<HubState>,
    Content { repo }: Content,
    headers: HeaderMap,
) -> Result<Response> {
    let folder = state.git.path(&repo.oid).join("objects/pack");
    let text = crate::store::blocking(move || {
        let mut text = String::new();
        for entry in std::fs::read_dir(folder)? {
            let name = entry?.file_name();
            let name = name.to_string_lossy();
            if name.ends_with(".pack") {
                let _ = writeln!(text, "P {name}");
            }
        }
        Ok(text + "\n")
    });
    Ok(send_bytes(&headers, "\"packs\"", text.await?.into_bytes()))
}

async fn object(
    State(state): State<HubState>,
    Path(ObjectAt { path }): Path<ObjectAt>,
    Content { repo }: Content,
    headers: HeaderMap,
) -> Result<Response> {
    let missing = || ApiError::not_found("no such object");
    let path = SafeRelPath::parse(&path).map_err(|_| missing())?;
    let place = path.join_to(&state.git.path(&repo.oid).join("objects"));
    let file = tokio::fs::File::open(place).await.map_err(|_| missing())?;
    if !file.metadata().await?.is_file() {
        return Err(missing());
    }
    Ok(send_file(&headers, &format!("\"{}\"", path.file_name()), file).await?)
}

#[derive(serde::Deserialize)]
struct ObjectAt {
    path: String,
}
