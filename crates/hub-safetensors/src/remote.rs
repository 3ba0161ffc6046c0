//! Headers and tensors of files on the Hub, of which only the bytes that are needed are fetched.

mod get_metadata;
mod header;
mod local_files;
mod model;
mod open;
mod parse_file_metadata;
mod tensors;

use hub_api::{Arg, HfApi, Method, Result};
use hub_http::{Client, Context as _, ErrorKind, Http, RemoteFile};
use hub_types::{RepoId, RepoType, Revision};

pub use get_metadata::GetSafetensorsMetadataRequest;
pub use local_files::LocalFiles;
pub use model::RemoteModel;
pub use open::OpenModel;
pub use parse_file_metadata::ParseSafetensorsFileMetadataRequest;
pub use tensors::{FetchedTensor, TensorPart};

use crate::error::Error;

/// The methods of this crate, for the registry.
pub static METHODS: &[Method] =
    &[Method::of::<GetSafetensorsMetadataRequest>(), Method::of::<ParseSafetensorsFileMetadataRequest>()];

/// How many files are looked at at once.
const FILES_AT_ONCE: usize = 72;

/// Adds what is in safetensors files to the client.
pub trait Safetensors {
    /// Tells what the safetensors files of a repository hold, by reading their headers alone; see
    /// [`GetSafetensorsMetadataRequest`].
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use hub_safetensors::Safetensors as _;
    ///
    /// let model = api.get_safetensors_metadata("bigscience/bloomz").await?;
    /// println!("{:?} in {} files", model.parameter_count, model.files_metadata.len());
    /// # Ok(())
    /// # }
    /// ```
    fn get_safetensors_metadata(
        &self,
        repo_id: impl Into<Arg<RepoId>>,
    ) -> GetSafetensorsMetadataRequest<HfApi>;

    /// Tells what one safetensors file holds, by reading its header alone; see
    /// [`ParseSafetensorsFileMetadataRequest`].
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use hub_safetensors::Safetensors as _;
    ///
    /// let file = api.parse_safetensors_file_metadata("openai-community/gpt2", "model.safetensors").await?;
    /// println!("{:?}", file.tensors["wte.weight"].shape);
    /// # Ok(())
    /// # }
    /// ```
    fn parse_safetensors_file_metadata(
        &self,
        repo_id: impl Into<Arg<RepoId>>,
        filename: impl Into<String>,
    ) -> ParseSafetensorsFileMetadataRequest<HfApi>;

    /// Opens the model of a repository, to fetch some of its tensors; see [`RemoteModel`].
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use hub_safetensors::Safetensors as _;
    ///
    /// let model = api.open_safetensors("openai-community/gpt2").revision("main").await?;
    /// let positions = model.tensor("wpe.weight").await?;
    /// assert_eq!(positions.bytes.len() as u64, positions.tensor.byte_len());
    /// # Ok(())
    /// # }
    /// ```
    fn open_safetensors(&self, repo_id: impl Into<Arg<RepoId>>) -> OpenModel;
}

impl Safetensors for HfApi {
    fn get_safetensors_metadata(
        &self,
        repo_id: impl Into<Arg<RepoId>>,
    ) -> GetSafetensorsMetadataRequest<HfApi> {
        GetSafetensorsMetadataRequest::new(repo_id).on(self)
    }

    fn parse_safetensors_file_metadata(
        &self,
        repo_id: impl Into<Arg<RepoId>>,
        filename: impl Into<String>,
    ) -> ParseSafetensorsFileMetadataRequest<HfApi> {
        ParseSafetensorsFileMetadataRequest::new(repo_id, filename).on(self)
    }

    fn open_safetensors(&self, repo_id: impl Into<Arg<RepoId>>) -> OpenModel {
        OpenModel::new(self, repo_id)
    }
}

/// A revision of a repository, which files are read from.
#[derive(Debug, Clone)]
struct Place {
    repo_type: RepoType,
    repo_id: RepoId,
    revision: Revision,
}

impl Place {
    fn new(
        repo_type: Option<RepoType>,
        repo_id: &Arg<RepoId>,
        revision: Option<&Arg<Revision>>,
    ) -> Result<Self> {
        Ok(Self {
            repo_type: repo_type.unwrap_or_default(),
            repo_id: repo_id.get()?.clone(),
            revision: revision.map_or(Ok(Revision::main()), |revision| revision.get().cloned())?,
        })
    }

    /// A file, to be read in ranges.
    fn file(&self, client: &Client, path: &str) -> RemoteFile {
        let path = hub_api::resolve_path(self.repo_type, &self.repo_id, &self.revision, path);
        RemoteFile::new(client, Http::get(path))
    }

    /// A file in words.
    fn name(&self, path: &str) -> String {
        format!("`{path}` of `{}` at `{}`", self.repo_id, self.revision)
    }

    fn no_model(&self) -> hub_api::Error {
        let (single, index) = (crate::SINGLE_FILE, crate::INDEX_FILE);
        let message =
            format!("`{}` has neither `{single}` nor `{index}` at `{}`", self.repo_id, self.revision);
        hub_api::Error::new(ErrorKind::NotASafetensorsRepo, message).about(self.repo_id.as_str())
    }
}

impl From<Error> for hub_api::Error {
    /// Names the rule, under the kind that the clients of the Hub know for it.
    fn from(error: Error) -> Self {
        let kind = match error.rule() {
            Error::NoSuchTensor { .. } => ErrorKind::EntryNotFound,
            Error::NoModel => ErrorKind::NotASafetensorsRepo,
            Error::Read { .. } | Error::Write(_) | Error::NotAFile => ErrorKind::Io,
            Error::ReservedName | Error::OutOfOrder { .. } | Error::WrittenLength { .. } => {
                ErrorKind::InvalidArgument
            }
            _ => ErrorKind::SafetensorsParsing,
        };
        Self::new(kind, error.to_string()).caused_by(error)
    }
}

/// Says which file broke a rule.
fn unsound(error: Error, what: &str) -> hub_api::Error {
    Err::<(), _>(hub_api::Error::from(error)).with(|| format!("could not read {what}")).unwrap_err()
}
