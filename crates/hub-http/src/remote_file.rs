//! A file on a server, read in ranges that survive broken connections.
use crate::{
    Client, Error, ErrorKind, Http, Purpose, Response, Result, Retry, StatusCode, Target, Url, redact_url,
};
use bytes::Bytes;
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, ETAG, HeaderMap, IF_RANGE, RANGE};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

/// A connection that brought this much has earned the next failure a fresh count.
const PROGRESS_BYTES: u64 = 64 << 10;

/// A range of bytes, its end excluded; without one it goes to the end of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub start: u64,
    /// The byte after the last.
    pub end: Option<u64>,
}

impl ByteRange {
    /// The whole file.
    pub const ALL: Self = Self { start: 0, end: None };

    /// From a byte to the end of the file.
    pub fn from(start: u64) -> Self {
        Self { start, end: None }
    }

    /// From a byte up to another, which is excluded.
    pub fn new(start: u64, end: u64) -> Self {
        Self { start, end: Some(end) }
    }

    /// The `Range` header; none for the whole file.
    fn header(self) -> Option<String> {
        match self {
            Self { start: 0, end: None } => None,
            Self { start, end: None } => Some(format!("bytes={start}-")),
            Self { start, end: Some(end) } => {
                Some(format!("bytes={start}-{}", end.saturating_sub(1).max(start)))
            }
        }
    }
}

/// What a body gives next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The bytes that follow.
    Data(Bytes),
    /// The server could not go on where the connection broke: what came so far is void, and byte 0 follows.
    Restart,
}

/// A file on a server.
///
/// It is named by the request that resolves it. Where that leads (a signed URL at a storage host, say) is remembered,
/// so that further ranges go there directly, and forgotten when it expires. Clones share that memory.
#[derive(Debug, Clone)]
pub struct RemoteFile {
    client: Client,
    http: Http,
    size: Option<u64>,
    accepts_whole: bool,
    reach: Option<u64>,
    shared: Arc<Mutex<Known>>,
}

#[derive(Default)]
struct Known {
    location: Option<Url>,
    etag: Option<String>,
}

/// Without the query of the location, which is signed.
impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let location = self.location.as_ref().map(redact_url);
        f.debug_struct("Known").field("location", &location).field("etag", &self.etag).finish()
    }
}

impl RemoteFile {
    /// A file that a GET request resolves.
    pub fn new(client: &Client, http: Http) -> Self {
        Self {
            client: client.clone(),
            http: http.identity().purpose(Purpose::Download),
            size: None,
            accepts_whole: false,
            reach: None,
            shared: Arc::default(),
        }
    }

    /// Says where the request is known to lead.
    #[must_use]
    pub fn with_location(self, url: Url) -> Self {
        self.known().location = Some(url);
        self
    }

    /// Says how long the file is; a server that says otherwise is an error.
    #[must_use]
    pub fn with_size(mut self, size_bytes: u64) -> Self {
        self.size = Some(size_bytes);
        self
    }

    /// Accepts the whole file where a range was asked for, and a range that does not say which one it is.
    ///
    /// For ranges near the beginning, where the bytes before them can be skipped. [`RemoteBody::position`] tells where
    /// an answer begins, and what lies behind the range is not read. The memory of clones stays shared.
    #[must_use]
    pub fn accept_whole(mut self) -> Self {
        self.accepts_whole = true;
        self
    }

    /// Asks a storage host, where the request leads to one, for the bytes up to `end` when the file is read from its
    /// beginning.
    ///
    /// Saves the second request of those who learn from the first bytes that they need more. The body goes on past its
    /// range then, see [`RemoteBody::range_end`], and what nobody reads is not fetched.
    #[must_use]
    pub fn reach(mut self, end: u64) -> Self {
        self.reach = Some(end);
        self
    }

    /// Asks for a range and waits for the head of the answer.
    ///
    /// # Errors
    /// [`ErrorKind::RangeIgnored`] if a range with an end is answered with anything else and
    /// [`RemoteFile::accept_whole`] was not called,
    /// [`ErrorKind::ContentChanged`] if the file is not the one of before, and those of [`Client::execute`].
    pub async fn open(&self, range: ByteRange) -> Result<RemoteBody> {
        let mut body = RemoteBody {
            file: self.clone(),
            position: range.start,
            range,
            total: self.size,
            vague: false,
            headers: HeaderMap::new(),
            status: StatusCode::OK,
            response: None,
            retry: self.client.retry(),
            furthest: range.start,
            earned: 0,
        };
        body.connect().await?;
        Ok(body)
    }

    /// Where a range may end that was asked for with this end.
    fn reached(&self, range: ByteRange) -> Option<u64> {
        let reach = self.reach.filter(|_| range.start == 0);
        range.end.map(|end| reach.map_or(end, |reach| reach.max(end)))
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends the request for a range: to the known location, and if that has expired, through the front door.
    async fn request(&self, range: ByteRange) -> Result<Response> {
        let (location, etag) = {
            let known = self.known();
            (known.location.clone(), known.etag.clone())
        };
        let mut http = self.http.clone();
        if let Some(header) = range.header() {
            http = http.header(RANGE, &header);
            let reached = ByteRange { end: self.reached(range), ..range };
            if let Some(header) = reached.header().filter(|_| reached != range) {
                http.elsewhere.insert(RANGE, header.parse().expect("digits are fit for a header"));
            }
            // A weak tag does not promise equal bytes, and may not be used here.
            if let Some(etag) = etag.filter(|etag| range.start > 0 && !etag.starts_with("W/")) {
                http = http.header(IF_RANGE, &etag);
            }
        }
        if let Some(location) = location {
            let direct = Http { target: Target::Url(location), query: Vec::new(), ..http.clone() };
            match self.client.execute(direct).await {
                Err(error) if matches!(error.status(), Some(400 | 401 | 403 | 404 | 410)) => {
                    tracing::debug!(%error, "the location of the file has expired");
                    self.known().location = None;
                }
                result => return result,
            }
        }
        let response = self.client.execute(http).await?;
        self.known().location = Some(response.url().clone());
        Ok(response)
    }
}

/// The bytes of a range, as they come.
pub struct RemoteBody {
    file: RemoteFile,
    range: ByteRange,
    position: u64,
    total: Option<u64>,
    /// The answer does not say which range it is, so where it ends is the end.
    vague: bool,
    headers: HeaderMap,
    status: StatusCode,
    response: Option<Response>,
    retry: Retry,
    /// The byte up to which any attempt has come.
    furthest: u64,
    /// How many bytes beyond that have come since the last failure.
    earned: u64,
}

/// Without the headers, which may be signed URLs and cookies.
impl fmt::Debug for RemoteBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteBody")
            .field("file", &self.file)
            .field("range", &self.range)
            .field("position", &self.position)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl RemoteBody {
    /// The headers of the last answer.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The status of the last answer: 200 for a whole file, 206 for a range.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The size of the whole file in bytes, if the server says it.
    pub fn size(&self) -> Option<u64> {
        self.total
    }

    /// The byte where the range ends, if that is known; later than asked for where [`RemoteFile::reach`] says so.
    pub fn range_end(&self) -> Option<u64> {
        self.end()
    }

    /// The byte that the next data begins with.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The next piece; `None` when the range is complete.
    ///
    /// A connection that breaks or stalls is made again where it stopped.
    ///
    /// # Errors
    /// Those of [`RemoteFile::open`], and the last failure when several in a row brought nothing.
    pub async fn next(&mut self) -> Result<Option<Piece>> {
        if self.end().is_some_and(|end| self.position >= end) && self.response.take().is_some() {
            return Ok(None);
        }
        loop {
            if self.response.is_none() {
                if self.end().is_some_and(|end| self.position >= end) {
                    return Ok(None);
                }
                if self.connect().await? {
                    return Ok(Some(Piece::Restart));
                }
            }
            match self.pull().await {
                Ok(Some(bytes)) => return Ok(Some(Piece::Data(bytes))),
                Ok(None) => return Ok(None),
                Err(error) => self.pause(error).await?,
            }
        }
    }

    /// The byte where this range ends, if it is known.
    fn end(&self) -> Option<u64> {
        match (self.range.end, self.total) {
            (Some(end), Some(total)) => Some(end.min(total)),
            (end, total) => end.or(total),
        }
    }

    /// Takes what the connection brings next.
    async fn pull(&mut self) -> Result<Option<Bytes>> {
        let end = self.end();
        let Some(response) = &mut self.response else { return Ok(None) };
        let chunk = response.chunk().await?;
        let Some(mut bytes) = chunk else {
            return match end {
                Some(end) if self.position < end && !self.vague => {
                    let url = redact_url(response.url());
                    let what = format!("the body of {url} ended at byte {} of {end}", self.position);
                    Err(Error::new(ErrorKind::Connection, what))
                }
                _ => {
                    self.response = None;
                    self.range.end = Some(self.position);
                    Ok(None)
                }
            };
        };
        if let Some(end) = end {
            // A server may send more than was asked for; the rest is not ours.
            bytes.truncate(usize::try_from(end - self.position).unwrap_or(usize::MAX));
        }
        self.position += bytes.len() as u64;
        // A server that begins again each time makes no progress before it comes further than the last time.
        self.earned += self.position.saturating_sub(self.furthest);
        self.furthest = self.furthest.max(self.position);
        Ok(Some(bytes))
    }

    /// Counts a failure and waits before the next attempt, or gives up.
    async fn pause(&mut self, error: Error) -> Result<()> {
        self.response = None;
        if self.earned >= PROGRESS_BYTES {
            self.retry.reset();
        }
        self.earned = 0;
        let position = self.position;
        self.retry.wait(error.context(|| format!("the content broke off at byte {position}"))).await.map(drop)
    }

    /// Asks for the rest of the range; tells whether the server begins again at byte 0.
    async fn connect(&mut self) -> Result<bool> {
        let wanted = ByteRange { start: self.position, end: self.range.end };
        match self.ask(wanted).await {
            // Nothing of the answer was used, so the whole file can be asked for in its place.
            Err(error) if error.kind() == ErrorKind::RangeIgnored && self.may_begin_again(wanted) => {
                tracing::debug!(%error, "the server does not serve the rest of the file; asking for all of it");
                self.position = 0;
                self.ask(ByteRange::ALL).await.map(|_| true)
            }
            restart => restart,
        }
    }

    /// Whether a range that is not served may be replaced by the whole file.
    fn may_begin_again(&self, wanted: ByteRange) -> bool {
        wanted.start > 0 && wanted.end.is_none() && !self.file.accepts_whole
    }

    /// Sends one request for a range; tells whether the server begins again at byte 0.
    async fn ask(&mut self, wanted: ByteRange) -> Result<bool> {
        let response = self.file.request(wanted).await.map_err(|error| {
            if wanted.start > 0 && error.status() == Some(416) {
                error.with_kind(ErrorKind::RangeIgnored)
            } else {
                error
            }
        })?;
        self.headers = response.headers().clone();
        self.status = response.status();
        let restart = self.accept(&response, wanted)?;
        self.response = Some(response);
        Ok(restart)
    }

    /// Compares the head of an answer with what was asked for.
    fn accept(&mut self, response: &Response, wanted: ByteRange) -> Result<bool> {
        let url = redact_url(response.url());
        let changed = |what: String| {
            Err(Error::new(ErrorKind::ContentChanged, format!("{url} is not the file of before: {what}")))
        };
        let etag = response.header(ETAG.as_str()).map(str::to_owned);
        let partial = response.status() == StatusCode::PARTIAL_CONTENT;
        let unnamed = partial && response.header(CONTENT_RANGE.as_str()).is_none();
        self.vague = unnamed && self.file.accepts_whole;
        // Some mirrors leave `Content-Range` out; a range from the first byte can hardly be another one.
        let from_start = unnamed && wanted.start == 0 && !is_multipart(response);
        if self.vague || from_start {
            return Ok(false);
        }
        if partial {
            let got = response.header(CONTENT_RANGE.as_str()).and_then(ContentRange::parse);
            let reached = self.file.reached(wanted);
            let Some(got) =
                got.filter(|got| got.start == wanted.start && reached.is_none_or(|end| got.end <= end))
            else {
                let header = response.header(CONTENT_RANGE.as_str()).unwrap_or("none").to_owned();
                let asked = wanted.header().unwrap_or_default();
                let what =
                    format!("{url} was asked for `{asked}` and answered with Content-Range `{header}`");
                return Err(Error::new(ErrorKind::RangeIgnored, what));
            };
            if let (Some(total), Some(size)) = (self.total, got.total)
                && total != size
            {
                return changed(format!("its size is {size} bytes, not {total}"));
            }
            self.total = self.total.or(got.total);
            if wanted.end.is_some_and(|end| end < got.end) {
                self.range.end = Some(got.end);
            }
            let mut known = self.file.known();
            match (&known.etag, &etag) {
                (Some(old), Some(new)) if old != new => {
                    return changed(format!("its ETag is {new}, not {old}"));
                }
                (None, Some(_)) => known.etag = etag,
                _ => {}
            }
            return Ok(false);
        }
        if wanted.end.is_some()
            && wanted.header().is_some()
            && !self.file.accepts_whole
            && !(wanted.start == 0 && self.file.size.is_some() && self.file.size == wanted.end)
        {
            return Err(Error::new(
                ErrorKind::RangeIgnored,
                format!(
                    "{url} does not serve ranges: it answered with status {}",
                    response.status().as_u16()
                ),
            ));
        }
        // reqwest takes the length away when it decompresses, so a length here is that of the file.
        let length = response.inner.content_length();
        if let (Some(size), Some(length)) = (self.file.size, length)
            && size != length
        {
            return changed(format!("its size is {length} bytes, not {size}"));
        }
        self.total = self.file.size.or(length);
        self.file.known().etag = etag;
        self.position = 0;
        Ok(wanted.start > 0)
    }
}

/// Whether an answer has several ranges in an envelope of its own.
fn is_multipart(response: &Response) -> bool {
    response.header(CONTENT_TYPE.as_str()).is_some_and(|media| media.trim_start().starts_with("multipart/"))
}

/// A `Content-Range` header: `bytes 0-499/1000`, with the end excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ContentRange {
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) total: Option<u64>,
}

impl ContentRange {
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let (unit, range) = header.trim().split_at_checked("bytes".len())?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (range, total) = range.trim_start().split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (start, last) = (first.trim().parse().ok()?, last.trim().parse::<u64>().ok()?);
        let total = match total.trim() {
            "*" => None,
            total => Some(total.parse().ok()?),
        };
        let end = last.checked_add(1)?;
        (start < end && total.is_none_or(|total| end <= total)).then_some(Self { start, end, total })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_range_is_read_or_refused() {
        let range = |start, end, total| Some(ContentRange { start, end, total });
        let cases = [
            ("bytes 0-499/1000", range(0, 500, Some(1000))),
            ("bytes 500-999/*", range(500, 1000, None)),
            ("bytes 0-0/1", range(0, 1, Some(1))),
            ("Bytes 0-0/1", range(0, 1, Some(1))),
            ("bytes 500-499/1000", None),
            ("bytes 0-1000/1000", None),
            ("bytes */1000", None),
            ("bytes 0-18446744073709551615/*", None),
            ("items 0-1/2", None),
            ("", None),
        ];
        for (header, parsed) in cases {
            assert_eq!(ContentRange::parse(header), parsed, "{header}");
        }
    }

    #[test]
    fn range_headers_include_their_last_byte() {
        assert_eq!(ByteRange::ALL.header(), None);
        assert_eq!(ByteRange::from(5).header().as_deref(), Some("bytes=5-"));
        assert_eq!(ByteRange::new(0, 500).header().as_deref(), Some("bytes=0-499"));
    }
}
