//! The files of a commit with their contents' names and sizes, as the Hub lists them and as the cache keeps them.
use crate::disk::{self, InCache as _};
use crate::fs;
use hub_api::{Answer, HfApi, Http, Pages, repo_path};
use hub_http::{Error, ErrorKind, Result};
use hub_types::{CommitHash, Etag, RepoId, RepoType, SafeRelPath};
use serde::de::{DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::io::BufWriter;
use std::path::Path;

/// The only form of kept listings there is so far.
const FORMAT_VERSION: u32 = 1;
/// How many folders are listed one by one where a server does not list them with their files.
const MAX_FOLDERS: usize = 10_000;

/// A file of a commit. There may be a hundred thousand of them, so it is small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ListedFile {
    name: Name,
    content: Content,
    pub(crate) size: Option<u64>,
    /// Kept for the Python client, which has a use for it.
    xet_hash: Option<Box<str>>,
}

/// The path of a listed file, which is refused only if the file is to be written.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    Safe(SafeRelPath),
    Refused(Box<str>),
}

/// What names the content of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Content {
    /// The blob in git.
    Git([u8; 20]),
    /// The sha256 in LFS, and the git blob of the pointer.
    Lfs([u8; 32], Option<[u8; 20]>),
    /// What mirrors have in place of hashes: an ETag and the `blob_id` beside it.
    Other(Box<(Etag, String)>),
    /// The listing does not say.
    Unknown,
}

/// The files of a commit, which never change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listing(pub(crate) Vec<ListedFile>);

/// An entry of the Hub's listing of a tree.
#[derive(Deserialize)]
struct Entry<'a> {
    #[serde(rename = "type", borrow, default)]
    kind: Cow<'a, str>,
    #[serde(borrow)]
    path: Cow<'a, str>,
    size: Option<u64>,
    #[serde(borrow)]
    oid: Option<Cow<'a, str>>,
    #[serde(borrow)]
    lfs: Option<Lfs<'a>>,
    #[serde(rename = "xetHash", borrow)]
    xet_hash: Option<Cow<'a, str>>,
}

/// The LFS fields of a file: trees name the hash `oid`, descriptions `sha256`.
#[derive(Deserialize)]
struct Lfs<'a> {
    #[serde(borrow, alias = "sha256")]
    oid: Option<Cow<'a, str>>,
    size: Option<u64>,
}

/// A file in the description of a repository; all but the name is there only if it was asked for.
#[derive(Deserialize)]
struct Sibling<'a> {
    #[serde(borrow)]
    rfilename: Cow<'a, str>,
    size: Option<u64>,
    #[serde(rename = "blobId", borrow)]
    blob_id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    lfs: Option<Lfs<'a>>,
}

/// An entry of the kept form.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    size: u64,
    #[serde(borrow)]
    blob_id: Cow<'a, str>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    lfs_sha256: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    lfs_size: Option<u64>,
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    xet_hash: Option<Cow<'a, str>>,
}

/// One page of a tree: its files, and the folders that are listed without their files.
#[derive(Debug, Default)]
struct Page {
    files: Vec<ListedFile>,
    folders: Vec<String>,
}

impl Listing {
    /// Asks the Hub for all files of a commit.
    ///
    /// Mirrors without listings are asked for the description of the repository instead. What neither says of a file,
    /// [`ListedFile::is_known`] tells.
    pub(crate) async fn fetch(
        api: &HfApi,
        repo_type: RepoType,
        repo_id: &RepoId,
        commit: &CommitHash,
    ) -> Result<Self> {
        let error = match Self::tree(api, repo_type, repo_id, commit).await {
            Err(error) if has_no_trees(&error) => error,
            // Some mirrors list nothing where they know nothing; of a commit without files, both say so.
            Ok(empty) if empty.0.is_empty() => {
                return match Self::siblings(api, repo_type, repo_id, commit).await {
                    Err(error) if has_no_trees(&error) => Ok(empty),
                    listing => listing,
                };
            }
            listing => return listing,
        };
        tracing::debug!(%error, "the server lists no trees; asking for the description");
        match Self::siblings(api, repo_type, repo_id, commit).await {
            // An answer about the description says nothing of what is wrong with the listing.
            Err(other) if has_no_trees(&other) => Err(error),
            listing => listing,
        }
    }

    async fn tree(api: &HfApi, repo_type: RepoType, repo_id: &RepoId, commit: &CommitHash) -> Result<Self> {
        let root = repo_path(Some(repo_type), &repo_id.into()).push("tree").push(commit.as_str());
        let mut files = Vec::new();
        let mut todo: Vec<String> = vec![String::new()];
        let mut listed = 0;
        while let Some(folder) = todo.pop() {
            let path = if folder.is_empty() { root.clone() } else { root.clone().push(&folder) };
            let first = Http::get(path).query_bool("recursive", true).query_bool("expand", false);
            let mut pages = Pages::new(api, first, true, |page: Answer, _| page_of(&page));
            let mut folders: HashSet<String> = HashSet::new();
            let before = files.len();
            while let Some(page) = pages.next().await? {
                files.extend(page.files);
                folders.extend(page.folders);
            }
            // A server that does not list recursively names folders and not their files. Folders in git are never empty.
            let listed_here = if folders.is_empty() { &[] } else { &files[before..] };
            for file in listed_here {
                let name = file.name();
                name.match_indices('/').for_each(|(end, _)| {
                    folders.remove(&name[..end]);
                });
            }
            let parents: Vec<String> = folders
                .iter()
                .flat_map(|folder| folder.match_indices('/').map(|(end, _)| folder[..end].to_owned()))
                .collect();
            parents.iter().for_each(|parent| {
                folders.remove(parent);
            });
            listed += folders.len();
            if listed > MAX_FOLDERS || folders.contains(&folder) {
                let message = format!("the listing of `{repo_id}` at {commit} leads on without an end");
                return Err(Error::new(ErrorKind::PaginationLoop, message));
            }
            todo.extend(folders);
        }
        Ok(Self(files))
    }

    /// The files by the description of the repository, with sizes and hashes as far as the server says them there.
    async fn siblings(
        api: &HfApi,
        repo_type: RepoType,
        repo_id: &RepoId,
        commit: &CommitHash,
    ) -> Result<Self> {
        #[derive(Deserialize)]
        struct Described {
            sha: Option<CommitHash>,
            siblings: Option<Siblings>,
        }
        let path = repo_path(Some(repo_type), &repo_id.into()).push("revision").push(commit.as_str());
        let answer = api.exchange(Http::get(path).query("blobs", "true")).await?;
        let described: Described = answer.json()?;
        if described.sha.is_some_and(|sha| sha != *commit) {
            let message =
                format!("the Hub was asked for `{repo_id}` at {commit} and described another commit");
            return Err(Error::new(ErrorKind::ContentChanged, message));
        }
        let Siblings(files) = described.siblings.ok_or_else(|| {
            Error::new(ErrorKind::Decode, format!("the description of `{repo_id}` does not name its files"))
        })?;
        Ok(Self(files))
    }

    /// Reads a kept listing; one that is missing, damaged or of another form is none.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        struct All(Vec<ListedFile>);
        impl<'de> Deserialize<'de> for All {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct Files;
                impl<'de> Visitor<'de> for Files {
                    type Value = Vec<ListedFile>;
                    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                        f.write_str("the files of a commit")
                    }
                    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                        let mut files = Vec::new();
                        while let Some(path) = map.next_key_seed(CowText)? {
                            let file: Kept<'_> = map.next_value()?;
                            files.push(ListedFile::kept(&path, file).map_err(serde::de::Error::custom)?);
                        }
                        Ok(files)
                    }
                }
                deserializer.deserialize_map(Files).map(Self)
            }
        }
        #[derive(Deserialize)]
        struct Document {
            format_version: u32,
            files: All,
        }
        let text = std::fs::read(path).ok()?;
        // Text that was checked as a whole is read faster than one that is checked string by string.
        let kept: Document = serde_json::from_str(std::str::from_utf8(&text).ok()?).ok()?;
        (kept.format_version == FORMAT_VERSION).then_some(Self(kept.files.0))
    }

    /// The size of one file by a kept listing, without making a list of the others.
    pub(crate) fn size_of(path: &Path, file: &SafeRelPath) -> Option<u64> {
        struct Wanted<'f>(&'f str);
        impl<'de> DeserializeSeed<'de> for Wanted<'_> {
            type Value = Option<u64>;
            fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Option<u64>, D::Error> {
                deserializer.deserialize_map(self)
            }
        }
        impl<'de> Visitor<'de> for Wanted<'_> {
            type Value = Option<u64>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<u64>, A::Error> {
                let mut found = None;
                while let Some(name) = map.next_key_seed(CowText)? {
                    if *name == *self.0 {
                        let file: Kept<'_> = map.next_value()?;
                        found = Some(file.lfs_size.unwrap_or(file.size));
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(found)
            }
        }
        struct Document<'f>(&'f str);
        impl<'de> Visitor<'de> for Document<'_> {
            type Value = Option<u64>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a kept listing")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Option<u64>, A::Error> {
                let (mut version, mut size) = (None, None);
                while let Some(key) = map.next_key_seed(CowText)? {
                    match &*key {
                        "format_version" => version = Some(map.next_value::<u32>()?),
                        "files" => size = map.next_value_seed(Wanted(self.0))?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(size.filter(|_| version == Some(FORMAT_VERSION)))
            }
        }
        let text = std::fs::read(path).ok()?;
        let mut reader = serde_json::Deserializer::from_str(std::str::from_utf8(&text).ok()?);
        reader.deserialize_map(Document(file.as_str())).ok()?
    }

    /// Whether everything is known of all files, so that the listing can be kept.
    pub(crate) fn is_known(&self) -> bool {
        self.0.iter().all(ListedFile::is_known)
    }

    /// Keeps the listing. It is synced: offline it decides whether a snapshot is complete, and a damaged one does not.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let folder = path.parent().unwrap_or(path);
        disk::create_dir_all(folder)?;
        let unfinished = folder.join(format!("tmp_{:016x}", fastrand::u64(..)));
        let written = self.write_new(&unfinished).and_then(|()| disk::rename(&unfinished, path));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written
    }

    fn write_new(&self, path: &Path) -> Result<()> {
        #[derive(Serialize)]
        struct Document<'l> {
            format_version: u32,
            files: Files<'l>,
        }
        struct Files<'l>(&'l [ListedFile]);
        impl Serialize for Files<'_> {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(Some(self.0.len()))?;
                for file in self.0 {
                    map.serialize_entry(file.name(), &file.as_kept())?;
                }
                map.end()
            }
        }
        let mut writer = BufWriter::new(fs::File::create_new(path).in_cache(path)?.into_writer());
        let document = Document { format_version: FORMAT_VERSION, files: Files(&self.0) };
        serde_json::to_writer(&mut writer, &document).map_err(std::io::Error::from).in_cache(path)?;
        let writer = writer.into_inner().map_err(std::io::IntoInnerError::into_error).in_cache(path)?;
        writer.sync().in_cache(path)
    }
}

/// Whether a server that refused a listing has none for anything, rather than not for this repository.
fn has_no_trees(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Http => matches!(error.status(), Some(404 | 405 | 410 | 501)),
        ErrorKind::BadRequest | ErrorKind::Decode => true,
        _ => false,
    }
}

/// Reads the files of a page of a tree as they come, so that no entry outlives its turn.
fn page_of(answer: &Answer) -> Result<Page> {
    struct Entries(Page);
    impl<'de> Deserialize<'de> for Entries {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            struct Each;
            impl<'de> Visitor<'de> for Each {
                type Value = Page;
                fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str("a list of files and folders")
                }
                fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Page, A::Error> {
                    let mut page = Page::default();
                    while let Some(entry) = entries.next_element::<Entry<'_>>()? {
                        match &*entry.kind {
                            "file" | "" => {
                                page.files
                                    .push(ListedFile::listed(&entry).map_err(serde::de::Error::custom)?);
                            }
                            "directory" => page.folders.push(entry.path.into_owned()),
                            _ => {}
                        }
                    }
                    Ok(page)
                }
            }
            deserializer.deserialize_seq(Each).map(Self)
        }
    }
    answer.json::<Entries>().map(|entries| entries.0)
}

/// The files that a description names.
struct Siblings(Vec<ListedFile>);

impl<'de> Deserialize<'de> for Siblings {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Each;
        impl<'de> Visitor<'de> for Each {
            type Value = Vec<ListedFile>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of files")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut siblings: A) -> Result<Self::Value, A::Error> {
                let mut files = Vec::new();
                while let Some(sibling) = siblings.next_element::<Sibling<'_>>()? {
                    let (path, oid) = (sibling.rfilename, sibling.blob_id);
                    let (size, lfs) = (sibling.size, sibling.lfs);
                    let entry = Entry { kind: Cow::Borrowed(""), path, size, oid, lfs, xet_hash: None };
                    files.push(ListedFile::listed(&entry).map_err(serde::de::Error::custom)?);
                }
                Ok(files)
            }
        }
        deserializer.deserialize_seq(Each).map(Self)
    }
}

/// Reads a text without a copy where that is possible.
struct CowText;

impl<'de> DeserializeSeed<'de> for CowText {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for CowText {
    type Value = Cow<'de, str>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }
    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }
    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

impl ListedFile {
    /// Reads an entry of a listing of the Hub.
    fn listed(entry: &Entry<'_>) -> Result<Self> {
        let lfs = entry.lfs.as_ref().and_then(|lfs| Some((lfs.oid.as_deref()?, lfs.size)));
        let size = lfs.map_or(entry.size, |(_, size)| size.or(entry.size));
        let oid = entry.oid.as_deref().filter(|oid| !oid.is_empty());
        let hash = lfs.map(|(oid, _)| oid);
        Self::new(&entry.path, hash, oid, size, entry.xet_hash.as_deref())
    }

    /// Reads an entry of a kept listing.
    fn kept(path: &str, kept: Kept<'_>) -> Result<Self> {
        let size = kept.lfs_sha256.as_ref().and(kept.lfs_size).unwrap_or(kept.size);
        let blob_id = Some(&*kept.blob_id).filter(|id| !id.is_empty());
        Self::new(path, kept.lfs_sha256.as_deref(), blob_id, Some(size), kept.xet_hash.as_deref())
    }

    fn new(
        path: &str,
        lfs: Option<&str>,
        blob_id: Option<&str>,
        size: Option<u64>,
        xet_hash: Option<&str>,
    ) -> Result<Self> {
        let name = SafeRelPath::parse(path).map_or_else(|_| Name::Refused(path.into()), Name::Safe);
        let content = match lfs.or(blob_id) {
            None => Content::Unknown,
            Some(hash) => {
                let etag = Etag::parse(hash).map_err(|error| {
                    let message =
                        format!("the content of `{}` has no usable name: {error}", path.escape_debug());
                    Error::new(ErrorKind::FileMetadata, message)
                })?;
                Content::of(etag, blob_id.unwrap_or_default())
            }
        };
        Ok(Self { name, content, size, xet_hash: xet_hash.map(Into::into) })
    }

    /// The path as it was listed; not checked.
    pub(crate) fn name(&self) -> &str {
        match &self.name {
            Name::Safe(path) => path.as_str(),
            Name::Refused(path) => path,
        }
    }

    /// The path of a file that is to be written.
    ///
    /// # Errors
    /// [`ErrorKind::UnsafePath`] if the name would leave its folder.
    pub(crate) fn path(&self) -> Result<&SafeRelPath> {
        match &self.name {
            Name::Safe(path) => Ok(path),
            Name::Refused(path) => {
                let refused =
                    SafeRelPath::parse(path).err().map(|error| error.to_string()).unwrap_or_default();
                let message = format!(
                    "the listing has a name that is refused: {refused}; leave it out by ignore_patterns"
                );
                Err(Error::new(ErrorKind::UnsafePath, message).about(path.escape_debug().to_string()))
            }
        }
    }

    /// The name of the content, if the listing says it.
    pub(crate) fn etag(&self) -> Option<Etag> {
        match &self.content {
            Content::Git(hash) => Etag::parse(&hex::encode(hash)).ok(),
            Content::Lfs(hash, _) => Etag::parse(&hex::encode(hash)).ok(),
            Content::Other(other) => Some(other.0.clone()),
            Content::Unknown => None,
        }
    }

    /// What is equal for files of the same content.
    pub(crate) fn content_key(&self) -> &[u8] {
        match &self.content {
            Content::Git(hash) => hash,
            Content::Lfs(hash, _) => hash,
            Content::Other(other) => other.0.as_str().as_bytes(),
            Content::Unknown => self.name().as_bytes(),
        }
    }

    /// Whether name and size of the content are known.
    pub(crate) fn is_known(&self) -> bool {
        self.size.is_some() && self.content != Content::Unknown
    }

    /// Whether the content is said to be kept in git, which mirrors say of LFS files too.
    pub(crate) fn is_in_git(&self) -> bool {
        matches!(self.content, Content::Git(_))
    }

    /// Takes over what was learned of the file itself.
    pub(crate) fn learn(&mut self, etag: Etag, size: Option<u64>) {
        let blob_id = match &self.content {
            Content::Git(hash) => hex::encode(hash),
            _ => String::new(),
        };
        self.content = Content::of(etag, &blob_id);
        self.size = size;
    }

    fn as_kept(&self) -> Kept<'static> {
        let size = self.size.unwrap_or_default();
        let (blob_id, lfs) = match &self.content {
            Content::Git(hash) => (hex::encode(hash), None),
            Content::Lfs(hash, blob) => (blob.map(hex::encode).unwrap_or_default(), Some(hex::encode(hash))),
            Content::Other(other) => (other.1.clone(), None),
            Content::Unknown => (String::new(), None),
        };
        Kept {
            size,
            blob_id: Cow::Owned(blob_id),
            lfs_size: lfs.as_ref().map(|_| size),
            lfs_sha256: lfs.map(Cow::Owned),
            xet_hash: self.xet_hash.as_deref().map(|hash| Cow::Owned(hash.to_owned())),
        }
    }
}

impl Content {
    fn of(etag: Etag, blob_id: &str) -> Self {
        let mut hash = [0; 32];
        if etag.sha256().is_some() && hex::decode_to_slice(etag.as_str(), &mut hash).is_ok() {
            let mut blob = [0; 20];
            let is_blob = hex::decode_to_slice(blob_id, &mut blob).is_ok();
            return Self::Lfs(hash, is_blob.then_some(blob));
        }
        let mut hash = [0; 20];
        if etag.git_sha1().is_some() && hex::decode_to_slice(etag.as_str(), &mut hash).is_ok() {
            return Self::Git(hash);
        }
        // What is written down is read back: the ETag itself takes the place of an id that says less.
        let blob_id = etag.as_str().to_owned();
        Self::Other(Box::new((etag, blob_id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn file(path: &str, lfs: Option<&str>, oid: &str, size: u64) -> ListedFile {
        ListedFile::new(path, lfs, Some(oid), Some(size), None).unwrap()
    }

    #[test]
    fn names_that_leave_the_folder_are_refused_when_they_are_to_be_written() {
        for path in ["../x", "/x", "C:\\x", "a\0b", "a/../../b", ""] {
            let file = file(path, None, &"a".repeat(40), 7);
            assert_eq!(file.name(), path);
            assert_eq!(file.path().unwrap_err().kind(), ErrorKind::UnsafePath, "{path:?}");
        }
        let error = ListedFile::new("a", None, Some("../../x"), None, None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileMetadata);
    }

    #[test]
    fn a_kept_listing_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("trees/c.json");
        let sha = "b".repeat(64);
        let mut xet = file("\u{e9} \"x\\y", Some(&sha), "", 5);
        xet.xet_hash = Some("cd".repeat(32).into());
        let listing = Listing(vec![
            file("a/config.json", None, &"a".repeat(40), 7),
            file("model.bin", Some(&sha), &"c".repeat(40), 9),
            xet,
            file("odd", None, "d41d8cd98f00b204e9800998ecf8427e-2", 3),
        ]);
        listing.write(&path).unwrap();
        assert_eq!(Listing::read(&path), Some(listing.clone()));
        let text: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let expected = json!({"size": 9, "blob_id": "c".repeat(40), "lfs_sha256": sha, "lfs_size": 9});
        assert_eq!(text["files"]["model.bin"], expected);
        assert_eq!(text["files"]["a/config.json"], json!({"size": 7, "blob_id": "a".repeat(40)}));
        for file in &listing.0 {
            if let Ok(name) = file.path() {
                assert_eq!(Listing::size_of(&path, name), file.size);
            }
        }
        assert_eq!(Listing::size_of(&path, &"none".parse().unwrap()), None);
        let names: Vec<_> = std::fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing unfinished is left");
    }

    #[test]
    fn a_kept_listing_that_was_tampered_with_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.json");
        for text in [
            "",
            r#"{"format_version": 2, "files": {}}"#,
            r#"{"format_version": 2, "files": {"x": {"size": 1, "blob_id": "aa"}}}"#,
            r#"{"format_version": 1, "files": {"x": {"size": 1, "blob_id": "../../y"}}}"#,
            r#"{"format_version": 1, "files": {"x": {"size": -1, "blob_id": "aa"}}}"#,
        ] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(Listing::read(&path), None, "{text}");
        }
        for text in ["", "[]", r#"{"format_version": 2, "files": {"x": {"size": 1, "blob_id": "aa"}}}"#] {
            std::fs::write(&path, text).unwrap();
            assert_eq!(Listing::size_of(&path, &"x".parse().unwrap()), None, "{text}");
        }
    }

    #[test]
    fn what_a_mirror_leaves_out_is_unknown() {
        let read = |entry: serde_json::Value| {
            let text = entry.to_string();
            ListedFile::listed(&serde_json::from_str(&text).unwrap()).unwrap()
        };
        let blob = "a".repeat(40);
        for (entry, known) in [
            (json!({"type": "file", "path": "f", "size": 0, "oid": blob}), true),
            (json!({"type": "file", "path": "f", "oid": blob}), false),
            (json!({"type": "file", "path": "f", "size": 3}), false),
            (json!({"type": "file", "path": "f", "size": 3, "oid": ""}), false),
            (json!({"path": "f", "size": 3, "oid": blob, "lfs": null}), true),
            (json!({"path": "f", "oid": blob, "lfs": {"oid": "b".repeat(64), "size": 5}}), true),
            (json!({"path": "f", "size": 5, "oid": blob, "lfs": {"sha256": "b".repeat(64)}}), true),
        ] {
            assert_eq!(read(entry.clone()).is_known(), known, "{entry}");
        }
    }
}
