//! Descriptions of Spaces.
use crate::card_data::SpaceCard;
use crate::lenient::{Count, Filled};
use crate::repo_info::repo_info;
use crate::timestamp::Timestamp;
use crate::{CardData, Gated, RepoSibling, SpaceRuntime};
use chrono::{DateTime, Utc};
use serde_json::Number;

repo_info! {
    /// Describes a Space.
    SpaceInfo {
        /// The user or organization that owns it.
        author: String = "author",
        /// The hash of the commit that is described.
        sha: String = "sha",
        /// When it was created; 2022-03-02 for everything older, since the Hub did not keep earlier dates.
        created_at: DateTime<Utc> = "createdAt" as Timestamp,
        /// When the last commit was made.
        last_modified: DateTime<Utc> = "lastModified" as Timestamp,
        /// Whether only its owners see it.
        private: bool = "private",
        /// Whether access must be asked for, and who grants it.
        gated: Gated = "gated",
        /// Whether the Hub disabled it.
        disabled: bool = "disabled",
        /// The URL at which it runs.
        host: String = "host",
        /// The part of the host's name that is its own.
        subdomain: String = "subdomain",
        /// The number of likes.
        likes: u64 = "likes" as Count,
        /// What it is made with: `gradio`, `streamlit`, `docker` or `static`.
        sdk: String = "sdk",
        /// Its tags: those of the card and those that the Hub adds.
        tags: Vec<String> = "tags",
        /// The files of the commit.
        siblings: Vec<RepoSibling> = "siblings",
        /// How much attention it gets at present.
        trending_score: Number = "trendingScore",
        /// The metadata of its card.
        card_data: CardData = "cardData" as SpaceCard,
        /// How it runs.
        runtime: Box<SpaceRuntime> = "runtime" as Filled<Box<SpaceRuntime>>,
        /// The models that it uses.
        models: Vec<String> = "models",
        /// The datasets that it uses.
        datasets: Vec<String> = "datasets",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_empty_runtime_is_none() {
        let info: SpaceInfo = serde_json::from_value(json!({"id": "s", "runtime": {}})).unwrap();
        assert_eq!(info, SpaceInfo::new("s"));
        let json = json!({"id": "s", "runtime": {"stage": "RUNNING", "hardware": {"current": "t4-small"}}});
        let info: SpaceInfo = serde_json::from_value(json).unwrap();
        assert_eq!(info.runtime.unwrap().hardware.unwrap(), "t4-small");
    }
}
