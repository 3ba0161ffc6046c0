//! One gate for each host: when a server asks to wait, every task waits, not only the one that was told.
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// The times before which hosts must not be asked again.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    closed_until: Mutex<HashMap<String, Instant>>,
}

impl Limiter {
    /// Waits until the host may be asked, and returns how long that took.
    ///
    /// # Errors
    /// How long the wait would be, at once, if that is more than `limit`.
    pub(crate) async fn ready(&self, host: &str, limit: Duration) -> Result<Duration, Duration> {
        let start = Instant::now();
        // Tasks that wait for the same gate leave it over a tenth of the wait, not all in one moment.
        while let Some(until) = self.closed_until(host) {
            let wait = until.saturating_duration_since(Instant::now());
            let left = limit.saturating_sub(start.elapsed());
            if wait > left {
                return Err(wait);
            }
            let spread = wait.mul_f64(fastrand::f64() / 10.0).min(Duration::from_secs(5));
            tokio::time::sleep_until(until + spread.min(left - wait)).await;
        }
        Ok(start.elapsed())
    }

    /// Closes the gate of a host for a time; never opens it earlier than it would.
    pub(crate) fn close(&self, host: &str, wait: Duration) {
        let until = Instant::now() + wait;
        let mut gates = self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        let gate = gates.entry(host.to_owned()).or_insert(until);
        *gate = (*gate).max(until);
    }

    fn closed_until(&self, host: &str) -> Option<Instant> {
        let gates = self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        gates.get(host).copied().filter(|until| *until > Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn everybody_waits_for_a_closed_gate() {
        let limiter = Limiter::default();
        let start = Instant::now();
        limiter.close("a", Duration::from_secs(5));
        limiter.close("a", Duration::from_secs(1));
        let minute = Duration::from_secs(60);
        limiter.ready("b", minute).await.unwrap();
        assert_eq!(start.elapsed(), Duration::ZERO);
        futures_util::future::join_all((0..50).map(|_| limiter.ready("a", minute))).await;
        assert!(start.elapsed() >= Duration::from_secs(5) && start.elapsed() <= Duration::from_secs(6));
    }

    #[tokio::test(start_paused = true)]
    async fn a_gate_that_opens_too_late_is_refused_at_once() {
        let limiter = Limiter::default();
        let start = Instant::now();
        limiter.close("a", Duration::from_secs(500));
        let refused = limiter.ready("a", Duration::from_secs(10)).await;
        assert_eq!((refused, start.elapsed()), (Err(Duration::from_secs(500)), Duration::ZERO));
    }
}
