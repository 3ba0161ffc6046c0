//! Tables and cells of the tool: whatever the Hub sends, nothing steers the terminal, and no line is wider than it.
//!
//! The input is a JSON value; its first byte is the width.

#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use unicode_width::UnicodeWidthStr as _;

#[allow(dead_code, reason = "the target calls only some of it")]
#[path = "../../crates/hub-cli/src/output.rs"]
mod output;

#[allow(dead_code, reason = "the target calls only some of it")]
#[path = "../../crates/hub-cli/src/terminal.rs"]
mod terminal;

const COLUMNS: [output::Column; 3] = [("ID", "id"), ("LIKES", "likes"), ("NAME", "author.name")];

fuzz_target!(|data: &[u8]| {
    let Some((&width, json)) = data.split_first() else { return };
    let width = usize::from(width).max(1);
    let text = String::from_utf8_lossy(json);
    assert!(!output::escape(&text).contains(hub_fuzz::steers));
    let value: Value = serde_json::from_slice(json).unwrap_or_else(|_| Value::from(&*text));
    let items = match value {
        Value::Array(items) => items,
        item => vec![item],
    };
    let rows: Vec<Vec<String>> =
        items.iter().map(|item| COLUMNS.iter().map(|(_, key)| output::cell(item, key)).collect()).collect();
    for cell in rows.iter().flatten() {
        assert!(!cell.contains(hub_fuzz::steers), "{cell:?}");
    }
    for width in [None, Some(width)] {
        let table = output::table(&COLUMNS, &rows, width);
        assert_eq!(table.lines().count(), rows.len() + 1);
        for line in table.lines() {
            assert!(!line.contains(hub_fuzz::steers), "{line:?}");
            assert!(width.is_none_or(|width| line.width() <= width), "{line:?} is wider than {width:?}");
        }
    }
});
