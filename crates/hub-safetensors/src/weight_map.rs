//! Which file has which tensor.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

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
    /// Sorted by name; the numbers are places in `files`.
    tensors: Vec<(String, usize)>,
}

impl WeightMap {
    /// Both in order, and each once.
    pub(crate) fn from_sorted(files: Vec<String>, tensors: Vec<(String, usize)>) -> Self {
        Self { files, tensors }
    }

    /// Returns the file of a tensor.
    pub fn get(&self, tensor: &str) -> Option<&str> {
        let place = self.tensors.binary_search_by(|(name, _)| name.as_str().cmp(tensor)).ok()?;
        Some(&self.files[self.tensors[place].1])
    }

    /// Returns every tensor with its file.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.tensors.iter().map(|(name, file)| (name.as_str(), self.files[*file].as_str()))
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
        let tensors = map.iter().map(|(tensor, file)| (tensor.clone(), place(file))).collect();
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
