//! New Inference Endpoints.
use super::{endpoint_api, exchange, namespace};
use crate::macros::composite;
use crate::types::{InferenceEndpoint, InferenceEndpointType, InvalidArgument};
use crate::{HfApi, Http, Result, Run, Secret};
use hub_http::Method;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

composite! {
    /// Creates an Inference Endpoint: a model that runs as a service of one's own.
    ///
    /// It is deployed after the answer: [`HfApi::inference_endpoint`] makes a handle that can wait for it. It is billed
    /// to the namespace from when it runs until it is paused, scaled to zero or deleted. Needs a token that may
    /// write to the namespace, which must have a way to pay. `POST /endpoint/{namespace}` below the base of the
    /// Inference Endpoints API.
    ///
    /// # Errors
    /// `BadRequest` if a value is refused, for instance an instance that the region does not have; `Http` with status
    /// 401 or 403 if the token may not, 409 if the name is taken; `InvalidArgument` if no namespace is given and the
    /// token is one of an organization, or if `custom_image` is no object.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use std::time::Duration;
    ///
    /// let endpoint = api
    ///     .create_inference_endpoint("tiny", "gpt2", "pytorch", "cpu", "x2", "intel-icl", "us-east-1", "aws")
    ///     .task("text-generation")
    ///     .r#type("protected")
    ///     .await?;
    /// let mut endpoint = api.inference_endpoint(endpoint);
    /// endpoint.wait(Duration::from_secs(600), Duration::from_secs(5)).await?;
    /// println!("{:?}", endpoint.url);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// With an image of one's own:
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use serde_json::json;
    ///
    /// api.create_inference_endpoint("zephyr", "HuggingFaceH4/zephyr-7b-beta", "pytorch", "gpu", "x1", "nvidia-a10g",
    ///         "us-east-1", "aws")
    ///     .custom_image(json!({
    ///         "health_route": "/health",
    ///         "env": { "MAX_INPUT_LENGTH": "1024", "MODEL_ID": "/repository" },
    ///         "url": "ghcr.io/huggingface/text-generation-inference:1.1.0",
    ///     }))
    ///     .secrets([("API_KEY".to_owned(), "s3cret".into())])
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_inference_endpoint(
        /// The name, unique in the namespace.
        name: String,
        /// The repository of the model: `gpt2`.
        repository: String,
        /// What the model is made with: `pytorch`, `custom`.
        framework: String,
        /// The accelerator: `cpu`, `gpu`.
        accelerator: String,
        /// The size of the instance: `x1`, `x2`.
        instance_size: String,
        /// The type of the instance: `intel-icl`, `nvidia-a10g`.
        instance_type: String,
        /// The region of the vendor: `us-east-1`.
        region: String,
        /// The vendor: `aws`.
        vendor: String,
    ) -> InferenceEndpoint;

    /// The parameters of [`HfApi::create_inference_endpoint`].
    pub struct CreateInferenceEndpointRequest {
        /// The account of the vendor, to link a private endpoint to a network there.
        account_id: Option<String>,
        /// How many replicas run at least; 0 if unset.
        min_replica: Option<i64>,
        /// How many replicas run at most; 1 if unset.
        max_replica: Option<i64>,
        /// The minutes without a request after which it is scaled to zero; 15 if unset.
        scale_to_zero_timeout: ScaleToZero,
        /// The commit of the model; the newest if unset.
        revision: Option<String>,
        /// The task: `text-generation`.
        task: Option<String>,
        /// The container to run, as a JSON object with `url`, `health_route` and `env`; one of the Hub's if unset.
        custom_image: Option<Value>,
        /// Secret environment variables of the container.
        secrets: Option<BTreeMap<String, Secret>>,
        /// Who may call it: `protected` (a token is needed; so if unset), `public` or `private`.
        r#type: Option<InferenceEndpointType>,
        /// The user or organization that it belongs to; the user of the token if unset.
        namespace: Option<String>,
    }
}

impl CreateInferenceEndpointRequest {
    /// The exchange that creates the endpoint in a namespace.
    pub fn http(&self, namespace: &str) -> Http {
        let image = match image(self.custom_image.as_ref()) {
            Ok(image) => image.unwrap_or_else(|| json!({ "huggingface": {} })),
            Err(error) => return Http::invalid(error),
        };
        let mut model = json!({
            "framework": self.framework,
            "repository": self.repository,
            "revision": self.revision,
            "task": self.task,
            "image": image,
        });
        if let Some(secrets) = self.secrets.as_ref().filter(|secrets| !secrets.is_empty()) {
            model["secrets"] = json!(secrets);
        }
        endpoint_api(Method::POST, namespace, &[]).json(json!({
            "accountId": self.account_id,
            "compute": {
                "accelerator": self.accelerator,
                "instanceSize": self.instance_size,
                "instanceType": self.instance_type,
                "scaling": {
                    "maxReplica": self.max_replica.unwrap_or(1),
                    "minReplica": self.min_replica.unwrap_or(0),
                    "scaleToZeroTimeout": self.scale_to_zero_timeout,
                },
            },
            "model": model,
            "name": self.name,
            "provider": { "region": self.region, "vendor": self.vendor },
            "type": self.r#type.as_ref().unwrap_or(&InferenceEndpointType::Protected),
        }))
    }
}

impl Run for CreateInferenceEndpointRequest {
    async fn run(mut self, api: HfApi) -> Result<InferenceEndpoint> {
        image(self.custom_image.as_ref())?;
        let namespace = namespace::or_own(&api, self.namespace.take()).await?;
        exchange(&api, self.http(&namespace), &namespace).await
    }
}

/// The form in which a container of one's own is asked for.
pub(super) fn image(custom: Option<&Value>) -> Result<Option<Value>, InvalidArgument> {
    match custom {
        None => Ok(None),
        Some(image @ Value::Object(_)) => Ok(Some(json!({ "custom": image }))),
        Some(_) => Err(InvalidArgument::new("`custom_image` must be a JSON object, with `url` and others")),
    }
}

/// When an Inference Endpoint without requests is scaled to zero; a number of minutes, or null, in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Option<u32>", into = "Option<u32>")]
pub enum ScaleToZero {
    /// After so many minutes.
    AfterMinutes(u32),
    /// Never.
    Never,
}

impl Default for ScaleToZero {
    fn default() -> Self {
        Self::AfterMinutes(15)
    }
}

impl From<Option<u32>> for ScaleToZero {
    fn from(minutes: Option<u32>) -> Self {
        minutes.map_or(Self::Never, Self::AfterMinutes)
    }
}

impl From<ScaleToZero> for Option<u32> {
    fn from(when: ScaleToZero) -> Self {
        match when {
            ScaleToZero::AfterMinutes(minutes) => Some(minutes),
            ScaleToZero::Never => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Request;
    use hub_http::RequestBody;

    fn request() -> CreateInferenceEndpointRequest {
        CreateInferenceEndpointRequest::new(
            "tiny",
            "gpt2",
            "pytorch",
            "cpu",
            "x2",
            "intel-icl",
            "us-east-1",
            "aws",
        )
    }

    fn body(request: &CreateInferenceEndpointRequest) -> Value {
        match request.http("me").body {
            RequestBody::Json(body) => body,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_endpoint_is_protected_and_scales_to_zero_unless_told_otherwise() {
        let expected = endpoint_api(Method::POST, "me", &[]).json(json!({
            "compute": { "accelerator": "cpu", "instanceSize": "x2", "instanceType": "intel-icl",
                "scaling": { "maxReplica": 1, "minReplica": 0, "scaleToZeroTimeout": 15 } },
            "model": { "framework": "pytorch", "repository": "gpt2", "revision": null, "task": null,
                "image": { "huggingface": {} } },
            "name": "tiny", "provider": { "region": "us-east-1", "vendor": "aws" }, "type": "protected",
        }));
        assert_eq!(request().http("me"), expected);
    }

    #[test]
    fn a_custom_image_and_secrets_belong_to_the_model() {
        let image = json!({ "url": "images.test/tgi:1", "env": { "A": "b" } });
        let made = request().custom_image(image.clone()).secrets([("KEY".to_owned(), "s3cret".into())]);
        let model = &body(&made)["model"];
        assert_eq!(
            (&model["image"], &model["secrets"]),
            (&json!({ "custom": image }), &json!({ "KEY": "s3cret" }))
        );
        assert!(!format!("{made:?}").contains("s3cret"));
        assert_eq!(body(&request().secrets([]))["model"].get("secrets"), None);
        assert_eq!(body(&request().custom_image(json!({})))["model"]["image"], json!({ "custom": {} }));
    }

    #[test]
    fn an_image_that_is_no_object_is_refused() {
        assert!(request().custom_image("images.test/tgi").http("me").invalid.is_some());
    }

    #[test]
    fn null_means_never_to_scale_to_zero() {
        let with = |timeout: Value| {
            let mut args = serde_json::to_value(request()).unwrap();
            args["scale_to_zero_timeout"] = timeout;
            body(&serde_json::from_value(args).unwrap())["compute"]["scaling"]["scaleToZeroTimeout"].clone()
        };
        assert_eq!((with(json!(null)), with(json!(30))), (json!(null), json!(30)));
    }

    #[test]
    fn the_type_is_called_type() {
        let param = CreateInferenceEndpointRequest::SPEC.params.iter().find(|param| param.name == "type");
        assert!(param.is_some_and(|param| !param.required));
        let mut args = serde_json::to_value(request()).unwrap();
        args["type"] = json!("private");
        assert_eq!(body(&serde_json::from_value(args).unwrap())["type"], "private");
    }
}
