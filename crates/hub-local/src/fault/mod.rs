//! Scripted faults: what goes wrong, with which request.
mod body;
mod plan;

pub(crate) use body::{BodyScript, Watched};
pub(crate) use plan::FaultPlan;

use crate::log::Origin;
use axum::http::{HeaderMap, Method, Uri};
use bytes::Bytes;
use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;

/// How a connection is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// In an orderly way, with FIN: the peer reads an end that comes too early.
    Finish,
    /// With RST: the peer reads an error, and may lose bytes that it has not read yet.
    Reset,
}

/// Performs a request long after it was answered: see [`Fault::fail_then_perform`].
#[derive(Debug, Clone, Default)]
pub struct Late(Arc<LateState>);

#[derive(Debug, Default)]
struct LateState {
    released: Notify,
    performed: Notify,
}

impl Late {
    /// Has the request performed now, and waits until it is.
    pub async fn perform(&self) {
        self.0.released.notify_one();
        self.0.performed.notified().await;
    }

    pub(crate) async fn released(&self) {
        self.0.released.notified().await;
    }

    pub(crate) fn performed(&self) {
        self.0.performed.notify_one();
    }
}

/// The head of a request, as predicates of faults see it.
#[derive(Debug)]
#[non_exhaustive]
pub struct RequestHead<'a> {
    /// The method.
    pub method: &'a Method,
    /// The URI as sent.
    pub uri: &'a Uri,
    /// The headers.
    pub headers: &'a HeaderMap,
}

type Predicate = Arc<dyn Fn(&RequestHead<'_>) -> bool + Send + Sync>;

/// Something that goes wrong with requests that match.
///
/// Without [`nth`](Fault::nth) or [`times`](Fault::times) it goes wrong each time. Where it makes sense the real answer
/// is made and then damaged: cut, stalled, slowed, corrupted, its headers changed. With [`status`](Fault::status),
/// [`body`](Fault::body) or [`redirect`](Fault::redirect) the request is not performed, unless
/// [`commit_then_fail`](Fault::commit_then_fail) says so.
///
/// ```
/// # use hub_local::{Cut, Fault, Method, Origin};
/// // The first download of any file is cut after 500 bytes, the next one is refused for a second.
/// Fault::on(Method::GET, "").at(Origin::Storage).times(1).cut_after(500, Cut::Finish);
/// Fault::on(Method::GET, "").at(Origin::Storage).nth(2).status(503).header("retry-after", "1");
/// ```
#[derive(Clone)]
#[must_use = "a fault happens only once it is given to a Hub"]
pub struct Fault {
    matcher: Matcher,
    pub(crate) actions: Actions,
}

#[derive(Clone)]
struct Matcher {
    method: Option<Method>,
    path: String,
    origin: Option<Origin>,
    range: Option<String>,
    predicate: Option<Predicate>,
    /// Which of the matching requests, counted from 1: from, up to and including.
    window: (usize, usize),
}

/// What happens to a matching request.
#[derive(Clone, Default, Debug)]
pub(crate) struct Actions {
    pub(crate) delay: Duration,
    pub(crate) reset: bool,
    pub(crate) never_answer: bool,
    pub(crate) perform: bool,
    pub(crate) late: Option<Late>,
    pub(crate) ignore_range: bool,
    pub(crate) status: Option<u16>,
    pub(crate) content: Option<Bytes>,
    pub(crate) replaced_headers: Vec<(String, String)>,
    pub(crate) dropped_headers: Vec<String>,
    pub(crate) without_length: bool,
    pub(crate) cut: Option<(u64, Cut)>,
    pub(crate) stall_after: Option<u64>,
    pub(crate) truncate_after: Option<u64>,
    pub(crate) corrupt: Vec<u64>,
    pub(crate) bytes_per_second: Option<u64>,
}

impl Fault {
    /// Begins a fault of requests with this method whose path or query contains this text.
    pub fn on(method: Method, path_part: impl Into<String>) -> Self {
        Self::matching(Some(method), path_part.into())
    }

    /// Begins a fault of requests with any method whose path or query contains this text.
    pub fn any(path_part: impl Into<String>) -> Self {
        Self::matching(None, path_part.into())
    }

    fn matching(method: Option<Method>, path: String) -> Self {
        let window = (1, usize::MAX);
        let matcher = Matcher { method, path, origin: None, range: None, predicate: None, window };
        Self { matcher, actions: Actions::default() }
    }

    /// Only at this origin.
    pub fn at(mut self, origin: Origin) -> Self {
        self.matcher.origin = Some(origin);
        self
    }

    /// Only with a `Range` header that contains this text; an empty text asks for any.
    pub fn range(mut self, part: impl Into<String>) -> Self {
        self.matcher.range = Some(part.into());
        self
    }

    /// Only when the predicate holds.
    pub fn when(mut self, predicate: impl Fn(&RequestHead<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.matcher.predicate = Some(Arc::new(predicate));
        self
    }

    /// Only the n-th matching request, counted from 1.
    pub fn nth(mut self, n: usize) -> Self {
        self.matcher.window = (n, n);
        self
    }

    /// Only the first `count` matching requests; after [`nth`](Fault::nth), `count` of them from that one on.
    pub fn times(mut self, count: usize) -> Self {
        let first = self.matcher.window.0;
        self.matcher.window.1 = first.saturating_add(count).saturating_sub(1);
        self
    }

    /// Waits before anything else happens.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.actions.delay = delay;
        self
    }

    /// Resets the connection without an answer.
    pub fn reset(mut self) -> Self {
        self.actions.reset = true;
        self
    }

    /// Keeps the connection open and never answers.
    pub fn never_answer(mut self) -> Self {
        self.actions.never_answer = true;
        self
    }

    /// Answers with this status instead of performing the request.
    pub fn status(mut self, status: u16) -> Self {
        self.actions.status = Some(status);
        self
    }

    /// Performs the request, then answers with this status and nothing of the real answer.
    pub fn commit_then_fail(mut self, status: u16) -> Self {
        self.actions.status = Some(status);
        self.actions.perform = true;
        self
    }

    /// Answers with this status, and performs the request when told to.
    pub fn fail_then_perform(mut self, status: u16, late: &Late) -> Self {
        self.actions.status = Some(status);
        self.actions.late = Some(late.clone());
        self
    }

    /// Answers with this body, and 200 if no status is given, instead of performing the request.
    pub fn body(mut self, bytes: impl Into<Bytes>) -> Self {
        self.actions.content = Some(bytes.into());
        self
    }

    /// Answers with a redirect (302 if no status is given) instead of performing the request.
    pub fn redirect(mut self, url: impl Into<String>) -> Self {
        self.actions.status.get_or_insert(302);
        self.replace_header("location", url)
    }

    /// Sets a header of the answer.
    pub fn header(self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.replace_header(name, value)
    }

    /// Sets a header of the answer in place of the real one.
    pub fn replace_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.actions.replaced_headers.push((name.into(), value.into()));
        self
    }

    /// Leaves a header of the real answer out.
    pub fn drop_header(mut self, name: impl Into<String>) -> Self {
        self.actions.dropped_headers.push(name.into());
        self
    }

    /// Names another range in `Content-Range` than the one that is sent.
    pub fn wrong_content_range(self, value: impl Into<String>) -> Self {
        self.replace_header("content-range", value)
    }

    /// Sends the whole content, with 200, whatever range is asked for.
    pub fn ignore_range(mut self) -> Self {
        self.actions.ignore_range = true;
        self
    }

    /// Tells no length: HTTP/1.0, where the end of the connection is the end of the body.
    pub fn without_length(mut self) -> Self {
        self.actions.without_length = true;
        self
    }

    /// Cuts the connection after this many bytes of the body.
    pub fn cut_after(mut self, bytes: u64, cut: Cut) -> Self {
        self.actions.cut = Some((bytes, cut));
        self
    }

    /// Stops sending after this many bytes of the body and keeps the connection open.
    pub fn stall_after(mut self, bytes: u64) -> Self {
        self.actions.stall_after = Some(bytes);
        self
    }

    /// Ends the body after this many bytes as if that were all; with [`without_length`](Fault::without_length)
    /// nothing gives it away.
    pub fn truncate_after(mut self, bytes: u64) -> Self {
        self.actions.truncate_after = Some(bytes);
        self
    }

    /// Sends the body no faster than this.
    pub fn bytes_per_second(mut self, bytes: u64) -> Self {
        self.actions.bytes_per_second = Some(bytes.max(1));
        self
    }

    /// Inverts the byte at this offset of the file; an answer to a range has it only if the range does.
    pub fn corrupt_byte(mut self, offset: u64) -> Self {
        self.actions.corrupt.push(offset);
        self
    }

    fn matches(&self, origin: Origin, head: &RequestHead<'_>) -> bool {
        let Matcher { method, path, origin: wanted, range, predicate, .. } = &self.matcher;
        let target = head.uri.path_and_query().map_or("", |target| target.as_str());
        let sent_range = head.headers.get("range").and_then(|value| value.to_str().ok());
        method.as_ref().is_none_or(|method| method == head.method)
            && wanted.is_none_or(|wanted| wanted == origin)
            && target.contains(&**path)
            && range.as_ref().is_none_or(|part| sent_range.is_some_and(|sent| sent.contains(&**part)))
            && predicate.as_ref().is_none_or(|predicate| predicate(head))
    }
}

impl fmt::Debug for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Matcher { method, path, origin, range, window, .. } = &self.matcher;
        f.debug_struct("Fault")
            .field("method", method)
            .field("path", path)
            .field("origin", origin)
            .field("range", range)
            .field("window", window)
            .field("actions", &self.actions)
            .finish_non_exhaustive()
    }
}

/// Tells how often a fault has happened.
#[derive(Debug, Clone, Default)]
pub struct FaultHandle(Arc<AtomicUsize>);

impl FaultHandle {
    /// How many requests the fault has happened to so far.
    pub fn hits(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn hit(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}
