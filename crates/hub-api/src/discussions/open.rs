//! Opening discussions, and reading one.
use super::discussion_path;
use crate::macros::{composite, endpoint};
use crate::types::{DiscussionWithDetails, RepoId, RepoType};
use crate::{Answer, Arg, Endpoint, HfApi, Http, Result, Run, repo_path};
use serde::Deserialize;
use serde_json::json;
use std::num::NonZeroU64;

endpoint! {
    /// Describes a discussion or pull request, with all that happened in it.
    ///
    /// Of a pull request it has the changes as a diff, too, and which files conflict.
    /// `GET /api/{type}s/{repo_id}/discussions/{discussion_num}?diff=1`.
    ///
    /// # Errors
    /// `InvalidArgument` if the number is not from 1 up; `RepositoryNotFound`; `Http` with status 404 if there is no
    /// discussion of this number.
    ///
    /// ```no_run
    /// # use hub_api::types::DiscussionEvent;
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let details = api.get_discussion_details("gpt2", 12).await?;
    /// println!("{} is {}", details.title, details.status);
    /// for event in &details.events {
    ///     if let DiscussionEvent::Comment(comment) = event {
    ///         println!("{}: {}", comment.author, comment.content);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_discussion_details(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The number of the discussion or pull request.
        discussion_num: Arg<NonZeroU64>,
    ) -> DiscussionWithDetails;

    /// The parameters of [`HfApi::get_discussion_details`].
    pub struct GetDiscussionDetailsRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for GetDiscussionDetailsRequest {
    fn http(&self) -> Http {
        Http::get(discussion_path(self.repo_type, &self.repo_id, &self.discussion_num)).query("diff", 1)
    }

    fn decode(&self, api: &HfApi, answer: Answer) -> Result<DiscussionWithDetails> {
        Ok(answer.json::<DiscussionWithDetails>()?.with_endpoint(api.endpoint()))
    }
}

composite! {
    /// Opens a discussion or an empty pull request.
    ///
    /// A pull request is a draft until its status is changed to `open`, and its changes are commits to its reference,
    /// `refs/pr/{num}`; to open one with its changes at once commit with `create_pr`. White space around the title and
    /// the description is left out.
    /// `POST /api/{type}s/{repo_id}/discussions`, then `GET` of what was opened.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `BadRequest` if the title is too short or too long; `Http` with status 401 without a valid
    /// token, and with status 403 if discussions are switched off.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let discussion = api.create_discussion("me/model", "Which license?").description("I see none.").await?;
    /// println!("{}", discussion.url);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_discussion(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The title, from 3 to 200 characters.
        title: String,
    ) -> DiscussionWithDetails;

    /// The parameters of [`HfApi::create_discussion`].
    pub struct CreateDiscussionRequest {
        /// The first comment, in Markdown; a line that says what opened it if unset or blank.
        description: Option<String>,
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
        /// Whether to open a pull request.
        pull_request: bool,
    }
}

impl CreateDiscussionRequest {
    /// The exchange that opens the discussion.
    pub fn http(&self) -> Http {
        let description = super::trimmed(self.description.as_ref());
        let kind = if self.pull_request { "Pull Request" } else { "Discussion" };
        // The Hub takes no discussion without a description. This is the one that its users know from the Python
        // client, word for word, so that what looks for such discussions finds these, too.
        let unsaid = || {
            let library = "[huggingface_hub Python library](https://huggingface.co/docs/huggingface_hub)";
            format!("{kind} opened with the {library}")
        };
        Http::post(repo_path(self.repo_type, &self.repo_id).push("discussions")).json(json!({
            "title": self.title.trim(),
            "description": description.map_or_else(unsaid, str::to_owned),
            "pullRequest": self.pull_request,
        }))
    }
}

/// The answer to opening a discussion.
#[derive(Deserialize)]
struct Opened {
    num: NonZeroU64,
}

impl Run for CreateDiscussionRequest {
    async fn run(self, api: HfApi) -> Result<DiscussionWithDetails> {
        let opened: Opened = api.exchange(self.http()).await?.json()?;
        let details = GetDiscussionDetailsRequest {
            repo_type: self.repo_type,
            ..GetDiscussionDetailsRequest::new(self.repo_id, opened.num)
        };
        api.send(details).await
    }
}

composite! {
    /// Opens an empty pull request.
    ///
    /// It is [`HfApi::create_discussion`] with `pull_request`: a draft until its status is changed to `open`. Its
    /// changes are commits to its reference, `refs/pr/{num}`; to open one with its changes at once commit with
    /// `create_pr`.
    /// `POST /api/{type}s/{repo_id}/discussions`, then `GET` of what was opened.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `BadRequest` if the title is too short or too long; `Http` with status 401 without a valid
    /// token, and with status 403 if pull requests are switched off.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let request = api.create_pull_request("me/model", "Add a license").await?;
    /// println!("push to {:?}", request.git_reference);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_pull_request(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// The title, from 3 to 200 characters.
        title: String,
    ) -> DiscussionWithDetails;

    /// The parameters of [`HfApi::create_pull_request`].
    pub struct CreatePullRequestRequest {
        /// The first comment, in Markdown; a line that says what opened it if unset or blank.
        description: Option<String>,
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl CreatePullRequestRequest {
    fn into_discussion(self) -> CreateDiscussionRequest {
        CreateDiscussionRequest {
            description: self.description,
            repo_type: self.repo_type,
            pull_request: true,
            ..CreateDiscussionRequest::new(self.repo_id, self.title)
        }
    }
}

impl Run for CreatePullRequestRequest {
    async fn run(self, api: HfApi) -> Result<DiscussionWithDetails> {
        self.into_discussion().run(api).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIBRARY: &str = "[huggingface_hub Python library](https://huggingface.co/docs/huggingface_hub)";

    #[test]
    fn space_around_title_and_description_is_left_out() {
        let request = CreateDiscussionRequest::new("me/m", " A\u{a0}title \n").description("\twhy?  ");
        let body = json!({"title": "A\u{a0}title", "description": "why?", "pullRequest": false});
        assert_eq!(request.http(), Http::post("/api/models/me/m/discussions").json(body));
    }

    #[test]
    fn a_blank_description_says_what_opened_it() {
        let request = CreateDiscussionRequest::new("me/d", "T").repo_type(RepoType::Dataset);
        let body = json!({"title": "T", "description": format!("Discussion opened with the {LIBRARY}"),
            "pullRequest": false});
        let expected = Http::post("/api/datasets/me/d/discussions").json(body);
        assert_eq!(request.http(), expected);
        assert_eq!(request.description(" \n ").http(), expected);
    }

    #[test]
    fn a_pull_request_is_a_discussion_with_changes() {
        let request = CreatePullRequestRequest::new("me/s", "T").repo_type(RepoType::Space).into_discussion();
        let body = json!({"title": "T", "description": format!("Pull Request opened with the {LIBRARY}"),
            "pullRequest": true});
        assert_eq!(request.http(), Http::post("/api/spaces/me/s/discussions").json(body));
    }

    #[test]
    fn details_come_with_the_diff() {
        let request = GetDiscussionDetailsRequest::new("me/m", 3);
        assert_eq!(request.http(), Http::get("/api/models/me/m/discussions/3").query("diff", 1));
    }
}
