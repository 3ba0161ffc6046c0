//! What the handlers share.
use crate::{
    accounts::AccountNames, fault::FaultPlan, git::GitStore, lfs::LfsStore, log::RequestLog, store::Store,
    webhooks::Courier,
};
use std::{ops::Deref, sync::Arc, time::Duration};

/// The state of a running Hub; cloning it is free.
#[derive(Clone)]
pub(crate) struct HubState(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) store: Store,
    pub(crate) git: GitStore,
    pub(crate) lfs: LfsStore,
    pub(crate) accounts: AccountNames,
    pub(crate) urls: Urls,
    pub(crate) limits: Limits,
    pub(crate) log: RequestLog,
    pub(crate) faults: FaultPlan,
    pub(crate) courier: Courier,
}

/// The base URLs of the two origins, without a final slash.
#[derive(Debug, Clone)]
pub(crate) struct Urls {
    pub(crate) endpoint: String,
    pub(crate) storage: String,
}

/// Numbers that tests make small.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Items on a page, where a client asks for no fewer; `None` for what the Hub uses.
    pub(crate) page: Option<usize>,
    /// LFS objects larger than this are uploaded in parts of this size.
    pub(crate) part_bytes: u64,
    /// How long a signed URL is good for.
    pub(crate) url_lifetime: Duration,
    /// How long Spaces and Inference Endpoints take to start.
    pub(crate) deploy_time: Duration,
}

impl Limits {
    /// When what is started now will run, in milliseconds since 1970.
    pub(crate) fn deployed_at(&self) -> i64 {
        let time = i64::try_from(self.deploy_time.as_millis()).unwrap_or(i64::MAX);
        crate::stamp::unix_millis().saturating_add(time)
    }

    /// The number of items on a page of a listing whose usual number is `usual`.
    pub(crate) fn page(&self, usual: usize) -> usize {
        self.page.map_or(usual, |page| page.min(usual))
    }
}

impl HubState {
    pub(crate) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }
}

impl Deref for HubState {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}
