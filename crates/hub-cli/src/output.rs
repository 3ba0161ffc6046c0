//! What people and programs read.
use clap::ValueEnum;
use futures_util::{StreamExt as _, stream::BoxStream};
use hub_client::{Error, ErrorKind, Result};
use serde_json::Value;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr};

pub use crate::terminal::escape;

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
            print(table(columns, &rows, terminal_width()).as_bytes())?;
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
                let keys: Vec<String> = shown.iter().map(|(key, _)| escape(key)).collect();
                let width = keys.iter().map(|key| key.width()).max().unwrap_or(0);
                let mut lines = keys.iter().zip(&shown);
                lines.try_for_each(|(key, (name, _))| {
                    line(&format!("{}  {}", padded(key, width), cell(item, name)))
                })
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
    print(format!("{text}\n").as_bytes())
}

/// Prints the path of a result: as it is for programs, with control characters escaped on a terminal.
pub fn path_line(path: &Path) -> Result<()> {
    if io::stdout().is_terminal() {
        return line(&escape(&path.display().to_string()));
    }
    let mut bytes = crate::terminal::path_bytes(path);
    bytes.push(b'\n');
    print(&bytes)
}

/// Prints bytes on the standard output.
pub fn print(text: &[u8]) -> Result<()> {
    crate::terminal::print(text)
        .map_err(|error| Error::new(ErrorKind::Io, format!("could not write the result: {error}")))
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

/// The rows under their titles, each column as wide as its widest cell; where the terminal is narrower, the widest columns
/// are cut.
pub fn table(columns: &[Column], rows: &[Vec<String>], width: Option<usize>) -> String {
    let mut widths: Vec<usize> = columns.iter().map(|(title, _)| title.width()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    if let Some(width) = width {
        fit(&mut widths, width.saturating_sub(GAP.len() * columns.len().saturating_sub(1)));
    }
    let titles = columns.iter().map(|(title, _)| (*title).to_owned()).collect();
    let mut out = String::new();
    for row in std::iter::once(&titles).chain(rows) {
        let cells: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| padded(&cut(cell, *width), *width)).collect();
        let whole = cells.join(GAP);
        // A terminal that is too narrow for all columns shows the first ones.
        out.push_str(&width.map_or_else(|| whole.trim_end().into(), |width| cut(whole.trim_end(), width)));
        out.push('\n');
    }
    out
}

/// What is between two columns.
const GAP: &str = "  ";
/// What a column keeps even if the terminal is too narrow for all.
const NARROWEST: usize = 6;

/// Takes from the widest columns until all fit together.
fn fit(widths: &mut [usize], room: usize) {
    while widths.iter().sum::<usize>() > room {
        let Some(widest) = widths.iter().copied().max().filter(|widest| *widest > NARROWEST) else { return };
        let second = widths.iter().copied().filter(|width| *width < widest).max().unwrap_or(0).max(NARROWEST);
        let count = widths.iter().filter(|width| **width == widest).count();
        let excess = widths.iter().sum::<usize>() - room;
        let less = excess.div_ceil(count).min(widest - second).max(1);
        for width in widths.iter_mut().filter(|width| **width == widest) {
            *width -= less;
        }
    }
}

/// The text with spaces behind it, up to a number of columns.
fn padded(text: &str, width: usize) -> String {
    format!("{text}{}", " ".repeat(width.saturating_sub(text.width())))
}

/// The text, or as much of its beginning as fits into a number of columns with a `…` behind it.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut columns = 0;
    let fits = |c: &char| {
        // A variation selector makes the character before it an emoji, which is wider.
        columns += if *c == '\u{fe0f}' { 1 } else { c.width().unwrap_or(0) };
        columns < width
    };
    let kept: String = text.chars().take_while(fits).collect();
    format!("{kept}…")
}

/// The width of the terminal that the standard output is, if it is one.
fn terminal_width() -> Option<usize> {
    if !io::stdout().is_terminal() {
        return None;
    }
    let told = || std::env::var("COLUMNS").ok()?.parse().ok();
    let width = terminal_size::terminal_size_of(io::stdout()).map(|(width, _)| usize::from(width.0));
    width.filter(|width| *width > 0).or_else(told)
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let rows = vec![vec!["a/long-name".to_owned(), "3".to_owned()], vec!["b".to_owned(), String::new()]];
        assert_eq!(
            table(&[("ID", "id"), ("LIKES", "likes")], &rows, None),
            "ID           LIKES\na/long-name  3\nb\n"
        );
        assert_eq!(table(&[("ID", "id")], &rows[..1], Some(7)), "ID\na/long…\n");
    }

    #[test]
    fn the_widest_columns_are_cut_to_the_terminal() {
        let rows = vec![vec!["x".repeat(40), "12".to_owned(), "y".repeat(40)]];
        let columns = [("ID", "id"), ("LIKES", "likes"), ("NOTE", "note")];
        let text = table(&columns, &rows, Some(29));
        assert_eq!(text, "ID          LIKES  NOTE\nxxxxxxxxx…  12     yyyyyyyyy…\n");
        for width in 0..100 {
            let widest = table(&columns, &rows, Some(width)).lines().map(UnicodeWidthStr::width).max();
            assert!(widest <= Some(width.max(1)), "{width}");
        }
    }

    #[test]
    fn wide_and_combining_characters_take_their_columns() {
        let rows = [["模型", "1"], ["e\u{301}te\u{301}", "2"], ["👩‍💻", "3"]]
            .map(|row| row.map(str::to_owned).to_vec());
        let columns = [("ID", "id"), ("N", "n")];
        assert_eq!(table(&columns, &rows, None), "ID    N\n模型  1\ne\u{301}te\u{301}   2\n👩‍💻    3\n");
        assert_eq!(cut("模型模型", 8), "模型模型");
        assert_eq!(cut("模型模型", 7), "模型模…");
        assert_eq!(cut("模型模型", 6), "模型…");
        assert_eq!(cut("e\u{301}e\u{301}e\u{301}", 2), "e\u{301}…");
        assert_eq!(cut("abc", 0), "…");
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
