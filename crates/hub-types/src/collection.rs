//! Collections of repositories and papers.
use crate::lenient::or_default;
use crate::text_enum::text_enum;
use crate::{DEFAULT_ENDPOINT, timestamp};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Describes a collection.
///
/// The Hub does not send the URL: it is that of the public Hub until [`Collection::with_endpoint`] says another. It
/// sends no position in listings: see [`Collection::with_position`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(from = "RawCollection")]
#[non_exhaustive]
pub struct Collection {
    /// The name in URLs: `me/recent-models-64f9a55bb3115b4f513ec026`.
    pub slug: String,
    /// The title.
    pub title: String,
    /// The owner, as the Hub sends it.
    pub owner: Value,
    /// The items; at most four in listings.
    pub items: Vec<CollectionItem>,
    /// When it was last changed.
    pub last_updated: DateTime<Utc>,
    /// The place among the collections of its owner, in listings that in the listing.
    pub position: u64,
    /// Whether only its owner sees it.
    pub private: bool,
    /// The colour.
    pub theme: String,
    /// The number of upvotes.
    pub upvotes: u64,
    /// What it is about.
    pub description: Option<String>,
    /// The URL of its page.
    pub url: String,
}

impl Collection {
    /// Says which Hub the collection was read from, of which its URL is a part.
    #[must_use]
    pub fn with_endpoint(mut self, endpoint: &str) -> Self {
        self.url = url(endpoint, &self.slug);
        self
    }

    /// Says at which place of a listing the collection was, counted from zero over all pages.
    #[must_use]
    pub fn with_position(mut self, position: u64) -> Self {
        self.position = position;
        self
    }

    /// The name of the owner.
    pub fn owner_name(&self) -> Option<&str> {
        self.owner.as_str().or_else(|| self.owner.get("name")?.as_str())
    }
}

fn url(endpoint: &str, slug: &str) -> String {
    format!("{endpoint}/collections/{slug}")
}

/// Describes an item of a collection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "RawItem")]
#[non_exhaustive]
pub struct CollectionItem {
    /// The id of the item itself, by which it is changed and deleted.
    pub item_object_id: String,
    /// The name of the repository, or the id of the paper.
    pub item_id: String,
    /// The kind.
    pub item_type: CollectionItemType,
    /// The place in the collection.
    pub position: u64,
    /// What the owner says of it.
    pub note: Option<String>,
}

text_enum! {
    /// Says what kind of thing an item of a collection is.
    CollectionItemType {
        Model = "model",
        Dataset = "dataset",
        Space = "space",
        Paper = "paper",
    }
}

text_enum! {
    /// Names an order of collections.
    CollectionSort {
        /// The newest change first.
        LastModified = "lastModified",
        /// The most attention at present first.
        Trending = "trending",
        /// The most upvotes first.
        Upvotes = "upvotes",
    }
}

#[derive(Deserialize)]
struct RawCollection {
    slug: String,
    title: String,
    #[serde(default)]
    owner: Value,
    #[serde(default, deserialize_with = "or_default")]
    items: Vec<CollectionItem>,
    #[serde(alias = "lastUpdated", deserialize_with = "timestamp::required")]
    last_updated: DateTime<Utc>,
    #[serde(default, deserialize_with = "or_default")]
    position: u64,
    #[serde(default, deserialize_with = "or_default")]
    private: bool,
    #[serde(default, deserialize_with = "or_default")]
    theme: String,
    #[serde(default, deserialize_with = "or_default")]
    upvotes: u64,
    description: Option<String>,
    url: Option<String>,
}

impl From<RawCollection> for Collection {
    fn from(raw: RawCollection) -> Self {
        Self {
            url: raw.url.unwrap_or_else(|| url(DEFAULT_ENDPOINT, &raw.slug)),
            slug: raw.slug,
            title: raw.title,
            owner: raw.owner,
            items: raw.items,
            last_updated: raw.last_updated,
            position: raw.position,
            private: raw.private,
            theme: raw.theme,
            upvotes: raw.upvotes,
            description: raw.description,
        }
    }
}

/// An item of the Hub has the id of the thing as `id`, and its own as `_id`.
#[derive(Deserialize)]
struct RawItem {
    #[serde(alias = "_id")]
    item_object_id: String,
    #[serde(alias = "id")]
    item_id: String,
    #[serde(alias = "type")]
    item_type: CollectionItemType,
    #[serde(default, deserialize_with = "or_default")]
    position: u64,
    note: Option<RawNote>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum RawNote {
    Note { text: Option<String> },
    Text(String),
}

impl From<RawItem> for CollectionItem {
    fn from(raw: RawItem) -> Self {
        let note = raw.note.and_then(|note| match note {
            RawNote::Note { text } => text,
            RawNote::Text(text) => Some(text),
        });
        let (item_object_id, item_id, item_type) = (raw.item_object_id, raw.item_id, raw.item_type);
        Self { item_object_id, item_id, item_type, position: raw.position, note }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(json: Value) -> Collection {
        serde_json::from_value(json).unwrap()
    }

    fn hub() -> Value {
        json!({"slug": "me/best-1", "title": "Best", "lastUpdated": "2024-01-01T00:00:00.000Z", "private": true,
            "owner": {"name": "me", "type": "user"}, "theme": "blue", "upvotes": 2, "items": [
            {"_id": "i1", "position": 0, "type": "model", "id": "a/b", "note": {"html": "<p>x</p>", "text": "x"}},
            {"_id": "i2", "position": 1, "type": "movie", "id": "m", "note": null}]})
    }

    #[test]
    fn collections_round_trip() {
        let collection = read(hub());
        assert_eq!((collection.owner_name(), collection.position), (Some("me"), 0));
        assert_eq!(collection.items[0].note.as_deref(), Some("x"));
        assert_eq!(collection.items[1].item_type, CollectionItemType::Other("movie".into()));
        let moved = collection.with_endpoint("https://hub.test").with_position(4);
        assert_eq!(read(serde_json::to_value(&moved).unwrap()), moved);
    }

    #[test]
    fn the_url_is_that_of_the_hub_it_came_from() {
        assert_eq!(read(hub()).url, "https://huggingface.co/collections/me/best-1");
        let there = read(hub()).with_endpoint("http://127.0.0.1:9");
        assert_eq!(there.url, "http://127.0.0.1:9/collections/me/best-1");
    }
}
