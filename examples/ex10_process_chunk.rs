//! Example 10: process a chunk. One pass over its ledgers writes the five files of all three kinds.
//!
//! The files are open at the same time, each through an owned writer. A writer can go to a thread of its own, and can
//! write at offsets. A crash at any point leaves the keys at `freezing`, and the next attempt begins from nothing.
//!
//! 1. **`begin_missing`** marks the kinds that are not frozen yet. A key that another worker owns is left to it.
//!    *Durable:* the marks.
//! 2. **`writer`** creates a file and gives it out. **`sync`** is refused as long as a writer is out.
//! 3. **`sync`** and **`commit`**: the files are durable, and then the keys flip in one batch.
//!
//! Run it with `cargo run --example ex10_process_chunk`, in a temporary directory, or add
//! `-- DIRECTORY`, an empty or missing one, to look at the files afterwards.

mod shared;

use std::io::Write;

use frostline::error::Result;
use frostline::write::FileWriter;
use frostline::{ArtifactSet, Catalog, ChunkId, Events, FreezingSet, Ledgers, TxHash};
use shared::{Stage, heading};

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::set()?;
    let catalog = stage.open_catalog()?;
    let chunk = ChunkId::new(5350)?;

    heading("process the chunk");
    process(&catalog, chunk)?;
    stage.show(&catalog)?;

    heading("process it again: there is nothing to do");
    process(&catalog, chunk)?;
    stage.show(&catalog)?;
    Ok(())
}

/// Freezes the kinds of a chunk that are not frozen yet.
fn process(catalog: &Catalog, chunk: ChunkId) -> Result<()> {
    let mut begun = catalog.begin_missing(chunk, ArtifactSet::ALL)?;
    for refusal in &begun.refused {
        println!("left to another worker: {refusal}");
    }
    write_files(&mut begun.set)?;
    catalog.commit(begun.set.sync()?)?;
    Ok(())
}

/// Writes the files of the kinds in one pass. The hash table has a thread of its own.
fn write_files(set: &mut FreezingSet) -> Result<()> {
    if let Some(ledgers) = &mut set.ledgers {
        ledgers
            .file(Ledgers::PACK)?
            .write_all(b"ten thousand ledgers")?;
    }
    if let Some(txhash) = &mut set.txhash {
        txhash.file(TxHash::BIN)?.write_all(b"hashes")?;
    }
    if let Some(events) = &mut set.events {
        let mut log = events.writer(Events::EVENTS)?;
        let mut index = events.writer(Events::INDEX)?;
        let hash = events.writer(Events::HASH)?;
        let table = std::thread::spawn(move || write_table(&hash));
        for event in ["one", "two", "three"] {
            log.write_all(event.as_bytes())?;
            index.write_all(&[u8::try_from(event.len()).unwrap_or(0)])?;
        }
        table
            .join()
            .unwrap_or_else(|_| Err(std::io::Error::other("the thread of the table panicked")))?;
    }
    Ok(())
}

/// Writes a table of blocks, with its header last.
fn write_table(file: &FileWriter) -> std::io::Result<()> {
    // A full disk is known before the work.
    file.reserve(64 << 10)?;
    file.write_all_at(b"a block", 4096)?;
    file.write_all_at(b"the header", 0)?;
    file.set_len(8192)
}
