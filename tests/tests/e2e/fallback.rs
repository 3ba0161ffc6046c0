//! What the cache answers for a Hub that is down or refuses, and what is said about it.
use crate::downloading::{Downloading, REPO};
use hub_api::{ErrorKind, HfApi, Token};
use hub_cache::Downloads as _;
use hub_local::{Fault, Method};
use std::fs;
use std::sync::{Arc, Mutex};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Collects the warnings of the thread that it is set on.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

struct Text<'t>(&'t mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if field.name() == "message" {
            *self.0 = format!("{value:?}");
        }
    }
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }
    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn event(&self, event: &Event<'_>) {
        let mut text = String::new();
        event.record(&mut Text(&mut text));
        self.0.lock().unwrap().push(text);
    }
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

impl Warnings {
    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

async fn hub() -> Downloading {
    Downloading::of(&[("config.json", b"old".to_vec())]).await
}

fn impatient(hub: &Downloading) -> HfApi {
    let mut config = hub.api.config().clone();
    config.retry.max_attempts = 1;
    HfApi::new(config)
}

#[tokio::test]
async fn old_commit_is_used_with_a_warning_when_the_hub_is_down_or_refuses() {
    let hub = hub().await;
    let (warnings, api) = (Warnings::default(), impatient(&hub));
    let path = api.hf_hub_download(REPO, "config.json").await.unwrap();
    let folder = api.snapshot_download(REPO).await.unwrap();
    let commit = folder.file_name().unwrap().to_str().unwrap().to_owned();
    hub.commit(&[("config.json", b"new".to_vec())]).await;
    let _guard = tracing::subscriber::set_default(warnings.clone());
    let told = |why: &str| {
        let told = warnings.take();
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains(&commit) && told[0].contains(why), "{told:?}");
    };
    let unreachable = hub.unreachable();
    assert_eq!(unreachable.hf_hub_download(REPO, "config.json").await.unwrap(), path);
    told("could not connect");
    assert_eq!(unreachable.snapshot_download(REPO).await.unwrap(), folder);
    told("could not connect");
    for status in [503, 500, 401, 403] {
        hub.clear_faults();
        hub.fault(Fault::any("").status(status).body("said why"));
        assert_eq!(api.hf_hub_download(REPO, "config.json").await.unwrap(), path, "{status}");
        told(&status.to_string());
        assert_eq!(api.snapshot_download(REPO).await.unwrap(), folder, "{status}");
        told(&status.to_string());
    }
    hub.clear_faults();
    assert_eq!(hub.offline().hf_hub_download(REPO, "config.json").await.unwrap(), path);
    assert_eq!(warnings.take(), [""; 0], "who is offline knows that");
}

#[tokio::test]
async fn refusals_are_told_as_they_are() {
    let hub = hub().await;
    let api = impatient(&hub);
    for (status, kind) in
        [(403, ErrorKind::Http), (429, ErrorKind::RateLimited), (400, ErrorKind::BadRequest)]
    {
        hub.clear_faults();
        hub.fault(Fault::any("").status(status).body("said why"));
        for error in [
            api.hf_hub_download(REPO, "config.json").await.unwrap_err(),
            api.snapshot_download(REPO).await.unwrap_err(),
            api.hf_hub_download(REPO, "config.json").local_dir(hub.folder()).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), kind, "{error}");
            assert!(!error.to_string().contains("check the connection"), "{error}");
        }
    }
    hub.clear_faults();
    hub.fault(Fault::any("").status(503));
    let error = api.hf_hub_download(REPO, "config.json").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::LocalEntryNotFound);
    assert!(
        error.to_string().contains("503") && !error.to_string().contains("check the connection"),
        "{error}"
    );
}

#[tokio::test]
async fn invalid_token_is_what_the_error_is_about() {
    let hub = hub().await;
    let api = hub.api.with_token(Token::parse("hf_expired").unwrap());
    for error in [
        api.hf_hub_download(REPO, "config.json").await.unwrap_err(),
        api.snapshot_download(REPO).await.unwrap_err(),
    ] {
        assert_eq!(error.status(), Some(401), "{error}");
        assert!(error.to_string().contains("token"), "{error}");
        assert_ne!(error.kind(), ErrorKind::LocalEntryNotFound);
    }
}

#[tokio::test]
async fn answer_that_settles_the_matter_is_not_overridden() {
    let hub = hub().await;
    let path = hub.api.hf_hub_download(REPO, "config.json").await.unwrap();
    assert_eq!(fs::read(path).unwrap(), b"old");
    hub.fault(Fault::on(Method::HEAD, "").status(404).header("x-error-code", "EntryNotFound"));
    let error = hub.api.hf_hub_download(REPO, "config.json").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::EntryNotFound);
}
