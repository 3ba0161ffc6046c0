//! Sets of byte ranges.

/// Which bytes of a file are there: ranges in order, with gaps between them, ends excluded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// The bytes before `end`.
    pub(crate) fn up_to(end: u64) -> Self {
        let mut ranges = Self::default();
        ranges.insert(0, end);
        ranges
    }

    /// Adds a range and joins it to those it touches.
    pub(crate) fn insert(&mut self, start: u64, end: u64) {
        if start >= end {
            return;
        }
        let first = self.0.partition_point(|range| range.1 < start);
        let after = self.0.partition_point(|range| range.0 <= end);
        let (mut start, mut end) = (start, end);
        if first < after {
            start = start.min(self.0[first].0);
            end = end.max(self.0[after - 1].1);
        }
        self.0.splice(first..after, [(start, end)]);
    }

    /// Where the bytes from the beginning on end.
    pub(crate) fn head(&self) -> u64 {
        self.0.first().filter(|range| range.0 == 0).map_or(0, |range| range.1)
    }

    /// How many bytes there are.
    pub(crate) fn total(&self) -> u64 {
        self.0.iter().map(|(start, end)| end - start).sum()
    }

    /// What is missing of a file of this size.
    pub(crate) fn gaps(&self, size: u64) -> Vec<(u64, u64)> {
        let mut gaps = Vec::new();
        let mut at = 0;
        for &(start, end) in &self.0 {
            if at < start {
                gaps.push((at, start.min(size)));
            }
            at = end;
        }
        if at < size {
            gaps.push((at, size));
        }
        gaps
    }

    /// The bytes of these ranges that are not in others.
    pub(crate) fn without(&self, others: &Self) -> Self {
        let mut left = Self::default();
        for (start, end) in self.iter() {
            let mut at = start;
            for (other_start, other_end) in others.iter().filter(|&(from, to)| from < end && to > start) {
                left.insert(at, other_start);
                at = at.max(other_end);
            }
            left.insert(at, end);
        }
        left
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.0.iter().copied()
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_touch_become_one() {
        let mut ranges = Ranges::default();
        for (start, end) in [(10, 20), (30, 40), (0, 5), (20, 30), (4, 7), (7, 7)] {
            ranges.insert(start, end);
        }
        assert_eq!(ranges.iter().collect::<Vec<_>>(), [(0, 7), (10, 40)]);
        assert_eq!((ranges.head(), ranges.total()), (7, 37));
        assert_eq!(ranges.gaps(50), [(7, 10), (40, 50)]);
    }

    #[test]
    fn ranges_without_others_are_what_is_left() {
        let of = |ranges: &[(u64, u64)]| {
            ranges.iter().fold(Ranges::default(), |mut all, range| {
                all.insert(range.0, range.1);
                all
            })
        };
        for (some, others, left) in [
            (&[(0, 10), (20, 30)][..], &[][..], &[(0, 10), (20, 30)][..]),
            (&[(0, 10), (20, 30)], &[(0, 30)], &[]),
            (&[(0, 10), (20, 30)], &[(2, 4), (6, 22), (29, 40)], &[(0, 2), (4, 6), (22, 29)]),
            (&[(5, 9)], &[(0, 5), (9, 12)], &[(5, 9)]),
        ] {
            assert_eq!(of(some).without(&of(others)), of(left), "{some:?} without {others:?}");
        }
    }

    #[test]
    fn nothing_at_the_beginning_means_no_head() {
        let mut ranges = Ranges::default();
        ranges.insert(1, 9);
        assert_eq!((ranges.head(), ranges.gaps(9)), (0, vec![(0, 1)]));
        assert_eq!(Ranges::up_to(0), Ranges::default());
    }
}
