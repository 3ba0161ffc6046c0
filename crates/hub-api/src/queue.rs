//! Calls in the background, in order, one at a time.
use crate::{Error, ErrorKind, HfApi, Result};
use futures_util::future::BoxFuture;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use tokio::sync::{mpsc, oneshot};

/// The queue of one client; its worker starts with the first call.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    sender: OnceLock<mpsc::UnboundedSender<BoxFuture<'static, ()>>>,
}

/// A call that was queued: await it for its result. Dropping it lets the call go on.
#[derive(Debug)]
#[must_use = "await it to learn how the call went"]
pub struct Pending<T>(oneshot::Receiver<Result<T>>);

impl<T> Pending<T> {
    /// The result, if the call has ended.
    pub fn try_get(&mut self) -> Option<Result<T>> {
        match self.0.try_recv() {
            Ok(result) => Some(result),
            Err(oneshot::error::TryRecvError::Empty) => None,
            Err(oneshot::error::TryRecvError::Closed) => Some(Err(lost())),
        }
    }
}

impl<T> Future for Pending<T> {
    type Output = Result<T>;
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(|result| result.unwrap_or_else(|_| Err(lost())))
    }
}

fn lost() -> Error {
    Error::new(ErrorKind::Cancelled, "the background queue ended before this call was made")
}

impl HfApi {
    /// Performs a request in the background: calls are made in the order in which they were queued, one at a time.
    ///
    /// All clones of a client share one queue. To have a call run beside others instead, `tokio::spawn` it.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let first = api.run_as_future(api.create_branch("me/model", "draft"));
    /// let second = api.run_as_future(api.create_tag("me/model", "v1"));
    /// first.await?;
    /// second.await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    /// If it is called outside of a tokio runtime in a build without the feature `blocking`.
    pub fn run_as_future<R, T>(&self, request: R) -> Pending<T>
    where
        R: IntoFuture<Output = Result<T>>,
        R::IntoFuture: Send + 'static,
        T: Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let work = request.into_future();
        let call = Box::pin(async move {
            // Nobody may be waiting for the result, which is no failure.
            let _ = sender.send(work.await);
        });
        // A closed queue drops the call, and its handle says so.
        let _ = self.queue.sender.get_or_init(start).send(call);
        Pending(receiver)
    }
}

fn start() -> mpsc::UnboundedSender<BoxFuture<'static, ()>> {
    let (sender, mut receiver) = mpsc::unbounded_channel::<BoxFuture<'static, ()>>();
    let worker = async move {
        while let Some(call) = receiver.recv().await {
            // On a task of its own, so that a call that panics does not end the queue.
            let _ = tokio::spawn(call).await;
        }
    };
    #[cfg(feature = "blocking")]
    crate::blocking::runtime().spawn(worker);
    #[cfg(not(feature = "blocking"))]
    tokio::spawn(worker);
    sender
}
