//! What a repository's files say about it: card, tags, library, task.
use super::{Repo, card};
use crate::{
    git::{Git, Listing},
    stamp,
    web::Result,
};
use git2::Oid;
use hub_types::RepoType;
use rusqlite::{Connection, params};
use serde_json::{Map, Value, json};

/// Reads the head of the default branch again and stores what listings and infos show of it.
pub(crate) fn refresh(connection: &Connection, git: &Git<'_>, repo: &Repo, head: Oid) -> Result<()> {
    let read = |path: &str| -> Result<Option<String>> {
        Ok(git.read(head, path)?.and_then(|bytes| String::from_utf8(bytes).ok()))
    };
    let card = read("README.md")?.as_deref().and_then(card::parse).unwrap_or_default();
    let config = if repo.kind == RepoType::Model { read("config.json")? } else { None };
    let config = config.and_then(|text| serde_json::from_str::<Value>(&text).ok());
    let config = config.as_ref().map(short_config);
    let listing = git.list(git.tree_of(head)?, true)?;
    let library = library(&card, config.as_ref());
    let task = card.get("pipeline_tag").and_then(Value::as_str).map(str::to_owned);
    let sdk = card.get("sdk").and_then(Value::as_str).map(str::to_owned).or_else(|| repo.sdk.clone());
    let tags = tags(repo.kind, &card, &listing, [library.as_deref(), task.as_deref(), sdk.as_deref()]);
    let card = Some(card).filter(|card| !card.is_empty()).map(|card| Value::Object(card).to_string());
    connection.execute(
        "UPDATE repos SET sha = ?1, last_modified = ?2, card = ?3, config = ?4, tags = ?5, library_name = ?6,
             pipeline_tag = ?7, sdk = ?8
         WHERE key = ?9",
        params![
            head.to_string(),
            stamp::now(),
            card,
            config.map(|config| config.to_string()),
            json!(tags).to_string(),
            library,
            task,
            sdk,
            repo.key
        ],
    )?;
    connection.execute("DELETE FROM repo_tags WHERE repo = ?1", [repo.key])?;
    let mut insert =
        connection.prepare_cached("INSERT OR IGNORE INTO repo_tags (repo, tag) VALUES (?1, ?2)")?;
    for tag in tags {
        insert.execute((repo.key, tag))?;
    }
    Ok(())
}

/// The part of `config.json` that the Hub shows.
fn short_config(config: &Value) -> Value {
    let kept = ["architectures", "model_type", "quantization_config"];
    let fields = kept.iter().filter_map(|name| Some(((*name).to_owned(), config.get(name)?.clone())));
    Value::Object(fields.collect())
}

fn library(card: &Map<String, Value>, config: Option<&Value>) -> Option<String> {
    if let Some(name) = card.get("library_name").and_then(Value::as_str) {
        return Some(name.to_owned());
    }
    config?.get("model_type").map(|_| "transformers".to_owned())
}

/// Fields of cards whose values become tags, and what is put before them.
const TAG_FIELDS: [(&str, &str); 13] = [
    ("language", ""),
    ("tags", ""),
    ("license", "license:"),
    ("datasets", "dataset:"),
    ("base_model", "base_model:"),
    ("task_categories", "task_categories:"),
    ("task_ids", "task_ids:"),
    ("size_categories", "size_categories:"),
    ("multilinguality", "multilinguality:"),
    ("language_creators", "language_creators:"),
    ("annotations_creators", "annotations_creators:"),
    ("source_datasets", "source_datasets:"),
    ("benchmark", "benchmark:"),
];
/// Endings of files that become tags of models.
const FILE_TAGS: [(&str, &str); 4] =
    [(".safetensors", "safetensors"), (".gguf", "gguf"), (".onnx", "onnx"), ("pytorch_model.bin", "pytorch")];

fn tags(
    kind: RepoType,
    card: &Map<String, Value>,
    listing: &Listing,
    words: [Option<&str>; 3],
) -> Vec<String> {
    let mut tags: Vec<String> = words.into_iter().flatten().map(str::to_owned).collect();
    if kind == RepoType::Model {
        let is_there = |ending: &str| listing.items.iter().any(|item| item.path.ends_with(ending));
        tags.extend(FILE_TAGS.iter().filter(|(end, _)| is_there(end)).map(|(_, tag)| (*tag).to_owned()));
    }
    for (field, prefix) in TAG_FIELDS {
        // Datasets say which kind of tag a language is; models do not.
        let prefix = if field == "language" && kind == RepoType::Dataset { "language:" } else { prefix };
        let values = match card.get(field) {
            Some(Value::Array(values)) => values.iter().collect(),
            Some(value) => vec![value],
            None => Vec::new(),
        };
        tags.extend(values.into_iter().filter_map(Value::as_str).map(|value| format!("{prefix}{value}")));
    }
    tags.push("region:us".into());
    let mut seen = std::collections::HashSet::new();
    tags.retain(|tag| seen.insert(tag.clone()));
    tags
}
