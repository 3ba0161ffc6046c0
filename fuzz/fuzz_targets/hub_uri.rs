//! References to repositories and files: ids, `hf://` URIs and web addresses. What is accepted stays inside the
//! repository and is read again from its `hf://` form, and no error repeats a password or a query.

#![no_main]

use hub_fuzz::text;
use hub_types::{HubUri, RepoType, SafeRelPath};
use libfuzzer_sys::fuzz_target;

const SECRET: &str = "S3cretS3cret";

fuzz_target!(|data: &[u8]| {
    let text = text(data);
    for endpoint in ["https://huggingface.co", "http://localhost:8080", "https://key:s@hub.test/base"] {
        let Ok(uri) = HubUri::parse(&text, endpoint) else { continue };
        let path = uri.path.as_deref().map(|path| path.strip_suffix('/').unwrap_or(path));
        assert!(path.is_none_or(|path| SafeRelPath::parse(path).is_ok()), "{uri:?}");
        // Written out in full, with the revision as one segment.
        let revision = uri.revision.as_ref().map_or("main", |revision| revision.as_str());
        let revision: String = revision.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let kind = uri.repo_type.unwrap_or(RepoType::Model).plural();
        let full = format!("hf://{kind}/{}@{revision}/{}", uri.repo_id, uri.path.as_deref().unwrap_or(""));
        let again = HubUri::parse(&full, endpoint).expect("the full form of what was accepted");
        assert_eq!(again.repo_id, uri.repo_id, "{full}");
        assert_eq!(again.path, uri.path, "{full}");
        assert!(uri.revision.is_none() || again.revision == uri.revision, "{full}");
    }

    if text.contains("S3cret") {
        return;
    }
    // With secrets where addresses have them: before the host, and in the query.
    let (before, after) = text.split_once("://").map_or(("", &*text), |(scheme, rest)| (scheme, rest));
    let scheme = if before.is_empty() { String::new() } else { format!("{before}://") };
    for secret in [
        format!("{scheme}me:{SECRET}@{after}"),
        format!("{text}?token={SECRET}"),
        format!("{text}?sig={SECRET}#x"),
    ] {
        if scheme == "hf://" || (scheme.is_empty() && !secret.contains("huggingface.co/")) {
            continue;
        }
        if let Err(error) = HubUri::parse(&secret, "https://huggingface.co") {
            let shown = error.to_string();
            assert!(!shown.contains(SECRET), "{secret:?}: {shown}");
            assert!(!shown.contains('\n'), "{shown}");
        }
    }
});
