//! The check of a whole file or a sharded folder, which goes on behind the first fault.

use std::collections::BTreeMap;
use std::path::Path;

use crate::dtype::Dtype;
use crate::error::{Error, Result, shorten};
use crate::file::SafetensorsFile;
use crate::header::Header;
use crate::index::Index;
use crate::model::{ModelFiles, exists, read_index, shard_path};

/// Checks a file, an index file with its shards, or a folder with either, and reports everything that is
/// wrong.
///
/// Where [`SafetensorsModel::open`](crate::SafetensorsModel::open) stops at the first fault, this looks at
/// every shard. Only headers are read.
///
/// ```no_run
/// let report = hub_safetensors::check("path/to/folder")?;
/// for error in &report.errors {
///     eprintln!("{error}: {}", error.rule());
/// }
/// println!("{} tensors in {} files", report.tensors, report.files);
/// # Ok::<(), hub_safetensors::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::Read`] and [`Error::File`] if there is nothing to check: no such path, or a folder without a
/// model. Faults of what is there are in the report.
pub fn check(path: impl AsRef<Path>) -> Result<Report> {
    let mut report = Report::default();
    match ModelFiles::find(path.as_ref())? {
        ModelFiles::Single(path) => {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            report.open(&path, &name);
        }
        ModelFiles::Sharded(path) => match read_index(&path) {
            Ok(index) => report.check_shards(&index, &path),
            Err(error) => report.errors.push(error),
        },
    }
    Ok(report)
}

/// What [`check`] found.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Report {
    /// How many files were sound.
    pub files: usize,
    /// How many tensors they have.
    pub tensors: usize,
    /// How many bytes of data they have.
    pub data_bytes: u64,
    /// How many elements they have, by element type.
    pub parameter_count: BTreeMap<Dtype, u64>,
    /// The rules that are broken, each with its file. The model cannot be loaded or not in full.
    pub errors: Vec<Error>,
    /// What is odd and harmless to a careful reader.
    pub warnings: Vec<Warning>,
}

impl Report {
    /// Whether no rule is broken. There may be warnings.
    pub fn is_sound(&self) -> bool {
        self.errors.is_empty()
    }

    /// Opens a file, counts what it has, and keeps its header if it is sound.
    fn open(&mut self, path: &Path, name: &str) -> Option<Header> {
        let file = match SafetensorsFile::open(path) {
            Ok(file) => file,
            Err(error) => {
                self.errors.push(error);
                return None;
            }
        };
        let header = file.header();
        self.files += 1;
        self.tensors += header.tensors().len();
        self.data_bytes = self.data_bytes.saturating_add(header.data_len());
        for (dtype, count) in header.parameter_count() {
            let sum = self.parameter_count.entry(dtype).or_default();
            *sum = sum.saturating_add(count);
        }
        self.warn_about(header, name);
        Some(header.clone())
    }

    fn warn_about(&mut self, header: &Header, name: &str) {
        let file = || shorten(name);
        if !header.starts_with_brace() {
            self.warnings.push(Warning::LeadingSpace { file: file() });
        }
        let start = header.data_start();
        let width = |dtype: Dtype| (dtype.bits() / 8).max(1);
        let unaligned = header.tensors().iter().filter(|tensor| tensor.byte_len() > 0).find(|tensor| {
            let begin = start + tensor.data_offsets().start;
            !begin.is_multiple_of(width(tensor.dtype()))
        });
        if let Some(tensor) = unaligned {
            self.warnings.push(Warning::Unaligned { file: file(), tensor: shorten(tensor.name()) });
        }
    }

    fn check_shards(&mut self, index: &Index, path: &Path) {
        let mut headers = BTreeMap::new();
        for shard in index.shards() {
            let shard_path = shard_path(path, shard);
            match exists(&shard_path) {
                Ok(true) => {
                    headers.extend(self.open(&shard_path, shard).map(|header| (shard.as_str(), header)));
                }
                Ok(false) => self.errors.push(Error::MissingShard { shard: shorten(shard) }.in_file(path)),
                Err(error) => self.errors.push(error),
            }
        }
        for (tensor, shard) in index.weight_map() {
            if headers.get(shard).is_some_and(|header| header.tensor(tensor).is_none()) {
                let missing = Error::MissingTensor { tensor: shorten(tensor), shard: shorten(shard) };
                self.errors.push(missing.in_file(path));
            }
        }
        for (&shard, header) in &headers {
            for tensor in
                header.tensors().iter().filter(|tensor| index.shard_of(tensor.name()) != Some(shard))
            {
                let (tensor, shard) = (shorten(tensor.name()), shorten(shard));
                self.warnings.push(Warning::Unlisted { tensor, shard });
            }
        }
        match index.total_size() {
            Some(claimed) if self.is_sound() && claimed != self.data_bytes => {
                self.warnings.push(Warning::TotalSize { claimed, actual: self.data_bytes });
            }
            _ => {}
        }
    }
}

/// Something odd that breaks no rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Warning {
    /// The header begins with white space, which the format's description forbids and its library reads.
    #[error("the header of {file:?} does not begin with an opening brace")]
    LeadingSpace {
        /// The file.
        file: String,
    },
    /// A tensor is not aligned to its elements, so that it must be copied before it can be used as numbers.
    #[error("tensor {tensor:?} of {file:?} is not aligned to its elements; there may be more")]
    Unaligned {
        /// The file.
        file: String,
        /// The first such tensor.
        tensor: String,
    },
    /// A shard has a tensor that the index does not look for there.
    #[error("tensor {tensor:?} of shard {shard:?} is not in the index")]
    Unlisted {
        /// The tensor.
        tensor: String,
        /// The shard.
        shard: String,
    },
    /// The index claims another size than the shards have.
    #[error("the index claims {claimed} bytes of tensors, but the shards have {actual}")]
    TotalSize {
        /// What the index says.
        claimed: u64,
        /// What the headers say.
        actual: u64,
    },
}
