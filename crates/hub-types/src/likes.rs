//! Repositories that a user likes.
use crate::lenient::or_default;
use crate::timestamp;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Lists the repositories that a user likes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UserLikes {
    /// The name of the user.
    pub user: String,
    /// The number of likes, those of collections and papers too.
    pub total: u64,
    /// The names of the datasets.
    pub datasets: Vec<String>,
    /// The names of the models.
    pub models: Vec<String>,
    /// The names of the Spaces.
    pub spaces: Vec<String>,
}

impl UserLikes {
    /// Sorts the likes of a user by kind, keeping their order.
    pub fn new(user: impl Into<String>, likes: impl IntoIterator<Item = Like>) -> Self {
        let mut sorted = Self { user: user.into(), ..Self::default() };
        for like in likes {
            sorted.total += 1;
            match like.repo.r#type.as_str() {
                "model" => sorted.models.push(like.repo.name),
                "dataset" => sorted.datasets.push(like.repo.name),
                "space" => sorted.spaces.push(like.repo.name),
                _ => {}
            }
        }
        sorted
    }
}

/// Is one like, as the Hub lists them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Like {
    /// When it was given.
    #[serde(rename = "createdAt", default, deserialize_with = "timestamp::optional")]
    pub created_at: Option<DateTime<Utc>>,
    /// What is liked.
    pub repo: LikedRepo,
}

/// Names something that is liked.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LikedRepo {
    /// The name of the repository.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// The kind: `model`, `dataset`, `space`, `collection`.
    #[serde(rename = "type", default, deserialize_with = "or_default")]
    pub r#type: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn likes_are_sorted_and_all_counted() {
        let json = r#"[{"createdAt":"2024-01-01T00:00:00.000Z","repo":{"name":"a/m","type":"model"}},
            {"repo":{"name":"a/s","type":"space"}},{"repo":{"name":"a/c","type":"collection"}}]"#;
        let likes: Vec<Like> = serde_json::from_str(json).unwrap();
        let likes = UserLikes::new("ann", likes);
        assert_eq!((likes.total, likes.datasets.len()), (3, 0));
        assert_eq!((likes.models, likes.spaces), (vec!["a/m".to_owned()], vec!["a/s".to_owned()]));
    }
}
