//! Where the content of an uploaded file comes from.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use hub_http::{Error, ErrorKind, IoContext as _, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use std::fs::{self, File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;
use std::{env, fmt};

/// What a file that is read twice, once to be hashed and once to be sent, has to be able to do.
pub trait ReadSeek: Read + Seek + Send {}

impl<T: Read + Seek + Send> ReadSeek for T {}

type Open = dyn Fn() -> io::Result<Box<dyn ReadSeek>> + Send + Sync;

/// The content of a file to upload.
///
/// In JSON a string is a path and `{"base64": "…"}` the content itself.
///
/// ```
/// # use hub_upload::Source;
/// let on_disk: Source = "./model.safetensors".into();
/// let in_memory: Source = b"hello".to_vec().into();
/// let seekable = Source::seekable(std::io::Cursor::new("hello"));
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub enum Source {
    /// A file on disk; `~/` at its beginning is the home folder.
    Path(PathBuf),
    /// Bytes in memory.
    Bytes(Bytes),
    /// A reader that can be opened several times.
    Reader(Reader),
}

/// Opens a reader of content; each begins at the first byte.
#[derive(Clone)]
pub struct Reader(Arc<Open>);

impl Source {
    /// Content from a function that opens a reader of it, which may be called several times, also at once.
    pub fn reader<R: ReadSeek + 'static>(open: impl Fn() -> io::Result<R> + Send + Sync + 'static) -> Self {
        Self::Reader(Reader(Arc::new(move || Ok(Box::new(open()?)))))
    }

    /// Content from one reader, from its first byte on, wherever it stands.
    ///
    /// Parts of it are read one at a time: [`Source::reader`] is faster for large content.
    pub fn seekable(reader: impl ReadSeek + 'static) -> Self {
        let shared: Arc<Mutex<dyn ReadSeek>> = Arc::new(Mutex::new(reader));
        Self::reader(move || Ok(Shared { reader: shared.clone(), position: 0 }))
    }
}

/// One of several readers of a single reader, each with a position of its own.
struct Shared {
    reader: Arc<Mutex<dyn ReadSeek>>,
    position: u64,
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.seek(SeekFrom::Start(self.position))?;
        let count = reader.read(buffer)?;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Shared {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let mut reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        reader.seek(SeekFrom::Start(self.position))?;
        self.position = reader.seek(to)?;
        Ok(self.position)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Reader(_) => f.write_str("Reader"),
        }
    }
}

impl From<&str> for Source {
    fn from(path: &str) -> Self {
        Self::Path(path.into())
    }
}

impl From<String> for Source {
    fn from(path: String) -> Self {
        Self::Path(path.into())
    }
}

impl From<&Path> for Source {
    fn from(path: &Path) -> Self {
        Self::Path(path.into())
    }
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Self {
        Self::Path(path)
    }
}

impl From<&PathBuf> for Source {
    fn from(path: &PathBuf) -> Self {
        Self::Path(path.clone())
    }
}

impl From<Vec<u8>> for Source {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes.into())
    }
}

impl From<&'static [u8]> for Source {
    fn from(bytes: &'static [u8]) -> Self {
        Self::Bytes(Bytes::from_static(bytes))
    }
}

impl From<Bytes> for Source {
    fn from(bytes: Bytes) -> Self {
        Self::Bytes(bytes)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Encoded {
    base64: String,
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Path(path) => path.serialize(serializer),
            Self::Bytes(bytes) => Encoded { base64: BASE64.encode(bytes) }.serialize(serializer),
            Self::Reader(_) => Err(ser::Error::custom("a reader cannot be written as JSON")),
        }
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Source;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path, or {\"base64\": content}")
            }
            fn visit_str<E: de::Error>(self, path: &str) -> Result<Source, E> {
                Ok(path.into())
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Source, A::Error> {
                let encoded = Encoded::deserialize(de::value::MapAccessDeserializer::new(map))?;
                let bytes = BASE64.decode(&encoded.base64).map_err(|error| {
                    de::Error::custom(format_args!("the content is not valid base64: {error}"))
                })?;
                Ok(bytes.into())
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// What tells that a file on disk was changed or replaced.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Stamp {
    size: u64,
    modified: Option<SystemTime>,
    /// The device and the number of the file on it.
    identity: (u64, u64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self { size: metadata.len(), modified: metadata.modified().ok(), identity: identity(metadata) }
    }
}

#[cfg(unix)]
fn identity(metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt as _;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(_metadata: &Metadata) -> (u64, u64) {
    (0, 0)
}

/// Content as it was when the upload began.
#[derive(Debug, Clone)]
pub(crate) struct LocalFile {
    source: Source,
    size: u64,
    stamp: Option<Stamp>,
}

impl LocalFile {
    /// Looks at content for the first time. Blocks.
    pub(crate) fn measure(source: Source) -> Result<Self> {
        match source {
            Source::Path(path) => {
                let path = expand_home(path);
                match fs::metadata(&path) {
                    Ok(metadata) if metadata.is_file() => {
                        let stamp = Stamp::of(&metadata);
                        Ok(Self { source: Source::Path(path), size: stamp.size, stamp: Some(stamp) })
                    }
                    Ok(_) => Err(Error::invalid(format!("`{}` is not a file", path.display()))),
                    Err(error) => {
                        Err(Error::invalid(format!("there is no file `{}`", path.display())).caused_by(error))
                    }
                }
            }
            Source::Bytes(bytes) => Ok(Self::of_bytes(bytes)),
            Source::Reader(reader) => {
                let size = (reader.0)()
                    .and_then(|mut opened| opened.seek(SeekFrom::End(0)))
                    .map_err(|error| Error::invalid("the reader to upload cannot seek").caused_by(error))?;
                Ok(Self { source: Source::Reader(reader), size, stamp: None })
            }
        }
    }

    /// Content in memory.
    pub(crate) fn of_bytes(bytes: Bytes) -> Self {
        Self { size: bytes.len() as u64, source: Source::Bytes(bytes), stamp: None }
    }

    /// How many bytes there are.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Opens the content at its first byte. Blocks.
    pub(crate) fn open(&self) -> Result<Box<dyn ReadSeek>> {
        match &self.source {
            Source::Path(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Err(self.changed("it is gone")),
                Err(error) => Err(error).at(path),
            },
            Source::Bytes(bytes) => Ok(Box::new(io::Cursor::new(bytes.clone()))),
            Source::Reader(reader) => (reader.0)().map_err(|error| self.unreadable(error)),
        }
    }

    /// Reads the first bytes. Blocks.
    pub(crate) fn sample(&self, length: u64) -> Result<Vec<u8>> {
        if let Source::Bytes(bytes) = &self.source {
            return Ok(bytes[..bytes.len().min(length as usize)].to_vec());
        }
        let mut sample = Vec::new();
        self.open()?.take(length).read_to_end(&mut sample).map_err(|error| self.unreadable(error))?;
        Ok(sample)
    }

    /// Reads everything as text. Blocks.
    pub(crate) fn text(&self) -> Result<String> {
        let bytes = self.sample(self.size)?;
        String::from_utf8(bytes).map_err(|error| {
            Error::invalid(format!("{} is not text in UTF-8", self.describe())).caused_by(error)
        })
    }

    /// Makes sure that the content is still what it was. Blocks.
    pub(crate) fn check_unchanged(&self) -> Result<()> {
        let (Source::Path(path), Some(stamp)) = (&self.source, &self.stamp) else { return Ok(()) };
        match fs::metadata(path) {
            Ok(metadata) if Stamp::of(&metadata) == *stamp => Ok(()),
            Ok(metadata) if metadata.len() != stamp.size => {
                Err(self.changed(&format!("it had {} bytes and has {}", stamp.size, metadata.len())))
            }
            Ok(_) => Err(self.changed("it was written to")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(self.changed("it is gone")),
            Err(error) => Err(error).at(path),
        }
    }

    /// The error for content that is no longer what it was.
    pub(crate) fn changed(&self, how: &str) -> Error {
        let what = self.describe();
        Error::new(
            ErrorKind::SourceChanged,
            format!("{what} changed while it was uploaded: {how}; nothing was committed"),
        )
        .about(what)
    }

    /// The error for content that cannot be read.
    pub(crate) fn unreadable(&self, error: io::Error) -> Error {
        match &self.source {
            Source::Path(path) => Err::<(), _>(error).at(path).unwrap_err(),
            _ => Error::new(ErrorKind::Io, format!("could not read {}", self.describe())).caused_by(error),
        }
    }

    fn describe(&self) -> String {
        match &self.source {
            Source::Path(path) => format!("`{}`", path.display()),
            Source::Bytes(_) => "the content in memory".to_owned(),
            Source::Reader(_) => "the reader to upload".to_owned(),
        }
    }
}

fn expand_home(path: PathBuf) -> PathBuf {
    match (path.strip_prefix("~"), env::home_dir()) {
        (Ok(below), Some(home)) => home.join(below),
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::io::{Cursor, Write as _};

    #[test]
    fn json_names_a_path_or_holds_content() {
        let path: Source = serde_json::from_value(json!("a/b.txt")).unwrap();
        assert!(matches!(&path, Source::Path(path) if path == Path::new("a/b.txt")));
        let bytes: Source = serde_json::from_value(json!({"base64": "aGk="})).unwrap();
        assert!(matches!(&bytes, Source::Bytes(bytes) if bytes == "hi"));
        assert_eq!(serde_json::to_value(bytes).unwrap(), json!({"base64": "aGk="}));
        for wrong in [json!(5), json!(null), json!({"base64": "%"}), json!({"hex": "00"}), json!(["a"])] {
            assert!(serde_json::from_value::<Source>(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_files_can_be_measured() {
        let folder = tempfile::tempdir().unwrap();
        for path in [folder.path().to_owned(), folder.path().join("missing")] {
            let error = LocalFile::measure(path.into()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
        }
    }

    #[test]
    fn an_append_is_noticed() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(b"one").unwrap();
        let measured = LocalFile::measure(file.path().into()).unwrap();
        measured.check_unchanged().unwrap();
        file.write_all(b"two").unwrap();
        assert_eq!(measured.check_unchanged().unwrap_err().kind(), ErrorKind::SourceChanged);
    }

    #[test]
    fn a_removed_file_has_changed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let measured = LocalFile::measure(file.path().into()).unwrap();
        drop(file);
        assert_eq!(measured.check_unchanged().unwrap_err().kind(), ErrorKind::SourceChanged);
    }

    #[test]
    fn a_seekable_reader_is_read_from_its_start_by_several_at_once() {
        let mut cursor = Cursor::new(b"hello".to_vec());
        cursor.set_position(3);
        let file = LocalFile::measure(Source::seekable(cursor)).unwrap();
        assert_eq!(file.size(), 5);
        let (mut one, mut two) = (file.open().unwrap(), file.open().unwrap());
        let (mut a, mut b) = ([0; 2], [0; 5]);
        one.read_exact(&mut a).unwrap();
        two.read_exact(&mut b).unwrap();
        assert_eq!((&a, &b), (b"he", b"hello"));
        assert_eq!(file.sample(4).unwrap(), b"hell");
    }
}
