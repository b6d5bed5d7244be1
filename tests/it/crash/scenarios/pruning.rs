//! Scenarios that remove artifacts.

use frostline::geometry::Watermark;
use frostline::retention::{Retention, RetentionGate};
use frostline::{ArtifactKey, ArtifactKind, LedgerSeq, Ledgers};

use super::steps::{THREE_SECTORS, freeze, frozen, prune, read_under, still_read, swept, write};
use super::{Fate, Scenario, started};
use crate::crash::{Failure, Machine};
use crate::fixture::chunk;

/// Freezes the ledgers of these chunks.
fn freeze_all(machine: &dyn Machine, numbers: &[u32]) -> Result<(), Failure> {
    let catalog = machine.open()?;
    for number in numbers {
        drop(freeze(machine, &catalog, *number, 1)?);
    }
    Ok(())
}

pub const SWEEP_TWO_BUCKETS: Scenario = Scenario {
    name: "sweep_two_buckets",
    about: "one sweep of three chunks in two buckets",
    before: |machine| freeze_all(machine, &[1, 2, 1001]),
    run: |machine| {
        let catalog = machine.open()?;
        let mut batch = Vec::new();
        for number in [1, 2, 1001] {
            batch.extend(catalog.claim_for_pruning(ArtifactKey {
                chunk: chunk(number),
                kind: ArtifactKind::Ledgers,
            })?);
        }
        machine.step("sweep");
        let deleted = swept(&catalog.sweep_chunk_artifacts(batch)?)?;
        assert_eq!(deleted, 3);
        Ok(())
    },
    chunks: &[1, 2, 1001],
    fates: &[Fate {
        keys: &[
            "chunk:00000001:ledgers",
            "chunk:00000002:ledgers",
            "chunk:00001001:ledgers",
        ],
        rows: &[
            &["frozen", "frozen", "frozen"],
            &["pruning", "pruning", "pruning"],
            &["absent", "absent", "absent"],
        ],
    }],
};

pub const BY_HAND: Scenario = Scenario {
    name: "prune_by_hand",
    about: "demote, unlink, delete: one typed step after the other",
    before: |machine| freeze_all(machine, &[1]),
    run: |machine| {
        let catalog = machine.open()?;
        prune(machine, &catalog, frozen(&catalog, 1)?)
    },
    chunks: &[1],
    fates: &[],
};

pub const WITH_A_READER: Scenario = Scenario {
    name: "prune_with_a_reader",
    about: "a lease holds off the unlink of a chunk that is demoted already",
    before: started,
    run: with_a_reader,
    chunks: &[8],
    fates: &[],
};

fn with_a_reader(machine: &dyn Machine) -> Result<(), Failure> {
    let catalog = machine.open()?;
    let frozen = freeze(machine, &catalog, 8, 1)?;
    let lease = frozen.lease();
    machine.step("demote");
    let pruning = catalog.commit(frozen.demote())?;
    machine.step("unlink, refused");
    let pruning = still_read(pruning.unlink())?;
    machine.step("read");
    read_under(&lease, Ledgers::PACK, 1)?;
    drop(lease);
    machine.step("unlink");
    let unlinked = pruning.unlink()?;
    machine.step("delete");
    Ok(catalog.commit(unlinked)?)
}

pub const RETENTION_MOVES: Scenario = Scenario {
    name: "retention_moves_while_freezing",
    about: "the floor moves and a sweep runs while another chunk is being written",
    before: |machine| freeze_all(machine, &[10, 11]),
    run: retention_moves,
    chunks: &[10, 11, 12],
    fates: &[],
};

fn retention_moves(machine: &dyn Machine) -> Result<(), Failure> {
    let catalog = machine.open()?;
    machine.step("begin");
    let mut freezing = catalog.begin::<Ledgers>(chunk(12))?;
    machine.step("write");
    write(&mut freezing, Ledgers::PACK, 1, THREE_SECTORS)?;
    machine.step("sweep below the floor");
    let last = Watermark::Complete(chunk(11));
    let gate = RetentionGate::new(last, Retention::from_chunks(1), LedgerSeq::GENESIS)?;
    let mut below = Vec::new();
    for entry in catalog.chunk_artifact_keys()? {
        let (key, _) = entry?;
        if gate.chunk_below_floor(key.chunk) {
            below.extend(catalog.claim_for_pruning(key)?);
        }
    }
    let deleted = swept(&catalog.sweep_chunk_artifacts(below)?)?;
    assert_eq!(deleted, 1, "chunk 10 is below the floor, chunk 11 is not");
    machine.step("sync");
    let synced = freezing.sync()?;
    machine.step("flip");
    drop(catalog.commit(synced)?);
    Ok(())
}
