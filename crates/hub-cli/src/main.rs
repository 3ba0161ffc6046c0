//! The command line of the Hugging Face Hub client.
mod call;
mod failure;
mod output;

use clap::{Parser, Subcommand};
use failure::Failure;
use hub_client::{Config, Error, ErrorKind, HfApi};
use std::process::ExitCode;

/// The Hugging Face Hub from the command line: download, upload and manage models, datasets and Spaces.
#[derive(Debug, Parser)]
#[command(name = "hub", version, propagate_version = false, disable_help_subcommand = true)]
struct Hub {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Call(call::Call),
}

fn main() -> ExitCode {
    match run(Hub::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(command: Command) -> Result<(), Failure> {
    let Command::Call(call) = command;
    if let Some(result) = call.run_offline() {
        return result;
    }
    let api = HfApi::new(Config::from_env().map_err(Failure::machine)?);
    runtime()?.block_on(call.run(api))
}

/// The runtime of commands that use the network; two threads, one to receive and one to hash and write.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Io, "the system gives no threads").caused_by(error).into())
}
