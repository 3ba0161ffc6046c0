//! Paged listings as streams.
use crate::request::span_of;
use crate::{Answer, Client, Error, ErrorKind, HfApi, Http, List, Result};
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use hub_http::{MAX_LISTING_BYTES, Method, Response, next_link, redact_url};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tracing::Instrument as _;

/// How many bytes of JSON are read where they arrive; more of them are read on a thread for such work.
const SHORT_BODY: usize = 64 << 10;

/// The pages of a listing as they come from the Hub, each read by a function.
///
/// Read ahead, a page is asked for as soon as its link is known, at most two pages before it is wanted, and large
/// pages are read side by side away from the sockets. Otherwise a page is asked for only when it is wanted.
pub struct Pages<T> {
    client: Client,
    read: Reader<T>,
    ahead: bool,
    /// Where to go on, unless that is under way.
    walk: Option<Walk>,
    under_way: Option<UnderWay<T>>,
    /// How many pages were given.
    given: usize,
}

/// Makes what is wanted of a page and its number, counted from zero.
type Reader<T> = Arc<dyn Fn(Answer, usize) -> Result<T> + Send + Sync>;

impl<T: Send + 'static> Pages<T> {
    /// The pages from the first one on, which is asked for when it is wanted.
    pub fn new(
        api: &HfApi,
        first: Http,
        ahead: bool,
        read: impl Fn(Answer, usize) -> Result<T> + Send + Sync + 'static,
    ) -> Self {
        let client = api.client().clone();
        let walk = Some(Walk::new(&client, first, 0));
        Self { client, read: Arc::new(read), ahead, walk, under_way: None, given: 0 }
    }

    /// The next page; `None` after the last.
    ///
    /// # Errors
    /// Those of the transport and of the reader; [`ErrorKind::PaginationLoop`] if the link leads to a page that was
    /// there before.
    pub async fn next(&mut self) -> Result<Option<T>> {
        let page = if self.ahead { self.take().await? } else { self.fetch().await? };
        self.given += usize::from(page.is_some());
        Ok(page)
    }

    /// Goes on with this request, for listings without links.
    pub fn go_on(&mut self, next: Http) {
        self.walk = Some(Walk::new(&self.client, next, self.given));
    }

    async fn fetch(&mut self) -> Result<Option<T>> {
        let Some(walk) = &mut self.walk else { return Ok(None) };
        match walk.step().await? {
            Some((response, number)) => read_page(response, number, self.read.clone()).await.map(Some),
            None => Ok(None),
        }
    }

    async fn take(&mut self) -> Result<Option<T>> {
        if let Some(walk) = self.walk.take() {
            self.under_way = Some(walk.ahead(&self.read));
        }
        let Some(under_way) = &mut self.under_way else { return Ok(None) };
        match under_way.pages.recv().await {
            Some(page) => page?.finish().await?.map(Some),
            None => Ok(None),
        }
    }
}

/// Pages that are asked for and read while others are used.
struct UnderWay<T> {
    pages: mpsc::Receiver<Result<Task<Result<T>>>>,
    _walker: Task<()>,
}

/// The way from link to link.
struct Walk {
    client: Client,
    next: Option<Http>,
    /// Hashes of the links, so that a circle is noticed.
    seen: HashSet<u64>,
    number: usize,
}

impl Walk {
    fn new(client: &Client, first: Http, number: usize) -> Self {
        Self { client: client.clone(), next: Some(first), seen: HashSet::new(), number }
    }

    /// Asks for a page and waits for the head of the answer, which has the link to the next.
    async fn step(&mut self) -> Result<Option<(Response, usize)>> {
        let Some(http) = self.next.take() else { return Ok(None) };
        // A page whose body breaks off is asked for again by the task that reads it.
        let response = self.client.execute(http.max_answer_bytes(MAX_LISTING_BYTES)).await?;
        if let Some(url) = response.next_page()? {
            let mut hasher = DefaultHasher::new();
            url.as_str().hash(&mut hasher);
            if url == *response.url() || !self.seen.insert(hasher.finish()) {
                let message = format!("the listing leads back to {}", redact_url(&url));
                return Err(Error::new(ErrorKind::PaginationLoop, message));
            }
            self.next = Some(Http::url(Method::GET, url));
        }
        self.number += 1;
        Ok(Some((response, self.number - 1)))
    }

    /// Walks on a task of its own, one page ahead of those that wait to be taken.
    fn ahead<T: Send + 'static>(mut self, read: &Reader<T>) -> UnderWay<T> {
        let (given, pages) = mpsc::channel(1);
        let read = read.clone();
        let walker = async move {
            loop {
                let page = match self.step().await {
                    Ok(Some((response, number))) => {
                        Ok(Task::spawn(read_page(response, number, read.clone())))
                    }
                    Ok(None) => break,
                    Err(error) => Err(error),
                };
                let ends = page.is_err();
                // Nobody takes pages any more, or this was the last.
                if given.send(page).await.is_err() || ends {
                    break;
                }
            }
        };
        UnderWay { pages, _walker: Task::spawn(walker) }
    }
}

/// Collects the body of a page and reads it.
async fn read_page<T: Send + 'static>(response: Response, number: usize, read: Reader<T>) -> Result<T> {
    let (url, has_next) = (response.url().clone(), response.next_page()?.is_some());
    let page = response.collect().await?;
    // A body that broke off was asked for again, after its link was followed.
    if next_link(&page.headers)?.is_some() != has_next {
        let message =
            format!("the end of the listing at {} moved while it was read; try again", redact_url(&url));
        return Err(Error::new(ErrorKind::ContentChanged, message));
    }
    if page.body.len() <= SHORT_BODY {
        return read(page, number);
    }
    finished(tokio::task::spawn_blocking(move || read(page, number)).await)?
}

/// A task that ends when nobody waits for it any more.
struct Task<T>(JoinHandle<T>);

impl<T: Send + 'static> Task<T> {
    fn spawn(work: impl Future<Output = T> + Send + 'static) -> Self {
        Self(tokio::spawn(work.in_current_span()))
    }

    async fn finish(mut self) -> Result<T> {
        finished((&mut self.0).await)
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a task came to; its panic goes on here.
fn finished<T>(joined: std::result::Result<T, JoinError>) -> Result<T> {
    joined.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(error) => Error::new(ErrorKind::Cancelled, "the request was cancelled").caused_by(error),
    })
}

impl HfApi {
    /// Streams the items of a listing; pages are fetched while those before are read.
    pub fn list<L: List>(&self, request: L) -> BoxStream<'static, Result<L::Item>> {
        let span = span_of(L::SPEC.name);
        let mut items = self.items(request);
        if span.is_disabled() {
            return items;
        }
        stream::poll_fn(move |context| span.in_scope(|| items.poll_next_unpin(context))).boxed()
    }

    /// As [`HfApi::list`], in the span of the caller.
    pub(crate) fn items<L: List>(&self, request: L) -> BoxStream<'static, Result<L::Item>> {
        let (api, request) = (self.clone(), Arc::new(request));
        let items = Items::new(self, request.clone(), |items| items);
        let pages = stream::try_unfold((items, 0), |(mut items, position)| async move {
            let Some(page) = items.next_page().await? else { return Ok::<_, Error>(None) };
            let after = position + page.len();
            Ok(Some(((position, page), (items, after))))
        });
        pages
            .map_ok(move |(position, page)| {
                let (api, request) = (api.clone(), request.clone());
                let place = move |(index, item)| Ok(request.complete(&api, item, position + index));
                stream::iter(page.into_iter().enumerate().map(place))
            })
            .try_flatten()
            .boxed()
    }

    /// Counts the items of a listing without keeping them.
    ///
    /// # Errors
    /// Those of the transport and of the method.
    pub async fn count<L: List>(&self, request: L) -> Result<usize> {
        // Items are counted, and dropped, on the thread that made them.
        let mut items = Items::new(self, Arc::new(request), |items| items.len());
        let mut count = 0;
        while let Some(page) = items.next_page().await? {
            count += page;
        }
        Ok(count)
    }
}

/// The items of a listing, by page, up to its limit.
struct Items<T> {
    pages: Pages<Page<T>>,
    /// How many items are still wanted.
    left: Arc<AtomicUsize>,
}

/// What is read of a page: what was made of its items, and where to go on if its body says that.
struct Page<T> {
    items: T,
    next: Option<Http>,
}

impl<T: Send + 'static> Items<T> {
    fn new<L: List>(api: &HfApi, request: Arc<L>, shape: fn(Vec<L::Item>) -> T) -> Self {
        let limit = request.limit();
        let wanted = Arc::new(AtomicUsize::new(limit.unwrap_or(usize::MAX)));
        let (left, own_api) = (wanted.clone(), api.clone());
        // With a limit the last page is not known before it is read, and one page too many would be asked for.
        let ahead = limit.is_none();
        let pages = Pages::new(api, request.http(), ahead, move |page, number| {
            let next = request.next(&page.body, number + 1)?;
            let mut items = request.items(&own_api, page)?;
            if limit.is_some() {
                items.truncate(left.load(Relaxed));
                left.fetch_sub(items.len(), Relaxed);
            }
            items.retain(|item| request.keeps(item));
            Ok(Page { items: shape(items), next })
        });
        Self { pages, left: wanted }
    }

    async fn next_page(&mut self) -> Result<Option<T>> {
        if self.left.load(Relaxed) == 0 {
            return Ok(None);
        }
        let Some(Page { items, next }) = self.pages.next().await? else { return Ok(None) };
        if let Some(next) = next {
            self.pages.go_on(next);
        }
        Ok(Some(items))
    }
}
