//! Which addresses a server may send the client to.
use crate::credentials::Credentials;
use crate::{Error, ErrorKind, Result, redact_url};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use url::{Host, Origin, Url};

/// Names under which clouds serve the credentials of the machine.
const METADATA_HOSTS: [&str; 3] = ["metadata.google.internal", "metadata.goog", "instance-data.ec2.internal"];

/// The origins that the configuration names: the token belongs to them, and only they may be addresses that no answer
/// may lead to.
#[derive(Debug)]
pub(crate) struct Origins {
    /// Each with the user and password that take the place of the token there.
    own: Vec<(Origin, Option<Credentials>)>,
    /// The configured endpoint is itself at such an address, so that its storage may be too.
    internal: bool,
}

impl Origins {
    /// The origins of these base URLs, with the user and password for each.
    pub(crate) fn new<'a>(bases: impl IntoIterator<Item = (&'a str, Option<&'a Credentials>)>) -> Self {
        let bases: Vec<(Url, Option<Credentials>)> = bases
            .into_iter()
            .filter_map(|(base, credentials)| Some((Url::parse(base).ok()?, credentials.cloned())))
            .collect();
        Self {
            internal: bases.iter().any(|(url, _)| is_internal(url)),
            own: bases.into_iter().map(|(url, credentials)| (url.origin(), credentials)).collect(),
        }
    }

    /// Whether a URL is at an origin that the token belongs to.
    pub(crate) fn is_own(&self, url: &Url) -> bool {
        let origin = url.origin();
        self.own.iter().any(|(own, _)| *own == origin)
    }

    /// The user and password that the endpoint at the origin of a URL asks for, in place of the token.
    pub(crate) fn credentials(&self, url: &Url) -> Option<&Credentials> {
        let origin = url.origin();
        self.own.iter().filter(|(own, _)| *own == origin).find_map(|(_, found)| found.as_ref())
    }

    /// Checks an address before it is asked. `from` is the URL that redirects to it; without one it came from the
    /// content of an answer.
    ///
    /// # Errors
    /// [`ErrorKind::Redirect`] or [`ErrorKind::ForeignOrigin`] if it has another scheme than HTTP, or leads to an
    /// address of the local link such as the metadata service of a cloud, and the configured endpoint does not.
    pub(crate) fn check(&self, url: &Url, from: Option<&Url>) -> Result<()> {
        let refuse = |why: String| match from {
            Some(from) => {
                let from = redact_url(from);
                Err(Error::new(ErrorKind::Redirect, format!("{from} redirects to {why}; refused")))
            }
            None => {
                let message = format!("an answer names {why}, `{}`; refused", redact_url(url));
                Err(Error::new(ErrorKind::ForeignOrigin, message))
            }
        };
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return refuse(format!("a `{}:` URL", url.scheme()));
        }
        if is_internal(url) && !self.internal {
            return refuse("a link-local address".to_owned());
        }
        Ok(())
    }
}

/// Whether a URL is at an address where only the machine's own services answer.
fn is_internal(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => is_internal_v4(ip),
        Some(Host::Ipv6(ip)) => is_internal_v6(ip),
        Some(Host::Domain(name)) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            METADATA_HOSTS.contains(&&*name)
                || name.parse::<IpAddr>().is_ok_and(|ip| match ip {
                    IpAddr::V4(ip) => is_internal_v4(ip),
                    IpAddr::V6(ip) => is_internal_v6(ip),
                })
        }
        None => false,
    }
}

fn is_internal_v4(ip: Ipv4Addr) -> bool {
    // 0.0.0.0/8 means this host; 100.100.100.200 is the metadata service of Alibaba Cloud.
    ip.is_link_local() || ip.octets()[0] == 0 || ip.octets() == [100, 100, 100, 200]
}

fn is_internal_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 1] => false,
        // The unspecified address, and IPv4 addresses in their compatible, mapped, translated and 6to4 forms.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0 | 1, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => is_internal_v4(v4(high, low)),
        // The metadata services of AWS and of Google Cloud.
        [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] | [0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254] => true,
        [first, ..] => first & 0xffc0 == 0xfe80,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: [&str; 18] = [
        "http://169.254.169.254/latest",
        "http://169.254.1.1:8080/",
        "http://2852039166/",
        "http://0xa9.0xfe.0xa9.0xfe/",
        "http://169.254.169.254./",
        "http://[fe80::1]/",
        "http://[febf::1]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[::169.254.169.254]/",
        "http://[64:ff9b::169.254.169.254]/",
        "http://[2002:a9fe:a9fe::1]/",
        "http://[64:ff9b:1::169.254.169.254]/",
        "http://[fd00:ec2::254]/",
        "http://[fd20:ce::254]/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://Metadata.Google.Internal./computeMetadata/v1/",
        "http://100.100.100.200/",
    ];

    #[test]
    fn link_local_addresses_are_refused_in_all_their_forms() {
        let origins = Origins::new([("https://hub.example", None)]);
        for url in REFUSED.into_iter().chain(["file:///etc/passwd", "gopher://x/", "data:,x"]) {
            let url = Url::parse(url).unwrap();
            assert_eq!(origins.check(&url, None).unwrap_err().kind(), ErrorKind::ForeignOrigin, "{url}");
            let redirected = origins.check(&url, Some(&url)).unwrap_err();
            assert_eq!(redirected.kind(), ErrorKind::Redirect, "{url}");
        }
    }

    #[test]
    fn only_scheme_host_and_port_together_are_the_own_origin() {
        let origins = Origins::new([("https://hub.example/mirror", None)]);
        for (url, own) in [
            ("https://hub.example/x", true),
            ("https://HUB.example:443/x", true),
            ("https://user@hub.example/x", true),
            ("http://hub.example/x", false),
            ("https://hub.example:8443/x", false),
            ("https://cdn.hub.example/x", false),
            ("https://hub.example.evil.tld/x", false),
            ("https://hub.example@evil.tld/x", false),
            ("https://hub.example./x", false),
        ] {
            assert_eq!(origins.is_own(&Url::parse(url).unwrap()), own, "{url}");
        }
        let hub = Url::parse("https://hub.example/x").unwrap();
        assert!(!origins.is_own(&hub.join("//evil.tld/x").unwrap()));
    }

    #[test]
    fn other_addresses_are_accepted() {
        let origins = Origins::new([("https://hub.example", None)]);
        for url in ["http://127.0.0.1:9/", "http://[::1]/", "http://10.0.0.1/", "https://cdn.example/x"] {
            origins.check(&Url::parse(url).unwrap(), None).unwrap();
        }
    }

    #[test]
    fn an_endpoint_on_the_local_link_may_name_others_there() {
        let origins = Origins::new([("http://169.254.7.7:8080", None), ("https://endpoints.example", None)]);
        for url in REFUSED {
            origins.check(&Url::parse(url).unwrap(), None).unwrap();
        }
        assert!(origins.check(&Url::parse("file:///etc/passwd").unwrap(), None).is_err());
    }
}
