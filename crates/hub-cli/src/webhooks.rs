//! `hub webhooks`: what the Hub calls when something changes.
use crate::context::Context;
use crate::repo::confirm;
use clap::{Args, Subcommand};
use hub_client::{Error, Result};
use serde_json::{Value, json};

/// Lists, makes and changes webhooks.
#[derive(Debug, Subcommand)]
pub enum Webhooks {
    /// Lists one's webhooks.
    #[command(visible_alias = "ls")]
    List,
    /// Tells about one.
    Info {
        /// The id of the webhook.
        webhook_id: String,
    },
    /// Makes one.
    Create(Settings),
    /// Changes one; what is not given stays.
    Update {
        /// The id of the webhook.
        webhook_id: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Switches one on again.
    Enable {
        /// The id of the webhook.
        webhook_id: String,
    },
    /// Switches one off.
    Disable {
        /// The id of the webhook.
        webhook_id: String,
    },
    /// Deletes one.
    Delete {
        /// The id of the webhook.
        webhook_id: String,
        /// Does not ask.
        #[arg(short, long)]
        yes: bool,
    },
}

/// What a webhook is.
#[derive(Debug, Args)]
pub struct Settings {
    /// The URL that is called.
    #[arg(long)]
    url: Option<String>,
    /// What is watched, as `type:name`, such as `model:gpt2` or `user:me`; may be repeated.
    #[arg(long, value_name = "TYPE:NAME")]
    watch: Vec<String>,
    /// Which changes: repo or discussion; both if unset; may be repeated.
    #[arg(long)]
    domain: Vec<String>,
    /// A secret that is sent along.
    #[arg(long)]
    secret: Option<String>,
}

impl Settings {
    fn arguments(&self) -> Result<Value> {
        let watched: Vec<Value> = self.watch.iter().map(|item| watched(item)).collect::<Result<_>>()?;
        let watched = (!watched.is_empty()).then_some(watched);
        let domains = (!self.domain.is_empty()).then_some(&self.domain);
        Ok(json!({ "url": self.url, "watched": watched, "domains": domains, "secret": self.secret }))
    }
}

fn watched(item: &str) -> Result<Value> {
    let refuse =
        || Error::invalid(format!("`{item}` must be `type:name`, such as `model:gpt2` or `org:acme`"));
    let (kind, name) = item.split_once(':').ok_or_else(refuse)?;
    Ok(json!({ "type": kind, "name": name }))
}

impl Webhooks {
    /// Performs the command.
    pub async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::List => {
                let columns = [("ID", "id"), ("DISABLED", "disabled"), ("URL", "url")];
                context.list("list_webhooks", json!({}), &columns).await
            }
            Self::Info { webhook_id } => {
                let webhook = context.call("get_webhook", json!({ "webhook_id": webhook_id })).await?;
                context.format.object(&webhook, "id")
            }
            Self::Create(settings) => {
                if settings.url.is_none() || settings.watch.is_empty() {
                    return Err(Error::invalid("a webhook needs --url and at least one --watch"));
                }
                changed(context, "create_webhook", settings.arguments()?, "made").await
            }
            Self::Update { webhook_id, settings } => {
                let mut arguments = settings.arguments()?;
                arguments["webhook_id"] = json!(webhook_id);
                changed(context, "update_webhook", arguments, "changed").await
            }
            Self::Enable { webhook_id } => {
                changed(context, "enable_webhook", json!({ "webhook_id": webhook_id }), "enabled").await
            }
            Self::Disable { webhook_id } => {
                changed(context, "disable_webhook", json!({ "webhook_id": webhook_id }), "disabled").await
            }
            Self::Delete { webhook_id, yes } => {
                if !yes {
                    confirm(&format!("Delete the webhook {webhook_id}?"))?;
                }
                let arguments = json!({ "webhook_id": webhook_id });
                context.call("delete_webhook", arguments.clone()).await?;
                context.format.done(&format!("deleted {webhook_id}"), &webhook_id, &arguments)
            }
        }
    }
}

async fn changed(context: &Context, method: &str, arguments: Value, done: &str) -> Result<()> {
    let webhook = context.call(method, arguments).await?;
    let id = webhook["id"].as_str().unwrap_or_default();
    context.format.done(&format!("{done} the webhook {id}"), id, &webhook)
}
