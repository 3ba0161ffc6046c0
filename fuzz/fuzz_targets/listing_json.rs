//! The Hub's JSON: whatever is accepted is written, and read again as the same.

#![no_main]

use hub_types::{
    AccessRequest, Collection, CommitInfo, DatasetInfo, Discussion, DiscussionWithDetails, GitCommitInfo,
    GitRefs, InferenceEndpoint, ModelInfo, PaperInfo, RepoTreeEntry, SpaceInfo, SpaceRuntime, User,
    WebhookInfo, WebhookPayload, WhoAmI,
};
use libfuzzer_sys::fuzz_target;
use serde::{Serialize, de::DeserializeOwned};

fuzz_target!(|data: &[u8]| {
    round_trip::<Vec<RepoTreeEntry>>(data);
    round_trip::<ModelInfo>(data);
    round_trip::<Vec<ModelInfo>>(data);
    round_trip::<DatasetInfo>(data);
    round_trip::<SpaceInfo>(data);
    round_trip::<SpaceRuntime>(data);
    round_trip::<GitRefs>(data);
    round_trip::<GitCommitInfo>(data);
    round_trip::<Discussion>(data);
    round_trip::<DiscussionWithDetails>(data);
    round_trip::<Collection>(data);
    round_trip::<CommitInfo>(data);
    round_trip::<PaperInfo>(data);
    round_trip::<User>(data);
    round_trip::<WhoAmI>(data);
    round_trip::<AccessRequest>(data);
    round_trip::<InferenceEndpoint>(data);
    round_trip::<WebhookInfo>(data);
    round_trip::<WebhookPayload>(data);
    if let Ok(text) = std::str::from_utf8(data)
        && let Ok(time) = hub_types::parse_datetime(text)
    {
        assert_eq!(hub_types::parse_datetime(&time.to_rfc3339()), Ok(time));
    }
});

/// What is read can be written, and that is read as the same thing.
fn round_trip<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(data: &[u8]) {
    let Ok(value) = serde_json::from_slice::<T>(data) else { return };
    let written = serde_json::to_vec(&value).expect("it can be written");
    match serde_json::from_slice::<T>(&written) {
        Ok(again) => assert_eq!(again, value, "{}", String::from_utf8_lossy(&written)),
        Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&written)),
    }
}
