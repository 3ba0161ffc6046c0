//! A Hub with a repository of two commits, work on its files, and what must hold after a crash during that work.
use hub_api::types::{CommitHash, RepoId};
use hub_api::{Arg, Config, HfApi, Token};
use hub_cache::{Downloads as _, prune_partials, scan_cache_dir};
use hub_local::{LocalHub, Method};
use hub_upload::{CommitOperation, Uploads as _};
use sha1::Digest as _;
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// The repository that is downloaded.
pub const REPO: &str = "local/m";
/// The file that is larger than what is received in memory.
pub const LARGE: &str = "model.bin";
/// The size of [`LARGE`].
pub const LARGE_BYTES: usize = 5 << 19;
/// A file of the user's in the `local_dir`.
const USER_FILE: &str = "user.txt";

/// What a step of the harness gives, or what does not hold.
pub type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// Work whose crash is tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    DownloadSmall,
    DownloadLarge,
    DownloadMissing,
    DownloadIntoFolder,
    Snapshot,
    SnapshotIntoFolder,
    DeleteRevision,
    DeleteRepo,
    Prune,
}

impl Action {
    const ALL: [Self; 9] = [
        Self::DownloadSmall,
        Self::DownloadLarge,
        Self::DownloadMissing,
        Self::DownloadIntoFolder,
        Self::Snapshot,
        Self::SnapshotIntoFolder,
        Self::DeleteRevision,
        Self::DeleteRepo,
        Self::Prune,
    ];

    fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|action| format!("{action:?}") == name)
    }

    /// Whether it puts files into the `local_dir`.
    pub fn is_local(self) -> bool {
        matches!(self, Self::DownloadIntoFolder | Self::SnapshotIntoFolder)
    }

    /// Whether it puts a file of this path into place.
    fn wants(self, path: &str) -> bool {
        match self {
            Self::DownloadSmall => path == "config.json",
            Self::DownloadLarge | Self::DownloadIntoFolder => path == LARGE,
            Self::Snapshot | Self::SnapshotIntoFolder => true,
            _ => false,
        }
    }
}

/// The cache folder below the root of a scenario.
pub fn cache_of(root: &Path) -> PathBuf {
    root.join("cache")
}

/// The `local_dir` below the root of a scenario.
pub fn local_of(root: &Path) -> PathBuf {
    root.join("local")
}

/// The folder of the repository in the cache.
pub fn repo_of(root: &Path) -> PathBuf {
    cache_of(root).join("models--local--m")
}

/// Does the work.
pub async fn perform(action: Action, api: &HfApi, root: &Path, first: &str) -> Outcome {
    let (cache, local) = (cache_of(root), local_of(root));
    match action {
        Action::DownloadSmall => drop(api.hf_hub_download(REPO, "config.json").await?),
        Action::DownloadLarge => drop(api.hf_hub_download(REPO, LARGE).await?),
        Action::DownloadIntoFolder => drop(api.hf_hub_download(REPO, LARGE).local_dir(local).await?),
        Action::Snapshot => drop(api.snapshot_download(REPO).await?),
        Action::SnapshotIntoFolder => drop(api.snapshot_download(REPO).local_dir(local).await?),
        Action::DownloadMissing => {
            let error = api.hf_hub_download(REPO, "absent.txt").await.err().ok_or("an absent file came")?;
            if error.kind() != hub_http::ErrorKind::EntryNotFound {
                return Err(error.into());
            }
        }
        Action::DeleteRevision => scan_cache_dir(&cache)?.delete_revisions([first.parse()?]).execute()?,
        Action::DeleteRepo => {
            let found = scan_cache_dir(&cache)?;
            let revisions = found.repos.iter().flat_map(|repo| &repo.revisions);
            let commits: Vec<CommitHash> = revisions.map(|revision| revision.commit_hash.clone()).collect();
            found.delete_revisions(commits).execute()?;
        }
        Action::Prune => drop(prune_partials(&cache)?),
    }
    Ok(())
}

/// A client whose cache is below a root.
pub fn client(endpoint: &str, token: &str, root: &Path, is_offline: bool) -> Outcome<HfApi> {
    let mut config = Config::new(endpoint, root)?;
    config.cache_dir = cache_of(root);
    config.retry.base = Duration::from_millis(1);
    config.offline = is_offline;
    Ok(HfApi::new(config.with_token(Token::parse(token)?)))
}

/// The command that does the work in a process of its own; [`run_child`] is what it runs.
pub fn child(world: &World, action: Action, root: &Path) -> Outcome<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    let first = &world.first.commit;
    command.args(["child", &format!("{action:?}"), world.hub.endpoint(), world.hub.token(), first]).arg(root);
    Ok(command)
}

/// Does the work that the arguments of this process name.
pub async fn run_child(arguments: &[String]) -> Outcome {
    let [action, endpoint, token, first, root] = arguments else {
        return Err("a child takes five arguments".into());
    };
    let root = Path::new(root);
    let action = Action::parse(action).ok_or("unknown action")?;
    perform(action, &client(endpoint, token, root, false)?, root, first).await
}

/// A commit of the repository.
#[derive(Debug, Default)]
pub struct Version {
    pub commit: String,
    /// The content and the name of the blob of each path.
    pub files: BTreeMap<String, (Vec<u8>, String)>,
}

/// A Hub with two commits of a repository; the second is that of the branch.
pub struct World {
    pub hub: LocalHub,
    pub first: Version,
    pub second: Version,
    pub scratch: tempfile::TempDir,
}

/// Bytes that cannot be compressed and differ by seed.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut bytes = vec![0; length];
    random.fill(&mut bytes);
    bytes
}

impl World {
    /// Starts the Hub and commits the files.
    pub async fn start(large_bytes: usize) -> Outcome<Self> {
        let hub = LocalHub::builder().start().await?;
        let scratch = tempfile::tempdir()?;
        let mut world = Self { hub, first: Version::default(), second: Version::default(), scratch };
        world.api(&world.scratch.path().join("setup"))?.create_repo(REPO).await?;
        let first = vec![
            ("config.json", b"{\"version\": 1}".to_vec()),
            (LARGE, noise(large_bytes, 1)),
            ("onnx/model.onnx", noise(200 << 10, 2)),
            ("sub/deep/notes.txt", b"notes".to_vec()),
            ("sub/twin.txt", b"notes".to_vec()),
        ];
        world.first = world.commit(first).await?;
        let second = vec![
            ("config.json", b"{\"version\": 2}".to_vec()),
            ("onnx/model.onnx", noise(200 << 10, 3)),
            ("new/added.txt", b"added".to_vec()),
        ];
        world.second = world.commit(second).await?;
        Ok(world)
    }

    async fn commit(&self, files: Vec<(&str, Vec<u8>)>) -> Outcome<Version> {
        let root = self.scratch.path().join(format!("reference-{}", fastrand::u64(..)));
        let api = self.api(&root)?;
        let operations: Vec<_> =
            files.iter().map(|(path, content)| CommitOperation::add(*path, content.clone())).collect();
        let commit = api.create_commit(Arg::<RepoId>::from(REPO), operations, "add files").await?.oid;
        self.hub.clear_requests();
        let folder = api.snapshot_download(REPO).revision(commit.as_str()).await?;
        let sent = self.sent();
        let mut version = Version { commit, files: BTreeMap::new() };
        for path in files_below(&folder)? {
            let blob = fs::read_link(folder.join(&path))?;
            let blob = blob.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
            version.files.insert(path.clone(), (fs::read(folder.join(&path))?, blob));
        }
        let blobs: BTreeMap<_, _> =
            version.files.values().map(|(content, blob)| (blob, content.len() as u64)).collect();
        let bytes: u64 = blobs.values().sum();
        let surplus = surplus(version.files[LARGE].0.len());
        if sent < bytes || sent > bytes + surplus {
            return Err(format!("{sent} bytes were counted for blobs of {bytes} bytes").into());
        }
        for (path, content) in files {
            if version.files.get(path).is_none_or(|(read, _)| *read != content) {
                return Err(format!("{path} did not come back as it was committed").into());
            }
        }
        Ok(version)
    }

    /// A client whose cache is below a root.
    pub fn api(&self, root: &Path) -> Outcome<HfApi> {
        client(self.hub.endpoint(), self.hub.token(), root, false)
    }

    /// The version of a commit.
    fn version(&self, commit: &str) -> Option<&Version> {
        [&self.first, &self.second].into_iter().find(|version| version.commit == commit)
    }

    /// The bytes of files that the Hub has sent.
    pub fn sent(&self) -> u64 {
        let requests = self.hub.requests();
        let content = requests.iter().filter(|request| {
            let is_body = matches!(request.status, Some(200 | 206));
            request.method == Method::GET && !request.path.starts_with("/api/") && is_body
        });
        content.map(|request| request.body_bytes_sent).sum()
    }

    /// Asserts what must hold after a crash, runs the work again, and asserts that it fetched only what was missing.
    pub async fn check(&self, action: Action, root: &Path, crash: Crash) -> Outcome {
        invariants(root, crash)?;
        self.check_snapshots(root)?;
        self.check_offline(root, action.is_local()).await.map_err(|error| format!("offline: {error}"))?;
        let missing = self.missing(action, root)?;
        self.hub.clear_requests();
        perform(action, &self.api(root)?, root, &self.first.commit)
            .await
            .map_err(|error| format!("the next run: {error}"))?;
        let sent = self.sent();
        if sent > missing + surplus(self.second.files[LARGE].0.len()) {
            return Err(format!("the next run fetched {sent} bytes, and {missing} were missing").into());
        }
        invariants(root, crash)?;
        self.check_done(action, root).await.map_err(|error| format!("after the next run: {error}").into())
    }

    /// Asserts that the folders of the commits have nothing but the files of the commits.
    fn check_snapshots(&self, root: &Path) -> Outcome {
        for version in [&self.first, &self.second] {
            for path in files_below(&repo_of(root).join("snapshots").join(&version.commit))? {
                if !version.files.contains_key(&path) {
                    return Err(format!("`{path}` is in the folder of a commit and not in the commit").into());
                }
            }
        }
        Ok(())
    }

    /// Reads everything without a network: nothing may be returned that is not whole.
    async fn check_offline(&self, root: &Path, is_local: bool) -> Outcome {
        let api = client(self.hub.endpoint(), self.hub.token(), root, true)?;
        let mut paths: BTreeSet<&String> = self.first.files.keys().collect();
        paths.extend(self.second.files.keys());
        let revisions = ["main", self.first.commit.as_str(), self.second.commit.as_str()];
        for revision in revisions {
            for path in &paths {
                if let Ok(found) = api.hf_hub_download(REPO, path.as_str()).revision(revision).await {
                    self.expect_in_cache(&found, path)?;
                }
                if is_local {
                    let request = api.hf_hub_download(REPO, path.as_str()).revision(revision);
                    if let Ok(found) = request.local_dir(local_of(root)).await {
                        self.expect_any(&found, path)?;
                    }
                }
            }
            if let Ok(folder) = api.snapshot_download(REPO).revision(revision).await {
                let commit = folder.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let version = self.version(commit).ok_or_else(|| format!("unknown commit `{commit}`"))?;
                // Files that were downloaded alone have no listing, and nothing says what else the commit has.
                if !repo_of(root).join("trees").join(format!("{commit}.json")).exists() {
                    continue;
                }
                for path in version.files.keys() {
                    self.expect_in_cache(&folder.join(path), path)
                        .map_err(|error| format!("a snapshot was returned that is incomplete: {error}"))?;
                }
            }
        }
        Ok(())
    }

    /// Asserts that a path in the folder of a commit has the content of that commit.
    pub fn expect_in_cache(&self, found: &Path, path: &str) -> Outcome {
        let shown = found.display();
        let mut versions = [&self.first, &self.second].into_iter();
        let version = versions.find(|version| found.iter().any(|part| part == version.commit.as_str()));
        let version = version.ok_or_else(|| format!("{shown} is of no known commit"))?;
        let read = fs::read(found).map_err(|error| format!("{shown}: {error}"))?;
        match version.files.get(path) {
            Some((content, _)) if *content == read => Ok(()),
            _ => Err(format!("{shown} has {} bytes that are not the file's", read.len()).into()),
        }
    }

    fn expect_any(&self, found: &Path, path: &str) -> Outcome {
        let read = fs::read(found)?;
        let mut versions = [&self.first, &self.second].into_iter();
        match versions.any(|version| version.files.get(path).is_some_and(|(content, _)| *content == read)) {
            true => Ok(()),
            false => Err(format!("{} has {} bytes of no version", found.display(), read.len()).into()),
        }
    }

    /// How many bytes of files the work has to fetch: each missing blob once, less what its partials have.
    fn missing(&self, action: Action, root: &Path) -> Outcome<u64> {
        let mut wanted = BTreeMap::new();
        for (path, (content, blob)) in &self.second.files {
            let has = |file: PathBuf| fs::read(file).is_ok_and(|read| read == *content);
            let is_here = has(repo_of(root).join("blobs").join(blob))
                || action.is_local() && has(local_of(root).join(path));
            if action.wants(path) && !is_here {
                wanted.insert(blob, content);
            }
        }
        let folder = match action.is_local() {
            true => local_of(root).join(".cache/huggingface/download"),
            false => repo_of(root).join("blobs"),
        };
        let partials = match fs::read_dir(&folder) {
            Ok(entries) => entries.map(|entry| Ok(entry?.path())).collect::<Outcome<Vec<_>>>()?,
            Err(_) => Vec::new(),
        };
        let mut missing = 0;
        for (blob, content) in wanted {
            let mut has = Vec::new();
            let mut is_damaged = content.len() <= 1 << 20;
            for partial in &partials {
                let name = partial.file_name().and_then(|name| name.to_str()).unwrap_or_default();
                let is_partial = name.ends_with(".partial") || name.ends_with(".incomplete");
                if !name.starts_with(blob.as_str()) || !is_partial {
                    continue;
                }
                let bytes = fs::read(partial)?;
                for (start, end) in ranges(&bytes, content.len()) {
                    is_damaged |= bytes[start..end] != content[start..end];
                    has.push((start, end));
                }
            }
            let of_this = match is_damaged {
                true => content.len(),
                false => content.len() - union(has),
            };
            // What turns out to be damaged was perhaps completed before.
            missing +=
                (of_this + if is_damaged && content.len() > 1 << 20 { content.len() } else { 0 }) as u64;
        }
        Ok(missing)
    }

    /// Asserts that the work is done.
    pub async fn check_done(&self, action: Action, root: &Path) -> Outcome {
        let repo = repo_of(root);
        let snapshots = repo.join("snapshots");
        for path in self.second.files.keys().filter(|path| action.wants(path)) {
            match action.is_local() {
                true => self.expect_any(&local_of(root).join(path), path)?,
                false => self.expect_in_cache(&snapshots.join(&self.second.commit).join(path), path)?,
            }
        }
        if action.wants("config.json") && action.is_local() {
            let read = fs::read(local_of(root).join("config.json"))?;
            if self.second.files["config.json"].0 != read {
                return Err("config.json is of the old commit".into());
            }
        }
        if matches!(action, Action::DownloadSmall | Action::DownloadLarge | Action::Snapshot)
            && fs::read_to_string(repo.join("refs/main"))? != self.second.commit
        {
            return Err("refs/main is not at the new commit".into());
        }
        match action {
            Action::DeleteRevision => {
                if snapshots.join(&self.first.commit).exists() {
                    return Err("the deleted revision is there".into());
                }
                let api = client(self.hub.endpoint(), self.hub.token(), root, true)?;
                let folder = api.snapshot_download(REPO).revision(self.second.commit.as_str()).await?;
                for path in self.second.files.keys() {
                    self.expect_in_cache(&folder.join(path), path)?;
                }
            }
            Action::DeleteRepo if snapshots.exists() && fs::read_dir(&snapshots)?.next().is_some() => {
                return Err("the deleted repository has snapshots".into());
            }
            Action::Prune => {
                for path in files_below(&repo.join("blobs"))? {
                    if path.ends_with(".partial") {
                        return Err(format!("{path} was not pruned").into());
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// How many bytes more than those that are used may be sent for a large file. A connection of several is cut when another
/// one has taken the rest of its range, and what is on its way then is lost.
fn surplus(large_bytes: usize) -> u64 {
    if large_bytes >= 32 << 20 { 16 << 20 } else { 0 }
}

/// The ranges that a partial has, by the form that docs/cache.md describes.
fn ranges(bytes: &[u8], size: usize) -> Vec<(usize, usize)> {
    let Some(journal) = bytes.get(size..).filter(|journal| !journal.is_empty()) else {
        return vec![(0, bytes.len())];
    };
    let Some(lines) = journal.strip_prefix(b"hub-partial 1\n") else { return Vec::new() };
    let whole = lines.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let lines = String::from_utf8_lossy(&lines[..whole]).into_owned();
    let range = |line: &str| {
        let (start, end) = line.split_once(' ')?;
        Some((start.parse().ok()?, end.parse().ok()?))
    };
    lines.lines().filter_map(range).filter(|(start, end)| start < end && *end <= size).collect()
}

/// How many bytes are in one of the ranges.
fn union(mut ranges: Vec<(usize, usize)>) -> usize {
    ranges.sort_unstable();
    let (mut total, mut reached) = (0, 0);
    for (start, end) in ranges {
        total += end.saturating_sub(start.max(reached));
        reached = reached.max(end);
    }
    total
}

/// What kind of crash left a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Crash {
    /// The process ended; everything that it did to the disk is there.
    Process,
    /// The power was cut: what was not synced may be lost.
    #[allow(dead_code, reason = "the kill harness cuts no power")]
    PowerCut,
}

/// Asserts the invariants of a cache and of what is around it.
pub fn invariants(root: &Path, crash: Crash) -> Outcome {
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        if name != "cache" && name != "local" {
            return Err(format!("{} was created outside of the cache", name.display()).into());
        }
    }
    let user = local_of(root).join(USER_FILE);
    if user.exists() && fs::read(&user)? != b"mine" {
        return Err("the user's file was changed".into());
    }
    let repo = repo_of(root);
    for name in files_below(&repo.join("blobs"))? {
        let is_hex = name.bytes().all(|byte| byte.is_ascii_hexdigit());
        let content = fs::read(repo.join("blobs").join(&name))?;
        let hash = match name.len() {
            64 if is_hex => hex::encode(sha2::Sha256::digest(&content)),
            40 if is_hex => {
                let mut hasher = sha1::Sha1::new();
                hasher.update(format!("blob {}\0", content.len()));
                hasher.update(&content);
                hex::encode(hasher.finalize())
            }
            _ if name.ends_with(".partial") || name.ends_with(".incomplete") => continue,
            _ => return Err(format!("blobs/{name} is neither a blob nor a partial").into()),
        };
        if hash != name {
            return Err(format!("blobs/{name} has {} bytes whose hash is {hash}", content.len()).into());
        }
    }
    for name in files_below(&repo.join("refs"))? {
        let text = fs::read_to_string(repo.join("refs").join(&name))?;
        if text.len() != 40 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(format!("refs/{name} holds {text:?}").into());
        }
    }
    for name in files_below(&repo.join("snapshots"))? {
        let pointer = repo.join("snapshots").join(&name);
        if fs::symlink_metadata(&pointer)?.is_symlink() && crash == Crash::Process && !pointer.exists() {
            return Err(format!("snapshots/{name} leads nowhere").into());
        }
    }
    Ok(())
}

/// The files and links below a folder, by their paths in it; nothing if there is no such folder.
pub fn files_below(folder: &Path) -> Outcome<Vec<String>> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return Ok(found) };
    for entry in entries {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type()?.is_dir() {
            found.extend(files_below(&entry.path())?.iter().map(|below| format!("{name}/{below}")));
        } else {
            found.push(name);
        }
    }
    Ok(found)
}
