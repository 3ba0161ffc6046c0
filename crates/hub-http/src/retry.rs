//! The one retry engine: when a failed request is sent again, and how long to wait before it.
use crate::{Error, Timeout};
use reqwest::StatusCode;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// How many retries a client may make beyond its successes before it stops retrying.
const BUDGET_RETRIES: f64 = 500.0;
/// How many retries a client regains in each second, so that one that was idle after an outage retries again.
const BUDGET_PER_SECOND: f64 = 1.0;

/// What sending a request twice may do, which decides when it is retried.
///
/// Every request is retried if it never reached the server or was rate-limited, since it was not performed then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Idempotency {
    /// Twice is the same as once: GET, HEAD, PUT, and a POST that only asks. Retried after any transient failure.
    Safe,
    /// A DELETE: retried as [`Idempotency::Safe`]. If an attempt may have deleted the thing and the next one is answered
    /// with 404, the deletion has succeeded.
    Delete,
    /// Twice is not the same as once. Not retried once the server may have performed it.
    Unsafe,
}

/// How often and how patiently a request is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct RetryPolicy {
    /// How many times a request is sent at most; 1 means no retries.
    pub max_attempts: u32,
    /// The wait before the second attempt; it doubles each time.
    pub base: Duration,
    /// The longest wait that is chosen here.
    pub cap: Duration,
    /// The longest wait that a server may ask for; a longer one is an error that says how long.
    pub max_wait: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            max_attempts: 5,
            base: Duration::from_millis(300),
            cap: Duration::from_secs(20),
            max_wait: Duration::from_secs(600),
        }
    }
}

impl RetryPolicy {
    /// A policy that never repeats.
    pub const fn never() -> Self {
        Self { max_attempts: 1, base: Duration::ZERO, cap: Duration::ZERO, max_wait: Duration::ZERO }
    }

    /// The wait after the given number of attempts: exponential, with half of it random.
    pub fn backoff(&self, attempts: u32) -> Duration {
        let doubled = self.base.saturating_mul(1 << attempts.saturating_sub(1).min(16));
        doubled.min(self.cap).mul_f64(0.5 + fastrand::f64() / 2.0)
    }
}

/// A moment by which everything has to be done, and the limit that it was made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    pub(crate) at: Instant,
    pub(crate) limit: Timeout,
}

impl Deadline {
    /// Starts a limit now; none if it is no limit.
    pub(crate) fn start(limit: Timeout) -> Option<Self> {
        limit.deadline(Instant::now()).map(|at| Self { at, limit })
    }

    pub(crate) fn left(&self) -> Duration {
        self.at.saturating_duration_since(Instant::now())
    }
}

/// The retries of one operation: counts its failures, chooses the pauses between attempts, and gives up.
///
/// The transport has one for each request. Code above it that repeats something larger, such as a commit or the rest of
/// a file, takes one from [`Client::retry`](crate::Client::retry), so that everything shares one policy, the retry
/// budget of the client, and the limits of the handle.
#[derive(Debug, Clone)]
pub struct Retry {
    policy: RetryPolicy,
    budget: Arc<Budget>,
    deadline: Option<Deadline>,
    /// How much more waiting that servers ask for is accepted, all attempts together.
    patience: Option<Duration>,
    failures: u32,
}

impl Retry {
    pub(crate) fn new(
        policy: RetryPolicy,
        budget: Arc<Budget>,
        deadline: Option<Deadline>,
        patience: Option<Duration>,
    ) -> Self {
        Self { policy, budget, deadline, patience, failures: 0 }
    }

    /// Sets how many attempts are made at most.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: u32) -> Self {
        self.policy.max_attempts = attempts;
        self
    }

    /// Starts counting anew, after progress that has earned it.
    pub fn reset(&mut self) {
        self.failures = 0;
    }

    /// Counts a failed attempt that may be repeated, waits before the next one, and returns the failure.
    ///
    /// # Errors
    /// The failure, if this was the last attempt, if the server asks to wait for longer than the handle accepts, if
    /// the deadline leaves no time, or if the retry budget of the client is used up.
    pub async fn wait(&mut self, failure: Error) -> Result<Error, Error> {
        let (wait, error) = self.plan(failure)?;
        tracing::debug!(attempt = self.failures, %error, "trying again");
        self.waited(error.retry_after().unwrap_or_default());
        tokio::time::sleep(wait).await;
        Ok(error)
    }

    /// Counts a failed attempt and chooses the pause before the next one, or returns the failure.
    pub(crate) fn plan(&mut self, error: Error) -> Result<(Duration, Error), Error> {
        self.failures += 1;
        let attempts = error.attempts().max(self.failures);
        let error = error.with_attempts(attempts);
        if self.failures >= self.policy.max_attempts {
            return Err(error);
        }
        let asked = error.retry_after();
        let limit = self.wait_limit();
        if let Some(wait) = asked.filter(|wait| *wait > limit) {
            let text = || {
                let (wait, limit) = (wait.as_secs_f64(), limit.as_secs_f64());
                format!("the server asks to wait {wait:.0} s, longer than the limit of {limit:.0} s")
            };
            return Err(error.context(text));
        }
        // A pause is made even if the server asks for none, so that no loop can be driven by it.
        let wait = asked.unwrap_or_default().max(self.policy.backoff(self.failures));
        if let Some(deadline) = self.deadline.filter(|deadline| deadline.left() <= wait) {
            let text = || format!("the deadline of {} leaves no time for another attempt", deadline.limit);
            return Err(error.context(text));
        }
        // A pause that the server chose is its own protection.
        if asked.is_none() && !self.budget.take() {
            return Err(error.context(|| "too many requests of this client fail to retry them".to_owned()));
        }
        Ok((wait, error))
    }

    /// How long a server may ask to wait now.
    pub(crate) fn wait_limit(&self) -> Duration {
        self.patience.map_or(self.policy.max_wait, |patience| patience.min(self.policy.max_wait))
    }

    /// Notes that a wait which a server asked for was made.
    pub(crate) fn waited(&mut self, wait: Duration) {
        if let Some(patience) = &mut self.patience {
            *patience = patience.saturating_sub(wait);
        }
    }

    pub(crate) fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    pub(crate) fn attempt(&self) -> u32 {
        self.failures + 1
    }

    /// Notes that a request succeeded, which earns a retry.
    pub(crate) fn succeeded(&self) {
        self.budget.give(1.0);
    }
}

/// The retries that a client has left: each takes one and each success gives one back, so that clients which fail all
/// the time do not multiply the load of a server that is down.
#[derive(Debug)]
pub(crate) struct Budget(Mutex<(f64, Instant)>);

impl Default for Budget {
    fn default() -> Self {
        Self(Mutex::new((BUDGET_RETRIES, Instant::now())))
    }
}

impl Budget {
    fn take(&self) -> bool {
        let mut budget = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let regained = now.saturating_duration_since(budget.1).as_secs_f64() * BUDGET_PER_SECOND;
        *budget = ((budget.0 + regained).min(BUDGET_RETRIES), now);
        let enough = budget.0 >= 1.0;
        if enough {
            budget.0 -= 1.0;
        }
        enough
    }

    fn give(&self, retries: f64) {
        let mut budget = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        budget.0 = (budget.0 + retries).min(BUDGET_RETRIES);
    }
}

/// Whether an answer of this status may be different the next time.
pub(crate) fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 425 | 429 | 500 | 502 | 503 | 504)
}

/// How long the server asks to wait: `Retry-After` in seconds or as a date, or `RateLimit` with nothing left.
pub(crate) fn asked_wait(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(value) = text(RETRY_AFTER.as_str()) {
        let value = value.trim();
        if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
            // More than fits is still a wait, and one that is too long.
            return Some(Duration::from_secs(value.parse().unwrap_or(u64::MAX)));
        }
        if let Ok(date) = httpdate::parse_http_date(value) {
            return Some(date.duration_since(now).unwrap_or_default());
        }
    }
    exhausted_for(text("ratelimit")?)
}

/// The reset time in a `RateLimit` header such as `"api";r=0;t=55`, if no request is left.
fn exhausted_for(value: &str) -> Option<Duration> {
    value
        .split(',')
        .filter_map(|policy| {
            let param = |name: &str| {
                policy.split(';').find_map(|part| {
                    part.trim().strip_prefix(name)?.trim().strip_prefix('=')?.trim().parse::<u64>().ok()
                })
            };
            (param("r")? == 0).then(|| param("t")).flatten()
        })
        .max()
        .map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use reqwest::header::HeaderValue;

    fn wait(name: &'static str, value: &str) -> Option<u64> {
        let mut headers = HeaderMap::new();
        headers.insert(name, HeaderValue::from_str(value).unwrap());
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_770);
        asked_wait(&headers, now).map(|wait| wait.as_secs())
    }

    #[test]
    fn asked_waits_are_read() {
        let cases = [
            ("retry-after", "5", Some(5)),
            ("retry-after", " 7 ", Some(7)),
            ("retry-after", "0", Some(0)),
            ("retry-after", "1000000000", Some(1_000_000_000)),
            ("retry-after", "99999999999999999999", Some(u64::MAX)),
            ("retry-after", "", None),
            ("retry-after", "Sun, 06 Nov 1994 08:49:37 GMT", Some(7)),
            ("retry-after", "Sun, 06 Nov 1994 08:49:00 GMT", Some(0)),
            ("retry-after", "-5", None),
            ("retry-after", "soon", None),
            ("ratelimit", "\"api\";r=0;t=55", Some(55)),
            ("ratelimit", "\"api\";r=3;t=55", None),
            ("ratelimit", "\"a\";r=0;t=2, \"b\";r=0;t=9", Some(9)),
            ("ratelimit", "garbage", None),
        ];
        for (name, value, seconds) in cases {
            assert_eq!(wait(name, value), seconds, "{name}: {value}");
        }
    }

    #[test]
    fn backoff_doubles_up_to_the_cap() {
        let policy = RetryPolicy::default();
        for attempts in 1..40 {
            let wait = policy.backoff(attempts);
            assert!(wait <= policy.cap && wait >= policy.base.min(policy.cap) / 2, "{attempts}: {wait:?}");
        }
    }

    fn retry(patience: Option<u64>, deadline: Option<u64>) -> Retry {
        let deadline = deadline.and_then(|seconds| Deadline::start(Timeout::from_secs(seconds)));
        Retry::new(RetryPolicy::default(), Arc::default(), deadline, patience.map(Duration::from_secs))
    }

    fn failure(asked: Option<u64>) -> Error {
        Error::new(ErrorKind::RateLimited, "no").with_retry_after(asked.map(Duration::from_secs))
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_of_zero_seconds_is_still_a_pause() {
        let mut retry = retry(None, None);
        for _ in 1..5 {
            let (wait, _) = retry.plan(failure(Some(0))).unwrap();
            assert!(wait >= Duration::from_millis(150), "{wait:?}");
        }
        assert_eq!(retry.plan(failure(Some(0))).unwrap_err().attempts(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn patience_bounds_all_waits_together() {
        let mut retry = retry(Some(10), None);
        retry.wait(failure(Some(6))).await.unwrap();
        let error = retry.wait(failure(Some(6))).await.unwrap_err();
        assert!(error.to_string().contains("asks to wait 6 s, longer than the limit of 4 s"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_leaves_no_time_for_a_pause_beyond_it() {
        let start = Instant::now();
        let error = retry(None, Some(3)).wait(failure(Some(5))).await.unwrap_err();
        assert!(error.to_string().contains("the deadline of 3 s"), "{error}");
        assert_eq!(start.elapsed(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_budget_is_used_up_by_failures_and_earned_by_successes() {
        let budget = Budget::default();
        let taken = (0..1000).filter(|_| budget.take()).count();
        assert_eq!(taken, 500);
        budget.give(1.0);
        assert!(budget.take() && !budget.take());
        tokio::time::advance(Duration::from_secs(3)).await;
        assert_eq!((0..10).filter(|_| budget.take()).count(), 3);
    }
}
