//! Going on after a fatal failure, and giving the locks back.

use frostline::error::FailureKind;
use frostline::error::{OpenError, Operation, ReadError};
use frostline::{ArtifactKind, ArtifactState, Catalog, DebrisPolicy, HotState, Ledgers};

use crate::fixture::{Data, EIO, Faults, chunk, freeze, state, written};

/// A node with chunk 7 frozen and chunk 8 ready, whose next commit has failed before its batch was written.
fn poisoned(world: &Data, faults: &Faults) -> Catalog {
    poisoned_by(world, faults, Operation::Commit)
}

fn poisoned_by(world: &Data, faults: &Faults, operation: Operation) -> Catalog {
    let catalog = world.open_with(faults);
    drop(freeze(&catalog, 7, b"ledgers"));
    drop(catalog.create_hot(chunk(8)).unwrap().ready().unwrap());
    faults.fail(operation, EIO);
    let error = catalog.begin::<Ledgers>(chunk(9)).unwrap_err();
    assert_eq!(error.kind(), FailureKind::Fatal);
    catalog
}

#[test]
fn readers_stay_while_the_catalog_is_opened_again() {
    let world = Data::new();
    let faults = Faults::new();
    let catalog = world.open_with(&faults);
    drop(freeze(&catalog, 7, b"ledgers"));
    let view = catalog.view().unwrap();
    let lease = catalog.lease::<Ledgers>(chunk(7)).unwrap().unwrap();
    faults.fail(Operation::SyncFile, EIO);
    let error = written(catalog.begin::<Ledgers>(chunk(9)).unwrap())
        .sync()
        .unwrap_err();
    assert_eq!(error.kind(), FailureKind::Fatal);
    drop(error);
    assert!(catalog.view().is_err());

    catalog.reopen().unwrap();
    assert_eq!(catalog.unfinished().freezing, 1);
    let recovered = catalog.recover(DebrisPolicy::Remove).unwrap();
    assert_eq!(recovered.removed.len(), 1);
    drop(freeze(&catalog, 9, b"ledgers"));
    assert_eq!(state(&catalog, 9), Some(ArtifactState::Frozen));

    // The view and the lease are of before, and still hold the files.
    assert_eq!(view.state(chunk(9), ArtifactKind::Ledgers).unwrap(), None);
    assert_eq!(lease.open(Ledgers::PACK).unwrap().size().unwrap(), 7);
    let frostline::Artifact::Frozen(frozen) = catalog.claim::<Ledgers>(chunk(7)).unwrap() else {
        panic!("chunk 7 is frozen");
    };
    let swept = catalog.sweep_chunk_artifacts([frozen.demote()]).unwrap();
    assert_eq!(swept.leased.len(), 1);
    drop(lease);
    let swept = catalog.sweep_chunk_artifacts(swept.leased).unwrap();
    assert_eq!(swept.leased.len(), 1, "the view holds it");
    drop(view);
    let swept = catalog.sweep_chunk_artifacts(swept.leased).unwrap();
    assert_eq!(swept.deleted.len(), 1);
}

/// A commit whose outcome was unknown has succeeded or not; the states are read again.
#[test]
fn the_states_are_read_again() {
    // The check of the file system comes after the write.
    for (operation, is_durable) in [
        (Operation::Commit, false),
        (Operation::CheckFileSystem, true),
    ] {
        let world = Data::new();
        let faults = Faults::new();
        let catalog = poisoned_by(&world, &faults, operation);
        catalog.reopen().unwrap();
        assert_eq!(state(&catalog, 7), Some(ArtifactState::Frozen));
        assert_eq!(catalog.hot_state(chunk(8)).unwrap(), Some(HotState::Ready));
        assert_eq!(state(&catalog, 9).is_some(), is_durable);
        drop(catalog);
        let catalog = world.open();
        assert_eq!(state(&catalog, 9).is_some(), is_durable);
    }
}

#[test]
fn a_handle_stops_the_catalog_from_being_opened_again() {
    let world = Data::new();
    let faults = Faults::new();
    let catalog = world.open_with(&faults);
    let freezing = written(catalog.begin::<Ledgers>(chunk(7)).unwrap());
    faults.fail(Operation::Commit, EIO);
    drop(catalog.begin::<Ledgers>(chunk(9)).unwrap_err());
    let error = catalog.reopen().unwrap_err();
    assert!(matches!(error, OpenError::Claimed(_)), "{error}");
    assert!(matches!(
        state_error(&catalog),
        Some(ReadError::Poisoned(_))
    ));
    // An error that is kept keeps no key.
    let kept: frostline::Error = freezing.sync().unwrap_err().into();
    catalog.reopen().unwrap();
    assert!(state_error(&catalog).is_none());
    drop(kept);
}

fn state_error(catalog: &Catalog) -> Option<ReadError> {
    catalog.state(chunk(7), ArtifactKind::Ledgers).err()
}

#[test]
fn a_catalog_that_cannot_be_opened_again_can_be_later() {
    let world = Data::new();
    let faults = Faults::new();
    let catalog = poisoned(&world, &faults);
    faults.fail(Operation::OpenStore, EIO);
    assert!(catalog.reopen().is_err());
    assert!(catalog.begin::<Ledgers>(chunk(9)).is_err());
    assert!(catalog.recover(DebrisPolicy::Report).is_err());
    let pin = frostline::LedgerSeq::GENESIS;
    assert!(catalog.pin_earliest_ledger(pin).is_err());
    assert!(catalog.lease::<Ledgers>(chunk(7)).is_err());
    catalog.reopen().unwrap();
    assert!(catalog.lease::<Ledgers>(chunk(7)).unwrap().is_some());
    drop(freeze(&catalog, 9, b"ledgers"));
    // A sound catalog is left as it is.
    let freezing = catalog.begin::<Ledgers>(chunk(10)).unwrap();
    catalog.reopen().unwrap();
    drop(freezing);
}

/// A directory that was durable before the failure is synced again after it.
#[test]
fn nothing_counts_as_durable_any_more() {
    let world = Data::new();
    let faults = Faults::new();
    let catalog = poisoned(&world, &faults);
    catalog.reopen().unwrap();
    let before = faults.count(Operation::SyncDirectory);
    drop(freeze(&catalog, 9, b"ledgers"));
    // The bucket, and the root that holds its entry.
    assert_eq!(faults.count(Operation::SyncDirectory), before + 2);
    drop(freeze(&catalog, 10, b"ledgers"));
    assert_eq!(faults.count(Operation::SyncDirectory), before + 3);
}

#[test]
fn closing_gives_the_locks_back() {
    let world = Data::new();
    let catalog = world.open();
    drop(freeze(&catalog, 7, b"ledgers"));
    let view = catalog.view().unwrap();
    let lease = view.lease::<Ledgers>(chunk(7)).unwrap().unwrap();
    let freezing = catalog.begin::<Ledgers>(chunk(8)).unwrap();
    let (catalog, in_use) = catalog.close().unwrap_err().into_parts();
    assert_eq!((in_use.handles, in_use.readers), (1, 2));
    drop(freezing);
    let (catalog, in_use) = catalog.close().unwrap_err().into_parts();
    assert_eq!((in_use.handles, in_use.readers), (0, 2));
    drop(view);
    let (catalog, in_use) = catalog.close().unwrap_err().into_parts();
    assert_eq!((in_use.handles, in_use.readers), (0, 1));
    assert!(world.roots().lock().is_err(), "still locked");
    drop(lease);
    let locked = catalog.close().unwrap();
    let catalog = Catalog::open(locked).unwrap();
    assert_eq!(state(&catalog, 7), Some(ArtifactState::Frozen));
    assert_eq!(state(&catalog, 8), Some(ArtifactState::Freezing));
}

/// A group without members owns no key, and uses the catalog.
#[test]
fn an_empty_group_keeps_the_catalog() {
    let world = Data::new();
    let catalog = world.open();
    let group = catalog.sync_group::<frostline::Freezing<Ledgers>>();
    let (catalog, in_use) = catalog.close().unwrap_err().into_parts();
    assert_eq!((in_use.handles, in_use.readers), (1, 0));
    drop(group);
    drop(catalog.close().unwrap());
}
