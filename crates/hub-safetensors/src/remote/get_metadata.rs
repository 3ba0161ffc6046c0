//! What all safetensors files of a repository hold.

use std::collections::{BTreeMap, BTreeSet};

use hub_api::repos::exists::FileExistsRequest;
use hub_api::{Arg, HfApi, Result, Run, request};
use hub_types::{RepoId, RepoType, Revision};
use tokio::task::JoinSet;

use super::header::{fetch_index, stopped};
use super::parse_file_metadata::describe;
use super::{FILES_AT_ONCE, Place, unsound};
use crate::metadata::{INDEX_FILE, SINGLE_FILE, SafetensorsFileMetadata, SafetensorsRepoMetadata};

request! {
    /// Tells what the safetensors files of a repository hold, by reading their headers alone.
    ///
    /// These are `model.safetensors`, or what `model.safetensors.index.json` names. Of each file only the header is
    /// fetched, of up to 72 files at once. It is taken as it is: offsets are not compared with shapes or with the file.
    /// `HEAD` of the one and of the other, `GET` of the index, and `GET` of a range for each file, all below
    /// `/{prefix}{repo_id}/resolve/{revision}/`. Files are asked for as their names are seen, while the rest of the index
    /// is on its way; one that is named elsewhere in the index may be asked for too, and does not matter.
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
        let mut shards = Shards { place: &place, api: &api, asked: BTreeSet::new(), tasks: JoinSet::new() };
        let file = place.file(api.client(), INDEX_FILE);
        let index = fetch_index(&file, &name, Some(&mut |shard| shards.foresee(shard))).await?;
        let files = shards.described(index.shards()).await?;
        SafetensorsRepoMetadata::sharded(index, files).map_err(|error| unsound(error, &name))
    }
}

/// The shards of a model, each described on a task of its own so that all cores parse.
///
/// A long index takes a while to come, and so do connections to make, so shards are asked for as soon as their names
/// are seen.
struct Shards<'a> {
    place: &'a Place,
    api: &'a HfApi,
    asked: BTreeSet<String>,
    tasks: JoinSet<(String, Result<SafetensorsFileMetadata>)>,
}

impl Shards<'_> {
    /// Asks for what is probably a shard.
    fn foresee(&mut self, shard: &str) {
        if self.tasks.len() < FILES_AT_ONCE {
            self.ask(shard);
        }
    }

    /// Asks for a shard, unless that was done.
    fn ask(&mut self, shard: &str) {
        if !self.asked.contains(shard) {
            self.asked.insert(shard.to_owned());
            let (file, name) = (self.place.file(self.api.client(), shard), self.place.name(shard));
            let shard = shard.to_owned();
            self.tasks.spawn(async move { (shard, describe(file, name).await) });
        }
    }

    /// Describes these shards, which are in order.
    async fn described(mut self, shards: &[String]) -> Result<BTreeMap<String, SafetensorsFileMetadata>> {
        let mut described = BTreeMap::new();
        let mut rest = shards.iter();
        loop {
            while self.tasks.len() < FILES_AT_ONCE
                && let Some(shard) = rest.next()
            {
                self.ask(shard);
            }
            // The first failure drops the set, which ends the other tasks.
            let Some(done) = self.tasks.join_next().await else { return Ok(described) };
            let (shard, file) = done.map_err(stopped)?;
            // What only looked like a shard is nobody's concern.
            if shards.binary_search(&shard).is_ok() {
                described.insert(shard, file?);
            }
        }
    }
}
