//! Descriptions of datasets.
use crate::card_data::DatasetCard;
use crate::lenient::Count;
use crate::repo_info::repo_info;
use crate::timestamp::Timestamp;
use crate::{CardData, Gated, RepoSibling};
use chrono::{DateTime, Utc};
use serde_json::Number;

repo_info! {
    /// Describes a dataset.
    DatasetInfo {
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
        /// The number of downloads in the last 30 days.
        downloads: u64 = "downloads" as Count,
        /// The number of downloads since its creation.
        downloads_all_time: u64 = "downloadsAllTime" as Count,
        /// The number of likes.
        likes: u64 = "likes" as Count,
        /// Its name on Papers with Code.
        paperswithcode_id: String = "paperswithcode_id",
        /// Its tags: those of the card and those that the Hub adds.
        tags: Vec<String> = "tags",
        /// How much attention it gets at present.
        trending_score: Number = "trendingScore",
        /// The metadata of its card.
        card_data: CardData = "cardData" as DatasetCard,
        /// The files of the commit.
        siblings: Vec<RepoSibling> = "siblings",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_has_no_field_is_kept() {
        let json = json!({"id": "d", "description": "Reviews", "key": "", "cardData": {"pretty_name": "D"}});
        let info: DatasetInfo = serde_json::from_value(json).unwrap();
        assert_eq!(info.extra["description"], "Reviews");
        assert_eq!(info.card_data.unwrap().get("pretty_name").unwrap(), "D");
    }
}
