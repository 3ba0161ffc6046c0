//! Paths as arguments: any bytes, with `~` for the home folder.
use clap::builder::{PathBufValueParser, TypedValueParser};
use std::path::{Path, PathBuf};

/// Reads a path; `~` at its beginning is the home folder, which the shell does not expand in `--option=~/x`.
pub fn path_parser() -> impl TypedValueParser<Value = PathBuf> {
    PathBufValueParser::new().try_map(|path| expand_home(&path, std::env::home_dir()))
}

fn expand_home(path: &Path, home: Option<PathBuf>) -> Result<PathBuf, &'static str> {
    let Ok(below) = path.strip_prefix("~") else { return Ok(path.to_owned()) };
    let home = home.filter(|home| !home.as_os_str().is_empty());
    let home = home.ok_or("there is no home folder that `~` could stand for; set HOME, or write `./~`")?;
    Ok(if below.as_os_str().is_empty() { home } else { home.join(below) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tilde_is_the_home_folder_at_the_beginning_only() {
        let cases = [
            ("~", "/home/me"),
            ("~/x/y", "/home/me/x/y"),
            ("./~/x", "./~/x"),
            ("~me/x", "~me/x"),
            ("a/~", "a/~"),
        ];
        for (given, expected) in cases {
            assert_eq!(expand_home(Path::new(given), Some("/home/me".into())).unwrap(), Path::new(expected));
        }
        assert!(expand_home(Path::new("~/x"), None).is_err());
        assert!(expand_home(Path::new("x"), None).is_ok());
    }
}
