//! The tokens kept on disk: the one in use, and all of them by name.
use crate::{Config, Context as _, Error, ErrorKind, IoContext as _, Result, Token, TokenSource};
use std::fs::{self, File, TryLockError};
use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a change waits for one that another process is making.
const LOCK_TIMEOUT: Duration = Duration::from_secs(10);

/// A token and the name it is kept under.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StoredToken {
    /// The name.
    pub name: String,
    /// The token.
    pub token: Token,
}

/// The token file and the file of stored tokens, as the Python client keeps them.
///
/// Both are readable by their owner only and replaced as a whole. Changes are made under a lock, so that none is lost when
/// several processes make them. The methods may block for as long as another process holds it: at most ten seconds.
#[derive(Debug, Clone)]
pub struct TokenStore {
    /// A configuration that knows the paths, or says what to set.
    config: Config,
}

impl TokenStore {
    /// The files that a configuration names.
    pub fn new(config: &Config) -> Self {
        Self { config: config.clone() }
    }

    /// The token in use, if one is.
    ///
    /// # Errors
    /// The file cannot be read, or holds no token; where it is is not known.
    pub fn active(&self) -> Result<Option<Token>> {
        crate::config::read_token(self.config.token_path()?, Token::parse_quietly)
    }

    /// All tokens by name.
    ///
    /// # Errors
    /// The file cannot be read, or a token in it is none; where it is is not known.
    pub fn list(&self) -> Result<Vec<StoredToken>> {
        let path = self.config.stored_tokens_path()?;
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error)
                if matches!(
                    error.kind(),
                    std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(Vec::new());
            }
            Err(error) => return Err(error).at(path),
        };
        parse(&text, path).with(|| format!("could not read `{}`", path.display()))
    }

    /// Keeps a token under a name, in place of one that had it.
    ///
    /// # Errors
    /// The name cannot be kept, or the file cannot be written.
    pub fn save(&self, name: &str, token: &Token) -> Result<()> {
        if name.trim().is_empty() || name.trim() != name || name.contains(['[', ']', '\n', '\r']) {
            return Err(Error::invalid(format!(
                "{name:?} cannot be the name of a token; use letters, digits and `-`"
            )));
        }
        let _lock = self.lock()?;
        let mut tokens = self.list()?;
        tokens.retain(|stored| stored.name != name);
        tokens.push(StoredToken { name: name.to_owned(), token: token.clone() });
        self.write(&tokens)
    }

    /// Puts the token of a name in use.
    ///
    /// # Errors
    /// There is no such name, or the file cannot be written.
    pub fn switch(&self, name: &str) -> Result<()> {
        let _lock = self.lock()?;
        let tokens = self.list()?;
        let found = tokens.iter().find(|stored| stored.name == name).ok_or_else(|| {
            let names: Vec<_> = tokens.iter().map(|stored| stored.name.as_str()).collect();
            Error::invalid(match names.is_empty() {
                true => {
                    format!("there is no token named {name:?}, nor any other; log in with `hub auth login`")
                }
                false => format!("there is no token named {name:?}; there are: {}", names.join(", ")),
            })
        })?;
        write_secret(self.config.token_path()?, found.token.secret())
    }

    /// Puts a token in use without a name.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn activate(&self, token: &Token) -> Result<()> {
        let _lock = self.lock()?;
        write_secret(self.config.token_path()?, token.secret())
    }

    /// Forgets one token, or all; the one in use too, if it was among them.
    ///
    /// # Errors
    /// There is no such name, or a file cannot be changed.
    pub fn forget(&self, name: Option<&str>) -> Result<()> {
        let _lock = self.lock()?;
        let active_path = self.config.token_path()?;
        let Some(name) = name else {
            // Whatever they hold: a file that cannot be read is a reason to log out.
            remove(active_path)?;
            return remove(self.config.stored_tokens_path()?);
        };
        let tokens = self.list()?;
        let (gone, kept): (Vec<_>, Vec<_>) = tokens.into_iter().partition(|stored| stored.name == name);
        if gone.is_empty() {
            return Err(Error::invalid(format!("there is no token named {name:?}")));
        }
        if self.active()?.is_some_and(|active| gone.iter().any(|stored| stored.token == active)) {
            remove(active_path)?;
        }
        if kept.is_empty() { remove(self.config.stored_tokens_path()?) } else { self.write(&kept) }
    }

    /// Takes the lock that every change of the two files is made under; it is released when the handle is dropped.
    ///
    /// The lock file stays: to delete it would let two processes hold locks on two files of one name.
    fn lock(&self) -> Result<File> {
        let path = self.config.stored_tokens_path()?.with_extension("lock");
        make_folder(&path)?;
        let mut options = File::options();
        options.write(true).create(true).truncate(false);
        owner_only(&mut options);
        let file = options.open(&path).at(&path)?;
        let start = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                // Some network file systems have no locks; files that are replaced as a whole must do there.
                Err(TryLockError::Error(error)) if error.kind() == std::io::ErrorKind::Unsupported => {
                    return Ok(file);
                }
                Err(TryLockError::Error(error)) => return Err(error).at(&path),
                Err(TryLockError::WouldBlock) if start.elapsed() < LOCK_TIMEOUT => {
                    std::thread::sleep(Duration::from_millis(10));
                }
                Err(TryLockError::WouldBlock) => {
                    let text = format!(
                        "another process has held the lock on the stored tokens (`{}`) for {} s; end it and try again",
                        path.display(),
                        LOCK_TIMEOUT.as_secs()
                    );
                    return Err(Error::new(ErrorKind::Io, text));
                }
            }
        }
    }

    fn write(&self, tokens: &[StoredToken]) -> Result<()> {
        let sections = tokens
            .iter()
            .map(|stored| format!("[{}]\nhf_token = {}\n\n", stored.name, stored.token.secret()));
        write_secret(self.config.stored_tokens_path()?, &sections.collect::<String>())
    }
}

/// Reads the INI form: a section for each name, with one key.
fn parse(text: &str, path: &Path) -> Result<Vec<StoredToken>> {
    let mut tokens = Vec::new();
    let mut name = None;
    for line in text.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            name = Some(section.to_owned());
        } else if let Some((key, value)) = line.split_once(['=', ':'])
            && key.trim() == "hf_token"
            && let Some(name) = name.take()
        {
            tokens.push(StoredToken {
                token: Token::parse_quietly(value, TokenSource::File(path.to_owned()))
                    .with(|| format!("the token {name:?}"))?,
                name,
            });
        }
    }
    Ok(tokens)
}

/// Writes a file that only its owner may read, beside its place, then puts it there.
fn write_secret(path: &Path, text: &str) -> Result<()> {
    make_folder(path)?;
    let draft = path.with_extension(format!("{:016x}.tmp", fastrand::u64(..)));
    let mut options = File::options();
    options.write(true).create_new(true);
    owner_only(&mut options);
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&draft, path)).inspect_err(|_| drop(fs::remove_file(&draft))).at(path)
}

/// Makes the folder of a file, for its owner only; one that exists keeps its mode.
fn make_folder(path: &Path) -> Result<()> {
    let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) else { return Ok(()) };
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).at(folder)
}

fn owner_only(options: &mut fs::OpenOptions) {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    #[cfg(not(unix))]
    let _ = options;
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error).at(path),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn store(folder: &Path) -> TokenStore {
        TokenStore::new(&Config::new("http://localhost:1", folder).unwrap())
    }

    fn token(text: &str) -> Token {
        Token::parse(text).unwrap()
    }

    #[test]
    fn tokens_are_kept_switched_and_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        store.save("work", &token("hf_work")).unwrap();
        store.save("home", &token("hf_old")).unwrap();
        store.save("home", &token("hf_home")).unwrap();
        assert_eq!(store.list().unwrap().len(), 2);
        store.switch("home").unwrap();
        assert_eq!(store.active().unwrap(), Some(token("hf_home")));
        assert!(store.switch("none").unwrap_err().to_string().contains("work, home"));
        store.forget(Some("home")).unwrap();
        assert_eq!(store.active().unwrap(), None);
        assert_eq!(store.list().unwrap()[0].name, "work");
        store.forget(None).unwrap();
        assert!(store.list().unwrap().is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_read_whatever_was_there() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        store(folder.path()).activate(&token("hf_new")).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap(), "hf_new");
    }

    #[cfg(unix)]
    #[test]
    fn folders_that_exist_keep_their_mode_and_new_ones_are_the_owners() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
        let shared = folder.path().join("shared");
        fs::create_dir(&shared).unwrap();
        fs::set_permissions(&shared, fs::Permissions::from_mode(0o2775)).unwrap();
        store(&shared).save("a", &token("hf_a")).unwrap();
        assert_eq!(mode(&shared), 0o2775);
        assert_eq!(mode(&shared.join("stored_tokens")), 0o600);
        store(&shared.join("x/y")).activate(&token("hf_a")).unwrap();
        assert_eq!((mode(&shared.join("x")) & 0o777, mode(&shared.join("x/y")) & 0o777), (0o700, 0o700));
        assert_eq!(mode(&shared.join("x/y/token")), 0o600);
    }

    #[test]
    fn no_change_is_lost_when_many_are_made_in_parallel() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<_> = (0..16).map(|number| format!("token-{number:02}")).collect();
        std::thread::scope(|scope| {
            for name in &names {
                scope.spawn(|| store(folder.path()).save(name, &token("hf_x")).unwrap());
            }
        });
        let mut kept: Vec<_> =
            store(folder.path()).list().unwrap().into_iter().map(|stored| stored.name).collect();
        kept.sort();
        assert_eq!(kept, names);
    }

    #[test]
    fn all_tokens_are_forgotten_even_if_they_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("token"), "two words").unwrap();
        fs::write(folder.path().join("stored_tokens"), "[a]\nhf_token = two words\n").unwrap();
        store(folder.path()).forget(None).unwrap();
        assert!(!folder.path().join("token").exists() && !folder.path().join("stored_tokens").exists());
    }

    #[test]
    fn control_characters_in_a_name_are_escaped_in_errors() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("stored_tokens"), "[a\u{8}\u{9b}b]\nhf_token = two words\n").unwrap();
        let error = store(folder.path()).list().unwrap_err();
        assert!(!error.full_message().contains(char::is_control), "{error:?}");
    }

    #[test]
    fn names_that_break_the_file_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["", " a", "a]\n[b", "x\ny"] {
            assert!(store(folder.path()).save(name, &token("hf_x")).is_err(), "{name:?}");
        }
    }
}
