//! Sending an object in one request.
use super::batch::Destination;
use super::{LfsObject, Sender};
use crate::outgoing::{AbortHandle, body};
use crate::source::LocalFile;
use hub_api::{Http, Result};
use hub_http::header::HeaderName;
use hub_http::{BodySource, Method};

/// The request that carries an object: the headers are those that the LFS server names, and no token of ours.
fn request(to: &Destination, size: u64, content: BodySource) -> Http {
    let http = Http::url(Method::PUT, to.url.clone()).without_token();
    with_headers(http, &to.headers).stream(None, Some(size), content)
}

/// Adds the headers that the LFS server names, but for those that describe the body, which is described here.
pub(super) fn with_headers(http: Http, headers: &[(String, String)]) -> Http {
    const OURS: [&str; 3] = ["content-length", "transfer-encoding", "host"];
    headers.iter().fold(http, |http, (name, value)| match HeaderName::try_from(name.as_str()) {
        Ok(name) if !OURS.contains(&name.as_str()) => http.header(name, value),
        _ => http,
    })
}

/// Sends an object.
pub(super) async fn send(sender: &Sender, object: &LfsObject, to: &Destination) -> Result<()> {
    let _permit = sender.connection().await;
    let abort = AbortHandle::default();
    let file: LocalFile = object.file.clone();
    let content = body(&sender.observer, &abort, move |sink| sink.write_part(&file, 0, file.size()));
    abort.answer(sender.api.client(), request(to, object.file.size(), content)).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::{StreamExt as _, stream};
    use hub_http::Url;
    use hub_http::header::AUTHORIZATION;

    #[test]
    fn only_the_headers_of_the_answer_go_along() {
        let url = Url::parse("http://storage.test/x?sig=1").unwrap();
        let headers =
            [("Authorization", "Basic abc"), ("X-Thing", "1"), ("Content-Length", "9"), ("no name", "x")];
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let content = BodySource::new(|| stream::empty().boxed());
        let sent = request(&Destination { url: url.clone(), headers }, 3, content.clone());
        let expected = Http::url(Method::PUT, url)
            .without_token()
            .header(AUTHORIZATION, "Basic abc")
            .header(HeaderName::from_static("x-thing"), "1")
            .stream(None, Some(3), content);
        assert_eq!(sent, expected);
    }
}
