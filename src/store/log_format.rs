//! The format of RocksDB's write-ahead log and manifest: blocks of 32 KiB; records with a masked
//! CRC-32C, a length and a type in front; a record that does not fit the block is continued in the
//! next.

use std::ops::Range;

const BLOCK: usize = 32 * 1024;
const HEADER: usize = 7;
const CRC_MASK: u32 = 0xa282_ead8;

/// Which part of a batch a record holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    First,
    Middle,
    Last,
}

struct Record<'a> {
    part: Part,
    #[cfg_attr(
        not(feature = "sim"),
        expect(dead_code, reason = "only its checksum is of interest")
    )]
    payload: &'a [u8],
    end: usize,
}

/// The sound record at this offset, if there is one.
fn record_at(bytes: &[u8], offset: usize) -> Option<Record<'_>> {
    let block_end = (offset / BLOCK + 1) * BLOCK;
    let block = bytes.get(offset..block_end.min(bytes.len()))?;
    let (header, rest) = block.split_at_checked(HEADER)?;
    let [c0, c1, c2, c3, l0, l1, kind] = *header.first_chunk::<HEADER>()?;
    let part = match kind {
        1 => Part::Whole,
        2 => Part::First,
        3 => Part::Middle,
        4 => Part::Last,
        _ => return None,
    };
    let length = usize::from(u16::from_le_bytes([l0, l1]));
    let payload = rest.get(..length)?;
    let stored = u32::from_le_bytes([c0, c1, c2, c3]);
    (stored == checksum(kind, payload)).then_some(Record {
        part,
        payload,
        end: offset + HEADER + length,
    })
}

fn checksum(kind: u8, payload: &[u8]) -> u32 {
    let crc = crc32c::crc32c_append(crc32c::crc32c(&[kind]), payload);
    crc.rotate_right(15).wrapping_add(CRC_MASK)
}

/// How many bytes from the beginning hold sound, complete batches.
pub(super) fn whole_records(bytes: &[u8]) -> usize {
    let mut complete = 0;
    let mut offset = 0;
    let mut inside_batch = false;
    while let Some(record) = record_at(bytes, offset) {
        inside_batch = match (inside_batch, record.part) {
            (false, Part::Whole) | (true, Part::Last) => false,
            (false, Part::First) | (true, Part::Middle) => true,
            // A sound record out of place: what was before it is damaged.
            _ => return complete,
        };
        offset = skip_trailer(bytes, record.end);
        if !inside_batch {
            complete = offset;
        }
    }
    complete
}

/// Fewer than a header's bytes at the end of a block are zeros, and no record.
fn skip_trailer(bytes: &[u8], offset: usize) -> usize {
    let left = BLOCK - offset % BLOCK;
    let next = if left < HEADER { offset + left } else { offset };
    next.min(bytes.len())
}

/// Whether a sound record that begins a batch stands at any of these offsets.
pub(super) fn begins_batch(bytes: &[u8], mut offsets: Range<usize>) -> bool {
    let begins = |offset| {
        let record = record_at(bytes, offset);
        record.is_some_and(|record| matches!(record.part, Part::Whole | Part::First))
    };
    offsets.any(begins)
}

/// The bytes that append a batch to a file of this length.
#[cfg(feature = "sim")]
pub(super) fn framed(batch: &[u8], length: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = batch;
    let mut first = true;
    loop {
        let mut left = BLOCK - (length + bytes.len()) % BLOCK;
        if left < HEADER {
            bytes.resize(bytes.len() + left, 0);
            left = BLOCK;
        }
        let (part, more) = rest.split_at(rest.len().min(left - HEADER));
        let kind = match (first, more.is_empty()) {
            (true, true) => 1,
            (true, false) => 2,
            (false, false) => 3,
            (false, true) => 4,
        };
        bytes.extend_from_slice(&checksum(kind, part).to_le_bytes());
        // A block is smaller than 64 KiB.
        bytes.extend(part.len().to_le_bytes().into_iter().take(2));
        bytes.push(kind);
        bytes.extend_from_slice(part);
        if more.is_empty() {
            return bytes;
        }
        (rest, first) = (more, false);
    }
}

/// The sound, complete batches from the beginning on.
#[cfg(feature = "sim")]
pub(super) fn batches(bytes: &[u8]) -> Vec<Vec<u8>> {
    let whole = bytes.get(..whole_records(bytes)).unwrap_or_default();
    let mut batches = Vec::new();
    let mut batch = Vec::new();
    let mut offset = 0;
    while let Some(record) = record_at(whole, offset) {
        batch.extend_from_slice(record.payload);
        if matches!(record.part, Part::Whole | Part::Last) {
            batches.push(std::mem::take(&mut batch));
        }
        offset = skip_trailer(whole, record.end);
    }
    batches
}

#[cfg(all(test, feature = "sim"))]
mod tests {
    use super::*;

    #[test]
    fn what_is_framed_is_read_back_and_is_whole() {
        let sizes = [0, 1, 100, BLOCK - 120, 3, 2 * BLOCK, 5, BLOCK - HEADER];
        let mut file = Vec::new();
        let mut written = Vec::new();
        for (number, size) in (0_u8..).zip(sizes) {
            let batch = vec![number; size];
            file.extend(framed(&batch, file.len()));
            written.push(batch);
        }
        assert_eq!(batches(&file), written);
        assert_eq!(whole_records(&file), file.len());
        file.truncate(file.len() - 1);
        written.pop();
        assert_eq!(batches(&file), written);
    }
}
