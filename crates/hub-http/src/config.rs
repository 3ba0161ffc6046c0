//! Where the Hub is, who asks, and where things are kept: read once, then passed as a value.
use crate::credentials::Credentials;
use crate::environment::{Environment, UNKNOWN_PATH, is_unknown};
use crate::proxy::Proxies;
use crate::trust::{TrustStore, TrustVariables};
use crate::{
    Context as _, Error, ErrorKind, IoContext as _, Result, RetryPolicy, Timeout, Token, TokenSource,
    redact_url,
};
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use url::Url;

/// The configuration of a client, from the same environment variables as the Python client's.
///
/// The folders may be unknown: without a home folder and without a variable that names them. Such a path cannot be used
/// by mistake, since it is none that any system accepts; the methods of the same names say what to set.
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// The Hub (`HF_ENDPOINT`), without a slash at the end, and without the user and password that its URL may have.
    pub endpoint: String,
    /// The base of the Inference Endpoints API (`HF_INFERENCE_ENDPOINTS_ENDPOINT`), likewise.
    pub inference_endpoints: String,
    /// The token that is sent unless a handle has its own (`HF_TOKEN`, then the token file).
    pub token: Option<Token>,
    /// Whether the configured token is sent where none is asked for (off with `HF_HUB_DISABLE_IMPLICIT_TOKEN`).
    ///
    /// A token that a handle was given is always sent.
    pub implicit_token: bool,
    /// The folder of everything that is kept (`HF_HOME`).
    pub home: PathBuf,
    /// The cache of repositories (`HF_HUB_CACHE`).
    pub cache_dir: PathBuf,
    /// The file of the token in use (`HF_TOKEN_PATH`).
    pub token_path: PathBuf,
    /// The file of all tokens by name (`HF_STORED_TOKENS_PATH`, else beside the token in use).
    pub stored_tokens_path: PathBuf,
    /// Whether no request is made at all (`HF_HUB_OFFLINE`, else `TRANSFORMERS_OFFLINE`).
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
    /// A file or folder of certificates to trust instead of the system's (`REQUESTS_CA_BUNDLE`, `CURL_CA_BUNDLE`).
    pub ca_bundle: Option<PathBuf>,
    /// What tells the Hub which program asks.
    pub user_agent: String,
    /// How often and how patiently requests are repeated.
    pub retry: RetryPolicy,
    pub(crate) proxies: Proxies,
    pub(crate) trust: TrustVariables,
    /// Why the token file gives no token.
    token_problem: Option<(ErrorKind, String)>,
    /// User and password for the endpoint, and for the Inference Endpoints API.
    credentials: [Option<Credentials>; 2],
}

const ENDPOINT: &str = "https://huggingface.co";
const INFERENCE_ENDPOINTS: &str = "https://api.endpoints.huggingface.cloud/v2";
const VERBOSITIES: [&str; 6] = ["debug", "info", "warn", "warning", "error", "critical"];

impl Config {
    /// Reads the environment.
    ///
    /// A token file that cannot be used is an error only when its token is needed: see
    /// [`Client::token`](crate::Client::token).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`], with the name of the variable, if a variable cannot be used.
    pub fn from_env() -> Result<Self> {
        let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
        Self::from_os_vars(|name| std::env::var_os(name), home.as_deref())
    }

    /// Reads variables from a function, with the home folder that `~` stands for.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    pub fn from_vars(var: impl Fn(&str) -> Option<String>, user_home: Option<&Path>) -> Result<Self> {
        Self::from_os_vars(|name| var(name).map(OsString::from), user_home)
    }

    /// Reads variables, which may not be valid Unicode, from a function.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    pub fn from_os_vars(var: impl Fn(&str) -> Option<OsString>, user_home: Option<&Path>) -> Result<Self> {
        Self::read(Environment { variables: &var, user_home })
    }

    fn read(env: Environment<'_>) -> Result<Self> {
        let home = env.path("HF_HOME").or_else(|| {
            let cache = env.path("XDG_CACHE_HOME").or_else(|| Some(env.user_home?.join(".cache")))?;
            Some(cache.join("huggingface"))
        });
        let home = home.unwrap_or_else(|| UNKNOWN_PATH.into());
        let cache_dir = env.path("HF_HUB_CACHE").or_else(|| env.path("HUGGINGFACE_HUB_CACHE"));
        let token_path = env.path("HF_TOKEN_PATH").unwrap_or_else(|| home.join("token"));
        let stored_tokens_path =
            env.path("HF_STORED_TOKENS_PATH").unwrap_or_else(|| match is_unknown(&token_path) {
                // The unknown path has one component: a file beside it would be in the current folder.
                true => UNKNOWN_PATH.into(),
                false => token_path.with_file_name("stored_tokens"),
            });

        let offline = env.boolean("HF_HUB_OFFLINE")?;
        let debug = env.boolean("HF_DEBUG")?.unwrap_or(false).then(|| "debug".to_owned());
        let timeout = Timeout::from_secs(10);
        let (trust, ca_bundle) = TrustVariables::from_env(env);
        let (endpoint, credentials) = base_url("HF_ENDPOINT", env.text("HF_ENDPOINT")?, ENDPOINT)?;
        let name = "HF_INFERENCE_ENDPOINTS_ENDPOINT";
        let (inference_endpoints, inference_credentials) =
            base_url(name, env.text(name)?, INFERENCE_ENDPOINTS)?;
        let mut config = Self {
            endpoint,
            inference_endpoints,
            token: variable_token(env)?,
            implicit_token: !env.boolean("HF_HUB_DISABLE_IMPLICIT_TOKEN")?.unwrap_or(false),
            cache_dir: cache_dir.unwrap_or_else(|| home.join("hub")),
            stored_tokens_path,
            token_path,
            home,
            // As in Python, the second variable counts only if the first is unset.
            offline: offline
                .map_or_else(|| env.boolean("TRANSFORMERS_OFFLINE"), |offline| Ok(Some(offline)))?
                == Some(true),
            download_timeout: env.seconds("HF_HUB_DOWNLOAD_TIMEOUT", timeout)?,
            etag_timeout: env.seconds("HF_HUB_ETAG_TIMEOUT", timeout)?,
            connect_timeout: Timeout::from_secs(5),
            api_timeout: Timeout::from_secs(60),
            disable_progress_bars: env.boolean("HF_HUB_DISABLE_PROGRESS_BARS")?.unwrap_or(false),
            verbosity: verbosity(env)?.or(debug),
            ca_bundle,
            user_agent: concat!("hub-client/", env!("CARGO_PKG_VERSION"), "; rust").to_owned(),
            retry: RetryPolicy::default(),
            proxies: Proxies::from_env(env)?,
            trust,
            token_problem: None,
            credentials: [credentials, inference_credentials],
        };
        match config.token.as_ref().map(Token::source) {
            None => config.read_token_file(),
            Some(source) if config.has_endpoint_credentials() => {
                tracing::warn!(
                    "HF_ENDPOINT has a user or password, which are sent in place of the token {source}"
                );
            }
            Some(_) => {}
        }
        Ok(config)
    }

    /// A configuration for one Hub, with everything kept in one folder, whatever the environment says about those.
    ///
    /// The proxies and the trusted certificates are the machine's, and still come from the environment.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if the endpoint is no `http` or `https` URL, or a variable that names a proxy cannot
    /// be used.
    pub fn new(endpoint: &str, home: impl Into<PathBuf>) -> Result<Self> {
        const NETWORK: [&str; 13] = [
            "http_proxy",
            "HTTP_PROXY",
            "https_proxy",
            "HTTPS_PROXY",
            "all_proxy",
            "ALL_PROXY",
            "no_proxy",
            "NO_PROXY",
            "REQUEST_METHOD",
            "REQUESTS_CA_BUNDLE",
            "CURL_CA_BUNDLE",
            "SSL_CERT_FILE",
            "SSL_CERT_DIR",
        ];
        let home = home.into();
        let network = |name: &str| std::env::var_os(name).filter(|_| NETWORK.contains(&name));
        let mut config = Self::from_os_vars(network, None)?;
        let (endpoint, credentials) = base_url("the endpoint", Some(endpoint.to_owned()), ENDPOINT)?;
        config.inference_endpoints = format!("{endpoint}/ie/v2");
        config.credentials = [credentials.clone(), credentials];
        config.endpoint = endpoint;
        config.cache_dir = home.join("hub");
        config.stored_tokens_path = home.join("stored_tokens");
        config.token_path = home.join("token");
        config.home = home;
        config.read_token_file();
        Ok(config)
    }

    /// Sets the token that is sent unless a handle has its own.
    #[must_use]
    pub fn with_token(mut self, token: Token) -> Self {
        self.token = Some(token);
        self
    }

    /// Connects directly, whatever proxies the environment names: for a server on this machine.
    #[must_use]
    pub fn without_proxy(mut self) -> Self {
        self.proxies = Proxies::default();
        self
    }

    /// The folder of everything that is kept.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if it is not known.
    pub fn home(&self) -> Result<&Path> {
        known(&self.home, "the folder of the Hub's files", "HF_HOME or HOME")
    }

    /// The cache of repositories.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if it is not known.
    pub fn cache_dir(&self) -> Result<&Path> {
        known(&self.cache_dir, "the cache", "HF_HUB_CACHE, HF_HOME or HOME")
    }

    /// The file of the token in use.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if it is not known.
    pub fn token_path(&self) -> Result<&Path> {
        known(&self.token_path, "the token file", "HF_TOKEN_PATH, HF_HOME or HOME")
    }

    /// The file of all tokens by name.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidArgument`] if it is not known.
    pub fn stored_tokens_path(&self) -> Result<&Path> {
        known(&self.stored_tokens_path, "the file of stored tokens", "HF_TOKEN_PATH, HF_HOME or HOME")
    }

    /// Whether the URL of the endpoint had a user or password, which are sent in place of the token.
    pub fn has_endpoint_credentials(&self) -> bool {
        self.credentials[0].is_some()
    }

    /// The proxy that the endpoint is reached through, and the variable that names it, without user and password.
    pub fn endpoint_proxy(&self) -> Option<String> {
        self.proxies.for_url(&Url::parse(&self.endpoint).ok()?).map(ToString::to_string)
    }

    /// Names the certificates that servers are checked with: files and folders with their variables, or the system's.
    pub fn trust_store(&self) -> String {
        TrustStore::of(self).to_string()
    }

    /// Why there is no token although there is a token file.
    ///
    /// # Errors
    /// The file cannot be read or holds no valid token.
    pub(crate) fn check_token_file(&self) -> Result<()> {
        match &self.token_problem {
            Some((kind, message)) if self.token.is_none() => Err(Error::new(*kind, message.clone())),
            _ => Ok(()),
        }
    }

    /// Where each endpoint is, and the user and password for it.
    pub(crate) fn bases(&self) -> [(&str, Option<&Credentials>); 2] {
        let [hub, inference] = &self.credentials;
        [(&self.endpoint, hub.as_ref()), (&self.inference_endpoints, inference.as_ref())]
    }

    /// Takes user and password out of endpoints that were set after the configuration was made.
    pub(crate) fn settle(&mut self) {
        for (base, credentials) in
            [&mut self.endpoint, &mut self.inference_endpoints].into_iter().zip(&mut self.credentials)
        {
            if base.contains('@')
                && let Ok((bare, Some(found))) = base_url("the endpoint", Some(base.clone()), ENDPOINT)
            {
                *base = bare;
                *credentials = Some(found);
            }
        }
    }

    fn read_token_file(&mut self) {
        self.token = None;
        self.token_problem = None;
        if is_unknown(&self.token_path) {
            return;
        }
        match read_token(&self.token_path, Token::parse_from) {
            Ok(token) => self.token = token,
            Err(error) => self.token_problem = Some((error.kind(), error.to_string())),
        }
    }
}

/// Without tokens, and without what the URLs of endpoints and proxies say about who asks.
impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown =
            |base: &str| Url::parse(base).map_or_else(|_| "(invalid)".to_owned(), |url| redact_url(&url));
        f.debug_struct("Config")
            .field("endpoint", &shown(&self.endpoint))
            .field("inference_endpoints", &shown(&self.inference_endpoints))
            .field("token", &self.token)
            .field("implicit_token", &self.implicit_token)
            .field("home", &self.home)
            .field("cache_dir", &self.cache_dir)
            .field("token_path", &self.token_path)
            .field("stored_tokens_path", &self.stored_tokens_path)
            .field("offline", &self.offline)
            .field("download_timeout", &self.download_timeout)
            .field("etag_timeout", &self.etag_timeout)
            .field("connect_timeout", &self.connect_timeout)
            .field("api_timeout", &self.api_timeout)
            .field("disable_progress_bars", &self.disable_progress_bars)
            .field("verbosity", &self.verbosity)
            .field("ca_bundle", &self.ca_bundle)
            .field("user_agent", &self.user_agent)
            .field("retry", &self.retry)
            .field("proxies", &self.proxies)
            .field("trust", &self.trust)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

/// The path, unless it is not known.
fn known<'p>(path: &'p Path, what: &str, variables: &str) -> Result<&'p Path> {
    if is_unknown(path) {
        return Err(Error::invalid(format!(
            "{what} has no place, since no home folder is known; set {variables}"
        )));
    }
    Ok(path)
}

/// The token of the variables.
fn variable_token(env: Environment<'_>) -> Result<Option<Token>> {
    for name in ["HF_TOKEN", "HUGGING_FACE_HUB_TOKEN"] {
        let Some(value) = env.quoted_text(name)? else { continue };
        if value.trim().trim_matches(['"', '\'']).trim().is_empty() {
            continue;
        }
        return Token::parse_from(&value, TokenSource::Variable(name))
            .map(Some)
            .with(|| format!("could not use {name}"));
    }
    Ok(None)
}

fn verbosity(env: Environment<'_>) -> Result<Option<String>> {
    let Some(level) = env.text("HF_HUB_VERBOSITY")? else { return Ok(None) };
    if VERBOSITIES.contains(&level.trim().to_ascii_lowercase().as_str()) {
        return Ok(Some(level));
    }
    tracing::warn!(
        "HF_HUB_VERBOSITY is set to {level:?}, which is not understood; use one of {}",
        VERBOSITIES.join(", ")
    );
    Ok(None)
}

/// The token in a file, if there is one.
pub(crate) fn read_token(
    path: &Path,
    parse: impl Fn(&str, TokenSource) -> Result<Token, hub_types::InvalidArgument>,
) -> Result<Option<Token>> {
    match std::fs::read_to_string(path) {
        Ok(text) if text.trim().is_empty() => Ok(None),
        Ok(text) => {
            let token = parse(&text, TokenSource::File(path.to_owned()));
            Ok(Some(token.with(|| format!("could not use the token in `{}`", path.display()))?))
        }
        Err(error)
            if matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        Err(error) => Err(error).at(path),
    }
}

/// Checks the URL of an endpoint, and takes user and password out of it.
fn base_url(name: &str, value: Option<String>, default: &str) -> Result<(String, Option<Credentials>)> {
    let value = value.unwrap_or_else(|| default.to_owned());
    let value = value.trim().trim_end_matches('/');
    let fits = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    match Url::parse(value) {
        Ok(mut url) if fits(&url) => {
            let credentials = Credentials::take(&mut url);
            // What has no user and no password stays as it was written.
            let base = if value.contains('@') {
                url.as_str().trim_end_matches('/').to_owned()
            } else {
                value.to_owned()
            };
            Ok((base, credentials))
        }
        // The value is not shown: it may hold a password.
        _ => Err(Error::invalid(format!("{name} must be an http or https URL such as `{default}`"))),
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
    fn without_a_home_folder_only_what_needs_one_fails() {
        let without_home = |vars: &[(&str, &str)]| {
            let find =
                |name: &str| vars.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            Config::from_vars(find, None).unwrap()
        };
        let config = without_home(&[("HF_TOKEN", "hf_x")]);
        assert!(config.token.is_some());
        for (path, variable) in [
            (config.home(), "HF_HOME"),
            (config.cache_dir(), "HF_HUB_CACHE"),
            (config.token_path(), "HF_TOKEN_PATH"),
            (config.stored_tokens_path(), "HF_TOKEN_PATH"),
        ] {
            let error = path.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidArgument);
            assert!(error.to_string().contains(variable), "{error}");
        }
        // Nor can anything be made there by code that does not ask.
        assert!(std::fs::create_dir_all(&config.cache_dir).is_err());

        let config = without_home(&[("HF_HUB_CACHE", "/c"), ("HF_TOKEN_PATH", "/t/token")]);
        assert_eq!(config.cache_dir().unwrap(), Path::new("/c"));
        assert_eq!(config.stored_tokens_path().unwrap(), Path::new("/t/stored_tokens"));
        assert!(config.home().is_err());
        assert_eq!(without_home(&[("HF_HOME", "/h")]).cache_dir().unwrap(), Path::new("/h/hub"));
        assert!(without_home(&[("HF_HOME", "~/h")]).home().is_err());
        let config = without_home(&[("HF_TOKEN_PATH", "~/token")]);
        assert!(config.token_path().is_err());
        assert!(config.stored_tokens_path().is_err(), "{:?}", config.stored_tokens_path);
    }

    #[test]
    fn stored_tokens_are_beside_the_token_in_use() {
        let config = config(&[("HF_HOME", "/shared"), ("HF_TOKEN_PATH", "~/own/token")]).unwrap();
        assert_eq!(config.stored_tokens_path, Path::new("/nonexistent/user/own/stored_tokens"));
    }

    #[test]
    fn a_token_file_that_cannot_be_used_fails_only_when_its_token_is_needed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "two words").unwrap();
        let config = config(&[("HF_TOKEN_PATH", path.to_str().unwrap())]).unwrap();
        assert!(config.check_token_file().unwrap_err().to_string().contains(path.to_str().unwrap()));
        let token = Token::parse("hf_x").unwrap();
        assert!(config.with_token(token).check_token_file().is_ok());
    }

    #[test]
    fn tokens_know_where_they_came_from() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "'hf_file'\n").unwrap();
        let file = ("HF_TOKEN_PATH", path.to_str().unwrap());
        let token = |vars: &[(&str, &str)]| config(vars).unwrap().token.unwrap();
        for value in ["hf_x", "\"hf_x\"", "'hf_x'"] {
            let token = token(&[("HF_TOKEN", value), file]);
            assert_eq!((token.secret(), token.source()), ("hf_x", &TokenSource::Variable("HF_TOKEN")));
        }
        let old = token(&[("HF_TOKEN", "\"\""), ("HUGGING_FACE_HUB_TOKEN", "hf_old"), file]);
        assert_eq!(old.source(), &TokenSource::Variable("HUGGING_FACE_HUB_TOKEN"));
        let kept = token(&[file]);
        assert_eq!((kept.secret(), kept.source()), ("hf_file", &TokenSource::File(path.clone())));
    }

    #[test]
    fn user_and_password_of_an_endpoint_are_kept_apart_and_never_shown() {
        let mut config = config(&[
            ("HF_ENDPOINT", "https://me:s3cret@nexus.example/hub/"),
            ("HF_INFERENCE_ENDPOINTS_ENDPOINT", "https://me:s3cret@ie.example"),
            ("HTTPS_PROXY", "http://me:s3cret@proxy.example:1"),
            ("HF_TOKEN", "hf_s3cret"),
        ])
        .unwrap();
        assert_eq!(config.endpoint, "https://nexus.example/hub");
        assert_eq!(config.inference_endpoints, "https://ie.example");
        assert!(config.bases().iter().all(|(_, credentials)| credentials.is_some()));
        assert!(!format!("{config:?}").contains("s3cret"));

        config.endpoint = "https://me:s3cret@other.example".to_owned();
        assert!(!format!("{config:?}").contains("s3cret"));
        config.settle();
        assert_eq!(config.endpoint, "https://other.example");
    }

    #[cfg(unix)]
    #[test]
    fn variables_that_are_not_utf8_are_used_as_paths_and_else_refused() {
        use std::os::unix::ffi::OsStringExt as _;
        let latin = OsString::from_vec(b"/d\xe9".to_vec());
        let read = |set: &str| {
            Config::from_os_vars(
                |name| (name == set).then(|| latin.clone()),
                Some(Path::new("/nonexistent/user")),
            )
        };
        assert_eq!(read("HF_HOME").unwrap().cache_dir, Path::new(&latin).join("hub"));
        assert_eq!(read("HF_HUB_CACHE").unwrap().cache_dir, Path::new(&latin));
        for name in [
            "HF_ENDPOINT",
            "HF_INFERENCE_ENDPOINTS_ENDPOINT",
            "HF_TOKEN",
            "HUGGING_FACE_HUB_TOKEN",
            "HF_HUB_OFFLINE",
            "TRANSFORMERS_OFFLINE",
            "HF_HUB_DISABLE_IMPLICIT_TOKEN",
            "HF_HUB_DISABLE_PROGRESS_BARS",
            "HF_DEBUG",
            "HF_HUB_VERBOSITY",
            "HF_HUB_DOWNLOAD_TIMEOUT",
            "HF_HUB_ETAG_TIMEOUT",
            "HTTPS_PROXY",
            "no_proxy",
        ] {
            let error = read(name).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("UTF-8"), "{error}");
        }
    }

    #[test]
    fn quotes_and_unknown_words_are_warned_of_once() {
        let cases = [
            ("HF_HUB_OFFLINE", "\"1\"", "HF_HUB_OFFLINE is wrapped in quotes"),
            ("TRANSFORMERS_OFFLINE", "maybe", "TRANSFORMERS_OFFLINE is set to \"maybe\""),
            ("HF_HUB_DISABLE_PROGRESS_BARS", "2", "HF_HUB_DISABLE_PROGRESS_BARS is set to \"2\""),
            ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "'yes'", "HF_HUB_DISABLE_IMPLICIT_TOKEN is wrapped in quotes"),
            ("HF_DEBUG", "si", "HF_DEBUG is set to \"si\""),
            ("HF_HUB_VERBOSITY", "loud", "HF_HUB_VERBOSITY is set to \"loud\""),
            ("HF_HUB_DOWNLOAD_TIMEOUT", "'3'", "HF_HUB_DOWNLOAD_TIMEOUT is wrapped in quotes"),
            ("HF_ENDPOINT", "'http://h'", "HF_ENDPOINT is wrapped in quotes"),
            ("HF_HOME", "'/h'", "HF_HOME is wrapped in quotes"),
            ("HF_TOKEN", "'hf_s3cret'", "the token from HF_TOKEN is wrapped in quotes"),
        ];
        for (name, value, warning) in cases {
            let warnings = warnings_of(|| drop(config(&[(name, value)]).unwrap()));
            assert!(warnings.len() == 1 && warnings[0].contains(warning), "{name}={value}: {warnings:?}");
            assert!(!warnings[0].contains("s3cret"));
        }
        for value in ["", "0", "off", "No", "FALSE", "1", "on", "Yes", "TRUE"] {
            let vars = [("HF_HUB_OFFLINE", value), ("HF_DEBUG", value)];
            assert_eq!(warnings_of(|| drop(config(&vars).unwrap())), [""; 0], "{value:?}");
        }
    }

    #[test]
    fn the_second_offline_variable_counts_if_the_first_is_unset() {
        for (first, second, offline) in
            [("", "1", true), ("0", "1", false), ("1", "0", true), ("'1'", "", true), ("maybe", "", false)]
        {
            let config = config(&[("HF_HUB_OFFLINE", first), ("TRANSFORMERS_OFFLINE", second)]).unwrap();
            assert_eq!(config.offline, offline, "{first:?} {second:?}");
        }
    }

    /// The messages of the warnings that some work logs.
    fn warnings_of(work: impl FnOnce()) -> Vec<String> {
        use std::sync::{Arc, Mutex};
        use tracing::field::{Field, Visit};
        use tracing::{Event, Level, Metadata, Subscriber, span};

        #[derive(Clone, Default)]
        struct Warnings(Arc<Mutex<Vec<String>>>);

        impl Visit for Warnings {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                if field.name() == "message" {
                    self.0.lock().unwrap().push(format!("{value:?}"));
                }
            }
        }

        impl Subscriber for Warnings {
            fn enabled(&self, metadata: &Metadata<'_>) -> bool {
                *metadata.level() == Level::WARN
            }
            fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
                span::Id::from_u64(1)
            }
            fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
            fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
            fn event(&self, event: &Event<'_>) {
                event.record(&mut self.clone());
            }
            fn enter(&self, _: &span::Id) {}
            fn exit(&self, _: &span::Id) {}
        }

        let warnings = Warnings::default();
        tracing::subscriber::with_default(warnings.clone(), work);
        let mut found = warnings.0.lock().unwrap();
        std::mem::take(&mut *found)
    }

    #[test]
    fn endpoint_loses_its_last_slash() {
        assert_eq!(
            config(&[("HF_ENDPOINT", "http://localhost:5000/hub/")]).unwrap().endpoint,
            "http://localhost:5000/hub"
        );
    }
}
