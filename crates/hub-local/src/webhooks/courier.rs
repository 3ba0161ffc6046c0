//! Finds out what has changed after each request, and has the webhooks called.
use super::{
    Webhook,
    changes::between,
    covers,
    post::{is_loopback, post},
    snapshot::{Snapshot, take},
};
use crate::{state::HubState, store::blocking, web::Result};
use axum::{
    body::Bytes,
    extract::{Request, State},
    http::{Method, Uri},
    middleware::Next,
    response::Response,
};
use hub_types::WebhookWatchedItem;
use std::{
    collections::{HashMap, HashSet},
    sync::{
        Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{
    sync::mpsc::{self, UnboundedReceiver, UnboundedSender},
    task::JoinHandle,
};

/// What the last look found, and the calls that are still to be made.
pub(crate) struct Courier {
    /// Whether there may be webhooks to call; without, no request is slowed down.
    awake: AtomicBool,
    last: Mutex<Option<Look>>,
    calls: UnboundedSender<Call>,
    waiting: Mutex<Option<UnboundedReceiver<Call>>>,
}

/// The repositories that were watched, as they looked.
struct Look {
    watched: Vec<WebhookWatchedItem>,
    repos: HashMap<i64, Snapshot>,
}

/// A webhook that is to be called.
struct Call {
    url: Uri,
    secret: Option<String>,
    body: Bytes,
}

impl Default for Courier {
    fn default() -> Self {
        let (calls, waiting) = mpsc::unbounded_channel();
        Self {
            awake: AtomicBool::new(false),
            last: Mutex::default(),
            calls,
            waiting: Mutex::new(Some(waiting)),
        }
    }
}

impl Courier {
    /// Notes that webhooks were changed, so that the look after this request is not left out.
    pub(crate) fn wake(&self) {
        self.awake.store(true, Ordering::SeqCst);
    }

    /// Looks at all that is watched, and queues the calls for what has changed since the last look.
    ///
    /// What nobody watched before is only looked at. For blocking threads.
    pub(crate) fn look(&self, state: &HubState) -> Result<()> {
        // One look at a time, so that nothing is told twice. A panic in one leaves the last one as it was.
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = |key: &i64| last.as_ref().is_some_and(|look| look.repos.contains_key(key));
        let (webhooks, mut repos) = state.store.with(|connection| {
            let mut webhooks = Webhook::enabled(connection)?;
            webhooks.retain(|webhook| webhook.url.parse().is_ok_and(|url| is_loopback(&url)));
            let repos = take(connection, &state.git, |key, kind, owner, id| {
                let mut watched = webhooks.iter().flat_map(|webhook| &webhook.watched);
                known(&key) || watched.any(|item| covers(item, kind, owner, id))
            })?;
            Ok((webhooks, repos))
        })?;
        if let Some(last) = &*last {
            self.tell(state, &webhooks, last, &repos);
        }
        let watched: Vec<_> = webhooks.into_iter().flat_map(|webhook| webhook.watched).collect();
        repos.retain(|_, repo| repo.is_watched(&watched));
        self.awake.store(!watched.is_empty(), Ordering::SeqCst);
        *last = Some(Look { watched, repos });
        Ok(())
    }

    fn tell(&self, state: &HubState, webhooks: &[Webhook], last: &Look, repos: &HashMap<i64, Snapshot>) {
        let endpoint = &state.urls.endpoint;
        let keys: HashSet<i64> = last.repos.keys().chain(repos.keys()).copied().collect();
        let mut keys: Vec<i64> = keys.into_iter().collect();
        keys.sort_unstable();
        for key in keys {
            let (before, after) = (last.repos.get(&key), repos.get(&key));
            let is_news = before.is_some() || after.is_some_and(|repo| repo.is_watched(&last.watched));
            if !is_news {
                continue;
            }
            for change in between(before, after, endpoint) {
                for webhook in webhooks {
                    let watches = |repo: &Snapshot| repo.is_watched(&webhook.watched);
                    let is_about = before.is_some_and(watches) || after.is_some_and(watches);
                    let Ok(url) = webhook.url.parse() else { continue };
                    if is_about && webhook.hears(&change.domain()) {
                        let body = change.payload(&webhook.id, endpoint).to_string().into();
                        // Nobody takes the call when the Hub is going down.
                        let _ = self.calls.send(Call { url, secret: webhook.secret.clone(), body });
                    }
                }
            }
        }
    }
}

/// Looks after each request that may have changed something, before it is answered.
pub(crate) async fn observe(State(state): State<HubState>, request: Request, next: Next) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let answer = next.run(request).await;
    if !reads && answer.status().is_success() && state.courier.awake.load(Ordering::SeqCst) {
        let shared = state.clone();
        // The request itself went well; a look that failed is made up for by the next.
        let _ = blocking(move || shared.courier.look(&shared)).await;
    }
    answer
}

/// Makes the calls, one after the other in the order of what happened, until dropped.
pub(crate) fn deliver(state: HubState) -> JoinHandle<()> {
    let waiting = state.courier.waiting.lock().expect("no holder panics").take();
    drop(state);
    tokio::spawn(async move {
        let Some(mut waiting) = waiting else { return };
        while let Some(Call { url, secret, body }) = waiting.recv().await {
            // As on the Hub, whoever does not listen misses the call.
            let _ = post(&url, secret.as_deref(), body).await;
        }
    })
}
