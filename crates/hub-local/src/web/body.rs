//! Bodies of requests: JSON, whatever content type it claims, and streams.
use crate::web::ApiError;
use axum::{
    body::{BodyDataStream, Bytes, to_bytes},
    extract::{FromRequest, Request},
};
use futures_util::StreamExt;
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

/// A decoded JSON body; an empty one counts as `{}`.
pub(crate) struct JsonBody<T>(pub(crate) T);

/// No JSON body of the API is near this; commits are streamed and not read here.
const MAX_BYTES: usize = 64 << 20;
const CHUNKS_AHEAD: usize = 8;

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, _: &S) -> Result<Self, ApiError> {
        let bytes = read(request).await?;
        let text = if bytes.is_empty() { b"{}" } else { &*bytes };
        serde_json::from_slice(text)
            .map(Self)
            .map_err(|cause| ApiError::bad_request(format!("Invalid request body: {cause}")))
    }
}

/// The whole body of a request that is known to be small.
pub(crate) async fn read(request: Request) -> Result<Bytes, ApiError> {
    to_bytes(request.into_body(), MAX_BYTES)
        .await
        .map_err(|cause| ApiError::bad_request(format!("Could not read the request body: {cause}")))
}

/// The chunks of a body as they arrive, for a blocking thread; or why there will be no more.
pub(crate) struct Chunks(mpsc::Receiver<Result<Bytes, String>>);

impl Iterator for Chunks {
    type Item = Result<Bytes, String>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.blocking_recv()
    }
}

/// Hands a body over to a blocking thread while it arrives, a few chunks ahead at most.
///
/// A thread that returns early stops the reading. A body whose request is dropped just ends, so `work` has to know
/// by itself where the end should be.
pub(crate) async fn stream_to_thread<T: Send + 'static>(
    mut body: BodyDataStream,
    work: impl FnOnce(Chunks) -> T + Send + 'static,
) -> T {
    let (sender, receiver) = mpsc::channel(CHUNKS_AHEAD);
    let worker = tokio::task::spawn_blocking(move || work(Chunks(receiver)));
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|cause| format!("the request body broke off: {cause}"));
        let broken = chunk.is_err();
        if sender.send(chunk).await.is_err() || broken {
            break;
        }
    }
    drop(sender);
    match worker.await {
        Ok(value) => value,
        Err(cause) => std::panic::resume_unwind(cause.into_panic()),
    }
}
