//! `ETag`: what is accepted is the name of one file in the folder of blobs, and of no unfinished one.

#![no_main]

use hub_fuzz::text;
use hub_types::{Etag, SafeRelPath};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let header = text(data);
    let Ok(etag) = Etag::parse(&header) else { return };
    let name = etag.as_str();
    assert!(header.to_ascii_lowercase().contains(&name.to_ascii_lowercase()));
    assert_eq!(Etag::parse(name).as_ref(), Ok(&etag));
    assert_eq!(Etag::parse(&format!("W/\"{name}\"")).as_ref(), Ok(&etag));

    let path = SafeRelPath::parse(name).expect("an ETag is a file name");
    assert_eq!(path.segments().count(), 1);
    assert!(name.len() <= 128 && !name.starts_with('.'));
    assert!(!hub_cache::fuzz::is_partial_name(name), "a blob would be taken for an unfinished download");
    assert_eq!(etag.sha256().is_some(), name.len() == 64 && name.bytes().all(|c| c.is_ascii_hexdigit()));
    assert_eq!(etag.git_sha1().is_some(), name.len() == 40 && name.bytes().all(|c| c.is_ascii_hexdigit()));
});
