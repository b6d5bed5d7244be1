//! Errors of rematerializing, unlinking and sweeping.

use frostline::error::FailureKind;
use frostline::error::{BeginError, Operation, RemovalError, SweepError};
use frostline::{Artifact, ArtifactKey, ArtifactKind, Ledgers, Prunable, Pruning};

use super::{Bench, Texts, seven};
use crate::fixture::{EACCES, EIO};

#[test]
fn rematerialize_errors() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, bench: &Bench, error: BeginError<Pruning<Ledgers>>| {
        let has_handle = matches!(error, BeginError::Refused(_));
        assert_eq!(has_handle, variant.starts_with("Refused"), "{variant}");
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
    };
    let bench = Bench::new();
    let frozen = bench.frozen();
    let lease = frozen.lease();
    let pruning = bench.catalog().commit(frozen.demote()).unwrap();
    add(
        "Refused, Leased",
        &bench,
        pruning.rematerialize().unwrap_err(),
    );
    drop(lease);
    let Artifact::Pruning(pruning) = bench.catalog().claim(seven()).unwrap() else {
        panic!("it is at `pruning`");
    };
    bench.refuse_commit(0);
    let error = pruning.rematerialize().unwrap_err();
    add("Refused, Commit", &bench, error);
    let bench = Bench::new();
    let pruning = bench.pruning();
    bench.faults.fail(Operation::Commit, EIO);
    add(
        "Failed, Fatal",
        &bench,
        pruning.rematerialize().unwrap_err(),
    );

    let bench = Bench::new();
    let pruning = bench.pruning();
    bench.poison();
    add(
        "Refused, Poisoned",
        &bench,
        pruning.rematerialize().unwrap_err(),
    );

    texts.check("errors_rematerialize");
}

#[test]
fn unlink_errors() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, bench: &Bench, error: RemovalError<Pruning<Ledgers>>| {
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
        error
    };
    let bench = Bench::new();
    let frozen = bench.frozen();
    let lease = frozen.lease();
    let pruning = bench.catalog().commit(frozen.demote()).unwrap();
    let error = add("Refused, Leased", &bench, pruning.unlink().unwrap_err());
    drop(lease);
    let RemovalError::Refused(refused) = error else {
        panic!("{error}");
    };
    let pruning = refused.into_handle();
    bench.faults.fail(Operation::UnlinkFile, EACCES);
    add("Retryable, EACCES", &bench, pruning.unlink().unwrap_err());
    let Artifact::Pruning(pruning) = bench.catalog().claim(seven()).unwrap() else {
        panic!("it is still at `pruning`");
    };
    let file = bench.path("ledgers/00000/00000007.pack");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    let error = pruning.unlink().unwrap_err();
    add("Retryable, a directory for a file", &bench, error);

    let bench = Bench::new();
    let pruning = bench.pruning();
    bench.faults.fail(Operation::SyncDirectory, EIO);
    add("Fatal", &bench, pruning.unlink().unwrap_err());

    let bench = Bench::new();
    let pruning = bench.pruning();
    bench.poison();
    add("Refused, Poisoned", &bench, pruning.unlink().unwrap_err());
    texts.check("errors_unlink");
}

#[test]
fn sweep_errors() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, bench: &Bench, batch: Vec<Prunable>| {
        let error = bench.catalog().sweep_chunk_artifacts(batch).unwrap_err();
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
        error
    };
    let (bench, other) = (Bench::new(), Bench::new());
    let foreign = other.pruning().into();
    let error = add("Demote, ForeignHandle", &bench, vec![foreign]);
    assert!(matches!(error, SweepError::Refused(_)));
    let frozen = bench.frozen().demote().into();
    bench.refuse_commit(0);
    add("Demote, Store", &bench, vec![frozen]);
    let key = ArtifactKey {
        chunk: seven(),
        kind: ArtifactKind::Ledgers,
    };
    let prunable = bench.catalog().claim_for_pruning(key).unwrap().unwrap();
    bench.refuse_commit(2);
    let error = add("Delete, Store", &bench, vec![prunable]);
    assert!(matches!(error.kind(), FailureKind::Retryable));

    for operation in [Operation::Commit, Operation::SyncDirectory] {
        let bench = Bench::new();
        let frozen = bench.frozen().demote().into();
        bench.faults.fail(operation, EIO);
        add(&format!("Fatal, {operation:?}"), &bench, vec![frozen]);
        add("Poisoned", &bench, Vec::new());
    }

    let bench = Bench::new();
    let frozen = bench.frozen().demote();
    bench.faults.fail(Operation::UnlinkFile, EIO);
    let mut swept = bench.catalog().sweep_chunk_artifacts([frozen]).unwrap();
    let (failed, failure) = swept.failed.pop().unwrap();
    assert_eq!(failed, key);
    texts.add_leaf("Swept::failed", &bench.data, &failure);
    texts.check("errors_sweep");
}
