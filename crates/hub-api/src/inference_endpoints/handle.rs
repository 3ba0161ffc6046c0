//! An Inference Endpoint to hold in the hand: wait for it, change it, stop it.
use super::UpdateInferenceEndpointRequest;
use crate::types::{InferenceEndpoint, InferenceEndpointStatus};
use crate::{Error, ErrorKind, HfApi, Http, Result};
use hub_http::{Method, Url};
use serde_json::Value;
use std::ops::Deref;
use std::str::FromStr;
use std::time::Duration;
use tokio::time::Instant;

/// An Inference Endpoint as last seen, with what can be done to it.
///
/// Each method brings what is known up to date. Without an async runtime, `hub_api::block_on(endpoint.fetch())` does.
///
/// ```no_run
/// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
/// use std::time::Duration;
///
/// let mut endpoint = api.inference_endpoint(api.get_inference_endpoint("tiny").await?);
/// endpoint.resume().await?;
/// endpoint.wait(Duration::from_secs(600), Duration::from_secs(5)).await?;
/// println!("{:?}", endpoint.url);
/// endpoint.update(|change| change.max_replica(4)).await?;
/// endpoint.scale_to_zero().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct InferenceEndpointHandle {
    api: HfApi,
    last: InferenceEndpoint,
}

impl HfApi {
    /// Makes a handle of an Inference Endpoint, to wait for it and change it.
    pub fn inference_endpoint(&self, endpoint: InferenceEndpoint) -> InferenceEndpointHandle {
        InferenceEndpointHandle { api: self.clone(), last: endpoint }
    }
}

impl Deref for InferenceEndpointHandle {
    type Target = InferenceEndpoint;

    fn deref(&self) -> &InferenceEndpoint {
        &self.last
    }
}

impl InferenceEndpointHandle {
    /// Reads the endpoint again.
    ///
    /// # Errors
    /// As [`HfApi::get_inference_endpoint`].
    pub async fn fetch(&mut self) -> Result<&InferenceEndpoint> {
        let seen = self.api.get_inference_endpoint(&self.last.name).namespace(&self.last.namespace).await;
        self.see(seen)
    }

    /// Waits until the endpoint runs and answers.
    ///
    /// It is read again every `refresh_every`, for at most `timeout`; without one, as long as it takes. When it is said
    /// to run its health route is called, without the token, which belongs to the Hub alone: an answer 200 means
    /// ready, and so does 401 or 403 of a protected endpoint. One that is scaled to zero is woken by the call.
    ///
    /// # Errors
    /// `InferenceEndpoint` if it failed, or is paused and nobody will start it; `InferenceEndpointTimeout` if it is
    /// not ready in time; `InvalidArgument` if `refresh_every` is zero; those of [`HfApi::get_inference_endpoint`].
    pub async fn wait(
        &mut self,
        timeout: impl Into<Option<Duration>>,
        refresh_every: Duration,
    ) -> Result<&InferenceEndpoint> {
        if refresh_every.is_zero() {
            return Err(Error::invalid("`refresh_every` must be more than zero"));
        }
        let started = Instant::now();
        let timeout = timeout.into();
        while !self.is_ready().await? {
            if let Some(why) = self.hopeless() {
                let message = format!("the Inference Endpoint `{}` {why}", self.last.name);
                return Err(Error::new(ErrorKind::InferenceEndpoint, message));
            }
            let left = timeout.map(|timeout| timeout.saturating_sub(started.elapsed()));
            if left.is_some_and(|left| left.is_zero()) {
                let (name, status) = (&self.last.name, &self.last.status);
                let seconds = started.elapsed().as_secs();
                return Err(Error::new(
                    ErrorKind::InferenceEndpointTimeout,
                    format!("the Inference Endpoint `{name}` is not ready after {seconds} s, it is {status}"),
                ));
            }
            tracing::info!(endpoint = self.last.name, status = %self.last.status, "not ready yet");
            tokio::time::sleep(left.map_or(refresh_every, |left| left.min(refresh_every))).await;
            self.fetch().await?;
        }
        Ok(&self.last)
    }

    /// Pauses the endpoint: it costs nothing until it is resumed.
    ///
    /// # Errors
    /// As [`HfApi::pause_inference_endpoint`].
    pub async fn pause(&mut self) -> Result<&InferenceEndpoint> {
        let seen = self.api.pause_inference_endpoint(&self.last.name).namespace(&self.last.namespace).await;
        self.see(seen)
    }

    /// Resumes the endpoint; one that runs already is only read.
    ///
    /// # Errors
    /// As [`HfApi::resume_inference_endpoint`].
    pub async fn resume(&mut self) -> Result<&InferenceEndpoint> {
        let seen = self.api.resume_inference_endpoint(&self.last.name).namespace(&self.last.namespace).await;
        self.see(seen)
    }

    /// Scales the endpoint to zero: it costs nothing until the next request to it.
    ///
    /// # Errors
    /// As [`HfApi::scale_to_zero_inference_endpoint`].
    pub async fn scale_to_zero(&mut self) -> Result<&InferenceEndpoint> {
        let api = &self.api;
        let seen =
            api.scale_to_zero_inference_endpoint(&self.last.name).namespace(&self.last.namespace).await;
        self.see(seen)
    }

    /// Changes the endpoint as the function says: `endpoint.update(|change| change.min_replica(1))`.
    ///
    /// # Errors
    /// As [`HfApi::update_inference_endpoint`].
    pub async fn update(
        &mut self,
        change: impl FnOnce(UpdateInferenceEndpointRequest) -> UpdateInferenceEndpointRequest,
    ) -> Result<&InferenceEndpoint> {
        let request = change(UpdateInferenceEndpointRequest::new(&self.last.name));
        let seen = request.namespace(&self.last.namespace).on(&self.api).await;
        self.see(seen)
    }

    /// Deletes the endpoint, which cannot be undone.
    ///
    /// # Errors
    /// As [`HfApi::delete_inference_endpoint`].
    pub async fn delete(self) -> Result<()> {
        self.api.delete_inference_endpoint(&self.last.name).namespace(&self.last.namespace).await
    }

    /// What was last seen.
    pub fn into_inner(self) -> InferenceEndpoint {
        self.last
    }

    fn see(&mut self, seen: Result<InferenceEndpoint>) -> Result<&InferenceEndpoint> {
        self.last = seen?;
        Ok(&self.last)
    }

    /// Whether the endpoint runs and answers.
    async fn is_ready(&self) -> Result<bool> {
        use InferenceEndpointStatus::{Running, ScaledToZero};
        let Some(url) = self.last.url.as_ref().filter(|_| matches!(self.last.status, Running | ScaledToZero))
        else {
            return Ok(false);
        };
        let url = health(url, self.last.raw.get("healthRoute")).map_err(|error| {
            let message =
                format!("the Inference Endpoint `{}` has the URL `{url}`, which is none", self.last.name);
            Error::new(ErrorKind::Decode, message).caused_by(error)
        })?;
        let probe = Http::url(Method::GET, url).without_token().repeatable(false);
        Ok(match self.api.client().execute(probe).await {
            Ok(answer) => answer.status() == 200,
            Err(error) => self.last.status == Running && matches!(error.status(), Some(401 | 403)),
        })
    }

    /// Why waiting longer is in vain.
    fn hopeless(&self) -> Option<&'static str> {
        match self.last.status {
            InferenceEndpointStatus::Failed => Some("failed; its logs say why"),
            InferenceEndpointStatus::UpdateFailed => Some("could not be updated; its logs say why"),
            InferenceEndpointStatus::Paused => Some("is paused; resume it"),
            _ => None,
        }
    }
}

/// Where an endpoint says whether it is well.
fn health(url: &str, route: Option<&Value>) -> std::result::Result<Url, <Url as FromStr>::Err> {
    let route = route.and_then(Value::as_str).unwrap_or_default();
    format!("{}/{}", url.trim_end_matches('/'), route.trim_start_matches('/')).parse()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_health_route_is_below_the_url() {
        for (url, route, expected) in [
            ("https://x.test", json!("/health"), "https://x.test/health"),
            ("https://x.test/a/", json!("up"), "https://x.test/a/up"),
            ("https://x.test/a", json!(null), "https://x.test/a/"),
        ] {
            assert_eq!(health(url, Some(&route)).unwrap().as_str(), expected);
        }
        assert!(health("", None).is_err());
    }
}
