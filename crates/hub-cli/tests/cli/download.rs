//! `hub download`: what was asked for and is not there.
use crate::hub::{Hub, names};
use std::path::Path;

const FILES: [(&str, &str); 3] = [("config.json", "{}"), ("a.txt", "a"), ("onnx/b.txt", "b")];

#[tokio::test(flavor = "multi_thread")]
async fn a_named_file_that_does_not_exist_is_an_error_and_the_others_are_downloaded() {
    let hub = Hub::with_model(&FILES).await;
    let done = hub.run(["download", "local/it", "config.json", "nope.json"]).await.exits(1);
    let done = done.says(&["error", "`nope.json`", "local/it"]);
    assert_eq!(done.stdout, "");
    assert_eq!(hub.cached("local/it"), ["config.json"]);
    hub.run(["download", "local/it", "nope.json"]).await.exits(1).says(&["nope.json"]);
    hub.run(["download", "local/it", "onnx/", "nope[1].txt"]).await.exits(1).says(&["`nope[1].txt`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_the_user_does_not_stand_for_one_of_the_repository() {
    let hub = Hub::with_model(&FILES).await;
    hub.write(&[("nope.json", "mine"), ("x.csv", "mine")]);
    let named = hub.run(["download", "local/it", "config.json", "nope.json", "--local-dir", "."]).await;
    named.exits(1).says(&["error", "`nope.json`"]);
    let matching = hub.run(["download", "local/it", "--include", "*.csv", "--local-dir", "."]).await;
    matching.exits(1).says(&["error", "`*.csv`"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn patterns_that_match_nothing_are_reported() {
    let hub = Hub::with_model(&FILES).await;
    let none = hub.run(["download", "local/it", "--include", "*.bin"]).await.exits(1);
    none.says(&["error", "`*.bin`", "local/it"]);
    hub.run(["download", "local/it", "*.bin"]).await.exits(1).says(&["error", "`*.bin`"]);
    hub.run(["download", "local/it", "nope/"]).await.exits(1).says(&["error", "`nope/`"]);
    hub.run(["download", "local/it", "--exclude", "*"]).await.exits(1).says(&["error"]);
    let some =
        hub.run(["download", "local/it", "--include", "*.bin", "*.txt", "--exclude", "*.log"]).await.exits(0);
    let some = some.says(&["warning", "`*.bin`"]).says(&["warning", "`*.log`"]);
    assert_eq!(some.lines(&["warning"]), 2, "{some:#?}");
    assert_eq!(hub.cached("local/it"), ["a.txt", "onnx/b.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_may_be_named_without_its_slash() {
    let hub = Hub::with_model(&FILES).await;
    hub.run(["download", "local/it", "onnx"]).await.exits(0);
    assert_eq!(hub.cached("local/it"), ["onnx/b.txt"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_download_is_summarised() {
    let hub = Hub::with_model(&FILES).await;
    let first = hub.run(["download", "local/it", "*.txt"]).await.exits(0);
    let first = first.says(&["downloaded 2 files", "2 B"]);
    assert_eq!(first.stdout.lines().count(), 1, "{first:#?}");
    hub.run(["download", "local/it", "*.txt", "config.json"])
        .await
        .exits(0)
        .says(&["downloaded 1 file", "2 were here already"]);
    hub.run(["download", "local/it", "config.json"]).await.exits(0).says(&["nothing to download"]);
    let json = hub.run(["download", "local/it", "*.txt", "--force-download", "--json"]).await.exits(0);
    assert_eq!((json.json()["downloaded_files"].as_u64(), json.json()["files"].as_u64()), (Some(2), Some(2)));
    assert_eq!(json.stderr, "");
    let quiet = hub.run(["download", "local/it", "-q"]).await.exits(0);
    assert_eq!(quiet.stderr, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tilde_is_the_home_folder_behind_an_equals_sign() {
    let hub = Hub::with_model(&FILES).await;
    let done = hub.run(["download", "local/it", "a.txt", "--local-dir=~/x"]).await.exits(0);
    assert!(hub.home().join("x/a.txt").is_file(), "{done:#?}");
    assert!(!hub.work().join("~").exists());
    hub.run(["download", "local/it", "a.txt", "--cache-dir=~/cache"]).await.exits(0);
    assert!(hub.home().join("cache/models--local--it").is_dir());
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_path_may_be_any_bytes() {
    use std::os::unix::ffi::OsStrExt as _;
    let hub = Hub::with_model(&FILES).await;
    let folder = Path::new(std::ffi::OsStr::from_bytes(b"bad\xff"));
    for option in ["--local-dir", "--cache-dir"] {
        for files in [&["a.txt"][..], &["a.txt", "config.json"], &[]] {
            for format in [&[][..], &["--json"]] {
                let mut command = hub.command(["download", "local/it"]);
                command.args(files).args(format).arg(option).arg(folder);
                crate::hub::Output::of(command).await.exits(0);
            }
        }
    }
    let all = names(&hub.work().join(folder));
    assert!(all.iter().any(|name| name == "a.txt"), "{all:?}");
    let path = String::from("--local-dir=x");
    let mut command = hub.command(["download", "local/it", "a.txt", &path]);
    command.current_dir(hub.work().join(folder));
    crate::hub::Output::of(command).await.exits(0);
}
