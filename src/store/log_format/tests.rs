//! Tests of the log's format: every tear that a power cut can leave is a torn tail, and every single flipped bit is
//! damage.

use super::super::framing::framed;
use super::*;

fn batches(bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut batches = Vec::new();
    read_batches(bytes, |batch| batches.push(batch.to_vec()));
    batches
}

fn complete(bytes: &[u8]) -> usize {
    read_batches(bytes, |_| {})
}

fn log_tail(bytes: &[u8]) -> Tail {
    tail(bytes, complete(bytes), Unsynced::One)
}

/// Returns a file of batches of these sizes, and the offsets at which the batches end.
fn file(sizes: &[usize]) -> (Vec<u8>, Vec<usize>) {
    let mut file = Vec::new();
    let mut ends = Vec::new();
    for (number, size) in (1_u8..).zip(sizes) {
        file.extend(framed(&vec![number; *size], file.len()));
        ends.push(file.len());
    }
    (file, ends)
}

#[test]
fn what_is_framed_is_read_back_and_is_whole() {
    let sizes = [0, 1, 100, BLOCK - 120, 3, 2 * BLOCK, 5, BLOCK - HEADER];
    let (mut bytes, _) = file(&sizes);
    let mut written: Vec<_> = (1_u8..).zip(sizes).map(|(n, size)| vec![n; size]).collect();
    assert_eq!(batches(&bytes), written);
    assert_eq!(complete(&bytes), bytes.len());
    bytes.truncate(bytes.len() - 1);
    written.pop();
    assert_eq!(batches(&bytes), written);
}

/// RocksDB lays a block out in this way: fewer bytes than a header's at its end are zeros.
#[test]
fn a_batch_begins_where_a_header_fits() {
    for left in 0..=2 * HEADER {
        let sizes = [BLOCK - HEADER - left, 9];
        let (bytes, ends) = file(&sizes);
        let end = match left {
            // The second batch is in the next block.
            ..HEADER => BLOCK + HEADER + 9,
            // The first part, which may have no bytes, is in this block, and the rest is in the next one.
            _ => BLOCK + HEADER + 9 - (left - HEADER),
        };
        assert_eq!(ends[1], end, "{left}");
        let read: Vec<_> = batches(&bytes).iter().map(Vec::len).collect();
        assert_eq!(read, sizes, "{left}");
        assert_eq!(complete(&bytes), bytes.len());
        // A complete batch includes the zeros that fill its block.
        let first = if left < HEADER { BLOCK } else { BLOCK - left };
        assert_eq!(complete(&bytes[..BLOCK]), first, "{left}");
    }
}

/// The type is the last byte of a header, and may be the last byte of a sector. The header's other bytes show that
/// the sector was written.
#[test]
fn a_flipped_type_at_the_end_of_a_sector_is_no_tear() {
    let (mut bytes, ends) = file(&[2 * SECTOR - 2 * HEADER, 90]);
    assert_eq!(ends[0] + HEADER, 2 * SECTOR);
    bytes[2 * SECTOR - 1] = 0;
    assert_eq!(complete(&bytes), ends[0]);
    assert_eq!(log_tail(&bytes), Tail::Damaged);
    // All bytes of the batch in that sector are lost.
    bytes[ends[0]..2 * SECTOR].fill(0);
    assert_eq!(log_tail(&bytes), Tail::Torn);
}

/// Headers that contradict the layout belong to no written batch, regardless of the missing sectors.
#[test]
fn a_header_that_contradicts_the_layout_is_damage() {
    let (whole, ends) = file(&[100]);
    for (kind, length) in [
        // The headers are those of a record longer than its block, of a first part that does not fill its block, and
        // of a last part without a first part.
        (1, 40_000_u16),
        (2, 600),
        (4, 600),
    ] {
        let mut bytes = whole.clone();
        bytes.extend([1, 2, 3, 4]);
        bytes.extend(length.to_le_bytes());
        bytes.push(kind);
        bytes.resize(ends[0] + HEADER + 600, 0xaa);
        bytes[SECTOR..].fill(0);
        assert_eq!(log_tail(&bytes), Tail::Damaged, "type {kind}");
    }
}

#[test]
fn zeros_behind_the_last_batch_are_no_tail() {
    let (mut bytes, ends) = file(&[100, 200]);
    for zeros in [0, 1, 6, 7, 600, BLOCK] {
        bytes.resize(ends[1] + zeros, 0);
        assert_eq!(log_tail(&bytes), Tail::Clean);
    }
}

/// The last batch loses any set of its sectors, and the file may end at any of its bytes.
#[test]
fn every_tear_of_the_last_batch_is_torn() {
    for sizes in [
        [300, 90],
        [400, 700],
        [400, 1_500],
        [32_700, 900],
        [32_754, 900],
    ] {
        let (bytes, ends) = file(&sizes);
        let (start, end) = (ends[0], ends[1]);
        let sectors: Vec<_> = (start / SECTOR..=(end - 1) / SECTOR).collect();
        for lost in 1_u32..1 << sectors.len() {
            let mut torn = bytes.clone();
            for (bit, sector) in sectors.iter().enumerate() {
                if lost >> bit & 1 == 1 {
                    let from = (sector * SECTOR).max(start);
                    torn[from..((sector + 1) * SECTOR).min(end)].fill(0);
                }
            }
            torn.resize(end + 3 * SECTOR, 0);
            assert_eq!(complete(&torn), start);
            let all = lost.count_ones() as usize == sectors.len();
            let expected = if all { Tail::Clean } else { Tail::Torn };
            assert_eq!(log_tail(&torn), expected, "{sizes:?} without {lost:b}");
        }
        for length in start + 1..end {
            let cut = &bytes[..length];
            assert_ne!(log_tail(cut), Tail::Damaged, "{length}");
        }
    }
}

/// Zeros at the end of the last batch are damage if the file is longer, because a power cut loses whole sectors only.
/// The exceptions are two edits of a manifest in one sector, and a batch that takes more than one call. Zeros that
/// begin a few bytes before a sector look like a lost sector.
#[test]
fn zeros_from_within_a_sector_on_are_damage() {
    let (bytes, ends) = file(&[300, 1_500]);
    let (start, end) = (ends[0], ends[1]);
    for from in start + 1..end {
        let mut zeroed = bytes.clone();
        zeroed[from..].fill(0);
        let sector = from.next_multiple_of(SECTOR);
        let loses_a_sector =
            start + HEADER <= from && sector < end && sector - used(&zeroed[..from]) <= MOST_ZEROS;
        for length in [end, end + 600] {
            zeroed.resize(length, 0);
            let expected = if loses_a_sector {
                Tail::Torn
            } else {
                Tail::Damaged
            };
            assert_eq!(log_tail(&zeroed), expected, "zeros from {from} on");
            let in_a_manifest = tail(&zeroed, start, Unsynced::Several);
            assert_eq!(in_a_manifest, Tail::Torn, "zeros from {from} on");
        }
    }
    let (bytes, ends) = file(&[300, ONE_CALL + 2 * BLOCK]);
    let second_call = ends[0] + ONE_CALL;
    // A header stands at the start of each block.
    let header = (second_call / BLOCK + 1) * BLOCK;
    assert!(header + HEADER < ends[1]);
    for (from, expected) in [
        (header - BLOCK + 5, Tail::Damaged),
        (header + 5, Tail::Torn),
        (ends[1] - 1, Tail::Torn),
    ] {
        assert_ne!(from % SECTOR, 0);
        let mut zeroed = bytes.clone();
        zeroed[from..].fill(0);
        assert_eq!(log_tail(&zeroed), expected, "zeros from {from} on");
    }
}

/// A batch begins on the last bytes of a sector, and its checksum begins with as many zeros. These zeros do not make
/// it torn.
#[test]
fn a_checksum_that_begins_with_zeros_is_no_lost_sector() {
    for lost in 1..CHECKSUM - 1 {
        let (before, ends) = file(&[SECTOR - HEADER - lost]);
        let start = ends[0];
        assert_eq!(start + lost, SECTOR);
        let with_zeros = |salt: u32| {
            let mut batch = salt.to_le_bytes().to_vec();
            batch.resize(700, 9);
            let framed = framed(&batch, start);
            framed[..lost]
                .iter()
                .all(|byte| *byte == 0)
                .then_some(framed)
        };
        let mut bytes = before.clone();
        let with_zeros = (0..).find_map(with_zeros);
        bytes.extend(with_zeros.into_iter().flatten());
        assert_eq!(complete(&bytes), bytes.len());
        for at in start..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                let found = log_tail(&damaged);
                assert!(
                    matches!(found, Tail::Damaged | Tail::UnknownType(_)),
                    "bit {bit} of byte {at}: {found:?}"
                );
            }
        }
        let mut torn = bytes.clone();
        torn[SECTOR..2 * SECTOR].fill(0);
        assert_eq!(log_tail(&torn), Tail::Torn);
        let mut torn = bytes.clone();
        torn[2 * SECTOR..].fill(0);
        assert_eq!(log_tail(&torn), Tail::Torn);
        // The first sector, whose bytes are not zeros, is lost.
        let mut torn = before;
        torn.extend(framed(&[9; 700], start));
        assert!(torn[start..start + lost].iter().any(|byte| *byte != 0));
        torn[start..SECTOR].fill(0);
        assert_eq!(log_tail(&torn), Tail::Torn);
        // In addition, the last sector is lost, or a byte is damaged.
        let mut both = torn.clone();
        both[2 * SECTOR..].fill(0);
        assert_eq!(log_tail(&both), Tail::Torn);
        torn[SECTOR + 200] ^= 1;
        assert_eq!(log_tail(&torn), Tail::Damaged);
    }
}

/// The test flips any single bit of the last batch, and any one bit in each of the last five batches.
#[test]
fn a_flipped_bit_is_never_torn() {
    let (bytes, ends) = file(&[100, 80, 90, 70, 60, 110]);
    let start = ends[4];
    for at in start..bytes.len() {
        for bit in 0..8 {
            for zeros in [0, 2_000] {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                damaged.resize(bytes.len() + zeros, 0);
                let found = log_tail(&damaged);
                assert!(
                    matches!(found, Tail::Damaged | Tail::UnknownType(_)),
                    "bit {bit} of byte {at}, {start}, before {zeros} zeros: {found:?}"
                );
            }
        }
    }
    for within in 0..67 {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            for start in &ends[..5] {
                damaged[start + within] ^= 1 << bit;
            }
            damaged.resize(bytes.len() + 2_000, 0);
            let found = log_tail(&damaged);
            assert!(
                matches!(found, Tail::Damaged | Tail::UnknownType(_)),
                "bit {bit} of byte {within} of each: {found:?}"
            );
        }
    }
}

/// A length that grew into the zeros behind the batch makes these zeros no lost sector, whichever other bit flipped.
#[test]
fn two_flipped_bits_are_never_torn() {
    for sizes in [[300, 90], [400, 700]] {
        let (bytes, ends) = file(&sizes);
        let (start, end) = (ends[0], ends[1]);
        let length_bits = (start + 4) * 8..(start + 6) * 8;
        for one in length_bits {
            for other in (start * 8..end * 8).filter(|other| *other != one) {
                let mut flipped = bytes.clone();
                for bit in [one, other] {
                    flipped[bit / 8] ^= 1 << (bit % 8);
                }
                flipped.resize(end + 64 * SECTOR, 0);
                let found = log_tail(&flipped);
                assert!(
                    !matches!(found, Tail::Torn | Tail::Clean),
                    "{sizes:?}: bits {one} and {other}: {found:?}"
                );
            }
        }
    }
}

/// A prefix of a torn batch that has its checksum by chance does not make the tear damage.
#[test]
fn a_chance_checksum_of_a_torn_batch_is_no_damage() {
    // The bytes of the last batch are no types of records.
    let (mut bytes, ends) = file(&[1, 1, 1, 1, 1, 1, 1, 1, 100, 3 * SECTOR]);
    let (start, end) = (ends[8], ends[9]);
    // The checksum is that of the first hundred bytes.
    let payload = &bytes[start + HEADER..start + HEADER + 100];
    let chance = checksum(1, payload).to_le_bytes();
    bytes[start..start + 4].copy_from_slice(&chance);
    let lost = next_sector(start) + SECTOR;
    bytes[lost..end].fill(0);
    assert_eq!(log_tail(&bytes), Tail::Torn);
}

/// RocksDB's recyclable records have a longer header, and other types.
#[test]
fn an_unknown_type_is_named() {
    let (mut bytes, ends) = file(&[100]);
    for kind in 5..=u8::MAX {
        bytes.truncate(ends[0]);
        bytes.extend([1, 2, 3, 4, 20, 0, kind]);
        bytes.extend([7; 20]);
        assert_eq!(log_tail(&bytes), Tail::UnknownType(kind));
    }
}

/// Two edits of a manifest are written with one sync. Either may lose its sectors, and the other one stay.
#[test]
fn a_lost_sector_before_a_sound_edit_is_torn_in_a_manifest() {
    let (bytes, ends) = file(&[400, 300, 600]);
    let mut torn = bytes.clone();
    torn[SECTOR..2 * SECTOR].fill(0);
    assert_eq!(complete(&torn), ends[0]);
    assert_eq!(tail(&torn, ends[0], Unsynced::Several), Tail::Torn);
    assert_eq!(tail(&torn, ends[0], Unsynced::One), Tail::Damaged);
    for bit in 0..8 {
        for at in ends[0]..ends[1] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            let found = tail(&damaged, complete(&damaged), Unsynced::Several);
            assert_ne!(found, Tail::Torn, "bit {bit} of byte {at}");
        }
    }
}
