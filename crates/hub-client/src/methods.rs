//! The registries of all crates, chained.
use hub_api::Method;

/// All methods of this build, by name.
pub fn methods() -> Vec<&'static Method> {
    let mut all: Vec<_> = hub_api::METHODS.iter().flat_map(|module| module.iter()).collect();
    #[cfg(feature = "download")]
    all.extend(hub_cache::METHODS);
    #[cfg(feature = "safetensors")]
    all.extend(hub_safetensors::METHODS);
    #[cfg(feature = "upload")]
    all.extend(hub_upload::METHODS);
    all.sort_by_key(|method| method.spec.name);
    all
}

/// The method of a name.
pub fn method(name: &str) -> Option<&'static Method> {
    methods().into_iter().find(|method| method.spec.name == name)
}
