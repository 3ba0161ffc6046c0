//! The history of a revision.
use crate::{
    accounts::avatar_url,
    git::CommitSummary,
    repos::Readable,
    stamp,
    state::HubState,
    web::{Page, Params, Result, address::OriginalUri},
};
use axum::{
    Router,
    extract::{Path, State},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) fn repo_routes() -> Router<HubState> {
    Router::new().route("/commits/{revision}", get(commits))
}

const PAGE: usize = 50;

#[derive(Deserialize)]
struct At {
    revision: String,
}

async fn commits(
    State(state): State<HubState>,
    Path(At { revision }): Path<At>,
    Readable { repo, .. }: Readable,
    uri: OriginalUri,
    params: Params,
) -> Result<Page> {
    let page: usize = params.number("p").unwrap_or(0);
    let limit = params.number("limit").unwrap_or(PAGE).clamp(1, state.limits.page(PAGE));
    let formatted = params.all("expand").any(|name| name == "formatted");
    let commits = state
        .git
        .run(&repo.oid, move |git| git.log(git.resolve(&revision)?, page.saturating_mul(limit), limit + 1));
    let next = |_: &CommitSummary| ("p", (page + 1).to_string());
    let commits = commits.await?;
    Ok(Page::cut(&state, &uri, commits, limit, next, |commit| describe(&commit, formatted)))
}

fn describe(commit: &CommitSummary, formatted: bool) -> Value {
    let mut object = json!({
        "id": commit.id.to_string(),
        "title": commit.title,
        "message": commit.description,
        "authors": [{ "user": commit.author, "avatar": avatar_url(&commit.author) }],
        "date": stamp::from_seconds(commit.time),
    });
    if formatted {
        let message = if commit.description.is_empty() {
            String::new()
        } else {
            format!("<p>{}</p>", html(&commit.description))
        };
        object["formatted"] = json!({ "title": html(&commit.title), "message": message });
    }
    object
}

/// Text as HTML, with `code` between backticks.
fn html(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let parts: Vec<&str> = escaped.split('`').collect();
    // An odd backtick at the end opens nothing.
    let pairs = (parts.len() - 1) / 2 * 2;
    let mut text = String::new();
    for (index, part) in parts.iter().enumerate() {
        match index {
            _ if index > pairs => text.extend(["`", part]),
            _ if index % 2 == 1 => text.extend(["<code>", part, "</code>"]),
            _ => text.push_str(part),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::html;

    #[test]
    fn backticks_become_code_and_markup_is_escaped() {
        assert_eq!(html("Update `x`"), "Update <code>x</code>");
        assert_eq!(html("a < b `c"), "a &lt; b `c");
        assert_eq!(html("`a` and `b`"), "<code>a</code> and <code>b</code>");
    }
}
