use crate::client::{Client, header, noise};
use hub_local::{Cut, Fault, LocalHub, Method, Origin};
use reqwest::{Response, Version, header::RANGE};
use std::time::{Duration, Instant};

const PATH: &str = "/local/m/resolve/main/m.bin";

/// A Hub with an LFS file of 1000 bytes, and where it is to be had.
async fn stored() -> (LocalHub, Client, Vec<u8>, String) {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let content = noise(1000);
    client.commit_lfs("local/m", "m.bin", &content).await;
    let location = client.location(PATH).await;
    (hub, client, content, location)
}

/// What arrives of a body before it ends or breaks.
async fn arrived(mut answer: Response) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => return (bytes, true),
            Err(_) => return (bytes, false),
        }
    }
}

#[tokio::test]
async fn status_happens_to_the_nth_request_only() {
    let (hub, client, _, _) = stored().await;
    let fault = Fault::on(Method::GET, "/whoami").nth(2).status(503).header("retry-after", "7");
    let handle = hub.fault(fault);
    let mut statuses = Vec::new();
    for _ in 0..3 {
        let answer = client.get("/api/whoami-v2").await;
        if answer.status() == 503 {
            assert_eq!(header(&answer, "retry-after"), "7");
        }
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses, [200, 503, 200]);
    assert_eq!(handle.hits(), 1);
}

#[tokio::test]
async fn times_counts_from_the_first_and_clear_ends_all() {
    let (hub, client, _, _) = stored().await;
    hub.fault(Fault::any("/whoami").at(Origin::Hub).times(2).status(429));
    for expected in [429, 429, 200] {
        assert_eq!(client.get("/api/whoami-v2").await.status(), expected);
    }
    hub.fault(Fault::any("/whoami").status(500));
    hub.clear_faults();
    assert_eq!(client.get("/api/whoami-v2").await.status(), 200);
}

#[tokio::test]
async fn cut_body_ends_early() {
    let (hub, client, content, location) = stored().await;
    hub.fault(Fault::on(Method::GET, "/objects/").at(Origin::Storage).times(1).cut_after(400, Cut::Finish));
    let (bytes, complete) = arrived(client.get(&location).await).await;
    assert_eq!((bytes.as_slice(), complete), (&content[..400], false));
    assert_eq!(hub.requests().last().unwrap().body_bytes_sent, 400);
    assert_eq!(client.get(&location).await.bytes().await.unwrap(), content);
}

#[tokio::test]
async fn reset_body_is_an_error() {
    let (hub, client, _, location) = stored().await;
    hub.fault(Fault::on(Method::GET, "/objects/").cut_after(400, Cut::Reset));
    let complete = match client.request(Method::GET, &location).send().await {
        Ok(answer) => arrived(answer).await.1,
        Err(_) => false,
    };
    assert!(!complete);
}

#[tokio::test]
async fn reset_before_the_answer_is_an_error() {
    let (hub, client, _, _) = stored().await;
    hub.fault(Fault::on(Method::GET, "/whoami").reset());
    assert!(client.request(Method::GET, "/api/whoami-v2").send().await.is_err());
}

#[tokio::test]
async fn stalled_body_stays_open() {
    let (hub, client, content, location) = stored().await;
    hub.fault(Fault::on(Method::GET, "/objects/").stall_after(10));
    let mut answer = client.get(&location).await;
    assert_eq!(answer.chunk().await.unwrap().unwrap(), content[..10]);
    assert!(tokio::time::timeout(Duration::from_millis(200), answer.chunk()).await.is_err());
}

#[tokio::test]
async fn corrupt_byte_is_at_its_place_in_ranges_too() {
    let (hub, client, content, location) = stored().await;
    hub.fault(Fault::on(Method::GET, "/objects/").corrupt_byte(500));
    let mut damaged = content.clone();
    damaged[500] ^= 0xff;
    assert_eq!(client.get(&location).await.bytes().await.unwrap(), damaged);
    for range in [500..1000, 0..501, 0..500, 501..1000] {
        let value = format!("bytes={}-{}", range.start, range.end - 1);
        let answer = client.request(Method::GET, &location).header(RANGE, value).send().await.unwrap();
        assert_eq!(answer.status(), 206);
        assert_eq!(answer.bytes().await.unwrap(), damaged[range]);
    }
}

#[tokio::test]
async fn truncated_body_without_length_looks_complete() {
    let (hub, client, content, location) = stored().await;
    hub.fault(Fault::on(Method::GET, "/objects/").without_length().truncate_after(500));
    let answer = client.get(&location).await;
    assert_eq!((answer.version(), answer.content_length()), (Version::HTTP_10, None));
    let (bytes, complete) = arrived(answer).await;
    assert_eq!((bytes.as_slice(), complete), (&content[..500], true));
}

#[tokio::test]
async fn range_is_ignored_or_misnamed() {
    let (hub, client, content, location) = stored().await;
    let ask = || client.request(Method::GET, &location).header(RANGE, "bytes=500-").send();
    hub.fault(Fault::on(Method::GET, "").range("500-").nth(1).ignore_range());
    hub.fault(Fault::on(Method::GET, "").range("500-").nth(2).wrong_content_range("bytes 0-499/1000"));
    let answer = ask().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.bytes().await.unwrap(), content);
    let answer = ask().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), header(&answer, "content-range")),
        (206, "bytes 0-499/1000".into())
    );
}

#[tokio::test]
async fn answer_is_replaced_and_its_headers_changed() {
    let (hub, client, _, _) = stored().await;
    hub.fault(Fault::on(Method::GET, PATH).nth(1).body("<html>").header("content-type", "text/html"));
    hub.fault(
        Fault::on(Method::GET, PATH)
            .nth(2)
            .drop_header("x-linked-etag")
            .replace_header("x-repo-commit", "../x"),
    );
    hub.fault(Fault::on(Method::GET, PATH).nth(3).redirect("http://example.invalid/"));
    let answer = client.get(PATH).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "content-type")), (200, "text/html".into()));
    assert_eq!(answer.text().await.unwrap(), "<html>");
    let answer = client.get(PATH).await;
    assert_eq!(header(&answer, "x-repo-commit"), "../x");
    assert_eq!(answer.headers().get("x-linked-etag"), None);
    let answer = client.get(PATH).await;
    assert_eq!(
        (answer.status().as_u16(), header(&answer, "location")),
        (302, "http://example.invalid/".into())
    );
}

#[tokio::test]
async fn failed_answer_of_a_commit_leaves_it_made() {
    let (hub, client, _, _) = stored().await;
    hub.fault(Fault::on(Method::POST, "/commit/").times(1).commit_then_fail(504));
    let change = [crate::client::file("a", b"1")];
    let answer = client.commit("local/m", &serde_json::json!({ "summary": "x" }), &change).await;
    assert_eq!(answer.status(), 504);
    assert_eq!(client.get("/local/m/resolve/main/a").await.text().await.unwrap(), "1");
}

#[tokio::test]
async fn predicate_chooses_requests() {
    let (hub, client, _, _) = stored().await;
    hub.fault(Fault::any("").when(|head| head.headers.contains_key("x-odd")).status(418));
    let plain = client.get("/api/whoami-v2").await;
    let odd = client.request(Method::GET, "/api/whoami-v2").header("x-odd", "1").send().await.unwrap();
    assert_eq!((plain.status().as_u16(), odd.status().as_u16()), (200, 418));
}

#[tokio::test]
async fn slow_body_and_delay_take_their_time() {
    let (hub, client, content, location) = stored().await;
    hub.fault(Fault::on(Method::GET, "/objects/").bytes_per_second(5000).delay(Duration::from_millis(50)));
    let start = Instant::now();
    assert_eq!(client.get(&location).await.bytes().await.unwrap(), content);
    assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
}
