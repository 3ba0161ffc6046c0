//! What people and programs read.
use clap::ValueEnum;
use futures_util::{StreamExt as _, stream::BoxStream};
use hub_client::{Error, ErrorKind, Result};
use serde_json::Value;
use std::io::{self, IsTerminal as _, Write as _};

/// How results are printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables and sentences.
    #[default]
    Human,
    /// JSON: one document, or one for each line of a list.
    Json,
    /// The ids alone, one a line.
    Quiet,
}

/// One column of a table: its title, and where in an item its value is, as dotted keys.
pub type Column = (&'static str, &'static str);

impl Format {
    /// Prints a list; in the table are the columns, and alone stands the first of them.
    pub async fn list(self, mut items: BoxStream<'static, Result<Value>>, columns: &[Column]) -> Result<()> {
        let mut rows = Vec::new();
        while let Some(item) = items.next().await {
            let item = item?;
            match self {
                Self::Json => line(&item.to_string())?,
                Self::Quiet => line(&cell(&item, columns[0].1))?,
                Self::Human => rows.push(columns.iter().map(|(_, key)| cell(&item, key)).collect()),
            }
        }
        if self == Self::Human {
            print!("{}", table(columns, &rows, terminal_width()));
        }
        Ok(())
    }

    /// Prints one object: as JSON, as its id, or a line for each member.
    pub fn object(self, item: &Value, id: &str) -> Result<()> {
        match self {
            Self::Json => line(&item.to_string()),
            Self::Quiet => line(&cell(item, id)),
            Self::Human => {
                let members = item.as_object().into_iter().flatten();
                let shown: Vec<_> = members.filter(|(_, value)| !is_empty(value)).collect();
                let width = shown.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
                shown.iter().try_for_each(|(key, _)| line(&format!("{key:width$}  {}", cell(item, key))))
            }
        }
    }

    /// Prints what was done: a sentence for people, the id alone, or an object.
    pub fn done(self, sentence: &str, id: &str, object: &Value) -> Result<()> {
        match self {
            Self::Human => line(&escape(sentence)),
            Self::Quiet => line(&escape(id)),
            Self::Json => line(&object.to_string()),
        }
    }
}

/// Prints one line on the standard output.
pub fn line(text: &str) -> Result<()> {
    match writeln!(io::stdout(), "{text}") {
        // Whoever read has seen enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        result => {
            result.map_err(|error| Error::new(ErrorKind::Io, format!("could not write the result: {error}")))
        }
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// A value at dotted keys as the text of a cell.
pub fn cell(item: &Value, keys: &str) -> String {
    let value = keys
        .split('.')
        .try_fold(item, |value, key| value.get(key))
        .unwrap_or(item.get(keys).unwrap_or(&Value::Null));
    // A list of plain values is shown under any key.
    text(if item.is_object() { value } else { item })
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => escape(text),
        Value::Array(items) => {
            let shown: Vec<_> = items.iter().take(8).map(text).collect();
            let more =
                if items.len() > 8 { format!(", … ({} in all)", items.len()) } else { String::new() };
            format!("{}{more}", shown.join(", "))
        }
        other => escape(&other.to_string()),
    }
}

/// The rows under their titles, each column as wide as its widest cell, cut to the width of the terminal.
pub fn table(columns: &[Column], rows: &[Vec<String>], width: Option<usize>) -> String {
    let mut widths: Vec<usize> = columns.iter().map(|(title, _)| title.len()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let titles = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
    let mut out = String::new();
    for row in std::iter::once(&titles).chain(rows) {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        let mut whole = cells.join("  ").trim_end().to_owned();
        if let Some(width) = width.filter(|width| whole.chars().count() > *width) {
            whole = whole.chars().take(width.saturating_sub(1)).chain(['…']).collect();
        }
        out.push_str(&whole);
        out.push('\n');
    }
    out
}

/// The width of the terminal that the standard output is, if it is one.
fn terminal_width() -> Option<usize> {
    let width = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    io::stdout().is_terminal().then(|| width.unwrap_or(160))
}

/// A number of bytes for people: `1.5 MB`.
pub fn size(bytes: u64) -> String {
    let mut value = bytes as f64;
    let mut unit = "B";
    for next in ["kB", "MB", "GB", "TB", "PB"] {
        if value < 1000.0 {
            break;
        }
        value /= 1000.0;
        unit = next;
    }
    if unit == "B" { format!("{bytes} B") } else { format!("{value:.1} {unit}") }
}

/// A text with control characters and direction marks shown as escapes, so that no name from the network steers the
/// terminal.
pub fn escape(text: &str) -> String {
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().map(|c| if hidden(c) { c.escape_unicode().to_string() } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        assert_eq!(escape("a\x1b[31m\u{202e}\r"), "a\\u{1b}[31m\\u{202e}\\u{d}");
        assert_eq!(escape("modèle"), "modèle");
    }

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let rows = vec![vec!["a/long-name".to_owned(), "3".to_owned()], vec!["b".to_owned(), String::new()]];
        assert_eq!(
            table(&[("ID", "id"), ("LIKES", "likes")], &rows, None),
            "ID           LIKES\na/long-name  3\nb\n"
        );
        assert_eq!(table(&[("ID", "id")], &rows[..1], Some(5)), "ID\na/lo…\n");
    }

    #[test]
    fn cells_are_found_by_dotted_keys() {
        let item = json!({ "user": { "name": "me" }, "tags": ["a", "b"] });
        assert_eq!(cell(&item, "user.name"), "me");
        assert_eq!(cell(&item, "tags"), "a, b");
        assert_eq!(cell(&item, "none"), "");
        assert_eq!(cell(&json!("plain"), "id"), "plain");
    }

    #[test]
    fn sizes_are_decimal() {
        assert_eq!(
            (size(999), size(1500), size(90_000_000)),
            ("999 B".into(), "1.5 kB".into(), "90.0 MB".into())
        );
    }
}
