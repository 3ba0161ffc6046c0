//! Names of repositories.
use crate::invalid::{InvalidArgument, checked_text, without_secrets};

/// Names a repository: `namespace/name`, or a bare `name` for the canonical ones such as `gpt2`.
///
/// The rules are those of the Python client's `validate_repo_id`: letters, digits, `-`, `_` and `.`; no `--` or `..`;
/// neither part begins or ends with `-` or `.`; the name has at most 96 characters and does not end with `.git`.
///
/// ```
/// # use hub_types::RepoId;
/// let id: RepoId = "openai-community/gpt2".parse()?;
/// assert_eq!((id.namespace(), id.name()), (Some("openai-community"), "gpt2"));
/// assert!("../etc".parse::<RepoId>().is_err());
/// # Ok::<(), hub_types::InvalidArgument>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoId(Box<str>);

checked_text!(RepoId);

const MAX_NAME_CHARS: usize = 96;

impl RepoId {
    /// Checks a text and makes an id of it.
    ///
    /// # Errors
    /// Says which rule the text breaks.
    pub fn parse(text: &str) -> Result<Self, InvalidArgument> {
        let refuse = |why: &str| {
            Err(InvalidArgument::new(format!("invalid repo_id {:?}: {why}", without_secrets(text))))
        };
        let (namespace, name) = match text.split_once('/') {
            Some((namespace, name)) => (Some(namespace), name),
            None => (None, text),
        };
        if name.contains('/') {
            return refuse(
                "it must be `name` or `namespace/name`; give the kind of repository as `repo_type`",
            );
        }
        for part in namespace.into_iter().chain([name]) {
            if !part.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.')) {
                return refuse("only letters, digits, `-`, `_` and `.` are allowed");
            }
            let edge = |c: Option<char>| c.is_none_or(|c| matches!(c, '-' | '.'));
            if edge(part.chars().next()) || edge(part.chars().next_back()) {
                return refuse("a part must not be empty, nor begin or end with `-` or `.`");
            }
        }
        if text.contains("--") || text.contains("..") {
            return refuse("`--` and `..` are not allowed");
        }
        if name.chars().count() > MAX_NAME_CHARS {
            return refuse("the name is longer than 96 characters");
        }
        if text.ends_with(".git") {
            return refuse("it must not end with `.git`");
        }
        Ok(Self(text.into()))
    }

    /// The user or organization that owns the repository; `None` for canonical ones.
    pub fn namespace(&self) -> Option<&str> {
        self.0.split_once('/').map(|(namespace, _)| namespace)
    }

    /// The name within the namespace.
    pub fn name(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(_, name)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_python_accepts() {
        let long = "x".repeat(96);
        for text in
            ["a", "a/b", "a_b", "_a", "A.B-c_d/e", "a.gitx", "foo.git/bar", "é", &long, &format!("ab/{long}")]
        {
            assert!(RepoId::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn refuses_what_python_refuses() {
        let long = "x".repeat(97);
        let refused = [
            "",
            "a/b/c",
            "a..b",
            "a--b",
            "-a",
            "a-",
            ".a",
            "a.",
            "a.git",
            "a/b.git",
            "/a",
            "a/",
            "..",
            "a/..",
            "a b",
            "a/-b",
            "foo--bar/x",
            "a/.b",
            "a\n",
            "a\0",
            "datasets/a/b",
            "a\\b",
            &long,
        ];
        for text in refused {
            assert!(RepoId::parse(text).is_err(), "{text:?}");
        }
    }
}
