//! Points in time as the Hub writes them.
use crate::InvalidArgument;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::de::{Deserializer, Error, Visitor};
use std::fmt;

/// Reads a point in time: `2024-03-01T10:11:12.345Z`.
///
/// Any number of fractional digits is accepted, a space for the `T`, an offset for the `Z`; without either the time
/// is taken for UTC.
///
/// ```
/// # use hub_types::parse_datetime;
/// assert_eq!(parse_datetime("2024-03-01T10:00:00.5Z")?, parse_datetime("2024-03-01 11:00:00.500+01:00")?);
/// # Ok::<(), hub_types::InvalidArgument>(())
/// ```
///
/// # Errors
/// The text is no date and time.
pub fn parse_datetime(text: &str) -> Result<DateTime<Utc>, InvalidArgument> {
    parse(text).ok_or_else(|| {
        InvalidArgument::new(format!("invalid time {text:?}: it must look like `2024-03-01T10:11:12.345Z`"))
    })
}

/// Fields are found by their place: listings have two times an entry, and searching for separators shows there.
fn parse(text: &str) -> Option<DateTime<Utc>> {
    let (moment, rest) = text.as_bytes().split_first_chunk::<19>()?;
    let [_, _, _, _, b'-', _, _, b'-', _, _, b'T' | b' ', _, _, b':', _, _, b':', _, _] = moment else {
        return None;
    };
    let field = |from, to| number(&moment[from..to]);
    let date = NaiveDate::from_ymd_opt(i32::try_from(field(0, 4)?).ok()?, field(5, 7)?, field(8, 10)?)?;

    let (nanos, zone) = match rest.split_first() {
        Some((b'.', rest)) => {
            let digits = rest.iter().take_while(|c| c.is_ascii_digit()).count();
            (nanos(&rest[..digits])?, &rest[digits..])
        }
        _ => (0, rest),
    };
    let time = date.and_hms_nano_opt(field(11, 13)?, field(14, 16)?, field(17, 19)?, nanos)?;
    match zone {
        b"" | b"Z" => Some(time.and_utc()),
        _ => time.and_utc().checked_sub_signed(offset(zone)?),
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0u32, |sum, c| c.is_ascii_digit().then(|| sum * 10 + u32::from(c - b'0')))
}

/// The billionths that the digits after the point stand for; digits past the ninth do not count.
fn nanos(digits: &[u8]) -> Option<u32> {
    let significant = &digits[..digits.len().min(9)];
    if significant.is_empty() {
        return None;
    }
    Some(number(significant)? * 10u32.pow(9 - significant.len() as u32))
}

/// The distance from UTC: `+hh:mm` or `+hhmm`.
fn offset(zone: &[u8]) -> Option<TimeDelta> {
    let (sign, hours, minutes) = match zone {
        [sign, h1, h2, b':', m1, m2] | [sign, h1, h2, m1, m2] => (sign, [*h1, *h2], [*m1, *m2]),
        _ => return None,
    };
    let minutes = i64::from(number(&hours)? * 60 + number(&minutes)?);
    match sign {
        b'+' => Some(TimeDelta::minutes(minutes)),
        b'-' => Some(TimeDelta::minutes(-minutes)),
        _ => None,
    }
}

/// Reads a time that must be there.
pub(crate) fn required<'de, D: Deserializer<'de>>(deserializer: D) -> Result<DateTime<Utc>, D::Error> {
    optional(deserializer)?.ok_or_else(|| D::Error::custom("the time is missing"))
}

/// Reads a time that may be null or empty.
pub(crate) fn optional<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<DateTime<Utc>>, D::Error> {
    deserializer.deserialize_any(TimestampVisitor)
}

/// A time that may be null or empty.
pub(crate) struct Timestamp(pub Option<DateTime<Utc>>);

impl<'de> serde::Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        optional(deserializer).map(Self)
    }
}

struct TimestampVisitor;

impl Visitor<'_> for TimestampVisitor {
    type Value = Option<DateTime<Utc>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time such as `2024-03-01T10:11:12.345Z`")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        if text.is_empty() {
            return Ok(None);
        }
        parse_datetime(text).map(Some).map_err(E::custom)
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_the_hub_are_read() {
        let cases = [
            ("2022-08-19T07:19:38.123Z", "2022-08-19T07:19:38.123Z"),
            ("2024-11-16T00:27:02Z", "2024-11-16T00:27:02Z"),
            ("2023-10-26T12:41:53.263078506Z", "2023-10-26T12:41:53.263078506Z"),
            ("2023-10-26T12:41:53.26307850612Z", "2023-10-26T12:41:53.263078506Z"),
            ("2024-01-01T00:00:00.5", "2024-01-01T00:00:00.500Z"),
            ("2024-01-01 02:30:00+02:30", "2024-01-01T00:00:00Z"),
            ("2023-12-31T23:00:00.000-0100", "2024-01-01T00:00:00Z"),
        ];
        for (text, written) in cases {
            let json = serde_json::to_string(&parse_datetime(text).unwrap()).unwrap();
            assert_eq!(json, format!("{written:?}"), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let refused = [
            "",
            "yesterday",
            "2024-01-01",
            "2024-13-01T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00Zx",
            "2024-01-01T00:00:00+é",
            "2024-01-01T00:00:00*0100",
            "2024-1-1T0:0:0.000000Z",
            "+024-01-01T00:00:00Z",
        ];
        for text in refused {
            assert!(parse_datetime(text).is_err(), "{text:?}");
        }
    }
}
