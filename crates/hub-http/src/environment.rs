//! Reads environment variables: texts, paths, booleans and time limits.
use crate::{Context as _, Error, Result, Timeout};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// What stands for a path that is not known. No system has a file with a NUL in its name, so nothing is ever made there.
pub(crate) const UNKNOWN_PATH: &str = "\0(no home folder is known; set HOME or HF_HOME)";

/// Whether a path needs a home folder and none is known.
pub(crate) fn is_unknown(path: &Path) -> bool {
    path.starts_with(UNKNOWN_PATH)
}

/// The variables that a configuration is read from, and the home folder that `~` stands for.
///
/// A variable that is empty counts as unset. One that is set and cannot be used is an error that names it, or a warning
/// where Python's clients carry on: it is never silently treated as unset.
#[derive(Clone, Copy)]
pub(crate) struct Environment<'a> {
    pub(crate) variables: &'a dyn Fn(&str) -> Option<OsString>,
    pub(crate) user_home: Option<&'a Path>,
}

impl Environment<'_> {
    /// The value as it is, if it is not empty.
    pub(crate) fn raw(&self, name: &str) -> Option<OsString> {
        (self.variables)(name).filter(|value| !value.is_empty())
    }

    /// The value as text, with the quotes that it may be wrapped in.
    pub(crate) fn quoted_text(&self, name: &str) -> Result<Option<String>> {
        let Some(value) = self.raw(name) else { return Ok(None) };
        // The value is not shown: it may be a secret.
        value.into_string().map(Some).map_err(|_| {
            Error::invalid(format!(
                "could not use {name}: its value is not valid UTF-8; set it again or unset it"
            ))
        })
    }

    /// The value as text.
    pub(crate) fn text(&self, name: &str) -> Result<Option<String>> {
        let value = self.quoted_text(name)?.map(|value| unquoted(name, &value).to_owned());
        Ok(value.filter(|value| !value.is_empty()))
    }

    /// The value as a path, with `~` and `$NAME` expanded; [`UNKNOWN_PATH`] if it needs a home folder and none is known.
    pub(crate) fn path(&self, name: &str) -> Option<PathBuf> {
        let value = self.raw(name)?;
        let value = value.to_str().map_or(&*value, |text| OsStr::new(unquoted(name, text)));
        if value.is_empty() {
            return None;
        }
        let path = expand_path(value, self.user_home, self.variables);
        Some(if path.starts_with("~") { UNKNOWN_PATH.into() } else { path })
    }

    /// The value as a boolean; `None` if the variable is unset.
    pub(crate) fn boolean(&self, name: &str) -> Result<Option<bool>> {
        let Some(value) = self.quoted_text(name)? else { return Ok(None) };
        let word = unquoted(name, &value).trim();
        if is_true(word) {
            return Ok(Some(true));
        }
        if !matches!(word.to_ascii_uppercase().as_str(), "" | "0" | "OFF" | "NO" | "FALSE") {
            tracing::warn!("{name} is set to {word:?}, which is not understood and counts as 0; use 1 or 0");
        }
        Ok((!word.is_empty()).then_some(false))
    }

    /// The value as a number of seconds.
    pub(crate) fn seconds(&self, name: &str, default: Timeout) -> Result<Timeout> {
        match self.text(name)? {
            None => Ok(default),
            Some(value) => value.parse::<Timeout>().with(|| format!("could not use {name}")),
        }
    }
}

/// Takes off matching quotes, which `docker --env-file` and the like pass on, and warns of them.
fn unquoted<'v>(name: &str, value: &'v str) -> &'v str {
    let Some(inner) = strip_quotes(value) else { return value };
    tracing::warn!(
        "the value of {name} is wrapped in quotes, which were ignored; remove them where it is set"
    );
    inner
}

/// The text between matching quotes, if it is wrapped in them.
pub(crate) fn strip_quotes(text: &str) -> Option<&str> {
    let text = text.trim();
    ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote))
}

/// Whether a variable's value means yes: `1`, `ON`, `YES` or `TRUE` in any case.
pub fn is_true(value: &str) -> bool {
    matches!(value.to_ascii_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE")
}

/// Expands `~` at the beginning and `$NAME` and `${NAME}` anywhere; unknown names stay as they are.
///
/// Paths that are not valid Unicode are expanded on Unix, and left as they are elsewhere.
pub fn expand_path<V: Into<OsString>>(
    text: impl AsRef<OsStr>,
    user_home: Option<&Path>,
    var: impl Fn(&str) -> Option<V>,
) -> PathBuf {
    let text = text.as_ref();
    let expanded =
        expand_variables(text, &|name| var(name).map(Into::into)).unwrap_or_else(|| text.to_owned());
    let path = Path::new(&expanded);
    match (path.strip_prefix("~"), user_home) {
        (Ok(below), Some(home)) if below.as_os_str().is_empty() => home.to_owned(),
        (Ok(below), Some(home)) => home.join(below),
        _ => expanded.into(),
    }
}

#[cfg(unix)]
fn expand_variables(text: &OsStr, var: &dyn Fn(&str) -> Option<OsString>) -> Option<OsString> {
    use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
    let expanded =
        substitute(text.as_bytes(), &|name| Some(var(std::str::from_utf8(name).ok()?)?.into_vec()));
    Some(OsString::from_vec(expanded))
}

#[cfg(not(unix))]
fn expand_variables(text: &OsStr, var: &dyn Fn(&str) -> Option<OsString>) -> Option<OsString> {
    let value = |name: &[u8]| Some(var(std::str::from_utf8(name).ok()?)?.into_string().ok()?.into_bytes());
    String::from_utf8(substitute(text.to_str()?.as_bytes(), &value)).ok().map(OsString::from)
}

/// Replaces `$NAME` and `${NAME}`.
fn substitute(text: &[u8], var: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Vec<u8> {
    let mut expanded = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(dollar) = rest.iter().position(|byte| *byte == b'$') {
        let (before, from_dollar) = rest.split_at(dollar);
        expanded.extend_from_slice(before);
        let after = &from_dollar[1..];
        let braced = after.strip_prefix(b"{").and_then(|inner| {
            let end = inner.iter().position(|byte| *byte == b'}')?;
            Some((&inner[..end], &inner[end + 1..]))
        });
        let (name, tail) = braced.unwrap_or_else(|| {
            let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
            after.split_at(after.iter().position(|byte| !is_name(byte)).unwrap_or(after.len()))
        });
        match var(name).filter(|_| !name.is_empty()) {
            Some(value) => expanded.extend_from_slice(&value),
            None => expanded.extend_from_slice(&from_dollar[..from_dollar.len() - tail.len()]),
        }
        rest = tail;
    }
    expanded.extend_from_slice(rest);
    expanded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(text: &str) -> PathBuf {
        let var = |name: &str| (name == "BIG").then(|| "/big".to_owned());
        expand_path(text, Some(Path::new("/home/me")), var)
    }

    #[test]
    fn paths_are_expanded() {
        let cases = [
            ("~", "/home/me"),
            ("~/x y", "/home/me/x y"),
            ("~x", "~x"),
            ("a/~", "a/~"),
            ("$BIG/x", "/big/x"),
            ("${BIG}x/$NONE/${NONE}/$", "/bigx/$NONE/${NONE}/$"),
            ("${BIG", "${BIG"),
            ("$BIG_/é", "$BIG_/é"),
        ];
        for (text, path) in cases {
            assert_eq!(expand(text), Path::new(path), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn paths_that_are_not_utf8_are_expanded() {
        use std::os::unix::ffi::OsStringExt as _;
        let latin = |bytes: &[u8]| OsString::from_vec(bytes.to_vec());
        let var = |name: &str| (name == "X").then(|| latin(b"v\xe9"));
        let path = expand_path(latin(b"~/d\xe9/$X"), Some(Path::new("/h")), var);
        assert_eq!(path.as_os_str(), latin(b"/h/d\xe9/v\xe9"));
    }

    #[test]
    fn only_matching_quotes_are_stripped() {
        for (text, inner) in
            [("\"1\"", Some("1")), (" '1' ", Some("1")), ("\"\"", Some("")), ("\"1'", None), ("\"", None)]
        {
            assert_eq!(strip_quotes(text), inner, "{text}");
        }
    }
}
