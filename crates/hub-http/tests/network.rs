//! Proxies, credentials in endpoints and trust stores, against servers and proxies on this machine.
#[path = "support/mod.rs"]
mod server;

use hub_http::header::{HeaderName, HeaderValue};
use hub_http::{Auth, ByteRange, Client, Config, ErrorKind, Http, Method, Redirects, RemoteFile, Token, Url};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use server::{Reply, Server, reply};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// A configuration from variables alone, with short pauses between attempts.
fn config(variables: &[(&str, &str)]) -> Config {
    let find =
        |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
    let mut config = Config::from_vars(find, None).unwrap();
    config.retry.base = Duration::from_millis(1);
    config.retry.cap = Duration::from_millis(2);
    config
}

fn ok() -> Reply {
    reply("200 OK", &[], b"{}")
}

/// The endpoint of a server, with user and password.
fn with_credentials(server: &Server) -> String {
    server.origin.replace("http://", "http://me:s3cret@")
}

const BASIC: Option<&str> = Some("Basic bWU6czNjcmV0");

#[tokio::test]
async fn credentials_of_an_endpoint_go_with_every_request_to_it() {
    let server = Server::start((0..4).map(|_| ok())).await;
    let config = config(&[("HF_ENDPOINT", &with_credentials(&server)), ("HF_TOKEN", "hf_x")]);
    let client = Client::new(config);
    client.execute(Http::get("/api/x")).await.unwrap();
    client.execute(Http::get("/api/x").without_token()).await.unwrap();
    client.with_auth(Auth::Required).execute(Http::head("/api/x")).await.unwrap();
    let url = Url::parse(&format!("{}/y", server.origin)).unwrap();
    client.execute(Http::url(Method::GET, url)).await.unwrap();
    for seen in server.seen() {
        assert_eq!(seen.header("authorization"), BASIC, "{}", seen.head);
        assert_eq!(seen.head.to_ascii_lowercase().matches("authorization").count(), 1);
    }
}

#[tokio::test]
async fn credentials_of_an_endpoint_satisfy_a_required_token() {
    let server = Server::start([ok()]).await;
    let client = Client::new(config(&[("HF_ENDPOINT", &with_credentials(&server))]));
    client.with_auth(Auth::Required).execute(Http::get("/x")).await.unwrap();
    assert_eq!(server.seen()[0].header("authorization"), BASIC);
}

#[tokio::test]
async fn credentials_of_an_endpoint_do_not_leave_its_origin_and_are_not_shown() {
    let other = Server::start([ok(), reply("403 Forbidden", &[], b"no")]).await;
    let there = [("Location", other.origin.as_str())];
    let hub = Server::start([reply("302 Found", &there, b""), reply("302 Found", &there, b"")]).await;
    let client = Client::new(config(&[("HF_ENDPOINT", &with_credentials(&hub))]));
    client.execute(Http::get("/file")).await.unwrap();
    let error = client.execute(Http::get("/file")).await.unwrap_err();
    assert!(other.seen().iter().all(|seen| seen.header("authorization").is_none()));
    assert_eq!(hub.seen()[1].header("authorization"), BASIC);
    let shown = format!("{error} {error:?} {client:?} {}", client.resolve(&Http::get("/x")).unwrap());
    assert!(!shown.contains("s3cret") && !shown.contains("bWU6"), "{shown}");
}

#[tokio::test]
async fn credentials_that_were_set_by_hand_are_used_and_not_shown() {
    let server = Server::start([ok()]).await;
    let mut config = config(&[]);
    config.endpoint = with_credentials(&server);
    let client = Client::new(config);
    client.execute(Http::get("/x")).await.unwrap();
    assert_eq!(server.seen()[0].header("authorization"), BASIC);
    assert_eq!(client.config().endpoint, server.origin);
}

#[tokio::test]
async fn signed_addresses_cookies_and_tokens_are_in_no_debug_output() {
    let storage = Server::start((0..3).map(|_| {
        let headers =
            [("Set-Cookie", "session=s3cret"), ("ETag", "\"e\""), ("Link", "</x?sig=s3cret>; rel=next")];
        reply("200 OK", &headers, b"s3cret")
    }))
    .await;
    let location = format!("{}/o?X-Amz-Signature=s3cret", storage.origin);
    let hub = Server::start((0..3).map(|_| reply("302 Found", &[("Location", &location)], b""))).await;
    let variables =
        [("HF_ENDPOINT", with_credentials(&hub)), ("HTTPS_PROXY", "http://u:s3cret@p:1".to_owned())];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let client = Client::new(config(&variables))
        .with_auth(Auth::Token(Token::parse("hf_s3cret").unwrap()))
        .with_header(HeaderName::from_static("x-session"), HeaderValue::from_static("s3cret"));
    let response = client.execute(Http::get("/f")).await.unwrap();
    let mut shown = format!("{response:?}");
    shown += &format!("{:?}", response.collect().await.unwrap());
    assert!(shown.contains("X-Amz-Signature") && !shown.contains("s3cret"), "{shown}");

    let file = RemoteFile::new(&client, Http::get("/f"));
    let body = file.open(ByteRange::from(0)).await.unwrap();
    let shown = format!("{client:?} {file:?} {body:?}");
    assert!(shown.contains("X-Amz-Signature") && !shown.contains("s3cret"), "{shown}");
}

#[tokio::test]
async fn a_refused_token_is_named_with_its_source_and_what_to_do() {
    let messages = [
        ("Invalid credentials in Authorization header", "is invalid", ErrorKind::Http),
        // The Hub says this of repositories that do not exist or are hidden from the token, too.
        ("Invalid username or password.", "may be invalid", ErrorKind::RepositoryNotFound),
        ("User Access Token \"ci\" is expired", "has expired", ErrorKind::RepositoryNotFound),
    ];
    for (message, what, kind) in messages {
        let body = format!(r#"{{"error":{message:?}}}"#);
        let refusal = || reply("401 Unauthorized", &[("Content-Type", "application/json")], body.as_bytes());
        let server = Server::start([refusal(), refusal(), refusal()]).await;
        let variables = [("HF_ENDPOINT", server.origin.as_str()), ("HF_TOKEN", "hf_s3cret")];
        let client = Client::new(config(&variables));
        let error = client.execute(Http::get("/api/models/me/m")).await.unwrap_err();
        assert_eq!((error.kind(), error.status()), (kind, Some(401)), "{message}");
        let text = error.to_string();
        assert!(
            text.contains(&format!("the token from HF_TOKEN {what}")) && text.contains("unset it"),
            "{text}"
        );
        assert!(!text.contains("s3cret"));

        let given = client.with_auth(Auth::Token(Token::parse("hf_mine").unwrap()));
        let error = given.execute(Http::get("/api/models/me/m")).await.unwrap_err();
        assert!(error.to_string().contains(&format!("the token that was given {what}")), "{error}");

        // A stranger is told about the repository, not about a token.
        let error =
            client.with_auth(Auth::Anonymous).execute(Http::get("/api/models/me/m")).await.unwrap_err();
        assert!(!error.to_string().contains("HF_TOKEN is"), "{error}");
    }
}

#[tokio::test]
async fn an_explicit_token_is_sent_where_implicit_ones_are_off() {
    let server = Server::start([ok(), ok(), ok()]).await;
    let client = Client::new(config(&[
        ("HF_ENDPOINT", &server.origin),
        ("HF_TOKEN", "hf_env"),
        ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1"),
    ]));
    client.execute(Http::get("/x")).await.unwrap();
    client.with_auth(Auth::Required).execute(Http::get("/x")).await.unwrap();
    let own = Auth::Token(Token::parse("hf_own").unwrap());
    client.with_auth(own).execute(Http::get("/x")).await.unwrap();
    let sent: Vec<_> =
        server.seen().iter().map(|seen| seen.header("authorization").map(str::to_owned)).collect();
    assert_eq!(sent, [None, Some("Bearer hf_env".to_owned()), Some("Bearer hf_own".to_owned())]);
}

/// An HTTP proxy that answers by itself, so that what it did not see did not happen.
#[tokio::test]
async fn every_request_goes_through_the_proxy() {
    let proxy = Server::start((0..3).map(|_| ok())).await;
    let address = proxy.origin.replace("http://", "http://alice:s3cret@");
    let client = Client::new(config(&[("HF_ENDPOINT", "http://hub.invalid"), ("HTTP_PROXY", &address)]));
    client.execute(Http::get("/x")).await.unwrap();
    client.execute(Http::head("/x").redirects(Redirects::SameHost)).await.unwrap();
    client.execute(Http::url(Method::PUT, Url::parse("http://storage.invalid/p").unwrap())).await.unwrap();
    let lines: Vec<_> = proxy.seen().into_iter().map(|seen| seen.line).collect();
    assert_eq!(
        lines,
        [
            "GET http://hub.invalid/x HTTP/1.1",
            "HEAD http://hub.invalid/x HTTP/1.1",
            "PUT http://storage.invalid/p HTTP/1.1"
        ]
    );
    for seen in proxy.seen() {
        assert_eq!(seen.header("proxy-authorization"), Some("Basic YWxpY2U6czNjcmV0"));
    }
}

#[tokio::test]
async fn hosts_of_no_proxy_are_reached_directly() {
    let proxy = Server::start((0..9).map(|_| ok())).await;
    let server = Server::start((0..9).map(|_| ok())).await;
    let port = server.origin.rsplit_once(':').unwrap().1;
    let localhost = format!("http://localhost:{port}");
    let cases = [
        (&server.origin, "*".to_owned(), true),
        (&server.origin, format!("127.0.0.1:{port}"), true),
        (&server.origin, "127.0.0.0/8".to_owned(), true),
        (&server.origin, "127.0.0.1:1".to_owned(), false),
        (&localhost, format!("localhost:{port}"), true),
        (&localhost, "localhost:1".to_owned(), false),
    ];
    for (endpoint, list, direct) in cases {
        let (before, through) = (server.seen().len(), proxy.seen().len());
        let variables =
            [("HF_ENDPOINT", endpoint.as_str()), ("http_proxy", &proxy.origin), ("NO_PROXY", &list)];
        Client::new(config(&variables)).execute(Http::get("/x")).await.unwrap();
        let counts = (server.seen().len() - before, proxy.seen().len() - through);
        assert_eq!(counts, if direct { (1, 0) } else { (0, 1) }, "NO_PROXY={list} {endpoint}");
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_is_named_and_not_asked_again_without_a_login() {
    for (status, asked) in [("407 Proxy Authentication Required", 1), ("502 Bad Gateway", 5)] {
        let proxy = Server::start((0..5).map(|_| reply(status, &[], b""))).await;
        let address = proxy.origin.replace("http://", "http://alice:s3cret@");
        let client =
            Client::new(config(&[("HF_ENDPOINT", "https://hub.invalid"), ("HTTPS_PROXY", &address)]));
        let error = client.execute(Http::get("/x")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Proxy, "{error}");
        assert!(
            error.to_string().contains(&proxy.origin) && error.to_string().contains("HTTPS_PROXY"),
            "{error}"
        );
        assert!(!format!("{error} {error:?}").contains("s3cret"));
        assert_eq!(proxy.seen().len(), asked);
        assert_eq!(proxy.seen()[0].line, "CONNECT hub.invalid:443 HTTP/1.1");
    }
}

#[tokio::test]
async fn a_proxy_that_is_down_is_named() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    for (endpoint, scheme) in [("http://hub.invalid", "http"), ("https://hub.invalid", "socks5h")] {
        let proxy = format!("{scheme}://{closed}");
        let client = Client::new(config(&[("HF_ENDPOINT", endpoint), ("ALL_PROXY", &proxy)]));
        let error = client.execute(Http::get("/x")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Proxy, "{error}");
        assert!(
            error.to_string().contains(&format!("`{proxy}` (ALL_PROXY)")) && error.is_unsent(),
            "{error}"
        );
    }
}

/// A TLS server for `localhost` and 127.0.0.1 that answers every request with `{}`.
struct TlsServer {
    port: u16,
    /// A message for each connection.
    connections: mpsc::UnboundedReceiver<()>,
}

impl TlsServer {
    async fn start(certificate: &rcgen::Certificate, key: &KeyPair) -> Self {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key.serialize_der().try_into().unwrap())
            .unwrap();
        let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, connections) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let _ = sender.send(());
                let Ok(mut socket) = acceptor.accept(socket).await else { continue };
                let mut request = [0; 4096];
                let _ = socket.read(&mut request).await;
                let _ = socket
                    .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}")
                    .await;
                let _ = socket.shutdown().await;
            }
        });
        Self { port, connections }
    }

    fn connections(&mut self) -> usize {
        std::iter::from_fn(|| self.connections.try_recv().ok()).count()
    }

    /// Asks for something, with variables that name a trust store.
    async fn ask(&self, host: &str, variables: &[(&str, &str)]) -> hub_http::Result<()> {
        let endpoint = format!("https://{host}:{}", self.port);
        let all = [&[("HF_ENDPOINT", endpoint.as_str())], variables].concat();
        Client::new(config(&all)).execute(Http::get("/x")).await.map(drop)
    }
}

fn params() -> CertificateParams {
    CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap()
}

/// What `openssl req -x509` makes: signed by its own key and marked as an authority.
fn openssl_like() -> CertificateParams {
    let mut params = params();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params
}

fn write(folder: &Path, name: &str, pem: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, pem).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_self_signed_certificate_in_the_trust_store_is_accepted() {
    let folder = tempfile::tempdir().unwrap();
    for params in [openssl_like(), params()] {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let server = TlsServer::start(&certificate, &key).await;
        let file = write(folder.path(), "ca.pem", &certificate.pem());
        let unused = write(folder.path(), "unused.pem", "");
        let dir = folder.path().to_str().unwrap();
        for variables in [
            &[("SSL_CERT_FILE", file.as_str())][..],
            &[("SSL_CERT_DIR", dir)],
            &[("REQUESTS_CA_BUNDLE", &file), ("CURL_CA_BUNDLE", &unused)],
            &[("CURL_CA_BUNDLE", &file), ("SSL_CERT_FILE", &unused)],
            &[("REQUESTS_CA_BUNDLE", dir)],
        ] {
            for host in ["localhost", "127.0.0.1"] {
                server.ask(host, variables).await.unwrap_or_else(|error| panic!("{variables:?}: {error}"));
            }
        }
    }
}

#[tokio::test]
async fn certificates_of_a_trusted_authority_are_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let mut authority = openssl_like();
    authority.distinguished_name.push(DnType::CommonName, "an authority");
    let issuer = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = params().signed_by(&key, &issuer).unwrap();
    let server = TlsServer::start(&certificate, &key).await;
    let file = write(folder.path(), "ca.pem", &issuer.pem());
    server.ask("localhost", &[("SSL_CERT_FILE", &file)]).await.unwrap();
    // OpenSSL with partial chains, as Python 3.13 uses it, also takes the certificate itself.
    let own = write(folder.path(), "own.pem", &certificate.pem());
    server.ask("localhost", &[("SSL_CERT_FILE", &own)]).await.unwrap();
}

#[tokio::test]
async fn certificates_that_are_not_trusted_fail_at_once_and_name_the_trust_store() {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = openssl_like().self_signed(&key).unwrap();
    let mut server = TlsServer::start(&certificate, &key).await;
    // The same names and another key.
    let other = openssl_like().self_signed(&KeyPair::generate().unwrap()).unwrap();
    let file = write(folder.path(), "other.pem", &other.pem());
    for (variables, store) in [
        (vec![("SSL_CERT_FILE", file.as_str())], format!("SSL_CERT_FILE `{file}`")),
        (vec![("REQUESTS_CA_BUNDLE", file.as_str())], format!("REQUESTS_CA_BUNDLE `{file}`")),
        (vec![("CURL_CA_BUNDLE", file.as_str())], format!("CURL_CA_BUNDLE `{file}`")),
    ] {
        let error = server.ask("localhost", &variables).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Certificate, "{error}");
        assert!(error.to_string().contains(&store), "{error}");
        assert_eq!((error.attempts(), server.connections()), (1, 1));
    }
}

#[tokio::test]
async fn a_trusted_certificate_must_still_be_valid_and_for_the_host() {
    let folder = tempfile::tempdir().unwrap();
    let key = KeyPair::generate().unwrap();
    let [valid, mut expired, mut future, mut nameless] = std::array::from_fn(|_| openssl_like());
    expired.not_after = date_time_ymd(2001, 1, 1);
    future.not_before = date_time_ymd(2150, 1, 1);
    future.not_after = date_time_ymd(2151, 1, 1);
    nameless.subject_alt_names.clear();
    let cases = [
        (valid, None),
        (expired, Some("expired")),
        (future, Some("not valid yet")),
        (nameless, Some("not valid for")),
    ];
    for (params, reason) in cases {
        let certificate = params.self_signed(&key).unwrap();
        let server = TlsServer::start(&certificate, &key).await;
        let file = write(folder.path(), "ca.pem", &certificate.pem());
        let result = server.ask("localhost", &[("SSL_CERT_FILE", &file)]).await;
        let Some(reason) = reason else {
            result.unwrap();
            continue;
        };
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Certificate, "{error}");
        assert!(error.to_string().contains(reason) && error.to_string().contains(&file), "{error}");
    }
}

#[tokio::test]
async fn a_trust_store_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let empty = write(folder.path(), "empty.pem", "no certificates");
    let missing = folder.path().join("missing.pem").to_str().unwrap().to_owned();
    for (name, path) in
        [("SSL_CERT_FILE", &empty), ("REQUESTS_CA_BUNDLE", &missing), ("SSL_CERT_DIR", &missing)]
    {
        let client = Client::new(config(&[("HF_ENDPOINT", "https://127.0.0.1:1"), (name, path)]));
        let error = client.execute(Http::get("/x")).await.unwrap_err();
        assert!(error.to_string().contains(name) && error.to_string().contains(path), "{error}");
    }
    // A server without TLS needs none.
    let server = Server::start([ok()]).await;
    let client = Client::new(config(&[("HF_ENDPOINT", &server.origin), ("SSL_CERT_FILE", &missing)]));
    client.execute(Http::get("/x")).await.unwrap();
}
