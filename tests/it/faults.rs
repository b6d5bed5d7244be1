//! Failing operations: of the right kind, named, never retried, and recoverable.

use frostline::error::Failure as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use frostline::error::FailureKind;
use frostline::error::{Operation, PinError, ReadError, SyncError};
use frostline::sim::Probe;
use frostline::{ArtifactState, Catalog, Ledgers, PinOutcome, Prunable};

use crate::fixture::{Data, EIO, ENOSPC, Faults, chain, chunk, copy_tree, freeze, state};

/// A catalog, and a fault that has not been armed yet.
fn world() -> (Data, Faults, Catalog) {
    let world = Data::new();
    let fault = Faults::new();
    let catalog = world.open_with(&fault);
    (world, fault, catalog)
}

/// After a fatal failure everything is refused, with the first cause; reopening lifts it.
fn assert_poisoned(catalog: &Catalog, first: &str) {
    let read = catalog
        .state(chunk(1), frostline::ArtifactKind::Ledgers)
        .unwrap_err();
    assert!(matches!(read, ReadError::Poisoned(_)), "{read}");
    assert!(chain(&read).contains(first), "{}", chain(&read));
    let poisoned = catalog.health().unwrap_err();
    assert!(chain(&poisoned).contains(first), "{}", chain(&poisoned));
    assert!(catalog.chunk_artifact_keys().is_err());
    assert!(catalog.hot_chunk_keys().is_err());
    assert!(catalog.ready_hot_chunk_keys().is_err());
    assert!(catalog.begin::<Ledgers>(chunk(77)).is_err());
    assert!(
        catalog
            .begin_set(chunk(77), frostline::ArtifactSet::EMPTY)
            .is_err()
    );
    assert!(catalog.claim::<Ledgers>(chunk(77)).is_err());
    assert!(catalog.create_hot(chunk(77)).is_err());
    assert!(catalog.claim_hot(chunk(77)).is_err());
    assert!(catalog.lease::<Ledgers>(chunk(77)).is_err());
    assert!(catalog.earliest_ledger().is_err());
    assert!(
        catalog
            .sweep_chunk_artifacts(Vec::<Prunable>::new())
            .is_err()
    );
    assert!(
        catalog
            .commit(Vec::<frostline::step::Demotion<Ledgers>>::new())
            .is_err()
    );
    let pin = catalog.pin_earliest_ledger(frostline::LedgerSeq::GENESIS);
    assert!(matches!(pin, Err(PinError::Commit(_))));
}

/// Row 29: an fsync that fails is fatal and is not issued again, neither for the file nor for any
/// directory above it.
#[test]
fn a_failed_fsync_is_never_retried() {
    for (operation, nth, named) in [
        (Operation::SyncFile, 0, "00000001.pack"),
        (Operation::SyncDirectory, 0, "ledgers/00000"),
        (Operation::SyncDirectory, 1, "ledgers"),
    ] {
        let (world, fault, catalog) = world();
        let mut freezing = catalog.begin::<Ledgers>(chunk(1)).unwrap();
        freezing
            .file(Ledgers::PACK)
            .unwrap()
            .write_all(b"bytes")
            .unwrap();
        let other = catalog.begin::<Ledgers>(chunk(2)).unwrap();
        fault.arm(operation, nth, EIO);
        let error = freezing.sync().unwrap_err();
        assert!(fault.has_fired());
        assert_eq!(error.kind(), FailureKind::Fatal);
        assert!(chain(&error).contains(named), "{}", chain(&error));
        let commits = fault.count(Operation::Commit);
        assert_eq!(commits, 0, "the key must not flip");
        assert_poisoned(&catalog, named);
        // A handle that was out before is refused, and is given back untouched.
        let Err(SyncError::Refused(refused)) = other.sync() else {
            panic!("not refused");
        };
        drop(refused);
        assert_eq!(fault.count(operation), nth + 1, "never again");
        drop(catalog);
        let catalog = world.open();
        assert_eq!(state(&catalog, 1), Some(ArtifactState::Freezing));
        assert!(catalog.lease::<Ledgers>(chunk(1)).unwrap().is_none());
        drop(freeze(&catalog, 1, b"again"));
    }
}

/// A commit whose outcome is unknown: fatal at the mark, the flip, the demotion and the deletion.
#[test]
fn a_failed_commit_poisons_the_catalog() {
    for nth in 0..4 {
        let (world, fault, catalog) = world();
        fault.arm(Operation::Commit, nth, EIO);
        let failure = life(&catalog).unwrap_err();
        assert!(fault.has_fired());
        assert_eq!(failure, FailureKind::Fatal, "commit {nth}");
        assert_poisoned(&catalog, "commit to the catalog");
        assert_eq!(fault.count(Operation::Commit), nth + 1, "never again");
        drop(catalog);
        converge(&world);
    }
}

/// A refusal and a failure that is known not to have reached the disk leave the catalog healthy.
#[test]
fn only_a_fatal_failure_ends_the_health() {
    let (world, fault, catalog) = world();
    catalog.health().unwrap();
    let freezing = catalog.begin::<Ledgers>(chunk(1)).unwrap();
    drop(catalog.begin::<Ledgers>(chunk(1)).unwrap_err());
    drop(freezing.sync().unwrap_err());
    catalog.health().unwrap();
    fault.fail(Operation::Commit, EIO);
    drop(catalog.begin::<Ledgers>(chunk(2)).unwrap_err());
    catalog.health().unwrap_err();
    catalog.health().unwrap_err();
    drop(catalog);
    world.open().health().unwrap();
}

/// One artifact's whole life; the kind of the failure that ended it.
fn life(catalog: &Catalog) -> Result<(), FailureKind> {
    let mut freezing = catalog
        .begin::<Ledgers>(chunk(1))
        .map_err(|error| error.kind())?;
    freezing
        .file(Ledgers::PACK)
        .map_err(|error| error.kind())?
        .write_all(&vec![7; 300_000])
        .map_err(|_| FailureKind::Retryable)?;
    let frozen = freezing.freeze().map_err(|error| error.kind())?;
    let swept = catalog
        .sweep_chunk_artifacts([Prunable::from(frozen.demote())])
        .map_err(|error| error.kind())?;
    if swept.failed.is_empty() {
        Ok(())
    } else {
        Err(FailureKind::Retryable)
    }
}

/// After any failure, opening again and doing the work again succeeds.
fn converge(world: &Data) {
    let catalog = world.open();
    let keys: Vec<_> = catalog
        .chunk_artifact_keys()
        .unwrap()
        .map(Result::unwrap)
        .collect();
    for (key, state) in keys {
        if state != ArtifactState::Frozen {
            let prunable = catalog.claim_for_pruning(key).unwrap();
            let swept = catalog.sweep_chunk_artifacts(prunable).unwrap();
            assert_eq!(swept.deleted, [key]);
        }
    }
    if state(&catalog, 1).is_none() {
        assert!(!world.pack(1).exists(), "every file has its key");
        life(&catalog).unwrap();
    }
}

/// Rows 14 and 31: a full disk, or an I/O error, at every operation of a life. Each failure is of a
/// kind that fits, a frozen key is never a lie, and afterwards the same work succeeds.
#[test]
fn every_operation_may_fail_and_the_work_converges() {
    let operations = [
        Operation::OpenDirectory,
        Operation::CreateDirectory,
        Operation::Inspect,
        Operation::CreateFile,
        Operation::WriteFile,
        Operation::SyncFile,
        Operation::SyncDirectory,
        Operation::CheckFile,
        Operation::CheckFileSystem,
        Operation::UnlinkFile,
        Operation::Commit,
    ];
    let mut failures = 0;
    for (operation, errno) in operations
        .into_iter()
        .flat_map(|op| [(op, EIO), (op, ENOSPC)])
    {
        for nth in 0.. {
            let (world, fault, catalog) = world();
            fault.arm(operation, nth, errno);
            let outcome = life(&catalog);
            if !fault.has_fired() {
                assert!(outcome.is_ok());
                break;
            }
            failures += 1;
            let kind = outcome.expect_err("a failed operation is reported");
            let fatal = matches!(
                operation,
                Operation::SyncFile
                    | Operation::SyncDirectory
                    | Operation::CheckFile
                    | Operation::CheckFileSystem
                    | Operation::Commit
            );
            assert_eq!(
                kind == FailureKind::Fatal,
                fatal,
                "{operation} {nth} was {kind:?}"
            );
            drop(catalog);
            converge(&world);
        }
    }
    assert!(failures > 30, "only {failures} operations were failed");
}

/// A write that failed cannot be followed by an fsync that succeeds.
#[test]
fn after_a_failed_write_the_artifact_cannot_be_frozen() {
    let (world, fault, catalog) = world();
    let mut freezing = catalog.begin::<Ledgers>(chunk(1)).unwrap();
    let mut file = freezing.file(Ledgers::PACK).unwrap();
    fault.arm(Operation::WriteFile, 0, ENOSPC);
    let error = file.write_all(&vec![1; 300_000]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    assert!(chain(&error).contains("00000001.pack"), "{error}");
    assert!(file.write_all(b"more").is_err(), "the failure is latched");
    let error = freezing.sync().unwrap_err();
    assert_eq!(error.kind(), FailureKind::Retryable);
    assert_eq!(fault.count(Operation::SyncFile), 0);
    // Not fatal: the same catalog goes on, and begins again.
    drop(freeze(&catalog, 1, b"again"));
    assert_eq!(std::fs::read(world.pack(1)).unwrap(), b"again");
}

/// The pin, too.
#[test]
fn a_failed_pin_poisons() {
    let (world, fault, catalog) = world();
    fault.arm(Operation::Commit, 0, EIO);
    let error = catalog
        .pin_earliest_ledger(frostline::LedgerSeq::GENESIS)
        .unwrap_err();
    assert_eq!(error.kind(), FailureKind::Fatal);
    drop(catalog);
    let pinned = world
        .open()
        .pin_earliest_ledger(frostline::LedgerSeq::GENESIS);
    assert_eq!(pinned.unwrap(), PinOutcome::Pinned);
}

/// Row 29 for hot directories.
#[test]
fn a_failed_fsync_keeps_a_hot_directory_transient() {
    for nth in [0, 1] {
        let (world, fault, catalog) = world();
        let transient = catalog.create_hot(chunk(1)).unwrap();
        fault.arm(Operation::SyncDirectory, nth, EIO);
        let error = transient.ready().unwrap_err();
        assert_eq!(error.kind(), FailureKind::Fatal);
        assert_eq!(fault.count(Operation::Commit), 0);
        assert!(catalog.claim_hot(chunk(1)).is_err());
        drop(catalog);
        let catalog = world.open();
        drop(catalog.create_hot(chunk(1)).unwrap().ready().unwrap());
    }
}

/// Another thread's failure in the middle of a sweep: what follows is not touched, nothing is synced or
/// deleted, and after reopening the keys can be swept.
#[test]
fn a_sweep_stops_when_the_catalog_is_poisoned_half_way() {
    let world = Data::new();
    let shared: Arc<OnceLock<Catalog>> = Arc::default();
    let commits_fail = Arc::new(AtomicBool::new(false));
    let probe = {
        let (shared, commits_fail) = (Arc::clone(&shared), Arc::clone(&commits_fail));
        Probe::new(move |operation, path| match operation {
            // Inside of the first unlink, a pin fails for good.
            Operation::UnlinkFile if path.ends_with("00000001.pack") => {
                commits_fail.store(true, Ordering::SeqCst);
                let catalog = shared.get().unwrap();
                let pin = catalog.pin_earliest_ledger(frostline::LedgerSeq::GENESIS);
                assert_eq!(pin.unwrap_err().kind(), FailureKind::Fatal);
                Ok(())
            }
            Operation::Commit if commits_fail.load(Ordering::SeqCst) => {
                Err(std::io::Error::from_raw_os_error(EIO))
            }
            Operation::SyncDirectory if commits_fail.load(Ordering::SeqCst) => {
                panic!("nothing is synced after a failure")
            }
            _ => Ok(()),
        })
    };
    assert!(shared.set(world.open_probed(probe)).is_ok());
    let catalog = shared.get().unwrap();
    let batch = [1, 2].map(|number| freeze(catalog, number, b"bytes").demote());
    let error = catalog.sweep_chunk_artifacts(batch).unwrap_err();
    assert!(matches!(error.kind(), FailureKind::Retryable), "{error}");
    assert_eq!(error.kind(), FailureKind::Retryable);
    assert!(chain(&error).contains("commit to the catalog"), "{error}");
    assert!(!world.pack(1).exists() && world.pack(2).exists());
    // The probe and the catalog hold each other: what the end of the process would release, a second
    // data directory shows.
    let reopened = Data::new();
    copy_tree(&world.path(), &reopened.path());
    let catalog = reopened.open();
    let pruning = Some(ArtifactState::Pruning);
    assert_eq!([1, 2].map(|number| state(&catalog, number)), [pruning; 2]);
}
