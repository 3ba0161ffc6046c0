//! Listings of models, datasets and Spaces.
use crate::hub::Hub;
use futures_util::TryStreamExt as _;
use hub_api::repos::models::ListModelsRequest;
use hub_api::types::{DatasetInfo, ModelInfo, RepoType, SpaceInfo};
use hub_api::{Error, ErrorKind};
use hub_local::{Cut, Fault, Method};
use hub_upload::Uploads as _;
use serde_json::json;

async fn five_models(hub: &Hub) {
    for name in ["one", "two", "three", "four", "five"] {
        hub.api.create_repo(name).await.unwrap();
    }
}

fn ids(models: &[ModelInfo]) -> Vec<&str> {
    models.iter().map(|model| model.id.as_str()).collect()
}

#[tokio::test]
async fn all_pages_are_listed_in_order() {
    let hub = Hub::with_pages_of(2).await;
    five_models(&hub).await;
    let models = hub.api.list_models().sort("created_at").direction(1).await.unwrap();
    assert_eq!(ids(&models), ["local/one", "local/two", "local/three", "local/four", "local/five"]);
    assert_eq!(hub.requests_to("/api/models").len(), 3);
}

#[tokio::test]
async fn no_page_is_asked_for_beyond_the_limit() {
    let hub = Hub::with_pages_of(2).await;
    five_models(&hub).await;
    for (limit, requests) in [(0, 0), (1, 1), (2, 1), (3, 2), (9, 3)] {
        hub.clear_requests();
        let models = hub.api.list_models().limit(limit).await.unwrap();
        assert_eq!(models.len(), limit.min(5));
        assert_eq!(hub.requests_to("/api/models").len(), requests, "limit {limit}");
    }
}

#[tokio::test]
async fn a_page_whose_link_appears_when_it_is_asked_for_again_is_an_error() {
    let hub = Hub::with_pages_of(2).await;
    five_models(&hub).await;
    let first = || Fault::on(Method::GET, "/api/models").times(1).cut_after(10, Cut::Finish);
    hub.fault(first());
    assert_eq!(hub.api.list_models().await.unwrap().len(), 5);
    hub.clear_faults();
    hub.fault(first().drop_header("link"));
    assert_eq!(hub.api.list_models().await.unwrap_err().kind(), ErrorKind::ContentChanged);
}

#[tokio::test]
async fn a_stream_that_is_dropped_asks_no_more() {
    let hub = Hub::with_pages_of(1).await;
    five_models(&hub).await;
    let first = hub.api.list_models().limit(4).stream().try_next().await.unwrap();
    assert!(first.is_some());
    assert_eq!(hub.requests_to("/api/models").len(), 1);
}

#[tokio::test]
async fn at_most_two_pages_are_asked_for_ahead() {
    let hub = Hub::with_pages_of(1).await;
    five_models(&hub).await;
    let mut models = hub.api.list_models().stream();
    models.try_next().await.unwrap().unwrap();
    drop(models);
    let requests = hub.requests_to("/api/models").len();
    assert!((1..=3).contains(&requests), "{requests}");
}

#[tokio::test]
async fn large_pages_keep_their_order() {
    let hub = Hub::start().await;
    // The first page is the largest, so it is the last to be read.
    let pages = [2000, 1000, 10].map(|models| {
        let model = |n| format!(r#"{{"id":"local/{models}-{n}","tags":["{}"]}}"#, "t".repeat(100));
        format!("[{}]", (0..models).map(model).collect::<Vec<_>>().join(","))
    });
    for (n, page) in pages.iter().enumerate() {
        let next = format!("<{}/api/models?cursor={}>; rel=\"next\"", hub.endpoint(), n + 1);
        let fault = Fault::on(Method::GET, "/api/models").nth(n + 1).body(page.clone());
        hub.fault(if n < 2 { fault.header("link", next) } else { fault });
    }
    let models = hub.api.list_models().await.unwrap();
    let expected: Vec<_> =
        [2000, 1000, 10].iter().flat_map(|of| (0..*of).map(move |n| format!("local/{of}-{n}"))).collect();
    assert!(ids(&models) == expected, "{:?}", ids(&models));
}

#[tokio::test]
async fn items_are_counted_as_they_are_listed() {
    let hub = Hub::with_pages_of(2).await;
    five_models(&hub).await;
    for (limit, count) in [(0, 0), (3, 3), (9, 5)] {
        let request = ListModelsRequest::new().limit(limit);
        assert_eq!(hub.api.count(request).await.unwrap(), count);
    }
    assert_eq!(hub.api.count(ListModelsRequest::new()).await.unwrap(), 5);
}

#[tokio::test]
async fn a_failing_page_is_an_error_after_the_items_before_it() {
    let hub = Hub::with_pages_of(2).await;
    five_models(&hub).await;
    hub.fault(Fault::on(Method::GET, "cursor=").status(400).body(r#"{"error":"bad cursor"}"#));
    let mut models = hub.api.list_models().stream();
    for _ in 0..2 {
        models.try_next().await.unwrap().unwrap();
    }
    assert_eq!(models.try_next().await.unwrap_err().kind(), ErrorKind::BadRequest);
    assert_eq!(models.try_next().await.unwrap(), None);
}

#[tokio::test]
async fn a_listing_that_leads_elsewhere_or_back_is_refused() {
    let hub = Hub::with_pages_of(2).await;
    five_models(&hub).await;
    let foreign = "<http://127.0.0.1:1/api/models?cursor=x>; rel=\"next\"";
    hub.fault(Fault::on(Method::GET, "/api/models").replace_header("link", foreign));
    let refusal = async || -> Error { hub.api.list_models().await.unwrap_err() };
    assert_eq!(refusal().await.kind(), ErrorKind::ForeignOrigin);
    hub.clear_faults();
    let back = format!("<{}/api/models>; rel=\"next\"", hub.endpoint());
    hub.fault(Fault::on(Method::GET, "/api/models").replace_header("link", back));
    assert_eq!(refusal().await.kind(), ErrorKind::PaginationLoop);
}

#[tokio::test]
async fn models_are_found_by_owner_name_and_tags() {
    let hub = Hub::start().await;
    hub.add_organization("acme", &["local"]).await.unwrap();
    five_models(&hub).await;
    hub.model("acme/bert", &[("README.md", "---\nlicense: mit\nlanguage: fr\ndatasets: [squad]\n---\n")])
        .await;
    let api = &hub.api;
    for request in [
        api.list_models().author("acme"),
        api.list_models().search("BER"),
        api.list_models().model_name("bert"),
        api.list_models().filter(["license:mit"]),
        api.list_models().language("fr"),
        api.list_models().tags("fr").filter("license:mit"),
        api.list_models().trained_dataset("squad"),
    ] {
        let query = format!("{request:?}");
        assert_eq!(ids(&request.await.unwrap()), ["acme/bert"], "{query}");
    }
    assert_eq!(ids(&api.list_models().author("acme").language("en").await.unwrap()), [""; 0]);
}

#[tokio::test]
async fn cards_and_parts_come_when_asked_for() {
    let hub = Hub::start().await;
    hub.model("local/m", &[("README.md", "---\nlicense: mit\n---\n")]).await;
    let api = &hub.api;
    let plain = api.list_models().await.unwrap();
    assert_eq!((&plain[0].card_data, &plain[0].siblings), (&None, &None));
    let card = api.list_models().cardData(true).await.unwrap();
    assert_eq!(card[0].card_data.as_ref().unwrap().license(), Some("mit"));
    let full = api.list_models().full(true).await.unwrap();
    assert_eq!(full[0].siblings.as_ref().unwrap().len(), 2);
    let part = api.list_models().expand(["sha"]).await.unwrap();
    assert_eq!((part[0].sha.is_some(), part[0].likes), (true, None));
    let error = api.list_models().sort("nonsense").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest);
}

#[tokio::test]
async fn emissions_are_compared_after_the_limit() {
    let hub = Hub::start().await;
    for (name, grams) in [("local/a", "5"), ("local/b", "50"), ("local/c", "7")] {
        hub.model(name, &[("README.md", &format!("---\nco2_eq_emissions: {grams}\n---\n"))]).await;
    }
    let low = || {
        let models = hub.api.list_models().cardData(true).sort("created_at").direction(1);
        models.emissions_thresholds((1.0, 10.0))
    };
    assert_eq!(ids(&low().await.unwrap()), ["local/a", "local/c"]);
    assert_eq!(ids(&low().limit(2).await.unwrap()), ["local/a"]);
}

#[tokio::test]
async fn datasets_and_spaces_are_found_by_their_own_arguments() {
    let hub = Hub::start().await;
    let api = &hub.api;
    for name in ["d1", "d2"] {
        api.create_repo(name).repo_type(RepoType::Dataset).await.unwrap();
    }
    api.create_repo("s").repo_type(RepoType::Space).space_sdk("gradio").await.unwrap();
    let found = api.list_datasets().dataset_name("d2").await.unwrap();
    assert_eq!((found.len(), found[0].id.as_str()), (1, "local/d2"));
    assert_eq!(api.list_datasets().task_categories("translation").await.unwrap().len(), 0);
    let spaces = api.list_spaces().author("local").await.unwrap();
    assert_eq!((spaces.len(), spaces[0].sdk.as_deref()), (1, Some("gradio")));
    assert_eq!(api.list_spaces().models("local/m").await.unwrap().len(), 0);
}

#[tokio::test]
async fn private_repositories_are_listed_for_their_owners() {
    let hub = Hub::start().await;
    hub.api.create_repo("m").private(true).await.unwrap();
    assert_eq!(ids(&hub.api.list_models().await.unwrap()), ["local/m"]);
    assert_eq!(hub.stranger().list_models().await.unwrap(), []);
}

#[tokio::test]
async fn models_are_found_by_task_library_and_gate() {
    let hub = Hub::start().await;
    hub.api.create_repo("other").await.unwrap();
    hub.model("local/wanted", &[("README.md", "---\npipeline_tag: fill-mask\nlibrary_name: timm\n---\n")])
        .await;
    hub.api.update_repo_settings("local/wanted").gated("auto").await.unwrap();
    let api = &hub.api;
    for request in [
        api.list_models().task("fill-mask"),
        api.list_models().pipeline_tag("fill-mask"),
        api.list_models().library("timm"),
        api.list_models().gated(true),
    ] {
        let query = format!("{request:?}");
        assert_eq!(ids(&request.await.unwrap()), ["local/wanted"], "{query}");
    }
    assert_eq!(ids(&api.list_models().gated(false).await.unwrap()), ["local/other"]);
}

#[tokio::test]
async fn the_most_liked_model_is_first_unless_the_direction_says_otherwise() {
    let hub = Hub::with_pages_of(2).await;
    let ann = hub.other("ann").await;
    for name in ["a", "b", "c"] {
        hub.api.create_repo(name).await.unwrap();
    }
    for (api, name) in [(&hub.api, "local/b"), (&ann, "local/b"), (&ann, "local/a")] {
        api.like(name).await.unwrap();
    }
    let by = |sort: &str| hub.api.list_models().sort(sort);
    assert_eq!(ids(&by("likes").await.unwrap()), ["local/b", "local/a", "local/c"]);
    assert_eq!(ids(&by("likes").direction(1).await.unwrap()), ["local/c", "local/a", "local/b"]);
    assert_eq!(ids(&by("trending_score").direction(-1).await.unwrap()), ["local/b", "local/a", "local/c"]);
}

#[tokio::test]
async fn the_model_that_changed_last_is_first() {
    let hub = Hub::with_pages_of(2).await;
    five_models(&hub).await;
    hub.commit("local/two", &[("a", "1")]).await;
    let models = hub.api.list_models().sort("last_modified").full(true).await.unwrap();
    let times: Vec<_> = models.iter().map(|model| model.last_modified.unwrap()).collect();
    assert!(times.is_sorted_by(|newer, older| newer >= older), "{times:?}");
    let changed = hub.api.model_info("local/two").await.unwrap().last_modified.unwrap();
    assert_eq!((times.len(), times[0]), (5, changed));
}

#[tokio::test]
async fn configurations_come_when_asked_for() {
    let hub = Hub::start().await;
    hub.model("local/m", &[("config.json", r#"{"model_type":"bert","hidden_size":4}"#)]).await;
    assert_eq!(hub.api.list_models().await.unwrap()[0].config, None);
    let model = hub.api.list_models().fetch_config(true).await.unwrap().remove(0);
    assert_eq!(model.config, Some(json!({ "model_type": "bert" })));
}

/// Creates a repository whose card has this metadata.
async fn with_card(hub: &Hub, repo_type: RepoType, repo_id: &str, metadata: &str) {
    hub.api.create_repo(repo_id).repo_type(repo_type).space_sdk("static").await.unwrap();
    let card = format!("---\n{metadata}---\n").into_bytes();
    hub.api.upload_file(card, "README.md", repo_id).repo_type(repo_type).await.unwrap();
}

#[tokio::test]
async fn datasets_are_found_by_what_their_cards_say() {
    let hub = Hub::start().await;
    hub.add_organization("acme", &["local"]).await.unwrap();
    with_card(&hub, RepoType::Dataset, "local/other", "license: gpl\nlanguage: en\n").await;
    let card = "license: mit\nlanguage: fr\nmultilinguality: monolingual\nsize_categories: 1K<n<10K\n\
                task_categories: translation\ntask_ids: parsing\ntags:\n- wiki\nbenchmark: raft\nlanguage_creators: [found]\n";
    with_card(&hub, RepoType::Dataset, "acme/wanted", card).await;
    let gate = hub.api.update_repo_settings("acme/wanted").repo_type(RepoType::Dataset).gated("manual");
    gate.await.unwrap();
    let all = || hub.api.list_datasets();
    for request in [
        all().author("acme"),
        all().search("WANT"),
        all().filter(["license:mit", "wiki"]),
        all().tags("wiki"),
        all().benchmark("raft"),
        all().language_creators("found"),
        all().language("fr"),
        all().multilinguality("monolingual"),
        all().size_categories("1K<n<10K"),
        all().task_categories("translation"),
        all().task_ids("parsing"),
        all().gated(true),
    ] {
        let query = format!("{request:?}");
        let found: Vec<_> = request.await.unwrap().into_iter().map(|dataset| dataset.id).collect();
        assert_eq!(found, ["acme/wanted"], "{query}");
    }
    assert_eq!(all().gated(false).await.unwrap()[0].id, "local/other");
}

#[tokio::test]
async fn datasets_come_in_their_order_with_the_parts_that_were_asked_for() {
    let hub = Hub::with_pages_of(2).await;
    for name in ["local/a", "local/b", "local/c"] {
        with_card(&hub, RepoType::Dataset, name, "license: mit\n").await;
    }
    hub.api.like("local/b").repo_type(RepoType::Dataset).await.unwrap();
    let all = || hub.api.list_datasets();
    let ids = |found: &[DatasetInfo]| found.iter().map(|dataset| dataset.id.clone()).collect::<Vec<_>>();
    let oldest = all().sort("created_at").direction(1).await.unwrap();
    assert_eq!(ids(&oldest), ["local/a", "local/b", "local/c"]);
    assert_eq!((&oldest[0].siblings, &oldest[0].card_data), (&None, &None));
    let liked = all().sort("likes").limit(1).full(true).await.unwrap();
    assert_eq!(ids(&liked), ["local/b"]);
    assert_eq!(liked[0].siblings.as_ref().unwrap()[1].rfilename, "README.md");
    assert_eq!(liked[0].card_data.as_ref().unwrap().license(), Some("mit"));
    let part = all().search("local/b").expand(["likes"]).await.unwrap();
    assert_eq!((part[0].likes, &part[0].sha), (Some(1), &None));
}

#[tokio::test]
async fn spaces_are_found_by_what_they_use() {
    let hub = Hub::start().await;
    hub.add_organization("acme", &["local"]).await.unwrap();
    with_card(&hub, RepoType::Space, "local/other", "sdk: static\n").await;
    let card = "sdk: gradio\nlicense: mit\nmodels:\n- local/m\ndatasets:\n- local/d\n";
    with_card(&hub, RepoType::Space, "acme/wanted", card).await;
    let all = || hub.api.list_spaces();
    for request in [
        all().author("acme"),
        all().search("want"),
        all().filter(["gradio", "license:mit"]),
        all().models("local/m"),
        all().datasets("local/d"),
        all().models("local/m").datasets("local/d"),
        all().linked(true),
    ] {
        let query = format!("{request:?}");
        let found: Vec<_> = request.await.unwrap().into_iter().map(|space| space.id).collect();
        assert_eq!(found, ["acme/wanted"], "{query}");
    }
    assert_eq!(all().models("local/d").await.unwrap(), []);
}

#[tokio::test]
async fn spaces_come_in_their_order_with_the_parts_that_were_asked_for() {
    let hub = Hub::with_pages_of(2).await;
    for name in ["local/a", "local/b", "local/c"] {
        with_card(&hub, RepoType::Space, name, "sdk: static\nmodels:\n- local/m\n").await;
    }
    hub.api.like("local/b").repo_type(RepoType::Space).await.unwrap();
    let all = || hub.api.list_spaces();
    let ids = |found: &[SpaceInfo]| found.iter().map(|space| space.id.clone()).collect::<Vec<_>>();
    let oldest = all().sort("created_at").direction(1).await.unwrap();
    assert_eq!(ids(&oldest), ["local/a", "local/b", "local/c"]);
    assert_eq!((&oldest[0].siblings, &oldest[0].models), (&None, &None));
    let liked = all().sort("likes").limit(1).full(true).await.unwrap();
    assert_eq!(ids(&liked), ["local/b"]);
    assert_eq!(liked[0].siblings.as_ref().unwrap()[1].rfilename, "README.md");
    assert_eq!(liked[0].models.as_ref().unwrap(), &["local/m"]);
    let part = all().search("local/b").expand(["sdk"]).await.unwrap();
    assert_eq!((part[0].sdk.as_deref(), part[0].likes), (Some("static"), None));
}

#[tokio::test]
async fn parts_that_take_a_closer_look_are_listed_when_asked_for() {
    let hub = Hub::start().await;
    hub.model("local/m", &[("a.txt", "a")]).await;
    with_card(&hub, RepoType::Space, "local/s", "sdk: static\nmodels: local/m\n").await;
    let models = hub.api.list_models().expand(["spaces", "usedStorage", "siblings"]).await.unwrap();
    let one = hub.api.model_info("local/m").expand(["spaces", "usedStorage", "siblings"]).await.unwrap();
    assert_eq!(one.spaces.as_deref(), Some(&["local/s".to_owned()][..]));
    assert!(one.extra["usedStorage"].as_u64().unwrap() > 0);
    assert_eq!(models, [one]);
    let spaces = hub.api.list_spaces().expand(["runtime"]).await.unwrap();
    assert_eq!(spaces[0].runtime, hub.api.space_info("local/s").await.unwrap().runtime);
    assert!(spaces[0].runtime.is_some());
}

#[tokio::test]
async fn a_model_that_nothing_serves_is_not_warm() {
    let hub = Hub::start().await;
    hub.api.create_repo("m").await.unwrap();
    assert_eq!(hub.api.list_models().inference("warm").await.unwrap(), []);
}
