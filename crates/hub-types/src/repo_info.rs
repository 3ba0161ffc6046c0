//! What is common to the descriptions of models, datasets and Spaces.
use crate::{DatasetInfo, ModelInfo, RepoSibling, RepoType, SpaceInfo};
use chrono::{DateTime, Utc};
use serde::{Serialize, Serializer};

/// Declares the description of a kind of repository.
///
/// Every field but `id` is an option: the Hub sends what was asked for. A field has the name it is written with and
/// the name the Hub gives it; both are read. `as` names a type that reads more forms than the field's own. This is
/// not derived because listings are long: `#[serde(flatten)]` for the unknown fields would copy every one of them
/// twice, and refuse an answer with both names of a field.
macro_rules! repo_info {
    ($(#[$meta:meta])* $name:ident { $($(#[$doc:meta])* $field:ident: $type:ty = $wire:literal $(as $read:ty)?,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            /// The name of the repository: `namespace/name`, or a bare name for canonical ones.
            pub id: String,
            $($(#[$doc])* pub $field: Option<$type>,)*
            /// What else the Hub sent, under its own names.
            pub extra: serde_json::Map<String, serde_json::Value>,
        }

        impl $name {
            /// Creates a description that says the name only.
            pub fn new(id: impl Into<String>) -> Self {
                Self { id: id.into(), ..Self::default() }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                use serde::ser::SerializeMap;
                let mut map = serializer.serialize_map(None)?;
                map.serialize_entry("id", &self.id)?;
                $(if let Some(value) = &self.$field {
                    map.serialize_entry(stringify!($field), value)?;
                })*
                for (name, value) in &self.extra {
                    map.serialize_entry(name, value)?;
                }
                map.end()
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                #[derive(serde::Deserialize)]
                #[serde(field_identifier)]
                #[expect(non_camel_case_types, reason = "the variants are the names of the fields")]
                enum Key {
                    id,
                    $(#[serde(alias = $wire)] $field,)*
                    Other(String),
                }

                struct InfoVisitor;

                impl<'de> serde::de::Visitor<'de> for InfoVisitor {
                    type Value = $name;

                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("the object of a ", stringify!($name)))
                    }

                    fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<$name, A::Error> {
                        let mut info = $name::default();
                        let mut id = None;
                        while let Some(key) = map.next_key::<Key>()? {
                            match key {
                                Key::id => id = Some(map.next_value()?),
                                $(Key::$field => {
                                    let value: Option<$type> = crate::repo_info::repo_info!(@value map $($read)?);
                                    info.$field = value.or(info.$field);
                                })*
                                Key::Other(name) => {
                                    info.extra.insert(name, map.next_value()?);
                                }
                            }
                        }
                        info.id = id.ok_or_else(|| serde::de::Error::missing_field("id"))?;
                        Ok(info)
                    }
                }

                deserializer.deserialize_map(InfoVisitor)
            }
        }
    };
    (@value $map:ident) => { $map.next_value()? };
    (@value $map:ident $read:ty) => { $map.next_value::<$read>()?.0 };
}
pub(crate) use repo_info;

/// Describes a repository of any kind.
///
/// It is written as the description that it holds. What the Hub sends does not say the kind, so it is read with
/// [`RepoInfo::from_json`].
#[derive(Debug, Clone, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "one at a time is handled; a box would be in everybody's way")]
pub enum RepoInfo {
    /// A model.
    Model(ModelInfo),
    /// A dataset.
    Dataset(DatasetInfo),
    /// A Space.
    Space(SpaceInfo),
}

/// Reads the same field of any of the three descriptions.
macro_rules! of_any {
    ($info:expr, $field:ident) => {
        match $info {
            RepoInfo::Model(info) => &info.$field,
            RepoInfo::Dataset(info) => &info.$field,
            RepoInfo::Space(info) => &info.$field,
        }
    };
}

impl RepoInfo {
    /// Reads the description of a repository of a known kind.
    ///
    /// # Errors
    /// The bytes are not JSON, or not the description of a repository.
    pub fn from_json(repo_type: RepoType, json: &[u8]) -> serde_json::Result<Self> {
        Ok(match repo_type {
            RepoType::Model => Self::Model(serde_json::from_slice(json)?),
            RepoType::Dataset => Self::Dataset(serde_json::from_slice(json)?),
            RepoType::Space => Self::Space(serde_json::from_slice(json)?),
        })
    }

    /// The kind of the repository.
    pub fn repo_type(&self) -> RepoType {
        match self {
            Self::Model(_) => RepoType::Model,
            Self::Dataset(_) => RepoType::Dataset,
            Self::Space(_) => RepoType::Space,
        }
    }

    /// The name of the repository.
    pub fn id(&self) -> &str {
        of_any!(self, id)
    }

    /// The hash of the commit that is described.
    pub fn sha(&self) -> Option<&str> {
        of_any!(self, sha).as_deref()
    }

    /// The time of the last commit.
    pub fn last_modified(&self) -> Option<DateTime<Utc>> {
        *of_any!(self, last_modified)
    }

    /// Whether only its owners see the repository.
    pub fn private(&self) -> Option<bool> {
        *of_any!(self, private)
    }

    /// The files of the commit.
    pub fn siblings(&self) -> Option<&[RepoSibling]> {
        of_any!(self, siblings).as_deref()
    }
}

impl Serialize for RepoInfo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Model(info) => info.serialize(serializer),
            Self::Dataset(info) => info.serialize(serializer),
            Self::Space(info) => info.serialize(serializer),
        }
    }
}

impl From<ModelInfo> for RepoInfo {
    fn from(info: ModelInfo) -> Self {
        Self::Model(info)
    }
}

impl From<DatasetInfo> for RepoInfo {
    fn from(info: DatasetInfo) -> Self {
        Self::Dataset(info)
    }
}

impl From<SpaceInfo> for RepoInfo {
    fn from(info: SpaceInfo) -> Self {
        Self::Space(info)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_decides_what_is_read() {
        let json = br#"{"id":"me/it","sha":"s","sdk":"docker","siblings":[{"rfilename":"a"}]}"#;
        let info = RepoInfo::from_json(RepoType::Space, json).unwrap();
        let RepoInfo::Space(space) = &info else { panic!("{info:?}") };
        assert_eq!(space.sdk.as_deref(), Some("docker"));
        assert_eq!((info.id(), info.sha(), info.siblings().unwrap().len()), ("me/it", Some("s"), 1));
        let RepoInfo::Model(model) = RepoInfo::from_json(RepoType::Model, json).unwrap() else { panic!() };
        assert_eq!(model.extra["sdk"], "docker");
    }
}
