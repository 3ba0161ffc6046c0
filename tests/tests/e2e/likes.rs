//! Likes.
use crate::hub::Hub;
use hub_api::ErrorKind;
use hub_api::types::RepoType;

#[tokio::test]
async fn likes_are_counted_and_taken_back() {
    let hub = Hub::start().await;
    hub.api.create_repo("m").await.unwrap();
    let ann = hub.other("ann").await;
    hub.api.like("local/m").await.unwrap();
    ann.like("local/m").await.unwrap();
    ann.like("local/m").await.unwrap();
    assert_eq!(hub.api.model_info("local/m").await.unwrap().likes, Some(2));
    ann.unlike("local/m").await.unwrap();
    assert_eq!(hub.api.model_info("local/m").await.unwrap().likes, Some(1));
    assert_eq!(hub.stranger().like("local/m").await.unwrap_err().status(), Some(401));
}

#[tokio::test]
async fn likers_are_listed_over_all_pages_newest_first() {
    let hub = Hub::with_pages_of(2).await;
    hub.api.create_repo("d").repo_type(RepoType::Dataset).await.unwrap();
    for name in ["a1", "b2", "c3", "d4", "e5"] {
        hub.other(name).await.like("local/d").repo_type(RepoType::Dataset).await.unwrap();
    }
    let likers = hub.stranger().list_repo_likers("local/d").repo_type(RepoType::Dataset).await.unwrap();
    let names: Vec<&str> = likers.iter().map(|user| user.username.as_str()).collect();
    assert_eq!(names, ["e5", "d4", "c3", "b2", "a1"]);
    assert_eq!(hub.requests_to("/api/datasets/local/d/likers").len(), 3);
}

#[tokio::test]
async fn what_a_user_likes_is_listed_by_kind() {
    let hub = Hub::with_pages_of(2).await;
    for kind in [RepoType::Model, RepoType::Dataset] {
        hub.api.create_repo("x").repo_type(kind).await.unwrap();
        hub.api.like("local/x").repo_type(kind).await.unwrap();
    }
    hub.api.create_repo("app").repo_type(RepoType::Space).space_sdk("static").await.unwrap();
    hub.api.like("local/app").repo_type(RepoType::Space).await.unwrap();
    let likes = hub.api.list_liked_repos().await.unwrap();
    assert_eq!((likes.user.as_str(), likes.total), ("local", 3));
    assert_eq!((likes.models, likes.datasets), (vec!["local/x".to_owned()], vec!["local/x".to_owned()]));
    assert_eq!(likes.spaces, ["local/app"]);
    hub.api.unlike("local/x").await.unwrap();
    assert_eq!(hub.stranger().list_liked_repos().user("local").await.unwrap().total, 2);
}

#[tokio::test]
async fn a_like_of_what_is_private_is_seen_by_its_owner() {
    let hub = Hub::start().await;
    hub.api.create_repo("p").private(true).await.unwrap();
    hub.api.like("local/p").await.unwrap();
    assert_eq!(hub.api.list_liked_repos().await.unwrap().models, ["local/p"]);
    let ann = hub.other("ann").await;
    assert_eq!(ann.list_liked_repos().user("local").await.unwrap().total, 0);
    assert_eq!(ann.like("local/p").await.unwrap_err().kind(), ErrorKind::RepositoryNotFound);
}

#[tokio::test]
async fn what_nobody_likes_has_no_likers_and_nobody_no_likes() {
    let hub = Hub::start().await;
    hub.api.create_repo("m").await.unwrap();
    assert!(hub.api.list_repo_likers("local/m").await.unwrap().is_empty());
    let error = hub.api.list_liked_repos().user("nobody").await.unwrap_err();
    assert_eq!(error.status(), Some(404));
    assert_eq!(hub.stranger().list_liked_repos().await.unwrap_err().kind(), ErrorKind::TokenMissing);
}

#[tokio::test]
async fn the_like_of_a_dataset_is_not_that_of_the_model_of_its_name() {
    let hub = Hub::start().await;
    for kind in [RepoType::Model, RepoType::Dataset] {
        hub.api.create_repo("x").repo_type(kind).await.unwrap();
        hub.api.like("local/x").repo_type(kind).await.unwrap();
    }
    hub.api.unlike("local/x").repo_type(RepoType::Dataset).await.unwrap();
    assert_eq!(hub.api.list_repo_likers("local/x").repo_type(RepoType::Dataset).await.unwrap(), []);
    assert_eq!(hub.api.dataset_info("local/x").await.unwrap().likes, Some(0));
    assert_eq!(hub.api.list_repo_likers("local/x").await.unwrap()[0].username, "local");
}
