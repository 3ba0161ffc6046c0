//! Things by the names of tensors.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Index;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, Visitor};
use serde::ser::{Serialize, Serializer};

/// A value for each tensor, in the order of the tensors' names.
///
/// Large models have tens of thousands of tensors, so the names are kept together and not each for itself.
///
/// ```
/// use hub_safetensors::TensorMap;
///
/// let map: TensorMap<u64> = [("b", 2), ("a", 1)].into_iter().collect();
/// assert_eq!((map["b"], map.get("c")), (2, None));
/// assert_eq!(map.iter().next(), Some(("a", &1)));
/// ```
#[derive(Clone)]
pub struct TensorMap<T> {
    /// The names one after the other, in any order.
    names: String,
    /// Sorted by name.
    entries: Vec<(Name, T)>,
}

/// Where a name is among the names.
#[derive(Debug, Clone, Copy)]
struct Name {
    start: u32,
    end: u32,
}

impl Name {
    fn of(self, names: &str) -> &str {
        &names[self.start as usize..self.end as usize]
    }
}

impl<T> TensorMap<T> {
    /// Returns the value of a tensor.
    pub fn get(&self, tensor: &str) -> Option<&T> {
        let place = self.entries.binary_search_by(|(name, _)| name.of(&self.names).cmp(tensor)).ok()?;
        Some(&self.entries[place].1)
    }

    /// Returns the names with their values.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &T)> {
        self.entries.iter().map(|(name, value)| (name.of(&self.names), value))
    }

    /// Returns the names.
    pub fn keys(&self) -> impl ExactSizeIterator<Item = &str> {
        self.entries.iter().map(|(name, _)| name.of(&self.names))
    }

    /// Returns the values, in the order of the names.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &T> {
        self.entries.iter().map(|(_, value)| value)
    }

    /// Returns the number of tensors.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns whether there are no tensors.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// More names than fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the names of the tensors have more than 4 GiB")]
pub(crate) struct NamesTooLong;

/// Entries of a map in the order in which they come.
pub(crate) struct Entries<T>(TensorMap<T>);

impl<T> Entries<T> {
    /// No entries, and room for about so many, whose names have about so many bytes.
    pub(crate) fn with_capacity(entries: usize, names: usize) -> Self {
        Self(TensorMap { names: String::with_capacity(names), entries: Vec::with_capacity(entries) })
    }

    /// Adds an entry.
    pub(crate) fn push(&mut self, name: &str, value: T) -> Result<(), NamesTooLong> {
        let place = |len: usize| u32::try_from(len).map_err(|_| NamesTooLong);
        let start = self.0.names.len();
        let name_place = Name { start: place(start)?, end: place(start + name.len())? };
        self.0.names.push_str(name);
        self.0.entries.push((name_place, value));
        Ok(())
    }

    /// The values as they came.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.0.entries.iter_mut().map(|(_, value)| value)
    }

    /// The map of the entries, or the first name that is there twice.
    pub(crate) fn into_map(mut self) -> Result<TensorMap<T>, String> {
        self.sort();
        let TensorMap { names, entries } = &self.0;
        let name = |entry: &(Name, T)| entry.0.of(names);
        if let Some(pair) = entries.windows(2).find(|pair| name(&pair[0]) == name(&pair[1])) {
            return Err(name(&pair[0]).to_owned());
        }
        Ok(self.0)
    }

    /// The map of the entries, where of equal names the last counts.
    fn into_map_of_last(mut self) -> TensorMap<T> {
        self.sort();
        let TensorMap { names, entries } = &mut self.0;
        // Of neighbours the first stays, so the later one goes there.
        entries.dedup_by(|later, earlier| {
            let same = later.0.of(names) == earlier.0.of(names);
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        self.0
    }

    /// Sorts by name, and leaves equal names in their order.
    fn sort(&mut self) {
        let TensorMap { names, entries } = &mut self.0;
        // Most are sorted already, or nearly, which this sort notices.
        entries.sort_by(|(a, _), (b, _)| a.of(names).cmp(b.of(names)));
    }
}

/// Of two entries of one tensor the last counts.
///
/// # Panics
///
/// If the names have more than 4 GiB.
impl<N: AsRef<str>, T> FromIterator<(N, T)> for TensorMap<T> {
    fn from_iter<I: IntoIterator<Item = (N, T)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        let mut all = Entries::with_capacity(entries.size_hint().0, 0);
        entries.for_each(|(name, value)| all.push(name.as_ref(), value).expect("names of less than 4 GiB"));
        all.into_map_of_last()
    }
}

impl<T> Default for TensorMap<T> {
    fn default() -> Self {
        Self { names: String::new(), entries: Vec::new() }
    }
}

/// Where the names are kept does not count.
impl<T: PartialEq> PartialEq for TensorMap<T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<T: Eq> Eq for TensorMap<T> {}

impl<T: fmt::Debug> fmt::Debug for TensorMap<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

/// Returns the value of a tensor.
///
/// # Panics
///
/// If there is no such tensor.
impl<T> Index<&str> for TensorMap<T> {
    type Output = T;

    fn index(&self, tensor: &str) -> &T {
        self.get(tensor).unwrap_or_else(|| panic!("there is no tensor {tensor:?}"))
    }
}

impl<T: Serialize> Serialize for TensorMap<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for TensorMap<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MapVisitor(PhantomData))
    }
}

struct MapVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for MapVisitor<T> {
    type Value = TensorMap<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object by the names of tensors")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut entries = Entries::with_capacity(0, 0);
        while let Some((name, value)) = map.next_entry::<String, T>()? {
            entries.push(&name, value).map_err(A::Error::custom)?;
        }
        Ok(entries.into_map_of_last())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(entries: &[(&str, u64)]) -> TensorMap<u64> {
        entries.iter().copied().collect()
    }

    #[test]
    fn the_order_of_entries_does_not_count() {
        let (one, other) = (map(&[("b", 2), ("a", 1), ("", 0)]), map(&[("", 0), ("a", 1), ("b", 2)]));
        assert_eq!(one, other);
        assert_eq!(one.keys().collect::<Vec<_>>(), ["", "a", "b"]);
        assert_eq!(one.values().copied().collect::<Vec<_>>(), [0, 1, 2]);
        assert_ne!(one, map(&[("a", 1), ("b", 2)]));
        assert_ne!(one, map(&[("", 0), ("a", 1), ("b", 3)]));
        assert_ne!(map(&[("ab", 1)]), map(&[("a", 1)]));
        assert_eq!(format!("{one:?}"), r#"{"": 0, "a": 1, "b": 2}"#);
        assert!(!one.is_empty() && TensorMap::<u64>::default().is_empty());
    }

    #[test]
    fn of_equal_names_the_last_counts() {
        let map = map(&[("b", 1), ("a", 2), ("b", 3), ("b", 4), ("a", 5)]);
        assert_eq!(map.iter().collect::<Vec<_>>(), [("a", &5), ("b", &4)]);
    }

    #[test]
    fn equal_names_are_found_wherever_they_are() {
        let names = |names: &[&str]| {
            let mut entries = Entries::with_capacity(names.len(), 0);
            names.iter().for_each(|name| entries.push(name, ()).unwrap());
            entries.into_map().map(|map| map.len())
        };
        assert_eq!(names(&["c", "a", "b"]), Ok(3));
        assert_eq!(names(&["c", "a", "b", "c"]), Err("c".to_owned()));
        assert_eq!(names(&["", "a", ""]), Err(String::new()));
        assert_eq!(names(&[]), Ok(0));
    }

    #[test]
    fn a_map_is_read_and_written_as_an_object() {
        let map: TensorMap<u64> = serde_json::from_str(r#"{"b":2,"\u0061":0,"a":1,"ü":3}"#).unwrap();
        assert_eq!(serde_json::to_string(&map).unwrap(), r#"{"a":1,"b":2,"ü":3}"#);
        assert!(serde_json::from_str::<TensorMap<u64>>(r#"{"a":"b"}"#).is_err());
        assert!(serde_json::from_str::<TensorMap<u64>>("[]").is_err());
    }

    #[test]
    #[should_panic(expected = r#"there is no tensor "c""#)]
    fn an_index_that_is_missing_says_its_name() {
        let _ = map(&[("a", 1)])["c"];
    }
}
