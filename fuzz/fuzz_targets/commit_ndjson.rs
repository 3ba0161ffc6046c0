//! Commits as lines of JSON: the server reads what the client wrote, in whatever pieces it arrives, and reads anything
//! else without a panic.
//!
//! The first line of the input is the message, the others are changes: `f PATH CONTENT`, `l PATH OID`, `d PATH`,
//! `D PATH`.

#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hub_fuzz::{first_line, text};
use hub_upload::fuzz::{Change, commit_body};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use std::sync::LazyLock;
use tokio::runtime::Runtime;

/// The reader of hub-local by itself: the crate brings git and a database, which take minutes to build.
#[path = "../../crates/hub-local/src/uploads"]
mod uploads {
    mod ndjson;

    const MAX_REGULAR_BYTES: u64 = 10 << 20;

    /// The lines of a body that arrives in pieces of this size.
    pub fn read(body: &[u8], piece: usize) -> Result<Vec<serde_json::Value>, String> {
        let chunks: Vec<_> = body.chunks(piece).map(|piece| Ok(piece.to_vec().into())).collect();
        ndjson::Lines::of(chunks.into_iter()).collect()
    }
}

/// What the reader uses of its crate.
mod web {
    pub type Result<T> = std::result::Result<T, String>;

    pub struct ApiError;

    impl ApiError {
        #[allow(clippy::new_ret_no_self)]
        pub fn bad_request(message: impl Into<String>) -> String {
            message.into()
        }
    }

    pub mod body {
        /// A body that has arrived already.
        pub type Chunks = std::vec::IntoIter<Result<bytes::Bytes, String>>;
    }
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().expect("a runtime")
});

fuzz_target!(|data: &[u8]| {
    // The input as it is, in pieces of several sizes, is read as the same or refused in the same way.
    let piece = usize::from(data.first().copied().unwrap_or_default()) + 1;
    assert_eq!(uploads::read(data, data.len().max(1)), uploads::read(data, piece));

    let text = text(data);
    let (summary, rest) = first_line(&text);
    let changes: Vec<Change> = rest.lines().take(16).filter_map(change).collect();
    let parent = data.len().is_multiple_of(2).then_some("abc12");
    let (length, body) = RUNTIME.block_on(commit_body(summary, rest, parent, &changes));
    assert_eq!(body.len() as u64, length, "the announced length");

    let mut header = json!({ "summary": summary, "description": rest });
    if let Some(parent) = parent {
        header["parentCommit"] = parent.into();
    }
    let header = json!({ "key": "header", "value": header });
    let expected: Vec<_> = std::iter::once(header).chain(changes.iter().map(line)).collect();
    assert_eq!(uploads::read(&body, piece), Ok(expected));
});

fn change(line: &str) -> Option<Change> {
    let mut words = line.splitn(3, ' ');
    let (kind, path) = (words.next()?, words.next()?.to_owned());
    let rest = words.next().unwrap_or_default();
    Some(match kind {
        "f" => Change::File { path, content: rest.as_bytes().to_vec() },
        "l" => Change::Lfs { path, oid: rest.to_owned(), size: rest.parse().ok() },
        "d" => Change::DeletedFile { path },
        "D" => Change::DeletedFolder { path },
        _ => return None,
    })
}

/// A change as the server has to see it.
fn line(change: &Change) -> Value {
    let (key, value) = match change {
        Change::File { path, content } => {
            ("file", json!({ "path": path, "content": STANDARD.encode(content), "encoding": "base64" }))
        }
        Change::Lfs { path, oid, size: Some(size) } => {
            ("lfsFile", json!({ "path": path, "oid": oid, "algo": "sha256", "size": size }))
        }
        Change::Lfs { path, oid, size: None } => {
            ("lfsFile", json!({ "path": path, "oid": oid, "algo": "sha256" }))
        }
        Change::DeletedFile { path } => ("deletedFile", json!({ "path": path })),
        Change::DeletedFolder { path } => ("deletedFolder", json!({ "path": path })),
    };
    json!({ "key": key, "value": value })
}
