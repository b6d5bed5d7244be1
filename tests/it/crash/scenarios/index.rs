//! Scenarios of indexes: building, promoting and removing them.

use std::io::Write as _;

use frostline::index::{Coverage, IndexBuild, IndexKey, IndexLease, Promoted};
use frostline::step::Sweepable;
use frostline::{Catalog, Prunable, TxHash};

use super::steps::{ONE_SECTOR, TWO_SECTORS, name_of, swept, write};
use super::{Fate, Scenario};
use crate::crash::content::{content, is_whole, version_of};
use crate::crash::{Failure, Machine};
use crate::fixture::chunk;

pub fn coverage(lo: u32, hi: u32) -> Coverage {
    Coverage::new(chunk(lo), chunk(hi)).expect("both are of one window")
}

/// Freezes the transaction hashes of these chunks.
fn freeze_inputs(catalog: &Catalog, numbers: std::ops::RangeInclusive<u32>) -> Result<(), Failure> {
    for number in numbers {
        let mut freezing = catalog.begin::<TxHash>(chunk(number))?;
        write(&mut freezing, TxHash::BIN, 1, ONE_SECTOR)?;
        drop(catalog.commit(freezing.sync()?)?);
    }
    Ok(())
}

fn write_index(build: &mut IndexBuild, version: u32, length: usize) -> Result<(), Failure> {
    let mut file = build.file()?;
    let bytes = content(name_of(file.path()), version, length);
    let (one, other) = bytes.split_at(length / 2);
    file.write_all(one)?;
    file.flush()?;
    Ok(file.write_all(other)?)
}

/// Builds and promotes an index of frozen inputs.
pub fn promote(
    machine: &dyn Machine,
    catalog: &Catalog,
    coverage: Coverage,
) -> Result<Promoted, Failure> {
    machine.step("begin the index");
    let mut build = catalog.begin_index(coverage)?;
    machine.step("write the index");
    write_index(&mut build, 1, TWO_SECTORS)?;
    machine.step("sync the index");
    let promotion = build.sync()?;
    machine.step("promote");
    Ok(catalog.commit(promotion)?)
}

fn read(lease: &IndexLease) -> Result<(), Failure> {
    let file = lease.open()?;
    let mut bytes = vec![0; file.size()? as usize];
    file.read_exact_at(&mut bytes, 0)?;
    let name = name_of(file.path());
    assert!(is_whole(name, &bytes), "`{name}` is frozen and not whole");
    assert_eq!(version_of(&bytes), Some(1), "`{name}`");
    Ok(())
}

fn sweep<T: Sweepable>(
    machine: &dyn Machine,
    catalog: &Catalog,
    batch: Vec<T>,
) -> Result<(), Failure> {
    machine.step("sweep");
    swept(&catalog.sweep_chunk_artifacts(batch)?).map(drop)
}

pub const PROMOTION: Scenario = Scenario {
    name: "index_promotion",
    about: "a terminal index replaces the first one, and the latter and the inputs are swept",
    before: |machine| freeze_inputs(&machine.open()?, 998..=999),
    run: |machine| {
        let catalog = machine.open()?;
        drop(promote(machine, &catalog, coverage(998, 998))?);
        let reader = catalog.index_of(chunk(998))?.expect("it was promoted");
        let promoted = promote(machine, &catalog, coverage(998, 999))?;
        read(&reader)?;
        read(&promoted.index)?;
        drop(reader);
        let predecessor = promoted.predecessor.expect("it was frozen");
        let inputs = promoted.inputs.into_iter().map(Prunable::from);
        assert_eq!(inputs.len(), 2);
        sweep(machine, &catalog, inputs.chain([predecessor]).collect())
    },
    chunks: &[998, 999],
    fates: &[Fate {
        keys: &[
            "index:00000000:00000998:00000998",
            "index:00000000:00000998:00000999",
            "chunk:00000998:txhash",
            "chunk:00000999:txhash",
        ],
        rows: &[
            &["absent", "absent", "frozen", "frozen"],
            &["freezing", "absent", "frozen", "frozen"],
            &["frozen", "absent", "frozen", "frozen"],
            &["frozen", "freezing", "frozen", "frozen"],
            &["pruning", "frozen", "pruning", "pruning"],
            &["absent", "frozen", "absent", "absent"],
        ],
    }],
};

pub const SWEEP: Scenario = Scenario {
    name: "index_sweep",
    about: "the last index of a window is swept, and the directory of the window goes with it",
    before: |machine| {
        let catalog = machine.open()?;
        freeze_inputs(&catalog, 1998..=1999)?;
        drop(promote(machine, &catalog, coverage(1998, 1998))?);
        // An interrupted build of the same window.
        let mut build = catalog.begin_index(coverage(1998, 1999))?;
        write_index(&mut build, 1, ONE_SECTOR)
    },
    run: |machine| {
        let catalog = machine.open()?;
        let mut batch = Vec::new();
        for coverage in [coverage(1998, 1998), coverage(1998, 1999)] {
            batch.extend(catalog.claim_for_pruning(IndexKey { coverage })?);
        }
        assert_eq!(batch.len(), 2);
        sweep(machine, &catalog, batch)?;
        machine.step("begin again");
        let build = catalog.begin_index(coverage(1998, 1999))?;
        machine.step("give up");
        sweep(machine, &catalog, vec![build.give_up()])
    },
    chunks: &[1998, 1999],
    fates: &[],
};
