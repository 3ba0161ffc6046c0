//! Crashes, power cuts and kills during downloads: the programs in `tests/tests/crash`.
use crate::{Result, process};

/// How many processes are killed unless said otherwise.
const ROUNDS: &str = "200";

/// Stops the work of the cache at every operation on the disk, and cuts the power after each.
///
/// huggingface_hub reads some of what is left if the environments of `cargo xtask interop` are there, or if `HUB_PYTHON`
/// names a Python that has it.
pub fn crash(options: &[&str]) -> Result {
    let mut command = test("crash-points", "crash");
    command.args(options);
    let python = process::target().join("interop/python-0.27.1/bin/python");
    if std::env::var_os("HUB_PYTHON").is_none() && python.exists() {
        command.env("HUB_PYTHON", python);
    }
    process::run(command)
}

/// Kills downloads at random moments.
pub fn kill(options: &[&str]) -> Result {
    let (mut rounds, mut seed) = (ROUNDS, None);
    let mut words = options.iter();
    while let Some(word) = words.next() {
        let value = words.next().filter(|value| value.parse::<u64>().is_ok());
        match (*word, value) {
            ("--rounds", Some(value)) => rounds = value,
            ("--seed", Some(value)) => seed = Some(*value),
            _ => return Err(format!("`{word}` is not an option with a number: --rounds N, --seed N").into()),
        }
    }
    let mut command = test("kill", "kill");
    command.arg(rounds).args(seed);
    process::run(command)
}

/// One of the programs. The whole workspace is named so that its dependencies have the features of `cargo test
/// --workspace`, and are not built again.
fn test(feature: &str, name: &str) -> std::process::Command {
    let features = format!("hub-tests/{feature}");
    process::cargo(&["test", "--workspace", "--quiet", "--features", &features, "--test", name, "--"])
}
