//! How Spaces run.
use crate::lenient::or_default;
use crate::text_enum::text_enum;
use crate::timestamp;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::ops::Deref;

/// Says how a Space runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Map<String, Value>")]
#[non_exhaustive]
pub struct SpaceRuntime {
    /// What the Space is doing.
    pub stage: SpaceStage,
    /// The hardware it runs on; none while it is first built, and for static Spaces.
    pub hardware: Option<SpaceHardware>,
    /// The hardware that was last asked for.
    pub requested_hardware: Option<SpaceHardware>,
    /// The seconds without a request after which it goes to sleep; none for the default of its hardware.
    pub sleep_time: Option<i64>,
    /// The persistent storage it has.
    pub storage: Option<SpaceStorage>,
    /// All that the Hub sent, under its own names.
    pub raw: Map<String, Value>,
}

impl TryFrom<Map<String, Value>> for SpaceRuntime {
    type Error = &'static str;

    fn try_from(mut map: Map<String, Value>) -> Result<Self, Self::Error> {
        // What was written here before holds the Hub's own object as `raw`.
        let raw = match map.remove("raw") {
            Some(Value::Object(raw)) => raw,
            _ => map,
        };
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let hardware = raw.get("hardware");
        let current = hardware.filter(|value| value.is_string()).or_else(|| hardware?.get("current"));
        let storage = raw.get("storage");
        let stored = storage.filter(|value| value.is_string()).or_else(|| storage?.get("current"));
        Ok(Self {
            stage: text(raw.get("stage")).ok_or("the runtime of a Space lacks `stage`")?.into(),
            hardware: text(current).map(Into::into),
            requested_hardware: text(hardware.and_then(|value| value.get("requested"))).map(Into::into),
            sleep_time: raw.get("gcTimeout").and_then(Value::as_i64),
            storage: text(stored).map(Into::into),
            raw,
        })
    }
}

text_enum! {
    /// Says what a Space is doing.
    SpaceStage {
        NoAppFile = "NO_APP_FILE",
        ConfigError = "CONFIG_ERROR",
        Building = "BUILDING",
        BuildError = "BUILD_ERROR",
        Running = "RUNNING",
        RunningBuilding = "RUNNING_BUILDING",
        RuntimeError = "RUNTIME_ERROR",
        Deleting = "DELETING",
        Stopped = "STOPPED",
        Paused = "PAUSED",
    }
}

text_enum! {
    /// Names the hardware of a Space.
    SpaceHardware {
        CpuBasic = "cpu-basic",
        CpuUpgrade = "cpu-upgrade",
        T4Small = "t4-small",
        T4Medium = "t4-medium",
        L4x1 = "l4x1",
        L4x4 = "l4x4",
        ZeroA10g = "zero-a10g",
        A10gSmall = "a10g-small",
        A10gLarge = "a10g-large",
        A10gLargex2 = "a10g-largex2",
        A10gLargex4 = "a10g-largex4",
        A100Large = "a100-large",
        V5e1x1 = "v5e-1x1",
        V5e2x2 = "v5e-2x2",
        V5e2x4 = "v5e-2x4",
    }
}

text_enum! {
    /// Names the size of a Space's persistent storage.
    SpaceStorage {
        Small = "small",
        Medium = "medium",
        Large = "large",
    }
}

/// Holds the variables of a Space by key.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "BTreeMap<String, RawVariable>")]
pub struct SpaceVariables(BTreeMap<String, SpaceVariable>);

impl Deref for SpaceVariables {
    type Target = BTreeMap<String, SpaceVariable>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl FromIterator<SpaceVariable> for SpaceVariables {
    fn from_iter<I: IntoIterator<Item = SpaceVariable>>(variables: I) -> Self {
        Self(variables.into_iter().map(|variable| (variable.key.clone(), variable)).collect())
    }
}

impl IntoIterator for SpaceVariables {
    type Item = SpaceVariable;
    type IntoIter = std::collections::btree_map::IntoValues<String, SpaceVariable>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_values()
    }
}

/// Is an environment variable of a Space; everybody can read it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SpaceVariable {
    /// The name.
    pub key: String,
    /// The value.
    pub value: String,
    /// What it is for.
    pub description: Option<String>,
    /// When it was last changed.
    #[serde(default, deserialize_with = "timestamp::optional")]
    pub updated_at: Option<DateTime<Utc>>,
}

impl SpaceVariable {
    /// Creates a variable without a description.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into(), ..Self::default() }
    }
}

#[derive(Deserialize)]
struct RawVariable {
    #[serde(default, deserialize_with = "or_default")]
    value: String,
    description: Option<String>,
    #[serde(alias = "updatedAt", default, deserialize_with = "timestamp::optional")]
    updated_at: Option<DateTime<Utc>>,
}

impl From<BTreeMap<String, RawVariable>> for SpaceVariables {
    fn from(raw: BTreeMap<String, RawVariable>) -> Self {
        let named = raw.into_iter().map(|(key, raw)| SpaceVariable {
            key,
            value: raw.value,
            description: raw.description,
            updated_at: raw.updated_at,
        });
        named.collect()
    }
}

/// Is a secret or variable to give to a new Space.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct SpaceSetting {
    /// The name.
    pub key: String,
    /// The value.
    pub value: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl SpaceSetting {
    /// Creates a setting without a description.
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into(), description: None }
    }
}

impl std::fmt::Debug for SpaceSetting {
    /// Leaves the value out, which may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SpaceSetting").field("key", &self.key).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn runtime(json: Value) -> SpaceRuntime {
        serde_json::from_value(json).unwrap()
    }

    #[test]
    fn a_runtime_round_trips_with_all_the_hub_said() {
        let json = json!({"stage": "SLEEPING", "hardware": {"current": null, "requested": "h100"},
            "storage": "small", "gcTimeout": 300, "replicas": {"current": 1}});
        let sleeping = runtime(json.clone());
        assert_eq!(sleeping.stage, "SLEEPING");
        assert_eq!((&sleeping.hardware, sleeping.sleep_time), (&None, Some(300)));
        assert_eq!(sleeping.requested_hardware, Some(SpaceHardware::Other("h100".into())));
        assert_eq!(sleeping.storage, Some(SpaceStorage::Small));
        assert_eq!(Value::Object(sleeping.raw.clone()), json);
        assert_eq!(runtime(serde_json::to_value(&sleeping).unwrap()), sleeping);
    }

    #[test]
    fn a_stage_is_enough() {
        for json in [
            json!({"stage": "PAUSED"}),
            json!({"stage": "PAUSED", "hardware": null, "storage": null, "gcTimeout": null}),
        ] {
            let paused = runtime(json);
            assert_eq!((paused.stage, paused.hardware), (SpaceStage::Paused, None));
        }
        assert!(serde_json::from_value::<SpaceRuntime>(json!({"hardware": {}})).is_err());
    }

    #[test]
    fn variables_know_their_key() {
        let json = json!({"A": {"value": "1", "updatedAt": "2024-01-01T00:00:00Z"}, "B": {"value": ""}});
        let variables: SpaceVariables = serde_json::from_value(json).unwrap();
        assert_eq!(variables["B"], SpaceVariable::new("B", ""));
        let written = serde_json::to_value(&variables).unwrap();
        assert_eq!(written["A"]["key"], "A");
        assert_eq!(serde_json::from_value::<SpaceVariables>(written).unwrap(), variables);
    }

    #[test]
    fn the_value_of_a_setting_is_not_shown() {
        assert!(!format!("{:?}", SpaceSetting::new("KEY", "s3cret")).contains("s3cret"));
    }
}
