//! `hub call`: every method of the registry, from JSON to JSON.
use crate::failure::Failure;
use crate::outlet::Outlet;
use clap::Args;
use futures_util::StreamExt as _;
use hub_client::{
    Auth, Error, ErrorKind, HfApi, Json, Method, Result, Timeout, Token, handle_params, method, methods,
};
use serde_json::{Map, Value};
use std::io::{self, Read as _, Write};
use std::time::Duration;

/// How long a call waits when the Hub asks to: a program that calls rather hears of it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The methods that run long anyway, and for which waiting is better than beginning again.
const TRANSFERS: [&str; 5] =
    ["hf_hub_download", "snapshot_download", "upload_folder", "upload_large_folder", "preupload_lfs_files"];

/// Calls any method of the API: keyword arguments as JSON in, JSON out.
#[derive(Debug, Args)]
#[command(disable_help_flag = true)]
pub struct Call {
    /// The name of the method, as in Python: `model_info`.
    method: Option<String>,

    /// The arguments as a JSON object, or `-` to read it from the standard input.
    #[arg(default_value = "{}")]
    arguments: String,

    /// Lists all methods.
    #[arg(long)]
    list: bool,

    /// Prints how many items a listing has, instead of the items.
    #[arg(long)]
    count: bool,

    /// Tells what is known of the method: its documentation and its parameters.
    #[arg(short, long)]
    help: bool,
}

impl Call {
    /// Whether this call needs no client.
    pub fn run_offline(&self) -> Option<Result<(), Failure>> {
        match (&self.method, self.help || self.list) {
            (Some(name), true) => {
                let described =
                    find(name).and_then(|method| crate::output::print(describe(method).as_bytes()));
                Some(described.map_err(Failure::machine))
            }
            (None, _) => Some(crate::output::print(list().as_bytes()).map_err(Failure::machine)),
            _ => None,
        }
    }

    /// Performs the call and prints its result.
    pub async fn run(self, api: HfApi) -> Result<(), Failure> {
        self.perform(api).await.map_err(Failure::machine)
    }

    async fn perform(self, api: HfApi) -> Result<()> {
        let name = self.method.as_deref().unwrap_or_default();
        let method = find(name)?;
        let mut arguments = read_arguments(&self.arguments)?;
        check_names(method, &arguments)?;
        let mut api = bind(api.with_python_requests(), method.spec.name, &mut arguments)?;
        if !TRANSFERS.contains(&method.spec.name) {
            api = api.with_patience(PATIENCE);
        }
        let arguments = Value::Object(arguments);
        let mut out = Outlet::new(io::stdout());
        match (method.count, method.stream) {
            (Some(count), _) if self.count => {
                let count = count(api, arguments).await?;
                print(&mut out, &count)
            }
            (None, _) if self.count => {
                Err(Error::invalid(format!("{name} is no listing, so there is nothing to count")))
            }
            (_, Some(stream)) => {
                let mut items = stream(api, arguments);
                while let Some(item) = items.next().await {
                    print(&mut out, &*item?)?;
                }
                Ok(())
            }
            (_, None) => {
                // On a task, bytes that arrive need not wake another thread.
                let result = tokio::spawn((method.call)(api, arguments)).await;
                let stopped =
                    |error| Error::new(ErrorKind::Cancelled, "the call was stopped").caused_by(error);
                let result = result.map_err(stopped)??;
                print(&mut out, &*result)?;
                out.flush().map_err(broken_output)?;
                // The process ends here: to take a large result apart first would only cost time.
                std::process::exit(0)
            }
        }?;
        out.flush().map_err(broken_output)
    }
}

fn print(out: &mut impl Write, result: &dyn Json) -> Result<()> {
    result.write_json(out).map_err(io::Error::from).and_then(|()| out.write_all(b"\n")).map_err(broken_output)
}

fn broken_output(error: io::Error) -> Error {
    if error.kind() == io::ErrorKind::BrokenPipe {
        // Whoever read has seen enough, as `head` does.
        std::process::exit(0);
    }
    Error::new(ErrorKind::Io, format!("could not write the result: {error}"))
}

/// The method of a name, or an error that names the nearest.
fn find(name: &str) -> Result<&'static Method> {
    method(name).ok_or_else(|| {
        let known = methods();
        let hint = nearest(name, known.iter().map(|method| method.spec.name));
        Error::invalid(format!("there is no method `{name}`{hint}; `hub call --list` lists all"))
    })
}

fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let best =
        known.map(|other| (strsim::jaro_winkler(name, other), other)).max_by(|a, b| a.0.total_cmp(&b.0));
    match best {
        Some((score, other)) if score > 0.75 => format!("; did you mean `{other}`?"),
        _ => String::new(),
    }
}

fn read_arguments(text: &str) -> Result<Map<String, Value>> {
    let mut input = String::new();
    let text = if text == "-" {
        io::stdin()
            .read_to_string(&mut input)
            .map_err(|error| Error::invalid(format!("could not read the arguments: {error}")))?;
        if input.trim().is_empty() { "{}" } else { &input }
    } else {
        text
    };
    match serde_json::from_str(text) {
        Ok(Value::Object(arguments)) => Ok(arguments),
        Ok(_) => Err(Error::invalid("the arguments must be a JSON object such as {\"repo_id\": \"gpt2\"}")),
        Err(error) => Err(Error::invalid(format!("the arguments are no JSON: {error}"))),
    }
}

/// Refuses names that the method does not have, and the lack of those it needs.
fn check_names(method: &Method, arguments: &Map<String, Value>) -> Result<()> {
    let spec = &method.spec;
    let of_handle = handle_params(spec.name);
    let known = || spec.params.iter().map(|param| param.name).chain(of_handle.iter().copied());
    for name in arguments.keys() {
        if !known().any(|other| other == name) {
            let hint = nearest(name, known());
            let all = known().collect::<Vec<_>>().join(", ");
            return Err(Error::invalid(format!(
                "{} has no argument `{name}`{hint} (it has: {all})",
                spec.name
            )));
        }
    }
    for param in spec.params.iter().filter(|param| param.required) {
        if arguments.get(param.name).is_none() {
            return Err(Error::invalid(format!("{} needs the argument `{}`", spec.name, param.name)));
        }
    }
    Ok(())
}

/// Takes off what belongs to the handle, and binds it.
fn bind(mut api: HfApi, method: &str, arguments: &mut Map<String, Value>) -> Result<HfApi> {
    for name in handle_params(method) {
        let ill = |wanted: &str| Err(Error::invalid(format!("{method}: `{name}` must be {wanted}")));
        match (*name, arguments.remove(*name).unwrap_or_default()) {
            (_, Value::Null) => {}
            ("token", Value::Bool(true)) => api = api.with_auth(Auth::Required),
            ("token", Value::Bool(false)) => api = api.with_auth(Auth::Anonymous),
            ("token", Value::String(token)) => api = api.with_token(Token::parse(&token)?),
            ("token", _) => return ill("a string, true or false"),
            ("timeout", value) => match value.as_f64().map(Timeout::from_secs_f64) {
                Some(Ok(timeout)) => api = api.with_timeout(timeout),
                _ => return ill("a number of seconds above 0"),
            },
            // A process that makes one call has nothing else to do meanwhile.
            ("run_as_future", Value::Bool(_)) => {}
            ("run_as_future", _) => return ill("true or false"),
            ("proxies", Value::Object(proxies)) if proxies.is_empty() => {}
            ("proxies", _) => return ill("null; set HTTP_PROXY, HTTPS_PROXY and NO_PROXY instead"),
            (_, _) => return ill("null"),
        }
    }
    if arguments.is_empty() && method.is_empty() {
        return Err(Error::invalid("a method is needed"));
    }
    // A required token that is missing is an error of the arguments, before anything else is looked at.
    api.client().token()?;
    Ok(api)
}

fn list() -> String {
    let mut text = String::new();
    for method in methods() {
        let summary = method.spec.doc.lines().next().unwrap_or_default().trim();
        text.push_str(&format!("{:36} {summary}\n", method.spec.name));
    }
    text
}

/// The documentation of a method for a terminal.
fn describe(method: &Method) -> String {
    let spec = &method.spec;
    let mut text = format!("hub call {} '{{…}}'\n\n", spec.name);
    let mut example = false;
    for line in spec.doc.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)) {
        if line.starts_with("```") {
            example = !example;
        } else if !example {
            text.push_str(&format!("{line}\n"));
        }
    }
    text = format!("{}\n\nArguments:\n", text.trim_end());
    for param in spec.params {
        let need = if param.required { "required" } else { "optional" };
        let doc = param.doc.split_whitespace().collect::<Vec<_>>().join(" ");
        text.push_str(&format!("  {:24} {:28} {need}  {doc}\n", param.name, param.ty));
    }
    for name in handle_params(spec.name) {
        text.push_str(&format!("  {name:24} {:28} optional\n", "of the client"));
    }
    text.push_str(&format!("\nReturns: {}\n", spec.output));
    text
}
