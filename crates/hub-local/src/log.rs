//! The log of requests that reached a local Hub.
use axum::http::{HeaderMap, Method, Uri};
use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU16, AtomicU64, Ordering},
    },
};

/// One of the two addresses that a local Hub is served at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Origin {
    /// The Hub itself: API, files, git.
    Hub,
    /// Where the content of LFS files is stored, as on the real Hub another server.
    Storage,
}

/// A request that arrived, and what became of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LoggedRequest {
    /// The origin it arrived at.
    pub origin: Origin,
    /// The method.
    pub method: Method,
    /// The path as sent, percent-encoded.
    pub path: String,
    /// The query as sent, without the `?`; empty if there was none.
    pub query: String,
    /// All headers.
    pub headers: HeaderMap,
    /// The status of the answer; `None` while there is none.
    pub status: Option<u16>,
    /// How many bytes of the answer's body have been handed to the connection so far.
    pub body_bytes_sent: u64,
}

impl LoggedRequest {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The `Authorization` header.
    pub fn authorization(&self) -> Option<&str> {
        self.header("authorization")
    }

    /// The `Range` header.
    pub fn range(&self) -> Option<&str> {
        self.header("range")
    }
}

/// The part of a record that is filled in while the answer is on its way.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    status: AtomicU16,
    sent: AtomicU64,
}

impl Outcome {
    pub(crate) fn answered(&self, status: u16) {
        self.status.store(status, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
    }
}

struct Record {
    origin: Origin,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    outcome: Arc<Outcome>,
}

/// The last requests, oldest first; a server that runs for months must not fill the memory with them.
pub(crate) struct RequestLog {
    records: Mutex<VecDeque<Record>>,
    capacity: usize,
}

impl RequestLog {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { records: Mutex::default(), capacity }
    }

    pub(crate) fn begin(
        &self,
        origin: Origin,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
    ) -> Arc<Outcome> {
        let outcome = Arc::new(Outcome::default());
        if self.capacity > 0 {
            let mut records = self.records.lock().expect("no holder panics");
            if records.len() == self.capacity {
                records.pop_front();
            }
            let (method, uri, headers) = (method.clone(), uri.clone(), headers.clone());
            records.push_back(Record { origin, method, uri, headers, outcome: outcome.clone() });
        }
        outcome
    }

    pub(crate) fn all(&self) -> Vec<LoggedRequest> {
        let records = self.records.lock().expect("no holder panics");
        records.iter().map(Record::describe).collect()
    }

    pub(crate) fn clear(&self) {
        self.records.lock().expect("no holder panics").clear();
    }
}

impl Record {
    fn describe(&self) -> LoggedRequest {
        let status = self.outcome.status.load(Ordering::Relaxed);
        LoggedRequest {
            origin: self.origin,
            method: self.method.clone(),
            path: self.uri.path().to_owned(),
            query: self.uri.query().unwrap_or_default().to_owned(),
            headers: self.headers.clone(),
            status: (status != 0).then_some(status),
            body_bytes_sent: self.outcome.sent.load(Ordering::Relaxed),
        }
    }
}
