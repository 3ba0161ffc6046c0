//! The transport against servers that answer byte for byte as told.
#[path = "support/mod.rs"]
mod server;

use hub_http::{
    Auth, ByteRange, Client, Config, Error, ErrorKind, Http, Idempotency, Method, Piece, Redirects,
    RemoteFile, Result, StatusCode, Timeout, Token, Url,
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
async fn token_does_not_come_back_after_a_redirect_off_its_origin() {
    let hub = Server::start([ok(), ok()]).await;
    let away =
        Server::start([reply("302 Found", &[("Location", &format!("{}/chosen", hub.origin))], b"")]).await;
    let there = Url::parse(&format!("{}/x", away.origin)).unwrap();
    client(&hub).execute(Http::url(Method::GET, there)).await.unwrap();
    assert_eq!(hub.seen()[0].header("authorization"), None);
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
async fn json_that_ends_early_with_the_connection_is_asked_for_again() {
    for version in ["1.0", "1.1"] {
        let cut = format!("HTTP/{version} 200 OK\r\nContent-Type: application/json\r\n\r\n{{\"id\":\"me/m");
        let server =
            Server::start([Reply::Bytes(cut.into_bytes()), reply("200 OK", &[], br#"{"id":"me/m"}"#)]).await;
        let response = client(&server).execute(Http::get("/api/x")).await.unwrap();
        assert_eq!(response.json::<serde_json::Value>().await.unwrap()["id"], "me/m", "{version}");
    }
}

#[tokio::test]
async fn content_is_not_sent_to_another_origin() {
    let elsewhere = Server::start([reply("200 OK", &[], b"{}")]).await;
    let location = format!("{}/x", elsewhere.origin);
    let server = Server::start([reply("307 Temporary Redirect", &[("Location", &location)], b"")]).await;
    let http = Http::post("/api/spaces/me/s/secrets").json(serde_json::json!({"value": "secret"}));
    assert_eq!(kind(&client(&server), http).await, ErrorKind::Redirect);
    assert!(elsewhere.seen().is_empty());
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
async fn a_server_that_does_not_serve_the_rest_is_asked_for_all_of_it() {
    let wrong = [
        reply("206 Partial Content", &[("Content-Range", "bytes 0-4/10")], b"01234"),
        reply("206 Partial Content", &[], b"456789"),
        reply("206 Partial Content", &[("Content-Type", "multipart/byteranges; boundary=x")], b"--x"),
        reply("206 Partial Content", &[("Content-Range", "bytes 4-10/10")], b"456789"),
        reply("416 Range Not Satisfiable", &[("Content-Range", "bytes */10")], b""),
    ];
    for wrong in wrong {
        let whole = reply("200 OK", &[], b"0123456789");
        let server = Server::start([cut("200 OK", &[], b"0123456789", 4), wrong, whole]).await;
        assert_eq!(read(&remote(&server, 10), ByteRange::ALL).await.unwrap(), b"0123456789");
        let ranges: Vec<_> =
            server.seen().iter().map(|seen| seen.header("range").map(str::to_owned)).collect();
        assert_eq!(ranges, [None, Some("bytes=4-".to_owned()), None]);
    }
}

#[tokio::test]
async fn a_server_that_always_begins_again_and_breaks_off_is_given_up() {
    // More than earns a fresh count of attempts, if it were progress.
    let body = vec![7; 200 << 10];
    let server = Server::start((0..20).map(|_| cut("200 OK", &[], &body, 100 << 10))).await;
    let error = read(&remote(&server, body.len() as u64), ByteRange::ALL).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Connection);
    assert!(server.seen().len() < 10, "{} requests", server.seen().len());
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
        let error = client.execute(Http::post("/x").idempotency(Idempotency::Unsafe)).await.unwrap_err();
        assert_eq!((error.kind(), error.is_unsent()), (ErrorKind::Connection, unsent), "{error}");
    }
}

/// A port where connections are never made: its queue is full, so that further SYNs are dropped.
async fn black_hole() -> (String, Vec<tokio::net::TcpStream>, tokio::net::TcpListener) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    let patience = Duration::from_millis(200);
    while let Ok(made) = tokio::time::timeout(patience, tokio::net::TcpStream::connect(address)).await {
        waiting.push(made.unwrap());
        assert!(waiting.len() < 100, "the queue never fills");
    }
    (format!("http://{address}"), waiting, listener)
}

#[tokio::test]
async fn a_request_whose_syn_is_dropped_was_not_sent() {
    let (endpoint, _waiting, _listener) = black_hole().await;
    let mut config = Config::new(&endpoint, "/nonexistent/home").unwrap();
    config.retry.base = Duration::from_millis(1);
    config.retry.max_attempts = 2;
    // Whichever limit is reached first, the connection was never there.
    let by_caller = Client::new(config.clone()).with_timeout(Duration::from_millis(50));
    config.connect_timeout = Duration::from_millis(50).into();
    let by_connecting = Client::new(config);
    for (client, said) in
        [(by_caller, "no connection within the 0.05 s"), (by_connecting, "could not connect within 0.05 s")]
    {
        let error = client.execute(Http::post("/commit").json(json!({}))).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.is_unsent(), error.attempts()),
            (ErrorKind::Timeout, true, 2),
            "{error}"
        );
        assert!(error.to_string().contains(said), "{error}");
    }
}

#[tokio::test]
async fn a_request_that_is_not_answered_may_have_been_performed() {
    let server = Server::start([Reply::Stall(Vec::new()), ok()]).await;
    let client = client(&server).with_timeout(Duration::from_millis(50));
    let error = client.execute(Http::post("/commit").json(json!({}))).await.unwrap_err();
    assert_eq!((error.kind(), error.is_unsent(), server.seen().len()), (ErrorKind::Timeout, false, 1));
    assert!(error.to_string().contains("no answer within the 0.05 s that the caller allows"), "{error}");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_asked_for_again() {
    let body = br#"{"answer":"a text that is long enough"}"#;
    let cut_silently = Reply::Bytes(format!("HTTP/1.0 200 OK\r\n\r\n{}", "{\"answer\"").into_bytes());
    for broken in [cut("200 OK", &[], body, 10), cut_silently] {
        let server = Server::start([broken, reply("200 OK", &[], body)]).await;
        let answer: serde_json::Value =
            client(&server).execute(Http::get("/x")).await.unwrap().json().await.unwrap();
        assert_eq!((answer["answer"].as_str(), server.seen().len()), (Some("a text that is long enough"), 2));
    }
}

#[tokio::test]
async fn a_body_that_stalls_is_asked_for_again() {
    let Reply::Bytes(stalled) = cut("200 OK", &[], b"{\"a\":1}", 3) else { unreachable!("cut makes bytes") };
    let server = Server::start([Reply::Stall(stalled), reply("200 OK", &[], b"{\"a\":1}")]).await;
    let mut config = config(&server);
    config.download_timeout = Duration::from_millis(50).into();
    let answer = Client::new(config).answer(Http::get("/x")).await.unwrap();
    assert_eq!((&*answer.body, server.seen().len()), (&b"{\"a\":1}"[..], 2));
}

#[tokio::test]
async fn a_post_whose_answer_breaks_off_is_not_repeated() {
    let server = Server::start([cut("200 OK", &[], b"0123456789", 4), ok()]).await;
    let error = client(&server).answer(Http::post("/commit").json(json!({}))).await.unwrap_err();
    assert_eq!((error.kind(), error.is_unsent(), server.seen().len()), (ErrorKind::Connection, false, 1));
}

#[tokio::test]
async fn a_body_that_keeps_breaking_off_counts_attempts_like_no_answer() {
    let server = Server::start((0..9).map(|_| cut("200 OK", &[], b"0123456789", 4))).await;
    let error = client(&server).answer(Http::get("/x")).await.unwrap_err();
    assert_eq!((error.attempts(), server.seen().len()), (5, 5));
}

#[tokio::test]
async fn a_refusal_whose_page_stalls_is_still_a_refusal() {
    let Reply::Bytes(stalled) = cut("403 Forbidden", &[], b"0123456789", 4) else {
        unreachable!("cut makes bytes")
    };
    let server = Server::start([Reply::Stall(stalled)]).await;
    let client = client(&server).with_timeout(Duration::from_millis(50));
    assert_eq!(client.execute(Http::get("/x")).await.unwrap_err().status(), Some(403));
}

#[tokio::test]
async fn a_deletion_whose_answer_was_lost_has_succeeded() {
    for lost in
        [reply("504 Gateway Timeout", &[], b""), Reply::Bytes(Vec::new()), cut("200 OK", &[], b"0123", 2)]
    {
        let server = Server::start([lost, reply("404 Not Found", &[], b"{}")]).await;
        let answer = client(&server).answer(Http::delete("/x")).await.unwrap();
        assert_eq!((answer.status, server.seen().len()), (StatusCode::NOT_FOUND, 2));
    }
}

#[tokio::test]
async fn what_was_never_there_cannot_be_deleted() {
    let gone = || reply("404 Not Found", &[("X-Error-Code", "RevisionNotFound")], b"{}");
    let limited = reply("429 Too Many Requests", &[("Retry-After", "0")], b"");
    for replies in [vec![gone()], vec![limited, gone()]] {
        let server = Server::start(replies).await;
        assert_eq!(kind(&client(&server), Http::delete("/x")).await, ErrorKind::RevisionNotFound);
    }
}

#[tokio::test]
async fn patience_bounds_the_waits_that_others_were_told() {
    let server = Server::start([reply("429 Too Many Requests", &[("Retry-After", "500")], b""), ok()]).await;
    let patient = client(&server);
    let other = patient.with_patience(Duration::from_secs(10));
    let waiting = tokio::spawn(async move { patient.execute(Http::get("/x")).await });
    while server.seen().is_empty() {
        tokio::task::yield_now().await;
    }
    // The gate closes a moment after the server has seen the request, so a first request may still pass.
    let error = loop {
        match other.execute(Http::get("/y")).await {
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    waiting.abort();
    assert_eq!((error.kind(), error.is_unsent()), (ErrorKind::RateLimited, true));
    assert!(error.retry_after().unwrap() > Duration::from_secs(400), "{error}");
}

#[tokio::test]
async fn a_deadline_ends_answers_bodies_and_waits() {
    let Reply::Bytes(stalled) = cut("200 OK", &[], b"0123456789", 4) else { unreachable!("cut makes bytes") };
    let limited = reply("429 Too Many Requests", &[("Retry-After", "100")], b"");
    for (answer, kind) in [
        (Reply::Stall(Vec::new()), ErrorKind::Timeout),
        (Reply::Stall(stalled), ErrorKind::Timeout),
        (limited, ErrorKind::RateLimited),
    ] {
        let server = Server::start([answer]).await;
        let client = client(&server).with_deadline(Duration::from_millis(100));
        let error = client.answer(Http::get("/x")).await.unwrap_err();
        assert_eq!((error.kind(), server.seen().len()), (kind, 1), "{error}");
        assert!(error.to_string().contains("deadline of 0.1 s"), "{error}");
    }
    let server = Server::start([ok()]).await;
    client(&server).with_deadline(Timeout::NONE).execute(Http::get("/x")).await.unwrap();
}

/// A gzip stream of this many bytes of zeros.
fn zeros(bytes: usize) -> Vec<u8> {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let block = vec![0; 1 << 20];
    for _ in 0..bytes >> 20 {
        encoder.write_all(&block).unwrap();
    }
    encoder.finish().unwrap()
}

#[tokio::test]
async fn a_compressed_bomb_ends_at_the_limit_of_the_answer() {
    let bomb = zeros(80 << 20);
    assert!(bomb.len() < 100_000);
    let gzip = ("Content-Encoding", "gzip");
    let server = Server::start([reply("200 OK", &[gzip], &bomb), ok()]).await;
    let error = client(&server).answer(Http::get("/x")).await.unwrap_err();
    assert!(error.to_string().contains("larger than 64 MiB"), "{error}");
    assert_eq!((error.kind(), server.seen().len()), (ErrorKind::Decode, 1));
    let server = Server::start([reply("403 Forbidden", &[gzip], &bomb)]).await;
    let error = client(&server).answer(Http::get("/x")).await.unwrap_err();
    assert_eq!(error.status(), Some(403));
}

#[tokio::test]
async fn json_that_is_a_bomb_is_an_error() {
    let deep = "[".repeat(100_000);
    for body in [deep.as_bytes(), b"1e400", br#"{"a":"\ud800"}"#] {
        let server = Server::start([reply("200 OK", &[], body)]).await;
        let answer = client(&server).answer(Http::get("/x")).await.unwrap();
        assert_eq!(answer.json::<serde_json::Value>().unwrap_err().kind(), ErrorKind::Decode);
    }
}

#[tokio::test]
async fn an_answer_must_not_lead_to_a_link_local_address() {
    let server = Server::start([]).await;
    let client = client(&server);
    for url in
        ["http://169.254.169.254/latest", "http://[fe80::1]/", "http://[::ffff:169.254.1.1]/", "ftp://x/y"]
    {
        let url = Url::parse(url).unwrap();
        let error = client.execute(Http::url(Method::PUT, url.clone())).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ForeignOrigin, "{url}");
        let file = RemoteFile::new(&client, Http::get("/file")).with_location(url.clone());
        assert_eq!(file.open(ByteRange::ALL).await.unwrap_err().kind(), ErrorKind::ForeignOrigin, "{url}");
    }
    assert!(server.seen().is_empty());
}

#[tokio::test]
async fn a_next_page_is_found_or_an_error() {
    for (link, next) in
        [("</p?cursor=é>; rel=next", Some("/p?cursor=%C3%A9")), ("</p?cursor=x; rel=next", None)]
    {
        let server = Server::start([reply("200 OK", &[("Link", link)], b"[]")]).await;
        let found = client(&server).execute(Http::get("/x")).await.unwrap().next_page();
        match next {
            Some(next) => assert_eq!(found.unwrap().unwrap().as_str(), format!("{}{next}", server.origin)),
            None => assert_eq!(found.unwrap_err().kind(), ErrorKind::Decode),
        }
    }
}

#[tokio::test]
async fn a_range_from_the_first_byte_need_not_say_which_it_is() {
    let server = Server::start([reply("206 Partial Content", &[], b"01234")]).await;
    assert_eq!(read(&remote(&server, 10), ByteRange::new(0, 5)).await.unwrap(), b"01234");
}

#[tokio::test]
async fn a_wait_of_zero_seconds_is_not_a_storm() {
    let server = Server::start((0..9).map(|_| reply("503 Unavailable", &[("Retry-After", "0")], b""))).await;
    let mut config = config(&server);
    config.retry.base = Duration::from_millis(20);
    config.retry.cap = Duration::from_millis(20);
    let start = std::time::Instant::now();
    Client::new(config).execute(Http::get("/x")).await.unwrap_err();
    assert_eq!(server.seen().len(), 5);
    // Four pauses of at least half of 20 ms.
    assert!(start.elapsed() >= Duration::from_millis(40), "{:?}", start.elapsed());
}

#[tokio::test]
async fn the_length_of_a_redirect_is_not_that_of_the_file() {
    let storage = Server::start([reply("200 OK", &[], b"0123456789")]).await;
    let there = format!("{}/stored", storage.origin);
    let hub = Server::start([reply("302 Found", &[("Location", &there)], &[b' '; 1369])]).await;
    let file = RemoteFile::new(&client(&hub), Http::get("/file"));
    assert_eq!(file.open(ByteRange::ALL).await.unwrap().size(), Some(10));
}

#[tokio::test]
async fn a_file_that_is_compressed_on_the_way_has_its_own_length() {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(b"0123456789").unwrap();
    let packed = encoder.finish().unwrap();
    let server = Server::start([reply("200 OK", &[("Content-Encoding", "gzip")], &packed)]).await;
    assert_eq!(read(&remote(&server, 10), ByteRange::ALL).await.unwrap(), b"0123456789");
}
