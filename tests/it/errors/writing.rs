//! Errors of claiming, writing, freezing and abandoning an artifact.

use frostline::error::Failure as _;
use frostline::error::{Failed, Retryable};
use std::io::Write as _;

use frostline::error::{
    AlreadyClaimed, BeginRefusal, ClaimError, CommitError, CommitRefusal, FreezeError, IoFailure,
    Operation, RemovalError, SyncError,
};
use frostline::{ArtifactKind, ArtifactSet, Events, Freezing, Ledgers};

use super::{Bench, Texts, seven};
use crate::fixture::{EACCES, EIO, ENOSPC, EOPNOTSUPP, EROFS};

#[test]
fn claims_and_leases() {
    let mut texts = Texts::default();
    let bench = Bench::new();
    let owner = bench.freezing();
    let error = bench.catalog().claim::<Ledgers>(seven()).unwrap_err();
    let ClaimError::Claimed(claimed) = &error else {
        panic!("{error}");
    };
    let AlreadyClaimed { holder, .. } = claimed;
    assert_eq!(holder.file(), file!());
    texts.add(
        "ClaimError::Claimed",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );
    let error = bench.catalog().claim_for_pruning(owner.key()).unwrap_err();
    texts.add(
        "ClaimError::Claimed, prunable",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );
    drop(owner);
    let bench = Bench::planted(&[(b"chunk:00000007:ledgers", b"frozenn")]);
    let error = bench.catalog().claim::<Ledgers>(seven()).unwrap_err();
    texts.add(
        "ClaimError::Read",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );
    texts.check("errors_claim");
}

#[test]
fn begin_errors() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, bench: &Bench| {
        let error = bench.catalog().begin::<Ledgers>(seven()).unwrap_err();
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
        error
    };

    let bench = Bench::new();
    let owner = bench.freezing();
    add("Claimed", &bench);
    drop(owner);

    let bench = Bench::new();
    drop(bench.frozen());
    add("AlreadyFrozen", &bench);

    let bench = Bench::new();
    let frozen = bench.frozen();
    let lease = frozen.lease();
    let second = lease.clone();
    drop(bench.catalog().commit(frozen.demote()).unwrap());
    add("Leased, twice", &bench);
    drop(second);
    add("Leased", &bench);
    drop(lease);

    let bench = Bench::new();
    std::fs::create_dir_all(bench.path("ledgers/00000")).unwrap();
    std::fs::write(bench.path("ledgers/00000/00000007.pack"), "").unwrap();
    add("StrayFile", &bench);

    let bench = Bench::planted(&[(b"chunk:00000007:ledgers", b"frozenn")]);
    add("Read, Value", &bench);
    bench.poison();
    add("Read, Poisoned", &bench);

    let bench = Bench::new();
    bench.faults.fail(Operation::OpenDirectory, EACCES);
    add("Io, EACCES", &bench);
    std::fs::write(bench.path("ledgers/00000"), "").unwrap();
    add("Io, a file for a bucket", &bench);
    bench.refuse_commit(0);
    std::fs::remove_file(bench.path("ledgers/00000")).unwrap();
    let error = add("Commit, Store", &bench);
    assert!(matches!(error.refusal(), Some(BeginRefusal::Commit(_))));

    let bench = Bench::new();
    bench.faults.fail(Operation::Commit, EIO);
    add("Fatal", &bench);

    let bench = Bench::new();
    drop(bench.catalog().begin::<Events>(seven()).unwrap().abandon());
    let events = bench.catalog().begin::<Events>(seven()).unwrap();
    let error = bench
        .catalog()
        .begin_set(seven(), ArtifactSet::ALL)
        .unwrap_err();
    texts.add(
        "Claimed, one of a set",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );
    assert_eq!(
        bench
            .catalog()
            .state(seven(), ArtifactKind::Ledgers)
            .unwrap(),
        None
    );
    drop(events);
    texts.check("errors_begin");
}

#[test]
fn file_errors() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, bench: &Bench, mut freezing: Freezing<Ledgers>| {
        let error = freezing.file(Ledgers::PACK).unwrap_err();
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
    };
    // The leftovers of an earlier attempt are removed before the first new file is created.
    let bench = Bench::new();
    drop(bench.written());
    bench.faults.fail(Operation::UnlinkFile, EROFS);
    add("Io, leftovers, EROFS", &bench, bench.freezing());
    let file = bench.path("ledgers/00000/00000007.pack");
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    add(
        "Io, leftovers, a directory for a file",
        &bench,
        bench.freezing(),
    );
    let bench = Bench::new();
    for (operation, errno) in [
        (Operation::CreateDirectory, ENOSPC),
        (Operation::CreateFile, ENOSPC),
        (Operation::CreateFile, EROFS),
        (Operation::OpenDirectory, EIO),
    ] {
        let freezing = bench.freezing();
        bench.faults.fail(operation, errno);
        add(&format!("Io, {operation:?}, {errno}"), &bench, freezing);
    }
    let freezing = bench.freezing();
    std::fs::create_dir(bench.path("ledgers/00000/00000007.pack")).unwrap();
    add("Io, a directory for a file", &bench, freezing);

    let bench = Bench::new();
    let freezing = bench.freezing();
    std::fs::write(bench.path("ledgers/00000"), "").unwrap();
    add("Io, a file for a bucket", &bench, freezing);

    let bench = Bench::new();
    let freezing = bench.freezing();
    std::os::unix::fs::symlink("/", bench.path("ledgers/00000")).unwrap();
    add("Io, a link for a bucket", &bench, freezing);

    let bench = Bench::new();
    let freezing = bench.freezing();
    bench.poison();
    add("Poisoned", &bench, freezing);

    let bench = Bench::new();
    let mut freezing = bench.freezing();
    let writer = freezing.writer(Ledgers::PACK).unwrap();
    add("WriterOut", &bench, freezing);
    drop(writer);

    let freezing = bench.freezing();
    bench.faults.fail(Operation::CreateScratch, EOPNOTSUPP);
    let error = freezing.scratch().unwrap_err();
    texts.add(
        "NoScratch",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );
    texts.check("errors_file");
}

#[test]
fn write_errors() {
    let mut texts = Texts::default();
    let bench = Bench::new();
    let mut freezing = bench.freezing();
    let mut file = freezing.file(Ledgers::PACK).unwrap();
    bench.faults.fail(Operation::WriteFile, ENOSPC);
    let error = file.write_all(&vec![0; 1 << 20]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
    let mut add = |variant: &str, error: std::io::Error| {
        let error = frostline::Error::from(error);
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
    };
    add("io::Error of a write", error);
    let error = file.write_all(b"more").unwrap_err();
    add("io::Error of the next write", error);
    drop(freezing);

    let bench = Bench::new();
    let mut freezing = bench.freezing();
    let writer = freezing.writer(Ledgers::PACK).unwrap();
    bench.faults.fail(Operation::ReserveSpace, ENOSPC);
    let error = writer.reserve(1 << 20).unwrap_err();
    let error = frostline::Error::from(error);
    texts.add(
        "io::Error of `reserve`",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );
    bench.faults.fail(Operation::SetLength, EIO);
    let error = writer.set_len(1).unwrap_err();
    let error = frostline::Error::from(error);
    texts.add(
        "io::Error of `set_len`",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );
    drop((writer, freezing));

    let bench = Bench::new();
    let frozen = bench.frozen();
    let lease = frozen.lease();
    let read = lease.open(Ledgers::PACK).unwrap();
    let error = read.read_exact_at(&mut [0; 64], 0).unwrap_err();
    texts.add_leaf("IoFailure, beyond the end", &bench.data, &error);
    let file = bench.path("ledgers/00000/00000007.pack");
    std::fs::remove_file(&file).unwrap();
    let open = || -> IoFailure { lease.open(Ledgers::PACK).unwrap_err() };
    texts.add_leaf("IoFailure, a missing file", &bench.data, &open());
    std::fs::create_dir(&file).unwrap();
    texts.add_leaf("IoFailure, a directory for a file", &bench.data, &open());
    std::fs::remove_dir(&file).unwrap();
    std::os::unix::fs::symlink("/dev/null", &file).unwrap();
    texts.add_leaf("IoFailure, a link for a file", &bench.data, &open());
    std::fs::remove_file(&file).unwrap();
    std::fs::remove_dir(file.parent().unwrap()).unwrap();
    texts.add_leaf("IoFailure, a missing bucket", &bench.data, &open());
    texts.check("errors_read_and_write_files");
}

#[test]
fn sync_errors() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, bench: &Bench, error: SyncError<Freezing<Ledgers>>| {
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
    };
    let bench = Bench::new();
    let error = bench.freezing().sync().unwrap_err();
    assert!(matches!(error, SyncError::Refused(_)));
    add("Refused, NotWritten", &bench, error);
    let written = bench.written();
    bench.faults.fail(Operation::WriteFile, ENOSPC);
    add("Retryable, ENOSPC", &bench, written.sync().unwrap_err());
    let written = bench.written();
    bench.faults.fail(Operation::WriteFile, EIO);
    add("Retryable, EIO", &bench, written.sync().unwrap_err());

    let mut freezing = bench.freezing();
    let mut file = freezing.file(Ledgers::PACK).unwrap();
    bench.faults.fail(Operation::WriteFile, ENOSPC);
    drop(file.write_all(&vec![0; 1 << 20]).unwrap_err());
    let error = freezing.sync().unwrap_err();
    assert!(matches!(
        error,
        SyncError::Failed(Failed::Retryable(Retryable::EarlierWrite { .. }))
    ));
    add("WriteFailed", &bench, error);

    let mut freezing = bench.freezing();
    let writer = freezing.writer(Ledgers::PACK).unwrap();
    let error = freezing.sync().unwrap_err();
    add("Refused, WriterOut", &bench, error);
    drop(writer);

    let written = bench.written();
    bench.poison();
    add("Refused, Poisoned", &bench, written.sync().unwrap_err());

    for (operation, errno) in [
        (Operation::SyncFile, EIO),
        (Operation::SyncFile, ENOSPC),
        (Operation::SyncDirectory, EIO),
    ] {
        let bench = Bench::new();
        let written = bench.written();
        bench.faults.fail(operation, errno);
        let variant = format!("Fatal, {operation:?}, {errno}");
        add(&variant, &bench, written.sync().unwrap_err());
    }

    let bench = Bench::new();
    let set = ArtifactSet::ALL.without(ArtifactKind::TxHash);
    let mut set = bench.catalog().begin_set(seven(), set).unwrap();
    let ledgers = set.ledgers.as_mut().unwrap();
    ledgers.file(Ledgers::PACK).unwrap().flush().unwrap();
    let events = set.events.as_mut().unwrap();
    events.file(Events::EVENTS).unwrap().flush().unwrap();
    let error = set.sync().unwrap_err();
    texts.add(
        "Refused, NotWritten in a set",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );
    texts.check("errors_sync");
}

#[test]
fn freeze_errors() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, bench: &Bench, error: FreezeError<Ledgers>| {
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
    };
    let bench = Bench::new();
    let error = bench.freezing().freeze().unwrap_err();
    add("Sync, Refused, NotWritten", &bench, error);
    let written = bench.written();
    bench.refuse_commit(0);
    add(
        "Commit, Refused, Store",
        &bench,
        written.freeze().unwrap_err(),
    );
    let written = bench.written();
    bench.faults.fail(Operation::Commit, EIO);
    add("Commit, Fatal", &bench, written.freeze().unwrap_err());

    let bench = Bench::new();
    let written = bench.written();
    bench.faults.fail(Operation::SyncFile, EIO);
    add("Sync, Fatal", &bench, written.freeze().unwrap_err());
    texts.check("errors_freeze");
}

#[test]
fn commit_errors() {
    let mut texts = Texts::default();
    let (bench, other) = (Bench::new(), Bench::new());
    let synced = bench.synced();
    let error = other.catalog().commit(synced).unwrap_err();
    texts.add(
        "Refused, ForeignHandle",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );
    let CommitError::Refused(refused) = error else {
        panic!("{error}");
    };
    let synced = refused.into_handle();
    bench.refuse_commit(0);
    let error = bench.catalog().commit(synced).unwrap_err();
    texts.add(
        "Refused, Store",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );
    let CommitError::Refused(refused) = error else {
        panic!("{error}");
    };
    let (synced, cause) = refused.into_parts();
    assert!(matches!(cause, CommitRefusal::Store(_)));
    bench.faults.fail(Operation::Commit, ENOSPC);
    let error = bench.catalog().commit(synced).unwrap_err();
    texts.add("Fatal", (error.kind(), error.next()), &bench.data, &error);

    let bench = Bench::new();
    let synced = bench.synced();
    bench.poison();
    let error = bench.catalog().commit(vec![Some(synced)]).unwrap_err();
    texts.add(
        "Refused, Poisoned",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );

    let bench = Bench::new();
    let synced = bench.synced();
    let key = synced.key().to_string();
    bench
        .catalog()
        .write_raw_for_test(key.as_bytes(), None)
        .unwrap();
    let error = bench.catalog().commit(synced).unwrap_err();
    texts.add(
        "Refused, Changed",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );
    texts.check("errors_commit");
}

#[test]
fn abandon_errors() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, bench: &Bench, error: RemovalError<Freezing<Ledgers>>| {
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
    };
    let bench = Bench::new();
    let written = bench.written();
    bench.faults.fail(Operation::UnlinkFile, EIO);
    add("Retryable", &bench, written.abandon().unwrap_err());
    let written = bench.written();
    bench.refuse_commit(0);
    add("Commit, Store", &bench, written.abandon().unwrap_err());
    let written = bench.written();
    bench.faults.fail(Operation::Commit, EIO);
    add("Fatal, Commit", &bench, written.abandon().unwrap_err());

    let bench = Bench::new();
    let written = bench.written();
    bench.faults.fail(Operation::SyncDirectory, EIO);
    add(
        "Fatal, SyncDirectory",
        &bench,
        written.abandon().unwrap_err(),
    );

    let bench = Bench::new();
    let written = bench.written();
    bench.poison();
    add("Refused, Poisoned", &bench, written.abandon().unwrap_err());
    texts.check("errors_abandon");
}
