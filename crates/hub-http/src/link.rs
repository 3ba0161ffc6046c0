//! The `Link` header of paged answers.
use crate::{Error, ErrorKind, Result};
use reqwest::header::{HeaderMap, LINK};
use std::fmt::Write as _;

/// Finds the target of `rel="next"` in the `Link` headers, as it stands there: it may be relative.
///
/// Commas and semicolons inside `<…>` belong to the URL, and bytes that are not ASCII are percent-encoded.
///
/// # Errors
/// [`ErrorKind::Decode`] if there is no such link and one of the headers cannot be read: a listing whose next page is
/// unknown must not pass for complete.
pub fn next_link(headers: &HeaderMap) -> Result<Option<String>> {
    let mut unreadable = None;
    for value in headers.get_all(LINK) {
        let text = ascii(value.as_bytes());
        match next_in(&text) {
            Ok(Some(target)) => return Ok(Some(target)),
            Ok(None) => {}
            Err(Malformed) => unreadable = Some(text),
        }
    }
    match unreadable {
        None => Ok(None),
        Some(text) => {
            // A target may be signed, so no query is shown.
            let shown: String = text.split('?').next().unwrap_or_default().chars().take(200).collect();
            let message = format!("could not read the Link header that starts with `{shown}`");
            Err(Error::new(ErrorKind::Decode, message))
        }
    }
}

/// A header as ASCII text: all other bytes are percent-encoded, as in a URL.
fn ascii(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        if byte.is_ascii() {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
    }
    text
}

/// A header that does not follow the grammar of `Link`.
#[derive(Debug, PartialEq, Eq)]
struct Malformed;

fn next_in(header: &str) -> Result<Option<String>, Malformed> {
    let mut rest = header.trim_start_matches([',', ' ', '\t']);
    while !rest.is_empty() {
        let (target, after) =
            rest.strip_prefix('<').and_then(|rest| rest.split_once('>')).ok_or(Malformed)?;
        let (params, following) = split_params(after)?;
        if params.iter().any(|param| is_next(param)) {
            return Ok(Some(target.trim().to_owned()));
        }
        rest = following.trim_start_matches([',', ' ', '\t']);
    }
    Ok(None)
}

/// Whether a parameter is `rel` and lists `next`.
fn is_next(param: &str) -> bool {
    let Some((name, value)) = param.split_once('=') else { return false };
    let value = value.trim().trim_matches(['"', '\'']);
    name.trim().eq_ignore_ascii_case("rel")
        && value.split_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
}

/// The parameters of one link, and what follows the comma after them. Quoted text may contain either separator.
fn split_params(text: &str) -> Result<(Vec<&str>, &str), Malformed> {
    let mut params = Vec::new();
    let mut following = "";
    let (mut start, mut end, mut quoted, mut escaped) = (0, text.len(), false, false);
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ';' if !quoted => {
                params.push(&text[start..index]);
                start = index + 1;
            }
            ',' if !quoted => {
                (end, following) = (index, &text[index + 1..]);
                break;
            }
            _ => {}
        }
    }
    params.push(&text[start..end]);
    // What stands between the target and the first semicolon belongs to no parameter.
    if quoted || !params[0].trim().is_empty() { Err(Malformed) } else { Ok((params, following)) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn next_is_found_wherever_it_stands() {
        let cases = [
            (r#"<https://h/a?cursor=1>; rel="next""#, Some("https://h/a?cursor=1")),
            (r#"</a?x=1,2;3>; rel=next"#, Some("/a?x=1,2;3")),
            (
                r#"<https://h/0>; rel="prev", <https://h/2>; title="a, b"; rel="last next""#,
                Some("https://h/2"),
            ),
            (
                r#"<https://h/0>; rel="prev", <https://h/2>; rel="next", <https://h/9>; rel="last""#,
                Some("https://h/2"),
            ),
            (r#"</2>; rel=next,</9>; rel=last"#, Some("/2")),
            (r#"</2>; unknown; title="\", x\""; rel='next'; other=1"#, Some("/2")),
            (r#", </0>;rel=prev , , </2> ; REL = "NEXT" ,"#, Some("/2")),
            (r#"<https://h/0>; rel="prev""#, None),
            (r#"<https://h/0>; title="rel=next; rel=next""#, None),
            ("", None),
            (" , ", None),
        ];
        for (header, target) in cases {
            assert_eq!(next_in(header).unwrap().as_deref(), target, "{header}");
        }
    }

    #[test]
    fn headers_that_cannot_be_read_are_errors() {
        for header in [
            r#"<https://h/0; rel="next""#,
            r#"https://h/0; rel="next""#,
            r#"<https://h/0>; rel="next"#,
            r#"<https://h/0>; rel=prev, next"#,
            r#"<https://h/0> garbage"#,
        ] {
            assert_eq!(next_in(header), Err(Malformed), "{header}");
        }
    }

    #[test]
    fn all_headers_are_looked_at_and_other_bytes_are_encoded() {
        let find = |values: &[&[u8]]| {
            let mut headers = HeaderMap::new();
            values.iter().for_each(|value| {
                headers.append(LINK, HeaderValue::from_bytes(value).unwrap());
            });
            next_link(&headers)
        };
        let next = "</p?cursor=é>; rel=next".as_bytes();
        assert_eq!(find(&[next]).unwrap().as_deref(), Some("/p?cursor=%C3%A9"));
        assert_eq!(find(&[b"</p?c=\xe9>; rel=next"]).unwrap().as_deref(), Some("/p?c=%E9"));
        assert_eq!(
            find(&[b"</0>; rel=prev", b"garbage", next]).unwrap().as_deref(),
            Some("/p?cursor=%C3%A9")
        );
        assert_eq!(find(&[b"</0>; rel=prev"]).unwrap(), None);
        assert_eq!(find(&[b"</0>; rel=prev", b"</2?sig=secret"]).unwrap_err().kind(), ErrorKind::Decode);
        assert!(!find(&[b"</2?sig=secret"]).unwrap_err().to_string().contains("secret"));
    }
}
