//! The connections: built when first needed, since reading the system's certificates takes longer than a warm request.
#[cfg(any(feature = "rustls", feature = "native-tls"))]
use crate::IoContext as _;
use crate::connecting::WatchLayer;
use crate::{Config, Error, ErrorKind, Result};
use std::sync::OnceLock;
use std::time::Duration;
use url::Url;

/// The pools of connections, one for plain HTTP and one that can do TLS.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    plain: OnceLock<reqwest::Client>,
    secure: OnceLock<reqwest::Client>,
}

impl Connections {
    /// The pool for a URL.
    pub(crate) fn for_url(&self, url: &Url, config: &Config) -> Result<&reqwest::Client> {
        // A proxy may itself be spoken to over TLS, so only a direct connection can do without.
        let secure = url.scheme() == "https" || has_proxy();
        let pool = if secure { &self.secure } else { &self.plain };
        if let Some(client) = pool.get() {
            return Ok(client);
        }
        let client = build(config, secure)?;
        Ok(pool.get_or_init(|| client))
    }
}

fn has_proxy() -> bool {
    ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"]
        .into_iter()
        .any(|name| std::env::var_os(name).is_some())
}

fn build(config: &Config, secure: bool) -> Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .user_agent(&config.user_agent)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        // Parallel ranges want connections of their own, which HTTP/2 would fold into one.
        .http1_only()
        .connector_layer(WatchLayer)
        .pool_idle_timeout(Duration::from_secs(60))
        .tcp_nodelay(true);
    let builder = match config.connect_timeout.duration() {
        Some(limit) => builder.connect_timeout(limit),
        None => builder,
    };
    let builder = trust(builder, config, secure)?;
    builder.build().map_err(|error| {
        Error::new(
            ErrorKind::Connection,
            "could not set up TLS; check the certificates in SSL_CERT_FILE or REQUESTS_CA_BUNDLE",
        )
        .caused_by(error)
    })
}

/// Says whom TLS trusts: the system, or the file of `REQUESTS_CA_BUNDLE`.
#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn trust(builder: reqwest::ClientBuilder, config: &Config, secure: bool) -> Result<reqwest::ClientBuilder> {
    #[cfg(feature = "rustls")]
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Fails only if another thread was faster, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
    }
    if !secure {
        return Ok(builder.tls_certs_only([]));
    }
    let Some(path) = &config.ca_bundle else { return Ok(builder) };
    let pem = std::fs::read(path).at(path)?;
    let certificates = reqwest::Certificate::from_pem_bundle(&pem).map_err(|error| {
        Error::invalid(format!("REQUESTS_CA_BUNDLE: `{}` holds no certificates in PEM form", path.display()))
            .caused_by(error)
    })?;
    Ok(builder.tls_certs_only(certificates))
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as with TLS")]
fn trust(builder: reqwest::ClientBuilder, _config: &Config, _secure: bool) -> Result<reqwest::ClientBuilder> {
    Ok(builder)
}

/// The error for an exchange that broke off.
pub(crate) fn broken(error: reqwest::Error, config: &Config, request: &str) -> Error {
    let error = error.without_url();
    let (kind, what) = if error.is_timeout() {
        (ErrorKind::Timeout, "nothing came in time")
    } else if error.is_connect() {
        (ErrorKind::Connection, "could not connect")
    } else {
        (ErrorKind::Connection, "the connection broke")
    };
    let cause = Error::new(kind, what).caused_by(error).full_message();
    let mut message = format!("{cause} ({request})");
    if cause.contains("certificate") {
        let trusted = match (&config.ca_bundle, std::env::var("SSL_CERT_FILE")) {
            (Some(path), _) => format!("REQUESTS_CA_BUNDLE `{}`", path.display()),
            (None, Ok(path)) => format!("SSL_CERT_FILE `{path}`"),
            (None, Err(_)) => "the system's certificates".to_owned(),
        };
        message.push_str(&format!("; trusted are {trusted}"));
    }
    Error::new(kind, message)
}
