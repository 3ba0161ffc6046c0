//! `hub repo`: repositories and their branches and tags.
use crate::context::{Context, RepoArg, parse_repo};
use clap::{Args, Subcommand, ValueEnum};
use hub_client::types::RepoType;
use hub_client::{Error, Result};
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
    /// Deletes files that match patterns, in one commit.
    DeleteFiles {
        #[command(flatten)]
        repo: RepoArg,
        /// Patterns such as `*.bin` or `logs/`.
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
    },
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
                let (repo_type, repo_id) = repo.parse()?;
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
                let arguments = json!({ "from_id": from_id, "to_id": to_id, "repo_type": repo_type });
                context.call("move_repo", arguments).await?;
                context.format.done(
                    &format!("moved {from_id} to {to_id}"),
                    &to_id,
                    &json!({ "from": from_id, "to": to_id }),
                )
            }
            Self::Settings { repo, private, public, gated } => {
                let (repo_type, repo_id) = repo.parse()?;
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
            Self::DeleteFiles { repo, patterns, revision, commit_message, commit_description, create_pr } => {
                let (repo_type, repo_id) = repo.parse()?;
                let arguments = json!({
                    "repo_id": repo_id, "repo_type": repo_type, "delete_patterns": patterns, "revision": revision,
                    "commit_message": commit_message, "commit_description": commit_description,
                    "create_pr": create_pr.then_some(true),
                });
                let commit = context.call("delete_files", arguments).await?;
                let url = text(&commit, "commit_url");
                context.format.done(&format!("deleted in {url}"), &url, &commit)
            }
        }
    }
}

impl Create {
    async fn run(self, context: &Context) -> Result<()> {
        let (repo_type, repo_id) = self.repo.parse()?;
        let arguments = json!({
            "repo_id": repo_id, "repo_type": repo_type, "private": self.private.then_some(true),
            "exist_ok": self.exist_ok, "space_sdk": self.space_sdk, "resource_group_id": self.resource_group_id,
        });
        let created = context.call("create_repo", arguments).await?;
        let url = text(&created, "url");
        context.format.done(&format!("the {repo_type} is at {url}"), &text(&created, "repo_id"), &created)
    }
}

impl Branch {
    async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Create { repo, branch, revision, exist_ok } => {
                let arguments = json!({ "branch": branch, "revision": revision, "exist_ok": exist_ok });
                reference(
                    context,
                    "create_branch",
                    &repo,
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
                    &repo,
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
                let arguments =
                    json!({ "tag": tag, "tag_message": message, "revision": revision, "exist_ok": exist_ok });
                reference(context, "create_tag", &repo, arguments, &format!("created the tag {tag}"), &tag)
                    .await
            }
            Self::Delete { repo, tag } => {
                reference(
                    context,
                    "delete_tag",
                    &repo,
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

async fn reference(
    context: &Context,
    method: &str,
    repo: &RepoArg,
    mut arguments: Value,
    done: &str,
    name: &str,
) -> Result<()> {
    let (repo_type, repo_id) = parse_repo(&repo.repo_id, repo.repo_type)?;
    arguments["repo_id"] = json!(repo_id);
    arguments["repo_type"] = json!(repo_type);
    context.call(method, arguments.clone()).await?;
    context.format.done(&format!("{done} of {repo_id}"), name, &arguments)
}

async fn references(context: &Context, repo: &RepoArg, kind: &str) -> Result<()> {
    let (repo_type, repo_id) = repo.parse()?;
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
    eprint!("{question} [y/N] ");
    let mut answer = String::new();
    io::stdin()
        .lock()
        .read_line(&mut answer)
        .map_err(|error| Error::invalid(format!("could not read the answer: {error}")))?;
    if matches!(answer.trim().to_lowercase().as_str(), "y" | "yes") {
        return Ok(());
    }
    Err(Error::new(hub_client::ErrorKind::Cancelled, "cancelled; nothing was changed"))
}
