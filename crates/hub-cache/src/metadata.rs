//! What the Hub says of one file, by every way that Hubs and their mirrors say it.
use hub_api::repos::read_file_metadata;
use hub_api::types::HfFileMetadata;
use hub_api::{HfApi, Http, resolve_path};
use hub_http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderMap};
use hub_http::{Error, ErrorKind, Method, Purpose, Redirects, Result, Url};
use hub_types::{CommitHash, Etag, RepoId, RepoType, Revision, SafeRelPath};

/// The hashes of no bytes at all, as a git blob and as a sha256.
const EMPTY: [&str; 2] = [
    "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
];

/// What the Hub says of a file.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) commit: CommitHash,
    pub(crate) etag: Etag,
    /// None if only the content itself tells.
    pub(crate) size: Option<u64>,
    /// Whether the size is that of the content for certain, and not perhaps that of a compressed answer.
    pub(crate) is_exact: bool,
    pub(crate) location: Option<Url>,
}

impl Found {
    /// Whether the content can be told from others by its hash.
    pub(crate) fn is_hash(&self) -> bool {
        self.etag.sha256().is_some() || self.etag.git_sha1().is_some()
    }
}

/// Asks the Hub which content a file has now.
///
/// By HEAD, or by the head of a GET where a mirror does not know HEAD.
///
/// # Errors
/// Those of the transport; [`ErrorKind::FileMetadata`] if the answer does not identify the content.
pub(crate) async fn ask(
    api: &HfApi,
    repo_type: RepoType,
    repo_id: &RepoId,
    revision: &Revision,
    path: &SafeRelPath,
) -> Result<Found> {
    let resolve = resolve_path(repo_type, repo_id, revision, path.as_str());
    let request = |method| {
        let http = Http::new(method, hub_http::Target::Hub(resolve.clone()));
        http.identity().redirects(Redirects::SameHost).purpose(Purpose::Metadata)
    };
    let url = api.client().resolve(&request(Method::HEAD))?;
    let (headers, answered) = match api.exchange(request(Method::HEAD)).await {
        Err(error) if error.status().is_some_and(|status| matches!(status, 405 | 501)) => {
            tracing::debug!(%error, "the server does not answer HEAD");
            // Its body is not read, which closes the connection.
            let get = api.client().execute(request(Method::GET)).await?;
            (get.headers().clone(), get.url().clone())
        }
        head => head.map(|head| (head.headers, head.url))?,
    };
    let said = read_file_metadata(&headers, &answered)?;
    let lacks = |what: &str| {
        let message = format!(
            "what answered for `{path}` says no {what}; is HF_ENDPOINT a Hub, and is there a proxy between?"
        );
        Error::new(ErrorKind::FileMetadata, message).about(path.as_str())
    };
    // First of all, since an address that must not be asked says more than what is missing beside it.
    let location = Url::parse(&said.location).ok().filter(|location| *location != url);
    let (size, is_exact) = size(api, &headers, &said, location.as_ref()).await?;
    let etag = said.etag.clone().ok_or_else(|| lacks("ETag"))?;
    let is_hash = etag.sha256().is_some() || etag.git_sha1().is_some();
    let commit = match (said.commit_hash.clone(), revision.as_commit()) {
        (Some(said), Some(asked)) if said != asked => {
            let message = format!("the Hub was asked for `{path}` at commit {asked} and answered for {said}");
            return Err(Error::new(ErrorKind::FileMetadata, message).about(path.as_str()));
        }
        (Some(said), _) => said,
        // A login page has neither a commit nor a hash.
        (None, Some(_)) if !is_hash && is_web_page(&headers) => return Err(lacks("commit")),
        (None, Some(asked)) => asked,
        (None, None) => return Err(lacks("commit")),
    };
    // Some servers answer HEAD with the length of the empty body that they send.
    let size = size.filter(|size| *size > 0 || is_exact || !is_hash || EMPTY.contains(&etag.as_str()));
    Ok(Found { commit, etag, size, is_exact, location })
}

async fn size(
    api: &HfApi,
    headers: &HeaderMap,
    said: &HfFileMetadata,
    location: Option<&Url>,
) -> Result<(Option<u64>, bool)> {
    if headers.contains_key("x-linked-size") && said.size.is_some() {
        return Ok((said.size, true));
    }
    let Some(location) = location.filter(|_| said.size.is_none()) else { return Ok((said.size, false)) };
    // A redirect that does not say the size: its target does, if it answers HEAD.
    let head = Http::url(Method::HEAD, location.clone()).identity().purpose(Purpose::Metadata);
    let length = match api.client().execute(head).await {
        Ok(answer) => answer.header(CONTENT_LENGTH.as_str()).and_then(|length| length.parse().ok()),
        Err(error) if matches!(error.kind(), ErrorKind::Redirect | ErrorKind::ForeignOrigin) => {
            return Err(error);
        }
        Err(error) => {
            tracing::debug!(%error, "the size is not known before the content comes");
            None
        }
    };
    Ok((length, false))
}

fn is_web_page(headers: &HeaderMap) -> bool {
    let media = headers.get(CONTENT_TYPE).and_then(|media| media.to_str().ok());
    media.is_some_and(|media| media.starts_with("text/html"))
}

/// Whether the cache may answer in place of the Hub, which gave no answer or refused to give one.
///
/// An answer that settles the matter, such as that there is no such file, is never overridden, nor is a connection
/// that must not be trusted.
pub(crate) fn can_fall_back_to_cache(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Offline
            | ErrorKind::Connection
            | ErrorKind::Timeout
            | ErrorKind::RateLimited
            | ErrorKind::Http
            | ErrorKind::RepositoryNotFound
            | ErrorKind::GatedRepo
            | ErrorKind::DisabledRepo
            | ErrorKind::FileMetadata
            | ErrorKind::NotAHub
            | ErrorKind::Decode
    )
}

/// Whether the Hub gave no answer at all, so that asking again later may help.
pub(crate) fn is_unanswered(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Connection | ErrorKind::Timeout)
        || error.status().is_some_and(|status| status >= 500)
}

/// The error for what is not in the cache when the Hub was not asked or gave no answer.
pub(crate) fn cache_miss(
    error: Error,
    force_download: bool,
    local_files_only: bool,
    what: impl FnOnce() -> String,
) -> Error {
    let miss = |message| Error::new(ErrorKind::LocalEntryNotFound, message);
    match error.kind() {
        ErrorKind::Offline if force_download && local_files_only => {
            Error::invalid("force_download and local_files_only exclude each other")
        }
        ErrorKind::Offline if force_download => {
            Error::invalid("force_download needs the Hub, and HF_HUB_OFFLINE is set")
        }
        ErrorKind::Offline if local_files_only => {
            miss(format!("{}; leave out local_files_only to download it", what()))
        }
        ErrorKind::Offline => miss(format!("{}; unset HF_HUB_OFFLINE to download it", what())),
        _ if force_download => error,
        ErrorKind::Connection | ErrorKind::Timeout => {
            let message = format!(
                "{}, and the Hub could not be reached: {error}; check the connection and try again",
                what()
            );
            miss(message).caused_by(error)
        }
        _ if is_unanswered(&error) => {
            let message = format!("{}, and the Hub failed: {error}; try again later", what());
            miss(message).caused_by(error)
        }
        // The Hub's refusal says what to do.
        _ => error,
    }
}

/// Says that the cache answers in place of the Hub. Nobody has to be told who wanted it so.
pub(crate) fn warn_of_fallback(error: &Error, what: &str, commit: Option<&CommitHash>) {
    let commit = commit.map_or_else(String::new, |commit| format!(" at commit {commit}"));
    if error.kind() == ErrorKind::Offline {
        tracing::info!("{what}{commit} is taken from the disk without asking the Hub: {error}");
    } else {
        tracing::warn!(
            "the Hub did not say whether {what} has changed, so the version on disk{commit} is used: {error}"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hashes_of_nothing_are_those_of_no_bytes() {
        for hash in EMPTY {
            let etag = Etag::parse(hash).unwrap();
            assert_eq!(crate::hasher::Hasher::of(&etag, 0).finish().as_deref(), Some(hash));
        }
    }

    #[test]
    fn refusals_stay_what_they_are_when_nothing_is_cached() {
        let miss =
            |kind| cache_miss(Error::new(kind, "why"), false, false, || "`f` is not in the cache".into());
        for kind in [ErrorKind::Http, ErrorKind::GatedRepo, ErrorKind::NotAHub, ErrorKind::RateLimited] {
            assert_eq!(miss(kind).kind(), kind);
        }
        for kind in [ErrorKind::Connection, ErrorKind::Timeout, ErrorKind::Offline] {
            assert_eq!(miss(kind).kind(), ErrorKind::LocalEntryNotFound);
        }
        assert!(miss(ErrorKind::Connection).to_string().contains("check the connection"));
    }
}
