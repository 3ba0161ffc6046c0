//! Copies of whole repositories.
use super::GitStore;
use crate::web::Result;
use std::{
    fs::{self, File},
    io,
    path::Path,
};

impl GitStore {
    /// Copies a repository with its history, branches and tags, and without its pull requests.
    pub(crate) fn copy(&self, from: &str, to: &str) -> Result<()> {
        let (source, target) = (self.path(from), self.path(to));
        // Objects never change; only references could move while they are copied.
        let copied = self.write(from, |_| Ok(copy_folder(&source, &target, self.0.durable)?));
        let trimmed = copied.and_then(|()| {
            self.with(to, |git| {
                for reference in git.references("refs/pr/")? {
                    git.delete_reference(&reference.name)?;
                }
                Ok(())
            })
        });
        if trimmed.is_err() {
            self.remove(to)?;
        }
        trimmed
    }
}

fn copy_folder(from: &Path, to: &Path, durable: bool) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy_folder(&source, &target, durable)?;
            continue;
        }
        // Git writes beside the place of a file and renames; what is beside may be gone by now.
        match fs::copy(&source, &target) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
            copied => copied?,
        };
        if durable {
            File::open(&target)?.sync_all()?;
        }
    }
    Ok(())
}
