//! The sweep.

use std::io::Write as _;

use frostline::error::SweepError;
use frostline::{ArtifactKey, ArtifactKind, ArtifactState, Ledgers, Prunable};

use crate::fixture::{Data, Trace, chunk, freeze, state};

fn key(number: u32) -> ArtifactKey {
    ArtifactKey {
        chunk: chunk(number),
        kind: ArtifactKind::Ledgers,
    }
}

#[test]
fn a_batch_pays_for_one_round_of_barriers_per_directory() {
    let world = Data::new();
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    let numbers = [1, 2, 3, 1_001, 1_002];
    let batch: Vec<Prunable> = numbers
        .map(|number| freeze(&catalog, number, b"bytes").demote().into())
        .into();
    trace.take();
    let swept = catalog.sweep_chunk_artifacts(batch).unwrap();
    assert_eq!(swept.deleted, numbers.map(key));
    assert!(swept.leased.is_empty() && swept.failed.is_empty());
    assert_eq!(
        trace.take(),
        [
            "commit catalog/rocksdb",
            "unlink ledgers/00000/00000001.pack",
            "unlink ledgers/00000/00000002.pack",
            "unlink ledgers/00000/00000003.pack",
            "unlink ledgers/00001/00001001.pack",
            "unlink ledgers/00001/00001002.pack",
            "syncdir ledgers/00000",
            "syncdir ledgers/00001",
            "commit catalog/rocksdb",
        ]
    );
    assert!(numbers.iter().all(|number| !world.pack(*number).exists()));
    assert!(
        numbers
            .iter()
            .all(|number| state(&catalog, *number).is_none())
    );
}

/// The batch has more directories than are kept open at a time, and its artifacts are in no order. Each directory
/// is synced once, before any key is deleted.
#[test]
fn many_directories_are_synced_once_each() {
    let world = Data::new();
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    let buckets = 0..320;
    let numbers = || (0..2).flat_map(|at| buckets.clone().map(move |bucket| bucket * 1_000 + at));
    let mut group = catalog.sync_group();
    let begun = catalog.begin_all::<Ledgers>(numbers().map(chunk));
    for mut freezing in begun.unwrap() {
        freezing.file(Ledgers::PACK).unwrap().flush().unwrap();
        group.add(freezing).unwrap();
    }
    let frozen = catalog.commit(group.sync().unwrap()).unwrap();
    trace.take();
    let batch = frozen.into_iter().map(|one| Prunable::from(one.demote()));
    let swept = catalog
        .sweep_chunk_artifacts(batch.collect::<Vec<_>>())
        .unwrap();
    assert_eq!(swept.deleted.len(), numbers().count());
    let trace = trace.take();
    let (first, last) = (&trace[0], &trace[trace.len() - 1]);
    assert!(first.starts_with("commit") && last.starts_with("commit"));
    let inner = &trace[1..trace.len() - 1];
    let is_sync = |line: &&String| line.starts_with("syncdir");
    let synced: Vec<_> = inner.iter().filter(is_sync).cloned().collect();
    let each = buckets.map(|bucket| format!("syncdir ledgers/{bucket:05}"));
    assert_eq!(synced, each.collect::<Vec<_>>());
    let first_sync = inner.iter().position(|line| is_sync(&line));
    let last_unlink = inner.iter().rposition(|line| line.starts_with("unlink"));
    assert!(first_sync < last_unlink, "all of them were open at once");
}

#[test]
fn an_empty_batch_touches_nothing() {
    let world = Data::new();
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    trace.take();
    let swept = catalog
        .sweep_chunk_artifacts(Vec::<Prunable>::new())
        .unwrap();
    assert!(swept.deleted.is_empty());
    assert_eq!(trace.take(), Vec::<String>::new());
}

/// The sweep by key removes every state that a crash in the middle of a prune or a freeze can leave.
#[test]
fn leftovers_of_every_state_are_swept_and_missing_files_are_fine() {
    let world = Data::new();
    let catalog = world.open();
    drop(freeze(&catalog, 1, b"frozen"));
    drop(
        catalog
            .commit(freeze(&catalog, 2, b"pruning").demote())
            .unwrap(),
    );
    drop(
        catalog
            .commit(freeze(&catalog, 3, b"gone").demote())
            .unwrap(),
    );
    std::fs::remove_file(world.pack(3)).unwrap();
    drop(catalog.begin::<Ledgers>(chunk(4)).unwrap());
    // A crash right after the mark leaves a key whose bucket directory does not exist.
    drop(catalog.begin::<Ledgers>(chunk(9_000)).unwrap());
    let all = [1, 2, 3, 4, 9_000];
    let batch: Vec<_> = all
        .iter()
        .filter_map(|number| catalog.claim_for_pruning(key(*number)).unwrap())
        .collect();
    let states: Vec<_> = batch.iter().map(Prunable::state).collect();
    assert_eq!(
        states,
        [
            ArtifactState::Frozen,
            ArtifactState::Pruning,
            ArtifactState::Pruning,
            ArtifactState::Freezing,
            ArtifactState::Freezing,
        ]
    );
    let swept = catalog.sweep_chunk_artifacts(batch).unwrap();
    assert_eq!(swept.deleted, all.map(key));
    assert!(catalog.chunk_artifact_keys().unwrap().next().is_none());
    assert!(catalog.claim_for_pruning(key(1)).unwrap().is_none());
}

/// If the files of a deleted key are missing, the sweep still makes their absence durable.
#[test]
fn the_absence_of_missing_files_is_made_durable() {
    let world = Data::new();
    drop(world.open().begin::<Ledgers>(chunk(9_000)).unwrap());
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    trace.take();
    let debris = catalog.claim_for_pruning(key(9_000)).unwrap();
    assert_eq!(
        catalog.sweep_chunk_artifacts(debris).unwrap().deleted.len(),
        1
    );
    assert_eq!(trace.take(), ["syncdir ledgers", "commit catalog/rocksdb"]);
}

/// Pitfall 13: the sweep demotes a leased artifact and returns it.
#[test]
fn leased_members_come_back_demoted() {
    let world = Data::new();
    let catalog = world.open();
    let read = freeze(&catalog, 1, b"read");
    let lease = read.lease();
    let batch = [read, freeze(&catalog, 2, b"unread")];
    let batch = batch.map(|frozen| Prunable::from(frozen.demote()));
    let mut swept = catalog.sweep_chunk_artifacts(batch).unwrap();
    assert_eq!(swept.deleted, [key(2)]);
    assert_eq!(state(&catalog, 1), Some(ArtifactState::Pruning));
    assert!(world.pack(1).exists());
    drop(lease);
    let again = catalog
        .sweep_chunk_artifacts(swept.leased.drain(..))
        .unwrap();
    assert_eq!(again.deleted, [key(1)]);
    assert!(!world.pack(1).exists());
}

/// A directory stands in place of an artifact. The sweep deletes the others, and names the one that stays.
#[test]
fn an_undeletable_member_does_not_hold_up_the_others() {
    let world = Data::new();
    let catalog = world.open();
    let batch = [1, 2].map(|number| freeze(&catalog, number, b"bytes"));
    std::fs::remove_file(world.pack(1)).unwrap();
    std::fs::create_dir(world.pack(1)).unwrap();
    let batch = batch.map(|frozen| Prunable::from(frozen.demote()));
    let swept = catalog.sweep_chunk_artifacts(batch).unwrap();
    assert_eq!(swept.deleted, [key(2)]);
    let [(failed, failure)] = swept.failed.as_slice() else {
        panic!("{swept:?}");
    };
    assert_eq!(*failed, key(1));
    assert!(failure.to_string().contains("00000001.pack"), "{failure}");
    assert_eq!(state(&catalog, 1), Some(ArtifactState::Pruning));
    std::fs::remove_dir(world.pack(1)).unwrap();
    let again = catalog.claim_for_pruning(key(1)).unwrap();
    assert_eq!(
        catalog.sweep_chunk_artifacts(again).unwrap().deleted,
        [key(1)]
    );
}

#[test]
fn an_artifact_of_another_catalog_is_refused() {
    let (world, other) = (Data::new(), Data::new());
    let (catalog, stranger) = (world.open(), other.open());
    let foreign = Prunable::from(freeze(&stranger, 1, b"theirs").demote());
    let own = Prunable::from(freeze(&catalog, 1, b"ours").demote());
    let error = catalog.sweep_chunk_artifacts([own, foreign]).unwrap_err();
    assert!(error.to_string().contains("another catalog"), "{error}");
    let SweepError::Refused(refused) = error else {
        panic!("{error}");
    };
    // The batch comes back unchanged, and each artifact can be swept by its own catalog.
    let batch = refused.into_handle();
    assert!(
        batch
            .iter()
            .all(|item| item.state() == ArtifactState::Frozen)
    );
    drop(batch);
    for (catalog, world) in [(&catalog, &world), (&stranger, &other)] {
        assert_eq!(state(catalog, 1), Some(ArtifactState::Frozen));
        assert!(world.pack(1).exists());
    }
}
