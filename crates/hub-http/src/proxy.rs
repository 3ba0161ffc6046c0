//! Which proxy a request goes through, by the rules of curl and Python's `requests`.
use crate::environment::Environment;
use crate::{Error, Result, redact_url};
use ipnet::IpNet;
use std::fmt;
use std::net::IpAddr;
use url::{Host, Url};

/// The proxies of a machine: `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, in lower case first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Proxies {
    http: Option<Proxy>,
    https: Option<Proxy>,
    exceptions: Vec<Exception>,
}

/// A proxy and the variable that names it.
#[derive(Clone)]
pub(crate) struct Proxy {
    url: Url,
    variable: &'static str,
}

impl Proxies {
    /// Reads the variables.
    pub(crate) fn from_env(env: Environment<'_>) -> Result<Self> {
        // A CGI program gets a client's `Proxy:` header as HTTP_PROXY; the lower-case name cannot be forged.
        let cgi = env.raw("REQUEST_METHOD").is_some();
        let http_names: &[_] = if cgi { &["http_proxy"] } else { &["http_proxy", "HTTP_PROXY"] };
        let all = first(env, &["all_proxy", "ALL_PROXY"])?;
        Ok(Self {
            http: first(env, http_names)?.or_else(|| all.clone()),
            https: first(env, &["https_proxy", "HTTPS_PROXY"])?.or(all),
            exceptions: match env.text("no_proxy")? {
                Some(list) => exceptions(&list),
                None => exceptions(&env.text("NO_PROXY")?.unwrap_or_default()),
            },
        })
    }

    /// The proxy for a URL; `None` to connect directly.
    pub(crate) fn for_url(&self, url: &Url) -> Option<&Proxy> {
        let proxy = match url.scheme() {
            "http" => self.http.as_ref(),
            "https" => self.https.as_ref(),
            _ => None,
        }?;
        let direct = self.exceptions.iter().any(|exception| exception.covers(url));
        (!direct).then_some(proxy)
    }

    /// What the connections are built with.
    pub(crate) fn apply(&self, builder: reqwest::ClientBuilder) -> reqwest::ClientBuilder {
        // Without this the HTTP library reads the environment itself, by other rules.
        let builder = builder.no_proxy();
        if self.http.is_none() && self.https.is_none() {
            return builder;
        }
        let proxies = self.clone();
        builder.proxy(reqwest::Proxy::custom(move |url| proxies.for_url(url).map(|proxy| proxy.url.clone())))
    }
}

impl Proxy {
    /// Whether the connection to the proxy itself is encrypted.
    pub(crate) fn is_encrypted(&self) -> bool {
        self.url.scheme() == "https"
    }
}

/// Without user and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` ({})", redact_url(&self.url).trim_end_matches('/'), self.variable)
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Proxy({self})")
    }
}

/// The proxy of the first of these variables that is set; one that is set and empty hides the others.
fn first(env: Environment<'_>, names: &[&'static str]) -> Result<Option<Proxy>> {
    for name in names {
        if let Some(value) = env.text(name)? {
            return Proxy::parse(name, &value).map(Some);
        }
        if (env.variables)(name).is_some() {
            return Ok(None);
        }
    }
    Ok(None)
}

impl Proxy {
    fn parse(variable: &'static str, value: &str) -> Result<Self> {
        let value = value.trim();
        let url = if value.contains("://") { value.to_owned() } else { format!("http://{value}") };
        let known = ["http", "https", "socks4", "socks4a", "socks5", "socks5h"];
        match Url::parse(&url) {
            Ok(url) if known.contains(&url.scheme()) && url.has_host() => Ok(Self { url, variable }),
            // The value is not shown: it may hold a password.
            _ => Err(Error::invalid(format!(
                "could not use {variable}: it is not the URL of a proxy such as `http://host:3128` or `socks5h://host`"
            ))),
        }
    }
}

/// An entry of `NO_PROXY`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Exception {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    All,
    Network(IpNet),
    /// A domain and everything below it.
    Domain(String),
    /// Everything below a domain (`*.example.com`).
    Below(String),
}

fn exceptions(list: &str) -> Vec<Exception> {
    list.split([',', ' ', '\t']).filter_map(|entry| Exception::parse(entry.trim())).collect()
}

impl Exception {
    fn parse(entry: &str) -> Option<Self> {
        if let Some(network) = network(entry) {
            return Some(Self { hosts: Hosts::Network(network), port: None });
        }
        let (host, port) = match entry.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (entry, None),
        };
        let hosts = match network(host) {
            Some(network) => Hosts::Network(network),
            None if host == "*" => Hosts::All,
            None => {
                let lower = host.to_ascii_lowercase();
                let (below, name) = match lower.strip_prefix("*.") {
                    Some(name) => (true, name),
                    None => (false, lower.trim_start_matches('.')),
                };
                let name = name.trim_end_matches('.').to_owned();
                match (name.is_empty(), below) {
                    (true, _) => return None,
                    (false, true) => Hosts::Below(name),
                    (false, false) => Hosts::Domain(name),
                }
            }
        };
        Some(Self { hosts, port })
    }

    fn covers(&self, url: &Url) -> bool {
        if self.port.is_some_and(|port| url.port_or_known_default() != Some(port)) {
            return false;
        }
        let address = match url.host() {
            None => return false,
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address).to_canonical()),
            Some(Host::Domain(_)) => None,
        };
        let host = url.host_str().unwrap_or_default().trim_end_matches('.');
        let is_below = |name: &str| host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.'));
        match &self.hosts {
            Hosts::All => true,
            Hosts::Network(network) => address.is_some_and(|address| network.contains(&address)),
            Hosts::Domain(name) => address.is_none() && (host == name || is_below(name)),
            Hosts::Below(name) => address.is_none() && is_below(name),
        }
    }
}

/// An address or a network, with or without brackets.
fn network(text: &str) -> Option<IpNet> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| Some(IpNet::from(bare.parse::<IpAddr>().ok()?.to_canonical())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    fn proxies(variables: &[(&str, &str)]) -> Result<Proxies> {
        let find = |name: &str| {
            variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
        };
        Proxies::from_env(Environment { variables: &find, user_home: None })
    }

    fn chosen(variables: &[(&str, &str)], url: &str) -> Option<String> {
        proxies(variables).unwrap().for_url(&Url::parse(url).unwrap()).map(ToString::to_string)
    }

    #[test]
    fn no_proxy_follows_curl_and_requests() {
        let cases = [
            ("*", "http://192.0.2.1/", true),
            ("*", "http://[2001:db8::1]:5000/", true),
            ("*", "http://a.example/", true),
            ("a.example,*", "http://b.example/", true),
            ("localhost:8080", "http://localhost:8080/", true),
            ("localhost:8080", "http://localhost:8081/", false),
            ("localhost", "http://localhost:8081/", true),
            ("a.example:443", "https://a.example/", true),
            ("127.0.0.1:8080", "http://127.0.0.1:8080/", true),
            ("127.0.0.1:8080", "http://127.0.0.1/", false),
            ("*:8080", "http://a.example:8080/", true),
            ("example.com", "http://example.com/", true),
            ("example.com", "http://www.EXAMPLE.com/", true),
            ("example.com", "http://example.com./", true),
            ("example.com", "http://notexample.com/", false),
            (".example.com", "http://example.com/", true),
            (".example.com", "http://a.b.example.com/", true),
            ("EXAMPLE.com.", "http://a.example.com/", true),
            ("*.example.com", "http://a.example.com/", true),
            ("*.example.com", "http://example.com/", false),
            ("10.0.0.0/8", "http://10.1.2.3/", true),
            ("10.0.0.0/8", "http://11.1.2.3/", false),
            ("10.0.0.0/8", "http://10.example/", false),
            ("192.0.2.1", "http://192.0.2.1:5000/", true),
            ("2.1", "http://192.0.2.1/", false),
            ("2001:db8::/32", "http://[2001:db8::1]/", true),
            ("::1", "http://[::1]:5000/", true),
            ("[::1]:5000", "http://[::1]:5000/", true),
            ("[::1]:5001", "http://[::1]:5000/", false),
            ("127.0.0.1", "http://[::ffff:127.0.0.1]/", true),
            (" a.example , b.example ", "http://b.example/", true),
            ("a.example b.example", "http://b.example/", true),
            ("", "http://a.example/", false),
            (",,.,", "http://a.example/", false),
        ];
        for (list, url, direct) in cases {
            for name in ["NO_PROXY", "no_proxy"] {
                let proxy = chosen(&[("ALL_PROXY", "http://p:1"), (name, list)], url);
                assert_eq!(proxy.is_none(), direct, "{name}={list:?} {url}");
            }
        }
    }

    #[test]
    fn proxies_follow_their_variables() {
        let http = "http://a.example/";
        let https = "https://a.example/";
        let cases = [
            (&[][..], http, None),
            (&[("HTTP_PROXY", "http://p:1")], http, Some("`http://p:1` (HTTP_PROXY)")),
            (&[("HTTP_PROXY", "http://p:1")], https, None),
            (&[("https_proxy", "https://u:s3cret@p:1")], https, Some("`https://p:1` (https_proxy)")),
            (&[("http_proxy", "p:1"), ("HTTP_PROXY", "q:2")], http, Some("`http://p:1` (http_proxy)")),
            (&[("http_proxy", ""), ("HTTP_PROXY", "q:2")], http, None),
            (&[("HTTP_PROXY", "q:2"), ("REQUEST_METHOD", "GET")], http, None),
            (&[("http_proxy", "q:2"), ("REQUEST_METHOD", "GET")], http, Some("`http://q:2` (http_proxy)")),
            (&[("ALL_PROXY", "socks5h://p")], https, Some("`socks5h://p` (ALL_PROXY)")),
            (&[("all_proxy", "p:1"), ("https_proxy", "q:2")], https, Some("`http://q:2` (https_proxy)")),
            (&[("HTTPS_PROXY", "\"http://p:1\"")], https, Some("`http://p:1` (HTTPS_PROXY)")),
        ];
        for (variables, url, proxy) in cases {
            assert_eq!(chosen(variables, url).as_deref(), proxy, "{variables:?} {url}");
        }
    }

    #[test]
    fn a_proxy_that_cannot_be_used_is_an_error_without_its_password() {
        for value in ["ftp://u:s3cret@p", "http://", "http://u:s3#cret@p:1", "http://p:99999"] {
            let error = proxies(&[("HTTPS_PROXY", value)]).unwrap_err().to_string();
            assert!(error.contains("HTTPS_PROXY") && !error.contains("s3"), "{error}");
        }
        let shown = format!("{:?}", proxies(&[("HTTPS_PROXY", "http://alice:s3cret@p:1")]).unwrap());
        assert!(shown.contains("p:1") && !shown.contains("s3cret") && !shown.contains("alice"), "{shown}");
    }
}
