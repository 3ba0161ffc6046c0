//! Discussions and events in the form of the API.
use super::Discussion;
use crate::{repos::Repo, social::person, web::Result};
use rusqlite::Connection;
use serde_json::{Value, json};

/// What stands for the text of a comment that was hidden.
const HIDDEN: &str = "This comment has been hidden";

/// What listings say of a discussion.
pub(super) fn discussion(connection: &Connection, repo: &Repo, found: &Discussion) -> Result<Value> {
    let comments: i64 = connection
        .prepare_cached(
            "SELECT COUNT(*) FROM discussion_events WHERE repo = ?1 AND num = ?2 AND type = 'comment'",
        )?
        .query_row((repo.key, found.num), |row| row.get(0))?;
    Ok(json!({
        "num": found.num,
        "author": person(connection, &found.author)?,
        "repo": { "name": repo.id, "type": repo.kind },
        "title": found.title,
        "status": found.status,
        "createdAt": found.created_at,
        "isPullRequest": found.is_pull_request,
        "numComments": comments,
        "pinned": false,
        "locked": false,
    }))
}

/// All events of a discussion, oldest first.
pub(super) fn events(connection: &Connection, repo: &Repo, num: u32) -> Result<Vec<Value>> {
    let mut statement = connection
        .prepare_cached("SELECT id FROM discussion_events WHERE repo = ?1 AND num = ?2 ORDER BY key")?;
    let ids = statement.query_map((repo.key, num), |row| row.get::<_, String>(0))?;
    ids.map(|id| event(connection, &id?)).collect()
}

/// One event.
pub(super) fn event(connection: &Connection, id: &str) -> Result<Value> {
    let mut statement = connection
        .prepare_cached("SELECT type, author, created_at, data FROM discussion_events WHERE id = ?1")?;
    let (kind, author, created_at, data): (String, String, String, String) =
        statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))?;
    let data: Value = serde_json::from_str(&data).unwrap_or_default();
    let author = person(connection, &author)?;
    let data = if kind == "comment" { comment(&data, &author, &created_at) } else { data };
    Ok(json!({ "id": id, "type": kind, "author": author, "createdAt": created_at, "data": data }))
}

/// What is kept of a comment (`content`, `history`, `hidden`, `hiddenBy`) in the form of the API.
fn comment(kept: &Value, author: &Value, created_at: &str) -> Value {
    let history = kept["history"].as_array().cloned().unwrap_or_default();
    let is_hidden = kept["hidden"] == true;
    let raw = if is_hidden { HIDDEN } else { kept["content"].as_str().unwrap_or_default() };
    let version = |raw: &str, at: &Value| json!({ "raw": raw, "html": paragraph(raw), "updatedAt": at, "author": author });
    // An edit writes down when the text before it was written.
    let mut written_at = json!(created_at);
    let mut before = Vec::new();
    for edit in &history {
        before.push(version(edit["content"].as_str().unwrap_or_default(), &written_at));
        written_at = edit["until"].clone();
    }
    let mut data = json!({
        "edited": is_hidden || !before.is_empty(),
        "hidden": is_hidden,
        "latest": version(raw, &written_at),
        "numEdits": before.len(),
        "history": before,
        "reactions": [],
        "isReport": false,
    });
    if is_hidden {
        data["hiddenBy"] = kept["hiddenBy"].clone();
    }
    data
}

/// Text as HTML; what is special in Markdown is shown as it was typed.
fn paragraph(text: &str) -> String {
    let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!("<p>{escaped}</p>")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_version_of_a_comment_has_its_time() {
        let kept = json!({"content": "c", "history": [
            {"content": "a", "until": "t2"}, {"content": "b", "until": "t3"}]});
        let data = comment(&kept, &json!({"name": "ann"}), "t1");
        let versions = [&data["history"][0], &data["history"][1], &data["latest"]];
        assert_eq!(versions.map(|version| version["raw"].as_str().unwrap()), ["a", "b", "c"]);
        assert_eq!(versions.map(|version| version["updatedAt"].as_str().unwrap()), ["t1", "t2", "t3"]);
        assert_eq!((data["edited"].as_bool(), data["numEdits"].as_u64()), (Some(true), Some(2)));
    }

    #[test]
    fn a_hidden_comment_tells_nothing_of_its_text() {
        let data = comment(&json!({"hidden": true, "hiddenBy": "ann"}), &json!({"name": "ann"}), "t1");
        assert_eq!((data["latest"]["raw"].as_str(), data["hidden"].as_bool()), (Some(HIDDEN), Some(true)));
        assert_eq!(paragraph("<b> & co"), "<p>&lt;b&gt; &amp; co</p>");
    }
}
