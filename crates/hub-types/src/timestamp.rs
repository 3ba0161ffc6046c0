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

fn parse(text: &str) -> Option<DateTime<Utc>> {
    let (date, time) = text.split_once(['T', ' '])?;
    let (year, date) = date.split_once('-')?;
    let (month, day) = date.split_once('-')?;
    let date = NaiveDate::from_ymd_opt(number(year, 4)? as i32, number(month, 2)?, number(day, 2)?)?;

    let zone_at = time.find(['Z', '+', '-']).unwrap_or(time.len());
    let (time, zone) = time.split_at(zone_at);
    let (hour, time) = time.split_once(':')?;
    let (minute, time) = time.split_once(':')?;
    let (second, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let time =
        date.and_hms_nano_opt(number(hour, 2)?, number(minute, 2)?, number(second, 2)?, nanos(fraction)?)?;
    time.and_utc().checked_sub_signed(offset(zone)?)
}

fn number(text: &str, max_digits: usize) -> Option<u32> {
    let plain = (1..=max_digits).contains(&text.len()) && text.bytes().all(|c| c.is_ascii_digit());
    plain.then(|| text.bytes().fold(0, |sum, c| sum * 10 + u32::from(c - b'0')))
}

/// The billionths that the digits after the point stand for; digits past the ninth do not count.
fn nanos(fraction: &str) -> Option<u32> {
    let significant = fraction.get(..fraction.len().min(9))?;
    if !fraction.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    Some(number(significant, 9)? * 10u32.pow(9 - significant.len() as u32))
}

fn offset(zone: &str) -> Option<TimeDelta> {
    let sign = match zone.bytes().next() {
        None => return Some(TimeDelta::zero()),
        Some(b'Z') => return (zone.len() == 1).then(TimeDelta::zero),
        Some(b'-') => -1,
        Some(_) => 1,
    };
    let zone = &zone[1..];
    let (hours, minutes) = match zone.split_once(':') {
        Some(parts) => parts,
        None => zone.split_at_checked(2)?,
    };
    Some(TimeDelta::minutes(sign * i64::from(number(hours, 2)? * 60 + number(minutes, 2)?)))
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
            "+024-01-01T00:00:00Z",
        ];
        for text in refused {
            assert!(parse_datetime(text).is_err(), "{text:?}");
        }
    }
}
