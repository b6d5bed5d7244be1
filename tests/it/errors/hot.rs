//! Errors of hot directories.

use frostline::error::FailureKind;
use frostline::error::{
    BeginError, BeginRefusal, ClaimHotError, Operation, RemovalError, SyncError,
};
use frostline::{ArtifactKind, ArtifactSet, Ready, Transient};
use frostline::{Hot, HotDebris};

use super::{Bench, Texts, seven};
use crate::fixture::{EACCES, EIO, ENOSPC, freeze, write_set};

#[test]
fn create_hot_errors() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, bench: &Bench| {
        let error = bench.catalog().create_hot(seven()).unwrap_err();
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
        error
    };
    let bench = Bench::new();
    let owner = bench.transient();
    add("Claimed", &bench);
    drop(owner.ready().unwrap());
    add("AlreadyReady", &bench);

    let bench = Bench::new();
    std::fs::create_dir(bench.path("hot/00000007")).unwrap();
    add("StrayDirectory", &bench);
    std::fs::remove_dir(bench.path("hot/00000007")).unwrap();
    bench.faults.fail(Operation::Inspect, EIO);
    add("Io", &bench);
    bench.refuse_commit(0);
    let error = add("Commit, Store", &bench);
    assert!(matches!(error.refusal(), Some(BeginRefusal::Commit(_))));
    bench.faults.fail(Operation::CreateDirectory, ENOSPC);
    add("Io, ENOSPC", &bench);
    std::fs::write(bench.path("hot/00000007"), "").unwrap();
    add("Stray, a file for the directory", &bench);

    let bench = Bench::new();
    bench.faults.fail(Operation::Commit, EIO);
    add("Fatal", &bench);
    add("Read, Poisoned", &bench);

    let bench = Bench::planted(&[(b"hot:chunk:00000007", b"readyy")]);
    add("Read, Value", &bench);
    texts.check("errors_create_hot");
}

#[test]
fn claim_hot_errors() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, bench: &Bench| {
        let error = bench.catalog().claim_hot(seven()).unwrap_err();
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
        error
    };
    let bench = Bench::new();
    let owner = bench.ready();
    add("Claimed", &bench);
    drop(owner);
    bench.faults.fail(Operation::OpenDirectory, EACCES);
    add("Io, EACCES", &bench);
    std::fs::remove_dir(bench.path("hot/00000007")).unwrap();
    let error = add("DirectoryMissing", &bench);
    assert!(matches!(error, ClaimHotError::DirectoryMissing(_)));
    drop(error);
    std::fs::write(bench.path("hot/00000007"), "").unwrap();
    add("Io, a file for the directory", &bench);
    texts.check("errors_claim_hot");
}

#[test]
fn ready_errors() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, bench: &Bench, error: SyncError<Transient>| {
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
    };
    let bench = Bench::new();
    let transient = bench.transient();
    bench.faults.fail(Operation::OpenDirectory, EIO);
    add("Refused, Io", &bench, transient.ready().unwrap_err());
    let transient = bench.transient();
    bench.refuse_commit(0);
    add(
        "Refused, Commit, Store",
        &bench,
        transient.ready().unwrap_err(),
    );
    let transient = bench.transient();
    std::fs::remove_dir(bench.path("hot/00000007")).unwrap();
    add("Refused, Replaced", &bench, transient.ready().unwrap_err());
    let transient = bench.transient();
    bench.poison();
    add("Refused, Poisoned", &bench, transient.ready().unwrap_err());
    for operation in [Operation::SyncDirectory, Operation::Commit] {
        let bench = Bench::new();
        let transient = bench.transient();
        bench.faults.fail(operation, EIO);
        let variant = format!("Fatal, {operation:?}");
        add(&variant, &bench, transient.ready().unwrap_err());
    }
    texts.check("errors_ready");
}

#[test]
fn retire_errors() {
    let mut texts = Texts::default();
    let (bench, other) = (Bench::new(), Bench::new());
    let mut add = |variant: &str, error: RemovalError<Ready>| {
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
        match error {
            RemovalError::Refused(refused) => refused.into_handle(),
            RemovalError::Failed(failed) => panic!("{failed}"),
        }
    };
    let ready = bench.ready();
    let eight = freeze(bench.catalog(), 8, b"ledgers");
    let ready = add("OtherChunk", ready.retire(&eight).unwrap_err());
    let foreign = other.frozen();
    let ready = add("ForeignEvidence", ready.retire(&foreign).unwrap_err());
    let events = ArtifactSet::EMPTY.with(ArtifactKind::Events);
    let mut events = bench.catalog().begin_set(seven(), events).unwrap();
    write_set(&mut events);
    let events = events.sync().unwrap();
    let ready = add("NoLedgers", ready.retire(&events).unwrap_err());
    let synced = bench.synced();
    let ready = add("Commit, NotFrozen", ready.discard(&synced).unwrap_err());
    drop(ready);
    texts.check("errors_retire");
}

#[test]
fn errors_of_a_directory_that_comes_back() {
    let mut texts = Texts::default();
    let bench = Bench::new();
    let path = bench.path("hot/00000007");
    drop(bench.ready());
    std::fs::remove_dir(&path).unwrap();
    let missing = || match bench.catalog().claim_hot(seven()) {
        Err(ClaimHotError::DirectoryMissing(missing)) => missing,
        other => panic!("{other:?}"),
    };
    let claimed = missing();
    std::fs::create_dir(&path).unwrap();
    let error = claimed.discard().unwrap_err();
    texts.add(
        "RemovalError::Refused, DirectoryIsBack",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );
    drop(error);
    std::fs::remove_dir(&path).unwrap();
    let debris = missing().discard().unwrap();
    std::fs::create_dir(&path).unwrap();
    let error = debris.remove().unwrap_err();
    texts.add(
        "RemovalError::Refused, DirectoryIsBack",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );
    texts.check("errors_directory_is_back");
}

#[test]
fn discard_recreate_and_remove_errors() {
    let mut texts = Texts::default();
    let bench = Bench::new();
    let (ready, frozen) = (bench.ready(), bench.frozen());
    bench.refuse_commit(0);
    let error = ready.discard(&frozen).unwrap_err();
    texts.add(
        "RemovalError::Refused, Store",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );
    let RemovalError::Refused(refused) = error else {
        panic!("{error}");
    };
    let ready = refused.into_handle();
    bench.faults.fail(Operation::Commit, EIO);
    let error = ready.discard(&frozen).unwrap_err();
    texts.add(
        "RemovalError::Fatal",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );

    let bench = Bench::new();
    let (ready, frozen) = (bench.ready(), bench.frozen());
    bench.poison();
    let error = ready.discard(&frozen).unwrap_err();
    texts.add(
        "RemovalError::Refused, Poisoned",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );

    let bench = Bench::new();
    let debris = bench.hot_debris();
    bench.faults.fail(Operation::CreateDirectory, ENOSPC);
    let error = debris.recreate().unwrap_err();
    assert!(matches!(error.kind(), FailureKind::Retryable));
    texts.add(
        "BeginError::Retryable",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );
    let Hot::Debris(debris) = bench.catalog().claim_hot(seven()).unwrap() else {
        panic!("it is still at `transient`");
    };
    bench.poison();
    let error = debris.recreate().unwrap_err();
    texts.add(
        "BeginError::Refused",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );
    let BeginError::Refused(refused) = error else {
        panic!("{error}");
    };
    let error = refused.into_handle().remove().unwrap_err();
    texts.add(
        "RemovalError::Refused",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );

    let mut add = |variant: &str, bench: &Bench, error: RemovalError<HotDebris>| {
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
    };
    let bench = Bench::new();
    let debris = bench.hot_debris();
    bench.faults.fail(Operation::RemoveDirectory, EIO);
    let error = debris.remove().unwrap_err();
    add("RemovalError::Retryable", &bench, error);
    let Hot::Debris(debris) = bench.catalog().claim_hot(seven()).unwrap() else {
        panic!("it is still at `transient`");
    };
    bench.refuse_commit(0);
    add("RemovalError::Commit", &bench, debris.remove().unwrap_err());
    let Hot::Debris(debris) = bench.catalog().claim_hot(seven()).unwrap() else {
        panic!("it is still at `transient`");
    };
    bench.faults.fail(Operation::SyncDirectory, EIO);
    add(
        "RemovalError::Fatal, SyncDirectory",
        &bench,
        debris.remove().unwrap_err(),
    );

    let bench = Bench::new();
    let transient = bench.transient();
    bench.faults.fail(Operation::Commit, EIO);
    let error = transient.abandon().unwrap_err();
    texts.add(
        "RemovalError::Fatal, Commit",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );
    texts.check("errors_discard_recreate_and_remove");
}
