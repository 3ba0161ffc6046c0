//! Collections of repositories, papers and Spaces.
use crate::Method;

/// The methods of this module.
pub(crate) const METHODS: &[Method] = &[];
