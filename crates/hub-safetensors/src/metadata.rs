//! What the Hub's clients report about a repository's safetensors files.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::dtype::{Dtype, element_count};
use crate::error::{Error, Result, shorten};
use crate::header::{Header, ParseOptions, Tensor};
use crate::index::Index;
use crate::raw::{MetadataValues, RawDtype, RawTensor, read_header};
use crate::tensor_map::{Entries, TensorMap};
use crate::weight_map::WeightMap;

/// The name of the one file of a model that is not sharded.
pub const SINGLE_FILE: &str = "model.safetensors";

/// The name of the file that says which shard has which tensor.
pub const INDEX_FILE: &str = "model.safetensors.index.json";

/// The longest header that is fetched to describe a file on the Hub.
pub const REMOTE_MAX_HEADER_LEN: u64 = 25_000_000;

/// How long the entry of a tensor is at least, for all but the smallest models; less than half of it is the name.
const BYTES_OF_A_TENSOR: usize = 80;

/// What the files of a repository hold, under the attribute names of the Python client.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SafetensorsRepoMetadata {
    /// The metadata of the index file; only sharded repositories have one.
    pub metadata: Option<serde_json::Map<String, serde_json::Value>>,
    /// Whether the tensors are spread over several files.
    pub sharded: bool,
    /// The file of every tensor.
    pub weight_map: WeightMap,
    /// The tensors of every file.
    pub files_metadata: BTreeMap<String, SafetensorsFileMetadata>,
    /// The number of elements in all files, by element type.
    pub parameter_count: BTreeMap<String, u64>,
}

impl SafetensorsRepoMetadata {
    /// Describes a repository with one file, [`SINGLE_FILE`].
    pub fn single(file: SafetensorsFileMetadata) -> Self {
        Self {
            metadata: None,
            sharded: false,
            weight_map: file.tensors.keys().map(|tensor| (tensor, SINGLE_FILE)).collect(),
            parameter_count: file.parameter_count.clone(),
            files_metadata: BTreeMap::from([(SINGLE_FILE.to_owned(), file)]),
        }
    }

    /// Describes a repository with an index and the files it names.
    ///
    /// # Errors
    ///
    /// [`Error::SizeOverflow`] if the files have more than 2^64 elements of one type.
    pub fn sharded(index: Index, files: BTreeMap<String, SafetensorsFileMetadata>) -> Result<Self> {
        let mut parameter_count = BTreeMap::new();
        for (shard, file) in &files {
            for (dtype, &count) in &file.parameter_count {
                add(&mut parameter_count, dtype, count, shard)?;
            }
        }
        let (metadata, weight_map) = index.into_parts();
        Ok(Self { metadata, sharded: true, weight_map, files_metadata: files, parameter_count })
    }
}

/// What one file holds, under the attribute names of the Python client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SafetensorsFileMetadata {
    /// The free-form metadata; empty if the file has none.
    pub metadata: BTreeMap<String, String>,
    /// The tensors by name.
    pub tensors: TensorMap<TensorInfo>,
    /// The number of elements by element type.
    pub parameter_count: BTreeMap<String, u64>,
}

impl SafetensorsFileMetadata {
    /// Describes a file by its beginning, which holds the header in full.
    ///
    /// This is lenient where the Python client is: the header describes files that are not at hand, so
    /// offsets are not checked against shapes, each other or the file, element types need not be known, and a
    /// value of the metadata that is no string is taken as its JSON text. Whoever wants the bytes of tensors
    /// reads a [`Header`] instead. The text is read strictly: UTF-8, one JSON object, no key twice.
    ///
    /// ```
    /// use hub_safetensors::{ParseOptions, SafetensorsFileMetadata};
    ///
    /// let mut first = 57u64.to_le_bytes().to_vec();
    /// first.extend(br#"{"w":{"dtype":"F128","shape":[2,3],"data_offsets":[0,9]}} and the data"#);
    /// let file = SafetensorsFileMetadata::parse(&first, &ParseOptions::new())?;
    /// assert_eq!(file.tensors["w"].parameter_count, 6);
    /// assert_eq!(file.parameter_count["F128"], 6);
    /// # Ok::<(), hub_safetensors::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The rules about the header's length and JSON, and [`Error::SizeOverflow`] if elements cannot be
    /// counted.
    pub fn parse(prefix: &[u8], options: &ParseOptions) -> Result<Self> {
        Self::parse_json(options.header_json(prefix)?)
    }

    /// Describes a file by the JSON of its header, as leniently as [`SafetensorsFileMetadata::parse`].
    ///
    /// # Errors
    ///
    /// As [`SafetensorsFileMetadata::parse`].
    pub fn parse_json(json: &[u8]) -> Result<Self> {
        let mut parameter_count = BTreeMap::new();
        let mut tensors = Entries::with_capacity(json.len() / BYTES_OF_A_TENSOR, json.len() / 2);
        let metadata = read_header(json, MetadataValues::Any, |name, tensor| {
            let RawTensor { dtype, shape, data_offsets } = tensor;
            let dtype = match dtype {
                RawDtype::Known(dtype) => Cow::Borrowed(dtype.name()),
                RawDtype::Unknown(dtype) => Cow::Owned(dtype),
            };
            let count = element_count(&shape).ok_or_else(|| Error::SizeOverflow { tensor: shorten(name) })?;
            add(&mut parameter_count, &dtype, count, name)?;
            let info = TensorInfo { dtype, shape, data_offsets, parameter_count: count };
            tensors.push(name, info).map_err(|error| Error::Json { reason: error.to_string() })
        })?;
        let duplicate =
            |key: String| Error::DuplicateKey { key: shorten(&key), within: "the header".to_owned() };
        let tensors = tensors.into_map().map_err(duplicate)?;
        Ok(Self { metadata: metadata.unwrap_or_default(), tensors, parameter_count })
    }
}

impl From<&Header> for SafetensorsFileMetadata {
    fn from(header: &Header) -> Self {
        let counts = header.parameter_count();
        Self {
            metadata: header.metadata().clone(),
            tensors: header.tensors().iter().map(|tensor| (tensor.name(), tensor.into())).collect(),
            parameter_count: counts
                .into_iter()
                .map(|(dtype, count)| (dtype.name().to_owned(), count))
                .collect(),
        }
    }
}

/// What a header says about one tensor, under the attribute names of the Python client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TensorInfo {
    /// The element type; the name of a [`Dtype`] unless the file is newer than this crate.
    pub dtype: Cow<'static, str>,
    /// The dimensions; none for a scalar.
    pub shape: Vec<u64>,
    /// Where the bytes begin and end, counted from the start of the data.
    pub data_offsets: (u64, u64),
    /// The number of elements.
    pub parameter_count: u64,
}

impl TensorInfo {
    /// Returns the element type if it is a known one.
    pub fn known_dtype(&self) -> Option<Dtype> {
        self.dtype.parse().ok()
    }
}

impl From<&Tensor> for TensorInfo {
    fn from(tensor: &Tensor) -> Self {
        let Range { start, end } = tensor.data_offsets();
        Self {
            dtype: Cow::Borrowed(tensor.dtype().name()),
            shape: tensor.shape().to_vec(),
            data_offsets: (start, end),
            parameter_count: tensor.parameter_count(),
        }
    }
}

/// Adds to the count of one element type; `culprit` is what the error names.
fn add(counts: &mut BTreeMap<String, u64>, dtype: &str, count: u64, culprit: &str) -> Result<()> {
    let sum = match counts.get_mut(dtype) {
        Some(sum) => sum,
        None => counts.entry(dtype.to_owned()).or_default(),
    };
    *sum = sum.checked_add(count).ok_or_else(|| Error::SizeOverflow { tensor: shorten(culprit) })?;
    Ok(())
}
