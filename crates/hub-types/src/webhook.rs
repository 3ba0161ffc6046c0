//! Webhooks.
use crate::lenient::or_default;
use crate::text_enum::text_enum;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// Describes a webhook.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WebhookInfo {
    /// The id.
    pub id: String,
    /// The URL that is called; none for webhooks that start a job.
    pub url: Option<String>,
    /// What is watched.
    #[serde(default, deserialize_with = "or_default")]
    pub watched: Vec<WebhookWatchedItem>,
    /// The kinds of events that it is called for.
    #[serde(default, deserialize_with = "or_default")]
    pub domains: Vec<WebhookDomain>,
    /// What the Hub sends along so that the receiver knows the caller.
    pub secret: Option<String>,
    /// Whether it is switched off, by its owner or because calls failed.
    #[serde(default, deserialize_with = "switched_off")]
    pub disabled: bool,
}

/// The Hub sends a text, such as `suspended-after-failure`, when it was not the owner who switched it off.
fn switched_off<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Disabled {
        Flag(bool),
        Reason(String),
    }
    Ok(match Option::deserialize(deserializer)? {
        None => false,
        Some(Disabled::Flag(disabled)) => disabled,
        Some(Disabled::Reason(reason)) => !reason.is_empty(),
    })
}

impl fmt::Debug for WebhookInfo {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookInfo")
            .field("id", &self.id)
            .field("url", &self.url)
            .field("watched", &self.watched)
            .field("domains", &self.domains)
            .field("disabled", &self.disabled)
            .finish_non_exhaustive()
    }
}

/// Names something that a webhook watches.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub struct WebhookWatchedItem {
    /// The kind.
    #[serde(rename = "type")]
    pub r#type: WebhookWatchedType,
    /// The name of the user, organization or repository.
    pub name: String,
}

impl WebhookWatchedItem {
    /// Names something to watch.
    pub fn new(r#type: impl Into<WebhookWatchedType>, name: impl Into<String>) -> Self {
        Self { r#type: r#type.into(), name: name.into() }
    }
}

text_enum! {
    /// Says what kind of thing a webhook watches.
    WebhookWatchedType {
        Dataset = "dataset",
        Model = "model",
        Org = "org",
        Space = "space",
        User = "user",
    }
}

text_enum! {
    /// Names a kind of events that webhooks are called for.
    WebhookDomain {
        /// Changes of repositories and their content.
        Repo = "repo",
        /// Discussions, pull requests and comments.
        Discussions = "discussions",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn webhooks_round_trip() {
        let json = json!({"id": "w1", "url": "https://hooks.test/in", "domains": ["repo", "other"],
            "watched": [{"type": "org", "name": "lab"}], "secret": "s3cret", "disabled": true});
        let webhook: WebhookInfo = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(webhook.watched, [WebhookWatchedItem::new("org", "lab")]);
        assert_eq!(serde_json::to_value(&webhook).unwrap(), json);
        assert!(!format!("{webhook:?}").contains("s3cret"));
    }

    #[test]
    fn an_id_is_enough() {
        let json = json!({"id": "w1", "url": null, "watched": [], "domains": null, "disabled": false});
        let webhook: WebhookInfo = serde_json::from_value(json).unwrap();
        assert_eq!(webhook, WebhookInfo { id: "w1".into(), ..WebhookInfo::default() });
    }

    #[test]
    fn a_webhook_is_off_for_a_reason_too() {
        let disabled = [
            (json!(null), false),
            (json!(false), false),
            (json!(true), true),
            (json!(""), false),
            (json!("suspended-after-failure"), true),
        ];
        for (value, off) in disabled {
            let json = json!({"id": "w", "url": null, "disabled": value});
            assert_eq!(serde_json::from_value::<WebhookInfo>(json).unwrap().disabled, off, "{value}");
        }
    }
}
