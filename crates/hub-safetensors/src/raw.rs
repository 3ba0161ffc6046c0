//! The header's JSON, read once and with duplicates seen.
//!
//! Maps made by `serde` keep the last of two equal keys and say nothing, so every object is visited by hand
//! here.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::dtype::Dtype;
use crate::error::{Error, Result, reason, shorten};

/// The key of the header that is no tensor.
pub(crate) const METADATA_KEY: &str = "__metadata__";

/// A header as it is written, before its tensors are checked.
pub(crate) struct RawHeader {
    pub metadata: Option<BTreeMap<String, String>>,
    pub tensors: Vec<RawTensor>,
}

/// The entry of one tensor as it is written.
pub(crate) struct RawTensor {
    pub name: String,
    pub dtype: RawDtype,
    pub shape: Vec<u64>,
    pub data_offsets: (u64, u64),
}

/// A dtype as it is written; unknown ones cost a string, known ones nothing.
pub(crate) enum RawDtype {
    Known(Dtype),
    Unknown(String),
}

/// What a value of `__metadata__` may be.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum MetadataValues {
    Strings,
    /// Anything; what is no string is kept as its JSON text.
    Any,
}

impl RawHeader {
    /// Reads the JSON of a header, which is at hand in full.
    pub(crate) fn read(json: &[u8], values: MetadataValues) -> Result<Self> {
        let text =
            std::str::from_utf8(json).map_err(|error| Error::NotUtf8 { at: error.valid_up_to() as u64 })?;
        let mut place = Place::Header;
        let mut reader = serde_json::Deserializer::from_str(text);
        let header = HeaderSeed { place: &mut place, values }.deserialize(&mut reader);
        header.and_then(|header| reader.end().map(|()| header)).map_err(|error| place.explain(&error))
    }
}

/// Where in the header the reader is, to say so when it stops.
enum Place {
    Header,
    Metadata,
    Tensor(String),
    /// Stopped by a rule of the format, not of JSON.
    Fault(Error),
}

impl Place {
    fn explain(self, error: &serde_json::Error) -> Error {
        match self {
            Self::Header => Error::Json { reason: reason(error) },
            Self::Metadata => Error::Metadata { reason: reason(error) },
            Self::Tensor(tensor) => Error::Entry { tensor: shorten(&tensor), reason: reason(error) },
            Self::Fault(fault) => fault,
        }
    }

    fn duplicate<E: serde::de::Error>(&mut self, key: &str) -> E {
        let within = match self {
            Self::Tensor(tensor) => format!("the entry of tensor {:?}", shorten(tensor)),
            Self::Metadata => "`__metadata__`".to_owned(),
            Self::Header | Self::Fault(_) => "the header".to_owned(),
        };
        *self = Self::Fault(Error::DuplicateKey { key: shorten(key), within });
        E::custom("duplicate key")
    }
}

struct HeaderSeed<'p> {
    place: &'p mut Place,
    values: MetadataValues,
}

impl<'de> DeserializeSeed<'de> for HeaderSeed<'_> {
    type Value = RawHeader;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawHeader, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for HeaderSeed<'_> {
    type Value = RawHeader;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawHeader, A::Error> {
        let Self { place, values } = self;
        let mut seen_metadata = false;
        let mut header = RawHeader { metadata: None, tensors: Vec::new() };
        while let Some(name) = map.next_key::<String>()? {
            if name == METADATA_KEY {
                if seen_metadata {
                    return Err(place.duplicate(METADATA_KEY));
                }
                seen_metadata = true;
                *place = Place::Metadata;
                header.metadata = map.next_value_seed(MetadataSeed { place, values })?;
            } else {
                *place = Place::Tensor(name);
                let tensor = map.next_value_seed(EntrySeed { place })?;
                header.tensors.push(tensor);
            }
            *place = Place::Header;
        }
        Ok(header)
    }
}

struct MetadataSeed<'p> {
    place: &'p mut Place,
    values: MetadataValues,
}

impl<'de> DeserializeSeed<'de> for MetadataSeed<'_> {
    type Value = Option<BTreeMap<String, String>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for MetadataSeed<'_> {
    type Value = Option<BTreeMap<String, String>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of strings or null")
    }

    fn visit_none<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut metadata = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            if metadata.contains_key(&key) {
                return Err(self.place.duplicate(&key));
            }
            let value = match self.values {
                MetadataValues::Strings => map.next_value::<String>()?,
                MetadataValues::Any => match map.next_value::<serde_json::Value>()? {
                    serde_json::Value::String(text) => text,
                    other => other.to_string(),
                },
            };
            metadata.insert(key, value);
        }
        Ok(Some(metadata))
    }
}

/// Reads the entry of the tensor that `place` names, and takes the name from there.
struct EntrySeed<'p> {
    place: &'p mut Place,
}

impl<'de> DeserializeSeed<'de> for EntrySeed<'_> {
    type Value = RawTensor;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawTensor, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EntrySeed<'_> {
    type Value = RawTensor;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with dtype, shape and data_offsets")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RawTensor, A::Error> {
        let (mut dtype, mut shape, mut data_offsets) = (None, None, None);
        while let Some(field) = map.next_key_seed(FieldSeed)? {
            match field {
                Field::Dtype if dtype.is_some() => return Err(self.place.duplicate("dtype")),
                Field::Shape if shape.is_some() => return Err(self.place.duplicate("shape")),
                Field::DataOffsets if data_offsets.is_some() => {
                    return Err(self.place.duplicate("data_offsets"));
                }
                Field::Dtype => dtype = Some(map.next_value_seed(DtypeSeed)?),
                Field::Shape => shape = Some(map.next_value::<Vec<u64>>()?),
                Field::DataOffsets => data_offsets = Some(map.next_value_seed(OffsetsSeed)?),
                Field::Other => map.next_value_seed(Skip)?,
            }
        }
        let dtype = dtype.ok_or_else(|| A::Error::missing_field("dtype"))?;
        let shape = shape.ok_or_else(|| A::Error::missing_field("shape"))?;
        let data_offsets = data_offsets.ok_or_else(|| A::Error::missing_field("data_offsets"))?;
        let Place::Tensor(name) = std::mem::replace(self.place, Place::Header) else {
            return Err(A::Error::custom("entry without a name"));
        };
        Ok(RawTensor { name, dtype, shape, data_offsets })
    }
}

enum Field {
    Dtype,
    Shape,
    DataOffsets,
    Other,
}

struct FieldSeed;

impl<'de> DeserializeSeed<'de> for FieldSeed {
    type Value = Field;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Field, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for FieldSeed {
    type Value = Field;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_str<E>(self, name: &str) -> Result<Field, E> {
        Ok(match name {
            "dtype" => Field::Dtype,
            "shape" => Field::Shape,
            "data_offsets" => Field::DataOffsets,
            _ => Field::Other,
        })
    }
}

struct DtypeSeed;

impl<'de> DeserializeSeed<'de> for DtypeSeed {
    type Value = RawDtype;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<RawDtype, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for DtypeSeed {
    type Value = RawDtype;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a dtype")
    }

    fn visit_str<E>(self, name: &str) -> Result<RawDtype, E> {
        Ok(name.parse().map_or_else(|_| RawDtype::Unknown(name.to_owned()), RawDtype::Known))
    }
}

struct OffsetsSeed;

impl<'de> DeserializeSeed<'de> for OffsetsSeed {
    type Value = (u64, u64);

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for OffsetsSeed {
    type Value = (u64, u64);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("exactly two offsets")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        let begin = sequence.next_element()?.ok_or_else(|| A::Error::invalid_length(0, &self))?;
        let end = sequence.next_element()?.ok_or_else(|| A::Error::invalid_length(1, &self))?;
        match sequence.next_element::<IgnoredAny>()? {
            None => Ok((begin, end)),
            Some(_) => Err(A::Error::invalid_length(3, &self)),
        }
    }
}

/// Reads a value and forgets it.
///
/// `IgnoredAny` would do, but it skips without a limit of depth and without a look at strings and numbers:
/// the format's library refuses what is nested deeper than 128, and so does this.
struct Skip;

impl<'de> DeserializeSeed<'de> for Skip {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Skip {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        while sequence.next_element_seed(Self)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_key::<String>()?.is_some() {
            map.next_value_seed(Self)?;
        }
        Ok(())
    }
}
