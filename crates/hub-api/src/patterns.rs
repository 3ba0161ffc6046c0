//! Wildcards that choose files of a repository.

/// Wildcards with the meaning of Python's `fnmatch`, matched against whole paths.
///
/// `*` is any run of characters, slashes among them; `?` is any one character; `[a-z]` and `[!a-z]` are one character
/// of a set or outside of it. Upper and lower case differ. A pattern that ends with a slash is everything below that
/// folder.
///
/// ```
/// # use hub_api::patterns::Patterns;
/// let patterns = Patterns::new(["*.json", "onnx/"]);
/// assert!(patterns.matches("a/b/config.json"));
/// assert!(patterns.matches("onnx/model.onnx"));
/// assert!(!patterns.matches("model.safetensors"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Patterns(Vec<Vec<Token>>);

impl Patterns {
    /// Reads patterns; every text is one.
    pub fn new<T: AsRef<str>>(patterns: impl IntoIterator<Item = T>) -> Self {
        Self(patterns.into_iter().map(|pattern| parse(pattern.as_ref())).collect())
    }

    /// Whether a path matches at least one of the patterns.
    pub fn matches(&self, path: &str) -> bool {
        let path: Vec<char> = path.chars().collect();
        self.0.iter().any(|pattern| fits(pattern, &path))
    }

    /// Whether there is no pattern at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Chooses paths by what to allow and what to ignore.
///
/// Without patterns to allow all paths are allowed; an empty list of them allows none, as in Python.
///
/// ```
/// # use hub_api::patterns::PathFilter;
/// let filter = PathFilter::new(Some(["*.json"]), Some(["tokenizer*"]));
/// assert!(filter.keeps("config.json"));
/// assert!(!filter.keeps("tokenizer.json"));
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PathFilter {
    allow: Option<Patterns>,
    ignore: Option<Patterns>,
}

impl PathFilter {
    /// Creates a filter from the patterns to allow, if any are named, and those to ignore.
    pub fn new<A, I>(allow: Option<A>, ignore: Option<I>) -> Self
    where
        A: IntoIterator<Item: AsRef<str>>,
        I: IntoIterator<Item: AsRef<str>>,
    {
        Self { allow: allow.map(Patterns::new), ignore: ignore.map(Patterns::new) }
    }

    /// Whether a path is chosen.
    pub fn keeps(&self, path: &str) -> bool {
        self.allow.as_ref().is_none_or(|allow| allow.matches(path))
            && !self.ignore.as_ref().is_some_and(|ignore| ignore.matches(path))
    }

    /// Whether every path is chosen.
    pub fn keeps_all(&self) -> bool {
        self.allow.is_none() && self.ignore.as_ref().is_none_or(Patterns::is_empty)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    /// This character.
    Just(char),
    /// Any one character.
    One,
    /// Any run of characters.
    Run,
    /// One character inside of these ranges, or outside of them.
    Set { outside: bool, ranges: Vec<(char, char)> },
}

impl Token {
    fn fits(&self, c: char) -> bool {
        match self {
            Self::Just(just) => *just == c,
            Self::One | Self::Run => true,
            Self::Set { outside, ranges } => {
                ranges.iter().any(|&(first, last)| (first..=last).contains(&c)) != *outside
            }
        }
    }
}

fn parse(pattern: &str) -> Vec<Token> {
    let mut chars: Vec<char> = pattern.chars().collect();
    if chars.last() == Some(&'/') {
        chars.push('*');
    }
    let mut tokens = Vec::new();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        at += 1;
        match c {
            '*' if tokens.last() == Some(&Token::Run) => {}
            '*' => tokens.push(Token::Run),
            '?' => tokens.push(Token::One),
            '[' => match set(&chars[at..]) {
                Some((token, length)) => {
                    tokens.push(token);
                    at += length;
                }
                // A bracket that is not closed stands for itself.
                None => tokens.push(Token::Just('[')),
            },
            c => tokens.push(Token::Just(c)),
        }
    }
    tokens
}

/// Reads a set after its opening bracket; gives it and how many characters it took.
fn set(chars: &[char]) -> Option<(Token, usize)> {
    let outside = chars.first() == Some(&'!');
    let start = usize::from(outside);
    // A closing bracket that comes first belongs to the set.
    let search = start + usize::from(chars.get(start) == Some(&']'));
    let end = search + chars.get(search..)?.iter().position(|&c| c == ']')?;
    let inner = &chars[start..end];
    let mut ranges = Vec::new();
    let mut at = 0;
    while at < inner.len() {
        if inner.get(at + 1) == Some(&'-') && at + 2 < inner.len() {
            // One whose end is before its start holds nothing.
            ranges.push((inner[at], inner[at + 2]));
            at += 3;
        } else {
            ranges.push((inner[at], inner[at]));
            at += 1;
        }
    }
    Some((Token::Set { outside, ranges }, end + 1))
}

/// Matches greedily and goes back to the last run when stuck, so the time is bounded by the product of the lengths.
fn fits(pattern: &[Token], path: &[char]) -> bool {
    let (mut p, mut c) = (0, 0);
    let mut last_run: Option<(usize, usize)> = None;
    while c < path.len() {
        match pattern.get(p) {
            Some(Token::Run) => {
                last_run = Some((p + 1, c));
                p += 1;
            }
            Some(token) if token.fits(path[c]) => {
                p += 1;
                c += 1;
            }
            _ => match &mut last_run {
                Some((after, taken)) => {
                    *taken += 1;
                    (p, c) = (*after, *taken);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|token| *token == Token::Run)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_mean_what_they_mean_in_python() {
        // Every row was run through `fnmatch.fnmatch` of Python 3.11.
        let rows = [
            ("*.json", "a/b.json", true),
            ("*.json", "a/b.jsonl", false),
            ("data/*", "data/a/b", true),
            ("data/*", "data", false),
            ("?.txt", "/.txt", true),
            ("?.txt", "ab.txt", false),
            ("[abc]x", "bx", true),
            ("[a-c]x", "dx", false),
            ("[!a-c]x", "dx", true),
            ("[^a]", "^", true),
            ("[^a]", "b", false),
            ("[]]", "]", true),
            ("[!]]", "]", false),
            ("[!]]", "a", true),
            ("[", "[", true),
            ("[a", "[a", true),
            ("[a-]", "-", true),
            ("[-a]", "-", true),
            ("[c-a]", "b", false),
            ("[!c-a]", "b", true),
            ("[a-c-e]", "-", true),
            ("[a-c-e]", "d", false),
            ("[a\\]", "\\", true),
            ("[--0]", ".", true),
            ("*.JSON", "a.json", false),
            ("a\\*", "a\\b", true),
            ("*a*b*", "xaxxb", true),
            ("*a*b", "xaxxbc", false),
            ("", "", true),
            ("", "a", false),
            ("é?", "éx", true),
            ("a*", "a\nb", true),
        ];
        for (pattern, path, matches) in rows {
            assert_eq!(fits(&parse(pattern), &path.chars().collect::<Vec<_>>()), matches, "{pattern} {path}");
        }
    }

    #[test]
    fn a_folder_is_all_below_it() {
        let folder = Patterns::new(["onnx/"]);
        assert!(folder.matches("onnx/a/b") && folder.matches("onnx/") && !folder.matches("x/onnx/a"));
    }

    #[test]
    fn what_is_ignored_wins_over_what_is_allowed() {
        let filter = PathFilter::new(Some(["*.json", "*.md"]), Some(["README*"]));
        let kept = ["a.json", "README.md", "b.md", "c.bin"].map(|path| filter.keeps(path));
        assert_eq!(kept, [true, false, true, false]);
    }

    #[test]
    fn no_list_allows_all_and_an_empty_one_nothing() {
        assert!(PathFilter::default().keeps("a") && PathFilter::default().keeps_all());
        let none: [&str; 0] = [];
        let filter = PathFilter::new(Some(none), Some(none));
        assert!(!filter.keeps("a") && !filter.keeps_all());
    }

    #[test]
    fn many_runs_do_not_take_forever() {
        let path = "a".repeat(2000);
        assert!(!Patterns::new([format!("{}b", "*a".repeat(200))]).matches(&path));
    }
}
