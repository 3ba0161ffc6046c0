//! Decides how many connections a transfer uses, from what they bring.
use std::time::{Duration, Instant};

/// How many connections each one brings along once further connections have been seen to help.
const FACTOR: usize = 3;
/// A line that brings more than this gains nothing from further connections: hashing is about as fast.
const FAST_BYTES_PER_SECOND: f64 = 400e6;
/// If the connections have waited for the disk and the hash for more than this share of the time, those are the limit.
const LOCAL_SHARE: f64 = 0.05;
/// A second connection is worth having if both together bring this much more than the first one alone.
const WORTHWHILE: f64 = 1.25;
/// How many ticks a second connection has to show what it brings.
const TRIAL_TICKS: u32 = 4;
/// How long a transfer stays with one connection after a trial that brought nothing; doubled each time.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// What has happened since the transfer began, as seen at one tick.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen {
    /// How many bytes have come.
    pub(crate) bytes: u64,
    /// How long the connections have waited for the disk and the hash since the last tick.
    pub(crate) waited: Duration,
    /// How many connections there are, those that are being made included.
    pub(crate) connections: usize,
    /// How many of them bring bytes beside the first.
    pub(crate) helping: usize,
}

/// The state of the decision.
#[derive(Debug)]
pub(crate) struct Ramp {
    phase: Phase,
    last: (u64, Instant),
    pause: Duration,
}

#[derive(Debug, Clone, Copy)]
enum Phase {
    /// One connection, of which no whole tick has been seen.
    Starting,
    /// One connection.
    Single,
    /// A second one is being tried; the rate is that of the first one alone.
    Trial { alone: f64, start: Option<(u64, Instant)>, ticks: u32 },
    /// Further connections help.
    Wide,
    /// They do not, so it stays with one until then.
    Settled { until: Instant },
}

impl Ramp {
    pub(crate) fn new(now: Instant) -> Self {
        Self { phase: Phase::Starting, last: (0, now), pause: FIRST_PAUSE }
    }

    /// Whether a connection beside the first one should end with its segment.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.phase, Phase::Settled { .. })
    }

    /// Returns how many connections to add.
    pub(crate) fn tick(&mut self, now: Instant, seen: Seen) -> usize {
        let (bytes, since) = std::mem::replace(&mut self.last, (seen.bytes, now));
        let elapsed = now - since;
        let rate = rate(seen.bytes - bytes, elapsed);
        // Where the disk or the hash holds the transfer up, further connections only cost.
        let is_enough = rate > FAST_BYTES_PER_SECOND || seen.waited > elapsed.mul_f64(LOCAL_SHARE);
        match &mut self.phase {
            // Before the first bytes nothing is known of the server, and in the tick of the first bytes little.
            Phase::Starting => {
                if seen.bytes > 0 {
                    self.phase = Phase::Single;
                }
                0
            }
            Phase::Single if is_enough => 0,
            Phase::Single => {
                self.phase = Phase::Trial { alone: rate, start: None, ticks: 0 };
                1
            }
            Phase::Trial { .. } if seen.connections < 2 => {
                self.settle(now);
                0
            }
            Phase::Trial { alone, .. } if seen.helping == 0 => {
                *alone = alone.max(rate);
                0
            }
            Phase::Trial { start: start @ None, .. } => {
                *start = Some((seen.bytes, now));
                0
            }
            Phase::Trial { alone, start: Some((bytes, start)), ticks } => {
                *ticks += 1;
                if self::rate(seen.bytes - *bytes, now - *start) >= *alone * WORTHWHILE {
                    self.phase = Phase::Wide;
                    return if is_enough { 0 } else { seen.connections * FACTOR };
                }
                if *ticks >= TRIAL_TICKS {
                    self.settle(now);
                }
                0
            }
            Phase::Wide if is_enough => 0,
            Phase::Wide => seen.connections * FACTOR,
            Phase::Settled { until } => {
                if now >= *until {
                    self.phase = Phase::Single;
                }
                0
            }
        }
    }

    fn settle(&mut self, now: Instant) {
        self.phase = Phase::Settled { until: now + self.pause };
        self.pause = self.pause.saturating_mul(2).min(Duration::from_secs(60));
    }
}

fn rate(bytes: u64, elapsed: Duration) -> f64 {
    bytes as f64 / elapsed.as_secs_f64().max(0.001)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TICK: Duration = Duration::from_millis(20);

    /// Runs ticks on a line that brings `rate(connections)` bytes a second; returns the connections after each tick.
    fn connections(ticks: usize, waited: Duration, rate: impl Fn(usize) -> f64) -> Vec<usize> {
        let mut now = Instant::now();
        let mut ramp = Ramp::new(now);
        let (mut bytes, mut connections) = (0, 1);
        let mut after = Vec::new();
        for _ in 0..ticks {
            now += TICK;
            bytes += (rate(connections) * TICK.as_secs_f64()) as u64;
            let seen = Seen { bytes, waited, connections, helping: connections - 1 };
            connections = (connections + ramp.tick(now, seen)).min(16);
            if ramp.is_settled() {
                connections = 1;
            }
            after.push(connections);
        }
        after
    }

    #[test]
    fn capped_connections_are_multiplied_within_five_ticks() {
        let after = connections(5, Duration::ZERO, |n| n as f64 * 25e6);
        assert_eq!(after, [1, 2, 2, 8, 16]);
    }

    #[test]
    fn a_line_that_one_connection_fills_gets_a_second_one_on_trial_only() {
        let after = connections(100, Duration::ZERO, |_| 100e6);
        assert!(after.iter().all(|&n| n <= 2));
        assert!(after.iter().filter(|&&n| n == 2).count() <= 2 * (TRIAL_TICKS as usize + 1), "{after:?}");
    }

    #[test]
    fn a_fast_line_or_a_busy_disk_gets_no_second_connection() {
        assert!(connections(50, Duration::ZERO, |_| 900e6).iter().all(|&n| n == 1));
        assert!(connections(50, TICK / 4, |n| n as f64 * 25e6).iter().all(|&n| n == 1));
    }

    #[test]
    fn nothing_is_decided_before_the_first_bytes() {
        assert!(connections(50, Duration::ZERO, |_| 0.0).iter().all(|&n| n == 1));
    }
}
