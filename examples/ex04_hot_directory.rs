//! Example 4: the life of a hot directory.
//!
//! The newest ledgers live in one database per chunk, written as the network closes them. Until the
//! chunk is frozen, its hot directory may be the only copy, so nothing here destroys or recreates
//! one that is `ready`.
//!
//! 1. **`create_hot`** marks the key `transient`, then makes an empty directory. *Durable:* the mark.
//!    *A crash leaves* the mark and perhaps the directory: wiped at the next start, never opened.
//! 2. **Create the database** in the directory. *A crash leaves* the same.
//! 3. **`ready`** makes the directory and its entry durable, then flips the key. *Durable:* the
//!    directory and the flip. *A crash leaves* exactly that.
//! 4. **Write** ledgers in synced batches; making them durable is the database's own affair. *A
//!    crash leaves* what the database has acknowledged.
//! 5. **Restart**: `claim_hot` finds `ready`, and the database is opened without creating one, so
//!    that a missing one is an error and not an empty history.
//! 6. **`create_hot` over it** is refused.
//! 7. **`retire`** takes evidence that the ledgers are in another place. One commit flips their key
//!    to `frozen` and that of the directory back to `transient`. *A crash leaves* both or neither;
//!    a `transient` directory is removed at the next start.
//! 8. **`remove`** deletes the directory, makes that durable, and only then deletes the key.
//!
//! Run it with `cargo run --example ex04_hot_directory`, in a temporary directory, or add
//! `-- DIRECTORY`, an empty or missing one, to look at the files afterwards.
#![expect(
    clippy::disallowed_types,
    reason = "the chunk's own database is the caller's, and not the catalog"
)]

mod shared;

use std::io::Write;

use frostline::{Catalog, ChunkId, Hot, Ledgers, Ready};
use rocksdb::{DB, IteratorMode, Options, WriteBatch, WriteOptions};
use shared::{Stage, heading, note};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::set()?;
    let catalog = stage.open_catalog()?;
    let chunk = ChunkId::new(5350)?;

    write_ledgers(&stage, &catalog, chunk)?;
    drop(catalog);

    heading("5. Restart: claim what is ready, and open its database without creating one");
    let catalog = stage.open_catalog()?;
    let ready = claim_ready(&catalog, chunk)?;
    let mut options = Options::default();
    options.create_if_missing(false);
    let database = DB::open(&options, ready.path())?;
    let mut ledgers = 0;
    for entry in database.iterator(IteratorMode::Start) {
        entry?;
        ledgers += 1;
    }
    note(&format!("the database holds {ledgers} ledgers"));
    drop(database);
    drop(ready);
    stage.show(&catalog)?;

    heading("6. create_hot over a ready directory: refused");
    let refusal = catalog.create_hot(chunk).err();
    let refusal = refusal.ok_or("the only copy was overwritten")?;
    note(&format!("refused: {}", stage.text(&refusal)));
    stage.show(&catalog)?;

    heading("7. Freeze the ledgers, and retire the directory in the same commit");
    let ready = claim_ready(&catalog, chunk)?;
    let mut freezing = catalog.begin::<Ledgers>(chunk)?;
    freezing.file(Ledgers::PACK)?.write_all(b"three ledgers")?;
    let synced = freezing.sync()?;
    let retired = ready.retire(&synced)?;
    let (_frozen, debris) = catalog.commit((synced, retired))?;
    stage.show(&catalog)?;

    heading("8. remove: first the directory, then the key");
    debris.remove()?;
    stage.show(&catalog)
}

fn write_ledgers(
    stage: &Stage,
    catalog: &Catalog,
    chunk: ChunkId,
) -> Result<(), Box<dyn std::error::Error>> {
    heading("1. create_hot: the key is marked, then the directory is made");
    let transient = catalog.create_hot(chunk)?;
    stage.show(catalog)?;

    heading("2. Create the database in it");
    let mut options = Options::default();
    options.create_if_missing(true);
    let database = DB::open(&options, transient.path())?;
    stage.show(catalog)?;

    heading("3. ready: the directory is durably there");
    let ready = transient.ready()?;
    stage.show(catalog)?;

    heading("4. Write ledgers, each in a synced batch");
    let mut synced = WriteOptions::default();
    synced.set_sync(true);
    for ledger in (chunk.first_ledger().get()..).take(3) {
        let mut batch = WriteBatch::default();
        batch.put(ledger.to_be_bytes(), format!("ledger {ledger}"));
        database.write_opt(batch, &synced)?;
        note(&format!("ledger {ledger} is durable"));
    }
    drop(database);
    drop(ready);
    stage.show(catalog)
}

/// The restart with a hot key: the state decides, and the type of the handle tells the state.
fn claim_ready(catalog: &Catalog, chunk: ChunkId) -> Result<Ready, Box<dyn std::error::Error>> {
    match catalog.claim_hot(chunk)? {
        Hot::Ready(ready) => Ok(ready),
        Hot::Debris(_) => Err("it had been made ready".into()),
        Hot::Absent => Err("it had been created".into()),
    }
}
