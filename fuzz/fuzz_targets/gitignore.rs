//! `.gitignore` and `.gitattributes` matching: a path in the first line, the file in the rest. It takes no time that
//! grows out of proportion, and the lines that must decide do.

#![no_main]

use hub_fuzz::{first_line, text};
use libfuzzer_sys::fuzz_target;
use uploads::{is_ignored, is_lfs};

/// These files of hub-local by themselves: the crate brings git and a database, which take minutes to build.
#[allow(dead_code, reason = "the target calls only some of it")]
#[path = "../../crates/hub-local/src/uploads"]
mod uploads {
    mod attributes;
    mod wildmatch;

    pub fn is_ignored(gitignore: &str, path: &str) -> bool {
        wildmatch::is_ignored(gitignore, path)
    }

    pub fn is_lfs(gitattributes: &str, path: &str) -> bool {
        attributes::is_lfs(gitattributes, path)
    }
}

fuzz_target!(|data: &[u8]| {
    let text = text(data);
    let (path, rules) = first_line(&text);
    if path.is_empty() {
        return;
    }
    let ignored = is_ignored(rules, path);
    is_lfs(rules, path);

    // Comments and empty lines change nothing.
    let rules: String = rules.lines().map(|line| format!("{line}\n")).collect();
    assert_eq!(is_ignored(&rules, path), ignored);
    assert_eq!(is_ignored(&format!("# comment\n\n{rules}\n# {path}\n"), path), ignored);
    // Everything is ignored by a last line that matches everything, and nothing by one that takes all back.
    assert!(is_ignored(&format!("{rules}**\n"), path));
    assert!(!is_ignored("", path) && !is_ignored(&format!("# {path}"), path));
    // What is below an ignored folder is ignored.
    if ignored {
        assert!(
            is_ignored(&rules, &format!("{path}/below")) || rules.contains('!') || !is_ignored(&rules, path)
        );
    }
    // A plain path at the root names itself and what is below.
    if path.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_')) && is_plain(path) {
        assert!(is_ignored(&format!("{rules}/{path}\n"), path));
        assert!(is_ignored(&format!("{rules}/{path}/\n"), &format!("{path}/below")));
        assert!(is_lfs(&format!("{rules}/{path} filter=lfs\n"), path));
        assert!(!is_lfs(&format!("{rules}/{path} -filter\n"), path));
    }
});

fn is_plain(path: &str) -> bool {
    path.split('/').all(|segment| !segment.is_empty())
}
