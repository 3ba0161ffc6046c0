//! Which file has which tensor.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::tensor_map::TensorMap;

/// The file of every tensor of a model, in the order of the tensors' names.
///
/// Large models have tens of thousands of tensors in some dozens of files, so the names of files are kept once.
///
/// ```
/// use hub_safetensors::WeightMap;
///
/// let map: WeightMap = [("b", "m-2.safetensors"), ("a", "m-1.safetensors")].into_iter().collect();
/// assert_eq!(map.get("b"), Some("m-2.safetensors"));
/// assert_eq!(map.iter().next(), Some(("a", "m-1.safetensors")));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WeightMap {
    /// Sorted, each once.
    files: Vec<String>,
    /// The numbers are places in `files`.
    tensors: TensorMap<u32>,
}

impl WeightMap {
    /// Files in order, each once, and the places in that order.
    pub(crate) fn from_sorted(files: Vec<String>, tensors: TensorMap<u32>) -> Self {
        Self { files, tensors }
    }

    fn file(&self, place: u32) -> &str {
        &self.files[place as usize]
    }

    /// Returns the file of a tensor.
    pub fn get(&self, tensor: &str) -> Option<&str> {
        self.tensors.get(tensor).map(|&place| self.file(place))
    }

    /// Returns every tensor with its file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.tensors.iter().map(|(name, &place)| (name, self.file(place)))
    }

    /// Returns the number of tensors.
    pub fn len(&self) -> usize {
        self.tensors.len()
    }

    /// Returns whether there are no tensors.
    pub fn is_empty(&self) -> bool {
        self.tensors.is_empty()
    }

    /// Returns the names of the files in order, each once.
    pub fn files(&self) -> &[String] {
        &self.files
    }
}

/// Of two entries of one tensor the last counts.
impl<T: Into<String>, F: Into<String>> FromIterator<(T, F)> for WeightMap {
    fn from_iter<I: IntoIterator<Item = (T, F)>>(entries: I) -> Self {
        let map: BTreeMap<String, String> =
            entries.into_iter().map(|(tensor, file)| (tensor.into(), file.into())).collect();
        let files: BTreeSet<&String> = map.values().collect();
        let files: Vec<String> = files.into_iter().cloned().collect();
        let place = |file: &String| files.binary_search(file).expect("the files are those of the entries");
        let tensors = map.iter().map(|(tensor, file)| (tensor, place(file) as u32)).collect();
        Self { files, tensors }
    }
}

impl Serialize for WeightMap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for WeightMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        BTreeMap::<String, String>::deserialize(deserializer).map(Self::from_iter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_map_is_read_and_written_as_an_object() {
        let json = r#"{"a":"y","b":"z","c":"y"}"#;
        let map: WeightMap = serde_json::from_str(r#"{"c":"y","a":"y","b":"x","b":"z"}"#).unwrap();
        assert_eq!(
            (map.len(), map.files(), map.get("c")),
            (3, &["y".to_owned(), "z".to_owned()][..], Some("y"))
        );
        assert_eq!(map.get("d"), None);
        assert_eq!(serde_json::to_string(&map).unwrap(), json);
        assert!(!map.is_empty() && WeightMap::default().is_empty());
    }
}
