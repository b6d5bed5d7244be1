//! The framing of a batch as RocksDB's log has it, for the model and for tests.

use super::log_format::{BLOCK, HEADER, checksum};

/// Returns the bytes that append a batch to a file of this length.
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
        // Two bytes are enough, because a block is smaller than 64 KiB.
        bytes.extend(part.len().to_le_bytes().into_iter().take(2));
        bytes.push(kind);
        bytes.extend_from_slice(part);
        if more.is_empty() {
            return bytes;
        }
        (rest, first) = (more, false);
    }
}
