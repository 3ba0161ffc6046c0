//! The error of a checking constructor.
use std::fmt;

/// Says why a value is not what its type promises, and what would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidArgument {
    message: String,
}

impl InvalidArgument {
    /// Creates the error from its one-line message.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }
}

impl fmt::Display for InvalidArgument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for InvalidArgument {}

/// The text for an error message, without what may be secret: the user name and the password of an address, and a query
/// or a fragment.
///
/// People paste addresses where ids belong, so the text need not be an address for this to matter.
pub(crate) fn without_secrets(text: &str) -> String {
    let end = text.find(['?', '#']).unwrap_or(text.len());
    // Behind `hf://` an `@` is that of a revision.
    let is_uri = text.starts_with("hf://");
    let mut after_slashes = false;
    let segments: Vec<String> = text[..end]
        .split('/')
        .enumerate()
        .map(|(index, segment)| {
            let is_authority = after_slashes && !is_uri;
            after_slashes = segment.is_empty() && index > 0;
            match segment.rsplit_once('@') {
                Some((_, host)) if is_authority => format!("…@{host}"),
                Some((user, host)) if user.contains(':') => {
                    format!("{}:…@{host}", user.split(':').next().unwrap_or_default())
                }
                _ => segment.to_owned(),
            }
        })
        .collect();
    let rest = text[end..].chars().next().map(|mark| format!("{mark}…")).unwrap_or_default();
    segments.join("/") + &rest
}

/// Gives a checked text type `Display`, `FromStr`, `TryFrom`, `AsRef<str>` and serde, all through `parse`.
macro_rules! checked_text {
    ($name:ident) => {
        impl $name {
            /// The text of this value.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
        impl std::str::FromStr for $name {
            type Err = crate::InvalidArgument;
            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::parse(text)
            }
        }
        impl TryFrom<&str> for $name {
            type Error = crate::InvalidArgument;
            fn try_from(text: &str) -> Result<Self, Self::Error> {
                Self::parse(text)
            }
        }
        impl TryFrom<String> for $name {
            type Error = crate::InvalidArgument;
            fn try_from(text: String) -> Result<Self, Self::Error> {
                Self::parse(&text)
            }
        }
        impl From<$name> for String {
            fn from(value: $name) -> String {
                value.0.into()
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use checked_text;

#[cfg(test)]
mod tests {
    use super::without_secrets;

    #[test]
    fn secrets_of_addresses_are_not_repeated() {
        let cases = [
            ("me/it", "me/it"),
            ("me/it@v1", "me/it@v1"),
            ("hf://me/it@v1/a", "hf://me/it@v1/a"),
            ("hf://it@v1", "hf://it@v1"),
            ("git@hf.co:me/it@v1", "git@hf.co:me/it@v1"),
            ("me/it?token=s3cret", "me/it?…"),
            ("me/it#s3cret", "me/it#…"),
            ("https://s3cret@h/a", "https://…@h/a"),
            ("https://u:s3@cret@h/a", "https://…@h/a"),
            ("//s3cret@h:80/a", "//…@h:80/a"),
            ("https:/u:s3cret@h/a", "https:/u:…@h/a"),
            ("u:s3:cret@h/a/b@v1", "u:…@h/a/b@v1"),
            ("hf://u:s3cret@a/b", "hf://u:…@a/b"),
        ];
        for (text, shown) in cases {
            assert_eq!(without_secrets(text), shown);
        }
    }
}
