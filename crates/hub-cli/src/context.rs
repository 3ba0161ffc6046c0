//! What every command has: the client, and how to print.
use crate::output::{Column, Format};
use crate::progress::Progress;
use crate::terminal::{escape, note};
use clap::{ArgAction, Args, ValueEnum};
use futures_util::StreamExt as _;
use hub_client::{Config, Error, ErrorKind, HfApi, Json, Result, Token, method};
use serde_json::{Map, Value};
use std::io::IsTerminal as _;

/// The options that every command understands.
#[derive(Debug, Args)]
#[command(next_help_heading = "Common options")]
pub struct Common {
    /// How results are printed.
    #[arg(long, value_enum, global = true, default_value = "human")]
    format: Format,

    /// The same as `--format json`.
    #[arg(long, global = true, conflicts_with = "format")]
    json: bool,

    /// Prints ids alone, one a line; the same as `--format quiet`.
    #[arg(short, long, global = true, conflicts_with_all = ["format", "json"])]
    quiet: bool,

    /// The access token; `HF_TOKEN` or the one logged in with if unset.
    #[arg(long, global = true)]
    token: Option<String>,

    /// How progress is shown on the standard error; with `json`, warnings and errors are JSON lines, too.
    #[arg(long, value_enum, global = true)]
    progress: Option<ProgressMode>,

    /// Reports what is done: `-v` each request, `-vv` everything, with times.
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,

    /// Prints names as they are, without escaping control characters.
    #[arg(long, global = true)]
    raw: bool,
}

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ProgressMode {
    /// Bars, on a terminal.
    Bar,
    /// One JSON object a line.
    Json,
    /// Nothing.
    None,
}

impl Common {
    /// How results are printed.
    pub fn format(&self) -> Format {
        match (self.json, self.quiet) {
            (true, _) => Format::Json,
            (_, true) => Format::Quiet,
            _ => self.format,
        }
    }

    /// How many times `-v` was given.
    pub fn verbosity(&self) -> u8 {
        self.verbose
    }

    /// Whether names are printed as they are.
    pub fn raw(&self) -> bool {
        self.raw
    }

    /// Whether what goes to the standard error is for programs.
    pub fn json_events(&self) -> bool {
        self.progress == Some(ProgressMode::Json)
    }

    /// The token that was given.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The client and what else a command needs.
    pub fn context(&self) -> Result<Context> {
        Ok(self.with_api(self.api()?))
    }

    /// The client: a token that was given is always sent.
    pub fn api(&self) -> Result<HfApi> {
        let api = HfApi::new(Config::from_env()?);
        Ok(match &self.token {
            Some(token) => api.with_token(Token::parse(token)?),
            None => api,
        })
    }

    /// The context of a client that the environment did not make.
    pub fn with_api(&self, api: HfApi) -> Context {
        Context { api, format: self.format(), progress: self.progress }
    }
}

/// The client, and how to print.
#[derive(Debug, Clone)]
pub struct Context {
    /// The client.
    pub api: HfApi,
    /// How results are printed.
    pub format: Format,
    /// How progress is shown, if it was said.
    pub progress: Option<ProgressMode>,
}

impl Context {
    /// How transfers are shown.
    pub fn progress(&self) -> Progress {
        let bars = std::io::stderr().is_terminal() && !self.api.config().disable_progress_bars;
        Progress::new(self.progress.unwrap_or(if bars { ProgressMode::Bar } else { ProgressMode::None }))
    }

    /// Says on the standard error what a command did: a sentence for people, an event for programs.
    pub fn summary(&self, sentence: &str, fields: &Value) {
        if self.progress == Some(ProgressMode::Json) {
            let mut event = fields.clone();
            event["phase"] = "done".into();
            note(&event.to_string());
        } else if self.format == Format::Human {
            note(&escape(sentence));
        }
    }

    /// Calls a method of the registry; arguments that are null are left out.
    pub async fn call(&self, name: &str, arguments: Value) -> Result<Value> {
        let result = (find(name)?.call)(self.api.clone(), given(arguments)).await?;
        value(&*result)
    }

    /// Calls a method of the registry that lists, and prints its items.
    pub async fn list(&self, name: &str, arguments: Value, columns: &[Column]) -> Result<()> {
        let stream = find(name)?.stream.expect("the method lists");
        let items = stream(self.api.clone(), given(arguments)).map(|item| value(&*item?));
        self.format.list(items.boxed(), columns).await
    }
}

/// A result of the registry as a tree of values, to make tables of.
fn value(result: &dyn Json) -> Result<Value> {
    let mut text = Vec::new();
    let read = result.write_json(&mut text).and_then(|()| serde_json::from_slice(&text));
    read.map_err(|error| Error::new(ErrorKind::Decode, "the result is no JSON").caused_by(error))
}

fn find(name: &str) -> Result<&'static hub_client::Method> {
    method(name).ok_or_else(|| Error::invalid(format!("this build of the tool has no `{name}`")))
}

/// The arguments without those that are null.
pub fn given(arguments: Value) -> Value {
    match arguments {
        Value::Object(members) => {
            Value::Object(members.into_iter().filter(|(_, value)| !value.is_null()).collect::<Map<_, _>>())
        }
        other => other,
    }
}

/// The values as an argument, or null if there are none.
pub fn some(values: Vec<String>) -> Value {
    if values.is_empty() { Value::Null } else { values.into() }
}
