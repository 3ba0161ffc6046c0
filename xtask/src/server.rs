//! `hub serve` as another process, ended with its value.
use crate::Result;
use serde_json::Value;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A Hub that serves until it is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    /// Where it listens.
    pub endpoint: String,
    /// Who may do everything.
    pub token: String,
}

impl Server {
    /// Starts the release binary on a folder, at any free port.
    pub fn start(hub: &Path, data: &Path) -> Result<Self> {
        let token = format!("hf_interop{}", std::process::id());
        let mut command = Command::new(hub);
        command.args(["serve", "--format", "json", "--port", "0", "--token", &token, "--data"]).arg(data);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        if let Some(stdout) = child.stdout.as_mut() {
            BufReader::new(stdout).read_line(&mut line)?;
        }
        let endpoint = serde_json::from_str(&line)
            .ok()
            .and_then(|told: Value| told["endpoint"].as_str().map(str::to_owned));
        // From here on dropping it ends the process, also when it said nothing.
        let mut server = Self { child, endpoint: String::new(), token };
        server.endpoint =
            endpoint.ok_or_else(|| format!("`hub serve` did not tell its endpoint, but {line:?}"))?;
        Ok(server)
    }

    /// Lets a program work with this Hub, and with nothing else that the machine knows of one.
    pub fn environment(&self, command: &mut Command, home: &Path) {
        for (name, _) in std::env::vars_os() {
            let foreign = name.to_str().is_some_and(|name| {
                name.starts_with("HF_")
                    || name.starts_with("HUGGING")
                    || name.to_uppercase().ends_with("_PROXY")
            });
            if foreign {
                command.env_remove(name);
            }
        }
        command
            .env("HF_ENDPOINT", &self.endpoint)
            .env("HF_TOKEN", &self.token)
            .env("HF_HOME", home)
            .env("HF_HUB_DISABLE_XET", "1")
            .env("HF_HUB_DISABLE_TELEMETRY", "1")
            .env("HF_HUB_DISABLE_PROGRESS_BARS", "1");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself; there is nobody to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
