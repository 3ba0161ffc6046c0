//! Users and organizations, papers and tags.
use crate::hub::Hub;
use hub_api::types::{PaperInfo, RepoType, User, parse_datetime};
use hub_upload::Uploads as _;

fn names(users: &[User]) -> Vec<&str> {
    users.iter().map(|user| user.username.as_str()).collect()
}

#[tokio::test]
async fn an_overview_counts_what_is_the_users() {
    let hub = Hub::start().await;
    let ann = hub.other("ann").await;
    hub.add_organization("lab", &["ann"]).await.unwrap();
    ann.create_repo("m").await.unwrap();
    ann.create_repo("hidden").private(true).await.unwrap();
    ann.create_repo("d").repo_type(RepoType::Dataset).await.unwrap();
    ann.like("ann/d").repo_type(RepoType::Dataset).await.unwrap();
    ann.create_discussion("ann/m", "Hello there").await.unwrap();
    hub.follow("local", "ann").await.unwrap();
    let seen = hub.api.get_user_overview("ANN").await.unwrap();
    assert_eq!((seen.username.as_str(), seen.fullname.as_str()), ("ann", "ann"));
    assert_eq!((seen.num_models, seen.num_datasets, seen.num_spaces), (Some(1), Some(1), Some(0)));
    assert_eq!((seen.num_likes, seen.num_discussions), (Some(1), Some(1)));
    assert_eq!((seen.num_followers, seen.num_following), (Some(1), Some(0)));
    assert_eq!((seen.is_following, seen.orgs[0].name.as_str()), (Some(true), "lab"));
    let own = ann.get_user_overview("ann").await.unwrap();
    assert_eq!((own.num_models, own.is_following), (Some(2), Some(false)));
    assert_eq!(hub.stranger().get_user_overview("ann").await.unwrap().is_following, None);
}

#[tokio::test]
async fn organizations_and_nobody_are_no_users() {
    let hub = Hub::start().await;
    hub.add_organization("lab", &["local"]).await.unwrap();
    for name in ["lab", "nobody", "a b/c"] {
        assert_eq!(hub.api.get_user_overview(name).await.unwrap_err().status(), Some(404), "{name}");
        assert_eq!(hub.api.list_user_followers(name).await.unwrap_err().status(), Some(404), "{name}");
    }
    assert_eq!(hub.api.list_organization_members("local").await.unwrap_err().status(), Some(404));
}

#[tokio::test]
async fn followers_are_listed_over_all_pages() {
    let hub = Hub::with_pages_of(2).await;
    for name in ["ann", "ben", "cat"] {
        hub.add_user(name).await.unwrap();
        hub.follow(name, "local").await.unwrap();
    }
    hub.follow("local", "cat").await.unwrap();
    let followers = hub.api.list_user_followers("local").await.unwrap();
    assert_eq!(names(&followers), ["cat", "ben", "ann"]);
    assert_eq!(
        followers.iter().map(|user| user.is_following).collect::<Vec<_>>(),
        [Some(true), Some(false), Some(false)]
    );
    assert_eq!(names(&hub.api.list_user_following("local").await.unwrap()), ["cat"]);
    assert_eq!(names(&hub.api.list_user_following("ann").await.unwrap()), ["local"]);
    assert_eq!(hub.requests_to("/api/users/local/followers").len(), 2);
}

#[tokio::test]
async fn members_of_an_organization_are_listed_over_all_pages() {
    let hub = Hub::with_pages_of(1).await;
    hub.add_user("ann").await.unwrap();
    hub.add_organization("lab", &["local", "ann"]).await.unwrap();
    let members = hub.stranger().list_organization_members("lab").await.unwrap();
    assert_eq!(names(&members), ["ann", "local"]);
    assert_eq!(hub.requests_to("/api/organizations/lab/members").len(), 2);
}

fn paper(id: &str, title: &str, authors: &[&str]) -> PaperInfo {
    let mut paper = PaperInfo::default();
    paper.id = id.to_owned();
    paper.title = Some(title.to_owned());
    paper.summary = Some("We mix experts".to_owned());
    paper.authors = Some(authors.iter().map(|&name| name.to_owned()).collect());
    paper
}

#[tokio::test]
async fn papers_are_found_by_words_and_by_id() {
    let hub = Hub::start().await;
    let mut first = paper("2401.04088", "Mixtral of Experts", &["local", "Ben"]);
    first.published_at = parse_datetime("2024-01-08T18:47:34.000Z").ok();
    first.submitted_at = parse_datetime("2024-01-09T00:00:00.000Z").ok();
    first.submitted_by = Some(User::new("local"));
    first.upvotes = Some(7);
    hub.add_paper(first.clone()).await.unwrap();
    hub.add_paper(paper("hep-th/9901001", "Ünïcode & more #1", &["Cat"])).await.unwrap();
    let found = hub.api.list_papers().query("mixtral EXPERTS").await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!((&found[0].title, &found[0].authors), (&first.title, &first.authors));
    assert_eq!((found[0].published_at, found[0].submitted_at), (first.published_at, first.submitted_at));
    assert_eq!(found[0].submitted_by.as_ref().unwrap().username, "local");
    assert_eq!(hub.api.list_papers().query("ünïcode & #1").await.unwrap()[0].id, "hep-th/9901001");
    assert_eq!(hub.api.list_papers().await.unwrap().len(), 2);
    let info = hub.stranger().paper_info("2401.04088").await.unwrap();
    assert_eq!((info.title, info.upvotes, info.submitted_at), (first.title, Some(7), first.submitted_at));
    assert_eq!(hub.api.paper_info("hep-th/9901001").await.unwrap().authors.unwrap(), ["Cat"]);
    assert_eq!(hub.api.paper_info("9999.99999").await.unwrap_err().status(), Some(404));
    assert_eq!(hub.api.get_user_overview("local").await.unwrap().num_papers, Some(1));
}

#[tokio::test]
async fn tags_are_those_of_the_repositories_there_are() {
    let hub = Hub::start().await;
    assert_eq!(hub.api.get_dataset_tags().await.unwrap().len(), 0);
    let card = "---\npipeline_tag: text-classification\nlicense: mit\ntags: [tiny]\n---\n";
    hub.model("local/m", &[("README.md", card)]).await;
    let tags = hub.stranger().get_model_tags().await.unwrap();
    let ids = |kind: &str| -> Vec<&str> {
        tags[kind].as_array().unwrap().iter().map(|tag| tag["id"].as_str().unwrap()).collect()
    };
    assert_eq!((ids("pipeline_tag"), ids("license")), (vec!["text-classification"], vec!["license:mit"]));
    assert_eq!(ids("other"), ["tiny"]);
    assert_eq!(hub.api.get_dataset_tags().await.unwrap().len(), 0);
    hub.api.update_repo_settings("local/m").private(true).await.unwrap();
    assert_eq!(hub.api.get_model_tags().await.unwrap().len(), 0);
}

#[tokio::test]
async fn tags_of_datasets_are_told_by_kind() {
    let hub = Hub::start().await;
    hub.model("local/m", &[("README.md", "---\nlicense: mit\n---\n")]).await;
    hub.api.create_repo("d").repo_type(RepoType::Dataset).await.unwrap();
    let card = b"---\nlanguage: fr\ntask_categories: translation\ntags:\n- wiki\n---\n".to_vec();
    hub.api.upload_file(card, "README.md", "local/d").repo_type(RepoType::Dataset).await.unwrap();
    let tags = hub.stranger().get_dataset_tags().await.unwrap();
    for (kind, id) in
        [("language", "language:fr"), ("task_categories", "task_categories:translation"), ("other", "wiki")]
    {
        assert_eq!(tags[kind][0]["id"], id);
    }
    assert!(!tags.contains_key("license"), "that is a model's");
}
