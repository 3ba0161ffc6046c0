//! Parameters as they are given.
use hub_types::{CommitHash, InvalidArgument, RepoId, Revision};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU64;
use std::ops::{Deref, DerefMut};
use std::str::FromStr;

/// A parameter of a checked type, given as that type or as text.
///
/// Text that is no such value is kept as the error that it makes, so that calls chain; the request is then refused
/// before anything is sent.
///
/// ```
/// # use hub_api::{Arg, types::RepoId};
/// let good: Arg<RepoId> = "me/model".into();
/// assert_eq!(good.get().unwrap().name(), "model");
/// let bad: Arg<RepoId> = "../model".into();
/// assert!(bad.get().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arg<T>(Result<T, InvalidArgument>);

impl<T> Arg<T> {
    /// The value.
    ///
    /// # Errors
    /// What was given is no such value.
    pub fn get(&self) -> Result<&T, InvalidArgument> {
        self.0.as_ref().map_err(Clone::clone)
    }
}

impl<T: FromStr<Err = InvalidArgument>> From<&str> for Arg<T> {
    fn from(text: &str) -> Self {
        Self(text.parse())
    }
}

impl<T: FromStr<Err = InvalidArgument>> From<String> for Arg<T> {
    fn from(text: String) -> Self {
        Self(text.parse())
    }
}

impl<T: FromStr<Err = InvalidArgument>> From<&String> for Arg<T> {
    fn from(text: &String) -> Self {
        Self(text.parse())
    }
}

macro_rules! from_value {
    ($($type:ty),*) => {$(
        impl From<$type> for Arg<$type> {
            fn from(value: $type) -> Self {
                Self(Ok(value))
            }
        }
        impl From<&$type> for Arg<$type> {
            fn from(value: &$type) -> Self {
                Self(Ok(value.clone()))
            }
        }
    )*};
}
from_value!(RepoId, Revision);

impl From<CommitHash> for Arg<Revision> {
    fn from(commit: CommitHash) -> Self {
        Self(Ok(commit.into()))
    }
}

macro_rules! from_number {
    ($($type:ty),*) => {$(
        impl From<$type> for Arg<usize> {
            fn from(number: $type) -> Self {
                let refuse = |_| InvalidArgument::new(format!("{number} is no number of items"));
                Self(number.try_into().map_err(refuse))
            }
        }
        impl From<$type> for Arg<NonZeroU64> {
            fn from(number: $type) -> Self {
                let positive = u64::try_from(number).ok().and_then(NonZeroU64::new);
                let refuse = || InvalidArgument::new(format!("{number} is not a number from 1 up"));
                Self(positive.ok_or_else(refuse))
            }
        }
    )*};
}
from_number!(i32, u32, i64, u64, usize);

impl From<NonZeroU64> for Arg<NonZeroU64> {
    fn from(number: NonZeroU64) -> Self {
        Self(Ok(number))
    }
}

impl<T: Serialize> Serialize for Arg<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.as_ref().map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Arg<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self(Ok(T::deserialize(deserializer)?)))
    }
}

/// Several values; in JSON also a single one without brackets, and null for none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Many<T>(Vec<T>);

impl<T> Default for Many<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for Many<T> {
    type Target = Vec<T>;
    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> DerefMut for Many<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

impl<T> IntoIterator for Many<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Many<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<T, U: Into<T>> From<Vec<U>> for Many<T> {
    fn from(values: Vec<U>) -> Self {
        Self(values.into_iter().map(Into::into).collect())
    }
}

impl<T, U: Into<T>, const N: usize> From<[U; N]> for Many<T> {
    fn from(values: [U; N]) -> Self {
        Self(values.into_iter().map(Into::into).collect())
    }
}

impl<T: From<String>> From<&str> for Many<T> {
    fn from(value: &str) -> Self {
        Self(vec![value.to_owned().into()])
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Many<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
            type Value = Many<T>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or a list of values")
            }
            fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
                Ok(Many::default())
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Many(vec![T::deserialize(de::value::StrDeserializer::new(text))?]))
            }
            fn visit_seq<A: de::SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
                Vec::deserialize(de::value::SeqAccessDeserializer::new(seq)).map(Many)
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                Ok(Many(vec![T::deserialize(de::value::MapAccessDeserializer::new(map))?]))
            }
        }
        deserializer.deserialize_any(Visitor(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_and_several_are_both_read() {
        for (json, values) in [("\"a\"", vec!["a"]), ("[\"a\",\"b\"]", vec!["a", "b"]), ("null", vec![])] {
            let many: Many<String> = serde_json::from_str(json).unwrap();
            assert_eq!(*many, values, "{json}");
        }
        assert!(serde_json::from_str::<Many<String>>("3").is_err());
    }

    #[test]
    fn a_number_of_items_is_any_integer_from_zero() {
        assert_eq!(Arg::<usize>::from(10).get(), Ok(&10));
        assert_eq!(Arg::<usize>::from(10_u64), Arg::from(10_usize));
        assert!(Arg::<usize>::from(-1).get().is_err());
        assert!(serde_json::from_str::<Arg<usize>>("-1").is_err());
    }

    #[test]
    fn what_is_counted_from_one_is_never_zero() {
        assert_eq!(Arg::<NonZeroU64>::from(3), NonZeroU64::new(3).unwrap().into());
        for number in [0, -1] {
            assert!(Arg::<NonZeroU64>::from(number).get().is_err());
            assert!(serde_json::from_str::<Arg<NonZeroU64>>(&number.to_string()).is_err());
        }
        assert!(serde_json::from_str::<Arg<NonZeroU64>>("\"1\"").is_err());
    }

    #[test]
    fn a_value_that_breaks_a_rule_is_refused_in_json() {
        let error = serde_json::from_str::<Arg<RepoId>>("\"a//b\"").unwrap_err();
        assert!(error.to_string().contains("invalid repo_id"), "{error}");
    }
}
