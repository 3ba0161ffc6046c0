//! `hub download`: files, or a whole repository.
use crate::context::Context;
use crate::output::{Format, line, path_line, size};
use crate::path_arg::path_parser;
use crate::progress::{Meter, Received};
use crate::repo_arg::RepoArg;
use clap::Args;
use hub_cache::{HfHubDownloadRequest, SnapshotDownloadRequest};
use hub_client::patterns::{PathFilter, Patterns};
use hub_client::types::{RepoId, RepoTreeEntry, RepoType};
use hub_client::{Error, ErrorKind, Result};
use hub_http::blocking;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use walkdir::WalkDir;

/// Downloads files, or all of a repository, into the cache or a folder; the last line printed is the path.
///
/// Everything is checked against its hash. After an interruption the same command goes on where it stopped.
#[derive(Debug, Args)]
pub struct Download {
    #[command(flatten)]
    repo: RepoArg,
    /// The files, folders (`onnx/`) or patterns (`*.json`); all files if none is named.
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
    #[arg(long, value_name = "DIR", value_parser = path_parser())]
    cache_dir: Option<PathBuf>,
    /// Puts the files into this folder instead of the cache.
    #[arg(long, value_name = "DIR", value_parser = path_parser())]
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
    pub async fn run(mut self, context: &Context) -> Result<()> {
        let mut named = self.repo.read(context)?;
        self.revision = named.take_revision(self.revision.take())?;
        let has_patterns = !(self.include.is_empty() && self.exclude.is_empty());
        if let Some(path) = named.take_path() {
            if has_patterns || !self.filenames.is_empty() {
                return Err(Error::invalid(format!(
                    "the address of `{}` names `{path}`; give no other files, --include or --exclude beside it",
                    named.repo_id
                )));
            }
            self.filenames.push(path);
        }
        let (repo_type, repo_id) = named.repository()?;
        if has_patterns && !self.filenames.is_empty() {
            return Err(Error::invalid("give file names, or --include and --exclude, not both"));
        }
        let from = From { context, repo_type, repo_id };

        let meter = context.progress().download();
        let single = match self.filenames.as_slice() {
            [name] if is_name(name) => Some(name.clone()),
            _ => None,
        };
        let (path, files) = match single {
            Some(name) => match self.file(&from, &name, &meter).await {
                // A folder that was named without its slash.
                Err(error)
                    if error.kind() == ErrorKind::EntryNotFound && self.is_folder(&from, &name).await =>
                {
                    self.filenames = vec![format!("{name}/")];
                    self.snapshot(&from, &meter).await?
                }
                downloaded => (downloaded?, Some(1)),
            },
            None => self.snapshot(&from, &meter).await?,
        };
        report(context, &meter.received_in_all(), &path, files)
    }

    /// Downloads one file.
    async fn file(&self, from: &From<'_>, name: &str, meter: &Arc<Meter>) -> Result<PathBuf> {
        let mut request = HfHubDownloadRequest::new(&from.repo_id, name).repo_type(from.repo_type);
        request.revision = self.revision.as_deref().map(Into::into);
        request.cache_dir.clone_from(&self.cache_dir);
        request.local_dir.clone_from(&self.local_dir);
        request.force_download = self.force_download;
        let downloaded = request.progress(meter.clone()).on(&from.context.api).await;
        meter.finish();
        downloaded
    }

    /// Downloads what is named or matches, and makes sure that there is such; returns the folder and the number of
    /// files that were asked for, if it is known.
    async fn snapshot(&self, from: &From<'_>, meter: &Arc<Meter>) -> Result<(PathBuf, Option<usize>)> {
        let wanted = if self.filenames.is_empty() { &self.include } else { &self.filenames };
        let allowed: Vec<String> =
            wanted.iter().map(|name| pattern_of(name, !self.filenames.is_empty())).collect();
        let mut request = SnapshotDownloadRequest::new(&from.repo_id).repo_type(from.repo_type);
        request.revision = self.revision.as_deref().map(Into::into);
        request.cache_dir.clone_from(&self.cache_dir);
        request.local_dir.clone_from(&self.local_dir);
        request.force_download = self.force_download;
        request.max_workers = self.max_workers;
        if !allowed.is_empty() {
            request.allow_patterns = Some(allowed.clone().into());
        }
        if !self.exclude.is_empty() {
            request.ignore_patterns = Some(self.exclude.clone().into());
        }
        let downloaded = request.tqdm_class(meter.clone()).on(&from.context.api).await;
        meter.finish();
        let folder = downloaded?;
        if allowed.is_empty() && self.exclude.is_empty() {
            return Ok((folder, None));
        }

        let (place, is_local) = (folder.clone(), self.local_dir.is_some());
        let contents = blocking(move || Ok(Contents::of(&place, is_local))).await?;
        let filter = PathFilter::new((!allowed.is_empty()).then_some(&allowed), Some(&self.exclude));
        let selected = contents.names.iter().filter(|name| filter.keeps(name)).count();
        let mut missing: Vec<&str> = Vec::new();
        let mut unmatched: Vec<&str> = Vec::new();
        for (name, pattern) in wanted.iter().zip(&allowed) {
            if !contents.matches(pattern) {
                let is_missing = !self.filenames.is_empty() && is_name(name);
                if is_missing { missing.push(name) } else { unmatched.push(name) }
            }
        }
        if is_local && !self.filenames.is_empty() {
            missing = self.missing_on_hub(from).await.unwrap_or(missing);
        }
        if contents.is_whole {
            unmatched
                .extend(self.exclude.iter().filter(|pattern| !contents.matches(pattern)).map(String::as_str));
        }
        if !missing.is_empty() {
            return Err(from.nothing_called(&missing, self.revision.as_deref(), selected));
        }
        if selected == 0 {
            return Err(from.nothing_matches(&unmatched, self.revision.as_deref()));
        }
        for pattern in unmatched {
            tracing::warn!("no file of `{}` matches `{pattern}`", from.repo_id);
        }
        Ok((folder, Some(selected)))
    }

    /// The named files that the Hub does not have: in a folder of the user files may be that are not the repository's.
    async fn missing_on_hub(&self, from: &From<'_>) -> Option<Vec<&str>> {
        let names: Vec<&String> = self.filenames.iter().filter(|name| is_name(name)).collect();
        if names.is_empty() {
            return Some(Vec::new());
        }
        let entries = self.describe(from, names.iter().map(|name| (*name).clone()).collect()).await.ok()?;
        let files: Vec<&str> =
            entries.iter().filter(|entry| entry.as_file().is_some()).map(RepoTreeEntry::path).collect();
        Some(names.into_iter().map(String::as_str).filter(|name| !files.contains(name)).collect())
    }

    async fn is_folder(&self, from: &From<'_>, name: &str) -> bool {
        let entries = self.describe(from, vec![name.to_owned()]).await.unwrap_or_default();
        entries.iter().any(|entry| entry.path() == name && entry.as_file().is_none())
    }

    /// Asks the Hub what is at paths.
    async fn describe(&self, from: &From<'_>, paths: Vec<String>) -> Result<Vec<RepoTreeEntry>> {
        let mut request = from.context.api.get_paths_info(&from.repo_id, paths).repo_type(from.repo_type);
        request.revision = self.revision.as_deref().map(Into::into);
        request.await
    }
}

/// Where a download comes from.
struct From<'c> {
    context: &'c Context,
    repo_type: RepoType,
    repo_id: RepoId,
}

impl From<'_> {
    fn nothing_called(&self, names: &[&str], revision: Option<&str>, others: usize) -> Error {
        let shown: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        let (noun, names) = (if names.len() == 1 { "file" } else { "files" }, shown.join(", "));
        let others = if others > 0 { "; the other files are downloaded" } else { "" };
        let revision = revision.unwrap_or("main");
        let message = format!(
            "the {} `{}` has no {noun} {names} at `{revision}`{others} (a folder is named with a slash at its end)",
            self.repo_type, self.repo_id
        );
        Error::new(ErrorKind::EntryNotFound, message)
    }

    fn nothing_matches(&self, patterns: &[&str], revision: Option<&str>) -> Error {
        let shown: Vec<String> = patterns.iter().map(|pattern| format!("`{pattern}`")).collect();
        let what = if shown.is_empty() { "what was asked for".to_owned() } else { shown.join(", ") };
        let revision = revision.unwrap_or("main");
        let message =
            format!("no file of the {} `{}` at `{revision}` matches {what}", self.repo_type, self.repo_id);
        Error::new(ErrorKind::EntryNotFound, message)
    }
}

/// Whether an argument names one file, not a folder or a pattern.
fn is_name(argument: &str) -> bool {
    !argument.ends_with('/') && !argument.contains(['*', '?'])
}

/// The pattern that matches what an argument names. The `[` of a name is not that of a pattern.
fn pattern_of(argument: &str, is_positional: bool) -> String {
    if is_positional && is_name(argument) { argument.replace('[', "[[]") } else { argument.to_owned() }
}

/// The files that a download could choose from, as far as they are known.
struct Contents {
    names: Vec<String>,
    /// Whether these are all files of the commit.
    is_whole: bool,
}

/// The listing of a commit as the cache keeps it; see `docs/cache.md`.
#[derive(Deserialize)]
struct KeptListing {
    files: BTreeMap<String, IgnoredAny>,
}

impl Contents {
    /// Reads the listing of a snapshot, or looks at what is in the folder. Blocks.
    fn of(folder: &Path, is_local: bool) -> Self {
        let kept = || -> Option<KeptListing> {
            let mut file = folder.file_name()?.to_owned();
            file.push(".json");
            let text = std::fs::read(folder.parent()?.parent()?.join("trees").join(file)).ok()?;
            serde_json::from_slice(&text).ok()
        };
        match kept().filter(|_| !is_local) {
            Some(listing) => Self { names: listing.files.into_keys().collect(), is_whole: true },
            None => Self { names: files_below(folder, is_local), is_whole: false },
        }
    }

    fn matches(&self, pattern: &str) -> bool {
        let pattern = Patterns::new([pattern]);
        self.names.iter().any(|name| pattern.matches(name))
    }
}

/// The files of a folder; of a folder of the user only those that were downloaded into it.
fn files_below(folder: &Path, is_local: bool) -> Vec<String> {
    let entries = WalkDir::new(folder).into_iter().filter_entry(|entry| {
        entry.depth() == 0 || !matches!(entry.file_name().to_str(), Some(".cache" | ".git"))
    });
    let files = entries.flatten().filter(|entry| !entry.file_type().is_dir());
    let relative = |path: &Path| {
        let segments: Option<Vec<&str>> =
            path.strip_prefix(folder).ok()?.iter().map(|part| part.to_str()).collect();
        Some(segments?.join("/"))
    };
    let downloaded = folder.join(".cache/huggingface/download");
    // The records of long names have names of their own.
    let is_recorded =
        |name: &String| name.len() > 200 || downloaded.join(format!("{name}.metadata")).exists();
    files.filter_map(|entry| relative(entry.path())).filter(|name| !is_local || is_recorded(name)).collect()
}

/// Prints the path, and what was transferred for it.
fn report(context: &Context, received: &Received, path: &Path, files: Option<usize>) -> Result<()> {
    let Received { files: downloaded, bytes, elapsed } = *received;
    let seconds = elapsed.as_secs_f64();
    let kept = files.map(|files| (files as u64).saturating_sub(downloaded));
    let noun = if downloaded == 1 { "file" } else { "files" };
    let transferred = format!("downloaded {downloaded} {noun} ({}) in {seconds:.1} s", size(bytes));
    let sentence = match (downloaded, kept) {
        (0, _) => "nothing to download: the files are here already".to_owned(),
        (_, None | Some(0)) => transferred,
        (_, Some(kept)) => format!("{transferred}; {kept} were here already"),
    };
    let mut fields = json!({ "downloaded_files": downloaded, "downloaded_bytes": bytes, "seconds": seconds });
    if let Some(files) = files {
        fields["files"] = json!(files);
    }
    context.summary(&sentence, &fields);
    match context.format {
        Format::Json => {
            fields["path"] = json!(path.to_string_lossy());
            line(&fields.to_string())
        }
        Format::Human | Format::Quiet => path_line(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_patterns_and_folders() {
        assert!(is_name("a/b.txt") && is_name("a[1].txt"));
        assert!(!is_name("a/") && !is_name("*.txt") && !is_name("a?"));
        let pattern = pattern_of("a[1].txt", true);
        assert!(Patterns::new([&pattern]).matches("a[1].txt"));
        assert!(!Patterns::new([&pattern]).matches("a1.txt"));
        assert_eq!(pattern_of("a[1]*", true), "a[1]*");
        assert_eq!(pattern_of("a[1]", false), "a[1]");
    }
}
