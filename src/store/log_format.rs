//! The format of RocksDB's write-ahead log and manifest. The file consists of blocks of 32 KiB. Each record begins
//! with a masked CRC-32C, a length and a type. A batch that does not fit the block continues in the next one.

pub(super) const BLOCK: usize = 32 * 1024;
pub(super) const HEADER: usize = 7;
const CRC_MASK: u32 = 0xa282_ead8;

/// The number of bytes that a medium writes whole or not at all.
const SECTOR: usize = 512;

/// The number of bytes of a batch, from its start on, that RocksDB writes with one call. RocksDB's buffer grows to
/// 1 MiB, and may begin with the zeros at the end of a block.
const ONE_CALL: usize = (1 << 20) - HEADER;

/// The part of a batch that a record holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Whole,
    First,
    Middle,
    Last,
}

impl Part {
    const fn of(kind: u8) -> Option<Self> {
        match kind {
            1 => Some(Self::Whole),
            2 => Some(Self::First),
            3 => Some(Self::Middle),
            4 => Some(Self::Last),
            _ => None,
        }
    }

    const fn begins_batch(self) -> bool {
        matches!(self, Self::Whole | Self::First)
    }

    const fn ends_batch(self) -> bool {
        matches!(self, Self::Whole | Self::Last)
    }
}

/// The fields of a record's header, which may be damaged.
struct Header {
    checksum: u32,
    length: usize,
    kind: u8,
}

impl Header {
    fn at(bytes: &[u8], offset: usize) -> Option<Self> {
        let header = bytes.get(offset..)?.first_chunk::<HEADER>()?;
        let [c0, c1, c2, c3, l0, l1, kind] = *header;
        Some(Self {
            checksum: u32::from_le_bytes([c0, c1, c2, c3]),
            length: usize::from(u16::from_le_bytes([l0, l1])),
            kind,
        })
    }
}

struct Record<'a> {
    part: Part,
    payload: &'a [u8],
    end: usize,
}

/// The number of bytes of a record's checksum, with which its header begins.
const CHECKSUM: usize = 4;

/// Returns the offset of the first byte after the block that holds this offset.
const fn block_end(offset: usize) -> usize {
    (offset / BLOCK + 1) * BLOCK
}

/// Returns the sound record at this offset, or `None` if there is no such record.
fn record_at(bytes: &[u8], offset: usize) -> Option<Record<'_>> {
    let header = Header::at(bytes, offset)?;
    let part = Part::of(header.kind)?;
    let start = offset + HEADER;
    let end = start + header.length;
    if end > block_end(offset) {
        return None;
    }
    let payload = bytes.get(start..end)?;
    (header.checksum == checksum(header.kind, payload)).then_some(Record { part, payload, end })
}

pub(super) fn checksum(kind: u8, payload: &[u8]) -> u32 {
    let crc = crc32c::crc32c_append(crc32c::crc32c(&[kind]), payload);
    masked(crc)
}

const fn masked(crc: u32) -> u32 {
    crc.rotate_right(15).wrapping_add(CRC_MASK)
}

/// Skips the end of a block that has fewer bytes than a header: these bytes are zeros, and no record.
fn skip_trailer(bytes: &[u8], offset: usize) -> usize {
    let left = BLOCK - offset % BLOCK;
    let next = if left < HEADER { offset + left } else { offset };
    next.min(bytes.len())
}

/// Calls `visit` with every sound, complete batch from the beginning on. Returns the number of bytes that hold these
/// batches.
pub(super) fn read_batches(bytes: &[u8], visit: impl FnMut(&[u8])) -> usize {
    read_batches_from(bytes, 0, visit)
}

/// Does the same as [`read_batches`] from this offset on, at which a batch begins.
fn read_batches_from(bytes: &[u8], from: usize, mut visit: impl FnMut(&[u8])) -> usize {
    let mut complete = from;
    let mut offset = from;
    // The parts of a batch that has not ended yet.
    let mut begun: Option<Vec<u8>> = None;
    while let Some(record) = record_at(bytes, offset) {
        offset = skip_trailer(bytes, record.end);
        match (&mut begun, record.part) {
            (None, Part::Whole) => visit(record.payload),
            (None, Part::First) => begun = Some(record.payload.to_vec()),
            (Some(batch), Part::Middle) => batch.extend_from_slice(record.payload),
            (Some(batch), Part::Last) => {
                batch.extend_from_slice(record.payload);
                visit(batch);
                begun = None;
            }
            // A sound record is out of place, because the bytes before it are damaged.
            _ => return complete,
        }
        if begun.is_none() {
            complete = offset;
        }
    }
    complete
}

/// The bytes behind the last complete batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tail {
    /// Zeros, or the end of the file.
    Clean,
    /// A part of a batch, which a power cut may have left. It is cut off.
    Torn,
    /// Bytes that no power cut leaves.
    Damaged,
    /// A record of a type that this library does not read.
    UnknownType(u8),
}

/// The number of batches that a writer may leave without a sync at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unsynced {
    /// The log: each batch is synced before the next one is written.
    One,
    /// The manifest: RocksDB writes several edits with one sync.
    Several,
}

/// Classifies the bytes behind the last complete batch.
///
/// After a power cut, each sector of an unsynced batch holds its new bytes, or the zeros that were there before. The
/// file may also end early. A batch is therefore torn only if one of its sectors is missing, or if the file ends
/// before it does. If batches are synced one by one, only zeros may be behind its end. Anything else is damage,
/// even if the damaged batches are the last of the file.
pub(super) fn tail(bytes: &[u8], complete: usize, unsynced: Unsynced) -> Tail {
    let used = used(bytes);
    if used <= complete {
        return Tail::Clean;
    }
    let sector_end = next_sector(complete);
    let is_first_lost = is_zero(bytes, complete, sector_end.min(used));
    if is_first_lost && sector_end - complete >= CHECKSUM {
        return Tail::Torn;
    }
    match incomplete_batch(bytes, complete, unsynced) {
        // The end of the batch is in a sector that was not written.
        Extent::Unknown => Tail::Torn,
        Extent::UnknownType(kind) => Tail::UnknownType(kind),
        Extent::Ends(end) if used > end && unsynced == Unsynced::One => Tail::Damaged,
        Extent::Ends(end)
            if bytes.len() < end
                || used < end && may_end_within_a_sector(used, complete, unsynced)
                || has_lost_sector(bytes, complete, end, unsynced)
                || is_first_lost
                    && is_sound_without(bytes, complete, sector_end - complete, end) =>
        {
            Tail::Torn
        }
        // Every sector was written, and the checksum differs.
        Extent::Ends(_) | Extent::Nonsense => Tail::Damaged,
    }
}

/// Returns whether a power cut may leave new bytes before this offset and zeros from it on, within one sector. In
/// this case two calls have written to that sector, and the medium got it between them.
fn may_end_within_a_sector(offset: usize, complete: usize, unsynced: Unsynced) -> bool {
    unsynced == Unsynced::Several || offset - complete >= ONE_CALL
}

/// Returns whether the batch from `complete` to `end` is sound except for the first bytes of its checksum.
///
/// These few bytes may be zeros of the checksum itself. They show a lost sector only if the rest is sound.
fn is_sound_without(bytes: &[u8], complete: usize, lost: usize, end: usize) -> bool {
    let mut mended = bytes.get(..end).unwrap_or_default().to_vec();
    let Some(header) = Header::at(&mended, complete) else {
        return false;
    };
    let start = complete + HEADER;
    let Some(payload) = mended.get(start..start + header.length) else {
        return false;
    };
    let checksum = checksum(header.kind, payload).to_le_bytes();
    if let (Some(bytes), Some(first)) = (
        mended.get_mut(complete..complete + lost),
        checksum.get(..lost),
    ) {
        bytes.copy_from_slice(first);
    }
    read_batches_from(&mended, complete, |_| {}) == end
}

/// Returns the number of bytes up to the last one that is not zero.
pub(super) fn used(bytes: &[u8]) -> usize {
    let last = bytes.iter().rposition(|byte| *byte != 0);
    last.map_or(0, |last| last + 1)
}

/// The end of an incomplete batch, according to its headers.
enum Extent {
    Ends(usize),
    /// An end that is unknown, because a header before it is in a sector that was not written.
    Unknown,
    /// Headers that contradict each other or the bytes, and are therefore not the written ones.
    Nonsense,
    UnknownType(u8),
}

fn incomplete_batch(bytes: &[u8], complete: usize, unsynced: Unsynced) -> Extent {
    let mut offset = complete;
    loop {
        let Some(header) = Header::at(bytes, offset) else {
            return Extent::Unknown;
        };
        if header.kind == 0 {
            // The type was not written. In this case, no byte behind it was written, or no byte of the batch in its
            // sector.
            let kind_at = offset + HEADER - 1;
            let sector = kind_at - kind_at % SECTOR;
            let is_the_end =
                used(bytes) <= kind_at && may_end_within_a_sector(kind_at, complete, unsynced);
            return if is_the_end || is_zero(bytes, sector.max(offset), next_sector(kind_at)) {
                Extent::Unknown
            } else {
                Extent::Nonsense
            };
        }
        let Some(part) = Part::of(header.kind) else {
            return Extent::UnknownType(header.kind);
        };
        let end = offset + HEADER + header.length;
        let fits = end <= block_end(offset);
        // A batch is split only at the end of a full block.
        let is_split_rightly =
            part.ends_batch() || block_end(offset) - end.min(block_end(offset)) == 0;
        let is_in_place = part.begins_batch() == (offset == complete);
        if !fits || !is_split_rightly || !is_in_place || is_shorter(bytes, offset, &header) {
            return Extent::Nonsense;
        }
        if part.ends_batch() {
            return Extent::Ends(end);
        }
        offset = end;
    }
}

/// The maximum number of zeros in a row within a batch. The longest row is in the head: the high bytes of a sequence
/// number, and the low byte of a count.
const MOST_ZEROS: usize = 12;

/// Returns whether the record would be sound with a smaller length than its header says. Such a record was written
/// whole, and its length is damaged.
///
/// Its end must also be the end of the bytes, or be followed by a header, which may be damaged as well. Otherwise, one
/// of the many prefixes of a long torn record could have the checksum by chance.
fn is_shorter(bytes: &[u8], offset: usize, header: &Header) -> bool {
    let start = offset + HEADER;
    let used = used(bytes);
    let begins_batch = |end: usize| {
        let next = Header::at(bytes, end);
        next.and_then(|next| Part::of(next.kind))
            .is_some_and(Part::begins_batch)
    };
    let is_an_end = |end: usize| (used..=used + MOST_ZEROS).contains(&end) || begins_batch(end);
    let payload = bytes.get(start..).unwrap_or_default();
    let mut crc = crc32c::crc32c(&[header.kind]);
    let mut is_sound = |length: usize, next: &[u8]| {
        crc = crc32c::crc32c_append(crc, next);
        masked(crc) == header.checksum && is_an_end(start + length)
    };
    let mut shorter = (1..)
        .zip(payload.chunks(1))
        .take(header.length.saturating_sub(1));
    // A first part without bytes, at the end of a block, is sound as it is.
    header.length > 0 && (is_sound(0, &[]) || shorter.any(|(length, next)| is_sound(length, next)))
}

/// Returns whether the batch from `complete` to `end` lacks a sector behind its first one.
///
/// The bytes of the missing sector are zeros. If batches are synced one by one, the sector before is full, so it ends
/// with the few zeros that a batch can have in a row. More zeros there are the end of the writing, and no sector is
/// missing.
fn has_lost_sector(bytes: &[u8], complete: usize, end: usize, unsynced: Unsynced) -> bool {
    let mut start = next_sector(complete);
    while start < end {
        let next = next_sector(start).min(end);
        if is_zero(bytes, start, next) {
            let before = bytes.get(..start.min(bytes.len())).unwrap_or_default();
            let zeros_from = used(before).max(complete);
            if zeros_from == complete
                || start - zeros_from <= MOST_ZEROS
                || may_end_within_a_sector(zeros_from, complete, unsynced)
            {
                return true;
            }
        }
        start = next;
    }
    false
}

const fn next_sector(offset: usize) -> usize {
    (offset / SECTOR + 1) * SECTOR
}

/// Returns whether there are only zeros, or no bytes, between these offsets.
fn is_zero(bytes: &[u8], from: usize, to: usize) -> bool {
    let end = to.min(bytes.len());
    bytes
        .get(from.min(end)..end)
        .is_none_or(|part| part.iter().all(|byte| *byte == 0))
}

/// Returns whether a sound record that begins a batch stands anywhere from this offset on.
pub(super) fn begins_batch(bytes: &[u8], from: usize) -> bool {
    let begins = |offset| record_at(bytes, offset).is_some_and(|record| record.part.begins_batch());
    (from..used(bytes)).any(begins)
}

/// The first bytes of a log's batch: the sequence number of its first edit, and the number of edits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct BatchHead {
    pub(super) sequence: u64,
    pub(super) count: u32,
}

impl BatchHead {
    /// The number of bytes before the edits.
    #[cfg(feature = "sim")]
    pub(super) const LENGTH: usize = 12;

    pub(super) fn of(batch: &[u8]) -> Option<Self> {
        let (sequence, rest) = batch.split_first_chunk()?;
        Some(Self {
            sequence: u64::from_le_bytes(*sequence),
            count: u32::from_le_bytes(*rest.first_chunk()?),
        })
    }

    /// Returns the sequence number of the edit after this batch.
    pub(super) fn next(self) -> Option<u64> {
        self.sequence.checked_add(self.count.into())
    }
}

#[cfg(test)]
#[expect(clippy::indexing_slicing, reason = "a failing test panics")]
mod tests;
