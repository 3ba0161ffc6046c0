//! All that must pass, the cheap before the dear, so that a slip is told within a minute.
use crate::{Result, crash, docs, fuzz, interop, layers, parity, process, promises, release, stress, wire};
use std::time::{Duration, Instant};

/// The libraries that are of use without their default features.
const LIBRARIES: [&str; 6] =
    ["hub-http", "hub-api", "hub-cache", "hub-upload", "hub-safetensors", "hub-client"];

/// Runs the steps until one fails; some methods may be missing.
pub fn run(allowed: &[&str]) -> Result {
    let steps: [(&str, &dyn Fn() -> Result); 20] = [
        ("format", &|| cargo("fmt --all --check")),
        ("layers", &layers::run),
        ("parity", &|| parity::run(allowed)),
        ("promises", &promises::run),
        ("reference", &docs::check),
        ("release check", &release::run),
        ("clippy", &|| cargo("clippy --workspace --all-targets --quiet -- -D warnings")),
        ("clippy without default features", &clippy_without_features),
        ("clippy of crash points", &clippy_of_crash_points),
        ("native TLS", &native_tls),
        ("documentation", &documentation),
        ("tests", &|| cargo("test --workspace")),
        ("stress", &|| stress::run(&["--rounds", "2"])),
        ("fuzz", &|| fuzz::run(&["--seconds", "3", "--parallel", "2"])),
        ("demo", &|| cargo("run --release --quiet -- demo")),
        ("recorded exchanges", &|| wire::run(allowed)),
        ("Python's clients", &|| interop::run(&process::release_binary()?)),
        ("kills", &|| crash::kill(&[])),
        ("crash points", &|| crash::crash(&["--sample", "25"])),
        ("tests of crash points", &|| {
            cargo("test --package hub-cache --lib --features crash-points crash_points")
        }),
    ];
    let mut times = Vec::new();
    for (name, work) in steps {
        println!("== {name}");
        let start = Instant::now();
        let result = work();
        let elapsed = start.elapsed();
        times.push((name, elapsed));
        match result {
            Ok(()) => println!("== {name}: passed in {:.1} s", elapsed.as_secs_f64()),
            Err(error) => {
                println!("{}", table(&times));
                return Err(format!("{name}: {error}").into());
            }
        }
    }
    println!("{}", table(&times));
    Ok(())
}

/// A cargo command, written as one would type it.
fn cargo(line: &str) -> Result {
    process::run(process::cargo(&Vec::from_iter(line.split_whitespace())))
}

/// The libraries as others may take them; safetensors apart, since together the facade decides its features.
fn clippy_without_features() -> Result {
    let packages: String = LIBRARIES.iter().map(|name| format!(" --package {name}")).collect();
    cargo(&format!("clippy --no-default-features --quiet{packages} -- -D warnings"))?;
    cargo("clippy --no-default-features --quiet --package hub-safetensors --package hub-types -- -D warnings")
}

/// What is compiled for the crash points and the kills alone.
fn clippy_of_crash_points() -> Result {
    cargo(
        "clippy --quiet --package hub-cache --package hub-tests --features hub-tests/crash-points,hub-tests/kill \
         --all-targets -- -D warnings",
    )
}

/// The other TLS, where the system has what it builds on.
fn native_tls() -> Result {
    let found = process::command("pkg-config", &["--exists", "openssl"])
        .status()
        .is_ok_and(|status| status.success());
    if cfg!(target_os = "linux") && !found {
        println!("skipped: pkg-config finds no openssl");
        return Ok(());
    }
    cargo("check --package hub-http --no-default-features --features native-tls --quiet")
}

/// Documentation without dead links.
fn documentation() -> Result {
    let mut command = process::cargo(&["doc", "--workspace", "--no-deps", "--quiet"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    process::run(command)
}

/// What each step took.
fn table(times: &[(&str, Duration)]) -> String {
    let total: Duration = times.iter().map(|(_, time)| *time).sum();
    let line = |name: &str, time: Duration| format!("{:>8.1} s  {name}", time.as_secs_f64());
    let mut lines: Vec<String> = times.iter().map(|(name, time)| line(name, *time)).collect();
    lines.push(line("in all", total));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_ends_with_the_sum() {
        let table = table(&[("a", Duration::from_millis(1500)), ("b", Duration::from_millis(500))]);
        assert_eq!(table, "     1.5 s  a\n     0.5 s  b\n     2.0 s  in all");
    }
}
