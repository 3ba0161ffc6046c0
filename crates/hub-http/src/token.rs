//! The access token, and where it came from.
use crate::environment::strip_quotes;
use crate::{Error, ErrorKind};
use hub_types::InvalidArgument;
use reqwest::header::HeaderValue;
use std::path::PathBuf;
use std::{fmt, sync::Arc};

/// An access token.
///
/// It is never printed: `Debug` shows only where it came from. Two tokens are equal if their secrets are.
#[derive(Clone)]
pub struct Token {
    secret: Arc<str>,
    source: Arc<TokenSource>,
}

/// Where a token came from, for messages about it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenSource {
    /// An environment variable.
    Variable(&'static str),
    /// A file: the one of the token in use, or that of the stored tokens.
    File(PathBuf),
    /// The caller: a `token` argument, `--token`, or typed in.
    Argument,
}

/// Names the source as the object of "the token".
impl fmt::Display for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(name) => write!(f, "from {name}"),
            Self::File(path) => write!(f, "in `{}`", path.display()),
            Self::Argument => f.write_str("that was given"),
        }
    }
}

impl Token {
    /// Checks a text and makes a token of it; white space around it is dropped.
    ///
    /// Quotes around it, which env files and shells leave by accident, are dropped with a warning.
    ///
    /// # Errors
    /// It is empty, or has characters that no header can carry.
    pub fn parse(text: &str) -> Result<Self, InvalidArgument> {
        Self::parse_from(text, TokenSource::Argument)
    }

    /// Parses a token of a known source, and warns of quotes around it.
    pub(crate) fn parse_from(text: &str, source: TokenSource) -> Result<Self, InvalidArgument> {
        if strip_quotes(text).is_some() {
            tracing::warn!(
                "the token {source} is wrapped in quotes, which were ignored; remove them where it is set"
            );
        }
        Self::parse_quietly(text, source)
    }

    /// Parses a token of a known source whose quotes were warned of elsewhere.
    pub(crate) fn parse_quietly(text: &str, source: TokenSource) -> Result<Self, InvalidArgument> {
        let text = strip_quotes(text).unwrap_or(text).trim();
        if text.is_empty() {
            return Err(InvalidArgument::new("the token is empty"));
        }
        if text.contains(['"', '\'']) {
            return Err(InvalidArgument::new(
                "the token has a quotation mark in it; copy it again from the settings page, without quotes",
            ));
        }
        if !text.bytes().all(|c| c.is_ascii_graphic()) {
            return Err(InvalidArgument::new(
                "the token has white space, control or non-ASCII characters inside; copy it again from the settings page",
            ));
        }
        Ok(Self { secret: text.into(), source: source.into() })
    }

    /// The secret itself.
    pub fn secret(&self) -> &str {
        &self.secret
    }

    /// Where it came from.
    pub fn source(&self) -> &TokenSource {
        &self.source
    }

    /// The `Authorization` header.
    pub(crate) fn bearer(&self) -> HeaderValue {
        let mut value = HeaderValue::from_str(&format!("Bearer {}", self.secret))
            .expect("a checked token is plain ASCII");
        value.set_sensitive(true);
        value
    }

    /// What to do about a token that the Hub refuses.
    fn remedy(&self) -> String {
        match self.source() {
            TokenSource::Variable(name) => {
                format!("set {name} to a valid token, or unset it to use the one logged in with, or none")
            }
            TokenSource::File(_) => {
                "run `hub auth login` for a new one, or `hub auth logout` to go on without".to_owned()
            }
            TokenSource::Argument => {
                "give a valid one, or leave it out to use the one logged in with, or none".to_owned()
            }
        }
    }
}

impl PartialEq for Token {
    fn eq(&self, other: &Self) -> bool {
        self.secret == other.secret
    }
}

impl Eq for Token {}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Token(… {})", self.source)
    }
}

/// Rewords a refusal that is about the token rather than about what was asked for: which token, from where, what to do.
///
/// `sent` is the token that the refused request carried. Other errors are returned as they are, and the kind is always
/// kept: Python's clients take a 401 about a repository for a missing one, whatever the token.
pub(crate) fn blame(error: Error, sent: Option<&Token>) -> Error {
    let (Some(token), Some(http)) = (sent, error.http()) else { return error };
    let message = http.message.clone().unwrap_or_default().to_ascii_lowercase();
    let what = match http.status.as_u16() {
        401 if message.contains("expired") => "has expired",
        401 if message.contains("revoked") => "was revoked",
        // Said of repositories that do not exist or are hidden from the token, too.
        401 if message.contains("invalid username or password")
            && error.kind() == ErrorKind::RepositoryNotFound =>
        {
            "may be invalid, or the repository does not exist or is hidden from it"
        }
        401 if [
            "invalid credentials",
            "invalid username or password",
            "invalid user token",
            "invalid token",
        ]
        .into_iter()
        .any(|known| message.contains(known)) =>
        {
            "is invalid"
        }
        _ => return error,
    };
    let said = http.message.as_deref().map(|message| format!(": {message}")).unwrap_or_default();
    let text = format!(
        "the token {} {what}; {} ({}: {}){said}",
        token.source(),
        token.remedy(),
        http.request,
        http.status.as_u16()
    );
    let retry_after = error.retry_after();
    Error::new(error.kind(), text).with_http(http.clone()).with_retry_after(retry_after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_cannot_inject_a_header() {
        for text in ["", "  ", "x\r\nX: y", "a b", "a\0", "é", "\"\"", "\"a", "a'"] {
            assert!(Token::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(Token::parse(" hf_x\n").unwrap().secret(), "hf_x");
    }

    #[test]
    fn quotes_around_a_token_are_not_part_of_it() {
        for text in ["\"hf_x\"", "'hf_x'", " \"hf_x\"\n", "\" hf_x \""] {
            assert_eq!(Token::parse(text).unwrap().secret(), "hf_x", "{text}");
        }
    }

    #[test]
    fn token_is_not_printed() {
        let token = Token::parse("hf_secret").unwrap();
        assert!(!format!("{token:?} {:?}", token.bearer()).contains("hf_secret"));
    }
}
