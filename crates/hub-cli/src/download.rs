//! `hub download`: files, or a whole repository, come down.
use crate::context::{Context, RepoArg, given, some};
use crate::output::{Format, line};
use clap::Args;
use hub_cache::{HfHubDownloadRequest, SnapshotDownloadRequest};
use hub_client::{Error, Result};
use serde::de::DeserializeOwned;
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
        if single {
            arguments["filename"] = json!(self.filenames[0]);
        } else {
            let wanted = if self.filenames.is_empty() { self.include } else { self.filenames };
            arguments["allow_patterns"] = some(wanted);
            arguments["ignore_patterns"] = some(self.exclude);
            arguments["max_workers"] = json!(self.max_workers);
        }
        let meter = context.progress().download();
        let done = if single {
            let request: HfHubDownloadRequest = read(arguments)?;
            request.progress(meter.clone()).on(&context.api).await
        } else {
            let request: SnapshotDownloadRequest = read(arguments)?;
            request.progress(meter.clone()).on(&context.api).await
        };
        meter.finish();
        let path = done?;
        match context.format {
            Format::Json => line(&json!({ "path": path }).to_string()),
            Format::Human | Format::Quiet => line(&path.display().to_string()),
        }
    }
}

fn read<R: DeserializeOwned>(arguments: Value) -> Result<R> {
    serde_json::from_value(given(arguments)).map_err(|error| Error::invalid(error.to_string()))
}
