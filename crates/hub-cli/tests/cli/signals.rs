//! Ctrl-C and SIGTERM.
#![cfg(unix)]
use crate::hub::Hub;
use hub_client::prelude::*;
use hub_local::{Fault, Method, Origin};
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Starts a download that takes its time, sends a signal in the middle, and returns the exit code, how long that took, and
/// what was said after it.
async fn interrupted_download(hub: &Hub, signal: &'static str) -> (Option<i32>, Duration, String) {
    let mut command = hub.command(["download", "local/it", "large.bin", "--progress", "json"]);
    let run = move || {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        // The first bytes are reported.
        while !line.contains("\"bytes\":") || line.contains("\"bytes\":0,") {
            line.clear();
            assert!(lines.read_line(&mut line).unwrap() > 0, "the download ended before it was interrupted");
        }
        let sent = Instant::now();
        let kill =
            Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status().unwrap();
        assert!(kill.success());
        let status = child.wait().unwrap();
        let took = sent.elapsed();
        let mut rest = String::new();
        lines.read_to_string(&mut rest).unwrap();
        (status.code(), took, rest)
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_stops_a_download_within_a_second_and_its_bytes_are_kept() {
    let hub = Hub::start().await;
    let content: Vec<u8> = (0..12_u32 << 20).map(|n| (n % 251) as u8).collect();
    hub.api.create_repo("local/it").await.unwrap();
    hub.api.upload_file(content.clone(), "large.bin", "local/it").await.unwrap();
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        hub.fault(Fault::on(Method::GET, "").at(Origin::Storage).bytes_per_second(1 << 20));
        let (found, took, said) = interrupted_download(&hub, signal).await;
        assert_eq!(found, Some(code), "{said}");
        assert!(took < Duration::from_secs(1), "{took:?}");
        assert!(said.contains("interrupted"), "{said}");
        hub.clear_faults();
    }
    let blobs = hub.home().join("hf/hub/models--local--it/blobs");
    let partials = std::fs::read_dir(&blobs).unwrap().count();
    assert!(partials > 0);
    let done = hub.run(["download", "local/it", "large.bin"]).await.exits(0);
    assert!(std::fs::read(done.stdout.trim()).unwrap() == content);
}
