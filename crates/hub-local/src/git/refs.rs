//! Branches, tags and the references of pull requests.
use super::{Git, signature};
use crate::web::{ApiError, Result};
use git2::{ErrorCode, ObjectType, Oid};
use serde_json::{Value, json};

/// A reference and the commit it leads to.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    /// The whole name: `refs/heads/main`.
    pub(crate) name: String,
    pub(crate) commit: Oid,
}

impl Reference {
    /// The form of the API, under a name without `prefix`.
    pub(crate) fn describe(&self, prefix: &str) -> Value {
        json!({
            "name": self.name.strip_prefix(prefix).unwrap_or(&self.name),
            "ref": self.name,
            "targetCommit": self.commit.to_string(),
        })
    }
}

const BRANCHES: &str = "refs/heads/";
const TAGS: &str = "refs/tags/";
/// Shorter prefixes of commit ids are taken for names.
const SHORTEST_COMMIT_PREFIX: usize = 7;

impl Git<'_> {
    /// The commit that a revision names: a reference, a branch, a tag or (the beginning of) a commit id.
    pub(crate) fn resolve(&self, revision: &str) -> Result<Oid> {
        let names = [
            Some(revision.to_owned()).filter(|name| name.starts_with("refs/")),
            Some(format!("{BRANCHES}{revision}")),
            Some(format!("{TAGS}{revision}")),
        ];
        for name in names.into_iter().flatten() {
            if let Some(commit) = self.reference(&name)? {
                return Ok(commit);
            }
        }
        let hex = revision.bytes().all(|c| c.is_ascii_hexdigit());
        if hex
            && (SHORTEST_COMMIT_PREFIX..=40).contains(&revision.len())
            && let Ok(commit) = self.repository.find_commit_by_prefix(revision)
        {
            return Ok(commit.id());
        }
        Err(ApiError::revision_not_found(revision))
    }

    /// The whole name of the branch or other moving reference that commits to `revision` move; tags do not move.
    pub(crate) fn moving_reference(&self, revision: &str) -> Result<Option<String>> {
        let name =
            if revision.starts_with("refs/") { revision.to_owned() } else { format!("{BRANCHES}{revision}") };
        let moves =
            ["refs/heads/", "refs/pr/", "refs/convert/"].iter().any(|prefix| name.starts_with(prefix));
        Ok(if moves && self.reference(&name)?.is_some() { Some(name) } else { None })
    }

    /// The commit of a reference by its whole name; annotated tags are followed.
    pub(crate) fn reference(&self, name: &str) -> Result<Option<Oid>> {
        match self.repository.find_reference(name) {
            Ok(reference) => Ok(Some(reference.peel_to_commit()?.id())),
            Err(cause) if matches!(cause.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec) => Ok(None),
            Err(cause) => Err(cause.into()),
        }
    }

    /// All references under a prefix such as `refs/heads/`, in the order of their names.
    pub(crate) fn references(&self, prefix: &str) -> Result<Vec<Reference>> {
        let mut found = Vec::new();
        for reference in self.repository.references_glob(&format!("{prefix}*"))? {
            let reference = reference?;
            if let (Ok(name), Ok(commit)) = (reference.name(), reference.peel_to_commit()) {
                found.push(Reference { name: name.to_owned(), commit: commit.id() });
            }
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Creates a reference or moves it.
    pub(crate) fn set_reference(&self, name: &str, commit: Oid) -> Result<()> {
        self.repository.reference(name, commit, true, "hub")?;
        Ok(())
    }

    /// Creates a branch.
    pub(crate) fn create_branch(&self, branch: &str, commit: Oid) -> Result<()> {
        let name = format!("{BRANCHES}{branch}");
        self.refuse_name(&name)?;
        match self.repository.reference(&name, commit, false, "hub") {
            Ok(_) => Ok(()),
            Err(cause) if cause.code() == ErrorCode::Exists => {
                Err(ApiError::conflict(format!("Reference already exists: {name}")))
            }
            Err(cause) => Err(cause.into()),
        }
    }

    /// Creates a tag, annotated if it has a message.
    pub(crate) fn create_tag(&self, tag: &str, commit: Oid, message: Option<&str>, user: &str) -> Result<()> {
        let name = format!("{TAGS}{tag}");
        self.refuse_name(&name)?;
        let target = self.repository.find_object(commit, Some(ObjectType::Commit))?;
        let created = match message.filter(|message| !message.is_empty()) {
            Some(message) => self.repository.tag(tag, &target, &signature(user)?, message, false),
            None => self.repository.tag_lightweight(tag, &target, false),
        };
        match created {
            Ok(_) => Ok(()),
            Err(cause) if cause.code() == ErrorCode::Exists => {
                Err(ApiError::conflict("Tag reference exists already"))
            }
            Err(cause) => Err(cause.into()),
        }
    }

    /// Deletes a reference by its whole name; `false` if there is none.
    pub(crate) fn delete_reference(&self, name: &str) -> Result<bool> {
        match self.repository.find_reference(name) {
            Ok(mut reference) => {
                reference.delete()?;
                Ok(true)
            }
            Err(cause) if matches!(cause.code(), ErrorCode::NotFound | ErrorCode::InvalidSpec) => Ok(false),
            Err(cause) => Err(cause.into()),
        }
    }

    fn refuse_name(&self, name: &str) -> Result<()> {
        if git2::Reference::is_valid_name(name) {
            return Ok(());
        }
        Err(ApiError::bad_request(format!("Invalid reference name: {name}")))
    }
}
