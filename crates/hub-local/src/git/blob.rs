//! Blobs, and the pointers that stand for LFS files.
use super::Git;
use crate::web::Result;
use git2::Oid;
use serde_json::{Value, json};

/// What a tree listing says of a file.
#[derive(Debug, Clone)]
pub(crate) struct Blob {
    /// The size of the blob in git.
    pub(crate) git_size: u64,
    /// The LFS file it points to.
    pub(crate) lfs: Option<Pointer>,
}

impl Blob {
    /// The size of the file: of the LFS content, if it is one.
    pub(crate) fn size(&self) -> u64 {
        self.lfs.as_ref().map_or(self.git_size, |lfs| lfs.size)
    }
}

/// A git-lfs pointer file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pointer {
    /// The sha256 of the content.
    pub(crate) oid: String,
    /// The size of the content.
    pub(crate) size: u64,
}

const POINTER_FIRST_LINE: &str = "version https://git-lfs.github.com/spec/v1";
/// The specification says pointers are smaller than this.
const POINTER_MAX_BYTES: u64 = 1024;

impl Pointer {
    /// Reads the text of a pointer file.
    pub(crate) fn parse(content: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(content).ok()?;
        let mut lines = text.lines();
        if lines.next() != Some(POINTER_FIRST_LINE) {
            return None;
        }
        let (mut oid, mut size) = (None, None);
        for line in lines {
            match line.split_once(' ')? {
                ("oid", value) => oid = value.strip_prefix("sha256:").filter(|oid| is_sha256(oid)),
                ("size", value) => size = value.parse().ok(),
                _ => {}
            }
        }
        Some(Self { oid: oid?.to_owned(), size: size? })
    }

    /// The text of the pointer file, as git-lfs writes it.
    pub(crate) fn to_text(&self) -> String {
        format!("{POINTER_FIRST_LINE}\noid sha256:{}\nsize {}\n", self.oid, self.size)
    }

    /// The form of tree listings.
    pub(crate) fn describe(&self, pointer_size: u64) -> Value {
        json!({ "oid": self.oid, "size": self.size, "pointerSize": pointer_size })
    }
}

/// Whether a text is a sha256 in hex.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
}

impl Git<'_> {
    /// The sizes of a blob, and where it points.
    pub(crate) fn blob(&self, id: Oid) -> Result<Blob> {
        if let Some(known) = self.shared.blobs.lock().expect("no holder panics").get(&id) {
            return Ok(known.clone());
        }
        let odb = self.repository.odb()?;
        let (size, _) = odb.read_header(id)?;
        let git_size = size as u64;
        let lfs = if git_size < POINTER_MAX_BYTES { Pointer::parse(odb.read(id)?.data()) } else { None };
        let blob = Blob { git_size, lfs };
        self.shared.blobs.lock().expect("no holder panics").insert(id, blob.clone());
        Ok(blob)
    }

    /// The content of a blob. Those that are large are in LFS, so this is small.
    pub(crate) fn content(&self, id: Oid) -> Result<Vec<u8>> {
        Ok(self.repository.find_blob(id)?.content().to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pointer_text_is_read_back() {
        let pointer = Pointer { oid: "ab".repeat(32), size: 90_868_376 };
        assert_eq!(Pointer::parse(pointer.to_text().as_bytes()), Some(pointer));
        assert_eq!(Pointer::parse(b"version 1\noid sha256:00\nsize 1\n"), None);
    }
}
