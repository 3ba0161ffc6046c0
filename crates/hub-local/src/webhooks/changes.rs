//! What happened to a repository, told from how it looked before and after; and how that is told to webhooks.
use super::snapshot::{Comment, Discussion, Snapshot};
use hub_types::WebhookDomain;
use serde_json::{Map, Value, json};

/// One thing that happened.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Change {
    action: &'static str,
    scope: &'static str,
    /// How the repository looked then.
    repo: Snapshot,
    /// What the payload has beside event and repository.
    more: Map<String, Value>,
}

/// All that happened between two looks, in the order in which it is told.
pub(super) fn between(before: Option<&Snapshot>, after: Option<&Snapshot>, endpoint: &str) -> Vec<Change> {
    let simple = |action, repo: &Snapshot| vec![Change::new(action, "repo", repo)];
    match (before, after) {
        (None, None) => Vec::new(),
        (None, Some(after)) => simple("create", after),
        (Some(before), None) => simple("delete", before),
        (Some(before), Some(after)) => {
            let mut changes = about_repo(before, after);
            changes.extend(about_discussions(before, after, endpoint));
            changes
        }
    }
}

fn about_repo(before: &Snapshot, after: &Snapshot) -> Vec<Change> {
    let mut changes = Vec::new();
    if before.id != after.id {
        let moved_to = json!({ "name": after.id, "owner": { "id": after.owner_oid } });
        changes.push(Change::new("move", "repo", before).with("movedTo", moved_to));
    }
    if (before.private, &before.gated) != (after.private, &after.gated) {
        let config = json!({ "private": after.private, "gated": after.gated });
        changes.push(Change::new("update", "repo.config", after).with("updatedConfig", config));
    }
    let updated = |name: &String| {
        let (old, new) = (before.references.get(name), after.references.get(name));
        (old != new).then(|| json!({ "ref": name, "oldSha": old, "newSha": new }))
    };
    let gone = before.references.keys().filter(|name| !after.references.contains_key(*name));
    let references: Vec<Value> = after.references.keys().chain(gone).filter_map(updated).collect();
    if !references.is_empty() {
        let change = Change::new("update", "repo.content", after);
        changes.push(change.with("updatedRefs", references.into()));
    }
    changes
}

fn about_discussions(before: &Snapshot, after: &Snapshot, endpoint: &str) -> Vec<Change> {
    let mut changes = Vec::new();
    for (&num, now) in &after.discussions {
        let tell = |action, scope, comment: Option<&Comment>| {
            let change = Change::new(action, scope, after);
            let change = change.with("discussion", describe(after, num, now, endpoint));
            match comment {
                Some(comment) => change.with("comment", describe_comment(after, num, comment, endpoint)),
                None => change,
            }
        };
        let Some(then) = before.discussions.get(&num) else {
            // The text that a discussion is opened with is told along with it.
            let mut comments = now.comments.values();
            changes.push(tell("create", "discussion", comments.next()));
            changes.extend(comments.map(|comment| tell("create", "discussion.comment", Some(comment))));
            continue;
        };
        if (&then.title, &then.status, &then.merge_commit) != (&now.title, &now.status, &now.merge_commit) {
            changes.push(tell("update", "discussion", None));
        }
        for (key, comment) in &now.comments {
            let action = match then.comments.get(key) {
                None => "create",
                Some(known) if known != comment => "update",
                Some(_) => continue,
            };
            changes.push(tell(action, "discussion.comment", Some(comment)));
        }
    }
    let gone = before.discussions.iter().filter(|(num, _)| !after.discussions.contains_key(num));
    changes.extend(gone.map(|(&num, then)| {
        Change::new("delete", "discussion", after).with("discussion", describe(after, num, then, endpoint))
    }));
    changes
}

impl Change {
    fn new(action: &'static str, scope: &'static str, repo: &Snapshot) -> Self {
        Self { action, scope, repo: repo.clone(), more: Map::new() }
    }

    fn with(mut self, name: &str, value: Value) -> Self {
        self.more.insert(name.to_owned(), value);
        self
    }

    /// Which webhooks are to hear of it.
    pub(super) fn domain(&self) -> WebhookDomain {
        if self.scope.starts_with("discussion") { WebhookDomain::Discussions } else { WebhookDomain::Repo }
    }

    /// What a webhook is sent.
    pub(super) fn payload(&self, webhook: &str, endpoint: &str) -> Value {
        let mut payload = self.more.clone();
        payload.insert("event".into(), json!({ "action": self.action, "scope": self.scope }));
        payload.insert("repo".into(), describe_repo(&self.repo, endpoint));
        payload.insert("webhook".into(), json!({ "id": webhook, "version": 3 }));
        Value::Object(payload)
    }
}

fn describe_repo(repo: &Snapshot, endpoint: &str) -> Value {
    let mut object = json!({
        "type": repo.kind,
        "name": repo.id,
        "id": repo.oid,
        "private": repo.private,
        "owner": { "id": id_or_nobody(repo.owner_oid.as_deref()) },
        "tags": repo.tags,
        "url": { "web": page(repo, endpoint), "api": api(repo, endpoint) },
    });
    if let Some(head) = repo.references.get("refs/heads/main") {
        object["headSha"] = head.clone().into();
    }
    object
}

fn describe(repo: &Snapshot, num: u32, discussion: &Discussion, endpoint: &str) -> Value {
    let mut object = json!({
        // Discussions have only numbers here; the id is made of what it belongs to.
        "id": format!("{:.16}{num:08x}", repo.oid),
        "num": num,
        "title": discussion.title,
        "status": discussion.status,
        "author": { "id": id_or_nobody(discussion.author_oid.as_deref()) },
        "isPullRequest": discussion.is_pull_request,
        "url": {
            "web": format!("{}/discussions/{num}", page(repo, endpoint)),
            "api": format!("{}/discussions/{num}", api(repo, endpoint)),
        },
    });
    if discussion.is_pull_request {
        let target = discussion.target_branch.as_deref().unwrap_or("main");
        let base =
            if target.starts_with("refs/") { target.to_owned() } else { format!("refs/heads/{target}") };
        object["changes"] = json!({ "base": base });
        if let Some(commit) = &discussion.merge_commit {
            object["changes"]["mergeCommitId"] = commit.clone().into();
        }
    }
    object
}

fn describe_comment(repo: &Snapshot, num: u32, comment: &Comment, endpoint: &str) -> Value {
    let hidden = comment.data.get("hidden").and_then(Value::as_bool).unwrap_or_default();
    let mut object = json!({
        "id": comment.id,
        "author": { "id": id_or_nobody(comment.author_oid.as_deref()) },
        "hidden": hidden,
        "url": { "web": format!("{}/discussions/{num}#{}", page(repo, endpoint), comment.id) },
    });
    if let Some(content) = comment.data.get("content").filter(|_| !hidden) {
        object["content"] = content.clone();
    }
    object
}

fn id_or_nobody(oid: Option<&str>) -> &str {
    oid.unwrap_or("000000000000000000000000")
}

fn page(repo: &Snapshot, endpoint: &str) -> String {
    format!("{endpoint}/{}{}", repo.kind.url_prefix(), repo.id)
}

fn api(repo: &Snapshot, endpoint: &str) -> String {
    format!("{endpoint}/api/{}/{}", repo.kind.plural(), repo.id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_types::{RepoType, WebhookPayload};
    use std::collections::BTreeMap;

    const HUB: &str = "http://hub.test";

    fn repo() -> Snapshot {
        Snapshot {
            oid: "0123456789abcdef01234567".into(),
            kind: RepoType::Dataset,
            id: "me/data".into(),
            owner: "me".into(),
            owner_oid: Some("u1".into()),
            private: false,
            gated: None,
            tags: json!(["a"]),
            references: BTreeMap::from([("refs/heads/main".into(), "c1".into())]),
            discussions: BTreeMap::new(),
        }
    }

    fn discussion(comments: &[(i64, &str)]) -> Discussion {
        let comment = |text: &str| Comment {
            id: format!("m{text}"),
            author_oid: None,
            data: json!({ "content": text }),
        };
        Discussion {
            title: "t".into(),
            status: "open".into(),
            author: "you".into(),
            author_oid: Some("u2".into()),
            is_pull_request: false,
            target_branch: None,
            merge_commit: None,
            comments: comments.iter().map(|(key, text)| (*key, comment(text))).collect(),
        }
    }

    /// What is told, each as it is read at the other end.
    fn told(before: Option<&Snapshot>, after: Option<&Snapshot>) -> Vec<WebhookPayload> {
        let changes = between(before, after, HUB);
        let read = |change: &Change| serde_json::from_value(change.payload("w1", HUB)).unwrap();
        changes.iter().map(read).collect()
    }

    fn events(payloads: &[WebhookPayload]) -> Vec<String> {
        payloads.iter().map(|payload| format!("{} {}", payload.event.action, payload.event.scope)).collect()
    }

    #[test]
    fn nothing_happened_to_what_looks_the_same() {
        assert_eq!(told(Some(&repo()), Some(&repo())), []);
    }

    #[test]
    fn repositories_come_go_move_and_hide() {
        assert_eq!(events(&told(None, Some(&repo()))), ["create repo"]);
        assert_eq!(events(&told(Some(&repo()), None)), ["delete repo"]);
        let moved = Snapshot { id: "lab/data".into(), private: true, ..repo() };
        let payloads = told(Some(&repo()), Some(&moved));
        assert_eq!(events(&payloads), ["move repo", "update repo.config"]);
        assert_eq!(payloads[0].repo.name, "me/data");
        assert_eq!(payloads[0].moved_to.as_ref().unwrap().name, "lab/data");
    }

    #[test]
    fn references_that_moved_came_or_went_are_named() {
        let mut before = repo();
        before.references.insert("refs/heads/old".into(), "c0".into());
        let mut after = repo();
        after.references.insert("refs/heads/main".into(), "c2".into());
        after.references.insert("refs/tags/v1".into(), "c2".into());
        let payloads = told(Some(&before), Some(&after));
        assert_eq!(events(&payloads), ["update repo.content"]);
        assert_eq!(payloads[0].repo.head_sha.as_deref(), Some("c2"));
        let references: Vec<_> = payloads[0].updated_refs.as_ref().unwrap().iter().collect();
        let told = |name: &str| {
            let found = references.iter().find(|updated| updated.r#ref == name).unwrap();
            (found.old_sha.as_deref(), found.new_sha.as_deref())
        };
        assert_eq!(told("refs/heads/main"), (Some("c1"), Some("c2")));
        assert_eq!(told("refs/tags/v1"), (None, Some("c2")));
        assert_eq!(told("refs/heads/old"), (Some("c0"), None));
    }

    #[test]
    fn a_discussion_is_told_with_its_first_comment() {
        let mut after = repo();
        after.discussions.insert(3, discussion(&[(10, "a"), (11, "b")]));
        let payloads = told(Some(&repo()), Some(&after));
        assert_eq!(events(&payloads), ["create discussion", "create discussion.comment"]);
        let told = payloads[0].discussion.as_ref().unwrap();
        assert_eq!((told.num, told.author.id.as_str()), (3, "u2"));
        let contents = payloads.iter().map(|payload| payload.comment.as_ref().unwrap().content.as_deref());
        assert_eq!(contents.collect::<Vec<_>>(), [Some("a"), Some("b")]);
        assert!(payloads.iter().all(|payload| payload.webhook.id == "w1"));
    }

    #[test]
    fn what_happens_in_a_discussion_is_told() {
        let (mut before, mut after) = (repo(), repo());
        before.discussions.insert(1, discussion(&[(10, "a")]));
        let mut later = discussion(&[(10, "a"), (12, "c")]);
        later.status = "closed".into();
        later.comments.get_mut(&10).unwrap().data = json!({ "content": "a", "hidden": true });
        after.discussions.insert(1, later);
        let payloads = told(Some(&before), Some(&after));
        let expected = ["update discussion", "update discussion.comment", "create discussion.comment"];
        assert_eq!(events(&payloads), expected);
        let hidden = payloads[1].comment.as_ref().unwrap();
        assert_eq!((hidden.hidden, &hidden.content), (true, &None));
    }

    #[test]
    fn a_pull_request_says_what_it_changes() {
        let mut after = repo();
        let mut pull_request = discussion(&[]);
        pull_request.is_pull_request = true;
        pull_request.target_branch = Some("main".into());
        pull_request.merge_commit = Some("c9".into());
        after.discussions.insert(1, pull_request);
        let payloads = told(Some(&repo()), Some(&after));
        let changes = payloads[0].discussion.as_ref().unwrap().changes.as_ref().unwrap();
        assert_eq!(
            (changes.base.as_str(), changes.merge_commit_id.as_deref()),
            ("refs/heads/main", Some("c9"))
        );
    }
}
