//! Bytes taken as an index: no panic, and every shard is a name in its folder.

#![no_main]

use std::path::{Component, Path};

use hub_safetensors::Index;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|json: &[u8]| {
    let Ok(index) = Index::parse(json) else { return };
    for shard in index.shards() {
        let components: Vec<_> = Path::new(shard).components().collect();
        assert!(matches!(components[..], [Component::Normal(name)] if name == shard.as_str()));
    }
    for (tensor, shard) in index.weight_map() {
        assert_eq!(index.shard_of(tensor), Some(shard));
    }
    index.total_size();
});
