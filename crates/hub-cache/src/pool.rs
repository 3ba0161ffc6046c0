//! How many connections large files have among them.
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The connections that the large files of one call share.
///
/// Every file has one as soon as there is one; more only while no other file waits for its first.
#[derive(Debug, Clone)]
pub(crate) struct Pool {
    connections: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Pool {
    /// A pool of so many connections.
    pub(crate) fn new(connections: usize) -> Self {
        Self { connections: Arc::new(Semaphore::new(connections)), waiting: Arc::default() }
    }

    /// Waits for a file's first connection.
    pub(crate) async fn first(&self) -> Option<OwnedSemaphorePermit> {
        let _waiting = Waiting::begin(&self.waiting);
        self.connections.clone().acquire_owned().await.ok()
    }

    /// One more connection, if nobody needs it more.
    pub(crate) fn another(&self) -> Option<OwnedSemaphorePermit> {
        if self.is_wanted() {
            return None;
        }
        self.connections.clone().try_acquire_owned().ok()
    }

    /// Whether a file waits for its first connection.
    pub(crate) fn is_wanted(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }
}

/// Counts who waits, also when the waiting is given up.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt as _;

    #[tokio::test]
    async fn nobody_has_a_second_connection_while_another_waits_for_its_first() {
        let pool = Pool::new(2);
        let first = pool.first().await.unwrap();
        let second = pool.another().unwrap();
        let mut waiting = Box::pin(pool.first());
        assert!((&mut waiting).now_or_never().is_none() && pool.is_wanted());
        drop(second);
        assert!(pool.another().is_none());
        assert!(waiting.await.is_some());
        assert!(!pool.is_wanted());
        drop(first);
    }
}
