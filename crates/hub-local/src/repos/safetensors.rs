//! How many parameters a model has, from the headers of its safetensors files.
use crate::{
    git::{Git, Item},
    lfs::LfsStore,
    web::Result,
};
use git2::Oid;
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{Cursor, Read},
};

/// The field `safetensors` of a model; `None` if it has no such file, or one that cannot be read.
pub(super) fn parameters(git: &Git<'_>, lfs: &LfsStore, commit: Oid) -> Result<Option<Value>> {
    let listing = git.list(git.tree_of(commit)?, false)?;
    let whole = listing.items.iter().filter(|item| item.path == "model.safetensors");
    let shards = listing.items.iter().filter(|item| is_shard(&item.path));
    let mut files: Vec<&Item> = whole.collect();
    if files.is_empty() {
        files = shards.collect();
    }
    let mut counts = BTreeMap::new();
    for file in &files {
        let Some(tensors) = header(git, lfs, file.id)? else { return Ok(None) };
        for tensor in tensors.into_values() {
            let Some(tensor) = tensor.into_tensor() else { continue };
            let size = tensor.shape.iter().fold(1_u64, |size, side| size.saturating_mul(*side));
            let count = counts.entry(tensor.dtype).or_insert(0_u64);
            *count = count.saturating_add(size);
        }
    }
    let total = counts.values().fold(0_u64, |total, count| total.saturating_add(*count));
    Ok((!files.is_empty()).then(|| json!({ "parameters": counts, "total": total })))
}

fn is_shard(path: &str) -> bool {
    path.starts_with("model-") && path.ends_with(".safetensors") && path.contains("-of-")
}

type Header = BTreeMap<String, Entry>;

/// A tensor, or the metadata of the file, which has no type.
#[derive(Deserialize)]
struct Entry {
    dtype: Option<String>,
    shape: Option<Vec<u64>>,
}

struct Tensor {
    dtype: String,
    shape: Vec<u64>,
}

impl Entry {
    fn into_tensor(self) -> Option<Tensor> {
        Some(Tensor { dtype: self.dtype?, shape: self.shape? })
    }
}

/// Longer headers are no model's.
const MAX_HEADER_BYTES: u64 = 100_000_000;

fn header(git: &Git<'_>, lfs: &LfsStore, blob: Oid) -> Result<Option<Header>> {
    match git.blob(blob)?.lfs {
        Some(pointer) => Ok(File::open(lfs.path(&pointer.oid)).ok().and_then(read)),
        None => Ok(read(Cursor::new(git.content(blob)?))),
    }
}

fn read(mut file: impl Read) -> Option<Header> {
    let mut length = [0; 8];
    file.read_exact(&mut length).ok()?;
    let length = u64::from_le_bytes(length);
    if length > MAX_HEADER_BYTES {
        return None;
    }
    let mut text = Vec::new();
    file.take(length).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}
