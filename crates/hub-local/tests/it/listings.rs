use crate::client::{Client, file};
use hub_local::{LocalHub, Method};
use serde_json::{Value, json};

/// All items of a paged listing, and how many pages it had.
async fn all(client: &Client, hub: &LocalHub, path: &str) -> (Vec<Value>, usize) {
    let (mut items, mut pages, mut next) = (Vec::new(), 0, Some(path.to_owned()));
    while let Some(path) = next {
        let answer = client.get(&path).await;
        assert_eq!(answer.status(), 200, "{path}");
        next = answer.headers().get("link").map(|link| {
            let link = link.to_str().unwrap();
            let url = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap();
            url.strip_prefix(hub.endpoint()).unwrap().to_owned()
        });
        items.extend(answer.json::<Vec<Value>>().await.unwrap());
        pages += 1;
    }
    (items, pages)
}

fn paths(items: &[Value]) -> Vec<&str> {
    items.iter().map(|item| item["path"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn tree_is_paged_and_complete() {
    let hub = LocalHub::builder().page_size(3).start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let names: Vec<String> = (0..8).map(|n| format!("data/{n}.txt")).collect();
    let files: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x")).collect();
    client.commit_files("local/m", &files).await;
    let (items, pages) =
        all(&client, &hub, "/api/models/local/m/tree/main?recursive=True&expand=False").await;
    assert_eq!(pages, 4);
    let expected: Vec<&str> =
        [".gitattributes", "data"].into_iter().chain(names.iter().map(String::as_str)).collect();
    assert_eq!(paths(&items), expected);
    let (items, _) = all(&client, &hub, "/api/models/local/m/tree/main/data").await;
    assert_eq!(paths(&items), names);
}

#[tokio::test]
async fn pages_of_a_tree_are_of_one_commit() {
    let hub = LocalHub::builder().page_size(2).start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    client.commit_files("local/m", &[("b", "1"), ("c", "1"), ("d", "1")]).await;
    let first = client.get("/api/models/local/m/tree/main").await;
    let link = first.headers()["link"].to_str().unwrap().to_owned();
    client.commit_files("local/m", &[("a", "2"), ("aa", "2")]).await;
    let next = link[1..].split('>').next().unwrap().strip_prefix(hub.endpoint()).unwrap().to_owned();
    let (items, _) = all(&client, &hub, &next).await;
    assert_eq!(paths(&items), ["c", "d"]);
}

#[tokio::test]
async fn expanded_tree_tells_the_last_commit_of_each() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    let first = client.commit_files("local/m", &[("a", "1"), ("d/x", "1")]).await;
    let second = client.commit_files("local/m", &[("d/x", "2")]).await;
    let (items, _) = all(&client, &hub, "/api/models/local/m/tree/main?expand=true&recursive=true").await;
    let last = |path: &str| {
        let item = items.iter().find(|item| item["path"] == path).unwrap();
        item["lastCommit"]["id"].as_str().unwrap()
    };
    assert_eq!((last("a"), last("d"), last("d/x")), (&*first, &*second, &*second));
}

#[tokio::test]
async fn tree_of_a_path_that_is_no_folder_is_not_found() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    for path in ["nope", ".gitattributes", "a/../b"] {
        assert_eq!(
            client.get(&format!("/api/models/local/m/tree/main/{path}")).await.status(),
            404,
            "{path}"
        );
    }
}

#[tokio::test]
async fn paths_info_takes_forms_and_json_and_skips_what_is_missing() {
    let hub = LocalHub::start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    client.commit_files("local/m", &[("a b/#1.txt", "1"), ("ü", "1")]).await;
    let path = "/api/models/local/m/paths-info/main";
    let wanted = ["ü", "missing", "a b/#1.txt", "a b"];
    let form = "paths=%C3%BC&paths=missing&paths=a+b%2F%231.txt&paths=a%20b&expand=False";
    let answers = [
        client.send(Method::POST, path, &json!({ "paths": wanted })).await,
        client
            .request(Method::POST, path)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form)
            .send()
            .await
            .unwrap(),
    ];
    for answer in answers {
        let items: Vec<Value> = answer.json().await.unwrap();
        assert_eq!(paths(&items), ["ü", "a b/#1.txt", "a b"]);
    }
    for encoded in ["a%20b/%231.txt", "a%20b%2F%231.txt"] {
        assert_eq!(client.get(&format!("/local/m/resolve/main/{encoded}")).await.status(), 200);
    }
}

#[tokio::test]
async fn models_are_filtered_sorted_and_paged() {
    let hub = LocalHub::builder().page_size(2).start().await.unwrap();
    hub.add_organization("acme", &["local"]).await.unwrap();
    let client = Client::of(&hub);
    for name in ["acme/one", "acme/two", "local/three", "local/four", "local/five"] {
        client.create_repo(name).await;
    }
    let card = file("README.md", b"---\nlicense: mit\ntags: [fun]\n---\n");
    client.commit("local/four", &json!({ "summary": "card" }), &[card]).await;
    let ids = async |query: &str| {
        let (items, _) = all(&client, &hub, &format!("/api/models?{query}")).await;
        items.iter().map(|item| item["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let newest_first = ["local/five", "local/four", "local/three", "acme/two", "acme/one"];
    assert_eq!(ids("sort=createdAt&direction=-1").await, newest_first);
    assert_eq!(ids("sort=lastModified").await[0], "local/four");
    assert_eq!(ids("author=acme&sort=createdAt&direction=1").await, ["acme/one", "acme/two"]);
    assert_eq!(ids("search=THR").await, ["local/three"]);
    assert_eq!(ids("filter=fun&filter=license:mit").await, ["local/four"]);
    assert_eq!(ids("filter=other").await, [""; 0]);
    let answer = client.get("/api/models?limit=1&full=True&cardData=True&search=four").await;
    let items: Vec<Value> = answer.json().await.unwrap();
    assert_eq!(items[0]["cardData"]["license"], "mit");
    assert_eq!(items[0]["siblings"][1]["rfilename"], "README.md");
    assert_eq!(client.get("/api/models?sort=nonsense").await.status(), 400);
}

#[tokio::test]
async fn commits_are_paged_and_formatted() {
    let hub = LocalHub::builder().page_size(2).start().await.unwrap();
    let client = Client::of(&hub);
    client.create_repo("m").await;
    for n in 0..4 {
        client.commit_files("local/m", &[("a", &n.to_string())]).await;
    }
    let header = json!({ "summary": "Use `x`", "description": "because\n" });
    client.commit("local/m", &header, &[file("b", b"")]).await;
    let (items, pages) = all(&client, &hub, "/api/models/local/m/commits/main?expand[]=formatted").await;
    assert_eq!((items.len(), pages), (6, 3));
    assert_eq!(items[0]["formatted"]["title"], "Use <code>x</code>");
    assert_eq!((&items[0]["title"], &items[0]["message"]), (&json!("Use `x`"), &json!("because")));
    assert_eq!(items[5]["title"], "initial commit");
    assert_eq!(items[0]["authors"][0]["user"], "local");
}
