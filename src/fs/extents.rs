//! The parts of a file that have been written.

use std::collections::BTreeMap;

/// Parts of a file, without overlaps and with a gap between each two: the offset of the first byte of each part, and
/// the offset past its last byte.
#[derive(Debug, Default)]
pub(super) struct Extents {
    parts: BTreeMap<u64, u64>,
}

impl Extents {
    /// Adds the bytes from `start` to `end`, and merges all parts that they touch.
    pub(super) fn add(&mut self, mut start: u64, mut end: u64) {
        while let Some((&first, &past)) = self.parts.range(..=end).next_back() {
            if past < start {
                break;
            }
            self.parts.remove(&first);
            start = start.min(first);
            end = end.max(past);
        }
        self.parts.insert(start, end);
    }

    /// Removes the bytes from `length` on.
    pub(super) fn clip(&mut self, length: u64) {
        self.parts.split_off(&length);
        if let Some(mut last) = self.parts.last_entry() {
            let past = last.get_mut();
            *past = length.min(*past);
        }
    }

    /// Returns the offset past the last written byte.
    pub(super) fn end(&self) -> u64 {
        self.parts.last_key_value().map_or(0, |(_, end)| *end)
    }

    /// Returns the first byte and the offset past the last byte of each part, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (u64, u64)> {
        self.parts.iter().map(|(start, end)| (*start, *end))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(parts: &[(u64, u64)]) -> Extents {
        let mut extents = Extents::default();
        for (start, end) in parts {
            extents.add(*start, *end);
        }
        extents
    }

    #[track_caller]
    fn assert_parts(extents: &Extents, expected: &[(u64, u64)]) {
        assert_eq!(extents.iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn parts_that_touch_are_merged() {
        assert_parts(&of(&[(0, 3), (3, 5)]), &[(0, 5)]);
        assert_parts(&of(&[(3, 5), (0, 3)]), &[(0, 5)]);
        assert_parts(&of(&[(0, 9), (3, 5)]), &[(0, 9)]);
        assert_parts(&of(&[(3, 5), (0, 9)]), &[(0, 9)]);
        assert_parts(&of(&[(0, 2), (4, 6), (8, 9), (1, 8)]), &[(0, 9)]);
        assert_parts(
            &of(&[(0, 2), (4, 6), (8, 9), (5, 7)]),
            &[(0, 2), (4, 7), (8, 9)],
        );
        assert_parts(&of(&[(4, 6), (0, 2), (3, 4)]), &[(0, 2), (3, 6)]);
        assert_eq!(of(&[(4, 6), (0, 2)]).end(), 6);
    }

    #[test]
    fn bytes_past_a_length_are_removed() {
        for (length, expected) in [
            (9, vec![(0, 2), (4, 6)]),
            (6, vec![(0, 2), (4, 6)]),
            (5, vec![(0, 2), (4, 5)]),
            (4, vec![(0, 2)]),
            (3, vec![(0, 2)]),
            (1, vec![(0, 1)]),
            (0, vec![]),
        ] {
            let mut extents = of(&[(0, 2), (4, 6)]);
            extents.clip(length);
            assert_parts(&extents, &expected);
        }
    }
}
