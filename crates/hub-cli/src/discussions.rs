//! `hub discussions`: discussions and pull requests.
use crate::context::Context;
use crate::output::{Format, escape, line};
use crate::path_arg::path_parser;
use crate::repo::confirm;
use crate::repo_arg::RepoArg;
use clap::{Args, Subcommand, ValueEnum};
use hub_client::{Error, Result};
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::PathBuf;

/// Lists, opens, answers and merges discussions and pull requests.
#[derive(Debug, Subcommand)]
pub enum Discussions {
    /// Lists discussions and pull requests.
    #[command(visible_alias = "ls")]
    List {
        #[command(flatten)]
        repo: RepoArg,
        /// Their status.
        #[arg(short, long, value_enum, default_value = "open")]
        status: Status,
        /// Which of the two.
        #[arg(short, long, value_enum, default_value = "all")]
        kind: Kind,
        /// Who opened them.
        #[arg(long)]
        author: Option<String>,
    },
    /// Tells what was said and done in one.
    Info(Numbered),
    /// Opens one.
    Create {
        #[command(flatten)]
        repo: RepoArg,
        /// The title.
        #[arg(long)]
        title: String,
        #[command(flatten)]
        body: Body,
        /// Opens a pull request, as a draft without changes.
        #[arg(long, visible_alias = "pr")]
        pull_request: bool,
    },
    /// Says something in one.
    Comment {
        #[command(flatten)]
        of: Numbered,
        #[command(flatten)]
        body: Body,
    },
    /// Changes what was said.
    Edit {
        #[command(flatten)]
        of: Numbered,
        /// The id of the comment.
        comment_id: String,
        #[command(flatten)]
        body: Body,
    },
    /// Hides what was said; it cannot be shown again.
    Hide {
        #[command(flatten)]
        of: Numbered,
        /// The id of the comment.
        comment_id: String,
        /// Does not ask.
        #[arg(short, long)]
        yes: bool,
    },
    /// Changes the title.
    Rename {
        #[command(flatten)]
        of: Numbered,
        /// The new title.
        new_title: String,
    },
    /// Closes one.
    Close {
        #[command(flatten)]
        of: Numbered,
        /// What to say with it.
        #[arg(long)]
        comment: Option<String>,
    },
    /// Opens a closed one again.
    Reopen {
        #[command(flatten)]
        of: Numbered,
        /// What to say with it.
        #[arg(long)]
        comment: Option<String>,
    },
    /// Merges a pull request.
    Merge {
        #[command(flatten)]
        of: Numbered,
        /// What to say with it.
        #[arg(long)]
        comment: Option<String>,
        /// Does not ask.
        #[arg(short, long)]
        yes: bool,
    },
    /// Prints what a pull request changes.
    Diff(Numbered),
}

/// One discussion of a repository.
#[derive(Debug, Args)]
pub struct Numbered {
    #[command(flatten)]
    repo: RepoArg,
    /// The number of the discussion or pull request.
    num: u64,
}

/// A text, given or read from a file.
#[derive(Debug, Args)]
pub struct Body {
    /// The text, in Markdown.
    #[arg(long)]
    body: Option<String>,
    /// A file with the text; `-` for the standard input.
    #[arg(long, conflicts_with = "body", value_parser = path_parser())]
    body_file: Option<PathBuf>,
}

/// The statuses to list.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Status {
    /// Open ones.
    Open,
    /// Closed ones, merged ones among them.
    Closed,
    /// All.
    All,
}

/// What to list.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    /// Both.
    All,
    /// Discussions.
    Discussion,
    /// Pull requests.
    #[value(name = "pull_request", alias = "pr")]
    PullRequest,
}

impl Numbered {
    fn arguments(&self, context: &Context) -> Result<Value> {
        let (repo_type, repo_id) = self.repo.parse(context)?;
        Ok(json!({ "repo_id": repo_id, "repo_type": repo_type, "discussion_num": self.num }))
    }
}

impl Body {
    fn read(&self) -> Result<Option<String>> {
        let Some(path) = &self.body_file else { return Ok(self.body.clone()) };
        let mut text = String::new();
        let read = if path.as_os_str() == "-" {
            std::io::stdin().read_to_string(&mut text).map(drop)
        } else {
            std::fs::read_to_string(path).map(|content| text = content)
        };
        read.map_err(|error| Error::invalid(format!("could not read `{}`: {error}", path.display())))?;
        Ok(Some(text))
    }

    fn required(&self) -> Result<String> {
        self.read()?.ok_or_else(|| Error::invalid("give the text with --body or --body-file"))
    }
}

impl Discussions {
    /// Performs the command.
    pub async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::List { repo, status, kind, author } => {
                let (repo_type, repo_id) = repo.parse(context)?;
                let status = match status {
                    Status::Open => Some("open"),
                    Status::Closed => Some("closed"),
                    Status::All => None,
                };
                let kind = match kind {
                    Kind::All => None,
                    Kind::Discussion => Some("discussion"),
                    Kind::PullRequest => Some("pull_request"),
                };
                let arguments = json!({
                    "repo_id": repo_id, "repo_type": repo_type, "author": author,
                    "discussion_status": status, "discussion_type": kind,
                });
                let columns = [
                    ("NUM", "num"),
                    ("STATUS", "status"),
                    ("PR", "is_pull_request"),
                    ("AUTHOR", "author"),
                    ("TITLE", "title"),
                ];
                context.list("get_repo_discussions", arguments, &columns).await
            }
            Self::Info(of) => {
                info(context, context.call("get_discussion_details", of.arguments(context)?).await?)
            }
            Self::Create { repo, title, body, pull_request } => {
                let (repo_type, repo_id) = repo.parse(context)?;
                let arguments = json!({
                    "repo_id": repo_id, "repo_type": repo_type, "title": title, "description": body.read()?,
                    "pull_request": pull_request,
                });
                let opened = context.call("create_discussion", arguments).await?;
                let url = opened["url"].as_str().unwrap_or_default();
                context.format.done(&format!("opened {url}"), &opened["num"].to_string(), &opened)
            }
            Self::Comment { of, body } => {
                perform(
                    context,
                    "comment_discussion",
                    &of,
                    json!({ "comment": body.required()? }),
                    "commented",
                )
                .await
            }
            Self::Edit { of, comment_id, body } => {
                let own = json!({ "comment_id": comment_id, "new_content": body.required()? });
                perform(context, "edit_discussion_comment", &of, own, "edited the comment").await
            }
            Self::Hide { of, comment_id, yes } => {
                if !yes {
                    confirm("Hide the comment? It cannot be shown again.")?;
                }
                perform(
                    context,
                    "hide_discussion_comment",
                    &of,
                    json!({ "comment_id": comment_id }),
                    "hid the comment",
                )
                .await
            }
            Self::Rename { of, new_title } => {
                perform(context, "rename_discussion", &of, json!({ "new_title": new_title }), "renamed").await
            }
            Self::Close { of, comment } => {
                let own = json!({ "new_status": "closed", "comment": comment });
                perform(context, "change_discussion_status", &of, own, "closed").await
            }
            Self::Reopen { of, comment } => {
                let own = json!({ "new_status": "open", "comment": comment });
                perform(context, "change_discussion_status", &of, own, "opened again").await
            }
            Self::Merge { of, comment, yes } => {
                if !yes {
                    confirm(&format!("Merge pull request {} of {}?", of.num, of.repo.repo_id))?;
                }
                perform(context, "merge_pull_request", &of, json!({ "comment": comment }), "merged").await
            }
            Self::Diff(of) => {
                let details = context.call("get_discussion_details", of.arguments(context)?).await?;
                match details["diff"].as_str() {
                    Some(diff) => diff.lines().try_for_each(|text| line(&escape(text))),
                    None => {
                        Err(Error::invalid(format!("{} is no pull request, so it changes nothing", of.num)))
                    }
                }
            }
        }
    }
}

async fn perform(context: &Context, method: &str, of: &Numbered, own: Value, done: &str) -> Result<()> {
    let mut arguments = of.arguments(context)?;
    if let (Value::Object(arguments), Value::Object(own)) = (&mut arguments, own) {
        arguments.extend(own);
    }
    let result = context.call(method, arguments).await?;
    context.format.done(&format!("{done}: {} #{}", of.repo.repo_id, of.num), &of.num.to_string(), &result)
}

/// Prints a discussion as it went.
fn info(context: &Context, details: Value) -> Result<()> {
    if context.format != Format::Human {
        return context.format.object(&details, "num");
    }
    let text = |value: &Value| escape(value.as_str().unwrap_or_default());
    line(&format!("#{} {} ({})", details["num"], text(&details["title"]), text(&details["status"])))?;
    line(&text(&details["url"]))?;
    for event in details["events"].as_array().into_iter().flatten() {
        line(&format!(
            "\n{} {} {}",
            text(&event["created_at"]),
            text(&event["author"]),
            text(&event["type"])
        ))?;
        for key in ["content", "new_status", "summary", "new_title"] {
            if let Some(content) = event[key].as_str() {
                content.lines().try_for_each(|text| line(&format!("  {}", escape(text))))?;
            }
        }
    }
    Ok(())
}
