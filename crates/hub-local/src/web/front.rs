//! What every request passes before it is routed: the log, the faults, and the form of its path.
use crate::{
    fault::{Actions, BodyScript, RequestHead, Watched},
    log::Origin,
    stamp,
    state::HubState,
    web::{
        address::{OriginalUri, normalise},
        connection::Control,
        error::json,
    },
};
use axum::{
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderName, HeaderValue, StatusCode, Version, header},
    middleware::Next,
    response::Response,
};
use futures_util::StreamExt;

/// The connection that a request came by.
#[derive(Clone)]
pub(crate) struct Front {
    pub(crate) state: HubState,
    pub(crate) origin: Origin,
    pub(crate) control: Control,
}

pub(crate) async fn front(State(front): State<Front>, request: Request, next: Next) -> Response {
    let Front { state, origin, control } = front;
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    let outcome = state.log.begin(origin, method, uri, headers);
    let head = RequestHead { method, uri, headers };
    let actions = state.faults.actions_for(origin, &head).unwrap_or_default();

    if !actions.delay.is_zero() {
        tokio::time::sleep(actions.delay).await;
    }
    if actions.never_answer {
        std::future::pending::<()>().await;
    }
    if actions.reset {
        control.reset_now();
        return Response::default();
    }
    let mut answer = perform(&state, origin, &actions, request, next).await;
    change_headers(&mut answer, &actions);
    let headers = answer.headers_mut();
    headers.insert("x-request-id", request_id());
    let script = BodyScript::of(&actions, headers);
    if actions.without_length {
        headers.remove(header::CONTENT_LENGTH);
        *answer.version_mut() = Version::HTTP_10;
    }
    outcome.answered(answer.status().as_u16());
    answer.map(|body| Body::new(Watched::new(body, outcome, control, script)))
}

async fn perform(
    state: &HubState,
    origin: Origin,
    actions: &Actions,
    mut request: Request,
    next: Next,
) -> Response {
    let scripted = actions.status.is_some() || actions.content.is_some();
    if let Some(late) = actions.late.clone() {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
        let (state, request) = (state.clone(), Request::from_parts(parts, Body::from(body)));
        tokio::spawn(async move {
            late.released().await;
            route(&state, origin, request, next).await;
            late.performed();
        });
        return scripted_answer(actions);
    }
    if scripted && !actions.perform {
        // The body is read to its end, or the answer might be lost in the reset that unread data causes.
        let mut body = request.into_body().into_data_stream();
        while let Some(Ok(_)) = body.next().await {}
        return scripted_answer(actions);
    }
    if actions.ignore_range {
        request.headers_mut().remove(header::RANGE);
    }
    let answer = route(state, origin, request, next).await;
    if scripted { scripted_answer(actions) } else { answer }
}

/// Hands a request to whoever answers its path.
async fn route(state: &HubState, origin: Origin, mut request: Request, next: Next) -> Response {
    if origin == Origin::Hub {
        let original = OriginalUri(request.uri().clone());
        if let Some((uri, address)) = normalise(request.uri(), |name| state.accounts.contains(name)) {
            *request.uri_mut() = uri;
            request.extensions_mut().insert(address);
        }
        request.extensions_mut().insert(original);
    }
    next.run(request).await
}

fn scripted_answer(actions: &Actions) -> Response {
    let status = StatusCode::from_u16(actions.status.unwrap_or(200)).unwrap_or(StatusCode::OK);
    let mut answer = match &actions.content {
        Some(content) => Response::new(Body::from(content.clone())),
        None => {
            let reason = status.canonical_reason().unwrap_or("scripted failure");
            json(&serde_json::json!({ "error": reason }))
        }
    };
    *answer.status_mut() = status;
    answer
}

fn change_headers(answer: &mut Response, actions: &Actions) {
    let headers = answer.headers_mut();
    for name in &actions.dropped_headers {
        headers.remove(&**name);
    }
    for (name, value) in &actions.replaced_headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        let value = HeaderValue::from_bytes(value.as_bytes());
        if let (Ok(name), Ok(value)) = (name, value) {
            headers.insert(name, value);
        }
    }
}

fn request_id() -> HeaderValue {
    let id = stamp::random_hex(12);
    let text = format!("Root=1-{:08x}-{id}", stamp::unix_seconds());
    HeaderValue::from_str(&text).expect("hex digits are a valid header value")
}
