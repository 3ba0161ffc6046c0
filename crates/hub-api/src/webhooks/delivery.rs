//! The receiving side: whether a call comes from the Hub, and what it says.
use crate::types::WebhookPayload;
use crate::{Error, ErrorKind, Result};
use std::fmt;
use subtle::{Choice, ConstantTimeEq as _};

/// Tells calls of the Hub from those of others, by the secret that a webhook was created with.
///
/// ```
/// use hub_api::webhooks::WebhookSecret;
///
/// let secret = WebhookSecret::new("s3cret")?;
/// // The header and the body of a request that a server of one's own received.
/// let header = Some("s3cret");
/// let body = br#"{"event": {"action": "update", "scope": "repo.content"},
///     "repo": {"type": "model", "name": "me/tiny", "id": "1", "private": false,
///         "owner": {"id": "2"}, "url": {"web": "https://huggingface.co/me/tiny"}},
///     "webhook": {"id": "3", "version": 3}}"#;
/// let payload = secret.read(header.map(str::as_bytes), body)?;
/// assert_eq!((payload.event.scope.as_str(), payload.repo.name.as_str()), ("repo.content", "me/tiny"));
/// assert!(secret.read(Some(b"guess"), body).is_err());
/// # Ok::<(), hub_api::Error>(())
/// ```
#[derive(Clone)]
pub struct WebhookSecret(Box<[u8]>);

impl WebhookSecret {
    /// The header that the secret comes in.
    pub const HEADER: &str = "x-webhook-secret";

    /// Keeps the secret to check calls with.
    ///
    /// # Errors
    /// `InvalidArgument` if it is empty, since every call would then pass for one of the Hub.
    pub fn new(secret: &str) -> Result<Self> {
        if secret.is_empty() {
            return Err(Error::invalid("the secret of a webhook must not be empty"));
        }
        Ok(Self(secret.as_bytes().into()))
    }

    /// Whether what a call brought along is the secret.
    ///
    /// The time this takes depends on what was received, and not on how much of it is right.
    #[must_use]
    pub fn matches(&self, received: &[u8]) -> bool {
        let last = self.0.len() - 1;
        let mut equal = (self.0.len() as u64).ct_eq(&(received.len() as u64));
        for (place, byte) in received.iter().enumerate() {
            equal &= byte.ct_eq(&self.0[place.min(last)]);
        }
        // `Choice` keeps the compiler from ending the loop at the first difference.
        Choice::into(equal)
    }

    /// Reads the body of a call, after its secret was found right.
    ///
    /// `received` is the value of the header [`WebhookSecret::HEADER`], if there was one.
    ///
    /// # Errors
    /// `InvalidArgument` if the secret is missing or wrong: answer with status 401 or 403; `Decode` if the body is
    /// no payload of a webhook.
    pub fn read(&self, received: Option<&[u8]>, body: &[u8]) -> Result<WebhookPayload> {
        let Some(received) = received else {
            return Err(Error::invalid("the call has no header `X-Webhook-Secret`, so it is not the Hub's"));
        };
        if !self.matches(received) {
            return Err(Error::invalid("the call has another `X-Webhook-Secret`, so it is not the Hub's"));
        }
        serde_json::from_slice(body).map_err(|error| {
            Error::new(ErrorKind::Decode, "the call of a webhook could not be read").caused_by(error)
        })
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> WebhookSecret {
        WebhookSecret::new("s3crét").unwrap()
    }

    #[test]
    fn only_the_whole_secret_matches() {
        assert!(secret().matches("s3crét".as_bytes()));
        for wrong in ["", "s", "s3cré", "s3crét ", "s3crétt", "S3crét", "3crét", "s3crets", "s3crét\0"]
        {
            assert!(!secret().matches(wrong.as_bytes()), "{wrong:?}");
        }
        assert!(!WebhookSecret::new("a").unwrap().matches(b"aa"));
    }

    #[test]
    fn every_byte_received_counts_wherever_it_differs() {
        let secret = WebhookSecret::new(&"x".repeat(64)).unwrap();
        for place in 0..64 {
            let mut guess = [b'x'; 64];
            guess[place] = b'y';
            assert!(!secret.matches(&guess), "{place}");
        }
    }

    #[test]
    fn an_empty_secret_is_none() {
        assert_eq!(WebhookSecret::new("").unwrap_err().kind(), ErrorKind::InvalidArgument);
    }

    #[test]
    fn a_call_without_the_secret_is_not_read() {
        for received in [None, Some(b"s3cret".as_slice())] {
            let error = secret().read(received, b"{").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(!error.full_message().contains("s3cr"), "{error}");
        }
        let error = secret().read(Some("s3crét".as_bytes()), b"{").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
    }

    #[test]
    fn the_secret_is_not_shown() {
        assert_eq!(format!("{:?}", secret()), "WebhookSecret(…)");
    }
}
