//! Listings kept in the cache: what is accepted is read back the same after it was written.

#![no_main]

use hub_cache::fuzz::kept_listing;
use hub_fuzz::scratch;
use libfuzzer_sys::fuzz_target;
use std::fs;
use std::sync::LazyLock;

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(scratch);

fuzz_target!(|data: &[u8]| {
    let (path, copy) = (FOLDER.path().join("listing.json"), FOLDER.path().join("copy.json"));
    fs::write(&path, data).expect("the folder is writable");
    let Some((listing, again)) = kept_listing(&path, &copy) else { return };
    assert_eq!(again, format!("Some({listing})"));
});
