//! Creating the store, all or nothing, and repairing a creation or a start that a crash interrupted.
//!
//! RocksDB finds its data through a pointer file, `CURRENT`, which names a manifest. On a disk that may keep one
//! directory entry and lose another, a crash can leave the pointer without its manifest. Therefore a new store is
//! built in a staging directory, synced, and moved into place with the pointer last. A pointer whose manifest was
//! lost goes back to the previous manifest.

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

/// The staging directory, in which a store is built. While it exists and the pointer does not, the store is empty.
/// The name is frostline's own, because everything under it is removed.
pub(super) const STAGING: &str = "frostline.creating";

/// Entries that are in the directory before the store is, or beside it.
const NOT_THE_STORES: [&str; 5] = [
    LOCK_FILE,
    IDENTITY_FILE,
    NEW_IDENTITY_FILE,
    LOST_AND_FOUND,
    BALLAST,
];

/// Makes the directory ready for opening the store. Creates the store if there is none, or repairs an interrupted
/// creation or start.
pub(super) fn ensure_created(dir: &Dir, witness: &Witness) -> Result<(), OpenFailure> {
    let entries = dir.list()?;
    let has = |name: &str| entries.iter().any(|entry| entry.name == name);
    match (has(POINTER), has(STAGING)) {
        (true, true) => {
            check_staging(dir)?;
            // A crash may bring the staging directory back after a start has renewed the pointer.
            repair_pointer(dir, witness)
        }
        (true, false) => repair_pointer(dir, witness),
        (false, true) => {
            // A crash interrupted the creation: no process has written to the store.
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

/// Removes the staging directory, if this last step of a creation is missing.
pub(super) fn finish_creation(dir: &Dir) -> Result<(), IoFailure> {
    if dir.has(STAGING)? {
        // The pointer may have been moved into place without its entry being durable yet.
        dir.sync()?;
        remove_staging(dir)?;
    }
    Ok(())
}

/// Returns whether the directory holds a store whose creation was complete.
pub(crate) fn holds_store(dir: &Dir) -> Result<bool, IoFailure> {
    dir.has(POINTER)
}

/// Returns an entry of another program, which neither RocksDB nor this library makes, or `None`.
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
        // A catalog has been here. An empty one in its place would forget every key.
        let kind = DamageKind::Missing;
        let path = dir.join(POINTER);
        return Err(OpenFailure::Damaged(Damage { path, kind }));
    }
    // The witness is written before the store. From here on, a store without a witness has lost it.
    witness.write(Witnessed::NOTHING)?;
    // The staging directory must be durable before anything is moved out of it. Otherwise a crash could leave parts
    // of a store without the entry that marks them as incomplete.
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
        // The store makes its lock and options anew at every start; the options would name the staging directory. The
        // pointer is moved last.
        if name != STORE_LOCK && !name.starts_with(OPTIONS) && name != POINTER {
            parts.push(name);
        }
    }
    // The store has synced its bytes. Its names become durable in the directory that they are moved to.
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

/// Refuses a directory that holds anything but known entries and regular files with names that RocksDB makes.
fn check_rocksdbs(dir: &Dir, is_known: impl Fn(&OsStr) -> bool) -> Result<(), OpenFailure> {
    for entry in dir.list()? {
        let is_rocksdbs = entry.name.to_str().is_some_and(is_rocksdbs);
        if !is_known(&entry.name) && (entry.is_directory || !is_rocksdbs) {
            return Err(not_a_catalog(&entry.name));
        }
    }
    Ok(())
}

/// Removes the staging directory without a sync. If it comes back after a crash, the next start removes it again.
fn remove_staging(dir: &Dir) -> Result<(), IoFailure> {
    dir.remove_tree(STAGING)
}

/// Removes the parts of a store whose creation was interrupted. The staging directory goes last, because its presence
/// allows this removal. If any other entry is there, removes nothing.
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

/// Points `CURRENT` back at the previous manifest, if the manifest that it names is missing.
///
/// A start writes a new manifest, renames the pointer and syncs the directory once. A crash before that sync may keep
/// the pointer and lose the manifest's entry. The previous manifest is deleted only after that sync, so it still
/// exists, with every acknowledged edit. A killed start may have left a newer manifest that is empty or incomplete. A
/// manifest is taken only if it is whole and agrees with the logs and the witness.
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

/// Refuses a special file under a name that RocksDB would open, because opening a pipe waits forever.
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

/// Checks that the path still leads to the locked directory, so that errors name the right directory.
pub(super) fn check_not_moved(dir: &Dir) -> Result<(), OpenFailure> {
    let there = resolve(dir.path(), dir.disk())?.identity();
    if there == Some(dir.identity()?) {
        return Ok(());
    }
    Err(OpenFailure::Moved)
}
