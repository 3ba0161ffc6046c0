//! The index of a sharded model: which file has which tensor.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::error::{Error, Result, reason, shorten};
use crate::raw::Text;
use crate::tensor_map::Entries;
use crate::weight_map::WeightMap;

/// The longest index file that is read unless another limit is given.
pub const MAX_INDEX_LEN: u64 = 100_000_000;

/// How long the entry of a tensor is at least, for all but the smallest models; the name is less than two thirds of it.
const BYTES_OF_A_TENSOR: usize = 64;

/// A parsed `model.safetensors.index.json`.
///
/// The names of its shards are plain file names, checked so that they can be joined to a folder: no
/// separators, no drives, no `..`. Whether the shards exist and have their tensors shows only when they are
/// opened.
///
/// ```
/// use hub_safetensors::Index;
///
/// let json = br#"{"metadata": {"total_size": 12}, "weight_map": {"a": "m-1.safetensors", "b": "m-2.safetensors"}}"#;
/// let index = Index::parse(json)?;
/// assert_eq!(index.shard_of("b"), Some("m-2.safetensors"));
/// assert_eq!(index.total_size(), Some(12));
///
/// let error = Index::parse(br#"{"weight_map": {"a": "../secret"}}"#).unwrap_err();
/// assert_eq!(error.to_string(), r#"the index puts tensor "a" into "../secret", which is not a plain file name"#);
/// # Ok::<(), hub_safetensors::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Index {
    metadata: Option<Map<String, Value>>,
    weight_map: WeightMap,
}

impl Index {
    /// Reads an index of up to [`MAX_INDEX_LEN`] bytes.
    ///
    /// # Errors
    ///
    /// [`Error::IndexTooLarge`], [`Error::Index`], [`Error::DuplicateKey`] and [`Error::ShardName`].
    pub fn parse(json: &[u8]) -> Result<Self> {
        Self::parse_with_limit(json, MAX_INDEX_LEN)
    }

    /// Reads an index of up to `limit` bytes.
    ///
    /// # Errors
    ///
    /// As [`Index::parse`].
    pub fn parse_with_limit(json: &[u8], limit: u64) -> Result<Self> {
        let len = json.len() as u64;
        if len > limit {
            return Err(Error::IndexTooLarge { len, limit });
        }
        let text = std::str::from_utf8(json)
            .map_err(|error| Error::Index { reason: format!("not UTF-8 at byte {}", error.valid_up_to()) })?;
        let mut fault = None;
        let mut reader = serde_json::Deserializer::from_str(text);
        let index = IndexSeed { fault: &mut fault, len: text.len() }.deserialize(&mut reader);
        let read = index.and_then(|index| reader.end().map(|()| index));
        read.map_err(|error| fault.unwrap_or_else(|| Error::Index { reason: reason(&error) }))
    }

    /// Returns the metadata of the index, if it has any.
    pub fn metadata(&self) -> Option<&Map<String, Value>> {
        self.metadata.as_ref()
    }

    /// Returns the number of bytes that the index claims for all tensors.
    ///
    /// Tools write it with care or without; nothing here relies on it.
    pub fn total_size(&self) -> Option<u64> {
        let value = self.metadata.as_ref()?.get("total_size")?;
        // Some tools write the sum as a float.
        let whole = |size: &f64| size.fract() == 0.0 && (0.0..9e15).contains(size);
        value.as_u64().or_else(|| value.as_f64().filter(whole).map(|size| size as u64))
    }

    /// Returns the names of all shards in order.
    pub fn shards(&self) -> &[String] {
        self.weight_map.files()
    }

    /// Returns the shard of a tensor.
    pub fn shard_of(&self, tensor: &str) -> Option<&str> {
        self.weight_map.get(tensor)
    }

    /// Returns every tensor with its shard, in the order of the names.
    pub fn weight_map(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.weight_map.iter()
    }

    /// Takes the metadata and the shard of every tensor.
    pub(crate) fn into_parts(self) -> (Option<Map<String, Value>>, WeightMap) {
        (self.metadata, self.weight_map)
    }

    /// Sorts wanted tensors by their shards, so that each shard is read once.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchTensor`] for a name that the index does not have.
    pub fn group_by_shard<'n, S: AsRef<str> + ?Sized + 'n>(
        &self,
        names: impl IntoIterator<Item = &'n S>,
    ) -> Result<BTreeMap<&str, Vec<&'n str>>> {
        let mut groups: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for name in names {
            let name = name.as_ref();
            let shard = self.shard_of(name).ok_or_else(|| Error::NoSuchTensor { tensor: shorten(name) })?;
            groups.entry(shard).or_default().push(name);
        }
        Ok(groups)
    }
}

/// Whether a name stays a name in its folder on every system.
pub(crate) fn is_plain_file_name(name: &str) -> bool {
    let separates = |c: char| matches!(c, '/' | '\\' | ':') || c.is_control();
    !matches!(name, "" | "." | "..") && name.len() <= 255 && !name.contains(separates)
}

struct IndexSeed<'f> {
    fault: &'f mut Option<Error>,
    /// How long the text is.
    len: usize,
}

impl<'de> DeserializeSeed<'de> for IndexSeed<'_> {
    type Value = Index;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Index, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for IndexSeed<'_> {
    type Value = Index;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with weight_map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Index, A::Error> {
        let (mut metadata, mut weights) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "metadata" if metadata.is_some() => return Err(duplicate(self.fault, &key, "the index")),
                "weight_map" if weights.is_some() => return Err(duplicate(self.fault, &key, "the index")),
                "metadata" => metadata = Some(map.next_value::<Option<Map<String, Value>>>()?),
                "weight_map" => {
                    let seed = WeightMapSeed { fault: self.fault, len: self.len };
                    weights = Some(map.next_value_seed(seed)?);
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let weight_map = weights.ok_or_else(|| A::Error::missing_field("weight_map"))?;
        Ok(Index { metadata: metadata.flatten(), weight_map })
    }
}

struct WeightMapSeed<'f> {
    fault: &'f mut Option<Error>,
    len: usize,
}

impl<'de> DeserializeSeed<'de> for WeightMapSeed<'_> {
    type Value = WeightMap;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for WeightMapSeed<'_> {
    type Value = WeightMap;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of file names")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut shards = Shards::default();
        let mut weights = Entries::with_capacity(self.len / BYTES_OF_A_TENSOR, self.len / 3 * 2);
        let mut tensor = String::new();
        while map.next_key_seed(Text(&mut tensor))?.is_some() {
            let seed = ShardSeed { shards: &mut shards, tensor: &tensor, fault: self.fault };
            let shard = map.next_value_seed(seed)?;
            weights.push(&tensor, shard).map_err(A::Error::custom)?;
        }
        let (shards, places) = shards.in_order();
        weights.values_mut().for_each(|shard| *shard = places[*shard as usize]);
        match weights.into_map() {
            Ok(weights) => Ok(WeightMap::from_sorted(shards, weights)),
            Err(tensor) => Err(duplicate(self.fault, &tensor, "`weight_map`")),
        }
    }
}

/// The names of shards, numbered as they come.
#[derive(Default)]
struct Shards {
    numbers: BTreeMap<String, u32>,
    /// Neighbours are mostly in one shard.
    last: Option<(String, u32)>,
}

impl Shards {
    /// The number of a shard; `None` if its name leads out of its folder.
    fn number(&mut self, shard: &str) -> Option<u32> {
        match &self.last {
            Some((name, number)) if name == shard => return Some(*number),
            _ => {}
        }
        // No text has as many names.
        let next = self.numbers.len() as u32;
        let number = match self.numbers.get(shard) {
            Some(&number) => number,
            None if is_plain_file_name(shard) => *self.numbers.entry(shard.to_owned()).or_insert(next),
            None => return None,
        };
        self.last = Some((shard.to_owned(), number));
        Some(number)
    }

    /// The names in order, and the place in that order of each number.
    fn in_order(self) -> (Vec<String>, Vec<u32>) {
        let mut places = vec![0; self.numbers.len()];
        for (place, &number) in (0..).zip(self.numbers.values()) {
            places[number as usize] = place;
        }
        (self.numbers.into_keys().collect(), places)
    }
}

/// Reads the name of the shard of a tensor, and gives its number.
struct ShardSeed<'s> {
    shards: &'s mut Shards,
    tensor: &'s str,
    fault: &'s mut Option<Error>,
}

impl<'de> DeserializeSeed<'de> for ShardSeed<'_> {
    type Value = u32;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u32, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for ShardSeed<'_> {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a file name")
    }

    fn visit_str<E: serde::de::Error>(self, shard: &str) -> Result<u32, E> {
        self.shards.number(shard).ok_or_else(|| {
            *self.fault = Some(Error::ShardName { tensor: shorten(self.tensor), shard: shorten(shard) });
            E::custom("shard name")
        })
    }
}

fn duplicate<E: serde::de::Error>(fault: &mut Option<Error>, key: &str, within: &str) -> E {
    *fault = Some(Error::DuplicateKey { key: shorten(key), within: within.to_owned() });
    E::custom("duplicate key")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn index(weight_map: &str) -> Result<Index> {
        Index::parse(format!(r#"{{"weight_map": {weight_map}}}"#).as_bytes())
    }

    #[test]
    fn shards_are_sorted_and_named_once() {
        let index = index(r#"{"c": "z", "a": "y", "b": "z"}"#).unwrap();
        assert_eq!(index.shards(), ["y", "z"]);
        assert_eq!(index.weight_map().collect::<Vec<_>>(), [("a", "y"), ("b", "z"), ("c", "z")]);
        assert_eq!(index.shard_of("d"), None);
    }

    #[test]
    fn only_plain_file_names_are_shards() {
        let long = "x".repeat(256);
        let bad = [
            "",
            ".",
            "..",
            "../a",
            "/a",
            "a/b",
            "a/",
            "C:a",
            r"\\\\h\\s",
            r"a\\b",
            r"a\u0000",
            r"a\n",
            &long,
        ];
        for shard in bad {
            let result = index(&format!(r#"{{"t": "{shard}"}}"#));
            assert!(matches!(result, Err(Error::ShardName { .. })), "{shard}: {result:?}");
        }
        for shard in ["model-00001-of-00002.safetensors", "..a", "a..b", "Größe.safetensors"] {
            assert!(index(&format!(r#"{{"t": "{shard}"}}"#)).is_ok(), "{shard}");
        }
    }

    #[test]
    fn duplicates_are_refused() {
        let cases = [
            r#"{"weight_map": {"a": "x", "a": "x"}}"#,
            r#"{"weight_map": {"a": "x", "\u0061": "y"}}"#,
            r#"{"weight_map": {}, "weight_map": {}}"#,
            r#"{"metadata": null, "weight_map": {}, "metadata": {}}"#,
        ];
        for json in cases {
            let result = Index::parse(json.as_bytes());
            assert!(matches!(result, Err(Error::DuplicateKey { .. })), "{json}: {result:?}");
        }
    }

    #[test]
    fn malformed_indexes_are_refused() {
        let cases = [
            "",
            "[]",
            "{}",
            r#"{"weight_map": []}"#,
            r#"{"weight_map": {"a": 1}}"#,
            r#"{"weight_map": {"a": null}}"#,
            r#"{"weight_map": {}, "metadata": 1}"#,
            r#"{"weight_map": {}} {}"#,
        ];
        for json in cases {
            let result = Index::parse(json.as_bytes());
            assert!(matches!(result, Err(Error::Index { .. })), "{json}: {result:?}");
        }
    }

    #[test]
    fn more_than_twenty_megabytes_are_read_unless_the_limit_says_otherwise() {
        let mut json = r#"{"weight_map":{"#.to_owned();
        for tensor in 0..200_000 {
            let comma = if tensor == 0 { "" } else { "," };
            let name = format!("model.layers.{tensor}.mlp.experts.gate_and_up_projection.weight");
            json += &format!(r#"{comma}"{name}":"model-{:05}-of-00100.safetensors""#, tensor % 100);
        }
        json += &" ".repeat(4_000_000);
        json += "}}";
        assert!(json.len() > 20_000_000, "{}", json.len());
        let index = Index::parse(json.as_bytes()).unwrap();
        assert_eq!((index.shards().len(), index.weight_map().len()), (100, 200_000));
        let limited = Index::parse_with_limit(json.as_bytes(), 20_000_000);
        assert!(matches!(limited, Err(Error::IndexTooLarge { limit: 20_000_000, .. })));
    }

    #[test]
    fn total_size_is_a_whole_number_however_written() {
        let total_size = |text: &str| {
            let json = format!(r#"{{"metadata": {{"total_size": {text}}}, "weight_map": {{}}}}"#);
            Index::parse(json.as_bytes()).unwrap().total_size()
        };
        assert_eq!(total_size("1588"), Some(1588));
        assert_eq!(total_size("1588.0"), Some(1588));
        assert_eq!(total_size("18446744073709551615"), Some(u64::MAX));
        for text in ["-1", "1.5", "1e300", "\"1588\"", "null"] {
            assert_eq!(total_size(text), None, "{text}");
        }
    }

    #[test]
    fn wanted_tensors_are_grouped_by_shard() {
        let index = index(r#"{"a": "x", "b": "y", "c": "x"}"#).unwrap();
        let groups = index.group_by_shard(["c", "b", "a"]).unwrap();
        assert_eq!(groups, BTreeMap::from([("x", vec!["c", "a"]), ("y", vec!["b"])]));
        assert!(matches!(index.group_by_shard(["d"]), Err(Error::NoSuchTensor { .. })));
    }
}
