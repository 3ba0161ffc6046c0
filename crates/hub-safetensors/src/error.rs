//! What can be wrong, and where.

use std::io;
use std::path::{Path, PathBuf};

use crate::dtype::Dtype;

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A rule of the format that bytes break, or a file that cannot be read.
///
/// Every message names the rule and the place: the tensor, the shard or the byte. Names from the file are
/// shown quoted, escaped and shortened, so that a hostile header cannot write to a terminal. Problems of a
/// file on disk come as [`Error::File`] with its path; [`Error::rule`] looks through it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Fewer than the eight bytes that hold the header's length.
    #[error("the file has {len} bytes, too few for the 8 bytes of the header's length{}", empty_hint(*len))]
    TooSmall {
        /// How many bytes there are.
        len: u64,
    },
    /// The header announces more bytes than are accepted.
    #[error("the header announces {len} bytes, more than the {limit} accepted{}", Lookalike::hint(*len))]
    HeaderTooLarge {
        /// The announced length.
        len: u64,
        /// The largest length accepted.
        limit: u64,
    },
    /// The header would end behind the file.
    #[error("the header announces {len} bytes, but the file ends after {file_len} bytes{}", Lookalike::hint(*len))]
    HeaderOutsideFile {
        /// The announced length.
        len: u64,
        /// The length of the file.
        file_len: u64,
    },
    /// Fewer bytes were given than the header has, though the file may hold them.
    #[error("the header has {len} bytes, but only {available} of them were given")]
    HeaderIncomplete {
        /// The announced length.
        len: u64,
        /// How many of the header's bytes there are.
        available: u64,
    },
    /// The header is not valid UTF-8.
    #[error("the header is not UTF-8 at its byte {at}")]
    NotUtf8 {
        /// The first byte of the header that is not.
        at: u64,
    },
    /// The header is not one JSON object.
    #[error("the header is not one JSON object: {reason}")]
    Json {
        /// What the JSON reader met, and where.
        reason: String,
    },
    /// The `__metadata__` is not a map from strings to strings.
    #[error("`__metadata__` is not a map from strings to strings: {reason}")]
    Metadata {
        /// What the JSON reader met, and where.
        reason: String,
    },
    /// The entry of a tensor lacks a field or has one of the wrong kind.
    #[error("the entry of tensor {tensor:?} is malformed: {reason}")]
    Entry {
        /// The tensor.
        tensor: String,
        /// What the JSON reader met, and where.
        reason: String,
    },
    /// A key appears twice in one object.
    #[error("the key {key:?} appears twice in {within}")]
    DuplicateKey {
        /// The key.
        key: String,
        /// The object that has it twice, in words.
        within: String,
    },
    /// The element type is not one of the format's.
    #[error("tensor {tensor:?} has the unknown dtype {dtype:?}")]
    UnknownDtype {
        /// The tensor.
        tensor: String,
        /// What the header says.
        dtype: String,
    },
    /// The offsets of a tensor run backwards.
    #[error("tensor {tensor:?} ends at byte {end} of the data, before its begin at {begin}")]
    OffsetsReversed {
        /// The tensor.
        tensor: String,
        /// The first offset.
        begin: u64,
        /// The second offset.
        end: u64,
    },
    /// Bytes of the data belong to no tensor.
    #[error("tensor {tensor:?} begins at byte {begin} of the data, leaving a hole behind byte {expected}")]
    Hole {
        /// The tensor behind the hole.
        tensor: String,
        /// Where it begins.
        begin: u64,
        /// Where it should begin.
        expected: u64,
    },
    /// Bytes of the data belong to two tensors.
    #[error(
        "tensor {tensor:?} begins at byte {begin} of the data, inside the one before it, which ends at {expected}"
    )]
    Overlap {
        /// The second of the two.
        tensor: String,
        /// Where it begins.
        begin: u64,
        /// Where it should begin.
        expected: u64,
    },
    /// The size of a tensor does not fit 64 bits.
    #[error("the size of tensor {tensor:?} overflows: its dimensions times its element width exceed 64 bits")]
    SizeOverflow {
        /// The tensor.
        tensor: String,
    },
    /// Elements narrower than a byte do not fill the last byte.
    #[error("tensor {tensor:?} of {dtype} takes {bits} bits, which is not a whole number of bytes")]
    NotWholeBytes {
        /// The tensor.
        tensor: String,
        /// Its element type.
        dtype: Dtype,
        /// The bits of all its elements.
        bits: u64,
    },
    /// Shape and element type ask for another size than the offsets give.
    #[error(
        "tensor {tensor:?} of {dtype} needs {expected} bytes by its shape, but its offsets span {actual}"
    )]
    SizeMismatch {
        /// The tensor.
        tensor: String,
        /// Its element type.
        dtype: Dtype,
        /// The bytes by shape and element type.
        expected: u64,
        /// The bytes between the offsets.
        actual: u64,
    },
    /// The tensors do not end where the file does.
    #[error("the tensors take {expected} bytes of data, but the file holds {actual}")]
    DataLength {
        /// The bytes by the header.
        expected: u64,
        /// The bytes behind the header.
        actual: u64,
    },
    /// No tensor has this name.
    #[error("there is no tensor {tensor:?}")]
    NoSuchTensor {
        /// The name that was asked for.
        tensor: String,
    },
    /// `__metadata__` cannot name a tensor to be written.
    #[error("`__metadata__` cannot be the name of a tensor")]
    ReservedName,
    /// A tensor is written when another one is due.
    #[error("tensor {tensor:?} was written out of order: {due} is due")]
    OutOfOrder {
        /// The tensor that was written.
        tensor: String,
        /// The tensor whose turn it is, in words.
        due: String,
    },
    /// A tensor is written with more or fewer bytes than the header says.
    #[error("tensor {tensor:?} has {expected} bytes, but {actual} were written")]
    WrittenLength {
        /// The tensor.
        tensor: String,
        /// The bytes by the header.
        expected: u64,
        /// The bytes that were written.
        actual: u64,
    },
    /// An index file has more bytes than are accepted.
    #[error("the index has {len} bytes, more than the {limit} accepted")]
    IndexTooLarge {
        /// Its length.
        len: u64,
        /// The largest length accepted.
        limit: u64,
    },
    /// An index file is not JSON of the known form.
    #[error("the index is malformed: {reason}")]
    Index {
        /// What the JSON reader met, and where.
        reason: String,
    },
    /// An index names a shard that is not a plain file name.
    #[error("the index puts tensor {tensor:?} into {shard:?}, which is not a plain file name")]
    ShardName {
        /// The tensor.
        tensor: String,
        /// The name of the shard.
        shard: String,
    },
    /// A shard that the index names does not exist.
    #[error("the index names the shard {shard:?}, which is missing")]
    MissingShard {
        /// The shard.
        shard: String,
    },
    /// A shard lacks a tensor that the index puts there.
    #[error("the index puts tensor {tensor:?} into shard {shard:?}, which does not have it")]
    MissingTensor {
        /// The tensor.
        tensor: String,
        /// The shard.
        shard: String,
    },
    /// A folder has neither a single file nor an index.
    #[error("the folder has neither model.safetensors nor model.safetensors.index.json")]
    NoModel,
    /// The path is neither a regular file nor a folder.
    #[error("it is not a regular file")]
    NotAFile,
    /// A file on disk breaks a rule.
    #[error("`{}` is not sound", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// The rule.
        source: Box<Error>,
    },
    /// A file could not be read.
    #[error("could not read `{}`", .path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The output of a writer failed.
    #[error("could not write the tensors")]
    Write(#[source] io::Error),
}

impl Error {
    /// Returns the rule that was broken, without the file around it.
    pub fn rule(&self) -> &Self {
        match self {
            Self::File { source, .. } => source.rule(),
            other => other,
        }
    }

    /// Adds the file in which the rule was broken. Errors that name their file stay as they are.
    pub(crate) fn in_file(self, path: &Path) -> Self {
        match self {
            named @ (Self::File { .. } | Self::Read { .. }) => named,
            rule => Self::File { path: path.to_owned(), source: Box::new(rule) },
        }
    }

    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Read { path, source }
    }
}

/// What a file is that is not in the format, by the eight bytes that were taken for the length of its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lookalike {
    LfsPointer,
    WebPage,
    Pickle,
    Zip,
    Gguf,
    Hdf5,
    Numpy,
    Gzip,
    Json,
    Text,
}

impl Lookalike {
    fn of(len: u64) -> Option<Self> {
        let bytes = len.to_le_bytes();
        let text = bytes.to_ascii_lowercase();
        let printable = |byte: &u8| byte.is_ascii_graphic() || byte.is_ascii_whitespace();
        Some(match bytes {
            [b'v', b'e', b'r', b's', b'i', b'o', b'n', b' '] => Self::LfsPointer,
            [0x80, 2..=5, ..] => Self::Pickle,
            [b'P', b'K', 3, 4, ..] => Self::Zip,
            [b'G', b'G', b'U', b'F', ..] => Self::Gguf,
            [0x89, b'H', b'D', b'F', ..] => Self::Hdf5,
            [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Self::Numpy,
            [0x1f, 0x8b, ..] => Self::Gzip,
            _ if !bytes.iter().all(printable) => return None,
            _ => match text.trim_ascii_start() {
                start
                    if start.starts_with(b"<!")
                        || start.starts_with(b"<htm")
                        || start.starts_with(b"<?xml") =>
                {
                    Self::WebPage
                }
                [b'{' | b'[', ..] => Self::Json,
                _ => Self::Text,
            },
        })
    }

    /// Says what the file looks like and what to do, as the end of a sentence.
    fn hint(len: u64) -> &'static str {
        match Self::of(len) {
            None => "",
            Some(Self::LfsPointer) => {
                "; it is a Git LFS pointer, not the file: run `git lfs pull`, or download the file again"
            }
            Some(Self::WebPage) => {
                "; it is a web page, perhaps one of an error or a login: download the file again, from its \
                 `resolve` address"
            }
            Some(Self::Pickle) => {
                "; it is a pickle, as PyTorch writes it: load it with PyTorch and save it as safetensors"
            }
            Some(Self::Zip) => {
                "; it is a ZIP archive, such as a PyTorch checkpoint: load it with PyTorch and save it as safetensors"
            }
            Some(Self::Gguf) => "; it is a GGUF file, which the tools of llama.cpp read",
            Some(Self::Hdf5) => {
                "; it is an HDF5 file, as Keras writes it: load it there and save it as safetensors"
            }
            Some(Self::Numpy) => "; it is a NumPy array: load it with NumPy and save it as safetensors",
            Some(Self::Gzip) => "; it is compressed with gzip: decompress it first",
            Some(Self::Json) => {
                "; it is JSON: an index of shards has a name that ends in `.safetensors.index.json`"
            }
            Some(Self::Text) => {
                "; it is a text, perhaps the message of an error: look into it, and download it again"
            }
        }
    }
}

fn empty_hint(len: u64) -> &'static str {
    if len == 0 { "; it is empty: download it again" } else { "" }
}

/// How much of a name or of a reader's message an error keeps; a header may hold names of megabytes.
const SHOWN_CHARACTERS: usize = 160;

/// Copies the beginning of a text from a file.
pub(crate) fn shorten(text: &str) -> String {
    match text.char_indices().nth(SHOWN_CHARACTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// Copies a reader's message, which may quote the file.
pub(crate) fn reason(error: &serde_json::Error) -> String {
    // The place stands at the end of the message, where shortening would lose it.
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(place) if text.len() - place < 64 => format!("{}{}", shorten(&text[..place]), &text[place..]),
        _ => shorten(&text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_escaped_and_shortened() {
        let name = format!("a\u{1b}[31m\u{202e}\n{}", "x".repeat(10_000));
        let message = Error::NoSuchTensor { tensor: shorten(&name) }.to_string();
        assert!(message.len() < 300, "{message}");
        assert!(!message.contains(['\u{1b}', '\u{202e}', '\n']), "{message}");
    }

    #[test]
    fn files_of_other_formats_are_recognised() {
        let cases: [(&[u8; 8], &str); 14] = [
            (b"version ", "Git LFS pointer"),
            (b"<!DOCTYP", "web page"),
            (b"<html><h", "web page"),
            (b"\n\n <HTML", "web page"),
            (b"\x80\x02\x8a\x0al\xfc\x9cF", "pickle"),
            (b"\x80\x04\x95\x00\x00\x00\x00\x00", "pickle"),
            (b"PK\x03\x04\x14\x00\x00\x00", "ZIP archive"),
            (b"GGUF\x03\x00\x00\x00", "GGUF"),
            (b"\x89HDF\r\n\x1a\n", "HDF5"),
            (b"\x93NUMPY\x01\x00", "NumPy"),
            (b"\x1f\x8b\x08\x00\x00\x00\x00\x00", "gzip"),
            (b"{\n  \"met", "JSON"),
            (b"Entry no", "text"),
            (b"\xff\xff\xff\xff\xff\xff\xff\xff", "accepted"),
        ];
        for (bytes, expected) in cases {
            let message = Error::HeaderTooLarge { len: u64::from_le_bytes(*bytes), limit: 1 }.to_string();
            assert!(message.contains(expected), "{bytes:?}: {message}");
        }
        assert!(Error::TooSmall { len: 0 }.to_string().contains("empty"));
    }

    #[test]
    fn a_reason_keeps_its_place() {
        let json = format!("{{\"a\": \"{}\"}}", "y".repeat(10_000));
        let error = serde_json::from_str::<std::collections::BTreeMap<String, u64>>(&json).unwrap_err();
        let text = reason(&error);
        assert!(text.len() < 300 && text.ends_with("at line 1 column 10008"), "{text}");
    }

    #[test]
    fn the_file_is_named_once() {
        let error = Error::NoModel.in_file(Path::new("a")).in_file(Path::new("b"));
        assert!(matches!(&error, Error::File { path, .. } if path == Path::new("a")));
        assert!(matches!(error.rule(), Error::NoModel));
    }
}
