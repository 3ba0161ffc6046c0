//! `hub safetensors inspect` on files of other formats.
use crate::hub::Hub;
use std::fs;

#[tokio::test(flavor = "multi_thread")]
async fn files_of_other_formats_are_recognised_here_and_on_the_hub() {
    let hub = Hub::start().await;
    let pointer =
        format!("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 9\n", "a".repeat(64));
    let files: [(&str, &[u8], &str); 6] = [
        ("pointer.safetensors", pointer.as_bytes(), "git lfs pull"),
        ("page.safetensors", b"<!DOCTYPE html><html><body>sign in</body></html>", "web page"),
        ("model.bin", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "pickle"),
        ("model.pt", b"PK\x03\x04\x00\x00\x08\x08\x00\x00\x00\x00\x00\x00\x00\x00", "ZIP archive"),
        ("model.gguf", b"GGUF\x03\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "GGUF"),
        ("empty.safetensors", b"", "empty"),
    ];
    for (name, content, _) in files {
        fs::write(hub.work().join(name), content).unwrap();
    }
    hub.run(["upload", "local/it", "."]).await.exits(0);
    for (name, _, expected) in files {
        let here = format!("./{name}");
        hub.run(["safetensors", "inspect", &here]).await.exits(1).says(&["error", name, expected]);
        hub.run(["safetensors", "inspect", "local/it", "--filename", name])
            .await
            .exits(1)
            .says(&["error", expected]);
    }
    let address = "hf://local/it/model.bin";
    hub.run(["safetensors", "inspect", address]).await.exits(1).says(&["pickle"]);
    let folder = hub.run(["safetensors", "inspect", "."]).await.exits(1);
    folder.says(&["error", "neither model.safetensors", "`model.bin`"]);
    hub.run(["safetensors", "inspect", "./nope.safetensors"]).await.exits(1).says(&["nope.safetensors"]);
}
