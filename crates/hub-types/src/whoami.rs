//! The account that a token belongs to.
use crate::Organization;
use crate::text_enum::text_enum;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::ops::Deref;

/// Describes the account that a token belongs to, and the token.
///
/// It is the Hub's answer untouched; the methods read the parts that are known.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WhoAmI(Map<String, Value>);

impl WhoAmI {
    /// The name of the account.
    pub fn name(&self) -> Option<&str> {
        self.text("name")
    }

    /// The kind of the account: `user`, `org` or `app`.
    pub fn account_type(&self) -> Option<&str> {
        self.text("type")
    }

    /// Whether the token is one of an organization.
    pub fn is_organization(&self) -> bool {
        self.account_type() == Some("org")
    }

    /// The full name.
    pub fn fullname(&self) -> Option<&str> {
        self.text("fullname")
    }

    /// The email address, if the token may see it.
    pub fn email(&self) -> Option<&str> {
        self.text("email")
    }

    /// Whether the account is a paid one.
    pub fn is_pro(&self) -> Option<bool> {
        self.0.get("isPro")?.as_bool()
    }

    /// The organizations that the account belongs to.
    pub fn orgs(&self) -> Vec<Organization> {
        let orgs = self.0.get("orgs").and_then(Value::as_array).into_iter().flatten();
        orgs.filter_map(|org| Organization::deserialize(org).ok()).collect()
    }

    /// What the token may do.
    pub fn token_role(&self) -> Option<TokenRole> {
        Some(self.access_token()?.get("role")?.as_str()?.into())
    }

    /// The name that the user gave the token.
    pub fn token_name(&self) -> Option<&str> {
        self.access_token()?.get("displayName")?.as_str()
    }

    /// The Hub's answer.
    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// Gives the Hub's answer away.
    pub fn into_map(self) -> Map<String, Value> {
        self.0
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    fn access_token(&self) -> Option<&Value> {
        self.0.get("auth")?.get("accessToken")
    }
}

impl Deref for WhoAmI {
    type Target = Map<String, Value>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl From<Map<String, Value>> for WhoAmI {
    fn from(answer: Map<String, Value>) -> Self {
        Self(answer)
    }
}

text_enum! {
    /// Says what a token may do.
    TokenRole {
        /// Read what the account may read.
        Read = "read",
        /// Read and write what the account may.
        Write = "write",
        /// Only what was chosen when the token was made.
        FineGrained = "fineGrained",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_parts_of_the_answer_are_read() {
        let json = json!({"type": "user", "name": "ann", "isPro": false, "odd": [1],
            "orgs": [{"name": "lab", "roleInOrg": "admin"}],
            "auth": {"accessToken": {"displayName": "ci", "role": "fineGrained"}}});
        let me: WhoAmI = serde_json::from_value(json.clone()).unwrap();
        assert_eq!((me.name(), me.is_organization(), me.is_pro()), (Some("ann"), false, Some(false)));
        assert_eq!(me.orgs()[0].name, "lab");
        assert_eq!((me.token_role(), me.token_name()), (Some(TokenRole::FineGrained), Some("ci")));
        assert_eq!(serde_json::to_value(&me).unwrap(), json);
    }

    #[test]
    fn an_answer_may_say_little() {
        let org: WhoAmI = serde_json::from_value(json!({"type": "org", "auth": null})).unwrap();
        assert!(org.is_organization());
        assert_eq!((org.name(), org.token_role(), org.orgs().len()), (None, None, 0));
    }
}
