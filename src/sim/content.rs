//! The content of a file: the durable bytes, the current bytes, and each outcome of a power cut.

use std::collections::BTreeSet;
use std::sync::Arc;

/// The number of bytes that the medium writes completely or not at all.
pub(super) const SECTOR: usize = 512;

/// The largest number of outcomes of one length that are all built; see [`Content::outcomes`].
const MOST_OUTCOMES: usize = 256;

/// A file's bytes.
#[derive(Clone)]
pub(super) struct Content {
    /// The durable bytes, then the bytes after each change since the last sync. Never empty.
    versions: Vec<Arc<[u8]>>,
    /// Whether a sync has failed. No later sync then makes the pending bytes durable.
    sync_has_failed: bool,
}

impl Content {
    /// Creates an empty file.
    pub(super) fn new() -> Self {
        Self::durable(Arc::from([]))
    }

    /// Creates a file with these durable bytes and without pending changes.
    pub(super) fn durable(bytes: Arc<[u8]>) -> Self {
        Self {
            versions: vec![bytes],
            sync_has_failed: false,
        }
    }

    /// Returns the current bytes.
    pub(super) fn current(&self) -> Arc<[u8]> {
        self.versions.last().map(Arc::clone).unwrap_or_default()
    }

    pub(super) fn is_pending(&self) -> bool {
        self.versions.len() > 1
    }

    /// Writes from the offset `at` on, or appends if it is `None`.
    pub(super) fn write(&mut self, at: Option<usize>, bytes: &[u8]) {
        let mut next = self.current().to_vec();
        let at = at.unwrap_or(next.len());
        let end = at + bytes.len();
        next.resize(next.len().max(end), 0);
        if let Some(part) = next.get_mut(at..end) {
            part.copy_from_slice(bytes);
        }
        self.versions.push(next.into());
    }

    /// Sets the length. Bytes past the old end are zeros.
    pub(super) fn cut(&mut self, length: usize) {
        let mut next = self.current().to_vec();
        next.resize(length, 0);
        self.versions.push(next.into());
    }

    pub(super) fn sync(&mut self) {
        if !self.sync_has_failed {
            *self = Self::durable(self.current());
        }
    }

    /// Records a failed sync: the kernel reports the failure once and marks the pages as clean.
    pub(super) fn fail_sync(&mut self) {
        self.sync_has_failed = true;
    }

    /// Returns every content that a power cut may leave, the durable one first and the current one last.
    ///
    /// The length is one that the file has had, or a whole number of sectors between two of them. Each sector has
    /// the bytes of any version, with zeros past the version's end. Above `MOST_OUTCOMES` only these are built:
    /// every version, every prefix of whole sectors, the same prefix with zeros to the full length, and every
    /// version with one sector of zeros.
    pub(super) fn outcomes(&self) -> Vec<Arc<[u8]>> {
        let (durable, current) = (self.durable_bytes(), self.current());
        let mut found = vec![Arc::clone(&durable)];
        let mut seen = BTreeSet::from([durable.to_vec(), current.to_vec()]);
        let mut add = |bytes: Vec<u8>| {
            if seen.insert(bytes.clone()) {
                found.push(Arc::from(bytes));
            }
        };
        for length in self.lengths() {
            let sectors = self.sectors(length);
            let ways = sectors
                .iter()
                .try_fold(1_usize, |ways, sector| ways.checked_mul(sector.len()));
            match ways {
                Some(ways) if ways <= MOST_OUTCOMES => {
                    (0..ways).for_each(|number| add(combine(&sectors, number)));
                }
                _ => self.thinned_out(length, &mut add),
            }
        }
        if current != durable {
            found.push(current);
        }
        found
    }

    pub(super) fn durable_bytes(&self) -> Arc<[u8]> {
        self.versions.first().map(Arc::clone).unwrap_or_default()
    }

    fn lengths(&self) -> BTreeSet<usize> {
        let mut lengths: BTreeSet<_> = self.versions.iter().map(|bytes| bytes.len()).collect();
        let shortest = lengths.first().copied().unwrap_or(0);
        let longest = lengths.last().copied().unwrap_or(0);
        let boundaries = (shortest.next_multiple_of(SECTOR)..longest).step_by(SECTOR);
        lengths.extend(boundaries);
        lengths
    }

    /// Returns every possible content of each sector below the length.
    fn sectors(&self, length: usize) -> Vec<Vec<Vec<u8>>> {
        let starts = (0..length).step_by(SECTOR);
        let contents = starts.map(|start| {
            let end = (start + SECTOR).min(length);
            let mut contents: Vec<Vec<u8>> = Vec::new();
            for version in &self.versions {
                let content = padded(version, start, end);
                if !contents.contains(&content) {
                    contents.push(content);
                }
            }
            contents
        });
        contents.collect()
    }

    fn thinned_out(&self, length: usize, add: &mut impl FnMut(Vec<u8>)) {
        for version in &self.versions {
            add(padded(version, 0, length));
            for start in (0..length).step_by(SECTOR) {
                let mut without = padded(version, 0, length);
                let end = (start + SECTOR).min(length);
                without
                    .iter_mut()
                    .take(end)
                    .skip(start)
                    .for_each(|byte| *byte = 0);
                add(without);
                let mut prefix = padded(version, 0, start);
                add(prefix.clone());
                prefix.resize(length, 0);
                add(prefix);
            }
        }
    }
}

/// Returns the bytes from `start` to `end`, with zeros past the end of `bytes`.
fn padded(bytes: &[u8], start: usize, end: usize) -> Vec<u8> {
    let mut part = bytes
        .get(start..end.min(bytes.len()))
        .unwrap_or_default()
        .to_vec();
    part.resize(end - start, 0);
    part
}

/// Builds the combination with this number: one content for each sector.
fn combine(sectors: &[Vec<Vec<u8>>], mut number: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    for contents in sectors {
        if let Some(content) = contents.get(number % contents.len()) {
            bytes.extend_from_slice(content);
        }
        number /= contents.len();
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(content: &Content) -> Vec<usize> {
        content.outcomes().iter().map(|bytes| bytes.len()).collect()
    }

    #[test]
    fn what_is_synced_is_certain() {
        let mut content = Content::new();
        content.write(None, &[1; 700]);
        assert!(content.is_pending());
        content.sync();
        assert_eq!(outcomes(&content), [700]);
    }

    #[test]
    fn what_is_pending_is_lost_kept_or_torn() {
        let mut content = Content::new();
        content.write(None, &[1; 700]);
        // Empty; one sector, zeros or bytes; the full length, each sector zeros or bytes.
        assert_eq!(outcomes(&content), [0, 512, 512, 700, 700, 700, 700]);
        let all = content.outcomes();
        let torn = [[0; 512].as_slice(), &[1; 188]].concat();
        assert!(all.iter().any(|bytes| **bytes == *torn));
        assert!(all.iter().any(|bytes| **bytes == [1; 700]));
    }

    #[test]
    fn what_was_durable_stays_in_every_outcome() {
        let mut content = Content::durable(Arc::from([7; 100]));
        content.write(None, &[1; 1000]);
        assert!(
            content
                .outcomes()
                .iter()
                .all(|bytes| bytes.starts_with(&[7; 100]))
        );
    }

    #[test]
    fn bytes_that_are_overwritten_are_old_or_new_in_each_sector() {
        let mut content = Content::durable(Arc::from([0; 1024]));
        content.write(Some(500), &[1; 24]);
        assert_eq!(outcomes(&content), [1024; 4]);
        let torn = [[0; 500].as_slice(), &[1; 12], &[0; 512]].concat();
        assert!(content.outcomes().iter().any(|bytes| **bytes == *torn));
        content.write(Some(1020), &[2; 8]);
        assert_eq!(content.current().len(), 1028);
    }

    #[test]
    fn a_failed_sync_is_not_mended_by_the_next() {
        let mut content = Content::new();
        content.write(None, b"bytes");
        content.fail_sync();
        content.sync();
        assert_eq!(outcomes(&content), [0, 5, 5]);
    }

    #[test]
    fn a_large_file_has_a_bounded_number_of_outcomes() {
        let mut content = Content::new();
        content.write(None, &vec![1; 64 * SECTOR]);
        let all = content.outcomes();
        assert!(all.len() < 64 * 200, "{}", all.len());
        assert_eq!(all.first().map(|bytes| bytes.len()), Some(0));
        assert_eq!(all.last().map(|bytes| bytes.len()), Some(64 * SECTOR));
    }
}
