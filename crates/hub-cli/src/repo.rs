//! `hub repo`: repositories and their branches and tags.
use crate::context::Context;
use crate::repo_arg::RepoArg;
use crate::upload::{Visibility, visibility, warn_of_public};
use clap::{Args, Subcommand, ValueEnum};
use hub_client::types::{RepoId, RepoType};
use hub_client::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use std::io::{self, BufRead as _, IsTerminal as _};

/// Creates, deletes, moves and configures repositories.
#[derive(Debug, Subcommand)]
pub enum Repo {
    /// Creates a repository.
    Create(Create),
    /// Deletes a repository, with all that is in it.
    Delete {
        #[command(flatten)]
        repo: RepoArg,
        /// Whether a repository that is not there counts as success.
        #[arg(long)]
        missing_ok: bool,
        /// Does not ask.
        #[arg(short, long)]
        yes: bool,
    },
    /// Renames a repository or moves it to another namespace.
    Move {
        /// Its name now.
        from_id: String,
        /// Its new name.
        to_id: String,
        /// The kind of repository.
        #[arg(long = "type", visible_alias = "repo-type", default_value = "model")]
        repo_type: RepoType,
    },
    /// Changes who may see and use a repository.
    Settings {
        #[command(flatten)]
        repo: RepoArg,
        /// Makes it private.
        #[arg(long, conflicts_with = "public")]
        private: bool,
        /// Makes it public.
        #[arg(long)]
        public: bool,
        /// Who must ask for access.
        #[arg(long, value_enum)]
        gated: Option<Gated>,
    },
    /// Creates, deletes and lists branches.
    #[command(subcommand)]
    Branch(Branch),
    /// Creates, deletes and lists tags.
    #[command(subcommand)]
    Tag(Tag),
    DeleteFiles(DeleteFiles),
}

/// Deletes files by name or pattern, in one commit.
#[derive(Debug, Args)]
pub struct DeleteFiles {
    #[command(flatten)]
    repo: RepoArg,
    /// Names, or patterns such as `*.bin` or `logs/`.
    #[arg(required = true)]
    patterns: Vec<String>,
    /// The branch to commit to.
    #[arg(long)]
    revision: Option<String>,
    /// The first line of the commit's message.
    #[arg(long)]
    commit_message: Option<String>,
    /// The rest of the commit's message.
    #[arg(long)]
    commit_description: Option<String>,
    /// Opens a pull request instead.
    #[arg(long)]
    create_pr: bool,
}

/// The options of `hub repo create`.
#[derive(Debug, Args)]
pub struct Create {
    #[command(flatten)]
    repo: RepoArg,
    /// Makes it private.
    #[arg(long)]
    private: bool,
    /// Whether a repository that exists counts as success.
    #[arg(long)]
    exist_ok: bool,
    /// The SDK of a Space: gradio, streamlit, docker or static.
    #[arg(long, visible_alias = "space_sdk")]
    space_sdk: Option<String>,
    /// The resource group of an Enterprise organization.
    #[arg(long)]
    resource_group_id: Option<String>,
}

/// Who must ask for access.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Gated {
    /// Everybody, and it is granted at once.
    Auto,
    /// Everybody, and an owner decides.
    Manual,
    /// Nobody.
    #[value(name = "false", alias = "none")]
    No,
}

/// What is done to branches.
#[derive(Debug, Subcommand)]
pub enum Branch {
    /// Creates a branch.
    Create {
        #[command(flatten)]
        repo: RepoArg,
        /// Its name.
        branch: String,
        /// Where it begins.
        #[arg(long)]
        revision: Option<String>,
        /// Whether a branch that exists counts as success.
        #[arg(long)]
        exist_ok: bool,
    },
    /// Deletes a branch.
    Delete {
        #[command(flatten)]
        repo: RepoArg,
        /// Its name.
        branch: String,
    },
    /// Lists the branches.
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        repo: RepoArg,
    },
}

/// What is done to tags.
#[derive(Debug, Subcommand)]
pub enum Tag {
    /// Creates a tag.
    Create {
        #[command(flatten)]
        repo: RepoArg,
        /// Its name.
        tag: String,
        /// Its message.
        #[arg(short, long)]
        message: Option<String>,
        /// What it marks.
        #[arg(long)]
        revision: Option<String>,
        /// Whether a tag that exists counts as success.
        #[arg(long)]
        exist_ok: bool,
    },
    /// Deletes a tag.
    Delete {
        #[command(flatten)]
        repo: RepoArg,
        /// Its name.
        tag: String,
    },
    /// Lists the tags.
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        repo: RepoArg,
    },
}

impl Repo {
    /// Performs the command.
    pub async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Create(create) => create.run(context).await,
            Self::Delete { repo, missing_ok, yes } => {
                let (repo_type, repo_id) = repo.own(context).await?;
                if !yes {
                    confirm(&format!("Delete the {repo_type} {repo_id} and all that is in it?"))?;
                }
                let arguments =
                    json!({ "repo_id": repo_id, "repo_type": repo_type, "missing_ok": missing_ok });
                context.call("delete_repo", arguments).await?;
                let done = json!({ "deleted": repo_id, "repo_type": repo_type });
                context.format.done(&format!("deleted the {repo_type} {repo_id}"), repo_id.as_str(), &done)
            }
            Self::Move { from_id, to_id, repo_type } => {
                let from_id = context.own_repo(&from_id, repo_type).await?;
                let to_id = context.own_repo(&to_id, repo_type).await?;
                let arguments = json!({ "from_id": from_id, "to_id": to_id, "repo_type": repo_type });
                context.call("move_repo", arguments).await?;
                context.format.done(
                    &format!("moved {from_id} to {to_id}"),
                    to_id.as_str(),
                    &json!({ "from": from_id, "to": to_id }),
                )
            }
            Self::Settings { repo, private, public, gated } => {
                let (repo_type, repo_id) = repo.own(context).await?;
                let private = (private || public).then_some(private);
                if private.is_none() && gated.is_none() {
                    return Err(Error::invalid("nothing to change; give --private, --public or --gated"));
                }
                let gated = gated.map(|gated| match gated {
                    Gated::Auto => json!("auto"),
                    Gated::Manual => json!("manual"),
                    Gated::No => json!(false),
                });
                let arguments =
                    json!({ "repo_id": repo_id, "repo_type": repo_type, "private": private, "gated": gated });
                context.call("update_repo_settings", arguments.clone()).await?;
                context.format.done(
                    &format!("changed the settings of {repo_id}"),
                    repo_id.as_str(),
                    &arguments,
                )
            }
            Self::Branch(command) => command.run(context).await,
            Self::Tag(command) => command.run(context).await,
            Self::DeleteFiles(delete) => delete.run(context).await,
        }
    }
}

impl DeleteFiles {
    async fn run(self, context: &Context) -> Result<()> {
        let (repo_type, repo_id, revision) = self.repo.own_at(context, self.revision).await?;
        // A name is checked before anything is deleted; a pattern may match nothing as long as another one does.
        let names: Vec<&String> = self
            .patterns
            .iter()
            .filter(|name| !name.ends_with('/') && !name.contains(['*', '?', '[']))
            .collect();
        if !names.is_empty() {
            let arguments =
                json!({ "repo_id": repo_id, "repo_type": repo_type, "revision": revision, "paths": names });
            let found = context.call("get_paths_info", arguments).await?;
            let found: Vec<&str> =
                found.as_array().into_iter().flatten().filter_map(|entry| entry["path"].as_str()).collect();
            let missing: Vec<String> = names
                .iter()
                .filter(|name| !found.contains(&name.as_str()))
                .map(|name| format!("`{name}`"))
                .collect();
            if !missing.is_empty() {
                let message = format!(
                    "the {repo_type} `{repo_id}` has no {} at `{}`; nothing was deleted",
                    missing.join(", "),
                    revision.as_deref().unwrap_or("main")
                );
                return Err(Error::new(ErrorKind::EntryNotFound, message));
            }
        }
        let arguments = json!({
            "repo_id": repo_id, "repo_type": repo_type, "delete_patterns": self.patterns, "revision": revision,
            "commit_message": self.commit_message, "commit_description": self.commit_description,
            "create_pr": self.create_pr.then_some(true),
        });
        let (commit, done) = context.progress().upload(context.call("delete_files", arguments)).await;
        let commit = commit?;
        if done.others == 0 {
            let patterns: Vec<String> = self.patterns.iter().map(|pattern| format!("`{pattern}`")).collect();
            let message = format!(
                "no file of the {repo_type} `{repo_id}` matches {}; nothing was deleted",
                patterns.join(", ")
            );
            return Err(Error::new(ErrorKind::EntryNotFound, message));
        }
        let url = text(&commit, "commit_url");
        let files = if done.others == 1 { "1 file".to_owned() } else { format!("{} files", done.others) };
        context.format.done(&format!("deleted {files} in {url}"), &url, &commit)
    }
}

impl Create {
    async fn run(self, context: &Context) -> Result<()> {
        let (repo_type, repo_id) = self.repo.parse(context)?;
        let arguments = json!({
            "repo_id": repo_id, "repo_type": repo_type, "private": self.private.then_some(true),
            "exist_ok": self.exist_ok, "space_sdk": self.space_sdk, "resource_group_id": self.resource_group_id,
        });
        let created = context.call("create_repo", arguments).await?;
        if self.private && self.exist_ok {
            let repo_id = RepoId::parse(&text(&created, "repo_id"))?;
            if visibility(context, repo_type, &repo_id).await? == Some(Visibility::Public) {
                warn_of_public(repo_type, &repo_id);
            }
        }
        let url = text(&created, "url");
        context.format.done(&format!("the {repo_type} is at {url}"), &text(&created, "repo_id"), &created)
    }
}

impl Branch {
    async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Create { repo, branch, revision, exist_ok } => {
                let (repo, revision) = own_at(context, &repo, revision).await?;
                let arguments = json!({ "branch": branch, "revision": revision, "exist_ok": exist_ok });
                reference(
                    context,
                    "create_branch",
                    repo,
                    arguments,
                    &format!("created the branch {branch}"),
                    &branch,
                )
                .await
            }
            Self::Delete { repo, branch } => {
                let arguments = json!({ "branch": branch });
                reference(
                    context,
                    "delete_branch",
                    repo.own(context).await?,
                    arguments,
                    &format!("deleted the branch {branch}"),
                    &branch,
                )
                .await
            }
            Self::List { repo } => references(context, &repo, "branches").await,
        }
    }
}

impl Tag {
    async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Create { repo, tag, message, revision, exist_ok } => {
                let (repo, revision) = own_at(context, &repo, revision).await?;
                let arguments =
                    json!({ "tag": tag, "tag_message": message, "revision": revision, "exist_ok": exist_ok });
                reference(context, "create_tag", repo, arguments, &format!("created the tag {tag}"), &tag)
                    .await
            }
            Self::Delete { repo, tag } => {
                reference(
                    context,
                    "delete_tag",
                    repo.own(context).await?,
                    json!({ "tag": tag }),
                    &format!("deleted the tag {tag}"),
                    &tag,
                )
                .await
            }
            Self::List { repo } => references(context, &repo, "tags").await,
        }
    }
}

async fn own_at(
    context: &Context,
    repo: &RepoArg,
    revision: Option<String>,
) -> Result<((RepoType, RepoId), Option<String>)> {
    let (repo_type, repo_id, revision) = repo.own_at(context, revision).await?;
    Ok(((repo_type, repo_id), revision))
}

async fn reference(
    context: &Context,
    method: &str,
    (repo_type, repo_id): (RepoType, RepoId),
    mut arguments: Value,
    done: &str,
    name: &str,
) -> Result<()> {
    arguments["repo_id"] = json!(repo_id);
    arguments["repo_type"] = json!(repo_type);
    context.call(method, arguments.clone()).await?;
    context.format.done(&format!("{done} of {repo_id}"), name, &arguments)
}

async fn references(context: &Context, repo: &RepoArg, kind: &str) -> Result<()> {
    let (repo_type, repo_id) = repo.parse(context)?;
    let refs = context.call("list_repo_refs", json!({ "repo_id": repo_id, "repo_type": repo_type })).await?;
    let items: Vec<_> = refs[kind].as_array().cloned().unwrap_or_default().into_iter().map(Ok).collect();
    let columns = [("NAME", "name"), ("COMMIT", "target_commit")];
    context.format.list(Box::pin(futures_util::stream::iter(items)), &columns).await
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

/// Asks on the terminal; anything but a yes ends the command.
pub fn confirm(question: &str) -> Result<()> {
    if !io::stdin().is_terminal() {
        return Err(Error::invalid(format!("{question} Say so with --yes")));
    }
    crate::terminal::prompt(&format!("{} [y/N] ", crate::output::escape(question)));
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Error::invalid(format!("could not read the answer: {error}")))?;
    if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Cancelled, "cancelled; nothing was changed"))
}
