//! `hf://` and web addresses of repositories: what is accepted names a repository, whose own address names it again.

#![no_main]

use hub_fuzz::text;
use hub_types::{DEFAULT_ENDPOINT, RepoId, RepoType, RepoUrl};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = text(data);
    for endpoint in [DEFAULT_ENDPOINT, "http://localhost:8080", "https://hub.test"] {
        let Ok(url) = RepoUrl::parse(&text, endpoint) else { continue };
        assert_eq!(url.endpoint, endpoint);
        assert!(url.repo_id.ends_with(&url.repo_name));
        assert_eq!(url.repo_id.contains('/'), url.namespace.is_some());
        // The Python client accepts more than names of repositories here; those that are must be found again. A namespace
        // cannot have the name of a kind of repository on the Hub.
        let is_kind = |namespace: &str| RepoType::ALL.iter().any(|kind| kind.plural() == namespace);
        if RepoId::parse(&url.repo_id).is_err() || url.namespace.as_deref().is_some_and(is_kind) {
            continue;
        }
        let made = RepoUrl::new(endpoint, url.repo_type, url.repo_id.clone());
        let again = RepoUrl::parse(&made.url, endpoint).expect("its own address");
        assert_eq!((again.repo_type, &again.repo_id), (url.repo_type, &url.repo_id), "{}", made.url);
    }
});
