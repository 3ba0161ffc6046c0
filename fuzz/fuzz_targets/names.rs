//! Paths, revisions, names of repositories and hashes: what is accepted stays in its folder and its URL segment, is
//! accepted again, and survives JSON.

#![no_main]

use hub_fuzz::text;
use hub_http::UrlPath;
use hub_types::{CommitHash, InvalidArgument, RepoId, Revision, SafeRelPath};
use libfuzzer_sys::fuzz_target;
use std::fmt::Display;
use std::path::{Component, Path};
use std::str::FromStr;

fuzz_target!(|data: &[u8]| {
    let text = text(data);
    for part in [&*text, text.trim()] {
        read(part);
    }
});

fn read(text: &str) {
    if let Some(path) = round_trip::<SafeRelPath>(text) {
        let root = Path::new("/root/folder");
        assert!(path.join_to(root).starts_with(root));
        assert!(stays_inside(text));
        assert_eq!(path.segments().collect::<Vec<_>>().join("/"), text);
        assert_eq!(path.segments().next_back(), Some(path.file_name()));
        assert!(UrlPath::new("/x").extend(text).as_str().is_ok());
        path.is_portable();
    }
    if let Some(revision) = round_trip::<Revision>(text) {
        assert!(stays_inside(text) && !text.contains(char::is_control));
        let url = UrlPath::new("/x").push(revision.as_str());
        assert_eq!(url.as_str().expect("one segment").matches('/').count(), 2);
        assert_eq!(revision.as_commit().is_some(), CommitHash::parse(text).is_ok());
    }
    if let Some(id) = round_trip::<RepoId>(text) {
        assert!(stays_inside(text));
        let joined =
            id.namespace().map_or_else(|| id.name().to_owned(), |space| format!("{space}/{}", id.name()));
        assert_eq!(joined, text);
        // The folder in the cache parts namespace and name by `--`, and has to be read back.
        assert!(!text.contains("--"));
    }
    if let Some(commit) = round_trip::<CommitHash>(text) {
        assert_eq!(commit.as_str().len(), 40);
        assert!(SafeRelPath::parse(text).is_ok());
    }
}

/// Reads a text; what is accepted is written as it was, and accepted again from there and from JSON.
fn round_trip<T>(text: &str) -> Option<T>
where
    T: FromStr<Err = InvalidArgument> + Display + PartialEq + std::fmt::Debug,
    T: serde::Serialize + serde::de::DeserializeOwned,
{
    let json = serde_json::to_string(text).expect("text is JSON");
    match text.parse::<T>() {
        Ok(value) => {
            assert_eq!(value.to_string(), text);
            assert_eq!(serde_json::from_str::<T>(&json).expect("what was accepted"), value);
            assert_eq!(serde_json::to_string(&value).expect("text is JSON"), json);
            Some(value)
        }
        Err(error) => {
            assert!(!error.to_string().contains('\n'), "{error}");
            assert!(serde_json::from_str::<T>(&json).is_err());
            None
        }
    }
}

/// Whether a path consists of plain names only.
fn stays_inside(text: &str) -> bool {
    Path::new(text).components().all(|component| matches!(component, Component::Normal(_)))
}
