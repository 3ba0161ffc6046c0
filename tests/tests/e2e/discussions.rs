//! Discussions and pull requests.
use crate::hub::Hub;
use futures_util::TryStreamExt as _;
use hub_api::types::{
    CommitInfo, ConflictingFiles, Discussion, DiscussionEvent, DiscussionStatus, DiscussionWithDetails,
    RepoId, RepoTreeEntry, RepoType,
};
use hub_api::{Arg, ErrorKind, HfApi};
use hub_upload::{CommitOperation, Uploads as _};

const REPO: &str = "local/m";

async fn hub() -> Hub {
    let hub = Hub::start().await;
    hub.model(REPO, &[("a.txt", "one\ntwo\nthree\n"), ("b.txt", "b\n")]).await;
    hub
}

/// Commits one text file; to a pull request of its own if `revision` is none.
async fn propose(api: &HfApi, path: &str, text: &str, revision: Option<&str>) -> CommitInfo {
    let add = CommitOperation::add(path, text.as_bytes().to_vec());
    let commit = api.create_commit(Arg::<RepoId>::from(REPO), [add], format!("Change {path}"));
    let commit = match revision {
        Some(revision) => commit.revision(revision),
        None => commit.create_pr(true),
    };
    commit.await.unwrap()
}

async fn blob(api: &HfApi, revision: &str, path: &str) -> Option<String> {
    let found = api.get_paths_info(REPO, path).revision(revision).await.unwrap();
    match found.first() {
        Some(RepoTreeEntry::File(file)) => Some(file.blob_id.clone()),
        _ => None,
    }
}

fn kinds(details: &DiscussionWithDetails) -> Vec<&str> {
    details.events.iter().map(DiscussionEvent::event_type).collect()
}

fn first_comment(details: &DiscussionWithDetails) -> &hub_api::types::DiscussionComment {
    match &details.events[0] {
        DiscussionEvent::Comment(comment) => comment,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_discussion_is_opened_with_a_comment() {
    let hub = hub().await;
    let ann = hub.other("ann").await;
    let opened =
        ann.create_discussion(REPO, " Which license? ").description(" I see <none>. ").await.unwrap();
    assert_eq!((opened.num, opened.title.as_str(), opened.author.as_str()), (1, "Which license?", "ann"));
    assert_eq!((&opened.status, opened.is_pull_request), (&DiscussionStatus::Open, false));
    assert_eq!(opened.url, format!("{}/{REPO}/discussions/1", hub.endpoint()));
    assert_eq!(first_comment(&opened).content, "I see <none>.");
    assert_eq!(first_comment(&opened).rendered.as_deref(), Some("<p>I see &lt;none&gt;.</p>"));
    assert_eq!((&opened.diff, &opened.target_branch, &opened.conflicting_files), (&None, &None, &None));
    let stranger = hub.stranger();
    assert_eq!(stranger.get_discussion_details(REPO, 1).await.unwrap(), opened);
    assert_eq!(stranger.create_discussion(REPO, "Hello").await.unwrap_err().status(), Some(401));
    assert_eq!(ann.create_discussion(REPO, "  x  ").await.unwrap_err().kind(), ErrorKind::BadRequest);
    assert_eq!(ann.get_discussion_details(REPO, 2).await.unwrap_err().status(), Some(404));
}

#[tokio::test]
async fn discussions_are_found_by_every_filter_over_all_pages() {
    let hub = Hub::with_pages_of(2).await;
    hub.api.create_repo("d").repo_type(RepoType::Dataset).await.unwrap();
    let ann = hub.other("ann").await;
    for (api, title) in [(&hub.api, "first"), (&ann, "second"), (&ann, "third")] {
        api.create_discussion("local/d", title).repo_type(RepoType::Dataset).await.unwrap();
    }
    for title in ["fourth", "fifth"] {
        hub.api.create_pull_request("local/d", title).repo_type(RepoType::Dataset).await.unwrap();
    }
    let close = hub.api.change_discussion_status("local/d", 2, "closed").repo_type(RepoType::Dataset);
    close.await.unwrap();
    let all = || hub.api.get_repo_discussions("local/d").repo_type(RepoType::Dataset);
    let nums = |found: Vec<Discussion>| found.into_iter().map(|found| found.num).collect::<Vec<_>>();
    hub.clear_requests();
    assert_eq!(nums(all().await.unwrap()), [5, 4, 3, 2, 1]);
    assert_eq!(hub.requests().len(), 3, "two on a page");
    assert_eq!(nums(all().discussion_type("pull_request").await.unwrap()), [5, 4]);
    assert_eq!(nums(all().discussion_type("discussion").await.unwrap()), [3, 2, 1]);
    assert_eq!(nums(all().discussion_status("closed").await.unwrap()), [2]);
    assert_eq!(nums(all().discussion_status("open").author("ann").await.unwrap()), [3]);
    assert_eq!(nums(all().author("nobody").await.unwrap()), [0; 0]);
    let first = all().stream().try_next().await.unwrap().unwrap();
    assert_eq!((first.title.as_str(), first.git_reference.as_deref()), ("fifth", Some("refs/pr/5")));
    assert_eq!(first.endpoint, hub.endpoint());
}

#[tokio::test]
async fn comments_are_written_edited_and_hidden() {
    let hub = hub().await;
    let ann = hub.other("ann").await;
    hub.api.create_discussion(REPO, "Hello").await.unwrap();
    let comment = ann.comment_discussion(REPO, 1, " ünï\n").await.unwrap();
    assert_eq!((comment.content.as_str(), comment.edited, comment.author.as_str()), (" ünï\n", false, "ann"));
    let edited = ann.edit_discussion_comment(REPO, 1, comment.id.to_uppercase(), "better").await.unwrap();
    assert_eq!((edited.content.as_str(), edited.edited, &edited.id), ("better", true, &comment.id));
    let refused = hub.api.edit_discussion_comment(REPO, 1, &comment.id, "mine").await.unwrap_err();
    assert_eq!(refused.status(), Some(403), "{refused}");
    let hidden = hub.api.hide_discussion_comment(REPO, 1, &comment.id).await.unwrap();
    assert!(hidden.hidden && !hidden.content.contains("better"), "{hidden:?}");
    let details = ann.get_discussion_details(REPO, 1).await.unwrap();
    assert_eq!(details.events.last(), Some(&DiscussionEvent::Comment(hidden)));
    let late = ann.edit_discussion_comment(REPO, 1, &comment.id, "again").await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::BadRequest);
    let ben = hub.other("ben").await;
    let first = first_comment(&details).id.clone();
    assert_eq!(ben.hide_discussion_comment(REPO, 1, first).await.unwrap_err().status(), Some(403));
    assert_eq!(ben.comment_discussion(REPO, 1, " ").await.unwrap_err().kind(), ErrorKind::BadRequest);
    assert_eq!(ben.comment_discussion(REPO, 9, "x").await.unwrap_err().status(), Some(404));
}

#[tokio::test]
async fn titles_and_status_change_and_leave_a_trace() {
    let hub = hub().await;
    let ann = hub.other("ann").await;
    hub.api.create_discussion(REPO, "Old title").await.unwrap();
    let renamed = hub.api.rename_discussion(REPO, 1, "New title").await.unwrap();
    assert_eq!((renamed.old_title.as_str(), renamed.new_title.as_str()), ("Old title", "New title"));
    let closed = hub.api.change_discussion_status(REPO, 1, "closed").comment(" Done. ").await.unwrap();
    assert_eq!(closed.new_status, DiscussionStatus::Closed);
    let again = hub.api.change_discussion_status(REPO, 1, "closed").await.unwrap_err();
    assert_eq!(again.kind(), ErrorKind::BadRequest);
    for refused in [
        ann.rename_discussion(REPO, 1, "Mine now").await.unwrap_err(),
        ann.change_discussion_status(REPO, 1, "open").await.unwrap_err(),
    ] {
        assert_eq!(refused.status(), Some(403), "{refused}");
    }
    let details = ann.get_discussion_details(REPO, 1).await.unwrap();
    assert_eq!(kinds(&details), ["comment", "title-change", "comment", "status-change"]);
    assert_eq!((details.title.as_str(), &details.status), ("New title", &DiscussionStatus::Closed));
    let DiscussionEvent::Comment(why) = &details.events[2] else { panic!("{:?}", details.events[2]) };
    assert_eq!(why.content, "Done.");
    hub.api.change_discussion_status(REPO, 1, "open").await.unwrap();
    assert_eq!(ann.get_discussion_details(REPO, 1).await.unwrap().status, DiscussionStatus::Open);
}

#[tokio::test]
async fn a_merged_pull_request_moves_the_branch() {
    let hub = hub().await;
    let ann = hub.other("ann").await;
    let proposed = propose(&ann, "a.txt", "one\nTWO\nthree\n", None).await;
    assert_eq!(proposed.pr_num, Some(1));
    // Meanwhile the branch moves on elsewhere.
    hub.commit(REPO, &[("c.txt", "c\n")]).await;
    let before = hub.api.get_discussion_details(REPO, 1).await.unwrap();
    assert_eq!(
        (&before.status, before.target_branch.as_deref()),
        (&DiscussionStatus::Open, Some("refs/heads/main"))
    );
    assert_eq!(before.conflicting_files, Some(ConflictingFiles::Files(Vec::new())));
    let diff = before.diff.as_deref().unwrap();
    assert!(diff.contains("-two\n+TWO\n") && !diff.contains("c.txt"), "{diff}");
    let wanted = blob(&hub.api, "refs/pr/1", "a.txt").await;
    assert_ne!(blob(&hub.api, "main", "a.txt").await, wanted);

    assert_eq!(ann.merge_pull_request(REPO, 1).await.unwrap_err().status(), Some(403));
    hub.api.merge_pull_request(REPO, 1).comment("Thank you!").await.unwrap();
    assert_eq!(blob(&hub.api, "main", "a.txt").await, wanted);
    assert!(blob(&hub.api, "main", "c.txt").await.is_some(), "what happened meanwhile stays");
    let after = hub.api.get_discussion_details(REPO, 1).await.unwrap();
    assert_eq!(after.status, DiscussionStatus::Merged);
    let head = hub.api.model_info(REPO).await.unwrap().sha;
    assert!(head.is_some() && after.merge_commit_oid == head, "{after:?}");
    assert_eq!(kinds(&after)[kinds(&after).len() - 3..], ["commit", "comment", "status-change"]);
    assert!(after.diff.as_deref().unwrap().contains("+TWO"));
    let last = hub.api.list_repo_commits(REPO).await.unwrap().remove(0);
    assert_eq!(last.title, "Change a.txt (#1)");
    assert!(last.message.contains(&proposed.oid), "{}", last.message);
    assert_eq!(hub.api.merge_pull_request(REPO, 1).await.unwrap_err().kind(), ErrorKind::BadRequest);
}

#[tokio::test]
async fn conflicts_are_listed_and_keep_a_pull_request_from_being_merged() {
    let hub = hub().await;
    propose(&hub.api, "a.txt", "one\nTWO\nthree\n", None).await;
    let ours = hub.commit(REPO, &[("a.txt", "one\n2\nthree\n")]).await;
    let details = hub.api.get_discussion_details(REPO, 1).await.unwrap();
    assert_eq!(details.conflicting_files, Some(ConflictingFiles::Files(vec!["a.txt".to_owned()])));
    let error = hub.api.merge_pull_request(REPO, 1).await.unwrap_err();
    assert_eq!(error.status(), Some(409));
    assert!(error.to_string().contains("a.txt"), "{error}");
    assert_eq!(hub.api.model_info(REPO).await.unwrap().sha.as_deref(), Some(ours.as_str()));
    assert_eq!(hub.api.get_discussion_details(REPO, 1).await.unwrap().status, DiscussionStatus::Open);
    // A further commit that says the same as the branch ends the conflict.
    propose(&hub.api, "a.txt", "one\n2\nthree\n", Some("refs/pr/1")).await;
    hub.api.merge_pull_request(REPO, 1).await.unwrap();
}

#[tokio::test]
async fn a_draft_gets_commits_is_opened_and_merged() {
    let hub = hub().await;
    let draft = hub.api.create_pull_request(REPO, "Add d").description("later").await.unwrap();
    assert_eq!((&draft.status, draft.is_pull_request), (&DiscussionStatus::Draft, true));
    assert_eq!((draft.diff.as_deref(), draft.git_reference.as_deref()), (Some(""), Some("refs/pr/1")));
    let refs = hub.api.list_repo_refs(REPO).include_pull_requests(true).await.unwrap();
    assert_eq!(refs.pull_requests.unwrap()[0].name, "refs/pr/1");
    propose(&hub.api, "d.txt", "d\n", Some("refs/pr/1")).await;
    assert_eq!(hub.api.merge_pull_request(REPO, 1).await.unwrap_err().kind(), ErrorKind::BadRequest);
    hub.api.change_discussion_status(REPO, 1, "open").await.unwrap();
    hub.api.merge_pull_request(REPO, 1).await.unwrap();
    assert!(blob(&hub.api, "main", "d.txt").await.is_some());
    let details = hub.api.get_discussion_details(REPO, 1).await.unwrap();
    assert_eq!(kinds(&details), ["comment", "commit", "status-change", "status-change"]);
}

#[tokio::test]
async fn a_pull_request_goes_to_the_branch_it_was_made_for() {
    let hub = hub().await;
    hub.api.create_branch(REPO, "dev/x").await.unwrap();
    let main = hub.api.model_info(REPO).await.unwrap().sha;
    let add = CommitOperation::add("new.txt", b"n".to_vec());
    let commit = hub.api.create_commit(Arg::<RepoId>::from(REPO), [add], "Add new.txt");
    commit.revision("dev/x").create_pr(true).await.unwrap();
    let details = hub.api.get_discussion_details(REPO, 1).await.unwrap();
    assert_eq!(details.target_branch.as_deref(), Some("refs/heads/dev/x"));
    hub.api.merge_pull_request(REPO, 1).await.unwrap();
    assert!(blob(&hub.api, "dev/x", "new.txt").await.is_some());
    assert_eq!(hub.api.model_info(REPO).await.unwrap().sha, main);
}

#[tokio::test]
async fn a_discussion_has_nothing_to_merge() {
    let hub = hub().await;
    hub.api.create_discussion(REPO, "Hello").await.unwrap();
    assert_eq!(hub.api.merge_pull_request(REPO, 1).await.unwrap_err().kind(), ErrorKind::BadRequest);
    hub.clear_requests();
    assert_eq!(hub.api.merge_pull_request(REPO, 0).await.unwrap_err().kind(), ErrorKind::InvalidArgument);
    assert!(hub.requests().is_empty());
}

#[tokio::test]
async fn an_edited_comment_is_read_as_it_is_now() {
    let hub = hub().await;
    hub.api.create_discussion(REPO, "Hello").await.unwrap();
    let comment = hub.api.comment_discussion(REPO, 1, "first").await.unwrap();
    hub.api.edit_discussion_comment(REPO, 1, comment.id, "better").await.unwrap();
    let details = hub.stranger().get_discussion_details(REPO, 1).await.unwrap();
    let Some(DiscussionEvent::Comment(read)) = details.events.last() else { panic!("{details:?}") };
    assert_eq!((read.content.as_str(), read.edited), ("better", true));
}

#[tokio::test]
async fn a_pull_request_is_opened_by_either_method() {
    let hub = hub().await;
    hub.api.create_discussion(REPO, "One").pull_request(true).description("why one").await.unwrap();
    hub.api.create_pull_request(REPO, "Two").description("why two").await.unwrap();
    let listed = hub.api.get_repo_discussions(REPO).discussion_type("pull_request").await.unwrap();
    assert_eq!(listed.iter().map(|found| found.title.as_str()).collect::<Vec<_>>(), ["Two", "One"]);
    for (num, text) in [(1, "why one"), (2, "why two")] {
        let details = hub.api.get_discussion_details(REPO, num).await.unwrap();
        assert_eq!(first_comment(&details).content, text);
    }
}

#[tokio::test]
async fn a_merge_says_why() {
    let hub = hub().await;
    propose(&hub.api, "a.txt", "new", None).await;
    hub.api.merge_pull_request(REPO, 1).comment(" Thank you! ").await.unwrap();
    let details = hub.api.get_discussion_details(REPO, 1).await.unwrap();
    let mut comments = details.events.iter().filter_map(|event| match event {
        DiscussionEvent::Comment(comment) => Some(comment.content.as_str()),
        _ => None,
    });
    assert_eq!(comments.next_back(), Some("Thank you!"));
}

#[tokio::test]
async fn a_discussion_of_a_dataset_is_not_that_of_the_model_of_its_name() {
    let (hub, dataset) = (hub().await, RepoType::Dataset);
    hub.api.create_repo(REPO).repo_type(dataset).await.unwrap();
    hub.api.create_discussion(REPO, "Of the model").await.unwrap();
    hub.api.create_discussion(REPO, "Of the dataset").repo_type(dataset).await.unwrap();
    let model = hub.api.get_discussion_details(REPO, 1).await.unwrap();

    let comment = hub.api.comment_discussion(REPO, 1, "one").repo_type(dataset).await.unwrap();
    hub.api.edit_discussion_comment(REPO, 1, &comment.id, "two").repo_type(dataset).await.unwrap();
    hub.api.hide_discussion_comment(REPO, 1, &comment.id).repo_type(dataset).await.unwrap();
    hub.api.rename_discussion(REPO, 1, "Renamed").repo_type(dataset).await.unwrap();
    hub.api.change_discussion_status(REPO, 1, "closed").repo_type(dataset).await.unwrap();

    let details = hub.api.get_discussion_details(REPO, 1).repo_type(dataset).await.unwrap();
    assert_eq!(kinds(&details), ["comment", "comment", "title-change", "status-change"]);
    assert_eq!((details.title.as_str(), &details.status), ("Renamed", &DiscussionStatus::Closed));
    let DiscussionEvent::Comment(hidden) = &details.events[1] else { panic!("{details:?}") };
    assert!(hidden.hidden);
    assert_eq!(hub.api.get_discussion_details(REPO, 1).await.unwrap(), model);
}

#[tokio::test]
async fn a_pull_request_to_a_dataset_is_merged_there() {
    let (hub, dataset) = (hub().await, RepoType::Dataset);
    hub.api.create_repo(REPO).repo_type(dataset).await.unwrap();
    let add = [CommitOperation::add("rows.csv", b"1".to_vec())];
    let commit = hub.api.create_commit(REPO, add, "Add rows").repo_type(dataset).create_pr(true);
    let num = commit.await.unwrap().pr_num.unwrap();
    hub.api.merge_pull_request(REPO, num).repo_type(dataset).await.unwrap();
    assert!(hub.api.file_exists(REPO, "rows.csv").repo_type(dataset).await.unwrap());
    assert!(!hub.api.file_exists(REPO, "rows.csv").await.unwrap());
}
