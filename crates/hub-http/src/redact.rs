//! Keeps secrets out of what people read.
use serde_json::Value;
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
    use reqwest::header::AUTHORIZATION;
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
            Http::url(Method::GET, url).query("NAME", ""),
        ];
        for http in requests {
            let shown = format!("{http:?}");
            assert!(!shown.contains("s3cret") && shown.contains("NAME"), "{shown}");
        }
    }
}
