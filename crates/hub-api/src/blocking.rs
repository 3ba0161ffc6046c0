//! The bridge from blocking code: the runtime of a client, blocking calls and blocking iteration.
use crate::{Error, ErrorKind, HfApi, Result};
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use std::fmt;
use std::pin::{Pin, pin};
use std::sync::{Arc, LazyLock, OnceLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tracing::Instrument as _;
use tracing::instrument::WithSubscriber as _;

/// How many items of a listing are handed to a blocking iterator together.
const ITEMS_TOGETHER: usize = 256;

/// A runtime for blocking calls; its threads start with the first one and end with it.
///
/// Blocking calls run on its threads, never on the calling thread, so the caller's own runtime may be blocked while they
/// run.
#[derive(Debug, Default)]
pub(crate) struct Blocking(OnceLock<Runtime>);

impl Blocking {
    pub(crate) fn runtime(&self) -> &Runtime {
        self.0.get_or_init(|| {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(2).thread_name("hub-api").enable_all();
            builder.build().expect("the system gives threads for a runtime")
        })
    }

    /// Starts a future on the runtime, in the caller's span and with the caller's subscriber.
    fn spawn<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.runtime().spawn(future.in_current_span().with_current_subscriber())
    }

    /// Runs a future to its end and blocks the calling thread until then.
    pub(crate) fn run<T: Send + 'static>(&self, future: impl Future<Output = T> + Send + 'static) -> T {
        self.wait(self.spawn(future)).unwrap_or_else(|error| panic_again(error))
    }

    /// Waits on this thread for a future that the runtime drives.
    fn wait<F: Future>(&self, future: F) -> F::Output {
        let here = Handle::try_current().is_ok_and(|handle| handle.id() == self.runtime().handle().id());
        // A thread of this very runtime, that of a callback for example, lets another one take over its tasks.
        if here { tokio::task::block_in_place(|| wait(future)) } else { wait(future) }
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            // The last handle of a client may be dropped where threads must not block.
            runtime.shutdown_background();
        }
    }
}

fn panic_again(error: JoinError) -> ! {
    match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(error) => panic!("the runtime of the client ended before its call: {error}"),
    }
}

/// Runs a future to its end on a background runtime that all callers of this function share.
///
/// It may be called from anywhere, also from within another runtime, whose thread it then blocks. The `.block()` of a
/// request and the `.iter()` of a listing use the runtime of their client instead.
///
/// # Panics
/// If the system gives no thread, or the future panics.
pub fn block_on<F: Future<Output: Send> + Send>(future: F) -> F::Output {
    static SHARED: LazyLock<Blocking> = LazyLock::new(Blocking::default);
    if Handle::try_current().is_err() {
        return SHARED.runtime().block_on(future);
    }
    // A runtime's thread may not block on another runtime; a thread of its own may.
    std::thread::scope(|scope| match scope.spawn(|| SHARED.runtime().block_on(future)).join() {
        Ok(output) => output,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

/// Waits on this thread for a future that is driven elsewhere.
fn wait<F: Future>(future: F) -> F::Output {
    struct Unpark(Thread);

    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    // Within a task, tokio would make the future give way to others again and again, which a waiting thread cannot.
    let mut future = pin!(tokio::task::unconstrained(future));
    loop {
        match future.as_mut().poll(&mut context) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

/// The items of a listing for blocking code; see the `iter` methods of listings.
///
/// Items are given while further pages arrive, and at most a few pages are kept. Nothing is asked for before the first
/// item is taken, or after the iterator is dropped. After an error there are no more items.
#[must_use = "a listing is not asked for until its items are taken"]
pub struct Iter<T> {
    api: HfApi,
    state: State<T>,
    given: std::vec::IntoIter<Result<T>>,
}

enum State<T> {
    New(BoxStream<'static, Result<T>>),
    Running(mpsc::Receiver<Vec<Result<T>>>, Producer),
    Done,
}

/// The task that fetches pages; it ends with the iterator.
struct Producer(JoinHandle<()>);

impl Drop for Producer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T: Send + 'static> Iter<T> {
    pub(crate) fn new(api: HfApi, items: BoxStream<'static, Result<T>>) -> Self {
        Self { api, state: State::New(items), given: Vec::new().into_iter() }
    }

    /// Waits for the next items; none if the listing has ended.
    fn refill(&mut self) -> Option<Vec<Result<T>>> {
        if matches!(self.state, State::New(_))
            && let State::New(items) = std::mem::replace(&mut self.state, State::Done)
        {
            let (sender, receiver) = mpsc::channel(1);
            let produce = async move {
                let mut chunks = items.ready_chunks(ITEMS_TOGETHER);
                while let Some(chunk) = chunks.next().await {
                    // The iterator was dropped.
                    if sender.send(chunk).await.is_err() {
                        break;
                    }
                }
            };
            self.state = State::Running(receiver, Producer(self.api.blocking().spawn(produce)));
        }
        let State::Running(receiver, producer) = &mut self.state else { return None };
        let blocking = self.api.blocking();
        let chunk = blocking.wait(receiver.recv()).or_else(|| {
            // A task that failed must not pass for the end of the listing.
            let error = blocking.wait(Pin::new(&mut producer.0)).err()?;
            match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                Err(error) => {
                    let error =
                        Error::new(ErrorKind::Cancelled, "the listing was cancelled").caused_by(error);
                    Some(vec![Err(error)])
                }
            }
        });
        if chunk.as_ref().is_none_or(|chunk| chunk.iter().any(Result::is_err)) {
            self.state = State::Done;
        }
        chunk
    }
}

impl<T: Send + 'static> Iterator for Iter<T> {
    type Item = Result<T>;

    fn next(&mut self) -> Option<Result<T>> {
        loop {
            if let Some(item) = self.given.next() {
                return Some(item);
            }
            self.given = self.refill()?.into_iter();
        }
    }
}

impl<T> fmt::Debug for Iter<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Iter").field("api", &self.api).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use futures_util::{FutureExt as _, stream};
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    fn api() -> HfApi {
        HfApi::new(Config::new("http://hub.test", "/nonexistent").unwrap())
    }

    /// A stream of numbers that counts how many were made, giving way before each.
    fn numbers(made: Arc<AtomicUsize>) -> BoxStream<'static, Result<usize>> {
        stream::iter(0..)
            .then(move |n| {
                made.fetch_add(1, Relaxed);
                tokio::task::yield_now().map(move |()| Ok(n))
            })
            .boxed()
    }

    /// Runs a check on a plain thread, in a current-thread runtime, and in a task of a multi-thread runtime.
    fn everywhere(check: fn()) {
        check();
        Builder::new_current_thread().build().unwrap().block_on(async { check() });
        let many = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        many.block_on(async { tokio::spawn(async move { check() }).await }).unwrap();
    }

    #[test]
    fn an_iterator_is_read_from_anywhere() {
        everywhere(|| {
            let made = Arc::<AtomicUsize>::default();
            let numbers = Iter::new(api(), numbers(made)).take(10_000);
            assert!(numbers.map(Result::unwrap).eq(0..10_000));
        });
    }

    #[test]
    fn an_iterator_asks_for_little_more_than_is_taken() {
        let made = Arc::<AtomicUsize>::default();
        let mut numbers = Iter::new(api(), numbers(made.clone()));
        assert_eq!(made.load(Relaxed), 0);
        assert_eq!(numbers.next().unwrap().unwrap(), 0);
        drop(numbers);
        assert!(made.load(Relaxed) <= 4 * ITEMS_TOGETHER, "{made:?}");
    }

    #[test]
    fn an_iterator_ends_with_its_error() {
        let items = [Ok(1), Err(Error::invalid("no"))];
        let mut items = Iter::new(api(), stream::iter(items).boxed());
        assert_eq!(items.next().unwrap().unwrap(), 1);
        assert!(items.next().unwrap().is_err());
        assert!(items.next().is_none());
    }

    #[test]
    #[should_panic(expected = "in the listing")]
    fn a_panic_of_a_listing_is_not_its_end() {
        let panics = stream::once(async { panic!("in the listing") });
        let _ = Iter::<()>::new(api(), panics.boxed()).next();
    }

    #[test]
    fn calls_may_block_within_calls() {
        let api = api();
        let nest = |n: usize| {
            let inner = api.clone();
            async move { inner.clone().block_on(async move { inner.block_on(async move { n }) }) }
        };
        let all = futures_util::future::join_all((0..8).map(|n| api.blocking().spawn(nest(n))));
        let all = api.block_on(all);
        assert!(all.into_iter().map(std::result::Result::unwrap).eq(0..8));
    }

    #[test]
    fn a_client_may_be_dropped_within_a_runtime() {
        everywhere(|| {
            let api = api();
            assert_eq!(api.blocking().run(async { 1 }), 1);
        });
    }
}
