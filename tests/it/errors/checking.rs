//! Errors of the audit and of recovery.

use frostline::audit::{Audit, audit, audit_with_probe};
use frostline::error::{AuditError, Operation, RecoverError};
use frostline::error::{Failed, Retryable};
use frostline::sim::Probe;
use frostline::{DebrisPolicy, Ledgers, RootRole};

use super::opening::damage_log;
use super::{Bench, Texts, seven};
use crate::fixture::{Data, EACCES, EIO};

#[test]
fn audit_errors() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, data: &Data, result: Result<Audit, AuditError>| {
        let error = result.unwrap_err();
        texts.add_leaf(variant, data, &error);
        error
    };
    let run = |data: &Data| audit(&data.roots());

    let data = Data::new();
    add("NoCatalog, NoDirectory", &data, run(&data));
    let root = data.root(RootRole::Catalog);
    std::fs::create_dir_all(&root).unwrap();
    add("NoCatalog, NoStore", &data, run(&data));
    std::fs::create_dir(root.join("frostline.creating")).unwrap();
    add("NoCatalog, BeingCreated", &data, run(&data));
    std::fs::remove_dir_all(&root).unwrap();
    std::fs::write(&root, b"").unwrap();
    add("Io, a file for the catalog root", &data, run(&data));

    let data = Data::new();
    drop(data.open());
    let failing = |operation, errno| {
        let probe = Probe::new(move |seen, _| {
            if seen == operation {
                return Err(std::io::Error::from_raw_os_error(errno));
            }
            Ok(())
        });
        audit_with_probe(&data.roots(), probe)
    };
    add("Io, ReadFile", &data, failing(Operation::ReadFile, EIO));
    add(
        "Io, OpenDirectory",
        &data,
        failing(Operation::OpenDirectory, EACCES),
    );
    let error = add("Store", &data, failing(Operation::ReadStore, EIO));
    assert!(matches!(error, AuditError::Store(_)));

    let current = data.root(RootRole::Catalog).join("CURRENT");
    std::fs::write(&current, "nonsense").unwrap();
    let error = add("Torn, CURRENT is no pointer", &data, run(&data));
    assert!(matches!(error, AuditError::Torn { .. }));

    let data = Data::new();
    let catalog = data.open();
    drop(catalog.begin::<Ledgers>(seven()).unwrap());
    drop(catalog.create_hot(seven()).unwrap());
    drop(catalog);
    damage_log(&data);
    let error = add("Damaged", &data, run(&data));
    assert!(matches!(error, AuditError::Damaged { .. }));

    // The catalog's directory is replaced while it is being read.
    let data = Data::new();
    drop(data.open());
    let root = data.root(RootRole::Catalog);
    let replaced = root.clone();
    let probe = Probe::new(move |operation, path| {
        if operation == Operation::Inspect && path.ends_with("CURRENT") {
            std::fs::rename(&replaced, replaced.with_extension("moved")).unwrap();
            std::fs::create_dir(&replaced).unwrap();
        }
        Ok(())
    });
    let error = add("Moved", &data, audit_with_probe(&data.roots(), probe));
    assert!(matches!(error, AuditError::Moved { .. }));
    texts.check("errors_audit");
}

#[test]
fn recover_errors() {
    let mut texts = Texts::default();
    let mut add = |variant: &str, bench: &Bench| {
        let error = bench.catalog().recover(DebrisPolicy::Remove).unwrap_err();
        texts.add(variant, (error.kind(), error.next()), &bench.data, &error);
        error
    };
    let bench = Bench::new();
    drop(bench.debris());
    bench.refuse_commit(0);
    add("Read, Store", &bench);
    // A sweep reserves space once for all of its commits.
    bench.refuse_commit(1);
    let error = add("Sweep, Delete", &bench);
    assert!(matches!(
        error,
        RecoverError::Failed(Failed::Retryable(Retryable::Sweep { .. }))
    ));
    bench.faults.fail(Operation::SyncDirectory, EIO);
    add("Sweep, Fatal", &bench);
    add("Read, Poisoned", &bench);

    let bench = Bench::new();
    drop(bench.hot_debris());
    bench.refuse_commit(1);
    let error = add("Commit", &bench);
    assert!(matches!(
        error,
        RecoverError::Failed(Failed::Retryable(Retryable::Delete { .. }))
    ));
    bench.faults.fail(Operation::Commit, EIO);
    let error = add("Fatal", &bench);
    assert!(matches!(error, RecoverError::Failed(Failed::Fatal(_))));
    texts.check("errors_recover");
}
