//! Repositories as they are named on the command line: ids, `hf://` URIs and the addresses of web pages.
use crate::context::Context;
use clap::Args;
use hub_client::types::{HubUri, RepoId, RepoType};
use hub_client::{Error, ErrorKind, Result};

/// A repository as it is named on the command line.
#[derive(Debug, Args)]
pub struct RepoArg {
    /// The repository: `namespace/name`, `datasets/namespace/name`, an `hf://` URI, or the address of its page.
    pub repo_id: String,

    /// The kind of repository; a model unless the id tells.
    #[arg(long = "type", visible_alias = "repo-type", value_name = "model|dataset|space")]
    pub repo_type: Option<RepoType>,
}

impl RepoArg {
    /// Reads all that the argument says.
    pub fn read(&self, context: &Context) -> Result<Named> {
        Named::parse(context, &self.repo_id, self.repo_type)
    }

    /// The kind and the id, where neither a revision nor a path has a meaning.
    pub fn parse(&self, context: &Context) -> Result<(RepoType, RepoId)> {
        self.read(context)?.repository()
    }

    /// As [`RepoArg::parse`], of a repository to change: without a namespace it is one's own.
    pub async fn own(&self, context: &Context) -> Result<(RepoType, RepoId)> {
        let (repo_type, repo_id) = self.parse(context)?;
        Ok((repo_type, context.own(repo_id).await?))
    }

    /// As [`RepoArg::own`], with the revision that the argument or an option names.
    pub async fn own_at(
        &self,
        context: &Context,
        revision: Option<String>,
    ) -> Result<(RepoType, RepoId, Option<String>)> {
        let mut named = self.read(context)?;
        let revision = named.take_revision(revision)?;
        let (repo_type, repo_id) = named.repository()?;
        Ok((repo_type, context.own(repo_id).await?, revision))
    }
}

/// What an argument says of a repository.
#[derive(Debug)]
pub struct Named {
    /// The kind of repository.
    pub repo_type: RepoType,
    /// The repository.
    pub repo_id: RepoId,
    text: String,
    revision: Option<String>,
    path: Option<String>,
}

impl Named {
    /// Reads an argument; the kind that the option or the command names must not contradict it.
    pub fn parse(context: &Context, text: &str, repo_type: Option<RepoType>) -> Result<Self> {
        let uri = HubUri::parse(text, context.api.endpoint())?;
        match (uri.repo_type, repo_type) {
            (Some(told), Some(given)) if told != given => {
                Err(Error::invalid(format!("`{}` is a {told}, and a {given} is expected", uri.repo_id)))
            }
            (told, given) => Ok(Self {
                repo_type: told.or(given).unwrap_or_default(),
                text: uri.repo_id.to_string(),
                repo_id: uri.repo_id,
                revision: uri.revision.map(|revision| revision.to_string()),
                path: uri.path,
            }),
        }
    }

    /// The revision of the argument or of an option.
    pub fn take_revision(&mut self, given: Option<String>) -> Result<Option<String>> {
        match (self.revision.take(), given) {
            (Some(told), Some(given)) if told != given => Err(Error::invalid(format!(
                "the address of `{}` names the revision `{told}`, and --revision says `{given}`; give one of them",
                self.text
            ))),
            (told, given) => Ok(told.or(given)),
        }
    }

    /// The path of the argument.
    pub fn take_path(&mut self) -> Option<String> {
        self.path.take()
    }

    /// The kind and the id; a revision or a path that nobody took is an error.
    pub fn repository(self) -> Result<(RepoType, RepoId)> {
        let part = match (&self.revision, &self.path) {
            (_, Some(path)) => format!("the path `{path}`"),
            (Some(revision), None) => format!("the revision `{revision}`"),
            (None, None) => return Ok((self.repo_type, self.repo_id)),
        };
        Err(Error::invalid(format!(
            "the address of `{}` names {part}, which has no meaning here; give the repository alone",
            self.text
        )))
    }
}

impl Context {
    /// The id of a repository of a kind that the command tells.
    pub fn repo(&self, text: &str, repo_type: RepoType) -> Result<RepoId> {
        Ok(Named::parse(self, text, Some(repo_type))?.repository()?.1)
    }

    /// The id of a repository of one's own, of a kind that the command tells.
    pub async fn own_repo(&self, text: &str, repo_type: RepoType) -> Result<RepoId> {
        self.own(self.repo(text, repo_type)?).await
    }

    /// The id with a namespace: that of the account where it has none, as the Hub reads it when it creates a repository.
    pub async fn own(&self, repo_id: RepoId) -> Result<RepoId> {
        if repo_id.namespace().is_some() {
            return Ok(repo_id);
        }
        let me = self.api.whoami().await?;
        let name = me.name().ok_or_else(|| {
            Error::new(
                ErrorKind::Decode,
                format!("the Hub did not say whose `{repo_id}` is; give `namespace/{repo_id}`"),
            )
        })?;
        Ok(RepoId::parse(&format!("{name}/{repo_id}"))?)
    }
}
