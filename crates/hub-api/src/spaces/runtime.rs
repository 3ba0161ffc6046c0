//! What a Space is doing: running, paused, built anew.
use super::space_api;
use crate::macros::endpoint;
use crate::types::{RepoId, SpaceRuntime};
use crate::{Arg, Endpoint, Http};
use hub_http::Method;

endpoint! {
    /// Says how a Space runs: its stage, hardware, storage and sleep time.
    ///
    /// Everybody may ask about a public Space. Hardware is none while the Space is first built or asleep, and for
    /// static Spaces. `GET /api/spaces/{repo_id}/runtime`.
    ///
    /// # Errors
    /// `RepositoryNotFound` if there is no such Space or it is private to others.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use hub_api::types::SpaceStage;
    ///
    /// let runtime = api.get_space_runtime("me/demo").await?;
    /// if runtime.stage == SpaceStage::RuntimeError {
    ///     println!("{:?}", runtime.raw.get("errorMessage"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn get_space_runtime(
        /// The Space.
        repo_id: Arg<RepoId>,
    ) -> SpaceRuntime;

    /// The parameters of [`HfApi::get_space_runtime`](crate::HfApi::get_space_runtime).
    pub struct GetSpaceRuntimeRequest {}
}

impl Endpoint for GetSpaceRuntimeRequest {
    fn http(&self) -> Http {
        space_api(Method::GET, &self.repo_id, "runtime")
    }
}

endpoint! {
    /// Stops a Space until it is restarted.
    ///
    /// A paused Space costs nothing, whatever its hardware, and visitors do not wake it as they do a sleeping one:
    /// only `restart_space` or its settings page does. Needs a token of its owner that may write.
    /// `POST /api/spaces/{repo_id}/pause`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `BadRequest` for static Spaces, which always run and cost nothing; `Http` with status
    /// 403 if the Space belongs to others.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let runtime = api.pause_space("me/demo").await?;
    /// assert_eq!(runtime.stage, "PAUSED");
    /// # Ok(())
    /// # }
    /// ```
    pub fn pause_space(
        /// The Space.
        repo_id: Arg<RepoId>,
    ) -> SpaceRuntime;

    /// The parameters of [`HfApi::pause_space`](crate::HfApi::pause_space).
    pub struct PauseSpaceRequest {}
}

impl Endpoint for PauseSpaceRequest {
    fn http(&self) -> Http {
        space_api(Method::POST, &self.repo_id, "pause")
    }
}

endpoint! {
    /// Restarts a Space, whatever it is doing; the only way to wake a paused one.
    ///
    /// Paid hardware is billed from then on. Needs a token of its owner that may write.
    /// `POST /api/spaces/{repo_id}/restart`, with `?factory=true` for a factory reboot.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `BadRequest` for static Spaces; `Http` with status 403 if the Space belongs to others.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let runtime = api.restart_space("me/demo").factory_reboot(true).await?;
    /// println!("{}", runtime.stage);
    /// # Ok(())
    /// # }
    /// ```
    pub fn restart_space(
        /// The Space.
        repo_id: Arg<RepoId>,
    ) -> SpaceRuntime;

    /// The parameters of [`HfApi::restart_space`](crate::HfApi::restart_space).
    pub struct RestartSpaceRequest {
        /// Whether everything is built anew, nothing taken from the build cache.
        factory_reboot: bool,
    }
}

impl Endpoint for RestartSpaceRequest {
    fn http(&self) -> Http {
        let http = space_api(Method::POST, &self.repo_id, "restart");
        if self.factory_reboot { http.query("factory", "true") } else { http }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_restart_does_not_name_the_factory() {
        let request = RestartSpaceRequest::new("me/demo");
        assert_eq!(request.http(), Http::post("/api/spaces/me/demo/restart"));
        let expected = Http::post("/api/spaces/me/demo/restart").query("factory", "true");
        assert_eq!(request.factory_reboot(true).http(), expected);
    }

    #[test]
    fn the_space_is_asked_and_paused_by_its_id() {
        assert_eq!(GetSpaceRuntimeRequest::new("demo").http(), Http::get("/api/spaces/demo/runtime"));
        assert_eq!(PauseSpaceRequest::new("me/demo").http(), Http::post("/api/spaces/me/demo/pause"));
    }

    #[test]
    fn what_is_no_id_is_refused_unsent() {
        let http = PauseSpaceRequest::new("spaces/me/demo").http();
        assert_eq!(http, space_api(Method::POST, &"spaces/me/demo".into(), "pause"));
        assert_ne!(http, Http::post("/api/spaces/spaces/me/demo/pause"));
    }
}
