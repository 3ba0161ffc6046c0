//! Writing a file: the header first, then the tensors in its order.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use serde::Serialize;

use crate::dtype::Dtype;
use crate::error::{Error, Result, shorten};
use crate::header::{Header, LENGTH_BYTES, MAX_HEADER_LEN, ParseOptions, Tensor};
use crate::raw::METADATA_KEY;

/// Collects what a new file will have.
///
/// The same metadata and tensors always make the same bytes, in whatever order they are added: the layout is
/// that of the format's own library, wide element types first, then by name, the header padded with spaces to
/// a multiple of eight.
///
/// ```
/// use hub_safetensors::{Dtype, HeaderBuilder, parse_header};
///
/// let layout = HeaderBuilder::new()
///     .metadata("format", "pt")
///     .tensor("step", Dtype::I64, [])
///     .tensor("bias", Dtype::F16, [2])
///     .build()?;
/// let mut writer = layout.write_to(Vec::new())?;
/// writer.write_tensor("step", &7i64.to_le_bytes())?;
/// writer.write_tensor("bias", &[0, 60, 0, 64])?;
/// let file = writer.finish()?;
///
/// let header = parse_header(&file)?;
/// assert_eq!(header.view(&file, "bias")?.bytes, [0, 60, 0, 64]);
/// # Ok::<(), hub_safetensors::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct HeaderBuilder {
    metadata: BTreeMap<String, String>,
    tensors: Vec<(String, Dtype, Vec<u64>)>,
}

impl HeaderBuilder {
    /// Creates a builder of a file without tensors and metadata.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one key of the free-form metadata.
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// Adds a tensor.
    pub fn tensor(mut self, name: impl Into<String>, dtype: Dtype, shape: impl Into<Vec<u64>>) -> Self {
        self.tensors.push((name.into(), dtype, shape.into()));
        self
    }

    /// Lays the tensors out and writes the header.
    ///
    /// # Errors
    ///
    /// [`Error::DuplicateKey`], [`Error::ReservedName`], [`Error::SizeOverflow`], [`Error::NotWholeBytes`]
    /// and [`Error::HeaderTooLarge`]: what is written can be read.
    pub fn build(mut self) -> Result<Layout> {
        self.tensors.sort_by(|(name, dtype, _), (other, other_dtype, _)| {
            other_dtype.cmp(dtype).then(name.cmp(other))
        });
        let mut json = b"{".to_vec();
        if !self.metadata.is_empty() {
            push_entry(&mut json, METADATA_KEY, &self.metadata);
        }
        let mut begin = 0u64;
        for (name, dtype, shape) in &self.tensors {
            if name == METADATA_KEY {
                return Err(Error::ReservedName);
            }
            let len = dtype.byte_len(shape, name)?;
            let end = begin.checked_add(len).ok_or_else(|| Error::SizeOverflow { tensor: shorten(name) })?;
            push_entry(&mut json, name, &Entry { dtype: *dtype, shape, data_offsets: (begin, end) });
            begin = end;
        }
        json.push(b'}');
        json.resize(json.len().next_multiple_of(LENGTH_BYTES as usize), b' ');
        // Reading it back finds duplicates and lengths no reader accepts, and makes the header at once.
        let header = ParseOptions::new().max_header_len(MAX_HEADER_LEN).parse_json(&json)?;
        let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
        bytes.append(&mut json);
        Ok(Layout { header, bytes })
    }
}

#[derive(Serialize)]
struct Entry<'a> {
    dtype: Dtype,
    shape: &'a [u64],
    data_offsets: (u64, u64),
}

fn push_entry(json: &mut Vec<u8>, key: &str, value: &impl Serialize) {
    if json.len() > 1 {
        json.push(b',');
    }
    serde_json::to_writer(&mut *json, key).expect("a string is valid JSON and memory takes every write");
    json.push(b':');
    serde_json::to_writer(&mut *json, value).expect("strings and integers are valid JSON");
}

/// The header of a file to be written, and where its tensors go.
///
/// Tensors that arrive out of order can be written at [`Header::file_range`] of a file that has
/// [`Header::file_len`]; for those in order there is [`Layout::write_to`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    header: Header,
    bytes: Vec<u8>,
}

impl Layout {
    /// Returns the header. Its tensors are in the order in which they are written.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// Returns the bytes at the start of the file: the header's length, its JSON and the padding.
    pub fn header_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Writes the header and returns the writer of the tensors.
    ///
    /// # Errors
    ///
    /// [`Error::Write`] if the output fails.
    pub fn write_to<W: Write>(self, mut output: W) -> Result<TensorWriter<W>> {
        output.write_all(&self.bytes).map_err(Error::Write)?;
        Ok(TensorWriter { output, header: self.header, turn: 0, written: 0 })
    }
}

/// Writes the tensors of a [`Layout`] one behind the other.
#[derive(Debug)]
pub struct TensorWriter<W> {
    output: W,
    header: Header,
    /// The place of the tensor that is being written.
    turn: usize,
    /// How many of its bytes have been.
    written: u64,
}

impl<W: Write> TensorWriter<W> {
    /// Returns the tensor whose bytes are due; none if all are written.
    pub fn due(&self) -> Option<&Tensor> {
        self.header.tensors().get(self.turn)
    }

    /// Writes a whole tensor.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfOrder`] and [`Error::WrittenLength`], and then nothing was written; [`Error::Write`].
    pub fn write_tensor(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        self.check_turn(name, 0)?;
        let (expected, actual) = (self.due_len(), bytes.len() as u64);
        if expected != actual {
            return Err(Error::WrittenLength { tensor: shorten(name), expected, actual });
        }
        self.write_chunk(name, bytes)
    }

    /// Writes the next bytes of a tensor, which is done when it has all of them.
    ///
    /// A tensor of no bytes is written by an empty chunk.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfOrder`] if another tensor is due, [`Error::WrittenLength`] if these are more bytes than
    /// the tensor has, and then nothing was written; [`Error::Write`].
    pub fn write_chunk(&mut self, name: &str, chunk: &[u8]) -> Result<()> {
        self.check_turn(name, self.written)?;
        let expected = self.due_len();
        let actual = self.written + chunk.len() as u64;
        if actual > expected {
            return Err(Error::WrittenLength { tensor: shorten(name), expected, actual });
        }
        self.output.write_all(chunk).map_err(Error::Write)?;
        self.written = actual;
        if actual == expected {
            (self.turn, self.written) = (self.turn + 1, 0);
        }
        Ok(())
    }

    /// Copies a whole tensor from a reader, which must end with it.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfOrder`], [`Error::WrittenLength`] if the reader has more or fewer bytes than the tensor,
    /// and [`Error::Write`] if either side fails. What was read until then is written.
    pub fn copy_tensor(&mut self, name: &str, mut reader: impl Read) -> Result<()> {
        self.check_turn(name, 0)?;
        let expected = self.due_len();
        let copied =
            std::io::copy(&mut reader.by_ref().take(expected), &mut self.output).map_err(Error::Write)?;
        let beyond = std::io::copy(&mut reader.take(1), &mut std::io::sink()).map_err(Error::Write)?;
        if copied + beyond != expected {
            return Err(Error::WrittenLength { tensor: shorten(name), expected, actual: copied + beyond });
        }
        (self.turn, self.written) = (self.turn + 1, 0);
        Ok(())
    }

    /// Flushes the output and returns it.
    ///
    /// # Errors
    ///
    /// [`Error::WrittenLength`] if a tensor lacks bytes, [`Error::Write`] if the output fails.
    pub fn finish(mut self) -> Result<W> {
        // Tensors of no bytes need not be written.
        let due = self.header.tensors()[self.turn..].iter().find(|tensor| tensor.byte_len() > 0);
        if let Some(tensor) = due {
            return Err(Error::WrittenLength {
                tensor: shorten(tensor.name()),
                expected: tensor.byte_len(),
                actual: self.written,
            });
        }
        self.output.flush().map_err(Error::Write)?;
        Ok(self.output)
    }

    /// Checks that a tensor is the one due and has `written` bytes. Tensors of no bytes may be left out.
    fn check_turn(&mut self, name: &str, written: u64) -> Result<()> {
        let rest = &self.header.tensors()[self.turn..];
        let skipped =
            rest.iter().take_while(|tensor| tensor.name() != name && tensor.byte_len() == 0).count();
        match rest.get(skipped) {
            Some(due) if due.name() == name && self.written == written => {
                self.turn += skipped;
                Ok(())
            }
            due => Err(Error::OutOfOrder {
                tensor: shorten(name),
                due: due.map_or_else(|| "none".to_owned(), |due| format!("{:?}", shorten(due.name()))),
            }),
        }
    }

    fn due_len(&self) -> u64 {
        self.due().map_or(0, Tensor::byte_len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> TensorWriter<Vec<u8>> {
        let builder = HeaderBuilder::new().tensor("a", Dtype::F32, [2]).tensor("none", Dtype::U16, [0]);
        builder.tensor("b", Dtype::U8, [3]).build().unwrap().write_to(Vec::new()).unwrap()
    }

    #[test]
    fn the_bytes_are_those_of_the_formats_own_library() {
        // Written by safetensors 0.8.0 from numpy arrays of two zeros.
        let expected = concat!(
            r#"{"__metadata__":{"a":"2"},"t3":{"dtype":"I64","shape":[2],"data_offsets":[0,16]},"#,
            r#""t2":{"dtype":"F32","shape":[2],"data_offsets":[16,24]},"#,
            r#""t1":{"dtype":"U8","shape":[2],"data_offsets":[24,26]},"#,
            r#""t0":{"dtype":"BOOL","shape":[2],"data_offsets":[26,28]}}"#,
        );
        let builder = HeaderBuilder::new().metadata("a", "2").tensor("t0", Dtype::Bool, [2]).tensor(
            "t1",
            Dtype::U8,
            [2],
        );
        let layout = builder.tensor("t2", Dtype::F32, [2]).tensor("t3", Dtype::I64, [2]).build().unwrap();
        let json = std::str::from_utf8(&layout.header_bytes()[8..]).unwrap();
        assert_eq!(json.trim_end_matches(' '), expected);
        assert_eq!((json.len() % 8, layout.header().header_len()), (0, json.len() as u64));
    }

    #[test]
    fn order_of_addition_does_not_matter() {
        let a = HeaderBuilder::new().metadata("x", "1").metadata("y", "2").tensor("t", Dtype::F4, [2]);
        let b = HeaderBuilder::new().tensor("u", Dtype::F64, []).metadata("y", "2").metadata("x", "1");
        let a = a.tensor("u", Dtype::F64, []).build().unwrap();
        assert_eq!(a, b.tensor("t", Dtype::F4, [2]).build().unwrap());
    }

    #[test]
    fn what_no_reader_accepts_is_not_built() {
        let tensor = |name: &str, dtype, shape: &[u64]| HeaderBuilder::new().tensor(name, dtype, shape);
        let build = |builder: HeaderBuilder| builder.build().unwrap_err();
        assert!(matches!(build(tensor("__metadata__", Dtype::U8, &[])), Error::ReservedName));
        assert!(matches!(build(tensor("a", Dtype::F4, &[3])), Error::NotWholeBytes { .. }));
        assert!(matches!(build(tensor("a", Dtype::F32, &[1 << 62])), Error::SizeOverflow { .. }));
        let twice = tensor("a", Dtype::U8, &[1]).tensor("a", Dtype::F32, [1]);
        assert!(matches!(build(twice), Error::DuplicateKey { .. }));
        let too_much = tensor("a", Dtype::U8, &[u64::MAX / 8]).tensor("b", Dtype::F64, [u64::MAX / 64]);
        assert!(too_much.build().is_ok());
        let too_much =
            (0..9).fold(HeaderBuilder::new(), |b, i| b.tensor(format!("{i}"), Dtype::U8, [u64::MAX / 8]));
        assert!(matches!(build(too_much), Error::SizeOverflow { .. }));
    }

    #[test]
    fn chunks_readers_and_slices_make_one_file() {
        let mut writer = two();
        writer.write_chunk("a", &[1, 2, 3]).unwrap();
        writer.write_chunk("a", &[]).unwrap();
        writer.write_chunk("a", &[4, 5, 6, 7, 8]).unwrap();
        writer.copy_tensor("b", &b"xyz"[..]).unwrap();
        let file = writer.finish().unwrap();
        let header = crate::parse_header(&file).unwrap();
        assert_eq!(header.view(&file, "a").unwrap().bytes, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(header.view(&file, "b").unwrap().bytes, b"xyz");
        assert_eq!(header.view(&file, "none").unwrap().bytes, b"");
    }

    #[test]
    fn order_and_lengths_are_kept() {
        let mut writer = two();
        assert!(matches!(writer.write_tensor("b", b"xyz"), Err(Error::OutOfOrder { .. })));
        assert!(matches!(
            writer.write_tensor("a", b"xyz"),
            Err(Error::WrittenLength { expected: 8, actual: 3, .. })
        ));
        assert!(matches!(writer.write_chunk("a", &[0; 9]), Err(Error::WrittenLength { .. })));
        writer.write_chunk("a", &[0; 5]).unwrap();
        assert!(matches!(writer.write_tensor("a", &[0; 8]), Err(Error::OutOfOrder { .. })));
        assert!(matches!(writer.write_tensor("none", &[]), Err(Error::OutOfOrder { .. })));
        writer.write_chunk("a", &[0; 3]).unwrap();
        writer.write_tensor("none", &[]).unwrap();
        assert!(matches!(writer.copy_tensor("b", &b"wxyz"[..]), Err(Error::WrittenLength { actual: 4, .. })));
        let mut writer = two();
        writer.write_tensor("a", &[0; 8]).unwrap();
        assert!(matches!(writer.copy_tensor("b", &b"xy"[..]), Err(Error::WrittenLength { actual: 2, .. })));
        assert!(matches!(two().finish(), Err(Error::WrittenLength { actual: 0, .. })));
    }
}
