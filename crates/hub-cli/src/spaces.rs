//! `hub spaces`: Spaces, as repositories and as they run.
use crate::context::Context;
use crate::listing::Listing;
use clap::Subcommand;
use hub_client::types::RepoType;
use hub_client::{Error, ErrorKind, Result};
use serde_json::{Value, json};
use std::env::VarError;

/// Lists Spaces, tells about one, and steers how it runs.
#[derive(Debug, Subcommand)]
pub enum Spaces {
    #[command(flatten)]
    Listing(Listing),
    /// Tells how a Space runs.
    Runtime {
        /// The Space.
        repo_id: String,
    },
    /// Pauses a Space.
    Pause {
        /// The Space.
        repo_id: String,
    },
    /// Restarts a Space, or wakes a paused one.
    Restart {
        /// The Space.
        repo_id: String,
        /// Builds it anew.
        #[arg(long)]
        factory_reboot: bool,
    },
    /// Changes the hardware, the storage or the sleep time of a Space.
    Settings {
        /// The Space.
        repo_id: String,
        /// The hardware, such as `t4-small`.
        #[arg(long)]
        hardware: Option<String>,
        /// The persistent storage: small, medium or large.
        #[arg(long)]
        storage: Option<String>,
        /// Takes the persistent storage away, with all that is on it.
        #[arg(long, conflicts_with = "storage")]
        delete_storage: bool,
        /// After how many idle seconds it sleeps; -1 for never.
        #[arg(long, allow_negative_numbers = true)]
        sleep_time: Option<i64>,
    },
    /// Copies a Space.
    Duplicate {
        /// The Space to copy.
        from_id: String,
        /// The name of the copy; the same name in one's own namespace if unset.
        to_id: Option<String>,
        /// Makes the copy private.
        #[arg(long)]
        private: bool,
        /// Whether a Space that exists counts as success.
        #[arg(long)]
        exist_ok: bool,
    },
    /// Changes the environment variables of a Space.
    #[command(subcommand)]
    Variables(Variables),
    /// Changes the secrets of a Space.
    #[command(subcommand)]
    Secrets(Secrets),
}

/// What is done to variables.
#[derive(Debug, Subcommand)]
pub enum Variables {
    /// Lists the variables.
    #[command(visible_alias = "ls")]
    List {
        /// The Space.
        repo_id: String,
    },
    /// Sets a variable.
    Add {
        /// The Space.
        repo_id: String,
        /// The variable, as `KEY=value`.
        assignment: String,
        /// What it is for.
        #[arg(long)]
        description: Option<String>,
    },
    /// Deletes a variable.
    Delete {
        /// The Space.
        repo_id: String,
        /// The name of the variable.
        key: String,
    },
}

/// What is done to secrets.
#[derive(Debug, Subcommand)]
pub enum Secrets {
    /// Sets a secret to the value of an environment variable, so that it stays out of the shell's history.
    Add {
        /// The Space.
        repo_id: String,
        /// The name of the secret, whose value is in the environment variable of that name.
        key: String,
        /// What it is for.
        #[arg(long)]
        description: Option<String>,
    },
    /// Deletes a secret.
    Delete {
        /// The Space.
        repo_id: String,
        /// The name of the secret.
        key: String,
    },
}

impl Spaces {
    /// Performs the command.
    pub async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Listing(listing) => listing.run(context, RepoType::Space).await,
            Self::Runtime { repo_id } => {
                let repo_id = context.repo(&repo_id, RepoType::Space)?;
                let runtime = context.call("get_space_runtime", json!({ "repo_id": repo_id })).await?;
                context.format.object(&runtime, "stage")
            }
            Self::Pause { repo_id } => stage(context, "pause_space", &repo_id, json!({})).await,
            Self::Restart { repo_id, factory_reboot } => {
                stage(context, "restart_space", &repo_id, json!({ "factory_reboot": factory_reboot })).await
            }
            Self::Settings { repo_id, hardware, storage, delete_storage, sleep_time } => {
                if hardware.is_none() && storage.is_none() && !delete_storage && sleep_time.is_none() {
                    return Err(Error::invalid(
                        "nothing to change; give --hardware, --storage or --sleep-time",
                    ));
                }
                if let Some(hardware) = hardware {
                    stage(context, "request_space_hardware", &repo_id, json!({ "hardware": hardware }))
                        .await?;
                }
                if let Some(storage) = storage {
                    stage(context, "request_space_storage", &repo_id, json!({ "storage": storage })).await?;
                }
                if delete_storage {
                    stage(context, "delete_space_storage", &repo_id, json!({})).await?;
                }
                if let Some(sleep_time) = sleep_time {
                    stage(context, "set_space_sleep_time", &repo_id, json!({ "sleep_time": sleep_time }))
                        .await?;
                }
                Ok(())
            }
            Self::Duplicate { from_id, to_id, private, exist_ok } => {
                let from_id = context.repo(&from_id, RepoType::Space)?;
                let to_id = match to_id {
                    Some(to_id) => Some(context.own_repo(&to_id, RepoType::Space).await?),
                    None => None,
                };
                let arguments = json!({
                    "from_id": from_id, "to_id": to_id, "private": private.then_some(true), "exist_ok": exist_ok,
                });
                let copy = context.call("duplicate_space", arguments).await?;
                let url = copy["url"].as_str().unwrap_or_default();
                context.format.done(
                    &format!("the copy is at {url}"),
                    copy["repo_id"].as_str().unwrap_or_default(),
                    &copy,
                )
            }
            Self::Variables(variables) => variables.run(context).await,
            Self::Secrets(secrets) => secrets.run(context).await,
        }
    }
}

async fn stage(context: &Context, method: &str, repo_id: &str, mut arguments: Value) -> Result<()> {
    let repo_id = context.own_repo(repo_id, RepoType::Space).await?;
    arguments["repo_id"] = json!(repo_id);
    let runtime = context.call(method, arguments).await?;
    let stage = runtime["stage"].as_str().unwrap_or_default();
    context.format.done(&format!("{repo_id} is {stage}"), stage, &runtime)
}

impl Variables {
    async fn run(self, context: &Context) -> Result<()> {
        let variables = match self {
            Self::List { repo_id } => {
                let repo_id = context.repo(&repo_id, RepoType::Space)?;
                context.call("get_space_variables", json!({ "repo_id": repo_id })).await?
            }
            Self::Add { repo_id, assignment, description } => {
                let Some((key, value)) = assignment.split_once('=') else {
                    return Err(Error::invalid(format!("`{assignment}` must be `KEY=value`")));
                };
                let repo_id = context.own_repo(&repo_id, RepoType::Space).await?;
                let arguments =
                    json!({ "repo_id": repo_id, "key": key, "value": value, "description": description });
                context.call("add_space_variable", arguments).await?
            }
            Self::Delete { repo_id, key } => {
                let repo_id = context.own_repo(&repo_id, RepoType::Space).await?;
                let variables = context.call("get_space_variables", json!({ "repo_id": repo_id })).await?;
                if variables.get(&key).is_none() {
                    let message = format!("the space `{repo_id}` has no variable `{key}`");
                    return Err(Error::new(ErrorKind::EntryNotFound, message));
                }
                context.call("delete_space_variable", json!({ "repo_id": repo_id, "key": key })).await?
            }
        };
        let rows: Vec<_> =
            variables.as_object().into_iter().flatten().map(|(_, variable)| Ok(variable.clone())).collect();
        let columns = [("KEY", "key"), ("VALUE", "value"), ("DESCRIPTION", "description")];
        context.format.list(Box::pin(futures_util::stream::iter(rows)), &columns).await
    }
}

impl Secrets {
    async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::Add { repo_id, key, description } => {
                let value = std::env::var(&key).map_err(|error| match error {
                    VarError::NotPresent => {
                        Error::invalid(format!("put the value into the environment variable {key} first"))
                    }
                    VarError::NotUnicode(_) => Error::invalid(format!(
                        "the value of the environment variable {key} is not valid UTF-8"
                    )),
                })?;
                let repo_id = context.own_repo(&repo_id, RepoType::Space).await?;
                let arguments =
                    json!({ "repo_id": repo_id, "key": key, "value": value, "description": description });
                context.call("add_space_secret", arguments).await?;
                context.format.done(&format!("set the secret {key}"), &key, &json!({ "key": key }))
            }
            Self::Delete { repo_id, key } => {
                let repo_id = context.own_repo(&repo_id, RepoType::Space).await?;
                context.call("delete_space_secret", json!({ "repo_id": repo_id, "key": key })).await?;
                context.format.done(&format!("deleted the secret {key}"), &key, &json!({ "key": key }))
            }
        }
    }
}
