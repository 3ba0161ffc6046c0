//! `hub endpoints`: models served by Inference Endpoints.
use crate::context::Context;
use crate::repo::confirm;
use crate::repo_arg::Named as NamedRepo;
use clap::{Args, Subcommand};
use hub_client::Result;
use hub_client::types::RepoType;
use serde_json::{Value, json};

/// Lists, deploys and changes Inference Endpoints.
#[derive(Debug, Subcommand)]
pub enum Endpoints {
    /// Lists Inference Endpoints.
    #[command(visible_alias = "ls")]
    List {
        /// Whose; `*` for all that one may see.
        #[arg(long)]
        namespace: Option<String>,
    },
    /// Tells about one.
    #[command(visible_alias = "info")]
    Describe(Named),
    /// Makes one that serves a repository.
    Deploy(Box<Deploy>),
    /// Changes one; what is not given stays.
    Update {
        #[command(flatten)]
        named: Named,
        #[command(flatten)]
        model: Box<Model>,
    },
    /// Deletes one.
    Delete {
        #[command(flatten)]
        named: Named,
        /// Does not ask.
        #[arg(short, long)]
        yes: bool,
    },
    /// Pauses one: it costs nothing and does not answer until it is resumed.
    Pause(Named),
    /// Resumes a paused one.
    Resume(Named),
    /// Scales one to zero: it costs nothing until the next request wakes it.
    ScaleToZero(Named),
}

/// An endpoint.
#[derive(Debug, Args)]
pub struct Named {
    /// Its name.
    name: String,
    /// Whose it is; one's own if unset.
    #[arg(long)]
    namespace: Option<String>,
}

/// What an endpoint serves, and on what.
#[derive(Debug, Args)]
pub struct Model {
    /// The repository of the model.
    #[arg(long, visible_alias = "repository")]
    repo: Option<String>,
    /// The framework, such as `pytorch`.
    #[arg(long)]
    framework: Option<String>,
    /// The branch, tag or commit.
    #[arg(long)]
    revision: Option<String>,
    /// The task, such as `text-classification`.
    #[arg(long)]
    task: Option<String>,
    /// `cpu` or `gpu`.
    #[arg(long)]
    accelerator: Option<String>,
    /// The size of the machine, such as `x4`.
    #[arg(long)]
    instance_size: Option<String>,
    /// The type of the machine, such as `intel-icl`.
    #[arg(long)]
    instance_type: Option<String>,
    /// How many machines at least.
    #[arg(long)]
    min_replica: Option<u32>,
    /// How many machines at most.
    #[arg(long)]
    max_replica: Option<u32>,
    /// After how many idle minutes it scales to zero.
    #[arg(long)]
    scale_to_zero_timeout: Option<u32>,
}

/// The options of `hub endpoints deploy`.
#[derive(Debug, Args)]
pub struct Deploy {
    #[command(flatten)]
    named: Named,
    #[command(flatten)]
    model: Model,
    /// The region, such as `us-east-1`.
    #[arg(long)]
    region: String,
    /// The cloud, such as `aws`.
    #[arg(long)]
    vendor: String,
    /// Who may call it: protected, public or private.
    #[arg(long = "access", default_value = "protected")]
    r#type: String,
}

impl Named {
    fn arguments(&self) -> Value {
        json!({ "name": self.name, "namespace": self.namespace })
    }
}

impl Model {
    fn add_to(&self, context: &Context, arguments: &mut Value) -> Result<()> {
        let repo = self.repo.as_deref().map(|repo| NamedRepo::parse(context, repo, Some(RepoType::Model)));
        let (repo, revision) = match repo.transpose()? {
            Some(mut named) => {
                let revision = named.take_revision(self.revision.clone())?;
                (Some(named.repository()?.1), revision)
            }
            None => (None, self.revision.clone()),
        };
        let own = json!({
            "repository": repo, "framework": self.framework, "revision": revision, "task": self.task,
            "accelerator": self.accelerator, "instance_size": self.instance_size, "instance_type": self.instance_type,
            "min_replica": self.min_replica, "max_replica": self.max_replica,
            "scale_to_zero_timeout": self.scale_to_zero_timeout,
        });
        if let (Value::Object(arguments), Value::Object(own)) = (arguments, own) {
            arguments.extend(own);
        }
        Ok(())
    }
}

impl Endpoints {
    /// Performs the command.
    pub async fn run(self, context: &Context) -> Result<()> {
        match self {
            Self::List { namespace } => {
                let columns =
                    [("NAME", "name"), ("STATUS", "status"), ("REPOSITORY", "repository"), ("URL", "url")];
                context.list("list_inference_endpoints", json!({ "namespace": namespace }), &columns).await
            }
            Self::Describe(named) => {
                let endpoint = context.call("get_inference_endpoint", named.arguments()).await?;
                context.format.object(&endpoint, "name")
            }
            Self::Deploy(deploy) => {
                let mut arguments = deploy.named.arguments();
                deploy.model.add_to(context, &mut arguments)?;
                arguments["region"] = json!(deploy.region);
                arguments["vendor"] = json!(deploy.vendor);
                arguments["type"] = json!(deploy.r#type);
                changed(context, "create_inference_endpoint", arguments, "deploying").await
            }
            Self::Update { named, model } => {
                let mut arguments = named.arguments();
                model.add_to(context, &mut arguments)?;
                changed(context, "update_inference_endpoint", arguments, "changed").await
            }
            Self::Delete { named, yes } => {
                if !yes {
                    confirm(&format!("Delete the Inference Endpoint {}? It cannot be undone.", named.name))?;
                }
                context.call("delete_inference_endpoint", named.arguments()).await?;
                context.format.done(&format!("deleted {}", named.name), &named.name, &named.arguments())
            }
            Self::Pause(named) => {
                changed(context, "pause_inference_endpoint", named.arguments(), "paused").await
            }
            Self::Resume(named) => {
                changed(context, "resume_inference_endpoint", named.arguments(), "resumed").await
            }
            Self::ScaleToZero(named) => {
                changed(context, "scale_to_zero_inference_endpoint", named.arguments(), "scaled to zero")
                    .await
            }
        }
    }
}

async fn changed(context: &Context, method: &str, arguments: Value, done: &str) -> Result<()> {
    let endpoint = context.call(method, arguments).await?;
    let (name, status) =
        (endpoint["name"].as_str().unwrap_or_default(), endpoint["status"].as_str().unwrap_or_default());
    context.format.done(&format!("{done} {name}, which is {status}"), name, &endpoint)
}
