//! Users and organizations.
use crate::Method;

/// The methods of this module.
pub(crate) const METHODS: &[Method] = &[];
