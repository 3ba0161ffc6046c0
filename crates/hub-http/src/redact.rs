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

/// The text of an answer without secrets of the request that the server repeats: proxies and storage services show the
/// headers and the signed URL that they refuse.
///
/// Hides what follows `Bearer` and `Basic`, access tokens, and the values in queries of URLs. White space becomes single.
pub(crate) fn redact_text(text: &str) -> String {
    let mut shown: Vec<String> = Vec::new();
    let mut after_scheme = false;
    for word in text.split_whitespace() {
        let is_scheme = word
            .rsplit(|c: char| !c.is_ascii_alphanumeric())
            .next()
            .is_some_and(|last| last.eq_ignore_ascii_case("bearer") || last.eq_ignore_ascii_case("basic"));
        // A short word such as that of `basic authentication` is prose.
        let is_secret =
            after_scheme && word.len() >= MIN_TOKEN_CHARS && !word.bytes().all(|c| c.is_ascii_lowercase());
        shown.push(if is_secret { "…".to_owned() } else { redact_query(&redact_tokens(word)) });
        after_scheme = is_scheme;
    }
    shown.join(" ")
}

/// The fewest characters of what is taken for a token in a text.
const MIN_TOKEN_CHARS: usize = 8;

/// The word with access tokens cut after their prefix: `hf_…`.
fn redact_tokens(word: &str) -> String {
    let mut shown = String::new();
    let mut rest = word;
    while let Some(at) = rest.find("hf_") {
        let (before, token) = rest.split_at(at + "hf_".len());
        let end = token.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(token.len());
        // A name such as `hf_hub_download` has an underscore there.
        let is_name = end < MIN_TOKEN_CHARS || token[end..].starts_with('_');
        shown.push_str(before);
        shown.push_str(if is_name { &token[..end] } else { "…" });
        rest = &token[end..];
    }
    shown + rest
}

/// The word with the values in the query of a URL cut: `https://h/a?sig=…`.
fn redact_query(word: &str) -> String {
    let query = word.find("://").and_then(|scheme| Some(scheme + word[scheme..].find('?')? + 1));
    let Some(query) = query else { return word.to_owned() };
    let (before, rest) = word.split_at(query);
    let end = rest.find(['"', '\'', '<', '>', '`', ')', ']', '}']).unwrap_or(rest.len());
    let (pairs, after) = rest.split_at(end);
    let pairs: Vec<String> = pairs
        .split('&')
        .map(|pair| pair.split_once('=').map_or_else(|| pair.to_owned(), |(name, _)| format!("{name}=…")))
        .collect();
    format!("{before}{}{}", pairs.join("&"), redact_query(after))
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
    use super::{redact_text, redact_url};
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
    fn texts_of_answers_lose_what_they_repeat_of_a_request() {
        for (text, shown) in [
            ("bad  token Bearer hf_S3cretS3cret", "bad token Bearer …"),
            ("{\"authorization\":\"Bearer aGVsbG8=\"}", "{\"authorization\":\"Bearer …"),
            ("authorization: basic dTpTM2NyZXQ=", "authorization: basic …"),
            ("basic authentication is off", "basic authentication is off"),
            ("token=hf_S3cretS3cret;x", "token=hf_…;x"),
            ("call hf_hub_download or hf_x", "call hf_hub_download or hf_x"),
            (
                "see <https://h/a?X-Amz-Signature=S3&b=1> and 'https://h/?t=S3'.",
                "see <https://h/a?X-Amz-Signature=…&b=…> and 'https://h/?t=…'.",
            ),
            ("why? a=b at https://h/a?b", "why? a=b at https://h/a?b"),
        ] {
            assert_eq!(redact_text(text), shown);
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
