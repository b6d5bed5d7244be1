//! Errors of groups.

use std::io::Write as _;

use frostline::error::{Operation, SyncError};
use frostline::{Freezing, Ledgers, SyncGroup};

use super::{Bench, Texts};
use crate::fixture::{EIO, ENOSPC, chunk};
use crate::mounts::data_synced_whole;

/// Returns a group of forty written artifacts, which is enough for one sync of the file system.
fn forty(bench: &Bench) -> SyncGroup<Freezing<Ledgers>> {
    let mut group = bench.catalog().sync_group();
    let begun = bench.catalog().begin_all((0..40).map(chunk)).unwrap();
    for mut freezing in begun {
        let mut file = freezing.file(Ledgers::PACK).unwrap();
        file.write_all(b"ledgers").unwrap();
        group.add(freezing).unwrap();
    }
    group
}

#[test]
fn group_errors() {
    let mut texts = Texts::default();
    let Some(data) = data_synced_whole() else {
        return;
    };
    let (bench, other) = (Bench::over(data), Bench::new());
    let mut group = bench.catalog().sync_group();
    let mut add = |variant: &str, error: SyncError<Freezing<Ledgers>>| {
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
    };
    let error = group.add(other.written()).unwrap_err();
    add("add: Refused, ForeignHandle", error);
    let error = group.add(bench.freezing()).unwrap_err();
    add("add: Refused, NotWritten", error);
    let written = bench.written();
    bench.faults.fail(Operation::WriteFile, ENOSPC);
    add("add: Retryable, ENOSPC", group.add(written).unwrap_err());
    drop(group);

    let group = forty(&bench);
    bench.faults.fail(Operation::SyncFileSystem, EIO);
    let error = group.sync().unwrap_err();
    texts.add(
        "sync: Fatal, SyncFileSystem",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );
    let error = bench.catalog().begin::<Ledgers>(chunk(100)).unwrap_err();
    texts.add(
        "begin, after that",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );

    let bench = Bench::new();
    let group = forty(&bench);
    bench.poison();
    let error = group.sync().unwrap_err();
    texts.add(
        "sync: Refused, Poisoned",
        (error.kind(), error.next()),
        &bench.data,
        &error,
    );
    texts.check("errors_group");
}
