//! Scenarios of starts: the first start, and a start after a crash.

use crate::fixture::chain;
use frostline::{Catalog, DebrisPolicy, LedgerSeq};
use std::io;

use super::Scenario;
use super::hot::make_ready;
use super::steps::{freeze, leave_debris, leave_pruning};
use crate::crash::Failure;
use crate::fixture::chunk;

pub const FIRST_START: Scenario = Scenario {
    name: "first_start",
    about: "an empty disk: all roots and the catalog are created, and the earliest ledger is pinned",
    before: |_| Ok(()),
    run: |machine| {
        let catalog = machine.open()?;
        machine.step("pin");
        let _first_time = catalog.pin_earliest_ledger(LedgerSeq::GENESIS)?;
        Ok(())
    },
    chunks: &[0],
    fates: &[],
};

pub const RECOVER: Scenario = Scenario {
    name: "recover",
    about: "a start that finds one of everything, and settles it",
    before: |machine| {
        let catalog = machine.open()?;
        drop(freeze(machine, &catalog, 1, 1)?);
        leave_pruning(machine, &catalog, 2)?;
        leave_debris(&catalog, 1002)?;
        drop(make_ready(machine, &catalog, 3)?);
        drop(catalog.create_hot(chunk(4))?);
        Ok(())
    },
    run: |machine| {
        let catalog = machine.open()?;
        machine.step("settle");
        settle(&catalog)
    },
    chunks: &[1, 2, 1002],
    fates: &[],
};

/// Finishes the work that a crash interrupted: completes removals and removes partial artifacts.
pub fn settle(catalog: &Catalog) -> Result<(), Failure> {
    let recovered = catalog.recover(DebrisPolicy::Remove)?;
    if let Some((_, failure)) = recovered.failed.first() {
        return Err(io::Error::other(chain(failure)).into());
    }
    assert!(recovered.is_complete(), "{recovered}");
    Ok(())
}
