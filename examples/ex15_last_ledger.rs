//! Example 15: derive the last committed ledger after a restart.
//!
//! The catalog does not store a watermark that a crash could leave behind the files. A node derives it:
//!
//! 1. The **last complete chunk** is the highest one with frozen ledgers, or "chunk -1", the sentinel
//!    [`Watermark::NothingYet`], whose last ledger is 1.
//! 2. The **last ready hot directory** holds the chunk after it, up to a ledger that its own database knows.
//!
//! Run it with `cargo run --example ex15_last_ledger`, in a temporary directory, or add
//! `-- DIRECTORY`, an empty or missing one, to look at the files afterwards.

mod shared;

use std::io::Write;

use frostline::error::Result;
use frostline::geometry::Watermark;
use frostline::{ArtifactState, Catalog, ChunkId, Ledgers};
use shared::{Stage, heading};

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::set()?;
    let catalog = stage.open_catalog()?;
    heading("a new node");
    report(&catalog)?;

    heading("chunks 0 and 1 are frozen, and chunk 2 is being ingested");
    for number in [0, 1] {
        let mut freezing = catalog.begin::<Ledgers>(ChunkId::new(number)?)?;
        freezing.file(Ledgers::PACK)?.write_all(b"ledgers")?;
        drop(freezing.freeze()?);
    }
    drop(catalog.create_hot(ChunkId::new(2)?)?.ready()?);
    drop(catalog);
    let catalog = stage.open_catalog()?;
    report(&catalog)?;
    Ok(())
}

/// Derives the last complete chunk from the states in memory.
fn last_complete(catalog: &Catalog) -> Result<Watermark> {
    let mut last = Watermark::NothingYet;
    for state in catalog.chunk_states(ChunkId::MIN..=ChunkId::MAX)? {
        let state = state?;
        if state.ledgers == Some(ArtifactState::Frozen) {
            last = Watermark::Complete(state.chunk);
        }
    }
    Ok(last)
}

/// Prints the last complete ledger, and the hot directory that continues it.
fn report(catalog: &Catalog) -> Result<()> {
    let last = last_complete(catalog)?;
    println!(
        "last ledger of the last complete chunk: {}",
        last.last_ledger()
    );
    match catalog.last_ready_hot()? {
        Some(chunk) => println!("chunk {chunk} continues in its hot directory"),
        None => println!("no hot directory is ready"),
    }
    Ok(())
}
