//! References to repositories and files, as people write and copy them.
use crate::invalid::without_secrets;
use crate::{InvalidArgument, RepoId, RepoType, Revision, SafeRelPath};

/// Refers to a repository, and possibly to a revision and a path of it, in any form that people write or copy.
///
/// | form | example |
/// |---|---|
/// | an id | `gpt2`, `me/model`, `datasets/me/data`, `me/model@v1.0` |
/// | a URI | `hf://datasets/me/data@refs/convert/parquet/default/train/0000.parquet` |
/// | the address of a page | `https://huggingface.co/me/model/blob/main/config.json` |
/// | the address of a clone | `https://huggingface.co/me/model.git`, `git@hf.co:me/model` |
///
/// A revision is one percent-encoded segment, or a reference `refs/pr/N` or `refs/convert/NAME` with its slashes. The path
/// of a web address is percent-decoded; the path of an `hf://` URI is taken as it is, as Python's `HfFileSystem` does.
///
/// ```
/// # use hub_types::{HubUri, RepoType};
/// let uri = HubUri::parse("hf://datasets/me/data@refs/pr/1/train.csv", "https://huggingface.co")?;
/// assert_eq!((uri.repo_type, uri.repo_id.as_str()), (Some(RepoType::Dataset), "me/data"));
/// assert_eq!(uri.revision.unwrap().as_str(), "refs/pr/1");
/// assert_eq!(uri.path.unwrap(), "train.csv");
/// # Ok::<(), hub_types::InvalidArgument>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct HubUri {
    /// The kind of repository, if the text tells.
    pub repo_type: Option<RepoType>,
    /// The repository.
    pub repo_id: RepoId,
    /// The branch, tag or commit, if the text names one.
    pub revision: Option<Revision>,
    /// The file, or the folder if it ends with a slash, if the text names one.
    pub path: Option<String>,
}

/// The names of the public Hub, which are read as the endpoint whatever it is: mirrors pass on what the Hub says.
const PUBLIC_HOSTS: [&str; 3] = ["huggingface.co", "www.huggingface.co", "hf.co"];

/// The first segments of web addresses that lead to no repository.
const OTHER_PAGES: [&str; 12] = [
    "api",
    "blog",
    "buckets",
    "collections",
    "docs",
    "join",
    "login",
    "organizations",
    "papers",
    "posts",
    "settings",
    "tasks",
];

/// What follows the id in the address of a page that shows a file.
const FILE_PAGES: [&str; 5] = ["blob", "resolve", "raw", "blame", "edit"];

/// What follows the id in the address of a page that shows a revision, and perhaps a folder of it.
const REVISION_PAGES: [&str; 4] = ["tree", "commit", "commits", "revision"];

impl HubUri {
    /// Reads a reference; web addresses have to be those of the Hub at `endpoint`, or of the public one.
    ///
    /// # Errors
    /// Says why the text refers to no repository. User names, passwords and queries in it are not repeated.
    pub fn parse(text: &str, endpoint: &str) -> Result<Self, InvalidArgument> {
        let read = if let Some(rest) = text.strip_prefix("hf://") {
            from_uri(rest)
        } else if let Some((scheme, rest)) = text.split_once("://") {
            match scheme.to_ascii_lowercase().as_str() {
                "http" | "https" => from_address(rest, endpoint),
                _ => Err("only `hf://`, `https://` and `http://` addresses name repositories".into()),
            }
        } else if let Some(rest) = text.strip_prefix("git@").and_then(|rest| rest.split_once(':')) {
            from_address(&format!("{}/{}", rest.0, rest.1), endpoint)
        } else if PUBLIC_HOSTS.iter().any(|host| text.starts_with(&format!("{host}/"))) {
            from_address(text, endpoint)
        } else {
            from_id(text)
        };
        read.map_err(|why| {
            InvalidArgument::new(format!(
                "invalid repository {:?}: {}",
                without_secrets(text),
                one_line(&why)
            ))
        })
    }
}

/// A reason to refuse a text.
type Refusal = String;

impl From<InvalidArgument> for Refusal {
    fn from(error: InvalidArgument) -> Self {
        error.to_string()
    }
}

/// Reads an id with what may stand around it: a kind in front, `@revision` behind.
fn from_id(text: &str) -> Result<HubUri, Refusal> {
    let (id, revision) = match text.split_once('@') {
        Some((id, revision)) => (id, Some(revision)),
        None => (text, None),
    };
    let (repo_type, bare) = match id.split_once('/') {
        // `model/x` may be a namespace, `model/x/y` may not.
        Some((kind, rest)) if rest.contains('/') || plural(kind).is_some() => match kind.parse() {
            Ok(kind) => (Some(kind), rest),
            Err(_) => (None, id),
        },
        _ => (None, id),
    };
    if bare.matches('/').count() > 1 {
        return Err(
            "it must be `name`, `namespace/name` or `datasets/namespace/name`; name files beside it".into()
        );
    }
    let (revision, path) = match revision {
        Some(text) => split_revision(text)?,
        None => (None, None),
    };
    Ok(HubUri { repo_type, repo_id: checked_id(bare)?, revision, path: path.map(checked_path).transpose()? })
}

/// Reads what follows `hf://`.
fn from_uri(text: &str) -> Result<HubUri, Refusal> {
    let (repo_type, text) = match text.split_once('/') {
        Some((first, _)) if OTHER_PAGES.contains(&first) => {
            return Err(format!("`{first}` are not repositories"));
        }
        Some((first, rest)) => match plural(first) {
            Some(kind) => (Some(kind), rest),
            None => (None, text),
        },
        None => (None, text),
    };
    // The id ends at the second slash, or at an `@` before it; behind it an `@` belongs to the path.
    let second = text.match_indices('/').nth(1).map_or(text.len(), |(at, _)| at);
    let (id, rest) = text.split_at(text.find('@').filter(|at| *at < second).unwrap_or(second));
    let (revision, path) = match rest.strip_prefix('@') {
        Some(rest) => split_revision(rest)?,
        None => (None, rest.strip_prefix('/').filter(|path| !path.is_empty())),
    };
    let repo_id = checked_id(id.strip_suffix('/').unwrap_or(id))?;
    Ok(HubUri { repo_type, repo_id, revision, path: path.map(checked_path).transpose()? })
}

/// Escapes the control characters of a text, parts of which may be from an address.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for c in text.chars() {
        if c.is_control() { line.extend(c.escape_debug()) } else { line.push(c) }
    }
    line
}

/// Reads a web address without its scheme.
fn from_address(text: &str, endpoint: &str) -> Result<HubUri, Refusal> {
    let (authority, path) = split_address(text);
    let (user, host) = split_user(authority);
    let (own_authority, own_path) =
        split_address(endpoint.split_once("://").map_or(endpoint, |(_, rest)| rest));
    let (own_user, own_host) = split_user(own_authority);
    if user.is_some_and(|user| Some(user) != own_user && user != "git") {
        return Err(
            "it has a user name or a password in it; give the token with HF_TOKEN or --token instead".into(),
        );
    }
    let own_path = own_path.trim_end_matches('/');
    let below = path.strip_prefix(own_path).filter(|rest| rest.is_empty() || rest.starts_with('/'));
    let (host, own_host) = (plain_host(host), plain_host(own_host));
    let path = match below {
        Some(path) if host == own_host => path,
        _ if PUBLIC_HOSTS.contains(&host.as_str()) => path,
        _ => {
            return Err(format!(
                "it is at {host}, and this client talks to {own_host}{own_path}; set HF_ENDPOINT to talk to another Hub"
            ));
        }
    };
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let segments = match segments.as_slice() {
        // The address of an API call is that of the page with `api/` in front, and names models too.
        ["api", kind, rest @ ..] if plural(kind).is_some() => [&[*kind], rest].concat(),
        all => all.to_vec(),
    };
    let (repo_type, segments) = match segments.as_slice() {
        [kind, rest @ ..] if plural(kind).is_some() => (plural(kind).unwrap_or_default(), rest),
        [page, ..] if OTHER_PAGES.contains(page) => {
            return Err(format!("it is the address of {page}, not of a repository"));
        }
        all => (RepoType::Model, all),
    };
    let is_page = |segment: &&str| FILE_PAGES.contains(segment) || REVISION_PAGES.contains(segment);
    let id_length = match segments {
        // A canonical repository such as `gpt2`, unless the repository is itself named like a page.
        [_, page, third, ..] if is_page(page) && !third.is_empty() && !is_page(third) => 1,
        _ => segments.len().min(2),
    };
    let (id, page) = segments.split_at(id_length);
    let id = decoded(id.join("/").trim_end_matches('/'))?;
    let repo_id = RepoId::parse(id.strip_suffix(".git").unwrap_or(&id))?;
    let (revision, path) = page_of(page)?;
    Ok(HubUri { repo_type: Some(repo_type), repo_id, revision, path })
}

/// Reads what follows the id in the address of a page.
fn page_of(segments: &[&str]) -> Result<(Option<Revision>, Option<String>), Refusal> {
    let (page, rest) = match segments {
        [] | [""] => return Ok((None, None)),
        [page, rest @ ..] => (*page, rest.join("/")),
    };
    let is_file = FILE_PAGES.contains(&page);
    if !is_file && !REVISION_PAGES.contains(&page) {
        return Err(format!(
            "it is the address of the page `{page}`, not of a repository, a folder or a file"
        ));
    }
    let (revision, path) = split_revision(&rest)?;
    let path = path.map(|path| path.trim_end_matches('/')).filter(|path| !path.is_empty());
    let path = match path.map(decoded).transpose()? {
        Some(path) if is_file => Some(path),
        Some(path) if page == "tree" => Some(format!("{path}/")),
        Some(_) => {
            return Err(format!("it is the address of the page `{page}`, which shows no file or folder"));
        }
        None if is_file => return Err("it names no file".into()),
        None => None,
    };
    Ok((revision, path.as_deref().map(checked_path).transpose()?))
}

/// Splits a revision from the path behind it.
fn split_revision(text: &str) -> Result<(Option<Revision>, Option<&str>), Refusal> {
    let special = ["refs/pr/", "refs/convert/"].into_iter().find_map(|prefix| {
        let name = text.strip_prefix(prefix)?.split('/').next()?;
        (!name.is_empty()).then_some(prefix.len() + name.len())
    });
    let end = special.unwrap_or_else(|| text.find('/').unwrap_or(text.len()));
    let (revision, path) = text.split_at(end);
    let revision = Revision::parse(&decoded(revision)?)?;
    Ok((Some(revision), path.strip_prefix('/').filter(|path| !path.is_empty())))
}

/// Checks an id, and repeats none with a colon: it may be a user name and a password.
fn checked_id(id: &str) -> Result<RepoId, Refusal> {
    if id.contains(':') {
        return Err("only letters, digits, `-`, `_` and `.` are allowed in an id".into());
    }
    Ok(RepoId::parse(id)?)
}

/// Checks a path, whose slash at the end, if there is one, says that it is a folder.
fn checked_path(path: &str) -> Result<String, Refusal> {
    SafeRelPath::parse(path.strip_suffix('/').unwrap_or(path)).map_err(|error| {
        match path.split_once('?') {
            // What looks like a query may be a token, and is not repeated.
            Some((before, _)) => SafeRelPath::parse(before)
                .err()
                .unwrap_or_else(|| InvalidArgument::new(format!("unsafe path \"{before}?…\""))),
            None => error,
        }
    })?;
    Ok(path.to_owned())
}

/// The text with its percent-encoding undone; a `%` that begins no encoded byte stands for itself, as in browsers.
fn decoded(text: &str) -> Result<String, Refusal> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let encoded = match (first, after) {
            (b'%', [high, low, ..]) => {
                hex_digit(*high).zip(hex_digit(*low)).map(|(high, low)| high << 4 | low)
            }
            _ => None,
        };
        bytes.push(encoded.unwrap_or(*first));
        rest = if encoded.is_some() { &after[2..] } else { after };
    }
    String::from_utf8(bytes).map_err(|_| "its percent-encoding is not valid UTF-8".into())
}

fn hex_digit(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| value.try_into().ok())
}

fn plural(text: &str) -> Option<RepoType> {
    RepoType::ALL.into_iter().find(|kind| kind.plural() == text)
}

/// Splits the authority of an address from its path; the query and the fragment are dropped.
fn split_address(text: &str) -> (&str, &str) {
    let text = &text[..text.find(['?', '#']).unwrap_or(text.len())];
    text.split_at(text.find('/').unwrap_or(text.len()))
}

/// Splits the user name and the password of an authority from its host.
fn split_user(authority: &str) -> (Option<&str>, &str) {
    match authority.rsplit_once('@') {
        Some((user, host)) => (Some(user), host),
        None => (None, authority),
    }
}

/// The host and its port in lower case; a port that every client assumes is dropped.
fn plain_host(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    let plain = host.strip_suffix(":443").or_else(|| host.strip_suffix(":80"));
    plain.map(str::to_owned).unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUB: &str = "https://key:s3cret@hub.test:8443/base";

    fn read(text: &str) -> String {
        let uri = HubUri::parse(text, HUB).unwrap_or_else(|error| panic!("{text}: {error}"));
        let kind = uri.repo_type.map_or("?", RepoType::as_str);
        let revision = uri.revision.as_ref().map_or("-", Revision::as_str);
        format!("{kind} {} {revision} {}", uri.repo_id, uri.path.as_deref().unwrap_or("-"))
    }

    #[test]
    fn ids_and_uris_are_read() {
        let cases = [
            ("gpt2", "? gpt2 - -"),
            ("me/it", "? me/it - -"),
            ("model/it", "? model/it - -"),
            ("datasets/squad", "dataset squad - -"),
            ("datasets/me/it", "dataset me/it - -"),
            ("space/me/it", "space me/it - -"),
            ("me/it@v1.0", "? me/it v1.0 -"),
            ("datasets/me/it@refs/convert/parquet", "dataset me/it refs/convert/parquet -"),
            ("me/it@feat%2Fx", "? me/it feat/x -"),
            ("hf://gpt2", "? gpt2 - -"),
            ("hf://gpt2/", "? gpt2 - -"),
            ("hf://me/it", "? me/it - -"),
            ("hf://me/it/", "? me/it - -"),
            ("hf://models/me/it", "model me/it - -"),
            ("hf://datasets/squad", "dataset squad - -"),
            ("hf://spaces/me/it/app.py", "space me/it - app.py"),
            ("hf://me/it/a/b%20c@2x.txt", "? me/it - a/b%20c@2x.txt"),
            ("hf://me/it/folder/", "? me/it - folder/"),
            ("hf://me/it@main/a/b", "? me/it main a/b"),
            ("hf://gpt2@main/config.json", "? gpt2 main config.json"),
            ("hf://datasets/squad@main/a", "dataset squad main a"),
            ("hf://datasets/me/it@refs/convert/parquet", "dataset me/it refs/convert/parquet -"),
            (
                "hf://datasets/me/it@refs/convert/parquet/x/0.parquet",
                "dataset me/it refs/convert/parquet x/0.parquet",
            ),
            ("hf://me/it@refs/pr/12/a", "? me/it refs/pr/12 a"),
            ("hf://me/it@refs%2Fpr%2F12/a", "? me/it refs/pr/12 a"),
            ("hf://me/it@refs", "? me/it refs -"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn web_addresses_are_read() {
        let cases = [
            ("https://huggingface.co/me/it", "model me/it - -"),
            ("https://huggingface.co/gpt2", "model gpt2 - -"),
            ("https://huggingface.co/gpt2/", "model gpt2 - -"),
            ("http://HuggingFace.co:443/me/it?library=x#readme", "model me/it - -"),
            ("https://hf.co/datasets/squad", "dataset squad - -"),
            ("huggingface.co/spaces/me/it", "space me/it - -"),
            ("https://huggingface.co/me/it.git", "model me/it - -"),
            ("git@hf.co:datasets/me/it.git", "dataset me/it - -"),
            ("https://git@hf.co/me/it", "model me/it - -"),
            ("https://huggingface.co/me/it/tree/main", "model me/it main -"),
            ("https://huggingface.co/me/it/tree/main/", "model me/it main -"),
            ("https://huggingface.co/me/it/tree/refs%2Fpr%2F1/a%20b", "model me/it refs/pr/1 a b/"),
            ("https://huggingface.co/me/it/tree/refs/pr/1/a", "model me/it refs/pr/1 a/"),
            ("https://huggingface.co/me/it/blob/main/a%20%C3%A9/b.txt#L10", "model me/it main a é/b.txt"),
            ("https://huggingface.co/me/it/resolve/v1/f.bin?download=true", "model me/it v1 f.bin"),
            ("https://huggingface.co/gpt2/raw/main/config.json", "model gpt2 main config.json"),
            ("https://huggingface.co/me/tree", "model me/tree - -"),
            ("https://huggingface.co/me/tree/blob/main/f", "model me/tree main f"),
            ("https://huggingface.co/me/it/commit/0123456789abcdef", "model me/it 0123456789abcdef -"),
            (
                "https://huggingface.co/datasets/me/it/resolve/refs%2Fconvert%2Fparquet/d/0.parquet",
                "dataset me/it refs/convert/parquet d/0.parquet",
            ),
            ("https://huggingface.co/api/models/me/it/revision/main", "model me/it main -"),
            ("https://hub.test:8443/base/datasets/me/it", "dataset me/it - -"),
            ("https://key:s3cret@hub.test:8443/base/me/it/blob/main/f", "model me/it main f"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn percent_encoding_is_undone_once() {
        for (text, expected) in
            [("a%20b", "a b"), ("100%", "100%"), ("%2", "%2"), ("%zz%41", "%zzA"), ("%2541", "%41")]
        {
            assert_eq!(decoded(text).unwrap(), expected, "{text}");
        }
        assert!(decoded("%ff").is_err());
    }

    #[test]
    fn what_names_no_repository_is_refused_without_its_secrets() {
        let cases = [
            ("", "empty"),
            ("hf://", "empty"),
            ("hf://datasets/", "empty"),
            ("a/b/c", "name files beside it"),
            ("me/it@", "revision"),
            ("me/it@a..b/../c", "unsafe path"),
            ("hf://buckets/me/it", "not repositories"),
            ("hf://me/it/../x", "unsafe path"),
            ("hf://me/it@main/a//b", "unsafe path"),
            ("ftp://huggingface.co/me/it", "only `hf://`"),
            ("https://elsewhere.test/me/it?token=s3cret", "it is at elsewhere.test"),
            ("https://else\nwhere/me/it", "it is at else\\nwhere"),
            ("https://huggingface.co.evil.test/me/it", "it is at huggingface.co.evil.test"),
            ("https://huggingface.co@evil.test/me/it", "user name or a password"),
            ("https://me:s3cret@huggingface.co/me/it", "user name or a password"),
            ("https://hub.test:8443/other/me/it", "it is at hub.test:8443"),
            ("https://hub.test/base/me/it", "it is at hub.test,"),
            ("https://huggingface.co/", "empty"),
            ("https://huggingface.co/docs/hub", "address of docs"),
            ("https://huggingface.co/papers/2401.1", "address of papers"),
            ("https://huggingface.co/me/it/discussions/3", "page `discussions`"),
            ("https://huggingface.co/me/it/blob/main", "names no file"),
            ("https://huggingface.co/me/it/blob/main/..%2F..%2Fx", "unsafe path"),
            ("https://huggingface.co/me/it/blob/main/%ff", "not valid UTF-8"),
            ("https://huggingface.co/me/it/commits/main/a", "shows no file"),
            ("huggingface.co/me/it/page?token=s3cret", "page `page`"),
            ("git@hf.co:me/it/page?token=s3cret", "page `page`"),
            ("me/it?token=s3cret", "only letters"),
            ("hf://me/it?token=s3cret", "only letters"),
            ("hf://me/it/../x?token=s3cret", "unsafe path"),
            ("hf://me/it/x?token=s3cret/../x", "unsafe path"),
            ("hf://me:s3cret@it/x", "only letters"),
            ("https:/me:s3cret@huggingface.co/me/it", "only letters"),
            ("//me:s3cret@huggingface.co/me/it", "name files beside it"),
            ("me:s3cret@huggingface.co/me/it", "only letters"),
            ("me:s3cret@", "revision"),
        ];
        for (text, why) in cases {
            let error = HubUri::parse(text, HUB).expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("s3cret"), "{error}");
        }
    }
}
