//! Spaces: their runtime, hardware, storage, secrets and variables.
use crate::Method;

/// The methods of this module.
pub(crate) const METHODS: &[Method] = &[];
