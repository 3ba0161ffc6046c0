//! The patterns of `.gitattributes` and `.gitignore`.

/// Whether a pattern of a file at the root of a repository matches a path.
///
/// Without a slash inside, a pattern is compared with the last name only. `*` and `?` do not match a slash, `**` does.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let anchored = pattern.trim_end_matches('/').contains('/');
    let pattern = pattern.strip_prefix('/').unwrap_or(pattern);
    let subject = if anchored { path } else { path.rsplit('/').next().unwrap_or(path) };
    wild(pattern.as_bytes(), subject.as_bytes())
}

/// Whether a `.gitignore` has it that a path is ignored: the last line that matches it, or a folder above it, decides.
pub(super) fn is_ignored(gitignore: &str, path: &str) -> bool {
    let folders = path.match_indices('/').map(|(end, _)| (&path[..end], true));
    let mut ignored = false;
    for (part, is_folder) in folders.chain([(path, false)]) {
        for line in
            gitignore.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#'))
        {
            let (pattern, ignores) = match line.strip_prefix('!') {
                Some(pattern) => (pattern, false),
                None => (line, true),
            };
            let (pattern, folders_only) = match pattern.strip_suffix('/') {
                Some(pattern) => (pattern, true),
                None => (pattern, false),
            };
            if (is_folder || !folders_only) && matches(pattern, part) {
                ignored = ignores;
            }
        }
        // Nothing in an ignored folder can be taken back.
        if ignored && is_folder {
            return true;
        }
    }
    ignored
}

/// Reads the pattern once and keeps in mind which beginnings of the text fit what was read of it, so the time is bounded
/// by the product of the lengths.
fn wild(pattern: &[u8], text: &[u8]) -> bool {
    // Whether the first `n` bytes of the text fit.
    let mut fits = vec![false; text.len() + 1];
    fits[0] = true;
    let mut pattern = pattern;
    while !pattern.is_empty() {
        let mut next = vec![false; text.len() + 1];
        let mut one = |accepts: &dyn Fn(u8) -> bool| {
            for (index, &c) in text.iter().enumerate() {
                next[index + 1] = fits[index] && accepts(c);
            }
        };
        pattern = match pattern {
            [b'*', b'*', b'/', rest @ ..] => {
                let mut before = false;
                for (index, next) in next.iter_mut().enumerate() {
                    *next = fits[index] || before && text[index - 1] == b'/';
                    before |= fits[index];
                }
                rest
            }
            [b'*', rest @ ..] => {
                let (crosses, rest) = rest.strip_prefix(b"*").map_or((false, rest), |rest| (true, rest));
                let mut run = false;
                for (index, next) in next.iter_mut().enumerate() {
                    run = fits[index] || run && (crosses || text[index - 1] != b'/');
                    *next = run;
                }
                rest
            }
            [b'?', rest @ ..] => {
                one(&|c| c != b'/');
                rest
            }
            [b'[', members @ ..] => match class(members, None) {
                Some((_, rest)) => {
                    one(&|c| class(members, Some(c)).is_some_and(|(found, _)| found));
                    rest
                }
                None => {
                    one(&|c| c == b'[');
                    members
                }
            },
            [b'\\', literal, rest @ ..] | [literal, rest @ ..] => {
                one(&|c| c == *literal);
                rest
            }
            [] => break,
        };
        if !next.contains(&true) {
            return false;
        }
        fits = next;
    }
    fits[text.len()]
}

/// Whether a character is in a class, and the pattern after it; `None` if the class has no end.
fn class(pattern: &[u8], c: Option<u8>) -> Option<(bool, &[u8])> {
    let negated = matches!(pattern.first(), Some(b'!' | b'^'));
    let pattern = if negated { &pattern[1..] } else { pattern };
    let end = pattern.iter().skip(1).position(|&c| c == b']')? + 1;
    let members = &pattern[..end];
    let rest = &pattern[end + 1..];
    let Some(c) = c.filter(|&c| c != b'/') else { return Some((false, rest)) };
    let mut found = false;
    let mut index = 0;
    while index < members.len() {
        if let [first, b'-', last] = members[index..members.len().min(index + 3)] {
            found |= (first..=last).contains(&c);
            index += 3;
        } else {
            found |= members[index] == c;
            index += 1;
        }
    }
    Some((found != negated, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_git_has_it() {
        for (pattern, path, expected) in [
            ("*.bin", "model.bin", true),
            ("*.bin", "a/b/model.bin", true),
            ("*.bin", "model.bin.txt", false),
            ("*.bin.*", "a/model.bin.index", true),
            ("saved_model/**/*", "saved_model/a/b.pb", true),
            ("saved_model/**/*", "saved_model/b.pb", true),
            ("saved_model/**/*", "x/saved_model/b.pb", false),
            ("*tfevents*", "runs/events.out.tfevents.1", true),
            ("/top", "top", true),
            ("/top", "a/top", false),
            ("file[0-9].txt", "file7.txt", true),
            ("file[!0-9].txt", "file7.txt", false),
            ("a?c", "abc", true),
            ("data/*", "data/a/b", false),
            ("a/**", "a/b/c", true),
            ("**/c", "a/b/c", true),
            ("a/**/c", "a/c", true),
            ("[", "[", true),
            ("a[b", "a[b", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
        ] {
            assert_eq!(matches(pattern, path), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let path = "a".repeat(2000);
        assert!(!matches(&"*a".repeat(200).replace("*a*", "*a**"), &format!("{path}b")));
        assert!(!matches(&format!("{}b", "**/".repeat(200)), &"a/".repeat(1000)));
    }

    #[test]
    fn last_line_decides_what_is_ignored() {
        let gitignore = "# comment\n*.log\n!keep.log\nbuild/\n";
        for (path, expected) in [
            ("a.log", true),
            ("x/a.log", true),
            ("keep.log", false),
            ("build/a", true),
            ("build/keep.log", true),
            ("build", false),
            ("a.txt", false),
        ] {
            assert_eq!(is_ignored(gitignore, path), expected, "{path}");
        }
    }
}
