//! Listings of repositories: `GET /api/models`, `/api/datasets`, `/api/spaces`.
use super::{
    COLUMNS, Repo, find,
    info::{CLOSER, describe, is_expandable, keep, look_closer},
};
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
use rusqlite::{ToSql, types::Value as Sql};
use serde_json::{Map, Value};

pub(crate) fn routes() -> Router<HubState> {
    RepoType::ALL.into_iter().fold(Router::new(), |router, kind| {
        let handler = move |state: State<HubState>, uri: OriginalUri, params: Params, caller: Caller| {
            list(kind, state, uri, params, caller)
        };
        router.route(&format!("/api/{}", kind.plural()), get(handler))
    })
}

/// Most items on a page, whatever is asked for.
const PAGE: usize = 1000;

/// What `sort` may be, and the column behind it.
const SORTS: [(&str, &str); 6] = [
    ("trendingScore", "likes"),
    ("likes", "likes"),
    ("downloads", "downloads"),
    ("createdAt", "created_at"),
    ("lastModified", "last_modified"),
    ("_id", "oid"),
];

async fn list(
    kind: RepoType,
    State(state): State<HubState>,
    uri: OriginalUri,
    params: Params,
    caller: Caller,
) -> Result<Page> {
    let expand: Vec<String> = params.all("expand").map(str::to_owned).collect();
    if let Some(unknown) = expand.iter().find(|name| !is_expandable(kind, name)) {
        return Err(ApiError::bad_request(format!("Invalid expand: {unknown}")));
    }
    let asked: Option<usize> = params.number("limit");
    let limit = asked.unwrap_or(PAGE).clamp(1, state.limits.page(PAGE));
    let query = Query::new(kind, &params, &caller, limit)?;
    let column = query.column;
    let repos = state.store.call(move |connection| query.run(connection)).await?;
    let mut page = Page::cut(
        &state,
        &uri,
        repos,
        limit,
        |(repo, key)| ("cursor", encode_cursor(&[column, key, &repo.key.to_string()])),
        |(repo, _)| Value::Object(describe(&repo)),
    );
    let full = params.flag("full");
    let closer: Vec<String> = match full {
        true => vec!["siblings".to_owned()],
        false => expand.iter().filter(|name| CLOSER.contains(&name.as_str())).cloned().collect(),
    };
    if !closer.is_empty() {
        add_closer(&state, kind, &closer, &mut page).await?;
    }
    for item in &mut page.items {
        if let Value::Object(object) = item {
            trim(kind, object, &expand, full, &params);
        }
    }
    Ok(page)
}

/// Adds what takes a closer look at each repository of the page.
async fn add_closer(state: &HubState, kind: RepoType, wanted: &[String], page: &mut Page) -> Result<()> {
    for item in &mut page.items {
        let Value::Object(mut object) = item.take() else { continue };
        let text = |name: &str| object[name].as_str().unwrap_or_default().to_owned();
        let (oid, id, sha) = (text("_id"), text("id"), text("sha"));
        let (shared, wanted) = (state.clone(), wanted.to_vec());
        let described = state.git.run(&oid, move |git| {
            let repo = shared.store.with(|connection| find(connection, kind, &id.parse()?))?;
            // One that was deleted meanwhile stays as it was found.
            if let Some(repo) = repo {
                let wants = |name: &str| wanted.iter().any(|wanted| wanted == name);
                look_closer(&shared, git, &repo, git.resolve(&sha)?, &wants, false, &mut object)?;
            }
            Ok(object)
        });
        *item = Value::Object(described.await?);
    }
    Ok(())
}

/// Leaves of a described repository what a listing shows.
fn trim(kind: RepoType, object: &mut Map<String, Value>, expand: &[String], full: bool, params: &Params) {
    if !expand.is_empty() {
        return keep(object, expand);
    }
    let mut fields = vec!["likes", "trendingScore", "private", "tags", "createdAt"];
    match kind {
        RepoType::Model => fields.extend(["downloads", "pipeline_tag", "library_name"]),
        RepoType::Dataset => {
            fields.extend(["author", "disabled", "gated", "lastModified", "sha", "downloads", "description"]);
        }
        RepoType::Space => fields.push("sdk"),
    }
    if full {
        fields.extend(["author", "disabled", "gated", "lastModified", "sha", "siblings", "subdomain"]);
        fields.extend(["models", "datasets"].into_iter().filter(|_| kind == RepoType::Space));
    }
    let with_card = params.flag("cardData") || full && kind != RepoType::Model;
    fields.extend(Some("cardData").filter(|_| with_card));
    fields.extend(Some("config").filter(|_| params.flag("config")));
    let fields: Vec<String> = fields.into_iter().map(str::to_owned).collect();
    keep(object, &fields);
}

/// A listing as SQL.
struct Query {
    sql: String,
    values: Vec<Sql>,
    column: &'static str,
}

impl Query {
    fn new(kind: RepoType, params: &Params, caller: &Caller, limit: usize) -> Result<Self> {
        let sort = params.get("sort").unwrap_or("trendingScore");
        let Some((_, column)) = SORTS.iter().find(|(name, _)| *name == sort) else {
            let names = SORTS.map(|(name, _)| format!("\"{name}\"")).join("|");
            return Err(ApiError::bad_request(format!("Invalid option: expected one of {names} at sort")));
        };
        let ascending = params.get("direction") == Some("1");
        let mut query = Self {
            sql: format!("SELECT {COLUMNS}, CAST({column} AS TEXT) FROM repos WHERE kind = ?"),
            values: vec![kind.as_str().to_owned().into()],
            column,
        };
        query.only_visible(caller);
        query.only_matching(kind, params);
        query.only_after(params, ascending)?;
        let (order, more) = if ascending { ("ASC", "ASC") } else { ("DESC", "DESC") };
        query.sql.push_str(&format!(" ORDER BY {column} {order}, key {more} LIMIT {}", limit + 1));
        Ok(query)
    }

    fn and(&mut self, condition: &str, value: impl Into<Sql>) {
        self.sql.push_str(" AND ");
        self.sql.push_str(condition);
        self.values.push(value.into());
    }

    fn only_visible(&mut self, caller: &Caller) {
        let Some(user) = &caller.0 else {
            self.sql.push_str(" AND NOT private");
            return;
        };
        self.and("(NOT private OR namespace = ?", user.name.clone());
        self.sql.push_str(" OR namespace IN (SELECT org FROM members WHERE user = ?))");
        self.values.push(user.name.clone().into());
    }

    fn only_matching(&mut self, kind: RepoType, params: &Params) {
        if let Some(author) = params.get("author") {
            self.and("namespace = ?", author.to_owned());
        }
        for word in params.get("search").into_iter().flat_map(str::split_whitespace) {
            self.and("instr(lower(id), ?) > 0", word.to_lowercase());
        }
        if let Some(gated) = params.get("gated") {
            let wanted = matches!(gated, "true" | "True" | "1");
            self.and("(gated IS NOT NULL) = ?", i64::from(wanted));
        }
        if params.get("inference").is_some() {
            // Nothing is served here.
            self.sql.push_str(" AND 0");
        }
        if params.flag("linked") && kind == RepoType::Space {
            let names = |field| format!("EXISTS (SELECT 1 FROM json_each(card, '$.{field}'))");
            self.sql.push_str(&format!(" AND ({} OR {})", names("models"), names("datasets")));
        }
        if let Some(task) = params.get("pipeline_tag") {
            self.and("pipeline_tag = ?", task.to_owned());
        }
        // Models and Spaces that a Space uses, and datasets that it uses, are tags of its card here.
        let filters = params.all("filter").flat_map(|value| value.split(','));
        let linked = ["models", "datasets"].into_iter().filter(|_| kind == RepoType::Space);
        for tag in filters.filter(|tag| !tag.is_empty()) {
            self.and("EXISTS (SELECT 1 FROM repo_tags WHERE repo = repos.key AND tag = ?)", tag.to_owned());
        }
        for field in linked {
            for id in params.all(field) {
                let condition =
                    format!("EXISTS (SELECT 1 FROM json_each(card, '$.{field}') WHERE json_each.value = ?)");
                self.and(&condition, id.to_owned());
            }
        }
    }

    fn only_after(&mut self, params: &Params, ascending: bool) -> Result<()> {
        let Some(cursor) = params.get("cursor") else { return Ok(()) };
        let wrong = || ApiError::bad_request("Invalid cursor");
        let parts = decode_cursor(cursor).ok_or_else(wrong)?;
        let [column, value, key] = <[String; 3]>::try_from(parts).map_err(|_| wrong())?;
        if column != self.column {
            return Err(wrong());
        }
        // Counts are compared as numbers, times and ids as text.
        let value = match self.column {
            "likes" | "downloads" => Sql::Integer(value.parse().map_err(|_| wrong())?),
            _ => Sql::Text(value),
        };
        let than = if ascending { ">" } else { "<" };
        self.and(&format!("({column}, key) {than} (?, "), value);
        self.sql.push_str("?)");
        self.values.push(key.parse::<i64>().map_err(|_| wrong())?.into());
        Ok(())
    }

    fn run(&self, connection: &rusqlite::Connection) -> Result<Vec<(Repo, String)>> {
        let mut statement = connection.prepare(&self.sql)?;
        let values: Vec<&dyn ToSql> = self.values.iter().map(|value| value as &dyn ToSql).collect();
        let sort_key = COLUMNS.split(',').count();
        let rows = statement.query_map(&*values, |row| Ok((Repo::from_row(row)?, row.get(sort_key)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}
