//! `hub download`: files, or a whole repository, come down.
use crate::context::{Context, RepoArg};
use crate::output::line;
use clap::Args;
use hub_client::{Error, Result};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Downloads files, or all of a repository, into the cache or a folder; the last line printed is the path.
///
/// Everything is checked against its hash. After an interruption the same command goes on where it stopped.
#[derive(Debug, Args)]
pub struct Download {
    #[command(flatten)]
    repo: RepoArg,
    /// The files; all if none is named.
    filenames: Vec<String>,
    /// The branch, tag or commit.
    #[arg(long)]
    revision: Option<String>,
    /// Downloads only what matches, such as `*.json`; may be repeated.
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    include: Vec<String>,
    /// Leaves out what matches; may be repeated.
    #[arg(long, value_name = "PATTERN", num_args = 1..)]
    exclude: Vec<String>,
    /// The cache; HF_HUB_CACHE if unset.
    #[arg(long, value_name = "DIR")]
    cache_dir: Option<PathBuf>,
    /// Puts the files into this folder instead of the cache.
    #[arg(long, value_name = "DIR")]
    local_dir: Option<PathBuf>,
    /// Downloads also what is there already.
    #[arg(long)]
    force_download: bool,
    /// How many files are downloaded at once.
    #[arg(long, value_name = "N")]
    max_workers: Option<usize>,
}

impl Download {
    /// Downloads, and prints the path of the file or folder.
    pub async fn run(self, context: &Context) -> Result<()> {
        let (repo_type, repo_id) = self.repo.parse()?;
        let patterns = !(self.include.is_empty() && self.exclude.is_empty());
        if patterns && !self.filenames.is_empty() {
            return Err(Error::invalid("give file names, or --include and --exclude, not both"));
        }
        let mut arguments = json!({
            "repo_id": repo_id, "repo_type": repo_type, "revision": self.revision, "cache_dir": self.cache_dir,
            "local_dir": self.local_dir, "force_download": self.force_download,
        });
        let single = self.filenames.len() == 1
            && !self.filenames[0].ends_with('/')
            && !self.filenames[0].contains('*');
        let method = if single {
            arguments["filename"] = json!(self.filenames[0]);
            "hf_hub_download"
        } else {
            let wanted = if self.filenames.is_empty() { self.include } else { self.filenames };
            arguments["allow_patterns"] = some(wanted);
            arguments["ignore_patterns"] = some(self.exclude);
            if let Some(workers) = self.max_workers {
                arguments["max_workers"] = json!(workers);
            }
            "snapshot_download"
        };
        let path = context.progress().download(context.call(method, arguments)).await?;
        let text = path.as_str().unwrap_or_default();
        match context.format {
            crate::output::Format::Json => line(&json!({ "path": path }).to_string()),
            _ => line(text),
        }
    }
}

/// The values, or null if there are none.
fn some(values: Vec<String>) -> Value {
    if values.is_empty() { Value::Null } else { json!(values) }
}
