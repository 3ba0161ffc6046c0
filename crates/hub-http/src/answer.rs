//! Turns a refusal of the Hub into an error.
use crate::redact::redact_text;
use crate::{Error, ErrorKind, HttpContext, redact_url, retry};
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use std::time::SystemTime;
use url::Url;

/// The message of the Hub that a disabled repository is refused with.
const DISABLED: &str = "Access to this resource is disabled.";
const MAX_MESSAGE_CHARS: usize = 2000;
/// How many messages of one answer are shown.
const MAX_MESSAGES: usize = 8;

/// The id to give when reporting an answer.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<String> {
    ["x-request-id", "x-amzn-trace-id", "x-amz-cf-id"].into_iter().find_map(|name| text(headers, name))
}

/// The error for an answer whose status is no success.
///
/// `secret` is the token of the request, which the answer may repeat.
pub(crate) fn refusal(
    method: &Method,
    url: &Url,
    status: StatusCode,
    headers: &HeaderMap,
    body: &[u8],
    secret: Option<&str>,
) -> Error {
    let hide = |text: String| match secret {
        Some(secret) if text.contains(secret) => text.replace(secret, "…"),
        _ => text,
    };
    let error_code = text(headers, "x-error-code").map(hide);
    let messages: Vec<String> = messages(headers, body).into_iter().map(hide).collect();
    let kind = kind(status, error_code.as_deref(), &messages, url);
    let message = (!messages.is_empty()).then(|| messages.join("; "));
    let request = format!("{method} {}", redact_url(url));

    let mut line = format!("{} ({request}: {})", headline(kind, status), status.as_u16());
    if let Some(message) = &message {
        line.push_str(": ");
        line.push_str(message);
    }
    let request_id = request_id(headers).map(hide);
    let [page, slug] = named(body, ["url", "slug"]);
    let repo_commit = text(headers, "x-repo-commit");
    let context = HttpContext { status, request, request_id, error_code, message, page, slug, repo_commit };
    let wait = retry::asked_wait(headers, SystemTime::now());
    Error::new(kind, line).with_http(context).with_retry_after(wait)
}

fn kind(status: StatusCode, code: Option<&str>, messages: &[String], url: &Url) -> ErrorKind {
    match code {
        Some("RepoNotFound") => return ErrorKind::RepositoryNotFound,
        Some("RevisionNotFound") => return ErrorKind::RevisionNotFound,
        Some("EntryNotFound") => return ErrorKind::EntryNotFound,
        Some("GatedRepo") => return ErrorKind::GatedRepo,
        _ => {}
    }
    if messages.iter().any(|message| message == DISABLED) {
        return ErrorKind::DisabledRepo;
    }
    match status.as_u16() {
        // The Hub hides private repositories from strangers behind a 401 without a code.
        401 if names_a_repository(url)
            && !messages.iter().any(|m| m == "Invalid credentials in Authorization header") =>
        {
            ErrorKind::RepositoryNotFound
        }
        400 => ErrorKind::BadRequest,
        412 => ErrorKind::ParentMoved,
        429 => ErrorKind::RateLimited,
        _ => ErrorKind::Http,
    }
}

/// Whether the URL is about one repository: its API, or one of its files.
fn names_a_repository(url: &Url) -> bool {
    let mut segments = url.path_segments().into_iter().flatten();
    match segments.next() {
        Some("api") => {
            matches!(segments.next(), Some("models" | "datasets" | "spaces"))
                && segments.next().is_some_and(|id| !id.is_empty())
        }
        Some(_) => segments.any(|segment| segment == "resolve"),
        None => false,
    }
}

/// What happened and what to do, for a kind.
fn headline(kind: ErrorKind, status: StatusCode) -> String {
    let text = match kind {
        ErrorKind::RepositoryNotFound => {
            "no such repository, or it is private and the token may not see it; check repo_id and repo_type, or log in"
        }
        ErrorKind::GatedRepo => {
            "access to the repository is gated; ask for access on its page with the account of the token"
        }
        ErrorKind::DisabledRepo => "the repository is disabled",
        ErrorKind::RevisionNotFound => "the repository has no such revision",
        ErrorKind::EntryNotFound => "the repository has no such file at this revision",
        ErrorKind::BadRequest => "the Hub refused the request as ill-formed",
        ErrorKind::ParentMoved => "the branch has moved since the parent commit; read it again and retry",
        ErrorKind::RateLimited => "the Hub asks for fewer requests; wait, or log in for a higher limit",
        _ => match status.as_u16() {
            401 => "the Hub asks for a valid token; log in, or set HF_TOKEN",
            403 => "the token may not do this; use one with the right permission",
            404 => "the Hub has nothing here",
            409 => "this conflicts with what the Hub has",
            500.. => "the Hub failed; try again later",
            _ => "the Hub refused the request",
        },
    };
    text.to_owned()
}

/// The messages in an answer, each once: `X-Error-Message`, `error`, `errors[].message`, or plain text.
fn messages(headers: &HeaderMap, body: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    let mut add = |message: &str| {
        let message = one_line(message);
        if !message.is_empty() && found.len() < MAX_MESSAGES && !found.contains(&message) {
            found.push(message);
        }
    };
    if let Some(message) = text(headers, "x-error-message") {
        add(&message);
    }
    match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(answer)) => {
            match answer.get("error") {
                Some(Value::String(message)) => add(message),
                Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).for_each(&mut add),
                _ => {}
            }
            let errors = answer.get("errors").and_then(Value::as_array);
            errors
                .into_iter()
                .flatten()
                .filter_map(|error| error.get("message")?.as_str())
                .for_each(&mut add);
            if let Some(message) = answer.get("message").and_then(Value::as_str) {
                add(message);
            }
        }
        Ok(_) => {}
        Err(_) => {
            let html = text(headers, CONTENT_TYPE.as_str()).is_some_and(|media| media.contains("html"));
            let body = String::from_utf8_lossy(body);
            match xml_message(&body) {
                Some(message) => add(&message),
                None if !html => add(&body),
                None => {}
            }
        }
    }
    found
}

/// The code and the message of an XML error, as storage services send it; the rest repeats the signature.
fn xml_message(body: &str) -> Option<String> {
    let start = body.trim_start();
    if !start.starts_with("<?xml") && !start.starts_with("<Error") {
        return None;
    }
    let element = |name: &str| {
        let (_, after) = body.split_once(&format!("<{name}>"))?;
        Some(after.split_once(&format!("</{name}>"))?.0)
    };
    let parts: Vec<&str> = [element("Code"), element("Message")].into_iter().flatten().collect();
    Some(parts.join(": "))
}

/// What a refusal names in these members.
fn named<const N: usize>(body: &[u8], members: [&str; N]) -> [Option<String>; N] {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    members.map(|member| answer.get(member)?.as_str().map(str::to_owned))
}

/// Secrets hidden, white space made single, control characters shown, and cut where nobody reads on.
fn one_line(message: &str) -> String {
    let words = redact_text(message);
    let shown: String =
        words.chars().take(MAX_MESSAGE_CHARS).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if words.chars().count() > MAX_MESSAGE_CHARS { format!("{shown}…") } else { shown }
}

/// A header as one line of text; the Hub sends UTF-8 in messages.
fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(one_line(&String::from_utf8_lossy(value.as_bytes()))).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    fn error(path: &str, status: u16, headers: &[(&'static str, &str)], body: &str) -> Error {
        let headers = headers
            .iter()
            .map(|(k, v)| (HeaderName::from_static(k), HeaderValue::from_str(v).unwrap()))
            .collect();
        let url = Url::parse(&format!("https://hub.example{path}")).unwrap();
        refusal(
            &Method::GET,
            &url,
            StatusCode::from_u16(status).unwrap(),
            &headers,
            body.as_bytes(),
            Some("s3cret"),
        )
    }

    #[test]
    fn answers_that_repeat_the_request_keep_its_secrets_hidden() {
        let json = r#"{"error":"no s3cret, Bearer s3cret-s3cret","message":"https://h/?sig=s1gnature"}"#;
        let headers =
            [("x-request-id", "s3cret"), ("x-error-code", "s3cret"), ("x-error-message", "for s3cret")];
        let refused = error("/api/models/x", 400, &headers, json);
        let xml = "<?xml version=\"1.0\"?>\n<Error><Code>SignatureDoesNotMatch</Code><Message>It does not match.</Message>\
                   <SignatureProvided>s1gnature</SignatureProvided></Error>";
        let stored = error("/o", 403, &[("content-type", "application/xml")], xml);
        assert_eq!(
            stored.http().unwrap().message.as_deref(),
            Some("SignatureDoesNotMatch: It does not match.")
        );
        for error in [refused, stored] {
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("s3cret") && !shown.contains("s1gnature"), "{shown}");
        }
    }

    #[test]
    fn kinds_follow_code_message_and_status() {
        let disabled = format!(r#"{{"error":"{DISABLED}"}}"#);
        let cases = [
            ("/api/models/x", 404, vec![("x-error-code", "RepoNotFound")], "", ErrorKind::RepositoryNotFound),
            (
                "/api/models/x",
                404,
                vec![("x-error-code", "RevisionNotFound")],
                "",
                ErrorKind::RevisionNotFound,
            ),
            ("/x/resolve/main/f", 404, vec![("x-error-code", "EntryNotFound")], "", ErrorKind::EntryNotFound),
            ("/x/resolve/main/f", 403, vec![("x-error-code", "GatedRepo")], "", ErrorKind::GatedRepo),
            ("/api/models/x", 403, vec![], &disabled, ErrorKind::DisabledRepo),
            ("/api/models/x", 401, vec![], "", ErrorKind::RepositoryNotFound),
            ("/api/whoami-v2", 401, vec![], "", ErrorKind::Http),
            ("/api/models", 401, vec![], "", ErrorKind::Http),
            ("/api/models/x", 400, vec![], "", ErrorKind::BadRequest),
            ("/api/models/x", 429, vec![], "", ErrorKind::RateLimited),
            ("/api/models/x", 500, vec![], "<html>", ErrorKind::Http),
        ];
        for (path, status, headers, body, kind) in cases {
            assert_eq!(error(path, status, &headers, body).kind(), kind, "{path} {status} {headers:?}");
        }
    }

    #[test]
    fn every_message_is_there_once() {
        let body = r#"{"error":"first","errors":[{"message":"second"},{"message":"first"}]}"#;
        let error =
            error("/api/models/x", 400, &[("x-error-message", "first"), ("x-amzn-trace-id", "Root=1")], body);
        assert_eq!(error.http().unwrap().message.as_deref(), Some("first; second"));
        assert!(error.to_string().ends_with("(request id: Root=1)"), "{error}");
    }

    #[test]
    fn an_error_stays_short_however_many_messages_there_are() {
        let messages: Vec<String> =
            (0..1000).map(|number| format!("{number} {}", "x".repeat(3000))).collect();
        let error = error("/api/models/x", 400, &[], &serde_json::json!({ "error": messages }).to_string());
        assert!(error.to_string().len() < 20_000);
    }

    #[test]
    fn a_conflict_names_the_page_of_what_exists() {
        let body = r#"{"error":"taken","url":"https://hub.example/spaces/me/it"}"#;
        let conflict = error("/api/spaces/you/it/duplicate", 409, &[], body);
        assert_eq!(conflict.http().unwrap().page.as_deref(), Some("https://hub.example/spaces/me/it"));
        assert_eq!(error("/api/models/x", 409, &[], "[]").http().unwrap().page, None);
    }

    #[test]
    fn pages_and_control_characters_stay_out_of_messages() {
        let page = error("/x", 502, &[("content-type", "text/html")], "<html>Bad gateway</html>");
        assert_eq!(page.http().unwrap().message, None);
        let text = error("/x", 502, &[("content-type", "text/plain")], "a\x1b[31m\r\nb");
        assert_eq!(text.http().unwrap().message.as_deref(), Some("a\u{fffd}[31m b"));
        let id = error("/x", 502, &[("x-request-id", "1\u{9b}31m")], "");
        assert_eq!(id.request_id(), Some("1\u{fffd}31m"));
    }
}
