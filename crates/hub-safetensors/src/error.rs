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
    #[error("the file has {len} bytes, too few for the 8 bytes of the header's length")]
    TooSmall {
        /// How many bytes there are.
        len: u64,
    },
    /// The header announces more bytes than are accepted.
    #[error("the header announces {len} bytes, more than the {limit} accepted")]
    HeaderTooLarge {
        /// The announced length.
        len: u64,
        /// The largest length accepted.
        limit: u64,
    },
    /// The header would end behind the file.
    #[error("the header announces {len} bytes, but the file ends after {file_len} bytes")]
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
