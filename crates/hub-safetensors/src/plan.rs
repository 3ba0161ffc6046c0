//! Which bytes of a file to ask for when only some of its tensors are wanted.

use std::ops::Range;

use crate::error::{Error, Result, shorten};
use crate::header::Header;

/// How ranges are made of tensors.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RangeOptions {
    /// How many unwanted bytes between two tensors are fetched to save a request.
    pub max_gap: u64,
    /// The longest range. Longer tensors are cut, so that their parts can be fetched in parallel; 0 means 1.
    pub max_len: u64,
}

impl Default for RangeOptions {
    /// A gap of 64 KiB, about what a request costs on a fast line, and ranges of 16 MiB.
    fn default() -> Self {
        Self { max_gap: 64 << 10, max_len: 16 << 20 }
    }
}

impl RangeOptions {
    /// Sets how many unwanted bytes between two tensors are fetched to save a request.
    #[must_use]
    pub fn max_gap(mut self, max_gap: u64) -> Self {
        self.max_gap = max_gap;
        self
    }

    /// Sets the longest range.
    #[must_use]
    pub fn max_len(mut self, max_len: u64) -> Self {
        self.max_len = max_len;
        self
    }
}

/// A range of a file's bytes to fetch, and what is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedRange {
    /// The bytes, counted from the start of the file.
    pub bytes: Range<u64>,
    /// The parts of wanted tensors in it, in the order of the bytes.
    pub slices: Vec<TensorSlice>,
}

/// A part of a tensor, or all of it, in a range.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorSlice {
    /// The place of the tensor in [`Header::tensors`].
    pub tensor: usize,
    /// Which of the tensor's bytes they are.
    pub tensor_bytes: Range<u64>,
    /// Which of the range's bytes they are.
    pub range_bytes: Range<u64>,
}

impl TensorSlice {
    /// The one slice of a tensor without bytes.
    #[cfg(feature = "remote")]
    pub(crate) fn empty(tensor: usize) -> Self {
        Self { tensor, tensor_bytes: 0..0, range_bytes: 0..0 }
    }
}

/// Plans the ranges that hold the wanted tensors of a file, in the order of the bytes.
///
/// Neighbours share a range, across gaps of up to [`RangeOptions::max_gap`] unwanted bytes. Every byte of
/// every wanted tensor is in exactly one slice, no range is longer than [`RangeOptions::max_len`], and none
/// begins or ends with unwanted bytes. A name given twice counts once; a tensor of no bytes needs no range.
///
/// ```
/// use hub_safetensors::{Dtype, HeaderBuilder, RangeOptions, plan_ranges};
///
/// let builder = HeaderBuilder::new().tensor("a", Dtype::U8, [100]).tensor("b", Dtype::U8, [8]);
/// let layout = builder.tensor("c", Dtype::U8, [100]).build()?;
/// let header = layout.header();
///
/// let ranges = plan_ranges(header, ["a", "c"], &RangeOptions::default())?;
/// assert_eq!(ranges.len(), 1);
/// assert_eq!(ranges[0].bytes, header.data_start()..header.data_start() + 208);
/// assert_eq!(ranges[0].slices[1].range_bytes, 108..208);
/// # Ok::<(), hub_safetensors::Error>(())
/// ```
///
/// # Errors
///
/// [`Error::NoSuchTensor`] for a name that the header does not have.
pub fn plan_ranges<S: AsRef<str>>(
    header: &Header,
    wanted: impl IntoIterator<Item = S>,
    options: &RangeOptions,
) -> Result<Vec<PlannedRange>> {
    let mut positions = Vec::new();
    for name in wanted {
        let name = name.as_ref();
        positions.push(header.position(name).ok_or_else(|| Error::NoSuchTensor { tensor: shorten(name) })?);
    }
    positions.sort_unstable();
    positions.dedup();

    let mut plan = Plan { ranges: Vec::new(), max_gap: options.max_gap, max_len: options.max_len.max(1) };
    for position in positions {
        plan.add(position, header.file_range(&header.tensors()[position]));
    }
    Ok(plan.ranges)
}

struct Plan {
    ranges: Vec<PlannedRange>,
    max_gap: u64,
    max_len: u64,
}

impl Plan {
    /// Adds a tensor that begins behind all that were added before.
    fn add(&mut self, tensor: usize, bytes: Range<u64>) {
        let mut done = bytes.start;
        while done < bytes.end {
            let max_len = self.max_len;
            let range = self.range_for(done, bytes.end - done);
            let start = range.bytes.start;
            let end = bytes.end.min(start.saturating_add(max_len));
            range.bytes.end = end;
            range.slices.push(TensorSlice {
                tensor,
                tensor_bytes: done - bytes.start..end - bytes.start,
                range_bytes: done - start..end - start,
            });
            done = end;
        }
    }

    /// Chooses the range for `len` bytes from `start` on: the last one if it is near and has room, or a new
    /// one.
    fn range_for(&mut self, start: u64, len: u64) -> &mut PlannedRange {
        let fits = self.ranges.last().is_some_and(|last| {
            let gap = start - last.bytes.end;
            let room = self.max_len.saturating_sub(start - last.bytes.start);
            // A gap is fetched for a whole tensor only: a part of one would need another request all the
            // same.
            if gap == 0 { room > 0 } else { gap <= self.max_gap && len <= room }
        });
        if !fits {
            self.ranges.push(PlannedRange { bytes: start..start, slices: Vec::new() });
        }
        self.ranges.last_mut().expect("there is one now")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dtype::Dtype;
    use crate::write::HeaderBuilder;

    /// A header of byte tensors `t000`, `t001`, … of these lengths, one behind the other.
    fn header(lens: &[u64]) -> Header {
        let tensors = lens.iter().enumerate();
        let builder =
            tensors.fold(HeaderBuilder::new(), |b, (i, &len)| b.tensor(format!("t{i:03}"), Dtype::U8, [len]));
        builder.build().unwrap().header().clone()
    }

    /// Begin and end of the planned ranges, counted from the start of the data.
    fn plan(lens: &[u64], wanted: &[&str], max_gap: u64, max_len: u64) -> Vec<(u64, u64)> {
        let header = header(lens);
        let ranges = plan_ranges(&header, wanted, &RangeOptions { max_gap, max_len }).unwrap();
        let start = header.data_start();
        ranges.iter().map(|range| (range.bytes.start - start, range.bytes.end - start)).collect()
    }

    #[test]
    fn neighbours_share_a_range() {
        assert_eq!(plan(&[10, 10, 10], &["t001", "t000"], 0, 100), [(0, 20)]);
    }

    #[test]
    fn a_gap_is_fetched_up_to_the_limit() {
        assert_eq!(plan(&[10, 5, 10], &["t000", "t002"], 5, 100), [(0, 25)]);
        assert_eq!(plan(&[10, 5, 10], &["t000", "t002"], 4, 100), [(0, 10), (15, 25)]);
    }

    #[test]
    fn a_gap_is_not_fetched_for_a_part_of_a_tensor() {
        assert_eq!(plan(&[10, 5, 10], &["t000", "t002"], 5, 20), [(0, 10), (15, 25)]);
    }

    #[test]
    fn long_tensors_are_cut() {
        assert_eq!(plan(&[10, 25], &["t000", "t001"], 0, 10), [(0, 10), (10, 20), (20, 30), (30, 35)]);
        assert_eq!(plan(&[5, 25], &["t000", "t001"], 0, 10), [(0, 10), (10, 20), (20, 30)]);
        assert_eq!(plan(&[2], &["t000"], 0, 0), [(0, 1), (1, 2)]);
    }

    #[test]
    fn no_bytes_need_no_range() {
        assert_eq!(plan(&[0, 10, 0], &["t000", "t002"], 0, 10), []);
        assert_eq!(plan(&[10], &[], 0, 10), []);
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        let result = plan_ranges(&header(&[1]), ["t000", "x"], &RangeOptions::default());
        assert!(matches!(result, Err(Error::NoSuchTensor { tensor }) if tensor == "x"));
    }

    proptest! {
        #[test]
        fn slices_are_the_wanted_bytes_once(
            tensors in prop::collection::vec((0u64..40, any::<bool>()), 0..30),
            max_gap in 0u64..30,
            max_len in 0u64..60,
        ) {
            let header = header(&tensors.iter().map(|(len, _)| *len).collect::<Vec<_>>());
            let wanted: Vec<_> = (0..tensors.len()).filter(|&i| tensors[i].1).map(|i| format!("t{i:03}")).collect();
            let ranges = plan_ranges(&header, &wanted, &RangeOptions { max_gap, max_len }).unwrap();

            // Equal bytes everywhere but in the slices' own places would go unseen, so count places.
            let mut got: Vec<Vec<u64>> = vec![Vec::new(); tensors.len()];
            let mut last_end = 0;
            for range in &ranges {
                prop_assert!(range.bytes.start >= last_end);
                last_end = range.bytes.end;
                prop_assert!(range.bytes.end - range.bytes.start <= max_len.max(1));
                prop_assert_eq!(range.slices.first().unwrap().range_bytes.start, 0);
                prop_assert_eq!(range.slices.last().unwrap().range_bytes.end, range.bytes.end - range.bytes.start);
                for pair in range.slices.windows(2) {
                    let gap = pair[1].range_bytes.start - pair[0].range_bytes.end;
                    prop_assert!(gap <= max_gap);
                }
                for slice in &range.slices {
                    let tensor = &header.tensors()[slice.tensor];
                    let places = slice.range_bytes.clone().map(|byte| range.bytes.start + byte);
                    let expected = slice.tensor_bytes.clone().map(|byte| header.file_range(tensor).start + byte);
                    prop_assert!(places.clone().eq(expected));
                    got[slice.tensor].extend(places);
                }
            }
            for (position, tensor) in header.tensors().iter().enumerate() {
                let is_wanted = wanted.iter().any(|name| name == tensor.name());
                let expected: Vec<u64> = if is_wanted { header.file_range(tensor).collect() } else { Vec::new() };
                prop_assert_eq!(&got[position], &expected);
            }
        }
    }
}
