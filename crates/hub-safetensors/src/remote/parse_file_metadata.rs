//! What one file on the Hub holds.

use hub_api::{Arg, HfApi, Result, Run, request};
use hub_http::RemoteFile;
use hub_types::{RepoId, RepoType, Revision};

use super::header::{STORAGE_BYTES, fetch_header};
use super::{Place, unsound};
use crate::metadata::SafetensorsFileMetadata;

request! {
    /// Tells what one safetensors file holds, by reading its header alone.
    ///
    /// The header is taken as it is: offsets are not compared with shapes or with the file.
    /// `GET /{prefix}{repo_id}/resolve/{revision}/{filename}` of the first 100,001 bytes, and of the whole header if it
    /// is longer. Where the Hub leads to storage, that is asked for more at once.
    ///
    /// # Errors
    /// `RepositoryNotFound`, `GatedRepo`, `RevisionNotFound`, `EntryNotFound`; `SafetensorsParsing` if the file does not
    /// begin with a header of up to 25 MB.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use hub_safetensors::Safetensors as _;
    ///
    /// let file = api.parse_safetensors_file_metadata("openai-community/gpt2", "model.safetensors").await?;
    /// println!("{:?}", file.parameter_count);
    /// # Ok(())
    /// # }
    /// ```
    pub fn parse_safetensors_file_metadata(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The path of the file in the repository.
        filename: String,
    ) -> SafetensorsFileMetadata;

    /// The parameters of [`Safetensors::parse_safetensors_file_metadata`](crate::Safetensors::parse_safetensors_file_metadata).
    pub struct ParseSafetensorsFileMetadataRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
        /// The branch, tag or commit; the default branch if unset.
        revision: Option<Arg<Revision>>,
    }
}

impl Run for ParseSafetensorsFileMetadataRequest {
    async fn run(self, api: HfApi) -> Result<SafetensorsFileMetadata> {
        let place = Place::new(self.repo_type, &self.repo_id, self.revision.as_ref())?;
        let file = place.file(api.client(), &self.filename);
        describe(file, place.name(&self.filename)).await
    }
}

/// Describes a file by its header.
pub(super) async fn describe(file: RemoteFile, name: String) -> Result<SafetensorsFileMetadata> {
    let header = fetch_header(&file.reach(STORAGE_BYTES), &name).await?;
    header.parse(SafetensorsFileMetadata::parse_json).await?.map_err(|error| unsound(error, &name))
}
