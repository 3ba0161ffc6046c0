//! Which repository a URL speaks of.
//!
//! Repository ids have one part or two, so the routes cannot be told apart by counting segments. Before routing,
//! paths about repositories are brought to one form: `/repo/{kind}/{namespace}/{name}/…` for the API and
//! `/files/{kind}/{namespace}/{name}/…` for files and git, with `~` as the namespace of canonical repositories.
use axum::{
    extract::FromRequestParts,
    http::{Uri, request::Parts},
};
use std::convert::Infallible;

/// The URI as the client sent it.
#[derive(Debug, Clone)]
pub(crate) struct OriginalUri(pub(crate) Uri);

/// What stood before and after the repository id in the URI, to write it again with another id.
#[derive(Debug, Clone)]
pub(crate) struct RepoAddress {
    before: String,
    after: String,
}

impl RepoAddress {
    /// The same address for another repository.
    pub(crate) fn with_id(&self, id: &str) -> String {
        format!("{}{id}{}", self.before, self.after)
    }
}

impl<S: Sync> FromRequestParts<S> for OriginalUri {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_else(|| Self(parts.uri.clone())))
    }
}

/// Words that follow a repository id in the API, and so end a canonical one.
const API_WORDS: [&str; 32] = [
    "auth-check",
    "branch",
    "commit",
    "commits",
    "compare",
    "dev-mode",
    "discussions",
    "duplicate",
    "hardware",
    "leaderboard",
    "lfs-files",
    "like",
    "likers",
    "paths-info",
    "pause",
    "preupload",
    "refs",
    "restart",
    "revision",
    "runtime",
    "secrets",
    "settings",
    "sleeptime",
    "storage",
    "super-squash",
    "tag",
    "tree",
    "treesize",
    "user-access-request",
    "variables",
    "xet-read-token",
    "xet-write-token",
];
const FILE_WORDS: [&str; 3] = ["resolve", "raw", "ask-access"];
/// Words that git puts after the URL of a repository, which people write with `.git` or without.
const GIT_WORDS: [&str; 3] = ["info", "objects", "HEAD"];
/// Words followed by a revision, which may be written with its slashes when it is `refs/…`.
const BEFORE_REVISION: [&str; 9] =
    ["resolve", "raw", "tree", "revision", "commits", "commit", "preupload", "paths-info", "super-squash"];

/// The inner form of a URI about a repository; `None` for all others.
pub(crate) fn normalise(uri: &Uri, is_account: impl Fn(&str) -> bool) -> Option<(Uri, RepoAddress)> {
    let segments: Vec<&str> = uri.path().strip_prefix('/')?.split('/').collect();
    let (area, kind, skip) = match segments[..] {
        ["api", kind @ ("models" | "datasets" | "spaces"), first, ..] if !first.is_empty() => {
            ("repo", kind, 2)
        }
        ["api", ..] => return None,
        [kind @ ("datasets" | "spaces"), _, _, ..] => ("files", kind, 1),
        _ => ("files", "models", 0),
    };
    let rest = &segments[skip..];
    let second = rest.get(1).copied();
    let is_known = is_account(rest[0]);
    let is_file = |at: usize| rest.get(at).is_some_and(|word| FILE_WORDS.contains(word));
    let is_git = |at: usize| rest.get(at).is_some_and(|word| GIT_WORDS.contains(word));
    let has_suffix = |at: usize| rest.get(at).is_some_and(|name: &&str| name.ends_with(".git"));
    let (id_parts, git) = match area {
        "repo" => {
            let canonical = second.is_none_or(|word| API_WORDS.contains(&word) && !is_known);
            (if canonical { 1 } else { 2 }, false)
        }
        _ if has_suffix(0) => (1, true),
        _ if has_suffix(1) => (2, true),
        _ if is_file(1) && !is_known => (1, false),
        _ if is_file(2) => (2, false),
        _ if is_git(1) && !is_known => (1, true),
        _ if is_git(2) => (2, true),
        _ => return None,
    };
    let (id, tail) = rest.split_at(id_parts);
    let (namespace, name) = if id_parts == 1 { ("~", id[0]) } else { (id[0], id[1]) };
    let (name, suffix) = match name.strip_suffix(".git").filter(|_| git) {
        Some(bare) => (bare, ".git"),
        None => (name, ""),
    };
    let mut path = format!("/{area}/{kind}/{namespace}/{name}");
    if git {
        path.push_str("/git");
    }
    match tail {
        [word, "refs", space @ ("pr" | "convert"), number, tail @ ..] if BEFORE_REVISION.contains(word) => {
            path.push_str(&format!("/{word}/refs%2F{space}%2F{number}"));
            tail.iter().for_each(|segment| path.extend(["/", segment]));
        }
        tail => tail.iter().for_each(|segment| path.extend(["/", segment])),
    }
    let query = uri.query().map(|query| format!("?{query}")).unwrap_or_default();
    let before = segments[..skip].iter().fold(String::from("/"), |text, segment| text + segment + "/");
    let after = tail.iter().fold(suffix.to_owned(), |text, part| text + "/" + part);
    let address = RepoAddress { before, after: after + &query };
    Some((format!("{path}{query}").parse().ok()?, address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inner(path: &str) -> Option<String> {
        normalise(&path.parse().unwrap(), |name| name == "alice").map(|(uri, _)| uri.to_string())
    }

    #[test]
    fn repositories_are_found_in_all_forms_of_paths() {
        let cases = [
            ("/api/models/a/b", "/repo/models/a/b"),
            ("/api/models/gpt2?blobs=true", "/repo/models/~/gpt2?blobs=true"),
            ("/api/datasets/squad/tree/main/data", "/repo/datasets/~/squad/tree/main/data"),
            ("/api/models/a/b/tree/refs%2Fpr%2F1", "/repo/models/a/b/tree/refs%2Fpr%2F1"),
            ("/api/models/a/b/tree/refs/pr/1/x", "/repo/models/a/b/tree/refs%2Fpr%2F1/x"),
            ("/api/models/alice/settings", "/repo/models/alice/settings"),
            ("/api/models/gpt2/settings", "/repo/models/~/gpt2/settings"),
            ("/a/b/resolve/main/x/y", "/files/models/a/b/resolve/main/x/y"),
            ("/gpt2/resolve/main/x", "/files/models/~/gpt2/resolve/main/x"),
            ("/spaces/a/b/ask-access", "/files/spaces/a/b/ask-access"),
            ("/spaces/a/b/resolve/main/x", "/files/spaces/a/b/resolve/main/x"),
            ("/datasets/squad/resolve/main/x", "/files/datasets/~/squad/resolve/main/x"),
            ("/a/b.git/info/lfs/objects/batch", "/files/models/a/b/git/info/lfs/objects/batch"),
            ("/datasets/squad.git/info/refs", "/files/datasets/~/squad/git/info/refs"),
            ("/a/b/info/refs", "/files/models/a/b/git/info/refs"),
            ("/gpt2/HEAD", "/files/models/~/gpt2/git/HEAD"),
        ];
        for (outer, expected) in cases {
            assert_eq!(inner(outer).as_deref(), Some(expected), "{outer}");
        }
        for other in ["/", "/api/models", "/api/whoami-v2", "/api/repos/create", "/a/b", "/x"] {
            assert_eq!(inner(other), None, "{other}");
        }
    }

    #[test]
    fn address_is_written_again_with_another_id() {
        for (outer, moved) in [
            ("/api/models/a/b/tree/main?x=1", "/api/models/c/d/tree/main?x=1"),
            ("/a/b/resolve/main/x", "/c/d/resolve/main/x"),
            ("/datasets/a/b.git/info/lfs/objects/batch", "/datasets/c/d.git/info/lfs/objects/batch"),
        ] {
            let (_, address) = normalise(&outer.parse().unwrap(), |_| false).unwrap();
            assert_eq!(address.with_id("c/d"), moved);
        }
    }
}
