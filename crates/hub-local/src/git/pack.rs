//! Writing many blobs at once: into one pack instead of a file each.
//!
//! A file each costs a commit of thousands of small files as many creations, renames and, to be durable, flushes.
use super::Git;
use crate::web::Result;
use git2::Oid;
use sha1::{Digest, Sha1};
use std::{
    collections::HashSet,
    fs::File,
    io::{BufWriter, Read, Seek, SeekFrom, Write},
};

/// Writes blobs; they are there after [`BlobWriter::finish`].
pub(crate) struct BlobWriter<'a> {
    git: &'a Git<'a>,
    seen: HashSet<Oid>,
    /// The first blobs. If they are all, each becomes an object of its own.
    held: Vec<Vec<u8>>,
    held_bytes: usize,
    pack: Option<Pack>,
}

const MOST_HELD: usize = 32;
const MOST_HELD_BYTES: usize = 4 << 20;

impl<'a> BlobWriter<'a> {
    pub(super) fn new(git: &'a Git<'a>) -> Self {
        Self { git, seen: HashSet::new(), held: Vec::new(), held_bytes: 0, pack: None }
    }

    /// Takes a blob and gives its id.
    pub(crate) fn write(&mut self, content: Vec<u8>) -> Result<Oid> {
        let id = blob_id(&content)?;
        if !self.seen.insert(id) {
            return Ok(id);
        }
        if let Some(pack) = &mut self.pack {
            pack.add(&content)?;
            return Ok(id);
        }
        self.held_bytes += content.len();
        self.held.push(content);
        if self.held.len() > MOST_HELD || self.held_bytes > MOST_HELD_BYTES {
            let mut pack = Pack::new()?;
            for content in self.held.drain(..) {
                pack.add(&content)?;
            }
            self.pack = Some(pack);
        }
        Ok(id)
    }

    /// Makes all blobs part of the repository.
    pub(crate) fn finish(self) -> Result<()> {
        for content in &self.held {
            self.git.write_blob(content)?;
        }
        match self.pack {
            Some(pack) => pack.finish(self.git),
            None => Ok(()),
        }
    }
}

fn blob_id(content: &[u8]) -> Result<Oid> {
    let hash = Sha1::new().chain_update(format!("blob {}\0", content.len())).chain_update(content);
    Ok(Oid::from_bytes(&hash.finalize())?)
}

/// A pack of version 2 in a temporary file, its blobs stored without compression or deltas.
struct Pack {
    file: BufWriter<File>,
    count: u32,
}

const BLOB: u8 = 3;
const COUNT_AT: u64 = 8;

impl Pack {
    fn new() -> Result<Self> {
        let mut file = BufWriter::with_capacity(1 << 20, tempfile::tempfile()?);
        file.write_all(b"PACK\0\0\0\x02\0\0\0\0")?;
        Ok(Self { file, count: 0 })
    }

    fn add(&mut self, content: &[u8]) -> Result<()> {
        self.count += 1;
        // Four bits of the length beside the type, then seven to a byte, as long as there are more.
        let mut length = content.len();
        let mut byte = BLOB << 4 | (length & 0x0f) as u8;
        length >>= 4;
        while length > 0 {
            self.file.write_all(&[byte | 0x80])?;
            byte = (length & 0x7f) as u8;
            length >>= 7;
        }
        self.file.write_all(&[byte])?;
        self.store(content)
    }

    /// A zlib stream of stored blocks.
    fn store(&mut self, content: &[u8]) -> Result<()> {
        self.file.write_all(&[0x78, 0x01])?;
        let mut blocks = content.chunks(usize::from(u16::MAX)).peekable();
        if content.is_empty() {
            self.file.write_all(&[1, 0, 0, 0xff, 0xff])?;
        }
        while let Some(block) = blocks.next() {
            let last = u8::from(blocks.peek().is_none());
            let length = block.len() as u16;
            self.file.write_all(&[last])?;
            self.file.write_all(&length.to_le_bytes())?;
            self.file.write_all(&(!length).to_le_bytes())?;
            self.file.write_all(block)?;
        }
        Ok(self.file.write_all(&adler32(content).to_be_bytes())?)
    }

    /// Hands the pack to git, which checks it, makes its index and puts it into the repository.
    fn finish(self, git: &Git<'_>) -> Result<()> {
        let mut file = self.file.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.seek(SeekFrom::Start(COUNT_AT))?;
        file.write_all(&self.count.to_be_bytes())?;
        file.seek(SeekFrom::Start(0))?;
        let odb = git.repository.odb()?;
        let mut writer = odb.packwriter()?;
        let mut hash = Sha1::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                count => {
                    hash.update(&buffer[..count]);
                    writer.write_all(&buffer[..count])?;
                }
            }
        }
        writer.write_all(&hash.finalize())?;
        writer.commit()?;
        Ok(())
    }
}

/// The checksum at the end of a zlib stream.
fn adler32(content: &[u8]) -> u32 {
    const MODULUS: u32 = 65_521;
    // So many sums of bytes fit into 32 bits before they have to be reduced.
    const RUN: usize = 5552;
    let (mut low, mut high) = (1, 0);
    for run in content.chunks(RUN) {
        for &byte in run {
            low += u32::from(byte);
            high += low;
        }
        low %= MODULUS;
        high %= MODULUS;
    }
    high << 16 | low
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::GitStore;

    #[test]
    fn checksum_is_adlers() {
        assert_eq!(adler32(b""), 1);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
        assert_eq!(adler32(&[0xff; 20_000]), 0x9f51_d664);
    }

    #[test]
    fn many_blobs_come_back_from_their_pack() {
        let folder = tempfile::tempdir().unwrap();
        let store = GitStore::new(folder.path().to_owned(), false);
        store.create("r", "me", "first", &[]).unwrap();
        let contents: Vec<Vec<u8>> = [0, 1, 15, 16, 17, 2047, 2048, 65_535, 65_536, 200_000, 16]
            .into_iter()
            .map(|size| vec![b'x'; size])
            .chain((0..MOST_HELD).map(|n| n.to_string().into_bytes()))
            .collect();
        store
            .with("r", |git| {
                let mut writer = git.blob_writer();
                let ids = contents
                    .iter()
                    .map(|content| writer.write(content.clone()))
                    .collect::<Result<Vec<_>>>()?;
                writer.finish()?;
                for (id, content) in ids.into_iter().zip(&contents) {
                    assert_eq!(&git.content(id)?, content);
                }
                Ok(())
            })
            .unwrap();
        let packs = std::fs::read_dir(store.path("r").join("objects/pack")).unwrap().count();
        assert_eq!(packs, 2, "a pack and its index");
    }
}
