//! The webhooks of an account.
use crate::macros::endpoint;
use crate::types::{WebhookDomain, WebhookInfo, WebhookWatchedItem};
use crate::{Answer, Endpoint, HfApi, Http, Many, Result, Secret};
use hub_http::{Method, Target, UrlPath};
use serde::Deserialize;
use serde_json::json;

/// The path of all webhooks.
const WEBHOOKS: &str = "/api/settings/webhooks";

/// A request about one webhook, or to do something with it.
fn webhook_api(method: Method, webhook_id: &str, action: Option<&str>) -> Http {
    let path = UrlPath::new(WEBHOOKS).push(webhook_id);
    Http::new(method, Target::Hub(action.into_iter().fold(path, UrlPath::push)))
}

/// What the Hub answers where one webhook is meant.
#[derive(Deserialize)]
struct Wrapped {
    webhook: WebhookInfo,
}

fn unwrap(answer: &Answer) -> Result<WebhookInfo> {
    Ok(answer.json::<Wrapped>()?.webhook)
}

endpoint! {
    /// Creates a webhook: a URL that the Hub calls when what it watches changes.
    ///
    /// Users, organizations and single repositories can be watched. The secret comes along with each call in the
    /// header `X-Webhook-Secret`; a receiver checks it with [`WebhookSecret`](crate::webhooks::WebhookSecret). Needs
    /// a token that may write to the account. `POST /api/settings/webhooks`.
    ///
    /// # Errors
    /// `BadRequest` if the URL is refused or something watched does not exist; `Http` with status 401 without a
    /// valid token, 403 if the account has as many webhooks as it may have.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use hub_api::types::{WebhookDomain, WebhookWatchedItem, WebhookWatchedType};
    ///
    /// let webhook = api
    ///     .create_webhook("https://hooks.example.org/in", [
    ///         WebhookWatchedItem::new(WebhookWatchedType::User, "me"),
    ///         WebhookWatchedItem::new("model", "acme/tiny"),
    ///     ])
    ///     .domains([WebhookDomain::Repo])
    ///     .secret("s3cret")
    ///     .await?;
    /// println!("{}", webhook.id);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_webhook(
        /// The URL to call.
        url: String,
        /// What is watched.
        watched: Vec<WebhookWatchedItem>,
    ) -> WebhookInfo;

    /// The parameters of [`HfApi::create_webhook`].
    pub struct CreateWebhookRequest {
        /// The kinds of events that it is called for; all if unset.
        domains: Option<Many<WebhookDomain>>,
        /// What tells the receiver that it is the Hub that calls.
        secret: Option<Secret>,
    }
}

impl Endpoint for CreateWebhookRequest {
    fn http(&self) -> Http {
        Http::post(WEBHOOKS).json(json!({
            "watched": self.watched,
            "url": self.url,
            "domains": self.domains,
            "secret": self.secret,
        }))
    }

    fn decode(&self, _api: &HfApi, answer: Answer) -> Result<WebhookInfo> {
        unwrap(&answer)
    }
}

endpoint! {
    /// Reads a webhook by its id.
    ///
    /// Needs a token of the account that it belongs to. `GET /api/settings/webhooks/{webhook_id}`.
    ///
    /// # Errors
    /// `Http` with status 404 if the account has no such webhook, 401 without a valid token.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let webhook = api.get_webhook("654bbbc16f2ec14d77f109cc").await?;
    /// println!("{:?} {:?}", webhook.url, webhook.watched);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_webhook(
        /// The id.
        webhook_id: String,
    ) -> WebhookInfo;

    /// The parameters of [`HfApi::get_webhook`].
    pub struct GetWebhookRequest {}
}

impl Endpoint for GetWebhookRequest {
    fn http(&self) -> Http {
        webhook_api(Method::GET, &self.webhook_id, None)
    }

    fn decode(&self, _api: &HfApi, answer: Answer) -> Result<WebhookInfo> {
        unwrap(&answer)
    }
}

endpoint! {
    /// Lists the webhooks of the account.
    ///
    /// They come in one piece, without pages. Needs a token of the account. `GET /api/settings/webhooks`.
    ///
    /// # Errors
    /// `Http` with status 401 without a valid token.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// for webhook in api.list_webhooks().await? {
    ///     println!("{} {}", webhook.id, if webhook.disabled { "off" } else { "on" });
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_webhooks() -> Vec<WebhookInfo>;

    /// The parameters of [`HfApi::list_webhooks`].
    pub struct ListWebhooksRequest {}
}

impl Endpoint for ListWebhooksRequest {
    fn http(&self) -> Http {
        Http::get(WEBHOOKS)
    }
}

endpoint! {
    /// Changes a webhook.
    ///
    /// What is not given stays, except for what is watched: that is always replaced, by nothing if it is not given.
    /// Needs a token of the account that may write. `POST /api/settings/webhooks/{webhook_id}`.
    ///
    /// # Errors
    /// `BadRequest` if the URL is refused or something watched does not exist; `Http` with status 404 if the account
    /// has no such webhook, 401 without a valid token.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let webhook = api.get_webhook("654bbbc16f2ec14d77f109cc").await?;
    /// api.update_webhook(&webhook.id)
    ///     .url("https://hooks.example.org/new")
    ///     .watched(webhook.watched)
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn update_webhook(
        /// The id.
        webhook_id: String,
    ) -> WebhookInfo;

    /// The parameters of [`HfApi::update_webhook`].
    pub struct UpdateWebhookRequest {
        /// The URL to call.
        url: Option<String>,
        /// What is watched from now on.
        watched: Option<Vec<WebhookWatchedItem>>,
        /// The kinds of events that it is called for.
        domains: Option<Many<WebhookDomain>>,
        /// What tells the receiver that it is the Hub that calls.
        secret: Option<Secret>,
    }
}

impl Endpoint for UpdateWebhookRequest {
    fn http(&self) -> Http {
        webhook_api(Method::POST, &self.webhook_id, None).json(json!({
            "watched": self.watched.as_deref().unwrap_or_default(),
            "url": self.url,
            "domains": self.domains,
            "secret": self.secret,
        }))
    }

    fn decode(&self, _api: &HfApi, answer: Answer) -> Result<WebhookInfo> {
        unwrap(&answer)
    }
}

endpoint! {
    /// Switches a webhook on, so that it is called again.
    ///
    /// One that is on already stays so. Needs a token of the account that may write.
    /// `POST /api/settings/webhooks/{webhook_id}/enable`.
    ///
    /// # Errors
    /// `Http` with status 404 if the account has no such webhook, 401 without a valid token.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let webhook = api.enable_webhook("654bbbc16f2ec14d77f109cc").await?;
    /// assert!(!webhook.disabled);
    /// # Ok(())
    /// # }
    /// ```
    pub fn enable_webhook(
        /// The id.
        webhook_id: String,
    ) -> WebhookInfo;

    /// The parameters of [`HfApi::enable_webhook`].
    pub struct EnableWebhookRequest {}
}

impl Endpoint for EnableWebhookRequest {
    fn http(&self) -> Http {
        webhook_api(Method::POST, &self.webhook_id, Some("enable"))
    }

    fn decode(&self, _api: &HfApi, answer: Answer) -> Result<WebhookInfo> {
        unwrap(&answer)
    }
}

endpoint! {
    /// Switches a webhook off without deleting it.
    ///
    /// Changes that happen meanwhile are not delivered later. Needs a token of the account that may write.
    /// `POST /api/settings/webhooks/{webhook_id}/disable`.
    ///
    /// # Errors
    /// `Http` with status 404 if the account has no such webhook, 401 without a valid token.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let webhook = api.disable_webhook("654bbbc16f2ec14d77f109cc").await?;
    /// assert!(webhook.disabled);
    /// # Ok(())
    /// # }
    /// ```
    pub fn disable_webhook(
        /// The id.
        webhook_id: String,
    ) -> WebhookInfo;

    /// The parameters of [`HfApi::disable_webhook`].
    pub struct DisableWebhookRequest {}
}

impl Endpoint for DisableWebhookRequest {
    fn http(&self) -> Http {
        webhook_api(Method::POST, &self.webhook_id, Some("disable"))
    }

    fn decode(&self, _api: &HfApi, answer: Answer) -> Result<WebhookInfo> {
        unwrap(&answer)
    }
}

endpoint! {
    /// Deletes a webhook.
    ///
    /// This cannot be undone. Needs a token of the account that may write.
    /// `DELETE /api/settings/webhooks/{webhook_id}`.
    ///
    /// # Errors
    /// `Http` with status 404 if the account has no such webhook, 401 without a valid token.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.delete_webhook("654bbbc16f2ec14d77f109cc").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete_webhook(
        /// The id.
        webhook_id: String,
    ) -> ();

    /// The parameters of [`HfApi::delete_webhook`].
    pub struct DeleteWebhookRequest {}
}

impl Endpoint for DeleteWebhookRequest {
    fn http(&self) -> Http {
        webhook_api(Method::DELETE, &self.webhook_id, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Request;

    fn me() -> [WebhookWatchedItem; 1] {
        [WebhookWatchedItem::new("user", "me")]
    }

    #[test]
    fn what_is_not_given_is_not_sent() {
        let request = CreateWebhookRequest::new("https://hooks.test/in", me());
        let body = json!({ "watched": [{ "type": "user", "name": "me" }], "url": "https://hooks.test/in" });
        assert_eq!(request.http(), Http::post(WEBHOOKS).json(body));
    }

    #[test]
    fn domains_are_sent_even_if_there_are_none() {
        let request: CreateWebhookRequest =
            serde_json::from_value(json!({ "url": "u", "watched": [], "domains": [], "secret": "" }))
                .unwrap();
        let body = json!({ "watched": [], "url": "u", "domains": [], "secret": "" });
        assert_eq!(request.http(), Http::post(WEBHOOKS).json(body));
    }

    #[test]
    fn an_update_watches_nothing_unless_told_what() {
        let path = "/api/settings/webhooks/a%2Fb";
        let request = UpdateWebhookRequest::new("a/b").secret("new");
        assert_eq!(request.http(), Http::post(path).json(json!({ "watched": [], "secret": "new" })));
        let request = UpdateWebhookRequest::new("a/b").watched(me()).domains(["repo"]);
        let body = json!({ "watched": [{ "type": "user", "name": "me" }], "domains": ["repo"] });
        assert_eq!(request.http(), Http::post(path).json(body));
    }

    #[test]
    fn a_webhook_is_named_in_the_path() {
        let path = "/api/settings/webhooks/w1";
        assert_eq!(GetWebhookRequest::new("w1").http(), Http::get(path));
        assert_eq!(DeleteWebhookRequest::new("w1").http(), Http::delete(path));
        assert_eq!(EnableWebhookRequest::new("w1").http(), Http::post("/api/settings/webhooks/w1/enable"));
        assert_eq!(DisableWebhookRequest::new("w1").http(), Http::post("/api/settings/webhooks/w1/disable"));
    }

    #[test]
    fn what_is_watched_must_be_said() {
        for args in [json!({ "url": "u" }), json!({ "url": "u", "watched": null })] {
            assert!(serde_json::from_value::<CreateWebhookRequest>(args.clone()).is_err(), "{args}");
        }
        assert!(CreateWebhookRequest::SPEC.params[1].required);
    }
}
