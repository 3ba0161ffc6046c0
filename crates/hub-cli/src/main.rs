//! The command line of the Hugging Face Hub client.
#![warn(clippy::print_stdout, clippy::print_stderr)]
// `println!` and `eprintln!` panic when the reader is gone or the disk is full; `output` and `terminal` do not.

mod auth;
mod call;
mod collections;
mod context;
mod demo;
mod discussions;
mod download;
mod endpoints;
mod failure;
mod listing;
mod log;
mod outlet;
mod output;
mod path_arg;
mod progress;
mod repo;
mod repo_arg;
mod safetensors;
mod serve;
mod signals;
mod spaces;
mod terminal;
mod upload;
mod webhooks;

use clap::{CommandFactory as _, Parser, Subcommand};
use context::Common;
use failure::Failure;
use hub_client::types::RepoType;
use hub_client::{Config, Error, ErrorKind};
use std::process::ExitCode;
use std::{env, process};

/// Parsed pages are made on one thread and dropped on another, in which the system's allocator is slow.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The Hugging Face Hub from the command line: download, upload and manage models, datasets and Spaces.
#[derive(Debug, Parser)]
#[command(name = "hub", version, disable_help_subcommand = true)]
struct Hub {
    #[command(flatten)]
    common: Common,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Download(download::Download),
    Upload(upload::Upload),
    #[command(subcommand)]
    Auth(auth::Auth),
    #[command(subcommand, visible_alias = "repos")]
    Repo(repo::Repo),
    /// Lists models, and tells about one.
    #[command(subcommand)]
    Models(listing::Listing),
    /// Lists datasets, and tells about one.
    #[command(subcommand)]
    Datasets(listing::Listing),
    #[command(subcommand)]
    Spaces(spaces::Spaces),
    #[command(subcommand)]
    Discussions(discussions::Discussions),
    #[command(subcommand)]
    Collections(collections::Collections),
    #[command(subcommand)]
    Webhooks(webhooks::Webhooks),
    #[command(subcommand)]
    Endpoints(endpoints::Endpoints),
    #[command(subcommand)]
    Safetensors(safetensors::Safetensors),
    Demo(demo::Demo),
    Serve(serve::Serve),
    Call(call::Call),
    /// Prints the configuration that the environment makes.
    Env,
    /// Prints the completions for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    let hub = arguments();
    let json = hub.common.json_events();
    log::install(hub.common.verbosity(), json);
    if hub.common.raw() {
        terminal::set_raw();
    }
    match run(hub) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}

/// Reads the arguments; an error about them repeats no token, which `hub auth login hf_…` gives where none belongs.
fn arguments() -> Hub {
    Hub::try_parse().unwrap_or_else(|error| {
        let is_token = |text: &String| text.starts_with("hf_") && text.len() > "hf_".len();
        let tokens = env::args_os().filter_map(|text| text.into_string().ok()).filter(is_token);
        let plain = error.to_string();
        let hidden = tokens.fold(plain.clone(), |text, token| text.replace(&token, "hf_…"));
        if !error.use_stderr() || hidden == plain {
            error.exit()
        }
        terminal::note(hidden.trim_end());
        process::exit(error.exit_code())
    })
}

fn run(hub: Hub) -> Result<(), Failure> {
    match hub.command {
        Command::Call(call) => {
            if let Some(result) = call.run_offline() {
                return result;
            }
            let api = hub.common.api().map_err(Failure::machine)?;
            until_interrupted(call.run(api)).map_err(Failure::for_programs)
        }
        Command::Env => {
            let environment = auth::environment(&Config::from_env()?);
            Ok(hub.common.format().object(&environment, "version")?)
        }
        Command::Completions { shell } => {
            // Made in memory, since the generator panics when it cannot write.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Hub::command(), "hub", &mut script);
            Ok(output::print(&script)?)
        }
        Command::Serve(serve) => Ok(runtime()?.block_on(serve.run(hub.common.format(), hub.common.token()))?),
        command => until_interrupted(run_online(command, &hub.common)),
    }
}

/// Performs a command until it is done or a signal comes.
fn until_interrupted(command: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = runtime()?;
    let done = runtime.block_on(async {
        let signal = signals::listen();
        tokio::select! {
            biased;
            done = command => Ok(done),
            Ok(code) = signal => Err(code),
        }
    });
    match done {
        Ok(done) => done,
        Err(code) => {
            runtime.shutdown_timeout(signals::SHUTDOWN);
            Err(Failure::interrupted(code))
        }
    }
}

async fn run_online(command: Command, common: &Common) -> Result<(), Failure> {
    let command = match command {
        Command::Auth(auth) => return Ok(auth.run(common).await?),
        Command::Demo(demo) => return Ok(demo.run(common).await?),
        command => command,
    };
    let context = common.context()?;
    match command {
        Command::Download(download) => download.run(&context).await?,
        Command::Upload(upload) => upload.run(&context).await?,
        Command::Repo(repo) => repo.run(&context).await?,
        Command::Models(listing) => listing.run(&context, RepoType::Model).await?,
        Command::Datasets(listing) => listing.run(&context, RepoType::Dataset).await?,
        Command::Spaces(spaces) => spaces.run(&context).await?,
        Command::Discussions(discussions) => discussions.run(&context).await?,
        Command::Collections(collections) => collections.run(&context).await?,
        Command::Webhooks(webhooks) => webhooks.run(&context).await?,
        Command::Endpoints(endpoints) => endpoints.run(&context).await?,
        Command::Safetensors(safetensors) => safetensors.run(&context).await?,
        Command::Auth(_)
        | Command::Call(_)
        | Command::Completions { .. }
        | Command::Demo(_)
        | Command::Env
        | Command::Serve(_) => {}
    }
    Ok(())
}

/// The runtime of commands that use the network; two threads, one to receive and one to hash and write.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    // A thread that ends leaves memory behind in the allocator.
    builder.thread_keep_alive(std::time::Duration::from_secs(3600));
    builder
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::new(ErrorKind::Io, "the system gives no threads").caused_by(error).into())
}
