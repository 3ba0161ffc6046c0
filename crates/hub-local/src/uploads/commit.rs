//! Commits: `POST /api/{kind}s/{id}/commit/{revision}`, a header line and a line for each change.
use super::{MAX_REGULAR_BYTES, ndjson::Lines};
use crate::{
    accounts::{Caller, User, may_write},
    discussions::{self, NewDiscussion},
    git::{BlobWriter, Change, Edit, Git, Pointer, is_sha256},
    repos::{Readable, Repo, refresh},
    state::HubState,
    web::{
        ApiError, Params, Result,
        body::{Chunks, stream_to_thread},
        error::json,
    },
};
use axum::{
    Router,
    extract::{Path, Request, State},
    http::StatusCode,
    response::Response,
    routing::post,
};
use git2::Oid;
use hub_types::{Revision, SafeRelPath};
use serde::Deserialize;
use serde_json::json;

pub(crate) fn repo_routes() -> Router<HubState> {
    Router::new().route("/commit/{revision}", post(commit))
}

#[derive(Deserialize)]
struct At {
    revision: String,
}

#[derive(Deserialize)]
#[serde(tag = "key", content = "value", rename_all = "camelCase")]
enum Line {
    Header(Header),
    File(RegularFile),
    LfsFile(LfsFile),
    DeletedFile(Deleted),
    DeletedFolder(Deleted),
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct Header {
    summary: String,
    #[serde(default)]
    description: Option<String>,
    parent_commit: Option<String>,
}

#[derive(Deserialize)]
struct RegularFile {
    path: String,
    content: String,
    encoding: Option<String>,
}

#[derive(Deserialize)]
struct LfsFile {
    path: String,
    oid: String,
    algo: Option<String>,
    size: Option<u64>,
}

#[derive(Deserialize)]
struct Deleted {
    path: String,
}

/// A commit that is made, and the pull request it opened.
struct Done {
    commit: Oid,
    pull_request: Option<u32>,
}

async fn commit(
    State(state): State<HubState>,
    Path(At { revision }): Path<At>,
    Readable { repo, caller }: Readable,
    params: Params,
    request: Request,
) -> Result<Response> {
    let create_pr = params.flag("create_pr");
    let user = check_writer(&state, &repo, &caller, &revision, create_pr).await?;
    let (shared, target) = (state.clone(), repo.clone());
    let done = stream_to_thread(request.into_body().into_data_stream(), move |chunks| {
        let committer = Committer { state: &shared, repo: &target, user: &user, revision: &revision };
        committer.receive(chunks, create_pr)
    })
    .await?;
    let mut answer = json!({
        "success": true,
        "commitOid": done.commit.to_string(),
        "commitUrl": format!("{}/commit/{}", repo.url(&state), done.commit),
        "hookOutput": "",
    });
    if let Some(num) = done.pull_request {
        answer["pullRequestUrl"] = format!("{}/discussions/{num}", repo.url(&state)).into();
    }
    Ok(json(&answer))
}

struct Committer<'a> {
    state: &'a HubState,
    repo: &'a Repo,
    user: &'a User,
    revision: &'a str,
}

impl Committer<'_> {
    /// Writes the objects while the body arrives; only then, in turn with other commits, moves the reference.
    fn receive(&self, chunks: Chunks, create_pr: bool) -> Result<Done> {
        let oid = &self.repo.oid;
        let (header, changes) = self.state.git.with(oid, |git| self.read(git, chunks))?;
        self.state.git.write(oid, |git| {
            if create_pr {
                self.open_pull_request(git, &header, changes)
            } else {
                self.move_branch(git, &header, changes)
            }
        })
    }

    fn read(&self, git: &Git<'_>, chunks: Chunks) -> Result<(Header, Vec<Change>)> {
        let mut header = None;
        let mut changes = Vec::new();
        let mut blobs = git.blob_writer();
        for line in Lines::<Line>::of(chunks) {
            match line? {
                Line::Header(first) => header = Some(first),
                Line::File(file) => changes.push(write_file(&mut blobs, &file)?),
                Line::LfsFile(file) => changes.push(self.write_pointer(&mut blobs, &file)?),
                Line::DeletedFile(file) => changes.push(Change::DeleteFile(file.path.parse()?)),
                Line::DeletedFolder(folder) => {
                    changes.push(Change::DeleteFolder(folder.path.trim_end_matches('/').parse()?));
                }
            }
        }
        blobs.finish()?;
        let header = header.filter(|header| !header.summary.is_empty());
        let header = header.ok_or_else(|| ApiError::bad_request("a commit needs a header with a summary"))?;
        Ok((header, changes))
    }

    fn write_pointer(&self, blobs: &mut BlobWriter<'_>, file: &LfsFile) -> Result<Change> {
        let refuse = |why: &str| Err(ApiError::bad_request(format!("LFS file {}: {why}", file.path)));
        let is_known_algorithm = file.algo.as_deref().is_none_or(|algo| algo == "sha256");
        if !is_known_algorithm || !is_sha256(&file.oid) {
            return refuse("the oid must be a sha256");
        }
        let Some(size) = self.state.lfs.size(&file.oid) else {
            return refuse(&format!("the object {} was not uploaded", file.oid));
        };
        if file.size.is_some_and(|said| said != size) {
            return refuse(&format!("the object {} has {size} bytes", file.oid));
        }
        let pointer = Pointer { oid: file.oid.clone(), size };
        Ok(Change::Put { path: file.path.parse()?, id: blobs.write(pointer.to_text().into_bytes())? })
    }

    fn move_branch(&self, git: &Git<'_>, header: &Header, changes: Vec<Change>) -> Result<Done> {
        let reference = git
            .moving_reference(self.revision)?
            .ok_or_else(|| ApiError::revision_not_found(self.revision))?;
        let head = git.resolve(&reference)?;
        if let Some(parent) = &header.parent_commit
            && git.resolve(parent)? != head
        {
            let message = "A commit has happened since. Please refresh and try again.";
            return Err(ApiError::new(StatusCode::PRECONDITION_FAILED, message));
        }
        let edit = Edit { parent: Some(head), changes };
        let commit = git.commit(&edit, &self.user.name, &message(header))?;
        self.state.store.with(|connection| {
            if reference == "refs/heads/main" {
                refresh(connection, git, self.repo, commit)?;
            } else if let Some(num) = reference.strip_prefix("refs/pr/").and_then(|num| num.parse().ok()) {
                let data = json!({ "subject": header.summary, "oid": commit.to_string() });
                discussions::add_event(connection, self.repo, num, "commit", &self.user.name, &data)?;
            }
            // Last, so that a failure before it changes nothing. Killed right after it, the database is behind;
            // whoever asks for the repository next brings it up to date.
            git.set_reference(&reference, commit)
        })?;
        Ok(Done { commit, pull_request: None })
    }

    fn open_pull_request(&self, git: &Git<'_>, header: &Header, changes: Vec<Change>) -> Result<Done> {
        let base = match &header.parent_commit {
            Some(parent) => git.resolve(parent)?,
            None => git.resolve(self.revision)?,
        };
        let edit = Edit { parent: Some(base), changes };
        let user = &self.user.name;
        let commit = git.commit(&edit, user, &message(header))?;
        // Tags and commits do not move, so what is based on one is for the default branch.
        let target = git.moving_reference(self.revision)?;
        let target = target.as_deref().map(|name| name.strip_prefix("refs/heads/").unwrap_or(name));
        let num = self.state.store.with(|connection| {
            let new = NewDiscussion {
                title: &header.summary,
                author: user,
                target_branch: target.or(Some(Revision::MAIN)),
                status: "open",
            };
            let num = discussions::open(connection, self.repo, &new)?;
            if let Some(text) = header.description.as_deref().filter(|text| !text.is_empty()) {
                let data = json!({ "content": text });
                discussions::add_event(connection, self.repo, num, "comment", user, &data)?;
            }
            let data = json!({ "subject": header.summary, "oid": commit.to_string() });
            discussions::add_event(connection, self.repo, num, "commit", user, &data)?;
            git.set_reference(&discussions::reference(num), commit)?;
            Ok(num)
        })?;
        Ok(Done { commit, pull_request: Some(num) })
    }
}

fn write_file(blobs: &mut BlobWriter<'_>, file: &RegularFile) -> Result<Change> {
    let path: SafeRelPath = file.path.parse()?;
    let content = match file.encoding.as_deref() {
        Some("base64") => {
            let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, &file.content);
            decoded.map_err(|cause| ApiError::bad_request(format!("{path}: invalid base64: {cause}")))?
        }
        None | Some("utf-8") => file.content.clone().into_bytes(),
        Some(other) => return Err(ApiError::bad_request(format!("{path}: unknown encoding {other}"))),
    };
    if content.len() as u64 > MAX_REGULAR_BYTES {
        return Err(ApiError::bad_request(format!(
            "{path} is larger than 10 MB and has to be an LFS file; ask with preupload"
        )));
    }
    Ok(Change::Put { path, id: blobs.write(content)? })
}

fn message(header: &Header) -> String {
    match header.description.as_deref().map(str::trim) {
        Some(description) if !description.is_empty() => format!("{}\n\n{description}\n", header.summary),
        _ => header.summary.clone(),
    }
}

/// The user, if they may commit to a revision: whoever may write, and for pull requests everybody.
pub(super) async fn check_writer(
    state: &HubState,
    repo: &Repo,
    caller: &Caller,
    revision: &str,
    create_pr: bool,
) -> Result<User> {
    let user = caller.writer()?.clone();
    if create_pr || revision.starts_with("refs/pr/") {
        return Ok(user);
    }
    let (name, owner) = (user.name.clone(), repo.owner().to_owned());
    let allowed = state.store.call(move |connection| may_write(connection, &name, &owner)).await?;
    if !allowed {
        return Err(ApiError::forbidden(format!(
            "You don't have the rights to commit to {}; open a pull request with create_pr=1",
            repo.id
        )));
    }
    Ok(user)
}
