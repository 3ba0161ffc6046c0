//! Requests for access to gated repositories.
use crate::lenient::or_default;
use crate::text_enum::text_enum;
use crate::timestamp;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Describes a user's request for access to a gated repository.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawRequest")]
#[non_exhaustive]
pub struct AccessRequest {
    /// The name of the user.
    pub username: String,
    /// The full name of the user.
    pub fullname: String,
    /// The email address; none for users whom the owners let in unasked.
    pub email: Option<String>,
    /// When access was asked for.
    pub timestamp: DateTime<Utc>,
    /// What became of it.
    pub status: AccessRequestStatus,
    /// What the user filled in where the repository asks for more.
    pub fields: Option<Map<String, Value>>,
}

text_enum! {
    /// Says what became of a request for access.
    AccessRequestStatus {
        Pending = "pending",
        Accepted = "accepted",
        Rejected = "rejected",
    }
}

#[derive(Deserialize)]
struct RawRequest {
    user: Option<RawUser>,
    username: Option<String>,
    #[serde(default, deserialize_with = "or_default")]
    fullname: String,
    email: Option<String>,
    #[serde(deserialize_with = "timestamp::required")]
    timestamp: DateTime<Utc>,
    status: AccessRequestStatus,
    fields: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct RawUser {
    user: String,
    #[serde(default, deserialize_with = "or_default")]
    fullname: String,
    email: Option<String>,
}

impl TryFrom<RawRequest> for AccessRequest {
    type Error = &'static str;

    fn try_from(raw: RawRequest) -> Result<Self, Self::Error> {
        let (username, fullname, email) = match (raw.user, raw.username) {
            (Some(user), _) => (user.user, user.fullname, user.email),
            (None, Some(username)) => (username, raw.fullname, raw.email),
            (None, None) => return Err("a request for access lacks `user`"),
        };
        let (timestamp, status, fields) = (raw.timestamp, raw.status, raw.fields);
        Ok(Self { username, fullname, email, timestamp, status, fields })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn requests_round_trip() {
        let json = json!({"user": {"user": "ann", "fullname": "Ann", "email": "ann@example.org"},
            "status": "pending", "timestamp": "2024-01-01T00:00:00.000Z", "fields": {"Age": 33}});
        let request: AccessRequest = serde_json::from_value(json).unwrap();
        assert_eq!((request.username.as_str(), request.status.as_str()), ("ann", "pending"));
        assert_eq!(request.fields.as_ref().unwrap()["Age"], 33);
        let written = serde_json::to_value(&request).unwrap();
        assert_eq!(serde_json::from_value::<AccessRequest>(written).unwrap(), request);
    }

    #[test]
    fn an_empty_form_is_not_a_missing_one() {
        let mut json =
            json!({"user": {"user": "ann"}, "status": "accepted", "timestamp": "2024-01-01T00:00:00Z"});
        assert_eq!(serde_json::from_value::<AccessRequest>(json.clone()).unwrap().fields, None);
        json["fields"] = json!({});
        assert_eq!(serde_json::from_value::<AccessRequest>(json).unwrap().fields, Some(Map::new()));
    }
}
