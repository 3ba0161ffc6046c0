//! Pages of listings, and the `Link: <…>; rel="next"` header between them.
use crate::{
    state::HubState,
    web::{address::OriginalUri, error::json},
};
use axum::{
    http::{HeaderValue, Uri, header},
    response::{IntoResponse, Response},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// One page of a listing: its items and, unless it is the last, where the next one is.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<Value>,
    pub(crate) next: Option<String>,
}

impl Page {
    /// Cuts `items`, which are one more than `limit` when there are more, to a page.
    ///
    /// `cursor` makes, from the last item kept, the query pair that asks for what follows it.
    pub(crate) fn cut<T>(
        state: &HubState,
        uri: &OriginalUri,
        mut items: Vec<T>,
        limit: usize,
        cursor: impl FnOnce(&T) -> (&'static str, String),
        write: impl FnMut(T) -> Value,
    ) -> Self {
        let more = items.len() > limit;
        items.truncate(limit);
        let next = items.last().filter(|_| more).map(|last| {
            let (key, value) = cursor(last);
            link_to(state, uri, key, &value)
        });
        Self { items: items.into_iter().map(write).collect(), next }
    }
}

impl IntoResponse for Page {
    fn into_response(self) -> Response {
        let mut answer = json(&self.items);
        if let Some(next) = self.next
            && let Ok(value) = HeaderValue::from_str(&format!("<{next}>; rel=\"next\""))
        {
            answer.headers_mut().insert(header::LINK, value);
        }
        answer
    }
}

/// The absolute URL of the request with one query parameter replaced.
pub(crate) fn link_to(state: &HubState, uri: &OriginalUri, key: &str, value: &str) -> String {
    let uri: &Uri = &uri.0;
    let value = utf8_percent_encode(value, KEPT);
    let others = uri.query().unwrap_or_default().split('&');
    let mut query: Vec<String> = others
        .filter(|pair| !pair.is_empty() && pair.split('=').next() != Some(key))
        .map(str::to_owned)
        .collect();
    query.push(format!("{key}={value}"));
    format!("{}{}?{}", state.urls.endpoint, uri.path(), query.join("&"))
}

/// Encodes what a cursor has to remember; clients hand it back and look no further.
pub(crate) fn encode_cursor(parts: &[&str]) -> String {
    let text = serde_json::to_string(parts).unwrap_or_default();
    base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, text)
}

/// What [`encode_cursor`] wrote; `None` for any other text.
pub(crate) fn decode_cursor(cursor: &str) -> Option<Vec<String>> {
    let bytes = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, cursor).ok()?;
    serde_json::from_slice(&bytes).ok()
}
