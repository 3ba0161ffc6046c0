//! A model on the Hub, opened.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hub_api::patterns::Patterns;
use hub_api::{Error, ErrorKind, Result};
use hub_http::RemoteFile;
use hub_types::CommitHash;
use tokio::sync::OnceCell;

use super::header::{fetch_header, stopped};
use super::tensors::{FetchedTensor, Reading, TensorPart, assemble};
use super::{FILES_AT_ONCE, Place, unsound};
use crate::error;
use crate::file::SafetensorsFile;
use crate::header::{Header, Tensor};
use crate::index::Index;
use crate::metadata::SafetensorsRepoMetadata;

/// A model on the Hub, of which tensors are fetched one by one.
///
/// Made by [`Safetensors::open_safetensors`](crate::Safetensors::open_safetensors). Everything comes from
/// [one commit](RemoteModel::commit). Headers are fetched when they are first needed and kept. Tensors are
/// read from files on this machine where there are such, and by ranges where there are none: neighbours share a
/// range, several ranges of several files are fetched at once, and connections that break go on where they broke.
///
/// Other than a whole file, a range of one cannot be compared with the file's hash: what is checked is the header,
/// with every rule of the format, and that all bytes are of one version of the file.
///
/// A handle is cheap to clone. Without a runtime of one's own, `hub_api::block_on` performs what it gives.
///
/// ```no_run
/// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
/// use futures_util::TryStreamExt as _;
/// use hub_safetensors::Safetensors as _;
///
/// let model = api.open_safetensors("bigscience/bloomz").await?;
/// let mut norms = model.stream_tensors(["*.input_layernorm.*"]);
/// while let Some(norm) = norms.try_next().await? {
///     println!("{} {:?}: {} bytes", norm.tensor.name(), norm.tensor.shape(), norm.bytes.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct RemoteModel {
    shared: Arc<Shared>,
}

#[derive(Debug)]
pub(super) struct Shared {
    place: Place,
    commit: CommitHash,
    index: Option<Index>,
    /// In the order of their names; for a sharded model those of the index.
    files: Vec<File>,
    pub(super) reading: Reading,
}

impl RemoteModel {
    pub(super) fn new(
        place: Place,
        commit: CommitHash,
        index: Option<Index>,
        files: Vec<File>,
        reading: Reading,
    ) -> Self {
        Self { shared: Arc::new(Shared { place, commit, index, files, reading }) }
    }

    /// Returns the commit that everything comes from.
    pub fn commit(&self) -> &CommitHash {
        &self.shared.commit
    }

    /// Returns the index of a sharded model.
    pub fn index(&self) -> Option<&Index> {
        self.shared.index.as_ref()
    }

    /// Returns the names of the files in order, without their folder.
    pub fn files(&self) -> impl ExactSizeIterator<Item = &str> {
        self.shared.files.iter().map(|file| &*file.name)
    }

    /// Reads the headers of all files.
    ///
    /// # Errors
    ///
    /// `SafetensorsParsing` if one breaks a rule of the format, `EntryNotFound` if the index names a file that does
    /// not exist, and those of the transport.
    pub async fn headers(&self) -> Result<BTreeMap<String, Arc<Header>>> {
        let headers = self.shared.headers(0..self.shared.files.len()).await?;
        Ok(self.files().map(str::to_owned).zip(headers).collect())
    }

    /// Describes the model as the Hub's clients describe a repository.
    ///
    /// Other than [`Safetensors::get_safetensors_metadata`](crate::Safetensors::get_safetensors_metadata) this checks
    /// every rule of the format.
    ///
    /// # Errors
    ///
    /// As [`RemoteModel::headers`].
    pub async fn metadata(&self) -> Result<SafetensorsRepoMetadata> {
        let headers = self.headers().await?;
        let mut files = headers.into_iter().map(|(name, header)| (name, (&*header).into()));
        match &self.shared.index {
            Some(index) => Ok(SafetensorsRepoMetadata::sharded(index.clone(), files.collect())?),
            None => {
                let (_, file) = files.next().expect("a model without an index has one file");
                Ok(SafetensorsRepoMetadata::single(file))
            }
        }
    }

    /// Lists the names that match one of the patterns, which have the meaning of
    /// [`Patterns`](hub_api::patterns::Patterns).
    ///
    /// A sharded model knows them from its index; of a single file this reads the header.
    ///
    /// # Errors
    ///
    /// As [`RemoteModel::headers`].
    pub async fn tensor_names<S: AsRef<str>>(
        &self,
        patterns: impl IntoIterator<Item = S>,
    ) -> Result<Vec<String>> {
        self.shared.matching(&Patterns::new(patterns)).await
    }

    /// Tells what the headers say about tensors, file by file in the order of their bytes, each with the header that
    /// says it.
    ///
    /// # Errors
    ///
    /// `EntryNotFound` if there is no such tensor, and those of [`RemoteModel::headers`].
    pub async fn describe<S: AsRef<str>>(
        &self,
        names: impl IntoIterator<Item = S>,
    ) -> Result<Vec<(Tensor, Arc<Header>)>> {
        let mut described = Vec::new();
        for (_, header, mut positions) in self.shared.locate(&owned(names)).await? {
            positions.sort_unstable();
            positions.dedup();
            let describe = |position: usize| (header.tensors()[position].clone(), header.clone());
            described.extend(positions.into_iter().map(describe));
        }
        Ok(described)
    }

    /// Fetches a tensor.
    ///
    /// # Errors
    ///
    /// As [`RemoteModel::stream_parts`].
    pub async fn tensor(&self, name: impl AsRef<str>) -> Result<FetchedTensor> {
        let mut tensors = self.tensors([name]).await?;
        Ok(tensors.pop().expect("a tensor was asked for"))
    }

    /// Fetches tensors and returns them in the order of the names. All of them are in memory at the end.
    ///
    /// # Errors
    ///
    /// As [`RemoteModel::stream_parts`].
    pub async fn tensors<S: AsRef<str>>(
        &self,
        names: impl IntoIterator<Item = S>,
    ) -> Result<Vec<FetchedTensor>> {
        let names = owned(names);
        let fetched: Vec<_> = assemble(self.stream_parts(names.clone())).try_collect().await?;
        let by_name: BTreeMap<&str, &FetchedTensor> =
            fetched.iter().map(|fetched| (fetched.tensor.name(), fetched)).collect();
        Ok(names.iter().map(|name| by_name[name.as_str()].clone()).collect())
    }

    /// Fetches the tensors whose names match one of the patterns, one after the other, file by file in the order of
    /// their bytes.
    ///
    /// What is in memory is the tensor that is given and the ranges under way, see
    /// [`OpenModel::connections`](crate::OpenModel::connections). Without a match the stream is empty.
    ///
    /// # Errors
    ///
    /// As [`RemoteModel::stream_parts`]; the stream ends with the error.
    pub fn stream_tensors<S: AsRef<str>>(
        &self,
        patterns: impl IntoIterator<Item = S>,
    ) -> BoxStream<'static, Result<FetchedTensor>> {
        let (model, patterns) = (self.clone(), Patterns::new(patterns));
        let parts = async move {
            let names = model.shared.matching(&patterns).await?;
            Ok::<_, Error>(model.stream_parts(names))
        };
        assemble(stream::once(parts).try_flatten().boxed()).boxed()
    }

    /// Fetches tensors in parts, file by file in the order of their bytes, so that even one that does not fit the
    /// memory can be written somewhere.
    ///
    /// A name given twice counts once; a tensor of no bytes has one part.
    ///
    /// # Errors
    ///
    /// `EntryNotFound` if there is no such tensor or no such file, `SafetensorsParsing` if a header breaks a rule,
    /// `ContentChanged` if a file is not the one of before, `RangeIgnored` if the server sends no ranges, and those of
    /// the transport. The stream ends with the error.
    pub fn stream_parts<S: AsRef<str>>(
        &self,
        names: impl IntoIterator<Item = S>,
    ) -> BoxStream<'static, Result<TensorPart>> {
        super::tensors::parts(self.shared.clone(), owned(names))
    }
}

fn owned<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Vec<String> {
    names.into_iter().map(|name| name.as_ref().to_owned()).collect()
}

impl Shared {
    pub(super) fn file(&self, position: usize) -> &File {
        &self.files[position]
    }

    /// The headers of some files, in their order.
    async fn headers(&self, files: impl Iterator<Item = usize>) -> Result<Vec<Arc<Header>>> {
        let headers = files.map(|file| async move { Ok(self.files[file].opened().await?.header.clone()) });
        // Collected first: a stream over the borrowing iterator is not known to be `Send`.
        let headers: Vec<_> = headers.collect();
        stream::iter(headers).buffered(FILES_AT_ONCE).try_collect().await
    }

    /// The names of the tensors that match; a sharded model knows them from its index.
    async fn matching(&self, patterns: &Patterns) -> Result<Vec<String>> {
        let matching = |names: &mut dyn Iterator<Item = &str>| {
            names.filter(|name| patterns.matches(name)).map(str::to_owned).collect()
        };
        match &self.index {
            Some(index) => Ok(matching(&mut index.weight_map().map(|(name, _)| name))),
            None => {
                let header = &self.files[0].opened().await?.header;
                Ok(matching(&mut header.tensors().iter().map(Tensor::name)))
            }
        }
    }

    /// Finds tensors: the files that have them, with their headers and the places in these.
    pub(super) async fn locate(&self, names: &[String]) -> Result<Vec<(usize, Arc<Header>, Vec<usize>)>> {
        let groups: Vec<(usize, Vec<&str>)> = match &self.index {
            None if names.is_empty() => Vec::new(),
            None => vec![(0, names.iter().map(String::as_str).collect())],
            Some(index) => {
                let groups = index.group_by_shard(names).map_err(|error| self.lacks(error))?;
                let place = |shard: &str| index.shards().binary_search_by(|other| other.as_str().cmp(shard));
                let known = "the index names its own shards";
                groups.into_iter().map(|(shard, names)| (place(shard).expect(known), names)).collect()
            }
        };
        let headers = self.headers(groups.iter().map(|(file, _)| *file)).await?;
        let located = groups.into_iter().zip(headers).map(|((file, names), header)| {
            let position = |name: &&str| header.position(name).ok_or_else(|| self.missing(file, name));
            let positions = names.iter().map(position).collect::<Result<_>>()?;
            Ok((file, header, positions))
        });
        located.collect()
    }

    /// The error for a tensor that a file does not have.
    fn missing(&self, file: usize, name: &str) -> Error {
        let (tensor, shard) = (error::shorten(name), error::shorten(&self.files[file].name));
        match self.index {
            None => self.lacks(error::Error::NoSuchTensor { tensor }),
            Some(_) => error::Error::MissingTensor { tensor, shard }.into(),
        }
    }

    fn lacks(&self, error: error::Error) -> Error {
        let (repo_id, revision) = (&self.place.repo_id, &self.place.revision);
        Error::new(ErrorKind::EntryNotFound, format!("{error} in `{repo_id}` at `{revision}`"))
            .about(repo_id.as_str())
            .caused_by(error)
    }
}

/// A file of the model.
#[derive(Debug)]
pub(super) struct File {
    pub(super) name: Arc<str>,
    /// The file in words, for errors.
    what: String,
    source: Source,
    opened: OnceCell<Opened>,
}

/// Where the bytes of a file are.
#[derive(Debug)]
pub(super) enum Source {
    Here(PathBuf),
    There(Arc<RemoteFile>),
}

/// A file whose header was read.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) header: Arc<Header>,
    pub(super) content: Content,
}

/// What the bytes of a file are read from.
#[derive(Debug)]
pub(super) enum Content {
    /// The whole file, mapped.
    Mapped(Bytes),
    Remote(Arc<RemoteFile>),
}

impl File {
    pub(super) fn new(name: &str, what: String, source: Source) -> Self {
        Self { name: name.into(), what, source, opened: OnceCell::new() }
    }

    /// The file in words.
    pub(super) fn what(&self) -> &str {
        &self.what
    }

    /// Reads the header, unless that was done before.
    pub(super) async fn opened(&self) -> Result<&Opened> {
        self.opened.get_or_try_init(|| self.open()).await
    }

    async fn open(&self) -> Result<Opened> {
        match &self.source {
            Source::Here(path) => {
                let path = path.clone();
                let opened = tokio::task::spawn_blocking(move || SafetensorsFile::open(path)).await;
                let file = opened.map_err(stopped)??;
                let header = Arc::new(file.header().clone());
                Ok(Opened { header, content: Content::Mapped(Bytes::from_owner(file)) })
            }
            Source::There(file) => {
                let header = fetch_header(file, &self.what).await?;
                let options = header.options();
                let parsed = header.parse(move |json| options.parse_json(json)).await?;
                let header = Arc::new(parsed.map_err(|error| unsound(error, &self.what))?);
                Ok(Opened { header, content: Content::Remote(file.clone()) })
            }
        }
    }
}
