//! The git-lfs API at the Hub: which objects to upload where, and whether they arrived.
use crate::{
    git::is_sha256,
    repos::{Content, Readable},
    state::HubState,
    store::blocking,
    web::{ApiError, JsonBody, Params, Result, error::json},
};
use axum::{Router, extract::State, response::Response, routing::post};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(crate) fn routes() -> Router<HubState> {
    Router::new().route("/api/complete_multipart", post(complete))
}

pub(crate) fn file_routes() -> Router<HubState> {
    Router::new()
        .route("/git/info/lfs/objects/batch", post(batch))
        .route("/git/info/lfs/objects/verify", post(verify))
}

#[derive(Deserialize)]
struct Batch {
    operation: String,
    #[serde(default)]
    transfers: Vec<String>,
    objects: Vec<Object>,
}

#[derive(Deserialize)]
struct Object {
    oid: String,
    size: u64,
}

async fn batch(
    State(state): State<HubState>,
    Readable { repo, caller }: Readable,
    gate: Result<Content>,
    JsonBody(batch): JsonBody<Batch>,
) -> Result<Response> {
    let url = repo.url(&state);
    let multipart = batch.transfers.iter().any(|transfer| transfer == "multipart");
    let objects: Vec<Value> = match &*batch.operation {
        "upload" => {
            caller.writer()?;
            let offers = move || -> Result<_> {
                batch.objects.iter().map(|object| upload(&state, &url, object, multipart)).collect()
            };
            blocking(offers).await?
        }
        "download" => {
            gate?;
            batch.objects.iter().map(|object| download(&state, object)).collect()
        }
        other => return Err(ApiError::bad_request(format!("Invalid operation: {other}"))),
    };
    let in_parts = |object: &Value| object["actions"]["upload"]["header"].get("chunk_size").is_some();
    let transfer = if objects.iter().any(in_parts) { "multipart" } else { "basic" };
    Ok(json(&json!({ "transfer": transfer, "hash_algo": "sha256", "objects": objects })))
}

/// What to do to upload an object: nothing, if it is here.
fn upload(state: &HubState, repo_url: &str, object: &Object, multipart: bool) -> Result<Value> {
    let Object { oid, size } = object;
    if !is_sha256(oid) {
        return Ok(refused(object, 422, "the oid is no sha256"));
    }
    if state.lfs.size(oid) == Some(*size) {
        return Ok(json!({ "oid": oid, "size": size }));
    }
    let limits = state.limits;
    let verify = json!({ "href": format!("{repo_url}.git/info/lfs/objects/verify") });
    let expires_in = limits.url_lifetime.as_secs();
    let upload = if multipart && *size > limits.part_bytes {
        let id = state.lfs.begin_upload(oid, *size, limits.part_bytes, expires_in)?;
        let mut header = Map::new();
        header.insert("chunk_size".into(), limits.part_bytes.to_string().into());
        for part in 1..=size.div_ceil(limits.part_bytes) {
            let signature = state.lfs.signer.query(&format!("PUT {id}/{part}"), limits.url_lifetime);
            let href = format!("{}/uploads/{id}/{part}?{signature}", state.urls.storage);
            // As wide as the largest number, so that the texts sort as the numbers do.
            header.insert(format!("{part:05}"), href.into());
        }
        // Completing may happen long after the last part's URL was handed out.
        let lifetime = limits.url_lifetime.max(std::time::Duration::from_secs(3600));
        let signature = state.lfs.signer.query(&format!("COMPLETE {id}"), lifetime);
        let href = format!("{}/api/complete_multipart?uploadId={id}&{signature}", state.urls.endpoint);
        json!({ "href": href, "header": header, "expires_in": expires_in })
    } else {
        let signature = state.lfs.signer.query(&format!("PUT {oid} {size}"), limits.url_lifetime);
        let href = format!("{}/objects/{oid}?size={size}&{signature}", state.urls.storage);
        json!({ "href": href, "expires_in": expires_in })
    };
    Ok(json!({
        "oid": oid, "size": size, "authenticated": true, "actions": { "upload": upload, "verify": verify },
    }))
}

fn download(state: &HubState, object: &Object) -> Value {
    let Object { oid, size } = object;
    if !is_sha256(oid) || state.lfs.size(oid) != Some(*size) {
        return refused(object, 404, "Object does not exist");
    }
    let href = state.lfs.download_url(state, oid, oid);
    let expires_in = state.limits.url_lifetime.as_secs();
    json!({
        "oid": oid, "size": size, "authenticated": true,
        "actions": { "download": { "href": href, "expires_in": expires_in } },
    })
}

fn refused(object: &Object, code: u16, message: &str) -> Value {
    json!({ "oid": object.oid, "size": object.size, "error": { "code": code, "message": message } })
}

async fn verify(
    State(state): State<HubState>,
    _: Readable,
    JsonBody(object): JsonBody<Object>,
) -> Result<Response> {
    let size = if is_sha256(&object.oid) { state.lfs.size(&object.oid) } else { None };
    match size {
        Some(size) if size == object.size => Ok(json(&json!({ "oid": object.oid, "size": size }))),
        Some(size) => Err(ApiError::bad_request(format!("the object has {size} bytes, not {}", object.size))),
        None => Err(ApiError::not_found("Object does not exist")),
    }
}

#[derive(Deserialize)]
struct Completion {
    oid: String,
    parts: Vec<CompletedPart>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CompletedPart {
    part_number: u32,
    etag: String,
}

async fn complete(
    State(state): State<HubState>,
    params: Params,
    JsonBody(body): JsonBody<Completion>,
) -> Result<Response> {
    let id = params.get("uploadId").unwrap_or_default().to_owned();
    let checked =
        state.lfs.signer.check(&format!("COMPLETE {id}"), params.number("Expires"), params.get("Signature"));
    checked.map_err(|why| ApiError::forbidden(format!("AccessDenied: {why}")))?;
    let parts: Vec<_> = body.parts.into_iter().map(|part| (part.part_number, part.etag)).collect();
    blocking(move || Ok(state.lfs.complete_upload(&id, &body.oid, &parts)?)).await?;
    Ok(json(&json!({ "success": true })))
}
