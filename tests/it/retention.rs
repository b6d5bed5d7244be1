//! The retention gate: the cases of the specification, and a comparison with a model.

use frostline::error::GeometryError;
use frostline::geometry::Watermark;
use frostline::retention::{Retention, RetentionGate};
use frostline::{ChunkId, Events, LedgerSeq, Ledgers, TxHash};
use proptest::prelude::*;

use std::io::Write as _;

use crate::fixture::{Data, chunk, freeze, ledger};

fn gate(last: u32, retained: u32, earliest: u32) -> RetentionGate {
    let last = Watermark::Complete(chunk(last));
    RetentionGate::new(last, Retention::from_chunks(retained), ledger(earliest)).unwrap()
}

#[test]
fn the_last_ten_of_a_hundred() {
    let gate = gate(100, 10, 2);
    assert_eq!(gate.floor(), chunk(91));
    assert_eq!(gate.floor_ledger(), ledger(910_002));
    assert!(gate.chunk_below_floor(chunk(90)));
    assert!(!gate.chunk_below_floor(chunk(91)));
    assert!(!gate.admits(ledger(910_001)));
    assert!(gate.admits(ledger(910_002)));
    // Ten chunks remain: 91 to 100.
    assert_eq!(100 - gate.floor().get() + 1, 10);
}

#[test]
fn the_last_four_of_twelve() {
    let gate = gate(11, 4, 2);
    assert!(gate.chunk_below_floor(chunk(7)));
    assert!(!gate.chunk_below_floor(chunk(8)));
    assert_eq!(gate.floor(), chunk(8));
}

#[test]
fn one_chunk_keeps_the_last() {
    let gate = gate(100, 1, 2);
    assert_eq!(gate.floor(), chunk(100));
    assert!(gate.chunk_below_floor(chunk(99)));
    assert!(!gate.chunk_below_floor(chunk(100)));
}

#[test]
fn retention_longer_than_history_keeps_all() {
    for retained in [12, 13, 1000, u32::MAX] {
        assert_eq!(gate(11, retained, 2).floor(), ChunkId::MIN, "{retained}");
    }
    assert_eq!(gate(11, 11, 2).floor(), chunk(1));
}

#[test]
fn retention_longer_than_history_stops_at_the_earliest_ledger() {
    let gate = gate(11, 1000, 50_002);
    assert_eq!(gate.floor(), chunk(5));
    assert_eq!(gate.floor_ledger(), ledger(50_002));
    assert!(gate.chunk_below_floor(chunk(4)));
}

#[test]
fn the_later_of_retention_and_earliest_ledger_counts() {
    assert_eq!(gate(100, 10, 50_002).floor(), chunk(91));
    assert_eq!(gate(100, 10, 950_002).floor(), chunk(95));
}

#[test]
fn with_nothing_ingested_the_earliest_ledger_is_the_floor() {
    for retained in [0, 1, 10, u32::MAX] {
        let retention = Retention::from_chunks(retained);
        let gate = RetentionGate::new(Watermark::NothingYet, retention, ledger(50_002)).unwrap();
        assert_eq!(gate.floor(), chunk(5));
        assert_eq!(gate.floor_ledger(), ledger(50_002));
        assert!(!gate.admits(ledger(50_001)));
        assert!(gate.admits(ledger(50_002)));

        let gate = RetentionGate::new(Watermark::NothingYet, retention, LedgerSeq::GENESIS);
        assert_eq!(gate.unwrap().floor_ledger(), LedgerSeq::GENESIS);
    }
}

#[test]
fn zero_keeps_all() {
    assert_eq!(Retention::from_chunks(0), Retention::KeepAll);
    assert_ne!(Retention::from_chunks(1), Retention::KeepAll);
    for last in [0, 100, 429_495] {
        assert_eq!(gate(last, 0, 2).floor(), ChunkId::MIN);
        assert_eq!(gate(last, 0, 50_002).floor(), chunk(5));
        assert!(gate(last, 0, 2).admits(LedgerSeq::GENESIS));
    }
}

#[test]
fn an_earliest_ledger_in_the_middle_of_a_chunk_admits_from_there() {
    let gate = gate(11, 0, 15_000);
    assert_eq!(gate.floor(), chunk(1));
    assert_eq!(gate.floor_ledger(), ledger(15_000));
    // The chunk must not be pruned, and its ledgers before the earliest one are not admitted.
    assert!(!gate.chunk_below_floor(chunk(1)));
    assert!(!gate.admits(ledger(10_002)));
    assert!(!gate.admits(ledger(14_999)));
    assert!(gate.admits(ledger(15_000)));
}

#[test]
fn ledgers_above_the_last_chunk_are_admitted() {
    // The gate does not check whether a ledger is there. The hot tier holds newer ledgers.
    let gate = gate(100, 10, 2);
    assert!(gate.admits(LedgerSeq::MAX));
    assert!(!gate.chunk_below_floor(ChunkId::MAX));
}

#[test]
fn an_earliest_ledger_in_no_complete_chunk_is_an_error() {
    let beyond = LedgerSeq::MAX;
    let gate = RetentionGate::new(Watermark::NothingYet, Retention::KeepAll, beyond);
    assert_eq!(gate, Err(GeometryError::BeyondLastChunk(beyond)));
}

fn any_watermark() -> impl Strategy<Value = Watermark> {
    prop_oneof![
        1 => Just(Watermark::NothingYet),
        8 => (0..=429_495_u32).prop_map(|number| Watermark::Complete(chunk(number))),
    ]
}

fn any_retained() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0), 1..50_u32, 1..600_000_u32, Just(u32::MAX)]
}

fn any_earliest() -> impl Strategy<Value = u32> {
    prop_oneof![Just(2), 2..1_000_000_u32, 2..=4_294_960_001_u32]
}

/// Computes the floor in signed numbers without bounds.
fn model(last: Watermark, retained: u32, earliest: u32) -> i64 {
    let last = last.chunk().map_or(-1, |chunk| i64::from(chunk.get()));
    let retained_from = match (last, retained) {
        (-1, _) | (_, 0) => 0,
        (last, retained) => last - i64::from(retained) + 1,
    };
    retained_from.max((i64::from(earliest) - 2) / 10_000)
}

proptest! {
    #[test]
    fn the_floor_is_the_model_s(
        last in any_watermark(),
        retained in any_retained(),
        earliest in any_earliest(),
    ) {
        let retention = Retention::from_chunks(retained);
        let gate = RetentionGate::new(last, retention, ledger(earliest)).unwrap();
        prop_assert_eq!(i64::from(gate.floor().get()), model(last, retained, earliest));
    }

    #[test]
    fn the_floor_exceeds_neither_the_last_chunk_nor_the_earliest(
        last in 0..=429_495_u32,
        retained in any_retained(),
        earliest in any_earliest(),
    ) {
        let floor = gate(last, retained, earliest).floor();
        prop_assert!(floor <= chunk(last).max(ledger(earliest).chunk().unwrap()));
        prop_assert!(gate(last, retained, 2).floor() <= chunk(last));
    }

    #[test]
    fn the_floor_rises_with_the_last_chunk(
        one in any_watermark(),
        other in any_watermark(),
        retained in any_retained(),
        earliest in any_earliest(),
    ) {
        let floor = |last| {
            let retention = Retention::from_chunks(retained);
            RetentionGate::new(last, retention, ledger(earliest)).unwrap().floor_ledger()
        };
        prop_assert!(floor(one.min(other)) <= floor(one.max(other)));
    }

    #[test]
    fn the_floor_falls_with_longer_retention(
        last in 0..=429_495_u32,
        one in 1..600_000_u32,
        other in 1..600_000_u32,
        earliest in any_earliest(),
    ) {
        let (short, long) = (one.min(other), one.max(other));
        prop_assert!(gate(last, long, earliest).floor() <= gate(last, short, earliest).floor());
        prop_assert!(gate(last, 0, earliest).floor() <= gate(last, long, earliest).floor());
    }

    #[test]
    fn a_ledger_is_admitted_from_the_floor_ledger_on(
        last in any_watermark(),
        retained in any_retained(),
        earliest in any_earliest(),
        asked in 2..=u32::MAX,
    ) {
        let retention = Retention::from_chunks(retained);
        let gate = RetentionGate::new(last, retention, ledger(earliest)).unwrap();
        let asked = ledger(asked);
        prop_assert_eq!(gate.admits(asked), asked >= gate.floor_ledger());
        prop_assert!(gate.admits(gate.floor_ledger()));
        prop_assert!(gate.floor_ledger() >= ledger(earliest));
        prop_assert_eq!(gate.floor_ledger().chunk(), Ok(gate.floor()));
        if let Ok(chunk) = asked.chunk() {
            prop_assert_eq!(gate.chunk_below_floor(chunk), chunk < gate.floor());
            // The ledgers of a chunk below the floor are not admitted, either.
            prop_assert!(!(gate.chunk_below_floor(chunk) && gate.admits(asked)));
        }
    }
}

/// What is in use or unreadable is listed, and the rest goes in one sweep.
#[test]
fn everything_below_the_floor_is_claimed_for_one_sweep() {
    let data = Data::new();
    let catalog = data.open();
    for number in [1, 2, 3, 4] {
        drop(freeze(&catalog, number, b"ledgers"));
    }
    drop(catalog.begin::<Events>(chunk(2)).unwrap());
    let mut hashes = catalog.begin::<TxHash>(chunk(2)).unwrap();
    hashes.file(TxHash::BIN).unwrap().flush().unwrap();
    drop(hashes.freeze().unwrap());
    for (lo, hi) in [(2, 2), (2, 3)] {
        let key = format!("index:00000000:{lo:08}:{hi:08}");
        let value = if hi == 2 { "frozen" } else { "pruning" };
        let planted = catalog.write_raw_for_test(key.as_bytes(), Some(value.as_bytes()));
        planted.unwrap();
    }
    for key in ["chunk:00000000:events", "chunk:00000003:events"] {
        let planted = catalog.write_raw_for_test(key.as_bytes(), Some(b"melted"));
        planted.unwrap();
    }
    let owner = catalog.claim::<Ledgers>(chunk(1)).unwrap();
    let last = Watermark::Complete(chunk(4));
    let gate = RetentionGate::new(last, Retention::from_chunks(2), LedgerSeq::GENESIS).unwrap();
    let below = catalog.claim_below(gate).unwrap();
    let keys: Vec<_> = below
        .prunable
        .iter()
        .map(|one| one.key().to_string())
        .collect();
    assert_eq!(
        keys,
        [
            "chunk:00000002:events",
            "chunk:00000002:ledgers",
            "chunk:00000002:txhash",
            "index:00000000:00000002:00000002",
        ]
    );
    assert_eq!(below.claimed.len(), 1);
    assert_eq!(below.claimed[0].key.to_string(), "chunk:00000001:ledgers");
    assert_eq!(below.unreadable.len(), 1);
    assert_eq!(below.unreadable[0].key.to_string(), "chunk:00000000:events");
    let swept = catalog.sweep_chunk_artifacts(below.prunable).unwrap();
    assert_eq!(swept.deleted.len(), 4);
    drop(owner);
    let below = catalog.claim_below(gate).unwrap();
    assert_eq!(below.prunable.len(), 1);
    assert!(catalog.lease::<Ledgers>(chunk(3)).unwrap().is_some());
}

#[test]
fn the_last_ready_hot_directory() {
    let data = Data::new();
    let catalog = data.open();
    assert_eq!(catalog.last_ready_hot().unwrap(), None);
    drop(catalog.create_hot(chunk(9)).unwrap());
    for number in [7, 2] {
        drop(catalog.create_hot(chunk(number)).unwrap().ready().unwrap());
    }
    assert_eq!(catalog.last_ready_hot().unwrap(), Some(chunk(7)));
    let planted = catalog.write_raw_for_test(b"hot:chunk:00000003", Some(b"melted"));
    planted.unwrap();
    assert_eq!(catalog.last_ready_hot().unwrap(), Some(chunk(7)));
    let planted = catalog.write_raw_for_test(b"hot:chunk:00000008", Some(b"melted"));
    planted.unwrap();
    assert!(catalog.last_ready_hot().is_err());
}
