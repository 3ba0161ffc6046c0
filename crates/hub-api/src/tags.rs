//! The tags that models and datasets are sorted by.
use crate::Method;

/// The methods of this module.
pub(crate) const METHODS: &[Method] = &[];
