//! Creating, moving and deleting repositories.
use super::info::describe;
use crate::macros::{composite, endpoint};
use crate::request::LONG_ANSWER;
use crate::types::{RepoId, RepoType, RepoUrl, SpaceHardware, SpaceSetting, SpaceStorage};
use crate::{Answer, Arg, Endpoint, Error, ErrorKind, HfApi, Http, Result, Run};
use hub_http::{Context as _, Url};
use hub_types::InvalidArgument;
use serde::Deserialize;
use serde_json::{Value, json};

composite! {
    /// Creates a repository.
    ///
    /// Without a namespace it belongs to the account of the token. The `space_…` parameters are for Spaces, and left
    /// out with a warning for others; a Space needs `space_sdk`. While the Hub makes another repository of the same
    /// account it is asked again, for about a minute. Needs a token that may write in the namespace.
    /// `POST /api/repos/create`.
    ///
    /// # Errors
    /// `InvalidArgument` if a Space has no `space_sdk` or an unknown one; `Http` with status 409 if the repository
    /// exists, unless `exist_ok`, and with status 403 if the token may not create it; `BadRequest`.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let url = api.create_repo("me/model").private(true).exist_ok(true).await?;
    /// println!("{url}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_repo(
        /// The name of the repository.
        repo_id: Arg<RepoId>,
    ) -> RepoUrl;

    /// The parameters of [`HfApi::create_repo`].
    pub struct CreateRepoRequest {
        /// Whether only its owners see it; the default of the account or organization if unset.
        private: Option<bool>,
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
        /// Whether an existing repository of this name counts as success.
        exist_ok: bool,
        /// The resource group of the organization that it belongs to.
        resource_group_id: Option<String>,
        /// What the Space is made with: `gradio`, `streamlit`, `docker` or `static`.
        space_sdk: Option<String>,
        /// The hardware of the Space.
        space_hardware: Option<SpaceHardware>,
        /// The persistent storage of the Space.
        space_storage: Option<SpaceStorage>,
        /// The seconds without a request after which the Space goes to sleep; -1 for never.
        space_sleep_time: Option<i64>,
        /// The secrets of the Space: only the Space sees them.
        space_secrets: Option<Vec<SpaceSetting>>,
        /// The variables of the Space: everybody can read them.
        space_variables: Option<Vec<SpaceSetting>>,
    }
}

const SPACE_SDKS: [&str; 4] = ["gradio", "streamlit", "docker", "static"];

/// What the Hub says while it makes another repository of the same account.
const BUSY: &str = "another conflicting operation is in progress";

impl CreateRepoRequest {
    /// The exchange that creates the repository.
    pub fn http(&self) -> Http {
        match self.body() {
            Ok(body) => Http::post("/api/repos/create").json(body).timeout(Some(LONG_ANSWER)),
            Err(error) => Http::invalid(error),
        }
    }

    fn body(&self) -> Result<Value, InvalidArgument> {
        let repo_id = self.repo_id.get()?;
        let mut body = json!({
            "name": repo_id.name(),
            "organization": repo_id.namespace(),
            "type": self.repo_type,
            "private": self.private,
            "resourceGroupId": self.resource_group_id,
        });
        if self.repo_type == Some(RepoType::Space) {
            let sdk = self.space_sdk.as_deref().unwrap_or_default();
            if !SPACE_SDKS.contains(&sdk) {
                let sdks = SPACE_SDKS.join(", ");
                return Err(InvalidArgument::new(format!("a Space needs a space_sdk out of {sdks}")));
            }
            body["sdk"] = sdk.into();
            body["hardware"] = json!(self.space_hardware);
            body["storageTier"] = json!(self.space_storage);
            body["sleepTimeSeconds"] = json!(self.space_sleep_time);
            body["secrets"] = json!(self.space_secrets);
            body["variables"] = json!(self.space_variables);
        }
        Ok(body)
    }

    /// Sends the request until the Hub has time for it.
    async fn create(&self, api: &HfApi) -> Result<Answer> {
        // The Hub takes longer to make a repository than to get over an error.
        let attempts = api.config().retry.max_attempts.saturating_mul(2).saturating_sub(1);
        let mut retry = api.client().retry().with_max_attempts(attempts);
        loop {
            match api.exchange(self.http()).await {
                Err(error) if is_busy(&error) => {
                    retry.wait(error).await?;
                }
                result => return result,
            }
        }
    }

    /// The URL of the repository, from the page that the Hub names.
    fn url(&self, api: &HfApi, page: Option<&str>) -> Result<RepoUrl> {
        match page {
            Some(page) => reported(api, page, self.repo_type.unwrap_or_default()).ok_or_else(|| {
                Error::new(ErrorKind::Decode, "the Hub named the new repository in an unknown form")
            }),
            None => {
                let repo_id = self.repo_id.get()?.as_str();
                Ok(RepoUrl::new(api.endpoint(), self.repo_type.unwrap_or_default(), repo_id))
            }
        }
    }

    fn warn_of_space_parameters(&self) {
        let given = [
            ("space_sdk", self.space_sdk.is_some()),
            ("space_hardware", self.space_hardware.is_some()),
            ("space_storage", self.space_storage.is_some()),
            ("space_sleep_time", self.space_sleep_time.is_some()),
            ("space_secrets", self.space_secrets.is_some()),
            ("space_variables", self.space_variables.is_some()),
        ];
        let given = given.into_iter().filter_map(|(name, given)| given.then_some(name)).collect::<Vec<_>>();
        if self.repo_type != Some(RepoType::Space) && !given.is_empty() {
            tracing::warn!("left out {}, since the repository is no Space", given.join(", "));
        }
    }
}

/// The repository whose page the Hub reports; behind a proxy it may name itself by another host.
pub(crate) fn reported(api: &HfApi, page: &str, repo_type: RepoType) -> Option<RepoUrl> {
    if let Ok(url) = RepoUrl::parse(page, api.endpoint()) {
        return Some(url);
    }
    let url = Url::parse(page).ok()?;
    let mut segments = url.path_segments()?.rev().filter(|segment| !segment.is_empty());
    let name = segments.next()?;
    // Only canonical repositories have no namespace.
    let repo_id = match segments.next().filter(|namespace| *namespace != format!("{repo_type}s")) {
        Some(namespace) => format!("{namespace}/{name}"),
        None => name.to_owned(),
    };
    Some(RepoUrl::new(api.endpoint(), repo_type, RepoId::parse(&repo_id).ok()?.as_str()))
}

fn is_busy(error: &Error) -> bool {
    let message = error.http().and_then(|http| http.message.as_deref());
    error.status() == Some(409) && message.is_some_and(|message| message.contains(BUSY))
}

#[derive(Deserialize)]
struct Created {
    url: Option<String>,
}

impl Run for CreateRepoRequest {
    async fn run(self, api: HfApi) -> Result<RepoUrl> {
        self.warn_of_space_parameters();
        let refusal = match self.create(&api).await {
            Ok(answer) => return self.url(&api, answer.json::<Created>()?.url.as_deref()),
            Err(error) if self.exist_ok && !is_busy(&error) => error,
            Err(error) => return Err(error),
        };
        match refusal.status() {
            Some(409) => self.url(&api, refusal.http().and_then(|http| http.page.as_deref())),
            // Those who may not create it may still see that it exists.
            Some(403) => {
                let description = describe(self.repo_type.unwrap_or_default(), &self.repo_id, None);
                if api.exchange(description).await.is_ok() { self.url(&api, None) } else { Err(refusal) }
            }
            _ => Err(refusal),
        }
    }
}

endpoint! {
    /// Deletes a repository, for good.
    ///
    /// Needs a token that may write to the repository. `DELETE /api/repos/delete`.
    ///
    /// # Errors
    /// `RepositoryNotFound`, unless `missing_ok`; `Http` with status 403 if the token may not delete it.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.delete_repo("me/model").missing_ok(true).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete_repo(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> ();

    /// The parameters of [`HfApi::delete_repo`].
    pub struct DeleteRepoRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
        /// Whether a repository that does not exist counts as success.
        missing_ok: bool,
    }
}

impl Endpoint for DeleteRepoRequest {
    fn http(&self) -> Http {
        match self.repo_id.get() {
            Ok(repo_id) => Http::delete("/api/repos/delete").json(json!({
                "name": repo_id.name(),
                "organization": repo_id.namespace(),
                "type": self.repo_type,
            })),
            Err(error) => Http::invalid(error),
        }
    }

    fn recover(&self, _api: &HfApi, error: Error) -> Result<()> {
        if self.missing_ok && error.is_repository_not_found() { Ok(()) } else { Err(error) }
    }
}

endpoint! {
    /// Gives a repository another name, or another owner.
    ///
    /// The old name leads to the new one. Needs a token that may write to both namespaces. `POST /api/repos/move`.
    ///
    /// # Errors
    /// `InvalidArgument` if one of the names has no namespace; `RepositoryNotFound`; `BadRequest` or `Http` if it
    /// cannot be moved there.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.move_repo("me/model", "acme/model").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn move_repo(
        /// The repository, with its namespace.
        from_id: Arg<RepoId>,
        /// Its new name, with the namespace.
        to_id: Arg<RepoId>,
    ) -> ();

    /// The parameters of [`HfApi::move_repo`].
    pub struct MoveRepoRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for MoveRepoRequest {
    fn http(&self) -> Http {
        match (with_namespace("from_id", &self.from_id), with_namespace("to_id", &self.to_id)) {
            (Ok(from), Ok(to)) => Http::post("/api/repos/move")
                .json(json!({
                    "fromRepo": from,
                    "toRepo": to,
                    "type": self.repo_type.unwrap_or_default(),
                }))
                .timeout(Some(LONG_ANSWER)),
            (Err(error), _) | (_, Err(error)) => Http::invalid(error),
        }
    }

    fn recover(&self, _api: &HfApi, error: Error) -> Result<()> {
        Err(error).with(|| {
            "could not move the repository; what can be moved is said at \
             https://huggingface.co/docs/hub/repositories-settings#renaming-or-transferring-a-repo"
                .to_owned()
        })
    }
}

fn with_namespace<'a>(name: &str, repo_id: &'a Arg<RepoId>) -> Result<&'a RepoId, InvalidArgument> {
    let repo_id = repo_id.get()?;
    match repo_id.namespace() {
        Some(_) => Ok(repo_id),
        None => Err(InvalidArgument::new(format!(
            "{name} `{repo_id}` needs its namespace: `namespace/{repo_id}`"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn created(body: Value) -> Http {
        Http::post("/api/repos/create").json(body).timeout(Some(LONG_ANSWER))
    }

    #[test]
    fn what_is_not_given_is_not_sent() {
        assert_eq!(CreateRepoRequest::new("model").http(), created(json!({"name": "model"})));
        let request = CreateRepoRequest::new("acme/model").private(false).repo_type(RepoType::Model);
        let body = json!({"name": "model", "organization": "acme", "private": false, "type": "model"});
        assert_eq!(request.http(), created(body));
    }

    #[test]
    fn a_space_takes_all_its_parameters() {
        let request = CreateRepoRequest::new("me/space")
            .repo_type(RepoType::Space)
            .space_sdk("docker")
            .space_hardware("t4-small")
            .space_storage("small")
            .space_sleep_time(3600)
            .space_secrets([SpaceSetting::new("KEY", "s3cret")])
            .space_variables([SpaceSetting::new("MODE", "prod")]);
        let body = json!({"name": "space", "organization": "me", "type": "space", "sdk": "docker",
            "hardware": "t4-small", "storageTier": "small", "sleepTimeSeconds": 3600,
            "secrets": [{"key": "KEY", "value": "s3cret"}], "variables": [{"key": "MODE", "value": "prod"}]});
        assert_eq!(request.http(), created(body));
    }

    #[test]
    fn a_model_takes_no_parameters_of_spaces() {
        let request = CreateRepoRequest::new("me/model").space_sdk("gradio").space_sleep_time(1);
        assert_eq!(request.http(), created(json!({"name": "model", "organization": "me"})));
    }

    #[test]
    fn a_page_at_another_host_names_the_repository() {
        let api = HfApi::new(crate::Config::new("http://proxy.test/hub", "/nonexistent").unwrap());
        for (page, repo_type, expected) in [
            ("https://inner.test/me/m", RepoType::Model, "http://proxy.test/hub/me/m"),
            ("https://inner.test/x/datasets/me/d/", RepoType::Dataset, "http://proxy.test/hub/datasets/me/d"),
            ("https://inner.test/datasets/d", RepoType::Dataset, "http://proxy.test/hub/datasets/d"),
        ] {
            assert_eq!(reported(&api, page, repo_type).unwrap().url, expected, "{page}");
        }
        assert_eq!(reported(&api, "https://inner.test/", RepoType::Model), None);
    }

    #[test]
    fn a_space_needs_a_known_sdk() {
        let space = || CreateRepoRequest::new("me/space").repo_type(RepoType::Space);
        for request in [space(), space().space_sdk("flask")] {
            assert!(request.http().invalid.unwrap().to_string().contains("gradio, streamlit"));
        }
    }

    #[test]
    fn a_repository_is_deleted_by_its_parts() {
        let request = DeleteRepoRequest::new("me/data").repo_type(RepoType::Dataset);
        let body = json!({"name": "data", "organization": "me", "type": "dataset"});
        assert_eq!(request.http(), Http::delete("/api/repos/delete").json(body));
        assert!(DeleteRepoRequest::new("me/../x").http().invalid.is_some());
    }

    #[test]
    fn both_names_of_a_move_need_a_namespace() {
        let request = MoveRepoRequest::new("me/a", "acme/b");
        let body = json!({"fromRepo": "me/a", "toRepo": "acme/b", "type": "model"});
        let expected = Http::post("/api/repos/move").json(body).timeout(Some(LONG_ANSWER));
        assert_eq!(request.http(), expected);
        for (from, to) in [("a", "acme/b"), ("me/a", "b"), ("me/a", "x/y/z")] {
            assert!(MoveRepoRequest::new(from, to).http().invalid.is_some(), "{from} {to}");
        }
    }
}
