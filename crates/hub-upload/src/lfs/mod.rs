//! Sending the content of large files to the LFS storage.
mod basic;
mod batch;
mod multipart;

use crate::place::Place;
use crate::progress::{Observer, UploadEvent};
use crate::source::LocalFile;
use batch::{Destination, Instructions, Transfer};
use futures_util::{TryStreamExt as _, stream};
use hub_api::{Error, ErrorKind, HfApi, Http, Result};
use hub_http::header::ACCEPT;
use hub_http::{Context as _, Method};
use serde_json::json;
use std::collections::HashSet;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit, mpsc};
use tracing::Instrument as _;

/// How many bodies are sent at once, over all files and parts.
const CONNECTIONS: usize = 16;
/// How often the addresses of an object are renewed at most.
const MAX_RENEWALS: u32 = 2;

/// An object to send: content that is known by its hash.
#[derive(Debug, Clone)]
pub(crate) struct LfsObject {
    /// The file in the repository, for messages.
    pub(crate) path: String,
    /// The content.
    pub(crate) file: LocalFile,
    /// Its sha256.
    pub(crate) oid: String,
}

/// Sends objects to the storage of one repository.
pub(crate) struct Sender {
    api: HfApi,
    place: Place,
    observer: Observer,
    connections: Semaphore,
    files_at_once: usize,
}

impl Sender {
    pub(crate) fn new(api: &HfApi, place: &Place, observer: &Observer, files_at_once: usize) -> Self {
        Self {
            api: api.clone(),
            place: place.clone(),
            observer: observer.clone(),
            connections: Semaphore::new(CONNECTIONS),
            files_at_once: files_at_once.max(1),
        }
    }

    /// Sends the objects that come, as soon as they come, until no more can come; each content once.
    pub(crate) async fn send_all(self: Arc<Self>, objects: mpsc::UnboundedReceiver<LfsObject>) -> Result<()> {
        let state = (self.clone(), objects, HashSet::new());
        let batches = stream::try_unfold(state, |(sender, mut objects, mut seen)| async move {
            let mut batch = Vec::new();
            if objects.recv_many(&mut batch, batch::MAX_OBJECTS).await == 0 {
                return Ok(None);
            }
            batch.retain(|object: &LfsObject| seen.insert(object.oid.clone()));
            let told = if batch.is_empty() { Vec::new() } else { sender.ask(batch).await? };
            Ok::<_, Error>(Some((stream::iter(told.into_iter().map(Ok)), (sender, objects, seen))))
        });
        batches
            .try_flatten()
            .try_for_each_concurrent(self.files_at_once, |(object, instructions)| {
                let sender = self.clone();
                let span = tracing::debug_span!("upload", path = object.path, bytes = object.file.size());
                let store = async move {
                    let stored = sender.store(&object, instructions).await;
                    stored.with(|| format!("could not upload `{}`", object.path))
                };
                store.instrument(span)
            })
            .await
    }

    /// Asks where objects go. Those that the Hub has are left out.
    async fn ask(&self, objects: Vec<LfsObject>) -> Result<Vec<(LfsObject, Instructions)>> {
        let wanted: Vec<_> = objects.iter().map(|object| (object.oid.as_str(), object.file.size())).collect();
        let answer = self.api.exchange(batch::request(&self.place, wanted.iter().copied())).await?;
        let told = answer.json::<batch::Answer>()?.into_instructions(self.api.endpoint(), &wanted)?;
        let mut missing = Vec::new();
        for (object, instructions) in objects.into_iter().zip(told) {
            match instructions {
                Some(instructions) => missing.push((object, instructions)),
                None => {
                    let (path, bytes) = (&*object.path, object.file.size());
                    tracing::debug!(path, "the Hub has this content already");
                    self.observer.tell(UploadEvent::Present { path, bytes });
                }
            }
        }
        Ok(missing)
    }

    /// Sends one object and has the Hub confirm it; addresses that expired are renewed.
    async fn store(&self, object: &LfsObject, mut instructions: Instructions) -> Result<()> {
        let path = &*object.path;
        self.observer.tell(UploadEvent::Sending { path, bytes: object.file.size() });
        let mut arrived = multipart::Arrived::default();
        let mut renewals = 0;
        loop {
            let sent = match &instructions.transfer {
                Transfer::Basic(to) => basic::send(self, object, to).await,
                Transfer::Multipart { parts, part_bytes, complete } => {
                    multipart::send(self, object, &mut arrived, parts, *part_bytes, complete).await
                }
            };
            match sent {
                Ok(()) => break,
                Err(error) if renewals < MAX_RENEWALS && may_have_expired(&error) => {
                    tracing::debug!(path, %error, "asking for new addresses");
                    renewals += 1;
                    match self.ask(vec![object.clone()]).await?.pop() {
                        Some((_, renewed)) => instructions = renewed,
                        // Another upload of the same content was faster.
                        None => return Ok(()),
                    }
                }
                Err(error) => return Err(error),
            }
        }
        if let Some(verify) = &instructions.verify {
            self.api.exchange(verification(verify, object)).await.map_err(lost)?;
        }
        self.observer.tell(UploadEvent::Stored { path });
        Ok(())
    }

    async fn connection(&self) -> SemaphorePermit<'_> {
        self.connections.acquire().await.expect("the semaphore is never closed")
    }
}

/// Whether a storage refused because the address is too old.
fn may_have_expired(error: &Error) -> bool {
    matches!(error.status(), Some(401 | 403 | 404 | 410))
}

/// The request that confirms an object; the token goes along to the Hub itself, as to all of its API.
fn verification(to: &Destination, object: &LfsObject) -> Http {
    let http = Http::url(Method::POST, to.url.clone())
        .header(ACCEPT, batch::MEDIA_TYPE)
        .json(json!({ "oid": object.oid, "size": object.file.size() }))
        .repeatable(true);
    basic::with_headers(http, &to.headers)
}

/// What a refused confirmation means: the storage took the content and does not have it.
fn lost(error: Error) -> Error {
    match error.status() {
        Some(400..500) if error.kind() != ErrorKind::RateLimited => error.with_kind(ErrorKind::UploadLost),
        _ => error,
    }
}
