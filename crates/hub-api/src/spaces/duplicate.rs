//! Copies of Spaces.
use super::{hardware::warn_if_free, space_api};
use crate::macros::composite;
use crate::repos::create::reported;
use crate::request::LONG_ANSWER;
use crate::types::{RepoId, RepoType, RepoUrl, SpaceHardware, SpaceSetting, SpaceStorage};
use crate::{Arg, Error, ErrorKind, HfApi, Http, Result, Run};
use hub_http::Method;
use serde::Deserialize;
use serde_json::json;

composite! {
    /// Copies a Space with its files, history and variables into an account.
    ///
    /// Without `to_id` the copy has the same name in the account of the token; a `to_id` without a namespace goes
    /// there too. Secrets are not copied: give those that the copy needs. Hardware, storage and sleep time are those
    /// of free Spaces unless given. Needs a token that may write to the namespace of the copy.
    /// `POST /api/spaces/{from_id}/duplicate`.
    ///
    /// # Errors
    /// `RepositoryNotFound` if there is no such Space; `Http` with status 409 if the copy exists, unless `exist_ok`,
    /// 402 if paid hardware is asked for without a way to pay, 403 if the token may not write there.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use hub_api::types::SpaceSetting;
    ///
    /// let copy = api
    ///     .duplicate_space("multimodalart/dreambooth-training")
    ///     .to_id("my-dreambooth")
    ///     .private(true)
    ///     .secrets([SpaceSetting::new("HF_TOKEN", "hf_xxx")])
    ///     .await?;
    /// println!("{copy}");
    /// # Ok(())
    /// # }
    /// ```
    pub fn duplicate_space(
        /// The Space to copy.
        from_id: Arg<RepoId>,
    ) -> RepoUrl;

    /// The parameters of [`HfApi::duplicate_space`].
    pub struct DuplicateSpaceRequest {
        /// The name of the copy.
        to_id: Option<Arg<RepoId>>,
        /// Whether only its owners see the copy; as the original if unset.
        private: Option<bool>,
        /// Whether an existing Space of this name counts as success.
        exist_ok: bool,
        /// The hardware of the copy.
        hardware: Option<SpaceHardware>,
        /// The persistent storage of the copy.
        storage: Option<SpaceStorage>,
        /// The seconds without a visitor after which the copy goes to sleep; -1 for never. Paid hardware only.
        sleep_time: Option<i64>,
        /// The secrets of the copy.
        secrets: Option<Vec<SpaceSetting>>,
        /// The variables of the copy, beside those of the original.
        variables: Option<Vec<SpaceSetting>>,
    }
}

impl DuplicateSpaceRequest {
    /// The exchange that makes a copy of this full name.
    pub fn http(&self, to_id: &str) -> Http {
        let http = space_api(Method::POST, &self.from_id, "duplicate").timeout(Some(LONG_ANSWER));
        http.json(json!({
            "repository": to_id,
            "private": self.private,
            "hardware": self.hardware,
            "storageTier": self.storage,
            "sleepTimeSeconds": self.sleep_time,
            "secrets": self.secrets,
            "variables": self.variables,
        }))
    }

    /// The full name of the copy, for which the account is asked for if it does not say the namespace.
    async fn destination(&self, api: &HfApi) -> Result<String> {
        let from = RepoUrl::parse(self.from_id.get()?.as_str(), api.endpoint())?;
        let to = self.to_id.as_ref().map(Arg::get).transpose()?;
        let to = to.map(|to| RepoUrl::parse(to.as_str(), api.endpoint())).transpose()?;
        if let Some(RepoUrl { namespace: Some(namespace), repo_name, .. }) = &to {
            return Ok(format!("{namespace}/{repo_name}"));
        }
        let me = api.whoami().await?;
        let name = to.map_or(from.repo_name, |to| to.repo_name);
        let owner = me.name().ok_or_else(|| {
            Error::new(
                ErrorKind::Decode,
                "could not tell whose copy it is: the answer of whoami has no `name`",
            )
        })?;
        Ok(format!("{owner}/{name}"))
    }
}

#[derive(Deserialize)]
struct Copy {
    url: String,
}

impl Run for DuplicateSpaceRequest {
    async fn run(self, api: HfApi) -> Result<RepoUrl> {
        let to_id = self.destination(&api).await?;
        if self.sleep_time.is_some() {
            warn_if_free(self.hardware.as_ref());
        }
        let url = match api.exchange(self.http(&to_id)).await {
            Ok(answer) => answer.json::<Copy>()?.url,
            Err(error) if self.exist_ok && error.status() == Some(409) => {
                error.http().and_then(|http| http.page.clone()).ok_or(error)?
            }
            Err(error) => return Err(error),
        };
        reported(&api, &url, RepoType::Space).ok_or_else(|| {
            Error::new(ErrorKind::Decode, format!("duplicate_space: the Hub names the copy `{url}`"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn duplicate(body: serde_json::Value) -> Http {
        Http::post("/api/spaces/acme/demo/duplicate").json(body).timeout(Some(LONG_ANSWER))
    }

    #[test]
    fn what_is_not_given_is_not_sent() {
        let request = DuplicateSpaceRequest::new("acme/demo");
        assert_eq!(request.http("me/demo"), duplicate(json!({ "repository": "me/demo" })));
    }

    #[test]
    fn options_have_the_names_of_the_hub() {
        let mut described = SpaceSetting::new("A", "x");
        described.description = Some("why".to_owned());
        let request = DuplicateSpaceRequest::new("acme/demo")
            .private(false)
            .hardware("t4-small")
            .storage("small")
            .sleep_time(-1)
            .secrets([described])
            .variables([SpaceSetting::new("B", "y")]);
        let expected = json!({
            "repository": "lab/copy", "private": false, "hardware": "t4-small", "storageTier": "small",
            "sleepTimeSeconds": -1, "secrets": [{ "key": "A", "value": "x", "description": "why" }],
            "variables": [{ "key": "B", "value": "y" }],
        });
        assert_eq!(request.http("lab/copy"), duplicate(expected));
    }

    #[test]
    fn empty_lists_are_sent() {
        let request: DuplicateSpaceRequest =
            serde_json::from_value(json!({ "from_id": "acme/demo", "secrets": [], "variables": null }))
                .unwrap();
        let expected = json!({ "repository": "me/demo", "secrets": [] });
        assert_eq!(request.http("me/demo"), duplicate(expected));
    }
}
