//! What all safetensors files of a repository hold.

use std::collections::BTreeMap;

use futures_util::future::try_join;
use hub_api::repos::exists::FileExistsRequest;
use hub_api::{Arg, Error, HfApi, Result, Run, request};
use hub_types::{RepoId, RepoType, Revision};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinSet;

use super::header::{fetch_index_json, stopped};
use super::parse_file_metadata::describe;
use super::{FILES_AT_ONCE, Place, unsound};
use crate::index::{Index, MAX_INDEX_LEN};
use crate::metadata::{INDEX_FILE, SINGLE_FILE, SafetensorsFileMetadata, SafetensorsRepoMetadata};

request! {
    /// Tells what the safetensors files of a repository hold, by reading their headers alone.
    ///
    /// These are `model.safetensors`, or what `model.safetensors.index.json` names. Of each file only the header is
    /// fetched, of up to 72 files at once. It is taken as it is: offsets are not compared with shapes or with the file.
    /// `HEAD` of the one and of the other, `GET` of the index, and `GET` of a range for each file, all below
    /// `/{prefix}{repo_id}/resolve/{revision}/`.
    ///
    /// # Errors
    /// `NotASafetensorsRepo` if there are no such files, and if there is no such repository or revision; `GatedRepo`;
    /// `EntryNotFound` if the index names a file that does not exist; `SafetensorsParsing` if the index or a header cannot
    /// be read.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use hub_safetensors::Safetensors as _;
    ///
    /// let model = api.get_safetensors_metadata("bigscience/bloomz").await?;
    /// for (dtype, count) in &model.parameter_count {
    ///     println!("{count} parameters of {dtype}");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_safetensors_metadata(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> SafetensorsRepoMetadata;

    /// The parameters of [`Safetensors::get_safetensors_metadata`](crate::Safetensors::get_safetensors_metadata).
    pub struct GetSafetensorsMetadataRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
        /// The branch, tag or commit; the default branch if unset.
        revision: Option<Arg<Revision>>,
    }
}

impl GetSafetensorsMetadataRequest {
    async fn has(&self, filename: &str, api: &HfApi) -> Result<bool> {
        let mut exists = FileExistsRequest::new(self.repo_id.clone(), filename);
        (exists.repo_type, exists.revision) = (self.repo_type, self.revision.clone());
        exists.on(api).await
    }
}

impl Run for GetSafetensorsMetadataRequest {
    async fn run(self, api: HfApi) -> Result<SafetensorsRepoMetadata> {
        let place = Place::new(self.repo_type, &self.repo_id, self.revision.as_ref())?;
        if self.has(SINGLE_FILE, &api).await? {
            let file = place.file(api.client(), SINGLE_FILE);
            return Ok(SafetensorsRepoMetadata::single(describe(file, place.name(SINGLE_FILE)).await?));
        }
        if !self.has(INDEX_FILE, &api).await? {
            return Err(place.no_model());
        }
        let name = place.name(INDEX_FILE);
        let json = fetch_index_json(&place.file(api.client(), INDEX_FILE), &name).await?;
        // A long index takes a while to read, and so do connections to make: the shards are asked for as they are named.
        let (told, shards) = mpsc::unbounded_channel();
        let parsing = tokio::task::spawn_blocking(move || {
            Index::parse_telling(&json, MAX_INDEX_LEN, &mut |shard| drop(told.send(shard.to_owned())))
        });
        let index = async { parsing.await.map_err(stopped)?.map_err(|error| unsound(error, &name)) };
        // Should the index break a rule in the end, that is the error, and the requests are dropped.
        let (index, files) = try_join(index, describe_all(shards, &place, &api)).await?;
        SafetensorsRepoMetadata::sharded(index, files).map_err(|error| unsound(error, &name))
    }
}

/// Describes shards as they are named, many at once, each on a task of its own so that all cores parse.
async fn describe_all(
    mut shards: UnboundedReceiver<String>,
    place: &Place,
    api: &HfApi,
) -> Result<BTreeMap<String, SafetensorsFileMetadata>> {
    let mut described = BTreeMap::new();
    let mut tasks = JoinSet::new();
    loop {
        while tasks.len() < FILES_AT_ONCE
            && let Some(shard) = shards.recv().await
        {
            let (file, name) = (place.file(api.client(), &shard), place.name(&shard));
            tasks.spawn(async move { Ok::<_, Error>((shard, describe(file, name).await?)) });
        }
        // The first failure drops the set, which ends the other tasks.
        let Some(done) = tasks.join_next().await else { return Ok(described) };
        let (shard, file) = done.map_err(stopped)??;
        described.insert(shard, file);
    }
}
