//! Scenarios of two threads that share a sync.
//!
//! The threads do nothing but the step that they share, so that the calls of a run come in nearly the same order each
//! time.

use std::io::Write as _;

use frostline::{Catalog, Freezing, Ledgers};

use super::steps::{ONE_SECTOR, TWO_SECTORS, read, write};
use super::{Fate, Scenario, started};
use crate::crash::{Failure, Machine};
use crate::fixture::chunk;

/// Two chunks that two threads freeze at the same time.
const CHUNKS: [u32; 2] = [50, 51];

pub const COMMITS_AND_SYNCS: Scenario = Scenario {
    name: "two_threads_share_syncs",
    about: "two threads begin, sync and flip a chunk each: their commits share a sync, and so do their barriers",
    before: started,
    run: |machine| {
        let catalog = machine.open()?;
        let [first, second] = begin_both(machine, &catalog)?;
        machine.step("sync both");
        catalog.gather_syncs_for_test(2);
        let synced = both(&catalog, [first, second], Freezing::sync)?;
        flip_both(machine, &catalog, synced)
    },
    chunks: &CHUNKS,
    fates: SHARED_FATES,
};

pub const WHOLE_SYNCS: Scenario = Scenario {
    name: "two_threads_share_a_whole_sync",
    about: "two threads share one sync of the whole file system",
    before: started,
    run: |machine| {
        machine.sync_whole_from(1);
        let catalog = machine.open()?;
        let [first, second] = begin_both(machine, &catalog)?;
        machine.step("sync both");
        catalog.gather_whole_syncs_for_test(2);
        catalog.gather_syncs_for_test(2);
        let synced = both(&catalog, [first, second], Freezing::sync)?;
        flip_both(machine, &catalog, synced)
    },
    chunks: &CHUNKS,
    fates: SHARED_FATES,
};

/// The marks are in one batch, and so are the flips.
const SHARED_FATES: &[Fate] = &[Fate {
    keys: &["chunk:00000050:ledgers", "chunk:00000051:ledgers"],
    rows: &[
        &["absent", "absent"],
        &["freezing", "freezing"],
        // The recovery has removed one of them.
        &["absent", "freezing"],
        &["freezing", "absent"],
        &["frozen", "frozen"],
    ],
}];

fn begin_both(machine: &dyn Machine, catalog: &Catalog) -> Result<[Freezing<Ledgers>; 2], Failure> {
    machine.step("begin both");
    catalog.gather_commits_for_test(2);
    let mut begun = both(catalog, CHUNKS, |number| {
        catalog.begin::<Ledgers>(chunk(number))
    })?;
    machine.step("write both");
    for (freezing, length) in begun.iter_mut().zip([TWO_SECTORS, ONE_SECTOR]) {
        write(freezing, Ledgers::PACK, 1, length)?;
        // No bytes are left for the threads to write.
        freezing.file(Ledgers::PACK)?.flush()?;
    }
    Ok(begun)
}

fn flip_both(
    machine: &dyn Machine,
    catalog: &Catalog,
    synced: [frostline::step::Synced<Ledgers>; 2],
) -> Result<(), Failure> {
    machine.step("flip both");
    catalog.gather_commits_for_test(2);
    drop(both(catalog, synced, |synced| catalog.commit(synced))?);
    CHUNKS
        .into_iter()
        .try_for_each(|number| read(catalog, number, Ledgers::PACK, 1))
}

/// Takes one step in two threads at once. If a thread fails before they meet, the other one goes on alone.
fn both<A: Send, B: Send, E: Into<Failure>>(
    catalog: &Catalog,
    of: [A; 2],
    step: impl Fn(A) -> Result<B, E> + Sync,
) -> Result<[B; 2], Failure> {
    let step = |of| {
        let done = step(of).map_err(Into::into);
        if done.is_err() {
            catalog.gather_commits_for_test(0);
            catalog.gather_syncs_for_test(0);
            catalog.gather_whole_syncs_for_test(0);
        }
        done
    };
    let [first, second] = of;
    let (first, second) = std::thread::scope(|scope| {
        let second = scope.spawn(|| step(second));
        (step(first), second.join().expect("a step does not panic"))
    });
    match (first, second) {
        (Ok(first), Ok(second)) => Ok([first, second]),
        // The failure of a call, and not that the catalog was poisoned by it.
        (Err(failure), Err(other)) if failure.kind() != frostline::error::FailureKind::Fatal => {
            Err(other)
        }
        (Err(failure), _) | (_, Err(failure)) => Err(failure),
    }
}
