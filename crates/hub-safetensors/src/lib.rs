//! Safetensors headers, files and tensors, checked before they are believed.
//!
//! A safetensors file is eight bytes of length, a JSON header that names tensors with their element types,
//! shapes and places, and the bytes of the tensors. This crate reads it without async, without network and
//! without copying:
//!
//! - [`SafetensorsFile`] maps a file and lends its tensors in place; [`SafetensorsModel`] does so for a
//!   folder with one file or with an [`Index`] and its shards.
//! - [`parse_header`] reads a file in memory, [`ParseOptions`] a header of which only the beginning of the
//!   file is at hand, whether the length of the whole is known or not.
//! - [`check`] looks at a whole model and reports all that is wrong with it.
//! - [`HeaderBuilder`] writes files, always the same bytes for the same tensors.
//! - [`plan_ranges`] says which ranges of a file to fetch for some of its tensors.
//! - [`SafetensorsRepoMetadata`], [`SafetensorsFileMetadata`] and [`TensorInfo`] are what the Hub's clients
//!   report about files, in Python's terms; [`TensorMap`] and [`WeightMap`] find tensors by their names.
//!
//! With the feature `remote`, `Safetensors` adds to the client of the Hub what needs a network:
//! `get_safetensors_metadata` and `parse_safetensors_file_metadata`, which fetch headers alone, and
//! `open_safetensors`, whose `RemoteModel` fetches single tensors: their bytes and no others.
//!
//! ```
//! use hub_safetensors::{Dtype, HeaderBuilder, SafetensorsFile};
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("model.safetensors");
//! let layout = HeaderBuilder::new().metadata("format", "pt").tensor("weight", Dtype::F32, [2, 2]).build()?;
//! let mut writer = layout.write_to(std::fs::File::create(&path).unwrap())?;
//! writer.write_tensor("weight", &[1.0f32, 2.0, 3.0, 4.0].map(f32::to_le_bytes).concat())?;
//! writer.finish()?;
//!
//! let file = SafetensorsFile::open(&path)?;
//! let weight = file.tensor("weight")?;
//! assert_eq!(weight.tensor.shape(), [2, 2]);
//! assert_eq!(weight.bytes[..4], 1.0f32.to_le_bytes());
//! assert_eq!(file.parameter_count()[&Dtype::F32], 4);
//! # Ok::<(), hub_safetensors::Error>(())
//! ```
//!
//! # What is checked
//!
//! No byte of a file is believed. Lengths are checked before anything is allocated for them; offsets are
//! computed in 64 bits and never wrap; no input makes this crate panic. A file is accepted if and only if the
//! `safetensors` library, version 0.8, accepts it, but for forms that its description does not have:
//!
//! | Form | The library | This crate |
//! |---|---|---|
//! | a key twice in the header | takes the last | [`Error::DuplicateKey`] |
//! | a key twice in `__metadata__` | takes the last | [`Error::DuplicateKey`] |
//! | an entry as the array `["F32", [2], [0, 8]]` | accepts | [`Error::Entry`] |
//! | a dtype as the object `{"F32": null}` | accepts | [`Error::Entry`] |
//!
//! White space before the header's opening brace is read, as the library does, and [`check`] warns about it.

mod check;
mod dtype;
mod error;
mod file;
mod header;
mod index;
mod metadata;
mod model;
mod plan;
mod raw;
#[cfg(feature = "remote")]
mod remote;
mod tensor_map;
mod weight_map;
mod write;

pub use check::{Report, Warning, check};
pub use dtype::{Dtype, UnknownDtype};
pub use error::{Error, Result};
pub use file::SafetensorsFile;
pub use header::{Header, LENGTH_BYTES, MAX_HEADER_LEN, ParseOptions, Tensor, TensorView, parse_header};
pub use index::{Index, MAX_INDEX_LEN};
pub use metadata::{
    INDEX_FILE, REMOTE_MAX_HEADER_LEN, SINGLE_FILE, SafetensorsFileMetadata, SafetensorsRepoMetadata,
    TensorInfo,
};
pub use model::SafetensorsModel;
pub use plan::{PlannedRange, RangeOptions, TensorSlice, plan_ranges};
#[cfg(feature = "remote")]
pub use remote::{
    FetchedTensor, GetSafetensorsMetadataRequest, LocalFiles, METHODS, OpenModel,
    ParseSafetensorsFileMetadataRequest, RemoteModel, Safetensors, TensorPart,
};
pub use tensor_map::TensorMap;
pub use weight_map::WeightMap;
pub use write::{HeaderBuilder, Layout, TensorWriter};
