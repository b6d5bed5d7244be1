//! A later layer's own file under power loss.
//!
//! A layer above keeps a small file beside its ledgers: here the number of the last one, in the chunk's
//! hot directory. It replaces the file in the usual way: write a new one aside, sync it, give it the
//! name, sync the directory. Is that right? The simulated disk tells:
//!
//! 1. start a node on a disk in memory, and make a hot directory ready: all of it real code;
//! 2. replace the file there, as the layer would;
//! 3. cut the power at every operation, in every way that a disk may come out of it, recover, and ask
//!    whether the file reads as it did before or as it should;
//! 4. leave out the sync of the new file, as a hurried author would, and read the storyboard.
//!
//! Needs the feature `sim`, which this crate's own examples have. In another crate:
//! `frostline = { .., features = ["sim"] }` among the `dev-dependencies`.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};

use frostline::sim::{PowerLoss, SimDisk, When};
use frostline::{Catalog, ChunkId, DebrisPolicy, StorageRoots};

type Outcome<T> = Result<T, Box<dyn Error>>;

const OLD: &[u8] = b"ledger 53500001";
const NEW: &[u8] = b"ledger 53500002";

fn main() -> Outcome<()> {
    println!("1. a node on a disk in memory");
    let disk = SimDisk::new();
    let directory = start(&disk)?;
    println!("   {} is ready", directory.display());

    println!("2. the layer replaces its file");
    replace(&disk, &directory, OLD, true)?;
    // From here on: what is on the disk now is durable, and what happens next can be lost.
    disk.sync_all();
    replace(&disk, &directory, NEW, true)?;
    for operation in disk.history().lines() {
        println!("   {operation}");
    }

    println!("3. the power is cut, everywhere");
    let power_loss = PowerLoss::new(recover, |disk, when| check(disk, &directory, when));
    let explored = power_loss.explore(&disk.history())?;
    println!(
        "   {} disks, {} of them different, {} recoveries: always the old number or the new one",
        explored.images, explored.distinct, explored.recoveries
    );

    println!("4. without the sync of the new file");
    let disk = SimDisk::new();
    let directory = start(&disk)?;
    replace(&disk, &directory, OLD, true)?;
    disk.sync_all();
    replace(&disk, &directory, NEW, false)?;
    match power_loss.explore(&disk.history()) {
        Ok(_) => Err("nobody noticed".into()),
        Err(storyboard) => {
            print!("{storyboard}");
            Ok(())
        }
    }
}

/// Opens a catalog and makes a hot directory ready.
fn start(disk: &SimDisk) -> Outcome<PathBuf> {
    let catalog = open(disk)?;
    let ready = catalog.create_hot(ChunkId::new(5350)?)?.ready()?;
    Ok(ready.path())
}

fn open(disk: &SimDisk) -> Outcome<Catalog> {
    let roots = StorageRoots::under("/data")?.lock_on_simulated(disk)?;
    Ok(Catalog::open(roots)?)
}

/// The writer under test.
fn replace(disk: &SimDisk, directory: &Path, bytes: &[u8], synced: bool) -> io::Result<()> {
    let aside = directory.join("last.new");
    // The leftovers of an earlier attempt.
    if disk.read(&aside).is_ok() {
        disk.unlink(&aside)?;
    }
    let file = disk.create_file(&aside)?;
    file.append(bytes)?;
    if synced {
        file.sync()?;
    }
    disk.rename(&aside, directory.join("last"))?;
    disk.sync_directory(directory)
}

/// The work of the next process.
fn recover(disk: &SimDisk) -> Result<(), String> {
    let recovered = open(disk).and_then(|catalog| Ok(catalog.recover(DebrisPolicy::Remove)?));
    recovered.map(drop).map_err(|error| error.to_string())
}

/// The invariant.
fn check(disk: &SimDisk, directory: &Path, when: When) -> Result<(), String> {
    let found = disk.read(directory.join("last"));
    match found.as_deref() {
        Ok(OLD | NEW) => Ok(()),
        Ok(other) => Err(format!(
            "{when:?}: the number reads `{}`",
            other.escape_ascii()
        )),
        Err(error) => Err(format!("{when:?}: the number cannot be read: {error}")),
    }
}
