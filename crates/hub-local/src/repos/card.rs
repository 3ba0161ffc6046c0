//! The metadata block at the head of a repository's README.
use crate::yaml;
use serde_json::{Map, Value};

/// The metadata of a card; `None` if it has none, or none that can be read.
pub(crate) fn parse(readme: &str) -> Option<Map<String, Value>> {
    match yaml::parse(metadata_block(readme)?) {
        Ok(Value::Object(metadata)) => Some(metadata),
        _ => None,
    }
}

/// The YAML between the `---` lines at the head of a card.
pub(crate) fn metadata_block(readme: &str) -> Option<&str> {
    let text = readme.trim_start_matches('\u{feff}').trim_start_matches(['\r', '\n', ' ']);
    let text = text.strip_prefix("---")?;
    let start = text.find('\n')? + 1;
    if !text[..start].trim().is_empty() {
        return None;
    }
    let body = &text[start..];
    if body.starts_with("---") {
        return Some("");
    }
    let end = body.find("\n---")?;
    Some(&body[..=end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_block_at_the_head_is_metadata() {
        assert_eq!(metadata_block("---\na: 1\n---\n# T"), Some("a: 1\n"));
        assert_eq!(metadata_block("\n---\r\na: 1\r\n---\r\n"), Some("a: 1\r\n"));
        assert_eq!(metadata_block("---\n---\n"), Some(""));
        assert_eq!(metadata_block("# T\n---\na: 1\n---\n"), None);
        assert_eq!(metadata_block("---\na: 1\n"), None);
    }
}
