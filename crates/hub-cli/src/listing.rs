//! `hub models`, `hub datasets` and `hub spaces`: what there is.
use crate::context::{Context, some};
use crate::output::Column;
use crate::repo_arg::Named;
use clap::{Args, Subcommand};
use hub_client::Result;
use hub_client::types::{RepoId, RepoType};
use serde_json::json;

/// Lists repositories, or the files of one, and tells about one.
#[derive(Debug, Subcommand)]
pub enum Listing {
    /// Lists repositories, or the files of the one that is named.
    #[command(visible_alias = "list")]
    Ls(Box<Ls>),
    /// Tells what is known of a repository.
    Info {
        /// The repository.
        repo_id: String,
        /// The branch, tag or commit.
        #[arg(long)]
        revision: Option<String>,
        /// The properties to tell, separated by commas.
        #[arg(long, value_delimiter = ',')]
        expand: Vec<String>,
    },
}

/// The options of `ls`.
#[derive(Debug, Args)]
pub struct Ls {
    /// A repository whose files are listed.
    repo_id: Option<String>,
    /// Words to look for.
    #[arg(long)]
    search: Option<String>,
    /// A user or organization.
    #[arg(long)]
    author: Option<String>,
    /// A tag, such as `text-classification`; may be repeated.
    #[arg(long)]
    filter: Vec<String>,
    /// The order: created_at, downloads, last_modified, likes or trending_score.
    #[arg(long)]
    sort: Option<String>,
    /// How many at most.
    #[arg(long, default_value_t = 30)]
    limit: usize,
    /// The properties to tell, separated by commas.
    #[arg(long, value_delimiter = ',')]
    expand: Vec<String>,
    /// Lists files in all folders.
    #[arg(short = 'R', long)]
    recursive: bool,
    /// The branch, tag or commit whose files are listed.
    #[arg(long)]
    revision: Option<String>,
}

const FILES: &[Column] = &[("PATH", "path"), ("SIZE", "size"), ("BLOB", "blob_id")];

impl Listing {
    /// Performs the command for one kind of repository.
    pub async fn run(self, context: &Context, repo_type: RepoType) -> Result<()> {
        match self {
            Self::Ls(ls) => ls.run(context, repo_type).await,
            Self::Info { repo_id, revision, expand } => {
                let method = format!("{repo_type}_info");
                let (repo_id, revision) = at_revision(context, &repo_id, repo_type, revision)?;
                let arguments = json!({ "repo_id": repo_id, "revision": revision, "expand": some(expand) });
                let info = context.call(&method, arguments).await?;
                context.format.object(&info, "id")
            }
        }
    }
}

fn at_revision(
    context: &Context,
    text: &str,
    repo_type: RepoType,
    revision: Option<String>,
) -> Result<(RepoId, Option<String>)> {
    let mut named = Named::parse(context, text, Some(repo_type))?;
    let revision = named.take_revision(revision)?;
    Ok((named.repository()?.1, revision))
}

impl Ls {
    async fn run(self, context: &Context, repo_type: RepoType) -> Result<()> {
        if let Some(repo_id) = self.repo_id {
            let mut named = Named::parse(context, &repo_id, Some(repo_type))?;
            let revision = named.take_revision(self.revision)?;
            let folder = named.take_path();
            let (_, repo_id) = named.repository()?;
            let path_in_repo = folder.as_deref().map(|folder| folder.trim_end_matches('/'));
            let arguments = json!({
                "repo_id": repo_id, "repo_type": repo_type, "recursive": self.recursive, "revision": revision,
                "path_in_repo": path_in_repo,
            });
            return context.list("list_repo_tree", arguments, FILES).await;
        }
        let (method, columns): (_, &[Column]) = match repo_type {
            RepoType::Model => (
                "list_models",
                &[
                    ("ID", "id"),
                    ("DOWNLOADS", "downloads"),
                    ("LIKES", "likes"),
                    ("TASK", "pipeline_tag"),
                    ("CREATED", "created_at"),
                ],
            ),
            RepoType::Dataset => (
                "list_datasets",
                &[("ID", "id"), ("DOWNLOADS", "downloads"), ("LIKES", "likes"), ("CREATED", "created_at")],
            ),
            RepoType::Space => (
                "list_spaces",
                &[("ID", "id"), ("LIKES", "likes"), ("SDK", "sdk"), ("CREATED", "created_at")],
            ),
        };
        let arguments = json!({
            "search": self.search, "author": self.author, "filter": some(self.filter), "sort": self.sort,
            "limit": self.limit, "expand": some(self.expand),
        });
        context.list(method, arguments, columns).await
    }
}
