//! Who makes a request.
use super::{TokenRole, token_hash};
use crate::{
    state::HubState,
    web::{ApiError, Result},
};
use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use rusqlite::{Connection, OptionalExtension};

/// A user who has shown a token.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) role: TokenRole,
    pub(crate) token_name: String,
    pub(crate) token_created_at: String,
}

/// The user behind a request, or nobody. A token that is not known is refused, even where none is needed.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) Option<User>);

impl Caller {
    /// The user, for what nobody may do.
    pub(crate) fn user(&self) -> Result<&User> {
        self.0.as_ref().ok_or_else(|| ApiError::unauthorized("Invalid username or password."))
    }

    /// The user, if the token allows to write.
    pub(crate) fn writer(&self) -> Result<&User> {
        let user = self.user()?;
        if user.role == TokenRole::Read {
            return Err(ApiError::forbidden(
                "Forbidden: this token may only read; use one with the role `write`",
            ));
        }
        Ok(user)
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        self.0.is_none()
    }
}

impl FromRequestParts<HubState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &HubState) -> Result<Self> {
        // Several extractors ask; one look into the database is enough.
        if let Some(known) = parts.extensions.get::<Self>() {
            return Ok(known.clone());
        }
        let caller = match token_of(parts)? {
            None => Self(None),
            Some(token) => {
                let found = state.store.call(move |connection| find(connection, &token)).await?;
                Self(Some(found.ok_or_else(invalid)?))
            }
        };
        parts.extensions.insert(caller.clone());
        Ok(caller)
    }
}

fn invalid() -> ApiError {
    ApiError::unauthorized("Invalid credentials in Authorization header")
}

/// The token of `Bearer`, or the password of `Basic` as git sends it.
fn token_of(parts: &Parts) -> Result<Option<String>> {
    let Some(value) = parts.headers.get(header::AUTHORIZATION) else { return Ok(None) };
    let value = value.to_str().map_err(|_| invalid())?;
    let (scheme, credentials) = value.split_once(' ').ok_or_else(invalid)?;
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => Ok(Some(credentials.trim().to_owned())),
        "basic" => {
            let bytes =
                base64::Engine::decode(&base64::engine::general_purpose::STANDARD, credentials.trim());
            let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(invalid)?;
            Ok(text.split_once(':').map(|(_, password)| password.to_owned()))
        }
        _ => Err(invalid()),
    }
}

fn find(connection: &Connection, token: &str) -> Result<Option<User>> {
    let mut statement = connection.prepare_cached(
        "SELECT accounts.name, tokens.role, tokens.display_name, tokens.created_at
         FROM tokens JOIN accounts ON accounts.name = tokens.user WHERE tokens.hash = ?1",
    )?;
    let user = statement.query_row([token_hash(token)], |row| {
        let role: String = row.get(1)?;
        Ok(User {
            name: row.get(0)?,
            role: if role == "read" { TokenRole::Read } else { TokenRole::Write },
            token_name: row.get(2)?,
            token_created_at: row.get(3)?,
        })
    });
    Ok(user.optional()?)
}
