//! `hub upload`: files and folders, in one commit.
use crate::context::Context;
use crate::path_arg::path_parser;
use crate::repo_arg::RepoArg;
use clap::Args;
use hub_client::types::{CommitInfo, RepoId, RepoType, Revision};
use hub_client::upload::{CommitOperation, Uploads as _, list_folder};
use hub_client::{Error, ErrorKind, Many, Result};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::path::{Component, Path, PathBuf};

/// Uploads files and folders in one commit; creates the repository if there is none.
///
/// What the Hub has already is not sent, and nothing is committed if nothing changed.
#[derive(Debug, Args)]
#[command(
    override_usage = "hub upload [OPTIONS] <REPO_ID> [LOCAL_PATH] [PATH_IN_REPO]\n       hub upload [OPTIONS] <REPO_ID> <LOCAL_PATH>... [--path-in-repo <PATH>]"
)]
pub struct Upload {
    #[command(flatten)]
    repo: RepoArg,
    /// The file, folder or pattern (`'*.safetensors'`), and its path in the repository; or several files and folders.
    ///
    /// Without a local path, the one named like the repository is uploaded. A file keeps its name, a folder goes to the
    /// root; several files and folders keep their names.
    #[arg(value_name = "PATH", value_parser = path_parser())]
    paths: Vec<PathBuf>,
    /// The path in the repository; all other paths are local then.
    #[arg(long, value_name = "PATH")]
    path_in_repo: Option<String>,
    /// The branch to commit to; created if there is none.
    #[arg(long)]
    revision: Option<String>,
    /// Makes the repository private, if it has to be created.
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
    pub async fn run(mut self, context: &Context) -> Result<()> {
        let mut named = self.repo.read(context)?;
        self.revision = named.take_revision(self.revision.take())?;
        if let Some(path) = named.take_path() {
            if self.path_in_repo.is_some() {
                return Err(Error::invalid(format!(
                    "the address of `{}` names `{path}`; do not give --path-in-repo beside it",
                    named.repo_id
                )));
            }
            self.path_in_repo = Some(path);
        }
        let (repo_type, repo_id) = named.repository()?;
        let sources = sources(&self.paths, self.path_in_repo.as_deref(), &repo_id, &|path| Found::at(path))?;
        let has_folder = sources.iter().any(|source| matches!(source, Source::Folder { .. }));
        let has_patterns =
            [&self.include, &self.exclude, &self.delete].iter().any(|patterns| !patterns.is_empty());
        if has_patterns && !has_folder {
            return Err(Error::invalid(
                "--include, --exclude and --delete go with a folder, not with a file",
            ));
        }
        if sources.len() > 1 && !self.delete.is_empty() {
            return Err(Error::invalid("--delete goes with one folder, which the files are compared with"));
        }

        let (done, uploaded) =
            context.progress().upload(self.perform(context, repo_type, repo_id, sources)).await;
        let commit = done?;
        context.summary(&uploaded.sentence(), &uploaded.fields());
        let url = commit.pr_url.clone().unwrap_or_else(|| commit.commit_url.clone());
        let mut object = serde_json::to_value(&commit).unwrap_or_default();
        object["summary"] = uploaded.fields();
        context.format.done(&url, &url, &object)
    }

    async fn perform(
        self,
        context: &Context,
        repo_type: RepoType,
        repo_id: RepoId,
        sources: Vec<Source>,
    ) -> Result<CommitInfo> {
        // With patterns of files to delete, the folder is looked at together with the repository.
        let mirrored = match sources.as_slice() {
            [Source::Folder { path, path_in_repo, include }] if !self.delete.is_empty() => {
                Some((path.clone(), path_in_repo.clone(), self.include(include)?))
            }
            _ => None,
        };
        let message = self.commit_message.clone().unwrap_or_else(|| match sources.as_slice() {
            [Source::File { path_in_repo, .. }] => format!("Upload {path_in_repo} with huggingface_hub"),
            _ => "Upload folder using huggingface_hub".to_owned(),
        });
        let operations = match &mirrored {
            None => self.operations(context, sources).await?,
            Some(_) => Vec::new(),
        };
        let branch = self.revision.as_deref().filter(|_| !self.create_pr);
        let repo_id = prepare(context, repo_type, repo_id, self.private, self.create_pr, branch).await?;

        if let Some((folder, path_in_repo, include)) = mirrored {
            let mut request =
                context.api.upload_folder(&repo_id, folder).repo_type(repo_type).commit_message(message);
            request.path_in_repo = Some(path_in_repo);
            request.allow_patterns = some(include);
            request.ignore_patterns = some(self.exclude);
            request.delete_patterns = some(self.delete);
            request.revision = self.revision.map(Into::into);
            request.commit_description = self.commit_description;
            request.create_pr = self.create_pr.then_some(true);
            return request.await;
        }
        let mut request = context.api.create_commit(&repo_id, operations, message).repo_type(repo_type);
        request.revision = self.revision.map(Into::into);
        request.commit_description = self.commit_description;
        request.create_pr = self.create_pr.then_some(true);
        request.await
    }

    /// The patterns of files to upload: those of the option, or those that were given as paths.
    fn include(&self, given_as_path: &[String]) -> Result<Vec<String>> {
        if given_as_path.is_empty() {
            return Ok(self.include.clone());
        }
        if !self.include.is_empty() {
            return Err(Error::invalid("give a pattern as the path to upload, or --include, not both"));
        }
        Ok(given_as_path.to_vec())
    }

    /// Lists the files to upload.
    async fn operations(&self, context: &Context, sources: Vec<Source>) -> Result<Vec<CommitOperation>> {
        let mut operations = Vec::new();
        let mut origins: HashMap<String, PathBuf> = HashMap::new();
        let mut folders = Vec::new();
        for source in sources {
            let added = match source {
                Source::File { path, path_in_repo } => vec![(path_in_repo, path)],
                Source::Folder { path, path_in_repo, include } => {
                    let include = self.include(&include)?;
                    folders.push(path.display().to_string());
                    list_folder(&context.api, path, &path_in_repo, &include, &self.exclude).await?
                }
            };
            for (path_in_repo, path) in added {
                if let Some(other) =
                    origins.insert(path_in_repo.clone(), path.clone()).filter(|other| *other != path)
                {
                    return Err(Error::invalid(format!(
                        "`{}` and `{}` would both become `{path_in_repo}`; upload them one by one",
                        other.display(),
                        path.display()
                    )));
                }
                operations.push(CommitOperation::add(path_in_repo, path));
            }
        }
        if operations.is_empty() {
            let folders = folders.join("`, `");
            return Err(Error::invalid(format!(
                "there is no file to upload in `{folders}`, or none that matches"
            )));
        }
        Ok(operations)
    }
}

fn some(patterns: Vec<String>) -> Option<Many<String>> {
    (!patterns.is_empty()).then(|| patterns.into())
}

/// What an upload takes, and where it goes.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    File { path: PathBuf, path_in_repo: String },
    Folder { path: PathBuf, path_in_repo: String, include: Vec<String> },
}

/// What is at a local path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Found {
    Nothing,
    File,
    Folder,
    Other,
}

impl Found {
    fn at(path: &Path) -> Self {
        match std::fs::metadata(path) {
            Ok(metadata) if metadata.is_file() => Self::File,
            Ok(metadata) if metadata.is_dir() => Self::Folder,
            Ok(_) => Self::Other,
            Err(_) => Self::Nothing,
        }
    }
}

/// Whether two paths lead to one file or folder.
fn is_same_file(one: &Path, other: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).ok();
    real(one).is_some_and(|one| real(other) == Some(one))
}

/// Decides which of the paths are local, and where they go.
///
/// Two paths are a local one and one in the repository, as in `hf`, unless the second is a local one as well. Two files in
/// one folder are what the shell makes of a pattern, and both are uploaded; anything else is ambiguous, since to upload the
/// first under the name of the second would replace what nobody meant.
fn sources(
    paths: &[PathBuf],
    path_in_repo: Option<&str>,
    repo_id: &RepoId,
    look: &dyn Fn(&Path) -> Found,
) -> Result<Vec<Source>> {
    let named_like_repo = [PathBuf::from(repo_id.name())];
    let (locals, path_in_repo) = match paths {
        [] => {
            if look(&named_like_repo[0]) == Found::Nothing {
                return Err(Error::invalid(format!(
                    "there is no file or folder `{}` here; say what to upload, such as `hub upload {repo_id} .`",
                    repo_id.name()
                )));
            }
            (&named_like_repo[..], path_in_repo)
        }
        [local, target] if path_in_repo.is_none() && !is_pattern(target, look) => {
            let is_same = plain(local) == plain(target)
                || plain(target).as_os_str().is_empty()
                || is_same_file(local, target);
            if look(target) != Found::Nothing && !is_same {
                if local.parent() == target.parent()
                    && [local, target].map(|path| look(path)) == [Found::File; 2]
                {
                    return sources(paths, Some(""), repo_id, look);
                }
                let (local, target) = (local.display(), target.display());
                return Err(Error::invalid(format!(
                    "`{target}` may be another local path or the path in the repository; write \
                     `hub upload {repo_id} {local} --path-in-repo {target}` for the second, \
                     or add `--path-in-repo .` to upload both"
                )));
            }
            let target = target.to_str().ok_or_else(|| {
                Error::invalid(format!(
                    "the path in the repository must be valid UTF-8: `{}`",
                    target.display()
                ))
            })?;
            (&paths[..1], Some(target))
        }
        all => (all, path_in_repo),
    };

    let target = path_in_repo.unwrap_or_default();
    let mut sources = Vec::new();
    for path in locals {
        sources.push(match look(path) {
            Found::File => file_source(path, target, locals.len() > 1)?,
            Found::Folder => {
                let own = if locals.len() > 1 { own_name(path)? } else { String::new() };
                Source::Folder { path: path.clone(), path_in_repo: joined(target, &own), include: Vec::new() }
            }
            Found::Nothing if is_pattern(path, look) => pattern_source(path, target)?,
            Found::Nothing => {
                return Err(Error::invalid(format!("there is no file or folder `{}`", path.display())));
            }
            Found::Other => {
                return Err(Error::invalid(format!(
                    "`{}` is a pipe, a socket or a device; only files and folders can be uploaded",
                    path.display()
                )));
            }
        });
    }
    Ok(sources)
}

/// A file, which keeps its name if the path in the repository is a folder, is the root, or is shared with others.
fn file_source(path: &Path, target: &str, among_others: bool) -> Result<Source> {
    let is_folder =
        among_others || matches!(target, "" | ".") || target.ends_with('/') || target.ends_with("/.");
    let path_in_repo = if is_folder { joined(target, &own_name(path)?) } else { target.to_owned() };
    Ok(Source::File { path: path.to_owned(), path_in_repo })
}

/// The files that match a pattern, below the folder that stands before its first wildcard if it is elsewhere.
fn pattern_source(path: &Path, target: &str) -> Result<Source> {
    let text = path.to_str().ok_or_else(|| Error::invalid("a pattern must be valid UTF-8"))?;
    let text = text.strip_prefix("./").unwrap_or(text);
    let first = text.find(WILDCARDS).unwrap_or(0);
    let is_elsewhere = text.starts_with('/') || text.starts_with("..");
    let (folder, pattern) = match text[..first].rfind('/').filter(|_| is_elsewhere) {
        Some(0) => ("/", &text[1..]),
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (".", text),
    };
    Ok(Source::Folder {
        path: folder.into(),
        path_in_repo: target.to_owned(),
        include: vec![pattern.to_owned()],
    })
}

const WILDCARDS: [char; 3] = ['*', '?', '['];

/// Whether a path can only be a pattern: it has a wildcard, and there is nothing of this name.
fn is_pattern(path: &Path, look: &dyn Fn(&Path) -> Found) -> bool {
    path.to_string_lossy().contains(WILDCARDS) && look(path) == Found::Nothing
}

/// The path without `.` and slashes at its end.
fn plain(path: &Path) -> PathBuf {
    path.components().filter(|component| !matches!(component, Component::CurDir)).collect()
}

/// The last part of a path, as the name in the repository.
fn own_name(path: &Path) -> Result<String> {
    let absolute = || std::path::absolute(path).ok();
    let name =
        path.file_name().map(ToOwned::to_owned).or_else(|| absolute()?.file_name().map(ToOwned::to_owned));
    let name = name.as_deref().and_then(|name| name.to_str()).ok_or_else(|| {
        Error::invalid(format!(
            "the name of `{}` is not valid UTF-8, and repositories have no other names; give one with --path-in-repo",
            path.display()
        ))
    })?;
    Ok(name.to_owned())
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{}/{name}", folder.trim_end_matches('/')) }
}

/// Creates the repository and the branch where there are none, and returns the id with its namespace.
async fn prepare(
    context: &Context,
    repo_type: RepoType,
    repo_id: RepoId,
    private: bool,
    create_pr: bool,
    branch: Option<&str>,
) -> Result<RepoId> {
    // A pull request may go to a repository without a namespace, which belongs to nobody.
    let repo_id = match create_pr && visibility(context, repo_type, &repo_id).await?.is_some() {
        true => repo_id,
        false => context.own(repo_id).await?,
    };
    // A token that may write but not create is told so only if there is something to create.
    let repo_id = match visibility(context, repo_type, &repo_id).await? {
        Some(Visibility::Public) if private => {
            warn_of_public(repo_type, &repo_id);
            repo_id
        }
        Some(_) => repo_id,
        None => {
            let private = private.then_some(true);
            let sdk = (repo_type == RepoType::Space).then_some("static");
            let arguments = json!({
                "repo_id": repo_id, "repo_type": repo_type, "private": private, "exist_ok": true, "space_sdk": sdk,
            });
            let created = context.call("create_repo", arguments).await?;
            created["repo_id"].as_str().map_or(Ok(repo_id), RepoId::parse)?
        }
    };
    let Some(branch) = branch.filter(|branch| *branch != Revision::MAIN) else { return Ok(repo_id) };
    let arguments = json!({ "repo_id": repo_id, "repo_type": repo_type, "revision": branch });
    let exists = context.call("revision_exists", arguments).await?;
    if exists == Value::Bool(true) {
        return Ok(repo_id);
    }
    let arguments = json!({ "repo_id": repo_id, "repo_type": repo_type, "branch": branch, "exist_ok": true });
    match context.call("create_branch", arguments).await {
        Err(error) if error.kind() == ErrorKind::InvalidArgument => Err(error),
        result => result.map(|_| repo_id),
    }
}

/// Says that a repository which exists does not become private by --private.
pub fn warn_of_public(repo_type: RepoType, repo_id: &RepoId) {
    tracing::warn!(
        "the {repo_type} `{repo_id}` exists and is public, and --private does not change that; \
         `hub repo settings {repo_id} --type {repo_type} --private` does"
    );
}

/// Who sees a repository.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    Public,
    Private,
    Unknown,
}

/// Who sees a repository, if there is one.
pub async fn visibility(
    context: &Context,
    repo_type: RepoType,
    repo_id: &RepoId,
) -> Result<Option<Visibility>> {
    let arguments = json!({ "repo_id": repo_id, "expand": ["private"] });
    match context.call(&format!("{repo_type}_info"), arguments).await {
        Ok(info) => Ok(Some(match info["private"] {
            Value::Bool(true) => Visibility::Private,
            Value::Bool(false) => Visibility::Public,
            _ => Visibility::Unknown,
        })),
        Err(error) if error.kind() == ErrorKind::RepositoryNotFound => Ok(None),
        Err(error) if error.kind() == ErrorKind::GatedRepo => Ok(Some(Visibility::Unknown)),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sources of arguments where `a.bin`, `b.bin`, `sub/c.bin`, `cfg` (a file) and `dir` (a folder) exist.
    fn plan(arguments: &[&str], path_in_repo: Option<&str>) -> Result<Vec<String>> {
        let look = |path: &Path| match path.to_str().unwrap() {
            "a.bin" | "b.bin" | "sub/c.bin" | "dir/a.bin" | "cfg" => Found::File,
            "dir" | "." | "sub" | "it" => Found::Folder,
            "pipe" => Found::Other,
            _ => Found::Nothing,
        };
        let paths: Vec<PathBuf> = arguments.iter().map(PathBuf::from).collect();
        let sources = sources(&paths, path_in_repo, &RepoId::parse("me/it").unwrap(), &look)?;
        let shown = |source: Source| match source {
            Source::File { path, path_in_repo } => format!("{} -> {path_in_repo}", path.display()),
            Source::Folder { path, path_in_repo, include } => {
                format!("{}/{} -> {path_in_repo}", path.display(), include.join(","))
            }
        };
        Ok(sources.into_iter().map(shown).collect())
    }

    #[test]
    fn one_path_keeps_its_name_and_two_are_a_source_and_a_target() {
        let cases: [(&[&str], Option<&str>, &[&str]); 17] = [
            (&[], None, &["it/ -> "]),
            (&["a.bin", "b.bin"], None, &["a.bin -> a.bin", "b.bin -> b.bin"]),
            (&["a.bin"], None, &["a.bin -> a.bin"]),
            (&["sub/c.bin"], None, &["sub/c.bin -> c.bin"]),
            (&["a.bin", "new.bin"], None, &["a.bin -> new.bin"]),
            (&["a.bin", "to/"], None, &["a.bin -> to/a.bin"]),
            (&["a.bin", "."], None, &["a.bin -> ./a.bin"]),
            (&["cfg", "cfg"], None, &["cfg -> cfg"]),
            (&["cfg", "./cfg"], None, &["cfg -> ./cfg"]),
            (&[".", "."], None, &["./ -> ./"]),
            (&["dir", "to"], None, &["dir/ -> to/"]),
            (&["a.bin"], Some("b.bin"), &["a.bin -> b.bin"]),
            (&["a.bin", "b.bin"], Some("."), &["a.bin -> ./a.bin", "b.bin -> ./b.bin"]),
            (&["a.bin", "b.bin", "dir"], None, &["a.bin -> a.bin", "b.bin -> b.bin", "dir/ -> dir"]),
            (&["*.bin"], None, &["./*.bin -> "]),
            (&["./sub/*.bin", "*.txt"], None, &["./sub/*.bin -> ", "./*.txt -> "]),
            (&["/data/x/*.bin", "to"], None, &["/data/x/*.bin -> to"]),
        ];
        for (arguments, path_in_repo, expected) in cases {
            assert_eq!(plan(arguments, path_in_repo).unwrap(), expected, "{arguments:?}");
        }
    }

    #[test]
    fn what_is_ambiguous_or_missing_is_refused() {
        let cases: [(&[&str], &str); 7] = [
            (&["sub/c.bin", "b.bin"], "--path-in-repo"),
            (&["a.bin", "dir"], "--path-in-repo"),
            (&["dir", "sub"], "--path-in-repo"),
            (&["nope.bin"], "`nope.bin`"),
            (&["nope.bin", "x"], "`nope.bin`"),
            (&["a.bin", "b.bin", "nope.bin"], "`nope.bin`"),
            (&["pipe"], "is a pipe"),
        ];
        for (arguments, why) in cases {
            let error = plan(arguments, None).unwrap_err().to_string();
            assert!(error.contains(why), "{arguments:?}: {error}");
        }
    }
}
