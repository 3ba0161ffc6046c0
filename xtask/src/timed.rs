//! Child processes that may hang: their output goes to a file, and they are killed when their time is up.
use crate::Result;
use std::fs::File;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// How a process ended, and after how long.
#[derive(Debug, Clone, Copy)]
pub struct Outcome {
    /// The status, or `None` if it was killed because its time was up.
    pub status: Option<ExitStatus>,
    /// The time from start to end.
    pub elapsed: Duration,
}

impl Outcome {
    /// Whether it ended in time and with success.
    pub fn is_success(&self) -> bool {
        self.status.is_some_and(|status| status.success())
    }
}

/// Runs a command with both of its outputs in one file, for `limit` at most.
pub fn run(mut command: Command, output: &Path, limit: Duration) -> Result<Outcome> {
    let file = File::create(output).map_err(|error| format!("{}: {error}", output.display()))?;
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file);
    let program = command.get_program().to_string_lossy().into_owned();
    let start = Instant::now();
    let mut child = command.spawn().map_err(|error| format!("{program}: {error}"))?;
    // The standard library can wait for a child, but not with a limit.
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Outcome { status: Some(status), elapsed: start.elapsed() });
        }
        if start.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(Outcome { status: None, elapsed: start.elapsed() });
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

/// Calls a function with every item, on this many threads; results come in the items' order.
pub fn in_parallel<T: Sync, R: Send>(items: &[T], threads: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut results = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(index) else { return results };
            results.push((index, work(item)));
        }
    };
    let mut results: Vec<(usize, R)> = std::thread::scope(|scope| {
        let workers: Vec<_> =
            (0..threads.clamp(1, items.len().max(1))).map(|_| scope.spawn(worker)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    results.sort_by_key(|(index, _)| *index);
    results.into_iter().map(|(_, result)| result).collect()
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> (Outcome, String) {
        let folder = tempfile::tempdir().unwrap();
        let output = folder.path().join("output");
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        let outcome = run(command, &output, limit).unwrap();
        (outcome, std::fs::read_to_string(output).unwrap())
    }

    #[test]
    fn both_outputs_are_kept_and_the_status_is_told() {
        let (outcome, text) = shell("echo out; echo err >&2; exit 3", Duration::from_secs(60));
        assert_eq!((outcome.status.unwrap().code(), text.as_str()), (Some(3), "out\nerr\n"));
        assert!(!outcome.is_success());
        assert!(shell("true", Duration::from_secs(60)).0.is_success());
    }

    #[test]
    fn a_process_that_hangs_is_killed() {
        let (outcome, text) = shell("echo begun; exec sleep 600", Duration::from_millis(200));
        assert!(outcome.status.is_none() && !outcome.is_success());
        assert!(outcome.elapsed < Duration::from_secs(60), "{:?}", outcome.elapsed);
        assert_eq!(text, "begun\n");
    }

    #[test]
    fn results_come_in_the_order_of_the_items() {
        let items: Vec<u32> = (0..100).collect();
        assert_eq!(
            in_parallel(&items, 7, |item| item * 2),
            items.iter().map(|item| item * 2).collect::<Vec<_>>()
        );
        assert_eq!(in_parallel(&[0; 0], 3, |item| *item), [0; 0]);
    }
}
