//! Example 3: freeze all kinds of a chunk together, with one commit.
//!
//! A chunk's ledgers, events and transaction hashes are made in one pass over its ledgers, and they
//! become readable together: three keys, five files, one fate.
//!
//! 1. **`begin_set`** marks all three keys in one synced batch. *Durable:* three marks. *A crash
//!    leaves* all three marks or none.
//! 2. **Write** the five files in one pass. *Durable:* still only the marks. *A crash leaves* any
//!    part of any file, under keys that nobody reads.
//! 3. **`sync`** makes all five files durable. *A crash leaves* five whole files that nobody
//!    trusts.
//! 4. **`commit`** flips the three keys in one synced batch. *Durable:* everything. *A crash
//!    leaves* all three at `freezing` or all three at `frozen`, never a mixture.
//! 5. **`begin_set` again** is refused as a whole: what is frozen is never written again.
//!
//! Run it with `cargo run --example ex03_freeze_set`, in a temporary directory, or add
//! `-- DIRECTORY`, an empty or missing one, to look at the files afterwards.

mod shared;

use std::io::Write;

use frostline::error::BeginRefusal;
use frostline::{ArtifactSet, ChunkId, Events, FreezingSet, Ledgers, TxHash};
use shared::{Stage, heading, note};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::set()?;
    let catalog = stage.open_catalog()?;
    let chunk = ChunkId::new(5350)?;

    heading("1. begin_set: one batch marks three keys");
    let mut set = catalog.begin_set(chunk, ArtifactSet::ALL)?;
    stage.show(&catalog)?;

    heading("2. write: five files in one pass, their bytes still in memory");
    write_in_one_pass(&mut set, chunk)?;
    stage.show(&catalog)?;

    heading("3. sync: five files on stable storage, and not yet trusted");
    let synced = set.sync()?;
    stage.show(&catalog)?;

    heading("4. commit: one batch flips three keys");
    // The result has the shape of the transition: a handle for each kind of the set.
    let frozen = catalog.commit(synced)?;
    drop(frozen);
    stage.show(&catalog)?;

    heading("5. begin_set again: refused");
    match catalog.begin_set(chunk, ArtifactSet::ALL) {
        Err(error) if matches!(error.refusal(), Some(BeginRefusal::AlreadyFrozen { .. })) => {
            note(&format!("refused: {}", stage.text(&error)));
        }
        Err(other) => return Err(other.into()),
        Ok(_begun) => return Err("a frozen artifact was begun again".into()),
    }
    stage.show(&catalog)
}

/// Goes over the chunk once and appends to every file as it goes. Three of the chunk's ten thousand
/// ledgers are enough to see it.
fn write_in_one_pass(
    set: &mut FreezingSet,
    chunk: ChunkId,
) -> Result<(), Box<dyn std::error::Error>> {
    // A kind that was not asked for would be `None`.
    let FreezingSet {
        ledgers: Some(ledgers),
        events: Some(events),
        txhash: Some(txhash),
        ..
    } = set
    else {
        return Err("all three kinds were asked for".into());
    };
    for ledger in (chunk.first_ledger().get()..).take(3) {
        writeln!(ledgers.file(Ledgers::PACK)?, "ledger {ledger}")?;
        writeln!(events.file(Events::EVENTS)?, "events of {ledger}")?;
        writeln!(txhash.file(TxHash::BIN)?, "hashes of {ledger}")?;
    }
    writeln!(events.file(Events::INDEX)?, "index of {chunk}")?;
    writeln!(events.file(Events::HASH)?, "hash table of {chunk}")?;
    Ok(())
}
