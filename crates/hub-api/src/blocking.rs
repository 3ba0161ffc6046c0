//! The bridge from blocking code.
use std::sync::LazyLock;
use tokio::runtime::{Builder, Runtime};

/// Runs a future to its end on a background runtime that all blocking calls share.
///
/// It may be called from anywhere, also from within another runtime, whose thread it then blocks.
///
/// # Panics
/// If the system gives no thread, or the future panics.
pub fn block_on<F: Future<Output: Send> + Send>(future: F) -> F::Output {
    if tokio::runtime::Handle::try_current().is_err() {
        return runtime().block_on(future);
    }
    // A runtime's thread may not block on another runtime; a thread of its own may.
    std::thread::scope(|scope| match scope.spawn(|| runtime().block_on(future)).join() {
        Ok(output) => output,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

/// The runtime of blocking calls and of work queued outside of any runtime.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(2).thread_name("hub-api").enable_all();
        builder.build().expect("the system gives threads for a runtime")
    });
    &RUNTIME
}
