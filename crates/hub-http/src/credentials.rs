//! User and password in the URL of an endpoint or a proxy: used, and never shown.
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;
use reqwest::header::HeaderValue;
use std::fmt;
use url::Url;

/// What an endpoint's URL says about who asks: `https://user:password@host`.
///
/// The header has one place. Basic credentials take it, as in Python's `requests`: a gateway that asks for them does not
/// let anything else through.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Credentials(HeaderValue);

impl Credentials {
    /// Takes the user and the password out of a URL.
    pub(crate) fn take(url: &mut Url) -> Option<Self> {
        let decoded = |text: &str| percent_decode_str(text).collect::<Vec<u8>>();
        let (user, password) = (decoded(url.username()), url.password().map(decoded));
        // Neither fails for a URL that has a host, and one without has no user.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        if user.is_empty() && password.is_none() {
            return None;
        }
        let pair = [user, vec![b':'], password.unwrap_or_default()].concat();
        let mut value = HeaderValue::from_str(&format!("Basic {}", STANDARD.encode(pair)))
            .expect("base64 is plain ASCII");
        value.set_sensitive(true);
        Some(Self(value))
    }

    /// The `Authorization` header.
    pub(crate) fn basic(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_decoded_and_taken_out() {
        let cases = [
            ("https://me:s%40fe@h/x", Some("Basic bWU6c0BmZQ=="), "https://h/x"),
            ("https://me@h/", Some("Basic bWU6"), "https://h/"),
            ("https://:pw@h/", Some("Basic OnB3"), "https://h/"),
            ("https://h/a@b", None, "https://h/a@b"),
        ];
        for (text, header, rest) in cases {
            let mut url = Url::parse(text).unwrap();
            let credentials = Credentials::take(&mut url);
            assert_eq!(
                credentials.as_ref().map(Credentials::basic),
                header.map(HeaderValue::from_static),
                "{text}"
            );
            assert_eq!(url.as_str(), rest);
            assert!(
                !format!("{credentials:?} {:?}", credentials.as_ref().map(Credentials::basic))
                    .contains("Basic")
            );
        }
    }
}
