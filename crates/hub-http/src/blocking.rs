//! The way from async code to work that blocks a thread.
use crate::{Error, ErrorKind, Result};

/// Runs work on tokio's blocking pool: file I/O, hashing, `flock`, anything longer than a millisecond.
///
/// # Errors
/// The error of the work, or [`ErrorKind::Cancelled`] if the runtime shut down before the work began.
///
/// # Panics
/// A panic of the work continues in the caller.
pub async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(error) => Err(Error::new(ErrorKind::Cancelled, "the work was cancelled").caused_by(error)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn results_and_errors_are_returned() {
        assert_eq!(blocking(|| Ok(1)).await.unwrap(), 1);
        let error = blocking::<()>(|| Err(Error::invalid("no"))).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidArgument);
    }

    #[tokio::test]
    #[should_panic(expected = "in the worker")]
    async fn panics_continue_in_the_caller() {
        let _ = blocking::<()>(|| panic!("in the worker")).await;
    }
}
