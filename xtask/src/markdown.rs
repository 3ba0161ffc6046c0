//! Documentation comments as Markdown for people who read pages, not code.

/// A documentation comment, parted into prose and example.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Doc {
    /// Everything but the example; `# Errors` is a bold word.
    pub prose: String,
    /// The lines of the first example that a reader sees.
    pub example: Option<String>,
}

/// Parts a comment as the macros collect it: a space before each line.
pub fn read(doc: &str) -> Doc {
    let mut prose = Vec::new();
    let mut example: Option<Vec<&str>> = None;
    let mut in_code = false;
    for line in doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line).trim_end()) {
        if line.starts_with("```") {
            in_code = !in_code;
            example.get_or_insert_default();
        } else if !in_code {
            prose.push(match line.strip_prefix("# ") {
                Some(title) => format!("**{title}**\n"),
                None => plain_links(line),
            });
        } else if !(line == "#" || line.starts_with("# ")) {
            example.get_or_insert_default().push(line);
        }
    }
    Doc { prose: prose.join("\n").trim().to_owned(), example: example.map(|lines| lines.join("\n")) }
}

/// A comment in one line, for a cell of a table.
pub fn cell(doc: &str) -> String {
    let words: Vec<&str> = doc.split_whitespace().collect();
    plain_links(&words.join(" ")).replace('|', "\\|")
}

/// Links to items of the code as plain text; links to methods point into the page, others stay.
fn plain_links(line: &str) -> String {
    let mut plain = String::new();
    let mut rest = line;
    while let Some(start) = rest.find("[`") {
        let Some(length) = rest[start..].find("`]") else { break };
        let (before, link) = rest.split_at(start);
        let (name, after) = (&link[2..length], &link[length + 2..]);
        let (target, after) = match after.strip_prefix('(').and_then(|after| after.split_once(')')) {
            Some((target, after)) => (target, after),
            None => (name, after),
        };
        plain.push_str(before);
        let method = target.rsplit_once("HfApi::").map(|(_, method)| method);
        plain.push_str(&match method {
            _ if target.starts_with("http") => format!("[`{name}`]({target})"),
            Some(method) if !is_of_the_handle(method) => format!("[`{method}`](#{method})"),
            _ => format!("`{name}`"),
        });
        rest = after;
    }
    plain + rest
}

fn is_of_the_handle(method: &str) -> bool {
    hub_client::method(method).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_lines_of_an_example_are_left_out() {
        let doc = " Likes.\n\n # Errors\n `Http`.\n\n ```no_run\n # async fn f() {\n api.like(\"a/b\").await?;\n # }\n ```\n";
        let read = read(doc);
        assert_eq!(read.prose, "Likes.\n\n**Errors**\n\n`Http`.");
        assert_eq!(read.example.as_deref(), Some("api.like(\"a/b\").await?;"));
    }

    #[test]
    fn links_into_the_code_are_text() {
        let plain = "as `Revision` says";
        assert_eq!(plain_links("as [`Revision`] says"), plain);
        assert_eq!(plain_links("as [`Revision`](crate::types::Revision) says"), plain);
        assert_eq!(plain_links("an [open"), "an [open");
    }

    #[test]
    fn links_to_methods_stay_in_the_page() {
        assert_eq!(plain_links("see [`HfApi::whoami`]."), "see [`whoami`](#whoami).");
        assert_eq!(plain_links("see [`with_token`](crate::HfApi::with_token)."), "see `with_token`.");
    }

    #[test]
    fn a_cell_is_one_line() {
        assert_eq!(cell(" One\n or | two.\n"), "One or \\| two.");
    }
}
