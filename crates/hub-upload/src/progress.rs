//! Telling how far an upload is.
use std::fmt;
use std::sync::Arc;

/// What happened in an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UploadEvent<'a> {
    /// The upload begins: this many files, this many bytes in all.
    Started {
        /// How many files there are.
        files: usize,
        /// How many bytes they have together.
        bytes: u64,
    },
    /// So many more bytes were hashed.
    Hashed {
        /// How many.
        bytes: u64,
    },
    /// The Hub has this content already; nothing of it is sent.
    Present {
        /// The file in the repository.
        path: &'a str,
        /// How many bytes need not be sent.
        bytes: u64,
    },
    /// The content of a file begins to be sent.
    Sending {
        /// The file in the repository.
        path: &'a str,
        /// How many bytes there are to send.
        bytes: u64,
    },
    /// So many more bytes were sent.
    Sent {
        /// How many.
        bytes: u64,
    },
    /// So many bytes that were sent have to be sent again, after a fault.
    Withdrawn {
        /// How many.
        bytes: u64,
    },
    /// The content of a file has arrived.
    Stored {
        /// The file in the repository.
        path: &'a str,
    },
    /// The commit is being made: a body of this many bytes, the content of small files among them.
    Committing {
        /// How many operations it has.
        operations: usize,
        /// How many bytes are sent for it.
        bytes: u64,
    },
}

/// Watches an upload; called from several threads.
pub trait UploadObserver: Send + Sync {
    /// Takes note of something that happened. It must not block.
    fn event(&self, event: UploadEvent<'_>);
}

impl<F: Fn(UploadEvent<'_>) + Send + Sync> UploadObserver for F {
    fn event(&self, event: UploadEvent<'_>) {
        self(event);
    }
}

tokio::task_local! {
    static OBSERVER: Observer;
}

/// Performs an upload and lets an observer watch it.
///
/// ```no_run
/// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
/// use hub_upload::{UploadEvent, Uploads as _, observe};
///
/// let print = |event: UploadEvent<'_>| println!("{event:?}");
/// let commit = observe(print, api.upload_folder("me/model", "./out")).await?;
/// # Ok(())
/// # }
/// ```
pub async fn observe<U: IntoFuture>(observer: impl UploadObserver + 'static, upload: U) -> U::Output {
    OBSERVER.scope(Observer(Some(Arc::new(observer))), upload.into_future()).await
}

/// Whoever watches the upload under way, if anybody does.
#[derive(Clone, Default)]
pub(crate) struct Observer(Option<Arc<dyn UploadObserver>>);

impl Observer {
    /// The observer that the running request was given.
    pub(crate) fn current() -> Self {
        OBSERVER.try_with(Clone::clone).unwrap_or_default()
    }

    /// Tells what happened.
    pub(crate) fn tell(&self, event: UploadEvent<'_>) {
        if let Some(observer) = &self.0 {
            observer.event(event);
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "Observer" } else { "no Observer" })
    }
}
