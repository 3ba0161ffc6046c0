//! `hub auth`: who one is.
use crate::context::{Common, Context};
use crate::output::{Format, line};
use clap::Subcommand;
use hub_client::{Config, Error, Result, Token};
use hub_http::TokenStore;
use serde_json::{Value, json};
use std::io::{self, BufRead as _, IsTerminal as _};

/// Logs in and out, and tells who one is.
#[derive(Debug, Subcommand)]
pub enum Auth {
    /// Keeps a token for all commands, after asking the Hub whose it is.
    ///
    /// Without `--token` it is asked for, or read from the standard input.
    Login,
    /// Forgets a token, or all.
    Logout {
        /// The name of the token; all if unset.
        #[arg(long)]
        token_name: Option<String>,
    },
    /// Tells whose token is in use.
    Whoami,
    /// Lists the tokens that are kept.
    #[command(visible_alias = "ls")]
    List,
    /// Puts another of the kept tokens in use.
    Switch {
        /// The name of the token.
        #[arg(long)]
        token_name: String,
    },
    /// Prints the token in use.
    Token,
}

impl Auth {
    /// Performs the command.
    pub async fn run(self, common: &Common) -> Result<()> {
        let context = common.context()?;
        let store = TokenStore::new(context.api.config());
        match self {
            Self::Login => login(&context, &store, common.token()).await,
            Self::Logout { token_name } => {
                store.forget(token_name.as_deref())?;
                warn_of_variable();
                let what = token_name.clone().unwrap_or_else(|| "all tokens".to_owned());
                context.format.done(&format!("forgot {what}"), &what, &json!({ "forgot": token_name }))
            }
            Self::Whoami => whoami(&context).await,
            Self::List => list(&context, &store),
            Self::Switch { token_name } => {
                store.switch(&token_name)?;
                warn_of_variable();
                context.format.done(
                    &format!("now using `{token_name}`"),
                    &token_name,
                    &json!({ "name": token_name }),
                )
            }
            Self::Token => match context.api.client().token()? {
                Some(token) => line(token.secret()),
                None => Err(not_logged_in()),
            },
        }
    }
}

async fn login(context: &Context, store: &TokenStore, given: Option<&str>) -> Result<()> {
    let token = match given {
        Some(token) => Token::parse(token)?,
        None => ask()?,
    };
    let me = context.api.with_token(token.clone()).whoami().await?;
    let me = serde_json::to_value(me).unwrap_or_default();
    let user = me["name"].as_str().unwrap_or("unknown").to_owned();
    let name = me["auth"]["accessToken"]["displayName"].as_str().unwrap_or(&user).to_owned();
    store.save(&name, &token)?;
    store.activate(&token)?;
    warn_of_variable();
    let done = json!({ "user": user, "token_name": name });
    context.format.done(&format!("logged in as {user}; the token is kept as `{name}`"), &user, &done)
}

fn ask() -> Result<Token> {
    let refuse = |error: io::Error| Error::invalid(format!("could not read the token: {error}"));
    let text = if io::stdin().is_terminal() {
        eprintln!("Make a token on the Hub's page settings/tokens.");
        rpassword::prompt_password("Token (it is not shown): ").map_err(refuse)?
    } else {
        let mut text = String::new();
        io::stdin().lock().read_line(&mut text).map_err(refuse)?;
        text
    };
    Ok(Token::parse(&text)?)
}

async fn whoami(context: &Context) -> Result<()> {
    if context.api.client().token()?.is_none() {
        return Err(not_logged_in());
    }
    let me = serde_json::to_value(context.api.whoami().await?).unwrap_or_default();
    if context.format != Format::Human {
        return context.format.object(&me, "name");
    }
    let orgs = me["orgs"].as_array().into_iter().flatten().filter_map(|org| org["name"].as_str());
    let orgs = orgs.collect::<Vec<_>>().join(", ");
    line(&format!("user: {}", crate::output::escape(me["name"].as_str().unwrap_or_default())))?;
    if !orgs.is_empty() {
        line(&format!("orgs: {}", crate::output::escape(&orgs)))?;
    }
    Ok(())
}

fn list(context: &Context, store: &TokenStore) -> Result<()> {
    let active = store.active()?;
    for stored in store.list()? {
        let in_use = active.as_ref() == Some(&stored.token);
        match context.format {
            Format::Human => {
                // Enough to know it by, too little to use it.
                let secret = stored.token.secret();
                let end =
                    secret.get(secret.len().saturating_sub(4)..).filter(|_| secret.len() > 12).unwrap_or("");
                let mark = if in_use { "*" } else { " " };
                line(&format!("{mark} {:24} …{end}", stored.name))?;
            }
            Format::Quiet => line(&stored.name)?,
            Format::Json => line(&json!({ "name": stored.name, "in_use": in_use }).to_string())?,
        }
    }
    Ok(())
}

fn not_logged_in() -> Error {
    Error::new(hub_client::ErrorKind::TokenMissing, "not logged in; run `hub auth login` or set HF_TOKEN")
}

fn warn_of_variable() {
    if std::env::var_os("HF_TOKEN").is_some_and(|value| !value.is_empty()) {
        eprintln!("note: HF_TOKEN is set and stands before any token that is kept");
    }
}

/// What `hub env` prints.
pub fn environment(config: &Config) -> Value {
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "endpoint": config.endpoint,
        "inference_endpoints": config.inference_endpoints,
        "token": if config.token.is_some() { "set" } else { "none" },
        "home": config.home,
        "cache_dir": config.cache_dir,
        "token_path": config.token_path,
        "stored_tokens_path": config.stored_tokens_path,
        "offline": config.offline,
        "implicit_token": config.implicit_token,
        "download_timeout_seconds": config.download_timeout.duration().map(|limit| limit.as_secs_f64()),
        "etag_timeout_seconds": config.etag_timeout.duration().map(|limit| limit.as_secs_f64()),
        "progress_bars": !config.disable_progress_bars,
        "verbosity": config.verbosity,
    })
}
