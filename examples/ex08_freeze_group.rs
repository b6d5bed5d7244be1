//! Example 8: freeze many artifacts together, for the price of a few.
//!
//! A node that catches up has hundreds of chunks to freeze. One by one each costs a mark, an fsync, a
//! directory's fsync and a flip; as a group they share all four.
//!
//! 1. **`begin_all`** marks the keys of four chunks in one synced batch. *Durable:* four marks. *A
//!    crash leaves* all of them or none.
//! 2. **`add`** each member as soon as it is written: the disk begins to work on a large one while the
//!    next is written. One that has not been written is refused, comes back, and holds up nobody.
//!    *Durable:* still only the marks. *A crash leaves* any part of any file.
//! 3. **`sync`** makes every member durable: each file and each directory once, or the file system
//!    once where they are many and that is known to do as much. *A crash leaves* whole files that
//!    nobody trusts.
//! 4. **`commit`** flips all keys in one synced batch. *Durable:* everything. *A crash leaves* all of
//!    them at `freezing` or all of them at `frozen`.
//! 5. **`chunk_states`** tells what a range of chunks has, from memory: it costs no read.
//!
//! Run it with `cargo run --example ex08_freeze_group`, in a temporary directory, or add
//! `-- DIRECTORY`, an empty or missing one, to look at the files afterwards.

mod shared;

use std::io::Write;

use frostline::error::{SyncError, SyncRefusal};
use frostline::{ChunkId, Freezing, Ledgers};
use shared::{Stage, heading, note, sample};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::set()?;
    let catalog = stage.open_catalog()?;
    // The last two chunks of one bucket and the first two of the next.
    let (first, last) = (ChunkId::new(4998)?, ChunkId::new(5001)?);
    let chunks = (first.get()..=last.get()).map(ChunkId::new);
    let chunks: Vec<ChunkId> = chunks.collect::<Result<_, _>>()?;

    heading("1. begin_all: one batch marks four keys");
    let begun = catalog.begin_all::<Ledgers>(chunks.iter().copied())?;
    stage.show(&catalog)?;

    heading("2. write and add; one member is not written yet");
    let mut group = catalog.sync_group();
    let mut late = None;
    for (mut freezing, chunk) in begun.into_iter().zip(&chunks) {
        if *chunk != first {
            write(&mut freezing, *chunk)?;
        }
        match group.add(freezing) {
            Ok(()) => {}
            Err(SyncError::Refused(refused)) => {
                note(&format!("refused: {}", stage.text(refused.cause())));
                let (freezing, SyncRefusal::NotCreated { .. }) = refused.into_parts() else {
                    return Err("only a missing file was to be refused".into());
                };
                late = Some(freezing);
            }
            Err(other) => return Err(other.into()),
        }
    }
    let mut late = late.ok_or("the member without a file was to be refused")?;
    write(&mut late, first)?;
    group.add(late)?;
    note(&format!("{} members", group.len()));

    heading("3. sync: four files on stable storage, and not yet trusted");
    let synced = group.sync()?;
    stage.show(&catalog)?;

    heading("4. commit: one batch flips four keys");
    drop(catalog.commit(synced)?);
    stage.show(&catalog)?;

    heading("5. chunk_states: what a range of chunks has");
    for found in catalog.chunk_states(ChunkId::MIN..=ChunkId::MAX)? {
        let found = found?;
        let ledgers = found.ledgers.map_or("absent", |ledgers| ledgers.as_str());
        note(&format!("chunk {}: ledgers {ledgers}", found.chunk));
    }
    Ok(())
}

fn write(
    freezing: &mut Freezing<Ledgers>,
    chunk: ChunkId,
) -> Result<(), Box<dyn std::error::Error>> {
    freezing
        .file(Ledgers::PACK)?
        .write_all(sample(chunk).as_bytes())?;
    Ok(())
}
