//! The journal of a partial file: the size of the blob in the first two bytes, the file in the rest. What is read lies
//! within the blob, and is read again from a journal that says the same.

#![no_main]

use hub_cache::fuzz::partial_state;
use hub_fuzz::scratch;
use libfuzzer_sys::fuzz_target;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

static FOLDER: LazyLock<tempfile::TempDir> = LazyLock::new(scratch);

fuzz_target!(|data: &[u8]| {
    let Some((size, content)) = data.split_first_chunk::<2>() else { return };
    let size = u64::from(u16::from_le_bytes(*size)) % 512;
    let file = &FOLDER.path().join("partial");
    let (ranges, journal_end) = read(file, content, size);
    let length = content.len() as u64;
    assert!(ranges.iter().all(|&(start, end)| start < end && end <= size), "{ranges:?} of {size}");
    assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0), "{ranges:?}");
    assert!(ranges.iter().all(|&(_, end)| end <= length), "{ranges:?} of a file of {length} bytes");
    let Some(end) = journal_end else { return };
    assert!(size < end && end <= length);

    // A line that a crash cut off changes nothing, and neither does a journal that says the same anew.
    let mut torn = content[..end as usize].to_vec();
    torn.extend_from_slice(b"0 5");
    assert_eq!(read(file, &torn, size), (ranges.clone(), journal_end));
    let mut same = content[..size as usize].to_vec();
    same.extend_from_slice(b"hub-partial 1\n");
    for (start, end) in &ranges {
        same.extend_from_slice(format!("{start} {end}\n").as_bytes());
    }
    assert_eq!(read(file, &same, size), (ranges, Some(same.len() as u64)));
});

fn read(file: &Path, content: &[u8], size: u64) -> hub_cache::fuzz::PartialState {
    fs::write(file, content).expect("the folder is writable");
    partial_state(file, size).expect("it is readable")
}
