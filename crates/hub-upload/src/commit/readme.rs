//! The metadata at the head of a README.
use hub_api::{ErrorKind, HfApi, Http, Result};
use hub_http::Context as _;
use hub_types::RepoType;
use serde::Deserialize;
use serde_json::json;

#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    warnings: Vec<Warning>,
}

#[derive(Deserialize)]
struct Warning {
    message: Option<String>,
}

fn request(repo_type: RepoType, content: &str) -> Http {
    Http::post("/api/validate-yaml")
        .json(json!({ "content": content, "repoType": repo_type }))
        .repeatable(true)
}

/// Has the Hub check the metadata of a README, before anything large is sent.
///
/// # Errors
/// [`ErrorKind::InvalidArgument`] if the metadata is refused.
pub(super) async fn validate(api: &HfApi, repo_type: RepoType, content: String) -> Result<()> {
    match api.exchange(request(repo_type, &content)).await {
        Ok(answer) => {
            for warning in answer.json::<Answer>()?.warnings {
                tracing::warn!("README.md: {}", warning.message.unwrap_or_default());
            }
            Ok(())
        }
        Err(error) if error.kind() == ErrorKind::BadRequest => {
            Err(error.with_kind(ErrorKind::InvalidArgument))
                .with(|| "invalid metadata in README.md".to_owned())
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_text_is_shown_with_the_kind_of_repository() {
        let expected = Http::post("/api/validate-yaml")
            .json(json!({ "content": "---\n---\n", "repoType": "space" }))
            .repeatable(true);
        assert_eq!(request(RepoType::Space, "---\n---\n"), expected);
    }
}
