//! Calls any method of this crate by its name, from JSON to JSON, through the registry.
//!
//! ```text
//! $ echo '{"repo_id": "openai-community/gpt2", "expand": ["likes"]}' | cargo run --example call -- call model_info -
//! {"id":"openai-community/gpt2","likes":2345}
//! ```
//!
//! A listing prints one line for each item; a failure prints one line on the standard error, and ends with code 1, or
//! with 2 if the arguments are at fault.
use futures_util::StreamExt as _;
use hub_api::{Auth, Error, ErrorKind, HfApi, METHODS, Result, Timeout, Token, handle_params};
use serde_json::{Map, Value, json};
use std::io::Read as _;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let Err(error) = call().await else { return ExitCode::SUCCESS };
    let line = json!({
        "error": error.kind().python_class(),
        "status": error.status(),
        "message": error.full_message(),
        "request_id": error.request_id(),
    });
    eprintln!("{line}");
    match error.kind() {
        ErrorKind::InvalidArgument | ErrorKind::TokenMissing => ExitCode::from(2),
        _ => ExitCode::from(1),
    }
}

async fn call() -> Result<()> {
    let mut words = std::env::args().skip(1);
    let name = words.find(|word| !matches!(word.as_str(), "call" | "-")).unwrap_or_default();
    let method = METHODS.iter().flat_map(|module| module.iter()).find(|method| method.spec.name == name);
    let method = method.ok_or_else(|| Error::invalid(format!("there is no method `{name}`")))?;
    let mut arguments = arguments()?;
    let api = bind(HfApi::from_env()?, &name, &mut arguments)?;
    match method.stream {
        Some(stream) => {
            let mut items = stream(api, arguments.into());
            while let Some(item) = items.next().await {
                println!("{}", item?);
            }
        }
        None => println!("{}", (method.call)(api, arguments.into()).await?),
    }
    Ok(())
}

fn arguments() -> Result<Map<String, Value>> {
    let mut text = String::new();
    let read = std::io::stdin().read_to_string(&mut text).is_ok();
    match serde_json::from_str(&text) {
        Ok(Value::Object(arguments)) if read => Ok(arguments),
        _ => Err(Error::invalid("the arguments must be a JSON object on the standard input")),
    }
}

/// Takes off the arguments that belong to the handle, and binds them.
fn bind(mut api: HfApi, method: &str, arguments: &mut Map<String, Value>) -> Result<HfApi> {
    for name in handle_params(method) {
        match (*name, arguments.remove(*name).unwrap_or_default()) {
            ("token", Value::Bool(true)) => api = api.with_auth(Auth::Required),
            ("token", Value::Bool(false)) => api = api.with_auth(Auth::Anonymous),
            ("token", Value::String(token)) => api = api.with_token(Token::parse(&token)?),
            ("timeout", Value::Number(seconds)) => {
                let seconds = seconds.as_f64().unwrap_or_default();
                api = api.with_timeout(Timeout::from_secs_f64(seconds)?);
            }
            (_, Value::Null) => {}
            (name, value) => return Err(Error::invalid(format!("{method}: `{name}` cannot be {value}"))),
        }
    }
    // That a required token is missing is an error of the arguments, whatever else is asked.
    api.client().token()?;
    Ok(api)
}
