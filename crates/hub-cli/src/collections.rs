//! `hub collections`: collections of repositories and papers.
use crate::context::{Context, some};
use crate::repo::confirm;
use clap::{Args, Subcommand};
use hub_client::Result;
use hub_client::types::RepoType;
use serde_json::{Value, json};

/// Lists, makes and changes collections.
#[derive(Debug, Subcommand)]
pub enum Collections {
    /// Lists collections.
    #[command(visible_alias = "ls")]
    List {
        /// Those of a user or organization; may be repeated.
        #[arg(long)]
        owner: Vec<String>,
        /// Those with an item, such as `models/gpt2`; may be repeated.
        #[arg(long)]
        item: Vec<String>,
        /// The order: lastModified, trending or upvotes.
        #[arg(long)]
        sort: Option<String>,
        /// How many at most.
        #[arg(long, default_value_t = 10)]
        limit: usize,
    },
    /// Tells what is in a collection.
    Info {
        /// The slug of the collection.
        collection_slug: String,
    },
    /// Makes a collection.
    Create {
        /// Its title.
        title: String,
        /// Its owner; oneself if unset.
        #[arg(long)]
        namespace: Option<String>,
        /// What it is about.
        #[arg(long)]
        description: Option<String>,
        /// Makes it private.
        #[arg(long)]
        private: bool,
        /// Whether a collection that exists counts as success.
        #[arg(long)]
        exists_ok: bool,
    },
    /// Changes what a collection says of itself.
    Update(Box<Update>),
    /// Deletes a collection; what is in it stays.
    Delete {
        /// The slug of the collection.
        collection_slug: String,
        /// Whether a collection that is not there counts as success.
        #[arg(long)]
        missing_ok: bool,
        /// Does not ask.
        #[arg(short, long)]
        yes: bool,
    },
    /// Adds an item.
    AddItem {
        /// The slug of the collection.
        collection_slug: String,
        /// The id of the repository, paper or collection.
        item_id: String,
        /// What it is: model, dataset, space, paper or collection.
        item_type: String,
        /// A note beside it.
        #[arg(long)]
        note: Option<String>,
        /// Whether an item that is in it counts as success.
        #[arg(long)]
        exists_ok: bool,
    },
    /// Changes an item's note or place.
    UpdateItem {
        /// The slug of the collection.
        collection_slug: String,
        /// The id of the item in the collection.
        item_object_id: String,
        /// A new note.
        #[arg(long)]
        note: Option<String>,
        /// A new place, from 0.
        #[arg(long)]
        position: Option<i64>,
    },
    /// Takes an item out.
    DeleteItem {
        /// The slug of the collection.
        collection_slug: String,
        /// The id of the item in the collection.
        item_object_id: String,
        /// Whether an item that is not there counts as success.
        #[arg(long)]
        missing_ok: bool,
    },
}

/// The options of `hub collections update`.
#[derive(Debug, Args)]
pub struct Update {
    /// The slug of the collection.
    collection_slug: String,
    /// A new title.
    #[arg(long)]
    title: Option<String>,
    /// A new description.
    #[arg(long)]
    description: Option<String>,
    /// A new place in the owner's list.
    #[arg(long)]
    position: Option<i64>,
    /// Whether it is private: true or false.
    #[arg(long)]
    private: Option<bool>,
    /// A new colour.
    #[arg(long)]
    theme: Option<String>,
}

impl Collections {
    /// Performs the command.
    pub async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::List { owner, item, sort, limit } => {
                let arguments =
                    json!({ "owner": some(owner), "item": some(item), "sort": sort, "limit": limit });
                let columns = [("SLUG", "slug"), ("UPVOTES", "upvotes"), ("TITLE", "title")];
                context.list("list_collections", arguments, &columns).await
            }
            Self::Info { collection_slug } => {
                let collection =
                    context.call("get_collection", json!({ "collection_slug": collection_slug })).await?;
                context.format.object(&collection, "slug")
            }
            Self::Create { title, namespace, description, private, exists_ok } => {
                let arguments = json!({
                    "title": title, "namespace": namespace, "description": description, "private": private,
                    "exists_ok": exists_ok,
                });
                changed(context, "create_collection", arguments, "made").await
            }
            Self::Update(update) => {
                let arguments = json!({
                    "collection_slug": update.collection_slug, "title": update.title, "description": update.description,
                    "position": update.position, "private": update.private, "theme": update.theme,
                });
                changed(context, "update_collection_metadata", arguments, "changed").await
            }
            Self::Delete { collection_slug, missing_ok, yes } => {
                if !yes {
                    confirm(&format!("Delete the collection {collection_slug}?"))?;
                }
                let arguments = json!({ "collection_slug": collection_slug, "missing_ok": missing_ok });
                context.call("delete_collection", arguments.clone()).await?;
                context.format.done(&format!("deleted {collection_slug}"), &collection_slug, &arguments)
            }
            Self::AddItem { collection_slug, item_id, item_type, note, exists_ok } => {
                // Papers and collections are named otherwise.
                let item_id = match item_type.parse::<RepoType>() {
                    Ok(repo_type) => context.repo(&item_id, repo_type)?.to_string(),
                    Err(_) => item_id,
                };
                let arguments = json!({
                    "collection_slug": collection_slug, "item_id": item_id, "item_type": item_type, "note": note,
                    "exists_ok": exists_ok,
                });
                changed(context, "add_collection_item", arguments, "changed").await
            }
            Self::UpdateItem { collection_slug, item_object_id, note, position } => {
                let arguments = json!({
                    "collection_slug": collection_slug, "item_object_id": item_object_id, "note": note, "position": position,
                });
                context.call("update_collection_item", arguments.clone()).await?;
                context.format.done(
                    &format!("changed the item {item_object_id}"),
                    &item_object_id,
                    &arguments,
                )
            }
            Self::DeleteItem { collection_slug, item_object_id, missing_ok } => {
                let arguments = json!({
                    "collection_slug": collection_slug, "item_object_id": item_object_id, "missing_ok": missing_ok,
                });
                context.call("delete_collection_item", arguments.clone()).await?;
                context.format.done(
                    &format!("took the item {item_object_id} out"),
                    &item_object_id,
                    &arguments,
                )
            }
        }
    }
}

async fn changed(context: &Context, method: &str, arguments: Value, done: &str) -> Result<()> {
    let collection = context.call(method, arguments).await?;
    let url = collection["url"].as_str().unwrap_or_default();
    context.format.done(
        &format!("{done} {url}"),
        collection["slug"].as_str().unwrap_or_default(),
        &collection,
    )
}
