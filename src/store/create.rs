//! Creating the store, all or nothing, and repairing a creation or a start that a crash cut off.
//!
//! RocksDB finds its data through a pointer file, `CURRENT`, which names a manifest. On a disk that
//! may keep one directory entry and lose another, a crash can leave the pointer without its manifest.
//! Therefore a new store is built in a staging directory, synced, and moved into place with the
//! pointer last; and a pointer whose manifest was lost goes back to the manifest before.

use std::ffi::OsStr;

use super::engine::Engine;
use super::failure::{Damage, DamageKind, NotACatalog, OpenFailure};
use super::log_check::{self, Before, check_as_named};
use super::names::{
    BALLAST, NEW_POINTER, OPTIONS, POINTER, STORE_LOCK, is_manifest, is_rocksdbs, manifest_name,
    manifest_numbers,
};
use super::witness::{Testimony, Witness, Witnessed};
use crate::domain::{IDENTITY_FILE, LOCK_FILE, LOST_AND_FOUND, NEW_IDENTITY_FILE};
use crate::failure::{IoFailure, Operation, StoreFailure};
use crate::fs::{Dir, EntryKind, resolve};

/// The directory in which a store is built. While it exists and the pointer does not, the store is empty. The name is
/// frostline's own, because what is found under it is removed.
pub(super) const STAGING: &str = "frostline.creating";

/// Entries of the directory that are there before the store is, or beside it.
const NOT_THE_STORES: [&str; 5] = [
    LOCK_FILE,
    IDENTITY_FILE,
    NEW_IDENTITY_FILE,
    LOST_AND_FOUND,
    BALLAST,
];

/// Brings the directory to the point where the store can be opened: creates the store where there is
/// none, or finishes what a crash cut off.
pub(super) fn ensure_created(dir: &Dir, witness: &Witness) -> Result<(), OpenFailure> {
    let entries = dir.list()?;
    let has = |name: &str| entries.iter().any(|entry| entry.name == name);
    match (has(POINTER), has(STAGING)) {
        (true, true) => {
            check_staging(dir)?;
            // The staging directory may have come back after a start had renewed the pointer.
            repair_pointer(dir, witness)
        }
        (true, false) => repair_pointer(dir, witness),
        (false, true) => {
            // A crash during the creation: no process has written to the store.
            clear(dir)?;
            create(dir, witness)
        }
        (false, false) => {
            let mut names = entries.iter().map(|entry| &entry.name);
            if let Some(found) = names.find(|name| !is_beside_store(name)) {
                return Err(not_a_catalog(found));
            }
            create(dir, witness)
        }
    }
}

/// Removes the staging directory of a creation that is complete, but for this.
pub(super) fn finish_creation(dir: &Dir) -> Result<(), IoFailure> {
    if dir.has(STAGING)? {
        // The pointer may have been moved into place without its entry being durable yet.
        dir.sync()?;
        remove_staging(dir)?;
    }
    Ok(())
}

/// Whether the directory holds a store whose creation was complete.
pub(crate) fn holds_store(dir: &Dir) -> Result<bool, IoFailure> {
    dir.has(POINTER)
}

/// An entry of another program: one that neither RocksDB nor this library makes.
pub(crate) fn foreign_entry(dir: &Dir) -> Result<Option<String>, IoFailure> {
    let foreign = |name: &OsStr| {
        let is_rocksdbs = name.to_str().is_some_and(is_rocksdbs);
        !is_rocksdbs && name != STAGING && !is_beside_store(name)
    };
    let entries = dir.list()?;
    let found = entries.iter().find(|entry| foreign(&entry.name));
    Ok(found.map(|entry| entry.name.to_string_lossy().into_owned()))
}

fn not_a_catalog(found: &OsStr) -> OpenFailure {
    let found = found.to_string_lossy().into_owned();
    OpenFailure::NotACatalog(NotACatalog { found })
}

fn is_beside_store(name: &OsStr) -> bool {
    NOT_THE_STORES.iter().any(|other| name == *other)
}

fn create(dir: &Dir, witness: &Witness) -> Result<(), OpenFailure> {
    if let (Testimony::Is(witnessed), false) = (witness.read()?, witness.adopts())
        && witnessed > Witnessed::NOTHING
    {
        // A catalog has been here: an empty one in its place would forget every key.
        let kind = DamageKind::Missing;
        let path = dir.join(POINTER);
        return Err(OpenFailure::Damaged(Damage { path, kind }));
    }
    // Before the store: from here on a store without a witness has lost it.
    witness.write(Witnessed::NOTHING)?;
    // The staging directory must be durable before anything is moved out of it, or a crash could
    // leave parts of a store without the mark that says so.
    dir.create_dir(STAGING)?;
    dir.sync()?;
    let staging = dir.open_dir(STAGING)?;
    let failed = |source| StoreFailure::new(Operation::CreateStore, dir.path(), source);
    dir.disk()
        .announce(Operation::CreateStore, dir.path())
        .map_err(|error| failed(error.into()))?;
    Engine::create(&staging).map_err(failed)?;
    let mut parts = Vec::new();
    for entry in staging.list()? {
        let name = entry.name.to_string_lossy().into_owned();
        // The store makes these anew at every start; the options would name the staging directory.
        if name != STORE_LOCK && !name.starts_with(OPTIONS) && name != POINTER {
            parts.push(name);
        }
    }
    // The store has synced its bytes; its names become durable where they are moved to.
    for part in &parts {
        staging.move_file(part, dir)?;
    }
    dir.sync()?;
    staging.move_file(POINTER, dir)?;
    dir.sync()?;
    Ok(remove_staging(dir)?)
}

/// Refuses a staging directory that holds anything but a store's files.
fn check_staging(dir: &Dir) -> Result<(), OpenFailure> {
    let staging = dir.open_dir(STAGING)?;
    check_rocksdbs(&staging, |_| false)
}

/// Refuses a directory that holds anything but regular files with names that RocksDB makes.
fn check_rocksdbs(dir: &Dir, is_known: impl Fn(&OsStr) -> bool) -> Result<(), OpenFailure> {
    for entry in dir.list()? {
        let is_rocksdbs = entry.name.to_str().is_some_and(is_rocksdbs);
        if !is_known(&entry.name) && (entry.is_directory || !is_rocksdbs) {
            return Err(not_a_catalog(&entry.name));
        }
    }
    Ok(())
}

/// Not synced: if it comes back after a crash, the next start removes it again.
fn remove_staging(dir: &Dir) -> Result<(), IoFailure> {
    dir.remove_tree(STAGING)
}

/// Removes the parts of a store whose creation was cut off; the staging directory goes last, because
/// it is the mark that allows this. Removes nothing at all if anything else is there.
fn clear(dir: &Dir) -> Result<(), OpenFailure> {
    check_staging(dir)?;
    check_rocksdbs(dir, |name| name == STAGING || is_beside_store(name))?;
    for entry in dir.list()? {
        if entry.name != STAGING && !is_beside_store(&entry.name) {
            dir.unlink(&entry.name)?;
        }
    }
    dir.sync()?;
    Ok(remove_staging(dir)?)
}

/// Points `CURRENT` back at the manifest before, if the one that it names is missing.
///
/// A start writes a new manifest, renames the pointer and syncs the directory once. A crash before
/// that sync may keep the pointer and lose the manifest's entry. The manifest before is deleted only
/// after that sync, so it is still there, with every edit that was acknowledged. A killed start may
/// have left a newer one that is empty or incomplete; only one that is whole, and that the logs and the
/// witness agree with, is taken.
fn repair_pointer(dir: &Dir, witness: &Witness) -> Result<(), OpenFailure> {
    let pointer = dir.read_file(POINTER)?;
    let named = String::from_utf8_lossy(&pointer);
    let named = named.trim_end();
    if !is_manifest(named) || dir.has(named)? {
        return Ok(());
    }
    let witnessed = log_check::witnessed(witness)?;
    for number in manifest_numbers(dir)?.into_iter().rev() {
        let name = manifest_name(number);
        match check_as_named(dir, &name, Before::Nothing, witnessed) {
            Ok(checked) if !checked.cuts(&name) => return Ok(point_to(dir, &name)?),
            Ok(_) | Err(OpenFailure::Damaged(_)) => {}
            Err(failure) => return Err(failure),
        }
    }
    let (path, kind) = (dir.join(named), DamageKind::Missing);
    Err(OpenFailure::Damaged(Damage { path, kind }))
}

fn point_to(dir: &Dir, manifest: &str) -> Result<(), IoFailure> {
    let line = format!("{manifest}\n");
    dir.put_file(NEW_POINTER, POINTER, line.as_bytes())
}

/// Refuses a special file under a name that RocksDB would open: opening a pipe waits for ever.
pub(super) fn check_regular(dir: &Dir) -> Result<(), IoFailure> {
    for entry in dir.list()? {
        let is_the_stores = entry.name == BALLAST || entry.name.to_str().is_some_and(is_rocksdbs);
        if is_the_stores && dir.kind_of(&entry.name)? != Some(EntryKind::File) {
            let source = std::io::Error::other("it is not a regular file: move it away");
            let path = dir.join(&entry.name);
            return Err(IoFailure::new(Operation::OpenFile, path, source));
        }
    }
    Ok(())
}

/// Makes sure that the path still leads to the locked directory, so that errors name the right one.
pub(super) fn check_not_moved(dir: &Dir) -> Result<(), OpenFailure> {
    let there = resolve(dir.path(), dir.disk())?.identity();
    if there == Some(dir.identity()?) {
        return Ok(());
    }
    Err(OpenFailure::Moved)
}
