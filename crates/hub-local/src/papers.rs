//! Papers that were among the daily ones.
use crate::{
    Error, LocalHub,
    accounts::Caller,
    hub::failed,
    social::person,
    stamp,
    state::HubState,
    store::Schema,
    web::{ApiError, Params, Result, error::json},
};
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use chrono::{DateTime, SecondsFormat, Utc};
use hub_types::PaperInfo;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde_json::{Value, json};

pub(crate) const SCHEMA: Schema = Schema {
    noun: "papers",
    steps: &["
        CREATE TABLE papers (
            key INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            title TEXT NOT NULL,
            summary TEXT NOT NULL,
            authors TEXT NOT NULL,
            published_at TEXT NOT NULL,
            submitted_at TEXT NOT NULL,
            submitted_by TEXT COLLATE NOCASE REFERENCES accounts (name),
            upvotes INTEGER NOT NULL,
            comments INTEGER NOT NULL,
            discussion_id TEXT NOT NULL
        );
        "],
};

pub(crate) fn routes() -> Router<HubState> {
    // The ids of papers before 2007 have a slash.
    Router::new().route("/api/papers/search", get(search)).route("/api/papers/{*id}", get(info))
}

/// How many papers a search gives at most.
const FOUND: usize = 120;

/// A paper as the database has it.
struct Paper {
    /// What describes the paper wherever it is.
    object: Value,
    submitted_at: String,
    submitted_by: Option<String>,
    comments: i64,
}

const COLUMNS: &str = "id, title, summary, authors, published_at, upvotes, discussion_id, submitted_at, \
                       submitted_by, comments";

impl Paper {
    fn from_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        let text = |index| row.get::<_, String>(index);
        let authors: Vec<String> = serde_json::from_str(&text(3)?).unwrap_or_default();
        let authors = authors.iter().map(|name| json!({ "name": name, "hidden": false }));
        Ok(Self {
            object: json!({
                "id": text(0)?,
                "title": text(1)?,
                "summary": text(2)?,
                "authors": authors.collect::<Vec<_>>(),
                "publishedAt": text(4)?,
                "upvotes": row.get::<_, i64>(5)?,
                "discussionId": text(6)?,
            }),
            submitted_at: text(7)?,
            submitted_by: row.get(8)?,
            comments: row.get(9)?,
        })
    }

    /// Who proposed it.
    fn proposer(&self, connection: &Connection) -> Result<Value> {
        self.submitted_by.as_deref().map_or(Ok(Value::Null), |name| person(connection, name))
    }
}

async fn search(State(state): State<HubState>, _caller: Caller, params: Params) -> Result<Response> {
    let words: Vec<String> =
        params.get("q").unwrap_or_default().split_whitespace().map(str::to_lowercase).collect();
    let found = state.store.call(move |connection| {
        let mut statement = connection
            .prepare_cached(&format!("SELECT {COLUMNS} FROM papers ORDER BY submitted_at DESC, key DESC"))?;
        let papers = statement.query_map([], Paper::from_row)?.collect::<rusqlite::Result<Vec<_>>>()?;
        let has_all = |paper: &Paper| {
            let text = |field: &str| paper.object[field].as_str().unwrap_or_default().to_lowercase();
            let (title, summary) = (text("title"), text("summary"));
            words.iter().all(|word| title.contains(word) || summary.contains(word))
        };
        let found = papers.into_iter().filter(has_all).take(FOUND).map(|paper| {
            let submitted_by = paper.proposer(connection)?;
            Ok(json!({
                "title": paper.object["title"],
                "publishedAt": paper.submitted_at,
                "numComments": paper.comments,
                "submittedBy": submitted_by,
                "isAuthorParticipating": false,
                "paper": paper.object,
            }))
        });
        found.collect::<Result<Vec<Value>>>()
    });
    Ok(json(&found.await?))
}

async fn info(State(state): State<HubState>, Path(id): Path<String>, _caller: Caller) -> Result<Response> {
    let found = state.store.call(move |connection| {
        let mut statement =
            connection.prepare_cached(&format!("SELECT {COLUMNS} FROM papers WHERE id = ?1"))?;
        let paper = statement.query_row([id], Paper::from_row).optional()?;
        let paper = paper.ok_or_else(|| ApiError::not_found("Paper not found"))?;
        let submitted_by = paper.proposer(connection)?;
        let mut object = paper.object;
        object["submittedOnDailyAt"] = paper.submitted_at.into();
        object["submittedOnDailyBy"] = submitted_by;
        Ok(object)
    });
    Ok(json(&found.await?))
}

/// A paper as an item of a collection shows it; null if there is none of this id.
pub(crate) fn describe(connection: &Connection, id: &str) -> Result<Value> {
    let mut statement =
        connection.prepare_cached("SELECT title, upvotes, published_at FROM papers WHERE id = ?1")?;
    let found = statement.query_row([id], |row| {
        Ok(json!({
            "title": row.get::<_, String>(0)?,
            "upvotes": row.get::<_, i64>(1)?,
            "publishedAt": row.get::<_, String>(2)?,
        }))
    });
    Ok(found.optional()?.unwrap_or(Value::Null))
}

fn written(time: Option<DateTime<Utc>>) -> String {
    time.map_or_else(stamp::now, |time| time.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// SQLite's numbers have a sign.
fn count(number: Option<u64>) -> i64 {
    i64::try_from(number.unwrap_or_default()).unwrap_or(i64::MAX)
}

impl LocalHub {
    /// Adds a paper, or replaces the one of its id; what is not said of it is nothing, and times are now.
    ///
    /// # Errors
    /// It has no id, or the user who proposed it does not exist.
    pub async fn add_paper(&self, paper: PaperInfo) -> Result<(), Error> {
        let done = self.state.store.call(move |connection| {
            if paper.id.is_empty() {
                return Err(ApiError::bad_request("a paper needs an id"));
            }
            let proposer = paper.submitted_by.as_ref().map(|user| user.username.clone());
            connection.execute(
                "INSERT OR REPLACE INTO papers (id, title, summary, authors, published_at, submitted_at,
                     submitted_by, upvotes, comments, discussion_id)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    paper.id,
                    paper.title.unwrap_or_default(),
                    paper.summary.unwrap_or_default(),
                    json!(paper.authors.unwrap_or_default()).to_string(),
                    written(paper.published_at),
                    written(paper.submitted_at),
                    proposer,
                    count(paper.upvotes),
                    count(paper.comments),
                    paper.discussion_id.unwrap_or_else(stamp::object_id),
                ],
            )?;
            Ok(())
        });
        done.await.map_err(failed)
    }
}
