//! What an Inference Endpoint is to run, and on what: checked, changed, shown.
use crate::web::{ApiError, Result};
use hub_types::InferenceEndpointType;
use serde_json::{Map, Value, json};

const VENDORS: [&str; 3] = ["aws", "azure", "gcp"];
const ACCELERATORS: [&str; 4] = ["cpu", "gpu", "neuron", "tpu"];
const LONGEST_NAME: usize = 32;

/// The part of an endpoint's description that its owner decides, as JSON.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Config(pub(super) Value);

impl Config {
    /// Checks the body that asks for a new endpoint, and gives its name.
    pub(super) fn create(body: &Value) -> Result<(String, Self)> {
        let name = text(body, "/name")?.to_owned();
        let plain = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        if !plain
            || name.is_empty()
            || name.len() > LONGEST_NAME
            || name.starts_with('-')
            || name.ends_with('-')
        {
            return Err(ApiError::bad_request(format!(
                "Invalid name {name:?}: at most {LONGEST_NAME} lower-case letters, digits and dashes between them"
            )));
        }
        let mut model = body["model"].clone();
        hide_secrets(&mut model);
        if let Value::Object(model) = &mut model {
            // Clients look for both, known or not.
            for name in ["revision", "task"] {
                model.entry(name).or_insert(Value::Null);
            }
        }
        let config = Self(json!({
            "type": body.get("type").cloned().unwrap_or_else(|| json!("protected")),
            "accountId": body["accountId"],
            "provider": body["provider"],
            "healthRoute": model.pointer("/image/custom/health_route").cloned().unwrap_or_else(|| json!("/health")),
            "compute": body["compute"],
            "model": model,
        }));
        config.check()?;
        Ok((name, config))
    }

    /// Changes what a body names and leaves the rest.
    pub(super) fn update(&mut self, body: &Value) -> Result<()> {
        for part in ["compute", "model"] {
            let Some(change) = body.get(part).filter(|change| !change.is_null()) else { continue };
            let mut change = change.clone();
            if part == "model" {
                hide_secrets(&mut change);
                // An image replaces the one before, of whatever kind.
                if let (Some(image), Value::Object(model)) = (change.get("image"), &mut self.0["model"]) {
                    model.insert("image".into(), image.clone());
                }
            }
            merge(&mut self.0[part], &change);
        }
        self.check()
    }

    /// The parts that must be there, and the values that are known.
    fn check(&self) -> Result<()> {
        let one_of = |path: &str, known: &[&str]| {
            let value = text(&self.0, path)?;
            let refuse = || ApiError::bad_request(format!("Invalid {path}: {value:?} is none of {known:?}"));
            known.contains(&value).then_some(()).ok_or_else(refuse)
        };
        one_of("/type", InferenceEndpointType::KNOWN)?;
        one_of("/provider/vendor", &VENDORS)?;
        one_of("/compute/accelerator", &ACCELERATORS)?;
        for path in [
            "/provider/region",
            "/compute/instanceSize",
            "/compute/instanceType",
            "/model/repository",
            "/model/framework",
        ] {
            text(&self.0, path)?;
        }
        let replicas = |path: &str| self.0.pointer(path).and_then(Value::as_u64);
        match (replicas("/compute/scaling/minReplica"), replicas("/compute/scaling/maxReplica")) {
            (Some(min), Some(max)) if min <= max && max >= 1 => Ok(()),
            _ => Err(ApiError::bad_request(
                "Invalid scaling: 0 <= minReplica <= maxReplica, which is at least 1",
            )),
        }
    }

    /// The repository of the model.
    pub(super) fn repository(&self) -> &str {
        self.0.pointer("/model/repository").and_then(Value::as_str).unwrap_or_default()
    }

    /// Fills in what was left to the Hub, if its repository is here.
    pub(super) fn complete(&mut self, revision: &str, task: Option<&str>) {
        let model = &mut self.0["model"];
        if model["revision"].is_null() {
            model["revision"] = revision.into();
        }
        if model["task"].is_null() {
            model["task"] = task.into();
        }
    }

    /// Whether everybody may call it.
    pub(super) fn is_public(&self) -> bool {
        self.0["type"] == "public"
    }

    /// How many replicas run when it runs.
    pub(super) fn replicas(&self) -> u64 {
        let min = self.0.pointer("/compute/scaling/minReplica").and_then(Value::as_u64);
        min.unwrap_or_default().max(1)
    }
}

/// Nobody can read a secret back, so only the names are kept.
fn hide_secrets(model: &mut Value) {
    if let Some(Value::Object(secrets)) = model.get_mut("secrets") {
        secrets.values_mut().for_each(|value| *value = Value::Null);
    }
}

fn text<'a>(body: &'a Value, path: &str) -> Result<&'a str> {
    let value = body.pointer(path).and_then(Value::as_str).filter(|text| !text.is_empty());
    value.ok_or_else(|| ApiError::bad_request(format!("{path} is missing")))
}

/// Puts the members of one object into another, object by object; secrets and images are replaced whole.
fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                let whole = matches!(&**name, "secrets" | "image");
                match into.get_mut(name) {
                    Some(member) if !whole => merge(member, value),
                    _ => {
                        into.insert(name.clone(), value.clone());
                    }
                }
            }
        }
        (into, from) => *into = from.clone(),
    }
}

impl From<Config> for Map<String, Value> {
    fn from(config: Config) -> Self {
        match config.0 {
            Value::Object(members) => members,
            _ => Self::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body() -> Value {
        json!({
            "name": "tiny", "type": "protected", "provider": { "vendor": "aws", "region": "us-east-1" },
            "compute": { "accelerator": "cpu", "instanceSize": "x2", "instanceType": "intel-icl",
                "scaling": { "minReplica": 0, "maxReplica": 1, "scaleToZeroTimeout": 15 } },
            "model": { "repository": "me/tiny", "framework": "pytorch", "image": { "huggingface": {} },
                "secrets": { "KEY": "s3cret" } },
        })
    }

    #[test]
    fn secrets_are_not_kept() {
        let (name, config) = Config::create(&body()).unwrap();
        assert_eq!(name, "tiny");
        assert!(!config.0.to_string().contains("s3cret"));
    }

    #[test]
    fn what_is_left_open_is_there_as_null() {
        let (_, mut config) = Config::create(&body()).unwrap();
        assert_eq!(config.0["model"].get("task"), Some(&Value::Null));
        config.complete("c1", Some("fill-mask"));
        let model = &config.0["model"];
        assert_eq!((&model["revision"], &model["task"]), (&json!("c1"), &json!("fill-mask")));
    }

    #[test]
    fn what_is_missing_or_unknown_is_refused() {
        for (path, value) in [
            ("/name", json!("Tiny")),
            ("/name", json!("")),
            ("/type", json!("secret")),
            ("/provider/vendor", json!("garage")),
            ("/compute/accelerator", json!(null)),
            ("/compute/scaling/maxReplica", json!(0)),
            ("/compute/scaling/minReplica", json!(2)),
            ("/model/repository", json!("")),
        ] {
            let mut body = body();
            *body.pointer_mut(path).unwrap() = value;
            assert!(Config::create(&body).is_err(), "{path}");
        }
    }

    #[test]
    fn an_update_leaves_what_it_does_not_name() {
        let (_, mut config) = Config::create(&body()).unwrap();
        let change = json!({ "compute": { "scaling": { "maxReplica": 4, "scaleToZeroTimeout": null } },
            "model": { "image": { "custom": { "url": "u" } }, "secrets": {} } });
        config.update(&change).unwrap();
        let scaling = json!({ "minReplica": 0, "maxReplica": 4, "scaleToZeroTimeout": null });
        assert_eq!(config.0["compute"]["scaling"], scaling);
        assert_eq!(config.0["compute"]["accelerator"], "cpu");
        assert_eq!(config.0["model"]["image"], json!({ "custom": { "url": "u" } }));
        assert_eq!(config.0["model"]["secrets"], json!({}));
        assert!(config.update(&json!({ "compute": { "scaling": { "minReplica": 9 } } })).is_err());
    }
}
