//! When to try again, and how long to wait before it.
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use std::time::{Duration, SystemTime};

/// How often and how patiently a request is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How many times a request is sent at most; 1 means no retries.
    pub max_attempts: u32,
    /// The wait before the second attempt; it doubles each time.
    pub base: Duration,
    /// The longest wait that is chosen here.
    pub cap: Duration,
    /// The longest wait that a server may ask for; a longer one is an error that says how long.
    pub max_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            base: Duration::from_millis(300),
            cap: Duration::from_secs(20),
            max_wait: Duration::from_secs(600),
        }
    }
}

impl RetryPolicy {
    /// A policy that never repeats.
    pub const fn never() -> Self {
        Self { max_attempts: 1, base: Duration::ZERO, cap: Duration::ZERO, max_wait: Duration::ZERO }
    }

    /// The wait after the given number of attempts: exponential, with half of it random.
    pub fn backoff(&self, attempts: u32) -> Duration {
        let doubled = self.base.saturating_mul(1 << attempts.saturating_sub(1).min(16));
        doubled.min(self.cap).mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

/// Whether an answer of this status may be different the next time.
pub(crate) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// How long the server asks to wait: `Retry-After` in seconds or as a date, or `RateLimit` with nothing left.
pub(crate) fn asked_wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(value) = text(RETRY_AFTER.as_str()) {
        let value = value.trim();
        if let Ok(seconds) = value.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        if let Ok(date) = httpdate::parse_http_date(value) {
            return Some(date.duration_since(now).unwrap_or_default());
        }
    }
    exhausted_for(text("ratelimit")?)
}

/// The reset time in a `RateLimit` header such as `"api";r=0;t=55`, if no request is left.
fn exhausted_for(value: &str) -> Option<Duration> {
    value
        .split(',')
        .filter_map(|policy| {
            let param = |name: &str| {
                policy.split(';').find_map(|part| {
                    part.trim().strip_prefix(name)?.trim().strip_prefix('=')?.trim().parse::<u64>().ok()
                })
            };
            (param("r")? == 0).then(|| param("t")).flatten()
        })
        .max()
        .map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    fn wait(name: &'static str, value: &str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
        asked_wait(&headers, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn asked_waits_are_read() {
        let cases = [
            ("retry-after", "5", Some(5)),
            ("retry-after", " 7 ", Some(7)),
            ("retry-after", "0", Some(0)),
            ("retry-after", "1000000000", Some(1_000_000_000)),
            ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
            ("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("retry-after", "-5", None),
            ("retry-after", "soon", None),
            ("ratelimit", "\"api\";r=0;t=55", Some(55)),
            ("ratelimit", "\"api\";r=3;t=55", None),
            ("ratelimit", "\"a\";r=0;t=2, \"b\";r=0;t=9", Some(9)),
            ("ratelimit", "garbage", None),
        ];
        for (name, value, seconds) in cases {
            assert_eq!(wait(name, value), seconds, "{name}: {value}");
        }
    }

    #[test]
    fn backoff_doubles_up_to_the_cap() {
        let policy = RetryPolicy::default();
        for attempts in 1..40 {
            let wait = policy.backoff(attempts);
            assert!(wait <= policy.cap && wait >= policy.base.min(policy.cap) / 2, "{attempts}: {wait:?}");
        }
    }
}
