//! The one checked duration type for every time limit.
use hub_types::InvalidArgument;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;
use tokio::time::Instant;

/// Limits above this are no limit: an `Instant` that far ahead may not be representable.
const LONGEST: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// An upper bound on waiting, or no bound at all.
///
/// Every time limit that comes from outside (an environment variable, a Python `float`, a builder call) passes through
/// this type, so arithmetic on deadlines cannot overflow. Limits longer than a century count as [`Timeout::NONE`].
///
/// ```
/// use hub_http::Timeout;
/// use std::time::Duration;
///
/// assert_eq!("2.5".parse::<Timeout>()?.duration(), Some(Duration::from_millis(2500)));
/// assert_eq!(Timeout::from_secs_f64(1e19)?, Timeout::NONE);
/// assert!(Timeout::from_secs_f64(-1.0).is_err());
/// # Ok::<(), hub_types::InvalidArgument>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timeout(Duration);

impl Timeout {
    /// No limit.
    pub const NONE: Self = Self(Duration::MAX);

    /// Creates a limit; one longer than a century is [`Timeout::NONE`].
    pub const fn new(limit: Duration) -> Self {
        if limit.as_secs() >= LONGEST.as_secs() { Self::NONE } else { Self(limit) }
    }

    /// Creates a limit of whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self::new(Duration::from_secs(seconds))
    }

    /// Creates a limit from seconds as Python and environment variables give them.
    ///
    /// # Errors
    /// The number is NaN, zero or negative.
    pub fn from_secs_f64(seconds: f64) -> Result<Self, InvalidArgument> {
        if seconds.is_nan() || seconds <= 0.0 {
            return Err(InvalidArgument::new(format!("{seconds} is not a number of seconds above 0")));
        }
        // Less than a nanosecond would round to zero, which is not a limit that anybody means.
        Ok(Duration::try_from_secs_f64(seconds)
            .map_or(Self::NONE, |limit| Self::new(limit.max(Duration::from_nanos(1)))))
    }

    /// Returns the duration, or `None` if there is no limit.
    pub fn duration(self) -> Option<Duration> {
        (self != Self::NONE).then_some(self.0)
    }

    /// Returns the moment at which the limit expires, or `None` if there is no limit.
    pub fn deadline(self, start: Instant) -> Option<Instant> {
        start.checked_add(self.duration()?)
    }

    /// Waits for a future, and returns `None` if the limit expires first.
    pub async fn limit<F: Future>(self, future: F) -> Option<F::Output> {
        match self.duration() {
            Some(limit) => tokio::time::timeout(limit, future).await.ok(),
            None => Some(future.await),
        }
    }
}

impl From<Duration> for Timeout {
    fn from(limit: Duration) -> Self {
        Self::new(limit)
    }
}

impl FromStr for Timeout {
    type Err = InvalidArgument;

    fn from_str(text: &str) -> Result<Self, InvalidArgument> {
        let seconds = text
            .trim()
            .parse::<f64>()
            .map_err(|_| InvalidArgument::new(format!("{text:?} is not a number of seconds above 0")))?;
        Self::from_secs_f64(seconds)
    }
}

/// Writes the limit as people read it: `10 s`, `2.5 s` or `no limit`.
impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.duration() {
            Some(limit) => write!(f, "{} s", limit.as_secs_f64()),
            None => f.write_str("no limit"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_are_checked() {
        for text in ["0", "-1", "-inf", "nan", "-0.0", "soon", "", "1s"] {
            assert!(text.parse::<Timeout>().is_err(), "{text:?}");
        }
        for text in ["inf", "1e19", "9999999999999999999", "3153600000"] {
            assert_eq!(text.parse::<Timeout>().unwrap(), Timeout::NONE, "{text:?}");
        }
        for (text, millis) in [("2.5", 2500), (" 10 ", 10_000), ("1e-3", 1)] {
            assert_eq!(text.parse::<Timeout>().unwrap().duration(), Some(Duration::from_millis(millis)));
        }
        assert!("1e-30".parse::<Timeout>().unwrap().duration().is_some_and(|limit| !limit.is_zero()));
    }

    #[test]
    fn no_limit_is_the_longest_and_never_overflows() {
        assert_eq!(Timeout::new(Duration::MAX), Timeout::NONE);
        assert!(Timeout::from_secs(10) < Timeout::NONE);
        assert_eq!(Timeout::NONE.deadline(Instant::now()), None);
        assert!(Timeout::new(LONGEST - Duration::from_secs(1)).deadline(Instant::now()).is_some());
    }

    #[test]
    fn limits_are_written_in_seconds() {
        assert_eq!(Timeout::from_secs_f64(2.5).unwrap().to_string(), "2.5 s");
        assert_eq!(Timeout::from_secs(10).to_string(), "10 s");
        assert_eq!(Timeout::NONE.to_string(), "no limit");
    }
}
