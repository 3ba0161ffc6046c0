//! The header of a file: which tensors it has and where their bytes are.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::dtype::{Dtype, element_count};
use crate::error::{Error, Result, shorten};
use crate::raw::{MetadataValues, RawDtype, RawTensor, read_header};

/// How many bytes hold the header's length at the start of a file.
pub const LENGTH_BYTES: u64 = 8;

/// The longest header that a file may have.
pub const MAX_HEADER_LEN: u64 = 100_000_000;

/// Reads the header of a whole file in memory and checks every rule of the format.
///
/// The tensors must cover the bytes behind the header without holes, overlaps and rest. To read a header of
/// which only the beginning of the file is at hand, use [`ParseOptions`].
///
/// ```
/// let mut file = 62u64.to_le_bytes().to_vec();
/// file.extend(br#"{"bias":{"dtype":"F16","shape":[3],"data_offsets":[0,6]}}     "#);
/// file.extend([0; 6]);
///
/// let header = hub_safetensors::parse_header(&file)?;
/// let bias = header.tensor("bias").unwrap();
/// assert_eq!((bias.dtype().name(), bias.shape()), ("F16", &[3][..]));
/// assert_eq!(header.file_range(bias), 70..76);
///
/// file.push(0);
/// let error = hub_safetensors::parse_header(&file).unwrap_err();
/// assert_eq!(error.to_string(), "the tensors take 6 bytes of data, but the file holds 7");
/// # Ok::<(), hub_safetensors::Error>(())
/// ```
///
/// # Errors
///
/// The rule that is broken first, in the order of the variants of [`Error`].
pub fn parse_header(file: &[u8]) -> Result<Header> {
    ParseOptions::new().file_len(file.len() as u64).parse(file)
}

/// How to read a header when less than the whole file is at hand.
///
/// ```
/// use hub_safetensors::ParseOptions;
///
/// // The beginning of a file of 4 MB, as a server sent it.
/// let mut first = 68u64.to_le_bytes().to_vec();
/// first.extend(br#"{"w":{"dtype":"F32","shape":[1000,1000],"data_offsets":[0,4000000]}}"#);
///
/// let options = ParseOptions::new().file_len(4_000_076).max_header_len(25_000_000);
/// assert_eq!(options.header_len(&first)?, 68);
/// assert_eq!(options.parse(&first)?.data_start(), 76);
/// # Ok::<(), hub_safetensors::Error>(())
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct ParseOptions {
    file_len: Option<u64>,
    max_header_len: u64,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self { file_len: None, max_header_len: MAX_HEADER_LEN }
    }
}

impl ParseOptions {
    /// Creates options for a file of unknown length and a header of up to [`MAX_HEADER_LEN`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the length of the whole file, so that header and data are checked to fill it exactly.
    pub fn file_len(mut self, file_len: u64) -> Self {
        self.file_len = Some(file_len);
        self
    }

    /// Sets the longest header accepted; never more than [`MAX_HEADER_LEN`].
    pub fn max_header_len(mut self, max_header_len: u64) -> Self {
        self.max_header_len = max_header_len.min(MAX_HEADER_LEN);
        self
    }

    /// Reads the length of the header from the first eight bytes of a file and checks it.
    ///
    /// The JSON of the header is the bytes `8..8 + n` of the file.
    ///
    /// # Errors
    ///
    /// [`Error::TooSmall`], [`Error::HeaderTooLarge`] and [`Error::HeaderOutsideFile`].
    pub fn header_len(&self, prefix: &[u8]) -> Result<u64> {
        let len = prefix.len() as u64;
        let (length_bytes, _) = prefix.split_first_chunk().ok_or(Error::TooSmall { len })?;
        let len = u64::from_le_bytes(*length_bytes);
        if len > self.max_header_len {
            return Err(Error::HeaderTooLarge { len, limit: self.max_header_len });
        }
        match self.file_len {
            Some(file_len) if len + LENGTH_BYTES > file_len => {
                Err(Error::HeaderOutsideFile { len, file_len })
            }
            _ => Ok(len),
        }
    }

    /// Reads a header from the beginning of a file, which may go on behind the header.
    ///
    /// # Errors
    ///
    /// [`Error::HeaderIncomplete`] if `prefix` ends inside the header, and the rules that [`parse_header`]
    /// checks. The end of the data is checked only if the length of the file is known.
    pub fn parse(&self, prefix: &[u8]) -> Result<Header> {
        self.parse_json(self.header_json(prefix)?)
    }

    /// Reads a header from its JSON alone: the bytes `8..8 + n` of a file, all of them.
    ///
    /// # Errors
    ///
    /// As [`ParseOptions::parse`].
    pub fn parse_json(&self, json: &[u8]) -> Result<Header> {
        let header_len = json.len() as u64;
        if header_len > self.max_header_len {
            return Err(Error::HeaderTooLarge { len: header_len, limit: self.max_header_len });
        }
        let mut entries = Vec::new();
        let metadata = read_header(json, MetadataValues::Strings, |name, tensor| {
            entries.push((name.to_owned(), tensor));
            Ok(())
        })?;
        let starts_with_brace = json.first() == Some(&b'{');
        let header = Header::check(metadata.unwrap_or_default(), entries, header_len, starts_with_brace)?;
        match self.file_len {
            None => Ok(header),
            Some(file_len) => match file_len.checked_sub(header.data_start()) {
                Some(actual) if actual == header.data_len => Ok(header),
                Some(actual) => Err(Error::DataLength { expected: header.data_len, actual }),
                None => Err(Error::HeaderOutsideFile { len: header_len, file_len }),
            },
        }
    }

    /// Finds the JSON of the header in the beginning of a file.
    pub(crate) fn header_json<'a>(&self, prefix: &'a [u8]) -> Result<&'a [u8]> {
        let len = self.header_len(prefix)?;
        let behind = &prefix[LENGTH_BYTES as usize..];
        let json = usize::try_from(len).ok().and_then(|len| behind.get(..len));
        json.ok_or(Error::HeaderIncomplete { len, available: behind.len() as u64 })
    }
}

/// The header of a file, with every rule checked.
///
/// Its tensors lie one behind the other in the order of their offsets, from the first byte of the data to the
/// last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    metadata: BTreeMap<String, String>,
    /// In the order of their offsets.
    tensors: Vec<Tensor>,
    /// Places in `tensors`, in the order of the names.
    by_name: Vec<usize>,
    len: u64,
    data_len: u64,
    starts_with_brace: bool,
}

impl Header {
    /// Checks what the JSON says about tensors.
    fn check(
        metadata: BTreeMap<String, String>,
        mut entries: Vec<(String, RawTensor)>,
        len: u64,
        starts_with_brace: bool,
    ) -> Result<Self> {
        // Stable: tensors of no bytes at one place keep the order of the header.
        entries.sort_by_key(|(_, entry)| entry.data_offsets);
        let by_name = names_in_order(&entries)?;
        let mut tensors = Vec::with_capacity(entries.len());
        let mut data_len = 0;
        for (name, entry) in entries {
            let tensor = Tensor::check(name, entry, data_len)?;
            data_len = tensor.end;
            tensors.push(tensor);
        }
        Ok(Self { metadata, tensors, by_name, len, data_len, starts_with_brace })
    }

    /// Returns the free-form metadata of the file; empty if it has none.
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.metadata
    }

    /// Returns the tensors in the order of their bytes in the file.
    pub fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// Finds a tensor by its name.
    pub fn tensor(&self, name: &str) -> Option<&Tensor> {
        self.position(name).map(|position| &self.tensors[position])
    }

    /// Finds the place of a tensor in [`Header::tensors`].
    pub(crate) fn position(&self, name: &str) -> Option<usize> {
        let place = self.by_name.binary_search_by(|&position| self.tensors[position].name.as_str().cmp(name));
        place.ok().map(|place| self.by_name[place])
    }

    /// Returns the length of the header's JSON, padding included.
    pub fn header_len(&self) -> u64 {
        self.len
    }

    /// Returns where in the file the data begins.
    pub fn data_start(&self) -> u64 {
        LENGTH_BYTES + self.len
    }

    /// Returns the length of the data of all tensors.
    pub fn data_len(&self) -> u64 {
        self.data_len
    }

    /// Returns the length of the whole file.
    pub fn file_len(&self) -> u64 {
        self.data_start() + self.data_len
    }

    /// Returns where in the file the bytes of a tensor are. The tensor must be one of this header's.
    pub fn file_range(&self, tensor: &Tensor) -> Range<u64> {
        self.data_start() + tensor.begin..self.data_start() + tensor.end
    }

    /// Counts the elements of all tensors by element type.
    ///
    /// The count is exact: the data of all tensors has less than 2^63 bytes. The sum of the values is the
    /// count in all.
    pub fn parameter_count(&self) -> BTreeMap<Dtype, u64> {
        let mut counts = BTreeMap::new();
        for tensor in &self.tensors {
            *counts.entry(tensor.dtype).or_default() += tensor.parameter_count();
        }
        counts
    }

    /// Borrows the bytes of a tensor from those of the whole file.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchTensor`], and [`Error::DataLength`] if `file` is shorter than the header says.
    pub fn view<'a>(&'a self, file: &'a [u8], name: &str) -> Result<TensorView<'a>> {
        let tensor = self.tensor(name).ok_or_else(|| Error::NoSuchTensor { tensor: shorten(name) })?;
        self.view_of(file, tensor)
    }

    pub(crate) fn view_of<'a>(&'a self, file: &'a [u8], tensor: &'a Tensor) -> Result<TensorView<'a>> {
        let range = self.file_range(tensor);
        let slice = |start: u64, end: u64| file.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?);
        let bytes = slice(range.start, range.end).ok_or(Error::DataLength {
            expected: self.data_len,
            actual: (file.len() as u64).saturating_sub(self.data_start()),
        })?;
        Ok(TensorView { tensor, bytes })
    }

    /// Whether the JSON begins at once, as the format's description asks, and not behind white space.
    pub(crate) fn starts_with_brace(&self) -> bool {
        self.starts_with_brace
    }
}

/// Sorts the places of entries by name, and refuses two of one name.
fn names_in_order(entries: &[(String, RawTensor)]) -> Result<Vec<usize>> {
    let name = |place: usize| entries[place].0.as_str();
    let mut by_name: Vec<usize> = (0..entries.len()).collect();
    by_name.sort_unstable_by(|&a, &b| name(a).cmp(name(b)));
    match by_name.windows(2).find(|pair| name(pair[0]) == name(pair[1])) {
        Some(pair) => {
            let key = shorten(name(pair[0]));
            Err(Error::DuplicateKey { key, within: "the header".to_owned() })
        }
        None => Ok(by_name),
    }
}

/// What a header says about one tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tensor {
    name: String,
    dtype: Dtype,
    shape: Vec<u64>,
    begin: u64,
    end: u64,
}

impl Tensor {
    /// Checks an entry which has to begin at `expected`.
    fn check(name: String, entry: RawTensor, expected: u64) -> Result<Self> {
        let RawTensor { dtype, shape, data_offsets: (begin, end) } = entry;
        let tensor = || shorten(&name);
        if end < begin {
            return Err(Error::OffsetsReversed { tensor: tensor(), begin, end });
        }
        if begin > expected {
            return Err(Error::Hole { tensor: tensor(), begin, expected });
        }
        if begin < expected {
            return Err(Error::Overlap { tensor: tensor(), begin, expected });
        }
        let dtype = match dtype {
            RawDtype::Known(dtype) => dtype,
            RawDtype::Unknown(dtype) => {
                return Err(Error::UnknownDtype { tensor: tensor(), dtype: shorten(&dtype) });
            }
        };
        let (needed, actual) = (dtype.byte_len(&shape, &name)?, end - begin);
        if needed != actual {
            return Err(Error::SizeMismatch { tensor: tensor(), dtype, expected: needed, actual });
        }
        // No file is longer than 2^63 - 1 bytes. Below that, sums of offsets and of 4-bit elements cannot
        // overflow.
        if end > i64::MAX as u64 - LENGTH_BYTES - MAX_HEADER_LEN {
            return Err(Error::SizeOverflow { tensor: tensor() });
        }
        Ok(Self { name, dtype, shape, begin, end })
    }

    /// Returns the name. It comes from the file and may hold anything, control characters too.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the element type.
    pub fn dtype(&self) -> Dtype {
        self.dtype
    }

    /// Returns the dimensions; none for a scalar.
    pub fn shape(&self) -> &[u64] {
        &self.shape
    }

    /// Returns where the bytes are, counted from the start of the data and not of the file.
    pub fn data_offsets(&self) -> Range<u64> {
        self.begin..self.end
    }

    /// Returns the number of bytes.
    pub fn byte_len(&self) -> u64 {
        self.end - self.begin
    }

    /// Returns the number of elements: the product of the dimensions, 1 for a scalar.
    pub fn parameter_count(&self) -> u64 {
        element_count(&self.shape).expect("the product was computed when the header was checked")
    }
}

/// A tensor and its bytes, borrowed from where the file is.
///
/// The bytes are little-endian, in row-major order, and not necessarily aligned to the element type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorView<'a> {
    /// What the header says.
    pub tensor: &'a Tensor,
    /// The bytes, as many as the header says.
    pub bytes: &'a [u8],
}
