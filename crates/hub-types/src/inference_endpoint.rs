//! Inference Endpoints.
use crate::lenient::or_default;
use crate::text_enum::text_enum;
use crate::timestamp;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Describes an Inference Endpoint: a model that runs as a service.
///
/// What its API sends does not say the namespace, so it is read with [`InferenceEndpoint::from_raw`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct InferenceEndpoint {
    /// The name, unique in the namespace.
    pub name: String,
    /// The user or organization that it belongs to.
    pub namespace: String,
    /// The repository of the model.
    pub repository: String,
    /// What it is doing.
    pub status: InferenceEndpointStatus,
    /// The URL to call; none until it runs.
    pub url: Option<String>,
    /// What the model is made with: `pytorch`, `custom`.
    pub framework: String,
    /// The commit of the model.
    pub revision: Option<String>,
    /// The task of the model.
    pub task: Option<String>,
    /// When it was made.
    #[serde(deserialize_with = "timestamp::required")]
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    #[serde(deserialize_with = "timestamp::required")]
    pub updated_at: DateTime<Utc>,
    /// Who may call it.
    #[serde(rename = "type")]
    pub r#type: InferenceEndpointType,
    /// All that the API sent, under its own names.
    pub raw: Map<String, Value>,
}

impl InferenceEndpoint {
    /// Reads what the API of Inference Endpoints sends about one of a namespace.
    ///
    /// # Errors
    /// The object is not the description of an Inference Endpoint.
    pub fn from_raw(raw: Map<String, Value>, namespace: impl Into<String>) -> serde_json::Result<Self> {
        let read = RawEndpoint::deserialize(&raw)?;
        Ok(Self {
            name: read.name,
            namespace: namespace.into(),
            repository: read.model.repository,
            status: read.status.state,
            url: read.status.url,
            framework: read.model.framework,
            revision: read.model.revision,
            task: read.model.task,
            created_at: read.status.created_at,
            updated_at: read.status.updated_at,
            r#type: read.kind,
            raw,
        })
    }
}

text_enum! {
    /// Says what an Inference Endpoint is doing.
    InferenceEndpointStatus {
        Pending = "pending",
        Initializing = "initializing",
        Updating = "updating",
        UpdateFailed = "updateFailed",
        Running = "running",
        Paused = "paused",
        Failed = "failed",
        ScaledToZero = "scaledToZero",
    }
}

text_enum! {
    /// Says who may call an Inference Endpoint.
    InferenceEndpointType {
        /// Everybody.
        Public = "public",
        /// Everybody with a token of its owner.
        Protected = "protected",
        /// Only what is in the same private network.
        Private = "private",
    }
}

#[derive(Deserialize)]
struct RawEndpoint {
    name: String,
    model: RawModel,
    status: RawStatus,
    #[serde(rename = "type")]
    kind: InferenceEndpointType,
}

#[derive(Deserialize)]
struct RawModel {
    repository: String,
    #[serde(default, deserialize_with = "or_default")]
    framework: String,
    revision: Option<String>,
    task: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawStatus {
    state: InferenceEndpointStatus,
    url: Option<String>,
    #[serde(deserialize_with = "timestamp::required")]
    created_at: DateTime<Utc>,
    #[serde(deserialize_with = "timestamp::required")]
    updated_at: DateTime<Utc>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn raw() -> Map<String, Value> {
        let json = json!({"name": "it", "type": "protected", "compute": {"scaling": {"minReplica": 0}},
            "model": {"repository": "gpt2", "framework": "custom", "revision": "c1", "task": null},
            "status": {"state": "melting", "createdAt": "2023-10-26T12:41:53.263078506Z",
                "updatedAt": "2023-10-26T12:41:54Z"}});
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn endpoints_round_trip_with_all_the_api_said() {
        let endpoint = InferenceEndpoint::from_raw(raw(), "lab").unwrap();
        assert_eq!((endpoint.namespace.as_str(), &endpoint.url, &endpoint.task), ("lab", &None, &None));
        assert_eq!(endpoint.status, InferenceEndpointStatus::Other("melting".into()));
        assert_eq!(endpoint.raw, raw());
        let written = serde_json::to_value(&endpoint).unwrap();
        assert_eq!(serde_json::from_value::<InferenceEndpoint>(written).unwrap(), endpoint);
    }

    #[test]
    fn a_framework_may_be_null() {
        let mut raw = raw();
        raw["model"]["framework"] = Value::Null;
        assert_eq!(InferenceEndpoint::from_raw(raw, "lab").unwrap().framework, "");
    }

    #[test]
    fn an_endpoint_needs_a_status() {
        let mut raw = raw();
        raw.remove("status");
        let error = InferenceEndpoint::from_raw(raw, "lab").unwrap_err();
        assert!(error.to_string().contains("`status`"), "{error}");
    }
}
