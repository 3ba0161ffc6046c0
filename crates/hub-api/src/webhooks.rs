//! Webhooks: what the Hub calls when something changes.
use crate::Method;

/// The methods of this module.
pub(crate) const METHODS: &[Method] = &[];
