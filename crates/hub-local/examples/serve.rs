//! Serves a folder as a Hub until Ctrl-C: `cargo run -p hub-local --example serve -- FOLDER [PORT]`.
use hub_local::LocalHub;
use std::error::Error;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut builder = LocalHub::builder().token("hf_local");
    if let Some(folder) = arguments.next() {
        builder = builder.data_dir(folder);
    }
    if let Some(port) = arguments.next() {
        builder = builder.port(port.parse()?);
    }
    if let Ok(bytes) = std::env::var("PART_SIZE") {
        builder = builder.part_size_bytes(bytes.parse()?);
    }
    if let Ok(items) = std::env::var("PAGE_SIZE") {
        builder = builder.page_size(items.parse()?);
    }
    let started = |hub: &LocalHub| println!("export HF_ENDPOINT={} HF_TOKEN={}", hub.endpoint(), hub.token());
    let interrupted = async {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    hub_local::serve(builder, started, interrupted).await?;
    Ok(())
}
