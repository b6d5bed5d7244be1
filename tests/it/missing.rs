//! What a range of chunks lacks, and the begin of it.

use std::ops::RangeInclusive;

use frostline::error::FailureKind;
use frostline::error::{BeginRefusal, Operation, ReadError};
use frostline::scan::ChunkState;
use frostline::{
    ArtifactKind, ArtifactSet, ArtifactState, Catalog, ChunkId, Events, FreezingSet, HotState,
    Ledgers, TxHash,
};

use crate::fixture::{Data, EIO, Faults, chunk, freeze, state, write_set};

const LEDGERS: ArtifactSet = ArtifactSet::EMPTY.with(ArtifactKind::Ledgers);
const OTHERS: ArtifactSet = ArtifactSet::ALL.without(ArtifactKind::Ledgers);

fn range(from: u32, to: u32) -> RangeInclusive<ChunkId> {
    chunk(from)..=chunk(to)
}

fn missing(
    catalog: &Catalog,
    range: RangeInclusive<ChunkId>,
    wanted: ArtifactSet,
) -> Vec<(u32, ArtifactSet)> {
    let missing = catalog.missing(range, wanted).unwrap();
    let missing = missing.map(Result::unwrap);
    missing.map(|(chunk, set)| (chunk.get(), set)).collect()
}

/// The kinds that a set has.
fn kinds(set: &FreezingSet) -> ArtifactSet {
    let kinds = [
        set.ledgers.is_some().then_some(ArtifactKind::Ledgers),
        set.events.is_some().then_some(ArtifactKind::Events),
        set.txhash.is_some().then_some(ArtifactKind::TxHash),
    ];
    kinds.into_iter().flatten().collect()
}

#[test]
fn chunks_without_a_key_and_kinds_that_are_not_frozen_are_missing() {
    let data = Data::new();
    let catalog = data.open();
    drop(freeze(&catalog, 998, b"ledgers"));
    drop(freeze(&catalog, 1_001, b"ledgers"));
    drop(catalog.begin::<Ledgers>(chunk(1_000)).unwrap());
    drop(catalog.create_hot(chunk(1_002)).unwrap());
    let all = ArtifactSet::ALL;
    assert_eq!(
        missing(&catalog, range(997, 1_003), all),
        [
            (997, all),
            (998, OTHERS),
            (999, all),
            (1_000, all),
            (1_001, OTHERS),
            (1_002, all),
            (1_003, all)
        ]
    );
    let ledgers = missing(&catalog, range(998, 1_001), LEDGERS);
    assert_eq!(ledgers, [(999, LEDGERS), (1_000, LEDGERS)]);
    assert_eq!(missing(&catalog, range(998, 998), LEDGERS), []);
    assert_eq!(missing(&catalog, range(5, 9), ArtifactSet::EMPTY), []);
    let last = ChunkId::MAX..=ChunkId::MAX;
    assert_eq!(missing(&catalog, last, LEDGERS).len(), 1);
    let reversed = RangeInclusive::new(chunk(9), chunk(5));
    assert_eq!(missing(&catalog, reversed, all), []);
}

#[test]
fn the_plan_is_of_one_instant_and_can_be_begun() {
    let data = Data::new();
    let catalog = data.open();
    drop(freeze(&catalog, 2, b"ledgers"));
    let plan = catalog.missing(range(1, 3), LEDGERS).unwrap();
    drop(freeze(&catalog, 3, b"frozen after the plan was taken"));
    let plan: Vec<_> = plan.map(Result::unwrap).collect();
    assert_eq!(plan, [(chunk(1), LEDGERS), (chunk(3), LEDGERS)]);
    let now = catalog.missing(range(1, 3), LEDGERS).unwrap();
    let begun = catalog.begin_sets(now.map(Result::unwrap)).unwrap();
    assert_eq!(begun.len(), 1);
    assert_eq!(begun[0].chunk(), chunk(1));
}

#[test]
fn an_unrecognised_value_is_an_error_of_its_own_entry() {
    let data = Data::new();
    let catalog = data.open();
    drop(freeze(&catalog, 1, b"ledgers"));
    let odd = b"chunk:00000002:events";
    catalog.write_raw_for_test(odd, Some(b"frozn")).unwrap();
    let found: Vec<_> = catalog.missing(range(1, 4), LEDGERS).unwrap().collect();
    let [Err(error), Ok(three), Ok(four)] = &found[..] else {
        panic!("{found:?}");
    };
    assert!(matches!(error, ReadError::Value(_)), "{error}");
    assert_eq!([three.0, four.0], [chunk(3), chunk(4)]);
    assert!(catalog.chunk_state(chunk(2)).is_err());
    // Of the chunk's kinds, only that key is in the way.
    let begun = catalog.begin_missing(chunk(2), ArtifactSet::ALL).unwrap();
    assert_eq!(
        kinds(&begun.set),
        ArtifactSet::ALL.without(ArtifactKind::Events)
    );
    assert_eq!(begun.refused.len(), 1);
}

#[test]
fn a_key_in_the_way_does_not_refuse_the_others() {
    let data = Data::new();
    let catalog = data.open();
    let owner = catalog.begin::<Ledgers>(chunk(1)).unwrap();
    let begun = catalog.begin_missing(chunk(1), ArtifactSet::ALL).unwrap();
    assert_eq!(begun.set.chunk(), chunk(1));
    assert_eq!(kinds(&begun.set), OTHERS);
    let refused = begun.refused;
    assert!(
        matches!(&refused[..], [BeginRefusal::Claimed(claimed)] if claimed.key == owner.key()),
        "{refused:?}"
    );
    let mut set = begun.set;
    write_set(&mut set);
    let frozen = catalog.commit(set.sync().unwrap()).unwrap();
    assert_eq!(frozen.chunk(), chunk(1));

    // A file without its key, and readers of what is being removed.
    let stray = data.pack(2);
    std::fs::create_dir_all(stray.parent().unwrap()).unwrap();
    std::fs::write(&stray, b"somebody's").unwrap();
    let begun = catalog.begin_missing(chunk(2), ArtifactSet::ALL).unwrap();
    assert_eq!(kinds(&begun.set), OTHERS);
    assert!(
        matches!(&begun.refused[..], [BeginRefusal::Stray { path, .. }] if *path == stray),
        "{begun:?}"
    );
    assert_eq!(state(&catalog, 2), None);
    assert_eq!(std::fs::read(&stray).unwrap(), b"somebody's");

    let read = freeze(&catalog, 3, b"ledgers");
    let lease = read.lease();
    drop(catalog.commit(read.demote()).unwrap());
    let begun = catalog.begin_missing(chunk(3), ArtifactSet::ALL).unwrap();
    assert_eq!(kinds(&begun.set), OTHERS);
    assert!(
        matches!(&begun.refused[..], [BeginRefusal::Leased(_)]),
        "{begun:?}"
    );
    drop((lease, begun));
    let begun = catalog.begin_missing(chunk(3), ArtifactSet::ALL).unwrap();
    assert_eq!(kinds(&begun.set), ArtifactSet::ALL);
}

#[test]
fn frozen_kinds_are_left_out_also_while_they_are_claimed() {
    let data = Data::new();
    let catalog = data.open();
    let frozen = freeze(&catalog, 1, b"ledgers");
    let begun = catalog.begin_missing(chunk(1), ArtifactSet::ALL).unwrap();
    assert_eq!(kinds(&begun.set), OTHERS);
    assert!(begun.refused.is_empty(), "{begun:?}");
    let nothing = catalog.begin_missing(chunk(1), LEDGERS).unwrap();
    assert_eq!(kinds(&nothing.set), ArtifactSet::EMPTY);
    assert!(nothing.refused.is_empty(), "{nothing:?}");
    let unchanged = catalog.commit(nothing.set.sync().unwrap()).unwrap();
    assert_eq!(unchanged.chunk(), chunk(1));
    drop(frozen);
}

#[test]
fn a_failure_of_the_catalog_refuses_the_whole() {
    let data = Data::new();
    let faults = Faults::new();
    let catalog = data.open_with(&faults);
    faults.fail(Operation::Commit, EIO);
    let error = catalog.begin_missing(chunk(1), LEDGERS).unwrap_err();
    assert_eq!(error.kind(), FailureKind::Fatal);
    let error = catalog.begin_missing(chunk(2), LEDGERS).unwrap_err();
    assert!(
        matches!(
            error.refusal(),
            Some(BeginRefusal::Read(ReadError::Poisoned(_)))
        ),
        "{error}"
    );
    assert!(catalog.missing(range(1, 2), LEDGERS).is_err());
    assert!(catalog.chunk_state(chunk(1)).is_err());
}

#[test]
fn a_failure_to_read_a_directory_leaves_nothing_begun() {
    let data = Data::new();
    let faults = Faults::new();
    let catalog = data.open_with(&faults);
    std::fs::create_dir_all(data.pack(1).parent().unwrap()).unwrap();
    faults.fail(Operation::Inspect, EIO);
    let error = catalog
        .begin_missing(chunk(1), ArtifactSet::ALL)
        .unwrap_err();
    assert!(
        matches!(error.refusal(), Some(BeginRefusal::Io(_))),
        "{error}"
    );
    assert_eq!(state(&catalog, 1), None);
    let begun = catalog.begin_missing(chunk(1), ArtifactSet::ALL).unwrap();
    assert_eq!(kinds(&begun.set), ArtifactSet::ALL);
}

#[test]
fn the_state_of_one_chunk() {
    let data = Data::new();
    let catalog = data.open();
    let absent = catalog.chunk_state(chunk(1)).unwrap();
    assert_eq!(absent, ChunkState::absent(chunk(1)));
    assert_eq!(absent.missing(LEDGERS), LEDGERS);
    drop(freeze(&catalog, 1, b"ledgers"));
    drop(catalog.begin::<Events>(chunk(1)).unwrap());
    drop(catalog.create_hot(chunk(1)).unwrap());
    drop(freeze(&catalog, 2, b"ledgers"));
    let state = catalog.chunk_state(chunk(1)).unwrap();
    assert_eq!(state.chunk, chunk(1));
    assert_eq!(state.hot, Some(HotState::Transient));
    let artifacts = ArtifactKind::ALL.map(|kind| state.artifact(kind));
    let each = ArtifactKind::ALL.map(|kind| catalog.state(chunk(1), kind).unwrap());
    assert_eq!(artifacts, each);
    assert_eq!(
        state.artifact(ArtifactKind::Events),
        Some(ArtifactState::Freezing)
    );
    assert_eq!(state.frozen(), LEDGERS);
    assert_eq!(state.missing(ArtifactSet::ALL), OTHERS);
    assert_eq!(state.missing(LEDGERS), ArtifactSet::EMPTY);
}

#[test]
fn one_artifact_is_a_set() {
    let data = Data::new();
    let catalog = data.open();
    let mut group = catalog.sync_group::<FreezingSet>();
    let ledgers = catalog.begin::<Ledgers>(chunk(1)).unwrap();
    let events = catalog.begin::<Events>(chunk(2)).unwrap();
    let txhash = catalog.begin::<TxHash>(chunk(3)).unwrap();
    let sets = [
        FreezingSet::from(ledgers),
        FreezingSet::from(events),
        FreezingSet::from(txhash),
    ];
    for mut set in sets {
        assert_eq!(kinds(&set).len(), 1);
        write_set(&mut set);
        group.add(set).unwrap();
    }
    let frozen = catalog.commit(group.sync().unwrap()).unwrap();
    let chunks: Vec<_> = frozen.iter().map(|set| set.chunk().get()).collect();
    assert_eq!(chunks, [1, 2, 3]);
    assert!(frozen[1].events.is_some() && frozen[1].ledgers.is_none());
}
