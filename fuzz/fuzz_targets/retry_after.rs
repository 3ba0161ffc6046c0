//! `Retry-After` and `RateLimit`: headers, one a line, as `name: value`. Whatever they ask for can be waited for, or
//! compared with a limit.

#![no_main]

use hub_fuzz::text;
use hub_http::fuzz::asked_wait;
use hub_http::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use hub_http::{RetryPolicy, Timeout};
use libfuzzer_sys::fuzz_target;
use std::time::{Duration, SystemTime};

fuzz_target!(|data: &[u8]| {
    let text = text(data);
    let mut headers = HeaderMap::new();
    for (name, value) in text.lines().filter_map(|line| line.split_once(':')) {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), HeaderValue::from_str(value)) {
            headers.insert(name, value);
        }
    }
    // A clock at the beginning of time, one that is right, and one far ahead.
    for now in
        [0, 1_750_000_000, 1 << 40].map(|seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
    {
        let wait = asked_wait(&headers, now);
        let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
        if let Some(seconds) = seconds {
            assert_eq!(wait, Some(Duration::from_secs(seconds)));
        }
        if let Some(wait) = wait {
            let _ = Timeout::new(wait).to_string();
            let _ = wait <= RetryPolicy::default().max_wait;
        }
    }
});
