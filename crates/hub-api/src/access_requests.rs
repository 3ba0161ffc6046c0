//! Requests for access to gated repositories.
use crate::Method;

/// The methods of this module.
pub(crate) const METHODS: &[Method] = &[];
