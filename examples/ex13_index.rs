//! Example 13: build and promote the index of a window.
//!
//! An index covers consecutive chunks of one window of 1,000 chunks, and is built from their transaction hashes. A node
//! builds it again when more chunks are frozen.
//!
//! 1. **`begin_index`** claims the window, takes a lease on each input, and marks the key. *A crash leaves* the key at
//!    `freezing`, and a part of the file.
//! 2. **`sync`** makes the file durable, and claims the keys that the promotion demotes: they follow from the coverage.
//! 3. **`commit`** promotes: the new index is frozen, the old one is to be pruned, and, if the index reaches the end of
//!    its window, so are the inputs that it covers. *Durable:* all of it or nothing.
//! 4. **`sweep_chunk_artifacts`** removes what the promotion has demoted. The file of the old index stays for its readers.
//!
//! Run it with `cargo run --example ex13_index`, in a temporary directory, or add
//! `-- DIRECTORY`, an empty or missing one, to look at the files afterwards.

mod shared;

use std::io;
use std::io::Write;

use frostline::error::Result;
use frostline::index::{Coverage, IndexBuild, Promoted};
use frostline::{Catalog, ChunkId, Prunable, TxHash};
use shared::{Stage, heading};

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::set()?;
    let catalog = stage.open_catalog()?;
    let [first, middle, last] = [997, 998, 999].map(ChunkId::new);
    let (first, middle, last) = (first?, middle?, last?);
    for chunk in ChunkId::range(first..=last) {
        freeze_hashes(&catalog, chunk)?;
    }

    heading("the first index of the window");
    query(&catalog, middle)?;
    let promoted = build(&catalog, Coverage::new(first, middle)?)?;
    sweep(&catalog, promoted)?;
    query(&catalog, middle)?;

    heading("an index that reaches the end of the window, beside a reader of the old one");
    let reader = catalog.index_of(middle)?;
    let promoted = build(&catalog, Coverage::new(first, last)?)?;
    sweep(&catalog, promoted)?;
    drop(reader);
    query(&catalog, last)?;

    heading("the old index, once its reader has gone");
    let recovered = catalog.recover(frostline::DebrisPolicy::Report)?;
    println!("{recovered}");
    stage.show(&catalog)?;
    Ok(())
}

/// Freezes the transaction hashes of a chunk.
fn freeze_hashes(catalog: &Catalog, chunk: ChunkId) -> Result<()> {
    let mut freezing = catalog.begin::<TxHash>(chunk)?;
    writeln!(freezing.file(TxHash::BIN)?, "hashes of chunk {chunk}")?;
    drop(freezing.freeze()?);
    Ok(())
}

/// Builds the index of these chunks and promotes it.
fn build(catalog: &Catalog, coverage: Coverage) -> Result<Promoted> {
    let mut build = catalog.begin_index(coverage)?;
    merge(&mut build)?;
    Ok(catalog.commit(build.sync()?)?)
}

/// Writes the index: its blocks at their offsets, and its header last.
fn merge(build: &mut IndexBuild) -> Result<()> {
    let header = format!("{} chunks\n", build.inputs().len());
    let mut file = build.writer()?;
    file.reserve(4096)?;
    file.write_all(&vec![b' '; header.len()])?;
    for input in build.inputs() {
        io::copy(&mut input.open(TxHash::BIN)?, &mut file)?;
    }
    file.write_all_at(header.as_bytes(), 0)?;
    Ok(())
}

/// Removes what a promotion has demoted. Files that are still read are removed by a later recovery.
fn sweep(catalog: &Catalog, promoted: Promoted) -> Result<()> {
    println!("{} is frozen", promoted.index.key());
    let inputs = promoted.inputs.into_iter().map(Prunable::from);
    let demoted: Vec<_> = promoted.predecessor.into_iter().chain(inputs).collect();
    let swept = catalog.sweep_chunk_artifacts(demoted)?;
    for leased in &swept.leased {
        println!("{} is still read", leased.key());
    }
    for key in &swept.deleted {
        println!("{key} is gone");
    }
    Ok(())
}

/// Asks for the index that covers a chunk.
fn query(catalog: &Catalog, chunk: ChunkId) -> Result<()> {
    match catalog.index_of(chunk)? {
        Some(index) => {
            let size = index.open()?.size()?;
            println!("chunk {chunk}: in {}, {size} bytes", index.key());
        }
        None => println!("chunk {chunk}: in no index"),
    }
    Ok(())
}
