//! Addresses of repositories.
use crate::invalid::without_secrets;
use crate::{InvalidArgument, RepoType};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The address of the public Hub.
pub const DEFAULT_ENDPOINT: &str = "https://huggingface.co";

/// The address of the public Hub's staging site.
const STAGING_ENDPOINT: &str = "https://hub-ci.huggingface.co";

/// Names a repository by its URL.
///
/// ```
/// # use hub_types::{RepoType, RepoUrl};
/// let url = RepoUrl::parse("hf://datasets/rajpurkar/squad", "https://huggingface.co")?;
/// assert_eq!((url.repo_type, url.repo_id.as_str()), (RepoType::Dataset, "rajpurkar/squad"));
/// let url = RepoUrl::new("https://huggingface.co", RepoType::Dataset, "rajpurkar/squad");
/// assert_eq!(url.url, "https://huggingface.co/datasets/rajpurkar/squad");
/// # Ok::<(), hub_types::InvalidArgument>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RepoUrl {
    /// The address of the Hub.
    pub endpoint: String,
    /// The user or organization that owns it; none for canonical repositories.
    pub namespace: Option<String>,
    /// The name within the namespace.
    pub repo_name: String,
    /// The name with the namespace.
    pub repo_id: String,
    /// The kind of the repository.
    pub repo_type: RepoType,
    /// The URL of its page; what was parsed, if it was another form.
    pub url: String,
}

impl RepoUrl {
    /// Makes the URL of a repository.
    pub fn new(endpoint: impl Into<String>, repo_type: RepoType, repo_id: impl Into<String>) -> Self {
        let (endpoint, repo_id) = (endpoint.into(), repo_id.into());
        let (namespace, repo_name) = match repo_id.split_once('/') {
            Some((namespace, name)) => (Some(namespace.to_owned()), name.to_owned()),
            None => (None, repo_id.clone()),
        };
        let url = format!("{}/{}{repo_id}", endpoint.trim_end_matches('/'), repo_type.url_prefix());
        Self { endpoint, namespace, repo_name, repo_id, repo_type, url }
    }

    /// Reads the URL or the name of a repository.
    ///
    /// These forms are known, each with or without a namespace: `{endpoint}/{types}/{id}`, `{endpoint}/{id}`,
    /// `hf://{types}/{id}`, `hf://{id}`, `{types}/{id}`, `{id}`. A URL of the public Hub is read as one of
    /// `endpoint`, because proxies pass on what the Hub says of itself.
    ///
    /// # Errors
    /// The text has none of these forms, or names an unknown kind of repository.
    pub fn parse(text: &str, endpoint: &str) -> Result<Self, InvalidArgument> {
        let url = if matches!(endpoint, DEFAULT_ENDPOINT | STAGING_ENDPOINT) {
            text.to_owned()
        } else {
            text.replace(DEFAULT_ENDPOINT, endpoint).replace(STAGING_ENDPOINT, endpoint)
        };
        let (repo_type, namespace, repo_name) = parts(&url, endpoint)?;
        let repo_id = match &namespace {
            Some(namespace) => format!("{namespace}/{repo_name}"),
            None => repo_name.clone(),
        };
        Ok(Self { endpoint: endpoint.to_owned(), namespace, repo_name, repo_id, repo_type, url })
    }
}

impl fmt::Display for RepoUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.url)
    }
}

impl AsRef<str> for RepoUrl {
    fn as_ref(&self) -> &str {
        &self.url
    }
}

type Parts = (RepoType, Option<String>, String);

/// Takes the text apart as the Python client does, so that both read the same repository from it.
fn parts(text: &str, endpoint: &str) -> Result<Parts, InvalidArgument> {
    let host =
        endpoint.strip_prefix("https://").or_else(|| endpoint.strip_prefix("http://")).unwrap_or(endpoint);
    let is_url = text.contains(host) && !text.contains('@');
    let bare = text.strip_prefix("hf://").unwrap_or(text);
    let segments: Vec<&str> = bare.split('/').collect();

    let owned = |text: &str| Some(text.to_owned());
    match segments.as_slice() {
        [.., before, namespace, name] if is_url && !before.contains(host) => {
            let namespace = if *namespace == host { None } else { owned(namespace) };
            Ok((kind(before, text)?, namespace, (*name).to_owned()))
        }
        [.., namespace, name] if is_url => match plural(namespace) {
            Some(repo_type) => Ok((repo_type, None, (*name).to_owned())),
            None if *namespace == host => Ok((RepoType::Model, None, (*name).to_owned())),
            None => Ok((RepoType::Model, owned(namespace), (*name).to_owned())),
        },
        [kind_name, namespace, name] => Ok((kind(kind_name, text)?, owned(namespace), (*name).to_owned())),
        [namespace, name] => match plural(namespace) {
            Some(repo_type) => Ok((repo_type, None, (*name).to_owned())),
            None => Ok((RepoType::Model, owned(namespace), (*name).to_owned())),
        },
        [name] if !is_url => Ok((RepoType::Model, None, (*name).to_owned())),
        _ => Err(InvalidArgument::new(format!(
            "invalid repository {:?}: it must be a URL below {endpoint}, `name`, `namespace/name` or \
             `datasets/namespace/name`",
            without_secrets(text)
        ))),
    }
}

fn plural(text: &str) -> Option<RepoType> {
    RepoType::ALL.into_iter().find(|repo_type| repo_type.plural() == text)
}

/// The kind that a segment names; an empty one, as in `https://host/name`, names models.
fn kind(segment: &str, text: &str) -> Result<RepoType, InvalidArgument> {
    if segment.is_empty() {
        return Ok(RepoType::Model);
    }
    segment.parse().map_err(|_| {
        InvalidArgument::new(format!(
            "invalid repository {:?}: {:?} is no kind of repository",
            without_secrets(text),
            without_secrets(segment)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: &str = "https://hub.test";

    #[test]
    fn all_forms_are_read() {
        let cases = [
            ("https://hub.test/me/it", RepoType::Model, "me/it"),
            ("https://hub.test/it", RepoType::Model, "it"),
            ("https://hub.test/datasets/me/it", RepoType::Dataset, "me/it"),
            ("https://hub.test/datasets/it", RepoType::Dataset, "it"),
            ("https://hub.test/spaces/me/it", RepoType::Space, "me/it"),
            ("https://huggingface.co/spaces/me/it", RepoType::Space, "me/it"),
            ("hf://me/it", RepoType::Model, "me/it"),
            ("hf://datasets/me/it", RepoType::Dataset, "me/it"),
            ("hf://it", RepoType::Model, "it"),
            ("datasets/me/it", RepoType::Dataset, "me/it"),
            ("dataset/me/it", RepoType::Dataset, "me/it"),
            ("datasets/it", RepoType::Dataset, "it"),
            ("me/it", RepoType::Model, "me/it"),
            ("it", RepoType::Model, "it"),
        ];
        for (text, repo_type, repo_id) in cases {
            let url = RepoUrl::parse(text, HUB).unwrap();
            assert_eq!((url.repo_type, url.repo_id.as_str()), (repo_type, repo_id), "{text}");
        }
    }

    #[test]
    fn other_forms_are_refused() {
        for text in ["ftp/me/it", "a/b/c/d", "https://elsewhere.test/me/it", "https://hub.test/papers/me/it"]
        {
            assert!(RepoUrl::parse(text, HUB).is_err(), "{text}");
        }
    }

    #[test]
    fn made_urls_are_read_back() {
        for (repo_type, id) in
            [(RepoType::Model, "it"), (RepoType::Dataset, "me/it"), (RepoType::Space, "me/it")]
        {
            let url = RepoUrl::new(HUB, repo_type, id);
            assert_eq!(RepoUrl::parse(&url.url, HUB).unwrap(), url);
            let json = serde_json::to_string(&url).unwrap();
            assert_eq!(serde_json::from_str::<RepoUrl>(&json).unwrap(), url);
        }
    }
}
