//! The Python call that does what a Rust example does.
//!
//! Reads `api.method(a, b).setter(c).await?` out of an example. It knows the values that examples are made of; another
//! value is named as its parameter, which is what one would have to fill in anyway.
use crate::python::PythonMethod;

/// The call of a method as Python writes it; from its required parameters if the example does not show the call.
///
/// All is given by keyword, since many of Python's methods take nothing else.
pub fn to_python(method: &PythonMethod<'_>, required: &[&str], example: &str) -> String {
    let nothing = || required.iter().map(|name| ((*name).to_owned(), String::new())).collect();
    let given = arguments(method.name, required, example).unwrap_or_else(nothing);
    let word = |name: &str| {
        let (_, rust) = given.iter().find(|(given, _)| given == name)?;
        Some(format!("{name}={}", value(rust).unwrap_or_else(|| name.to_owned())))
    };
    let words: Vec<String> = method.params.iter().filter_map(|param| word(param.name)).collect();
    format!("api.{}({})", method.name, words.join(", "))
}

/// The names and values of `api.method(…).setter(…)` in an example.
fn arguments(method: &str, required: &[&str], example: &str) -> Option<Vec<(String, String)>> {
    let head = format!(".{method}(");
    let start = example.match_indices(&head).map(|(at, _)| at + head.len()).next()?;
    let (inside, mut rest) = balanced(&example[start..])?;
    let names = required.iter().map(|name| (*name).to_owned());
    let mut arguments: Vec<_> = names.zip(split(inside)).collect();
    while let Some(setter) = rest.trim_start().strip_prefix('.') {
        let end = setter.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(setter.len());
        let (name, after) = setter.split_at(end);
        let Some(after) = after.strip_prefix('(') else { break };
        if matches!(name, "stream" | "block") {
            break;
        }
        let (inside, after) = balanced(after)?;
        arguments.push((name.to_owned(), inside.to_owned()));
        rest = after;
    }
    Some(arguments)
}

/// What is before the bracket that closes an open one, and what is after it.
fn balanced(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0;
    let end = outside_strings(text).find_map(|(at, c)| match c {
        '(' | '[' | '{' => {
            depth += 1;
            None
        }
        ')' | ']' | '}' if depth == 0 => Some(at),
        ')' | ']' | '}' => {
            depth -= 1;
            None
        }
        _ => None,
    })?;
    Some((&text[..end], &text[end + 1..]))
}

/// The parts of a list between commas.
fn split(text: &str) -> Vec<String> {
    let mut parts = vec![];
    let (mut depth, mut start) = (0, 0);
    for (at, c) in outside_strings(text) {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

/// The characters that are not inside a string literal.
fn outside_strings(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut inside, mut escaped) = (false, false);
    text.char_indices().filter(move |&(_, c)| {
        let was_inside = inside;
        match c {
            _ if escaped => escaped = false,
            '\\' if inside => escaped = true,
            '"' => inside = !inside,
            _ => {}
        }
        !was_inside
    })
}

/// A value as Python writes it, if it is one of those that examples are made of.
fn value(rust: &str) -> Option<String> {
    let rust = rust.trim().trim_start_matches('&');
    let rust = rust.strip_suffix(".to_owned()").unwrap_or(rust);
    let list = |inside: &str| split(inside).iter().map(|item| value(item)).collect::<Option<Vec<_>>>();
    match rust {
        "true" => return Some("True".to_owned()),
        "false" => return Some("False".to_owned()),
        _ => {}
    }
    if let Some(inside) = rust.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return list(inside).map(|items| format!("[{}]", items.join(", ")));
    }
    if let Some(inside) = rust.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')) {
        return list(inside).map(|items| format!("({})", items.join(", ")));
    }
    if let Some(kind) = rust.strip_prefix("RepoType::") {
        return Some(format!("\"{}\"", kind.to_lowercase()));
    }
    let literal = rust.len() > 1 && rust.starts_with('"') && rust.ends_with('"');
    let number = rust.replace('_', "").parse::<f64>().is_ok();
    (literal || number).then(|| if number { rust.replace('_', "") } else { rust.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python;

    fn translated(example: &str) -> String {
        let table = python::read("upload\tpath repo_id revision? tags? repo_type? private?\n");
        to_python(&table[0], &["repo_id", "path"], example)
    }

    #[test]
    fn required_parameters_come_in_pythons_order() {
        assert_eq!(
            translated(r#"api.upload("me/model", "a(b).txt").await?;"#),
            r#"api.upload(path="a(b).txt", repo_id="me/model")"#
        );
    }

    #[test]
    fn setters_are_keywords() {
        let rust = "let done = api\n    .upload(\"a/b\", \"c\")\n    .private(true)\n    .tags([\"x\", \"y\"])\n    .await?;";
        assert_eq!(translated(rust), r#"api.upload(path="c", repo_id="a/b", tags=["x", "y"], private=True)"#);
    }

    #[test]
    fn kinds_of_repositories_are_words() {
        let rust = r#"api.upload("a/b", "c").repo_type(RepoType::Dataset).stream();"#;
        assert_eq!(translated(rust), r#"api.upload(path="c", repo_id="a/b", repo_type="dataset")"#);
    }

    #[test]
    fn other_values_are_named_as_their_parameter() {
        assert_eq!(
            translated(r#"api.upload("a/b", bytes.clone()).await?"#),
            r#"api.upload(path=path, repo_id="a/b")"#
        );
    }

    #[test]
    fn without_a_call_the_required_names_are_shown() {
        assert_eq!(translated("nothing"), "api.upload(path=path, repo_id=repo_id)");
    }
}
