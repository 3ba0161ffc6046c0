//! The folder of LFS objects.
use super::{multipart::Uploads, sign::Signer};
use crate::{
    Error, stamp,
    state::HubState,
    web::{
        ApiError,
        body::{Chunks, stream_to_thread},
    },
};
use axum::body::BodyDataStream;
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

/// Objects named by the sha256 of their content. What is visible is complete and has been checked.
pub(crate) struct LfsStore {
    root: PathBuf,
    durable: bool,
    pub(super) signer: Signer,
    pub(super) uploads: Uploads,
}

/// Why an upload was not stored.
#[derive(Debug)]
pub(super) enum Refused {
    /// The content is not what it was said to be.
    Mismatch(String),
    /// The connection ended early.
    Broken(String),
    Io(io::Error),
}

impl From<Refused> for ApiError {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Mismatch(message) | Refused::Broken(message) => Self::bad_request(message),
            Refused::Io(cause) => cause.into(),
        }
    }
}

impl From<io::Error> for Refused {
    fn from(cause: io::Error) -> Self {
        Self::Io(cause)
    }
}

impl LfsStore {
    /// Uses the folder `root`. What uploads left unfinished is removed.
    pub(crate) fn open(root: PathBuf, durable: bool) -> Result<Self, Error> {
        let incoming = root.join("incoming");
        if incoming.exists() {
            fs::remove_dir_all(&incoming).map_err(|cause| Error::at(&incoming, cause))?;
        }
        fs::create_dir_all(&incoming).map_err(|cause| Error::at(&incoming, cause))?;
        Ok(Self { root, durable, signer: Signer::new(), uploads: Uploads::default() })
    }

    /// Where an object is, or would be.
    pub(crate) fn path(&self, oid: &str) -> PathBuf {
        self.root.join("objects").join(&oid[..2]).join(&oid[2..4]).join(oid)
    }

    /// The size of an object; `None` if it is not there.
    pub(crate) fn size(&self, oid: &str) -> Option<u64> {
        fs::metadata(self.path(oid)).ok().map(|metadata| metadata.len())
    }

    /// A signed URL to download an object.
    pub(crate) fn download_url(&self, state: &HubState, oid: &str, name: &str) -> String {
        let name = percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC);
        let signature = self.signer.query(&format!("GET {oid}"), state.limits.url_lifetime);
        format!("{}/objects/{oid}?{signature}&filename={name}", state.urls.storage)
    }

    pub(super) fn new_incoming(&self) -> PathBuf {
        self.root.join("incoming").join(stamp::random_hex(16))
    }

    /// Stores what a body carries, if it is the object it is said to be.
    pub(super) async fn receive(&self, oid: &str, size: u64, body: BodyDataStream) -> Result<(), Refused> {
        let (incoming, place, durable) = (self.new_incoming(), self.path(oid), self.durable);
        let oid = oid.to_owned();
        stream_to_thread(body, move |chunks| {
            let stored = write_checked(chunks, &incoming, &oid, size)
                .and_then(|file| publish(&file, &incoming, &place, durable));
            if stored.is_err() {
                let _ = fs::remove_file(&incoming);
            }
            stored
        })
        .await
    }

    /// Makes a finished file the object it is said to be, if it is; for blocking threads.
    pub(super) fn adopt(&self, incoming: &Path, oid: &str) -> Result<(), Refused> {
        let mut file = File::open(incoming)?;
        let mut hash = Sha256::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                count => hash.update(&buffer[..count]),
            }
        }
        check_hash(hash, oid)?;
        publish(&file, incoming, &self.path(oid), self.durable)
    }
}

fn write_checked(chunks: Chunks, path: &Path, oid: &str, size: u64) -> Result<File, Refused> {
    let mut file = File::create_new(path)?;
    let mut hash = Sha256::new();
    let mut length = 0;
    for chunk in chunks {
        let chunk = chunk.map_err(Refused::Broken)?;
        length += chunk.len() as u64;
        if length > size {
            return Err(Refused::Mismatch(format!("more than the {size} bytes announced were sent")));
        }
        hash.update(&chunk);
        file.write_all(&chunk)?;
    }
    if length != size {
        return Err(Refused::Mismatch(format!("{length} bytes were sent, {size} were announced")));
    }
    check_hash(hash, oid)?;
    Ok(file)
}

fn check_hash(hash: Sha256, oid: &str) -> Result<(), Refused> {
    let found = hex::encode(hash.finalize());
    if found == oid {
        return Ok(());
    }
    Err(Refused::Mismatch(format!("the sha256 of what was sent is {found}, not {oid}")))
}

/// Makes a file that has been checked visible under its name.
fn publish(file: &File, incoming: &Path, place: &Path, durable: bool) -> Result<(), Refused> {
    let folder = place.parent().expect("objects are in folders");
    fs::create_dir_all(folder)?;
    if durable {
        file.sync_all()?;
    }
    fs::rename(incoming, place)?;
    if durable {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}
