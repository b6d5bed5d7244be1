//! Example 5: prune while somebody reads.
//!
//! Deletion is freezing in reverse: the key first says that the files may go, then they go, then
//! the key goes. A reader holds a lease, and no file goes while one is out.
//!
//! 1. **Freeze** two artifacts; a reader takes a lease on the first.
//! 2. **`demote` and `commit`** flip both keys to `pruning`. *Durable:* the demotion. *A crash
//!    leaves* two keys at `pruning`, and the next start finishes what was begun.
//! 3. **A new reader** gets no lease; the old one reads on, undisturbed.
//! 4. **`unlink`** the first: refused, because of the lease. Nothing was touched, and the handle
//!    comes back inside the error.
//! 5. **`unlink`** the second removes its file and makes that durable. *A crash leaves* a key without
//!    a file; there is never a file without its key.
//! 6. **`commit`** deletes its key. *Durable:* nothing is left of it.
//! 7. **Drop the lease**, `unlink` and `commit` the first.
//! 8. **`sweep_chunk_artifacts`** does all of this for a whole batch: one demoting commit, one fsync
//!    for each directory, one deleting commit. Artifacts with readers come back. *A crash leaves*
//!    all keys at `frozen` with all of their files, or all at `pruning` with any part of them, or
//!    only those with readers; the next start finishes what was begun.
//! 9. **Sweep again** what came back.
//!
//! Run it with `cargo run --example ex05_prune_with_readers`, in a temporary directory, or add
//! `-- DIRECTORY`, an empty or missing one, to look at the files afterwards.

mod shared;

use std::io::{Read, Write};

use frostline::error::RemovalError;
use frostline::key::FileName;
use frostline::{ArtifactSet, Catalog, ChunkId, Freezing, Kind, Ledgers, Swept};
use shared::{Stage, heading, note, sample};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::set()?;
    let catalog = stage.open_catalog()?;
    prune_one_by_one(&stage, &catalog)?;
    sweep_a_batch(&stage, &catalog)
}

fn prune_one_by_one(stage: &Stage, catalog: &Catalog) -> Result<(), Box<dyn std::error::Error>> {
    let first = ChunkId::new(5350)?;
    let second = ChunkId::new(5351)?;

    heading("1. Two frozen artifacts, and a reader of the first");
    let mut one = catalog.begin::<Ledgers>(first)?;
    write(&mut one)?;
    let one = one.freeze()?;
    let mut other = catalog.begin::<Ledgers>(second)?;
    write(&mut other)?;
    let other = other.freeze()?;
    let lease = one.lease();
    stage.show(catalog)?;

    heading("2. demote and commit: one batch, two keys; the files stay");
    let (one, other) = catalog.commit((one.demote(), other.demote()))?;
    stage.show(catalog)?;

    heading("3. No new reader is let in, and the old one reads on");
    if catalog.lease::<Ledgers>(first)?.is_some() {
        return Err("a lease was given out after the demotion".into());
    }
    note("a new lease: none is given out");
    let mut text = String::new();
    lease.open(Ledgers::PACK)?.read_to_string(&mut text)?;
    note(&format!("the old lease reads: {}", text.trim_end()));
    stage.show(catalog)?;

    heading("4. unlink the first: refused, and the handle comes back");
    let one = match one.unlink() {
        Err(RemovalError::Refused(refused)) => {
            note(&format!("refused: {}", stage.text(refused.cause())));
            refused.into_handle()
        }
        Err(other) => return Err(other.into()),
        Ok(_unlinked) => return Err("a file was unlinked under its reader".into()),
    };
    stage.show(catalog)?;

    heading("5. unlink the second: its file is gone, its key is not");
    let unlinked = other.unlink()?;
    stage.show(catalog)?;

    heading("6. commit: its key goes too");
    catalog.commit(unlinked)?;
    stage.show(catalog)?;

    heading("7. Drop the lease, then unlink and commit the first");
    drop(lease);
    let unlinked = one.unlink()?;
    catalog.commit(unlinked)?;
    stage.show(catalog)
}

fn sweep_a_batch(stage: &Stage, catalog: &Catalog) -> Result<(), Box<dyn std::error::Error>> {
    let chunk = ChunkId::new(5352)?;

    heading("8. Sweep a batch: three artifacts, one of them with a reader");
    let mut set = catalog.begin_set(chunk, ArtifactSet::ALL)?;
    set.ledgers.as_mut().map(write).transpose()?;
    set.events.as_mut().map(write).transpose()?;
    set.txhash.as_mut().map(write).transpose()?;
    drop(catalog.commit(set.sync()?)?);
    let lease = catalog.lease::<Ledgers>(chunk)?;
    note("before the sweep:");
    stage.show(catalog)?;
    // A sweep works from the keys, whose kinds are known at run time only.
    let mut batch = Vec::new();
    for entry in catalog.chunk_artifact_keys()? {
        let (key, _state) = entry?;
        batch.extend(catalog.claim_for_pruning(key)?);
    }
    let swept = catalog.sweep_chunk_artifacts(batch)?;
    report(&swept);
    stage.show(catalog)?;

    heading("9. Drop the lease, and sweep again what came back");
    drop(lease);
    let swept = catalog.sweep_chunk_artifacts(swept.leased)?;
    report(&swept);
    stage.show(catalog)
}

fn report(swept: &Swept) {
    for key in &swept.deleted {
        note(&format!("deleted: {key}"));
    }
    for prunable in &swept.leased {
        let (key, state) = (prunable.key(), prunable.state());
        note(&format!("still being read: {key}, now {state}"));
    }
}

/// Writes every file of an artifact, whatever its kind.
fn write<K: Kind>(freezing: &mut Freezing<K>) -> Result<(), Box<dyn std::error::Error>> {
    let text = sample(freezing.key().chunk);
    for file in FileName::all() {
        freezing.file(file)?.write_all(text.as_bytes())?;
    }
    Ok(())
}
