//! The secrets and variables of a Space.
use super::space_api;
use crate::macros::endpoint;
use crate::types::{RepoId, SpaceVariables};
use crate::{Arg, Endpoint, Http, Secret};
use hub_http::Method;
use serde_json::json;

endpoint! {
    /// Adds a secret to a Space, or changes it.
    ///
    /// The Space finds it in its environment after a restart, which this sets off. Nobody can read it back, and
    /// copies of the Space do not get it. Needs a token of the owner that may write.
    /// `POST /api/spaces/{repo_id}/secrets`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `BadRequest` if the key is no name of an environment variable; `Http` with status 403 if
    /// the Space belongs to others.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let key = std::env::var("MAIL_API_KEY").expect("MAIL_API_KEY is set");
    /// api.add_space_secret("me/demo", "MAIL_API_KEY", key).description("sends the reports").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_space_secret(
        /// The Space.
        repo_id: Arg<RepoId>,
        /// The name.
        key: String,
        /// The value.
        value: Secret,
    ) -> ();

    /// The parameters of [`HfApi::add_space_secret`](crate::HfApi::add_space_secret).
    pub struct AddSpaceSecretRequest {
        /// What it is for.
        description: Option<String>,
    }
}

impl Endpoint for AddSpaceSecretRequest {
    fn http(&self) -> Http {
        let setting = json!({ "key": self.key, "value": self.value, "description": self.description });
        space_api(Method::POST, &self.repo_id, "secrets").json(setting)
    }
}

endpoint! {
    /// Deletes a secret of a Space.
    ///
    /// The Space restarts without it. Needs a token of the owner that may write.
    /// `DELETE /api/spaces/{repo_id}/secrets`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `Http` with status 403 if the Space belongs to others, 404 if it has no such secret.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.delete_space_secret("me/demo", "MAIL_API_KEY").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete_space_secret(
        /// The Space.
        repo_id: Arg<RepoId>,
        /// The name.
        key: String,
    ) -> ();

    /// The parameters of [`HfApi::delete_space_secret`](crate::HfApi::delete_space_secret).
    pub struct DeleteSpaceSecretRequest {}
}

impl Endpoint for DeleteSpaceSecretRequest {
    fn http(&self) -> Http {
        space_api(Method::DELETE, &self.repo_id, "secrets").json(json!({ "key": self.key }))
    }
}

endpoint! {
    /// Lists the variables of a Space by key.
    ///
    /// Variables are public, unlike secrets; copies of the Space get them. `GET /api/spaces/{repo_id}/variables`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `Http` with status 401 or 403 if the token may not ask.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// for variable in api.get_space_variables("me/demo").await? {
    ///     println!("{}={}", variable.key, variable.value);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_space_variables(
        /// The Space.
        repo_id: Arg<RepoId>,
    ) -> SpaceVariables;

    /// The parameters of [`HfApi::get_space_variables`](crate::HfApi::get_space_variables).
    pub struct GetSpaceVariablesRequest {}
}

impl Endpoint for GetSpaceVariablesRequest {
    fn http(&self) -> Http {
        space_api(Method::GET, &self.repo_id, "variables")
    }
}

endpoint! {
    /// Adds a variable to a Space, or changes it, and lists all of them.
    ///
    /// The Space finds it in its environment after a restart, which this sets off. Everybody can read it: what is
    /// secret goes to `add_space_secret`. Needs a token of the owner that may write.
    /// `POST /api/spaces/{repo_id}/variables`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `BadRequest` if the key is no name of an environment variable; `Http` with status 403 if
    /// the Space belongs to others.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let variables = api.add_space_variable("me/demo", "MODEL_REPO_ID", "me/model").await?;
    /// assert_eq!(variables["MODEL_REPO_ID"].value, "me/model");
    /// # Ok(())
    /// # }
    /// ```
    pub fn add_space_variable(
        /// The Space.
        repo_id: Arg<RepoId>,
        /// The name.
        key: String,
        /// The value.
        value: String,
    ) -> SpaceVariables;

    /// The parameters of [`HfApi::add_space_variable`](crate::HfApi::add_space_variable).
    pub struct AddSpaceVariableRequest {
        /// What it is for.
        description: Option<String>,
    }
}

impl Endpoint for AddSpaceVariableRequest {
    fn http(&self) -> Http {
        let setting = json!({ "key": self.key, "value": self.value, "description": self.description });
        space_api(Method::POST, &self.repo_id, "variables").json(setting)
    }
}

endpoint! {
    /// Deletes a variable of a Space and lists the others.
    ///
    /// The Space restarts without it. Needs a token of the owner that may write.
    /// `DELETE /api/spaces/{repo_id}/variables`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `Http` with status 403 if the Space belongs to others, 404 if it has no such variable.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let others = api.delete_space_variable("me/demo", "MODEL_REPO_ID").await?;
    /// assert!(!others.contains_key("MODEL_REPO_ID"));
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete_space_variable(
        /// The Space.
        repo_id: Arg<RepoId>,
        /// The name.
        key: String,
    ) -> SpaceVariables;

    /// The parameters of [`HfApi::delete_space_variable`](crate::HfApi::delete_space_variable).
    pub struct DeleteSpaceVariableRequest {}
}

impl Endpoint for DeleteSpaceVariableRequest {
    fn http(&self) -> Http {
        space_api(Method::DELETE, &self.repo_id, "variables").json(json!({ "key": self.key }))
    }

    fn http_after_deletion(&self) -> Option<Http> {
        Some(space_api(Method::GET, &self.repo_id, "variables"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_sent_only_when_given() {
        let request = AddSpaceSecretRequest::new("me/demo", "KEY", "s3cret");
        let expected =
            Http::post("/api/spaces/me/demo/secrets").json(json!({ "key": "KEY", "value": "s3cret" }));
        assert_eq!(request.http(), expected);
        let request = AddSpaceVariableRequest::new("me/demo", "KEY", "").description("why");
        let expected = Http::post("/api/spaces/me/demo/variables")
            .json(json!({ "key": "KEY", "value": "", "description": "why" }));
        assert_eq!(request.http(), expected);
    }

    #[test]
    fn what_is_deleted_is_named_in_the_body() {
        let body = json!({ "key": "A/B" });
        let expected = Http::delete("/api/spaces/me/demo/secrets").json(body.clone());
        assert_eq!(DeleteSpaceSecretRequest::new("me/demo", "A/B").http(), expected);
        let expected = Http::delete("/api/spaces/me/demo/variables").json(body);
        assert_eq!(DeleteSpaceVariableRequest::new("me/demo", "A/B").http(), expected);
        assert_eq!(
            GetSpaceVariablesRequest::new("me/demo").http(),
            Http::get("/api/spaces/me/demo/variables")
        );
    }

    #[test]
    fn the_value_of_a_secret_is_not_shown() {
        let request = AddSpaceSecretRequest::new("me/demo", "KEY", "s3cret");
        assert!(!format!("{request:?}").contains("s3cret"), "{request:?}");
    }
}
