//! The bytes of tensors, as they come.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _, stream};
use hub_api::Result;

use super::header::read_range;
use super::model::{Content, Shared};
use super::unsound;
use crate::error::Error;
use crate::header::Tensor;
use crate::plan::{PlannedRange, RangeOptions, TensorSlice, plan_ranges};

/// What is reserved at once for a tensor of which nothing has come yet.
const RESERVED: u64 = 64 << 20;

/// Tensors up to this size do not keep the range that they came in.
const COPIED: usize = 1 << 20;

/// How tensors are fetched.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub ranges: RangeOptions,
    pub connections: usize,
}

impl Default for Reading {
    fn default() -> Self {
        Self { ranges: RangeOptions::default().max_len(8 << 20), connections: 8 }
    }
}

/// A tensor and its bytes.
///
/// The bytes are little-endian, in row-major order, and not necessarily aligned to the element type.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FetchedTensor {
    /// What the header says.
    pub tensor: Tensor,
    /// The file that has it, without its folder.
    pub file: Arc<str>,
    /// The bytes, as many as the header says.
    pub bytes: Bytes,
}

/// A part of a tensor's bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorPart {
    /// What the header says.
    pub tensor: Tensor,
    /// The file that has it, without its folder.
    pub file: Arc<str>,
    /// Which of the tensor's bytes is the first of these.
    pub offset: u64,
    /// The bytes.
    pub bytes: Bytes,
}

/// Tensors in parts, file by file in the order of their bytes.
pub(super) fn parts(shared: Arc<Shared>, names: Vec<String>) -> BoxStream<'static, Result<TensorPart>> {
    let parts = async move {
        let jobs = shared.jobs(&names).await?;
        let connections = shared.reading.connections;
        let fetched = stream::iter(jobs).map(move |job| {
            let shared = shared.clone();
            async move { shared.perform(job).await }
        });
        let parts = fetched.buffered(connections).map_ok(|parts| stream::iter(parts).map(Ok));
        Ok::<_, hub_api::Error>(parts.try_flatten())
    };
    stream::once(parts).try_flatten().boxed()
}

/// A range of a file to fetch.
struct Job {
    file: usize,
    range: PlannedRange,
}

impl Shared {
    /// Plans what to fetch.
    async fn jobs(&self, names: &[String]) -> Result<Vec<Job>> {
        let mut jobs = Vec::new();
        for (file, header, positions) in self.locate(names).await? {
            let mut empty: Vec<_> =
                positions.iter().copied().filter(|&at| header.tensors()[at].byte_len() == 0).collect();
            empty.sort_unstable();
            empty.dedup();
            let slices = empty.into_iter().map(TensorSlice::empty).collect();
            jobs.push(Job { file, range: PlannedRange { bytes: 0..0, slices } });
            let wanted = positions.iter().map(|&position| header.tensors()[position].name());
            let ranges = plan_ranges(&header, wanted, &self.reading.ranges)?;
            jobs.extend(ranges.into_iter().map(|range| Job { file, range }));
        }
        Ok(jobs)
    }

    /// Fetches a range, and cuts it into parts of tensors.
    async fn perform(&self, Job { file, range }: Job) -> Result<Vec<TensorPart>> {
        let file = self.file(file);
        let opened = file.opened().await?;
        let bytes = match &opened.content {
            _ if range.bytes.is_empty() => Bytes::new(),
            // Opening compared the header with the length of the map.
            Content::Mapped(map) => map.slice(range.bytes.start as usize..range.bytes.end as usize),
            Content::Remote(remote) => read_range(remote, range.bytes.clone()).await?.0,
        };
        let (wanted, len) = (range.bytes.end - range.bytes.start, bytes.len() as u64);
        if len < wanted {
            let actual = (range.bytes.start + len).saturating_sub(opened.header.data_start());
            let short = Error::DataLength { expected: opened.header.data_len(), actual };
            return Err(unsound(short, file.what()));
        }
        let part = |slice: TensorSlice| TensorPart {
            tensor: opened.header.tensors()[slice.tensor].clone(),
            file: file.name.clone(),
            offset: slice.tensor_bytes.start,
            bytes: bytes.slice(slice.range_bytes.start as usize..slice.range_bytes.end as usize),
        };
        Ok(range.slices.into_iter().map(part).collect())
    }
}

/// Puts parts that come in order together to tensors.
pub(super) fn assemble(
    parts: BoxStream<'static, Result<TensorPart>>,
) -> impl Stream<Item = Result<FetchedTensor>> + Send {
    stream::try_unfold(parts, |mut parts| async move {
        let Some(TensorPart { tensor, file, bytes, .. }) = parts.try_next().await? else { return Ok(None) };
        let len = tensor.byte_len();
        if bytes.len() as u64 == len {
            let bytes = if bytes.len() <= COPIED { Bytes::copy_from_slice(&bytes) } else { bytes };
            return Ok(Some((FetchedTensor { tensor, file, bytes }, parts)));
        }
        let mut whole = BytesMut::with_capacity(len.min(RESERVED) as usize);
        whole.extend_from_slice(&bytes);
        while (whole.len() as u64) < len {
            let part = parts.try_next().await?.expect("a plan has every byte of its tensors");
            whole.extend_from_slice(&part.bytes);
        }
        Ok(Some((FetchedTensor { tensor, file, bytes: whole.freeze() }, parts)))
    })
}
