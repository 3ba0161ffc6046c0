//! Whether a file that is on disk is the whole file, by the best knowledge that there is without a request.
use crate::hasher::Hasher;
use crate::layout::RepoCache;
use crate::listing::Listing;
use crate::local_dir::{LocalDir, hash_file};
use hub_types::{CommitHash, Etag, SafeRelPath};
use std::fs;
use std::path::Path;

/// Up to this size a file is hashed rather than measured: that costs less than looking up its size.
pub(crate) const HASHED_FIRST_BYTES: u64 = 64 << 10;
/// Up to this size a file is hashed if nothing is known of its size.
const HASHED_BYTES: u64 = 1 << 20;

/// What a look at a file on disk found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Presence {
    /// It has the right hash or the right size.
    Verified,
    /// It is there, and nothing is known that it could be compared with.
    Unverified,
    /// It is not the file; says why.
    Damaged(String),
    /// It is not there.
    Missing,
}

impl Presence {
    /// Whether the file may be handed out.
    pub(crate) fn is_hit(&self) -> bool {
        matches!(self, Self::Verified | Self::Unverified)
    }
}

/// Judges a file by its name and by its size, which is looked up only if the hash does not tell.
pub(crate) fn judge(file: &Path, etag: Option<&Etag>, size: impl FnOnce() -> Option<u64>) -> Presence {
    let len = match fs::metadata(file) {
        Ok(meta) if meta.is_file() => meta.len(),
        Ok(_) => return Presence::Missing,
        Err(_) if fs::symlink_metadata(file).is_ok_and(|meta| meta.is_symlink()) => {
            return Presence::Damaged("its link leads nowhere".to_owned());
        }
        Err(_) => return Presence::Missing,
    };
    let by_hash = || {
        let etag = etag?;
        match hash_file(file, Hasher::of(etag, len)) {
            Ok(Some(hash)) if hash == etag.as_str() => Some(Presence::Verified),
            Ok(Some(hash)) => {
                Some(Presence::Damaged(format!("the hash of its {len} bytes is {hash} instead of {etag}")))
            }
            // Not a hash, or not readable; then its size has to do.
            Ok(None) | Err(_) => None,
        }
    };
    if len <= HASHED_FIRST_BYTES
        && let Some(found) = by_hash()
    {
        return found;
    }
    match size() {
        Some(size) if size == len => Presence::Verified,
        Some(size) => Presence::Damaged(format!("it has {len} bytes instead of {size}")),
        None if len > HASHED_FIRST_BYTES && len <= HASHED_BYTES => by_hash().unwrap_or(Presence::Unverified),
        None if len == 0 && etag.is_some() => Presence::Damaged("it is empty".to_owned()),
        None => Presence::Unverified,
    }
}

/// Returns whether a blob's size has to be recorded, because hits do not compare its hash.
pub(crate) fn needs_record(etag: &Etag, size: u64) -> bool {
    size > HASHED_FIRST_BYTES || (etag.sha256().is_none() && etag.git_sha1().is_none())
}

impl RepoCache {
    /// Looks at the file of a commit.
    ///
    /// Known is, in this order: the hash of a small file, the size that was recorded when it was downloaded, the size
    /// in the kept listing of the commit.
    pub(crate) fn presence(&self, commit: &CommitHash, path: &SafeRelPath) -> Presence {
        let pointer = self.pointer(commit, path);
        let etag = blob_of(&pointer);
        judge(&pointer, etag.as_ref(), || {
            let recorded = etag.as_ref().and_then(|etag| self.recorded_size(etag));
            recorded.or_else(|| Listing::size_of(&self.tree(commit), path))
        })
    }
}

impl LocalDir {
    /// Looks at a file of the folder that has this ETag.
    pub(crate) fn presence(
        &self,
        path: &SafeRelPath,
        commit: &CommitHash,
        etag: &Etag,
        recorded: Option<u64>,
    ) -> Presence {
        let listed = || recorded.or_else(|| Listing::size_of(&self.tree(commit), path));
        judge(&self.file(path), Some(etag), listed)
    }
}

/// The ETag of the blob that a pointer leads to; none if it is not a link into `blobs`.
fn blob_of(pointer: &Path) -> Option<Etag> {
    let target = fs::read_link(pointer).ok()?;
    let folder = target.parent()?;
    // Newer Python clients share blobs among repositories, in folders of two digits.
    let is_blobs = folder.ends_with("blobs") || folder.parent()?.ends_with("blobs");
    Etag::parse(target.file_name()?.to_str()?).ok().filter(|_| is_blobs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_types::RepoType;

    /// `printf 'hello\n' | git hash-object --stdin`
    const HELLO: &str = "ce013625030ba8dba906f756967f9e9ca394464a";
    const EMPTY_GIT: &str = "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391";
    const EMPTY_SHA256: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn a_small_file_is_judged_by_its_hash_and_others_by_their_size() {
        let folder = tempfile::tempdir().unwrap();
        let of = |content: &[u8], etag: &str, size: Option<u64>| {
            let file = folder.path().join("f");
            fs::write(&file, content).unwrap();
            judge(&file, Some(&Etag::parse(etag).unwrap()), || size)
        };
        assert_eq!(of(b"hello\n", HELLO, None), Presence::Verified);
        assert_eq!(of(b"jello\n", HELLO, Some(6)), of(b"jello\n", HELLO, None));
        assert!(matches!(of(b"jello\n", HELLO, None), Presence::Damaged(_)));
        for empty in [EMPTY_GIT, EMPTY_SHA256] {
            assert_eq!(of(b"", empty, None), Presence::Verified);
        }
        for (content, etag) in [(&b""[..], HELLO), (b"", "not-a-hash"), (&[1; 100_000], HELLO)] {
            assert!(matches!(of(content, etag, None), Presence::Damaged(_)), "{etag}");
        }
        assert_eq!(of(b"", "not-a-hash", Some(0)), Presence::Verified);
        assert_eq!(of(b"x", "not-a-hash", None), Presence::Unverified);
        assert!(matches!(of(b"x", "not-a-hash", Some(2)), Presence::Damaged(_)));
        let large = vec![1; 2 << 20];
        assert_eq!(of(&large, HELLO, None), Presence::Unverified);
        assert_eq!(of(&large, HELLO, Some(2 << 20)), Presence::Verified);
        assert!(matches!(of(&large, HELLO, Some(3 << 20)), Presence::Damaged(_)));
    }

    #[test]
    fn recorded_sizes_are_read_back_and_junk_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let cache = RepoCache::new(folder.path(), RepoType::Model, &"me/m".parse().unwrap());
        let etag = Etag::parse(HELLO).unwrap();
        assert_eq!(cache.recorded_size(&etag), None);
        cache.record_size(&etag, 5 << 30).unwrap();
        cache.record_size(&etag, 5 << 30).unwrap();
        assert_eq!(cache.recorded_size(&etag), Some(5 << 30));
        for junk in ["", "-1", "1e3", "99999999999999999999"] {
            fs::write(cache.size_record(&etag), junk).unwrap();
            assert_eq!(cache.recorded_size(&etag), None, "{junk:?}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_pointer_names_its_blob() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let cases = [
            ("own", format!("../../blobs/{HELLO}"), true),
            ("shared", format!("../../../blobs/ce/{HELLO}"), true),
            ("elsewhere", format!("/tmp/{HELLO}"), false),
            ("hostile", "../../blobs/..".to_owned(), false),
        ];
        for (name, target, is_blob) in cases {
            let link = folder.path().join(name);
            symlink(&target, &link).unwrap();
            assert_eq!(blob_of(&link).is_some(), is_blob, "{target}");
            assert!(matches!(judge(&link, None, || None), Presence::Damaged(_)), "{target}");
        }
        assert_eq!(judge(&folder.path().join("none"), None, || None), Presence::Missing);
    }
}
