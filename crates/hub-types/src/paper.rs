//! Papers.
use crate::lenient::filled;
use crate::{User, timestamp};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Describes a paper.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "RawPaper")]
#[non_exhaustive]
pub struct PaperInfo {
    /// The arXiv id: `2307.09288`.
    pub id: String,
    /// The names of the authors.
    pub authors: Option<Vec<String>>,
    /// When it was published.
    pub published_at: Option<DateTime<Utc>>,
    /// The title.
    pub title: Option<String>,
    /// The abstract.
    pub summary: Option<String>,
    /// The number of upvotes on the Hub.
    pub upvotes: Option<u64>,
    /// The id of its discussion on the Hub.
    pub discussion_id: Option<String>,
    /// Where it comes from.
    pub source: Option<String>,
    /// The number of comments on the Hub.
    pub comments: Option<u64>,
    /// When it was among the daily papers.
    pub submitted_at: Option<DateTime<Utc>>,
    /// Who proposed it for the daily papers.
    pub submitted_by: Option<User>,
}

/// A paper by itself has everything at the top. In a search result the paper is inside, and what is around it is the
/// daily paper: the times of the same name mean when it was published inside, and when it was submitted outside.
#[derive(Default, Deserialize)]
#[serde(default)]
struct RawPaper {
    #[serde(deserialize_with = "filled")]
    paper: Option<Box<RawPaper>>,
    id: Option<String>,
    authors: Option<Vec<RawAuthor>>,
    #[serde(rename = "publishedAt", deserialize_with = "timestamp::optional")]
    wire_published_at: Option<DateTime<Utc>>,
    #[serde(deserialize_with = "timestamp::optional")]
    published_at: Option<DateTime<Utc>>,
    title: Option<String>,
    summary: Option<String>,
    upvotes: Option<u64>,
    #[serde(alias = "discussionId")]
    discussion_id: Option<String>,
    source: Option<String>,
    #[serde(rename = "numComments")]
    num_comments: Option<u64>,
    // A number in what was written; the Hub may send the comments themselves.
    comments: Value,
    #[serde(alias = "submittedOnDailyAt", deserialize_with = "timestamp::optional")]
    submitted_at: Option<DateTime<Utc>>,
    #[serde(alias = "submittedBy", deserialize_with = "filled")]
    submitted_by: Option<User>,
    #[serde(rename = "submittedOnDailyBy", deserialize_with = "filled")]
    submitted_on_daily_by: Option<User>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawAuthor {
    Author { name: Option<String> },
    Name(String),
}

impl From<RawPaper> for PaperInfo {
    fn from(mut outer: RawPaper) -> Self {
        let inner = outer.paper.take().map(|paper| *paper).unwrap_or_default();
        let name = |author| match author {
            RawAuthor::Author { name } => name.unwrap_or_default(),
            RawAuthor::Name(name) => name,
        };
        let authors = inner.authors.filter(|authors| !authors.is_empty()).or(outer.authors);
        let (published_at, daily_at) = match inner.wire_published_at {
            Some(published) => (Some(published), outer.wire_published_at),
            None => (outer.wire_published_at, None),
        };
        Self {
            id: outer.id.or(inner.id).unwrap_or_default(),
            authors: authors.map(|authors| authors.into_iter().map(name).collect()),
            published_at: published_at.or(outer.published_at),
            title: outer.title.or(inner.title),
            summary: inner.summary.or(outer.summary),
            upvotes: inner.upvotes.filter(|count| *count > 0).or(outer.upvotes).or(inner.upvotes),
            discussion_id: inner.discussion_id.or(outer.discussion_id),
            source: outer.source,
            comments: outer.comments.as_u64().or(outer.num_comments).or(Some(0)),
            submitted_at: daily_at.or(outer.submitted_at),
            submitted_by: outer.submitted_by.or(outer.submitted_on_daily_by),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_datetime;
    use serde_json::json;

    fn read(json: Value) -> PaperInfo {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_search_result_has_the_paper_inside() {
        let paper = read(json!({"paper": {"id": "2401.1", "authors": [{"name": "Ann"}, {"name": "Ben"}],
            "publishedAt": "2024-01-01T00:00:00.000Z", "title": "inner", "summary": "s", "upvotes": 0},
            "publishedAt": "2024-01-02T00:00:00.000Z", "title": "outer", "numComments": 2,
            "submittedBy": {"user": "cat"}}));
        assert_eq!((paper.id.as_str(), paper.title.as_deref()), ("2401.1", Some("outer")));
        assert_eq!(paper.authors.as_deref().unwrap(), ["Ann", "Ben"]);
        assert_eq!(paper.published_at, parse_datetime("2024-01-01T00:00:00Z").ok());
        assert_eq!(paper.submitted_at, parse_datetime("2024-01-02T00:00:00Z").ok());
        assert_eq!((paper.comments, paper.upvotes), (Some(2), Some(0)));
        assert_eq!(paper.submitted_by, Some(User::new("cat")));
    }

    #[test]
    fn a_paper_by_itself_round_trips() {
        let paper = read(json!({"id": "2401.1", "authors": [{"name": "Ann"}], "title": "t", "upvotes": 5,
            "publishedAt": "2024-01-01T00:00:00.000Z", "submittedOnDailyAt": "2024-01-03T00:00:00.000Z",
            "submittedOnDailyBy": {"user": "cat"}, "discussionId": "d", "comments": [{"text": "x"}]}));
        assert_eq!(paper.submitted_at, parse_datetime("2024-01-03T00:00:00Z").ok());
        assert_eq!((paper.comments, paper.discussion_id.as_deref()), (Some(0), Some("d")));
        assert_eq!(read(serde_json::to_value(&paper).unwrap()), paper);
    }

    #[test]
    fn one_time_without_a_paper_inside_is_that_of_publication() {
        let paper = read(json!({"id": "x", "publishedAt": "2024-01-01T00:00:00Z", "submittedBy": null}));
        assert_eq!(
            (paper.published_at.is_some(), paper.submitted_at, paper.submitted_by),
            (true, None, None)
        );
    }
}
