//! The real RocksDB under power loss: its recorded system calls are replayed on the simulated disk, and the power is
//! cut at each of them. Each crash image is opened with the real RocksDB.
//!
//! `make torture` makes the recording (`FROSTLINE_RECORD=tests/it/replay/store.trace`). It also replays a new
//! recording in each run.

mod cut;
mod trace;

use frostline::sim::Limits;
use trace::Call;

use crate::fixture::report;

/// The recording of one version of RocksDB, which the name of its crate contains. Another version needs a new one.
const RECORDING: &str = include_str!("store.trace");

/// Limits that build some of the images of each crash point; `make torture` builds more.
const LIMITS: Limits = Limits {
    all: 1 << 2,
    sample: 1 << 2,
    cut_recoveries: 0,
};

#[test]
fn the_real_store_loses_nothing_that_was_acknowledged() {
    let calls = trace::parse(RECORDING);
    let explored = cut::cut_everywhere(&calls, LIMITS, 2_026).unwrap();
    report(&format!(
        "store: {} calls of the real store, cut at {} instants, {} disks opened with it",
        calls.len(),
        explored.instants,
        explored.distinct
    ));
    assert!(explored.distinct > 100, "{explored:?}");
}

#[test]
fn a_recording_is_read_as_it_was_written() {
    let calls = trace::parse(RECORDING);
    let lines: Vec<_> = calls.iter().map(Call::line).collect();
    let written: Vec<_> = RECORDING
        .lines()
        .filter(|line| !line.starts_with('#'))
        .collect();
    assert_eq!(lines, written);
    let acknowledged = calls.iter().filter(|call| matches!(call, Call::Ack(_)));
    assert!(
        acknowledged.count() >= 10,
        "the recording is one of a process that works"
    );
}

/// Returns whether a mutant leaves out a call.
type LeavesOut<'a> = &'a dyn Fn(&Call) -> bool;

/// The same recording without some of its syncs: a power cut must reveal each mutant.
#[test]
fn a_sync_that_the_store_leaves_out_is_noticed() {
    let calls = trace::parse(RECORDING);
    let ends = |path: &str, end: &str| path.ends_with(end);
    let without = |leaves_out: LeavesOut| {
        let kept = calls.iter().filter(|call| !leaves_out(call)).cloned();
        cut::cut_everywhere(&kept.collect::<Vec<_>>(), LIMITS, 2_026)
    };
    let mutants: [(&str, LeavesOut); 4] = [
        (
            "the log is not synced",
            &|call| matches!(call, Call::Sync(path) if ends(path, ".log")),
        ),
        (
            "a table is not synced",
            &|call| matches!(call, Call::Sync(path) if ends(path, ".sst")),
        ),
        (
            "the manifest is not synced",
            &|call| matches!(call, Call::Sync(path) if path.contains("MANIFEST")),
        ),
        (
            "the catalog's directory is not synced",
            &|call| matches!(call, Call::SyncDir(path) if path == "catalog/rocksdb"),
        ),
    ];
    for (mutant, leaves_out) in mutants {
        assert!(without(leaves_out).is_err(), "nothing showed that {mutant}");
    }
}
