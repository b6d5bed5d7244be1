//! Example 12: answer queries while chunks move and go.
//!
//! A query asks for the place of a ledger in one call, and gets the right to read there. The chunk may move from its hot
//! directory to its files, and may be pruned, at the same time.
//!
//! 1. **`route`** returns the files, the hot directory, or nothing; below the retention floor it returns nothing,
//!    whatever is on disk. The answer is of one instant.
//! 2. **`retire`** gives a hot directory up with the evidence that its ledgers are frozen; one commit freezes the one
//!    and gives up the other. *Durable:* both changes or neither.
//! 3. **`view`** is the catalog at one instant, for a request that asks several questions. Whatever it calls readable
//!    stays until it is dropped, so the removal is refused until then, with the handle back.
//!
//! Run it with `cargo run --example ex12_route_queries`, in a temporary directory, or add
//! `-- DIRECTORY`, an empty or missing one, to look at the files afterwards.

mod shared;

use std::io::Write;

use frostline::error::{Result, StepError};
use frostline::geometry::Watermark;
use frostline::read::Route;
use frostline::retention::{Retention, RetentionGate};
use frostline::{Artifact, Catalog, ChunkId, HotDebris, LedgerSeq, Ledgers, Ready};
use shared::{Stage, heading};

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::set()?;
    let catalog = stage.open_catalog()?;
    let chunk = ChunkId::new(7)?;
    let all = gate(chunk, 0)?;

    heading("the chunk is in its hot directory");
    let ready = catalog.create_hot(chunk)?.ready()?;
    query(&catalog, chunk.first_ledger(), all)?;

    heading("it is frozen and leaves the hot directory, beside a request with a view");
    let view = catalog.view()?;
    let debris = freeze(&catalog, ready)?;
    query(&catalog, chunk.first_ledger(), all)?;
    let debris = match debris.remove() {
        Err(StepError::Refused(refused)) => {
            println!("not yet: {}", refused.cause());
            refused.into_handle()
        }
        other => return Err(format!("the view holds the directory: {other:?}").into()),
    };
    drop(view);
    debris.remove()?;

    heading("it passes the retention floor, and is pruned beside a reader");
    let moved = gate(ChunkId::new(9)?, 2)?;
    let lease = catalog.lease::<Ledgers>(chunk)?;
    query(&catalog, chunk.first_ledger(), moved)?;
    prune(&catalog, chunk)?;
    drop(lease);
    prune(&catalog, chunk)?;
    stage.show(&catalog)?;
    Ok(())
}

fn gate(last: ChunkId, kept: u32) -> Result<RetentionGate> {
    let last = Watermark::Complete(last);
    let retention = Retention::from_chunks(kept);
    Ok(RetentionGate::new(last, retention, LedgerSeq::GENESIS)?)
}

/// Answers a query for one ledger.
fn query(catalog: &Catalog, ledger: LedgerSeq, gate: RetentionGate) -> Result<()> {
    match catalog.route::<Ledgers>(ledger, gate)? {
        Route::Cold(lease) => {
            let size = lease.open(Ledgers::PACK)?.size()?;
            println!(
                "ledger {ledger}: in the files of {}, {size} bytes",
                lease.key()
            );
        }
        Route::Hot(lease) => println!("ledger {ledger}: in the directory of {}", lease.key()),
        Route::BelowFloor => println!("ledger {ledger}: below the floor"),
        Route::NotAvailable => println!("ledger {ledger}: not available"),
    }
    Ok(())
}

/// Freezes the ledgers of a hot directory, and gives the directory up in the same commit.
fn freeze(catalog: &Catalog, ready: Ready) -> Result<HotDebris> {
    let mut freezing = catalog.begin::<Ledgers>(ready.chunk())?;
    freezing
        .file(Ledgers::PACK)?
        .write_all(b"ten thousand ledgers")?;
    let synced = freezing.sync()?;
    let retired = ready.retire(&synced)?;
    let (_frozen, debris) = catalog.commit((synced, retired))?;
    Ok(debris)
}

/// Prunes the ledgers of a chunk. A reader holds the files, and a later call removes them.
fn prune(catalog: &Catalog, chunk: ChunkId) -> Result<()> {
    let swept = match catalog.claim::<Ledgers>(chunk)? {
        Artifact::Frozen(frozen) => catalog.sweep_chunk_artifacts([frozen.demote()])?,
        Artifact::Pruning(pruning) => catalog.sweep_chunk_artifacts([pruning])?,
        Artifact::Absent | Artifact::Debris(_) => return Ok(()),
    };
    for leased in &swept.leased {
        println!("{} is still read", leased.key());
    }
    for key in &swept.deleted {
        println!("{key} is gone");
    }
    Ok(())
}
