//! `hub upload`: a file or a folder goes up.
use crate::context::{Context, RepoArg, some};
use clap::Args;
use hub_client::types::{RepoId, RepoType, Revision};
use hub_client::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Uploads a file or a folder in one commit; makes the repository if it is not there.
///
/// What the Hub has already is not sent, and nothing is committed if nothing changed.
#[derive(Debug, Args)]
pub struct Upload {
    #[command(flatten)]
    repo: RepoArg,
    /// The file or folder; the one named like the repository if unset.
    local_path: Option<PathBuf>,
    /// Where it goes in the repository: the file's own name, or the root for a folder.
    path_in_repo: Option<String>,
    /// The branch to commit to; made if it is not there.
    #[arg(long)]
    revision: Option<String>,
    /// Makes the repository private, if it has to be made.
    #[arg(long)]
    private: bool,
    /// Uploads only what matches, such as `*.safetensors`; may be repeated.
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    include: Vec<String>,
    /// Leaves out what matches; may be repeated.
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    exclude: Vec<String>,
    /// Deletes what matches from the repository in the same commit; may be repeated.
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    delete: Vec<String>,
    /// The first line of the commit's message.
    #[arg(long)]
    commit_message: Option<String>,
    /// The rest of the commit's message.
    #[arg(long)]
    commit_description: Option<String>,
    /// Opens a pull request instead of committing to the branch.
    #[arg(long)]
    create_pr: bool,
}

impl Upload {
    /// Uploads, and prints where the result can be seen.
    pub async fn run(self, context: &Context) -> Result<()> {
        let (repo_type, repo_id) = self.repo.parse()?;
        let local = local_path(self.local_path.as_deref(), &repo_id)?;
        let is_file = local.is_file();
        if is_file && !(self.include.is_empty() && self.exclude.is_empty() && self.delete.is_empty()) {
            return Err(Error::invalid(
                "--include, --exclude and --delete go with a folder, not with a file",
            ));
        }
        make_room(
            context,
            repo_type,
            &repo_id,
            self.private,
            self.revision.as_deref().filter(|_| !self.create_pr),
        )
        .await?;

        let common = json!({
            "repo_id": repo_id, "repo_type": repo_type, "revision": self.revision,
            "commit_message": self.commit_message, "commit_description": self.commit_description,
            "create_pr": self.create_pr.then_some(true),
        });
        let (method, own) = if is_file {
            let name = local.file_name().map(|name| name.to_string_lossy().into_owned());
            let path_in_repo = self.path_in_repo.or(name);
            ("upload_file", json!({ "path_or_fileobj": local, "path_in_repo": path_in_repo }))
        } else {
            let own = json!({
                "folder_path": local, "path_in_repo": self.path_in_repo.filter(|path| path != "."),
                "allow_patterns": some(self.include), "ignore_patterns": some(self.exclude), "delete_patterns": some(self.delete),
            });
            ("upload_folder", own)
        };
        let commit = context.progress().upload(context.call(method, merged(common, own))).await?;
        let url = commit["pr_url"].as_str().or(commit["commit_url"].as_str()).unwrap_or_default();
        context.format.done(url, url, &commit)
    }
}

/// The file or folder that was named, or the one that is named like the repository.
fn local_path(given: Option<&Path>, repo_id: &RepoId) -> Result<PathBuf> {
    let path = given.unwrap_or(Path::new(repo_id.name()));
    if path.exists() {
        return Ok(path.to_owned());
    }
    let path = path.display();
    Err(Error::invalid(match given {
        Some(_) => format!("there is no file or folder `{path}`"),
        None => format!(
            "there is no file or folder `{path}` here; say what to upload, such as `hub upload {repo_id} .`"
        ),
    }))
}

/// Makes the repository, and the branch, where they are missing.
async fn make_room(
    context: &Context,
    repo_type: RepoType,
    repo_id: &RepoId,
    private: bool,
    branch: Option<&str>,
) -> Result<()> {
    // A token that may write but not create is told so only if there is something to create.
    let exists = context.call("repo_exists", json!({ "repo_id": repo_id, "repo_type": repo_type })).await?;
    if exists != Value::Bool(true) {
        let private = private.then_some(true);
        let sdk = (repo_type == RepoType::Space).then_some("static");
        let arguments = json!({ "repo_id": repo_id, "repo_type": repo_type, "private": private, "exist_ok": true, "space_sdk": sdk });
        context.call("create_repo", arguments).await?;
    }
    let Some(branch) = branch.filter(|branch| *branch != Revision::MAIN) else { return Ok(()) };
    let arguments = json!({ "repo_id": repo_id, "repo_type": repo_type, "revision": branch });
    let exists = context.call("revision_exists", arguments).await?;
    if exists == Value::Bool(true) {
        return Ok(());
    }
    let arguments = json!({ "repo_id": repo_id, "repo_type": repo_type, "branch": branch, "exist_ok": true });
    match context.call("create_branch", arguments).await {
        Err(error) if error.kind() == ErrorKind::InvalidArgument => Err(error),
        result => result.map(drop),
    }
}

fn merged(mut base: Value, other: Value) -> Value {
    if let (Value::Object(base), Value::Object(other)) = (&mut base, other) {
        base.extend(other);
    }
    base
}
