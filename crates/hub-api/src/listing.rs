//! Paged listings as streams.
use crate::{Answer, Error, ErrorKind, HfApi, Http, List, Result};
use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{self, BoxStream};
use futures_util::{StreamExt as _, TryStreamExt as _};
use hub_http::{Method, Response, redact_url};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

type NextPage = BoxFuture<'static, Result<Option<Response>>>;

/// The pages of a listing as they come from the Hub, each asked for as soon as its link is known.
///
/// Up to two requests are under way at once, on their own task, so that a page is fetched while the one before is
/// read. With `ahead` off a page is asked for only when it is wanted.
pub struct Pages {
    api: HfApi,
    next: Option<NextPage>,
    ahead: bool,
    seen: HashSet<u64>,
}

impl Pages {
    /// Begins with the first page's request.
    pub fn new(api: &HfApi, first: Http, ahead: bool) -> Self {
        let mut pages = Self { api: api.clone(), next: None, ahead, seen: HashSet::new() };
        pages.next = Some(pages.ask(first));
        pages
    }

    /// The next page, with what its link leads to already asked for; `None` after the last.
    ///
    /// # Errors
    /// Those of the transport; [`ErrorKind::PaginationLoop`] if the link leads to a page that was there before.
    pub async fn next(&mut self) -> Result<Option<Answer>> {
        let Some(page) = self.next.take() else { return Ok(None) };
        let Some(response) = page.await? else { return Ok(None) };
        if let Some(url) = response.next_page()? {
            let mut hasher = DefaultHasher::new();
            url.as_str().hash(&mut hasher);
            if url == *response.url() || !self.seen.insert(hasher.finish()) {
                let message = format!("the listing leads back to {}", redact_url(&url));
                return Err(Error::new(ErrorKind::PaginationLoop, message));
            }
            self.next = Some(self.ask(Http::url(Method::GET, url)));
        }
        response.collect().await.map(Some)
    }

    /// Goes on with this request, for listings without links.
    pub fn go_on(&mut self, next: Http) {
        self.next = Some(self.ask(next));
    }

    fn ask(&self, http: Http) -> NextPage {
        let client = self.api.client().clone();
        let work = async move { client.execute(http).await.map(Some) };
        if !self.ahead {
            return work.boxed();
        }
        let task = Task(tokio::spawn(work));
        async move { task.finish().await }.boxed()
    }
}

/// A task that ends when nobody waits for it any more.
struct Task<T>(tokio::task::JoinHandle<Result<T>>);

impl<T> Task<T> {
    async fn finish(mut self) -> Result<T> {
        match (&mut self.0).await {
            Ok(result) => result,
            Err(error) => Err(Error::new(ErrorKind::Cancelled, "the request was cancelled").caused_by(error)),
        }
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl HfApi {
    /// Streams the items of a listing; a page is fetched while the one before is read.
    pub fn list<L: List>(&self, request: L) -> BoxStream<'static, Result<L::Item>> {
        let pages = stream::try_unfold(Items::new(self, request), |mut items| async move {
            Ok::<_, Error>(items.next_page().await?.map(|page| (page, items)))
        });
        pages.map_ok(|page| stream::iter(page.into_iter().map(Ok))).try_flatten().boxed()
    }

    /// Counts the items of a listing without keeping them.
    ///
    /// # Errors
    /// Those of the transport and of the method.
    pub async fn count<L: List>(&self, request: L) -> Result<usize> {
        let mut items = Items::new(self, request);
        let mut count = 0;
        while let Some(page) = items.next_page().await? {
            count += page.len();
        }
        Ok(count)
    }
}

/// The items of a listing, by page, up to its limit.
struct Items<L> {
    api: HfApi,
    request: L,
    pages: Option<Pages>,
    pages_read: usize,
    items_read: usize,
    left: usize,
}

impl<L: List> Items<L> {
    fn new(api: &HfApi, request: L) -> Self {
        let left = request.limit().unwrap_or(usize::MAX);
        Self { api: api.clone(), request, pages: None, pages_read: 0, items_read: 0, left }
    }

    async fn next_page(&mut self) -> Result<Option<Vec<L::Item>>> {
        if self.left == 0 {
            return Ok(None);
        }
        // With a limit the last page is not known before it is read, and one page too many would be asked for.
        let ahead = self.request.limit().is_none();
        let pages = self.pages.get_or_insert_with(|| Pages::new(&self.api, self.request.http(), ahead));
        let Some(page) = pages.next().await? else { return Ok(None) };
        self.pages_read += 1;
        if let Some(next) = self.request.next(&page.body, self.pages_read)? {
            pages.go_on(next);
        }
        let mut items = self.request.items(&self.api, page)?;
        items.truncate(self.left);
        self.left -= items.len();
        items.retain(|item| self.request.keeps(item));
        let first = self.items_read;
        self.items_read += items.len();
        let place = |(index, item)| self.request.complete(&self.api, item, first + index);
        let items = items.into_iter().enumerate().map(place).collect();
        Ok(Some(items))
    }
}
