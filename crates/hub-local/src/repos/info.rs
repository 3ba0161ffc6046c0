//! The description of a repository: `GET /api/{kind}s/{id}[/revision/{revision}]`.
use super::{Readable, Repo, find, refresh, safetensors::parameters};
use crate::{
    git::Git,
    spaces,
    state::HubState,
    web::{ApiError, Params, Result, error::json},
};
use axum::{
    Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};
use git2::Oid;
use hub_types::{RepoId, RepoType, Revision};
use rusqlite::Connection;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(crate) fn repo_routes() -> Router<HubState> {
    // A nested root is matched without a slash at its end.
    Router::new().route("/", get(info)).route("/revision/{revision}", get(info))
}

#[derive(Deserialize)]
struct At {
    revision: Option<String>,
}

async fn info(
    State(state): State<HubState>,
    Path(At { revision }): Path<At>,
    params: Params,
    Readable { repo, .. }: Readable,
) -> Result<Response> {
    let blobs = params.flag("blobs");
    let expand: Vec<String> = params.all("expand").map(str::to_owned).collect();
    if let Some(unknown) = expand.iter().find(|name| !is_expandable(repo.kind, name)) {
        return Err(ApiError::bad_request(format!("Invalid expand: {unknown}")));
    }
    let oid = repo.oid.clone();
    let shared = state.clone();
    let answer = state
        .git
        .run(&oid, move |git| {
            let main = git.resolve(Revision::MAIN)?;
            let repo = if main.to_string() == repo.sha {
                repo
            } else {
                // The process was killed between moving the branch and writing this down.
                shared.store.with(|connection| {
                    refresh(connection, git, &repo, main)?;
                    Ok(find(connection, repo.kind, &repo.id)?.unwrap_or(repo))
                })?
            };
            let head = revision.as_deref().map_or(Ok(main), |revision| git.resolve(revision))?;
            let mut object = describe(&repo);
            object.insert("sha".into(), head.to_string().into());
            if head.to_string() != repo.sha {
                let time = git.summary(head)?.time;
                object.insert("lastModified".into(), crate::stamp::from_seconds(time).into());
            }
            let wants = |name: &str| expand.is_empty() || expand.iter().any(|expanded| expanded == name);
            look_closer(&shared, git, &repo, head, &wants, blobs, &mut object)?;
            if !expand.is_empty() {
                keep(&mut object, &expand);
            }
            Ok(object)
        })
        .await?;
    Ok(json(&answer))
}

/// All that is known of a repository without a look at its files, under the Hub's names.
pub(crate) fn describe(repo: &Repo) -> Map<String, Value> {
    let gated = repo.gated.as_deref().map_or(Value::Bool(false), Value::from);
    let object = json!({
        "_id": repo.oid,
        "id": repo.id,
        "author": repo.id.namespace(),
        "sha": repo.sha,
        "lastModified": repo.last_modified,
        "private": repo.private,
        "gated": gated,
        "disabled": repo.disabled,
        "tags": repo.tags,
        "likes": repo.likes,
        "trendingScore": repo.likes,
        "createdAt": repo.created_at,
        "cardData": repo.card,
    });
    let own = match repo.kind {
        RepoType::Model => json!({
            "modelId": repo.id,
            "downloads": repo.downloads,
            "downloadsAllTime": repo.downloads,
            "pipeline_tag": repo.pipeline_tag,
            "library_name": repo.library_name,
            "config": repo.config,
            "model-index": repo.card.get("model-index"),
        }),
        RepoType::Dataset => json!({ "downloads": repo.downloads, "downloadsAllTime": repo.downloads }),
        RepoType::Space => {
            let subdomain = repo.id.as_str().replace(['/', '_', '.'], "-").to_lowercase();
            json!({
                "sdk": repo.sdk,
                "subdomain": subdomain,
                "models": several(repo.card.get("models")),
                "datasets": several(repo.card.get("datasets")),
            })
        }
    };
    let fields = [object, own].into_iter().filter_map(|part| match part {
        Value::Object(fields) => Some(fields),
        _ => None,
    });
    // What is not known is left out, as the Hub does, but for the one field that it sends as null.
    fields.flatten().filter(|(name, value)| !value.is_null() || name == "model-index").collect()
}

/// The values of a field of a card, which may have one without a list around it.
fn several(field: Option<&Value>) -> Value {
    match field {
        Some(Value::Array(values)) => values.iter().filter(|value| value.is_string()).cloned().collect(),
        Some(Value::String(value)) => json!([value]),
        _ => json!([]),
    }
}

/// The fields that take a look at the files or at other repositories.
pub(crate) const CLOSER: [&str; 5] = ["siblings", "safetensors", "usedStorage", "runtime", "spaces"];

/// Adds those of [`CLOSER`] that are wanted; `blobs` asks for the sizes and ids of files too.
pub(crate) fn look_closer(
    state: &HubState,
    git: &Git<'_>,
    repo: &Repo,
    head: Oid,
    wants: &dyn Fn(&str) -> bool,
    blobs: bool,
    object: &mut Map<String, Value>,
) -> Result<()> {
    if wants("siblings") {
        object.insert("siblings".into(), siblings(git, head, blobs)?.into());
    }
    if wants("usedStorage") {
        object.insert("usedStorage".into(), used_storage(git, head)?.into());
    }
    if repo.kind == RepoType::Model && wants("safetensors") {
        let parameters = parameters(git, &state.lfs, head)?;
        object.extend(parameters.map(|parameters| ("safetensors".to_owned(), parameters)));
    }
    if repo.kind == RepoType::Model && wants("spaces") {
        let spaces = state.store.with(|connection| users_of(connection, &repo.id))?;
        object.insert("spaces".into(), spaces.into());
    }
    if repo.kind == RepoType::Space && wants("runtime") {
        let runtime = state.store.with(|connection| spaces::runtime(connection, git, repo))?;
        object.insert("runtime".into(), runtime);
    }
    Ok(())
}

/// The public Spaces whose cards name a model.
fn users_of(connection: &Connection, model: &RepoId) -> Result<Vec<String>> {
    let mut statement = connection.prepare_cached(
        "SELECT id FROM repos WHERE kind = 'space' AND NOT private
         AND EXISTS (SELECT 1 FROM json_each(card, '$.models') WHERE json_each.value = ?1)
         ORDER BY likes DESC, key",
    )?;
    let spaces = statement.query_map([model.as_str()], |row| row.get(0))?;
    Ok(spaces.collect::<rusqlite::Result<_>>()?)
}

const EXPANDABLE: [&str; 14] = [
    "author",
    "cardData",
    "createdAt",
    "disabled",
    "downloads",
    "downloadsAllTime",
    "gated",
    "lastModified",
    "likes",
    "private",
    "sha",
    "siblings",
    "tags",
    "trendingScore",
];
const EXPANDABLE_EVERYWHERE: [&str; 3] = ["usedStorage", "resourceGroup", "xetEnabled"];
const EXPANDABLE_MODEL: [&str; 18] = [
    "baseModels",
    "childrenModelCount",
    "config",
    "gguf",
    "inference",
    "inferenceProviderMapping",
    "library_name",
    "mask_token",
    "model-index",
    "pipeline_tag",
    "safetensors",
    "security",
    "securityRepoStatus",
    "spaces",
    "transformersInfo",
    "widgetData",
    "evalResults",
    "providers",
];
const EXPANDABLE_DATASET: [&str; 4] = ["citation", "description", "paperswithcode_id", "mainSize"];
const EXPANDABLE_SPACE: [&str; 5] = ["datasets", "models", "runtime", "sdk", "subdomain"];

/// Whether `expand` may name a field of this kind of repository.
pub(crate) fn is_expandable(kind: RepoType, name: &str) -> bool {
    let own: &[&str] = match kind {
        RepoType::Model => &EXPANDABLE_MODEL,
        RepoType::Dataset => &EXPANDABLE_DATASET,
        RepoType::Space => &EXPANDABLE_SPACE,
    };
    EXPANDABLE.contains(&name) || EXPANDABLE_EVERYWHERE.contains(&name) || own.contains(&name)
}

/// Leaves of an object what names it and the fields asked for.
pub(crate) fn keep(object: &mut Map<String, Value>, fields: &[String]) {
    let named = ["_id", "id", "modelId"];
    object.retain(|name, _| named.contains(&&**name) || fields.iter().any(|field| field == name));
}

/// The files of a commit; with `blobs`, their sizes and ids too.
fn siblings(git: &Git<'_>, commit: Oid, blobs: bool) -> Result<Vec<Value>> {
    let listing = git.list(git.tree_of(commit)?, true)?;
    let files = listing.items.iter().filter(|item| !item.is_folder);
    let described = files.map(|item| {
        if !blobs {
            return Ok(json!({ "rfilename": item.path }));
        }
        let blob = git.blob(item.id)?;
        let mut sibling =
            json!({ "rfilename": item.path, "blobId": item.id.to_string(), "size": blob.size() });
        if let Some(lfs) = &blob.lfs {
            sibling["lfs"] = json!({ "sha256": lfs.oid, "size": lfs.size, "pointerSize": blob.git_size });
        }
        Ok(sibling)
    });
    described.collect()
}

fn used_storage(git: &Git<'_>, commit: Oid) -> Result<u64> {
    let listing = git.list(git.tree_of(commit)?, true)?;
    let files = listing.items.iter().filter(|item| !item.is_folder);
    files.map(|item| Ok(git.blob(item.id)?.size())).sum()
}
