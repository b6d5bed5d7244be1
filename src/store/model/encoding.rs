//! The encoding of batches and entries in the model of the store.

use super::super::log_format::{BatchHead, read_batches};
use super::{Edit, Entries};
use crate::sim::Keys;

/// The length that an edit has in place of its value's length, if it deletes its key.
const NO_VALUE: u32 = u32::MAX;

/// Returns the complete batches from the beginning on.
pub(super) fn batches(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut batches = Vec::new();
    read_batches(bytes, |batch| batches.push(batch.to_vec()));
    batches
}

pub(super) fn with_head(head: BatchHead, edits: &[u8]) -> Vec<u8> {
    let mut batch = head.sequence.to_le_bytes().to_vec();
    batch.extend(head.count.to_le_bytes());
    batch.extend_from_slice(edits);
    batch
}

pub(super) fn without_head(batch: &[u8]) -> Option<(BatchHead, &[u8])> {
    let edits = batch.get(BatchHead::LENGTH..)?;
    Some((BatchHead::of(batch)?, edits))
}

/// Encodes each edit as the two lengths, the key and the value.
pub(super) fn encode(edits: &[Edit<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (key, value) in edits {
        let value_length = value.map_or(NO_VALUE, length);
        bytes.extend(length(key).to_le_bytes());
        bytes.extend(value_length.to_le_bytes());
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(value.unwrap_or_default());
    }
    bytes
}

pub(super) fn length<T>(part: &[T]) -> u32 {
    u32::try_from(part.len()).unwrap_or(NO_VALUE)
}

pub(super) fn decode(mut bytes: &[u8]) -> Option<Vec<Edit<'_>>> {
    let mut edits = Vec::new();
    while !bytes.is_empty() {
        let (key_length, rest) = bytes.split_first_chunk()?;
        let (value_length, rest) = rest.split_first_chunk()?;
        let (key, rest) = rest.split_at_checked(u32::from_le_bytes(*key_length) as usize)?;
        let value_length = u32::from_le_bytes(*value_length);
        if value_length == NO_VALUE {
            edits.push((key, None));
            bytes = rest;
            continue;
        }
        let (value, rest) = rest.split_at_checked(value_length as usize)?;
        edits.push((key, Some(value)));
        bytes = rest;
    }
    Some(edits)
}

pub(super) fn spelled(entries: &Entries) -> Keys {
    let entries = entries.iter();
    entries
        .map(|(key, value)| (text(key), text(value)))
        .collect()
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
