//! What happens in discussions and pull requests.
use crate::discussion::{RawAuthor, author_name};
use crate::{DiscussionStatus, timestamp};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Is something that happened in a discussion or pull request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, try_from = "RawEvent")]
#[non_exhaustive]
pub enum DiscussionEvent {
    /// A comment was written.
    Comment(DiscussionComment),
    /// It was closed, opened or merged.
    StatusChange(DiscussionStatusChange),
    /// A commit was added to a pull request.
    Commit(DiscussionCommit),
    /// The title was changed.
    TitleChange(DiscussionTitleChange),
    /// Something else happened.
    Other(DiscussionOtherEvent),
}

/// Reads the same field of any event.
macro_rules! of_any {
    ($event:expr, $field:ident) => {
        match $event {
            DiscussionEvent::Comment(event) => &event.$field,
            DiscussionEvent::StatusChange(event) => &event.$field,
            DiscussionEvent::Commit(event) => &event.$field,
            DiscussionEvent::TitleChange(event) => &event.$field,
            DiscussionEvent::Other(event) => &event.$field,
        }
    };
}

impl DiscussionEvent {
    /// The id of the event.
    pub fn id(&self) -> &str {
        of_any!(self, id)
    }

    /// The kind of the event: `comment`.
    pub fn event_type(&self) -> &str {
        of_any!(self, r#type)
    }

    /// When it happened.
    pub fn created_at(&self) -> DateTime<Utc> {
        *of_any!(self, created_at)
    }

    /// Who did it; `deleted` if the account is gone.
    pub fn author(&self) -> &str {
        of_any!(self, author)
    }
}

/// Declares a kind of event: what all events say, and what this one says.
macro_rules! event {
    ($(#[$meta:meta])* $name:ident $variant:ident { $($(#[$doc:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "RawEvent")]
        #[non_exhaustive]
        pub struct $name {
            /// The id of the event.
            pub id: String,
            /// The kind of the event, as the Hub names it.
            pub r#type: String,
            /// When it happened.
            pub created_at: DateTime<Utc>,
            /// Who did it; `deleted` if the account is gone.
            pub author: String,
            $($(#[$doc])* pub $field: $type,)*
        }

        impl TryFrom<RawEvent> for $name {
            type Error = String;

            fn try_from(raw: RawEvent) -> Result<Self, Self::Error> {
                match DiscussionEvent::try_from(raw)? {
                    DiscussionEvent::$variant(event) => Ok(event),
                    other => Err(format!("the event is a {:?}", other.event_type())),
                }
            }
        }
    };
}

event! {
    /// Is a comment.
    DiscussionComment Comment {
        /// The text, in Markdown; empty if the Hub keeps it back.
        content: String,
        /// Whether it was edited.
        edited: bool,
        /// Whether it was hidden.
        hidden: bool,
        /// The text as HTML.
        rendered: Option<String>,
        /// When it was last edited.
        last_edited_at: Option<DateTime<Utc>>,
        /// Who last edited it.
        last_edited_by: Option<String>,
    }
}

event! {
    /// Says that a discussion was closed, opened or merged.
    DiscussionStatusChange StatusChange {
        /// Whether it is open now.
        new_status: DiscussionStatus,
    }
}

event! {
    /// Is a commit of a pull request.
    DiscussionCommit Commit {
        /// The first line of its message.
        summary: String,
        /// The hash of the commit.
        oid: String,
    }
}

event! {
    /// Says that the title was changed.
    DiscussionTitleChange TitleChange {
        /// The title before.
        old_title: String,
        /// The title now.
        new_title: String,
    }
}

event! {
    /// Is something that this version of the library does not know.
    DiscussionOtherEvent Other {}
}

/// The Hub has what is special to an event in `data`; events that were written have it beside the rest.
#[derive(Deserialize)]
struct RawEvent {
    id: String,
    #[serde(rename = "type")]
    kind: String,
    #[serde(alias = "createdAt", deserialize_with = "timestamp::required")]
    created_at: DateTime<Utc>,
    author: Option<RawAuthor>,
    data: Option<Value>,
    #[serde(flatten)]
    written: serde_json::Map<String, Value>,
}

impl RawEvent {
    /// The value at a place in what the Hub sent, or in what was written.
    fn find(&self, path: &str, name: &str) -> Option<&Value> {
        match &self.data {
            Some(data) => data.pointer(path),
            None => self.written.get(name),
        }
    }

    fn text(&self, path: &str, name: &str) -> Option<String> {
        self.find(path, name)?.as_str().map(str::to_owned)
    }

    fn needed(&self, path: &str, name: &str) -> Result<String, String> {
        self.text(path, name)
            .ok_or_else(|| format!("the event `{}` of type `{}` lacks `{name}`", self.id, self.kind))
    }

    fn flag(&self, name: &str) -> bool {
        self.find(&format!("/{name}"), name).and_then(Value::as_bool).unwrap_or_default()
    }
}

impl TryFrom<RawEvent> for DiscussionEvent {
    type Error = String;

    fn try_from(mut raw: RawEvent) -> Result<Self, Self::Error> {
        let author = author_name(raw.author.take());
        let created_at = raw.created_at;
        Ok(match raw.kind.as_str() {
            "comment" => Self::Comment(DiscussionComment {
                content: raw.text("/latest/raw", "content").unwrap_or_default(),
                edited: raw.flag("edited"),
                hidden: raw.flag("hidden"),
                rendered: raw.text("/latest/html", "rendered"),
                last_edited_at: raw
                    .text("/latest/updatedAt", "last_edited_at")
                    .and_then(|time| crate::parse_datetime(&time).ok()),
                last_edited_by: raw.text("/latest/author/name", "last_edited_by"),
                id: raw.id,
                r#type: raw.kind,
                created_at,
                author,
            }),
            "status-change" => Self::StatusChange(DiscussionStatusChange {
                new_status: raw.needed("/status", "new_status")?.into(),
                id: raw.id,
                r#type: raw.kind,
                created_at,
                author,
            }),
            "commit" => Self::Commit(DiscussionCommit {
                summary: raw.needed("/subject", "summary")?,
                oid: raw.needed("/oid", "oid")?,
                id: raw.id,
                r#type: raw.kind,
                created_at,
                author,
            }),
            "title-change" => Self::TitleChange(DiscussionTitleChange {
                old_title: raw.needed("/from", "old_title")?,
                new_title: raw.needed("/to", "new_title")?,
                id: raw.id,
                r#type: raw.kind,
                created_at,
                author,
            }),
            _ => Self::Other(DiscussionOtherEvent { id: raw.id, r#type: raw.kind, created_at, author }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(kind: &str, data: &Value) -> Value {
        json!({"id": "e1", "type": kind, "createdAt": "2024-01-01T00:00:00.000Z", "author": {"name": "ann"},
            "data": data})
    }

    #[test]
    fn every_kind_of_event_round_trips() {
        let latest = json!({"raw": "hi", "html": "<p>hi</p>", "updatedAt": "2024-01-02T00:00:00.000Z"});
        let events = [
            event("comment", &json!({"edited": true, "hidden": false, "latest": latest})),
            event("status-change", &json!({"status": "closed"})),
            event("commit", &json!({"subject": "Add", "oid": "c1"})),
            event("title-change", &json!({"from": "a", "to": "b"})),
            event("ref-update", &json!({"from": {"ref": "x"}})),
        ];
        let events: Vec<DiscussionEvent> = serde_json::from_value(json!(events)).unwrap();
        let [
            DiscussionEvent::Comment(comment),
            DiscussionEvent::StatusChange(status),
            DiscussionEvent::Commit(commit),
            DiscussionEvent::TitleChange(title),
            DiscussionEvent::Other(other),
        ] = events.as_slice()
        else {
            panic!("{events:?}")
        };
        assert_eq!((comment.content.as_str(), comment.edited, comment.hidden), ("hi", true, false));
        assert_eq!(status.new_status, DiscussionStatus::Closed);
        assert_eq!((commit.summary.as_str(), commit.oid.as_str()), ("Add", "c1"));
        assert_eq!((title.old_title.as_str(), title.new_title.as_str()), ("a", "b"));
        assert_eq!((other.r#type.as_str(), other.author.as_str()), ("ref-update", "ann"));
        let written = serde_json::to_value(&events).unwrap();
        assert_eq!(written[0]["created_at"], "2024-01-01T00:00:00Z");
        assert_eq!(serde_json::from_value::<Vec<DiscussionEvent>>(written).unwrap(), events);
    }

    #[test]
    fn an_event_of_another_kind_is_refused_where_one_kind_is_expected() {
        let json = event("title-change", &json!({"from": "a", "to": "b"}));
        assert!(serde_json::from_value::<DiscussionTitleChange>(json.clone()).is_ok());
        let error = serde_json::from_value::<DiscussionComment>(json).unwrap_err();
        assert!(error.to_string().contains("title-change"), "{error}");
    }

    #[test]
    fn an_event_says_what_it_lacks() {
        let error =
            serde_json::from_value::<DiscussionEvent>(event("commit", &json!({"oid": "c"}))).unwrap_err();
        assert!(error.to_string().contains("`summary`"), "{error}");
    }
}
