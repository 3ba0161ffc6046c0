//! Listings of models, datasets and Spaces.
use crate::hub::Hub;
use futures_util::TryStreamExt as _;
use hub_api::repos::models::ListModelsRequest;
use hub_api::types::{ModelInfo, RepoType};
use hub_api::{Error, ErrorKind};
use hub_local::{Fault, Method};

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
