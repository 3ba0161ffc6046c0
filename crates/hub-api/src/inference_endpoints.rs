//! Inference Endpoints: models that run as services.
mod create;
mod handle;
mod manage;
mod namespace;
mod update;

pub use create::{CreateInferenceEndpointRequest, ScaleToZero};
pub use handle::InferenceEndpointHandle;
pub use manage::{
    DeleteInferenceEndpointRequest, GetInferenceEndpointRequest, ListInferenceEndpointsRequest,
    PauseInferenceEndpointRequest, ResumeInferenceEndpointRequest, ScaleToZeroInferenceEndpointRequest,
};
pub use update::UpdateInferenceEndpointRequest;

use crate::types::InferenceEndpoint;
use crate::{Answer, Error, ErrorKind, HfApi, Http, Method, Result};
use hub_http::{Target, UrlPath};
use serde_json::{Map, Value};

/// The methods of this module.
pub(crate) const METHODS: &[Method] = &[
    Method::of::<CreateInferenceEndpointRequest>(),
    Method::of::<DeleteInferenceEndpointRequest>(),
    Method::of::<GetInferenceEndpointRequest>(),
    Method::lines_of::<ListInferenceEndpointsRequest>(),
    Method::of::<PauseInferenceEndpointRequest>(),
    Method::of::<ResumeInferenceEndpointRequest>(),
    Method::of::<ScaleToZeroInferenceEndpointRequest>(),
    Method::of::<UpdateInferenceEndpointRequest>(),
];

/// A request to the API of Inference Endpoints: about a namespace, one of its endpoints, or something to do with it.
fn endpoint_api(method: hub_http::Method, namespace: &str, rest: &[&str]) -> Http {
    let path = UrlPath::new("/endpoint").push(namespace);
    Http::new(method, Target::InferenceEndpoints(rest.iter().fold(path, |path, part| path.push(part))))
}

/// Performs an exchange that is answered with one endpoint of a namespace.
async fn exchange(api: &HfApi, http: Http, namespace: &str) -> Result<InferenceEndpoint> {
    read(&api.exchange(http).await?, namespace)
}

fn read(answer: &Answer, namespace: &str) -> Result<InferenceEndpoint> {
    from_raw(answer.json()?, namespace)
}

fn from_raw(raw: Map<String, Value>, namespace: &str) -> Result<InferenceEndpoint> {
    InferenceEndpoint::from_raw(raw, namespace).map_err(|error| {
        Error::new(ErrorKind::Decode, format!("could not read an Inference Endpoint of `{namespace}`"))
            .caused_by(error)
    })
}
