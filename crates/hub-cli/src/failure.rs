//! What a command that failed prints, and its exit code.
use hub_client::{Error, ErrorKind};
use serde_json::json;
use std::process::ExitCode;

/// A failure on its way to the terminal.
#[derive(Debug)]
pub struct Failure {
    error: Error,
    machine: bool,
}

impl Failure {
    /// A failure told as one JSON line, for programs.
    pub fn machine(error: Error) -> Self {
        Self { error, machine: true }
    }

    /// Prints the failure on the standard error and gives the exit code: 2 for arguments, 74 for content that is not
    /// what its hash says, else 1.
    pub fn report(&self) -> ExitCode {
        let error = &self.error;
        if self.machine {
            let line = json!({
                "error": error.kind().python_class(),
                "status": error.status(),
                "message": error.full_message(),
                "request_id": error.request_id(),
            });
            eprintln!("{line}");
        } else {
            eprintln!("error: {}", crate::output::escape(&error.full_message()));
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
        Self { error, machine: false }
    }
}
