//! `hub auth`: who one is.
use crate::context::{Common, Context};
use crate::output::{Format, line};
use clap::Subcommand;
use hub_client::{Config, Error, Result, Token};
use hub_http::{Auth as Sent, TokenSource, TokenStore, blocking};
use serde_json::{Value, json};
use std::io::{self, BufRead as _, IsTerminal as _};
use std::path::Path;

/// Log in and out, and show the current account.
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
            Self::Login => login(&context, store, common.token()).await,
            Self::Logout { token_name } => {
                let name = token_name.clone();
                blocking(move || store.forget(name.as_deref())).await?;
                let what = token_name.clone().unwrap_or_else(|| "all tokens".to_owned());
                stored(&context, &format!("forgot {what}"), &what, json!({ "forgot": token_name }))
            }
            Self::Whoami => whoami(&context).await,
            Self::List => list(&context, store).await,
            Self::Switch { token_name } => {
                let name = token_name.clone();
                blocking(move || store.switch(&name)).await?;
                // What is in use is what the variable says.
                let verb = if variable(context.api.config()).is_some() { "stored" } else { "now using" };
                let sentence = format!("{verb} `{token_name}`");
                stored(&context, &sentence, &token_name, json!({ "name": token_name }))
            }
            Self::Token => match in_use(&context)? {
                Some(token) => line(token.secret()),
                None => Err(not_logged_in()),
            },
        }
    }
}

/// The token that commands send when they are asked to.
fn in_use(context: &Context) -> Result<Option<Token>> {
    let client = context.api.client();
    match client.auth() {
        Sent::Implicit => match client.with_auth(Sent::Required).token() {
            Err(error) if error.kind() == hub_client::ErrorKind::TokenMissing => Ok(None),
            token => Ok(token?.cloned()),
        },
        _ => Ok(client.token()?.cloned()),
    }
}

/// The variable that the configured token comes from, which takes precedence over tokens that are stored.
fn variable(config: &Config) -> Option<&'static str> {
    match config.token.as_ref()?.source() {
        TokenSource::Variable(name) => Some(name),
        _ => None,
    }
}

/// Prints what was done to the stored tokens, and that a variable takes precedence over them.
fn stored(context: &Context, sentence: &str, id: &str, object: Value) -> Result<()> {
    let variable = variable(context.api.config());
    let mut object = object;
    if let Some(variable) = variable {
        object["overridden_by"] = variable.into();
        if context.format != Format::Json {
            note(&format!(
                "{variable} is set and takes precedence over the stored tokens; unset it to use them"
            ));
        }
    }
    context.format.done(sentence, id, &object)
}

async fn login(context: &Context, store: TokenStore, given: Option<&str>) -> Result<()> {
    let token = match given {
        Some(token) => Token::parse(token)?,
        None => ask()?,
    };
    let me = context.api.with_token(token.clone()).whoami().await?;
    let me = serde_json::to_value(me).unwrap_or_default();
    let user = me["name"].as_str().unwrap_or("unknown").to_owned();
    let name = me["auth"]["accessToken"]["displayName"].as_str().unwrap_or(&user).to_owned();
    let kept = name.clone();
    blocking(move || {
        store.save(&kept, &token)?;
        store.activate(&token)
    })
    .await?;
    let done = json!({ "user": user, "token_name": name });
    stored(context, &format!("logged in as {user}; the token is stored as `{name}`"), &user, done)
}

fn ask() -> Result<Token> {
    let refuse = |error: io::Error| Error::invalid(format!("could not read the token: {error}"));
    let text = if io::stdin().is_terminal() {
        crate::terminal::note("Make a token on the Hub's page settings/tokens.");
        rpassword::prompt_password("Token (it is not shown): ").map_err(refuse)?
    } else {
        let mut text = String::new();
        io::stdin().lock().read_line(&mut text).map_err(refuse)?;
        text
    };
    Ok(Token::parse(&text)?)
}

async fn whoami(context: &Context) -> Result<()> {
    let token = in_use(context)?;
    let has_credentials = context.api.config().has_endpoint_credentials();
    if token.is_none() && !has_credentials {
        return Err(not_logged_in());
    }
    // The user and password in the endpoint take the place of a token.
    let source = token.filter(|_| !has_credentials).map(|token| source(&token));
    let mut me = serde_json::to_value(context.api.whoami().await?).unwrap_or_default();
    if context.format != Format::Human {
        if let (Some(source), Some(members)) = (source, me.as_object_mut()) {
            members.insert("token_source".to_owned(), source.into());
        }
        return context.format.object(&me, "name");
    }
    let orgs = me["orgs"].as_array().into_iter().flatten().filter_map(|org| org["name"].as_str());
    let orgs = orgs.collect::<Vec<_>>().join(", ");
    line(&format!("user: {}", crate::output::escape(me["name"].as_str().unwrap_or_default())))?;
    if !orgs.is_empty() {
        line(&format!("orgs: {}", crate::output::escape(&orgs)))?;
    }
    if let Some(source) = source {
        line(&format!("token: from {}", crate::output::escape(&source)))?;
    }
    Ok(())
}

/// Where a token came from: a variable, a file, or `--token`.
fn source(token: &Token) -> String {
    match token.source() {
        TokenSource::Variable(name) => (*name).to_owned(),
        TokenSource::File(path) => path.display().to_string(),
        _ => "--token".to_owned(),
    }
}

/// A token in the list.
struct Listed {
    /// The name it is stored under; that of the variable it comes from.
    name: Option<String>,
    source: &'static str,
    in_use: bool,
    token: Token,
}

async fn list(context: &Context, store: TokenStore) -> Result<()> {
    let config = context.api.config();
    let variable = variable(config);
    // Without a place for files there are none.
    let known = config.token_path().is_ok() && config.stored_tokens_path().is_ok();
    let (active, stored) = match known {
        true => blocking(move || Ok((store.active(), store.list()?))).await?,
        false => (Ok(None), Vec::new()),
    };
    let active = match (active, variable) {
        (Ok(active), None) => active,
        (Ok(_), Some(_)) => None,
        // The others are listed all the same.
        (Err(error), _) => {
            note(&format!("{error}"));
            None
        }
    };
    let mut rows = Vec::new();
    if let (Some(variable), Some(token)) = (variable, &config.token) {
        rows.push(Listed {
            name: Some(variable.to_owned()),
            source: "variable",
            in_use: true,
            token: token.clone(),
        });
    }
    // A token file that another program wrote.
    if let Some(active) =
        active.as_ref().filter(|active| stored.iter().all(|stored| stored.token != **active))
    {
        rows.push(Listed { name: None, source: "token file", in_use: true, token: active.clone() });
    }
    rows.extend(stored.into_iter().map(|stored| Listed {
        in_use: active.as_ref() == Some(&stored.token),
        name: Some(stored.name),
        source: "stored",
        token: stored.token,
    }));
    if let Some(variable) = variable.filter(|_| context.format != Format::Json) {
        note(&format!("{variable} is set and in use; it takes precedence over the stored tokens"));
    }
    for row in rows {
        match context.format {
            Format::Human => {
                // Enough to know it by, too little to use it.
                let secret = row.token.secret();
                let end =
                    secret.get(secret.len().saturating_sub(4)..).filter(|_| secret.len() > 12).unwrap_or("");
                let mark = if row.in_use { "*" } else { " " };
                let name = crate::output::escape(row.name.as_deref().unwrap_or("(no name)"));
                line(format!("{mark} {name:24} …{end:4}  {}", row.source).trim_end())?;
            }
            Format::Quiet => row.name.iter().try_for_each(|name| line(&crate::output::escape(name)))?,
            Format::Json => {
                line(&json!({ "name": row.name, "in_use": row.in_use, "source": row.source }).to_string())?;
            }
        }
    }
    Ok(())
}

fn not_logged_in() -> Error {
    Error::new(hub_client::ErrorKind::TokenMissing, "not logged in; run `hub auth login` or set HF_TOKEN")
}

/// Prints a note on the standard error.
fn note(text: &str) {
    crate::terminal::note(&format!("note: {text}"));
}

/// What `hub env` prints.
pub fn environment(config: &Config) -> Value {
    let shown = |path: Result<&Path>| path.ok().map(|path| path.display().to_string());
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "endpoint": config.endpoint,
        "endpoint_credentials": if config.has_endpoint_credentials() { "set" } else { "none" },
        "inference_endpoints": config.inference_endpoints,
        "token": if config.token.is_some() { "set" } else { "none" },
        "token_source": config.token.as_ref().map(source),
        "home": shown(config.home()),
        "cache_dir": shown(config.cache_dir()),
        "token_path": shown(config.token_path()),
        "stored_tokens_path": shown(config.stored_tokens_path()),
        "offline": config.offline,
        "implicit_token": config.implicit_token,
        "download_timeout_seconds": config.download_timeout.duration().map(|limit| limit.as_secs_f64()),
        "etag_timeout_seconds": config.etag_timeout.duration().map(|limit| limit.as_secs_f64()),
        "progress_bars": !config.disable_progress_bars,
        "verbosity": config.verbosity,
        "proxy": config.endpoint_proxy(),
        "trusted_certificates": config.trust_store(),
    })
}
