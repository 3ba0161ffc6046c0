//! The standard streams: names that steer terminals, readers that go away, full disks.
use crate::hub::Hub;
use std::process::Stdio;

#[tokio::test(flavor = "multi_thread")]
async fn control_characters_in_names_are_shown_and_json_is_faithful() {
    let name = "a\u{1b}[31m\u{202e}\r模型.txt";
    let hub = Hub::with_model(&[(name, "x"), ("b.txt", "y")]).await;
    let human = hub.run(["models", "ls", "local/it"]).await.exits(0);
    assert!(human.stdout.contains("a\\u{1b}[31m\\u{202e}\\u{d}模型.txt"), "{human:#?}");
    assert!(!human.stdout.contains(['\u{1b}', '\u{202e}', '\r']), "{human:#?}");
    let raw = hub.run(["models", "ls", "local/it", "--raw"]).await.exits(0);
    assert!(raw.stdout.contains(name), "{raw:#?}");
    let json = hub.run(["models", "ls", "local/it", "--json"]).await.exits(0);
    let paths: Vec<serde_json::Value> = json
        .stdout
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["path"].clone())
        .collect();
    assert!(paths.contains(&name.into()), "{json:#?}");
    let missing = hub.run(["download", "local/it", "x\u{1b}]0;t\u{7}", "y"]).await.exits(1);
    assert!(!missing.stderr.contains(['\u{1b}', '\u{7}']), "{missing:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_are_not_cut_without_a_terminal() {
    let name = format!("{}.txt", "x".repeat(240));
    let hub = Hub::with_model(&[(&name, "x")]).await;
    let mut command = hub.command(["models", "ls", "local/it"]);
    command.env("COLUMNS", "20");
    let done = crate::hub::Output::of(command).await.exits(0);
    assert!(done.stdout.contains(&name), "{done:#?}");
}

/// Runs a command whose standard output nobody reads.
async fn unread(hub: &Hub, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = hub.command(arguments);
    let run = move || {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = command.stdout(writer).stderr(Stdio::piped()).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    tokio::task::spawn_blocking(run).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_away_ends_a_command_quietly() {
    let hub = Hub::with_model(&[("f.txt", "x")]).await;
    let commands: [&[&str]; 8] = [
        &["call", "--list"],
        &["call", "model_info", "--help"],
        &["call", "list_repo_files", "{\"repo_id\":\"local/it\"}"],
        &["completions", "bash"],
        &["models", "ls"],
        &["models", "info", "local/it"],
        &["env"],
        &["download", "local/it", "f.txt", "-q"],
    ];
    for arguments in commands {
        assert_eq!(unread(&hub, arguments).await, (Some(0), String::new()), "{arguments:?}");
    }
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_behind_a_stream_is_no_panic() {
    let hub = Hub::with_model(&[("f.txt", "x")]).await;
    hub.write(&[("up/f.txt", "x"), ("up/.env", "x")]);
    let full = || std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let commands: [(&[&str], i32); 6] = [
        (&["download", "local/it", "nope", "-vv"], 1),
        (&["download", "local/it", "f.txt", "--progress", "json"], 0),
        (&["upload", "local/it", "up"], 0),
        (&["call", "nope"], 2),
        (&["repo", "delete", "local/it"], 2),
        (&["auth", "login", "--token", "hf_wrong"], 1),
    ];
    for (arguments, code) in commands {
        let mut command = hub.command(arguments);
        let status = tokio::task::spawn_blocking(move || {
            command.stdout(Stdio::null()).stderr(full()).status().unwrap()
        });
        assert_eq!(status.await.unwrap().code(), Some(code), "{arguments:?}");
    }
    let commands: [&[&str]; 4] =
        [&["call", "--list"], &["completions", "bash"], &["env"], &["models", "ls", "local/it"]];
    for arguments in commands {
        let mut command = hub.command(arguments);
        command.stdout(full());
        crate::hub::Output::of(command).await.exits(1).says(&["could not write"]);
    }
}
