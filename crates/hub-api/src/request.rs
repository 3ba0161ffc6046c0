//! Requests as data, and the three ways to perform one.
use crate::{Error, HfApi, Http, Result, Spec, Timeout};
use bytes::Bytes;
use hub_http::{Answer, StatusCode};
use serde::{Serialize, de::DeserializeOwned};
use std::any::TypeId;
use tracing::Instrument as _;
use tracing::instrument::Instrumented;

/// How long the Hub may take to begin its answer where it does the whole work first: it moves or rewrites a repository,
/// and goes on with it even if nobody waits any more.
pub(crate) const LONG_ANSWER: Timeout = Timeout::from_secs(300);

/// The parameters of one method, as data.
pub trait Request: Serialize + DeserializeOwned + Send + 'static {
    /// What a successful call returns.
    type Output: Serialize + Send + 'static;
    /// Name, documentation and parameters.
    const SPEC: Spec;
}

/// A request that can be performed.
pub trait Run: Request {
    /// Performs the call.
    fn run(self, api: HfApi) -> impl Future<Output = Result<Self::Output>> + Send;
}

/// A request that is exactly one exchange.
pub trait Endpoint: Request<Output: DeserializeOwned> + Sync {
    /// The HTTP form of this request.
    fn http(&self) -> Http;

    /// Reads the result from a successful answer: JSON unless overridden, and anything at all for `()`.
    ///
    /// # Errors
    /// The answer is not what the method returns.
    fn decode(&self, api: &HfApi, answer: Answer) -> Result<Self::Output> {
        let _ = api;
        if TypeId::of::<Self::Output>() == TypeId::of::<()>() {
            answer.check_not_a_page()?;
            return Ok(serde_json::from_str("null").expect("null reads as the unit"));
        }
        answer.json()
    }

    /// The request for the result of a deletion whose own answer was lost, if it has a result.
    ///
    /// By then the thing is gone, so that the Hub answers the repeated deletion with 404.
    fn http_after_deletion(&self) -> Option<Http> {
        None
    }

    /// Turns a failure into a result, for options such as `exist_ok`.
    ///
    /// # Errors
    /// The failure, unless it counts as success.
    fn recover(&self, api: &HfApi, error: Error) -> Result<Self::Output> {
        let _ = api;
        Err(error)
    }
}

/// A request answered page by page, each with a link to the next.
pub trait List: Request + Sync {
    /// One element of the listing.
    type Item: Serialize + DeserializeOwned + Send + 'static;

    /// The HTTP form of the first page.
    fn http(&self) -> Http;

    /// At most this many items, over all pages.
    fn limit(&self) -> Option<usize> {
        None
    }

    /// Reads the items of one page: a JSON array unless overridden.
    ///
    /// # Errors
    /// The page is not what the method lists.
    fn items(&self, api: &HfApi, page: Answer) -> Result<Vec<Self::Item>> {
        let _ = api;
        page.json()
    }

    /// Whether an item is given to the caller; what is not still counts towards the limit.
    fn keeps(&self, item: &Self::Item) -> bool {
        let _ = item;
        true
    }

    /// Adds what only the listing knows: from which Hub it is, and how many items there were before this one.
    fn complete(&self, api: &HfApi, item: Self::Item, position: usize) -> Self::Item {
        let _ = (api, position);
        item
    }

    /// The request for the page after this one, for listings that have no `Link` header.
    ///
    /// Pages are counted from zero: `page` is the number of the one that is asked for.
    ///
    /// # Errors
    /// The page does not say.
    fn next(&self, body: &Bytes, page: usize) -> Result<Option<Http>> {
        let _ = (body, page);
        Ok(None)
    }
}

impl HfApi {
    /// Performs one exchange.
    ///
    /// # Errors
    /// Those of the transport and of the method.
    pub async fn send<E: Endpoint>(&self, request: E) -> Result<E::Output> {
        match self.exchange(request.http()).await {
            Ok(answer) if answer.status == StatusCode::NOT_FOUND => match request.http_after_deletion() {
                Some(http) => request.decode(self, self.exchange(http).await?),
                None => request.decode(self, answer),
            },
            Ok(answer) => request.decode(self, answer),
            Err(error) => request.recover(self, error),
        }
    }

    /// Performs an exchange and collects its answer.
    ///
    /// # Errors
    /// Those of [`crate::Client::answer`].
    pub async fn exchange(&self, http: Http) -> Result<Answer> {
        self.client().answer(http).await
    }
}

/// Performs a request in a span of its method.
#[doc(hidden)]
pub fn perform<R: Run>(
    request: R,
    api: HfApi,
) -> Instrumented<impl Future<Output = Result<R::Output>> + Send> {
    request.run(api).instrument(span_of(R::SPEC.name))
}

/// The span of a call of a method.
pub(crate) fn span_of(method: &'static str) -> tracing::Span {
    tracing::info_span!("call", method)
}
