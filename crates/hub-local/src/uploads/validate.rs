//! Whether the metadata of a card is valid.
use crate::{
    repos::metadata_block,
    state::HubState,
    web::{JsonBody, Result, error::json},
    yaml,
};
use axum::{Router, http::StatusCode, response::Response, routing::post};
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) fn routes() -> Router<HubState> {
    Router::new().route("/api/validate-yaml", post(validate))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Card {
    content: String,
    #[serde(default)]
    repo_type: String,
}

async fn validate(JsonBody(card): JsonBody<Card>) -> Result<Response> {
    let (errors, warnings) = check(&card);
    let failed = !errors.is_empty();
    let texts = |texts: Vec<String>| texts.into_iter().map(|message| json!({ "message": message })).collect();
    let (errors, warnings): (Vec<Value>, Vec<Value>) = (texts(errors), texts(warnings));
    let mut answer = json(&json!({ "errors": errors, "warnings": warnings }));
    if failed {
        *answer.status_mut() = StatusCode::BAD_REQUEST;
    }
    Ok(answer)
}

const SDKS: [&str; 4] = ["gradio", "streamlit", "docker", "static"];

fn check(card: &Card) -> (Vec<String>, Vec<String>) {
    let (mut errors, mut warnings) = (Vec::new(), Vec::new());
    let Some(block) = metadata_block(&card.content) else {
        warnings.push("empty or missing yaml metadata in repo card".to_owned());
        return (errors, warnings);
    };
    let metadata = match yaml::parse(block) {
        Ok(Value::Object(metadata)) => metadata,
        Ok(Value::Null) => {
            warnings.push("empty or missing yaml metadata in repo card".to_owned());
            return (errors, warnings);
        }
        Ok(_) => {
            errors.push("the yaml metadata must be a mapping".to_owned());
            return (errors, warnings);
        }
        Err(cause) => {
            errors.push(format!("invalid yaml: {cause}"));
            return (errors, warnings);
        }
    };
    for field in ["license", "pipeline_tag", "library_name"] {
        let value = metadata.get(field);
        let is_text = |value: &Value| value.is_string() || field == "license" && value.is_array();
        if value.is_some_and(|value| !is_text(value)) {
            errors.push(format!("\"{field}\" must be a string"));
        }
    }
    if card.repo_type == "space" {
        let sdk = metadata.get("sdk").and_then(Value::as_str);
        if !sdk.is_some_and(|sdk| SDKS.contains(&sdk)) {
            errors.push(format!("\"sdk\" must be one of [{}]", SDKS.join(", ")));
        }
    }
    (errors, warnings)
}
