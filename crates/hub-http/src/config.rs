//! Where the Hub is, who asks, and where things are kept: read once, then passed as a value.
use crate::{Context as _, Error, ErrorKind, IoContext as _, Result, RetryPolicy, Timeout, Token};
use std::path::{Path, PathBuf};
use url::Url;

/// The configuration of a client, from the same environment variables as the Python client's.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The Hub (`HF_ENDPOINT`), without a slash at the end.
    pub endpoint: String,
    /// The base of the Inference Endpoints API (`HF_INFERENCE_ENDPOINTS_ENDPOINT`).
    pub inference_endpoints: String,
    /// The token that is sent unless a handle has its own (`HF_TOKEN`, then the token file).
    pub token: Option<Token>,
    /// Whether the token is sent only when asked for (`HF_HUB_DISABLE_IMPLICIT_TOKEN`).
    pub implicit_token: bool,
    /// The folder of everything that is kept (`HF_HOME`).
    pub home: PathBuf,
    /// The cache of repositories (`HF_HUB_CACHE`).
    pub cache_dir: PathBuf,
    /// The file of the token in use (`HF_TOKEN_PATH`).
    pub token_path: PathBuf,
    /// The file of all tokens by name (`HF_STORED_TOKENS_PATH`).
    pub stored_tokens_path: PathBuf,
    /// Whether no request is made at all (`HF_HUB_OFFLINE`).
    pub offline: bool,
    /// How long an answer or a body may stand still (`HF_HUB_DOWNLOAD_TIMEOUT`, in seconds).
    pub download_timeout: Timeout,
    /// How long the metadata of a file may take (`HF_HUB_ETAG_TIMEOUT`, in seconds).
    pub etag_timeout: Timeout,
    /// How long making a connection may take: name, TCP and TLS together.
    pub connect_timeout: Timeout,
    /// How long the Hub may take to begin its answer to a call of its API, unless the endpoint is known to take longer.
    pub api_timeout: Timeout,
    /// Whether progress bars are hidden (`HF_HUB_DISABLE_PROGRESS_BARS`).
    pub disable_progress_bars: bool,
    /// How much is logged (`HF_HUB_VERBOSITY`, or `debug` with `HF_DEBUG`).
    pub verbosity: Option<String>,
    /// A file of certificates to trust instead of the system's (`REQUESTS_CA_BUNDLE`).
    pub ca_bundle: Option<PathBuf>,
    /// What tells the Hub which program asks.
    pub user_agent: String,
    /// How often and how patiently requests are repeated.
    pub retry: RetryPolicy,
}

const ENDPOINT: &str = "https://huggingface.co";
const INFERENCE_ENDPOINTS: &str = "https://api.endpoints.huggingface.cloud/v2";

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if a variable cannot be used, and if there is neither `HF_HOME` nor a home
    /// folder; [`ErrorKind::Io`] if the token file exists and cannot be read.
    pub fn from_env() -> Result<Self> {
        let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
        Self::from_vars(|name| std::env::var(name).ok(), home.as_deref())
    }

    /// Reads variables from a function, with the home folder that `~` stands for.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    pub fn from_vars(var: impl Fn(&str) -> Option<String>, user_home: Option<&Path>) -> Result<Self> {
        let set = |name: &str| var(name).filter(|value| !value.is_empty());
        let path = |name: &str| set(name).map(|value| expand_path(&value, user_home, &var));
        let truth = |name: &str| set(name).is_some_and(|value| is_true(&value));
        let seconds = |name: &str| match set(name) {
            None => Ok(Timeout::from_secs(10)),
            Some(value) => value.parse::<Timeout>().with(|| format!("could not use {name}")),
        };

        let home = match path("HF_HOME") {
            Some(home) => home,
            None => path("XDG_CACHE_HOME")
                .or_else(|| user_home.map(|home| home.join(".cache")))
                .ok_or_else(|| {
                    Error::invalid("there is no home folder to keep the cache in; set HF_HOME or HOME")
                })?
                .join("huggingface"),
        };
        let token_path = path("HF_TOKEN_PATH").unwrap_or_else(|| home.join("token"));
        let variable = ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"]
            .into_iter()
            .find_map(|name| set(name).filter(|value| !value.trim().is_empty()).map(|value| (name, value)));
        let token = match variable {
            Some((name, value)) => Some(Token::parse(&value).with(|| format!("could not use {name}"))?),
            None => read_token(&token_path)?,
        };
        let verbosity = set("HF_HUB_VERBOSITY").or_else(|| truth("HF_DEBUG").then(|| "debug".to_owned()));
        Ok(Self {
            endpoint: base_url("HF_ENDPOINT", set("HF_ENDPOINT"), ENDPOINT)?,
            inference_endpoints: base_url(
                "HF_INFERENCE_ENDPOINTS_ENDPOINT",
                set("HF_INFERENCE_ENDPOINTS_ENDPOINT"),
                INFERENCE_ENDPOINTS,
            )?,
            token,
            implicit_token: !truth("HF_HUB_DISABLE_IMPLICIT_TOKEN"),
            cache_dir: path("HF_HUB_CACHE")
                .or_else(|| path("HUGGINGFACE_HUB_CACHE"))
                .unwrap_or_else(|| home.join("hub")),
            stored_tokens_path: path("HF_STORED_TOKENS_PATH").unwrap_or_else(|| home.join("stored_tokens")),
            token_path,
            home,
            offline: truth("HF_HUB_OFFLINE") || truth("TRANSFORMERS_OFFLINE"),
            download_timeout: seconds("HF_HUB_DOWNLOAD_TIMEOUT")?,
            etag_timeout: seconds("HF_HUB_ETAG_TIMEOUT")?,
            connect_timeout: Timeout::from_secs(5),
            api_timeout: Timeout::from_secs(60),
            disable_progress_bars: truth("HF_HUB_DISABLE_PROGRESS_BARS"),
            verbosity,
            ca_bundle: path("REQUESTS_CA_BUNDLE"),
            user_agent: concat!("hub-client/", env!("CARGO_PKG_VERSION"), "; rust").to_owned(),
            retry: RetryPolicy::default(),
        })
    }

    /// A configuration for one Hub, with everything kept in one folder, whatever the environment says.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if the endpoint is no `http` or `https` URL.
    pub fn new(endpoint: &str, home: impl Into<PathBuf>) -> Result<Self> {
        let home = home.into();
        let mut config = Self::from_vars(|_| None, Some(&home))?;
        config.endpoint = base_url("the endpoint", Some(endpoint.to_owned()), ENDPOINT)?;
        config.inference_endpoints = format!("{}/ie/v2", config.endpoint);
        config.cache_dir = home.join("hub");
        config.stored_tokens_path = home.join("stored_tokens");
        config.token_path = home.join("token");
        config.token = read_token(&config.token_path)?;
        config.home = home;
        Ok(config)
    }

    /// Sets the token.
    #[must_use]
    pub fn with_token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }
}

/// The token in a file, if there is one.
pub(crate) fn read_token(path: &Path) -> Result<Option<Token>> {
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => Ok(None),
        Ok(text) => {
            Ok(Some(Token::parse(&text).with(|| format!("could not use the token in `{}`", path.display()))?))
        }
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        Err(error) => Err(error).at(path),
    }
}

fn base_url(name: &str, value: Option<String>, default: &str) -> Result<String> {
    let value = value.unwrap_or_else(|| default.to_owned());
    let value = value.trim().trim_end_matches('/');
    let fits = Url::parse(value).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
    });
    if fits {
        return Ok(value.to_owned());
    }
    Err(Error::new(
        ErrorKind::InvalidArgument,
        format!("{name} must be an http or https URL such as `{default}`"),
    ))
}

/// Whether a variable's value means yes: `1`, `ON`, `YES` or `TRUE` in any case.
pub fn is_true(value: &str) -> bool {
    matches!(value.to_ascii_uppercase().as_str(), "1" | "ON" | "YES" | "TRUE")
}

/// Expands `~` at the beginning and `$NAME` and `${NAME}` anywhere; unknown names stay as they are.
pub fn expand_path(text: &str, user_home: Option<&Path>, var: impl Fn(&str) -> Option<String>) -> PathBuf {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        let (name, tail) = match after.strip_prefix('{').and_then(|inner| inner.split_once('}')) {
            Some((name, tail)) => (name, tail),
            None => after.split_at(
                after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(after.len()),
            ),
        };
        match var(name).filter(|_| !name.is_empty()) {
            Some(value) => expanded.push_str(&value),
            None => expanded.push_str(&rest[before.len()..rest.len() - tail.len()]),
        }
        rest = tail;
    }
    expanded.push_str(rest);
    match (expanded.strip_prefix('~'), user_home) {
        (Some(""), Some(home)) => home.to_owned(),
        (Some(below), Some(home)) if below.starts_with('/') => home.join(below.trim_start_matches('/')),
        _ => PathBuf::from(expanded),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(vars: &[(&str, &str)]) -> Result<Config> {
        let find =
            |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Config::from_vars(find, Some(Path::new("/nonexistent/user")))
    }

    #[test]
    fn defaults_are_below_the_home_folder() {
        let config = config(&[]).unwrap();
        assert_eq!(config.endpoint, "https://huggingface.co");
        assert_eq!(config.cache_dir, Path::new("/nonexistent/user/.cache/huggingface/hub"));
        assert_eq!(config.token_path, Path::new("/nonexistent/user/.cache/huggingface/token"));
        assert!(config.token.is_none() && config.implicit_token && !config.offline);
    }

    #[test]
    fn folders_follow_their_variables() {
        let config =
            config(&[("XDG_CACHE_HOME", "~/c"), ("BIG", "/big"), ("HUGGINGFACE_HUB_CACHE", "${BIG}/hub $X")])
                .unwrap();
        assert_eq!(config.home, Path::new("/nonexistent/user/c/huggingface"));
        assert_eq!(config.cache_dir, Path::new("/big/hub $X"));
    }

    #[test]
    fn truth_is_as_in_python() {
        for (value, offline) in [
            ("1", true),
            ("on", true),
            ("Yes", true),
            ("TRUE", true),
            ("0", false),
            ("false", false),
            ("2", false),
            ("", false),
        ] {
            assert_eq!(config(&[("HF_HUB_OFFLINE", value)]).unwrap().offline, offline, "{value:?}");
        }
    }

    #[test]
    fn variables_that_cannot_be_used_are_named() {
        for (name, value) in
            [("HF_ENDPOINT", "huggingface.co"), ("HF_HUB_ETAG_TIMEOUT", "soon"), ("HF_TOKEN", "x\r\nX: y")]
        {
            let error = config(&[(name, value)]).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.to_string().contains(name), "{error}");
            assert!(!error.to_string().contains("X: y"), "{error}");
        }
    }

    #[test]
    fn no_home_is_an_error_not_a_temporary_folder() {
        assert!(Config::from_vars(|_| None, None).is_err());
    }

    #[test]
    fn endpoint_loses_its_last_slash() {
        assert_eq!(
            config(&[("HF_ENDPOINT", "http://localhost:5000/hub/")]).unwrap().endpoint,
            "http://localhost:5000/hub"
        );
    }
}
