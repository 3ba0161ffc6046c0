//! From files to decisions: what is sent with the commit, what through LFS, and what not at all.
//!
//! Three stages run at once: batches of files are shown to the Hub, which says how each is kept; what has to be
//! hashed is hashed by several threads; and large files are sent as soon as their hash is known.
use crate::commit::operation::Addition;
use crate::hash::{Algorithm, Cancel, digest};
use crate::lfs::{LfsObject, Sender};
use crate::place::Place;
use crate::progress::{Observer, UploadEvent};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hub_api::{Error, ErrorKind, HfApi, Http, Result};
use hub_http::blocking;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::pin::pin;
use std::sync::Arc;
use std::thread;
use tokio::sync::mpsc;

/// How many files the Hub is asked about at once.
const BATCH_FILES: usize = 256;
/// How many such batches are under way.
const BATCHES_AT_ONCE: usize = 4;
/// How much of a file the Hub looks at.
const SAMPLE_BYTES: u64 = 512;
/// Small files are hashed together, up to this many bytes, since changing threads costs more than they do.
const GROUP_BYTES: u64 = 4 << 20;
/// How many files may wait to be hashed together.
const GROUP_FILES: usize = 64;

/// How a file goes into the repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kept {
    /// Within the commit, as a git blob.
    Regular,
    /// In the LFS storage, under this sha256.
    Lfs(String),
    /// Not at all: the repository ignores it.
    Ignored,
}

/// What is known of a file to add after the Hub was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) kept: Kept,
    /// Whether the repository has the file with this content already.
    pub(crate) unchanged: bool,
}

/// What is known of all files to add.
#[derive(Debug, Default)]
pub(crate) struct Sorted {
    /// One decision for each file, in order.
    pub(crate) decisions: Vec<Decision>,
    /// The commit that the Hub compared with.
    pub(crate) head: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    files: Vec<FileAnswer>,
    commit_oid: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileAnswer {
    path: String,
    upload_mode: Mode,
    should_ignore: Option<bool>,
    oid: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Regular,
    Lfs,
}

/// The request that asks how files are kept.
fn request(place: &Place, files: Vec<Value>, gitignore: Option<&str>) -> Http {
    place.post("preupload").json(json!({ "files": files, "gitIgnore": gitignore })).repeatable(true)
}

/// A file that has to be hashed to decide about it.
struct Unhashed {
    index: usize,
    algorithm: Algorithm,
    /// What the repository has under this path.
    remote: Option<String>,
}

struct Hashed {
    unhashed: Unhashed,
    hash: String,
}

/// Asks the Hub about files, hashes what has to be, and sends the content of large ones.
pub(crate) async fn sort(
    api: &HfApi,
    place: &Place,
    additions: &Arc<Vec<Addition>>,
    gitignore: Option<&str>,
    files_at_once: usize,
    observer: &Observer,
) -> Result<Sorted> {
    let cancel = Cancel::default();
    let _guard = cancel.on_drop();
    let (unhashed_sender, unhashed) = mpsc::unbounded_channel();
    let (object_sender, objects) = mpsc::unbounded_channel();

    let asking = async move {
        let starts = (0..additions.len()).step_by(BATCH_FILES);
        let mut answers = stream::iter(starts)
            .map(|start| async move {
                Ok::<_, Error>((start, ask(api, place, additions, start, gitignore).await?))
            })
            .buffer_unordered(BATCHES_AT_ONCE);
        let mut decided = Vec::new();
        let mut head = None;
        while let Some((start, answer)) = answers.try_next().await? {
            head = answer.commit_oid.or(head);
            let told = answer.files.iter().map(|file| (&*file.path, file)).collect::<HashMap<_, _>>();
            let batch = additions.iter().enumerate().skip(start).take(BATCH_FILES);
            for (index, addition) in batch {
                let file = told.get(&*addition.path).ok_or_else(|| unmentioned(&addition.path))?;
                let ignored = file.should_ignore == Some(true);
                // The storage takes no empty objects.
                let mode = if addition.file.size() == 0 { Mode::Regular } else { file.upload_mode };
                let algorithm = match mode {
                    _ if ignored => None,
                    Mode::Lfs => Some(Algorithm::Sha256),
                    Mode::Regular => file.oid.is_some().then_some(Algorithm::GitSha1),
                };
                if let Some(algorithm) = algorithm {
                    let remote = file.oid.clone();
                    // A closed channel means that hashing failed, which is reported by itself.
                    let _ = unhashed_sender.send(Unhashed { index, algorithm, remote });
                } else {
                    let kept = if ignored { Kept::Ignored } else { Kept::Regular };
                    decided.push((index, Decision { kept, unchanged: false }));
                }
            }
        }
        drop(unhashed_sender);
        Ok::<_, Error>((decided, head))
    };

    let hashing = async {
        let groups = stream::unfold(unhashed, |mut unhashed| async {
            let mut some = Vec::new();
            (unhashed.recv_many(&mut some, GROUP_FILES).await > 0).then_some((some, unhashed))
        });
        let cores = thread::available_parallelism().map_or(2, usize::from).min(16);
        let hashed = groups
            .flat_map(|some| stream::iter(group(some, additions)))
            .map(|group| hash_group(group, additions.clone(), cancel.clone(), observer.clone()))
            .buffer_unordered(cores);
        let mut hashed = pin!(hashed);
        let mut decided = Vec::new();
        while let Some(group) = hashed.try_next().await? {
            for Hashed { unhashed: Unhashed { index, algorithm, remote }, hash } in group {
                let unchanged = remote.as_ref() == Some(&hash);
                let Addition { path, file } = &additions[index];
                if unchanged {
                    observer.tell(UploadEvent::Present { path, bytes: file.size() });
                }
                let kept = match algorithm {
                    Algorithm::GitSha1 => Kept::Regular,
                    Algorithm::Sha256 => {
                        if !unchanged {
                            let (path, file) = (path.clone(), file.clone());
                            let _ = object_sender.send(LfsObject { path, file, oid: hash.clone() });
                        }
                        Kept::Lfs(hash)
                    }
                };
                decided.push((index, Decision { kept, unchanged }));
            }
        }
        drop(object_sender);
        Ok::<_, Error>(decided)
    };

    let sender = Arc::new(Sender::new(api, place, observer, files_at_once));
    let ((mut decided, head), hashed, ()) = tokio::try_join!(asking, hashing, sender.send_all(objects))?;
    decided.extend(hashed);
    decided.sort_unstable_by_key(|(index, _)| *index);
    Ok(Sorted { decisions: decided.into_iter().map(|(_, decision)| decision).collect(), head })
}

/// Shows a batch of files to the Hub.
async fn ask(
    api: &HfApi,
    place: &Place,
    additions: &Arc<Vec<Addition>>,
    start: usize,
    gitignore: Option<&str>,
) -> Result<Answer> {
    let batch = additions.clone();
    let files = blocking(move || {
        let file = |Addition { path, file }: &Addition| {
            let sample = BASE64.encode(file.sample(SAMPLE_BYTES)?);
            Ok(json!({ "path": path, "sample": sample, "size": file.size() }))
        };
        batch.iter().skip(start).take(BATCH_FILES).map(file).collect()
    });
    api.exchange(request(place, files.await?, gitignore)).await?.json()
}

fn unmentioned(path: &str) -> Error {
    Error::new(ErrorKind::Decode, format!("the Hub was asked how to keep `{path}` and did not say"))
}

/// Parts files into groups that are worth a thread's while; the flag says that there is only one to hash.
fn group(files: Vec<Unhashed>, additions: &[Addition]) -> Vec<(Vec<Unhashed>, bool)> {
    let alone = files.len() == 1;
    let mut groups = Vec::new();
    let mut group = Vec::new();
    let mut bytes = 0;
    for file in files {
        bytes += additions[file.index].file.size();
        group.push(file);
        if bytes >= GROUP_BYTES {
            groups.push((std::mem::take(&mut group), alone));
            bytes = 0;
        }
    }
    if !group.is_empty() {
        groups.push((group, alone));
    }
    groups
}

async fn hash_group(
    (group, alone): (Vec<Unhashed>, bool),
    additions: Arc<Vec<Addition>>,
    cancel: Cancel,
    observer: Observer,
) -> Result<Vec<Hashed>> {
    let hash = move |unhashed: Unhashed| {
        let file = &additions[unhashed.index].file;
        let told = |bytes| observer.tell(UploadEvent::Hashed { bytes });
        let hash = digest(file, unhashed.algorithm, alone, &cancel, told)?;
        Ok(Hashed { unhashed, hash })
    };
    blocking(move || group.into_iter().map(hash).collect()).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::LocalFile;

    #[test]
    fn the_content_of_gitignore_goes_along_if_there_is_any() {
        let place = Place::new(None, &"me/it".into(), None, Some(true)).unwrap();
        let files = vec![json!({ "path": "a", "sample": "", "size": 0 })];
        let expected = Http::post("/api/models/me/it/preupload/main").query("create_pr", 1).repeatable(true);
        assert_eq!(
            request(&place, files.clone(), Some("*.log\n")),
            expected.clone().json(json!({ "files": files, "gitIgnore": "*.log\n" }))
        );
        assert_eq!(request(&place, files.clone(), None), expected.json(json!({ "files": files })));
    }

    #[test]
    fn small_files_are_grouped_and_large_ones_are_not() {
        let mib = |n: usize| LocalFile::of_bytes(vec![0; n << 20].into());
        let sizes = [0, 1, 0, 5, 5, 1];
        let additions: Vec<_> =
            sizes.iter().map(|n| Addition { path: String::new(), file: mib(*n) }).collect();
        let files = (0..sizes.len())
            .map(|index| Unhashed { index, algorithm: Algorithm::GitSha1, remote: None })
            .collect();
        let groups: Vec<Vec<usize>> = group(files, &additions)
            .into_iter()
            .map(|(group, _)| group.into_iter().map(|file| file.index).collect())
            .collect();
        assert_eq!(groups, [vec![0, 1, 2, 3], vec![4], vec![5]]);
    }
}
