//! Keeps secrets out of what people read.
use crate::{Answer, Response};
use reqwest::header::{HeaderMap, HeaderName};
use serde_json::Value;
use std::fmt;
use url::Url;

/// The URL without user, password, and without the values of its query, which may be signatures.
///
/// ```
/// # use hub_http::{Url, redact_url};
/// let url = Url::parse("https://me:hf_x@cdn.example/a/b?Signature=s&id=1").unwrap();
/// assert_eq!(redact_url(&url), "https://cdn.example/a/b?Signature&id");
/// ```
pub fn redact_url(url: &Url) -> String {
    let mut shown = format!("{}://{}", url.scheme(), url.host_str().unwrap_or(""));
    if let Some(port) = url.port() {
        shown.push_str(&format!(":{port}"));
    }
    shown.push_str(url.path());
    // Names stay percent-encoded: decoded they can hold line breaks and the separators themselves.
    let pairs = url.query().unwrap_or("").split('&').filter(|pair| !pair.is_empty());
    for (index, pair) in pairs.enumerate() {
        shown.push(if index == 0 { '?' } else { '&' });
        shown.push_str(pair.split_once('=').map_or(pair, |(name, _)| name));
    }
    shown
}

/// Whether a header of this name may hold a secret, so that its value is not shown.
pub(crate) fn is_secret_header(name: &HeaderName) -> bool {
    ["auth", "cookie", "token", "secret", "key", "signature", "password"]
        .into_iter()
        .any(|word| name.as_str().contains(word))
}

/// Shows which headers there are; values may be signed URLs and cookies.
fn names(headers: &HeaderMap) -> Vec<&str> {
    headers.keys().map(HeaderName::as_str).collect()
}

/// Without what the URL's query and the headers may tell.
impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("status", &self.status())
            .field("url", &redact_url(self.url()))
            .field("headers", &names(self.headers()))
            .finish_non_exhaustive()
    }
}

/// Without what the URL's query, the headers and the body may tell.
impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("url", &redact_url(&self.url))
            .field("headers", &names(&self.headers))
            .field("bytes", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// The JSON with a mark for what the Hub keeps secret: the values of secrets, of variables and of tokens.
pub(crate) fn hide_secrets(json: &Value) -> Value {
    match json {
        Value::Array(items) => items.iter().map(hide_secrets).collect(),
        Value::Object(members) => {
            let hidden = members.iter().map(|(name, value)| {
                let value = match (name.as_str(), value) {
                    ("secrets", Value::Object(secrets)) => {
                        secrets.keys().map(|name| (name.clone(), Value::from(HIDDEN))).collect()
                    }
                    ("secret" | "value" | "token" | "password", Value::String(_)) => HIDDEN.into(),
                    (_, value) => hide_secrets(value),
                };
                (name.clone(), value)
            });
            Value::Object(hidden.collect())
        }
        plain => plain.clone(),
    }
}

const HIDDEN: &str = "(hidden)";

#[cfg(test)]
mod tests {
    use super::redact_url;
    use crate::{Http, Method};
    use reqwest::header::{AUTHORIZATION, HeaderName};
    use serde_json::json;
    use url::Url;

    #[test]
    fn names_in_a_query_stay_percent_encoded() {
        for (url, shown) in [
            ("https://h/a?na%0Ame=s3cret&&%1B[31m=s3cret", "https://h/a?na%0Ame&%1B[31m"),
            ("https://h/a?x%26y%3Ds=s3cret#s3cret", "https://h/a?x%26y%3Ds"),
            ("https://h/a?\u{202e}", "https://h/a?%E2%80%AE"),
        ] {
            assert_eq!(redact_url(&Url::parse(url).unwrap()), shown);
        }
    }

    #[test]
    fn secrets_are_in_no_debug_output() {
        let url = Url::parse("https://me:s3cret@cdn.test/f?Signature=s3cret").unwrap();
        let requests = [
            Http::post("/x").json(json!({ "key": "NAME", "value": "s3cret" })),
            Http::post("/x").json(json!({ "secrets": [{ "key": "NAME", "value": "s3cret" }] })),
            Http::post("/x").json(json!({ "model": { "secrets": { "NAME": "s3cret" } } })),
            Http::post("/x").json(json!({ "url": "NAME", "secret": "s3cret" })),
            Http::get("/NAME").header(AUTHORIZATION, "Bearer s3cret"),
            Http::get("/NAME").header(HeaderName::from_static("x-xet-access-token"), "s3cret"),
            Http::url(Method::GET, url).query("NAME", ""),
        ];
        for http in requests {
            let shown = format!("{http:?}");
            assert!(!shown.contains("s3cret") && shown.contains("NAME"), "{shown}");
        }
    }
}
