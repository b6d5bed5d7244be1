//! The protocol through its handles: claims, leases, leftovers, commits.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Mutex};

use frostline::error::FailureKind;
use frostline::error::{
    BeginRefusal, ClaimError, CommitError, CommitRefusal, Operation, PinError, RemovalError,
    RemovalRefusal, SyncError, SyncRefusal,
};
use frostline::sim::Probe;
use frostline::{
    Artifact, ArtifactKey, ArtifactKind, ArtifactSet, ArtifactState, Debris, Events, Ledgers,
    PinOutcome, TxHash,
};

use crate::fixture::{Data, chunk, freeze, state, write_set};

fn debris(catalog: &frostline::Catalog, number: u32) -> Debris<Ledgers> {
    match catalog.claim::<Ledgers>(chunk(number)).unwrap() {
        Artifact::Debris(debris) => debris,
        other => panic!("{other:?} is not debris"),
    }
}

const fn ledgers(number: u32) -> ArtifactKey {
    match frostline::ChunkId::new(number) {
        Ok(chunk) => ArtifactKey {
            chunk,
            kind: ArtifactKind::Ledgers,
        },
        Err(_) => panic!(),
    }
}

/// Pitfall 5: the commit compares the stored value before the flip. A blind put would make an absent key frozen.
#[test]
fn a_commit_over_a_changed_value_is_refused_and_gives_the_handle_back() {
    let world = Data::new();
    let catalog = world.open();
    let mut freezing = catalog.begin::<Ledgers>(chunk(1)).unwrap();
    freezing.file(Ledgers::PACK).unwrap();
    let synced = freezing.sync().unwrap();
    catalog
        .write_raw_for_test(b"chunk:00000001:ledgers", None)
        .unwrap();
    let error = catalog.commit(synced).unwrap_err();
    assert_eq!(error.kind(), FailureKind::Refused);
    assert_eq!(state(&catalog, 1), None);
    let CommitError::Refused(refused) = error else {
        panic!("{error}");
    };
    assert!(matches!(refused.cause(), CommitRefusal::Changed { .. }));
    // After the value is restored, the commit accepts the same handle.
    let value = Some(b"freezing".as_slice());
    catalog
        .write_raw_for_test(b"chunk:00000001:ledgers", value)
        .unwrap();
    drop(catalog.commit(refused.into_handle()).unwrap());
    assert_eq!(state(&catalog, 1), Some(ArtifactState::Frozen));
}

#[test]
fn one_refused_member_refuses_the_whole_batch() {
    let world = Data::new();
    let catalog = world.open();
    let synced = |number| {
        let mut freezing = catalog.begin::<Ledgers>(chunk(number)).unwrap();
        freezing.file(Ledgers::PACK).unwrap();
        freezing.sync().unwrap()
    };
    let batch = vec![synced(1), synced(2), synced(3)];
    catalog
        .write_raw_for_test(b"chunk:00000003:ledgers", Some(b"pruning"))
        .unwrap();
    let error = catalog.commit(batch).unwrap_err();
    assert_eq!(error.kind(), FailureKind::Refused);
    let freezing = Some(ArtifactState::Freezing);
    assert_eq!([1, 2].map(|number| state(&catalog, number)), [freezing; 2]);
}

#[test]
fn a_handle_of_another_catalog_is_refused() {
    let (world, other) = (Data::new(), Data::new());
    let (catalog, stranger) = (world.open(), other.open());
    let mut freezing = stranger.begin::<Ledgers>(chunk(1)).unwrap();
    freezing.file(Ledgers::PACK).unwrap();
    let error = catalog.commit(freezing.sync().unwrap()).unwrap_err();
    assert!(error.to_string().contains("another catalog"), "{error}");
    assert_eq!(state(&catalog, 1), None);
    assert_eq!(state(&stranger, 1), Some(ArtifactState::Freezing));
}

#[test]
fn promotion_and_demotion_share_one_commit() {
    let world = Data::new();
    let catalog = world.open();
    let old = freeze(&catalog, 1, b"old");
    let mut freezing = catalog.begin::<Ledgers>(chunk(2)).unwrap();
    freezing.file(Ledgers::PACK).unwrap();
    let new = freezing.sync().unwrap();
    let (frozen, pruning, nothing) = catalog
        .commit((
            new,
            vec![old.demote()],
            None::<frostline::step::Demotion<Ledgers>>,
        ))
        .unwrap();
    assert_eq!(state(&catalog, 1), Some(ArtifactState::Pruning));
    assert_eq!(state(&catalog, 2), Some(ArtifactState::Frozen));
    assert!(nothing.is_none());
    drop((frozen, pruning));
}

/// Pitfalls 6 and 7: a key has one live owner, and the error names the line that claimed it.
#[test]
fn a_second_claim_names_the_place_of_the_first() {
    let world = Data::new();
    let catalog = world.open();
    let line = line!() + 1;
    let writer = catalog.begin::<Ledgers>(chunk(1)).unwrap();
    let second = catalog.begin::<Ledgers>(chunk(1)).unwrap_err();
    let Some(BeginRefusal::Claimed(claimed)) = second.refusal() else {
        panic!("{second}");
    };
    assert_eq!(claimed.holder.line(), line);
    assert!(claimed.holder.file().ends_with("protocol.rs"));
    let sweeper = catalog.claim_for_pruning(ledgers(1)).unwrap_err();
    assert!(matches!(sweeper, ClaimError::Claimed(_)), "{sweeper}");
    let set = catalog.begin_set(chunk(1), ArtifactSet::ALL).unwrap_err();
    assert!(
        matches!(set.refusal(), Some(BeginRefusal::Claimed(_))),
        "{set}"
    );
    // A refused set has released its claims on the free members.
    drop(writer);
    drop(catalog.begin_set(chunk(1), ArtifactSet::ALL).unwrap());
}

/// Pitfall 8: after a restart, an artifact at `freezing` is debris. Dropping a handle leaves the same.
#[test]
fn dropping_a_writer_leaves_debris_that_is_never_read() {
    let world = Data::new();
    let catalog = world.open();
    let mut freezing = catalog.begin::<Ledgers>(chunk(1)).unwrap();
    freezing
        .file(Ledgers::PACK)
        .unwrap()
        .write_all(b"half")
        .unwrap();
    drop(freezing);
    assert!(catalog.lease::<Ledgers>(chunk(1)).unwrap().is_none());
    drop(catalog);
    let catalog = world.open();
    assert!(catalog.lease::<Ledgers>(chunk(1)).unwrap().is_none());
    let unlinked = debris(&catalog, 1).unlink().unwrap();
    catalog.commit(unlinked).unwrap();
    assert_eq!(state(&catalog, 1), None);
    assert!(!world.pack(1).exists());
}

/// Pitfall 9: an artifact can be rebuilt over any leftover, including one at `pruning`.
#[test]
fn beginning_over_leftovers_finishes_their_removal() {
    let world = Data::new();
    let catalog = world.open();
    let frozen = freeze(&catalog, 1, b"old");
    drop(catalog.commit(frozen.demote()).unwrap());
    let mut freezing = catalog.begin::<Ledgers>(chunk(1)).unwrap();
    let mut file = freezing.file(Ledgers::PACK).unwrap();
    assert_eq!(std::fs::read(world.pack(1)).unwrap(), b"");
    file.write_all(b"half").unwrap();
    drop(freezing);
    drop(freeze(&catalog, 1, b"new"));
    assert_eq!(std::fs::read(world.pack(1)).unwrap(), b"new");
}

/// Pitfall 10: a reader that still has the old file open keeps reading the old bytes.
#[test]
fn rebuilding_makes_a_new_inode() {
    let world = Data::new();
    let catalog = world.open();
    let frozen = freeze(&catalog, 1, b"old bytes");
    let mut reader = frozen.lease().open(Ledgers::PACK).unwrap();
    let inode = std::fs::metadata(world.pack(1)).unwrap().ino();
    let pruning = catalog.commit(frozen.demote()).unwrap();
    let mut freezing = pruning.rematerialize().unwrap();
    freezing
        .file(Ledgers::PACK)
        .unwrap()
        .write_all(b"new")
        .unwrap();
    drop(freezing.freeze().unwrap());
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).unwrap();
    assert_eq!(bytes, b"old bytes");
    assert_ne!(std::fs::metadata(world.pack(1)).unwrap().ino(), inode);
}

/// The kernel resolves the whole path in one call: the tree as it is, and no symbolic link.
#[test]
fn opening_under_a_lease_is_one_call() {
    let world = Data::new();
    let opened = Arc::new(Mutex::new(Vec::new()));
    let opens = Arc::clone(&opened);
    let catalog = world.open_probed(Probe::new(move |operation, path| {
        let name = path.file_name().unwrap_or_default().to_owned();
        opens.lock().unwrap().push((operation, name));
        Ok(())
    }));
    let mut set = catalog.begin_set(chunk(5_350), ArtifactSet::ALL).unwrap();
    write_set(&mut set);
    drop(catalog.commit(set.sync().unwrap()).unwrap());
    let check = |name: &str| {
        let opened = std::mem::take(&mut *opened.lock().unwrap());
        assert_eq!(opened, [(Operation::OpenFile, name.into())]);
    };
    opened.lock().unwrap().clear();
    let lease = catalog.lease::<Ledgers>(chunk(5_350)).unwrap().unwrap();
    assert_eq!(lease.open(Ledgers::PACK).unwrap().size().unwrap(), 1);
    check("00005350.pack");
    let lease = catalog.lease::<Events>(chunk(5_350)).unwrap().unwrap();
    assert_eq!(lease.open(Events::INDEX).unwrap().size().unwrap(), 1);
    check("00005350-index.pack");
    let lease = catalog.lease::<TxHash>(chunk(5_350)).unwrap().unwrap();
    assert_eq!(lease.open(TxHash::BIN).unwrap().size().unwrap(), 1);
    check("00005350.bin");
}

/// Pitfall 13: the file stays as long as any lease on it is held.
#[test]
fn leases_hold_off_the_unlink_and_give_the_handle_back() {
    let world = Data::new();
    let catalog = world.open();
    drop(freeze(&catalog, 1, b"bytes"));
    let lease = catalog.lease::<Ledgers>(chunk(1)).unwrap().unwrap();
    let second = lease.clone();
    let Artifact::Frozen(frozen) = catalog.claim::<Ledgers>(chunk(1)).unwrap() else {
        panic!("not frozen");
    };
    let pruning = catalog.commit(frozen.demote()).unwrap();
    assert!(catalog.lease::<Ledgers>(chunk(1)).unwrap().is_none());
    let error = pruning.unlink().unwrap_err();
    assert!(
        error.to_string().contains("leases and views out: 2"),
        "{error}"
    );
    let RemovalError::Refused(refused) = error else {
        panic!("{error}");
    };
    assert!(matches!(refused.cause(), RemovalRefusal::Leased(_)));
    assert_eq!(std::fs::read(lease.path(Ledgers::PACK)).unwrap(), b"bytes");
    drop(lease);
    // Rebuilding is refused too, because the holder of a lease may open the file at any time.
    let pruning = refused.into_handle();
    let refused = pruning.rematerialize().unwrap_err();
    assert_eq!(refused.kind(), FailureKind::Refused);
    drop(refused);
    drop(second);
    let swept = catalog
        .sweep_chunk_artifacts(catalog.claim_for_pruning(ledgers(1)).unwrap())
        .unwrap();
    assert_eq!(swept.deleted, [ledgers(1)]);
}

/// Pitfall 30: an artifact is complete, or it is not there.
#[test]
fn an_artifact_with_a_missing_file_cannot_be_frozen() {
    let world = Data::new();
    let catalog = world.open();
    let mut freezing = catalog.begin::<Events>(chunk(1)).unwrap();
    freezing.file(Events::EVENTS).unwrap();
    freezing.file(Events::HASH).unwrap();
    let error = freezing.sync().unwrap_err();
    let SyncError::Refused(refused) = error else {
        panic!("{error}");
    };
    let SyncRefusal::NotCreated { path } = refused.cause() else {
        panic!("{}", refused.cause());
    };
    assert!(path.ends_with("events/00000/00000001-index.pack"));
    let mut freezing = refused.into_handle();
    freezing.file(Events::INDEX).unwrap();
    drop(freezing.freeze().unwrap());
}

#[test]
fn a_file_without_a_key_is_refused_and_untouched() {
    let world = Data::new();
    let catalog = world.open();
    std::fs::create_dir_all(world.pack(1).parent().unwrap()).unwrap();
    std::fs::write(world.pack(1), b"somebody's").unwrap();
    let before = world.tree();
    let error = catalog.begin::<Ledgers>(chunk(1)).unwrap_err();
    assert!(
        matches!(error.refusal(), Some(BeginRefusal::Stray { .. })),
        "{error}"
    );
    assert_eq!(world.tree(), before);
    assert_eq!(state(&catalog, 1), None);
}

/// Pitfall 10: the writer does not write into a file that appears after the mark either.
#[test]
fn a_file_that_appears_after_the_mark_is_not_written_into() {
    let world = Data::new();
    let catalog = world.open();
    let mut freezing = catalog.begin::<Ledgers>(chunk(1)).unwrap();
    std::fs::create_dir_all(world.pack(1).parent().unwrap()).unwrap();
    std::fs::write(world.pack(1), b"somebody's").unwrap();
    let error = freezing.file(Ledgers::PACK).unwrap_err();
    assert!(error.to_string().contains("00000001.pack"), "{error}");
    assert_eq!(std::fs::read(world.pack(1)).unwrap(), b"somebody's");
}

#[test]
fn a_frozen_artifact_cannot_be_begun() {
    let world = Data::new();
    let catalog = world.open();
    drop(freeze(&catalog, 1, b"bytes"));
    let before = world.tree();
    let error = catalog.begin::<Ledgers>(chunk(1)).unwrap_err();
    assert!(
        matches!(error.refusal(), Some(BeginRefusal::AlreadyFrozen { .. })),
        "{error}"
    );
    let error = catalog.begin_set(chunk(1), ArtifactSet::ALL).unwrap_err();
    assert!(
        matches!(error.refusal(), Some(BeginRefusal::AlreadyFrozen { .. })),
        "{error}"
    );
    assert_eq!(world.tree(), before);
    let events = catalog.state(chunk(1), ArtifactKind::Events).unwrap();
    assert_eq!(events, None, "a refused set marks nothing");
}

#[test]
fn an_empty_set_is_a_set() {
    let world = Data::new();
    let catalog = world.open();
    let set = catalog.begin_set(chunk(1), ArtifactSet::EMPTY).unwrap();
    let set = catalog.commit(set.sync().unwrap()).unwrap();
    assert!(set.ledgers.is_none() && set.events.is_none() && set.txhash.is_none());
}

#[test]
fn large_and_small_writes_arrive_whole_and_in_order() {
    let world = Data::new();
    let catalog = world.open();
    let mut freezing = catalog.begin::<Ledgers>(chunk(1)).unwrap();
    let mut expected = Vec::new();
    for length in [1, 300_000, 7, 262_144, 0, 100_000, 200_000, 3] {
        let bytes: Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        freezing
            .file(Ledgers::PACK)
            .unwrap()
            .write_all(&bytes)
            .unwrap();
        expected.extend(bytes);
    }
    drop(freezing.freeze().unwrap());
    assert_eq!(std::fs::read(world.pack(1)).unwrap(), expected);
}

/// Pitfall 26: a pin is written once.
#[test]
fn a_pin_is_for_ever() {
    let world = Data::new();
    let catalog = world.open();
    let ledger = |number| frostline::LedgerSeq::new(number).unwrap();
    assert_eq!(catalog.earliest_ledger().unwrap(), None);
    let error = catalog.pin_earliest_ledger(ledger(3)).unwrap_err();
    assert!(matches!(error, PinError::NotChunkStart(_)), "{error}");
    assert_eq!(catalog.earliest_ledger().unwrap(), None);
    assert_eq!(
        catalog.pin_earliest_ledger(ledger(10_002)).unwrap(),
        PinOutcome::Pinned
    );
    drop(catalog);
    let catalog = world.open();
    assert_eq!(
        catalog.pin_earliest_ledger(ledger(10_002)).unwrap(),
        PinOutcome::AlreadyPinned
    );
    let error = catalog.pin_earliest_ledger(ledger(2)).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("10002") && text.contains(" 2"), "{text}");
    assert_eq!(catalog.earliest_ledger().unwrap(), Some(ledger(10_002)));
}

#[test]
fn handles_keep_the_catalog_and_its_locks_alive() {
    let world = Data::new();
    let catalog = world.open();
    let frozen = freeze(&catalog, 1, b"bytes");
    drop(catalog);
    assert!(world.roots().lock().is_err());
    let lease = frozen.lease();
    drop(frozen);
    assert!(world.roots().lock().is_err());
    drop(lease);
    assert_eq!(state(&world.open(), 1), Some(ArtifactState::Frozen));
}

/// Commits an optional transition, and checks the number of bytes that a writer accepts.
#[test]
fn an_optional_transition_goes_on_if_it_is_there() {
    let world = Data::new();
    let catalog = world.open();
    let mut freezing = catalog.begin::<Ledgers>(chunk(1)).unwrap();
    let mut file = freezing.file(Ledgers::PACK).unwrap();
    assert_eq!(std::io::Write::write(&mut file, b"ledgers").unwrap(), 7);
    let synced = freezing.sync().unwrap();
    let frozen = catalog.commit(Some(synced)).unwrap().unwrap();
    assert_eq!(frozen.chunk(), chunk(1));
    assert_eq!(std::fs::read(world.pack(1)).unwrap(), b"ledgers");
    let none: Option<frostline::step::Synced<Ledgers>> = None;
    assert!(catalog.commit(none).unwrap().is_none());
}
