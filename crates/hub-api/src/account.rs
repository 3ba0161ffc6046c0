//! The account that the token belongs to.
use crate::Method;

/// The methods of this module.
pub(crate) const METHODS: &[Method] = &[];
