//! Sending an object in parts.
use super::batch::MEDIA_TYPE;
use super::{LfsObject, Sender};
use crate::outgoing::{AbortHandle, body, patiently};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hub_api::{Error, ErrorKind, Http, Result};
use hub_http::header::{ACCEPT, ETAG};
use hub_http::{Method, Url, redact_url};
use serde_json::json;
use std::collections::BTreeMap;

/// How many parts of one object are under way at most; all objects together are bound by the connections.
const PARTS_AT_ONCE: usize = super::CONNECTIONS;

/// The parts of an object that have arrived, kept when the addresses of the others have to be renewed.
#[derive(Debug, Default)]
pub(super) struct Arrived {
    complete: Option<Url>,
    etags: BTreeMap<usize, String>,
}

/// Sends the parts that have not arrived, several at once, and has them joined.
pub(super) async fn send(
    sender: &Sender,
    object: &LfsObject,
    arrived: &mut Arrived,
    parts: &[Url],
    part_bytes: u64,
    complete: &Url,
) -> Result<()> {
    // Parts belong to the upload they were sent for: another one begins anew.
    if arrived.complete.as_ref() != Some(complete) {
        *arrived = Arrived { complete: Some(complete.clone()), etags: BTreeMap::new() };
    }
    let missing: Vec<(usize, Url)> =
        parts.iter().cloned().enumerate().filter(|(index, _)| !arrived.etags.contains_key(index)).collect();
    let mut sent = stream::iter(missing)
        .map(|(index, url)| async move {
            let offset = index as u64 * part_bytes;
            let length = part_bytes.min(object.file.size() - offset);
            let etag = send_part(sender, object, &url, offset, length).await?;
            Ok::<_, Error>((index, etag))
        })
        .buffer_unordered(PARTS_AT_ONCE);
    while let Some((index, etag)) = sent.try_next().await? {
        arrived.etags.insert(index, etag);
    }
    drop(sent);
    let completion = completion(complete, &object.oid, arrived.etags.values());
    sender.api.exchange(patiently(sender.api.client(), completion)).await?;
    Ok(())
}

async fn send_part(
    sender: &Sender,
    object: &LfsObject,
    url: &Url,
    offset: u64,
    length: u64,
) -> Result<String> {
    let _permit = sender.connection().await;
    let abort = AbortHandle::default();
    let file = object.file.clone();
    let content = body(&sender.observer, &abort, move |sink| sink.write_part(&file, offset, length));
    let http = Http::url(Method::PUT, url.clone()).without_token().stream(None, Some(length), content);
    let answer = abort.answer(sender.api.client(), http).await?;
    answer.header(ETAG.as_str()).filter(|etag| !etag.is_empty()).map(str::to_owned).ok_or_else(|| {
        let url = redact_url(url);
        Error::new(ErrorKind::Decode, format!("the storage at {url} took a part and gave no ETag for it"))
    })
}

/// The request that joins the parts; joining twice does no harm.
fn completion<'a>(complete: &Url, oid: &str, etags: impl Iterator<Item = &'a String>) -> Http {
    let parts: Vec<_> =
        etags.enumerate().map(|(index, etag)| json!({ "partNumber": index + 1, "etag": etag })).collect();
    let body = json!({ "oid": oid, "parts": parts });
    Http::url(Method::POST, complete.clone())
        .without_token()
        .header(ACCEPT, MEDIA_TYPE)
        .bytes(MEDIA_TYPE, body.to_string())
        .repeatable(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_joined_in_order_and_without_the_token() {
        let url = Url::parse("http://hub.test/complete").unwrap();
        let etags = BTreeMap::from([(1, "\"b\"".to_owned()), (0, "\"a\"".to_owned())]);
        let body =
            r#"{"oid":"aa","parts":[{"etag":"\"a\"","partNumber":1},{"etag":"\"b\"","partNumber":2}]}"#;
        let expected = Http::url(Method::POST, url.clone())
            .without_token()
            .header(ACCEPT, MEDIA_TYPE)
            .bytes(MEDIA_TYPE, body)
            .repeatable(true);
        assert_eq!(completion(&url, "aa", etags.values()), expected);
    }
}
