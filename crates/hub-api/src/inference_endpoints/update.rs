//! Changes of Inference Endpoints.
use super::{ScaleToZero, create::image, endpoint_api, exchange, namespace};
use crate::macros::composite;
use crate::types::InferenceEndpoint;
use crate::{HfApi, Http, Result, Run, Secret};
use hub_http::Method;
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

composite! {
    /// Changes what an Inference Endpoint runs on, what it runs, or both.
    ///
    /// What is not given stays. The endpoint is deployed again after the answer. Needs a token that may write to the
    /// namespace. `PUT /endpoint/{namespace}/{name}` below the base of the Inference Endpoints API.
    ///
    /// # Errors
    /// `BadRequest` if a value is refused; `Http` with status 404 if there is no such endpoint, 401 or 403 if the
    /// token may not; `InvalidArgument` if no namespace is given and the token is one of an organization, or if
    /// `custom_image` is no object.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.update_inference_endpoint("tiny").min_replica(1).max_replica(4).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn update_inference_endpoint(
        /// The name.
        name: String,
    ) -> InferenceEndpoint;

    /// The parameters of [`HfApi::update_inference_endpoint`].
    pub struct UpdateInferenceEndpointRequest {
        /// The accelerator: `cpu`, `gpu`.
        accelerator: Option<String>,
        /// The size of the instance: `x1`, `x2`.
        instance_size: Option<String>,
        /// The type of the instance: `intel-icl`, `nvidia-a10g`.
        instance_type: Option<String>,
        /// How many replicas run at least.
        min_replica: Option<i64>,
        /// How many replicas run at most.
        max_replica: Option<i64>,
        /// The minutes without a request after which it is scaled to zero.
        scale_to_zero_timeout: Option<ScaleToZero>,
        /// The repository of the model.
        repository: Option<String>,
        /// What the model is made with: `pytorch`, `custom`.
        framework: Option<String>,
        /// The commit of the model.
        revision: Option<String>,
        /// The task: `text-generation`.
        task: Option<String>,
        /// The container to run, as a JSON object with `url`, `health_route` and `env`.
        custom_image: Option<Value>,
        /// Secret environment variables of the container; they replace those it has.
        secrets: Option<BTreeMap<String, Secret>>,
        /// The user or organization that it belongs to; the user of the token if unset.
        namespace: Option<String>,
    }
}

impl UpdateInferenceEndpointRequest {
    /// The exchange that changes the endpoint of a namespace.
    pub fn http(&self, namespace: &str) -> Http {
        let image = match image(self.custom_image.as_ref()) {
            Ok(image) => image,
            Err(error) => return Http::invalid(error),
        };
        let scaling = Given::default()
            .add("maxReplica", self.max_replica.as_ref())
            .add("minReplica", self.min_replica.as_ref())
            .add("scaleToZeroTimeout", self.scale_to_zero_timeout.as_ref());
        let compute = Given::default()
            .add("accelerator", self.accelerator.as_ref())
            .add("instanceSize", self.instance_size.as_ref())
            .add("instanceType", self.instance_type.as_ref())
            .add("scaling", scaling.any().as_ref());
        let model = Given::default()
            .add("repository", self.repository.as_ref())
            .add("framework", self.framework.as_ref())
            .add("revision", self.revision.as_ref())
            .add("task", self.task.as_ref())
            .add("image", image.as_ref())
            .add("secrets", self.secrets.as_ref());
        endpoint_api(Method::PUT, namespace, &[&self.name])
            .json(json!({ "compute": compute.any(), "model": model.any() }))
    }
}

impl Run for UpdateInferenceEndpointRequest {
    async fn run(mut self, api: HfApi) -> Result<InferenceEndpoint> {
        image(self.custom_image.as_ref())?;
        let namespace = namespace::or_own(&api, self.namespace.take()).await?;
        exchange(&api, self.http(&namespace), &namespace).await
    }
}

/// An object of what was given.
#[derive(Default)]
struct Given(Map<String, Value>);

impl Given {
    fn add(mut self, name: &str, value: Option<impl Serialize>) -> Self {
        if let Some(value) = value {
            self.0.insert(name.to_owned(), json!(value));
        }
        self
    }

    /// The object, if it has any member.
    fn any(self) -> Option<Value> {
        (!self.0.is_empty()).then_some(Value::Object(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(body: Value) -> Http {
        endpoint_api(Method::PUT, "me", &["tiny"]).json(body)
    }

    #[test]
    fn only_what_is_given_is_sent() {
        let request = UpdateInferenceEndpointRequest::new("tiny");
        assert_eq!(request.http("me"), put(json!({})));
        let request = request.min_replica(0);
        assert_eq!(request.http("me"), put(json!({ "compute": { "scaling": { "minReplica": 0 } } })));
        let request = UpdateInferenceEndpointRequest::new("tiny").task("");
        assert_eq!(request.http("me"), put(json!({ "model": { "task": "" } })));
    }

    #[test]
    fn secrets_and_images_are_replaced_even_by_nothing() {
        let request = UpdateInferenceEndpointRequest::new("tiny").secrets([]).custom_image(json!({}));
        assert_eq!(request.http("me"), put(json!({ "model": { "secrets": {}, "image": { "custom": {} } } })));
    }

    #[test]
    fn never_is_sent_and_unset_is_not() {
        let request = UpdateInferenceEndpointRequest::new("tiny").scale_to_zero_timeout(ScaleToZero::Never);
        assert_eq!(
            request.http("me"),
            put(json!({ "compute": { "scaling": { "scaleToZeroTimeout": null } } }))
        );
    }
}
