//! Finding collections.
use super::{COLUMNS, Collection, describe};
use crate::{
    accounts::Caller,
    state::HubState,
    web::{
        ApiError, Page, Params, Result,
        address::OriginalUri,
        page::{decode_cursor, encode_cursor},
    },
};
use axum::{Router, extract::State, routing::get};
use hub_types::RepoType;
use rusqlite::{params_from_iter, types::Value as Sql};
use serde_json::Value;

pub(super) fn routes() -> Router<HubState> {
    Router::new().route("/api/collections", get(list))
}

const USUAL_PAGE: usize = 20;
const LARGEST_PAGE: usize = 100;
/// How many items of each collection a listing shows.
const ITEMS: usize = 4;

async fn list(
    State(state): State<HubState>,
    caller: Caller,
    uri: OriginalUri,
    params: Params,
) -> Result<Page> {
    let limit = params.number("limit").unwrap_or(USUAL_PAGE).clamp(1, state.limits.page(LARGEST_PAGE));
    let limit = limit.min(state.limits.page(limit));
    let start = match params.get("cursor") {
        None => 0,
        Some(cursor) => start_of(cursor).ok_or_else(|| ApiError::bad_request("Invalid cursor"))?,
    };
    let query = Query::new(&params, &caller)?;
    let shared = state.clone();
    let found = state.store.call(move |connection| {
        let sql = format!(
            "SELECT {COLUMNS} FROM collections WHERE {} ORDER BY {} LIMIT {} OFFSET {start}",
            query.filter,
            query.order,
            limit + 1
        );
        let mut statement = connection.prepare_cached(&sql)?;
        let found = statement.query_map(params_from_iter(&query.values), Collection::from_row)?;
        let found = found.collect::<rusqlite::Result<Vec<_>>>()?;
        let described =
            found.iter().map(|found| describe::collection(connection, &shared, found, &caller, ITEMS));
        described.collect::<Result<Vec<Value>>>()
    });
    let next = |_: &Value| ("cursor", encode_cursor(&[&(start + limit).to_string()]));
    Ok(Page::cut(&state, &uri, found.await?, limit, next, |item| item))
}

fn start_of(cursor: &str) -> Option<usize> {
    decode_cursor(cursor)?.first()?.parse().ok()
}

/// Which collections are asked for, as SQL.
struct Query {
    filter: String,
    order: &'static str,
    values: Vec<Sql>,
}

impl Query {
    fn new(params: &Params, caller: &Caller) -> Result<Self> {
        let user = caller.0.as_ref().map(|user| user.name.clone());
        let mut values: Vec<Sql> = vec![user.clone().into(), user.into()];
        let mut filter =
            String::from("(NOT private OR owner = ? OR owner IN (SELECT org FROM members WHERE user = ?))");
        let owners: Vec<&str> = params.all("owner").collect();
        if !owners.is_empty() {
            filter.push_str(&format!(" AND owner IN ({})", vec!["?"; owners.len()].join(", ")));
            values.extend(owners.iter().map(|owner| Sql::from((*owner).to_owned())));
        }
        let items: Vec<&str> = params.all("item").collect();
        if !items.is_empty() {
            let mut ways = Vec::new();
            for item in items {
                let (kind, id) = item.split_once('/').ok_or_else(|| wrong_item(item))?;
                if kind == "papers" {
                    ways.push("paper = ?");
                } else {
                    let kind = RepoType::ALL.into_iter().find(|known| known.plural() == kind);
                    let kind = kind.ok_or_else(|| wrong_item(item))?;
                    ways.push("repo = (SELECT key FROM repos WHERE kind = ? AND id = ?)");
                    values.push(kind.as_str().to_owned().into());
                }
                values.push(id.to_owned().into());
            }
            filter.push_str(&format!(
                " AND key IN (SELECT collection FROM collection_items WHERE {})",
                ways.join(" OR ")
            ));
        }
        let order = match params.get("sort") {
            // Those of one owner are in the order that the owner gave them.
            None if owners.len() == 1 => "position, key",
            None | Some("lastModified") => "last_updated DESC, key DESC",
            Some("trending" | "upvotes") => "upvotes DESC, key DESC",
            Some(_) => {
                let known = hub_types::CollectionSort::KNOWN.join("\", \"");
                return Err(ApiError::bad_request(format!("sort must be one of \"{known}\"")));
            }
        };
        Ok(Self { filter, order, values })
    }
}

fn wrong_item(item: &str) -> ApiError {
    ApiError::bad_request(format!(
        "Invalid item {item:?}: write `models/`, `datasets/`, `spaces/` or `papers/` and an id"
    ))
}
