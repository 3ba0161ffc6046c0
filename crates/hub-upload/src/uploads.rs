//! The methods of this crate.
use crate::{
    CommitOperation, CommitOperationAdd, CreateCommitRequest, DeleteFileRequest, DeleteFilesRequest,
    DeleteFolderRequest, PreuploadLfsFilesRequest, Source, UploadFileRequest, UploadFolderRequest,
};
use hub_api::types::RepoId;
use hub_api::{Arg, HfApi, Many, Method};
use std::path::PathBuf;

/// The methods of this crate, for the registry.
pub static METHODS: &[Method] = &[
    Method::of::<CreateCommitRequest>(),
    Method::of::<DeleteFileRequest>(),
    Method::of::<DeleteFilesRequest>(),
    Method::of::<DeleteFolderRequest>(),
    Method::of::<PreuploadLfsFilesRequest>(),
    Method::of::<UploadFileRequest>(),
    Method::of::<UploadFolderRequest>(),
];

/// Adds commits and uploads to the client.
///
/// What each method does, needs and fails with is written at [`Spec::doc`](hub_api::Spec) and at the request it makes.
pub trait Uploads {
    /// Makes a commit of files to add, delete and copy.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use hub_upload::{CommitOperation, Uploads as _};
    ///
    /// let operations = [
    ///     CommitOperation::add("model.safetensors", "./out/model.safetensors"),
    ///     CommitOperation::delete("pytorch_model.bin"),
    /// ];
    /// api.create_commit("me/model", operations, "Use safetensors").await?;
    /// # Ok(())
    /// # }
    /// ```
    fn create_commit(
        &self,
        repo_id: impl Into<Arg<RepoId>>,
        operations: impl Into<Vec<CommitOperation>>,
        commit_message: impl Into<String>,
    ) -> CreateCommitRequest<HfApi>;

    /// Uploads a file in a commit of its own.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// # use hub_upload::Uploads as _;
    /// api.upload_file("./out/model.safetensors", "model.safetensors", "me/model").await?;
    /// # Ok(())
    /// # }
    /// ```
    fn upload_file(
        &self,
        path_or_fileobj: impl Into<Source>,
        path_in_repo: impl Into<String>,
        repo_id: impl Into<Arg<RepoId>>,
    ) -> UploadFileRequest<HfApi>;

    /// Uploads the files of a folder in one commit.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// # use hub_upload::Uploads as _;
    /// api.upload_folder("me/model", "./out").commit_message("v1").ignore_patterns(["*.tmp"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    fn upload_folder(
        &self,
        repo_id: impl Into<Arg<RepoId>>,
        folder_path: impl Into<PathBuf>,
    ) -> UploadFolderRequest<HfApi>;

    /// Sends the content of large files to the LFS storage, to be committed later.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use hub_upload::{CommitOperationAdd, Uploads as _};
    ///
    /// let shard = CommitOperationAdd::new("shard-1.safetensors", "./shard-1.safetensors");
    /// api.preupload_lfs_files("me/model", [shard]).await?;
    /// # Ok(())
    /// # }
    /// ```
    fn preupload_lfs_files(
        &self,
        repo_id: impl Into<Arg<RepoId>>,
        additions: impl Into<Vec<CommitOperationAdd>>,
    ) -> PreuploadLfsFilesRequest<HfApi>;

    /// Deletes a file.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// # use hub_upload::Uploads as _;
    /// api.delete_file("pytorch_model.bin", "me/model").await?;
    /// # Ok(())
    /// # }
    /// ```
    fn delete_file(
        &self,
        path_in_repo: impl Into<String>,
        repo_id: impl Into<Arg<RepoId>>,
    ) -> DeleteFileRequest<HfApi>;

    /// Deletes the files that match patterns, in one commit.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// # use hub_upload::Uploads as _;
    /// api.delete_files("me/model", ["logs/", "*.tmp"]).await?;
    /// # Ok(())
    /// # }
    /// ```
    fn delete_files(
        &self,
        repo_id: impl Into<Arg<RepoId>>,
        delete_patterns: impl Into<Many<String>>,
    ) -> DeleteFilesRequest<HfApi>;

    /// Deletes a folder with all that is in it.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// # use hub_upload::Uploads as _;
    /// api.delete_folder("checkpoints", "me/model").await?;
    /// # Ok(())
    /// # }
    /// ```
    fn delete_folder(
        &self,
        path_in_repo: impl Into<String>,
        repo_id: impl Into<Arg<RepoId>>,
    ) -> DeleteFolderRequest<HfApi>;
}

impl Uploads for HfApi {
    fn create_commit(
        &self,
        repo_id: impl Into<Arg<RepoId>>,
        operations: impl Into<Vec<CommitOperation>>,
        commit_message: impl Into<String>,
    ) -> CreateCommitRequest<HfApi> {
        CreateCommitRequest::new(repo_id, operations, commit_message).on(self)
    }

    fn upload_file(
        &self,
        path_or_fileobj: impl Into<Source>,
        path_in_repo: impl Into<String>,
        repo_id: impl Into<Arg<RepoId>>,
    ) -> UploadFileRequest<HfApi> {
        UploadFileRequest::new(path_or_fileobj, path_in_repo, repo_id).on(self)
    }

    fn upload_folder(
        &self,
        repo_id: impl Into<Arg<RepoId>>,
        folder_path: impl Into<PathBuf>,
    ) -> UploadFolderRequest<HfApi> {
        UploadFolderRequest::new(repo_id, folder_path).on(self)
    }

    fn preupload_lfs_files(
        &self,
        repo_id: impl Into<Arg<RepoId>>,
        additions: impl Into<Vec<CommitOperationAdd>>,
    ) -> PreuploadLfsFilesRequest<HfApi> {
        PreuploadLfsFilesRequest::new(repo_id, additions).on(self)
    }

    fn delete_file(
        &self,
        path_in_repo: impl Into<String>,
        repo_id: impl Into<Arg<RepoId>>,
    ) -> DeleteFileRequest<HfApi> {
        DeleteFileRequest::new(path_in_repo, repo_id).on(self)
    }

    fn delete_files(
        &self,
        repo_id: impl Into<Arg<RepoId>>,
        delete_patterns: impl Into<Many<String>>,
    ) -> DeleteFilesRequest<HfApi> {
        DeleteFilesRequest::new(repo_id, delete_patterns).on(self)
    }

    fn delete_folder(
        &self,
        path_in_repo: impl Into<String>,
        repo_id: impl Into<Arg<RepoId>>,
    ) -> DeleteFolderRequest<HfApi> {
        DeleteFolderRequest::new(path_in_repo, repo_id).on(self)
    }
}
