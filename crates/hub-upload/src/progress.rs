//! Telling how far an upload is.
use std::collections::BTreeMap;
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
    /// A file, or what is in the place of one, is not uploaded.
    Skipped {
        /// The path in the repository, or in the folder if it can have none there.
        path: &'a str,
        /// Why.
        reason: SkipReason,
    },
    /// A pattern of files to delete matches none.
    Unmatched {
        /// The pattern.
        pattern: &'a str,
    },
    /// What the commit does is decided; if it does nothing, none is made.
    Decided {
        /// How many files it adds or replaces.
        added: usize,
        /// How many files are left out since the repository has them with this content.
        unchanged: usize,
        /// How many files and folders it deletes or copies.
        others: usize,
    },
    /// The commit is being made: a body of this many bytes, the content of small files among them.
    Committing {
        /// How many operations it has.
        operations: usize,
        /// How many bytes are sent for it.
        bytes: u64,
    },
}

/// Why a file is not uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// The `.gitignore` of the repository, or of the upload, excludes it.
    Ignored,
    /// It may hold secrets, by its name or place, and was not asked for by name.
    MayHoldSecrets,
    /// It is a pipe, a socket or a device.
    NotAFile,
    /// It is a link to a folder.
    LinkToFolder,
    /// It is a link to nothing.
    BrokenLink,
    /// It is a link, and links are not followed.
    Link,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ignored => "`.gitignore` excludes it",
            Self::MayHoldSecrets => {
                "it may hold secrets; name it in allow_patterns or --include to upload it"
            }
            Self::NotAFile => "it is a pipe, a socket or a device",
            Self::LinkToFolder => "it is a link to a folder",
            Self::BrokenLink => "it is a link to nothing",
            Self::Link => "it is a link, and links are not followed",
        })
    }
}

/// How many skipped files of one reason are named in warnings; the rest is counted.
const NAMED_FILES: usize = 20;

/// Reports files that are not uploaded, to the observer and as warnings.
pub(crate) fn report_skipped<'a>(
    observer: &Observer,
    skipped: impl IntoIterator<Item = (&'a str, SkipReason)>,
) {
    let mut counts = BTreeMap::<SkipReason, usize>::new();
    for (path, reason) in skipped {
        observer.tell(UploadEvent::Skipped { path, reason });
        let count = counts.entry(reason).or_default();
        *count += 1;
        if reason == SkipReason::Link || *count > NAMED_FILES {
            tracing::debug!("`{path}` is left out: {reason}");
        } else {
            tracing::warn!("`{path}` is left out: {reason}");
        }
    }
    for (reason, count) in counts.into_iter().filter(|(reason, _)| *reason != SkipReason::Link) {
        if count > NAMED_FILES {
            tracing::warn!("{} more are left out for the same reason: {reason}", count - NAMED_FILES);
        }
    }
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
