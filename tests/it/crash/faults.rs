//! Failing calls: each call of each scenario fails once, with an I/O error and with a full disk.

use crate::fixture::chain;
use std::io::Write as _;
use std::path::{Component, Path, PathBuf};

use frostline::error::FailureKind;
use frostline::sim::{Limits, SimDisk, When};
use frostline::{Catalog, Ledgers};

use super::power::{OWN_FILE, SEED, SimMachine, after_power_loss, on_two_threads, recover, wrong};
use super::scenarios::{SCENARIOS, Scenario, once_more};
use super::{Failure, Machine};
use crate::fixture::{EIO, ENOSPC, chunk, report};

/// Returns the number of calls that a scenario's `run` makes.
fn calls(scenario: &Scenario, prepared: &SimDisk) -> usize {
    let machine = SimMachine::on(&prepared.fork());
    if let Err(failure) = (scenario.run)(&machine) {
        panic!("{}: {failure}", scenario.name);
    }
    machine.disk.calls()
}

/// Checks that after a failure, and after a later power cut, the next process recovers and can redo the work.
fn converges(scenario: &Scenario, disk: &SimDisk, what: &str) {
    let name = scenario.name;
    let limits = Limits {
        all: 1 << 6,
        sample: 1 << 3,
        cut_recoveries: 0,
    };
    // The scenario's fates do not apply, because the members of a batch can fail one by one.
    let explored = after_power_loss(&[])
        .with_limits(limits, SEED)
        .explore(&disk.fork().history());
    if let Err(storyboard) = explored {
        panic!("{name}, after {what}\n{storyboard}");
    }
    disk.restart();
    let settled = recover(disk).and_then(|()| {
        let lines = wrong(&[], disk, When::Recovered);
        assert!(lines.is_empty(), "{name}, after {what}: {lines:?}");
        let machine: &dyn Machine = &SimMachine::on(disk);
        let catalog = machine.open()?;
        let mut chunks = scenario.chunks.iter();
        chunks.try_for_each(|number| once_more(machine, &catalog, *number))
    });
    if let Err(failure) = settled {
        panic!("{name}, after {what}: {failure}");
    }
}

/// Returns the path of a call's label, without `.` and `..`.
fn named_path(call: &str) -> PathBuf {
    let (_, path) = call.rsplit_once(' ').unwrap();
    let mut named = PathBuf::new();
    for component in Path::new(path).components() {
        if component == Component::ParentDir {
            named.pop();
        } else {
            named.push(component);
        }
    }
    named
}

/// Asserts that a failure of this call has the right kind and names its path.
fn assert_fits(failure: &Failure, call: &str, scenario: &Scenario) {
    let what = format!("{}: {call} failed as {failure}", scenario.name);
    let text = chain(failure);
    if text.starts_with(OWN_FILE) {
        return;
    }
    let path = named_path(call);
    let catalog = Path::new("/srv/node/data/catalog/rocksdb");
    let of_the_store = path.starts_with(catalog);
    // An error of the store names the store's directory, not the file.
    let named = if of_the_store { catalog } else { &path };
    let named = named.display().to_string();
    assert!(text.contains(&named), "the path is not named: {what}");
    let is_fatal = failure.kind() == FailureKind::Fatal;
    if (call.starts_with("sync") || call.starts_with("check")) && !of_the_store {
        assert!(is_fatal, "what is durable is unknown: {what}");
    } else if !of_the_store {
        assert!(!is_fatal, "nothing durable is in doubt: {what}");
    }
}

fn fail_every_call(scenario: &Scenario) -> usize {
    let prepared = SimMachine::prepared(scenario).disk;
    let calls = calls(scenario, &prepared);
    for errno in [EIO, ENOSPC] {
        for nth in 0..calls {
            let machine = SimMachine::on(&prepared.fork());
            machine.disk.fail_after(nth, errno);
            let outcome = (scenario.run)(&machine);
            let call = machine.disk.failed_call().expect("the call was made");
            match outcome {
                Ok(()) => panic!("{}: nobody noticed that {call} failed", scenario.name),
                Err(failure) => assert_fits(&failure, &call, scenario),
            }
            converges(scenario, &machine.disk, &call);
        }
    }
    2 * calls
}

/// A failed call is reported as the right kind and with its path. A failed sync is not issued again, which would
/// make the simulated disk panic. Opening the catalog again recovers every remaining state.
#[test]
fn any_call_may_fail_and_the_work_converges() {
    let faults: usize = on_two_threads(SCENARIOS, fail_every_call).into_iter().sum();
    report(&format!("crash: {faults} calls failed"));
}

fn fill_at_every_call(scenario: &Scenario) -> usize {
    let prepared = SimMachine::prepared(scenario).disk;
    let calls = calls(scenario, &prepared);
    for nth in 0..calls {
        let machine = SimMachine::on(&prepared.fork());
        machine.disk.fill_after(nth);
        if let Err(failure) = (scenario.run)(&machine) {
            let text = chain(&failure);
            let own_file = text.starts_with(OWN_FILE);
            assert!(own_file || text.contains("free some space"), "{failure}");
        }
        machine.disk.free_space();
        converges(scenario, &machine.disk, "the disk was full");
    }
    calls
}

/// The disk is full from some call on. All work succeeds once there is space again.
#[test]
fn the_disk_may_be_full_from_any_call_on() {
    let fills: usize = on_two_threads(SCENARIOS, fill_at_every_call)
        .into_iter()
        .sum();
    report(&format!("crash: {fills} times the disk was full"));
}

/// Freezes one chunk. Fails if the disk is full.
fn freeze_on(catalog: &Catalog) -> Result<(), Failure> {
    let mut freezing = catalog.begin::<Ledgers>(chunk(1000))?;
    freezing.file(Ledgers::PACK)?.write_all(&[1; 600])?;
    drop(freezing.freeze()?);
    Ok(())
}

/// A sweep needs no space: it succeeds after a freeze in the same process has run out of space at any call.
#[test]
fn a_full_disk_can_be_swept() {
    let prepared = SimMachine {
        disk: SimDisk::new(),
    };
    let before = |machine: &dyn Machine| -> Result<(), Failure> {
        let catalog = machine.open()?;
        once_more(machine, &catalog, 1)
    };
    before(&prepared).unwrap();
    prepared.disk.sync_all();
    let mut failed = 0;
    for nth in 0.. {
        let disk = prepared.disk.fork();
        let machine: &dyn Machine = &SimMachine::on(&disk);
        let catalog = machine.open().unwrap();
        disk.fill_after(nth);
        let frozen = freeze_on(&catalog);
        let frostline::Artifact::<Ledgers>::Frozen(old) = catalog.claim(chunk(1)).unwrap() else {
            panic!("chunk 1 is frozen");
        };
        let swept = catalog.sweep_chunk_artifacts([old.demote()]).unwrap();
        assert_eq!(swept.deleted.len(), 1, "{swept:?}");
        disk.free_space();
        let Err(failure) = frozen else {
            break;
        };
        failed += 1;
        assert_ne!(failure.kind(), FailureKind::Fatal, "{failure}");
        freeze_on(&catalog).unwrap();
    }
    assert!(failed > 3, "only {failed} freezes ran out of space");
}
