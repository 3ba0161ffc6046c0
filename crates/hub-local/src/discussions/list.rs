//! The discussions of a repository, by page.
use super::{COLUMNS, Discussion, describe};
use crate::{
    repos::{Readable, Repo},
    state::HubState,
    web::{ApiError, Params, Result, error::json},
};
use axum::{Router, extract::State, response::Response, routing::get};
use rusqlite::{Connection, params_from_iter, types::Value as Sql};
use serde_json::{Value, json};

pub(super) fn repo_routes() -> Router<HubState> {
    Router::new().route("/discussions", get(list))
}

/// Most discussions on a page.
const PAGE: usize = 50;

async fn list(
    State(state): State<HubState>,
    Readable { repo, .. }: Readable,
    params: Params,
) -> Result<Response> {
    let query = Query::new(&repo, &params)?;
    let page: usize = params.number("p").unwrap_or(0);
    let limit = params.number("limit").unwrap_or(PAGE).clamp(1, state.limits.page(PAGE));
    let answer = state.store.call(move |connection| query.run(connection, &repo, page, limit));
    Ok(json(&answer.await?))
}

/// Which discussions are asked for, as SQL.
struct Query {
    filter: String,
    values: Vec<Sql>,
}

impl Query {
    fn new(repo: &Repo, params: &Params) -> Result<Self> {
        let wrong = |name: &str| Err(ApiError::bad_request(format!("Invalid option at {name}")));
        let mut filter = String::from("repo = ?");
        let mut values = vec![repo.key.into()];
        filter.push_str(match params.get("type") {
            None | Some("all") => "",
            Some("discussion") => " AND NOT is_pull_request",
            Some("pull_request") => " AND is_pull_request",
            Some(_) => return wrong("type"),
        });
        filter.push_str(match params.get("status") {
            None | Some("all") => "",
            Some("open") => " AND status IN ('open', 'draft')",
            Some("closed") => " AND status IN ('closed', 'merged')",
            Some(_) => return wrong("status"),
        });
        if let Some(author) = params.get("author") {
            filter.push_str(" AND author = ? COLLATE NOCASE");
            values.push(author.to_owned().into());
        }
        Ok(Self { filter, values })
    }

    fn run(&self, connection: &Connection, repo: &Repo, page: usize, limit: usize) -> Result<Value> {
        let start = page.saturating_mul(limit);
        let sql = format!(
            "SELECT {COLUMNS} FROM discussions WHERE {} ORDER BY num DESC LIMIT {limit} OFFSET {start}",
            self.filter
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let found = statement.query_map(params_from_iter(&self.values), Discussion::from_row)?;
        let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
        let discussions: Result<Vec<Value>> =
            found.iter().map(|found| describe::discussion(connection, repo, found)).collect();
        let count = |filter: &str| -> Result<i64> {
            let sql = format!("SELECT COUNT(*) FROM discussions WHERE {filter}");
            let values = params_from_iter(self.values.iter().take(sql.matches('?').count()));
            Ok(connection.prepare_cached(&sql)?.query_row(values, |row| row.get(0))?)
        };
        Ok(json!({
            "discussions": discussions?,
            "count": count(&self.filter)?,
            "start": start,
            "numClosedDiscussions": count("repo = ? AND status IN ('closed', 'merged')")?,
        }))
    }
}
