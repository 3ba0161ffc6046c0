//! Signed URLs: whoever has one may do that one thing, for a while.
use crate::stamp;
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Signs paths with a key that never leaves this process.
pub(crate) struct Signer {
    key: [u8; BLOCK],
}

const BLOCK: usize = 64;

impl Signer {
    pub(crate) fn new() -> Self {
        let mut key = [0; BLOCK];
        getrandom::fill(&mut key).expect("the operating system has randomness");
        Self { key }
    }

    /// The query that allows `what` for `lifetime`: to begin with `?` or `&` as the caller has it.
    pub(crate) fn query(&self, what: &str, lifetime: Duration) -> String {
        let expires = stamp::unix_seconds().saturating_add_unsigned(lifetime.as_secs());
        format!("Expires={expires}&Signature={}", self.sign(what, expires))
    }

    /// Whether a query allows `what` now; otherwise why not.
    pub(crate) fn check(
        &self,
        what: &str,
        expires: Option<i64>,
        signature: Option<&str>,
    ) -> Result<(), &'static str> {
        let (Some(expires), Some(signature)) = (expires, signature) else {
            return Err("This URL needs a signature");
        };
        if !same(self.sign(what, expires).as_bytes(), signature.as_bytes()) {
            return Err("The signature does not match the request");
        }
        if expires <= stamp::unix_seconds() {
            return Err("Request has expired");
        }
        Ok(())
    }

    /// HMAC-SHA256, as RFC 2104 has it.
    fn sign(&self, what: &str, expires: i64) -> String {
        let pad = |byte: u8| self.key.map(|k| k ^ byte);
        let inner =
            Sha256::new().chain_update(pad(0x36)).chain_update(format!("{expires}\n{what}")).finalize();
        hex::encode(Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize())
    }
}

/// Compares without telling by the time it takes where the difference is.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |difference, (a, b)| difference | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::Params;

    #[test]
    fn signature_is_for_one_thing_and_a_while() {
        let signer = Signer::new();
        let check = |query: &str, what: &str| {
            let query = Params::parse(query);
            signer.check(what, query.number("Expires"), query.get("Signature"))
        };
        let query = signer.query("GET x", Duration::from_secs(60));
        assert_eq!(check(&query, "GET x"), Ok(()));
        assert!(check(&query, "PUT x").is_err());
        assert!(check(&query.replace("Expires=", "Expires=9"), "GET x").is_err());
        assert_eq!(check(&signer.query("GET x", Duration::ZERO), "GET x"), Err("Request has expired"));
        assert!(check("", "GET x").is_err());
    }
}
