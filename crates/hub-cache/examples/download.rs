//! Downloads a repository, or one of its files, and prints where it is:
//! `cargo run -p hub-cache --example download -- openai-community/gpt2 [FILE]`.
use hub_api::HfApi;
use hub_cache::Downloads as _;

fn main() -> hub_api::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let repo_id = arguments.next().unwrap_or_else(|| "openai-community/gpt2".to_owned());
    let api = HfApi::from_env()?;
    let path = match arguments.next() {
        Some(file) => api.hf_hub_download(repo_id, file).block()?,
        None => api.snapshot_download(repo_id).block()?,
    };
    println!("{}", path.display());
    Ok(())
}
