//! Scenarios with hot directories.

use frostline::error::CommitError;
use frostline::geometry::Watermark;
use frostline::read::Route;
use frostline::retention::{Retention, RetentionGate};
use frostline::{ArtifactKind, ArtifactSet, Catalog, Hot, LedgerSeq, Ledgers, Ready, TxHash};

use super::steps::{self, ONE_SECTOR, TWO_SECTORS, read_under, still_read, write};
use super::{Fate, Scenario, started};
use crate::crash::content::content;
use crate::crash::oracle::DATABASE;
use crate::crash::{Failure, Machine};
use crate::fixture::chunk;

/// Creates a hot directory, writes a database into it and makes it ready.
pub fn make_ready(machine: &dyn Machine, catalog: &Catalog, number: u32) -> Result<Ready, Failure> {
    machine.step("create");
    let transient = catalog.create_hot(chunk(number))?;
    let database = content(DATABASE, 1, TWO_SECTORS);
    machine.put_file(&transient.path().join(DATABASE), &database)?;
    machine.step("ready");
    Ok(transient.ready()?)
}

/// Claims a hot directory that an earlier process has made ready.
fn claimed(catalog: &Catalog, number: u32) -> Result<Ready, Failure> {
    match catalog.claim_hot(chunk(number))? {
        Hot::Ready(ready) => Ok(ready),
        other => panic!("the hot directory was ready: {other:?}"),
    }
}

/// Discards a hot directory without evidence and removes it.
fn discard(machine: &dyn Machine, catalog: &Catalog, ready: Ready) -> Result<(), Failure> {
    machine.step("discard");
    let debris = catalog.commit(ready.give_up_only_copy())?;
    machine.step("remove");
    Ok(debris.remove()?)
}

pub const CREATE_DISCARD: Scenario = Scenario {
    name: "hot_create_discard",
    about: "a hot directory comes, and goes",
    before: started,
    run: |machine| {
        let catalog = machine.open()?;
        let ready = make_ready(machine, &catalog, 7)?;
        discard(machine, &catalog, ready)
    },
    chunks: &[7],
    fates: &[],
};

pub const CREATE_OVER_TRANSIENT: Scenario = Scenario {
    name: "hot_create_over_transient",
    about: "a hot directory whose creation was interrupted is made again",
    before: |machine| {
        let catalog = machine.open()?;
        drop(catalog.create_hot(chunk(7))?);
        Ok(())
    },
    run: |machine| {
        let catalog = machine.open()?;
        make_ready(machine, &catalog, 7).map(drop)
    },
    chunks: &[7],
    fates: &[],
};

pub const DISCARD: Scenario = Scenario {
    name: "hot_discard",
    about: "a hot directory of an earlier process is discarded",
    before: |machine| {
        let catalog = machine.open()?;
        make_ready(machine, &catalog, 7).map(drop)
    },
    run: |machine| {
        let catalog = machine.open()?;
        let ready = claimed(&catalog, 7)?;
        discard(machine, &catalog, ready)
    },
    chunks: &[7],
    fates: &[],
};

pub const READ_BESIDE: Scenario = Scenario {
    name: "hot_read_beside_retire",
    about: "a chunk moves from its hot directory to its files beside a view and routes",
    before: |machine| {
        let catalog = machine.open()?;
        make_ready(machine, &catalog, 7).map(drop)
    },
    run: read_beside,
    chunks: &[7],
    fates: &[Fate {
        keys: &["chunk:00000007:ledgers", "hot:chunk:00000007"],
        rows: &[
            &["absent", "ready"],
            &["freezing", "ready"],
            &["frozen", "transient"],
            &["frozen", "absent"],
        ],
    }],
};

fn read_beside(machine: &dyn Machine) -> Result<(), Failure> {
    let catalog = machine.open()?;
    let gate = RetentionGate::new(
        Watermark::Complete(chunk(7)),
        Retention::KeepAll,
        LedgerSeq::GENESIS,
    )?;
    let route = || catalog.route::<Ledgers>(chunk(7).first_ledger(), gate);
    let view = catalog.view()?;
    let ready = claimed(&catalog, 7)?;
    machine.step("freeze");
    let mut freezing = catalog.begin::<Ledgers>(chunk(7))?;
    write(&mut freezing, Ledgers::PACK, 1, ONE_SECTOR)?;
    let synced = freezing.sync()?;
    assert!(matches!(route()?, Route::Hot(_)));
    machine.step("flip and demote");
    let demotion = ready.retire(&synced)?;
    let (frozen, debris) = catalog.commit((synced, demotion))?;
    drop(frozen);
    let Route::Cold(lease) = route()? else {
        panic!("the chunk has moved to its files");
    };
    read_under(&lease, Ledgers::PACK, 1)?;
    machine.step("remove, refused");
    let debris = still_read(debris.remove())?;
    let hot = view.route::<Ledgers>(chunk(7).first_ledger(), gate)?;
    assert!(matches!(hot, Route::Hot(_)));
    drop((hot, view));
    machine.step("remove");
    Ok(debris.remove()?)
}

pub const RETIRE: Scenario = Scenario {
    name: "hot_retire",
    about: "a chunk's kinds become frozen in the batch that demotes its hot directory",
    before: |machine| {
        let catalog = machine.open()?;
        make_ready(machine, &catalog, 7).map(drop)
    },
    run: |machine| {
        let catalog = machine.open()?;
        let ready = claimed(&catalog, 7)?;
        machine.step("freeze");
        let kinds = ArtifactSet::ALL.without(ArtifactKind::Events);
        let mut set = catalog.begin_set(chunk(7), kinds)?;
        if let Some(ledgers) = &mut set.ledgers {
            write(ledgers, Ledgers::PACK, 1, ONE_SECTOR)?;
        }
        if let Some(txhash) = &mut set.txhash {
            write(txhash, TxHash::BIN, 1, ONE_SECTOR)?;
        }
        let synced = set.sync()?;
        machine.step("flip and demote");
        let retired = ready.retire(&synced)?;
        let (frozen, debris) = catalog.commit((synced, retired))?;
        drop(frozen);
        machine.step("remove");
        Ok(debris.remove()?)
    },
    chunks: &[7],
    // A reader finds the hot directory or the frozen kinds at every crash point.
    fates: &[Fate {
        keys: &[
            "chunk:00000007:ledgers",
            "chunk:00000007:txhash",
            "hot:chunk:00000007",
        ],
        rows: &[
            &["absent", "absent", "ready"],
            &["freezing", "freezing", "ready"],
            &["frozen", "frozen", "transient"],
            &["frozen", "frozen", "absent"],
        ],
    }],
};

pub const RETIRE_WITH_EVIDENCE: Scenario = Scenario {
    name: "retire_with_evidence",
    about: "the ledgers become frozen in the batch that retires their hot directory, and not without it",
    before: |machine| {
        let catalog = machine.open()?;
        make_ready(machine, &catalog, 7).map(drop)
    },
    run: |machine| {
        let catalog = machine.open()?;
        let ready = claimed(&catalog, 7)?;
        let synced = steps::prepare(machine, &catalog, 7, 1)?;
        machine.step("retire without the flip");
        let retired = match catalog.commit(ready.retire(&synced)?) {
            Err(CommitError::Refused(refused)) => refused.into_handle(),
            other => panic!("the ledgers are at `freezing`: {other:?}"),
        };
        machine.step("flip and retire");
        let (frozen, debris) = catalog.commit((synced, retired))?;
        machine.step("remove");
        debris.remove()?;
        machine.step("create again and discard");
        let ready = make_ready(machine, &catalog, 7)?;
        Ok(ready.discard(&frozen)?.remove()?)
    },
    chunks: &[7],
    // The ledgers are frozen whenever the directory is not `ready`.
    fates: &[Fate {
        keys: &["chunk:00000007:ledgers", "hot:chunk:00000007"],
        rows: &[
            &["absent", "ready"],
            &["freezing", "ready"],
            &["frozen", "transient"],
            &["frozen", "absent"],
            &["frozen", "ready"],
        ],
    }],
};
