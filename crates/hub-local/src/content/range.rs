//! The `Range` header.
use axum::http::{HeaderMap, header};

/// Which part of a file is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asked {
    /// All of it: no range, or one that is not understood and so is ignored.
    Whole,
    /// `length` bytes from `start`.
    Part { start: u64, length: u64 },
    /// A range that begins after the end: 416.
    Unsatisfiable,
}

/// The part of a file of `size` bytes that a request asks for.
///
/// Several ranges at once are answered with the whole file, which the specification allows.
pub(crate) fn asked_range(headers: &HeaderMap, size: u64) -> Asked {
    let value = headers.get(header::RANGE).and_then(|value| value.to_str().ok());
    value.and_then(|value| parse(value, size)).unwrap_or(Asked::Whole)
}

/// Whether `If-Range`, if there is one, names the content that is there now.
pub(crate) fn if_range_holds(headers: &HeaderMap, etag: &str) -> bool {
    headers.get(header::IF_RANGE).is_none_or(|value| value.as_bytes() == etag.as_bytes())
}

fn parse(value: &str, size: u64) -> Option<Asked> {
    let (first, last) = value.strip_prefix("bytes=")?.trim().split_once('-')?;
    if first.is_empty() {
        let suffix: u64 = last.parse().ok()?;
        let length = suffix.min(size);
        return Some(if length == 0 {
            Asked::Unsatisfiable
        } else {
            Asked::Part { start: size - length, length }
        });
    }
    let start: u64 = first.parse().ok()?;
    let last: u64 = if last.is_empty() { u64::MAX } else { last.parse().ok()? };
    if last < start {
        return None;
    }
    if start >= size {
        return Some(Asked::Unsatisfiable);
    }
    Some(Asked::Part { start, length: last.min(size - 1) - start + 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        let part = |start, length| Some(Asked::Part { start, length });
        let cases = [
            ("bytes=0-9", part(0, 10)),
            ("bytes=5-", part(5, 95)),
            ("bytes=90-1000", part(90, 10)),
            ("bytes=-10", part(90, 10)),
            ("bytes=-1000", part(0, 100)),
            ("bytes=100-", Some(Asked::Unsatisfiable)),
            ("bytes=-0", Some(Asked::Unsatisfiable)),
            ("bytes=9-5", None),
            ("bytes=0-1,3-4", None),
            ("items=0-1", None),
            ("bytes=18446744073709551616-", None),
        ];
        for (value, expected) in cases {
            assert_eq!(parse(value, 100), expected, "{value}");
        }
    }
}
