//! What a command that failed prints, and its exit code.
use crate::terminal::{escape, note};
use hub_client::{Error, ErrorKind};
use serde_json::json;
use std::process::ExitCode;

/// A failure on its way to the terminal.
#[derive(Debug)]
pub struct Failure {
    error: Error,
    machine: bool,
    /// The exit code of a process that a signal ended.
    interrupted: Option<u8>,
}

impl Failure {
    /// A failure told as one JSON line, for programs.
    pub fn machine(error: Error) -> Self {
        Self { error, machine: true, interrupted: None }
    }

    /// The end of a command that a signal stopped.
    pub fn interrupted(exit_code: u8) -> Self {
        let error = Error::new(
            ErrorKind::Cancelled,
            "interrupted; the same command continues an upload or a download",
        );
        Self { error, machine: false, interrupted: Some(exit_code) }
    }

    /// The failure as one JSON line.
    pub fn for_programs(self) -> Self {
        Self { machine: true, ..self }
    }

    /// Prints the failure on the standard error, as JSON if asked to, and returns the exit code: 2 for arguments, 74 for
    /// content that is not what its hash says, 130 and 143 for SIGINT and SIGTERM, else 1.
    pub fn report(&self, json: bool) -> ExitCode {
        let error = &self.error;
        if self.machine || json {
            let line = json!({
                "error": error.kind().python_class(),
                "status": error.status(),
                "message": error.full_message(),
                "request_id": error.request_id(),
            });
            note(&line.to_string());
        } else {
            note(&format!("error: {}", escape(&error.full_message())));
        }
        if let Some(code) = self.interrupted {
            return ExitCode::from(code);
        }
        ExitCode::from(match error.kind() {
            ErrorKind::InvalidArgument | ErrorKind::TokenMissing => 2,
            ErrorKind::HashMismatch if !self.machine => 74,
            ErrorKind::Cancelled if !self.machine => 130,
            _ => 1,
        })
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, machine: false, interrupted: None }
    }
}
