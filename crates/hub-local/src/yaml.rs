//! The part of YAML that repository cards are written in.
//!
//! Mappings, sequences, flow collections, quoted and plain scalars, block scalars and comments. Anchors, aliases and
//! tags are refused: no card needs them, and they are how a small file becomes a large one.
use serde_json::{Map, Number, Value};
use std::fmt;

/// Why a text is not YAML of this kind, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct YamlError {
    line: usize,
    message: &'static str,
}

impl fmt::Display for YamlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (line {})", self.message, self.line)
    }
}

type Result<T, E = YamlError> = std::result::Result<T, E>;

const MAX_DEPTH: usize = 64;

/// Reads a document; an empty one is null.
pub(crate) fn parse(text: &str) -> Result<Value> {
    let lines = text.lines().enumerate().map(|(index, raw)| Line::new(index + 1, raw)).collect();
    let mut parser = Parser { lines, at: 0 };
    let value = match parser.next_indent() {
        Some(indent) => parser.block(indent, 0)?,
        None => return Ok(Value::Null),
    };
    match parser.next_indent() {
        Some(_) => Err(parser.error("this line belongs to nothing: check its indentation")),
        None => Ok(value),
    }
}

struct Line<'a> {
    number: usize,
    indent: usize,
    /// Without indentation, comment and space at the end.
    text: &'a str,
    raw: &'a str,
}

impl<'a> Line<'a> {
    fn new(number: usize, raw: &'a str) -> Self {
        let raw = raw.trim_end();
        let indent = raw.len() - raw.trim_start_matches(' ').len();
        let text = without_comment(&raw[indent..]).trim_end();
        Self { number, indent, text, raw }
    }
}

/// Cuts a comment: `#` at the beginning or after a space, outside quotes.
fn without_comment(text: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (index, c) in text.char_indices() {
        match (quote, c) {
            (None, '#') if before == ' ' => return &text[..index],
            // An apostrophe inside a word is no quote.
            (None, '"' | '\'') if matches!(before, ' ' | '[' | '{' | ',' | ':') => quote = Some(c),
            (Some(open), c) if c == open && before != '\\' => quote = None,
            _ => {}
        }
        before = c;
    }
    text
}

struct Parser<'a> {
    lines: Vec<Line<'a>>,
    at: usize,
}

impl<'a> Parser<'a> {
    /// The indentation of the next line that is not empty, where the parser then stands.
    fn next_indent(&mut self) -> Option<usize> {
        while self.lines.get(self.at).is_some_and(|line| line.text.is_empty()) {
            self.at += 1;
        }
        self.lines.get(self.at).map(|line| line.indent)
    }

    fn error(&self, message: &'static str) -> YamlError {
        let line = self.lines.get(self.at.min(self.lines.len().saturating_sub(1)));
        YamlError { line: line.map_or(1, |line| line.number), message }
    }

    fn block(&mut self, indent: usize, depth: usize) -> Result<Value> {
        if depth > MAX_DEPTH {
            return Err(self.error("too deeply nested"));
        }
        let text = self.lines[self.at].text;
        if text.starts_with('\t') {
            return Err(self.error("tabs cannot indent"));
        }
        if is_item(text) {
            return self.sequence(indent, depth);
        }
        if split_key(text).is_some() {
            return self.mapping(indent, depth);
        }
        self.at += 1;
        self.value(text, indent, depth)
    }

    fn sequence(&mut self, indent: usize, depth: usize) -> Result<Value> {
        let mut items = Vec::new();
        while self.next_indent() == Some(indent) && is_item(self.lines[self.at].text) {
            let text = self.lines[self.at].text;
            let rest = text[1..].trim_start();
            if rest.is_empty() {
                self.at += 1;
                items.push(match self.next_indent() {
                    Some(inner) if inner > indent => self.block(inner, depth + 1)?,
                    _ => Value::Null,
                });
            } else if is_item(rest) || split_key(rest).is_some() {
                // What follows the dash is a block of its own, indented as far as it stands.
                let inner = indent + text.len() - rest.len();
                self.lines[self.at].text = rest;
                self.lines[self.at].indent = inner;
                items.push(self.block(inner, depth + 1)?);
            } else {
                self.at += 1;
                items.push(self.value(rest, indent, depth)?);
            }
        }
        Ok(Value::Array(items))
    }

    fn mapping(&mut self, indent: usize, depth: usize) -> Result<Value> {
        let mut map = Map::new();
        while self.next_indent() == Some(indent) {
            let text = self.lines[self.at].text;
            let Some((key, rest)) = split_key(text) else {
                return Err(self.error("expected `key: value`"));
            };
            let key = self.key(key)?;
            if map.contains_key(&key) {
                return Err(self.error("duplicate key"));
            }
            self.at += 1;
            let value = if rest.is_empty() {
                match self.next_indent() {
                    Some(inner) if inner > indent => self.block(inner, depth + 1)?,
                    // A sequence may stand right under its key.
                    Some(inner) if inner == indent && is_item(self.lines[self.at].text) => {
                        self.sequence(indent, depth + 1)?
                    }
                    _ => Value::Null,
                }
            } else {
                self.value(rest, indent, depth)?
            };
            map.insert(key, value);
        }
        Ok(Value::Object(map))
    }

    fn key(&self, text: &str) -> Result<String> {
        let wrong = || self.error("invalid key");
        if text.starts_with(['"', '\'']) {
            let (value, rest) = quoted(text).ok_or_else(wrong)?;
            return if rest.trim().is_empty() { Ok(value) } else { Err(wrong()) };
        }
        if text.starts_with(['&', '*', '!', '%', '@', '`', '?', '|', '>']) {
            return Err(wrong());
        }
        Ok(text.to_owned())
    }

    /// A value that begins on a line already taken, and may go on below it.
    fn value(&mut self, first: &'a str, indent: usize, depth: usize) -> Result<Value> {
        match first.as_bytes()[0] {
            b'|' | b'>' => Ok(Value::String(self.block_scalar(first, indent)?)),
            b'[' | b'{' | b'"' | b'\'' => {
                let mut text = first.to_owned();
                loop {
                    if let Some((value, rest)) = flow(&text, depth) {
                        return if rest.trim().is_empty() {
                            Ok(value)
                        } else {
                            Err(self.error("unexpected text after a value"))
                        };
                    }
                    match self.next_indent() {
                        Some(inner) if inner > indent || self.lines[self.at].text.starts_with([']', '}']) => {
                            text = text + " " + self.lines[self.at].text;
                            self.at += 1;
                        }
                        _ => return Err(self.error("a quote or bracket is not closed")),
                    }
                }
            }
            b'&' | b'*' | b'!' => Err(self.error("anchors, aliases and tags are not supported")),
            b'%' | b'@' | b'`' => Err(self.error("a plain value cannot begin with this character")),
            _ => {
                let mut text = first.to_owned();
                while self.next_indent().is_some_and(|inner| inner > indent) {
                    if split_key(self.lines[self.at].text).is_some() {
                        return Err(self.error("a mapping cannot begin here: check the indentation"));
                    }
                    text = text + " " + self.lines[self.at].text;
                    self.at += 1;
                }
                Ok(plain(&text))
            }
        }
    }

    fn block_scalar(&mut self, header: &str, indent: usize) -> Result<String> {
        let folded = header.starts_with('>');
        let marks = header[1..].trim();
        if !marks.chars().all(|c| matches!(c, '-' | '+')) {
            return Err(self.error("unsupported block scalar header"));
        }
        let mut lines: Vec<&str> = Vec::new();
        let mut inner = None;
        while let Some(line) = self.lines.get(self.at) {
            if !line.raw.is_empty() {
                let own = line.raw.len() - line.raw.trim_start_matches(' ').len();
                if own <= indent {
                    break;
                }
                inner.get_or_insert(own);
            }
            lines.push(line.raw.get(inner.unwrap_or(0)..).unwrap_or(""));
            self.at += 1;
        }
        while lines.last().is_some_and(|line| line.is_empty()) {
            lines.pop();
        }
        let mut text = lines.join("\n");
        if folded {
            text = fold(&lines);
        }
        if marks != "-" && !text.is_empty() {
            text.push('\n');
        }
        Ok(text)
    }
}

fn fold(lines: &[&str]) -> String {
    let mut text = String::new();
    for (index, line) in lines.iter().enumerate() {
        if line.is_empty() {
            text.push('\n');
        } else {
            if index > 0 && !lines[index - 1].is_empty() {
                text.push(' ');
            }
            text.push_str(line);
        }
    }
    text
}

fn is_item(text: &str) -> bool {
    text == "-" || text.starts_with("- ")
}

/// Splits `key: value` or `key:` at the first colon that is one.
fn split_key(text: &str) -> Option<(&str, &str)> {
    if text.starts_with(['[', '{']) {
        return None;
    }
    let skip = if text.starts_with(['"', '\'']) { text.len() - quoted(text)?.1.len() } else { 0 };
    let colon = text[skip..].char_indices().map(|(index, _)| index + skip).find(|&index| {
        text[index..].starts_with(':')
            && (index + 1 == text.len() || text[index + 1..].starts_with([' ', '\t']))
    })?;
    Some((text[..colon].trim_end(), text[colon + 1..].trim()))
}

/// A quoted text at the beginning, and what follows it; `None` if the quote is not closed.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next()?;
    let mut value = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((index, c)) = chars.next() {
        match c {
            '\'' if quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == '\'') => {
                chars.next();
                value.push('\'');
            }
            '\\' if quote == '"' => match chars.next()?.1 {
                'n' => value.push('\n'),
                't' => value.push('\t'),
                'r' => value.push('\r'),
                '0' => value.push('\0'),
                length @ ('x' | 'u' | 'U') => {
                    let digits = match length {
                        'x' => 2,
                        'u' => 4,
                        _ => 8,
                    };
                    let hex: String = chars.by_ref().take(digits).map(|(_, c)| c).collect();
                    value.push(char::from_u32(u32::from_str_radix(&hex, 16).ok()?)?);
                }
                other => value.push(other),
            },
            c if c == quote => return Some((value, &text[index + 1..])),
            c => value.push(c),
        }
    }
    None
}

/// A flow value at the beginning, and what follows it; `None` if it does not end here.
fn flow(text: &str, depth: usize) -> Option<(Value, &str)> {
    let text = text.trim_start();
    if depth > MAX_DEPTH {
        return None;
    }
    match text.chars().next()? {
        '"' | '\'' => quoted(text).map(|(value, rest)| (Value::String(value), rest)),
        '[' => {
            let mut items = Vec::new();
            let mut rest = text[1..].trim_start();
            while !rest.starts_with(']') {
                let (value, after) = flow(rest, depth + 1)?;
                items.push(value);
                rest = after_item(after, ']')?;
            }
            Some((Value::Array(items), &rest[1..]))
        }
        '{' => {
            let mut map = Map::new();
            let mut rest = text[1..].trim_start();
            while !rest.starts_with('}') {
                let (key, after) = if rest.starts_with(['"', '\'']) {
                    quoted(rest)?
                } else {
                    let end = rest.find([':', ',', '}'])?;
                    (rest[..end].trim().to_owned(), &rest[end..])
                };
                let after = after.trim_start();
                let (value, after) = match after.strip_prefix(':') {
                    Some(after) if after.trim_start().starts_with([',', '}']) => (Value::Null, after),
                    Some(after) => flow(after, depth + 1)?,
                    None => (Value::Null, after),
                };
                map.insert(key, value);
                rest = after_item(after, '}')?;
            }
            Some((Value::Object(map), &rest[1..]))
        }
        _ => {
            let end = text.find([',', ']', '}']).unwrap_or(text.len());
            Some((plain(text[..end].trim()), &text[end..]))
        }
    }
}

/// What follows an item of a flow collection: after its comma, or at the closing bracket.
fn after_item(text: &str, close: char) -> Option<&str> {
    let text = text.trim_start();
    match text.strip_prefix(',') {
        Some(rest) => Some(rest.trim_start()),
        None if text.starts_with(close) => Some(text),
        None => None,
    }
}

fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.'));
    if numeric {
        if let Ok(number) = text.parse::<i64>() {
            return number.into();
        }
        if let Some(number) = text.parse().ok().and_then(Number::from_f64) {
            return Value::Number(number);
        }
    }
    Value::String(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_card_of_many_forms_is_read() {
        let text = "
language: en   # a comment
license: 'apache-2.0'
tags:
- exbert
- \"a: b\"
- it's
datasets: [bookcorpus, \"wiki pedia\"]
pinned: false
version: 4.19
count: 12
none: ~
widget:
  - text: Paris is the [MASK].
    example_title: \"One \\u00e9\"
  -
    text: x
model-index:
- name: m
  results:
  - task: {type: fill-mask, name: 'Fill'}
    metrics:
    - type: acc
      value: 0.91
about: >-
  folded
  text

  end
code: |
  a: 1
    # kept
long: one
  two
multi: [a,
  b]
";
        let expected = json!({
            "language": "en", "license": "apache-2.0", "tags": ["exbert", "a: b", "it's"],
            "datasets": ["bookcorpus", "wiki pedia"], "pinned": false, "version": 4.19, "count": 12, "none": null,
            "widget": [{"text": "Paris is the [MASK].", "example_title": "One é"}, {"text": "x"}],
            "model-index": [{"name": "m", "results": [{"task": {"type": "fill-mask", "name": "Fill"},
                "metrics": [{"type": "acc", "value": 0.91}]}]}],
            "about": "folded text\nend", "code": "a: 1\n  # kept\n", "long": "one two", "multi": ["a", "b"],
        });
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, line) in [
            ("a: [1, 2", 1),
            ("a: 1\nb", 2),
            ("a: 1\n  b: 2", 2),
            ("a: 1\na: 2", 2),
            ("a: *x", 1),
            ("a: \"x", 1),
        ] {
            assert_eq!(parse(text).unwrap_err().line, line, "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused() {
        let text: String = (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
        assert!(parse(&text).is_err());
        assert!(parse(&format!("a: {}", "[".repeat(10_000))).is_err());
    }
}
