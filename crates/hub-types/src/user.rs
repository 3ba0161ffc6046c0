//! Users and organizations.
use crate::lenient::or_default;
use serde::{Deserialize, Serialize};

/// Describes a user.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct User {
    /// The unique name.
    #[serde(alias = "user", default, deserialize_with = "or_default")]
    pub username: String,
    /// The full name.
    #[serde(default, deserialize_with = "or_default")]
    pub fullname: String,
    /// The URL of the picture; may be relative to the Hub.
    #[serde(alias = "avatarUrl", default, deserialize_with = "or_default")]
    pub avatar_url: String,
    /// What the user says of themself.
    pub details: Option<String>,
    /// Whether the caller follows this user.
    #[serde(alias = "isFollowing")]
    pub is_following: Option<bool>,
    /// Whether the account is a paid one.
    #[serde(alias = "isPro")]
    pub is_pro: Option<bool>,
    /// The number of models.
    #[serde(alias = "numModels")]
    pub num_models: Option<u64>,
    /// The number of datasets.
    #[serde(alias = "numDatasets")]
    pub num_datasets: Option<u64>,
    /// The number of Spaces.
    #[serde(alias = "numSpaces")]
    pub num_spaces: Option<u64>,
    /// The number of discussions started.
    #[serde(alias = "numDiscussions")]
    pub num_discussions: Option<u64>,
    /// The number of papers written.
    #[serde(alias = "numPapers")]
    pub num_papers: Option<u64>,
    /// The number of upvotes received.
    #[serde(alias = "numUpvotes")]
    pub num_upvotes: Option<u64>,
    /// The number of likes given.
    #[serde(alias = "numLikes")]
    pub num_likes: Option<u64>,
    /// The number of users followed.
    #[serde(alias = "numFollowing")]
    pub num_following: Option<u64>,
    /// The number of followers.
    #[serde(alias = "numFollowers")]
    pub num_followers: Option<u64>,
    /// The organizations that the user belongs to.
    #[serde(default, deserialize_with = "or_default")]
    pub orgs: Vec<Organization>,
}

impl User {
    /// Creates a description that says the name only.
    pub fn new(username: impl Into<String>) -> Self {
        Self { username: username.into(), ..Self::default() }
    }
}

/// Describes an organization.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Organization {
    /// The URL of the picture; may be relative to the Hub.
    #[serde(alias = "avatarUrl", default, deserialize_with = "or_default")]
    pub avatar_url: String,
    /// The unique name.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// The full name.
    #[serde(default, deserialize_with = "or_default")]
    pub fullname: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn users_round_trip() {
        let json = json!({"user": "ann", "fullname": "Ann", "avatarUrl": "/a.svg", "isPro": true, "numLikes": 3,
            "orgs": [{"name": "lab", "fullname": "Lab", "avatarUrl": "/l.svg"}], "_id": "5"});
        let user: User = serde_json::from_value(json).unwrap();
        assert_eq!((user.username.as_str(), user.num_likes, user.is_following), ("ann", Some(3), None));
        assert_eq!(user.orgs[0].avatar_url, "/l.svg");
        let written = serde_json::to_value(&user).unwrap();
        assert_eq!(serde_json::from_value::<User>(written).unwrap(), user);
    }

    #[test]
    fn what_is_missing_is_empty() {
        for json in [json!({}), json!({"user": null, "fullname": null, "orgs": null})] {
            assert_eq!(serde_json::from_value::<User>(json).unwrap(), User::default());
        }
    }
}
