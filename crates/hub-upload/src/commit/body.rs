//! The body of a commit: lines of JSON, with the content of small files in base64, made while it is sent.
use crate::outgoing::{AbortHandle, Sink, Stop, base64_len, body};
use crate::progress::Observer;
use crate::source::LocalFile;
use hub_http::{BodySource, Http, Idempotency};
use serde_json::{Value, json};
use std::sync::Arc;

/// The media type of the body.
const MEDIA_TYPE: &str = "application/x-ndjson";

/// One line after the first.
#[derive(Debug, Clone)]
pub(crate) enum Line {
    /// A file with its content.
    File { path: String, file: LocalFile },
    /// A file whose content the LFS storage has.
    Lfs { path: String, oid: String, size: Option<u64> },
    /// A file to delete.
    DeletedFile { path: String },
    /// A folder to delete.
    DeletedFolder { path: String },
}

/// The message of a commit and what it does.
#[derive(Debug, Clone)]
pub(crate) struct CommitBody {
    pub(crate) summary: String,
    pub(crate) description: String,
    pub(crate) lines: Arc<Vec<Line>>,
    /// The content that must not have changed when the last byte goes out, beside that of the lines themselves.
    pub(crate) sent_before: Arc<Vec<LocalFile>>,
}

/// A line as JSON, in two halves where content goes between them.
enum Encoded<'a> {
    Whole(String),
    Around { before: &'static str, file: &'a LocalFile, after: String },
}

impl Line {
    fn encode(&self) -> Encoded<'_> {
        let (key, value) = match self {
            Self::File { path, file } => {
                let after = format!("\",\"encoding\":\"base64\",\"path\":{}}}}}\n", json!(path));
                return Encoded::Around {
                    before: "{\"key\":\"file\",\"value\":{\"content\":\"",
                    file,
                    after,
                };
            }
            Self::Lfs { path, oid, size: Some(size) } => {
                ("lfsFile", json!({ "path": path, "algo": "sha256", "oid": oid, "size": size }))
            }
            Self::Lfs { path, oid, size: None } => {
                ("lfsFile", json!({ "path": path, "algo": "sha256", "oid": oid }))
            }
            Self::DeletedFile { path } => ("deletedFile", json!({ "path": path })),
            Self::DeletedFolder { path } => ("deletedFolder", json!({ "path": path })),
        };
        Encoded::Whole(line(key, value))
    }

    fn length(&self) -> u64 {
        match self.encode() {
            Encoded::Whole(line) => line.len() as u64,
            Encoded::Around { before, file, after } => {
                before.len() as u64 + base64_len(file.size()) + after.len() as u64
            }
        }
    }

    fn write(&self, sink: &mut Sink) -> Result<(), Stop> {
        match self.encode() {
            Encoded::Whole(line) => sink.write(line.as_bytes()),
            Encoded::Around { before, file, after } => {
                sink.write(before.as_bytes())?;
                sink.write_base64(file)?;
                sink.write(after.as_bytes())
            }
        }
    }
}

fn line(key: &str, value: Value) -> String {
    format!("{}\n", json!({ "key": key, "value": value }))
}

impl CommitBody {
    fn header(&self, parent: Option<&str>) -> String {
        let mut value = json!({ "summary": self.summary, "description": self.description });
        if let Some(parent) = parent {
            value["parentCommit"] = json!(parent);
        }
        line("header", value)
    }

    /// How many bytes it has.
    pub(crate) fn length(&self, parent: Option<&str>) -> u64 {
        self.header(parent).len() as u64 + self.lines.iter().map(Line::length).sum::<u64>()
    }

    /// Adds the body to the request that makes the commit.
    pub(crate) fn attach(
        &self,
        http: Http,
        parent: Option<&str>,
        observer: &Observer,
        abort: &AbortHandle,
    ) -> Http {
        let length = self.length(parent);
        http.stream(Some(MEDIA_TYPE), Some(length), self.source(parent, observer, abort))
            .idempotency(Idempotency::Unsafe)
    }

    pub(crate) fn source(
        &self,
        parent: Option<&str>,
        observer: &Observer,
        abort: &AbortHandle,
    ) -> BodySource {
        let (header, lines, sent_before) =
            (self.header(parent), self.lines.clone(), self.sent_before.clone());
        body(observer, abort, move |sink| {
            let Some((last, lines)) = lines.split_last() else { return sink.write(header.as_bytes()) };
            sink.write(header.as_bytes())?;
            for line in lines {
                line.write(sink)?;
            }
            // Until the last line is out the Hub has no commit, so this is the last moment to take it back.
            for file in &*sent_before {
                file.check_unchanged()?;
            }
            last.write(sink)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::TryStreamExt as _;

    async fn text(body: &CommitBody, parent: Option<&str>) -> String {
        let source = body.source(parent, &Observer::default(), &AbortHandle::default());
        let bytes: Vec<_> = source.open().try_collect().await.unwrap();
        String::from_utf8(bytes.concat()).unwrap()
    }

    fn body_of(lines: Vec<Line>) -> CommitBody {
        CommitBody {
            summary: "Say \"hi\"".into(),
            description: "a\nb".into(),
            lines: Arc::new(lines),
            sent_before: Arc::default(),
        }
    }

    #[tokio::test]
    async fn lines_are_json_and_the_length_is_known_beforehand() {
        let body = body_of(vec![
            Line::File { path: "a \"b\"/é.txt".into(), file: LocalFile::of_bytes("hello".into()) },
            Line::Lfs { path: "m.bin".into(), oid: "aa".into(), size: Some(7) },
            Line::Lfs { path: "c.bin".into(), oid: "bb".into(), size: None },
            Line::DeletedFile { path: "x".into() },
            Line::DeletedFolder { path: "d/".into() },
            Line::File { path: "empty".into(), file: LocalFile::of_bytes("".into()) },
        ]);
        let text = text(&body, Some("abc12")).await;
        assert_eq!(text.len() as u64, body.length(Some("abc12")));
        let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let expected = [
            json!({"key": "header", "value": {"summary": "Say \"hi\"", "description": "a\nb", "parentCommit": "abc12"}}),
            json!({"key": "file", "value": {"path": "a \"b\"/é.txt", "content": "aGVsbG8=", "encoding": "base64"}}),
            json!({"key": "lfsFile", "value": {"path": "m.bin", "algo": "sha256", "oid": "aa", "size": 7}}),
            json!({"key": "lfsFile", "value": {"path": "c.bin", "algo": "sha256", "oid": "bb"}}),
            json!({"key": "deletedFile", "value": {"path": "x"}}),
            json!({"key": "deletedFolder", "value": {"path": "d/"}}),
            json!({"key": "file", "value": {"path": "empty", "content": "", "encoding": "base64"}}),
        ];
        assert_eq!(lines, expected);
    }

    #[tokio::test]
    async fn content_that_changed_after_it_was_sent_breaks_the_body() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "one").unwrap();
        let sent = LocalFile::measure(file.path().into()).unwrap();
        std::fs::write(file.path(), "other").unwrap();
        let mut body = body_of(vec![Line::Lfs { path: "m".into(), oid: "aa".into(), size: Some(3) }]);
        body.sent_before = Arc::new(vec![sent]);
        let abort = AbortHandle::default();
        let source = body.source(None, &Observer::default(), &abort);
        let result: Result<Vec<_>, _> = source.open().try_collect().await;
        assert!(result.is_err());
    }
}
