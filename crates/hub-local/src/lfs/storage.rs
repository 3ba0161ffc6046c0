//! The second origin: objects by signed URL, and no tokens.
use crate::{
    content::send_file,
    git::is_sha256,
    state::HubState,
    web::{ApiError, Params, Result},
};
use axum::{
    Router,
    extract::{FromRequestParts, Path, Request, State},
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
    response::{IntoResponse, Response},
    routing::{get, put},
};
use std::io;

pub(crate) fn routes() -> Router<HubState> {
    Router::new()
        .route("/objects/{oid}", get(download).put(upload))
        .route("/uploads/{id}/{part}", put(upload_part))
}

/// A request whose signature allows it. One that brings a token as well is refused, as such stores do: whoever sends
/// it one has given it away.
struct Signed;

impl FromRequestParts<HubState> for Signed {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &HubState) -> Result<Self> {
        if parts.headers.contains_key(header::AUTHORIZATION) {
            return Err(ApiError::bad_request(
                "InvalidArgument: only one auth mechanism allowed; this URL is signed and takes no token",
            ));
        }
        let query = Params::of(&parts.uri);
        // What may be read may be looked at.
        let verb = if parts.method == Method::HEAD { "GET" } else { parts.method.as_str() };
        let name = parts.uri.path().trim_start_matches("/objects/").trim_start_matches("/uploads/");
        let size = query.get("size").map(|size| format!(" {size}")).unwrap_or_default();
        let what = format!("{verb} {name}{size}");
        state
            .lfs
            .signer
            .check(&what, query.number("Expires"), query.get("Signature"))
            .map_err(|why| ApiError::forbidden(format!("AccessDenied: {why}")))?;
        Ok(Self)
    }
}

async fn download(
    State(state): State<HubState>,
    _: Signed,
    Path(oid): Path<String>,
    params: Params,
    headers: HeaderMap,
) -> Result<Response> {
    if !is_sha256(&oid) {
        return Err(ApiError::not_found("NoSuchKey: this is no object"));
    }
    let file = match tokio::fs::File::open(state.lfs.path(&oid)).await {
        Ok(file) => file,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => {
            return Err(ApiError::not_found("NoSuchKey: the object does not exist"));
        }
        Err(cause) => return Err(cause.into()),
    };
    // Not the sha256: such stores have ETags of their own, which clients must not take for the file's hash.
    let mut answer = send_file(&headers, &format!("\"{}\"", &oid[..32]), file).await?;
    if let Some(name) = params.get("filename") {
        let value = format!("inline; filename=\"{}\"", name.replace(['"', '\\'], "_"));
        answer.headers_mut().insert(header::CONTENT_DISPOSITION, crate::web::error::header_text(&value));
    }
    Ok(answer)
}

async fn upload(
    State(state): State<HubState>,
    _: Signed,
    Path(oid): Path<String>,
    params: Params,
    request: Request,
) -> Result<Response> {
    let size = params.number("size").filter(|_| is_sha256(&oid));
    let size = size.ok_or_else(|| ApiError::bad_request("this is no object"))?;
    state.lfs.receive(&oid, size, request.into_body().into_data_stream()).await?;
    Ok(with_etag(&format!("\"{}\"", &oid[..32])))
}

async fn upload_part(
    State(state): State<HubState>,
    _: Signed,
    Path((id, part)): Path<(String, u32)>,
    request: Request,
) -> Result<Response> {
    let etag = state.lfs.receive_part(&id, part, request.into_body().into_data_stream()).await?;
    Ok(with_etag(&etag))
}

fn with_etag(etag: &str) -> Response {
    let mut answer = ().into_response();
    if let Ok(etag) = HeaderValue::from_str(etag) {
        answer.headers_mut().insert(header::ETAG, etag);
    }
    answer
}
