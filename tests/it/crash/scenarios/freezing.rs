//! Scenarios that freeze artifacts.

use frostline::{Artifact, ArtifactSet, Events, FreezingSet, Ledgers, TxHash};

use super::steps::{
    ONE_SECTOR, THREE_SECTORS, TWO_SECTORS, freeze, frozen, leave_debris, leave_pruning, prepare,
    read, write, write_part,
};
use super::{Fate, Scenario, started};
use crate::crash::{Failure, Machine};
use crate::fixture::chunk;

pub const ONE: Scenario = Scenario {
    name: "freeze_one",
    about: "the ledgers of one chunk",
    before: started,
    run: |machine| {
        let catalog = machine.open()?;
        drop(freeze(machine, &catalog, 5350, 1)?);
        machine.step("read");
        read(&catalog, 5350, Ledgers::PACK, 1)
    },
    chunks: &[5350],
    fates: &[],
};

pub const THREE_KINDS: Scenario = Scenario {
    name: "freeze_three_kinds",
    about: "ledgers, events and transaction hashes of a chunk, marked and flipped in one batch each",
    before: started,
    run: three_kinds,
    chunks: &[7],
    fates: &[Fate {
        keys: &[
            "chunk:00000007:ledgers",
            "chunk:00000007:events",
            "chunk:00000007:txhash",
        ],
        rows: &[
            &["absent", "absent", "absent"],
            &["freezing", "freezing", "freezing"],
            &["frozen", "frozen", "frozen"],
        ],
    }],
};

fn three_kinds(machine: &dyn Machine) -> Result<(), Failure> {
    let catalog = machine.open()?;
    machine.step("begin");
    let mut set = catalog.begin_set(chunk(7), ArtifactSet::ALL)?;
    machine.step("write");
    write_set(&mut set)?;
    machine.step("sync");
    let synced = set.sync()?;
    machine.step("flip");
    drop(catalog.commit(synced)?);
    machine.step("read");
    read(&catalog, 7, Events::HASH, 1)?;
    read(&catalog, 7, TxHash::BIN, 1)
}

/// Writes every file of the kinds of a set.
fn write_set(set: &mut FreezingSet) -> Result<(), Failure> {
    if let Some(ledgers) = &mut set.ledgers {
        write(ledgers, Ledgers::PACK, 1, TWO_SECTORS)?;
    }
    if let Some(events) = &mut set.events {
        write(events, Events::EVENTS, 1, TWO_SECTORS)?;
        write(events, Events::INDEX, 1, TWO_SECTORS)?;
        write(events, Events::HASH, 1, TWO_SECTORS)?;
    }
    if let Some(txhash) = &mut set.txhash {
        write(txhash, TxHash::BIN, 1, TWO_SECTORS)?;
    }
    Ok(())
}

pub const STREAM: Scenario = Scenario {
    name: "freeze_stream",
    about: "two chunks, of which one is flipped and the next one marked in the same batch",
    before: started,
    run: |machine| {
        let catalog = machine.open()?;
        machine.step("begin");
        let mut first = catalog.begin::<Ledgers>(chunk(30))?;
        write(&mut first, Ledgers::PACK, 1, ONE_SECTOR)?;
        machine.step("flip and mark");
        let next = catalog.intend::<Ledgers>(chunk(31))?;
        let (frozen, mut second) = catalog.commit((first.sync()?, next))?;
        drop(frozen);
        write(&mut second, Ledgers::PACK, 1, ONE_SECTOR)?;
        machine.step("flip");
        drop(second.freeze()?);
        read(&catalog, 31, Ledgers::PACK, 1)
    },
    chunks: &[30, 31],
    fates: &[Fate {
        keys: &["chunk:00000030:ledgers", "chunk:00000031:ledgers"],
        rows: &[
            &["absent", "absent"],
            &["freezing", "absent"],
            &["frozen", "freezing"],
            // The recovery has removed the second one.
            &["frozen", "absent"],
            &["frozen", "frozen"],
        ],
    }],
};

pub const GROUP_ONE_BY_ONE: Scenario = Scenario {
    name: "freeze_group_one_by_one",
    about: "two chunks of a bucket in a group, with an fsync of each file",
    before: started,
    run: |machine| group(machine, [20, 21]),
    chunks: &[20, 21],
    fates: &[Fate {
        keys: &["chunk:00000020:ledgers", "chunk:00000021:ledgers"],
        rows: &[
            &["absent", "absent"],
            &["freezing", "freezing"],
            &["frozen", "frozen"],
        ],
    }],
};

pub const GROUP_AS_A_WHOLE: Scenario = Scenario {
    name: "freeze_group_as_a_whole",
    about: "three chunks of three buckets in a group, whose file system is synced once",
    before: |machine| {
        machine.sync_whole_from(7);
        started(machine)
    },
    run: |machine| group(machine, [20, 1020, 2020]),
    chunks: &[20, 1020, 2020],
    fates: &[Fate {
        keys: &[
            "chunk:00000020:ledgers",
            "chunk:00001020:ledgers",
            "chunk:00002020:ledgers",
        ],
        rows: &[
            &["absent", "absent", "absent"],
            &["freezing", "freezing", "freezing"],
            &["frozen", "frozen", "frozen"],
        ],
    }],
};

/// Begins, writes, syncs and flips the ledgers of several chunks together.
fn group<const N: usize>(machine: &dyn Machine, numbers: [u32; N]) -> Result<(), Failure> {
    let catalog = machine.open()?;
    machine.step("begin");
    let mut group = catalog.sync_group();
    for mut freezing in catalog.begin_all::<Ledgers>(numbers.map(chunk))? {
        machine.step("write");
        write(&mut freezing, Ledgers::PACK, 1, ONE_SECTOR)?;
        group.add(freezing)?;
    }
    machine.step("sync");
    let synced = group.sync()?;
    machine.step("flip");
    drop(catalog.commit(synced)?);
    machine.step("read");
    numbers
        .into_iter()
        .try_for_each(|number| read(&catalog, number, Ledgers::PACK, 1))
}

pub const NEW_BUCKET_OUT_OF_ORDER: Scenario = Scenario {
    name: "freeze_new_bucket_out_of_order",
    about: "the last chunk of a new bucket, then its first",
    before: |machine| {
        let catalog = machine.open()?;
        freeze(machine, &catalog, 0, 1).map(drop)
    },
    run: |machine| {
        let catalog = machine.open()?;
        drop(freeze(machine, &catalog, 1999, 1)?);
        freeze(machine, &catalog, 1000, 1).map(drop)
    },
    chunks: &[1999, 1000],
    fates: &[],
};

pub const OVER_DEBRIS: Scenario = Scenario {
    name: "rematerialize_over_debris",
    about: "a new version over half a file, and another over one that was being pruned",
    before: |machine| {
        let catalog = machine.open()?;
        leave_debris(&catalog, 5)?;
        leave_pruning(machine, &catalog, 6)
    },
    run: |machine| {
        let catalog = machine.open()?;
        drop(freeze(machine, &catalog, 5, 2)?);
        machine.step("rematerialize");
        let Artifact::<Ledgers>::Pruning(pruning) = catalog.claim(chunk(6))? else {
            panic!("chunk 6 was left at `pruning`");
        };
        let mut freezing = pruning.rematerialize()?;
        machine.step("write");
        write(&mut freezing, Ledgers::PACK, 2, THREE_SECTORS)?;
        machine.step("sync, flip");
        drop(freezing.freeze()?);
        machine.step("read");
        read(&catalog, 5, Ledgers::PACK, 2)?;
        read(&catalog, 6, Ledgers::PACK, 2)
    },
    chunks: &[5, 6],
    fates: &[],
};

pub const ABANDON: Scenario = Scenario {
    name: "abandon",
    about: "half a file in a new bucket, given up",
    before: started,
    run: |machine| {
        let catalog = machine.open()?;
        machine.step("begin");
        let mut freezing = catalog.begin::<Ledgers>(chunk(2500))?;
        machine.step("write");
        write_part(&mut freezing, Ledgers::PACK, 1)?;
        machine.step("abandon");
        Ok(freezing.abandon()?)
    },
    chunks: &[2500],
    fates: &[],
};

pub const INTERLEAVED: Scenario = Scenario {
    name: "two_chunks_interleaved",
    about: "two chunks at once: the second is flipped while the first is not synced yet",
    before: started,
    run: |machine| {
        let catalog = machine.open()?;
        machine.step("begin");
        let mut one = catalog.begin::<Ledgers>(chunk(1))?;
        let mut two = catalog.begin::<Ledgers>(chunk(2))?;
        machine.step("write");
        write(&mut two, Ledgers::PACK, 1, TWO_SECTORS)?;
        write(&mut one, Ledgers::PACK, 1, THREE_SECTORS)?;
        machine.step("sync the second");
        let two = two.sync()?;
        machine.step("flip the second");
        drop(catalog.commit(two)?);
        machine.step("sync the first");
        let one = one.sync()?;
        machine.step("flip the first");
        drop(catalog.commit(one)?);
        Ok(())
    },
    chunks: &[1, 2],
    fates: &[],
};

pub const FLIP_ONE_DEMOTE_ANOTHER: Scenario = Scenario {
    name: "flip_one_demote_another",
    about: "one batch freezes a chunk and demotes another, which then goes",
    before: |machine| {
        let catalog = machine.open()?;
        freeze(machine, &catalog, 3, 1).map(drop)
    },
    run: |machine| {
        let catalog = machine.open()?;
        let successor = prepare(machine, &catalog, 4, 1)?;
        let demotion = frozen::<Ledgers>(&catalog, 3)?.demote();
        machine.step("flip and demote");
        let (successor, pruning) = catalog.commit((successor, demotion))?;
        drop(successor);
        machine.step("unlink");
        let unlinked = pruning.unlink()?;
        machine.step("delete");
        Ok(catalog.commit(unlinked)?)
    },
    chunks: &[3, 4],
    fates: &[Fate {
        keys: &["chunk:00000003:ledgers", "chunk:00000004:ledgers"],
        rows: &[
            &["frozen", "absent"],
            &["frozen", "freezing"],
            &["pruning", "frozen"],
            &["absent", "frozen"],
        ],
    }],
};
