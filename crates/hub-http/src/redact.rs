//! Keeps secrets out of what people read.
use url::Url;

/// The URL without user, password, and without the values of its query, which may be signatures.
///
/// ```
/// # use hub_http::{Url, redact_url};
/// let url = Url::parse("https://me:hf_x@cdn.example/a/b?Signature=s&id=1").unwrap();
/// assert_eq!(redact_url(&url), "https://cdn.example/a/b?Signature&id");
/// ```
pub fn redact_url(url: &Url) -> String {
    let mut shown = format!("{}://{}", url.scheme(), url.host_str().unwrap_or(""));
    if let Some(port) = url.port() {
        shown.push_str(&format!(":{port}"));
    }
    shown.push_str(url.path());
    for (index, (name, _)) in url.query_pairs().enumerate() {
        shown.push(if index == 0 { '?' } else { '&' });
        shown.push_str(&name);
    }
    shown
}
