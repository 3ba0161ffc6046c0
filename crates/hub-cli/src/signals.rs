//! Ctrl-C and the request to stop: a command ends within a second, and what it has received stays on disk.
use std::process;
use std::time::Duration;
use tokio::sync::oneshot;

/// The exit code of a process that SIGINT ended, by the convention of shells.
const SIGINT_EXIT: u8 = 130;
/// The exit code of a process that SIGTERM ended.
const SIGTERM_EXIT: u8 = 143;

/// How long a command has to put away what it holds.
const GRACE: Duration = Duration::from_millis(400);

/// Listens for signals on a task of its own and tells the exit code when one comes.
///
/// A command that is still there after a moment, since it waits for the disk or the keyboard, is ended.
pub fn listen() -> oneshot::Receiver<u8> {
    let (sender, receiver) = oneshot::channel();
    tokio::spawn(async move {
        let code = first_signal().await;
        // The command may be over already, and then so is the process.
        let _ = sender.send(code);
        tokio::time::sleep(GRACE).await;
        process::exit(code.into());
    });
    receiver
}

/// How long the threads of a command that was stopped are waited for.
pub const SHUTDOWN: Duration = Duration::from_millis(200);

/// Waits for Ctrl-C, or for the system to ask the process to stop, and returns the exit code for it.
pub async fn first_signal() -> u8 {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let (Ok(mut interrupt), Ok(mut terminate)) =
            (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
        {
            return tokio::select! {
                _ = interrupt.recv() => SIGINT_EXIT,
                _ = terminate.recv() => SIGTERM_EXIT,
            };
        }
    }
    // Without a way to hear the signal it ends the process by itself.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    let _ = SIGTERM_EXIT;
    SIGINT_EXIT
}
