//! The metadata of repository cards: no panic, no deep recursion, and what is written as flow YAML is read back.

#![no_main]

use hub_fuzz::text;
use libfuzzer_sys::fuzz_target;

/// This file of hub-local by itself: the crate brings git and a database, which take minutes to build.
#[path = "../../crates/hub-local/src/yaml.rs"]
mod yaml;

fuzz_target!(|data: &[u8]| {
    let text = text(data);
    match yaml::parse(&text) {
        Ok(value) => {
            // JSON is flow YAML.
            let json = value.to_string();
            if json.len() < 2000 && !json.contains('\\') {
                assert_eq!(
                    yaml::parse(&format!("key: {json}\n")).as_ref().map(|read| &read["key"]),
                    Ok(&value),
                    "{json}"
                );
            }
        }
        Err(error) => assert!(!error.to_string().contains('\n'), "{error}"),
    }
});
