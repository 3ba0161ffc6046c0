//! The call itself: one POST on a connection of its own.
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, Request, StatusCode, Uri, header},
};
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use std::{io, net::IpAddr, time::Duration};
use tokio::{net::TcpStream, time::timeout};

/// How long a receiver may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Whether a URL is one of this machine, over plain HTTP.
pub(super) fn is_loopback(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let is_own = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
    is_own && url.scheme_str() == Some("http")
}

/// Sends a payload to a loopback URL, and gives the status of the answer.
pub(super) async fn post(url: &Uri, secret: Option<&str>, body: Bytes) -> io::Result<StatusCode> {
    timeout(PATIENCE, send(url, secret, body)).await?
}

async fn send(url: &Uri, secret: Option<&str>, body: Bytes) -> io::Result<StatusCode> {
    let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, url.port_u16().unwrap_or(80))).await?;
    if !stream.peer_addr()?.ip().is_loopback() {
        return Err(io::Error::other("only this machine is called"));
    }
    let path = url.path_and_query().map_or("/", |path| path.as_str());
    let mut request = Request::post(path)
        .header(header::HOST, url.authority().map_or("localhost", |authority| authority.as_str()))
        .header(header::CONTENT_TYPE, "application/json");
    if let Some(secret) = secret {
        request =
            request.header("x-webhook-secret", HeaderValue::from_str(secret).map_err(io::Error::other)?);
    }
    let request = request.body(Body::from(body)).map_err(io::Error::other)?;
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(io::Error::other)?;
    let exchange = sender.send_request(request);
    // The connection moves only while it is polled, and ends with the answer.
    tokio::select! {
        answer = exchange => Ok(answer.map_err(io::Error::other)?.status()),
        ended = connection => Err(ended.err().map_or_else(
            || io::ErrorKind::UnexpectedEof.into(),
            io::Error::other,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_called() {
        for own in ["http://127.0.0.1:8080/in", "http://localhost/in", "http://[::1]:80/", "http://127.8.8.8"]
        {
            assert!(is_loopback(&own.parse().unwrap()), "{own}");
        }
        for other in
            ["https://127.0.0.1/", "http://hooks.example.org/", "http://10.0.0.1/", "/in", "http://0.0.0.0/"]
        {
            assert!(!is_loopback(&other.parse().unwrap()), "{other}");
        }
    }
}
