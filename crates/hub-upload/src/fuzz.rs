//! What the fuzz targets of the workspace reach of this crate. Built with `--cfg fuzzing` only.
use crate::commit::body::{CommitBody, Line};
use crate::outgoing::AbortHandle;
use crate::progress::Observer;
use crate::source::LocalFile;
use futures_util::TryStreamExt as _;
use std::sync::Arc;

/// One change of a commit.
#[derive(Debug, Clone)]
pub enum Change {
    /// A file with its content.
    File { path: String, content: Vec<u8> },
    /// A file in the LFS storage.
    Lfs { path: String, oid: String, size: Option<u64> },
    /// A file to delete.
    DeletedFile { path: String },
    /// A folder to delete.
    DeletedFolder { path: String },
}

/// Writes the body of a commit, and returns it with the length that was announced for it.
pub async fn commit_body(
    summary: &str,
    description: &str,
    parent: Option<&str>,
    changes: &[Change],
) -> (u64, Vec<u8>) {
    let line = |change: &Change| match change.clone() {
        Change::File { path, content } => Line::File { path, file: LocalFile::of_bytes(content.into()) },
        Change::Lfs { path, oid, size } => Line::Lfs { path, oid, size },
        Change::DeletedFile { path } => Line::DeletedFile { path },
        Change::DeletedFolder { path } => Line::DeletedFolder { path },
    };
    let body = CommitBody {
        summary: summary.to_owned(),
        description: description.to_owned(),
        lines: Arc::new(changes.iter().map(line).collect()),
        sent_before: Arc::default(),
    };
    let source = body.source(parent, &Observer::default(), &AbortHandle::default());
    let pieces: Vec<_> = source.open().try_collect().await.expect("content in memory does not change");
    (body.length(parent), pieces.concat())
}
