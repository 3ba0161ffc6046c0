//! Fuzz targets, built with the stable toolchain as `cargo fuzz` builds them, but without a sanitizer.
use crate::{Result, process, timed};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

/// What `cargo fuzz` passes to the compiler: counters at each edge, a table of their places, and traced comparisons.
const RUSTFLAGS: &[&str] = &[
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Cllvm-args=-simplifycfg-branch-fold-threshold=0",
    "--cfg=fuzzing",
];

/// The memory that a target may take.
const MAX_MEMORY_MB: u32 = 1024;
/// The time that one input may take on a loaded machine; more is a finding.
const MAX_SECONDS_OF_ONE_INPUT: u64 = 20;
/// What a target may take beside its seconds: its start, reading the corpora, and one slow input.
const GRACE: Duration = Duration::from_secs(MAX_SECONDS_OF_ONE_INPUT + 40);

/// What to run.
#[derive(Debug, PartialEq, Eq)]
struct Options {
    seconds: u64,
    parallel: usize,
    targets: Vec<String>,
}

impl Options {
    fn parse(arguments: &[&str], known: &[String]) -> Result<Self> {
        let mut options = Self { seconds: 3, parallel: 1, targets: Vec::new() };
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            let mut number = || -> Result<u64> {
                let value = words.next().and_then(|value| value.parse().ok()).filter(|value| *value > 0);
                value.ok_or_else(|| format!("{word} takes a number above 0").into())
            };
            match *word {
                "--seconds" => options.seconds = number()?,
                "--parallel" => options.parallel = usize::try_from(number()?)?,
                name if known.iter().any(|target| target == name) => options.targets.push(name.to_owned()),
                other => {
                    return Err(format!(
                        "there is no fuzz target or option `{other}`; there are --seconds N, --parallel M and {}",
                        known.join(", ")
                    )
                    .into());
                }
            }
        }
        if options.targets.is_empty() {
            options.targets = known.to_vec();
        }
        Ok(options)
    }
}

/// Builds all targets and runs each for some seconds; fails if one of them finds something.
pub fn run(arguments: &[&str]) -> Result {
    let options = Options::parse(arguments, &targets(&workspace())?)?;
    let binaries = build()?;
    let scratch = process::target().join("fuzz");
    let runs = timed::in_parallel(&options.targets, options.parallel, |target| {
        let report = fuzz(target, &binaries.join(target), &scratch, options.seconds);
        match &report {
            Ok(report) => println!("{}", report.line(target)),
            Err(error) => println!("{target}: {error}"),
        }
        report
    });
    let mut failures = Vec::new();
    for (target, report) in options.targets.iter().zip(runs) {
        if let Some(finding) = report?.finding {
            failures.push(format!("{target}: {finding}"));
        }
    }
    match failures.len() {
        0 => Ok(()),
        n => {
            Err(format!("{n} of {} targets found something\n{}", options.targets.len(), failures.join("\n"))
                .into())
        }
    }
}

/// The workspace of the targets.
fn workspace() -> PathBuf {
    process::root().join("fuzz")
}

/// The names of all targets.
fn targets(workspace: &Path) -> Result<Vec<String>> {
    let folder = workspace.join("fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            names.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

/// Builds the targets and returns the folder of their binaries.
fn build() -> Result<PathBuf> {
    let compiler = std::env::var_os("CXX").unwrap_or_else(|| "c++".into());
    if process::command(&compiler, &["--version"]).output().is_err() {
        return Err(format!(
            "libfuzzer needs a C++ compiler, and `{}` cannot be run; install g++ or clang, or set CXX",
            compiler.to_string_lossy()
        )
        .into());
    }
    let target = process::target().join("fuzz/build");
    let host = host()?;
    let start = Instant::now();
    let manifest = workspace().join("Cargo.toml");
    // With a target named, the flags are not for build scripts and macros, which nothing could link then.
    let mut cargo = process::cargo(&["build", "--quiet", "--bins", "--target", &host, "--manifest-path"]);
    cargo.arg(manifest).env("CARGO_TARGET_DIR", &target).env("CARGO_ENCODED_RUSTFLAGS", rustflags());
    process::run(cargo)?;
    println!("built in {:.1} s", start.elapsed().as_secs_f64());
    Ok(target.join(host).join("debug"))
}

fn rustflags() -> String {
    let mut flags = RUSTFLAGS.to_vec();
    if cfg!(target_os = "linux") {
        flags.push("-Cllvm-args=-sanitizer-coverage-stack-depth");
    }
    flags.join("\x1f")
}

/// The system that the compiler runs on, as cargo names it.
fn host() -> Result<String> {
    let version = process::output(process::command(
        std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()),
        &["--version", "--verbose"],
    ))?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.ok_or("rustc does not say which system it runs on")?.to_owned())
}

/// What a run of a target came to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Report {
    executions: u64,
    coverage: u64,
    corpus: u64,
    memory_mb: u64,
    /// What was found, and where the input is.
    finding: Option<String>,
}

impl Report {
    /// Reads what libfuzzer printed.
    fn read(output: &str) -> Self {
        let mut report = Self::default();
        for line in output.lines() {
            let number_after = |word: &str| -> Option<u64> {
                let mut words = line.split_whitespace().skip_while(|found| *found != word);
                words.nth(1)?.split('/').next()?.parse().ok()
            };
            if line.starts_with('#') {
                report.coverage = number_after("cov:").unwrap_or(report.coverage);
                report.corpus = number_after("corp:").unwrap_or(report.corpus);
            }
            report.executions = number_after("stat::number_of_executed_units:").unwrap_or(report.executions);
            report.memory_mb = number_after("stat::peak_rss_mb:").unwrap_or(report.memory_mb);
        }
        report
    }

    fn line(&self, target: &str) -> String {
        format!(
            "{target:<20} {:>9} executions, coverage {:>5}, corpus {:>4}, {:>4} MB{}",
            self.executions,
            self.coverage,
            self.corpus,
            self.memory_mb,
            if self.finding.is_some() { "  FOUND SOMETHING" } else { "" }
        )
    }
}

/// Runs one target on its seeds and on what earlier runs have made of them.
fn fuzz(target: &str, binary: &Path, scratch: &Path, seconds: u64) -> Result<Report> {
    let (corpus, artifacts) = (scratch.join("corpus").join(target), scratch.join("artifacts").join(target));
    fs::create_dir_all(&corpus)?;
    fs::create_dir_all(&artifacts)?;
    let seeds = workspace().join("seeds").join(target);
    let dictionary = workspace().join("dictionaries").join(format!("{target}.dict"));
    let mut command = Command::new(binary);
    // libfuzzer adds what it finds to the first folder, and only reads the others.
    command.arg(&corpus).arg(&seeds).arg(format!("-artifact_prefix={}/", artifacts.display())).args([
        &*format!("-max_total_time={seconds}"),
        &*format!("-rss_limit_mb={MAX_MEMORY_MB}"),
        &*format!("-timeout={MAX_SECONDS_OF_ONE_INPUT}"),
        "-print_final_stats=1",
    ]);
    if dictionary.is_file() {
        command.arg(format!("-dict={}", dictionary.display()));
    }
    let log = scratch.join(format!("{target}.log"));
    let outcome = timed::run(command, &log, Duration::from_secs(seconds) + GRACE)?;
    let output = String::from_utf8_lossy(&fs::read(&log)?).into_owned();
    let mut report = Report::read(&output);
    if !outcome.is_success() {
        report.finding = Some(finding(&output, outcome.status.is_none(), &log));
    }
    Ok(report)
}

/// What went wrong, where the input is, and where to read more.
fn finding(output: &str, hung: bool, log: &Path) -> String {
    let reason =
        output.lines().find_map(|line| line.split_once("ERROR: libFuzzer: ").map(|(_, reason)| reason));
    let reason = reason.unwrap_or(if hung { "it did not end" } else { "it failed" });
    // The message of a panic is on the line after its place.
    let panic = output.split_once("panicked at ").map(|(_, rest)| {
        let lines: Vec<&str> = rest.lines().take(2).collect();
        format!(" ({})", lines.join(" "))
    });
    let input =
        output.lines().find_map(|line| line.split_once("Test unit written to ").map(|(_, path)| path));
    format!(
        "{reason}{}\n  input: {}\n  output: {}",
        panic.unwrap_or_default(),
        input.unwrap_or("none was saved"),
        log.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const OUTPUT: &str = "\
INFO: seed corpus: files: 5 min: 1b max: 53b total: 150b rss: 40Mb
#6\tINITED cov: 40 ft: 50 corp: 3/90b exec/s: 0 rss: 41Mb
#500\tNEW    cov: 44 ft: 55 corp: 4/99b lim: 53 exec/s: 0 rss: 41Mb L: 9/53 MS: 1 CopyPart-
Done 1234 runs in 3 second(s)
stat::number_of_executed_units: 1234
stat::peak_rss_mb:              52
";

    fn known() -> Vec<String> {
        ["etag", "link"].map(str::to_owned).to_vec()
    }

    #[test]
    fn all_targets_run_unless_some_are_named() {
        let parse = |arguments: &[&str]| Options::parse(arguments, &known());
        assert_eq!(parse(&[]).unwrap(), Options { seconds: 3, parallel: 1, targets: known() });
        let some = parse(&["--seconds", "60", "link", "--parallel", "2"]).unwrap();
        assert_eq!(some, Options { seconds: 60, parallel: 2, targets: vec!["link".to_owned()] });
        for wrong in [&["--seconds"][..], &["--seconds", "0"], &["--seconds", "x"], &["other"], &["--other"]]
        {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
        assert!(parse(&["other"]).unwrap_err().to_string().contains("etag, link"));
    }

    #[test]
    fn the_report_is_what_libfuzzer_printed_last() {
        let report = Report::read(OUTPUT);
        let expected = Report { executions: 1234, coverage: 44, corpus: 4, memory_mb: 52, finding: None };
        assert_eq!(report, expected);
        assert!(report.line("link").starts_with("link  "));
        assert!(!report.line("link").contains("FOUND"));
    }

    #[test]
    fn a_finding_names_its_reason_and_its_input() {
        let output = "thread 'main' panicked at fuzz_targets/link.rs:5:1:\nassertion failed: x\nmore\n\
                      ==7== ERROR: libFuzzer: deadly signal\n\
                      artifact_prefix='/t/'; Test unit written to /t/crash-1\n";
        let text = finding(output, false, Path::new("/t/link.log"));
        for part in
            ["deadly signal", "fuzz_targets/link.rs:5:1: assertion failed: x", "/t/crash-1", "/t/link.log"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(finding("", true, Path::new("l")).starts_with("it did not end"));
    }

    #[test]
    fn every_target_has_a_binary_and_seeds() {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz");
        let manifest = fs::read_to_string(workspace.join("Cargo.toml")).unwrap();
        let names = targets(&workspace).unwrap();
        assert!(names.len() > 15, "{names:?}");
        for name in names {
            assert!(manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")), "{name}");
            assert!(fs::read_dir(workspace.join("seeds").join(&name)).unwrap().next().is_some(), "{name}");
        }
    }
}
