//! Checks and chores of the workspace: `cargo xtask COMMAND`.
mod bench;
mod ci;
mod crash;
mod docs;
mod fuzz;
mod interop;
mod layers;
mod markdown;
mod parity;
mod process;
mod promises;
mod python;
mod release;
mod server;
mod stress;
mod timed;
mod translate;
mod tree;
mod wire;

use std::process::ExitCode;

/// What a command gives, or why it failed.
type Result<T = (), E = Box<dyn std::error::Error + Send + Sync>> = std::result::Result<T, E>;

const USAGE: &str = "\
cargo xtask COMMAND

  ci [--allow METHODS]       all that must pass, in the order of what it costs
  layers                     who uses whom, how many crates hub-types brings, one version of each crate
  parity [--allow METHODS]   the registry against the methods and keyword names of Python's HfApi, and the end-to-end
                             tests against the registry
  promises                   the tests that docs/faults.md and docs/reliability.md cite against those that exist
  docs [--check]             writes docs/methods.md and docs/python.md, or tells whether they are stale
  wire [--allow METHODS]     replays recorded exchanges against the release binary, if the kit is there
  interop [HUB]              Python's clients and `hub` against one Hub, on a real model
  release                    what a release would publish: order, versions, changelog, packages
  bench                      downloads and listings against curl
  fuzz [--seconds N] [--parallel M] [TARGET…]
                             builds the fuzz targets and runs each for N seconds (3), M at a time (1); needs a C++
                             compiler
  crash [--sample N] [--sample-stops N] [--seed N] [FILTER]
                             stops the work of the cache before and after every operation on the disk, and cuts the
                             power after every one; with N, a sample of N operations of each scenario
  kill [--rounds N] [--seed N]
                             kills N downloads (200) at random moments
  stress [--rounds N] [--parallel M] [--busy THREADS] [--timeout SECONDS] [FILTER…]
                             runs the end-to-end tests and those of transfers, cache and transport N times, M processes
                             at a time, on a machine that is kept busy

METHODS, separated by commas, may be missing or fail for now. HUB is the release binary unless given.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["ci", options @ ..] => ci::run(&allowed(options)?),
        ["layers"] => layers::run(),
        ["parity", options @ ..] => parity::run(&allowed(options)?),
        ["promises"] => promises::run(),
        ["docs"] => docs::write(),
        ["docs", "--check"] => docs::check(),
        ["wire", options @ ..] => wire::run(&allowed(options)?),
        ["interop"] => interop::run(&process::release_binary()?),
        ["interop", hub] => interop::run(&std::path::absolute(hub)?),
        ["release"] => release::run(),
        ["bench"] => bench::run(),
        ["fuzz", options @ ..] => fuzz::run(options),
        ["crash", options @ ..] => crash::crash(options),
        ["kill", options @ ..] => crash::kill(options),
        ["stress", options @ ..] => stress::run(options),
        [] | ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => Err(format!("unknown command `{}`\n\n{USAGE}", words.join(" ")).into()),
    }
}

/// The methods of `--allow a,b,c`.
fn allowed<'a>(options: &[&'a str]) -> Result<Vec<&'a str>> {
    match options {
        [] => Ok(Vec::new()),
        ["--allow", names] => Ok(names.split(',').filter(|name| !name.is_empty()).collect()),
        _ => Err(format!("unknown options `{}`; there is --allow a,b,c", options.join(" ")).into()),
    }
}
