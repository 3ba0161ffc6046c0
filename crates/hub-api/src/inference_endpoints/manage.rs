//! Inference Endpoints by name: read, listed, paused, resumed, deleted.
use super::{endpoint_api, exchange, from_raw, namespace};
use crate::macros::composite;
use crate::types::InferenceEndpoint;
use crate::{Error, HfApi, Http, Result, Run};
use hub_http::Method;
use serde::Deserialize;
use serde_json::{Map, Value};

composite! {
    /// Reads an Inference Endpoint.
    ///
    /// Needs a token that may read the namespace. `GET /endpoint/{namespace}/{name}` below the base of the Inference
    /// Endpoints API.
    ///
    /// # Errors
    /// `Http` with status 404 if there is no such endpoint, 401 or 403 if the token may not; `InvalidArgument` if no
    /// namespace is given and the token is one of an organization.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let endpoint = api.get_inference_endpoint("tiny").namespace("acme").await?;
    /// println!("{} {:?}", endpoint.status, endpoint.url);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_inference_endpoint(
        /// The name.
        name: String,
    ) -> InferenceEndpoint;

    /// The parameters of [`HfApi::get_inference_endpoint`].
    pub struct GetInferenceEndpointRequest {
        /// The user or organization that it belongs to; the user of the token if unset.
        namespace: Option<String>,
    }
}

impl GetInferenceEndpointRequest {
    /// The exchange that reads the endpoint of a namespace.
    pub fn http(&self, namespace: &str) -> Http {
        endpoint_api(Method::GET, namespace, &[&self.name])
    }
}

impl Run for GetInferenceEndpointRequest {
    async fn run(mut self, api: HfApi) -> Result<InferenceEndpoint> {
        let namespace = namespace::or_own(&api, self.namespace.take()).await?;
        exchange(&api, self.http(&namespace), &namespace).await
    }
}

composite! {
    /// Lists the Inference Endpoints of a namespace.
    ///
    /// The namespace `*` means that of the user and those of all organizations the user belongs to; what an
    /// organization refuses to show is left out. They come in one piece, without pages. Needs a token that may read
    /// the namespace. `GET /endpoint/{namespace}` below the base of the Inference Endpoints API.
    ///
    /// # Errors
    /// `Http` with status 401 or 403 if the token may not; `InvalidArgument` if no namespace is given and the token is
    /// one of an organization.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// for endpoint in api.list_inference_endpoints().namespace("*").await? {
    ///     println!("{}/{} {}", endpoint.namespace, endpoint.name, endpoint.status);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_inference_endpoints() -> Vec<InferenceEndpoint>;

    /// The parameters of [`HfApi::list_inference_endpoints`].
    pub struct ListInferenceEndpointsRequest {
        /// The user or organization; `*` for all of the user's, the user of the token if unset.
        namespace: Option<String>,
    }
}

impl ListInferenceEndpointsRequest {
    /// The exchange that lists the endpoints of one namespace.
    pub fn http(&self, namespace: &str) -> Http {
        endpoint_api(Method::GET, namespace, &[])
    }

    async fn one(&self, api: &HfApi, namespace: &str) -> Result<Vec<InferenceEndpoint>> {
        let listed: Listed = api.exchange(self.http(namespace)).await?.json()?;
        listed.items.into_iter().map(|raw| from_raw(raw, namespace)).collect()
    }
}

#[derive(Deserialize)]
struct Listed {
    items: Vec<Map<String, Value>>,
}

impl Run for ListInferenceEndpointsRequest {
    async fn run(mut self, api: HfApi) -> Result<Vec<InferenceEndpoint>> {
        if self.namespace.as_deref() != Some("*") {
            let namespace = namespace::or_own(&api, self.namespace.take()).await?;
            return self.one(&api, &namespace).await;
        }
        let me = api.whoami().await?;
        let mut all = self.one(&api, &namespace::own(&me)?).await?;
        for organization in me.orgs() {
            match self.one(&api, &organization.name).await {
                Ok(endpoints) => all.extend(endpoints),
                // Most members of an organization may not see its endpoints, which is no failure of theirs.
                Err(error) if error.http().is_some() => {
                    tracing::debug!(organization = organization.name, %error, "left out of the listing");
                }
                Err(error) => return Err(error),
            }
        }
        Ok(all)
    }
}

composite! {
    /// Deletes an Inference Endpoint.
    ///
    /// This cannot be undone; to save costs only, pause it or scale it to zero. Needs a token that may write to the
    /// namespace. `DELETE /endpoint/{namespace}/{name}` below the base of the Inference Endpoints API.
    ///
    /// # Errors
    /// `Http` with status 404 if there is no such endpoint, 401 or 403 if the token may not; `InvalidArgument` if no
    /// namespace is given and the token is one of an organization.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.delete_inference_endpoint("tiny").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete_inference_endpoint(
        /// The name.
        name: String,
    ) -> ();

    /// The parameters of [`HfApi::delete_inference_endpoint`].
    pub struct DeleteInferenceEndpointRequest {
        /// The user or organization that it belongs to; the user of the token if unset.
        namespace: Option<String>,
    }
}

impl DeleteInferenceEndpointRequest {
    /// The exchange that deletes the endpoint of a namespace.
    pub fn http(&self, namespace: &str) -> Http {
        endpoint_api(Method::DELETE, namespace, &[&self.name])
    }
}

impl Run for DeleteInferenceEndpointRequest {
    async fn run(mut self, api: HfApi) -> Result<()> {
        let namespace = namespace::or_own(&api, self.namespace.take()).await?;
        api.exchange(self.http(&namespace)).await?;
        Ok(())
    }
}

composite! {
    /// Pauses an Inference Endpoint.
    ///
    /// A paused endpoint costs nothing and stays so until it is resumed, while one that is scaled to zero comes back
    /// with the next request to it. Needs a token that may write to the namespace.
    /// `POST /endpoint/{namespace}/{name}/pause` below the base of the Inference Endpoints API.
    ///
    /// # Errors
    /// `BadRequest` if it cannot be paused; `Http` with status 404 if there is no such endpoint, 401 or 403 if the
    /// token may not; `InvalidArgument` if no namespace is given and the token is one of an organization.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let endpoint = api.pause_inference_endpoint("tiny").await?;
    /// assert_eq!(endpoint.status, "paused");
    /// # Ok(())
    /// # }
    /// ```
    pub fn pause_inference_endpoint(
        /// The name.
        name: String,
    ) -> InferenceEndpoint;

    /// The parameters of [`HfApi::pause_inference_endpoint`].
    pub struct PauseInferenceEndpointRequest {
        /// The user or organization that it belongs to; the user of the token if unset.
        namespace: Option<String>,
    }
}

impl PauseInferenceEndpointRequest {
    /// The exchange that pauses the endpoint of a namespace.
    pub fn http(&self, namespace: &str) -> Http {
        endpoint_api(Method::POST, namespace, &[&self.name, "pause"])
    }
}

impl Run for PauseInferenceEndpointRequest {
    async fn run(mut self, api: HfApi) -> Result<InferenceEndpoint> {
        let namespace = namespace::or_own(&api, self.namespace.take()).await?;
        exchange(&api, self.http(&namespace), &namespace).await
    }
}

composite! {
    /// Resumes an Inference Endpoint that was paused or scaled to zero.
    ///
    /// It is deployed after the answer: [`HfApi::inference_endpoint`] makes a handle that can wait for it. Needs a
    /// token that may write to the namespace. `POST /endpoint/{namespace}/{name}/resume` below the base of the
    /// Inference Endpoints API; an endpoint that runs already is read instead.
    ///
    /// # Errors
    /// `BadRequest` if it runs already and `running_ok` is off; `Http` with status 404 if there is no such endpoint,
    /// 401 or 403 if the token may not; `InvalidArgument` if no namespace is given and the token is one of an
    /// organization.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let endpoint = api.resume_inference_endpoint("tiny").running_ok(false).await?;
    /// println!("{}", endpoint.status);
    /// # Ok(())
    /// # }
    /// ```
    pub fn resume_inference_endpoint(
        /// The name.
        name: String,
    ) -> InferenceEndpoint;

    /// The parameters of [`HfApi::resume_inference_endpoint`].
    pub struct ResumeInferenceEndpointRequest {
        /// The user or organization that it belongs to; the user of the token if unset.
        namespace: Option<String>,
        /// Whether an endpoint that runs already counts as success; it does if unset.
        running_ok: Option<bool>,
    }
}

impl ResumeInferenceEndpointRequest {
    /// The exchange that resumes the endpoint of a namespace.
    pub fn http(&self, namespace: &str) -> Http {
        endpoint_api(Method::POST, namespace, &[&self.name, "resume"])
    }
}

impl Run for ResumeInferenceEndpointRequest {
    async fn run(mut self, api: HfApi) -> Result<InferenceEndpoint> {
        let namespace = namespace::or_own(&api, self.namespace.take()).await?;
        match exchange(&api, self.http(&namespace), &namespace).await {
            Err(error) if self.running_ok.unwrap_or(true) && runs_already(&error) => {
                let current = GetInferenceEndpointRequest::new(self.name).http(&namespace);
                exchange(&api, current, &namespace).await
            }
            result => result,
        }
    }
}

/// Whether an endpoint was not resumed because it runs; only the message tells.
fn runs_already(error: &Error) -> bool {
    let message = error.http().and_then(|http| http.message.as_deref());
    error.status() == Some(400) && message.is_some_and(|message| message.contains("already running"))
}

composite! {
    /// Scales an Inference Endpoint to zero.
    ///
    /// It costs nothing then, and the next request to it brings it back after a cold start; one that is paused has
    /// to be resumed. Needs a token that may write to the namespace.
    /// `POST /endpoint/{namespace}/{name}/scale-to-zero` below the base of the Inference Endpoints API.
    ///
    /// # Errors
    /// `BadRequest` if it cannot be scaled; `Http` with status 404 if there is no such endpoint, 401 or 403 if the
    /// token may not; `InvalidArgument` if no namespace is given and the token is one of an organization.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let endpoint = api.scale_to_zero_inference_endpoint("tiny").await?;
    /// assert_eq!(endpoint.status, "scaledToZero");
    /// # Ok(())
    /// # }
    /// ```
    pub fn scale_to_zero_inference_endpoint(
        /// The name.
        name: String,
    ) -> InferenceEndpoint;

    /// The parameters of [`HfApi::scale_to_zero_inference_endpoint`].
    pub struct ScaleToZeroInferenceEndpointRequest {
        /// The user or organization that it belongs to; the user of the token if unset.
        namespace: Option<String>,
    }
}

impl ScaleToZeroInferenceEndpointRequest {
    /// The exchange that scales down the endpoint of a namespace.
    pub fn http(&self, namespace: &str) -> Http {
        endpoint_api(Method::POST, namespace, &[&self.name, "scale-to-zero"])
    }
}

impl Run for ScaleToZeroInferenceEndpointRequest {
    async fn run(mut self, api: HfApi) -> Result<InferenceEndpoint> {
        let namespace = namespace::or_own(&api, self.namespace.take()).await?;
        exchange(&api, self.http(&namespace), &namespace).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorKind, types::WhoAmI};
    use hub_http::{Target, UrlPath};
    use serde_json::json;

    fn at(method: Method, path: &str) -> Http {
        Http::new(method, Target::InferenceEndpoints(UrlPath::new(path)))
    }

    #[test]
    fn an_endpoint_is_named_by_its_namespace_and_name() {
        let path = "/endpoint/me/a%20b";
        assert_eq!(GetInferenceEndpointRequest::new("a b").http("me"), at(Method::GET, path));
        assert_eq!(DeleteInferenceEndpointRequest::new("a b").http("me"), at(Method::DELETE, path));
        assert_eq!(ListInferenceEndpointsRequest::new().http("me"), at(Method::GET, "/endpoint/me"));
    }

    #[test]
    fn what_to_do_comes_after_the_name() {
        let path = |action| at(Method::POST, &format!("/endpoint/me/tiny/{action}"));
        assert_eq!(PauseInferenceEndpointRequest::new("tiny").http("me"), path("pause"));
        assert_eq!(ResumeInferenceEndpointRequest::new("tiny").http("me"), path("resume"));
        assert_eq!(ScaleToZeroInferenceEndpointRequest::new("tiny").http("me"), path("scale-to-zero"));
    }

    #[test]
    fn only_a_user_has_a_namespace_of_their_own() {
        let me = |kind| serde_json::from_value::<WhoAmI>(json!({ "type": kind, "name": "it" })).unwrap();
        assert_eq!(namespace::own(&me("user")).unwrap(), "it");
        for kind in ["org", "app"] {
            assert_eq!(namespace::own(&me(kind)).unwrap_err().kind(), ErrorKind::InvalidArgument, "{kind}");
        }
    }
}
