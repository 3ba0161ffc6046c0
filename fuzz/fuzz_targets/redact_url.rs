//! Redacted URLs: no password, no value of a query and no fragment remains, and what remains is one line.

#![no_main]

use hub_fuzz::text;
use hub_http::{Url, redact_url};
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "hf_S3cretS3cret";

fuzz_target!(|data: &[u8]| {
    let text = text(data);
    let Ok(mut url) = Url::parse(text.trim()) else { return };
    // Not every kind of URL has these parts.
    let _ = url.set_username(SECRET);
    let _ = url.set_password(Some(SECRET));
    url.set_fragment(Some(SECRET));
    if let Some(query) = url.query() {
        let hidden: Vec<_> = query
            .split('&')
            .map(|pair| {
                pair.split_once('=').map_or_else(|| pair.to_owned(), |(name, _)| format!("{name}={SECRET}"))
            })
            .collect();
        url.set_query(Some(&hidden.join("&")));
    }
    if text.contains("S3cret")
        || url.path().contains(SECRET)
        || url.host_str().is_some_and(|h| h.contains(SECRET))
    {
        return;
    }
    let shown = redact_url(&url);
    assert!(!shown.contains("S3cret"), "{shown}");
    assert!(!shown.contains(hub_fuzz::steers), "{shown:?}");
    assert!(shown.len() <= url.as_str().len() + 8, "{shown}");
});
