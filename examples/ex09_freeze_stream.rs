//! Example 9: freeze a stream of artifacts, in two threads.
//!
//! A worker that backfills freezes one chunk after another. One commit flips a chunk and marks the next one, so that
//! each chunk costs one commit, not two. Several workers share the syncs of their commits and of their directories
//! without any call for it.
//!
//! 1. **`intend`** claims the next chunk. *Durable:* nothing. *A crash leaves* no trace of it.
//! 2. **`commit`** of the chunk before and of the intent: one batch flips the one and marks the other. *Durable:* the
//!    chunk before, and the mark. *A crash leaves* both changes or neither.
//! 3. **`file`** and **`sync`**: the files of the chunk are durable. *A crash leaves* complete files that are not
//!    trusted.
//! 4. After the last chunk, one commit flips it.
//!
//! Run it with `cargo run --example ex09_freeze_stream`, in a temporary directory, or add
//! `-- DIRECTORY`, an empty or missing one, to look at the files afterwards.

mod shared;

use std::io::Write;

use frostline::error::Result;
use frostline::{Catalog, ChunkId, Ledgers};
use shared::{Stage, heading, sample};

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::set()?;
    let catalog = stage.open_catalog()?;
    let chunks = (4000..4006).map(ChunkId::new);
    let chunks: Vec<ChunkId> = chunks.collect::<std::result::Result<_, _>>()?;

    heading("two workers freeze three chunks each");
    std::thread::scope(|scope| {
        let workers = chunks.chunks(3).map(|part| {
            let catalog = &catalog;
            scope.spawn(move || freeze_stream(catalog, part))
        });
        for worker in workers.collect::<Vec<_>>() {
            worker.join().map_err(|_| "a worker panicked")??;
        }
        Ok::<_, Box<dyn std::error::Error>>(())
    })?;
    stage.show(&catalog)?;
    Ok(())
}

/// Freezes these chunks with one commit for each, and one more.
fn freeze_stream(catalog: &Catalog, chunks: &[ChunkId]) -> Result<()> {
    let mut written = None;
    for chunk in chunks {
        let next = catalog.intend::<Ledgers>(*chunk)?;
        let (_frozen, mut freezing) = catalog.commit((written, next))?;
        freezing
            .file(Ledgers::PACK)?
            .write_all(sample(*chunk).as_bytes())?;
        written = Some(freezing.sync()?);
    }
    catalog.commit(written)?;
    Ok(())
}
