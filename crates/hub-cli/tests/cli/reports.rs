//! What commands say on the standard error: warnings, summaries, more with `-v`, and never a secret.
use crate::hub::{Hub, Output};
use serde_json::Value;

/// A folder with files that are left out, each for another reason.
#[cfg(unix)]
async fn hub_with_skipped_files() -> Hub {
    let hub = Hub::with_model(&[(".gitignore", "*.log\n"), ("same.txt", "same")]).await;
    hub.write(&[
        ("folder/new.txt", "new"),
        ("folder/same.txt", "same"),
        ("folder/run.log", "log"),
        ("folder/.env", "SECRET=1"),
        ("folder/README.md", "# It\n"),
    ]);
    let folder = hub.work().join("folder");
    std::os::unix::fs::symlink("nowhere", folder.join("dangling")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(folder.join("pipe")).status().unwrap();
    assert!(pipe.success());
    hub
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn every_skipped_file_is_a_line_and_the_upload_is_summarised() {
    let hub = hub_with_skipped_files().await;
    let done = hub.run(["upload", "local/it", "folder"]).await.exits(0);
    let done = done
        .says(&["warning", "`run.log`", ".gitignore"])
        .says(&["warning", "`.env`", "secrets"])
        .says(&["warning", "`dangling`", "nothing"])
        .says(&["warning", "`pipe`"])
        .says(&["committed 2 files added or changed, 1 file unchanged, 4 files skipped; sent"]);
    assert_eq!(done.stdout.lines().count(), 1, "{done:#?}");
    assert_eq!(hub.files("local/it").await, [".gitignore", "README.md", "new.txt", "same.txt"]);

    let again = hub.run(["upload", "local/it", "folder", "--quiet"]).await.exits(0);
    let again = again.says(&["warning", "no file differs"]).says(&["warning", "`pipe`"]);
    assert_eq!(again.lines(&["nothing to commit"]), 0, "{again:#?}");
    let again = hub.run(["upload", "local/it", "folder"]).await.exits(0);
    again.says(&["nothing to commit: 3 files unchanged, 4 files skipped"]);

    let json = hub.run(["upload", "local/it", "folder", "--json"]).await.exits(0).json();
    assert_eq!(
        (json["summary"]["unchanged_files"].as_u64(), json["summary"]["skipped_files"].as_u64()),
        (Some(3), Some(4))
    );
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn with_json_progress_every_line_is_json() {
    let hub = hub_with_skipped_files().await;
    let commands: [&[&str]; 3] = [
        &["upload", "local/it", "folder", "--progress", "json", "-vv"],
        &["download", "local/it", "--progress", "json"],
        &["download", "local/it", "nope.txt", "--progress", "json"],
    ];
    for arguments in commands {
        let done = hub.run(arguments).await;
        let lines: Vec<Value> =
            done.stderr.lines().map(|line| serde_json::from_str(line).expect(line)).collect();
        assert!(!lines.is_empty(), "{done:#?}");
        if arguments[0] == "upload" {
            let skipped =
                |line: &&Value| line["level"] == "warning" && line["message"].to_string().contains("run.log");
            assert_eq!(lines.iter().filter(skipped).count(), 1, "{done:#?}");
            assert!(
                lines.iter().any(|line| line["phase"] == "done" && line["skipped_files"] == 4),
                "{done:#?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn options_and_variables_choose_what_is_reported() {
    let hub = Hub::with_model(&[("f.txt", "x")]).await;
    hub.write(&[("f.txt", "x"), (".env", "s")]);
    let upload = |vars: &[(&str, &str)], options: &[&str]| {
        let mut command = hub.command(["upload", "local/it", "."]);
        command.args(options).envs(vars.iter().copied());
        Output::of(command)
    };
    for (vars, options, warned, debugged) in [
        (&[][..], &[][..], true, false),
        (&[], &["-v"], true, true),
        (&[], &["-vv"], true, true),
        (&[], &["-q"], true, false),
        (&[("HF_DEBUG", "1")], &[], true, true),
        (&[("HF_DEBUG", "\"1\"")], &[], true, true),
        (&[("HF_HUB_VERBOSITY", "'debug'")], &[], true, true),
        (&[("HF_HUB_VERBOSITY", "debug")], &[], true, true),
        (&[("HF_HUB_VERBOSITY", "info")], &[], true, false),
        (&[("HF_HUB_VERBOSITY", "error")], &[], false, false),
        (&[("HF_HUB_VERBOSITY", "critical")], &["-v"], true, true),
    ] {
        let done = upload(vars, options).await.exits(0);
        assert_eq!(
            done.lines(&["warning: ", ".env"]) > 0 || done.lines(&["warning", ".env"]) > 0,
            warned,
            "{done:#?}"
        );
        assert_eq!(done.lines(&["debug", "GET"]) > 0, debugged, "{done:#?}");
    }
    let unknown = upload(&[("HF_HUB_VERBOSITY", "loud")], &[]).await.exits(0);
    assert_eq!(unknown.lines(&["warning", "HF_HUB_VERBOSITY", "`loud`"]), 1, "{unknown:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn errors_about_arguments_repeat_no_token() {
    let hub = Hub::start().await;
    let commands: [&[&str]; 6] = [
        &["auth", "login", "hf_s3cret"],
        &["auth", "switch", "hf_s3cret"],
        &["models", "info", "huggingface.co/a/b/c?token=s3cret"],
        &["models", "info", "hf://u:s3cret@a/b"],
        &["call", "model_info", r#"{"repo_id":"https://u:s3cret@huggingface.co/a/b?token=s3cret"}"#],
        &["call", "get_hf_file_metadata", r#"{"url":"u:s3cret@huggingface.co/a/b?token=s3cret"}"#],
    ];
    for command in commands {
        let failed = hub.run(command).await.exits(2);
        assert!(!format!("{failed:?}").contains("s3cret"), "{failed:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_report_holds_a_secret() {
    let hub = Hub::start().await;
    hub.write(&[("folder/large.bin", "x"), ("folder/small.txt", "x")]);
    let commands: [&[&str]; 7] = [
        &["upload", "local/it", "folder", "-vv"],
        &["download", "local/it", "-vv", "--local-dir", "out"],
        &["download", "local/it", "large.bin", "-vv", "--progress", "json"],
        &["models", "info", "local/nope", "-vv"],
        &["env", "-vv"],
        &["auth", "whoami", "-vv"],
        &["auth", "list", "-vv"],
    ];
    let mut said = String::new();
    for arguments in commands {
        let done = hub.run(arguments).await;
        said.push_str(&done.stdout);
        said.push_str(&done.stderr);
    }
    let mut wrong = hub.command(["models", "info", "local/it", "-vv"]);
    wrong.env("HF_ENDPOINT", "http://key:s3cretpassword@127.0.0.1:9/base");
    let wrong = Output::of(wrong).await;
    said.push_str(&wrong.stderr);
    assert!(said.contains("PUT") && said.contains("GET"), "{said}");
    assert!(!said.contains(hub.token()), "the token is in {said}");
    assert!(!said.contains("s3cretpassword"), "the password is in {said}");
    // The storage's addresses are signed in their queries, of which the names may be shown and the values not.
    let signed: Vec<&str> = said.lines().filter(|line| line.to_lowercase().contains("signature=")).collect();
    assert!(signed.is_empty(), "{signed:#?}");
}
