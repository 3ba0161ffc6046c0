//! The query of a request, or a form body: repeatable keys, booleans in Python's spelling.
use axum::{
    extract::FromRequestParts,
    http::{Uri, request::Parts},
};
use percent_encoding::percent_decode_str;
use std::convert::Infallible;

/// Decoded key and value pairs in the order they came. `expand[]` and `expand` are one key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    pub(crate) fn of(uri: &Uri) -> Self {
        Self::parse(uri.query().unwrap_or_default())
    }

    pub(crate) fn parse(text: &str) -> Self {
        let decode =
            |part: &str| percent_decode_str(&part.replace('+', " ")).decode_utf8_lossy().into_owned();
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let key = decode(key);
            (key.strip_suffix("[]").map(str::to_owned).unwrap_or(key), decode(value))
        });
        Self(pairs.collect())
    }

    /// The first value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| &**value)
    }

    /// All values of a key.
    pub(crate) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(name, _)| name == key).map(|(_, value)| &**value)
    }

    /// All pairs.
    pub(crate) fn into_pairs(self) -> impl Iterator<Item = (String, String)> {
        self.0.into_iter()
    }

    /// Whether a key is given and true: `True`, `true`, `1`, or nothing at all after it.
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.get(key).is_some_and(|value| matches!(value, "" | "1" | "true" | "True"))
    }

    /// The value of a key as a number, if it is one.
    pub(crate) fn number<N: std::str::FromStr>(&self, key: &str) -> Option<N> {
        self.get(key)?.parse().ok()
    }
}

impl<S: Sync> FromRequestParts<S> for Params {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::of(&parts.uri))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_keys_brackets_and_spaces_are_read() {
        let params = Params::parse("expand[]=a&expand=b&expand%5B%5D=c&q=x+y%2Bz&full=True&no=False");
        assert_eq!(params.all("expand").collect::<Vec<_>>(), ["a", "b", "c"]);
        assert_eq!(params.get("q"), Some("x y+z"));
        assert!(params.flag("full") && !params.flag("no") && !params.flag("absent"));
    }
}
