//! The transport against servers that answer byte for byte as told.
#[path = "support/mod.rs"]
mod server;

use hub_http::{
    Auth, ByteRange, Client, Config, Error, ErrorKind, Http, Method, Piece, Redirects, RemoteFile, Result,
    StatusCode, Token, Url,
};
use serde_json::json;
use server::{Reply, Server, cut, reply};
use std::time::Duration;

fn config(server: &Server) -> Config {
    let mut config = Config::new(&server.origin, "/nonexistent/home")
        .unwrap()
        .with_token(Token::parse("hf_secret").unwrap());
    config.retry.base = Duration::from_millis(1);
    config.retry.cap = Duration::from_millis(2);
    config
}

fn client(server: &Server) -> Client {
    Client::new(config(server))
}

fn ok() -> Reply {
    reply("200 OK", &[], b"{}")
}

async fn kind(client: &Client, http: Http) -> ErrorKind {
    client.execute(http).await.unwrap_err().kind()
}

#[tokio::test]
async fn token_goes_to_its_own_origin() {
    let server = Server::start([ok()]).await;
    client(&server).execute(Http::get("/api/x")).await.unwrap();
    assert_eq!(server.seen()[0].header("authorization"), Some("Bearer hf_secret"));
    assert_eq!(server.seen()[0].line, "GET /api/x HTTP/1.1");
}

#[tokio::test]
async fn token_does_not_follow_a_redirect_to_another_port() {
    let other = Server::start([ok()]).await;
    let there = format!("{}/stored", other.origin);
    let hub = Server::start([reply("302 Found", &[("Location", &there)], b"")]).await;
    let response = client(&hub).execute(Http::get("/file")).await.unwrap();
    assert_eq!(response.url().as_str(), there);
    assert_eq!(hub.seen()[0].header("authorization"), Some("Bearer hf_secret"));
    assert_eq!(other.seen()[0].header("authorization"), None);
    assert!(!other.seen()[0].head.contains("hf_secret"));
}

#[tokio::test]
async fn token_stays_on_a_redirect_within_the_origin() {
    let server =
        Server::start([reply("307 Temporary Redirect", &[("Location", "/new/name?x=1")], b""), ok()]).await;
    client(&server).execute(Http::get("/old/name")).await.unwrap();
    assert_eq!(server.seen()[1].line, "GET /new/name?x=1 HTTP/1.1");
    assert_eq!(server.seen()[1].header("authorization"), Some("Bearer hf_secret"));
}

#[tokio::test]
async fn token_does_not_go_to_a_url_of_another_origin() {
    let hub = Server::start([]).await;
    let other = Server::start([ok(), ok()]).await;
    let client = client(&hub);
    let url = Url::parse(&other.origin).unwrap();
    client.execute(Http::url(Method::GET, url.clone())).await.unwrap();
    client
        .with_auth(Auth::Token(Token::parse("hf_mine").unwrap()))
        .execute(Http::url(Method::PUT, url))
        .await
        .unwrap();
    assert!(other.seen().iter().all(|request| request.header("authorization").is_none()));
}

#[tokio::test]
async fn redirects_to_where_no_one_should_go_are_refused() {
    for location in
        ["file:///etc/passwd", "gopher://x/", "http://169.254.169.254/latest", "http://[fe80::1]/"]
    {
        let server = Server::start([reply("302 Found", &[("Location", location)], b"")]).await;
        assert_eq!(kind(&client(&server), Http::get("/x")).await, ErrorKind::Redirect, "{location}");
    }
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let server = Server::start((0..20).map(|_| reply("302 Found", &[("Location", "/x")], b""))).await;
    assert_eq!(kind(&client(&server), Http::get("/x")).await, ErrorKind::Redirect);
    assert_eq!(server.seen().len(), 11);
}

#[tokio::test]
async fn a_redirect_to_another_host_is_the_answer_when_only_the_same_host_is_followed() {
    let location = "https://cdn.example/x?Signature=s";
    let server = Server::start([
        reply("307 Temporary Redirect", &[("Location", "/renamed")], b""),
        reply("302 Found", &[("Location", location), ("X-Linked-Size", "1000")], b""),
    ])
    .await;
    let response = client(&server).execute(Http::head("/x").redirects(Redirects::SameHost)).await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    assert_eq!(response.header("location"), Some(location));
    assert_eq!(response.header("x-linked-size"), Some("1000"));
}

#[tokio::test]
async fn a_repeatable_request_is_repeated_after_a_server_error() {
    let server = Server::start([reply("503 Unavailable", &[], b""), Reply::Bytes(Vec::new()), ok()]).await;
    client(&server).execute(Http::get("/x")).await.unwrap();
    assert_eq!(server.seen().len(), 3);
}

#[tokio::test]
async fn a_post_whose_answer_was_lost_is_not_repeated() {
    for lost in [reply("504 Gateway Timeout", &[], b""), Reply::Bytes(Vec::new())] {
        let server = Server::start([lost, ok()]).await;
        client(&server).execute(Http::post("/commit").json(json!({}))).await.unwrap_err();
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_post_that_was_turned_away_is_repeated() {
    let server = Server::start([reply("429 Too Many Requests", &[("Retry-After", "0")], b""), ok()]).await;
    client(&server).execute(Http::post("/x").json(json!({ "a": 1, "b": null }))).await.unwrap();
    let bodies: Vec<_> =
        server.seen().into_iter().map(|request| String::from_utf8(request.body).unwrap()).collect();
    assert_eq!(bodies, [r#"{"a":1}"#, r#"{"a":1}"#]);
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_an_error_that_says_how_long() {
    let server = Server::start([reply("429 Too Many Requests", &[("Retry-After", "86400")], b"")]).await;
    let error = client(&server).execute(Http::get("/x")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.retry_after()),
        (ErrorKind::RateLimited, Some(Duration::from_secs(86400)))
    );
    assert!(error.to_string().contains("86400 s"), "{error}");
}

#[tokio::test]
async fn a_handle_may_have_less_patience_than_the_policy() {
    let server = Server::start([reply("429 Too Many Requests", &[("Retry-After", "30")], b""), ok()]).await;
    let impatient = client(&server).with_patience(Duration::from_secs(29));
    let error = impatient.execute(Http::get("/x")).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(30)));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn the_last_failure_tells_how_often_it_was_tried() {
    let server = Server::start(
        (0..9).map(|_| reply("500 Oops", &[("X-Request-Id", "r1")], b"{\"error\":\"broken\"}")),
    )
    .await;
    let error = client(&server).execute(Http::get("/x")).await.unwrap_err();
    assert_eq!((error.attempts(), error.status(), error.request_id()), (5, Some(500), Some("r1")));
    assert!(error.to_string().contains("broken"), "{error}");
}

#[tokio::test]
async fn nothing_is_sent_when_requests_are_switched_off() {
    let server = Server::start([ok()]).await;
    let mut config = config(&server);
    config.offline = true;
    assert_eq!(kind(&Client::new(config), Http::get("/x")).await, ErrorKind::Offline);
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_required_token_that_is_missing_is_an_error_before_any_request() {
    let server = Server::start([ok()]).await;
    let mut config = config(&server);
    config.token = None;
    assert_eq!(
        kind(&Client::new(config).with_auth(Auth::Required), Http::get("/x")).await,
        ErrorKind::TokenMissing
    );
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn an_implicit_token_may_be_switched_off() {
    let server = Server::start([ok(), ok()]).await;
    let mut config = config(&server);
    config.implicit_token = false;
    let client = Client::new(config);
    client.execute(Http::get("/x")).await.unwrap();
    client.with_auth(Auth::Required).execute(Http::get("/x")).await.unwrap();
    let sent: Vec<_> =
        server.seen().iter().map(|request| request.header("authorization").is_some()).collect();
    assert_eq!(sent, [false, true]);
}

#[tokio::test]
async fn an_answer_that_never_comes_is_a_timeout() {
    let server = Server::start((0..5).map(|_| Reply::Stall(Vec::new()))).await;
    let http = Http::get("/x").timeout(Some(Duration::from_millis(20).into()));
    assert_eq!(kind(&client(&server), http).await, ErrorKind::Timeout);
}

#[tokio::test]
async fn a_web_page_is_not_taken_for_a_hub() {
    let server =
        Server::start([reply("200 OK", &[("Content-Type", "text/html")], b"<html>Log in</html>")]).await;
    let response = client(&server).execute(Http::get("/api/x")).await.unwrap();
    let error = response.json::<serde_json::Value>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotAHub);
}

#[tokio::test]
async fn a_field_that_is_wrong_is_named() {
    let server = Server::start([reply("200 OK", &[], br#"{"refs":[{"n":1},{"n":"x"}]}"#)]).await;
    #[derive(Debug, serde::Deserialize)]
    struct Refs {
        #[expect(dead_code, reason = "only its reading is tested")]
        refs: Vec<std::collections::HashMap<String, u32>>,
    }
    let error = client(&server).execute(Http::get("/api/x")).await.unwrap().json::<Refs>().await.unwrap_err();
    assert!(error.to_string().contains("refs[1].n"), "{error}");
}

#[tokio::test]
async fn a_next_page_at_another_origin_is_refused() {
    let server =
        Server::start([reply("200 OK", &[("Link", "<http://evil.example/p2>; rel=\"next\"")], b"[]")]).await;
    let response = client(&server).execute(Http::get("/api/x")).await.unwrap();
    assert_eq!(response.next_page().unwrap_err().kind(), ErrorKind::ForeignOrigin);
}

#[tokio::test]
async fn a_next_page_may_be_relative() {
    let server =
        Server::start([reply("200 OK", &[("Link", "</api/x?cursor=a,b>; rel=\"next\"")], b"[]")]).await;
    let response = client(&server).execute(Http::get("/api/x")).await.unwrap();
    assert_eq!(
        response.next_page().unwrap().unwrap().as_str(),
        format!("{}/api/x?cursor=a,b", server.origin)
    );
}

/// Reads a range to its end, beginning again when told so.
async fn read(file: &RemoteFile, range: ByteRange) -> Result<Vec<u8>, Error> {
    let mut body = file.open(range).await?;
    let mut bytes = Vec::new();
    while let Some(piece) = body.next().await? {
        match piece {
            Piece::Data(data) => bytes.extend_from_slice(&data),
            Piece::Restart => bytes.clear(),
        }
    }
    Ok(bytes)
}

fn remote(server: &Server, size: u64) -> RemoteFile {
    RemoteFile::new(&client(server), Http::get("/file")).with_size(size)
}

#[tokio::test]
async fn a_broken_body_goes_on_where_it_broke() {
    let tag = ("ETag", "\"v1\"");
    let server = Server::start([
        cut("200 OK", &[tag], b"0123456789", 4),
        cut("206 Partial Content", &[tag, ("Content-Range", "bytes 4-9/10")], b"456789", 3),
        reply("206 Partial Content", &[tag, ("Content-Range", "bytes 7-9/10")], b"789"),
    ])
    .await;
    assert_eq!(read(&remote(&server, 10), ByteRange::ALL).await.unwrap(), b"0123456789");
    let seen = server.seen();
    assert_eq!(
        seen.iter().map(|r| r.header("range")).collect::<Vec<_>>(),
        [None, Some("bytes=4-"), Some("bytes=7-")]
    );
    assert_eq!(seen[1].header("if-range"), Some("\"v1\""));
    assert!(seen.iter().all(|request| request.header("accept-encoding") == Some("identity")));
}

#[tokio::test]
async fn a_body_without_a_length_that_ends_early_goes_on() {
    let server = Server::start([
        Reply::Bytes(b"HTTP/1.0 200 OK\r\n\r\n01234".to_vec()),
        reply("206 Partial Content", &[("Content-Range", "bytes 5-9/10")], b"56789"),
    ])
    .await;
    assert_eq!(read(&remote(&server, 10), ByteRange::ALL).await.unwrap(), b"0123456789");
}

#[tokio::test]
async fn a_server_that_ignores_the_range_begins_again() {
    let server =
        Server::start([cut("200 OK", &[], b"0123456789", 4), reply("200 OK", &[], b"0123456789")]).await;
    assert_eq!(read(&remote(&server, 10), ByteRange::ALL).await.unwrap(), b"0123456789");
}

#[tokio::test]
async fn a_wrong_range_is_an_error() {
    let answers = [
        vec![("Content-Range", "bytes 0-4/10")],
        vec![("Content-Range", "bytes 5-9/999")],
        vec![("Content-Type", "multipart/byteranges; boundary=x")],
        vec![("Content-Range", "bytes 5-99/100")],
    ];
    for headers in answers {
        let server = Server::start([reply("206 Partial Content", &headers, b"56789")]).await;
        let error = read(&remote(&server, 10), ByteRange::new(5, 10)).await.unwrap_err();
        assert!(
            matches!(error.kind(), ErrorKind::RangeIgnored | ErrorKind::ContentChanged),
            "{headers:?}: {error}"
        );
    }
}

#[tokio::test]
async fn a_range_answered_with_the_whole_file_is_told() {
    let server = Server::start([reply("200 OK", &[], b"0123456789")]).await;
    let error = read(&remote(&server, 10), ByteRange::new(5, 8)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RangeIgnored);
}

#[tokio::test]
async fn two_versions_of_a_file_are_never_mixed() {
    let server = Server::start([
        cut("200 OK", &[("ETag", "\"v1\"")], b"0123456789", 4),
        reply("206 Partial Content", &[("ETag", "\"v2\""), ("Content-Range", "bytes 4-9/10")], b"abcdef"),
    ])
    .await;
    assert_eq!(
        read(&remote(&server, 10), ByteRange::ALL).await.unwrap_err().kind(),
        ErrorKind::ContentChanged
    );
}

#[tokio::test]
async fn an_expired_location_is_resolved_again() {
    let storage = Server::start([
        reply("206 Partial Content", &[("Content-Range", "bytes 0-4/10")], b"01234"),
        reply("403 Forbidden", &[], b"expired"),
        reply("206 Partial Content", &[("Content-Range", "bytes 5-9/10")], b"56789"),
    ])
    .await;
    let (first, second) = (format!("{}/a?sig=1", storage.origin), format!("{}/a?sig=2", storage.origin));
    let hub = Server::start([
        reply("302 Found", &[("Location", &first)], b""),
        reply("302 Found", &[("Location", &second)], b""),
    ])
    .await;
    let file = remote(&hub, 10);
    let mut bytes = read(&file, ByteRange::new(0, 5)).await.unwrap();
    bytes.extend(read(&file, ByteRange::new(5, 10)).await.unwrap());
    assert_eq!(bytes, b"0123456789");
    let lines: Vec<_> = storage.seen().into_iter().map(|request| request.line).collect();
    assert_eq!(lines, ["GET /a?sig=1 HTTP/1.1", "GET /a?sig=1 HTTP/1.1", "GET /a?sig=2 HTTP/1.1"]);
}

#[tokio::test]
async fn a_body_that_stalls_goes_on_over_a_new_connection() {
    let Reply::Bytes(stalled) = cut("200 OK", &[], b"0123456789", 4) else { unreachable!("cut makes bytes") };
    let server = Server::start([
        Reply::Stall(stalled),
        reply("206 Partial Content", &[("Content-Range", "bytes 4-9/10")], b"456789"),
    ])
    .await;
    let mut config = config(&server);
    config.download_timeout = Duration::from_millis(50).into();
    let file = RemoteFile::new(&Client::new(config), Http::get("/file")).with_size(10);
    assert_eq!(read(&file, ByteRange::ALL).await.unwrap(), b"0123456789");
}

#[tokio::test]
async fn a_body_that_keeps_breaking_is_given_up() {
    let server = Server::start((0..9).map(|_| cut("200 OK", &[], b"0123456789", 0))).await;
    let error = read(&remote(&server, 10), ByteRange::ALL).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert_eq!(server.seen().len(), 5);
}

#[tokio::test]
async fn the_whole_file_stands_for_its_beginning_where_that_is_accepted() {
    let whole = || reply("200 OK", &[], b"0123456789");
    let server = Server::start([whole(), whole(), whole()]).await;
    let file = RemoteFile::new(&client(&server), Http::get("/file"));
    let error = read(&file, ByteRange::new(2, 5)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RangeIgnored);
    let file = file.accept_whole();
    assert_eq!(file.open(ByteRange::new(2, 5)).await.unwrap().position(), 0);
    assert_eq!(read(&file, ByteRange::new(2, 5)).await.unwrap(), b"01234");
}

#[tokio::test]
async fn a_range_that_does_not_say_which_is_taken_where_that_is_accepted() {
    let vague = || reply("206 Partial Content", &[], b"234");
    let server = Server::start([vague(), vague()]).await;
    let file = RemoteFile::new(&client(&server), Http::get("/file"));
    let error = read(&file, ByteRange::new(2, 9)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RangeIgnored);
    assert_eq!(read(&file.accept_whole(), ByteRange::new(2, 9)).await.unwrap(), b"234");
}

#[tokio::test]
async fn an_error_page_is_no_content() {
    let server =
        Server::start([reply("404 Not Found", &[("X-Error-Code", "EntryNotFound")], b"<html>gone</html>")])
            .await;
    assert_eq!(
        read(&remote(&server, 10), ByteRange::ALL).await.unwrap_err().kind(),
        ErrorKind::EntryNotFound
    );
}

#[tokio::test]
async fn an_empty_file_is_read() {
    let server = Server::start([reply("200 OK", &[], b"")]).await;
    assert_eq!(read(&remote(&server, 0), ByteRange::ALL).await.unwrap(), b"");
}

#[tokio::test]
async fn secrets_are_in_no_error() {
    let server = Server::start([reply("400 Bad Request", &[], b"no")]).await;
    let url = Url::parse(&format!("{}/x?Signature=topsecret", server.origin)).unwrap();
    let error = client(&server).execute(Http::url(Method::GET, url)).await.unwrap_err();
    let text = format!("{error} {error:?} {}", error.full_message());
    assert!(!text.contains("topsecret") && !text.contains("hf_secret"), "{text}");
}

#[tokio::test]
async fn a_request_that_reached_no_server_says_so() {
    let hub = Server::start([]).await;
    // The port was free a moment ago, and nobody listens on it.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut config = config(&hub);
    config.endpoint = format!("http://127.0.0.1:{port}");
    let nobody = Client::new(config);
    for (client, unsent) in [(&nobody, true), (&client(&hub), false)] {
        let error = client.execute(Http::post("/x").repeatable(false)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_unsent()), (ErrorKind::Connection, unsent), "{error}");
    }
}
