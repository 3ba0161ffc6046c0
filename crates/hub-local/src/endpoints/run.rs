//! The URLs of Inference Endpoints: they say whether the model would answer.
use super::manage::{Endpoint, Phase};
use crate::{
    accounts::{Caller, may_read},
    state::HubState,
    web::{ApiError, Result, error::json},
};
use axum::{
    Router,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
    routing::get,
};
use serde::Deserialize;
use serde_json::json;

pub(crate) fn routes() -> Router<HubState> {
    Router::new()
        .route("/ie/run/{namespace}/{name}", get(call).post(call))
        // Whatever routes its container has, that for its health among them.
        .route("/ie/run/{namespace}/{name}/{*route}", get(call).post(call))
}

#[derive(Deserialize)]
struct Named {
    namespace: String,
    name: String,
}

/// Answers if the endpoint runs; a call to one that is scaled to zero starts it again.
async fn call(
    State(state): State<HubState>,
    Path(Named { namespace, name }): Path<Named>,
    caller: Caller,
) -> Result<Response> {
    let ready_at = state.limits.deployed_at();
    let endpoint = state.store.call(move |connection| {
        let mut endpoint = Endpoint::find(connection, &namespace, &name)?;
        if !endpoint.config.is_public() {
            let user = caller.user()?;
            if !may_read(connection, &user.name, &namespace)? {
                return Err(ApiError::forbidden("This endpoint is protected"));
            }
        }
        if endpoint.phase == Phase::ScaledToZero {
            endpoint.phase = Phase::Deployed;
            endpoint.ready_at = ready_at;
            endpoint.store(connection)?;
            return Ok(None);
        }
        Ok(Some(endpoint).filter(Endpoint::is_running))
    });
    match endpoint.await? {
        Some(endpoint) => Ok(json(&json!({ "model": endpoint.config.repository() }))),
        None => Err(ApiError::new(StatusCode::SERVICE_UNAVAILABLE, "503 Service Unavailable")),
    }
}
