//! Refusals in the Hub's form: `{"error": …}` with `X-Error-Code` and `X-Error-Message`.
use axum::{
    body::Body,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use hub_types::InvalidArgument;
use serde_json::{Map, Value};
use std::io;

/// The result of a handler.
pub(crate) type Result<T, E = ApiError> = std::result::Result<T, E>;

/// An answer that is not a success, or a redirect to where a moved repository is.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    code: Option<&'static str>,
    message: String,
    fields: Map<String, Value>,
    location: Option<String>,
    commit: Option<String>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, code: None, message: message.into(), fields: Map::new(), location: None, commit: None }
    }

    /// 400 with a message.
    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    /// 401: nobody, or nobody known, asks for what only somebody may have.
    pub(crate) fn unauthorized(message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, message)
    }

    /// 403 with a message.
    pub(crate) fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 404 without a code, for nouns other than repositories.
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    /// 409 with a message.
    pub(crate) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, message)
    }

    /// What is answered for repositories that do not exist or may not be seen, which look the same.
    ///
    /// Nobody gets 401, as on the Hub: a token might help.
    pub(crate) fn repo_not_found(anonymous: bool) -> Self {
        let status = if anonymous { StatusCode::UNAUTHORIZED } else { StatusCode::NOT_FOUND };
        Self::new(status, "Repository not found").code("RepoNotFound")
    }

    pub(crate) fn revision_not_found(revision: &str) -> Self {
        Self::not_found(format!("Invalid rev id: {revision}")).code("RevisionNotFound")
    }

    pub(crate) fn entry_not_found(message: impl Into<String>) -> Self {
        Self::not_found(message).code("EntryNotFound")
    }

    /// 307 to where the same request can be made.
    pub(crate) fn moved(location: String) -> Self {
        let message = format!("Temporary Redirect. Redirecting to {location}");
        Self { location: Some(location), ..Self::new(StatusCode::TEMPORARY_REDIRECT, message) }
    }

    pub(crate) fn code(self, code: &'static str) -> Self {
        Self { code: Some(code), ..self }
    }

    /// Says which commit lacks what was asked for (`X-Repo-Commit`).
    pub(crate) fn of_commit(self, commit: impl ToString) -> Self {
        Self { commit: Some(commit.to_string()), ..self }
    }

    /// Adds a field to the JSON object of the answer.
    pub(crate) fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.fields.insert(name.into(), value.into());
        self
    }

    pub(crate) fn into_message(self) -> String {
        self.message
    }

    fn internal(cause: &dyn std::fmt::Display) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, format!("Internal Error: {cause}"))
    }
}

impl From<rusqlite::Error> for ApiError {
    fn from(cause: rusqlite::Error) -> Self {
        Self::internal(&cause)
    }
}

impl From<git2::Error> for ApiError {
    fn from(cause: git2::Error) -> Self {
        Self::internal(&cause)
    }
}

impl From<io::Error> for ApiError {
    fn from(cause: io::Error) -> Self {
        Self::internal(&cause)
    }
}

impl From<InvalidArgument> for ApiError {
    fn from(cause: InvalidArgument) -> Self {
        Self::bad_request(cause.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut answer = if let Some(location) = self.location {
            let mut answer = Response::new(Body::from(self.message));
            if let Ok(location) = HeaderValue::from_str(&location) {
                answer.headers_mut().insert(header::LOCATION, location);
            }
            answer
        } else {
            let mut object = self.fields;
            object.insert("error".into(), self.message.clone().into());
            let mut answer = json(&Value::Object(object));
            let headers = answer.headers_mut();
            headers.insert("x-error-message", header_text(&self.message));
            if let Some(code) = self.code {
                headers.insert("x-error-code", HeaderValue::from_static(code));
            }
            if let Some(commit) = self.commit {
                headers.insert("x-repo-commit", header_text(&commit));
            }
            answer
        };
        *answer.status_mut() = self.status;
        answer
    }
}

/// A JSON answer.
pub(crate) fn json(value: &impl serde::Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(bytes) => {
            let mut answer = Response::new(Body::from(bytes));
            let kind = HeaderValue::from_static("application/json; charset=utf-8");
            answer.headers_mut().insert(header::CONTENT_TYPE, kind);
            answer
        }
        Err(cause) => ApiError::internal(&cause).into_response(),
    }
}

/// Text made fit for a header: what is not visible ASCII becomes `?`.
pub(crate) fn header_text(text: &str) -> HeaderValue {
    let plain: String = text.chars().map(|c| if (' '..='~').contains(&c) { c } else { '?' }).collect();
    HeaderValue::from_str(&plain).expect("visible ASCII is a valid header value")
}
