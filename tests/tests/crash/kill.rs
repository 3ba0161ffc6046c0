//! Downloads that are killed, stopped and raced at random moments: `cargo xtask kill`.
mod common;

use common::{Action, Crash, LARGE_BYTES, Outcome, World, cache_of, invariants, local_of, repo_of};
use hub_local::{Fault, Method, Origin};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// What is downloaded, in turn.
const ACTIONS: [Action; 4] =
    [Action::DownloadLarge, Action::Snapshot, Action::SnapshotIntoFolder, Action::DownloadIntoFolder];
/// How many processes are killed before one may finish the work.
const KILLS: usize = 5;
/// The longest time until a kill; some processes are killed before they did anything.
const LONGEST: Duration = Duration::from_millis(300);
/// The size of the large file of the first worker: enough for several connections, and thus for a journal.
const PARALLEL_BYTES: usize = 36 << 20;
/// How fast the Hub sends on a connection, so that a download takes longer than that.
const BYTES_PER_SECOND: u64 = 6 << 20;

#[derive(Debug, Default)]
struct Report {
    kills: usize,
    stops: usize,
    races: usize,
    /// Partials with a journal that were left.
    journals: usize,
    /// Children that were done before they were killed.
    finished: usize,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime can be started");
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |word: &str| word.parse::<u64>().map_err(|_| format!("`{word}` is not a number").into());
    let result = match words.as_slice() {
        ["child", ..] => runtime.block_on(common::run_child(&arguments[1..])),
        [rounds] => number(rounds).and_then(|rounds| runtime.block_on(run(rounds, fastrand::u64(..)))),
        [rounds, seed] => number(rounds)
            .and_then(|rounds| Ok((rounds, number(seed)?)))
            .and_then(|(rounds, seed)| runtime.block_on(run(rounds, seed))),
        _ => Err("usage: kill ROUNDS [SEED]".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("kill: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Kills that many processes at least, in several folders in parallel, each with a Hub of its own.
async fn run(rounds: u64, seed: u64) -> Outcome {
    println!("seed {seed}");
    let start = Instant::now();
    let workers = std::thread::available_parallelism().map_or(2, usize::from).max(2) as u64;
    let running: Vec<_> = (0..workers)
        .map(|worker| {
            let large_bytes = if worker == 0 { PARALLEL_BYTES } else { LARGE_BYTES };
            tokio::spawn(work(large_bytes, rounds.div_ceil(workers), seed.wrapping_add(worker)))
        })
        .collect();
    let mut all = Report::default();
    for worker in running {
        let report = worker.await??;
        all.kills += report.kills;
        all.stops += report.stops;
        all.races += report.races;
        all.finished += report.finished;
        all.journals += report.journals;
    }
    let Report { kills, stops, races, finished, journals } = all;
    println!(
        "{kills} processes killed, {stops} of them stopped before, {races} races of two, {finished} finished first, \
         {journals} journals left; \
         {:.0} s",
        start.elapsed().as_secs_f64()
    );
    if kills == 0 { Err("no process lived until it was killed".into()) } else { Ok(()) }
}

async fn work(large_bytes: usize, rounds: u64, seed: u64) -> Outcome<Report> {
    let world = World::start(large_bytes).await?;
    let mut random = fastrand::Rng::with_seed(seed);
    let mut report = Report::default();
    while (report.kills as u64) < rounds {
        for action in ACTIONS {
            let root = world.scratch.path().join("root");
            for folder in [cache_of(&root), local_of(&root)] {
                fs::create_dir_all(folder)?;
            }
            world
                .hub
                .fault(Fault::on(Method::GET, "").at(Origin::Storage).bytes_per_second(BYTES_PER_SECOND));
            for _ in 0..KILLS {
                let finished = kill(&world, action, &root, &mut random, &mut report).await;
                let checked =
                    finished.and_then(|finished| invariants(&root, Crash::Process).map(|()| finished));
                if checked.map_err(|error| format!("{action:?}: {error}"))? {
                    break;
                }
            }
            world.hub.clear_faults();
            for folder in [repo_of(&root).join("blobs"), local_of(&root).join(".cache/huggingface/download")]
            {
                for name in common::files_below(&folder)? {
                    let is_journal = name.ends_with(".partial")
                        && fs::metadata(folder.join(name))?.len() > large_bytes as u64;
                    report.journals += usize::from(is_journal);
                }
            }
            world
                .check(action, &root, Crash::Process)
                .await
                .map_err(|error| format!("{action:?}: {error}"))?;
            fs::remove_dir_all(root)?;
        }
    }
    Ok(report)
}

/// Runs one child or two, and kills one at a random moment, now and then after it was stopped for a while. Tells whether
/// the work was done all the same.
async fn kill(
    world: &World,
    action: Action,
    root: &Path,
    random: &mut fastrand::Rng,
    report: &mut Report,
) -> Outcome<bool> {
    let begin = || -> Outcome<Child> {
        Ok(common::child(world, action, root)?.stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?)
    };
    let mut victim = begin()?;
    let rival = if random.u8(0..4) == 0 { Some(begin()?) } else { None };
    tokio::time::sleep(LONGEST.mul_f64(random.f64())).await;
    if random.u8(0..4) == 0 && victim.try_wait()?.is_none() {
        signal(&victim, "-STOP")?;
        tokio::time::sleep(Duration::from_millis(random.u64(1..60))).await;
        // Some go on before they are killed, others are killed while they are stopped.
        if random.bool() {
            signal(&victim, "-CONT")?;
            tokio::time::sleep(Duration::from_millis(random.u64(0..20))).await;
        }
        report.stops += 1;
    }
    victim.kill()?;
    let mut is_done = false;
    match finished(victim).await? {
        (status, _) if status.code().is_none() => report.kills += 1,
        (status, _) if status.success() => {
            report.finished += 1;
            is_done = true;
        }
        (_, error) => return Err(format!("a child failed: {error}").into()),
    }
    if let Some(rival) = rival {
        report.races += 1;
        match finished(rival).await? {
            (status, _) if status.success() => {
                world.check_done(action, root).await?;
                is_done = true;
            }
            (_, error) => return Err(format!("the rival of a killed process failed: {error}").into()),
        }
    }
    Ok(is_done)
}

/// Waits for the end of a child, and gives what it wrote about its failure.
async fn finished(child: Child) -> Outcome<(ExitStatus, String)> {
    let output = tokio::task::spawn_blocking(move || child.wait_with_output()).await??;
    Ok((output.status, String::from_utf8_lossy(&output.stderr).into_owned()))
}

fn signal(process: &Child, signal: &str) -> Outcome {
    let sent = Command::new("kill").args([signal, &process.id().to_string()]).status()?;
    if sent.success() { Ok(()) } else { Err(format!("kill {signal} failed").into()) }
}
