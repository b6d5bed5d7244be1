//! Example 2: freeze one artifact, step by step and then in the short spelling.
//!
//! This is the one-write protocol. Each step consumes the handle of the step before, so a step that
//! is left out does not compile: there is nothing to call the next one on.
//!
//! 1. **`begin`** marks the key `freezing`, before any file exists. *Durable:* the mark. *A crash
//!    leaves* a mark without a file; there is never a file without its mark.
//! 2. **`file`** and write. *Durable:* still only the mark; the bytes may even be in this process's
//!    memory. *A crash leaves* any part of the file, under a key that nobody reads.
//! 3. **`sync`** fsyncs the file and every directory entry that leads to it. *Durable:* the whole
//!    file. *A crash leaves* a whole file that nobody trusts, because its key says `freezing`.
//! 4. **`commit`** flips the key to `frozen`. *Durable:* everything. *A crash leaves* exactly that.
//! 5. **`freeze`** is steps 3 and 4 in one call, for one artifact on its own.
//! 6. **Read** under a lease: while it is held, the files stay.
//!
//! Run it with `cargo run --example ex02_freeze_one`, in a temporary directory, or add
//! `-- DIRECTORY`, an empty or missing one, to look at the files afterwards.

mod shared;

use std::io::{Read, Write};

use frostline::{Catalog, ChunkId, Ledgers};
use shared::{Stage, heading, note, sample};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::set()?;
    let catalog = stage.open_catalog()?;
    let first = ChunkId::new(5350)?;
    let second = ChunkId::new(5351)?;

    freeze_in_steps(&stage, &catalog, first)?;

    heading("5. begin, write and freeze: the short spelling");
    let mut freezing = catalog.begin::<Ledgers>(second)?;
    let mut file = freezing.file(Ledgers::PACK)?;
    file.write_all(sample(second).as_bytes())?;
    // The handle owns the key, and there is nothing more to change about it.
    drop(freezing.freeze()?);
    stage.show(&catalog)?;

    heading("6. Read the first one back under a lease");
    let lease = catalog.lease::<Ledgers>(first)?;
    let lease = lease.ok_or("what has been frozen can be read")?;
    let mut text = String::new();
    lease.open(Ledgers::PACK)?.read_to_string(&mut text)?;
    let path = stage.relative(&lease.path(Ledgers::PACK));
    note(&format!("{path} holds: {}", text.trim_end()));
    stage.show(&catalog)
}

fn freeze_in_steps(
    stage: &Stage,
    catalog: &Catalog,
    chunk: ChunkId,
) -> Result<(), Box<dyn std::error::Error>> {
    heading("Before: no key, so no file");
    stage.show(catalog)?;

    heading("1. begin: the key is marked before there is a file");
    let mut freezing = catalog.begin::<Ledgers>(chunk)?;
    stage.show(catalog)?;

    heading("2. write: the file is there, its bytes are still in memory");
    let mut file = freezing.file(Ledgers::PACK)?;
    file.write_all(sample(chunk).as_bytes())?;
    stage.show(catalog)?;

    heading("3. sync: the file is whole on stable storage, and not yet trusted");
    let synced = freezing.sync()?;
    stage.show(catalog)?;

    heading("4. commit: the key says so, and the file may be read");
    let frozen = catalog.commit(synced)?;
    drop(frozen);
    stage.show(catalog)
}
