//! Tests run many times, several at once, on a loaded machine: what fails once in fifty runs fails here.
use crate::{Result, process, timed};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// The folders of the packages whose tests depend on time, order and load.
const PACKAGES: [&str; 4] = ["tests", "crates/hub-http", "crates/hub-cache", "crates/hub-upload"];

/// What to run, and how often.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    rounds: usize,
    parallel: usize,
    /// How many threads do nothing but keep the machine busy.
    busy: usize,
    timeout: Duration,
    filters: Vec<String>,
}

impl Options {
    fn parse(arguments: &[&str], cores: usize) -> Result<Self> {
        let mut options = Self {
            rounds: 6,
            parallel: 2 * cores,
            busy: cores,
            timeout: Duration::from_secs(180),
            filters: Vec::new(),
        };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut number = |least: u64| -> Result<u64> {
                let value = words.next().and_then(|value| value.parse().ok()).filter(|value| *value >= least);
                value.ok_or_else(|| format!("{word} takes a number from {least} on").into())
            };
            match *word {
                "--rounds" => options.rounds = usize::try_from(number(1)?)?,
                "--parallel" => options.parallel = usize::try_from(number(1)?)?,
                "--busy" => options.busy = usize::try_from(number(0)?)?,
                "--timeout" => options.timeout = Duration::from_secs(number(1)?),
                option if option.starts_with('-') => {
                    return Err(format!(
                        "there is no option `{option}`; there are --rounds N, --parallel M, --busy THREADS and \
                         --timeout SECONDS"
                    )
                    .into());
                }
                filter => options.filters.push(filter.to_owned()),
            }
        }
        Ok(options)
    }
}

/// Builds the tests once, runs them as often as asked, and fails if one run failed.
pub fn run(arguments: &[&str]) -> Result {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let options = Options::parse(arguments, cores)?;
    let folder = process::target().join("stress");
    // What earlier failures left would be taken for failures of this run.
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    let binaries = build(&options.filters)?;
    println!(
        "{} test binaries, {} rounds, {} processes in parallel, {} busy threads",
        binaries.len(),
        options.rounds,
        options.parallel,
        options.busy
    );
    let jobs: Vec<(usize, &Binary)> =
        (1..=options.rounds).flat_map(|round| binaries.iter().map(move |binary| (round, binary))).collect();
    let start = Instant::now();
    let load = Load::start(options.busy);
    let runs =
        timed::in_parallel(&jobs, options.parallel, |(round, binary)| binary.run(*round, &options, &folder));
    drop(load);
    let runs = runs.into_iter().collect::<Result<Vec<Run>, String>>()?;
    println!("{}", table(&runs));
    let failed = runs.iter().filter(|run| run.failed()).count();
    println!("{} runs in {:.1} s, {failed} failed", runs.len(), start.elapsed().as_secs_f64());
    if failed == 0 {
        return Ok(());
    }
    Err(format!("{failed} of {} runs failed\n{}", runs.len(), failures(&runs)).into())
}

/// A test binary, and the folder of its package.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Binary {
    name: String,
    executable: PathBuf,
    package: PathBuf,
}

/// Builds all tests, as `cargo test --workspace` does, and returns those to run: with at least one test that matches.
fn build(filters: &[String]) -> Result<Vec<Binary>> {
    let arguments =
        ["test", "--workspace", "--no-run", "--quiet", "--message-format", "json-render-diagnostics"];
    let messages = process::output(process::cargo(&arguments))?;
    let mut found = Vec::new();
    for binary in read(&messages, &process::root()) {
        let mut list = binary.command(filters);
        list.args(["--list", "--format", "terse"]);
        if process::output(list)?.lines().any(|line| line.ends_with(": test")) {
            found.push(binary);
        }
    }
    if found.is_empty() {
        return Err(format!("no test matches `{}`", filters.join("` or `")).into());
    }
    Ok(found)
}

/// The test binaries of the packages, out of what cargo says.
fn read(messages: &str, root: &Path) -> Vec<Binary> {
    let mut binaries = Vec::new();
    for message in messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        let package = message["manifest_path"].as_str().and_then(|path| Path::new(path).parent());
        let (Some(executable), Some(package)) = (message["executable"].as_str(), package) else { continue };
        if message["profile"]["test"] != true || !PACKAGES.iter().any(|folder| root.join(folder) == package) {
            continue;
        }
        let target = message["target"]["name"].as_str().unwrap_or_default();
        let kind = message["target"]["kind"][0].as_str().unwrap_or_default();
        let folder = package.file_name().unwrap_or_default().to_string_lossy();
        let name = if kind == "test" { format!("{folder}/{target}") } else { folder.into_owned() };
        binaries.push(Binary { name, executable: executable.into(), package: package.to_owned() });
    }
    binaries.sort_by(|a, b| a.name.cmp(&b.name));
    binaries
}

impl Binary {
    /// The command that runs the tests that match, as cargo would.
    fn command(&self, filters: &[String]) -> Command {
        let mut command = Command::new(&self.executable);
        command.args(filters).current_dir(&self.package).env("CARGO_MANIFEST_DIR", &self.package);
        command
    }

    fn run(&self, round: usize, options: &Options, folder: &Path) -> Result<Run, String> {
        let log = folder.join(format!("{}-{round}.log", self.name.replace('/', "-")));
        let outcome = timed::run(self.command(&options.filters), &log, options.timeout);
        let outcome = outcome.map_err(|error| format!("{}: {error}", self.name))?;
        let mut run = Run { binary: self.name.clone(), outcome, tests: Vec::new(), log };
        if run.failed() {
            let output = fs::read(&run.log).map_err(|error| format!("{}: {error}", run.log.display()))?;
            run.tests = failed_tests(&String::from_utf8_lossy(&output));
        } else {
            // Only the output of failures is worth keeping.
            let _ = fs::remove_file(&run.log);
        }
        Ok(run)
    }
}

/// One run of a binary.
#[derive(Debug)]
struct Run {
    binary: String,
    outcome: timed::Outcome,
    /// The tests that failed.
    tests: Vec<String>,
    log: PathBuf,
}

impl Run {
    fn failed(&self) -> bool {
        !self.outcome.is_success()
    }
}

/// The names of the tests that failed, out of what a test binary prints.
fn failed_tests(output: &str) -> Vec<String> {
    let failed = output.lines().filter_map(|line| line.strip_prefix("test ")?.strip_suffix(" ... FAILED"));
    failed.map(str::to_owned).collect()
}

/// A line for each binary.
fn table(runs: &[Run]) -> String {
    let mut binaries: BTreeMap<&str, Vec<&Run>> = BTreeMap::new();
    for run in runs {
        binaries.entry(&run.binary).or_default().push(run);
    }
    let mut lines = vec![format!(
        "{:<24} {:>5} {:>7} {:>10} {:>9} {:>9}",
        "binary", "runs", "failed", "timed out", "median", "slowest"
    )];
    for (name, runs) in binaries {
        let mut times: Vec<Duration> = runs.iter().map(|run| run.outcome.elapsed).collect();
        times.sort();
        lines.push(format!(
            "{name:<24} {:>5} {:>7} {:>10} {:>7.1} s {:>7.1} s",
            runs.len(),
            runs.iter().filter(|run| run.failed()).count(),
            runs.iter().filter(|run| run.outcome.status.is_none()).count(),
            times[times.len() / 2].as_secs_f64(),
            times[times.len() - 1].as_secs_f64()
        ));
    }
    lines.join("\n")
}

/// The tests that failed and how often, the most frequent first, with the output of one failure of each.
fn failures(runs: &[Run]) -> String {
    let mut tests: BTreeMap<String, (usize, &Path)> = BTreeMap::new();
    for run in runs.iter().filter(|run| run.failed()) {
        let whole = match run.outcome.status {
            None => "(timed out)",
            Some(_) => "(no test is named)",
        };
        let named = if run.tests.is_empty() { vec![whole.to_owned()] } else { run.tests.clone() };
        for test in named {
            tests.entry(format!("{} {test}", run.binary)).or_insert((0, &run.log)).0 += 1;
        }
    }
    let mut tests: Vec<_> = tests.into_iter().collect();
    tests.sort_by_key(|(_, (times, _))| std::cmp::Reverse(*times));
    let lines =
        tests.iter().map(|(test, (times, log))| format!("  {times} times: {test}, see {}", log.display()));
    lines.collect::<Vec<_>>().join("\n")
}

/// Threads that keep the machine busy until this is dropped.
struct Load {
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<u64>>,
}

impl Load {
    fn start(threads: usize) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let spin = |stop: Arc<AtomicBool>| {
            let mut state = 1_u64;
            while !stop.load(Ordering::Relaxed) {
                for _ in 0..10_000 {
                    state =
                        std::hint::black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
                }
            }
            state
        };
        let threads = (0..threads)
            .map(|_| {
                let stop = stop.clone();
                std::thread::spawn(move || spin(stop))
            })
            .collect();
        Self { stop, threads }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn options_have_defaults_and_the_rest_are_filters() {
        let options = Options::parse(&["--rounds", "50", "download", "--busy", "0", "resume"], 2).unwrap();
        assert_eq!((options.rounds, options.parallel, options.busy), (50, 4, 0));
        assert_eq!(options.filters, ["download", "resume"]);
        assert_eq!(Options::parse(&["--timeout", "5"], 2).unwrap().timeout, Duration::from_secs(5));
        for wrong in [&["--rounds", "0"][..], &["--parallel"], &["--busy", "x"], &["--other"]] {
            assert!(Options::parse(wrong, 2).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn test_binaries_of_the_packages_are_found() {
        let artifact = |folder: &str, kind: &str, name: &str, test: bool| {
            json!({
                "reason": "compiler-artifact",
                "manifest_path": format!("/w/{folder}/Cargo.toml"),
                "target": { "kind": [kind], "name": name },
                "profile": { "test": test },
                "executable": format!("/w/target/{name}-1"),
            })
            .to_string()
        };
        let messages = [
            artifact("tests", "test", "e2e", true),
            artifact("crates/hub-http", "lib", "hub_http", true),
            artifact("crates/hub-cli", "bin", "hub", true),
            artifact("crates/hub-cache", "bin", "hub_cache", false),
            json!({ "reason": "build-finished", "success": true }).to_string(),
            "not JSON".to_owned(),
        ];
        let found = read(&messages.join("\n"), Path::new("/w"));
        let names: Vec<_> = found.iter().map(|binary| binary.name.as_str()).collect();
        assert_eq!(names, ["hub-http", "tests/e2e"]);
        assert_eq!(found[1].executable, Path::new("/w/target/e2e-1"));
        assert_eq!(found[1].package, Path::new("/w/tests"));
    }

    #[cfg(unix)]
    fn outcome(code: Option<i32>, seconds: u64) -> timed::Outcome {
        use std::os::unix::process::ExitStatusExt as _;
        let status = code.map(|code| std::process::ExitStatus::from_raw(code << 8));
        timed::Outcome { status, elapsed: Duration::from_secs(seconds) }
    }

    #[cfg(unix)]
    #[test]
    fn failures_are_counted_by_test_and_by_binary() {
        let output = "test a::b ... ok\ntest a::c ... FAILED\ntest a::d ... ignored\n\nfailures:\n    a::c\n";
        assert_eq!(failed_tests(output), ["a::c"]);
        let run = |outcome, tests: &[&str]| Run {
            binary: "tests/e2e".to_owned(),
            outcome,
            tests: tests.iter().map(|test| (*test).to_owned()).collect(),
            log: "/t/log".into(),
        };
        let runs = [
            run(outcome(Some(0), 1), &[]),
            run(outcome(Some(101), 2), &["a::c"]),
            run(outcome(Some(101), 3), &["a::c", "b"]),
            run(outcome(None, 9), &[]),
        ];
        let shown = table(&runs);
        let row: Vec<&str> = shown.lines().nth(1).unwrap().split_whitespace().collect();
        assert_eq!(row, ["tests/e2e", "4", "3", "1", "3.0", "s", "9.0", "s"]);
        let failures = failures(&runs);
        assert!(failures.starts_with("  2 times: tests/e2e a::c, see /t/log"), "{failures}");
        assert!(failures.contains("1 times: tests/e2e (timed out)"), "{failures}");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_output_of_failures_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        // A shell takes the filters for a script.
        let shell = Binary {
            name: "tests/x".to_owned(),
            executable: "/bin/sh".into(),
            package: folder.path().to_owned(),
        };
        let run = |round, script: &str| {
            let filters = vec!["-c".to_owned(), script.to_owned()];
            let options = Options { filters, ..Options::parse(&[], 1).unwrap() };
            shell.run(round, &options, folder.path()).unwrap()
        };
        let good = run(1, "test \"$PWD\" = \"$CARGO_MANIFEST_DIR\"");
        assert!(!good.failed() && !good.log.exists());
        let bad = run(2, "echo 'test a ... FAILED'; exit 101");
        assert!(bad.failed() && bad.log.ends_with("tests-x-2.log") && bad.log.exists());
        assert_eq!(bad.tests, ["a"]);
    }

    #[test]
    fn the_load_ends_with_its_value() {
        let load = Load::start(2);
        let stop = Arc::downgrade(&load.stop);
        drop(load);
        assert_eq!(stop.strong_count(), 0, "a thread still runs");
    }
}
