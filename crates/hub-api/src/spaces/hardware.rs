//! What a Space runs on: hardware, storage, and when it goes to sleep.
use super::space_api;
use crate::macros::{composite, endpoint};
use crate::types::{RepoId, SpaceHardware, SpaceRuntime, SpaceStorage};
use crate::{Arg, Endpoint, HfApi, Http, Result, Run};
use hub_http::Method;
use serde_json::json;

composite! {
    /// Asks for other hardware for a Space.
    ///
    /// The Space is built again and then moves; until that is done, `requested_hardware` of its runtime says what was
    /// asked for and `hardware` what it has. Paid hardware is billed by the minute to the owner, whose token this
    /// needs. `POST /api/spaces/{repo_id}/hardware`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `BadRequest` if there is no such hardware; `Http` with status 402 without a way to pay,
    /// 403 if the Space belongs to others.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use hub_api::types::SpaceHardware;
    ///
    /// api.request_space_hardware("me/demo", SpaceHardware::T4Medium).sleep_time(3600).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn request_space_hardware(
        /// The Space.
        repo_id: Arg<RepoId>,
        /// The hardware, as an enum value or as text: `t4-medium`.
        hardware: SpaceHardware,
    ) -> SpaceRuntime;

    /// The parameters of [`HfApi::request_space_hardware`].
    pub struct RequestSpaceHardwareRequest {
        /// The seconds without a visitor after which the Space goes to sleep; -1 for never, which is what paid
        /// hardware does if this is unset. On free hardware it is always 48 hours.
        sleep_time: Option<i64>,
    }
}

impl RequestSpaceHardwareRequest {
    /// The exchange that asks for the hardware.
    pub fn http(&self) -> Http {
        space_api(Method::POST, &self.repo_id, "hardware")
            .json(json!({ "flavor": self.hardware, "sleepTimeSeconds": self.sleep_time }))
    }
}

impl Run for RequestSpaceHardwareRequest {
    async fn run(self, api: HfApi) -> Result<SpaceRuntime> {
        if self.sleep_time.is_some() {
            warn_if_free(Some(&self.hardware));
        }
        api.exchange(self.http()).await?.json()
    }
}

composite! {
    /// Sets after how many seconds without a visitor a Space goes to sleep.
    ///
    /// A sleeping Space costs nothing, and the next visitor wakes it. Only paid hardware can be told when to sleep;
    /// free hardware always does after 48 hours, and setting a time for it logs a warning. The time can also be
    /// given to `request_space_hardware`. Needs a token of its owner that may write.
    /// `POST /api/spaces/{repo_id}/sleeptime`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `BadRequest` if the time is refused; `Http` with status 403 if the Space belongs to others.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// api.set_space_sleep_time("me/demo", 900).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn set_space_sleep_time(
        /// The Space.
        repo_id: Arg<RepoId>,
        /// The seconds; -1 for never.
        sleep_time: i64,
    ) -> SpaceRuntime;

    /// The parameters of [`HfApi::set_space_sleep_time`].
    pub struct SetSpaceSleepTimeRequest {}
}

impl SetSpaceSleepTimeRequest {
    /// The exchange that sets the time.
    pub fn http(&self) -> Http {
        space_api(Method::POST, &self.repo_id, "sleeptime").json(json!({ "seconds": self.sleep_time }))
    }
}

impl Run for SetSpaceSleepTimeRequest {
    async fn run(self, api: HfApi) -> Result<SpaceRuntime> {
        let runtime: SpaceRuntime = api.exchange(self.http()).await?.json()?;
        warn_if_free(runtime.requested_hardware.as_ref().or(runtime.hardware.as_ref()));
        Ok(runtime)
    }
}

endpoint! {
    /// Asks for persistent storage for a Space.
    ///
    /// It is mounted at `/data` and billed by the month. A Space can move to a larger size and never to a smaller
    /// one: for that, delete the storage with its content first. Needs a token of the owner that may write.
    /// `POST /api/spaces/{repo_id}/storage`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `BadRequest` if the size is unknown or smaller than what the Space has; `Http` with
    /// status 402 without a way to pay, 403 if the Space belongs to others.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use hub_api::types::SpaceStorage;
    ///
    /// api.request_space_storage("me/demo", SpaceStorage::Small).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn request_space_storage(
        /// The Space.
        repo_id: Arg<RepoId>,
        /// The size: `small`, `medium` or `large`.
        storage: SpaceStorage,
    ) -> SpaceRuntime;

    /// The parameters of [`HfApi::request_space_storage`].
    pub struct RequestSpaceStorageRequest {}
}

impl Endpoint for RequestSpaceStorageRequest {
    fn http(&self) -> Http {
        space_api(Method::POST, &self.repo_id, "storage").json(json!({ "tier": self.storage }))
    }
}

endpoint! {
    /// Deletes the persistent storage of a Space with all that is in it.
    ///
    /// This cannot be undone. Needs a token of its owner that may write. `DELETE /api/spaces/{repo_id}/storage`.
    ///
    /// # Errors
    /// `RepositoryNotFound`; `BadRequest` if the Space has no persistent storage; `Http` with status 403 if the
    /// Space belongs to others.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// let runtime = api.delete_space_storage("me/demo").await?;
    /// assert!(runtime.storage.is_none());
    /// # Ok(())
    /// # }
    /// ```
    pub fn delete_space_storage(
        /// The Space.
        repo_id: Arg<RepoId>,
    ) -> SpaceRuntime;

    /// The parameters of [`HfApi::delete_space_storage`].
    pub struct DeleteSpaceStorageRequest {}
}

impl Endpoint for DeleteSpaceStorageRequest {
    fn http(&self) -> Http {
        space_api(Method::DELETE, &self.repo_id, "storage")
    }

    fn http_after_deletion(&self) -> Option<Http> {
        Some(space_api(Method::GET, &self.repo_id, "runtime"))
    }
}

/// Says that a sleep time has no effect, if the hardware is the free one.
pub(super) fn warn_if_free(hardware: Option<&SpaceHardware>) {
    if hardware == Some(&SpaceHardware::CpuBasic) {
        tracing::warn!(
            "a Space on cpu-basic always goes to sleep after 48 hours without a visitor; to choose the sleep time, \
             move it to paid hardware"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hardware_is_asked_for_by_name_known_or_not() {
        let path = "/api/spaces/me/demo/hardware";
        let request = RequestSpaceHardwareRequest::new("me/demo", "h200-x8");
        assert_eq!(request.http(), Http::post(path).json(json!({ "flavor": "h200-x8" })));
        let request = RequestSpaceHardwareRequest::new("me/demo", SpaceHardware::T4Small).sleep_time(-1);
        let expected = Http::post(path).json(json!({ "flavor": "t4-small", "sleepTimeSeconds": -1 }));
        assert_eq!(request.http(), expected);
    }

    #[test]
    fn the_sleep_time_is_in_seconds() {
        let expected = Http::post("/api/spaces/me/demo/sleeptime").json(json!({ "seconds": 1800 }));
        assert_eq!(SetSpaceSleepTimeRequest::new("me/demo", 1800).http(), expected);
    }

    #[test]
    fn storage_is_asked_for_and_deleted_in_one_place() {
        let path = "/api/spaces/me/demo/storage";
        let expected = Http::post(path).json(json!({ "tier": "large" }));
        assert_eq!(RequestSpaceStorageRequest::new("me/demo", SpaceStorage::Large).http(), expected);
        assert_eq!(DeleteSpaceStorageRequest::new("me/demo").http(), Http::delete(path));
    }
}
