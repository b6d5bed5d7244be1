//! The storage of a small node, for real: from a configuration to a pruned tree.
//!
//! 1. Load the configuration, lock every root, open the catalog, pin the earliest ledger.
//! 2. Finish what an earlier run left behind.
//! 3. For each chunk:
//!    - create its hot directory with a RocksDB in it, and write its ledgers, one synced batch each;
//!    - freeze them: read them back from the hot database into a `.pack`, make it durable, flip the key;
//!    - read the pack back under a lease and compare it with the source;
//!    - discard the hot directory;
//!    - move the retention floor, and sweep what has passed it.
//! 4. Show the catalog and the tree side by side.
//!
//! It is single-threaded, and its order of file operations is the same in every run. The format of
//! the pack belongs to a later layer; the one here is as plain as can be (see `pack.rs`).
//!
//! ```text
//! cargo run --example lifecycle -- --data-dir /tmp/node --chunks 4 --ledgers 100 --retain 2
//! ```

#[path = "lifecycle/hot.rs"]
mod hot;
#[path = "lifecycle/options.rs"]
mod options;
#[path = "lifecycle/pack.rs"]
mod pack;
#[path = "lifecycle/report.rs"]
mod report;
#[path = "lifecycle/source.rs"]
mod source;

use std::error::Error;
use std::process::ExitCode;

use frostline::config::EarliestLedger;
use frostline::geometry::Watermark;
use frostline::retention::{Retention, RetentionGate};
use frostline::{
    Artifact, ArtifactState, Catalog, ChunkId, Config, DebrisPolicy, Hot, LedgerSeq, Ledgers,
};

use options::{Command, Options, Place};
use report::Progress;
use source::Source;

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let options = match Options::from_command_line() {
        Ok(Command::Run(options)) => options,
        Ok(Command::Help) => {
            print!("{}", options::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("lifecycle: {error}\n\n{}", options::HELP);
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lifecycle: {}", report::chain(&*error));
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Outcome<()> {
    let source = Source::open(options)?;
    // Without a place to stay, the demonstration gets one that goes away with it.
    let temporary;
    let config = match &options.place {
        Place::Config(file) => Config::load(file)?,
        Place::DataDir(directory) => default_config(directory)?,
        Place::Temporary => {
            temporary = tempfile::tempdir()?;
            default_config(temporary.path())?
        }
    };

    println!("1. lock the roots and open the catalog");
    let catalog = Catalog::open(config.storage.clone().lock()?)?;
    let earliest = pin(&catalog, &config, &source)?;
    println!("   earliest ledger {earliest}");

    println!("2. finish what an earlier run left behind");
    settle(&catalog)?;

    println!("3. chunk by chunk");
    let retention = options
        .retain
        .map_or(config.streaming.retention(), Retention::from_chunks);
    let mut last = last_complete(&catalog)?;
    for chunk in source.chunks(earliest.chunk()?, options.chunks) {
        // Artifacts that an earlier run froze and pruned are not written again.
        if !RetentionGate::new(last, retention, earliest)?.chunk_below_floor(chunk) {
            process(&catalog, &source, chunk)?;
        }
        last = last.max(Watermark::Complete(chunk));
        prune(&catalog, RetentionGate::new(last, retention, earliest)?)?;
    }

    println!("4. the catalog and the tree");
    report::side_by_side(&catalog)
}

/// The configuration file with only the required keys.
fn default_config(directory: &std::path::Path) -> Outcome<Config> {
    let text = "[service]\ndefault_data_dir = \".\"\n\
                [streaming]\ncaptive_core_config = \"captive-core.toml\"\n";
    let file = std::path::absolute(directory)?.join("frostline.toml");
    Ok(Config::parse(text, file)?)
}

/// Pins the earliest ledger at the first start; every later start must agree.
fn pin(catalog: &Catalog, config: &Config, source: &Source) -> Outcome<LedgerSeq> {
    if let Some(pinned) = catalog.earliest_ledger()? {
        return Ok(pinned);
    }
    let wanted = match (config.streaming.earliest_ledger, source.first_chunk()) {
        (EarliestLedger::Ledger(ledger), _) => ledger,
        // A lake begins where its first object is.
        (_, Some(chunk)) => chunk.first_ledger(),
        (EarliestLedger::Genesis | EarliestLedger::Now, None) => LedgerSeq::GENESIS,
    };
    let _first_time = catalog.pin_earliest_ledger(wanted)?;
    Ok(wanted)
}

/// The newest chunk that is frozen, from the keys.
fn last_complete(catalog: &Catalog) -> Outcome<Watermark> {
    let mut last = Watermark::NothingYet;
    for entry in catalog.chunk_artifact_keys()? {
        let (key, state) = entry?;
        if state == ArtifactState::Frozen {
            last = last.max(Watermark::Complete(key.chunk));
        }
    }
    Ok(last)
}

/// Finishes every removal, and removes debris: it will be built again from the hot directory.
fn settle(catalog: &Catalog) -> Outcome<()> {
    let recovered = catalog.recover(DebrisPolicy::Remove)?;
    for key in recovered.pruned.iter().chain(&recovered.removed) {
        println!("   {key}: removed");
    }
    for key in &recovered.discarded {
        println!("   {key}: removed");
    }
    match recovered.failed.into_iter().next() {
        Some((_, failure)) => Err(failure.into()),
        None => Ok(()),
    }
}

/// One chunk: hot, frozen, discarded. Does what is still to be done, so a second run does nothing.
fn process(catalog: &Catalog, source: &Source, chunk: ChunkId) -> Outcome<()> {
    let frozen = match catalog.claim::<Ledgers>(chunk)? {
        Artifact::Frozen(_) => true,
        Artifact::Absent | Artifact::Debris(_) | Artifact::Pruning(_) => false,
    };
    if !frozen {
        let database = hot::Database::open(catalog, chunk)?;
        ingest(&database, source, chunk)?;
        freeze(catalog, &database, chunk)?;
        verify(catalog, source, chunk)?;
        database.close();
    }
    let lease = catalog.lease::<Ledgers>(chunk)?;
    let lease = lease.ok_or("the chunk was frozen and cannot be read")?;
    if let Hot::Ready(ready) = catalog.claim_hot(chunk)? {
        ready.discard(&lease)?.remove()?;
        println!("   {chunk}: hot directory discarded");
    }
    Ok(())
}

/// Writes the chunk's ledgers that the hot database does not have yet, one synced batch each.
fn ingest(database: &hot::Database, source: &Source, chunk: ChunkId) -> Outcome<()> {
    let ledgers = source.ledgers(chunk);
    let progress = Progress::new(chunk, "ingest", ledgers.len());
    for ledger in &ledgers {
        if !database.has(*ledger)? {
            database.put(*ledger, &source.bytes(*ledger)?)?;
        }
        progress.step();
    }
    progress.done();
    println!("   {chunk}: {} ledgers hot", ledgers.len());
    Ok(())
}

/// Mark, write, fsync, flip.
fn freeze(catalog: &Catalog, database: &hot::Database, chunk: ChunkId) -> Outcome<()> {
    let mut freezing = catalog.begin::<Ledgers>(chunk)?;
    let mut file = freezing.file(Ledgers::PACK)?;
    let mut count = 0;
    for entry in database.ledgers() {
        let (ledger, bytes) = entry?;
        pack::append(&mut file, ledger, &bytes)?;
        count += 1;
    }
    let synced = freezing.sync()?;
    drop(catalog.commit(synced)?);
    println!("   {chunk}: {count} ledgers frozen");
    Ok(())
}

/// Reads the pack back under a lease: every ledger equals its source, byte for byte.
fn verify(catalog: &Catalog, source: &Source, chunk: ChunkId) -> Outcome<()> {
    let lease = catalog
        .lease::<Ledgers>(chunk)?
        .ok_or("the chunk was frozen and cannot be read")?;
    let packed = pack::read(lease.open(Ledgers::PACK)?)?;
    let expected = source.ledgers(chunk);
    if packed.len() != expected.len() {
        return Err(format!("chunk {chunk}: {} ledgers in the pack", packed.len()).into());
    }
    for ((ledger, bytes), wanted) in packed.iter().zip(expected) {
        if *ledger != wanted || *bytes != source.bytes(wanted)? {
            return Err(format!("ledger {wanted} differs from its source").into());
        }
    }
    println!("   {chunk}: pack equals its source");
    Ok(())
}

/// Sweeps everything below the floor, in one batch. A key that is in use does not stop the others.
fn prune(catalog: &Catalog, gate: RetentionGate) -> Outcome<()> {
    let below = catalog.claim_below(gate)?;
    for claimed in &below.claimed {
        println!("   {}: in use, pruned later", claimed.key);
    }
    let swept = catalog.sweep_chunk_artifacts(below.prunable)?;
    for key in &swept.deleted {
        println!("   {key}: pruned, floor is {}", gate.floor());
    }
    match swept.failed.into_iter().next() {
        Some((_, failure)) => Err(failure.into()),
        None => Ok(()),
    }
}
