//! Descriptions of single repositories.
use crate::macros::{composite, endpoint};
use crate::paths::PushRevision as _;
use crate::types::{
    DatasetInfo, ExpandDatasetProperty, ExpandModelProperty, ExpandSpaceProperty, ModelInfo, RepoId,
    RepoInfo, RepoType, Revision, SpaceInfo,
};
use crate::{Arg, Endpoint, HfApi, Http, Many, Result, Run, repo_path};
use hub_http::MAX_LISTING_BYTES;
use hub_types::InvalidArgument;
use std::fmt::Display;

/// The request for the description of a repository.
pub(super) fn describe(repo_type: RepoType, repo_id: &Arg<RepoId>, revision: Option<&Arg<Revision>>) -> Http {
    let path = repo_path(Some(repo_type), repo_id);
    let http = Http::get(match revision {
        Some(_) => path.push("revision").push_revision(revision),
        None => path,
    });
    // It lists the files of the repository.
    http.max_answer_bytes(MAX_LISTING_BYTES)
}

/// Asks for more than the usual parts of a description, or for some of them.
fn with_parts(http: Http, files_metadata: bool, expand: &[impl Display]) -> Http {
    match (files_metadata, expand.is_empty()) {
        (false, _) => http.query_each("expand", expand),
        (true, true) => http.query_bool("blobs", true),
        (true, false) => {
            Http::invalid(InvalidArgument::new("`expand` and `files_metadata` cannot go together"))
        }
    }
}

endpoint! {
    /// Describes a model: its commit, files, tags, card and numbers.
    ///
    /// `GET /api/models/{repo_id}`, or `…/revision/{revision}`.
    ///
    /// # Errors
    /// `InvalidArgument` if `expand` is given with `files_metadata` or `securityStatus`; `RepositoryNotFound`,
    /// `GatedRepo`, `RevisionNotFound`.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let info = api.model_info("openai-community/gpt2").revision("main").files_metadata(true).await?;
    /// let parts = api.model_info("openai-community/gpt2").expand(["downloadsAllTime", "gguf"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn model_info(
        /// The model.
        repo_id: Arg<RepoId>,
    ) -> ModelInfo;

    /// The parameters of [`HfApi::model_info`].
    pub struct ModelInfoRequest {
        /// The branch, tag or commit to describe; the default branch if unset.
        revision: Option<Arg<Revision>>,
        /// Whether to tell what the security scans found.
        securityStatus: Option<bool>,
        /// Whether to tell the sizes and hashes of the files.
        files_metadata: bool,
        /// The parts of the description to send; the others are left out.
        expand: Many<ExpandModelProperty>,
    }
}

impl Endpoint for ModelInfoRequest {
    fn http(&self) -> Http {
        let security = self.securityStatus == Some(true);
        if security && !self.expand.is_empty() {
            return Http::invalid(InvalidArgument::new("`expand` and `securityStatus` cannot go together"));
        }
        let http = describe(RepoType::Model, &self.repo_id, self.revision.as_ref());
        let http = with_parts(http, self.files_metadata, &self.expand);
        if security { http.query_bool("securityStatus", true) } else { http }
    }
}

endpoint! {
    /// Describes a dataset: its commit, files, tags, card and numbers.
    ///
    /// `GET /api/datasets/{repo_id}`, or `…/revision/{revision}`.
    ///
    /// # Errors
    /// `InvalidArgument` if `expand` and `files_metadata` are given both; `RepositoryNotFound`, `GatedRepo`,
    /// `RevisionNotFound`.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let info = api.dataset_info("rajpurkar/squad").revision("refs/convert/parquet").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn dataset_info(
        /// The dataset.
        repo_id: Arg<RepoId>,
    ) -> DatasetInfo;

    /// The parameters of [`HfApi::dataset_info`].
    pub struct DatasetInfoRequest {
        /// The branch, tag or commit to describe; the default branch if unset.
        revision: Option<Arg<Revision>>,
        /// Whether to tell the sizes and hashes of the files.
        files_metadata: bool,
        /// The parts of the description to send; the others are left out.
        expand: Many<ExpandDatasetProperty>,
    }
}

impl Endpoint for DatasetInfoRequest {
    fn http(&self) -> Http {
        let http = describe(RepoType::Dataset, &self.repo_id, self.revision.as_ref());
        with_parts(http, self.files_metadata, &self.expand)
    }
}

endpoint! {
    /// Describes a Space: its commit, files, tags, card and how it runs.
    ///
    /// `GET /api/spaces/{repo_id}`, or `…/revision/{revision}`.
    ///
    /// # Errors
    /// `InvalidArgument` if `expand` and `files_metadata` are given both; `RepositoryNotFound`, `GatedRepo`,
    /// `RevisionNotFound`.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let info = api.space_info("me/demo").await?;
    /// println!("{:?}", info.runtime.map(|runtime| runtime.stage));
    /// # Ok(())
    /// # }
    /// ```
    pub fn space_info(
        /// The Space.
        repo_id: Arg<RepoId>,
    ) -> SpaceInfo;

    /// The parameters of [`HfApi::space_info`].
    pub struct SpaceInfoRequest {
        /// The branch, tag or commit to describe; the default branch if unset.
        revision: Option<Arg<Revision>>,
        /// Whether to tell the sizes and hashes of the files.
        files_metadata: bool,
        /// The parts of the description to send; the others are left out.
        expand: Many<ExpandSpaceProperty>,
    }
}

impl Endpoint for SpaceInfoRequest {
    fn http(&self) -> Http {
        let http = describe(RepoType::Space, &self.repo_id, self.revision.as_ref());
        with_parts(http, self.files_metadata, &self.expand)
    }
}

composite! {
    /// Describes a repository of any kind.
    ///
    /// `GET /api/{type}s/{repo_id}`, or `…/revision/{revision}`.
    ///
    /// # Errors
    /// `InvalidArgument` if `expand` and `files_metadata` are given both; `RepositoryNotFound`, `GatedRepo`,
    /// `RevisionNotFound`.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use hub_api::types::RepoType;
    ///
    /// let info = api.repo_info("rajpurkar/squad").repo_type(RepoType::Dataset).await?;
    /// println!("{:?}", info.sha());
    /// # Ok(())
    /// # }
    /// ```
    pub fn repo_info(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> RepoInfo;

    /// The parameters of [`HfApi::repo_info`].
    pub struct RepoInfoRequest {
        /// The branch, tag or commit to describe; the default branch if unset.
        revision: Option<Arg<Revision>>,
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
        /// Whether to tell the sizes and hashes of the files.
        files_metadata: bool,
        /// The parts of the description to send, by the Hub's names; the others are left out.
        expand: Many<String>,
    }
}

impl RepoInfoRequest {
    /// The exchange that asks for the description.
    pub fn http(&self) -> Http {
        let repo_type = self.repo_type.unwrap_or_default();
        let http = describe(repo_type, &self.repo_id, self.revision.as_ref());
        with_parts(http, self.files_metadata, &self.expand)
    }
}

impl Run for RepoInfoRequest {
    async fn run(self, api: HfApi) -> Result<RepoInfo> {
        let answer = api.exchange(self.http()).await?;
        Ok(match self.repo_type.unwrap_or_default() {
            RepoType::Model => RepoInfo::Model(answer.json()?),
            RepoType::Dataset => RepoInfo::Dataset(answer.json()?),
            RepoType::Space => RepoInfo::Space(answer.json()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Http {
        Http::get(path).max_answer_bytes(MAX_LISTING_BYTES)
    }

    #[test]
    fn revision_with_slash_is_one_path_segment() {
        let request = DatasetInfoRequest::new("me/d").revision("refs/convert/parquet").files_metadata(true);
        let expected = get("/api/datasets/me/d/revision/refs%2Fconvert%2Fparquet");
        assert_eq!(request.http(), expected.query("blobs", "True"));
    }

    #[test]
    fn parts_are_asked_for_one_by_one() {
        let request = ModelInfoRequest::new("gpt2").expand(["gguf", "likes", "newer"]);
        let expected = get("/api/models/gpt2").query_each("expand", ["gguf", "likes", "newer"]);
        assert_eq!(request.http(), expected);
    }

    #[test]
    fn parts_and_extras_exclude_each_other() {
        for http in [
            ModelInfoRequest::new("m").expand(["likes"]).files_metadata(true).http(),
            ModelInfoRequest::new("m").expand(["likes"]).securityStatus(true).http(),
            SpaceInfoRequest::new("s").expand(["likes"]).files_metadata(true).http(),
            RepoInfoRequest::new("r").expand(["likes"]).files_metadata(true).http(),
        ] {
            assert!(http.invalid.is_some());
        }
    }

    #[test]
    fn any_kind_is_asked_for_at_its_own_place() {
        let request = RepoInfoRequest::new("me/s").repo_type(RepoType::Space).revision("v1");
        assert_eq!(request.http(), get("/api/spaces/me/s/revision/v1"));
        let request = ModelInfoRequest::new("me/m").securityStatus(true);
        assert_eq!(request.http(), get("/api/models/me/m").query("securityStatus", "True"));
    }
}
