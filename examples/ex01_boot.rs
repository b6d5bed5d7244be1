//! Example 1: boot. From the text of a configuration to an open catalog with its pin.
//!
//! The way is the same at every start, the first one too, and it is a chain of types:
//! `Config` → `StorageRoots` → `LockedRoots` → `Catalog`. There is no other way to any of them, so
//! nothing can be read or written that has not been locked.
//!
//! 1. **Parse the configuration.** Pure: nothing is created, opened or locked. *A crash leaves*
//!    nothing, and so does every mistake in the text.
//! 2. **Lock the roots.** Each root is created if it is missing, locked, and its way down from `/`
//!    made durable. *Durable:* the directories. *A crash leaves* empty directories and lock files;
//!    the kernel has released the locks.
//! 3. **Try to lock them again.** Refused while somebody holds them; nothing on disk changes.
//! 4. **Open the catalog.** Created, all or nothing, where there is none. *A crash leaves* either
//!    no catalog or an empty one.
//! 5. **Pin the earliest ledger.** One synced write. *Durable:* the pin, for ever.
//! 6. **Pin it again**, as every later start does. The same value is a success that says so.
//! 7. **Pin another value.** Refused: history cannot get another beginning.
//! 8. **Restart.** Dropping the catalog releases the roots, and the next start finds the pin.
//!
//! Run it with `cargo run --example ex01_boot`, in a temporary directory, or add
//! `-- DIRECTORY`, an empty or missing one, to look at the files afterwards.

mod shared;

use frostline::config::EarliestLedger;
use frostline::error::LockError;
use frostline::{Catalog, Config, LedgerSeq, StorageRoots};
use shared::{Stage, heading, note};

/// A relative path is taken from the directory of the configuration file.
const CONFIGURATION: &str = r#"
[service]
default_data_dir = "data"

[streaming]
retention_chunks = 4
earliest_ledger = "53500002"
captive_core_config = "captive-core.cfg"
"#;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let stage = Stage::set()?;

    heading("1. Parse the configuration: nothing on disk is touched");
    let config = Config::parse(CONFIGURATION, stage.directory().join("frostline.toml"))?;
    let roots = config.storage.clone();
    note("roots");
    for (role, path) in roots.iter() {
        println!(
            "    {:<40} {}",
            format!("the {role} root"),
            stage.relative(path)
        );
    }
    stage.show_everything(None)?;

    heading("2. Lock the roots: they exist, durably, and are ours");
    let locked = roots.clone().lock()?;
    stage.show_everything(None)?;

    heading("3. Lock them a second time: refused");
    show_second_lock(&stage, roots.clone())?;

    heading("4. Open the catalog: there was none, so it is created");
    let catalog = Catalog::open(locked)?;
    stage.show_everything(Some(&catalog))?;

    pin(&stage, &catalog, &config)?;

    heading("8. Restart: the catalog is dropped, locked and opened again");
    drop(catalog);
    let catalog = Catalog::open(roots.lock()?)?;
    stage.show_everything(Some(&catalog))
}

/// The lock is exclusive even within one process, which is the holder here.
fn show_second_lock(stage: &Stage, roots: StorageRoots) -> Result<(), Box<dyn std::error::Error>> {
    let refusal = roots.lock().err().ok_or("two holders of one lock")?;
    let mut text = stage.text(&refusal);
    if let LockError::InUse {
        holder: Some(holder),
        ..
    } = &refusal
    {
        // The process number and the program's name, which vary.
        text = text.replace(holder.as_str(), "PID (PROGRAM)");
    }
    note(&format!("refused: {text}"));
    stage.show_everything(None)
}

fn pin(
    stage: &Stage,
    catalog: &Catalog,
    config: &Config,
) -> Result<(), Box<dyn std::error::Error>> {
    let earliest = match config.streaming.earliest_ledger {
        EarliestLedger::Genesis => LedgerSeq::GENESIS,
        EarliestLedger::Ledger(ledger) => ledger,
        EarliestLedger::Now => return Err("there is no network here to ask for its newest".into()),
    };

    heading("5. Pin the earliest ledger: written once");
    let pin = catalog.pin_earliest_ledger(earliest)?;
    note(&format!("{pin:?}"));
    stage.show_everything(Some(catalog))?;

    heading("6. Pin the same ledger again: nothing to do");
    let pin = catalog.pin_earliest_ledger(earliest)?;
    note(&format!("{pin:?}"));
    stage.show_everything(Some(catalog))?;

    heading("7. Pin another ledger: refused");
    let refusal = catalog.pin_earliest_ledger(LedgerSeq::GENESIS).err();
    let refusal = refusal.ok_or("a pin was changed")?;
    note(&format!("refused: {}", stage.text(&refusal)));
    stage.show_everything(Some(catalog))
}
