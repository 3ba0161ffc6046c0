//! `hub safetensors`: what is in models, and single tensors out of them.
use crate::context::Context;
use crate::output::{Format, line, size};
use crate::path_arg::path_parser;
use crate::repo_arg::{Named, RepoArg};
use clap::{Args, Subcommand};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hub_cache::Progress as _;
use hub_client::patterns::Patterns;
use hub_client::safetensors::{
    Header, HeaderBuilder, Layout, OpenModel, RemoteModel, Safetensors as _, SafetensorsModel, TensorPart,
};
use hub_client::types::{RepoId, RepoType};
use hub_client::{CachedFiles, Error, ErrorKind, Result};
use hub_http::{Context as _, IoContext as _};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::NamedTempFile;

/// Looks into safetensors files, here or on the Hub, without downloading them.
#[derive(Debug, Subcommand)]
pub enum Safetensors {
    Inspect(Inspect),
    Fetch(Fetch),
}

/// Lists the tensors of a model: names, types, shapes, sizes and files, and the sums by type.
///
/// Only headers are read.
#[derive(Debug, Args)]
pub struct Inspect {
    /// A file, a folder, or a repository; with `hf://` in front a repository even if there is such a path.
    #[arg(value_parser = path_parser())]
    target: PathBuf,
    /// The kind of repository; a model unless the id tells.
    #[arg(long = "type", visible_alias = "repo-type", value_name = "model|dataset|space")]
    repo_type: Option<RepoType>,
    #[command(flatten)]
    version: Version,
}

/// Writes some tensors of a model into a file of their own, transferring only their bytes.
///
/// The file is written beside its place and renamed; the same tensors always make the same file. Files in the cache
/// are read instead of fetched.
#[derive(Debug, Args)]
pub struct Fetch {
    #[command(flatten)]
    repo: RepoArg,
    /// The name of a tensor, or a pattern such as `*.bias`; may be repeated.
    #[arg(short, long = "tensor", value_name = "NAME|PATTERN", required = true)]
    tensors: Vec<String>,
    /// The file to write.
    #[arg(short, long, value_name = "FILE", value_parser = path_parser())]
    output: PathBuf,
    #[command(flatten)]
    version: Version,
}

/// Which file of which version.
#[derive(Debug, Args)]
struct Version {
    /// The branch, tag or commit.
    #[arg(long)]
    revision: Option<String>,
    /// The file in the repository, or the index of a sharded model; `model.safetensors` or its index if unset.
    #[arg(long, value_name = "FILE")]
    filename: Option<String>,
}

impl Safetensors {
    /// Performs the command.
    pub async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Inspect(inspect) => inspect.run(context).await,
            Self::Fetch(fetch) => fetch.run(context).await,
        }
    }
}

impl Version {
    /// The repository that is named, and the version with what its address tells.
    fn of(mut self, mut named: Named) -> Result<(RepoType, RepoId, Self)> {
        self.revision = named.take_revision(self.revision)?;
        if let Some(path) = named.take_path() {
            match self.filename.replace(path.clone()) {
                Some(given) if given != path => {
                    return Err(Error::invalid(format!(
                        "the address of `{}` names `{path}`, and --filename says `{given}`; give one of them",
                        named.repo_id
                    )));
                }
                _ => {}
            }
        }
        let (repo_type, repo_id) = named.repository()?;
        Ok((repo_type, repo_id, self))
    }

    fn apply(self, mut open: OpenModel) -> OpenModel {
        if let Some(revision) = self.revision {
            open = open.revision(revision);
        }
        if let Some(filename) = self.filename {
            open = open.filename(filename);
        }
        open
    }
}

impl Inspect {
    async fn run(self, context: &Context) -> Result<()> {
        let path = self.target.as_path();
        let is_url = path.to_str().is_some_and(|text| text.contains("://"));
        if self.repo_type.is_none() && !is_url && is_path(path) {
            let path = self.version.filename.map_or(path.to_owned(), |filename| path.join(filename));
            let model = SafetensorsModel::open(&path).map_err(|error| about(error, &path))?;
            let files = model.files().iter().map(|(name, file)| (name.as_str(), file.header())).collect();
            return print(context.format, &files, json!({})).await;
        }
        let text =
            path.to_str().ok_or_else(|| Error::invalid(format!("there is no file `{}`", path.display())))?;
        let (repo_type, repo_id, version) = self.version.of(Named::parse(context, text, self.repo_type)?)?;
        let open = context.api.open_safetensors(repo_id).repo_type(repo_type);
        let model = version.apply(open).local_files(CachedFiles::of(&context.api)).await?;
        let headers = model.headers().await?;
        let files = headers.iter().map(|(name, header)| (name.as_str(), &**header)).collect();
        print(context.format, &files, json!({ "commit": model.commit().as_str() })).await
    }
}

/// The error of a local path, with what else a folder holds.
fn about(error: hub_client::safetensors::Error, path: &Path) -> Error {
    let others = match error.rule() {
        hub_client::safetensors::Error::NoModel => other_models(path),
        _ => Vec::new(),
    };
    let error = Error::from(error);
    if others.is_empty() {
        return error;
    }
    let hint = || format!("`{}` holds {} instead", path.display(), others.join(", "));
    Err::<(), _>(error).with(hint).unwrap_err()
}

/// The files of a folder that look like models.
fn other_models(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let is_model = |name: &String| {
        [".safetensors", ".bin", ".pt", ".pth", ".ckpt", ".gguf", ".onnx", ".h5"]
            .iter()
            .any(|end| name.ends_with(end))
    };
    let names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(is_model).map(|name| format!("`{name}`")).collect();
    names.sort();
    names.truncate(5);
    names
}

/// Whether a path means a file here: it exists, or cannot be the id of a repository.
fn is_path(path: &Path) -> bool {
    path.exists() || path.is_absolute() || path.starts_with(".") || path.starts_with("..")
}

/// Prints the tensors of files and their sums; `told` is what else a document says.
async fn print(format: Format, files: &BTreeMap<&str, &Header>, mut told: Value) -> Result<()> {
    let human = format == Format::Human;
    let mut tensors = Vec::new();
    let mut sums: BTreeMap<&str, Sum> = BTreeMap::new();
    let mut all = Sum::default();
    for (file, header) in files {
        for tensor in header.tensors() {
            let (dtype, bytes, count) = (tensor.dtype().name(), tensor.byte_len(), tensor.parameter_count());
            sums.entry(dtype).or_default().add(bytes, count);
            all.add(bytes, count);
            tensors.push(json!({
                "name": tensor.name(), "dtype": dtype, "shape": tensor.shape(), "file": file,
                "size": if human { json!(size(bytes)) } else { json!(bytes) },
            }));
        }
    }
    if format == Format::Json {
        let metadata: BTreeMap<_, _> = files.iter().map(|(file, header)| (file, header.metadata())).collect();
        let counts: BTreeMap<_, _> = sums.iter().map(|(dtype, sum)| (dtype, sum.parameters)).collect();
        told["tensors"] = json!(tensors);
        told["metadata"] = json!(metadata);
        told["parameter_count"] = json!(counts);
        told["total_parameters"] = json!(all.parameters);
        told["total_size"] = json!(all.bytes);
        return line(&told.to_string());
    }
    let columns =
        [("TENSOR", "name"), ("DTYPE", "dtype"), ("SHAPE", "shape"), ("SIZE", "size"), ("FILE", "file")];
    format.list(stream::iter(tensors.into_iter().map(Ok)).boxed(), &columns).await?;
    if !human {
        return Ok(());
    }
    line("")?;
    let rows = sums.iter().map(|(dtype, sum)| sum.row(dtype)).chain([all.row("all")]);
    let rows: Vec<_> = rows.map(Ok).collect();
    let columns =
        [("DTYPE", "dtype"), ("TENSORS", "tensors"), ("PARAMETERS", "parameters"), ("SIZE", "size")];
    format.list(stream::iter(rows).boxed(), &columns).await
}

#[derive(Default)]
struct Sum {
    tensors: u64,
    parameters: u64,
    bytes: u64,
}

impl Sum {
    fn add(&mut self, bytes: u64, parameters: u64) {
        self.tensors += 1;
        // A file cannot overflow them, but a thousand that only claim their size may.
        self.bytes = self.bytes.saturating_add(bytes);
        self.parameters = self.parameters.saturating_add(parameters);
    }

    fn row(&self, dtype: &str) -> Value {
        let (tensors, parameters) = (self.tensors, self.parameters);
        json!({ "dtype": dtype, "tensors": tensors, "parameters": parameters, "size": size(self.bytes) })
    }
}

impl Fetch {
    async fn run(self, context: &Context) -> Result<()> {
        let (repo_type, repo_id, version) = self.version.of(self.repo.read(context)?)?;
        let open = context.api.open_safetensors(&repo_id).repo_type(repo_type);
        let model = version.apply(open).local_files(CachedFiles::of(&context.api)).await?;
        let names = chosen(&model.tensor_names(["*"]).await?, &self.tensors)?;
        let layout = layout(&model, &names).await?;
        let (bytes, count) = (layout.header().data_len(), layout.header().tensors().len());

        let meter = context.progress().download();
        meter.planned(1, bytes);
        let written = write(layout, &self.output, model.stream_parts(names), |bytes| {
            meter.received("", bytes);
        });
        let written = written.await;
        meter.finish();
        written?;

        let path = self.output.display().to_string();
        let noun = if count == 1 { "tensor" } else { "tensors" };
        let sentence = format!("Wrote {count} {noun} of {repo_id} ({}) to {path}", size(bytes));
        let object =
            json!({ "path": path, "tensors": count, "size": bytes, "commit": model.commit().as_str() });
        context.format.done(&sentence, &path, &object)
    }
}

/// The names that are meant; one that is a tensor's is not read as a pattern.
fn chosen(all: &[String], wanted: &[String]) -> Result<BTreeSet<String>> {
    let known: BTreeSet<&String> = all.iter().collect();
    let mut names = BTreeSet::new();
    for want in wanted {
        if known.contains(want) {
            names.insert(want.clone());
            continue;
        }
        let pattern = Patterns::new([want]);
        let mut matching = all.iter().filter(|name| pattern.matches(name)).peekable();
        if matching.peek().is_none() {
            let message =
                format!("no tensor is called or matches `{want}`; `hub safetensors inspect` lists them");
            return Err(Error::new(ErrorKind::EntryNotFound, message));
        }
        names.extend(matching.cloned());
    }
    Ok(names)
}

/// Lays the tensors out, with the metadata that all their files agree on.
async fn layout(model: &RemoteModel, names: &BTreeSet<String>) -> Result<Layout> {
    let mut builder = HeaderBuilder::new();
    let mut metadata: Option<BTreeMap<String, String>> = None;
    for (tensor, header) in model.describe(names).await? {
        builder = builder.tensor(tensor.name(), tensor.dtype(), tensor.shape());
        let agreed = metadata.get_or_insert_with(|| header.metadata().clone());
        agreed.retain(|key, value| header.metadata().get(key) == Some(value));
    }
    let builder =
        metadata.into_iter().flatten().fold(builder, |builder, (key, value)| builder.metadata(key, value));
    Ok(builder.build()?)
}

/// Writes parts of tensors to their places in a new file, which appears when it is complete.
async fn write(
    layout: Layout,
    path: &Path,
    mut parts: stream::BoxStream<'static, Result<TensorPart>>,
    received: impl Fn(u64),
) -> Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let temporary = temporary(folder).at(folder)?;
    let file = Arc::new(temporary.reopen().at(temporary.path())?);
    file.set_len(layout.header().file_len()).at(path)?;
    write_at(&file, 0, layout.header_bytes()).at(path)?;
    while let Some(TensorPart { tensor, offset, bytes, .. }) = parts.try_next().await? {
        let place =
            layout.header().tensor(tensor.name()).expect("the layout has every tensor that is fetched");
        let start = layout.header().file_range(place).start + offset;
        let (file, len) = (file.clone(), bytes.len() as u64);
        let written = tokio::task::spawn_blocking(move || write_at(&file, start, &bytes)).await;
        let stopped = |error| Error::new(ErrorKind::Cancelled, "the writer was stopped").caused_by(error);
        written.map_err(stopped)?.at(path)?;
        received(len);
    }
    file.sync_all().at(path)?;
    temporary.persist(path).map_err(|error| error.error).at(path)?;
    Ok(())
}

/// A file without a name of its own yet, which will be readable to whom new files are.
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".hub-").suffix(".incomplete");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

fn write_at(mut file: &File, start: u64, bytes: &[u8]) -> io::Result<()> {
    file.seek(SeekFrom::Start(start))?;
    file.write_all(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choose(all: &[&str], wanted: &[&str]) -> Result<Vec<String>> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        Ok(chosen(&owned(all), &owned(wanted))?.into_iter().collect())
    }

    #[test]
    fn tensors_are_chosen_by_name_or_pattern() {
        let all = ["a.bias", "a.weight", "b.bias"];
        assert_eq!(choose(&all, &["a.weight"]).unwrap(), ["a.weight"]);
        assert_eq!(choose(&all, &["*.bias", "a.bias"]).unwrap(), ["a.bias", "b.bias"]);
        for nothing in ["c", "c*", ""] {
            assert_eq!(choose(&all, &["a.bias", nothing]).unwrap_err().kind(), ErrorKind::EntryNotFound);
        }
    }

    #[test]
    fn a_name_that_looks_like_a_pattern_is_a_name_first() {
        assert_eq!(choose(&["w[0]", "w0"], &["w[0]"]).unwrap(), ["w[0]"]);
        assert_eq!(choose(&["w1", "w0"], &["w[0]"]).unwrap(), ["w0"]);
    }

    #[tokio::test]
    async fn what_fails_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.safetensors");
        std::fs::write(&path, "old").unwrap();
        let layout = HeaderBuilder::new().build().unwrap();
        let broken = stream::once(async { Err(Error::new(ErrorKind::Connection, "gone")) }).boxed();
        assert!(write(layout, &path, broken, |_| {}).await.is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
