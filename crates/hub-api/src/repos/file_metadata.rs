//! What the head of a file's URL says: where the file is, and which content it has.
use crate::macros::endpoint;
use crate::types::HfFileMetadata;
use crate::{Answer, Endpoint, Error, ErrorKind, HfApi, Http, Result};
use hub_http::header::{CONTENT_LENGTH, ETAG, HeaderMap, LOCATION};
use hub_http::{Method, Purpose, Redirects, Url, redact_url};
use hub_types::InvalidArgument;
use std::str::FromStr;

endpoint! {
    /// Tells where a file is and which content it has, without getting it.
    ///
    /// Redirects that stay at the host are followed (a renamed repository); one to another host, such as that of the
    /// LFS content, is the location that is returned. The token is sent to the Hub only, whatever the URL.
    /// `HEAD {url}`.
    ///
    /// # Errors
    /// `InvalidArgument` if the URL is none; `RepositoryNotFound`, `RevisionNotFound`, `EntryNotFound`, `GatedRepo`;
    /// `FileMetadata` if the commit or the ETag is not one.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let url = "https://huggingface.co/openai-community/gpt2/resolve/main/model.safetensors";
    /// let file = api.get_hf_file_metadata(url).await?;
    /// println!("{:?} bytes at {}", file.size, file.location);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_hf_file_metadata(
        /// The URL that the file is resolved by.
        url: String,
    ) -> HfFileMetadata;

    /// The parameters of [`HfApi::get_hf_file_metadata`].
    pub struct GetHfFileMetadataRequest {}
}

impl Endpoint for GetHfFileMetadataRequest {
    fn http(&self) -> Http {
        match Url::parse(&self.url) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => head(Http::url(Method::HEAD, url)),
            // Not repeated: it may hold a password or a signature, and cannot be taken apart.
            _ => Http::invalid(InvalidArgument::new("`url` is not the http or https URL of a file")),
        }
    }

    fn decode(&self, _api: &HfApi, answer: Answer) -> Result<HfFileMetadata> {
        read(&answer.headers, &answer.url)
    }
}

/// Asks where a file is and which content it has, by a HEAD request that resolves it.
///
/// [`HfApi::get_hf_file_metadata`] for those who have the request rather than the URL.
///
/// # Errors
/// As [`HfApi::get_hf_file_metadata`].
pub async fn file_metadata(api: &HfApi, http: Http) -> Result<HfFileMetadata> {
    let answer = api.exchange(head(http)).await?;
    read(&answer.headers, &answer.url)
}

/// Reads what the head of an answer says of a file, for those who sent the request themselves.
///
/// # Errors
/// `FileMetadata` if the commit or the ETag is not one; `Redirect` if the location is not a web address.
pub fn read_file_metadata(headers: &HeaderMap, url: &Url) -> Result<HfFileMetadata> {
    read(headers, url)
}

/// Makes a HEAD request tell of the file itself: its true length, and the place it is redirected to.
pub(super) fn head(http: Http) -> Http {
    http.identity().redirects(Redirects::SameHost).purpose(Purpose::Metadata)
}

fn read(headers: &HeaderMap, url: &Url) -> Result<HfFileMetadata> {
    let location = headers.get(LOCATION).map(|value| String::from_utf8_lossy(value.as_bytes()));
    let mut file = HfFileMetadata::new(match &location {
        Some(location) => absolute(url, location)?,
        None => url.to_string(),
    });
    file.commit_hash = checked(headers, "x-repo-commit", url)?;
    file.etag = match checked(headers, "x-linked-etag", url)? {
        Some(etag) => Some(etag),
        None => checked(headers, ETAG.as_str(), url)?,
    };
    // The length of a redirect is that of its own page.
    let length = text(headers, CONTENT_LENGTH.as_str()).filter(|_| location.is_none());
    file.size = text(headers, "x-linked-size").or(length).and_then(|size| size.parse().ok());
    Ok(file)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|text| !text.is_empty())
}

/// A header as what it has to be, if it is there.
fn checked<T: FromStr<Err = InvalidArgument>>(
    headers: &HeaderMap,
    name: &str,
    url: &Url,
) -> Result<Option<T>> {
    text(headers, name).map(str::parse).transpose().map_err(|error| {
        let message = format!("{} answered with an unusable `{name}`", redact_url(url));
        Error::new(ErrorKind::FileMetadata, message).caused_by(error)
    })
}

/// Where a redirect leads, word for word if it says all of it.
fn absolute(from: &Url, location: &str) -> Result<String> {
    let named = Url::parse(location);
    let whole = named.is_ok();
    match named.or_else(|_| from.join(location)) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            Ok(if whole { location.to_owned() } else { url.into() })
        }
        _ => {
            let from = redact_url(from);
            Err(Error::new(ErrorKind::Redirect, format!("{from} redirects to what is no URL of a file")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hub_http::header::HeaderName;

    const URL: &str = "https://hub.test/me/m/resolve/main/f";
    const COMMIT: &str = "607a30d783dfa663caf39e06633721c8d4cfcd7e";

    fn headers(pairs: &[(&str, &str)]) -> HeaderMap {
        let header = |(name, value): &(&str, &str)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap())
        };
        pairs.iter().map(header).collect()
    }

    fn of(headers: &HeaderMap) -> Result<HfFileMetadata> {
        read(headers, &Url::parse(URL).unwrap())
    }

    #[test]
    fn what_is_linked_wins_over_the_page_that_links() {
        let headers = headers(&[
            ("location", "https://cdn.test/ab?X-Sig=1%2F2"),
            ("x-repo-commit", COMMIT),
            ("x-linked-size", "440449768"),
            ("x-linked-etag", "\"fdf756\""),
            ("etag", "\"page\""),
            ("content-length", "1369"),
        ]);
        let file = of(&headers).unwrap();
        assert_eq!(file.location, "https://cdn.test/ab?X-Sig=1%2F2");
        assert_eq!(file.size, Some(440449768));
        assert_eq!(file.etag.unwrap().as_str(), "fdf756");
        assert_eq!(file.commit_hash.unwrap().as_str(), COMMIT);
    }

    #[test]
    fn the_length_of_a_redirect_is_not_the_size() {
        let redirect = headers(&[("location", "//cdn.test/ab"), ("content-length", "1369")]);
        let file = of(&redirect).unwrap();
        assert_eq!((file.size, file.location.as_str()), (None, "https://cdn.test/ab"));
        let file = of(&headers(&[("content-length", "570"), ("etag", "W/\"e1\"")])).unwrap();
        assert_eq!((file.size, file.location.as_str()), (Some(570), URL));
        assert_eq!(file.etag.unwrap().as_str(), "e1");
    }

    #[test]
    fn hostile_headers_are_refused() {
        for (name, value, kind) in [
            ("etag", "\"../../x\"", ErrorKind::FileMetadata),
            ("x-linked-etag", "/etc/passwd", ErrorKind::FileMetadata),
            ("x-repo-commit", "../../../x", ErrorKind::FileMetadata),
            ("location", "file:///etc/passwd", ErrorKind::Redirect),
        ] {
            assert_eq!(of(&headers(&[(name, value)])).unwrap_err().kind(), kind, "{name}");
        }
    }

    #[test]
    fn only_web_addresses_are_asked() {
        let request = GetHfFileMetadataRequest::new(URL);
        let expected = Http::url(Method::HEAD, Url::parse(URL).unwrap());
        let expected = expected.identity().redirects(Redirects::SameHost).purpose(Purpose::Metadata);
        assert_eq!(request.http(), expected);
        for url in ["me/m/f", "file:///x", "hf://me/m", ""] {
            assert!(GetHfFileMetadataRequest::new(url).http().invalid.is_some(), "{url}");
        }
    }
}
