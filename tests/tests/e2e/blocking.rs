//! Calls and listings of blocking code, from wherever it runs.
use crate::hub::Hub;
use hub_api::{Config, HfApi, Token};
use std::time::Duration;
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

/// A Hub on a runtime of its own, and a client that takes a stall for a failure.
struct World {
    api: HfApi,
    hub: Hub,
    runtime: Runtime,
    _home: TempDir,
}

impl World {
    fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let hub = runtime.block_on(Hub::with_pages_of(2));
        let home = tempfile::tempdir().unwrap();
        let mut config = Config::new(hub.endpoint(), home.path()).unwrap();
        config.retry.max_attempts = 1;
        let token = Token::parse(hub.token()).unwrap();
        let api = HfApi::new(config.with_token(token)).with_timeout(Duration::from_secs(20));
        Self { api, hub, runtime, _home: home }
    }

    fn models(&self, names: &[&str]) {
        for name in names {
            self.runtime.block_on(async { self.hub.api.create_repo(*name).await.unwrap() });
        }
    }
}

/// Reads and writes, blocking.
fn calls(api: &HfApi, repo: &str) {
    assert_eq!(api.whoami().block().unwrap().name(), Some("local"));
    api.create_repo(repo).block().unwrap();
    api.create_tag(repo, "v1").block().unwrap();
    assert!(api.create_tag(repo, "v1").block().is_err());
}

#[test]
fn calls_block_without_a_runtime() {
    let world = World::start();
    calls(&world.api, "local/a");
    std::thread::scope(|scope| {
        for repo in ["local/b", "local/c"] {
            let api = &world.api;
            scope.spawn(move || calls(api, repo));
        }
    });
}

#[test]
fn calls_block_within_a_current_thread_runtime_that_has_connections() {
    let world = World::start();
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // The connections of these stand still while the thread is blocked.
        world.api.whoami().await.unwrap();
        world.api.create_repo("local/first").await.unwrap();
        calls(&world.api, "local/a");
        world.api.whoami().await.unwrap();
        let models: Vec<_> = world.api.list_models().iter().map(|model| model.unwrap().id).collect();
        assert_eq!(models.len(), 2);
        world.api.create_repo("local/last").await.unwrap();
    });
}

#[test]
fn calls_block_within_a_task() {
    let world = World::start();
    for threads in [1, 4] {
        let runtime = Builder::new_multi_thread().worker_threads(threads).enable_all().build().unwrap();
        let api = world.api.clone();
        let task = async move {
            api.whoami().await.unwrap();
            calls(&api, &format!("local/m{threads}"));
            api.whoami().await.unwrap();
        };
        runtime.block_on(async { tokio::spawn(task).await.unwrap() });
    }
}

#[test]
fn a_listing_is_iterated_page_by_page() {
    let world = World::start();
    world.models(&["a", "b", "c", "d", "e"]);
    world.hub.clear_requests();
    let listed = world.api.list_models().sort("created_at").direction(1).iter();
    assert!(world.hub.requests_to("/api/models").is_empty(), "nothing is asked for before an item is taken");
    let ids: Vec<_> = listed.map(|model| model.unwrap().id).collect();
    assert_eq!(ids, ["local/a", "local/b", "local/c", "local/d", "local/e"]);
    assert_eq!(world.hub.requests_to("/api/models").len(), 3);
}

#[test]
fn an_iterator_that_is_dropped_asks_no_more() {
    let world = World::start();
    world.models(&["a", "b", "c", "d", "e"]);
    world.hub.clear_requests();
    let mut listed = world.api.list_models().limit(5).iter();
    listed.next().unwrap().unwrap();
    drop(listed);
    world.api.whoami().block().unwrap();
    let requests = world.hub.requests_to("/api/models").len();
    assert!((1..=3).contains(&requests), "{requests}");
}

#[test]
fn a_queue_outlives_the_client_it_was_filled_through() {
    let world = World::start();
    let calls = ["local/a", "local/b"].map(|repo| world.api.run_as_future(world.api.create_repo(repo)));
    drop(world.api);
    for call in calls {
        hub_api::block_on(call).unwrap();
    }
}
