//! `Content-Range`: what is accepted is a range within the file, and reads the same when it is written out.

#![no_main]

use hub_fuzz::text;
use hub_http::fuzz::content_range;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((start, end, total)) = content_range(&text(data)) else { return };
    assert!(start < end);
    assert!(total.is_none_or(|total| end <= total));
    let written = match total {
        Some(total) => format!("bytes {start}-{}/{total}", end - 1),
        None => format!("bytes {start}-{}/*", end - 1),
    };
    assert_eq!(content_range(&written), Some((start, end, total)));
});
