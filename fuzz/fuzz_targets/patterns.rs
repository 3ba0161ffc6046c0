//! Wildcards: a pattern in the first line, a path in the rest. The matcher agrees with a table of all sub-problems.

#![no_main]

use hub_api::patterns::{PathFilter, Patterns};
use hub_fuzz::{first_line, text};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let text = text(data);
    let (pattern, path) = first_line(&text);
    if pattern.len() + path.len() > 2000 {
        return;
    }
    let matches = Patterns::new([pattern]).matches(path);
    assert_eq!(matches, expected(pattern, path), "{pattern:?} {path:?}");

    let literal: String = path
        .chars()
        .map(|c| if matches!(c, '*' | '?' | '[') { format!("[{c}]") } else { c.into() })
        .collect();
    assert!(path.ends_with('/') || Patterns::new([&literal]).matches(path), "{literal:?}");
    assert!(Patterns::new([format!("{literal}*")]).matches(path));
    assert!(Patterns::new(["*"]).matches(path));
    let none: Option<[&str; 0]> = None;
    assert_eq!(PathFilter::new(Some([pattern]), none).keeps(path), matches);
    assert_eq!(PathFilter::new(none, Some([pattern])).keeps(path), !matches);
});

/// What Python's `fnmatchcase` answers, with a slash at the end of the pattern standing for everything below.
fn expected(pattern: &str, path: &str) -> bool {
    let mut pattern: Vec<char> = pattern.chars().collect();
    if pattern.last() == Some(&'/') {
        pattern.push('*');
    }
    let path: Vec<char> = path.chars().collect();
    // fits[i]: the pattern so far matches the first i characters.
    let mut fits = vec![false; path.len() + 1];
    fits[0] = true;
    let mut at = 0;
    while at < pattern.len() {
        let set = if pattern[at] == '[' { closing(&pattern, at) } else { None };
        let mut next = vec![false; path.len() + 1];
        if pattern[at] == '*' {
            let mut seen = false;
            for (next, fits) in next.iter_mut().zip(&fits) {
                seen |= fits;
                *next = seen;
            }
        } else {
            for (index, &c) in path.iter().enumerate() {
                let one = match (pattern[at], set) {
                    ('?', _) => true,
                    ('[', Some(end)) => in_set(&pattern[at + 1..end], c),
                    (literal, _) => literal == c,
                };
                next[index + 1] = fits[index] && one;
            }
        }
        fits = next;
        at = set.map_or(at, |end| end) + 1;
    }
    fits[path.len()]
}

/// Where the set that opens at `open` is closed; a bracket that comes first belongs to it.
fn closing(pattern: &[char], open: usize) -> Option<usize> {
    let mut from = open + 1;
    from += usize::from(pattern.get(from) == Some(&'!'));
    from += usize::from(pattern.get(from) == Some(&']'));
    (from..pattern.len()).find(|&index| pattern[index] == ']')
}

fn in_set(set: &[char], c: char) -> bool {
    let (outside, set) = match set {
        ['!', rest @ ..] => (true, rest),
        set => (false, set),
    };
    let mut found = false;
    let mut rest = set;
    loop {
        rest = match rest {
            [first, '-', last, rest @ ..] => {
                found |= *first <= c && c <= *last;
                rest
            }
            [one, rest @ ..] => {
                found |= *one == c;
                rest
            }
            [] => return found != outside,
        };
    }
}
