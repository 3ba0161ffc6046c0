//! The tokens kept on disk: the one in use, and all of them by name.
use crate::{Config, Context as _, Error, IoContext as _, Result, Token};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

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
/// Both are readable by their owner only and replaced as a whole.
#[derive(Debug, Clone)]
pub struct TokenStore {
    active: PathBuf,
    stored: PathBuf,
}

impl TokenStore {
    /// The files that a configuration names.
    pub fn new(config: &Config) -> Self {
        Self { active: config.token_path.clone(), stored: config.stored_tokens_path.clone() }
    }

    /// The token in use, if one is.
    ///
    /// # Errors
    /// The file cannot be read, or holds no token.
    pub fn active(&self) -> Result<Option<Token>> {
        crate::config::read_token(&self.active)
    }

    /// All tokens by name.
    ///
    /// # Errors
    /// The file cannot be read, or a token in it is none.
    pub fn list(&self) -> Result<Vec<StoredToken>> {
        let text = match fs::read_to_string(&self.stored) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).at(&self.stored),
        };
        parse(&text).with(|| format!("could not read `{}`", self.stored.display()))
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
        let tokens = self.list()?;
        let found = tokens.iter().find(|stored| stored.name == name).ok_or_else(|| {
            let names: Vec<_> = tokens.iter().map(|stored| stored.name.as_str()).collect();
            Error::invalid(format!("there is no token named {name:?}; there are: {}", names.join(", ")))
        })?;
        write_secret(&self.active, found.token.secret())
    }

    /// Puts a token in use without a name.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn activate(&self, token: &Token) -> Result<()> {
        write_secret(&self.active, token.secret())
    }

    /// Forgets one token, or all; the one in use too, if it was among them.
    ///
    /// # Errors
    /// There is no such name, or a file cannot be changed.
    pub fn forget(&self, name: Option<&str>) -> Result<()> {
        let tokens = self.list()?;
        let (gone, kept): (Vec<_>, Vec<_>) =
            tokens.into_iter().partition(|stored| name.is_none_or(|name| stored.name == name));
        if let Some(name) = name.filter(|_| gone.is_empty()) {
            return Err(Error::invalid(format!("there is no token named {name:?}")));
        }
        let active = self.active()?;
        if name.is_none() || active.is_some_and(|active| gone.iter().any(|stored| stored.token == active)) {
            remove(&self.active)?;
        }
        if kept.is_empty() { remove(&self.stored) } else { self.write(&kept) }
    }

    fn write(&self, tokens: &[StoredToken]) -> Result<()> {
        let sections = tokens
            .iter()
            .map(|stored| format!("[{}]\nhf_token = {}\n\n", stored.name, stored.token.secret()));
        write_secret(&self.stored, &sections.collect::<String>())
    }
}

/// Reads the INI form: a section for each name, with one key.
fn parse(text: &str) -> Result<Vec<StoredToken>> {
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
                token: Token::parse(value).with(|| format!("the token {name:?}"))?,
                name,
            });
        }
    }
    Ok(tokens)
}

/// Writes a file that only its owner may read, beside its place, then puts it there.
fn write_secret(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder).at(folder)?;
    let draft = path.with_extension(format!("{:016x}.tmp", fastrand::u64(..)));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options.open(&draft).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.and_then(|()| fs::rename(&draft, path)).inspect_err(|_| drop(fs::remove_file(&draft))).at(path)
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
