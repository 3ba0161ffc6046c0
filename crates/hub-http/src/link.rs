//! The `Link` header of paged answers.
use reqwest::header::{HeaderMap, LINK};

/// Finds the target of `rel="next"` in the `Link` headers, as it stands there: it may be relative.
///
/// Commas and semicolons inside `<…>` belong to the URL.
pub fn next_link(headers: &HeaderMap) -> Option<String> {
    headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok()).find_map(next_in)
}

fn next_in(header: &str) -> Option<String> {
    let mut rest = header;
    loop {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let (end, following) = end_of_params(after);
        let is_next = after[..end].split(';').any(|param| {
            let Some((name, value)) = param.split_once('=') else { return false };
            let value = value.trim().trim_matches('"');
            name.trim().eq_ignore_ascii_case("rel")
                && value.split_whitespace().any(|rel| rel.eq_ignore_ascii_case("next"))
        });
        if is_next {
            return Some(target.to_owned());
        }
        rest = &after[following..];
    }
}

/// Where the parameters of one link end, at a comma outside quotes, and where the next link begins.
fn end_of_params(text: &str) -> (usize, usize) {
    let mut quoted = false;
    for (index, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            ',' if !quoted => return (index, index + 1),
            _ => {}
        }
    }
    (text.len(), text.len())
}

#[cfg(test)]
mod tests {
    use super::*;

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
            (r#"<https://h/0>; rel="prev""#, None),
            (r#"<https://h/0; rel="next""#, None),
            ("", None),
        ];
        for (header, target) in cases {
            assert_eq!(next_in(header).as_deref(), target, "{header}");
        }
    }
}
