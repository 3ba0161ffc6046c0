//! The error of a refusal: a status line, headers as `name: value`, an empty line and the body. Its message is one line
//! of bounded length, without control characters.

#![no_main]

use hub_fuzz::{first_line, text};
use hub_http::fuzz::refusal;
use hub_http::header::{HeaderMap, HeaderName, HeaderValue};
use hub_http::{StatusCode, Url};
use libfuzzer_sys::fuzz_target;

/// Several messages of 2,000 characters each are as much as anybody reads.
const MAX_CHARS: usize = 20_000;

fuzz_target!(|data: &[u8]| {
    let text = text(data);
    let (status, rest) = first_line(&text);
    let (head, body) = rest.split_once("\n\n").unwrap_or((rest, ""));
    let status = status.trim().parse().ok().and_then(|code: u16| StatusCode::from_u16(code).ok());
    let mut headers = HeaderMap::new();
    for (name, value) in head.lines().filter_map(|line| line.split_once(':')) {
        // From bytes: the Hub sends UTF-8 in messages.
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_bytes(value.as_bytes()))
        {
            headers.append(name, value);
        }
    }
    let url = Url::parse("https://me:s3cret@hub.example/api/models/me/m?sig=s3cret").expect("a constant");
    let said_by_server = text.contains("s3cret");
    let error = refusal(&url, status.unwrap_or(StatusCode::BAD_GATEWAY), &headers, body.as_bytes());
    for shown in [error.to_string(), error.full_message()] {
        assert!(!shown.contains(char::is_control), "control character in {shown:?}");
        assert!(shown.chars().count() <= MAX_CHARS, "a message of {} characters", shown.chars().count());
        assert!(said_by_server || !shown.contains("s3cret"), "{shown}");
    }
});
