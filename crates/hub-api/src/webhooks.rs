//! Webhooks: what the Hub calls when something changes.
mod delivery;
mod manage;

pub use delivery::WebhookSecret;
pub use manage::{
    CreateWebhookRequest, DeleteWebhookRequest, DisableWebhookRequest, EnableWebhookRequest,
    GetWebhookRequest, ListWebhooksRequest, UpdateWebhookRequest,
};

use crate::Method;

/// The methods of this module.
pub(crate) const METHODS: &[Method] = &[
    Method::of::<CreateWebhookRequest>(),
    Method::of::<DeleteWebhookRequest>(),
    Method::of::<DisableWebhookRequest>(),
    Method::of::<EnableWebhookRequest>(),
    Method::of::<GetWebhookRequest>(),
    Method::lines_of::<ListWebhooksRequest>(),
    Method::of::<UpdateWebhookRequest>(),
];
