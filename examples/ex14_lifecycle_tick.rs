//! Example 14: one tick of a node's lifecycle.
//!
//! A tick freezes the complete chunks of the hot tier, and reclaims the space of the chunks below the retention floor. It
//! reclaims space even when a freeze fails, because a full disk is the most likely cause of that failure.
//!
//! 1. **Freeze** each hot chunk that is complete: the ledgers flip and the directory is retired in one commit.
//! 2. **Prune** what is below the floor, in one sweep. A key that is in use does not stop the others.
//! 3. **Report** the first failure at the end. *A crash leaves* leftovers, which the recovery at the start finishes.
//!
//! Run it with `cargo run --example ex14_lifecycle_tick`, in a temporary directory, or add
//! `-- DIRECTORY`, an empty or missing one, to look at the files afterwards.

mod shared;

use std::io::Write;

use frostline::error::{NextStep, Result};
use frostline::geometry::Watermark;
use frostline::retention::{Retention, RetentionGate};
use frostline::{Catalog, ChunkId, Hot, LedgerSeq, Ledgers};
use shared::{Stage, heading};

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::set()?;
    let catalog = stage.open_catalog()?;
    for number in 5..=8 {
        drop(catalog.create_hot(ChunkId::new(number)?)?.ready()?);
    }
    let floor = |last: u32| -> Result<RetentionGate> {
        let last = Watermark::Complete(ChunkId::new(last)?);
        Ok(RetentionGate::new(
            last,
            Retention::from_chunks(2),
            LedgerSeq::GENESIS,
        )?)
    };

    heading("a tick when chunk 6 is complete");
    tick(&catalog, ChunkId::new(6)?, floor(6)?)?;
    stage.show(&catalog)?;

    heading("a tick that cannot freeze chunk 7, which a handle owns");
    let owner = catalog.claim_hot(ChunkId::new(7)?)?;
    match tick(&catalog, ChunkId::new(7)?, floor(7)?) {
        Err(error) if error.next() == NextStep::Later => println!("the next tick freezes it"),
        other => other?,
    }
    drop(owner);

    heading("the next tick");
    tick(&catalog, ChunkId::new(7)?, floor(7)?)?;
    stage.show(&catalog)?;
    Ok(())
}

/// Freezes the hot chunks up to the last complete one, and reclaims space in any case.
fn tick(catalog: &Catalog, last: ChunkId, gate: RetentionGate) -> Result<()> {
    let frozen = freeze_complete(catalog, last);
    prune(catalog, gate)?;
    frozen
}

/// Freezes each hot chunk that is complete. One that fails does not keep the others.
fn freeze_complete(catalog: &Catalog, last: ChunkId) -> Result<()> {
    let mut first_failure = Ok(());
    for key in catalog.ready_hot_chunk_keys()? {
        let chunk = key?.chunk;
        if chunk > last {
            break;
        }
        if let Err(error) = freeze(catalog, chunk) {
            println!("chunk {chunk} was not frozen");
            first_failure = first_failure.and(Err(error));
        }
    }
    first_failure
}

/// Moves a chunk from its hot directory to its files.
fn freeze(catalog: &Catalog, chunk: ChunkId) -> Result<()> {
    let Hot::Ready(ready) = catalog.claim_hot(chunk)? else {
        return Ok(());
    };
    let mut freezing = catalog.begin::<Ledgers>(chunk)?;
    // A node reads the chunk's database in `ready.path()` here.
    writeln!(freezing.file(Ledgers::PACK)?, "ledgers of chunk {chunk}")?;
    let synced = freezing.sync()?;
    let retired = ready.retire(&synced)?;
    let (_frozen, debris) = catalog.commit((synced, retired))?;
    debris.remove()?;
    println!("chunk {chunk} is frozen");
    Ok(())
}

/// Removes everything below the floor.
fn prune(catalog: &Catalog, gate: RetentionGate) -> Result<()> {
    let below = catalog.claim_below(gate)?;
    for claimed in &below.claimed {
        println!("{} is in use", claimed.key);
    }
    let swept = catalog.sweep_chunk_artifacts(below.prunable)?;
    for key in &swept.deleted {
        println!("{key} is gone");
    }
    Ok(())
}
