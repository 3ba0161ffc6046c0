//! Downloads and listings against curl, on the same local Hub.
use crate::server::Server;
use crate::{Result, process};
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const RUNS: usize = 3;
const LARGE_BYTES: u64 = 1 << 30;
const SMALL_FILES: usize = 2_000;

/// Measures and prints ratios: how many times as long as curl `hub` takes.
pub fn run() -> Result {
    let hub = process::release_binary()?;
    let scratch = process::target().join("bench").join(format!("run-{}", std::process::id()));
    fs::create_dir_all(&scratch)?;
    let server = Server::start(&hub, &scratch.join("hub"))?;
    let bench = Bench { hub, server, scratch };
    let result = bench.measure();
    let Bench { server, scratch, .. } = bench;
    drop(server);
    fs::remove_dir_all(scratch)?;
    result
}

struct Bench {
    hub: PathBuf,
    server: Server,
    scratch: PathBuf,
}

impl Bench {
    fn measure(&self) -> Result {
        let large = self.scratch.join("large");
        fs::create_dir(&large)?;
        noise(&large.join("weights.safetensors"), LARGE_BYTES)?;
        self.upload("local/large", &large)?;
        fs::remove_dir_all(&large)?;
        let resolve = |repo: &str, file: &str| format!("{}/{repo}/resolve/main/{file}", self.server.endpoint);

        let target = self.text("curl.out");
        let url = resolve("local/large", "weights.safetensors");
        self.compare(
            "one file of 1 GiB",
            &["download", "local/large", "weights.safetensors"],
            &["--location", "--output", &target, &url],
        )?;

        let small = self.scratch.join("small");
        fs::create_dir(&small)?;
        let mut config = String::new();
        for number in 0..SMALL_FILES {
            let name = format!("part-{number:04}.json");
            fs::write(
                small.join(&name),
                format!("{{\"number\": {number}, \"pad\": \"{}\"}}\n", "x".repeat(1000)),
            )?;
            let output = self.scratch.join("curl").join(&name);
            config +=
                &format!("url = \"{}\"\noutput = \"{}\"\n", resolve("local/small", &name), output.display());
        }
        self.upload("local/small", &small)?;
        fs::create_dir(self.scratch.join("curl"))?;
        let file = self.scratch.join("curl.config");
        fs::write(&file, config)?;
        let file = file.to_string_lossy();
        self.compare(
            "a snapshot of 2,000 files",
            &["download", "local/small"],
            &["--parallel", "--parallel-max", "32", "--config", &file],
        )?;

        let tree = format!("{}/api/models/local/small/tree/main?recursive=True", self.server.endpoint);
        self.compare(
            "a listing of 2,000 files",
            &["call", "list_repo_files", r#"{"repo_id": "local/small"}"#],
            &["--output", &target, &tree],
        )
    }

    fn upload(&self, repo: &str, folder: &Path) -> Result {
        let mut command = process::command(&self.hub, &["upload", repo, &folder.to_string_lossy()]);
        self.server.environment(&mut command, &self.scratch.join("home"));
        process::output(command).map(drop)
    }

    /// Runs both in turn, each time from nothing, and prints the medians.
    fn compare(&self, what: &str, ours: &[&str], curl: &[&str]) -> Result {
        let (mut our_times, mut curl_times) = (Vec::new(), Vec::new());
        let header = format!("Authorization: Bearer {}", self.server.token);
        for run in 0..RUNS {
            let home = self.scratch.join(format!("cold-{run}"));
            let mut command = process::command(&self.hub, ours);
            self.server.environment(&mut command, &home);
            our_times.push(timed(command)?);
            if home.exists() {
                fs::remove_dir_all(home)?;
            }
            let mut command =
                process::command("curl", &["--silent", "--show-error", "--fail", "--header", &header]);
            command.args(curl);
            curl_times.push(timed(command)?);
        }
        let (ours, curl) = (median(&mut our_times).as_secs_f64(), median(&mut curl_times).as_secs_f64());
        println!("{what}: hub {ours:.3} s, curl {curl:.3} s, ratio {:.2}", ours / curl);
        Ok(())
    }

    fn text(&self, name: &str) -> String {
        self.scratch.join(name).to_string_lossy().into_owned()
    }
}

fn timed(command: Command) -> Result<Duration> {
    let start = Instant::now();
    process::output(command)?;
    Ok(start.elapsed())
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

/// Writes bytes that no compression makes smaller.
fn noise(path: &Path, size_bytes: u64) -> Result {
    let mut file = File::create(path)?;
    let (mut state, mut block) = (0x9e37_79b9_7f4a_7c15_u64, vec![0; 1 << 20]);
    let mut left = size_bytes;
    while left > 0 {
        for word in block.chunks_exact_mut(8) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            word.copy_from_slice(&state.to_le_bytes());
        }
        let now = left.min(block.len() as u64);
        file.write_all(&block[..usize::try_from(now)?])?;
        left -= now;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_has_the_size_and_no_pattern() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("noise");
        noise(&path, (1 << 20) + 5).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert_eq!(bytes.len(), (1 << 20) + 5);
        assert_ne!(bytes[..8], bytes[8..16]);
    }

    #[test]
    fn the_median_is_the_middle() {
        let mut times = [3, 1, 2].map(Duration::from_secs);
        assert_eq!(median(&mut times), Duration::from_secs(2));
    }
}
