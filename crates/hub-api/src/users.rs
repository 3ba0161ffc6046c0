//! Users, and who follows whom.
use crate::macros::{endpoint, listing};
use crate::types::User;
use crate::{Endpoint, Http, List, Method};
use hub_http::UrlPath;

/// The methods of this module.
pub(crate) const METHODS: &[Method] = &[
    Method::of::<GetUserOverviewRequest>(),
    Method::list_of::<ListOrganizationMembersRequest>(),
    Method::list_of::<ListUserFollowersRequest>(),
    Method::list_of::<ListUserFollowingRequest>(),
];

fn of_user(name: &str, what: &str) -> Http {
    Http::get(UrlPath::new("/api/users").push(name).push(what))
}

endpoint! {
    /// Describes a user: the name, the organizations, and the numbers of what is theirs.
    ///
    /// Whether one follows the user is said to those who send a token. `GET /api/users/{username}/overview`.
    ///
    /// # Errors
    /// `Http` with status 404 if there is no such user.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let user = api.get_user_overview("julien-c").await?;
    /// println!("{} has {:?} followers", user.fullname, user.num_followers);
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_user_overview(
        /// The name of the user.
        username: String,
    ) -> User;

    /// The parameters of [`HfApi::get_user_overview`](crate::HfApi::get_user_overview).
    pub struct GetUserOverviewRequest {}
}

impl Endpoint for GetUserOverviewRequest {
    fn http(&self) -> Http {
        of_user(&self.username, "overview")
    }
}

listing! {
    /// Lists who follows a user.
    ///
    /// `GET /api/users/{username}/followers`, page by page.
    ///
    /// # Errors
    /// `Http` with status 404 if there is no such user.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// for follower in api.list_user_followers("julien-c").await? {
    ///     println!("{}", follower.username);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_user_followers(
        /// The name of the user.
        username: String,
    ) -> Stream<User>;

    /// The parameters of [`HfApi::list_user_followers`](crate::HfApi::list_user_followers).
    pub struct ListUserFollowersRequest {}
}

impl List for ListUserFollowersRequest {
    type Item = User;

    fn http(&self) -> Http {
        of_user(&self.username, "followers")
    }
}

listing! {
    /// Lists whom a user follows.
    ///
    /// `GET /api/users/{username}/following`, page by page.
    ///
    /// # Errors
    /// `Http` with status 404 if there is no such user.
    ///
    /// ```no_run
    /// # use futures_util::TryStreamExt;
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let mut followed = api.list_user_following("julien-c").stream();
    /// while let Some(user) = followed.try_next().await? {
    ///     println!("{}", user.username);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_user_following(
        /// The name of the user.
        username: String,
    ) -> Stream<User>;

    /// The parameters of [`HfApi::list_user_following`](crate::HfApi::list_user_following).
    pub struct ListUserFollowingRequest {}
}

impl List for ListUserFollowingRequest {
    type Item = User;

    fn http(&self) -> Http {
        of_user(&self.username, "following")
    }
}

listing! {
    /// Lists the members of an organization.
    ///
    /// `GET /api/organizations/{organization}/members`, page by page.
    ///
    /// # Errors
    /// `Http` with status 404 if there is no such organization.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let members = api.list_organization_members("huggingface").await?;
    /// println!("{} members", members.len());
    /// # Ok(())
    /// # }
    /// ```
    pub fn list_organization_members(
        /// The name of the organization.
        organization: String,
    ) -> Stream<User>;

    /// The parameters of [`HfApi::list_organization_members`](crate::HfApi::list_organization_members).
    pub struct ListOrganizationMembersRequest {}
}

impl List for ListOrganizationMembersRequest {
    type Item = User;

    fn http(&self) -> Http {
        Http::get(UrlPath::new("/api/organizations").push(&self.organization).push("members"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_asked_about_by_name() {
        let overview = GetUserOverviewRequest::new("ann").http();
        assert_eq!(overview, Http::get("/api/users/ann/overview"));
        let followers = ListUserFollowersRequest::new("ann").http();
        assert_eq!(followers, Http::get("/api/users/ann/followers"));
        let following = ListUserFollowingRequest::new("ann").http();
        assert_eq!(following, Http::get("/api/users/ann/following"));
    }

    #[test]
    fn an_odd_name_stays_one_segment() {
        let members = ListOrganizationMembersRequest::new("a b/é").http();
        assert_eq!(members, Http::get("/api/organizations/a%20b%2F%C3%A9/members"));
    }
}
