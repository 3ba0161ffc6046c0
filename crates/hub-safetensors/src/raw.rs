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

/// The entry of one tensor as it is written, before it is checked.
pub(crate) struct RawTensor {
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

/// Reads the JSON of a header, which is at hand in full: gives each tensor with its name to `take`, and returns the
/// metadata.
pub(crate) fn read_header(
    json: &[u8],
    values: MetadataValues,
    take: impl FnMut(&str, RawTensor) -> Result<()>,
) -> Result<Option<BTreeMap<String, String>>> {
    let text =
        std::str::from_utf8(json).map_err(|error| Error::NotUtf8 { at: error.valid_up_to() as u64 })?;
    let mut state = State { place: Place::Header, name: String::new(), shape: Vec::new() };
    let mut reader = serde_json::Deserializer::from_str(text);
    let header = HeaderSeed { state: &mut state, values, take }.deserialize(&mut reader);
    header.and_then(|metadata| reader.end().map(|()| metadata)).map_err(|error| state.explain(&error))
}

/// Where the reader is, and the buffers that it uses again and again.
struct State {
    place: Place,
    /// The tensor, or the one before.
    name: String,
    shape: Vec<u64>,
}

/// Where in the header the reader is, to say so when it stops.
enum Place {
    Header,
    Metadata,
    Tensor,
    /// Stopped by a rule of the format, not of JSON.
    Fault(Error),
}

impl State {
    fn explain(self, error: &serde_json::Error) -> Error {
        match self.place {
            Place::Header => Error::Json { reason: reason(error) },
            Place::Metadata => Error::Metadata { reason: reason(error) },
            Place::Tensor => Error::Entry { tensor: shorten(&self.name), reason: reason(error) },
            Place::Fault(fault) => fault,
        }
    }

    fn stop<E: serde::de::Error>(&mut self, fault: Error) -> E {
        self.place = Place::Fault(fault);
        E::custom("a rule of the format is broken")
    }

    fn duplicate<E: serde::de::Error>(&mut self, key: &str) -> E {
        let within = match self.place {
            Place::Tensor => format!("the entry of tensor {:?}", shorten(&self.name)),
            Place::Metadata => "`__metadata__`".to_owned(),
            Place::Header | Place::Fault(_) => "the header".to_owned(),
        };
        self.stop(Error::DuplicateKey { key: shorten(key), within })
    }
}

struct HeaderSeed<'s, F> {
    state: &'s mut State,
    values: MetadataValues,
    take: F,
}

impl<'de, F: FnMut(&str, RawTensor) -> Result<()>> DeserializeSeed<'de> for HeaderSeed<'_, F> {
    type Value = Option<BTreeMap<String, String>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnMut(&str, RawTensor) -> Result<()>> Visitor<'de> for HeaderSeed<'_, F> {
    type Value = Option<BTreeMap<String, String>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Self { state, values, mut take } = self;
        let (mut seen_metadata, mut metadata) = (false, None);
        while map.next_key_seed(Text(&mut state.name))?.is_some() {
            if state.name == METADATA_KEY {
                if seen_metadata {
                    return Err(state.duplicate(METADATA_KEY));
                }
                seen_metadata = true;
                state.place = Place::Metadata;
                metadata = map.next_value_seed(MetadataSeed { state, values })?;
            } else {
                state.place = Place::Tensor;
                let tensor = map.next_value_seed(EntrySeed { state })?;
                take(&state.name, tensor).map_err(|fault| state.stop(fault))?;
            }
            state.place = Place::Header;
        }
        Ok(metadata)
    }
}

/// Reads a text into a buffer, instead of what is there.
pub(crate) struct Text<'t>(pub &'t mut String);

impl<'de> DeserializeSeed<'de> for Text<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Text<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E>(self, text: &str) -> Result<(), E> {
        self.0.clear();
        self.0.push_str(text);
        Ok(())
    }
}

struct MetadataSeed<'s> {
    state: &'s mut State,
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
                return Err(self.state.duplicate(&key));
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

/// Reads the entry of a tensor.
struct EntrySeed<'s> {
    state: &'s mut State,
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
                Field::Dtype if dtype.is_some() => return Err(self.state.duplicate("dtype")),
                Field::Shape if shape.is_some() => return Err(self.state.duplicate("shape")),
                Field::DataOffsets if data_offsets.is_some() => {
                    return Err(self.state.duplicate("data_offsets"));
                }
                Field::Dtype => dtype = Some(map.next_value_seed(DtypeSeed)?),
                Field::Shape => shape = Some(map.next_value_seed(ShapeSeed(&mut self.state.shape))?),
                Field::DataOffsets => data_offsets = Some(map.next_value_seed(OffsetsSeed)?),
                Field::Other => map.next_value_seed(Skip)?,
            }
        }
        let dtype = dtype.ok_or_else(|| A::Error::missing_field("dtype"))?;
        let shape = shape.ok_or_else(|| A::Error::missing_field("shape"))?;
        let data_offsets = data_offsets.ok_or_else(|| A::Error::missing_field("data_offsets"))?;
        Ok(RawTensor { dtype, shape, data_offsets })
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

/// Reads a shape by way of a buffer, so that it takes no more room than it needs.
struct ShapeSeed<'b>(&'b mut Vec<u64>);

impl<'de> DeserializeSeed<'de> for ShapeSeed<'_> {
    type Value = Vec<u64>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for ShapeSeed<'_> {
    type Value = Vec<u64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Self::Value, A::Error> {
        self.0.clear();
        while let Some(dimension) = sequence.next_element()? {
            self.0.push(dimension);
        }
        Ok(self.0.clone())
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
