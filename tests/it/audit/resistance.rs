//! The audit under read failures, and beside a running node.

use std::collections::BTreeSet;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use frostline::audit::{Finding, audit, audit_with_probe};
use frostline::error::{AuditError, Operation};
use frostline::sim::Probe;
use frostline::{RootRole, TxHash};

use super::{audit_unchanged, every_finding, fingerprint, normal_life, texts};
use crate::fixture::{Data, EIO, Faults, chunk, freeze, give_up};
use crate::snapshot;

#[test]
fn an_unreadable_entry_is_a_finding_and_the_walk_continues() {
    let data = Data::new();
    let catalog = data.open();
    normal_life(&catalog);
    std::fs::write(data.path().join("hot/stray"), b"").unwrap();
    std::fs::write(data.path().join("ledgers/stray"), b"").unwrap();
    // Listing one bucket, opening another, and inspecting a hot directory fail every time.
    let probe = Probe::new(|operation, path| {
        let fails = match operation {
            Operation::List => path.ends_with("ledgers/00000"),
            Operation::OpenDirectory => path.ends_with("events/00000"),
            Operation::Inspect => path.ends_with("hot/00000001"),
            _ => false,
        };
        if fails {
            return Err(std::io::Error::from_raw_os_error(EIO));
        }
        Ok(())
    });
    let report = audit_with_probe(&data.roots(), probe).unwrap();
    let text = texts(&data, &report).join("\n");
    snapshot::check("audit_unreadable", &text);
    let unreadable = |finding: &&Finding| matches!(finding, Finding::Unreadable { .. });
    assert!(report.findings().iter().filter(unreadable).count() >= 3);

    // One root is a file, and another is a link to itself.
    drop(catalog);
    let (events, hot) = (data.root(RootRole::Events), data.root(RootRole::Hot));
    std::fs::rename(&events, data.path().join("moved")).unwrap();
    std::fs::write(&events, b"").unwrap();
    std::fs::rename(&hot, data.path().join("moved too")).unwrap();
    symlink("hot", &hot).unwrap();
    let report = audit_unchanged(&data);
    let text = texts(&data, &report).join("\n");
    snapshot::check("audit_unreadable_roots", &text);
}

#[test]
fn a_look_that_fails_once_is_taken_again_and_takes_nothing_back() {
    let data = Data::new();
    let catalog = data.open();
    drop(freeze(&catalog, 7, b"here"));
    let faults = Faults::new();
    faults.fail_after(1, Operation::Inspect, EIO);
    let report = audit_with_probe(&data.roots(), faults.probe()).unwrap();
    assert!(faults.has_fired());
    assert!(report.is_clean(), "{report}");

    std::fs::remove_file(data.pack(7)).unwrap();
    let clear = audit_with_probe(&data.roots(), faults.probe()).unwrap();
    let inspections = faults.count(Operation::Inspect);
    assert_eq!(clear.findings().len(), 1);
    for spared in 2..inspections {
        faults.arm(Operation::Inspect, spared, EIO);
        if let Ok(report) = audit_with_probe(&data.roots(), faults.probe()) {
            assert!(!report.is_clean(), "after {spared} looks");
        }
        faults.fail_after(0, Operation::Inspect, EIO);
    }
}

#[test]
fn every_operation_may_fail_and_none_of_them_makes_a_report_clean() {
    let data = Data::new();
    let catalog = data.open();
    drop(freeze(&catalog, 7, b"here"));
    std::fs::remove_file(data.pack(7)).unwrap();
    let before = fingerprint(data.outside());
    for spared in 0.. {
        let left = Mutex::new(Some(spared));
        let fired = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&fired);
        // From this operation on, every operation fails.
        let probe = Probe::new(move |_, _| {
            let mut left = left.lock().unwrap();
            match left.as_mut() {
                Some(0) => {
                    told.store(true, Ordering::Relaxed);
                    Err(std::io::Error::from_raw_os_error(EIO))
                }
                Some(left) => {
                    *left -= 1;
                    Ok(())
                }
                None => Ok(()),
            }
        });
        if let Ok(report) = audit_with_probe(&data.roots(), probe) {
            assert!(!report.is_clean(), "{spared}: {report}");
        }
        assert_eq!(fingerprint(data.outside()), before);
        if !fired.load(Ordering::Relaxed) {
            assert!(spared > 20, "{spared} operations");
            return;
        }
    }
}

#[test]
fn an_audit_asks_for_no_operation_that_changes_anything() {
    let data = Data::new();
    every_finding(&data);
    let faults = Faults::new();
    let report = audit_with_probe(&data.roots(), faults.probe()).unwrap();
    assert!(!report.is_clean());
    let seen: BTreeSet<_> = faults
        .seen()
        .iter()
        .map(|operation| format!("{operation:?}"))
        .collect();
    let expected = [
        "Inspect",
        "List",
        "OpenDirectory",
        "OpenFile",
        "OpenStore",
        "ReadFile",
        "ReadStore",
    ];
    assert_eq!(
        seen.iter().map(String::as_str).collect::<Vec<_>>(),
        expected
    );
}

/// A running node creates and removes entries all the time. The audit reports no finding for them.
#[test]
fn beside_a_node_at_work_there_is_no_false_finding() {
    let data = Data::new();
    let catalog = data.open();
    normal_life(&catalog);
    let held = freeze(&catalog, 3, b"held open");
    let lease = held.lease();
    let writing = catalog.begin::<TxHash>(chunk(9)).unwrap();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let mut rounds = 0;
            while !stop.load(Ordering::Relaxed) {
                let number = 1_000 + rounds % 7;
                let frozen = freeze(&catalog, number, b"for a moment");
                let ready = catalog.create_hot(chunk(number)).unwrap().ready().unwrap();
                let swept = catalog.sweep_chunk_artifacts([frozen.demote()]).unwrap();
                assert_eq!(swept.deleted.len(), 1);
                give_up(&catalog, ready).remove().unwrap();
                rounds += 1;
            }
            rounds
        });
        let start = Instant::now();
        let mut audits = 0;
        let mut unclean = Vec::new();
        while start.elapsed() < Duration::from_millis(1_500) {
            let report = audit(&data.roots()).unwrap();
            if !report.is_clean() {
                unclean.push(report.to_string());
            }
            audits += 1;
        }
        stop.store(true, Ordering::Relaxed);
        let rounds = worker.join().unwrap();
        assert!(unclean.is_empty(), "{}", unclean.join("\n"));
        assert!(audits > 3 && rounds > 3, "{audits} audits, {rounds} rounds");
    });
    drop((held, lease, writing));
}

/// Each start replaces the catalog's own files while the audit reads them.
#[test]
fn beside_a_node_that_starts_again_and_again_there_is_no_error() {
    let data = Data::new();
    drop(freeze(&data.open(), 7, b"here"));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 100;
            while !stop.load(Ordering::Relaxed) {
                drop(freeze(&data.open(), number, b"one each time"));
                number += 1;
            }
        });
        let start = Instant::now();
        let mut reports = Vec::new();
        while start.elapsed() < Duration::from_secs(1) {
            reports.push(audit(&data.roots()).map(|report| report.to_string()));
        }
        stop.store(true, Ordering::Relaxed);
        for report in reports {
            let report = report.unwrap();
            assert!(report.contains("clean: "), "{report}");
        }
    });
}

/// The starts of the test above seldom interrupt a reading; the failures of this test always do.
#[test]
fn a_reading_of_the_catalog_that_fails_is_begun_again_but_not_for_ever() {
    let data = Data::new();
    let catalog = data.open();
    drop(freeze(&catalog, 7, b"here"));
    for operation in [Operation::ReadFile, Operation::ReadStore] {
        for (failures, is_read) in [(0, true), (4, true), (5, false)] {
            let left = Mutex::new(failures);
            let probe = Probe::new(move |seen, _| {
                let mut left = left.lock().unwrap();
                if seen == operation && *left > 0 {
                    *left -= 1;
                    return Err(std::io::ErrorKind::NotFound.into());
                }
                Ok(())
            });
            let result = audit_with_probe(&data.roots(), probe);
            assert_eq!(result.is_ok(), is_read, "{operation:?}, {failures} times");
        }
    }
}

/// A power cut during a start may keep the pointer and lose the manifest. Only opening the catalog repairs that.
#[test]
fn a_catalog_that_a_crash_has_torn_is_said_to_need_an_opening() {
    let data = Data::new();
    drop(freeze(&data.open(), 7, b"here"));
    let pointer = data.root(RootRole::Catalog).join("CURRENT");
    std::fs::write(&pointer, "MANIFEST-999999\n").unwrap();
    let before = fingerprint(data.outside());
    let error = audit(&data.roots()).unwrap_err();
    assert!(matches!(error, AuditError::Torn { .. }), "{error}");
    assert_eq!(fingerprint(data.outside()), before);
    drop(data.open());
    assert!(audit_unchanged(&data).is_clean());
}
