//! Which files of a commit are missing on disk.
use crate::collisions;
use crate::disk;
use crate::fetch::{Place, Unit};
use crate::layout::RepoCache;
use crate::listing::{ListedFile, Listing};
use crate::local_dir::LocalDir;
use hub_api::Http;
use hub_api::patterns::PathFilter;
use hub_http::{Error, ErrorKind, Result};
use hub_types::{CommitHash, SafeRelPath};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

/// The missing contents of a commit, by their places in its listing.
///
/// With a hundred thousand files everything that is made for each of them counts, so the units of work are made when
/// their turn comes.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) listing: Arc<Listing>,
    /// One file of each missing content.
    pub(crate) missing: Vec<u32>,
    /// The other files with the same blob.
    twins: HashMap<u32, Vec<u32>>,
}

impl Plan {
    /// Groups files by their content.
    fn of(listing: Arc<Listing>, files: &[u32]) -> Self {
        let (mut missing, mut twins) = (Vec::new(), HashMap::<u32, Vec<u32>>::new());
        let mut by_content: HashMap<&[u8], u32> = HashMap::with_capacity(files.len());
        for &file in files {
            match by_content.get(at(&listing, file).content_key()) {
                Some(&first) => twins.entry(first).or_default().push(file),
                None => {
                    by_content.insert(at(&listing, file).content_key(), file);
                    missing.push(file);
                }
            }
        }
        drop(by_content);
        Self { listing, missing, twins }
    }

    /// The listed file of a place.
    pub(crate) fn file(&self, index: u32) -> &ListedFile {
        at(&self.listing, index)
    }

    /// Returns the paths of all files with this blob.
    pub(crate) fn files(&self, index: u32) -> impl Iterator<Item = u32> {
        std::iter::once(index).chain(self.twins.get(&index).into_iter().flatten().copied())
    }

    /// The paths of the files that are missing.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.missing.iter().flat_map(|&index| self.files(index)).map(|index| self.file(index).name())
    }

    /// The size of all that is missing, as far as it is known.
    pub(crate) fn bytes(&self) -> u64 {
        let sizes = self.missing.iter().filter_map(|&index| self.file(index).size);
        sizes.fold(0, u64::saturating_add)
    }

    /// The content of a place with its paths; the size is zero if it is not known.
    pub(crate) fn unit(&self, index: u32, http: impl FnOnce(&SafeRelPath) -> Http) -> Result<Unit> {
        let file = self.file(index);
        let etag = file.etag().ok_or_else(|| {
            let message = format!("the Hub does not say what identifies the content of `{}`", file.name());
            Error::new(ErrorKind::FileMetadata, message).about(file.name())
        })?;
        let paths: Result<Vec<SafeRelPath>> =
            self.files(index).map(|index| self.file(index).path().cloned()).collect();
        let http = http(file.path()?);
        Ok(Unit { etag, size: file.size.unwrap_or_default(), paths: paths?, http, location: None })
    }
}

fn at(listing: &Listing, index: u32) -> &ListedFile {
    &listing.0[index as usize]
}

/// The places of the files that are wanted.
///
/// # Errors
/// [`ErrorKind::UnsafePath`] if one of them has a name that is refused; [`ErrorKind::NameCollision`] if two of them
/// are one file on this system. What is not wanted is not looked at.
pub(crate) fn select(listing: &Listing, filter: &PathFilter, place: &Place) -> Result<Vec<u32>> {
    let local = match place {
        Place::Cache(..) => None,
        Place::Local(dir, _) => Some(dir),
    };
    let mut wanted = Vec::new();
    for (index, file) in listing.0.iter().enumerate() {
        if !filter.keeps(file.name()) {
            continue;
        }
        refuse_name(file.path()?, local)?;
        wanted.push(u32::try_from(index).map_err(|_| Error::invalid("the listing is too long"))?);
    }
    // Before anything is looked at: of two names for one file both would seem to be there.
    collisions::refuse(&place.partials(), wanted.iter().map(|&index| at(listing, index).name()))?;
    Ok(wanted)
}

/// Refuses a name that must not be written: to the folder of the user's, if there is one, else to the cache.
///
/// # Errors
/// [`ErrorKind::UnsafePath`]. The folder of a commit in the cache holds nothing but the commit's files, so names that
/// are reserved in a user's folder are harmless there.
pub(crate) fn refuse_name(path: &SafeRelPath, local: Option<&LocalDir>) -> Result<()> {
    let why = match path.reserved().filter(|_| local.is_some()) {
        Some(reserved) => {
            format!("`{path}` would be written to `{reserved}`, which is not the repository's to write to")
        }
        None if cfg!(windows) && !path.is_portable() => format!("Windows has no files named `{path}`"),
        None => return Ok(()),
    };
    let message = format!("{why}; leave it out by ignore_patterns");
    Err(Error::new(ErrorKind::UnsafePath, message).about(path.as_str()))
}

/// Finds out which of the wanted files are missing, after putting into place what is on disk already.
pub(crate) fn survey(
    listing: Arc<Listing>,
    wanted: &[u32],
    place: &Place,
    cache: &RepoCache,
    force: bool,
) -> Result<Plan> {
    if let Place::Local(dir, _) = place {
        dir.pin(wanted.iter().filter_map(|&index| at(&listing, index).path().ok()))?;
    }
    if force {
        return Ok(Plan::of(listing, wanted));
    }
    let not_shown = match place {
        Place::Cache(cache, commit) => not_shown(&listing, wanted, &cache.snapshot(commit)),
        Place::Local(..) => wanted.to_vec(),
    };
    let mut plan = Plan::of(listing, &not_shown);
    let mut failure = None;
    let mut missing = std::mem::take(&mut plan.missing);
    missing.retain(|&index| {
        failure.is_some()
            || match plan.is_put_in_place(index, place, cache) {
                Ok(is_here) => !is_here,
                Err(error) => {
                    failure = Some(error);
                    true
                }
            }
    });
    plan.missing = missing;
    failure.map_or(Ok(plan), Err)
}

/// The files that a snapshot does not show in full.
fn not_shown(listing: &Listing, files: &[u32], snapshot: &Path) -> Vec<u32> {
    let shown = disk::at_once(files, |&index| {
        let file = at(listing, index);
        file.size
            .zip(file.path().ok())
            .is_some_and(|(size, path)| disk::is_whole(&path.join_to(snapshot), size))
    });
    files.iter().zip(shown).filter_map(|(&index, shown)| (!shown).then_some(index)).collect()
}

impl Plan {
    /// Links or copies a blob that is on disk into place; returns whether it was there.
    fn is_put_in_place(&self, index: u32, place: &Place, cache: &RepoCache) -> Result<bool> {
        let (Some(size), Some(etag)) = (self.file(index).size, self.file(index).etag()) else {
            return Ok(false);
        };
        match place {
            Place::Cache(own, _) => {
                if !disk::is_whole(&own.blob(&etag), size) {
                    return Ok(false);
                }
                place.prepare()?;
                place.adopt(&self.unit(index, |_| Http::get("/"))?)
            }
            Place::Local(dir, commit) => {
                let unit = self.unit(index, |_| Http::get("/"))?;
                Ok(place.adopt(&unit)? || copy_from_cache(cache, dir, commit, &unit)?)
            }
        }
    }
}

/// Copies files that the cache has.
fn copy_from_cache(cache: &RepoCache, dir: &LocalDir, commit: &CommitHash, unit: &Unit) -> Result<bool> {
    let blob = cache.blob(&unit.etag);
    if !disk::is_whole(&blob, unit.size) {
        return Ok(false);
    }
    let place = Place::Local(dir.clone(), commit.clone());
    place.prepare()?;
    for path in &unit.paths {
        dir.copy_in(&blob, path)?;
    }
    place.note(unit)?;
    Ok(true)
}
