//! Kinds of repositories.
use crate::InvalidArgument;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// The kind of a repository; a model unless said otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RepoType {
    /// A model.
    #[default]
    Model,
    /// A dataset.
    Dataset,
    /// A Space: an application.
    Space,
}

impl RepoType {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Model, Self::Dataset, Self::Space];

    /// The name in the singular: `model`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Dataset => "dataset",
            Self::Space => "space",
        }
    }

    /// The name in the plural, as in `/api/models` and in cache folders: `models`.
    pub fn plural(self) -> &'static str {
        match self {
            Self::Model => "models",
            Self::Dataset => "datasets",
            Self::Space => "spaces",
        }
    }

    /// What stands before the repo id in page and file URLs: nothing for models, `datasets/`, `spaces/`.
    pub fn url_prefix(self) -> &'static str {
        match self {
            Self::Model => "",
            Self::Dataset => "datasets/",
            Self::Space => "spaces/",
        }
    }
}

impl fmt::Display for RepoType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for RepoType {
    type Err = InvalidArgument;

    /// Reads the singular or the plural.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|kind| kind.as_str() == text || kind.plural() == text);
        found.ok_or_else(|| {
            InvalidArgument::new(format!(
                "invalid repo_type {text:?}: it must be `model`, `dataset` or `space`"
            ))
        })
    }
}
