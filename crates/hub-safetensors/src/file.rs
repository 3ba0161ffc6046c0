//! One file on disk, mapped into memory.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use crate::dtype::Dtype;
use crate::error::{Error, Result};
use crate::header::{Header, TensorView, parse_header};

/// A safetensors file, mapped into memory and checked.
///
/// Opening reads the header alone; the bytes of a tensor are read from the disk when they are looked at, and
/// nothing is copied. The file must not be shortened while it is open, see [`SafetensorsFile::open`].
///
/// ```no_run
/// use hub_safetensors::SafetensorsFile;
///
/// let file = SafetensorsFile::open("model.safetensors")?;
/// for (dtype, count) in file.parameter_count() {
///     println!("{dtype}: {count} parameters");
/// }
/// let embeddings = file.tensor("embeddings.word_embeddings.weight")?;
/// println!("{:?}, {} bytes", embeddings.tensor.shape(), embeddings.bytes.len());
/// # Ok::<(), hub_safetensors::Error>(())
/// ```
#[derive(Debug)]
pub struct SafetensorsFile {
    path: PathBuf,
    map: Mmap,
    header: Header,
}

impl SafetensorsFile {
    /// Opens a file and checks every rule of the format.
    ///
    /// The file stays mapped until this is dropped. As with every mapped file, another program that writes to
    /// it changes the bytes of tensors, and one that shortens it makes reading them end this process
    /// (`SIGBUS`). Files that are replaced by renaming, as caches do, are safe.
    ///
    /// # Errors
    ///
    /// [`Error::Read`] if the file cannot be read or mapped, [`Error::File`] around the rule that it breaks.
    pub fn open(path: impl Into<PathBuf>) -> Result<Self> {
        let path = path.into();
        let (map, header) = open(&path).map_err(|error| error.in_file(&path))?;
        Ok(Self { path, map, header })
    }

    /// Returns the path that was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the whole file, header and data.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Returns the free-form metadata; empty if the file has none.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        self.header.metadata()
    }

    /// Counts the elements of all tensors by element type.
    pub fn parameter_count(&self) -> BTreeMap<Dtype, u64> {
        self.header.parameter_count()
    }

    /// Borrows a tensor in place.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchTensor`], with the path of the file around it.
    pub fn tensor(&self, name: &str) -> Result<TensorView<'_>> {
        self.header.view(&self.map, name).map_err(|error| error.in_file(&self.path))
    }

    /// Borrows every tensor in the order of their bytes.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = TensorView<'_>> {
        let view = |tensor| self.header.view_of(&self.map, tensor);
        self.header
            .tensors()
            .iter()
            .map(move |tensor| view(tensor).expect("the header was checked against the map"))
    }
}

impl AsRef<[u8]> for SafetensorsFile {
    fn as_ref(&self) -> &[u8] {
        self.bytes()
    }
}

fn open(path: &Path) -> Result<(Mmap, Header)> {
    // Asked before the file is opened, for opening a FIFO waits for a writer.
    if !fs::metadata(path).map_err(Error::read(path))?.is_file() {
        return Err(Error::NotAFile);
    }
    let file = File::open(path).map_err(Error::read(path))?;
    let len = file.metadata().map_err(Error::read(path))?.len();
    if len == 0 {
        // Some systems do not map an empty file.
        return Err(Error::TooSmall { len });
    }
    let map = map(&file).map_err(Error::read(path))?;
    let header = parse_header(&map)?;
    Ok((map, header))
}

#[expect(unsafe_code, reason = "tensors are borrowed from the mapped file instead of being copied")]
fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: the map is private to `SafetensorsFile`, read-only and lent as `&[u8]`, which any byte is valid
    // for. What remains is that the bytes change under a borrow when another process writes to the file,
    // which no system can rule out and `SafetensorsFile::open` documents. The header is parsed into values of
    // its own, and ranges are checked against the length of the map, so changed bytes lead to wrong numbers
    // in a tensor and never to a read outside.
    unsafe { Mmap::map(file) }
}
