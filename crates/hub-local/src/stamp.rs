//! Points in time and random names, in the forms the Hub writes them.
use chrono::{DateTime, SecondsFormat, Utc};

/// The time now, as the Hub writes it: RFC 3339 in UTC to the millisecond.
pub(crate) fn now() -> String {
    Utc::now().to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// The time of a git commit in the same form.
pub(crate) fn from_seconds(seconds: i64) -> String {
    DateTime::<Utc>::from_timestamp(seconds, 0)
        .unwrap_or_default()
        .to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Seconds since 1970.
pub(crate) fn unix_seconds() -> i64 {
    Utc::now().timestamp()
}

/// Milliseconds since 1970.
pub(crate) fn unix_millis() -> i64 {
    Utc::now().timestamp_millis()
}

/// A fresh object id: 24 hex digits, as in `_id`.
pub(crate) fn object_id() -> String {
    random_hex(12)
}

/// As many random bytes from the operating system as asked for, in hex.
pub(crate) fn random_hex(bytes: usize) -> String {
    let mut buffer = vec![0; bytes];
    getrandom::fill(&mut buffer).expect("the operating system has randomness");
    hex::encode(buffer)
}
