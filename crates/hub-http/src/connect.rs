//! The connections: built when first needed, since reading the system's certificates takes longer than a warm request.
use crate::connecting::WatchLayer;
use crate::proxy::Proxy;
use crate::trust::TrustStore;
use crate::{Config, Error, ErrorKind, Result};
use std::error::Error as StdError;
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
        // A proxy may itself be spoken to over TLS.
        let secure = url.scheme() == "https" || config.proxies.for_url(url).is_some_and(Proxy::is_encrypted);
        let pool = if secure { &self.secure } else { &self.plain };
        if let Some(client) = pool.get() {
            return Ok(client);
        }
        let client = build(config, secure)?;
        Ok(pool.get_or_init(|| client))
    }
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
    let builder = trust(config.proxies.apply(builder), config, secure)?;
    builder.build().map_err(|error| {
        let store = TrustStore::of(config);
        Error::new(ErrorKind::Connection, format!("could not set up TLS; trusted are {store}"))
            .caused_by(error)
    })
}

/// Sets whom TLS trusts.
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
    let store = TrustStore::of(config);
    #[cfg(feature = "rustls")]
    return Ok(match crate::trust::client_config(&store)? {
        Some(tls) => builder.tls_backend_preconfigured(tls),
        None => builder,
    });
    #[cfg(not(feature = "rustls"))]
    {
        let Some(files) = store.files()? else { return Ok(builder) };
        let certificates: Vec<_> = files
            .iter()
            .flat_map(|file| reqwest::Certificate::from_pem_bundle(&file.0).unwrap_or_default())
            .collect();
        if certificates.is_empty() {
            return Err(store.empty());
        }
        Ok(builder.tls_certs_only(certificates))
    }
}

#[cfg(not(any(feature = "rustls", feature = "native-tls")))]
#[expect(clippy::unnecessary_wraps, reason = "the same signature as with TLS")]
fn trust(builder: reqwest::ClientBuilder, _config: &Config, _secure: bool) -> Result<reqwest::ClientBuilder> {
    Ok(builder)
}

/// Whether an exchange failed for a reason that the next attempt meets again: a certificate that is not trusted, or a
/// proxy that wants to know who asks.
pub(crate) fn is_permanent(error: &reqwest::Error) -> bool {
    is_certificate_failure(error) || is_proxy_login(error)
}

/// Whether TLS failed because a certificate of the server or the proxy is not accepted.
pub(crate) fn is_certificate_failure(error: &reqwest::Error) -> bool {
    causes(error).any(|cause| {
        #[cfg(feature = "rustls")]
        if let Some(error) = tls_error(cause) {
            return matches!(
                error,
                rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented
            );
        }
        let text = cause.to_string();
        // OpenSSL, Secure Transport and SChannel.
        cfg!(feature = "native-tls")
            && [
                "certificate verify failed",
                "certificate was not trusted",
                "certificate chain",
                "SSL certificate",
            ]
            .into_iter()
            .any(|known| text.contains(known))
    })
}

/// The error of rustls, which `io::Error` hides from the chain of causes.
#[cfg(feature = "rustls")]
fn tls_error<'e>(mut cause: &'e (dyn StdError + 'static)) -> Option<&'e rustls::Error> {
    while let Some(io) = cause.downcast_ref::<std::io::Error>() {
        cause = io.get_ref()?;
    }
    cause.downcast_ref()
}

/// Whether a proxy refused to connect to the server for lack of a valid user and password.
fn is_proxy_login(error: &reqwest::Error) -> bool {
    error.is_connect()
        && causes(error).any(|cause| cause.to_string().contains("proxy authorization required"))
}

/// Whether TLS failed, so that the connection below it was there.
fn is_tls_failure(error: &reqwest::Error) -> bool {
    #[cfg(feature = "rustls")]
    return causes(error).any(|cause| tls_error(cause).is_some());
    #[cfg(not(feature = "rustls"))]
    return is_certificate_failure(error);
}

fn causes<'e>(error: &'e (dyn StdError + 'static)) -> impl Iterator<Item = &'e (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| {
        let error: &'e (dyn StdError + 'static) = *error;
        error.source()
    })
}

/// The error for an exchange that broke off.
pub(crate) fn broken(error: reqwest::Error, config: &Config, request: &str) -> Error {
    let proxy = error.url().and_then(|url| config.proxies.for_url(url));
    let certificate = is_certificate_failure(&error);
    // With a proxy, what fails before TLS is the way to the proxy, or through it.
    let through_proxy = proxy.is_some() && error.is_connect() && !is_tls_failure(&error);
    let error = error.without_url();
    let (kind, what) = if certificate {
        (ErrorKind::Certificate, "the certificate of the server is not trusted")
    } else if error.is_timeout() {
        (ErrorKind::Timeout, "nothing came in time")
    } else if through_proxy {
        (ErrorKind::Proxy, "could not connect through the proxy")
    } else if error.is_connect() {
        (ErrorKind::Connection, "could not connect")
    } else {
        (ErrorKind::Connection, "the connection broke")
    };
    let cause = Error::new(kind, what).caused_by(error).full_message();
    let mut message = format!("{cause} ({request})");
    if let Some(proxy) = proxy {
        message.push_str(&format!("; the proxy is {proxy}"));
    }
    if through_proxy {
        message.push_str("; check its address, user and password, or exempt the host with NO_PROXY");
    }
    if certificate {
        message.push_str(&format!(
            "; trusted are {}; name a file with the authority of the server in SSL_CERT_FILE or REQUESTS_CA_BUNDLE",
            TrustStore::of(config)
        ));
    }
    Error::new(kind, message)
}
