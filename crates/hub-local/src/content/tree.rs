//! Folders of a repository: `tree` and `paths-info`.
use crate::{
    git::{Git, Item},
    repos::Readable,
    state::HubState,
    web::{
        ApiError, Page, Params, Result,
        address::OriginalUri,
        body::read,
        error::json,
        link_to,
        page::{decode_cursor, encode_cursor},
    },
};
use axum::{
    Router,
    extract::{Path, Request, State},
    http::header,
    response::Response,
    routing::{get, post},
};
use git2::Oid;
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) fn repo_routes() -> Router<HubState> {
    Router::new()
        .route("/tree/{revision}", get(tree))
        .route("/tree/{revision}/", get(tree))
        .route("/tree/{revision}/{*path}", get(tree))
        .route("/paths-info/{revision}", post(paths_info))
}

/// Items on a page, and fewer when the last commit of each is looked for.
const PAGE: usize = 1000;
const EXPANDED_PAGE: usize = 50;

#[derive(Deserialize)]
struct At {
    revision: String,
    #[serde(default)]
    path: String,
}

async fn tree(
    State(state): State<HubState>,
    Path(At { revision, path }): Path<At>,
    Readable { repo, .. }: Readable,
    uri: OriginalUri,
    params: Params,
) -> Result<Page> {
    let expand = params.flag("expand");
    let recursive = params.flag("recursive");
    let usual = if expand { EXPANDED_PAGE } else { PAGE };
    let limit = params.number("limit").unwrap_or(usual).clamp(1, state.limits.page(usual));
    let cursor = params.get("cursor").map(Cursor::parse).transpose()?;
    let shared = state.clone();
    state
        .git
        .run(&repo.oid, move |git| {
            // The pages of a listing are of one commit, wherever the branch moves meanwhile.
            let Cursor { commit, position } = match cursor {
                Some(cursor) => cursor,
                None => Cursor { commit: git.resolve(&revision)?, position: 0 },
            };
            let path = path.trim_end_matches('/');
            let folder = git.find(commit, path)?.filter(|item| item.is_folder);
            let folder = folder.ok_or_else(|| {
                ApiError::entry_not_found(format!("{path} does not exist on \"{revision}\""))
            })?;
            let listing = git.list(folder.id, recursive)?;
            let end = listing.items.len().min(position.saturating_add(limit));
            let prefix = if path.is_empty() { String::new() } else { format!("{path}/") };
            let page = listing.items.get(position..end).unwrap_or_default();
            let items = page
                .iter()
                .map(|item| Item { path: format!("{prefix}{}", item.path), ..item.clone() })
                .collect::<Vec<_>>();
            let next = (end < listing.items.len())
                .then(|| link_to(&shared, &uri, "cursor", &Cursor { commit, position: end }.to_text()));
            Ok(Page { items: describe(git, commit, &items, expand)?, next })
        })
        .await
}

/// Where the next page begins.
struct Cursor {
    commit: Oid,
    position: usize,
}

impl Cursor {
    fn parse(text: &str) -> Result<Self> {
        let read = || {
            let [commit, position] = <[String; 2]>::try_from(decode_cursor(text)?).ok()?;
            Some(Self { commit: Oid::from_str(&commit).ok()?, position: position.parse().ok()? })
        };
        read().ok_or_else(|| ApiError::bad_request("Invalid cursor"))
    }

    fn to_text(&self) -> String {
        encode_cursor(&[&self.commit.to_string(), &self.position.to_string()])
    }
}

async fn paths_info(
    State(state): State<HubState>,
    Path(At { revision, .. }): Path<At>,
    Readable { repo, .. }: Readable,
    request: Request,
) -> Result<Response> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_json = kind.is_some_and(|kind| kind.contains("json"));
    let body = read(request).await?;
    let (paths, expand) = if is_json { json_paths(&body)? } else { form_paths(&body)? };
    let items = state.git.run(&repo.oid, move |git| {
        let commit = git.resolve(&revision)?;
        let mut items = Vec::new();
        for path in &paths {
            items.extend(git.find(commit, path.trim_end_matches('/'))?);
        }
        describe(git, commit, &items, expand)
    });
    Ok(json(&items.await?))
}

fn json_paths(body: &[u8]) -> Result<(Vec<String>, bool)> {
    #[derive(Deserialize)]
    struct Body {
        paths: OneOrMany,
        #[serde(default)]
        expand: bool,
    }
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    let body: Body = serde_json::from_slice(body)
        .map_err(|cause| ApiError::bad_request(format!("Invalid request body: {cause}")))?;
    let paths = match body.paths {
        OneOrMany::One(path) => vec![path],
        OneOrMany::Many(paths) => paths,
    };
    Ok((paths, body.expand))
}

fn form_paths(body: &[u8]) -> Result<(Vec<String>, bool)> {
    let text = std::str::from_utf8(body).map_err(|_| ApiError::bad_request("Invalid form"))?;
    let form = Params::parse(text);
    Ok((form.all("paths").map(str::to_owned).collect(), form.flag("expand")))
}

/// The form of listings.
fn describe(git: &Git<'_>, commit: Oid, items: &[Item], expand: bool) -> Result<Vec<Value>> {
    let mut described = Vec::with_capacity(items.len());
    for item in items {
        described.push(if item.is_folder {
            json!({ "type": "directory", "oid": item.id.to_string(), "size": 0, "path": item.path })
        } else {
            let blob = git.blob(item.id)?;
            let mut file = json!({
                "type": "file", "oid": item.id.to_string(), "size": blob.size(), "path": item.path,
            });
            if let Some(lfs) = &blob.lfs {
                file["lfs"] = lfs.describe(blob.git_size);
            }
            file
        });
    }
    if expand {
        let paths: Vec<&str> = items.iter().map(|item| &*item.path).collect();
        let changes = git.last_changes(commit, &paths)?;
        for (entry, change) in described.iter_mut().zip(changes) {
            entry["lastCommit"] = change.map(|change| change.describe_as_last()).into();
            if entry["type"] == "file" {
                entry["securityFileStatus"] =
                    json!({ "status": "unscanned", "avScan": null, "pickleImportScan": null });
            }
        }
    }
    Ok(described)
}
