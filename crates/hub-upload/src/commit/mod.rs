//! Commits: from operations to one request, or to none if there is nothing to change.
pub(crate) mod body;
mod copies;
mod lost;
pub(crate) mod operation;
mod readme;
mod send;

use crate::place::Place;
use crate::progress::{Observer, SkipReason, UploadEvent, report_skipped};
use crate::sort::{Decision, Kept, Sorted, sort};
use body::{CommitBody, Line};
use copies::Copied;
use hub_api::{Arg, Error, ErrorKind, HfApi, Http, Result, Run, request};
use hub_http::{Context as _, MAX_LISTING_BYTES, blocking};
use hub_types::{CommitInfo, RepoId, RepoType, Revision};
use operation::{Addition, CommitOperation, Step};
use serde::Deserialize;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// How many files are sent at once unless said otherwise.
const FILES_AT_ONCE: usize = 5;

request! {
    /// Makes a commit of files to add, delete and copy.
    ///
    /// Large files go to the LFS storage first, each content once and only if the Hub does not have it; small ones go
    /// with the commit. Files that the repository has with the same content are left out; if nothing is left, no
    /// commit is made and the current one is described. Nothing is committed if a file changes meanwhile. A commit
    /// whose answer was lost is looked for before it is sent again, and names the commit that it expects as its parent,
    /// so that it is never made twice. If others move the branch meanwhile, it follows.
    /// Needs a token that may write to the repository, or may read it with `create_pr`.
    /// `POST /api/{type}s/{repo_id}/preupload/{revision}`, the LFS protocol at `/{repo_id}.git/info/lfs`, then
    /// `POST /api/{type}s/{repo_id}/commit/{revision}`.
    ///
    /// # Errors
    /// `InvalidArgument` if a parameter cannot be used, a file does not exist, or the metadata in `README.md` is
    /// refused; `RepositoryNotFound`, `RevisionNotFound`; `EntryNotFound` if a file to delete or copy does not exist;
    /// `ParentMoved` if the branch is not at `parent_commit`; `SourceChanged` if a local file changed meanwhile;
    /// `UploadLost` if the storage took a file and does not have it.
    ///
    /// ```no_run
    /// # async fn example(api: hub_api::HfApi) -> hub_api::Result<()> {
    /// use hub_upload::{CommitOperation, Uploads as _};
    ///
    /// let operations = [
    ///     CommitOperation::add("model.safetensors", "./out/model.safetensors"),
    ///     CommitOperation::delete("pytorch_model.bin"),
    /// ];
    /// let commit = api.create_commit("me/model", operations, "Use safetensors").await?;
    /// println!("{}", commit.commit_url);
    /// # Ok(())
    /// # }
    /// ```
    pub fn create_commit(
        /// The repository.
        repo_id: Arg<RepoId>,
        /// What the commit does, in order.
        operations: Vec<CommitOperation>,
        /// The first line of the message; not empty.
        commit_message: String,
    ) -> CommitInfo;

    /// The parameters of [`Uploads::create_commit`](crate::Uploads::create_commit).
    pub struct CreateCommitRequest {
        /// The rest of the message.
        commit_description: Option<String>,
        /// The kind of repository; a model if unset.
        repo_type: Option<RepoType>,
        /// The branch to commit to; the default branch if unset.
        revision: Option<Arg<Revision>>,
        /// Whether the commit makes a pull request against the branch.
        create_pr: Option<bool>,
        /// How many large files are sent at once; 5 if unset.
        num_threads: Option<usize>,
        /// The commit that the branch has to be at, in 5 to 40 hex digits; a pull request begins at it.
        parent_commit: Option<String>,
    }
}

impl Run for CreateCommitRequest {
    async fn run(self, api: HfApi) -> Result<CommitInfo> {
        let place = Place::new(self.repo_type, &self.repo_id, self.revision.as_ref(), self.create_pr)?;
        let mut commit =
            Commit::new(api, place, self.commit_message, self.commit_description, self.parent_commit)?;
        commit.files_at_once = self.num_threads.unwrap_or(FILES_AT_ONCE);
        commit.make(self.operations).await
    }
}

/// A commit to be made: everything but what it does.
pub(crate) struct Commit {
    pub(crate) api: HfApi,
    pub(crate) place: Place,
    pub(crate) message: String,
    pub(crate) description: String,
    pub(crate) parent: Option<String>,
    pub(crate) files_at_once: usize,
    pub(crate) observer: Observer,
}

impl Commit {
    /// Checks the parameters of a commit.
    pub(crate) fn new(
        api: HfApi,
        place: Place,
        message: String,
        description: Option<String>,
        parent: Option<String>,
    ) -> Result<Self> {
        if message.is_empty() {
            return Err(Error::invalid("commit_message must not be empty"));
        }
        if let Some(parent) = &parent
            && !(5..=40).contains(&parent.len()) | !parent.bytes().all(|c| c.is_ascii_hexdigit())
        {
            return Err(Error::invalid(format!(
                "invalid parent_commit {parent:?}: it must be 5 to 40 hex digits"
            )));
        }
        let description = description.unwrap_or_default();
        let (files_at_once, observer) = (FILES_AT_ONCE, Observer::current());
        Ok(Self { api, place, message, description, parent, files_at_once, observer })
    }

    /// Makes the commit, unless there is nothing to change.
    pub(crate) async fn make(&self, operations: Vec<CommitOperation>) -> Result<CommitInfo> {
        let steps = prepare(operations).await?;
        operation::refuse_files_as_folders(&steps)?;
        self.warn_about(&steps);
        let additions: Arc<Vec<Addition>> = Arc::new(steps.iter().filter_map(Step::as_addition).collect());
        let bytes = additions.iter().map(|addition| addition.file.size()).sum();
        self.observer.tell(UploadEvent::Started { files: additions.len(), bytes });

        if let Some(text) = text_of("README.md", &additions).await? {
            readme::validate(&self.api, self.place.repo_type, text).await?;
        }
        let gitignore = text_of(".gitignore", &additions).await?;
        let sorted = sort(
            &self.api,
            &self.place,
            &additions,
            gitignore.as_deref(),
            self.files_at_once,
            &self.observer,
        );
        let Sorted { decisions, head } = sorted.await.map_err(hint_at_create_repo)?;

        let ignored = additions.iter().zip(&decisions).filter(|(_, decision)| decision.kept == Kept::Ignored);
        let ignored: Vec<_> = ignored.map(|(addition, _)| (&*addition.path, SkipReason::Ignored)).collect();
        let all_but_ignored = additions.len() - ignored.len();
        report_skipped(&self.observer, ignored);
        let steps = without_superfluous(steps, decisions);
        let added = steps.iter().filter(|(step, _)| matches!(step, Step::Add(_))).count();
        let (unchanged, others) = (all_but_ignored.saturating_sub(added), steps.len() - added);
        self.observer.tell(UploadEvent::Decided { added, unchanged, others });
        if steps.is_empty() {
            tracing::warn!("no file differs from what `{}` has; no commit is made", self.place.repo_id);
            return self.current().await;
        }
        let copied = copies::fetch(&self.api, &self.place, &steps).await?;
        let deletes = steps.iter().any(|(step, _)| matches!(step, Step::Delete { .. }));
        let body = self.body(steps, copied);
        let (operations, bytes) = (body.lines.len(), body.length(self.parent.as_deref()));
        self.observer.tell(UploadEvent::Committing { operations, bytes });
        let made = send::send(self, &body, head).await;
        made.map_err(hint_at_create_repo)
            .map_err(|error| if deletes { hint_at_folders(error) } else { error })
    }

    /// The commit that the branch is at.
    async fn head(&self) -> Result<String> {
        #[derive(Deserialize)]
        struct Head {
            sha: String,
        }
        let path = self.place.api_at("revision", &self.place.revision);
        let answer = self.api.exchange(Http::get(path).max_answer_bytes(MAX_LISTING_BYTES)).await;
        Ok(answer.map_err(hint_at_create_repo)?.json::<Head>()?.sha)
    }

    /// Describes the commit that the branch is at.
    async fn current(&self) -> Result<CommitInfo> {
        self.describe(&self.head().await?)
    }

    /// Describes a commit of this message.
    fn describe(&self, oid: &str) -> Result<CommitInfo> {
        let endpoint = self.api.endpoint();
        let Place { repo_type, repo_id, .. } = &self.place;
        let url = format!("{endpoint}/{}{repo_id}/commit/{oid}", repo_type.url_prefix());
        Ok(CommitInfo::new(endpoint, url, &self.message, &self.description, oid)?)
    }

    fn body(&self, steps: Vec<(Step, Option<Decision>)>, mut copied: Copied) -> CommitBody {
        let mut sent_before = Vec::new();
        let mut lines = Vec::with_capacity(steps.len());
        for (step, decision) in steps {
            lines.push(match (step, decision.map(|decision| decision.kept)) {
                (Step::Add(Addition { path, file }), Some(Kept::Lfs(oid))) => {
                    let size = Some(file.size());
                    sent_before.push(file);
                    Line::Lfs { path, oid, size }
                }
                (Step::Add(Addition { path, file }), _) => Line::File { path, file },
                (Step::Delete { path, is_folder: false }, _) => Line::DeletedFile { path },
                (Step::Delete { path, is_folder: true }, _) => Line::DeletedFolder { path },
                (Step::Copy { source, path, revision }, _) => copied.line(source, revision, path),
            });
        }
        CommitBody {
            summary: self.message.clone(),
            description: self.description.clone(),
            lines: Arc::new(lines),
            sent_before: Arc::new(sent_before),
        }
    }

    fn warn_about(&self, steps: &[Step]) {
        operation::warn_on_overwriting(steps);
        if self.place.repo_type != RepoType::Dataset {
            let is_data = |path: &str| path.ends_with(".arrow") || path.ends_with(".parquet");
            let mut data = steps.iter().filter(|step| matches!(step, Step::Add(_)) && is_data(step.path()));
            if let Some(first) = data.next() {
                let others = match data.count() {
                    0 => String::new(),
                    count => format!(" and {count} more"),
                };
                tracing::warn!(
                    "`{}`{others} look like data, and this commits to a {}; datasets have repo_type `dataset`",
                    first.path(),
                    self.place.repo_type
                );
            }
        }
    }
}

impl Step {
    fn as_addition(&self) -> Option<Addition> {
        match self {
            Self::Add(addition) => Some(addition.clone()),
            _ => None,
        }
    }
}

/// Checks all operations and looks at their files.
async fn prepare(operations: Vec<CommitOperation>) -> Result<Vec<Step>> {
    blocking(move || operations.into_iter().map(Step::prepare).collect()).await
}

/// The content of an added file that the commit itself looks into.
pub(crate) async fn text_of(path: &str, additions: &[Addition]) -> Result<Option<String>> {
    let Some(addition) = additions.iter().find(|addition| addition.path == path) else { return Ok(None) };
    let file = addition.file.clone();
    blocking(move || file.text()).await.map(Some)
}

/// Leaves out what the repository ignores and what it has already.
///
/// A file that the same commit also deletes, or adds with other content, is kept: alone its content is the same, after
/// the other operation it is not.
fn without_superfluous(steps: Vec<Step>, decisions: Vec<Decision>) -> Vec<(Step, Option<Decision>)> {
    let mut decisions = decisions.into_iter();
    let decided: Vec<(Step, Option<Decision>)> = steps
        .into_iter()
        .map(|step| {
            let decision = if matches!(step, Step::Add(_)) { decisions.next() } else { None };
            (step, decision)
        })
        .collect();

    let mut written = HashSet::new();
    let mut deleted_folders = HashSet::new();
    for (step, decision) in &decided {
        let superfluous = decision.as_ref().is_some_and(|d| d.unchanged || d.kept == Kept::Ignored);
        if !superfluous {
            written.insert(step.path().trim_end_matches('/').to_owned());
        }
        if let Step::Delete { path, is_folder: true } = step {
            deleted_folders.insert(path.trim_end_matches('/').to_owned());
        }
    }
    let touched = |path: &str| {
        let mut parents = path.match_indices('/').map(|(end, _)| &path[..end]);
        written.contains(path) || parents.any(|parent| deleted_folders.contains(parent))
    };
    let keep = |step: &Step, decision: &Option<Decision>| match decision {
        Some(Decision { kept: Kept::Ignored, .. }) => false,
        Some(Decision { unchanged: true, .. }) => touched(step.path()),
        _ => true,
    };
    let all = decided.len();
    let kept: Vec<_> = decided.into_iter().filter(|(step, decision)| keep(step, decision)).collect();
    if kept.len() < all {
        tracing::info!("{} of {all} files are unchanged or ignored", all - kept.len());
    }
    kept
}

/// Says what to do about a repository that does not exist.
pub(crate) fn hint_at_create_repo(error: Error) -> Error {
    if error.kind() != ErrorKind::RepositoryNotFound {
        return error;
    }
    let hint = || "a commit needs a repository that exists; `create_repo` makes one".to_owned();
    Err::<(), _>(error).with(hint).unwrap_err()
}

/// Says what may be wrong with a path that is not there.
fn hint_at_folders(error: Error) -> Error {
    if error.kind() != ErrorKind::EntryNotFound {
        return error;
    }
    let hint = || "a folder to delete is named with a slash at its end or with is_folder".to_owned();
    Err::<(), _>(error).with(hint).unwrap_err()
}

/// What a path is after a commit, as far as the lines say: the last one counts.
fn effects(lines: &[Line]) -> HashMap<&str, &Line> {
    let mut effects = HashMap::new();
    for line in lines {
        match line {
            Line::File { path, .. } | Line::Lfs { path, .. } | Line::DeletedFile { path } => {
                effects.insert(&**path, line);
            }
            Line::DeletedFolder { path } => {
                let folder = path.trim_end_matches('/');
                effects
                    .retain(|other, _| other.strip_prefix(folder).is_none_or(|rest| !rest.starts_with('/')));
                effects.insert(folder, line);
            }
        }
    }
    effects
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::LocalFile;

    fn add(path: &str) -> Step {
        Step::Add(Addition { path: path.into(), file: LocalFile::of_bytes("x".into()) })
    }

    fn decision(unchanged: bool) -> Decision {
        Decision { kept: Kept::Regular, unchanged }
    }

    fn kept(steps: Vec<Step>, decisions: Vec<Decision>) -> Vec<String> {
        let steps = without_superfluous(steps, decisions);
        steps.iter().map(|(step, _)| step.path().to_owned()).collect()
    }

    fn delete(path: &str, is_folder: bool) -> Step {
        Step::Delete { path: path.into(), is_folder }
    }

    #[test]
    fn unchanged_and_ignored_files_are_left_out() {
        let ignored = Decision { kept: Kept::Ignored, unchanged: false };
        let steps = vec![add("a"), delete("old", false), add("b"), add("c")];
        assert_eq!(kept(steps, vec![decision(true), decision(false), ignored]), ["old", "b"]);
    }

    #[test]
    fn what_is_deleted_in_the_same_commit_is_added_again() {
        let steps = vec![delete("d/", true), add("d/a"), add("e/a"), delete("f", false), add("f")];
        let unchanged = vec![decision(true), decision(true), decision(true)];
        assert_eq!(kept(steps, unchanged), ["d/", "d/a", "f", "f"]);
    }

    #[test]
    fn of_two_additions_to_one_path_none_is_lost() {
        let steps = vec![add("a"), add("a"), add("b"), add("b")];
        let decisions = vec![decision(false), decision(true), decision(true), decision(true)];
        assert_eq!(kept(steps, decisions), ["a", "a"]);
    }

    #[test]
    fn a_commit_needs_a_message_and_a_plausible_parent() {
        let place = || Place::new(None, &"me/it".into(), None, None).unwrap();
        let api = HfApi::new(hub_http::Config::new("http://hub.test", "/nowhere").unwrap());
        let new = |message: &str, parent: Option<&str>| {
            Commit::new(api.clone(), place(), message.into(), None, parent.map(str::to_owned)).map(|_| ())
        };
        assert!(new("m", None).is_ok());
        assert!(new("m", Some("ABCdef0")).is_ok());
        for (message, parent) in
            [("", None), ("m", Some("zzz")), ("m", Some("abcd")), ("m", Some("g1234")), ("m", Some(""))]
        {
            assert_eq!(new(message, parent).unwrap_err().kind(), ErrorKind::InvalidArgument, "{parent:?}");
        }
        assert!(new("m", Some(&"a".repeat(41))).is_err());
    }

    #[test]
    fn of_several_lines_for_a_path_the_last_counts() {
        let file = |path: &str| Line::File { path: path.into(), file: LocalFile::of_bytes("".into()) };
        let lines = [
            file("d/a"),
            file("da"),
            Line::DeletedFolder { path: "d/".into() },
            file("d/b"),
            Line::DeletedFile { path: "da".into() },
        ];
        let effects = effects(&lines);
        let mut paths: Vec<_> = effects.keys().copied().collect();
        paths.sort_unstable();
        assert_eq!(paths, ["d", "d/b", "da"]);
        assert!(matches!(effects["da"], Line::DeletedFile { .. }));
    }
}
