//! Papers.
use crate::macros::endpoint;
use crate::types::PaperInfo;
use crate::{Endpoint, Http, Method};
use hub_http::UrlPath;

/// The methods of this module.
pub(crate) const METHODS: &[Method] =
    &[Method::lines_of::<ListPapersRequest>(), Method::of::<PaperInfoRequest>()];

endpoint! {
    /// Searches the papers that were among the daily ones.
    ///
    /// The Hub decides how many it gives. `GET /api/papers/search`.
    ///
    /// # Errors
    /// `Http` if the Hub refuses.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// for paper in api.list_papers().query("mixture of experts").await? {
    ///     println!("{} {:?}", paper.id, paper.title);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_papers() -> Vec<PaperInfo>;

    /// The parameters of [`HfApi::list_papers`](crate::HfApi::list_papers).
    pub struct ListPapersRequest {
        /// What to search for; the Hub's own choice if unset or empty.
        query: Option<String>,
    }
}

impl Endpoint for ListPapersRequest {
    fn http(&self) -> Http {
        let query = self.query.as_deref().filter(|query| !query.is_empty());
        Http::get("/api/papers/search").query_some("q", query)
    }
}

endpoint! {
    /// Describes a paper.
    ///
    /// Papers are public: no token is sent. `GET /api/papers/{id}`.
    ///
    /// # Errors
    /// `Http` with status 404 if the Hub does not know the paper.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let paper = api.paper_info("2307.09288").await?;
    /// println!("{:?} by {:?}", paper.title, paper.authors);
    /// # Ok(())
    /// # }
    /// ```
    pub fn paper_info(
        /// The arXiv id, `2307.09288`, or with the archive for those before 2007: `hep-th/9901001`.
        id: String,
    ) -> PaperInfo;

    /// The parameters of [`HfApi::paper_info`](crate::HfApi::paper_info).
    pub struct PaperInfoRequest {}
}

impl Endpoint for PaperInfoRequest {
    fn http(&self) -> Http {
        Http::get(UrlPath::new("/api/papers").extend(&self.id)).without_token()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_query_is_none() {
        let search = Http::get("/api/papers/search");
        assert_eq!(ListPapersRequest::new().http(), search);
        assert_eq!(ListPapersRequest::new().query("").http(), search);
        assert_eq!(ListPapersRequest::new().query(" é&").http(), search.query("q", " é&"));
    }

    #[test]
    fn an_old_id_has_two_segments() {
        let paper = PaperInfoRequest::new("hep-th/9901001").http();
        assert_eq!(paper, Http::get("/api/papers/hep-th/9901001").without_token());
        assert!(PaperInfoRequest::new("../users").http().target != paper.target);
    }
}
