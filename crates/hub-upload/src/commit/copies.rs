//! Copies: LFS files by reference, others by their content.
use super::body::Line;
use super::operation::Step;
use crate::place::Place;
use crate::sort::Decision;
use crate::source::LocalFile;
use bytes::Bytes;
use hub_api::{Error, ErrorKind, HfApi, Http, Result, resolve_path};
use hub_types::{RepoTreeEntry, Revision};
use std::collections::HashMap;

/// How many paths are asked about at once.
const MAX_PATHS: usize = 500;

/// What is copied, by path and revision.
#[derive(Debug, Default)]
pub(super) struct Copied(HashMap<(String, Option<Revision>), Original>);

#[derive(Debug, Clone)]
enum Original {
    Lfs { oid: String },
    Regular(Bytes),
}

impl Copied {
    /// The line of a commit that makes a copy.
    pub(super) fn line(&mut self, source: String, revision: Option<Revision>, path: String) -> Line {
        match self.0.get(&(source, revision)).expect("every source of a copy was fetched") {
            Original::Lfs { oid } => Line::Lfs { path, oid: oid.clone(), size: None },
            Original::Regular(bytes) => Line::File { path, file: LocalFile::of_bytes(bytes.clone()) },
        }
    }
}

/// The request that describes files and folders at a revision.
fn paths_info(place: &Place, revision: &Revision, paths: &[&str]) -> Http {
    let paths = paths.iter().map(|path| ("paths".to_owned(), (*path).to_owned()));
    Http::post(place.api_at("paths-info", revision))
        .form(paths.chain([("expand".to_owned(), "False".to_owned())]))
        .repeatable(true)
}

/// Describes the files and folders of these paths; those that do not exist are left out.
pub(super) async fn describe(
    api: &HfApi,
    place: &Place,
    revision: &Revision,
    paths: &[&str],
) -> Result<Vec<RepoTreeEntry>> {
    let mut all = Vec::new();
    for some in paths.chunks(MAX_PATHS) {
        let answer = api.exchange(paths_info(place, revision, some)).await?;
        all.extend(answer.json::<Vec<RepoTreeEntry>>()?);
    }
    Ok(all)
}

/// Fetches what the copies among the steps need.
pub(super) async fn fetch(api: &HfApi, place: &Place, steps: &[(Step, Option<Decision>)]) -> Result<Copied> {
    let sources: Vec<_> = steps
        .iter()
        .filter_map(|(step, _)| match step {
            Step::Copy { source, revision, .. } => Some((&**source, revision)),
            _ => None,
        })
        .collect();
    let mut copied = Copied::default();
    for run in sources.chunk_by(|one, next| one.1 == next.1) {
        let given = run[0].1;
        let revision = given.as_ref().unwrap_or(&place.revision);
        let paths: Vec<_> = run.iter().map(|(path, _)| *path).collect();
        for entry in describe(api, place, revision, &paths).await? {
            let path = entry.path().to_owned();
            let Some(file) = entry.into_file() else {
                return Err(Error::invalid(format!("`{path}` is a folder, and only files can be copied")));
            };
            let original = match file.lfs {
                Some(lfs) => Original::Lfs { oid: lfs.sha256 },
                None => {
                    let from = resolve_path(place.repo_type, &place.repo_id, revision, &path);
                    Original::Regular(api.exchange(Http::get(from).identity()).await?.body)
                }
            };
            copied.0.insert((path, given.clone()), original);
        }
        for path in paths {
            if !copied.0.contains_key(&(path.to_owned(), given.clone())) {
                let message =
                    format!("could not copy `{path}`: `{}` has no such file at `{revision}`", place.repo_id);
                return Err(Error::new(ErrorKind::EntryNotFound, message).about(path));
            }
        }
    }
    Ok(copied)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_asked_for_in_a_form() {
        let place = Place::new(None, &"me/it".into(), None, None).unwrap();
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = Http::post("/api/models/me/it/paths-info/refs%2Fpr%2F1")
            .form([pair("paths", "a b"), pair("paths", "c#"), pair("expand", "False")])
            .repeatable(true);
        assert_eq!(paths_info(&place, &Revision::parse("refs/pr/1").unwrap(), &["a b", "c#"]), expected);
    }
}
