//! What a commit does to files.
use crate::place::{file_path, normal_path};
use crate::source::{LocalFile, Source};
use hub_api::{Arg, Error, Result};
use hub_types::Revision;
use serde::{Deserialize, Deserializer, Serialize, de};

/// One change of a commit.
///
/// In JSON it is an object with `op`: `add`, `delete` or `copy`, and the fields of that operation.
///
/// ```
/// # use hub_upload::CommitOperation;
/// let operations = [
///     CommitOperation::add("weights.safetensors", "./out/model.safetensors"),
///     CommitOperation::add("notes.txt", b"trained on Tuesday".to_vec()),
///     CommitOperation::delete("old.bin"),
///     CommitOperation::delete_folder("checkpoints"),
///     CommitOperation::copy("a.bin", "b.bin"),
/// ];
/// let same: CommitOperation =
///     serde_json::from_str(r#"{"op": "delete", "path_in_repo": "checkpoints/"}"#).unwrap();
/// ```
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "lowercase")]
#[non_exhaustive]
pub enum CommitOperation {
    /// Adds or replaces a file.
    Add(CommitOperationAdd),
    /// Deletes a file or a folder.
    Delete(CommitOperationDelete),
    /// Copies a file of the repository.
    Copy(CommitOperationCopy),
}

impl CommitOperation {
    /// Adds or replaces a file.
    pub fn add(path_in_repo: impl Into<String>, content: impl Into<Source>) -> Self {
        Self::Add(CommitOperationAdd::new(path_in_repo, content))
    }

    /// Deletes a file, or a folder if the path ends with a slash.
    pub fn delete(path_in_repo: impl Into<String>) -> Self {
        Self::Delete(CommitOperationDelete { path_in_repo: path_in_repo.into(), is_folder: None })
    }

    /// Deletes a folder with all that is in it.
    pub fn delete_folder(path_in_repo: impl Into<String>) -> Self {
        Self::Delete(CommitOperationDelete { path_in_repo: path_in_repo.into(), is_folder: Some(true) })
    }

    /// Copies a file, as it is at the revision committed to.
    pub fn copy(src_path_in_repo: impl Into<String>, path_in_repo: impl Into<String>) -> Self {
        let (src_path_in_repo, path_in_repo) = (src_path_in_repo.into(), path_in_repo.into());
        Self::Copy(CommitOperationCopy { src_path_in_repo, path_in_repo, src_revision: None })
    }
}

/// Adds or replaces a file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CommitOperationAdd {
    /// The file in the repository; `./` or `/` at its beginning is dropped.
    pub path_in_repo: String,
    /// The content.
    pub path_or_fileobj: Source,
}

impl CommitOperationAdd {
    /// Creates the operation.
    pub fn new(path_in_repo: impl Into<String>, content: impl Into<Source>) -> Self {
        Self { path_in_repo: path_in_repo.into(), path_or_fileobj: content.into() }
    }
}

impl From<CommitOperationAdd> for CommitOperation {
    fn from(add: CommitOperationAdd) -> Self {
        Self::Add(add)
    }
}

/// Deletes a file or a folder.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CommitOperationDelete {
    /// The file or folder in the repository.
    pub path_in_repo: String,
    /// Whether it is a folder; unset, it is one if the path ends with a slash.
    #[serde(default, deserialize_with = "true_false_or_auto", skip_serializing_if = "Option::is_none")]
    pub is_folder: Option<bool>,
}

/// Copies a file of the repository.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CommitOperationCopy {
    /// The file to copy.
    pub src_path_in_repo: String,
    /// What it is copied to.
    pub path_in_repo: String,
    /// The revision it is copied from; the one committed to if unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub src_revision: Option<Arg<Revision>>,
}

fn true_false_or_auto<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<bool>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Given {
        Bool(bool),
        Text(String),
    }
    match Given::deserialize(deserializer) {
        Ok(Given::Bool(is_folder)) => Ok(Some(is_folder)),
        Ok(Given::Text(text)) if text == "auto" => Ok(None),
        _ => Err(de::Error::custom("is_folder must be true, false or \"auto\"")),
    }
}

/// An operation whose paths were checked and whose content was found.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Add(Addition),
    Delete { path: String, is_folder: bool },
    Copy { source: String, path: String, revision: Option<Revision> },
}

/// A file to add, and its content as it was when the upload began.
#[derive(Debug, Clone)]
pub(crate) struct Addition {
    pub(crate) path: String,
    pub(crate) file: LocalFile,
}

impl Step {
    /// Checks an operation. Blocks to look at files.
    pub(crate) fn prepare(operation: CommitOperation) -> Result<Self> {
        match operation {
            CommitOperation::Add(add) => Ok(Self::Add(Addition::prepare(add)?)),
            CommitOperation::Delete(CommitOperationDelete { path_in_repo, is_folder }) => {
                let path = checked_path(&path_in_repo)?;
                let is_folder = is_folder.unwrap_or_else(|| path.ends_with('/'));
                Ok(Self::Delete { path, is_folder })
            }
            CommitOperation::Copy(CommitOperationCopy { src_path_in_repo, path_in_repo, src_revision }) => {
                Ok(Self::Copy {
                    source: checked_path(&src_path_in_repo)?,
                    path: file_path(&path_in_repo)?,
                    revision: src_revision.map(|revision| revision.get().cloned()).transpose()?,
                })
            }
        }
    }

    /// The path it writes to or deletes.
    pub(crate) fn path(&self) -> &str {
        match self {
            Self::Add(Addition { path, .. }) | Self::Delete { path, .. } | Self::Copy { path, .. } => path,
        }
    }
}

impl Addition {
    /// Checks an addition. Blocks to look at the file.
    pub(crate) fn prepare(add: CommitOperationAdd) -> Result<Self> {
        let path = file_path(&add.path_in_repo)?;
        let file = LocalFile::measure(add.path_or_fileobj)?;
        Ok(Self { path, file })
    }
}

/// Checks the path of something that is there already, whatever its name, and brings it into the Hub's form.
fn checked_path(given: &str) -> Result<String> {
    let refuse = |why: &str| Err(Error::invalid(format!("invalid path_in_repo {given:?}: {why}")));
    let path = normal_path(given)?;
    if path.is_empty() {
        return refuse("it names no file or folder of the repository");
    }
    if path.contains('\0') {
        return refuse("NUL is not allowed");
    }
    Ok(path)
}

/// Refuses files that would have to be folders, too: the Hub does so only after their content was sent.
pub(crate) fn refuse_files_as_folders(steps: &[Step]) -> Result<()> {
    let written = steps.iter().filter(|step| !matches!(step, Step::Delete { .. })).map(Step::path);
    let mut files: std::collections::HashSet<&str> = written.clone().collect();
    for step in steps.iter().filter(|step| matches!(step, Step::Delete { .. })) {
        files.remove(step.path());
    }
    for path in written {
        let mut folders = path.match_indices('/').map(|(end, _)| &path[..end]);
        if let Some(folder) = folders.find(|folder| files.contains(folder)) {
            return Err(Error::invalid(format!(
                "`{folder}` and `{path}` are in one commit, and `{folder}` cannot be a file and a folder"
            )));
        }
    }
    Ok(())
}

/// Tells about operations that undo one another.
pub(crate) fn warn_on_overwriting(steps: &[Step]) {
    let mut written = std::collections::HashSet::new();
    let mut folders = std::collections::HashSet::new();
    for step in steps {
        match step {
            Step::Add(Addition { path, .. }) => {
                if !written.insert(&**path) {
                    tracing::warn!("`{path}` is added more than once in this commit; the last one counts");
                }
                folders.extend(path.match_indices('/').map(|(end, _)| &path[..end]));
            }
            Step::Delete { path, is_folder } => {
                let plain = path.trim_end_matches('/');
                if written.contains(plain) || (*is_folder && folders.contains(plain)) {
                    tracing::warn!("`{path}` is added and then deleted in this commit");
                }
            }
            Step::Copy { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(json: Value) -> serde_json::Result<CommitOperation> {
        serde_json::from_value(json)
    }

    #[test]
    fn json_operations_are_read_and_written_alike() {
        for operation in [
            json!({"op": "add", "path_in_repo": "a", "path_or_fileobj": {"base64": "aGk="}}),
            json!({"op": "add", "path_in_repo": "a", "path_or_fileobj": "/x"}),
            json!({"op": "delete", "path_in_repo": "a", "is_folder": true}),
            json!({"op": "copy", "src_path_in_repo": "a", "path_in_repo": "b", "src_revision": "v1"}),
        ] {
            let read = read(operation.clone()).unwrap();
            assert_eq!(serde_json::to_value(read).unwrap(), operation);
        }
    }

    #[test]
    fn ill_typed_operations_are_refused() {
        for wrong in [
            json!({"path_in_repo": "a"}),
            json!({"op": "move", "path_in_repo": "a"}),
            json!({"op": "add", "path_in_repo": "a"}),
            json!({"op": "add", "path_in_repo": "a", "path_or_fileobj": 3}),
            json!({"op": "add", "path_in_repo": 1, "path_or_fileobj": "x"}),
            json!({"op": "delete", "path_in_repo": "a", "is_folder": "yes"}),
            json!({"op": "delete", "path_in_repo": "a", "is_folder": null}),
            json!({"op": "delete", "path_in_repo": "a", "isFolder": true}),
            json!({"op": "copy", "src_path_in_repo": "a"}),
            json!("delete"),
        ] {
            assert!(read(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_path_to_delete_may_be_a_folder_and_has_any_name() {
        for (given, path) in [("./d//", "d/"), ("/a", "a"), ("a\\b", "a\\b")] {
            assert_eq!(checked_path(given).unwrap(), path, "{given}");
        }
        for wrong in ["", "/", ".", "..", "../a", "a/../b", ".git", ".cache/x", "a\0"] {
            assert!(checked_path(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_path_cannot_be_a_file_and_a_folder() {
        let steps = |paths: &[&str]| -> Vec<Step> {
            let add = |path: &&str| Step::prepare(CommitOperation::add(*path, b"x".to_vec())).unwrap();
            paths.iter().map(add).collect()
        };
        assert!(refuse_files_as_folders(&steps(&["a", "b/a", "b/c/d"])).is_ok());
        let error = refuse_files_as_folders(&steps(&["b/c/d", "b/c"])).unwrap_err();
        assert!(error.to_string().contains("`b/c`"), "{error}");
    }

    #[test]
    fn a_slash_at_the_end_means_a_folder() {
        let is_folder = |operation| match Step::prepare(operation).unwrap() {
            Step::Delete { is_folder, .. } => is_folder,
            other => panic!("{other:?}"),
        };
        assert!(!is_folder(CommitOperation::delete("a")));
        assert!(is_folder(CommitOperation::delete("a/")));
        assert!(is_folder(CommitOperation::delete_folder("a")));
    }
}
