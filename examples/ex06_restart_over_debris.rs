//! Example 6: restart over debris.
//!
//! Dropping a handle does no I/O: the key and the files stay as a power cut at that point would leave
//! them. So this example crashes in four places by dropping handles, restarts, and settles what it
//! finds. It never lists a directory for that: it walks the keys, because every file has one.
//!
//! 1. **Crash.** One artifact is frozen and will stay. Two freezes stop half-written, one prune
//!    stops after the demotion, one hot directory stops before it is ready. *Durable:* five
//!    keys and the one frozen file; of the other files it is only known that each has its key.
//! 2. **Restart** and look. Each key's state says what may be trusted: `frozen`, and nothing else.
//! 3. **Settle the artifacts.** `claim` gives a type for each state, and the type what can be done:
//!    - `Frozen`: nothing to do;
//!    - `Debris`, still wanted: `rematerialize` starts from nothing, in a new file, and it is frozen
//!      as if for the first time;
//!    - `Debris`, below the retention floor: `unlink`, then `commit`;
//!    - `Pruning`: what was begun is finished, `unlink`, then `commit`.
//!
//!    *A crash leaves* each key in one of these states, and the next start does the same again.
//! 4. **Settle the hot directories.** `HotDebris` is removed (or recreated), never opened.
//! 5. **The end**: every key and every file side by side.
//!
//! Run it with `cargo run --example ex06_restart_over_debris`, in a temporary directory, or add
//! `-- DIRECTORY`, an empty or missing one, to look at the files afterwards.

mod shared;

use std::io::Write;

use frostline::geometry::Watermark;
use frostline::retention::{Retention, RetentionGate};
use frostline::{Artifact, Catalog, ChunkId, Freezing, Frozen, Hot, Key, LedgerSeq, Ledgers};
use shared::{Stage, heading, keys, note, sample};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::set()?;

    heading("1. Crash in four places");
    let catalog = stage.open_catalog()?;
    crash(&catalog)?;
    stage.show(&catalog)?;

    heading("2. Restart: what the keys say of the files");
    drop(catalog);
    let catalog = stage.open_catalog()?;
    show_side_by_side(&stage, &catalog)?;

    heading("3. Settle the artifacts: walk their keys, claim each");
    // Chunk 5350 is the last complete one and two chunks are kept, so 5349 is the floor.
    let last = Watermark::Complete(ChunkId::new(5350)?);
    let gate = RetentionGate::new(last, Retention::from_chunks(2), LedgerSeq::GENESIS)?;
    settle_artifacts(&catalog, gate)?;
    stage.show(&catalog)?;

    heading("4. Settle the hot directories: walk their keys, claim each");
    settle_hot(&catalog)?;
    stage.show(&catalog)?;

    heading("5. The end: every file has its key, and every key its file");
    show_side_by_side(&stage, &catalog)
}

/// Stops four pieces of work in the middle, by dropping their handles.
fn crash(catalog: &Catalog) -> Result<(), Box<dyn std::error::Error>> {
    let pruned = freeze(catalog.begin(ChunkId::new(5347)?)?)?;
    let pruning = catalog.commit(pruned.demote())?;
    note(&format!("dropped, not yet unlinked: {pruning:?}"));
    drop(pruning);
    drop(freeze(catalog.begin(ChunkId::new(5349)?)?)?);
    for chunk in [5348, 5350] {
        let chunk = ChunkId::new(chunk)?;
        let mut freezing = catalog.begin::<Ledgers>(chunk)?;
        let mut file = freezing.file(Ledgers::PACK)?;
        file.write_all(b"ledgers 53")?;
        // Hands the bytes to the system, so that some of the file is there to be found.
        file.flush()?;
        note(&format!("dropped, half-written: {freezing:?}"));
        drop(freezing);
    }
    let transient = catalog.create_hot(ChunkId::new(5351)?)?;
    note(&format!("dropped, not yet ready: {transient:?}"));
    drop(transient);
    Ok(())
}

/// Writes the whole artifact and freezes it.
fn freeze(mut freezing: Freezing<Ledgers>) -> Result<Frozen<Ledgers>, Box<dyn std::error::Error>> {
    let text = sample(freezing.chunk());
    freezing.file(Ledgers::PACK)?.write_all(text.as_bytes())?;
    Ok(freezing.freeze()?)
}

fn settle_artifacts(
    catalog: &Catalog,
    gate: RetentionGate,
) -> Result<(), Box<dyn std::error::Error>> {
    for entry in catalog.chunk_artifact_keys()? {
        let (key, _state) = entry?;
        // Every key is of the ledgers here; `Catalog::claim_for_pruning` claims any kind, in order to remove.
        match catalog.claim::<Ledgers>(key.chunk)? {
            Artifact::Absent => {}
            Artifact::Frozen(_) => note(&format!("{key}: Frozen, left as it is")),
            Artifact::Debris(debris) if gate.chunk_below_floor(key.chunk) => {
                catalog.commit(debris.unlink()?)?;
                note(&format!("{key}: Debris below the floor, removed"));
            }
            Artifact::Debris(debris) => {
                drop(freeze(debris.rematerialize()?)?);
                note(&format!("{key}: Debris, made again from nothing"));
            }
            Artifact::Pruning(pruning) => {
                catalog.commit(pruning.unlink()?)?;
                note(&format!("{key}: Pruning, finished"));
            }
        }
    }
    Ok(())
}

fn settle_hot(catalog: &Catalog) -> Result<(), Box<dyn std::error::Error>> {
    for entry in catalog.hot_chunk_keys()? {
        let (key, _state) = entry?;
        match catalog.claim_hot(key.chunk)? {
            Hot::Absent => {}
            Hot::Ready(_) => note(&format!("{key}: Ready, left as it is")),
            Hot::Debris(debris) => {
                debris.remove()?;
                note(&format!("{key}: HotDebris, removed"));
            }
        }
    }
    Ok(())
}

/// Prints each key beside the paths that it names and what is there, and then, were there any, what
/// is on disk and has no key.
fn show_side_by_side(stage: &Stage, catalog: &Catalog) -> Result<(), Box<dyn std::error::Error>> {
    let layout = catalog.layout();
    let mut found = stage.entries()?;
    println!("  {:<26} {:<10} {:<30} on disk", "key", "state", "path");
    for (key, state) in keys(catalog)? {
        let paths = match key {
            Key::Artifact(key) => layout.artifact_paths(key),
            Key::Hot(key) => vec![layout.hot_path(key.chunk)],
            _ => Vec::new(),
        };
        for path in paths {
            let path = stage.relative(&path);
            let position = found
                .iter()
                .position(|entry| entry.path.trim_end_matches('/') == path);
            let what = position.map_or_else(|| "missing".to_owned(), |at| found.remove(at).what);
            println!("  {key:<26} {state:<10} {path:<30} {what}");
        }
    }
    for entry in found {
        println!(
            "  {:<26} {:<10} {:<30} {}",
            "no key", "", entry.path, entry.what
        );
    }
    Ok(())
}
