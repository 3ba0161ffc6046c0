//! Likes: who likes which repository.
use crate::macros::{composite, endpoint, listing};
use crate::types::{Like, RepoId, RepoType, User, UserLikes};
use crate::{Arg, Endpoint, Error, HfApi, Http, List, Method, Pages, Result, Run, repo_api};
use hub_http::{Method as Verb, UrlPath};

/// The methods of this module.
pub(crate) const METHODS: &[Method] = &[
    Method::of::<LikeRequest>(),
    Method::of::<ListLikedReposRequest>(),
    Method::list_of::<ListRepoLikersRequest>(),
    Method::of::<UnlikeRequest>(),
];

endpoint! {
    /// Likes a repository.
    ///
    /// Liking what one likes already changes nothing. Needs the token of a user.
    /// `POST /api/{type}s/{repo_id}/like`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `Http` with status 401 without a valid token, and with status 403 if it may not like.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.like("gpt2").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn like(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> ();

    /// The parameters of [`HfApi::like`].
    pub struct LikeRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for LikeRequest {
    fn http(&self) -> Http {
        repo_api(Verb::POST, self.repo_type, &self.repo_id, &["like"])
    }
}

endpoint! {
    /// Takes a like back.
    ///
    /// Needs the token of a user. `DELETE /api/{type}s/{repo_id}/like`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `Http` with status 401 without a valid token.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.unlike("gpt2").await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn unlike(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> ();

    /// The parameters of [`HfApi::unlike`].
    pub struct UnlikeRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl Endpoint for UnlikeRequest {
    fn http(&self) -> Http {
        repo_api(Verb::DELETE, self.repo_type, &self.repo_id, &["like"])
    }
}

composite! {
    /// Lists the repositories that a user likes, by kind.
    ///
    /// Likes are public. The total counts those of collections and papers, too, which are not listed.
    /// `GET /api/users/{user}/likes`, all pages; without a user `GET /api/whoami-v2` before.
    ///
    /// # Errors
    /// `Http` with status 404 if there is no such user. Without a user `TokenMissing` if there is no token, and
    /// `InvalidArgument` if it is that of an organization.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let likes = api.list_liked_repos().user("julien-c").await?;
    /// println!("{} likes, among them the models {:?}", likes.total, likes.models);
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_liked_repos() -> UserLikes;

    /// The parameters of [`HfApi::list_liked_repos`].
    pub struct ListLikedReposRequest {
        /// The name of the user; that of the token if unset.
        user: Option<String>,
    }
}

impl ListLikedReposRequest {
    /// The exchange for the first page of a user's likes.
    pub fn http(user: &str) -> Http {
        Http::get(UrlPath::new("/api/users").push(user).push("likes"))
    }
}

impl Run for ListLikedReposRequest {
    async fn run(self, api: HfApi) -> Result<UserLikes> {
        let user = match self.user {
            Some(user) => user,
            None => own_name(&api).await?,
        };
        let mut pages = Pages::new(&api, Self::http(&user), true, |page, _| page.json::<Vec<Like>>());
        let mut likes = Vec::new();
        while let Some(page) = pages.next().await? {
            likes.extend(page);
        }
        Ok(UserLikes::new(user, likes))
    }
}

async fn own_name(api: &HfApi) -> Result<String> {
    let me = api.whoami().await?;
    match (me.account_type(), me.name()) {
        (Some("user"), Some(name)) => Ok(name.to_owned()),
        _ => Err(Error::invalid("the token belongs to no user; say with `user` whose likes to list")),
    }
}

listing! {
    /// Lists who likes a repository.
    ///
    /// `GET /api/{type}s/{repo_id}/likers`, page by page.
    ///
    /// # Errors
    /// `RepositoryNotFound`.
    ///
    /// ```no_run
    /// # use futures_util::TryStreamExt;
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let mut likers = api.list_repo_likers("gpt2").stream();
    /// while let Some(user) = likers.try_next().await? {
    ///     println!("{}", user.username);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_repo_likers(
        /// The repository.
        repo_id: Arg<RepoId>,
    ) -> Stream<User>;

    /// The parameters of [`HfApi::list_repo_likers`].
    pub struct ListRepoLikersRequest {
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
    }
}

impl List for ListRepoLikersRequest {
    type Item = User;

    fn http(&self) -> Http {
        repo_api(Verb::GET, self.repo_type, &self.repo_id, &["likers"])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_like_is_given_and_taken_back_in_one_place() {
        let like = LikeRequest::new("me/data").repo_type(RepoType::Dataset);
        assert_eq!(like.http(), Http::post("/api/datasets/me/data/like"));
        let unlike = UnlikeRequest::new("gpt2");
        assert_eq!(unlike.http(), Http::delete("/api/models/gpt2/like"));
    }

    #[test]
    fn likers_are_those_of_the_repository() {
        let likers = ListRepoLikersRequest::new("me/app").repo_type(RepoType::Space);
        assert_eq!(likers.http(), Http::get("/api/spaces/me/app/likers"));
    }

    #[test]
    fn a_name_is_one_segment_whatever_is_in_it() {
        assert_eq!(ListLikedReposRequest::http("a/b #c"), Http::get("/api/users/a%2Fb%20%23c/likes"));
    }
}
