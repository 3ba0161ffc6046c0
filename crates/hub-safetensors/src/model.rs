//! A model on disk: one file, or an index and its shards.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::dtype::Dtype;
use crate::error::{Error, Result, shorten};
use crate::file::SafetensorsFile;
use crate::header::TensorView;
use crate::index::{Index, MAX_INDEX_LEN};
use crate::metadata::{INDEX_FILE, SINGLE_FILE, SafetensorsFileMetadata, SafetensorsRepoMetadata};

/// A model whose tensors are in one file or in several, opened as one.
///
/// ```no_run
/// use hub_safetensors::SafetensorsModel;
///
/// let model = SafetensorsModel::open("path/to/folder")?;
/// let head = model.tensor("lm_head.weight")?;
/// println!("{} of {} parameters", head.tensor.parameter_count(), model.parameter_count().values().sum::<u64>());
/// # Ok::<(), hub_safetensors::Error>(())
/// ```
#[derive(Debug)]
pub struct SafetensorsModel {
    index: Option<Index>,
    /// In the order of the names, which for a sharded model is that of the index.
    files: BTreeMap<String, SafetensorsFile>,
}

impl SafetensorsModel {
    /// Opens a file, an index file (`*.json`) with the shards beside it, or a folder with either.
    ///
    /// In a folder, `model.safetensors` goes before `model.safetensors.index.json`, as on the Hub.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] and [`Error::File`] with the path: of a shard that breaks a rule, of the index if it
    /// is malformed, names a shard that is missing or puts a tensor where it is not, of the folder if it has
    /// [no model](Error::NoModel).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        match ModelFiles::find(path.as_ref())? {
            ModelFiles::Single(path) => {
                let name = path
                    .file_name()
                    .map_or_else(|| SINGLE_FILE.into(), |name| name.to_string_lossy().into_owned());
                Ok(Self { index: None, files: BTreeMap::from([(name, SafetensorsFile::open(path)?)]) })
            }
            ModelFiles::Sharded(path) => {
                let index = read_index(&path)?;
                let files = open_shards(&index, &path)?;
                for (tensor, shard) in index.weight_map() {
                    if files[shard].header().tensor(tensor).is_none() {
                        let missing = Error::MissingTensor { tensor: shorten(tensor), shard: shorten(shard) };
                        return Err(missing.in_file(&path));
                    }
                }
                Ok(Self { index: Some(index), files })
            }
        }
    }

    /// Returns the index of a sharded model.
    pub fn index(&self) -> Option<&Index> {
        self.index.as_ref()
    }

    /// Returns the open files by name.
    pub fn files(&self) -> &BTreeMap<String, SafetensorsFile> {
        &self.files
    }

    /// Borrows a tensor in place, from the shard that has it.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchTensor`] for a name that the file or the index does not have.
    pub fn tensor(&self, name: &str) -> Result<TensorView<'_>> {
        let file = match &self.index {
            None => self.files.values().next(),
            Some(index) => index.shard_of(name).and_then(|shard| self.files.get(shard)),
        };
        file.ok_or_else(|| Error::NoSuchTensor { tensor: shorten(name) })?.tensor(name)
    }

    /// Returns every tensor with its file, file by file.
    pub fn tensors(&self) -> impl Iterator<Item = (&str, TensorView<'_>)> {
        self.files.iter().flat_map(|(name, file)| file.tensors().map(move |view| (name.as_str(), view)))
    }

    /// Counts the elements of all files by element type.
    pub fn parameter_count(&self) -> BTreeMap<Dtype, u64> {
        let mut counts = BTreeMap::new();
        for (dtype, count) in self.files.values().flat_map(SafetensorsFile::parameter_count) {
            // A file has less than 2^63 bytes of data and disks have less than all files together could
            // claim, but a thousand sparse files may.
            let sum: &mut u64 = counts.entry(dtype).or_default();
            *sum = sum.saturating_add(count);
        }
        counts
    }

    /// Describes the model as the Hub's clients describe a repository.
    ///
    /// # Errors
    ///
    /// [`Error::SizeOverflow`] if the files have more than 2^64 elements of one type.
    pub fn repo_metadata(&self) -> Result<SafetensorsRepoMetadata> {
        let mut files = self.files.iter().map(|(name, file)| (name.clone(), file.header().into()));
        match &self.index {
            Some(index) => SafetensorsRepoMetadata::sharded(index.clone(), files.collect()),
            None => {
                let (_, file): (String, SafetensorsFileMetadata) = files.next().expect("a model has a file");
                Ok(SafetensorsRepoMetadata::single(file))
            }
        }
    }
}

/// What a path leads to.
pub(crate) enum ModelFiles {
    Single(PathBuf),
    Sharded(PathBuf),
}

impl ModelFiles {
    pub(crate) fn find(path: &Path) -> Result<Self> {
        if !fs::metadata(path).map_err(Error::read(path))?.is_dir() {
            let is_index = path.extension().is_some_and(|extension| extension == "json");
            return Ok(if is_index { Self::Sharded(path.to_owned()) } else { Self::Single(path.to_owned()) });
        }
        let (single, index) = (path.join(SINGLE_FILE), path.join(INDEX_FILE));
        match (exists(&single)?, exists(&index)?) {
            (true, _) => Ok(Self::Single(single)),
            (false, true) => Ok(Self::Sharded(index)),
            (false, false) => Err(Error::NoModel.in_file(path)),
        }
    }
}

/// Whether there is a file; a dangling link is none.
pub(crate) fn exists(path: &Path) -> Result<bool> {
    path.try_exists().map_err(Error::read(path))
}

/// Reads an index file, not before its length was seen.
pub(crate) fn read_index(path: &Path) -> Result<Index> {
    let metadata = fs::metadata(path).map_err(Error::read(path))?;
    if !metadata.is_file() {
        return Err(Error::NotAFile.in_file(path));
    }
    if metadata.len() > MAX_INDEX_LEN {
        return Err(Error::IndexTooLarge { len: metadata.len(), limit: MAX_INDEX_LEN }.in_file(path));
    }
    let json = fs::read(path).map_err(Error::read(path))?;
    Index::parse(&json).map_err(|error| error.in_file(path))
}

/// The path of a shard, which lies beside its index.
pub(crate) fn shard_path(index: &Path, shard: &str) -> PathBuf {
    index.with_file_name(shard)
}

fn open_shards(index: &Index, path: &Path) -> Result<BTreeMap<String, SafetensorsFile>> {
    let mut files = BTreeMap::new();
    for shard in index.shards() {
        let shard_path = shard_path(path, shard);
        if !exists(&shard_path)? {
            return Err(Error::MissingShard { shard: shorten(shard) }.in_file(path));
        }
        files.insert(shard.clone(), SafetensorsFile::open(shard_path)?);
    }
    Ok(files)
}
