//! Asking the LFS server where objects go.
use crate::place::Place;
use hub_api::{Error, ErrorKind, Http, Result};
use hub_http::Url;
use hub_http::header::ACCEPT;
use hub_types::DEFAULT_ENDPOINT;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::HashMap;

/// The media type of the LFS protocol.
pub(crate) const MEDIA_TYPE: &str = "application/vnd.git-lfs+json";

/// How many objects are asked about at once.
pub(crate) const MAX_OBJECTS: usize = 100;

/// The request that tells for each object whether and where to send it.
pub(crate) fn request<'a>(place: &Place, objects: impl IntoIterator<Item = (&'a str, u64)>) -> Http {
    let objects: Vec<_> =
        objects.into_iter().map(|(oid, size)| json!({ "oid": oid, "size": size })).collect();
    let mut body = json!({
        "operation": "upload",
        "transfers": ["basic", "multipart"],
        "objects": objects,
        "hash_algo": "sha256",
    });
    // Whoever may read may open a pull request, so the right to write to its target is not asked about.
    if !place.create_pr {
        body["ref"] = json!({ "name": place.revision });
    }
    place.lfs("objects/batch").header(ACCEPT, MEDIA_TYPE).bytes(MEDIA_TYPE, body.to_string()).repeatable(true)
}

/// What the LFS server says about objects.
#[derive(Debug, Deserialize)]
pub(crate) struct Answer {
    objects: Vec<Object>,
}

#[derive(Debug, Deserialize)]
struct Object {
    oid: String,
    actions: Option<Actions>,
    error: Option<Refusal>,
}

#[derive(Debug, Deserialize)]
struct Actions {
    upload: Option<Action>,
    verify: Option<Action>,
}

/// A request that the server asks for.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Action {
    href: String,
    header: Option<Map<String, Value>>,
}

#[derive(Debug, Clone, Deserialize)]
struct Refusal {
    code: Option<i64>,
    message: Option<String>,
}

/// How an object is to be sent.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Instructions {
    /// How the content goes.
    pub(crate) transfer: Transfer,
    /// Where to ask afterwards whether it arrived.
    pub(crate) verify: Option<Destination>,
}

/// How the content of an object goes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Transfer {
    /// In one request.
    Basic(Destination),
    /// In parts of equal size but for the last, and a request that joins them.
    Multipart {
        /// Where the parts go, in order.
        parts: Vec<Url>,
        /// The size of a part.
        part_bytes: u64,
        /// Where they are joined.
        complete: Url,
    },
}

/// A URL with the headers to send there.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Destination {
    pub(crate) url: Url,
    pub(crate) headers: Vec<(String, String)>,
}

impl Answer {
    /// Parts the answer by object: instructions, or none if the server has the object already.
    pub(crate) fn into_instructions(
        self,
        endpoint: &str,
        wanted: &[(&str, u64)],
    ) -> Result<Vec<Option<Instructions>>> {
        let mut told: HashMap<String, Object> =
            self.objects.into_iter().map(|object| (object.oid.clone(), object)).collect();
        let find = |&(oid, size): &(&str, u64)| {
            let Some(object) = told.remove(oid) else {
                return Err(unusable(oid, "it is not mentioned"));
            };
            if let Some(Refusal { code, message }) = object.error {
                let message = message.unwrap_or_else(|| "no reason is given".to_owned());
                let code = code.map(|code| format!(" (code {code})")).unwrap_or_default();
                return Err(Error::new(
                    ErrorKind::Http,
                    format!("the Hub refuses the LFS object {oid}: {message}{code}"),
                ));
            }
            let Some(Actions { upload: Some(upload), verify }) = object.actions else { return Ok(None) };
            Ok(Some(Instructions {
                transfer: upload.into_transfer(endpoint, oid, size)?,
                verify: verify.map(|verify| verify.into_destination(endpoint, oid)).transpose()?,
            }))
        };
        wanted.iter().map(find).collect()
    }
}

impl Action {
    fn url(&self, endpoint: &str, oid: &str) -> Result<Url> {
        parse_url(&self.href, endpoint).ok_or_else(|| unusable(oid, "an address in it is no URL"))
    }

    fn into_destination(self, endpoint: &str, oid: &str) -> Result<Destination> {
        let url = self.url(endpoint, oid)?;
        let headers = self.header.unwrap_or_default();
        Ok(Destination {
            url,
            headers: headers.into_iter().map(|(name, value)| (name, text(value))).collect(),
        })
    }

    /// The Hub tells the size and the addresses of parts as if they were headers.
    fn into_transfer(self, endpoint: &str, oid: &str, size: u64) -> Result<Transfer> {
        let headers = self.header.as_ref();
        let Some(part_bytes) = headers.and_then(|headers| headers.get("chunk_size")).cloned().map(text)
        else {
            return Ok(Transfer::Basic(self.into_destination(endpoint, oid)?));
        };
        let part_bytes = part_bytes
            .parse::<u64>()
            .ok()
            .filter(|bytes| *bytes > 0)
            .ok_or_else(|| unusable(oid, &format!("its chunk_size is {part_bytes:?}")))?;
        let numbered = headers.into_iter().flatten().filter_map(|(name, value)| {
            let digits = !name.is_empty() && name.bytes().all(|c| c.is_ascii_digit());
            Some((name.parse::<u64>().ok().filter(|_| digits)?, value.as_str()?))
        });
        let mut numbered: Vec<_> = numbered.collect();
        numbered.sort_unstable_by_key(|(number, _)| *number);
        let needed = size.div_ceil(part_bytes);
        if numbered.len() as u64 != needed {
            return Err(unusable(oid, &format!("it has {} parts, not {needed}", numbered.len())));
        }
        let parts = numbered
            .into_iter()
            .map(|(_, href)| parse_url(href, endpoint))
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| unusable(oid, "the address of a part is no URL"))?;
        Ok(Transfer::Multipart { parts, part_bytes, complete: self.url(endpoint, oid)? })
    }
}

/// Reads an address; one at the public Hub is meant for the mirror that is in use.
fn parse_url(href: &str, endpoint: &str) -> Option<Url> {
    let at_hub = href.strip_prefix(DEFAULT_ENDPOINT).filter(|rest| rest.starts_with('/'));
    let url = match at_hub {
        Some(rest) => Url::parse(&format!("{endpoint}{rest}")),
        None => Url::parse(href),
    };
    url.ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

fn unusable(oid: &str, why: &str) -> Error {
    Error::new(ErrorKind::Decode, format!("the LFS server's answer about object {oid} is unusable: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_types::RepoType;

    const ENDPOINT: &str = "http://hub.test";

    fn read(object: Value) -> Result<Option<Instructions>> {
        let answer: Answer = serde_json::from_value(json!({ "objects": [object] })).unwrap();
        Ok(answer.into_instructions(ENDPOINT, &[("aa", 25)])?.remove(0))
    }

    #[test]
    fn the_branch_is_named_unless_a_pull_request_is_made() {
        let place = |create_pr| {
            let revision = "refs/pr/1".into();
            Place::new(Some(RepoType::Dataset), &"me/it".into(), Some(&revision), Some(create_pr)).unwrap()
        };
        let sent = |place: &Place| {
            let http = request(place, [("aa", 25)]);
            assert_eq!(http.idempotency, hub_http::Idempotency::Safe);
            let hub_http::RequestBody::Bytes { content_type, bytes } = http.body else { panic!() };
            assert_eq!(content_type, MEDIA_TYPE);
            serde_json::from_slice::<Value>(&bytes).unwrap()
        };
        let expected = json!({"operation": "upload", "transfers": ["basic", "multipart"], "hash_algo": "sha256",
            "objects": [{"oid": "aa", "size": 25}], "ref": {"name": "refs/pr/1"}});
        assert_eq!(sent(&place(false)), expected);
        assert_eq!(sent(&place(true)).get("ref"), None);
    }

    #[test]
    fn an_object_without_actions_is_there() {
        assert_eq!(read(json!({"oid": "aa", "size": 25})).unwrap(), None);
        assert_eq!(read(json!({"oid": "aa", "size": 25, "actions": null})).unwrap(), None);
    }

    #[test]
    fn parts_are_sent_in_the_order_of_their_numbers() {
        let header = json!({"chunk_size": "10", "10": "http://s.test/c", "2": "http://s.test/b", "00001": "http://s.test/a"});
        let upload = json!({"href": "https://huggingface.co/complete?x=1", "header": header});
        let told = read(json!({"oid": "aa", "actions": {"upload": upload}})).unwrap().unwrap();
        let Transfer::Multipart { parts, part_bytes, complete } = told.transfer else { panic!() };
        let parts: Vec<_> = parts.iter().map(Url::as_str).collect();
        assert_eq!(parts, ["http://s.test/a", "http://s.test/b", "http://s.test/c"]);
        assert_eq!((part_bytes, complete.as_str()), (10, "http://hub.test/complete?x=1"));
    }

    #[test]
    fn answers_that_cannot_be_followed_are_refused() {
        let parts = |header: Value| json!({"oid": "aa", "actions": {"upload": {"href": "http://s.test/", "header": header}}});
        for wrong in [
            json!({"oid": "bb"}),
            json!({"oid": "aa", "actions": {"upload": {"href": "/relative"}}}),
            json!({"oid": "aa", "actions": {"upload": {"href": "file:///etc/passwd"}}}),
            parts(json!({"chunk_size": "0", "1": "http://s.test/a"})),
            parts(json!({"chunk_size": "x"})),
            parts(json!({"chunk_size": 10, "1": "http://s.test/a", "2": "http://s.test/b"})),
        ] {
            assert_eq!(read(wrong.clone()).unwrap_err().kind(), ErrorKind::Decode, "{wrong}");
        }
    }

    #[test]
    fn a_refused_object_says_why() {
        let error =
            read(json!({"oid": "aa", "error": {"code": 507, "message": "out of storage"}})).unwrap_err();
        assert!(error.to_string().contains("out of storage (code 507)"), "{error}");
    }
}
