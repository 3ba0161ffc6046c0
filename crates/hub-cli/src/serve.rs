//! `hub serve`: a Hub of one's own.
use crate::output::{Format, line};
use crate::path_arg::path_parser;
use clap::Args;
use hub_client::{Config, Error, ErrorKind, Result};
use hub_local::LocalHub;
use serde_json::json;
use std::net::IpAddr;
use std::path::PathBuf;

/// Serves a Hub from a folder, for working offline and for tests.
///
/// It has one user, `local`, and keeps repositories, LFS files and everything else in the folder. Any client of the
/// Hub works on it with HF_ENDPOINT and HF_TOKEN set as printed. Ctrl-C ends it.
#[derive(Debug, Args)]
pub struct Serve {
    /// The folder that everything is kept in; `local-hub` in HF_HOME if unset.
    #[arg(long, value_name = "DIR", value_parser = path_parser())]
    data: Option<PathBuf>,
    /// The address to listen at; other than loopback only with --token.
    #[arg(long, default_value = "127.0.0.1")]
    host: IpAddr,
    /// The port to listen at; 0 for any that is free.
    #[arg(long, default_value_t = 8090)]
    port: u16,
    // `--token` is among the common options: here it is the token that the Hub accepts; a random one if unset.
}

impl Serve {
    /// Serves until Ctrl-C.
    pub async fn run(self, format: Format, token: Option<&str>) -> Result<()> {
        let data = match self.data {
            Some(data) => data,
            None => Config::from_env()?.home()?.join("local-hub"),
        };
        if !self.host.is_loopback() && token.is_none() {
            return Err(Error::invalid(format!(
                "{} can be reached from elsewhere; give a --token that others cannot guess",
                self.host
            )));
        }
        let mut builder = LocalHub::builder().data_dir(&data).host(self.host).port(self.port);
        if let Some(token) = token {
            builder = builder.token(token);
        }
        let mut printed = Ok(());
        let started = |hub: &LocalHub| printed = announce(hub, format);
        let stop = async {
            crate::signals::first_signal().await;
        };
        let served = hub_local::serve(builder, started, stop).await;
        served.map_err(|error| {
            Error::new(ErrorKind::Io, format!("could not serve `{}`: {error}", data.display()))
        })?;
        printed
    }
}

fn announce(hub: &LocalHub, format: Format) -> Result<()> {
    let (endpoint, token) = (hub.endpoint(), hub.token());
    match format {
        Format::Human => {
            line(&format!("Hub at {endpoint}, data in {}\n", hub.data_dir().display()))?;
            line(&format!("  export HF_ENDPOINT={endpoint}\n  export HF_TOKEN={token}\n"))?;
            line("Ctrl-C ends it.")
        }
        Format::Json => line(
            &json!({ "endpoint": endpoint, "token": token, "data": hub.data_dir().to_string_lossy() })
                .to_string(),
        ),
        Format::Quiet => line(endpoint),
    }
}
