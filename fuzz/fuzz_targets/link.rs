//! `Link` headers, one a line: the next page is a target that stands in a header, and order does not matter.

#![no_main]

use hub_http::header::{HeaderMap, HeaderValue, LINK};
use hub_http::next_link;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut all = HeaderMap::new();
    for line in data.split(|&byte| byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            all.append(LINK, value);
        }
    }
    let target = match next_link(&all) {
        Ok(Some(target)) => target,
        Ok(None) => return,
        Err(error) => {
            let shown = error.to_string();
            assert!(!shown.contains('\n') && shown.chars().count() < 400, "{shown}");
            return;
        }
    };
    assert!(target.is_ascii() && !target.contains('>'));
    for header in [
        format!("<{target}>; rel=\"next\""),
        format!("<{target}>;rel=next"),
        format!(
            "</before>; rel=\"prev\"; title=\"a, b\", <{target}>; rel=\"last next\", </after>; rel=\"next\""
        ),
    ] {
        let mut one = HeaderMap::new();
        one.insert(LINK, header.parse().expect("the target stood in a header"));
        assert_eq!(next_link(&one).expect("a valid header").as_deref(), Some(&*target), "{header}");
    }
});
