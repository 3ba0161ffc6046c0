//! Opening discussions and pull requests.
use super::{add_event, participant, reference};
use crate::{
    repos::{Readable, Repo},
    stamp,
    state::HubState,
    store::blocking,
    web::{ApiError, JsonBody, Result, error::json},
};
use axum::{Router, extract::State, response::Response, routing::post};
use hub_types::Revision;
use rusqlite::{Connection, params};
use serde::Deserialize;
use serde_json::json;

pub(super) fn repo_routes() -> Router<HubState> {
    Router::new().route("/discussions", post(create))
}

/// A discussion that is about to be.
pub(crate) struct NewDiscussion<'a> {
    pub(crate) title: &'a str,
    pub(crate) author: &'a str,
    /// The branch that a pull request wants to change; `None` for discussions without changes.
    pub(crate) target_branch: Option<&'a str>,
    pub(crate) status: &'a str,
}

/// Adds a discussion and gives its number.
pub(crate) fn open(connection: &Connection, repo: &Repo, new: &NewDiscussion<'_>) -> Result<u32> {
    let num: u32 = connection.query_row(
        "SELECT COALESCE(MAX(num), 0) + 1 FROM discussions WHERE repo = ?1",
        [repo.key],
        |row| row.get(0),
    )?;
    connection.execute(
        "INSERT INTO discussions (repo, num, title, author, status, is_pull_request, target_branch, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            repo.key,
            num,
            new.title,
            new.author,
            new.status,
            new.target_branch.is_some(),
            new.target_branch,
            stamp::now()
        ],
    )?;
    Ok(num)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    title: String,
    description: String,
    #[serde(default)]
    pull_request: bool,
}

async fn create(
    State(state): State<HubState>,
    Readable { repo, caller }: Readable,
    JsonBody(body): JsonBody<Body>,
) -> Result<Response> {
    let user = participant(&caller)?;
    check_title(&body.title)?;
    super::comments::check_text(&body.description)?;
    let url = repo.url(&state);
    let title = body.title.clone();
    let num = blocking(move || {
        state.git.write(&repo.oid, |git| {
            state.store.with(|connection| {
                let new = NewDiscussion {
                    title: &body.title,
                    author: &user.name,
                    target_branch: body.pull_request.then_some(Revision::MAIN),
                    status: if body.pull_request { "draft" } else { "open" },
                };
                let num = open(connection, &repo, &new)?;
                let comment = json!({ "content": body.description });
                add_event(connection, &repo, num, "comment", &user.name, &comment)?;
                if body.pull_request {
                    git.set_reference(&reference(num), git.resolve(Revision::MAIN)?)?;
                }
                Ok(num)
            })
        })
    })
    .await?;
    let url = format!("{url}/discussions/{num}");
    Ok(json(&json!({ "num": num, "title": title, "url": url })))
}

/// The lengths of titles that the Hub allows, in characters.
const TITLE_CHARS: std::ops::RangeInclusive<usize> = 3..=200;

pub(super) fn check_title(title: &str) -> Result<()> {
    let chars = title.trim().chars().count();
    if TITLE_CHARS.contains(&chars) {
        return Ok(());
    }
    let (least, most) = TITLE_CHARS.into_inner();
    Err(ApiError::bad_request(format!("title must have from {least} to {most} characters; it has {chars}")))
}
