//! What the tool makes of the environment: tokens, folders, endpoints and switches.
use hub_local::{LocalHub, Origin};
use serde_json::Value;
use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output};
use tempfile::TempDir;

/// A Hub in this process with the public model `local/m` and the private one `local/p`.
struct World {
    hub: LocalHub,
    folder: TempDir,
    runtime: tokio::runtime::Runtime,
}

impl World {
    fn new() -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let hub = runtime.block_on(LocalHub::builder().start()).unwrap();
        let world = Self { hub, folder: tempfile::tempdir().unwrap(), runtime };
        let file = world.folder.path().join("config.json");
        std::fs::write(&file, "{}").unwrap();
        let file = file.to_str().unwrap();
        let with_token = |arguments: &[&str]| {
            let token = ["--token", world.hub.token()];
            let output = world.run(&[], &[arguments, &token].concat());
            assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        };
        with_token(&["repo", "create", "local/m"]);
        with_token(&["repo", "create", "local/p", "--private"]);
        with_token(&["upload", "local/m", file, "config.json"]);
        world
    }

    /// Runs the tool with these variables beside those that name the Hub and a home folder.
    fn run(&self, variables: &[(&str, &str)], arguments: &[&str]) -> Output {
        self.command(arguments).envs(variables.iter().copied()).output().unwrap()
    }

    fn command(&self, arguments: &[impl AsRef<OsStr>]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hub"));
        command.args(arguments).env_clear().current_dir(self.folder.path());
        command.env("HOME", self.home()).env("HF_ENDPOINT", self.hub.endpoint());
        command
    }

    fn home(&self) -> std::path::PathBuf {
        self.folder.path().join("home")
    }

    fn token(&self) -> (&'static str, &str) {
        ("HF_TOKEN", self.hub.token())
    }

    /// The endpoint with the token as the password, as git sends it.
    fn endpoint_with_password(&self) -> String {
        self.hub.endpoint().replace("http://", &format!("http://me:{}@", self.hub.token()))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        // The tasks of the Hub end with it, inside the runtime.
        let _inside = self.runtime.enter();
    }
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[track_caller]
fn succeeded(output: Output) -> Output {
    assert!(output.status.success(), "{}{}", stdout(&output), stderr(&output));
    output
}

#[test]
fn an_explicit_token_is_sent_by_every_command_where_implicit_ones_are_off() {
    let world = World::new();
    let off = ("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1");
    let token = ["--token", world.hub.token()];
    for command in [
        &["models", "info", "local/p"][..],
        &["auth", "whoami"],
        &["call", "model_info", r#"{"repo_id":"local/p"}"#],
    ] {
        succeeded(world.run(&[off], &[command, &token].concat()));
    }
    assert!(!world.run(&[off, world.token()], &["models", "info", "local/p"]).status.success());
    let named = format!(r#"{{"repo_id":"local/p","token":"{}"}}"#, world.hub.token());
    for arguments in [named.as_str(), r#"{"repo_id":"local/p","token":true}"#] {
        succeeded(world.run(&[off, world.token()], &["call", "model_info", arguments]));
    }
}

/// Without HOME, and as a user that has no entry in the list of users, as in a container with an arbitrary `--user`.
#[cfg(unix)]
#[test]
fn without_a_home_folder_only_what_needs_one_fails() {
    use std::os::unix::{fs::PermissionsExt as _, process::CommandExt as _};
    const NOBODY: u32 = 1_999_999_999;
    let world = World::new();
    let folder = world.folder.path().join("work");
    std::fs::create_dir(&folder).unwrap();
    for path in [world.folder.path(), &folder] {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o777)).unwrap();
    }
    // The tool, where that user may read it.
    let tool = world.folder.path().join("hub");
    std::fs::copy(env!("CARGO_BIN_EXE_hub"), &tool).unwrap();
    let run = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut command = Command::new(&tool);
        command.args(arguments).env_clear().env("HF_ENDPOINT", world.hub.endpoint());
        command.envs(variables.iter().copied()).current_dir(&folder).uid(NOBODY).output()
    };
    // Only root may become somebody else.
    if run(&[], &["env"]).is_err_and(|error| error.kind() == std::io::ErrorKind::PermissionDenied) {
        return;
    }
    let run = |variables: &[(&str, &str)], arguments: &[&str]| run(variables, arguments).unwrap();
    for command in [
        &["download", "local/m"][..],
        &["download", "local/m", "config.json"],
        &["auth", "login", "--token", world.hub.token()],
        &["auth", "logout"],
        &["serve"],
    ] {
        let failed = run(&[], command);
        assert_eq!(failed.status.code(), Some(2), "{command:?}");
        assert!(stderr(&failed).contains("set H"), "{command:?}: {}", stderr(&failed));
    }
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);

    succeeded(run(&[], &["models", "info", "local/m"]));
    succeeded(run(&[], &["env"]));
    succeeded(run(&[], &["download", "local/m", "--cache-dir", "cache"]));
    succeeded(run(&[], &["download", "local/m", "config.json", "--local-dir", "local"]));
    succeeded(run(&[], &["download", "local/m", "--local-dir", "local"]));
    succeeded(run(&[("HF_HUB_CACHE", "cache")], &["download", "local/m"]));
    succeeded(run(&[("HF_HOME", "home")], &["download", "local/m"]));
    succeeded(run(&[world.token()], &["auth", "list"]));
    succeeded(run(&[world.token()], &["upload", "local/m", "local/config.json", "b.json"]));
}

#[test]
fn an_invalid_token_is_named_with_its_source() {
    let world = World::new();
    let expected = [
        (&[("HF_TOKEN", "hf_s3cret")][..], &["models", "info", "local/m"][..], "HF_TOKEN"),
        (&[], &["models", "info", "local/m", "--token", "hf_s3cret"], "given"),
    ];
    for (variables, command, source) in expected {
        let failed = world.run(variables, command);
        assert_eq!(failed.status.code(), Some(1));
        assert!(
            stderr(&failed).contains(source) && stderr(&failed).contains("is invalid"),
            "{}",
            stderr(&failed)
        );
        assert!(!stderr(&failed).contains("s3cret") && !stderr(&failed).contains("check the connection"));
    }
    let path = world.folder.path().join("token");
    std::fs::write(&path, "hf_s3cret").unwrap();
    let file = [("HF_TOKEN_PATH", path.to_str().unwrap())];
    let failed = world.run(&file, &["models", "info", "local/m"]);
    assert!(stderr(&failed).contains(path.to_str().unwrap()) && stderr(&failed).contains("auth login"));
}

#[test]
fn a_token_in_quotes_is_used_without_them() {
    let world = World::new();
    let quoted = format!("\"{}\"", world.hub.token());
    succeeded(world.run(&[("HF_TOKEN", &quoted)], &["models", "info", "local/p"]));
    succeeded(world.run(&[], &["models", "info", "local/p", "--token", &quoted]));
    let endpoint = format!("'{}'", world.hub.endpoint());
    succeeded(world.run(&[("HF_ENDPOINT", &endpoint)], &["models", "info", "local/m"]));
    let offline = world.run(&[("HF_HUB_OFFLINE", "\"1\"")], &["models", "info", "local/m"]);
    assert!(stderr(&offline).contains("HF_HUB_OFFLINE is set, so"), "{}", stderr(&offline));
}

#[test]
fn a_broken_token_file_hinders_only_what_would_send_its_token() {
    let world = World::new();
    let path = world.folder.path().join("own/token");
    std::fs::create_dir(path.parent().unwrap()).unwrap();
    std::fs::write(&path, "two words").unwrap();
    let file = ("HF_TOKEN_PATH", path.to_str().unwrap());
    let failed = world.run(&[file], &["models", "info", "local/m"]);
    assert!(stderr(&failed).contains(path.to_str().unwrap()), "{}", stderr(&failed));
    succeeded(world.run(&[file, world.token()], &["models", "info", "local/m"]));
    succeeded(world.run(&[file], &["auth", "list"]));
    succeeded(world.run(&[file], &["auth", "login", "--token", world.hub.token()]));
    succeeded(world.run(&[file], &["models", "info", "local/p"]));
}

#[test]
fn tokens_are_stored_beside_the_one_in_use() {
    let world = World::new();
    let (shared, own) = (world.folder.path().join("shared"), world.folder.path().join("own"));
    let variables =
        [("HF_HOME", shared.to_str().unwrap()), ("HF_TOKEN_PATH", &format!("{}/token", own.display()))];
    succeeded(world.run(&variables, &["auth", "login", "--token", world.hub.token()]));
    assert!(own.join("token").is_file() && own.join("stored_tokens").is_file() && !shared.exists());
}

#[test]
fn auth_commands_say_that_a_variable_is_in_use() {
    let world = World::new();
    let login = succeeded(world.run(&[], &["auth", "login", "--token", world.hub.token(), "--json"]));
    let login: Value = serde_json::from_slice(&login.stdout).unwrap();
    let name = login["token_name"].as_str().unwrap();
    assert_eq!(login.get("overridden_by"), None);
    let variable = [("HF_TOKEN", "hf_of_the_variable")];

    let human = succeeded(world.run(&variable, &["auth", "list"]));
    let lines: Vec<String> = stdout(&human).lines().map(str::to_owned).collect();
    assert!(
        lines.len() == 2 && lines[0].starts_with("* HF_TOKEN") && lines[1].starts_with("  "),
        "{lines:?}"
    );
    assert!(stderr(&human).contains("HF_TOKEN is set and in use"), "{}", stderr(&human));
    assert!(!stdout(&human).contains("hf_of_the_variable"));
    let quiet = succeeded(world.run(&variable, &["auth", "list", "--quiet"]));
    assert_eq!(stdout(&quiet), format!("HF_TOKEN\n{name}\n"));
    let json = succeeded(world.run(&variable, &["auth", "list", "--json"]));
    let rows: Vec<Value> = stdout(&json).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let in_use: Vec<_> =
        rows.iter().map(|row| (row["name"].as_str().unwrap(), row["in_use"].as_bool().unwrap())).collect();
    assert_eq!(in_use, [("HF_TOKEN", true), (name, false)]);
    assert_eq!(stderr(&json), "");

    let own = [world.token()];
    for command in
        [&["auth", "switch", "--token-name", name][..], &["auth", "login", "--token", world.hub.token()]]
    {
        let human = succeeded(world.run(&own, command));
        assert!(stderr(&human).contains("HF_TOKEN is set and takes precedence"), "{}", stderr(&human));
        let json = succeeded(world.run(&own, &[command, &["--json"]].concat()));
        let json: Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(json["overridden_by"], "HF_TOKEN");
    }
    let whoami = succeeded(world.run(&own, &["auth", "whoami"]));
    assert!(stdout(&whoami).contains("token: from HF_TOKEN"), "{}", stdout(&whoami));
    let whoami = succeeded(world.run(&own, &["auth", "whoami", "--json"]));
    assert_eq!(serde_json::from_slice::<Value>(&whoami.stdout).unwrap()["token_source"], "HF_TOKEN");
    let logout = succeeded(world.run(&own, &["auth", "logout"]));
    assert!(stderr(&logout).contains("HF_TOKEN"), "{}", stderr(&logout));
}

#[test]
fn auth_list_shows_a_token_in_use_that_has_no_name() {
    let world = World::new();
    let path = world.folder.path().join("own-token");
    std::fs::write(&path, world.hub.token()).unwrap();
    let file = [("HF_TOKEN_PATH", path.to_str().unwrap())];
    let human = succeeded(world.run(&file, &["auth", "list"]));
    assert!(stdout(&human).starts_with("* (no name)"), "{}", stdout(&human));
    let json = succeeded(world.run(&file, &["auth", "list", "--json"]));
    let row: Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!((&row["name"], &row["in_use"]), (&Value::Null, &Value::Bool(true)));
}

#[test]
fn credentials_of_the_endpoint_are_used_and_never_printed() {
    let world = World::new();
    let endpoint = world.endpoint_with_password();
    let secrets = [world.hub.token().to_owned(), endpoint.clone()];
    let variables = [
        ("HF_ENDPOINT", endpoint.as_str()),
        ("HF_DEBUG", "1"),
        ("HTTPS_PROXY", "http://alice:s3cret@proxy.invalid:1"),
    ];
    for (command, succeeds) in [
        (&["models", "info", "local/p"][..], true),
        (&["auth", "whoami"], true),
        (&["download", "local/m"], true),
        (&["upload", "local/p", "config.json"], true),
        (&["env"], true),
        (&["env", "--json"], true),
        (
            &[
                "call",
                "get_hf_file_metadata",
                &format!(r#"{{"url":"{endpoint}/local/m/resolve/main/config.json"}}"#),
            ],
            true,
        ),
        (&["models", "info", "local/none"], false),
        (&["call", "model_info", r#"{"repo_id":"local/none"}"#], false),
    ] {
        world.hub.clear_requests();
        let output = world.run(&variables, command);
        let shown = stdout(&output) + &stderr(&output);
        assert_eq!(output.status.success(), succeeds, "{command:?}: {shown}");
        assert!(
            !secrets.iter().any(|secret| shown.contains(secret)) && !shown.contains("s3cret"),
            "{command:?}: {shown}"
        );
        for request in world.hub.requests() {
            let header = request.header("authorization").unwrap_or_default();
            assert!(
                request.origin == Origin::Storage || header.starts_with("Basic "),
                "{command:?}: {}",
                request.path
            );
        }
    }
}

#[test]
fn env_shows_no_token() {
    let world = World::new();
    let output = succeeded(world.run(&[world.token()], &["env", "--json"]));
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&shown["token"], &shown["token_source"]), (&"set".into(), &"HF_TOKEN".into()));
    assert!(!stdout(&output).contains(world.hub.token()));
}

#[cfg(unix)]
#[test]
fn variables_that_are_not_utf8_are_used_as_paths_and_else_refused() {
    use std::os::unix::ffi::OsStrExt as _;
    let world = World::new();
    let name = OsStr::from_bytes(b"caf\xe9");
    let folder = world.folder.path().join(name);
    let cached = |folder: &Path| folder.join("models--local--m/refs/main").is_file();
    for (variable, cache) in [("HF_HOME", folder.join("hub")), ("HF_HUB_CACHE", folder.clone())] {
        let output = world.command(&["download", "local/m"]).env(variable, &folder).output().unwrap();
        assert!(cached(&cache), "{variable}: {}", stderr(&output));
    }
    succeeded(world.command(&["env", "--json"]).env("HF_HOME", &folder).output().unwrap());
    world.hub.clear_requests();
    for variable in ["HF_ENDPOINT", "HF_TOKEN", "HF_HUB_OFFLINE", "HF_HUB_ETAG_TIMEOUT", "HTTPS_PROXY"] {
        let failed = world.command(&["models", "info", "local/m"]).env(variable, name).output().unwrap();
        assert_eq!(failed.status.code(), Some(2), "{variable}");
        assert!(stderr(&failed).contains(variable), "{}", stderr(&failed));
    }
    assert_eq!(world.hub.requests().len(), 0);
}
