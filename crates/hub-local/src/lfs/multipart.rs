//! Uploads in parts: each part goes to its own signed URL, in any order, and a last request puts them together.
use super::store::{LfsStore, Refused};
use crate::{stamp, web::body::stream_to_thread};
use axum::body::BodyDataStream;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, File, OpenOptions},
    io::{Seek, SeekFrom, Write},
    path::PathBuf,
    sync::Mutex,
};

/// The uploads under way. They are forgotten when the process ends, as their URLs expire anyway.
#[derive(Default)]
pub(super) struct Uploads(Mutex<HashMap<String, Upload>>);

struct Upload {
    oid: String,
    size: u64,
    part_bytes: u64,
    file: PathBuf,
    /// The ETags of the parts that have arrived.
    parts: BTreeMap<u32, String>,
    deadline: i64,
}

/// A part on its way.
struct Part {
    file: PathBuf,
    offset: u64,
    length: u64,
}

impl LfsStore {
    /// Begins an upload in parts and gives its id. Uploads that were abandoned for `lifetime_seconds` are dropped.
    pub(super) fn begin_upload(
        &self,
        oid: &str,
        size: u64,
        part_bytes: u64,
        lifetime_seconds: u64,
    ) -> Result<String, Refused> {
        let now = stamp::unix_seconds();
        let mut uploads = self.uploads.0.lock().expect("no holder panics");
        uploads.retain(|_, upload| {
            let alive = upload.deadline > now;
            if !alive {
                let _ = fs::remove_file(&upload.file);
            }
            alive
        });
        let id = stamp::random_hex(16);
        let file = self.new_incoming();
        File::create_new(&file)?.set_len(size)?;
        // Half a day beyond the URLs: a client may be at its last part when they expire.
        let deadline = now.saturating_add_unsigned(lifetime_seconds).saturating_add(43_200);
        let (oid, parts) = (oid.to_owned(), BTreeMap::new());
        uploads.insert(id.clone(), Upload { oid, size, part_bytes, file, parts, deadline });
        Ok(id)
    }

    /// Stores a part and gives its ETag.
    pub(super) async fn receive_part(
        &self,
        id: &str,
        number: u32,
        body: BodyDataStream,
    ) -> Result<String, Refused> {
        let part = self.part(id, number)?;
        let etag = stream_to_thread(body, move |chunks| {
            let mut file = OpenOptions::new().write(true).open(&part.file)?;
            file.seek(SeekFrom::Start(part.offset))?;
            let mut hash = Sha256::new();
            let mut length = 0;
            for chunk in chunks {
                let chunk = chunk.map_err(Refused::Broken)?;
                length += chunk.len() as u64;
                if length > part.length {
                    return Err(Refused::Mismatch(format!("a part of {} bytes was expected", part.length)));
                }
                hash.update(&chunk);
                file.write_all(&chunk)?;
            }
            if length != part.length {
                let message =
                    format!("{length} bytes were sent, a part of {} bytes was expected", part.length);
                return Err(Refused::Mismatch(message));
            }
            // As long as the MD5 that stores of this kind use.
            Ok(format!("\"{}\"", &hex::encode(hash.finalize())[..32]))
        })
        .await?;
        let mut uploads = self.uploads.0.lock().expect("no holder panics");
        let upload = uploads.get_mut(id).ok_or_else(no_such_upload)?;
        upload.parts.insert(number, etag.clone());
        Ok(etag)
    }

    /// Puts the parts together, if they are those that arrived and make the object; for blocking threads.
    ///
    /// An upload that turns out wrong is gone: it has to begin again.
    pub(super) fn complete_upload(
        &self,
        id: &str,
        oid: &str,
        parts: &[(u32, String)],
    ) -> Result<(), Refused> {
        let mut uploads = self.uploads.0.lock().expect("no holder panics");
        let upload = uploads.get(id).filter(|upload| upload.oid == oid).ok_or_else(no_such_upload)?;
        let expected = upload.size.div_ceil(upload.part_bytes);
        let arrived = upload.parts.len() as u64 == expected;
        let named: BTreeMap<u32, String> =
            parts.iter().map(|(number, etag)| (*number, format!("\"{}\"", etag.trim_matches('"')))).collect();
        if !arrived || named != upload.parts {
            let message =
                format!("InvalidPart: {} of {expected} parts arrived, or not as named", upload.parts.len());
            return Err(Refused::Mismatch(message));
        }
        let file = upload.file.clone();
        uploads.remove(id);
        drop(uploads);
        let adopted = self.adopt(&file, oid);
        if adopted.is_err() {
            let _ = fs::remove_file(&file);
        }
        adopted
    }

    fn part(&self, id: &str, number: u32) -> Result<Part, Refused> {
        let uploads = self.uploads.0.lock().expect("no holder panics");
        let upload = uploads.get(id).ok_or_else(no_such_upload)?;
        let offset = u64::from(number).checked_sub(1).map(|index| index * upload.part_bytes);
        let offset = offset.filter(|offset| *offset < upload.size);
        let offset = offset.ok_or_else(|| Refused::Mismatch(format!("there is no part {number}")))?;
        let length = upload.part_bytes.min(upload.size - offset);
        Ok(Part { file: upload.file.clone(), offset, length })
    }
}

fn no_such_upload() -> Refused {
    Refused::Mismatch("NoSuchUpload: the upload does not exist, was completed or has expired".into())
}
