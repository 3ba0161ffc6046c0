//! Opening a model on the Hub.

use std::future::{Future, IntoFuture};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use hub_api::repos::file_metadata;
use hub_api::{Arg, Error, ErrorKind, HfApi, Http, Result, resolve_path};
use hub_http::Url;
use hub_types::{CommitHash, RepoId, RepoType, Revision, SafeRelPath};

use super::header::{fetch_index, stopped};
use super::local_files::{LocalFiles, Shelf};
use super::model::{File, RemoteModel, Source};
use super::tensors::Reading;
use super::{Place, unsound};
use crate::index::Index;
use crate::metadata::{INDEX_FILE, SINGLE_FILE};
use crate::model::read_index;
use crate::plan::RangeOptions;

/// A model that is about to be opened: `.await` opens it.
///
/// The branch or tag is turned into a commit first, so that the index and all files come from that one commit even
/// if the branch moves. That and the index, if there is one, is all that opening asks for.
///
/// # Errors
///
/// `NotASafetensorsRepo` if the repository has no model under the usual names, `EntryNotFound` if it has no
/// file of the given name, `SafetensorsParsing` if its index cannot be read, `RepositoryNotFound`, `GatedRepo`,
/// `RevisionNotFound`.
#[derive(Debug, Clone)]
#[must_use = "a model is opened when it is awaited"]
pub struct OpenModel {
    api: HfApi,
    repo_id: Arg<RepoId>,
    repo_type: Option<RepoType>,
    revision: Option<Arg<Revision>>,
    filename: Option<String>,
    shelf: Shelf,
    reading: Reading,
}

impl OpenModel {
    pub(super) fn new(api: &HfApi, repo_id: impl Into<Arg<RepoId>>) -> Self {
        Self {
            api: api.clone(),
            repo_id: repo_id.into(),
            repo_type: None,
            revision: None,
            filename: None,
            shelf: Shelf::default(),
            reading: Reading::default(),
        }
    }

    /// The kind of repository; a model if unset.
    pub fn repo_type(mut self, repo_type: impl Into<RepoType>) -> Self {
        self.repo_type = Some(repo_type.into());
        self
    }

    /// The branch, tag or commit; the default branch if unset.
    pub fn revision(mut self, revision: impl Into<Arg<Revision>>) -> Self {
        self.revision = Some(revision.into());
        self
    }

    /// The file, or the index (`*.json`) beside its shards; `model.safetensors`, else
    /// `model.safetensors.index.json` if unset.
    pub fn filename(mut self, filename: impl Into<String>) -> Self {
        self.filename = Some(filename.into());
        self
    }

    /// Where to look for files before they are fetched; nowhere if unset.
    pub fn local_files(mut self, files: impl LocalFiles + 'static) -> Self {
        self.shelf = Shelf(Some(Arc::new(files)));
        self
    }

    /// How tensors are cut into ranges; the neighbours share one of up to 8 MiB if unset.
    pub fn ranges(mut self, ranges: RangeOptions) -> Self {
        self.reading.ranges = ranges;
        self
    }

    /// How many ranges are fetched at once; 8 if unset. Each takes memory of its length.
    pub fn connections(mut self, connections: usize) -> Self {
        self.reading.connections = connections.max(1);
        self
    }

    /// Opens the model and blocks until it is open.
    ///
    /// # Errors
    ///
    /// As awaiting it.
    #[cfg(feature = "blocking")]
    pub fn block(self) -> Result<RemoteModel> {
        hub_api::block_on(self.into_future())
    }

    async fn open(self) -> Result<RemoteModel> {
        let place = Place::new(self.repo_type, &self.repo_id, self.revision.as_ref())?;
        let usual = [SINGLE_FILE, INDEX_FILE];
        let names = self.filename.as_deref().map_or(usual.to_vec(), |filename| vec![filename]);
        let names: Vec<_> = names.into_iter().map(SafeRelPath::parse).collect::<Result<_, _>>()?;

        let entry = self.find(&place, &names).await?;
        let place = Place { revision: entry.commit.clone().into(), ..place };
        let index = match entry.path.as_str().ends_with(".json") {
            true => Some(self.index(&place, &entry).await?),
            false => None,
        };
        let files = match &index {
            None => vec![self.file(&place, &entry, entry.path.file_name(), Some(&entry))?],
            Some(index) => {
                let shards = index.shards().iter();
                shards.map(|shard| self.file(&place, &entry, shard, None)).collect::<Result<_>>()?
            }
        };
        Ok(RemoteModel::new(place, entry.commit, index, files, self.reading))
    }

    /// Finds the file or the index, and the commit that it is of.
    async fn find(&self, place: &Place, names: &[SafeRelPath]) -> Result<Entry> {
        let here = |commit: &CommitHash, path: &SafeRelPath| {
            let local = self.local(place, commit, path)?;
            Some(Entry { commit: commit.clone(), path: path.clone(), local: Some(local), told: None })
        };
        // The first name goes before the others, so finding another of them here proves nothing.
        if let (Some(commit), Some(first)) = (place.revision.as_commit(), names.first())
            && let Some(entry) = here(&commit, first)
        {
            return Ok(entry);
        }
        let mut missing = place.no_model();
        for path in names {
            let http =
                Http::head(resolve_path(place.repo_type, &place.repo_id, &place.revision, path.as_str()));
            let told = match file_metadata(&self.api, http).await {
                Ok(told) => told,
                Err(error) if error.kind() == ErrorKind::EntryNotFound => {
                    if self.filename.is_some() {
                        missing = error;
                    }
                    continue;
                }
                Err(error) if is_out_of_reach(&error) => {
                    let known =
                        self.shelf.0.as_ref().and_then(|shelf| {
                            shelf.commit_of(place.repo_type, &place.repo_id, &place.revision)
                        });
                    let commit = place.revision.as_commit().or(known);
                    let entry = commit.and_then(|commit| names.iter().find_map(|path| here(&commit, path)));
                    return entry.ok_or(error);
                }
                Err(error) => return Err(error),
            };
            let Some(commit) = told.commit_hash.clone() else {
                let what = format!("what answered for {} says no commit", place.name(path.as_str()));
                return Err(Error::new(ErrorKind::FileMetadata, what));
            };
            let local = self.local(place, &commit, path);
            return Ok(Entry {
                commit,
                path: path.clone(),
                local,
                told: told.size.zip(Url::parse(&told.location).ok()),
            });
        }
        Err(missing)
    }

    fn local(&self, place: &Place, commit: &CommitHash, path: &SafeRelPath) -> Option<PathBuf> {
        self.shelf.0.as_ref()?.find(place.repo_type, &place.repo_id, commit, path)
    }

    async fn index(&self, place: &Place, entry: &Entry) -> Result<Index> {
        let path = entry.path.as_str();
        match entry.local.clone() {
            None => {
                let file = place.file(self.api.client(), path);
                fetch_index(&file, &place.name(path), None).await
            }
            Some(local) => {
                let read = tokio::task::spawn_blocking(move || read_index(&local)).await;
                read.map_err(stopped)?.map_err(|error| unsound(error, &place.name(path)))
            }
        }
    }

    /// A file of the model, which lies beside its index.
    fn file(&self, place: &Place, entry: &Entry, name: &str, told: Option<&Entry>) -> Result<File> {
        let folder = entry.path.as_str().rsplit_once('/').map(|(folder, _)| folder);
        let path = folder.map_or(name.to_owned(), |folder| format!("{folder}/{name}"));
        let checked = SafeRelPath::parse(&path)?;
        let source = match self.local(place, &entry.commit, &checked) {
            Some(local) => Source::Here(local),
            None => {
                let file = place.file(self.api.client(), &path);
                Source::There(Arc::new(match told.and_then(|entry| entry.told.as_ref()) {
                    Some((size, location)) => file.with_size(*size).with_location(location.clone()),
                    None => file,
                }))
            }
        };
        Ok(File::new(name, place.name(&path), source))
    }
}

impl IntoFuture for OpenModel {
    type Output = Result<RemoteModel>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.open())
    }
}

/// The file or the index that a model begins with.
struct Entry {
    commit: CommitHash,
    path: SafeRelPath,
    /// Where it is on this machine.
    local: Option<PathBuf>,
    /// How long it is and where, as the Hub says.
    told: Option<(u64, Url)>,
}

/// Whether the Hub gave no answer, so that what is known from before may count.
fn is_out_of_reach(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Offline | ErrorKind::Connection | ErrorKind::Timeout)
}
