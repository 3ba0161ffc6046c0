//! Collections.
use crate::hub::Hub;
use hub_api::types::{Collection, CollectionItemType, PaperInfo, RepoType};
use hub_api::{ErrorKind, HfApi, Http};
use hub_http::UrlPath;

async fn hub_with_items() -> Hub {
    let hub = Hub::start().await;
    hub.api.create_repo("m").await.unwrap();
    hub.api.create_repo("d").repo_type(RepoType::Dataset).await.unwrap();
    let mut paper = PaperInfo::default();
    paper.id = "2307.09288".to_owned();
    hub.add_paper(paper).await.unwrap();
    hub
}

fn items(collection: &Collection) -> Vec<&str> {
    collection.items.iter().map(|item| item.item_id.as_str()).collect()
}

async fn filled(api: &HfApi) -> Collection {
    let slug = api.create_collection("Best of 2024").await.unwrap().slug;
    api.add_collection_item(&slug, "local/m", "model").note("nice **model**").await.unwrap();
    api.add_collection_item(&slug, "local/d", "dataset").await.unwrap();
    api.add_collection_item(&slug, "2307.09288", "paper").await.unwrap()
}

#[tokio::test]
async fn a_collection_is_created_and_read_by_its_slug() {
    let hub = Hub::start().await;
    let made = hub.api.create_collection("Best of 2024!").description("Ünï").await.unwrap();
    assert!(made.slug.starts_with("local/best-of-2024-"), "{}", made.slug);
    assert_eq!((made.owner_name(), made.private, made.items.len()), (Some("local"), false, 0));
    assert_eq!(made.url, format!("{}/collections/{}", hub.endpoint(), made.slug));
    let read = hub.stranger().get_collection(&made.slug).await.unwrap();
    assert_eq!((read.title.as_str(), read.description.as_deref()), ("Best of 2024!", Some("Ünï")));
    assert_eq!(read.last_updated, made.last_updated);
    let missing = hub.api.get_collection("local/best-0123456789abcdef01234567").await.unwrap_err();
    assert_eq!(missing.status(), Some(404));
}

#[tokio::test]
async fn a_title_is_taken_once_by_an_owner() {
    let hub = Hub::start().await;
    hub.add_organization("lab", &["local"]).await.unwrap();
    let first = hub.api.create_collection("Best").await.unwrap();
    let error = hub.api.create_collection("Best").await.unwrap_err();
    assert_eq!((error.kind(), error.status()), (ErrorKind::Http, Some(409)));
    let same = hub.api.create_collection("Best").private(true).exists_ok(true).await.unwrap();
    assert_eq!((same.slug, same.private), (first.slug, false));
    let other = hub.api.create_collection("Best").namespace("lab").await.unwrap();
    assert_eq!(other.owner_name(), Some("lab"));
    let ann = hub.other("ann").await;
    assert_eq!(ann.create_collection("Best").namespace("lab").await.unwrap_err().status(), Some(403));
}

#[tokio::test]
async fn what_is_changed_is_read_again() {
    let hub = Hub::start().await;
    let made = hub.api.create_collection("Old").await.unwrap();
    let update = hub.api.update_collection_metadata(&made.slug).title("New name").theme("pink").private(true);
    let changed = update.await.unwrap();
    assert!(changed.slug.starts_with("local/new-name-"), "{}", changed.slug);
    let read = hub.api.get_collection(&made.slug).await.unwrap();
    assert_eq!((read.slug, read.theme.as_str(), read.private), (changed.slug, "pink", true));
    let ann = hub.other("ann").await;
    assert_eq!(ann.get_collection(&made.slug).await.unwrap_err().status(), Some(404), "it is private");
    let odd = hub.api.update_collection_metadata(&made.slug).theme("plaid").await.unwrap_err();
    assert_eq!(odd.kind(), ErrorKind::BadRequest);
}

#[tokio::test]
async fn items_keep_their_order_and_notes() {
    let hub = hub_with_items().await;
    let collection = filled(&hub.api).await;
    assert_eq!(items(&collection), ["local/m", "local/d", "2307.09288"]);
    assert_eq!(collection.items[0].note.as_deref(), Some("nice **model**"));
    let kinds: Vec<_> = collection.items.iter().map(|item| item.item_type.clone()).collect();
    assert_eq!(kinds, [CollectionItemType::Model, CollectionItemType::Dataset, CollectionItemType::Paper]);
    let (slug, last) = (&collection.slug, &collection.items[2].item_object_id);
    hub.api.update_collection_item(slug, last).position(0).note("first now").await.unwrap();
    let read = hub.api.get_collection(slug).await.unwrap();
    assert_eq!(items(&read), ["2307.09288", "local/m", "local/d"]);
    assert_eq!(read.items.iter().map(|item| item.position).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(read.items[0].note.as_deref(), Some("first now"));
    hub.api.update_collection_item(slug, last).note("").await.unwrap();
    assert_eq!(hub.api.get_collection(slug).await.unwrap().items[0].note, None);
}

#[tokio::test]
async fn an_item_is_in_a_collection_once() {
    let hub = hub_with_items().await;
    let collection = filled(&hub.api).await;
    let again = || hub.api.add_collection_item(&collection.slug, "local/m", "model").note("other");
    assert_eq!(again().await.unwrap_err().status(), Some(409));
    let same = again().exists_ok(true).await.unwrap();
    assert_eq!((same.items.len(), same.items[0].note.as_deref()), (3, Some("nice **model**")));
    let add = |id: &'static str, kind: &'static str| hub.api.add_collection_item(&collection.slug, id, kind);
    assert_eq!(add("local/none", "model").await.unwrap_err().status(), Some(404));
    assert_eq!(add("local/m", "movie").await.unwrap_err().kind(), ErrorKind::BadRequest);
}

#[tokio::test]
async fn deleted_items_and_collections_are_gone() {
    let hub = hub_with_items().await;
    let collection = filled(&hub.api).await;
    let (slug, item) = (&collection.slug, &collection.items[1].item_object_id);
    hub.api.delete_collection_item(slug, item).await.unwrap();
    assert_eq!(items(&hub.api.get_collection(slug).await.unwrap()), ["local/m", "2307.09288"]);
    assert_eq!(hub.api.delete_collection_item(slug, item).await.unwrap_err().status(), Some(404));
    hub.api.delete_collection_item(slug, item).missing_ok(true).await.unwrap();
    hub.api.delete_repo("local/m").await.unwrap();
    assert_eq!(items(&hub.api.get_collection(slug).await.unwrap()), ["2307.09288"]);
    hub.api.delete_collection(slug).await.unwrap();
    assert_eq!(hub.api.delete_collection(slug).await.unwrap_err().status(), Some(404));
    hub.api.delete_collection(slug).missing_ok(true).await.unwrap();
}

#[tokio::test]
async fn only_those_who_may_write_change_a_collection() {
    let hub = hub_with_items().await;
    let collection = filled(&hub.api).await;
    let ann = hub.other("ann").await;
    let (slug, item) = (&collection.slug, &collection.items[0].item_object_id);
    for error in [
        ann.update_collection_metadata(slug).title("Mine").await.unwrap_err(),
        ann.add_collection_item(slug, "local/m", "model").exists_ok(true).await.unwrap_err(),
        ann.update_collection_item(slug, item).position(0).await.unwrap_err(),
        ann.delete_collection_item(slug, item).missing_ok(true).await.unwrap_err(),
        ann.delete_collection(slug).missing_ok(true).await.unwrap_err(),
    ] {
        assert_eq!(error.status(), Some(403), "{error}");
    }
}

#[tokio::test]
async fn what_is_private_in_a_collection_is_left_out_for_others() {
    let hub = hub_with_items().await;
    let collection = filled(&hub.api).await;
    hub.api.update_repo_settings("local/m").private(true).await.unwrap();
    let seen = hub.stranger().get_collection(&collection.slug).await.unwrap();
    assert_eq!(items(&seen), ["local/d", "2307.09288"]);
    assert_eq!(hub.api.get_collection(&collection.slug).await.unwrap().items.len(), 3);
}

#[tokio::test]
async fn collections_are_found_by_owner_item_and_order() {
    let hub = Hub::with_pages_of(2).await;
    hub.api.create_repo("m").await.unwrap();
    hub.add_organization("lab", &["local"]).await.unwrap();
    let mut slugs = Vec::new();
    for title in ["a", "b", "c"] {
        slugs.push(hub.api.create_collection(title).await.unwrap().slug);
    }
    hub.api.create_collection("d").namespace("lab").await.unwrap();
    hub.api.create_collection("hidden").namespace("lab").private(true).await.unwrap();
    hub.api.add_collection_item(&slugs[1], "local/m", "model").await.unwrap();
    let titles = |found: Vec<Collection>| found.into_iter().map(|found| found.title).collect::<Vec<_>>();

    let found = hub.api.list_collections().owner("local").await.unwrap();
    assert_eq!(found.iter().map(|found| found.position).collect::<Vec<_>>(), [0, 1, 2]);
    assert_eq!(titles(found), ["a", "b", "c"]);
    let stranger = hub.stranger();
    let found = stranger.list_collections().owner(["local", "lab"]).sort("lastModified").await.unwrap();
    assert_eq!(titles(found), ["b", "d", "c", "a"], "the newest change first, and nothing private");
    let found = stranger.list_collections().item("models/local/m").await.unwrap();
    assert_eq!((found[0].items.len(), titles(found.clone())), (1, vec!["b".to_owned()]));
    let limited = hub.api.list_collections().owner("local").limit(1).await.unwrap();
    assert_eq!(titles(limited), ["a"]);
    let error = hub.api.list_collections().sort("age").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::BadRequest);

    hub.api.update_collection_metadata(&slugs[2]).position(0).await.unwrap();
    assert_eq!(titles(hub.api.list_collections().owner("local").await.unwrap()), ["c", "a", "b"]);
    assert_eq!(hub.api.get_collection(&slugs[1]).await.unwrap().position, 2);
}

#[tokio::test]
async fn what_an_update_does_not_name_stays() {
    let hub = Hub::start().await;
    let slug = hub.api.create_collection("Best").description("Old").private(true).await.unwrap().slug;
    hub.api.update_collection_metadata(&slug).description("New").await.unwrap();
    let read = hub.api.get_collection(&slug).await.unwrap();
    assert_eq!((read.title.as_str(), read.description.as_deref(), read.private), ("Best", Some("New"), true));
    hub.api.update_collection_metadata(&slug).private(false).await.unwrap();
    let seen = hub.stranger().get_collection(&slug).await.unwrap();
    assert_eq!((seen.description.as_deref(), seen.private), (Some("New"), false));
}

#[tokio::test]
async fn collections_are_found_by_items_of_every_kind() {
    let hub = hub_with_items().await;
    filled(&hub.api).await;
    let papers = hub.api.create_collection("Papers").await.unwrap().slug;
    hub.api.add_collection_item(&papers, "2307.09288", "paper").await.unwrap();
    let titles = async |items: &[&str]| -> Vec<String> {
        let found = hub.api.list_collections().owner("local").item(items.to_vec()).await.unwrap();
        found.into_iter().map(|found| found.title).collect()
    };
    assert_eq!(titles(&["datasets/local/d"]).await, ["Best of 2024"]);
    assert_eq!(titles(&["papers/2307.09288"]).await, ["Best of 2024", "Papers"]);
    assert_eq!(titles(&["datasets/local/m"]).await, [""; 0], "that is a model");
    assert_eq!(titles(&["models/local/m", "papers/2307.09288"]).await, ["Best of 2024", "Papers"]);
}

#[tokio::test]
async fn what_is_liked_most_comes_first() {
    let hub = Hub::start().await;
    let mut slugs = Vec::new();
    for title in ["none", "two", "one"] {
        slugs.push(hub.api.create_collection(title).await.unwrap().slug);
    }
    let ann = hub.other("ann").await;
    for (api, slug) in [(&hub.api, &slugs[1]), (&ann, &slugs[1]), (&ann, &slugs[2])] {
        let path = UrlPath::new("/api/collections").extend(slug).push("upvote");
        api.exchange(Http::post(path)).await.unwrap();
    }
    let found = hub.stranger().list_collections().sort("upvotes").await.unwrap();
    let counts: Vec<_> = found.iter().map(|found| (found.title.as_str(), found.upvotes)).collect();
    assert_eq!(counts, [("two", 2), ("one", 1), ("none", 0)]);
}

#[tokio::test]
async fn a_collection_that_is_gone_is_found_by_nobody_and_leaves_its_items() {
    let hub = hub_with_items().await;
    let slug = filled(&hub.api).await.slug;
    hub.api.delete_collection(&slug).await.unwrap();
    assert_eq!(hub.api.get_collection(&slug).await.unwrap_err().status(), Some(404));
    assert_eq!(hub.api.list_collections().owner("local").await.unwrap(), []);
    assert!(hub.api.repo_exists("local/m").await.unwrap());
}

#[tokio::test]
async fn no_two_collections_have_one_position() {
    let hub = Hub::start().await;
    let mut slugs = Vec::new();
    for title in ["a", "b", "c"] {
        slugs.push(hub.api.create_collection(title).await.unwrap().slug);
    }
    hub.api.delete_collection(slugs.remove(0)).await.unwrap();
    slugs.push(hub.api.create_collection("d").await.unwrap().slug);
    let mut positions = Vec::new();
    for slug in &slugs {
        positions.push(hub.api.get_collection(slug).await.unwrap().position);
    }
    assert!(positions.is_sorted_by(|a, b| a < b), "{positions:?}");
}
