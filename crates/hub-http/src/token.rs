//! The secret that tells who asks.
use hub_types::InvalidArgument;
use reqwest::header::HeaderValue;
use std::{fmt, sync::Arc};

/// An access token.
///
/// It is never printed: `Debug` shows only that there is one.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Arc<str>);

impl Token {
    /// Checks a text and makes a token of it; white space around it is dropped.
    ///
    /// # Errors
    /// It is empty, or has characters that no header can carry.
    pub fn parse(text: &str) -> Result<Self, InvalidArgument> {
        let text = text.trim();
        if text.is_empty() {
            return Err(InvalidArgument::new("the token is empty"));
        }
        if !text.bytes().all(|c| c.is_ascii_graphic()) {
            return Err(InvalidArgument::new(
                "the token has white space, control or non-ASCII characters inside; copy it again from the settings page",
            ));
        }
        Ok(Self(text.into()))
    }

    /// The secret itself.
    pub fn secret(&self) -> &str {
        &self.0
    }

    /// The `Authorization` header.
    pub(crate) fn bearer(&self) -> HeaderValue {
        let mut value =
            HeaderValue::from_str(&format!("Bearer {}", self.0)).expect("a checked token is plain ASCII");
        value.set_sensitive(true);
        value
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_cannot_inject_a_header() {
        for text in ["", "  ", "x\r\nX: y", "a b", "a\0", "é"] {
            assert!(Token::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(Token::parse(" hf_x\n").unwrap().secret(), "hf_x");
    }

    #[test]
    fn token_is_not_printed() {
        let token = Token::parse("hf_secret").unwrap();
        assert!(!format!("{token:?} {:?}", token.bearer()).contains("hf_secret"));
    }
}
