//! Descriptions of models.
use crate::card_data::ModelCard;
use crate::lenient::{Count, Filled, or_default};
use crate::repo_info::repo_info;
use crate::text_enum::text_enum;
use crate::timestamp::Timestamp;
use crate::{CardData, Gated, RepoSibling};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};
use std::collections::BTreeMap;

repo_info! {
    /// Describes a model.
    ModelInfo {
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
        /// Whether the Hub disabled it.
        disabled: bool = "disabled",
        /// The number of downloads in the last 30 days.
        downloads: u64 = "downloads" as Count,
        /// The number of downloads since its creation.
        downloads_all_time: u64 = "downloadsAllTime" as Count,
        /// Whether access must be asked for, and who grants it.
        gated: Gated = "gated",
        /// What the Hub found in its GGUF files.
        gguf: Value = "gguf",
        /// Whether inference providers have it ready.
        inference: ModelInference = "inference",
        /// The number of likes.
        likes: u64 = "likes" as Count,
        /// The library that it is for: `transformers`.
        library_name: String = "library_name",
        /// Its tags: those of the card and those that the Hub adds.
        tags: Vec<String> = "tags",
        /// The task that it is for: `fill-mask`.
        pipeline_tag: String = "pipeline_tag",
        /// The text that stands for a masked token.
        mask_token: String = "mask_token",
        /// The metadata of its card.
        card_data: CardData = "cardData" as ModelCard,
        /// The examples shown on its page.
        widget_data: Value = "widgetData",
        /// The evaluation results of its card.
        model_index: Value = "model-index",
        /// Parts of its `config.json`.
        config: Value = "config",
        /// How the transformers library loads it.
        transformers_info: Box<TransformersInfo> = "transformersInfo" as Filled<Box<TransformersInfo>>,
        /// How much attention it gets at present.
        trending_score: Number = "trendingScore",
        /// The files of the commit.
        siblings: Vec<RepoSibling> = "siblings",
        /// The Spaces that use it.
        spaces: Vec<String> = "spaces",
        /// The number of its parameters, from its safetensors files.
        safetensors: SafeTensorsInfo = "safetensors" as Filled<SafeTensorsInfo>,
        /// What the security scans found.
        security_repo_status: Value = "securityRepoStatus",
    }
}

text_enum! {
    /// Says whether inference providers have a model ready.
    ModelInference {
        /// It answers at once.
        Warm = "warm",
        /// It is loaded on the first call.
        Cold = "cold",
        /// It cannot be used there.
        Frozen = "frozen",
    }
}

/// Says how the transformers library loads a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TransformersInfo {
    /// The class that loads it: `AutoModelForMaskedLM`.
    #[serde(default, deserialize_with = "or_default")]
    pub auto_model: String,
    /// The model's own class, if it brings one.
    pub custom_class: Option<String>,
    /// The task that it is for.
    pub pipeline_tag: Option<String>,
    /// The class that prepares its input: `AutoTokenizer`.
    pub processor: Option<String>,
}

/// Counts the parameters of a model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "RawSafeTensors")]
#[non_exhaustive]
pub struct SafeTensorsInfo {
    /// The number of parameters by element type: `F32`.
    pub parameters: BTreeMap<String, u64>,
    /// The number of all parameters.
    pub total: u64,
}

/// Either of the numbers may be left out.
#[derive(Deserialize)]
struct RawSafeTensors {
    #[serde(default, deserialize_with = "or_default")]
    parameters: BTreeMap<String, u64>,
    total: Option<u64>,
}

impl From<RawSafeTensors> for SafeTensorsInfo {
    fn from(raw: RawSafeTensors) -> Self {
        let counts = raw.parameters.values();
        let total = raw.total.unwrap_or_else(|| counts.fold(0, |sum, count| sum.saturating_add(*count)));
        Self { parameters: raw.parameters, total }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(json: &Value) -> ModelInfo {
        serde_json::from_str(&json.to_string()).unwrap()
    }

    #[test]
    fn both_names_of_a_field_are_read() {
        let hub = read(&json!({"id": "a/b", "createdAt": "2024-01-01T00:00:00.000Z", "model-index": [1],
            "trendingScore": 7, "downloadsAllTime": 9, "cardData": {"license": "mit"}, "_id": "64"}));
        assert_eq!(hub.extra["_id"], "64");
        let written = serde_json::to_value(&hub).unwrap();
        assert_eq!(
            written,
            json!({"id": "a/b", "created_at": "2024-01-01T00:00:00Z", "model_index": [1], "trending_score": 7,
                "downloads_all_time": 9, "card_data": {"license": "mit"}, "_id": "64"})
        );
        assert_eq!(read(&written), hub);
    }

    #[test]
    fn nothing_said_in_many_ways_is_none() {
        let info = read(&json!({"id": "a", "lastModified": "", "createdAt": null, "transformersInfo": {},
            "safetensors": {}, "siblings": null, "cardData": {}, "gated": null, "tags": null}));
        assert_eq!(info, ModelInfo::new("a"));
    }

    #[test]
    fn a_null_does_not_undo_the_other_name() {
        let info = read(&json!({"id": "a", "cardData": {"license": "mit"}, "card_data": null}));
        assert_eq!(info.card_data.unwrap().license(), Some("mit"));
    }

    #[test]
    fn the_total_may_be_left_out() {
        let info = read(&json!({"id": "a", "safetensors": {"parameters": {"F32": 3, "I8": 4}}}));
        assert_eq!(info.safetensors.unwrap().total, 7);
        let info = read(&json!({"id": "a", "safetensors": {"parameters": null, "total": 9}}));
        assert_eq!(info.safetensors.unwrap().total, 9);
    }

    #[test]
    fn unknown_values_are_kept() {
        let info = read(&json!({"id": "a", "inference": "boiling", "gated": "maybe", "trendingScore": 1.5}));
        assert_eq!(
            serde_json::to_value(info).unwrap(),
            json!({"id": "a", "inference": "boiling", "gated": "maybe", "trending_score": 1.5})
        );
    }

    #[test]
    fn a_model_needs_an_id() {
        let error = serde_json::from_str::<ModelInfo>("{}").unwrap_err();
        assert!(error.to_string().contains("missing field `id`"), "{error}");
    }
}
