//! The hash of a content while it goes by.
use hub_types::Etag;
use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// Hashes content as the ETag that names it was made.
#[derive(Clone)]
pub(crate) enum Hasher {
    /// Content kept in LFS: the sha256 of its bytes.
    Sha256(Sha256),
    /// Content kept in git: the sha1 of the blob, which begins with its length.
    GitSha1(Sha1),
    /// The ETag is no hash, and says nothing about the bytes.
    Unknown,
}

impl Hasher {
    /// The hasher for a content of this name and size.
    pub(crate) fn of(etag: &Etag, size: u64) -> Self {
        if etag.sha256().is_some() {
            Self::Sha256(Sha256::new())
        } else if etag.git_sha1().is_some() {
            let mut hasher = Sha1::new();
            hasher.update(format!("blob {size}\0"));
            Self::GitSha1(hasher)
        } else {
            Self::Unknown
        }
    }

    /// Takes the bytes that follow.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Sha256(hasher) => hasher.update(bytes),
            Self::GitSha1(hasher) => hasher.update(bytes),
            Self::Unknown => {}
        }
    }

    /// The hash of all bytes, in hex, if there is one.
    pub(crate) fn finish(self) -> Option<String> {
        match self {
            Self::Sha256(hasher) => Some(hex::encode(hasher.finalize())),
            Self::GitSha1(hasher) => Some(hex::encode(hasher.finalize())),
            Self::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_kept_in_git_is_hashed_as_a_blob() {
        // `printf 'hello\n' | git hash-object --stdin`
        let etag = Etag::parse("ce013625030ba8dba906f756967f9e9ca394464a").unwrap();
        let mut hasher = Hasher::of(&etag, 6);
        hasher.update(b"hel");
        hasher.update(b"lo\n");
        assert_eq!(hasher.finish().as_deref(), etag.git_sha1());
    }

    #[test]
    fn a_name_that_is_no_hash_has_none() {
        let etag = Etag::parse("\"d41d8cd98f00b204e9800998ecf8427e-2\"").unwrap();
        assert_eq!(Hasher::of(&etag, 0).finish(), None);
    }
}
