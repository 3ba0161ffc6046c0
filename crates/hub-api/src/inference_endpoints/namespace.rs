//! Whose endpoints are meant.
use crate::{Error, HfApi, Result};

/// The namespace as given, or the name of the user that the token belongs to.
///
/// # Errors
/// `InvalidArgument` if none is given and the token is one of an organization; those of `whoami`.
pub(super) async fn or_own(api: &HfApi, given: Option<String>) -> Result<String> {
    match given.filter(|namespace| !namespace.is_empty()) {
        Some(namespace) => Ok(namespace),
        None => own(&api.whoami().await?),
    }
}

/// The name of a user.
///
/// # Errors
/// `InvalidArgument` if the account is no user's.
pub(super) fn own(me: &crate::types::WhoAmI) -> Result<String> {
    match me.name() {
        Some(name) if me.account_type() == Some("user") => Ok(name.to_owned()),
        _ => Err(Error::invalid(
            "the token is not one of a user, so `namespace` must say whose Inference Endpoints are meant",
        )),
    }
}
