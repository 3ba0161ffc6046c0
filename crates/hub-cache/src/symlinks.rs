//! A parameter of the past.
use serde::{Deserialize, Serialize};

/// Says what the retired parameter `local_dir_use_symlinks` said: `"auto"`, true or false.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum UseSymlinks {
    /// Yes or no.
    Always(bool),
    /// As seems fit.
    Auto(Auto),
}

/// The text `auto`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Auto {
    /// `"auto"`.
    Auto,
}

impl From<bool> for UseSymlinks {
    fn from(value: bool) -> Self {
        Self::Always(value)
    }
}
