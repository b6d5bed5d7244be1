//! Example 11: plan a backfill, and run it with threads.
//!
//! The plan is what the catalog lacks, so that a backfill after a crash, or beside other workers, does the rest and
//! nothing twice. No list of finished work is kept in another place.
//!
//! 1. **`missing`** lists the kinds that the chunks of a range lack, as of one instant.
//! 2. Each worker takes chunks from the plan, and begins what is still missing (**`begin_missing`**).
//! 3. The workers share the syncs of their commits and of their directories without any call for it.
//!
//! Run it with `cargo run --example ex11_backfill`, in a temporary directory, or add
//! `-- DIRECTORY`, an empty or missing one, to look at the files afterwards.

mod shared;

use std::io::Write;
use std::sync::Mutex;

use frostline::error::Result;
use frostline::{ArtifactKind, ArtifactSet, Catalog, ChunkId, Ledgers, TxHash};
use shared::{Stage, heading, sample};

/// The kinds that this backfill is for.
const WANTED: ArtifactSet = ArtifactSet::EMPTY
    .with(ArtifactKind::Ledgers)
    .with(ArtifactKind::TxHash);

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::set()?;
    let catalog = stage.open_catalog()?;
    let range = || -> std::result::Result<_, Box<dyn std::error::Error>> {
        Ok(ChunkId::new(100)?..=ChunkId::new(103)?)
    };

    heading("an earlier run has frozen the ledgers of chunk 101, and then it stopped");
    let mut freezing = catalog.begin::<Ledgers>(ChunkId::new(101)?)?;
    freezing.file(Ledgers::PACK)?.write_all(b"ledgers")?;
    drop(freezing.freeze()?);
    drop(catalog.begin::<Ledgers>(ChunkId::new(102)?)?);

    heading("the plan");
    let plan = catalog.missing(range()?, WANTED)?;
    let plan = plan.collect::<std::result::Result<Vec<_>, _>>()?;
    for (chunk, kinds) in &plan {
        println!("{chunk} lacks {kinds}");
    }

    heading("two workers run it");
    run(&catalog, plan, 2)?;
    stage.show(&catalog)?;
    println!(
        "chunks that lack anything: {}",
        catalog.missing(range()?, WANTED)?.count()
    );
    Ok(())
}

/// Runs a plan with this number of threads.
fn run(catalog: &Catalog, plan: Vec<(ChunkId, ArtifactSet)>, workers: usize) -> Result<()> {
    let plan = Mutex::new(plan.into_iter());
    let next = || plan.lock().ok().and_then(|mut plan| plan.next());
    let work = || {
        while let Some((chunk, kinds)) = next() {
            backfill(catalog, chunk, kinds)?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        let mut outcomes = workers.into_iter().map(|worker| {
            let panicked = |_| Err(std::io::Error::other("a worker panicked").into());
            worker.join().unwrap_or_else(panicked)
        });
        outcomes.try_for_each(|outcome| outcome)
    })
}

/// Freezes the kinds of a chunk that are still missing.
fn backfill(catalog: &Catalog, chunk: ChunkId, kinds: ArtifactSet) -> Result<()> {
    let mut set = catalog.begin_missing(chunk, kinds)?.set;
    if let Some(ledgers) = &mut set.ledgers {
        let mut file = ledgers.file(Ledgers::PACK)?;
        file.write_all(sample(chunk).as_bytes())?;
    }
    if let Some(txhash) = &mut set.txhash {
        txhash.file(TxHash::BIN)?.write_all(b"hashes")?;
    }
    catalog.commit(set.sync()?)?;
    Ok(())
}
