//! Which certificates TLS trusts.
use crate::Config;
use crate::environment::Environment;
#[cfg(any(feature = "rustls", feature = "native-tls"))]
use crate::{Error, IoContext as _, Result};
use std::fmt;
use std::path::{Path, PathBuf};

/// The trust store that variables name.
#[derive(Debug, Clone, Default)]
pub(crate) struct TrustVariables {
    /// The variable that [`Config::ca_bundle`] was read from.
    ca_bundle: Option<&'static str>,
    /// A file of certificates (`SSL_CERT_FILE`).
    file: Option<PathBuf>,
    /// Folders of certificates (`SSL_CERT_DIR`).
    folders: Vec<PathBuf>,
}

impl TrustVariables {
    /// Reads the variables, and the bundle that `requests` would use.
    pub(crate) fn from_env(env: Environment<'_>) -> (Self, Option<PathBuf>) {
        let bundle = ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"]
            .into_iter()
            .find_map(|name| env.path(name).map(|path| (name, path)));
        let folders = env.raw("SSL_CERT_DIR").map(|list| std::env::split_paths(&list).collect::<Vec<_>>());
        let trust = Self {
            ca_bundle: bundle.as_ref().map(|(name, _)| *name),
            file: env.path("SSL_CERT_FILE"),
            folders: folders
                .unwrap_or_default()
                .into_iter()
                .filter(|path| !path.as_os_str().is_empty())
                .collect(),
        };
        (trust, bundle.map(|(_, path)| path))
    }
}

/// The trust store in effect: the first of `REQUESTS_CA_BUNDLE` or `CURL_CA_BUNDLE`, `SSL_CERT_FILE` with
/// `SSL_CERT_DIR`, and the system's.
pub(crate) struct TrustStore<'c> {
    variables: &'c TrustVariables,
    bundle: Option<&'c Path>,
}

impl<'c> TrustStore<'c> {
    pub(crate) fn of(config: &'c Config) -> Self {
        Self { variables: &config.trust, bundle: config.ca_bundle.as_deref() }
    }

    /// The files and folders that variables name, each with its variable; none for the system's store.
    fn named(&self) -> Vec<(&'static str, &'c Path)> {
        if let Some(bundle) = self.bundle {
            return vec![(self.variables.ca_bundle.unwrap_or("the CA bundle"), bundle)];
        }
        let file = self.variables.file.iter().map(|path| ("SSL_CERT_FILE", path.as_path()));
        let folders = self.variables.folders.iter().map(|path| ("SSL_CERT_DIR", path.as_path()));
        file.chain(folders).collect()
    }

    /// The PEM files of a store that variables name; `None` for the system's store.
    ///
    /// # Errors
    /// A file or folder that is named cannot be read.
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    pub(crate) fn files(&self) -> Result<Option<Vec<PemFile>>> {
        let named = self.named();
        if named.is_empty() {
            return Ok(None);
        }
        let mut files = Vec::new();
        for (variable, path) in named {
            read(path, &mut files).map_err(|error| {
                let text = format!("could not read the certificates that {variable} names");
                crate::Context::<()>::with(Err(error), || text).unwrap_err()
            })?;
        }
        Ok(Some(files))
    }

    /// The error for a store without certificates.
    #[cfg(any(feature = "rustls", feature = "native-tls"))]
    pub(crate) fn empty(&self) -> Error {
        if self.named().is_empty() {
            return Error::invalid(
                "this system has no certificates to check servers with; install them (often the package ca-certificates) or name a file of them in SSL_CERT_FILE",
            );
        }
        Error::invalid(format!("there are no certificates in PEM form in {self}"))
    }
}

/// Names the store in messages.
impl fmt::Display for TrustStore<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<_> = self
            .named()
            .into_iter()
            .map(|(variable, path)| format!("{variable} `{}`", path.display()))
            .collect();
        match named.is_empty() {
            true => f.write_str("the system's certificates"),
            false => f.write_str(&named.join(" and ")),
        }
    }
}

/// The content of a file of certificates.
#[cfg(any(feature = "rustls", feature = "native-tls"))]
pub(crate) struct PemFile(pub(crate) Vec<u8>);

/// Reads a file, or the files of a folder.
#[cfg(any(feature = "rustls", feature = "native-tls"))]
fn read(path: &Path, files: &mut Vec<PemFile>) -> Result<()> {
    if !path.is_dir() {
        files.push(PemFile(std::fs::read(path).at(path)?));
        return Ok(());
    }
    for entry in std::fs::read_dir(path).at(path)? {
        let entry = entry.at(path)?.path();
        // `c_rehash` leaves links, also dangling ones; what else lies in such a folder is not for us to judge.
        if entry.is_file()
            && let Ok(pem) = std::fs::read(&entry)
        {
            files.push(PemFile(pem));
        }
    }
    Ok(())
}

#[cfg(feature = "rustls")]
pub(crate) use with_rustls::client_config;

#[cfg(feature = "rustls")]
mod with_rustls {
    use super::{PemFile, TrustStore};
    use crate::{Error, ErrorKind, Result};
    use rustls::client::WebPkiServerVerifier;
    use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
    use rustls::server::ParsedCertificate;
    use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
    use std::collections::HashSet;
    use std::sync::Arc;

    /// The configuration of TLS; `None` where the platform's own verifier decides.
    pub(crate) fn client_config(store: &TrustStore<'_>) -> Result<Option<ClientConfig>> {
        let Some(certificates) = certificates(store)? else { return Ok(None) };
        let mut roots = RootCertStore::empty();
        let (added, _) = roots.add_parsable_certificates(certificates.iter().cloned());
        if added == 0 {
            return Err(store.empty());
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let failed = |error: &dyn std::fmt::Display| {
            Error::new(ErrorKind::Connection, format!("could not set up TLS with {store}: {error}"))
        };
        let chains = WebPkiServerVerifier::builder_with_provider(roots.into(), provider.clone())
            .build()
            .map_err(|error| failed(&error))?;
        let verifier = Verifier { chains, trusted: certificates.into_iter().collect() };
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| failed(&error))?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Some(config))
    }

    fn certificates(store: &TrustStore<'_>) -> Result<Option<Vec<CertificateDer<'static>>>> {
        if let Some(files) = store.files()? {
            let read = |PemFile(pem): &PemFile| -> Vec<_> {
                CertificateDer::pem_slice_iter(pem).filter_map(std::result::Result::ok).collect()
            };
            return Ok(Some(files.iter().flat_map(read).collect()));
        }
        Ok(system())
    }

    /// The system's certificates, where they are files.
    #[cfg(all(unix, not(target_vendor = "apple"), not(target_os = "android")))]
    fn system() -> Option<Vec<CertificateDer<'static>>> {
        let found = rustls_native_certs::load_native_certs();
        for error in found.errors {
            tracing::debug!(%error, "a certificate of the system could not be read");
        }
        Some(found.certs)
    }

    /// Elsewhere the platform has a verifier of its own.
    #[cfg(not(all(unix, not(target_vendor = "apple"), not(target_os = "android"))))]
    fn system() -> Option<Vec<CertificateDer<'static>>> {
        None
    }

    /// Accepts chains that end at a trusted certificate, and a server's certificate that is itself trusted.
    ///
    /// The second is what OpenSSL does for a self-signed certificate in the trust store. `openssl req -x509` marks such a
    /// certificate as an authority, and as such rustls refuses it as the certificate of a server.
    #[derive(Debug)]
    struct Verifier {
        chains: Arc<WebPkiServerVerifier>,
        trusted: HashSet<CertificateDer<'static>>,
    }

    impl ServerCertVerifier for Verifier {
        fn verify_server_cert(
            &self,
            end_entity: &CertificateDer<'_>,
            intermediates: &[CertificateDer<'_>],
            server_name: &ServerName<'_>,
            ocsp_response: &[u8],
            now: UnixTime,
        ) -> Result<ServerCertVerified, rustls::Error> {
            let verdict =
                self.chains.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
            let Err(rustls::Error::InvalidCertificate(reason)) = &verdict else { return verdict };
            // Validity is checked before these reasons can be found, and the name after them.
            if !lacks_only_an_issuer(reason) || !self.trusted.contains(end_entity) {
                return verdict;
            }
            rustls::client::verify_server_name(&ParsedCertificate::try_from(end_entity)?, server_name)?;
            Ok(ServerCertVerified::assertion())
        }

        fn verify_tls12_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            self.chains.verify_tls12_signature(message, cert, dss)
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            cert: &CertificateDer<'_>,
            dss: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, rustls::Error> {
            self.chains.verify_tls13_signature(message, cert, dss)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.chains.supported_verify_schemes()
        }
    }

    /// Whether the certificate would do if it had a trusted issuer.
    fn lacks_only_an_issuer(reason: &CertificateError) -> bool {
        match reason {
            CertificateError::UnknownIssuer | CertificateError::BadSignature => true,
            CertificateError::Other(error) => {
                error.0.downcast_ref::<webpki::Error>() == Some(&webpki::Error::CaUsedAsEndEntity)
            }
            _ => false,
        }
    }
}
