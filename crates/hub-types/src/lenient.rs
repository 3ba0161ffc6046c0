//! Reading what the Hub sends where it means "nothing": null, false, an empty text, array or object.
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, Deserializer, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use std::{borrow::Cow, fmt, marker::PhantomData};

/// Reads null as the default value, to go with `#[serde(default)]` for fields that are missing.
pub(crate) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// A number of things, or none; floats without a fraction are read as well.
pub(crate) struct Count(pub Option<u64>);

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(CountVisitor).map(Self)
    }
}

struct CountVisitor;

impl Visitor<'_> for CountVisitor {
    type Value = Option<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number of things")
    }

    fn visit_u64<E: serde::de::Error>(self, count: u64) -> Result<Self::Value, E> {
        Ok(Some(count))
    }

    fn visit_f64<E: serde::de::Error>(self, count: f64) -> Result<Self::Value, E> {
        // Above 2^53 a float does not say which integer it was.
        if count.fract() == 0.0 && (0.0..=9_007_199_254_740_992.0).contains(&count) {
            Ok(Some(count as u64))
        } else {
            Err(E::invalid_value(serde::de::Unexpected::Float(count), &self))
        }
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// Reads an object, and anything that Python takes for false as none.
pub(crate) fn filled<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Ok(Filled::deserialize(deserializer)?.0)
}

/// An object that is not empty, or none.
pub(crate) struct Filled<T>(pub Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Filled<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(FilledVisitor(PhantomData)).map(Self)
    }
}

struct FilledVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for FilledVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or nothing")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut rest: A) -> Result<Self::Value, A::Error> {
        match rest.next_key::<Cow<'de, str>>()? {
            Some(key) => {
                T::deserialize(MapAccessDeserializer::new(Pushed { first: Some(key), rest })).map(Some)
            }
            None => Ok(None),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        match items.next_element::<IgnoredAny>()? {
            Some(_) => Err(serde::de::Error::invalid_type(serde::de::Unexpected::Seq, &self)),
            None => Ok(None),
        }
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
        match text {
            "" => Ok(None),
            _ => Err(E::invalid_type(serde::de::Unexpected::Str(text), &self)),
        }
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Self::Value, E> {
        match value {
            false => Ok(None),
            true => Err(E::invalid_type(serde::de::Unexpected::Bool(true), &self)),
        }
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

/// A map whose first key was read to see that there is one.
struct Pushed<'de, A> {
    first: Option<Cow<'de, str>>,
    rest: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Pushed<'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: serde::de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        match self.first.take() {
            Some(key) => seed.deserialize(key.into_deserializer()).map(Some),
            None => self.rest.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: serde::de::DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, A::Error> {
        self.rest.next_value_seed(seed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Point {
        x: u8,
        y: u8,
    }

    #[test]
    fn a_count_may_be_written_as_a_float() {
        let read = |json: &str| serde_json::from_str::<Count>(json).map(|count| count.0);
        for (json, count) in [("7", Some(7)), ("7.0", Some(7)), ("1e3", Some(1000)), ("null", None)] {
            assert_eq!(read(json).unwrap(), count, "{json}");
        }
        for wrong in ["-1", "0.5", "-1.0", "1e300", "\"7\"", "true"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_a_filled_object_is_something() {
        for nothing in ["null", "{}", "[]", "\"\"", "false"] {
            assert_eq!(serde_json::from_str::<Filled<Point>>(nothing).unwrap().0, None, "{nothing}");
        }
        for wrong in [r#"{"x":1}"#, "[1]", "\"x\"", "true"] {
            assert!(serde_json::from_str::<Filled<Point>>(wrong).is_err(), "{wrong}");
        }
        let point = serde_json::from_str::<Filled<Point>>(r#"{"x":1,"y":2}"#).unwrap();
        assert_eq!(point.0, Some(Point { x: 1, y: 2 }));
    }
}
