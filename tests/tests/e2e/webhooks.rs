//! Webhooks: managed, and called when what they watch changes.
use crate::hub::Hub;
use hub_api::ErrorKind;
use hub_api::types::{RepoType, WebhookDomain, WebhookPayload, WebhookWatchedItem};
use hub_api::webhooks::WebhookSecret;
use hub_local::LocalHub;
use hub_upload::{CommitOperation, Uploads as _};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

const SECRET: &str = "s3cret";

/// A call as it arrived.
struct Call {
    secret: Option<String>,
    body: Vec<u8>,
}

/// Who is called, on a port of its own.
struct Receiver {
    url: String,
    calls: Arc<Mutex<mpsc::Receiver<Call>>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/in?x=1", listener.local_addr().unwrap());
        let (sender, calls) = mpsc::channel();
        // It ends with the process; the next connection may never come.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut reader = BufReader::new(stream.unwrap());
                let (mut line, mut secret, mut length) = (String::new(), None, 0);
                while reader.read_line(&mut line).unwrap() > 2 {
                    let lower = line.trim().to_lowercase();
                    if let Some(value) = lower.strip_prefix("x-webhook-secret: ") {
                        secret = Some(value.to_owned());
                    }
                    if let Some(value) = lower.strip_prefix("content-length: ") {
                        length = value.parse().unwrap();
                    }
                    line.clear();
                }
                let mut body = vec![0; length];
                reader.read_exact(&mut body).unwrap();
                reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
                if sender.send(Call { secret, body }).is_err() {
                    return;
                }
            }
        });
        Self { url, calls: Arc::new(Mutex::new(calls)) }
    }

    /// The next call.
    async fn call(&self) -> Call {
        let calls = self.calls.clone();
        let waiting = move || calls.lock().unwrap().recv_timeout(Duration::from_secs(20));
        tokio::task::spawn_blocking(waiting).await.unwrap().expect("the webhook is called")
    }

    /// The next payload, from a webhook with the secret.
    async fn payload(&self) -> WebhookPayload {
        let call = self.call().await;
        let secret = WebhookSecret::new(SECRET).unwrap();
        secret.read(call.secret.as_deref().map(str::as_bytes), &call.body).unwrap()
    }

    /// What the next payload says happened.
    async fn event(&self) -> String {
        let payload = self.payload().await;
        format!("{} {} {}", payload.event.action, payload.event.scope, payload.repo.name)
    }
}

fn user() -> [WebhookWatchedItem; 1] {
    [WebhookWatchedItem::new("user", "local")]
}

fn model() -> [WebhookWatchedItem; 1] {
    [WebhookWatchedItem::new("model", "local/m")]
}

#[tokio::test]
async fn a_commit_is_told_with_the_secret() {
    let (hub, receiver) = (Hub::start().await, Receiver::start());
    let first = hub.model("local/m", &[("a", "1")]).await;
    let webhook = hub.api.create_webhook(&receiver.url, model()).secret(SECRET).await.unwrap();
    let second = hub.commit("local/m", &[("a", "2")]).await;
    let payload = receiver.payload().await;
    assert_eq!((payload.event.action.as_str(), payload.event.scope.as_str()), ("update", "repo.content"));
    assert_eq!((payload.repo.name.as_str(), payload.repo.r#type), ("local/m", RepoType::Model));
    assert_eq!(payload.repo.head_sha.as_deref(), Some(second.as_str()));
    assert_eq!(payload.repo.url.web, format!("{}/local/m", hub.endpoint()));
    assert_eq!(payload.webhook.id, webhook.id);
    let updated = payload.updated_refs.unwrap();
    let main = updated.iter().find(|updated| updated.r#ref == "refs/heads/main").unwrap();
    assert_eq!(main.old_sha.as_deref(), Some(first.as_str()));
    assert_eq!(main.new_sha.as_deref(), Some(second.as_str()));
}

#[tokio::test]
async fn a_webhook_without_a_secret_sends_none() {
    let (hub, receiver) = (Hub::start().await, Receiver::start());
    hub.model("local/m", &[("a", "1")]).await;
    hub.api.create_webhook(&receiver.url, model()).await.unwrap();
    hub.commit("local/m", &[("a", "2")]).await;
    assert_eq!(receiver.call().await.secret, None);
}

#[tokio::test]
async fn all_that_a_user_has_is_watched() {
    let (hub, receiver) = (Hub::start().await, Receiver::start());
    hub.api.create_webhook(&receiver.url, user()).secret(SECRET).await.unwrap();
    hub.model("local/m", &[("a", "1")]).await;
    hub.api.create_branch("local/m", "dev").await.unwrap();
    hub.api.update_repo_settings("local/m").private(true).await.unwrap();
    hub.api.move_repo("local/m", "local/n").await.unwrap();
    hub.api.delete_repo("local/n").await.unwrap();
    for expected in [
        "create repo local/m",
        "update repo.content local/m",
        "update repo.content local/m",
        "update repo.config local/m",
        "move repo local/m",
        "delete repo local/n",
    ] {
        assert_eq!(receiver.event().await, expected);
    }
}

#[tokio::test]
async fn a_pull_request_is_told_as_a_discussion_and_as_content() {
    let (hub, receiver) = (Hub::start().await, Receiver::start());
    hub.model("local/m", &[("a", "1")]).await;
    hub.api.create_webhook(&receiver.url, model()).secret(SECRET).await.unwrap();
    let change = [CommitOperation::add("b", b"2".to_vec())];
    hub.api.create_commit("local/m", change, "add b").create_pr(true).await.unwrap();
    let content = receiver.payload().await;
    assert_eq!(content.updated_refs.unwrap()[0].r#ref, "refs/pr/1");
    let opened = receiver.payload().await;
    assert_eq!((opened.event.action.as_str(), opened.event.scope.as_str()), ("create", "discussion"));
    let discussion = opened.discussion.unwrap();
    assert_eq!((discussion.num, discussion.title.as_str(), discussion.is_pull_request), (1, "add b", true));
    assert_eq!(discussion.changes.unwrap().base, "refs/heads/main");
}

#[tokio::test]
async fn what_is_said_in_a_discussion_is_told() {
    let (hub, receiver) = (Hub::start().await, Receiver::start());
    hub.model("local/m", &[("a", "1")]).await;
    let webhook = hub.api.create_webhook(&receiver.url, model()).secret(SECRET);
    // As newer clients of the Hub call the domain.
    webhook.domains([WebhookDomain::from("discussion")]).await.unwrap();
    hub.api.create_discussion("local/m", "hello").description("why?").await.unwrap();
    let opened = receiver.payload().await;
    assert_eq!(
        (opened.event.scope.as_str(), opened.discussion.unwrap().title.as_str()),
        ("discussion", "hello")
    );
    assert_eq!(opened.comment.unwrap().content.as_deref(), Some("why?"));
    // Content is another domain.
    hub.commit("local/m", &[("a", "2")]).await;
    hub.api.comment_discussion("local/m", 1u64, "because").await.unwrap();
    let answered = receiver.payload().await;
    assert_eq!(
        (answered.event.action.as_str(), answered.event.scope.as_str()),
        ("create", "discussion.comment")
    );
    assert_eq!(answered.comment.unwrap().content.as_deref(), Some("because"));
    hub.api.rename_discussion("local/m", 1u64, "hello again").await.unwrap();
    let renamed = receiver.payload().await;
    assert_eq!((renamed.event.action.as_str(), renamed.event.scope.as_str()), ("update", "discussion"));
    assert_eq!(renamed.discussion.unwrap().title, "hello again");
}

#[tokio::test]
async fn what_is_not_watched_is_not_told() {
    let (hub, receiver) = (Hub::start().await, Receiver::start());
    hub.model("local/m", &[("a", "1")]).await;
    hub.model("local/other", &[("a", "1")]).await;
    hub.api.create_webhook(&receiver.url, model()).secret(SECRET).await.unwrap();
    hub.commit("local/other", &[("a", "2")]).await;
    hub.api.create_repo("local/m").repo_type(RepoType::Dataset).await.unwrap();
    hub.api.create_tag("local/m", "v1").await.unwrap();
    let payload = receiver.payload().await;
    assert_eq!(payload.updated_refs.unwrap()[0].r#ref, "refs/tags/v1");
}

#[tokio::test]
async fn a_disabled_webhook_is_not_called_until_it_is_enabled() {
    let (hub, receiver) = (Hub::start().await, Receiver::start());
    hub.model("local/m", &[("a", "1")]).await;
    let id = hub.api.create_webhook(&receiver.url, model()).secret(SECRET).await.unwrap().id;
    assert!(hub.api.disable_webhook(&id).await.unwrap().disabled);
    assert!(hub.api.get_webhook(&id).await.unwrap().disabled);
    hub.api.create_tag("local/m", "unheard").await.unwrap();
    assert!(!hub.api.enable_webhook(&id).await.unwrap().disabled);
    hub.api.create_tag("local/m", "heard").await.unwrap();
    assert_eq!(receiver.payload().await.updated_refs.unwrap()[0].r#ref, "refs/tags/heard");
}

#[tokio::test]
async fn an_update_changes_who_is_called_and_for_what() {
    let (hub, before, after) = (Hub::start().await, Receiver::start(), Receiver::start());
    hub.model("local/m", &[("a", "1")]).await;
    let webhook = hub.api.create_webhook(&before.url, model()).secret("old").await.unwrap();
    let update = hub.api.update_webhook(&webhook.id).url(&after.url).secret(SECRET);
    let updated = update.watched(user()).domains([WebhookDomain::Repo]).await.unwrap();
    assert_eq!((updated.url.as_deref(), &updated.watched[..]), (Some(after.url.as_str()), &user()[..]));
    assert_eq!(hub.api.list_webhooks().await.unwrap(), [updated]);
    hub.api.create_repo("local/new").await.unwrap();
    assert_eq!(after.event().await, "create repo local/new");
    let emptied = hub.api.update_webhook(&webhook.id).await.unwrap();
    assert_eq!((emptied.watched, emptied.domains), (vec![], vec![WebhookDomain::Repo]));
}

#[tokio::test]
async fn a_deleted_webhook_is_gone() {
    let (hub, receiver) = (Hub::start().await, Receiver::start());
    let id = hub.api.create_webhook(&receiver.url, user()).await.unwrap().id;
    hub.api.delete_webhook(&id).await.unwrap();
    assert_eq!(hub.api.list_webhooks().await.unwrap(), []);
    assert_eq!(hub.api.get_webhook(&id).await.unwrap_err().status(), Some(404));
    assert_eq!(hub.api.delete_webhook(&id).await.unwrap_err().status(), Some(404));
}

#[tokio::test]
async fn webhooks_of_others_are_theirs() {
    let (hub, receiver) = (Hub::start().await, Receiver::start());
    let id = hub.api.create_webhook(&receiver.url, user()).await.unwrap().id;
    let ann = hub.other("ann").await;
    assert_eq!(ann.list_webhooks().await.unwrap(), []);
    assert_eq!(ann.delete_webhook(&id).await.unwrap_err().status(), Some(404));
    assert_eq!(hub.stranger().list_webhooks().await.unwrap_err().status(), Some(401));
}

#[tokio::test]
async fn only_what_exists_can_be_watched() {
    let hub = Hub::start().await;
    for (kind, name) in
        [("user", "nobody"), ("org", "local"), ("model", "local/nope"), ("model", ".."), ("rock", "local")]
    {
        let request = hub.api.create_webhook("http://127.0.0.1:1/", [WebhookWatchedItem::new(kind, name)]);
        assert_eq!(request.await.unwrap_err().kind(), ErrorKind::BadRequest, "{kind} {name}");
    }
    let error = hub.api.create_webhook("no url", user()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest);
    assert_eq!(hub.api.list_webhooks().await.unwrap(), []);
}

#[tokio::test]
async fn webhooks_are_called_after_a_restart_too() {
    let (folder, receiver) = (tempfile::tempdir().unwrap(), Receiver::start());
    let builder = || LocalHub::builder().data_dir(folder.path()).token("hf_kept");
    let hub = Hub::of(builder()).await;
    hub.model("local/m", &[("a", "1")]).await;
    let webhook = hub.api.create_webhook(&receiver.url, model()).secret(SECRET).await.unwrap();
    drop(hub);
    let hub = Hub::of(builder()).await;
    assert_eq!(hub.api.list_webhooks().await.unwrap(), [webhook]);
    hub.commit("local/m", &[("a", "2")]).await;
    assert_eq!(receiver.event().await, "update repo.content local/m");
}

#[tokio::test]
async fn a_webhook_is_read_as_it_was_made() {
    let (hub, receiver) = (Hub::start().await, Receiver::start());
    hub.model("local/m", &[("a", "1")]).await;
    let create = hub.api.create_webhook(&receiver.url, model()).domains([WebhookDomain::Discussions]);
    let made = create.secret(SECRET).await.unwrap();
    hub.api.create_webhook(&receiver.url, user()).await.unwrap();
    let read = hub.api.get_webhook(&made.id).await.unwrap();
    assert_eq!((read.url.as_deref(), &read.watched[..]), (Some(receiver.url.as_str()), &model()[..]));
    assert_eq!((read.domains, read.disabled), (vec![WebhookDomain::Discussions], false));
}
