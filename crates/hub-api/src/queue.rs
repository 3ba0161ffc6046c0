//! Calls in the background, in order, one at a time.
use crate::{Error, ErrorKind, HfApi, Result};
use futures_util::future::BoxFuture;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinError;

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

fn broken_off(error: JoinError) -> Error {
    let how = if error.is_panic() { "panicked" } else { "was cancelled" };
    Error::new(ErrorKind::Cancelled, format!("the call in the background {how}")).caused_by(error)
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
    /// A call that panics fails with the kind `Cancelled`, and the next one is made all the same.
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
        // The call keeps the client, and with it the runtime that it is made on.
        let client = self.clone();
        let call = Box::pin(async move {
            // On a task of its own, so that a call that panics does not end the queue.
            let result = tokio::spawn(work).await.unwrap_or_else(|error| Err(broken_off(error)));
            // Nobody may be waiting for the result, which is no failure.
            let _ = sender.send(result);
            drop(client);
        });
        // A closed queue drops the call, and its handle says so.
        let _ = self.queue().sender.get_or_init(|| self.start_queue()).send(call);
        Pending(receiver)
    }

    fn start_queue(&self) -> mpsc::UnboundedSender<BoxFuture<'static, ()>> {
        let (sender, mut receiver) = mpsc::unbounded_channel::<BoxFuture<'static, ()>>();
        let worker = async move {
            while let Some(call) = receiver.recv().await {
                call.await;
            }
        };
        #[cfg(feature = "blocking")]
        self.blocking().runtime().spawn(worker);
        #[cfg(not(feature = "blocking"))]
        tokio::spawn(worker);
        sender
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use std::sync::{Arc, Mutex};

    type Log = Arc<Mutex<Vec<String>>>;

    fn api() -> HfApi {
        HfApi::new(Config::new("http://hub.test", "/nonexistent").unwrap())
    }

    /// A call that says when it begins and ends, and gives way to others in between.
    async fn call(log: Log, name: &str) -> Result<String> {
        log.lock().unwrap().push(format!("{name} begins"));
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        log.lock().unwrap().push(format!("{name} ends"));
        Ok(name.to_owned())
    }

    #[tokio::test]
    async fn calls_are_made_in_order_and_one_at_a_time() {
        let (api, log) = (api(), Log::default());
        let names = ["a", "b", "c"];
        let calls = names.map(|name| api.run_as_future(call(log.clone(), name)));
        let [a, b, c] = calls;
        // Awaited the other way round, they still run in the order they were queued in.
        assert_eq!(
            (c.await.unwrap(), b.await.unwrap(), a.await.unwrap()),
            ("c".into(), "b".into(), "a".into())
        );
        let expected = names.map(|name| [format!("{name} begins"), format!("{name} ends")]).concat();
        assert_eq!(*log.lock().unwrap(), expected);
    }

    #[tokio::test]
    async fn clones_of_a_client_share_the_queue() {
        let (api, log) = (api(), Log::default());
        let first = api.with_timeout(std::time::Duration::from_secs(1)).run_as_future(call(log.clone(), "a"));
        let second = api.clone().run_as_future(call(log.clone(), "b"));
        second.await.unwrap();
        first.await.unwrap();
        assert_eq!(*log.lock().unwrap(), ["a begins", "a ends", "b begins", "b ends"]);
    }

    #[tokio::test]
    async fn a_call_that_panics_does_not_end_the_queue() {
        let (api, log) = (api(), Log::default());
        let first = api.run_as_future(async {
            assert!(!on_purpose(), "on purpose");
            Ok(())
        });
        let second = api.run_as_future(call(log, "b"));
        let error = first.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Cancelled);
        assert!(error.to_string().contains("panicked"), "{error}");
        assert_eq!(second.await.unwrap(), "b");
    }

    /// Always true, which the compiler does not know.
    fn on_purpose() -> bool {
        std::hint::black_box(true)
    }

    #[tokio::test]
    async fn a_failure_is_given_to_who_waits_and_to_nobody_else() {
        let api = api();
        let first = api.run_as_future(async { Err::<(), _>(Error::invalid("wrong")) });
        let second = api.run_as_future(async { Ok(2) });
        assert_eq!(second.await.unwrap(), 2);
        assert_eq!(first.await.unwrap_err().kind(), ErrorKind::InvalidArgument);
    }

    #[tokio::test]
    async fn a_call_that_nobody_waits_for_is_made() {
        let (api, log) = (api(), Log::default());
        drop(api.run_as_future(call(log.clone(), "a")));
        api.run_as_future(call(log.clone(), "b")).await.unwrap();
        assert_eq!(log.lock().unwrap()[1], "a ends");
    }

    #[tokio::test]
    async fn a_call_is_pending_until_it_has_ended() {
        let (api, (open, gate)) = (api(), oneshot::channel::<()>());
        let mut first = api.run_as_future(async move {
            gate.await.expect("the gate is opened");
            Ok(1)
        });
        let mut second = api.run_as_future(async { Ok(2) });
        assert!(first.try_get().is_none());
        assert!(second.try_get().is_none());
        open.send(()).unwrap();
        assert_eq!(second.await.unwrap(), 2);
        assert_eq!(first.try_get().unwrap().unwrap(), 1);
    }

    #[cfg(feature = "blocking")]
    #[test]
    fn calls_can_be_queued_outside_of_any_runtime() {
        let (api, log) = (api(), Log::default());
        let first = api.run_as_future(call(log.clone(), "a"));
        let second = api.run_as_future(call(log, "b"));
        assert_eq!(crate::block_on(second).unwrap(), "b");
        assert_eq!(crate::block_on(first).unwrap(), "a");
    }
}
