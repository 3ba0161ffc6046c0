//! The file of stored tokens: whatever is in it, what is listed can be saved, listed again and forgotten, and no error
//! shows a token.

#![no_main]

use hub_fuzz::{scratch, text};
use hub_http::{Config, Token, TokenStore};
use libfuzzer_sys::fuzz_target;
use std::fs;
use std::sync::LazyLock;

const SECRET: &str = "hf_S3cretS3cret";

static HOME: LazyLock<(tempfile::TempDir, Config)> = LazyLock::new(|| {
    let folder = scratch();
    let config = Config::new("http://localhost:1", folder.path()).expect("a valid configuration");
    (folder, config)
});

fuzz_target!(|data: &[u8]| {
    let config = &HOME.1;
    let store = TokenStore::new(config);
    let text = text(data);
    fs::write(&config.stored_tokens_path, text.replace("{token}", SECRET)).expect("the folder is writable");
    let before = match store.list() {
        Ok(tokens) => tokens,
        Err(error) => {
            let shown = error.full_message();
            // The names of tokens are shown, so a secret in one is the user's own doing.
            let in_name = text.contains("S3cret")
                || text.lines().any(|line| line.trim().starts_with('[') && line.contains("{token}"));
            assert!(in_name || !shown.contains(SECRET), "{shown}");
            assert!(!shown.contains(char::is_control), "{shown:?}");
            return;
        }
    };
    let added = Token::parse("hf_added").expect("a token");
    // What was listed and is kept by another name stays the same, in the same order.
    store.save("added-by-the-target", &added).expect("a valid name");
    let after = store.list().expect("what was written is read");
    let kept: Vec<_> = before.iter().filter(|stored| stored.name != "added-by-the-target").collect();
    assert_eq!(after.len(), kept.len() + 1, "{before:?} became {after:?}");
    assert!(kept.iter().zip(&after).all(|(kept, now)| *kept == now), "{before:?} became {after:?}");
    assert_eq!(after.last().map(|last| &last.token), Some(&added));

    // Every name that is accepted is found again as it is.
    if let Some(name) = text.lines().next()
        && store.save(name, &added).is_ok()
    {
        let listed = store.list().expect("what was written is read");
        assert_eq!(listed.last().map(|last| &*last.name), Some(name));
        store.switch(name).expect("it was listed");
        assert_eq!(store.active().expect("it was written"), Some(added));
        store.forget(Some(name)).expect("it was listed");
        assert!(store.list().expect("what was written is read").iter().all(|stored| stored.name != name));
    }
});
