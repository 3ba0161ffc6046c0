//! Access on request.
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;

/// Says whether access to a repository must be asked for, and who grants it.
///
/// In JSON it is `false` or a text.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Gated {
    /// Access needs no request.
    No,
    /// Requests are granted at once.
    Auto,
    /// Requests are granted by the owners.
    Manual,
    /// Access must be asked for; the Hub did not say who grants it.
    Yes,
    /// A value that this version of the library does not know.
    Other(String),
}

impl Gated {
    /// Whether access must be asked for.
    pub fn is_gated(&self) -> bool {
        *self != Self::No
    }
}

impl From<bool> for Gated {
    fn from(gated: bool) -> Self {
        if gated { Self::Yes } else { Self::No }
    }
}

impl From<&str> for Gated {
    fn from(text: &str) -> Self {
        match text {
            "auto" => Self::Auto,
            "manual" => Self::Manual,
            "false" => Self::No,
            "true" => Self::Yes,
            _ => Self::Other(text.to_owned()),
        }
    }
}

impl fmt::Display for Gated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::No => "false",
            Self::Auto => "auto",
            Self::Manual => "manual",
            Self::Yes => "true",
            Self::Other(text) => text,
        })
    }
}

impl Serialize for Gated {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::No => serializer.serialize_bool(false),
            Self::Yes => serializer.serialize_bool(true),
            text => serializer.collect_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Gated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct GatedVisitor;

        impl de::Visitor<'_> for GatedVisitor {
            type Value = Gated;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("`auto`, `manual` or false")
            }

            fn visit_bool<E: de::Error>(self, gated: bool) -> Result<Gated, E> {
                Ok(gated.into())
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Gated, E> {
                Ok(text.into())
            }
        }

        deserializer.deserialize_any(GatedVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn booleans_and_texts_round_trip() {
        for (json, gated) in [
            ("false", Gated::No),
            ("true", Gated::Yes),
            ("\"auto\"", Gated::Auto),
            ("\"manual\"", Gated::Manual),
            ("\"quiz\"", Gated::Other("quiz".into())),
        ] {
            assert_eq!(serde_json::from_str::<Gated>(json).unwrap(), gated);
            assert_eq!(serde_json::to_string(&gated).unwrap(), json);
        }
    }
}
