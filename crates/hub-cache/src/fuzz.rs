//! What the fuzz targets of the workspace reach of this crate. Built with `--cfg fuzzing` only.
use crate::fs::Reader;
use crate::{listing, partial};
use std::io;
use std::path::Path;

/// The ranges of a partial file that are present, and where its journal ends if it has one.
pub type PartialState = (Vec<(u64, u64)>, Option<u64>);

/// Reads the state of a partial file of a blob of this size.
pub fn partial_state(path: &Path, size: u64) -> io::Result<PartialState> {
    let (done, journal_end) = partial::read_state(&Reader::open(path)?, size)?;
    Ok((done.iter().collect(), journal_end))
}

/// Whether the cache takes a file of this name for an unfinished download.
pub fn is_partial_name(name: &str) -> bool {
    partial::is_name(name)
}

/// Reads a kept listing, writes it to `copy` and reads that; `None` if there is none to read.
///
/// Returns both as text, since what a listing consists of is private.
pub fn kept_listing(path: &Path, copy: &Path) -> Option<(String, String)> {
    let listing = listing::Listing::read(path)?;
    listing.write(copy).expect("the folder of the copy is writable");
    Some((format!("{listing:?}"), format!("{:?}", listing::Listing::read(copy))))
}
