//! The promises in docs/faults.md and docs/reliability.md against the tests that they cite.
use crate::Result;
use crate::process::root;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The documents whose citations are checked.
const DOCUMENTS: [&str; 2] = ["docs/faults.md", "docs/reliability.md"];

/// A test that a document cites, written as `place/file::name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Citation {
    place: String,
    file: String,
    name: String,
}

impl Citation {
    /// Reads what stands between two backticks; `None` if it is not a citation.
    fn parse(text: &str) -> Option<Self> {
        let (path, name) = text.rsplit_once("::")?;
        let (place, file) = path.split_once('/')?;
        let is_word = |text: &str| {
            !text.is_empty()
                && text.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"_-/".contains(&c))
        };
        (is_word(place) && is_word(file) && is_word(name)).then(|| Self {
            place: place.to_owned(),
            file: file.to_owned(),
            name: name.to_owned(),
        })
    }

    /// The files that may hold the test.
    fn candidates(&self, root: &Path) -> Vec<PathBuf> {
        let file = format!("{}.rs", self.file);
        if self.place == "e2e" {
            return vec![root.join("tests/tests/e2e").join(file)];
        }
        if self.place == "xtask" {
            return vec![root.join("xtask/src").join(file)];
        }
        let folder = root.join("crates").join(&self.place);
        vec![
            folder.join("src").join(&file),
            folder.join("src").join(&self.file).join("mod.rs"),
            folder.join("tests").join(&file),
            folder.join("tests/it").join(&file),
            folder.join("tests/cli").join(&file),
        ]
    }

    /// Whether one of the files has a function of this name.
    fn exists(&self, root: &Path) -> bool {
        let signature = format!("fn {}(", self.name);
        self.candidates(root)
            .iter()
            .any(|path| fs::read_to_string(path).is_ok_and(|text| text.contains(&signature)))
    }
}

/// Fails if a document cites a test that does not exist, or if a row has neither a test nor a reason.
pub fn run() -> Result {
    let mut problems = Vec::new();
    let mut cited = BTreeSet::new();
    for document in DOCUMENTS {
        let text = fs::read_to_string(root().join(document))?;
        for citation in citations(&text) {
            if !citation.exists(&root()) {
                problems.push(format!(
                    "{document} cites `{}/{}::{}`, which does not exist",
                    citation.place, citation.file, citation.name
                ));
            }
            cited.insert(citation);
        }
        problems.extend(
            unproven(&text).into_iter().map(|row| format!("{document}: no test and no reason in `{row}`")),
        );
    }
    if problems.is_empty() {
        println!("{} tests are cited by {}", cited.len(), DOCUMENTS.join(" and "));
        return Ok(());
    }
    Err(problems.join("\n").into())
}

/// The citations in a text, in order.
fn citations(text: &str) -> Vec<Citation> {
    text.split('`').skip(1).step_by(2).filter_map(Citation::parse).collect()
}

/// The rows of tables whose last cell is empty.
fn unproven(text: &str) -> Vec<&str> {
    let rows = text
        .lines()
        .filter(|line| line.starts_with('|') && !line.starts_with("|--") && !line.starts_with("| --"));
    rows.filter(|row| {
        row.trim_end_matches(' ')
            .trim_end_matches('|')
            .rsplit('|')
            .next()
            .is_some_and(|cell| cell.trim().is_empty())
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citations_are_paths_with_a_test_name() {
        let text =
            "| A1 | a flipped bit | `e2e/integrity::a_changed_byte`, `HfApi::new`, `hub-http/tests/x::y` |";
        let found = citations(text);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].place.as_str(), found[0].file.as_str()), ("e2e", "integrity"));
        assert_eq!(found[1].name, "y");
    }

    #[test]
    fn a_cited_test_has_to_exist() {
        let cite = |text| Citation::parse(text).unwrap().exists(&root());
        assert!(cite("xtask/promises::a_cited_test_has_to_exist"));
        assert!(!cite("xtask/promises::another"));
    }

    #[test]
    fn a_row_needs_a_test_or_a_reason() {
        assert_eq!(unproven("| a | b |\n|---|---|\n| x | |\n| y | z |\n"), ["| x | |"]);
    }
}
