//! The body of an answer on its way out: counted, and damaged when a fault says so.
use super::{Actions, Cut};
use crate::{log::Outcome, web::connection::Control};
use axum::{
    Error,
    body::{Body, HttpBody},
    http::HeaderMap,
};
use bytes::{Bytes, BytesMut};
use hyper::body::{Frame, SizeHint};
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Sleep, sleep};

/// What is done to the bytes of a body.
#[derive(Debug)]
pub(crate) struct BodyScript {
    /// Where in the file the body begins, for offsets of corrupt bytes.
    start: u64,
    corrupt: Vec<u64>,
    /// After how many bytes the body ends, and how.
    end: Option<(u64, End)>,
    bytes_per_second: Option<u64>,
    without_length: bool,
}

#[derive(Debug, Clone, Copy)]
enum End {
    Cut(Cut),
    Stall,
    Truncate,
}

impl BodyScript {
    /// The script of a fault for an answer with these headers; `None` if it leaves the body alone.
    pub(crate) fn of(actions: &Actions, headers: &HeaderMap) -> Option<Self> {
        let ends = [
            actions.cut.map(|(after, cut)| (after, End::Cut(cut))),
            actions.stall_after.map(|after| (after, End::Stall)),
            actions.truncate_after.map(|after| (after, End::Truncate)),
        ];
        let script = Self {
            start: range_start(headers).unwrap_or(0),
            corrupt: actions.corrupt.clone(),
            end: ends.into_iter().flatten().min_by_key(|(after, _)| *after),
            bytes_per_second: actions.bytes_per_second,
            without_length: actions.without_length,
        };
        let touched = script.end.is_some()
            || script.bytes_per_second.is_some()
            || script.without_length
            || !script.corrupt.is_empty();
        touched.then_some(script)
    }

    fn damage(&self, position: u64, bytes: Bytes) -> Bytes {
        let first = self.start + position;
        let hit = |offset: &&u64| (first..first + bytes.len() as u64).contains(*offset);
        let offsets: Vec<usize> =
            self.corrupt.iter().filter(hit).map(|offset| (offset - first) as usize).collect();
        if offsets.is_empty() {
            return bytes;
        }
        let mut damaged = BytesMut::from(&*bytes);
        offsets.into_iter().for_each(|offset| damaged[offset] ^= 0xff);
        damaged.freeze()
    }
}

fn range_start(headers: &HeaderMap) -> Option<u64> {
    let value = headers.get("content-range")?.to_str().ok()?;
    value.strip_prefix("bytes ")?.split('-').next()?.parse().ok()
}

/// A body that tells the log how much of it was sent, and follows a script.
pub(crate) struct Watched {
    inner: Body,
    outcome: Arc<Outcome>,
    control: Control,
    script: Option<BodyScript>,
    position: u64,
    waiting: Bytes,
    pause: Option<Pin<Box<Sleep>>>,
}

impl Watched {
    pub(crate) fn new(
        inner: Body,
        outcome: Arc<Outcome>,
        control: Control,
        script: Option<BodyScript>,
    ) -> Self {
        Self { inner, outcome, control, script, position: 0, waiting: Bytes::new(), pause: None }
    }
}

type Polled = Poll<Option<Result<Frame<Bytes>, Error>>>;

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Polled {
        let this = &mut *self;
        if let Some(pause) = &mut this.pause {
            ready!(pause.as_mut().poll(cx));
            this.pause = None;
        }
        if let Some((after, end)) = this.script.as_ref().and_then(|script| script.end)
            && this.position >= after
        {
            return this.end(end);
        }
        if this.waiting.is_empty() {
            match ready!(Pin::new(&mut this.inner).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => this.waiting = data,
                    Err(other) => return Poll::Ready(Some(Ok(other))),
                },
                end => return Poll::Ready(end),
            }
        }
        let data = this.next_piece();
        this.position += data.len() as u64;
        this.outcome.sent(data.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(data))))
    }

    fn is_end_stream(&self) -> bool {
        self.script.is_none() && self.waiting.is_empty() && self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.script {
            Some(script) if script.without_length => SizeHint::default(),
            _ => self.inner.size_hint(),
        }
    }
}

impl Watched {
    fn next_piece(&mut self) -> Bytes {
        let Some(script) = &self.script else { return std::mem::take(&mut self.waiting) };
        let mut length = self.waiting.len() as u64;
        if let Some((after, _)) = script.end {
            length = length.min(after - self.position);
        }
        if let Some(rate) = script.bytes_per_second {
            length = length.min((rate / 20).max(1));
            let pause = Duration::from_secs_f64(length as f64 / rate as f64);
            self.pause = Some(Box::pin(sleep(pause)));
        }
        let piece = self.waiting.split_to(length as usize);
        script.damage(self.position, piece)
    }

    fn end(&mut self, end: End) -> Polled {
        match end {
            End::Truncate => return Poll::Ready(None),
            End::Stall => {}
            End::Cut(Cut::Finish) => self.control.finish(),
            End::Cut(Cut::Reset) => self.control.reset(),
        }
        // A cut happens when the connection is flushed, which follows; a stall lasts until the peer leaves.
        Poll::Pending
    }
}
