//! Where the bytes of a transfer go: to disk and through the hash, on threads of their own.
use crate::fs::Reader;
use crate::hasher::Hasher;
use crate::partial::Partial;
use bytes::Bytes;
use hub_http::{Error, ErrorKind, IoContext as _, Result};
use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, mpsc as sync};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

/// How many bytes of one file may wait to be written and hashed: enough to keep all threads busy, little enough to keep
/// memory flat with many files in flight.
const MAX_QUEUED_BYTES: usize = 4 << 20;
/// A sender that had to wait goes on when the queue has shrunk to this. Waking it for every piece that leaves the queue
/// would cost a system call and a context switch each time.
const RESUME_BELOW_BYTES: usize = 2 << 20;
/// How many pieces may wait, however small.
const WAITING: usize = 256;
const READ_BYTES: usize = 1 << 20;

/// What a transfer tells the threads behind it.
pub(crate) enum Order {
    /// Bytes for a place.
    Write(u64, Bytes),
    /// From now on bytes come in any order.
    Journal,
    /// What came so far is void.
    Restart,
}

/// The bytes on their way to the disk and through the hash.
#[derive(Default)]
struct Queue {
    bytes: AtomicUsize,
    shrunk: Notify,
    /// How long senders have waited, in microseconds.
    waited_micros: AtomicU64,
}

impl Queue {
    /// Waits until there is room, then takes it until the returned value is dropped.
    async fn enter(self: &Arc<Self>, bytes: usize) -> Room {
        if self.bytes.load(Ordering::Acquire) >= MAX_QUEUED_BYTES {
            let start = Instant::now();
            loop {
                let mut shrunk = pin!(self.shrunk.notified());
                shrunk.as_mut().enable();
                if self.bytes.load(Ordering::Acquire) <= RESUME_BELOW_BYTES {
                    break;
                }
                shrunk.await;
            }
            let waited = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
            self.waited_micros.fetch_add(waited, Ordering::Relaxed);
        }
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
        Room { queue: self.clone(), bytes }
    }
}

/// The room that a piece takes up in the queue until it is written and hashed.
struct Room {
    queue: Arc<Queue>,
    bytes: usize,
}

impl Drop for Room {
    fn drop(&mut self) {
        let before = self.queue.bytes.fetch_sub(self.bytes, Ordering::AcqRel);
        if before > RESUME_BELOW_BYTES && before - self.bytes <= RESUME_BELOW_BYTES {
            self.queue.shrunk.notify_waiters();
        }
    }
}

/// What became of a transfer.
pub(crate) struct Received {
    /// The file.
    pub(crate) partial: Partial,
    /// The hash of all its bytes, if its name is a hash.
    pub(crate) hash: Option<String>,
}

/// The threads that write and hash what a transfer brings.
///
/// Writing and hashing take about as long as receiving, so each has its own thread beside the sockets' one. Bytes are
/// hashed in order: as they come if they are next, else read back when the gap before them has closed. When it is
/// dropped, what was handed over is written and noted all the same, and the partial stays.
pub(crate) struct Sink {
    orders: mpsc::Sender<(Order, Option<Room>)>,
    queue: Arc<Queue>,
    writer: JoinHandle<Result<Received>>,
}

impl Sink {
    /// Starts the threads; bytes that the partial has already are hashed first.
    ///
    /// What keeps others from the partial is held until nothing is written any more.
    pub(crate) fn start(partial: Partial, hasher: Hasher, held: impl Send + 'static) -> Self {
        let (orders, receiver) = mpsc::channel(WAITING);
        let writer = tokio::task::spawn_blocking(move || {
            let received = write(partial, hasher, receiver);
            drop(held);
            received
        });
        Self { orders, queue: Arc::default(), writer }
    }

    /// Hands an order over; when the threads have failed it says so, and [`Sink::finish`] says why.
    pub(crate) async fn send(&self, order: Order) -> Result<()> {
        let room = match &order {
            Order::Write(_, bytes) => Some(self.queue.enter(bytes.len()).await),
            Order::Journal | Order::Restart => None,
        };
        let failed = |_| Error::new(ErrorKind::Io, "the file could not be written");
        self.orders.send((order, room)).await.map_err(failed)
    }

    /// Returns how long senders have waited for the disk and the hash since the last call.
    pub(crate) fn take_waited(&self) -> Duration {
        Duration::from_micros(self.queue.waited_micros.swap(0, Ordering::Relaxed))
    }

    /// Waits until everything is written and hashed.
    pub(crate) async fn finish(self) -> Result<Received> {
        drop(self.orders);
        self.writer.await.map_err(|error| {
            Error::new(ErrorKind::Cancelled, "writing a file was cancelled").caused_by(error)
        })?
    }
}

fn write(
    mut partial: Partial,
    hasher: Hasher,
    mut orders: mpsc::Receiver<(Order, Option<Room>)>,
) -> Result<Received> {
    let path = partial.path().to_path_buf();
    let reader = partial.reader()?;
    let (to_hash, hashing) = sync::sync_channel(WAITING);
    let restarts = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        let hashed = scope.spawn(|| hash(&path, &reader, hasher, hashing, &restarts));
        let mut at = 0;
        let mut result = pass_on(&partial, &mut at, None, &to_hash);
        while let Some((order, room)) = orders.blocking_recv().filter(|_| result.is_ok()) {
            result = match order {
                Order::Write(offset, bytes) => partial
                    .write(offset, &bytes)
                    .and_then(|()| pass_on(&partial, &mut at, Some((offset, bytes, room)), &to_hash)),
                Order::Journal => partial.begin_journal(),
                Order::Restart => {
                    at = 0;
                    // The other thread may be reading what is to be emptied.
                    restarts.fetch_add(1, Ordering::Relaxed);
                    let (stopped, has_stopped) = sync::channel();
                    tell(&to_hash, ToHash::Restart(stopped)).and_then(|()| {
                        // An error means that the thread has failed, and reads no more either.
                        let _ = has_stopped.recv();
                        partial.restart()
                    })
                }
            };
        }
        drop(to_hash);
        let hash = hashed.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        let noted = partial.note();
        // The hasher's own failure comes before the one that it caused here.
        let hash = hash?;
        result?;
        noted?;
        Ok(Received { partial, hash })
    })
}

enum ToHash {
    Bytes(Bytes, Option<Room>),
    ReadTo(u64),
    /// What came so far is void; the answer says that nothing of it is being read.
    Restart(sync::Sender<()>),
}

fn tell(to_hash: &sync::SyncSender<ToHash>, what: ToHash) -> Result<()> {
    to_hash.send(what).map_err(|_| Error::new(ErrorKind::Io, "the file could not be hashed"))
}

/// Passes to the hash what has become contiguous.
fn pass_on(
    partial: &Partial,
    at: &mut u64,
    written: Option<(u64, Bytes, Option<Room>)>,
    to_hash: &sync::SyncSender<ToHash>,
) -> Result<()> {
    if let Some((offset, bytes, room)) = written
        && offset == *at
    {
        *at += bytes.len() as u64;
        tell(to_hash, ToHash::Bytes(bytes, room))?;
    }
    let head = partial.done().head();
    if head > *at {
        *at = head;
        tell(to_hash, ToHash::ReadTo(head))?;
    }
    Ok(())
}

/// Hashes what comes, in order; `restarts` counts the restarts that were ordered, also those still in the queue.
fn hash(
    path: &Path,
    reader: &Reader,
    fresh: Hasher,
    orders: sync::Receiver<ToHash>,
    restarts: &AtomicUsize,
) -> Result<Option<String>> {
    let mut hasher = fresh.clone();
    let is_wanted = !matches!(fresh, Hasher::Unknown);
    let (mut at, mut restarted) = (0, 0);
    let mut buffer = Vec::new();
    for order in orders {
        match order {
            ToHash::Restart(stopped) => {
                hasher = fresh.clone();
                at = 0;
                restarted += 1;
                let _ = stopped.send(());
            }
            _ if !is_wanted => {}
            ToHash::Bytes(bytes, _room) => {
                hasher.update(&bytes);
                at += bytes.len() as u64;
            }
            ToHash::ReadTo(end) => {
                buffer.resize(READ_BYTES, 0);
                while at < end && restarts.load(Ordering::Relaxed) == restarted {
                    #[cfg(test)]
                    tests::before_reading(path);
                    let want = usize::try_from(end - at).unwrap_or(READ_BYTES).min(READ_BYTES);
                    reader.read_exact_at(&mut buffer[..want], at).at(path)?;
                    hasher.update(&buffer[..want]);
                    at += want as u64;
                }
            }
        }
    }
    Ok(hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::partial::Adopt;
    use hub_types::Etag;
    use std::path::PathBuf;
    use std::sync::Mutex;

    /// Any name that is a sha256.
    const HASH: &str = "bf5a8e4cbd25d9b8e1bfb0b9a6e8ae5d3b5e3b8ba3b2b3d1b2ae8c3b7ff4b0c1";

    async fn received(orders: Vec<Order>) -> (Vec<u8>, Option<String>) {
        let folder = tempfile::tempdir().unwrap();
        let etag = Etag::parse(HASH).unwrap();
        let partial = Partial::claim(folder.path(), &etag, 6, Adopt::Nothing, None).unwrap();
        let sink = Sink::start(partial, Hasher::of(&etag, 6), ());
        for order in orders {
            sink.send(order).await.unwrap();
        }
        let received = sink.finish().await.unwrap();
        let path = folder.path().join("published");
        received.partial.publish(|from| crate::disk::rename(from, &path)).unwrap();
        (std::fs::read(path).unwrap(), received.hash)
    }

    fn bytes(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[tokio::test]
    async fn the_hash_is_the_same_in_any_order() {
        let in_order = received(vec![Order::Write(0, bytes("1\n2")), Order::Write(3, bytes("\n3\n"))]).await;
        let mixed = received(vec![
            Order::Journal,
            Order::Write(4, bytes("3\n")),
            Order::Write(2, bytes("2\n")),
            Order::Write(0, bytes("1\n")),
        ])
        .await;
        assert_eq!(in_order, mixed);
        assert_eq!(in_order.0, b"1\n2\n3\n");
        let mut hasher = Hasher::of(&Etag::parse(HASH).unwrap(), 6);
        hasher.update(b"1\n2\n3\n");
        assert_eq!(in_order.1, hasher.finish());
    }

    /// Tells how long a file is when it is let go.
    struct Held(PathBuf, sync::Sender<u64>);

    impl Drop for Held {
        fn drop(&mut self) {
            self.1.send(std::fs::metadata(&self.0).unwrap().len()).unwrap();
        }
    }

    #[tokio::test]
    async fn a_sink_that_is_dropped_holds_the_lock_until_all_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let etag = Etag::parse(HASH).unwrap();
        let partial = Partial::claim(folder.path(), &etag, 1 << 30, Adopt::Nothing, None).unwrap();
        let (let_go, length) = sync::channel();
        let held = Held(partial.path().to_path_buf(), let_go);
        let sink = Sink::start(partial, Hasher::of(&etag, 1 << 30), held);
        for at in 0..8 {
            sink.send(Order::Write(at << 20, vec![0; 1 << 20].into())).await.unwrap();
        }
        drop(sink);
        assert_eq!(length.recv(), Ok(8 << 20));
    }

    /// Runs before a piece of the named file is read back.
    type Hook = Box<dyn FnMut() + Send>;
    static BEFORE_READING: Mutex<Vec<(PathBuf, Hook)>> = Mutex::new(Vec::new());

    pub(super) fn before_reading(path: &Path) {
        let mut hooks = BEFORE_READING.lock().unwrap();
        let hook = hooks.iter().position(|(hooked, _)| hooked == path).map(|index| hooks.swap_remove(index));
        drop(hooks);
        if let Some((_, mut hook)) = hook {
            hook();
        }
    }

    #[tokio::test]
    async fn a_restart_waits_until_the_bytes_before_it_are_not_read_any_more() {
        let folder = tempfile::tempdir().unwrap();
        let etag = Etag::parse(HASH).unwrap();
        let size = 2 * READ_BYTES as u64;
        let mut partial = Partial::claim(folder.path(), &etag, size, Adopt::Nothing, None).unwrap();
        partial.write(0, &vec![1; READ_BYTES]).unwrap();
        let path = partial.path().to_path_buf();
        let (reading, is_reading) = sync::channel();
        let (go_on, may_go_on) = sync::channel::<()>();
        let prefix = path.clone();
        let hook: Hook = Box::new(move || {
            reading.send(()).unwrap();
            may_go_on.recv().unwrap();
            // Long enough for a writer that does not wait.
            (0..1_000).for_each(|_| std::thread::yield_now());
            assert_eq!(std::fs::metadata(&prefix).unwrap().len(), READ_BYTES as u64);
        });
        BEFORE_READING.lock().unwrap().push((path, hook));
        let sink = Sink::start(partial, Hasher::of(&etag, size), ());
        is_reading.recv().unwrap();
        sink.send(Order::Restart).await.unwrap();
        let whole = Bytes::from(vec![2; 2 * READ_BYTES]);
        sink.send(Order::Write(0, whole.clone())).await.unwrap();
        // The writer has the order to restart as soon as one at most is left in the queue.
        while sink.orders.max_capacity() - sink.orders.capacity() > 1 {
            std::thread::yield_now();
        }
        go_on.send(()).unwrap();
        let received = sink.finish().await.unwrap();
        let mut hasher = Hasher::of(&etag, size);
        hasher.update(&whole);
        assert_eq!(received.hash, hasher.finish());
        assert_eq!(received.partial.done().total(), size);
    }

    #[tokio::test]
    async fn a_restart_forgets_what_came_before() {
        let whole = received(vec![Order::Write(0, bytes("1\n2\n3\n"))]).await;
        let again = received(vec![
            Order::Write(0, bytes("junk")),
            Order::Restart,
            Order::Write(0, bytes("1\n2\n3\n")),
        ])
        .await;
        assert_eq!(whole, again);
    }
}
