//! `hub demo`: the main job, offline, in a minute.
use crate::output::{escape, line, size};
use clap::Args;
use hub_cache::Downloads as _;
use hub_client::{Config, Error, ErrorKind, HfApi, Result, Token};
use hub_http::IoContext as _;
use hub_local::LocalHub;
use hub_safetensors::{Dtype, HeaderBuilder, SafetensorsFile};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;
use std::time::Instant;

/// Shows the main job offline: a Hub in a temporary folder, a model that goes up, comes down and is verified.
#[derive(Debug, Args)]
pub struct Demo {
    /// The size of the model's weights, in MB.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..=4096))]
    megabytes: u64,
}

const REPO: &str = "local/demo-model";

impl Demo {
    /// Performs all steps, telling each.
    pub async fn run(self, common: &crate::context::Common) -> Result<()> {
        let folder = tempfile::tempdir().at("a temporary folder")?;
        let hub = LocalHub::builder().data_dir(folder.path().join("hub")).start().await;
        let hub =
            hub.map_err(|error| Error::new(ErrorKind::Io, "could not start the Hub").caused_by(error))?;
        let config =
            Config::new(hub.endpoint(), folder.path().join("home"))?.with_token(Token::parse(hub.token())?);
        let config = config.without_proxy();
        let context = common.with_api(HfApi::new(config));
        line(&format!("A Hub runs at {} in a temporary folder.\n", hub.endpoint()))?;

        let model = folder.path().join("model");
        let mut steps = Steps::default();
        write_model(&model, self.megabytes << 20)?;
        let bytes = folder_bytes(&model)?;
        steps.done(&format!("made a model folder of {}", size(bytes)), None)?;

        context.call("create_repo", json!({ "repo_id": REPO })).await?;
        steps.done(&format!("created {REPO}"), None)?;

        let arguments =
            json!({ "repo_id": REPO, "folder_path": model, "commit_message": "Upload the demo model" });
        let (commit, _) = context.progress().upload(context.call("upload_folder", arguments)).await;
        let commit = commit?;
        steps.done(
            &format!("uploaded it as commit {}", commit["oid"].as_str().unwrap_or_default()),
            Some(bytes),
        )?;

        let meter = context.progress().download();
        let snapshot = context.api.snapshot_download(REPO).progress(meter.clone()).await;
        meter.finish();
        let snapshot = snapshot?;
        steps.done("downloaded the snapshot, each file hashed on its way", Some(bytes))?;

        let files = compare(&model, &snapshot)?;
        steps.done(&format!("compared {files} files with the originals: all are identical"), Some(bytes))?;

        context.api.snapshot_download(REPO).await?;
        steps.done("asked for the snapshot again: nothing to transfer", None)?;

        line("\nThe cache:")?;
        print_tree(&context.api.config().cache_dir)?;
        line("\nThe tensors:")?;
        print_tensors(&snapshot.join("model.safetensors"))?;
        line("\nThe same against the real Hub:\n")?;
        line("  hub auth login")?;
        line("  hub upload YOU/my-model ./folder")?;
        line("  hub download YOU/my-model")?;
        hub.shutdown().await;
        Ok(())
    }
}

/// Tells what was done and how long it took.
struct Steps(Instant);

impl Default for Steps {
    fn default() -> Self {
        Self(Instant::now())
    }
}

impl Steps {
    fn done(&mut self, what: &str, bytes: Option<u64>) -> Result<()> {
        let seconds = self.0.elapsed().as_secs_f64();
        let rate =
            bytes.map(|bytes| format!("  {}/s", size((bytes as f64 / seconds) as u64))).unwrap_or_default();
        self.0 = Instant::now();
        line(&format!("{seconds:7.3} s  {what}{rate}"))
    }
}

/// Writes a small model: a card, a configuration, a vocabulary, and weights in a safetensors file.
fn write_model(folder: &Path, weight_bytes: u64) -> Result<()> {
    fs::create_dir_all(folder.join("tokenizer")).at(folder)?;
    let text = |name: &str, content: &str| fs::write(folder.join(name), content).at(folder.join(name));
    text(
        "README.md",
        "---\nlicense: apache-2.0\ntags:\n- demo\n---\n# A demo model\n\nIt was made by `hub demo`.\n",
    )?;
    text("config.json", "{\n  \"architectures\": [\"DemoModel\"],\n  \"hidden_size\": 1024\n}\n")?;
    let words: String = (0..2000).map(|word| format!("word{word}\n")).collect();
    text("tokenizer/vocab.txt", &words)?;

    let rows = weight_bytes / (2 * 1024);
    let layout = HeaderBuilder::new()
        .metadata("format", "pt")
        .tensor("embedding.weight", Dtype::F16, [rows, 1024])
        .tensor("norm.weight", Dtype::F32, [1024])
        .build()
        .map_err(unreadable)?;
    let path = folder.join("model.safetensors");
    let mut writer =
        layout.write_to(io::BufWriter::new(File::create(&path).at(&path)?)).map_err(unreadable)?;
    while let Some(tensor) = writer.due().cloned() {
        // Different in each block, so that nothing along the way can guess what it did not read.
        writer
            .copy_tensor(tensor.name(), Noise(0x9e37_79b9_7f4a_7c15).take(tensor.byte_len()))
            .map_err(unreadable)?;
    }
    writer.finish().map_err(unreadable)?;
    Ok(())
}

/// Bytes without end that look random: xorshift.
struct Noise(u64);

impl io::Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        for chunk in buffer.chunks_mut(8) {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            chunk.copy_from_slice(&self.0.to_le_bytes()[..chunk.len()]);
        }
        Ok(buffer.len())
    }
}

fn unreadable(error: hub_safetensors::Error) -> Error {
    Error::new(ErrorKind::SafetensorsParsing, error.to_string()).caused_by(error)
}

fn files(folder: &Path) -> impl Iterator<Item = walkdir::Result<walkdir::DirEntry>> {
    let sorted = walkdir::WalkDir::new(folder).follow_links(true).sort_by_file_name();
    sorted.into_iter().filter(|entry| entry.as_ref().is_ok_and(|entry| entry.file_type().is_file()))
}

fn folder_bytes(folder: &Path) -> Result<u64> {
    files(folder).flatten().map(|entry| Ok(fs::metadata(entry.path()).at(entry.path())?.len())).sum()
}

/// Compares the hashes of all files of a folder with those of the same names in another.
fn compare(original: &Path, copy: &Path) -> Result<usize> {
    let mut count = 0;
    for entry in files(original).flatten() {
        let name = entry.path().strip_prefix(original).expect("the walk stays in its folder");
        let (expected, actual) = (sha256(entry.path())?, sha256(&copy.join(name))?);
        if expected != actual {
            let message = format!("`{}` came back with sha256 {actual}, not {expected}", name.display());
            return Err(Error::new(ErrorKind::HashMismatch, message));
        }
        count += 1;
    }
    Ok(count)
}

fn sha256(path: &Path) -> Result<String> {
    let mut file = File::open(path).at(path)?;
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).at(path)? {
            0 => return Ok(hex::encode(hasher.finalize())),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// Prints a folder: names, sizes, and where links lead.
fn print_tree(folder: &Path) -> Result<()> {
    for entry in walkdir::WalkDir::new(folder).min_depth(1).sort_by_file_name().into_iter().flatten() {
        let indent = "  ".repeat(entry.depth());
        let name = entry.file_name().to_string_lossy();
        if entry.path().components().any(|part| part.as_os_str() == ".locks") {
            continue;
        }
        let detail = if entry.path_is_symlink() {
            let target = fs::read_link(entry.path()).at(entry.path())?;
            let end: String =
                target.file_name().unwrap_or_default().to_string_lossy().chars().take(12).collect();
            format!(" -> …/blobs/{end}…")
        } else if entry.file_type().is_file() {
            format!("  {}", size(fs::metadata(entry.path()).at(entry.path())?.len()))
        } else {
            "/".to_owned()
        };
        line(&format!("{indent}{}{detail}", shortened(&name)))?;
    }
    Ok(())
}

/// A name with control characters escaped, and no more than the beginning of a long one.
fn shortened(name: &str) -> String {
    match name.char_indices().nth(40) {
        Some(_) => format!("{}…", escape(&name.chars().take(12).collect::<String>())),
        None => escape(name),
    }
}

fn print_tensors(path: &Path) -> Result<()> {
    let file = SafetensorsFile::open(path).map_err(unreadable)?;
    for view in file.tensors() {
        let tensor = view.tensor;
        line(&format!(
            "  {:20} {:5} {:?}  {}",
            tensor.name(),
            tensor.dtype(),
            tensor.shape(),
            size(view.bytes.len() as u64)
        ))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_cut_between_characters() {
        assert_eq!(shortened("config.json"), "config.json");
        assert_eq!(shortened(&"模".repeat(41)), format!("{}…", "模".repeat(12)));
        assert_eq!(shortened(&format!("{}é{}", "a".repeat(11), "b".repeat(40))), "aaaaaaaaaaaé…");
    }
}
