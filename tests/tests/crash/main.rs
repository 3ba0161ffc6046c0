//! Crashes at every operation on the disk, and power cuts after each: `cargo xtask crash`.
mod common;

use common::{Action, Crash, LARGE, Outcome, REPO, World, cache_of, local_of, perform, repo_of};
use hub_cache::Downloads as _;
use hub_cache::crash_points::{CRASH_VARIABLE, LOG_VARIABLE, Log, ROOT_VARIABLE, Unsynced};
use hub_local::{Cut, Fault, Method, Origin};
use sha1::Digest as _;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::time::{Duration, Instant, UNIX_EPOCH};
use tokio::sync::Semaphore;

/// How many problems of a scenario are printed.
const SHOWN: usize = 5;
/// From how many crash states of a scenario Python reads.
const PYTHON_STATES: u64 = 10;

/// What is on the disk when the work begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    /// The first commit, to which the branch leads.
    OldSnapshot,
    NewSnapshot,
    BothSnapshots,
    /// The second commit, whose pointers lead nowhere.
    BrokenPointers,
    /// What a process left that stopped in the middle of the large file.
    Prefix,
    /// The same with a journal of two ranges.
    Journal,
    /// What huggingface_hub left.
    PythonPrefix,
    /// A `local_dir` with a file of the user's.
    UserFile,
    /// The same with the first commit in it.
    OldFolder,
}

impl Before {
    /// What a crash of the process may leave: pointers lead nowhere only where they did so before.
    fn crash(self) -> Crash {
        if self == Self::BrokenPointers { Crash::PowerCut } else { Crash::Process }
    }
}

const SCENARIOS: [(&str, Before, Action); 16] = [
    ("small file", Before::Nothing, Action::DownloadSmall),
    ("large file", Before::Nothing, Action::DownloadLarge),
    ("absent file", Before::Nothing, Action::DownloadMissing),
    ("adopted prefix", Before::Prefix, Action::DownloadLarge),
    ("adopted journal", Before::Journal, Action::DownloadLarge),
    ("adopted prefix of Python", Before::PythonPrefix, Action::DownloadLarge),
    ("snapshot", Before::Nothing, Action::Snapshot),
    ("branch that moved", Before::OldSnapshot, Action::Snapshot),
    ("pointers that lead nowhere", Before::BrokenPointers, Action::Snapshot),
    ("file in local_dir", Before::UserFile, Action::DownloadIntoFolder),
    ("snapshot in local_dir", Before::UserFile, Action::SnapshotIntoFolder),
    ("local_dir of an old commit", Before::OldFolder, Action::SnapshotIntoFolder),
    ("local_dir from the cache", Before::NewSnapshot, Action::SnapshotIntoFolder),
    ("deleted revision", Before::BothSnapshots, Action::DeleteRevision),
    ("deleted repository", Before::BothSnapshots, Action::DeleteRepo),
    ("prune", Before::Prefix, Action::Prune),
];

/// What to run.
#[derive(Debug, Clone)]
struct Options {
    /// At how many operations of a scenario the process stops; at all if unset.
    stops: Option<u64>,
    /// After how many operations of a scenario the power is cut; after all if unset.
    cuts: Option<u64>,
    seed: u64,
    filter: String,
    python: Option<PathBuf>,
}

impl Options {
    fn parse(arguments: &[String]) -> Outcome<Self> {
        let python = std::env::var_os("HUB_PYTHON").map(PathBuf::from);
        let mut options =
            Self { stops: None, cuts: None, seed: fastrand::u64(..), filter: String::new(), python };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut number = || -> Outcome<u64> {
                let value = words.next().and_then(|value| value.parse().ok());
                value.ok_or_else(|| format!("{word} takes a number").into())
            };
            match word.as_str() {
                "--sample" => options.cuts = Some(number()?),
                "--sample-stops" => options.stops = Some(number()?),
                "--seed" => options.seed = number()?,
                filter if !filter.starts_with('-') => options.filter = filter.to_owned(),
                option => return Err(format!("there is no option `{option}`").into()),
            }
        }
        Ok(options)
    }
}

#[derive(Debug, Default)]
struct Report {
    operations: u64,
    stops: u64,
    cuts: u64,
    problems: Vec<String>,
    python: Vec<(PathBuf, Arc<Expected>)>,
}

/// What Python may find: the commits, and each path with the content per commit.
#[derive(Debug, Default)]
struct Expected(Vec<(String, String, Vec<u8>)>);

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
    let result = match arguments.split_first() {
        Some((first, rest)) if first == "child" => runtime.block_on(common::run_child(rest)),
        _ => Options::parse(&arguments).and_then(|options| runtime.block_on(run(options))),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("crash: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(options: Options) -> Outcome {
    println!("seed {}", options.seed);
    let start = Instant::now();
    let states = tempfile::tempdir()?;
    let room = Arc::new(Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from)));
    let mut running = Vec::new();
    for (name, before, action) in SCENARIOS {
        if !name.contains(&options.filter) {
            continue;
        }
        let (room, options) = (room.clone(), options.clone());
        let states = states.path().join(name.replace(' ', "-"));
        running.push(tokio::spawn(async move {
            let _room = room.acquire_owned().await?;
            let start = Instant::now();
            let report = scenario(before, action, &options, &states)
                .await
                .map_err(|error| format!("{name}: {error}"))?;
            let seconds = start.elapsed().as_secs_f64();
            let Report { operations, stops, cuts, problems, .. } = &report;
            println!("  {name}: {operations} operations, {stops} stops, {cuts} power cuts ({seconds:.1} s)");
            for problem in problems.iter().take(SHOWN) {
                println!("    {problem}");
            }
            if problems.len() > SHOWN {
                println!("    and {} more", problems.len() - SHOWN);
            }
            Outcome::Ok(report)
        }));
    }
    let mut all = Report::default();
    for scenario in running {
        let report = scenario.await??;
        all.operations += report.operations;
        all.stops += report.stops;
        all.cuts += report.cuts;
        all.problems.extend(report.problems);
        all.python.extend(report.python);
    }
    let read = python(&options, &all.python, states.path())?;
    println!(
        "{} operations, {} stops, {} power cuts, {read} states read by Python, {} problems in {:.0} s",
        all.operations,
        all.stops,
        all.cuts,
        all.problems.len(),
        start.elapsed().as_secs_f64()
    );
    if all.problems.is_empty() { Ok(()) } else { Err("some crash points are not safe".into()) }
}

/// Which numbers are tried: all, or as many as wanted, spread evenly with a random offset.
fn sample(last: u64, wanted: Option<u64>, random: &mut fastrand::Rng) -> Vec<u64> {
    match wanted {
        Some(wanted) if wanted < last => {
            let chosen: BTreeSet<u64> = (0..wanted)
                .map(|index| 1 + (index * last + random.u64(0..last)) / wanted)
                .map(|number| number.min(last))
                .chain([last])
                .collect();
            chosen.into_iter().collect()
        }
        _ => (1..=last).collect(),
    }
}

async fn scenario(before: Before, action: Action, options: &Options, states: &Path) -> Outcome<Report> {
    let world = World::start(common::LARGE_BYTES).await?;
    let mut random = fastrand::Rng::with_seed(options.seed);
    let base = world.scratch.path().join("before");
    prepare(&world, before, &base).await?;
    let all = world.scratch.path().join("runs");
    fs::create_dir(&all)?;
    let log = world.scratch.path().join("log");
    let recorded = fresh(&all, Some(&base))?;
    let left = stopped(&world, action, &recorded, Some(&log), None).await?;
    if left {
        return Err("the run that is recorded was aborted".into());
    }
    let log = Log::read(&log)?;
    let mut report = Report { operations: log.last(), ..Report::default() };
    world
        .check(action, &recorded, Crash::Process)
        .await
        .map_err(|error| format!("without a crash: {error}"))?;
    fs::remove_dir_all(&recorded)?;
    let expected = Arc::new(expected(&world));
    for number in sample(log.last(), options.stops, &mut random) {
        for when in ["before", "after"] {
            let root = fresh(&all, Some(&base))?;
            stopped(&world, action, &root, None, Some(&format!("{number}:{when}"))).await?;
            if when == "after" && number % (log.last() / PYTHON_STATES).max(1) == 0 {
                let state = states.join(number.to_string());
                copy_tree(&root, &state)?;
                report.python.push((state, expected.clone()));
            }
            report.stops += 1;
            if let Err(error) = world.check(action, &root, before.crash()).await {
                report.problems.push(format!("stopped {when} {number} ({}): {error}", shown(&log, number)));
            }
            clean(&all, &root)?;
        }
    }
    for number in sample(log.last(), options.cuts, &mut random) {
        for unsynced in [Unsynced::NamesLost, Unsynced::NamesKept, Unsynced::Mixed(random.u64(..))] {
            let root = fresh(&all, None)?;
            log.after_power_cut(number, unsynced, Some(&base), &root)?;
            restore_times(&local_of(&root))?;
            report.cuts += 1;
            let lasting = match number == log.last() {
                true => lasts(&world, action, &root),
                false => Ok(()),
            };
            let checked = world.check(action, &root, Crash::PowerCut).await;
            if let Err(error) = lasting.and(checked) {
                report
                    .problems
                    .push(format!("{unsynced:?} after {number} ({}): {error}", shown(&log, number)));
            }
            clean(&all, &root)?;
        }
    }
    Ok(report)
}

/// Asserts that a large file that was downloaded is there after a power cut.
fn lasts(world: &World, action: Action, root: &Path) -> Outcome {
    let (content, blob) = &world.second.files[LARGE];
    let file = match action {
        Action::DownloadLarge => repo_of(root).join("blobs").join(blob),
        Action::DownloadIntoFolder => local_of(root).join(LARGE),
        _ => return Ok(()),
    };
    if fs::read(&file).is_ok_and(|read| read == *content) {
        return Ok(());
    }
    Err(format!("the download was complete, and {} is lost", file.display()).into())
}

fn shown(log: &Log, number: u64) -> String {
    let operation = log.operations().iter().find(|(recorded, _)| *recorded == number);
    let shown = operation.map_or_else(String::new, |(_, operation)| format!("{operation:?}"));
    shown.chars().take(160).collect()
}

/// A folder for a run, with what is there beforehand.
fn fresh(all: &Path, base: Option<&Path>) -> Outcome<PathBuf> {
    let root = all.join("root");
    match base {
        Some(base) => copy_tree(base, &root)?,
        None => fs::create_dir(&root)?,
    }
    Ok(root)
}

/// Removes the folder of a run; nothing may be beside it.
fn clean(all: &Path, root: &Path) -> Outcome {
    fs::remove_dir_all(root)?;
    match fs::read_dir(all)?.next() {
        None => Ok(()),
        Some(entry) => Err(format!("{} was created outside of the root", entry?.path().display()).into()),
    }
}

/// Runs the work in a child; tells whether it was aborted.
async fn stopped(
    world: &World,
    action: Action,
    root: &Path,
    log: Option<&Path>,
    point: Option<&str>,
) -> Outcome<bool> {
    if action == Action::DownloadLarge {
        // A connection that breaks in the middle.
        let storage = Fault::on(Method::GET, "").at(Origin::Storage);
        world.hub.fault(storage.times(1).cut_after(1 << 20, Cut::Finish));
    }
    let mut command = common::child(world, action, root)?;
    command.env(ROOT_VARIABLE, root);
    if let Some(log) = log {
        command.env(LOG_VARIABLE, log);
    }
    if let Some(point) = point {
        command.env(CRASH_VARIABLE, point);
    }
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    world.hub.clear_faults();
    use std::os::unix::process::ExitStatusExt as _;
    match output.status.signal() {
        None if output.status.success() => Ok(false),
        Some(_) if point.is_some() => Ok(true),
        _ => Err(format!("{}: {}", output.status, String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// Puts on the disk what is there when the work begins.
async fn prepare(world: &World, before: Before, root: &Path) -> Outcome {
    for folder in [cache_of(root), local_of(root)] {
        fs::create_dir_all(folder)?;
    }
    let api = world.api(root)?;
    let repo = repo_of(root);
    let (content, blob) = &world.second.files[LARGE];
    match before {
        Before::Nothing => {}
        Before::OldSnapshot => {
            api.snapshot_download(REPO).revision(world.first.commit.as_str()).await?;
            fs::create_dir_all(repo.join("refs"))?;
            fs::write(repo.join("refs/main"), &world.first.commit)?;
        }
        Before::NewSnapshot => perform(Action::Snapshot, &api, root, &world.first.commit).await?,
        Before::BothSnapshots => {
            api.snapshot_download(REPO).revision(world.first.commit.as_str()).await?;
            perform(Action::Snapshot, &api, root, &world.first.commit).await?;
        }
        Before::BrokenPointers => {
            perform(Action::Snapshot, &api, root, &world.first.commit).await?;
            let snapshot = repo.join("snapshots").join(&world.second.commit);
            for path in world.second.files.keys() {
                fs::remove_file(snapshot.join(path))?;
                std::os::unix::fs::symlink("nowhere", snapshot.join(path))?;
            }
        }
        Before::Prefix | Before::Journal => {
            // Far enough for bytes of the file, and before it is complete.
            for number in (10..).step_by(4) {
                let aborted =
                    stopped(world, Action::DownloadLarge, root, None, Some(&format!("{number}:after")))
                        .await?;
                if !aborted {
                    return Err("no operation left a prefix".into());
                }
                let names = common::files_below(&repo.join("blobs"))?;
                let partial = names.iter().find(|name| name.ends_with(".partial"));
                let Some(partial) = partial.map(|name| repo.join("blobs").join(name)) else { continue };
                if fs::metadata(&partial)?.len() > 300_000 {
                    if before == Before::Journal {
                        let mut bytes = content.clone();
                        bytes[500_000..1_500_000].fill(0);
                        let end = bytes.len();
                        bytes.extend(b"hub-partial 1\n0 500000\n1500000 1700000\n");
                        bytes[1_700_000..end].fill(0);
                        fs::write(&partial, bytes)?;
                    }
                    break;
                }
            }
        }
        Before::PythonPrefix => {
            fs::create_dir_all(repo.join("blobs"))?;
            fs::write(repo.join("blobs").join(format!("{blob}.incomplete")), &content[..1_200_000])?;
        }
        Before::UserFile | Before::OldFolder => {
            if before == Before::OldFolder {
                let request = api.snapshot_download(REPO).revision(world.first.commit.as_str());
                request.local_dir(local_of(root)).await?;
            }
            fs::write(local_of(root).join("user.txt"), "mine")?;
        }
    }
    Ok(())
}

fn expected(world: &World) -> Expected {
    let versions = [&world.first, &world.second];
    let files = versions.into_iter().flat_map(|version| {
        version
            .files
            .iter()
            .map(|(path, (content, _))| (version.commit.clone(), path.clone(), content.clone()))
    });
    Expected(files.collect())
}

/// What Python is asked: for each file of each state what it finds without a network.
const SCRIPT: &str = r#"
import json, sys
from huggingface_hub import hf_hub_download, try_to_load_from_cache
found = []
for state, commit, path in json.load(open(sys.argv[1])):
    for revision in (commit, "main"):
        cached = try_to_load_from_cache("local/m", path, cache_dir=state, revision=revision)
        if isinstance(cached, str):
            found.append([path, cached])
        try:
            local = hf_hub_download("local/m", path, cache_dir=state, revision=revision, local_files_only=True)
            found.append([path, local])
        except Exception:
            pass
json.dump(found, open(sys.argv[2], "w"))
"#;

/// Reads crash states with huggingface_hub: it finds nothing or the right bytes. Tells how many states it read.
fn python(options: &Options, states: &[(PathBuf, Arc<Expected>)], scratch: &Path) -> Outcome<usize> {
    let Some(python) = &options.python else {
        println!("  Python reads no states: HUB_PYTHON names no Python with huggingface_hub");
        return Ok(0);
    };
    let (asked, told) = (scratch.join("asked.json"), scratch.join("found.json"));
    let questions: Vec<_> = states
        .iter()
        .flat_map(|(state, expected)| {
            expected.0.iter().map(|(commit, path, _)| (cache_of(state), commit.as_str(), path.as_str()))
        })
        .collect();
    fs::write(&asked, serde_json::to_vec(&questions)?)?;
    let mut command = Command::new(python);
    command.args(["-c", SCRIPT]).arg(&asked).arg(&told).env("HF_HUB_OFFLINE", "1");
    let output = command.output()?;
    if !output.status.success() {
        return Err(format!("Python failed: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    let found: Vec<(String, PathBuf)> = serde_json::from_slice(&fs::read(&told)?)?;
    for (path, file) in &found {
        let of_state = states.iter().find(|(state, _)| file.starts_with(state));
        let (_, expected) = of_state.ok_or_else(|| format!("Python found {}", file.display()))?;
        let read = fs::read(file)?;
        let is_right = expected.0.iter().any(|(commit, named, content)| {
            named == path && *content == read && file.iter().any(|part| part == commit.as_str())
        });
        if !is_right {
            return Err(
                format!("Python takes {} with {} bytes for {path}", file.display(), read.len()).into()
            );
        }
    }
    println!("  Python found {} files in {} states", found.len(), states.len());
    Ok(states.len())
}

/// Copies a folder with its links and the times of its files.
fn copy_tree(from: &Path, to: &Path) -> Outcome {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy_tree(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, target)?;
        } else {
            fs::copy(entry.path(), &target)?;
            let modified = entry.metadata()?.modified()?;
            fs::File::options().write(true).open(&target)?.set_modified(modified)?;
        }
    }
    Ok(())
}

/// Gives files of a `local_dir` the times that their metadata notes, which the log of operations does not have.
///
/// A file of another content keeps its time, which is that of its writing; an empty one is what a power cut left.
fn restore_times(local: &Path) -> Outcome {
    let notes = local.join(".cache/huggingface/download");
    for name in common::files_below(&notes)? {
        let Some(path) = name.strip_suffix(".metadata") else { continue };
        let text = fs::read_to_string(notes.join(&name))?;
        let mut lines = text.lines().skip(1);
        let (Some(etag), Some(noted)) = (lines.next(), lines.next().and_then(|noted| noted.parse().ok()))
        else {
            continue;
        };
        let Ok(content) = fs::read(local.join(path)) else { continue };
        let git = [format!("blob {}\0", content.len()).as_bytes(), content.as_slice()].concat();
        let hashes = [hex::encode(sha2::Sha256::digest(&content)), hex::encode(sha1::Sha1::digest(git))];
        if content.is_empty() || hashes.iter().any(|hash| hash == etag) {
            let file = fs::File::options().write(true).open(local.join(path))?;
            file.set_modified(UNIX_EPOCH + Duration::from_secs_f64(noted))?;
        }
    }
    Ok(())
}
