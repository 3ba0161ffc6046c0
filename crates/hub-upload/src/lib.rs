//! Commits, file and folder uploads to the Hugging Face Hub.
//!
//! [`Uploads`] adds the methods to [`HfApi`](hub_api::HfApi). Files are hashed by several threads; the Hub says which
//! are large and go to the LFS storage, in one request or in parts, while others are still being hashed; small ones go
//! with the commit, in a body that is made while it is sent. What the Hub has is not sent, what did not change is not
//! committed, and memory does not grow with the size of files.
//!
//! ```no_run
//! # async fn example() -> hub_api::Result<()> {
//! use hub_api::HfApi;
//! use hub_upload::Uploads as _;
//!
//! let api = HfApi::from_env()?;
//! let commit = api.upload_folder("me/model", "./out").commit_message("v1").await?;
//! println!("{}", commit.commit_url);
//! # Ok(())
//! # }
//! ```

mod commit;
mod delete;
mod folder;
#[cfg(fuzzing)]
#[doc(hidden)]
pub mod fuzz;
mod hash;
mod lfs;
mod outgoing;
mod place;
mod preupload;
mod progress;
mod sort;
mod source;
mod upload_file;
mod uploads;

pub use commit::CreateCommitRequest;
pub use commit::operation::{
    CommitOperation, CommitOperationAdd, CommitOperationCopy, CommitOperationDelete,
};
pub use delete::{DeleteFileRequest, DeleteFilesRequest, DeleteFolderRequest};
pub use folder::{UploadFolderRequest, list_folder};
pub use preupload::PreuploadLfsFilesRequest;
pub use progress::{SkipReason, UploadEvent, UploadObserver, observe};
pub use source::{ReadSeek, Reader, Source};
pub use upload_file::UploadFileRequest;
pub use uploads::{METHODS, Uploads};
