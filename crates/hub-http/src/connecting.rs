//! Tells whether a request that ran out of time was still waiting for its connection, and so was never sent.
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use tower_layer::Layer;
use tower_service::Service;

tokio::task_local! {
    /// The request that is being polled or dropped.
    static CURRENT: Connecting;
}

/// Whether the connection that a request waits for was given up.
///
/// A request waits for a connection that it makes or for one that another request returns to the pool, whichever comes
/// first. If the returned one comes first, the pool goes on making the other in the background. So a connection attempt
/// that is dropped together with its request tells that the request had no connection.
#[derive(Debug, Clone, Default)]
pub(crate) struct Connecting(Arc<AtomicBool>);

impl Connecting {
    /// Watches the connection attempts of a request.
    pub(crate) fn watch<F: Future>(&self, request: F) -> impl Future<Output = F::Output> + use<F> {
        // The scope also holds while the future is dropped.
        CURRENT.scope(self.clone(), request)
    }

    /// Whether the request was dropped while it waited for a connection.
    pub(crate) fn was_abandoned(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    fn is_current(&self) -> bool {
        CURRENT.try_with(|current| Arc::ptr_eq(&current.0, &self.0)).unwrap_or(false)
    }
}

/// Notes which connection attempts are dropped.
#[derive(Debug, Clone)]
pub(crate) struct WatchLayer;

impl<S> Layer<S> for WatchLayer {
    type Service = Watch<S>;

    fn layer(&self, connector: S) -> Watch<S> {
        Watch(connector)
    }
}

/// A connector whose attempts are watched.
#[derive(Debug, Clone)]
pub(crate) struct Watch<S>(S);

impl<R, S: Service<R>> Service<R> for Watch<S> {
    type Response = S::Response;
    type Error = S::Error;
    type Future = Attempt<S::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, to: R) -> Attempt<S::Future> {
        Attempt { connect: Box::pin(self.0.call(to)), request: CURRENT.try_with(Clone::clone).ok() }
    }
}

/// A connection being made.
pub(crate) struct Attempt<F> {
    connect: Pin<Box<F>>,
    /// The request that waits for it; none once it is made.
    request: Option<Connecting>,
}

impl<F: Future> Future for Attempt<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let done = std::task::ready!(self.connect.as_mut().poll(context));
        self.request = None;
        Poll::Ready(done)
    }
}

impl<F> Drop for Attempt<F> {
    fn drop(&mut self) {
        if let Some(request) = self.request.take().filter(Connecting::is_current) {
            request.0.store(true, Ordering::Relaxed);
        }
    }
}
