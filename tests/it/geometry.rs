//! Ledgers, chunks, buckets and the watermark: every row of the specification, and its laws.

use frostline::error::GeometryError;
use frostline::geometry::{
    CHUNKS_PER_BUCKET, CHUNKS_PER_WINDOW, Coverage, LEDGERS_PER_CHUNK, Watermark,
};
use frostline::{ChunkId, LedgerSeq};
use proptest::prelude::*;

use crate::fixture::{chunk, ledger};

const LAST_CHUNK: u32 = 429_495;
const LAST_LEDGER: u32 = 4_294_960_001;

fn any_chunk() -> impl Strategy<Value = ChunkId> {
    prop_oneof![
        (0..=LAST_CHUNK).prop_map(chunk),
        prop::sample::select(vec![0, 1, 999, 1000, 5350, 99_999, 429_494, LAST_CHUNK])
            .prop_map(chunk),
    ]
}

#[test]
fn a_range_counts_its_chunks_from_both_sides() {
    let mut chunks = ChunkId::range(chunk(998)..=chunk(1002));
    assert_eq!(chunks.len(), 5);
    assert_eq!(chunks.start(), Some(chunk(998)));
    assert_eq!(chunks.end(), Some(chunk(1002)));
    let untouched = chunks.clone();
    assert_eq!(chunks.next(), Some(chunk(998)));
    assert_eq!(chunks.next_back(), Some(chunk(1002)));
    assert_eq!(chunks.nth(1), Some(chunk(1000)));
    assert_eq!(
        (chunks.start(), chunks.end()),
        (Some(chunk(1001)), Some(chunk(1001)))
    );
    assert_eq!(chunks.next_back(), Some(chunk(1001)));
    assert_eq!(
        (chunks.next(), chunks.next_back(), chunks.len()),
        (None, None, 0)
    );
    assert_eq!((chunks.start(), chunks.end()), (None, None));
    assert_eq!(untouched.len(), 5);
}

#[test]
fn the_range_of_all_chunks_ends_with_the_last() {
    let mut all = ChunkId::range(ChunkId::MIN..=ChunkId::MAX);
    assert_eq!(all.len(), 429_496);
    assert_eq!(all.end(), Some(ChunkId::MAX));
    assert_eq!(all.nth(429_495), Some(ChunkId::MAX));
    assert_eq!(all.next(), None);
    let last = ChunkId::range(ChunkId::MAX..=ChunkId::MAX);
    assert_eq!(last.collect::<Vec<_>>(), [ChunkId::MAX]);
}

#[test]
fn the_constants_are_the_network_s() {
    assert_eq!(LEDGERS_PER_CHUNK, 10_000);
    assert_eq!(CHUNKS_PER_BUCKET, 1_000);
    assert_eq!(CHUNKS_PER_WINDOW, 1_000);
    assert_eq!(LedgerSeq::GENESIS.get(), 2);
    assert_eq!(LedgerSeq::MAX.get(), u32::MAX);
    assert_eq!(ChunkId::MIN.get(), 0);
    assert_eq!(ChunkId::MAX.get(), LAST_CHUNK);
}

#[test]
fn a_window_has_its_first_and_its_last_chunk() {
    let cases = [
        (0, 0, 0, 999),
        (999, 0, 0, 999),
        (1000, 1, 1000, 1999),
        (5350, 5, 5000, 5999),
        (428_999, 428, 428_000, 428_999),
        (429_000, 429, 429_000, LAST_CHUNK),
        (LAST_CHUNK, 429, 429_000, LAST_CHUNK),
    ];
    for (number, window, first, last) in cases {
        let found = chunk(number).window();
        assert_eq!(found.get(), window, "{number}");
        assert_eq!(found.first(), chunk(first), "{number}");
        assert_eq!(found.last(), chunk(last), "{number}");
    }
    assert_eq!(chunk(5350).window().to_string(), "00000005");
}

#[test]
fn a_coverage_is_of_one_window_and_in_order() {
    let of = |lo, hi| Coverage::new(chunk(lo), chunk(hi));
    let beyond = |lo, hi| {
        let (lo, hi) = (chunk(lo), chunk(hi));
        Err(GeometryError::CoverageBeyondWindow { lo, hi })
    };
    assert!(of(0, 999).unwrap().is_terminal());
    assert!(of(999, 999).unwrap().is_terminal());
    assert!(!of(0, 998).unwrap().is_terminal());
    assert!(of(429_100, LAST_CHUNK).unwrap().is_terminal());
    assert!(!of(429_100, LAST_CHUNK - 1).unwrap().is_terminal());
    assert_eq!(of(999, 1000), beyond(999, 1000));
    assert_eq!(of(0, 1000), beyond(0, 1000));
    let (lo, hi) = (chunk(6), chunk(5));
    assert_eq!(of(6, 5), Err(GeometryError::ReversedCoverage { lo, hi }));
}

#[test]
fn ledgers_begin_at_two() {
    assert_eq!(LedgerSeq::new(0), Err(GeometryError::BelowGenesis(0)));
    assert_eq!(LedgerSeq::new(1), Err(GeometryError::BelowGenesis(1)));
    assert_eq!(LedgerSeq::new(2), Ok(LedgerSeq::GENESIS));
    assert_eq!(LedgerSeq::new(u32::MAX), Ok(LedgerSeq::MAX));
}

#[test]
fn a_ledger_is_in_its_chunk() {
    let cases = [
        (2, 0),
        (10_001, 0),
        (10_002, 1),
        (10_000_001, 999),
        (10_000_002, 1000),
        (53_312_000, 5331),
        (LAST_LEDGER, LAST_CHUNK),
    ];
    for (sequence, expected) in cases {
        assert_eq!(ledger(sequence).chunk(), Ok(chunk(expected)), "{sequence}");
    }
}

#[test]
fn a_chunk_has_its_first_ledger() {
    let cases = [
        (0, 2),
        (1, 10_002),
        (999, 9_990_002),
        (1000, 10_000_002),
        (LAST_CHUNK, 4_294_950_002),
    ];
    for (number, expected) in cases {
        assert_eq!(chunk(number).first_ledger(), ledger(expected), "{number}");
    }
}

#[test]
fn a_chunk_has_its_last_ledger() {
    let cases = [
        (0, 10_001),
        (999, 10_000_001),
        (99_999, 1_000_000_001),
        (LAST_CHUNK, LAST_LEDGER),
    ];
    for (number, expected) in cases {
        assert_eq!(chunk(number).last_ledger(), ledger(expected), "{number}");
    }
}

#[test]
fn the_partial_chunk_at_the_end_cannot_be_represented() {
    for number in [429_496, 429_497, 99_999_999, u32::MAX] {
        assert_eq!(
            ChunkId::new(number),
            Err(GeometryError::ChunkOutOfRange(number))
        );
    }
    // Its ledgers exist, and are in no chunk.
    for sequence in [LAST_LEDGER + 1, u32::MAX - 1, u32::MAX] {
        let sequence = ledger(sequence);
        assert_eq!(
            sequence.chunk(),
            Err(GeometryError::BeyondLastChunk(sequence))
        );
        assert!(!sequence.starts_chunk());
    }
    assert_eq!(u32::MAX - LAST_LEDGER, 7_294);
}

#[test]
fn the_ends_have_no_neighbours() {
    assert_eq!(ChunkId::MAX.next(), None);
    assert_eq!(ChunkId::MIN.previous(), None);
    assert_eq!(ChunkId::MIN.next(), Some(chunk(1)));
    assert_eq!(ChunkId::MAX.previous(), Some(chunk(429_494)));
    assert_eq!(chunk(5).saturating_back(5), ChunkId::MIN);
    assert_eq!(chunk(5).saturating_back(u32::MAX), ChunkId::MIN);
    assert_eq!(chunk(5).saturating_back(0), chunk(5));
}

#[test]
fn only_a_chunk_s_first_ledger_starts_it() {
    for sequence in [2, 10_002, 10_000_002, 4_294_950_002] {
        assert!(ledger(sequence).starts_chunk(), "{sequence}");
    }
    // The last one would start chunk 429,496.
    for sequence in [3, 10_001, 10_003, 53_312_000, LAST_LEDGER, LAST_LEDGER + 1] {
        assert!(!ledger(sequence).starts_chunk(), "{sequence}");
    }
}

#[test]
fn the_watermark_is_the_last_complete_chunk() {
    for sequence in [0, 1, 2, 9_999, 10_000] {
        assert_eq!(Watermark::at_ledger(sequence), Watermark::NothingYet);
    }
    let cases = [
        (10_001, 0),
        (10_002, 0),
        (20_000, 0),
        (20_001, 1),
        (10_000_001, 999),
        (LAST_LEDGER - 1, 429_494),
        (LAST_LEDGER, LAST_CHUNK),
        (u32::MAX, LAST_CHUNK),
    ];
    for (sequence, expected) in cases {
        let watermark = Watermark::at_ledger(sequence);
        assert_eq!(
            watermark,
            Watermark::Complete(chunk(expected)),
            "{sequence}"
        );
    }
}

#[test]
fn the_chunk_before_the_first_is_a_value_of_its_own() {
    let nothing = Watermark::NothingYet;
    assert_eq!(nothing.to_string(), "-1");
    assert_eq!(nothing.last_ledger(), 1);
    assert_eq!(nothing.chunk(), None);
    assert!(nothing < Watermark::Complete(ChunkId::MIN));
    assert_eq!(Watermark::at_ledger(nothing.last_ledger()), nothing);
}

#[test]
fn chunks_print_eight_digits_and_buckets_five() {
    let cases = [
        (0, "00000000", "00000"),
        (999, "00000999", "00000"),
        (1000, "00001000", "00001"),
        (5350, "00005350", "00005"),
        (99_999, "00099999", "00099"),
        (LAST_CHUNK, "00429495", "00429"),
    ];
    for (number, printed, bucket) in cases {
        assert_eq!(chunk(number).to_string(), printed);
        assert_eq!(chunk(number).bucket().to_string(), bucket);
        assert_eq!(Watermark::Complete(chunk(number)).to_string(), printed);
    }
    assert_eq!(ledger(53_312_000).to_string(), "53312000");
}

proptest! {
    #[test]
    fn every_number_is_a_ledger_or_below_genesis(number: u32) {
        prop_assert_eq!(LedgerSeq::new(number).is_ok(), number >= 2);
        prop_assert_eq!(ChunkId::new(number).is_ok(), number <= LAST_CHUNK);
    }

    #[test]
    fn a_ledger_lies_between_the_ends_of_its_chunk(sequence in 2..=LAST_LEDGER) {
        let sequence = ledger(sequence);
        let chunk = sequence.chunk().unwrap();
        prop_assert!(chunk.first_ledger() <= sequence);
        prop_assert!(sequence <= chunk.last_ledger());
        prop_assert_eq!(sequence.starts_chunk(), sequence == chunk.first_ledger());
    }

    #[test]
    fn both_ends_of_a_chunk_are_in_it(chunk in any_chunk()) {
        prop_assert_eq!(chunk.first_ledger().chunk(), Ok(chunk));
        prop_assert_eq!(chunk.last_ledger().chunk(), Ok(chunk));
        let ledgers = chunk.last_ledger().get() - chunk.first_ledger().get() + 1;
        prop_assert_eq!(ledgers, LEDGERS_PER_CHUNK);
    }

    #[test]
    fn consecutive_chunks_are_adjacent(number in 0..LAST_CHUNK) {
        let chunk = chunk(number);
        let next = chunk.next().unwrap();
        prop_assert_eq!(next.previous(), Some(chunk));
        prop_assert_eq!(next.get(), chunk.get() + 1);
        prop_assert_eq!(chunk.last_ledger().get() + 1, next.first_ledger().get());
    }

    #[test]
    fn a_chunk_is_complete_with_its_last_ledger_and_not_before(chunk in any_chunk()) {
        let last = chunk.last_ledger().get();
        let before = chunk.previous().map_or(Watermark::NothingYet, Watermark::Complete);
        prop_assert_eq!(Watermark::at_ledger(last), Watermark::Complete(chunk));
        prop_assert_eq!(Watermark::at_ledger(last - 1), before);
        prop_assert_eq!(Watermark::Complete(chunk).last_ledger(), last);
    }

    #[test]
    fn the_watermark_is_the_largest_chunk_that_ends_by_the_ledger(sequence: u32) {
        let watermark = Watermark::at_ledger(sequence);
        if let Some(chunk) = watermark.chunk() {
            prop_assert!(chunk.last_ledger().get() <= sequence);
        }
        let after = match watermark.chunk() {
            None => Some(ChunkId::MIN),
            Some(chunk) => chunk.next(),
        };
        if let Some(after) = after {
            prop_assert!(after.last_ledger().get() > sequence);
        }
    }

    #[test]
    fn the_watermark_never_goes_back(one: u32, other: u32) {
        let (low, high) = (one.min(other), one.max(other));
        prop_assert!(Watermark::at_ledger(low) <= Watermark::at_ledger(high));
    }

    #[test]
    fn a_bucket_is_a_thousand_chunks(chunk in any_chunk()) {
        prop_assert_eq!(chunk.bucket().get(), chunk.get() / 1000);
        prop_assert_eq!(chunk.bucket().to_string(), format!("{:05}", chunk.get() / 1000));
        prop_assert_eq!(chunk.to_string(), format!("{:08}", chunk.get()));
    }

    #[test]
    fn going_back_stops_at_chunk_zero(chunk in any_chunk(), chunks: u32) {
        let expected = i64::from(chunk.get()) - i64::from(chunks);
        prop_assert_eq!(i64::from(chunk.saturating_back(chunks).get()), expected.max(0));
    }

    #[test]
    fn a_range_is_the_numbers_from_its_start_to_its_end(
        start in any_chunk(),
        chunks in 0_u32..2_000,
        reversed: bool,
    ) {
        let start = start.saturating_back(2_000);
        let end = chunk(start.get() + chunks);
        let (lo, hi) = if reversed { (end, start) } else { (start, end) };
        let range = ChunkId::range(lo..=hi);
        let expected: Vec<_> = (lo.get()..=hi.get()).map(chunk).collect();
        prop_assert_eq!(range.len(), expected.len());
        prop_assert_eq!(range.start(), expected.first().copied());
        prop_assert_eq!(range.end(), expected.last().copied());
        prop_assert!(range.clone().rev().eq(expected.iter().rev().copied()));
        prop_assert!(range.eq(expected));
    }

    #[test]
    fn a_coverage_has_the_chunks_between_its_ends(
        lo in 0..2_100_u32,
        hi in 0..2_100_u32,
        other_lo in 0..2_100_u32,
        other_chunks in 0..50_u32,
    ) {
        let Ok(coverage) = Coverage::new(chunk(lo), chunk(hi)) else {
            prop_assert!(hi < lo || lo / 1000 != hi / 1000);
            return Ok(());
        };
        prop_assert!(lo <= hi && lo / 1000 == hi / 1000);
        prop_assert_eq!((coverage.lo(), coverage.hi()), (chunk(lo), chunk(hi)));
        prop_assert_eq!(coverage.window().get(), lo / 1000);
        prop_assert!(coverage.chunks().eq((lo..=hi).map(chunk)));
        prop_assert_eq!(coverage.is_terminal(), hi % 1000 == 999);
        prop_assert_eq!(coverage.contains(chunk(other_lo)), (lo..=hi).contains(&other_lo));
        let other_hi = chunk(other_lo + other_chunks).min(chunk(other_lo).window().last());
        let other = Coverage::new(chunk(other_lo), other_hi).unwrap();
        let inside = other.chunks().all(|chunk| coverage.contains(chunk));
        prop_assert_eq!(coverage.covers(other), inside);
        prop_assert!(coverage.covers(coverage));
    }
}
