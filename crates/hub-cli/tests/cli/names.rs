//! Repositories named by `hf://` URIs and web addresses.
use crate::hub::Hub;

const FILES: [(&str, &str); 3] = [("f.txt", "f"), ("a b/é.txt", "e"), ("a b/x.txt", "x")];

#[tokio::test(flavor = "multi_thread")]
async fn a_download_takes_the_addresses_of_files_and_folders() {
    let hub = Hub::with_model(&FILES).await;
    let endpoint = hub.endpoint().to_owned();
    let cases: [(String, &[&str]); 7] = [
        ("hf://local/it/f.txt".into(), &["f.txt"]),
        ("hf://models/local/it@main/a b/".into(), &["a b/x.txt", "a b/é.txt"]),
        ("hf://local/it/a b".into(), &["a b/x.txt", "a b/é.txt"]),
        ("https://huggingface.co/local/it/blob/main/f.txt".into(), &["f.txt"]),
        (format!("{endpoint}/local/it/resolve/main/a%20b/%C3%A9.txt?download=true"), &["a b/é.txt"]),
        (format!("{endpoint}/local/it/tree/main/a%20b"), &["a b/x.txt", "a b/é.txt"]),
        (format!("{endpoint}/local/it"), &["a b/x.txt", "a b/é.txt", "f.txt"]),
    ];
    for (address, expected) in cases {
        let target = hub.work().join("out");
        hub.run(["download", &address, "--local-dir", "out"]).await.exits(0);
        let found: Vec<String> =
            crate::hub::names(&target).into_iter().filter(|name| !name.starts_with('.')).collect();
        assert_eq!(found, expected, "{address}");
        std::fs::remove_dir_all(target).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn special_references_keep_their_slashes() {
    let hub = Hub::with_model(&FILES).await;
    hub.write(&[("f.txt", "changed")]);
    hub.run(["upload", "local/it", "f.txt", "--create-pr"]).await.exits(0);
    for address in
        ["hf://local/it@refs/pr/1/f.txt", "https://huggingface.co/local/it/blob/refs%2Fpr%2F1/f.txt"]
    {
        let done = hub.run(["download", address]).await.exits(0);
        assert_eq!(std::fs::read_to_string(done.stdout.trim()).unwrap(), "changed", "{address}");
    }
    let whole = hub.run(["download", "local/it@refs/pr/1"]).await.exits(0);
    assert_eq!(std::fs::read_to_string(format!("{}/f.txt", whole.stdout.trim())).unwrap(), "changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_command_takes_addresses() {
    let hub = Hub::with_model(&FILES).await;
    let page = format!("{}/local/it", hub.endpoint());
    let commands: [&[&str]; 9] = [
        &["models", "info", &page],
        &["models", "ls", "hf://local/it@main"],
        &["models", "ls", "https://huggingface.co/local/it/tree/main/a%20b"],
        &["repo", "branch", "create", &page, "b1"],
        &["repo", "branch", "create", "hf://local/it@b1", "b2"],
        &["repo", "tag", "ls", "huggingface.co/local/it"],
        &["discussions", "list", &page],
        &["repo", "settings", &page, "--private"],
        &["repo", "delete", "git@hf.co:local/it.git", "--yes"],
    ];
    for arguments in commands {
        hub.run(arguments).await.exits(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn contradictions_and_other_hosts_are_refused() {
    let hub = Hub::with_model(&FILES).await;
    let before = hub.requests().len();
    let cases: [(&[&str], &str); 9] = [
        (&["download", "hf://datasets/local/it", "--type", "model"], "is a dataset"),
        (&["models", "info", "hf://datasets/local/it"], "is a dataset"),
        (&["download", "hf://local/it@main", "--revision", "dev"], "names the revision `main`"),
        (&["download", "hf://local/it/f.txt", "x.txt"], "names `f.txt`"),
        (&["download", "hf://local/it/f.txt", "--include", "x"], "names `f.txt`"),
        (&["repo", "delete", "hf://local/it/f.txt", "--yes"], "the path `f.txt`"),
        (&["repo", "delete", "hf://local/it@main", "--yes"], "the revision `main`"),
        (&["download", "https://elsewhere.test/local/it"], "elsewhere.test"),
        (&["models", "info", "https://me:s3cret@huggingface.co/local/it?x=s3cret"], "password"),
    ];
    for (arguments, why) in cases {
        let refused = hub.run(arguments).await.exits(2).says(&["error", why]);
        assert!(!refused.stderr.contains("s3cret"), "{refused:#?}");
    }
    assert_eq!(hub.requests().len(), before);
}
