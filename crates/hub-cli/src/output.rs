//! What people read.

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

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        assert_eq!(escape("a\x1b[31m\u{202e}\r"), "a\\u{1b}[31m\\u{202e}\\u{d}");
        assert_eq!(escape("modèle"), "modèle");
    }
}
