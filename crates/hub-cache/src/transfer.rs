//! One large file over one connection or several.
use crate::pool::Pool;
use crate::ramp::{Ramp, Seen};
use crate::ranges::Ranges;
use crate::sink::{Order, Sink};
use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use hub_http::header::HeaderMap;
use hub_http::{ByteRange, Error, ErrorKind, Piece, RemoteBody, RemoteFile, Result};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Files from this size on are worth several connections.
const PARALLEL_FROM_BYTES: u64 = 32 << 20;
const SEGMENT_BYTES: u64 = 8 << 20;
const LARGE_SEGMENT_BYTES: u64 = 16 << 20;
/// How many segments the only connection asks for in one request.
const SEGMENTS_IN_ONE: u64 = 16;
/// Less than this is not worth taking from another connection.
const STEAL_BYTES: u64 = 4 << 20;
/// How often it is considered to open further connections.
const RAMP_EVERY: Duration = Duration::from_millis(20);

/// The missing bytes of one file, on their way.
///
/// One connection reads on and on. If that is slow, others are added, which take segments further on; from then on
/// everybody takes segments in order, so that the hash can follow, and at the end the idle take half of what the
/// slowest has left. A server that serves no ranges is left with the one connection.
pub(crate) struct Transfer<'a> {
    remote: &'a RemoteFile,
    size: u64,
    sink: &'a Sink,
    pool: &'a Pool,
    received: &'a (dyn Fn(u64) + Sync),
    work: Mutex<Work>,
    counted: AtomicU64,
    alone: AtomicBool,
    /// How many connections bring bytes beside the first.
    helping: AtomicUsize,
    /// Whether further connections have been seen not to help.
    settled: AtomicBool,
}

#[derive(Default)]
struct Work {
    /// What nobody has taken, in order.
    todo: VecDeque<(u64, u64)>,
    /// What each connection has left.
    spans: Vec<Span>,
    /// Whether all is in one connection's span, up to the end of the file.
    in_order: bool,
    /// The headers of the first answer, which name the exchange.
    headers: HeaderMap,
}

#[derive(Clone, Copy)]
struct Span {
    at: u64,
    end: u64,
}

impl<'a> Transfer<'a> {
    /// Plans to fetch what is missing.
    pub(crate) fn new(
        remote: &'a RemoteFile,
        size: u64,
        have: &Ranges,
        sink: &'a Sink,
        pool: &'a Pool,
        received: &'a (dyn Fn(u64) + Sync),
    ) -> Self {
        let gaps = have.gaps(size);
        let in_order = gaps.len() <= 1 && gaps.iter().all(|gap| gap.1 == size);
        let mut work = Work { in_order, ..Work::default() };
        for (start, end) in gaps {
            if in_order {
                work.todo.push_back((start, end));
            } else {
                work.todo.extend(segments(start, end, size));
            }
        }
        let alone = AtomicBool::new(size < PARALLEL_FROM_BYTES);
        Self {
            remote,
            size,
            sink,
            pool,
            received,
            work: Mutex::new(work),
            counted: AtomicU64::new(0),
            alone,
            helping: AtomicUsize::new(0),
            settled: AtomicBool::new(false),
        }
    }

    /// Fetches it; gives the headers of the first answer, to tell which exchange it was.
    pub(crate) async fn run(&self) -> Result<HeaderMap> {
        if self.work().todo.is_empty() {
            return Ok(HeaderMap::new());
        }
        let _first = self.pool.first().await;
        let mut workers: FuturesUnordered<BoxFuture<'_, Result<()>>> = FuturesUnordered::new();
        workers.push(Box::pin(self.lead()));
        let mut ticks = tokio::time::interval(RAMP_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut ramp = Ramp::new(Instant::now());
        let mut rounds = 3;
        loop {
            tokio::select! {
                biased;
                done = workers.next() => match done {
                    Some(result) => result?,
                    None if self.work().todo.is_empty() => return Ok(std::mem::take(&mut self.work().headers)),
                    // What a failed connection gave back after the first one was through.
                    None if rounds > 0 => {
                        rounds -= 1;
                        workers.push(Box::pin(self.lead()));
                    }
                    None => {
                        return Err(Error::new(ErrorKind::Connection, "the connections ended before the file did"));
                    }
                },
                _ = ticks.tick(), if !self.alone.load(Ordering::Relaxed) => {
                    let seen = Seen {
                        bytes: self.counted.load(Ordering::Relaxed),
                        waited: self.sink.take_waited(),
                        connections: workers.len(),
                        helping: self.helping.load(Ordering::Relaxed),
                    };
                    let more = ramp.tick(Instant::now(), seen);
                    self.settled.store(ramp.is_settled(), Ordering::Relaxed);
                    for _ in 0..more {
                        let Some(permit) = self.pool.another().filter(|_| self.has_more()) else { break };
                        workers.push(Box::pin(async move {
                            let _permit = permit;
                            self.help().await
                        }));
                    }
                }
            }
        }
    }

    fn work(&self) -> MutexGuard<'_, Work> {
        self.work.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first connection: it goes on until nothing is left.
    async fn lead(&self) -> Result<()> {
        let Some((slot, span)) = self.claim(None) else { return Ok(()) };
        let in_order = self.work().in_order;
        let range = if in_order { ByteRange::from(span.at) } else { ByteRange::new(span.at, span.end) };
        let body = match self.remote.open(range).await {
            Err(error) if error.kind() == ErrorKind::RangeIgnored && !in_order => {
                // What is there has holes, and the server does not fill them: all of it, then.
                self.begin_again(slot).await?;
                self.remote.open(ByteRange::ALL).await?
            }
            body => body?,
        };
        self.work().headers = body.headers().clone();
        if body.position() != span.at {
            self.begin_again(slot).await?;
        }
        self.read(slot, body, true).await
    }

    /// A further connection. Whatever befalls it, the first one can do its work.
    async fn help(&self) -> Result<()> {
        let (slot, result) = match self.next_segment().await {
            Ok(Some((slot, body))) => {
                self.helping.fetch_add(1, Ordering::Relaxed);
                let result = self.read(slot, body, false).await;
                self.helping.fetch_sub(1, Ordering::Relaxed);
                (slot, result)
            }
            Ok(None) => return Ok(()),
            Err((slot, error)) => (slot.unwrap_or(usize::MAX), Err(error)),
        };
        let Err(error) = result else { return Ok(()) };
        self.alone.store(true, Ordering::Relaxed);
        let mut work = self.work();
        if let Some(span) = work.spans.get_mut(slot)
            && span.at < span.end
        {
            let left = (span.at, span.end);
            span.end = span.at;
            work.todo.push_front(left);
        }
        let fatal =
            matches!(error.kind(), ErrorKind::ContentChanged | ErrorKind::Io | ErrorKind::InsufficientSpace);
        if fatal {
            return Err(error);
        }
        tracing::debug!(%error, "going on with fewer connections");
        Ok(())
    }

    /// The first segment of a further connection, asked for; the first of all has to be won from the first connection.
    async fn next_segment(&self) -> Result<Option<(usize, RemoteBody)>, (Option<usize>, Error)> {
        let ahead = {
            let work = self.work();
            work.in_order.then(|| work.spans.first().map_or(0, |span| span.at) + segment(self.size))
        };
        let Some(ahead) = ahead else {
            let Some((slot, span)) = self.claim(None) else { return Ok(None) };
            return match self.remote.open(ByteRange::new(span.at, span.end)).await {
                Ok(body) => Ok(Some((slot, body))),
                Err(error) => Err((Some(slot), error)),
            };
        };
        let start = ahead.next_multiple_of(segment(self.size));
        if start >= self.size {
            return Ok(None);
        }
        let end = self.size.min(start + segment(self.size));
        // Only when the server has shown that it serves ranges is anything taken away from the first connection.
        let body = self.remote.open(ByteRange::new(start, end)).await.map_err(|error| (None, error))?;
        let slot = {
            let mut work = self.work();
            if !work.in_order || work.spans.first().is_none_or(|lead| lead.at >= start) {
                return Ok(None);
            }
            work.in_order = false;
            work.spans[0].end = start;
            work.todo.extend(segments(end, self.size, self.size));
            work.spans.push(Span { at: start, end });
            work.spans.len() - 1
        };
        self.sink.send(Order::Journal).await.map_err(|error| (Some(slot), error))?;
        Ok(Some((slot, body)))
    }

    /// Reads segment after segment.
    async fn read(&self, slot: usize, mut body: RemoteBody, lead: bool) -> Result<()> {
        loop {
            while let Some(piece) = body.next().await? {
                let bytes = match piece {
                    Piece::Data(bytes) => bytes,
                    Piece::Restart => {
                        self.begin_again(slot).await?;
                        continue;
                    }
                };
                let (at, taken, more) = {
                    let mut work = self.work();
                    let span = &mut work.spans[slot];
                    let taken = bytes.len().min(usize::try_from(span.end - span.at).unwrap_or(usize::MAX));
                    span.at += taken as u64;
                    (span.at - taken as u64, taken, span.at < span.end)
                };
                self.sink.send(Order::Write(at, bytes.slice(..taken))).await?;
                // What was handed over is kept, even if the download is dropped now.
                self.counted.fetch_add(taken as u64, Ordering::Relaxed);
                (self.received)(taken as u64);
                if !more {
                    break;
                }
            }
            if !lead && (self.pool.is_wanted() || self.settled.load(Ordering::Relaxed)) {
                return Ok(());
            }
            let Some((_, span)) = self.claim(Some(slot)) else { return Ok(()) };
            body = self.remote.open(ByteRange::new(span.at, span.end)).await?;
        }
    }

    /// Takes the next segment, or half of what the slowest has left.
    fn claim(&self, slot: Option<usize>) -> Option<(usize, Span)> {
        let mut work = self.work();
        let (at, end) = match work.todo.pop_front() {
            Some((at, mut end)) => {
                // Nobody else takes segments, so one request does for many that follow each other.
                while self.settled.load(Ordering::Relaxed)
                    && end - at < SEGMENTS_IN_ONE * segment(self.size)
                    && let Some(&(start, next)) = work.todo.front()
                    && start == end
                {
                    work.todo.pop_front();
                    end = next;
                }
                (at, end)
            }
            None => {
                let slowest = work.spans.iter_mut().max_by_key(|span| span.end - span.at)?;
                let left = slowest.end - slowest.at;
                if left < 2 * STEAL_BYTES || self.alone.load(Ordering::Relaxed) {
                    return None;
                }
                let end = slowest.end;
                slowest.end = slowest.at + left / 2;
                (slowest.end, end)
            }
        };
        let span = Span { at, end };
        match slot {
            Some(slot) => {
                work.spans[slot] = span;
                Some((slot, span))
            }
            None => {
                work.spans.push(span);
                Some((work.spans.len() - 1, span))
            }
        }
    }

    /// Whether a further connection would find work.
    fn has_more(&self) -> bool {
        let work = self.work();
        let left = |span: &Span| span.end - span.at;
        !work.todo.is_empty() || work.spans.iter().any(|span| left(span) >= 2 * STEAL_BYTES)
    }

    /// Makes one connection fetch the whole file from its first byte.
    async fn begin_again(&self, slot: usize) -> Result<()> {
        {
            let mut work = self.work();
            if work.spans.iter().enumerate().any(|(other, span)| other != slot && span.at < span.end) {
                return Err(Error::new(
                    ErrorKind::ContentChanged,
                    "the server served ranges of the file and then no more; try again",
                ));
            }
            work.todo.clear();
            work.in_order = true;
            work.spans[slot] = Span { at: 0, end: self.size };
        }
        self.alone.store(true, Ordering::Relaxed);
        self.sink.send(Order::Restart).await
    }
}

fn segment(size: u64) -> u64 {
    if size < 1 << 30 { SEGMENT_BYTES } else { LARGE_SEGMENT_BYTES }
}

/// Cuts a range where segments end.
fn segments(start: u64, end: u64, size: u64) -> impl Iterator<Item = (u64, u64)> {
    let length = segment(size);
    let mut at = start;
    std::iter::from_fn(move || {
        let from = at;
        at = (at + 1).next_multiple_of(length).min(end);
        (from < end).then_some((from, at))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_cover_a_range_and_end_at_multiples() {
        let mb = 1 << 20;
        let cut: Vec<_> = segments(mb, 20 * mb, 100 * mb).collect();
        assert_eq!(cut, [(mb, 8 * mb), (8 * mb, 16 * mb), (16 * mb, 20 * mb)]);
        assert_eq!(segments(5, 5, 100 * mb).count(), 0);
    }
}
