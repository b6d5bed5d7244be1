//! Creating the store, all or nothing, and mending what a crash of its own start can leave.
//!
//! RocksDB finds its data through a pointer file, `CURRENT`, which names a manifest. On a disk that
//! may keep one directory entry and lose another, a crash can leave the pointer without what it
//! points to. So a new store is built in a directory aside, synced, and moved into place with the
//! pointer last; and a pointer whose manifest was lost goes back to the manifest before.

use std::ffi::OsStr;

use crate::error::{IoFailure, Operation, StoreFailure};
use crate::fs::Dir;
use crate::layout::{LOCK_FILE, LOST_AND_FOUND};

use super::OpenFailure;
use super::engine::Engine;

/// Where a store is built. While it exists and `CURRENT` does not, the store is empty.
pub(super) const ASIDE: &str = "creating";
pub(super) const POINTER: &str = "CURRENT";
/// What is in the directory before the store is: our lock file, and what a fresh file system brings.
const NOT_THE_STORES: [&str; 2] = [LOCK_FILE, LOST_AND_FOUND];
const NEW_POINTER: &str = "CURRENT.new";
const MANIFEST_PREFIX: &str = "MANIFEST-";

/// The directory holds something, but no store: its pointer file is missing.
#[derive(Debug)]
pub(crate) struct NotACatalog {
    /// Something that is there.
    pub(crate) found: String,
}

/// Brings the directory to the point where the store can be opened.
pub(super) fn settle(dir: &Dir) -> Result<(), OpenFailure> {
    let entries = dir.list()?;
    let has = |name: &str| entries.iter().any(|entry| entry.name == name);
    match (has(POINTER), has(ASIDE)) {
        (true, true) => {
            // The pointer may have been moved into place without its entry being durable yet.
            dir.sync()?;
            remove_aside(dir)?;
            // The aside may have come back after a start had already renewed the pointer.
            Ok(mend_pointer(dir)?)
        }
        (true, false) => Ok(mend_pointer(dir)?),
        (false, true) => {
            // A crash while it was being created: nobody has written to it.
            clear(dir)?;
            create(dir)
        }
        (false, false) => {
            if let Some(found) = entries.iter().find(|entry| is_of_a_store(&entry.name)) {
                let found = found.name.to_string_lossy().into_owned();
                return Err(OpenFailure::NotACatalog(NotACatalog { found }));
            }
            create(dir)
        }
    }
}

fn is_of_a_store(name: &OsStr) -> bool {
    !NOT_THE_STORES.iter().any(|other| name == *other)
}

fn create(dir: &Dir) -> Result<(), OpenFailure> {
    // The directory aside must be durable before anything is moved out of it, or a crash could
    // leave parts of a store without the mark that says what they are.
    dir.create_dir(ASIDE)?;
    dir.sync()?;
    let aside = dir.open_dir(ASIDE)?;
    let failed = |source| StoreFailure::new(Operation::CreateStore, dir.path(), source);
    dir.disk()
        .announce(Operation::CreateStore, dir.path())
        .map_err(|error| failed(error.into()))?;
    Engine::create(&aside).map_err(failed)?;
    let mut parts = Vec::new();
    for entry in aside.list()? {
        let name = entry.name.to_string_lossy().into_owned();
        // The store makes these anew at every start; the options would name the directory aside.
        if name != "LOCK" && !name.starts_with("OPTIONS-") && name != POINTER {
            parts.push(name);
        }
    }
    // The store has synced what it wrote; its names become durable where they are moved to.
    for part in &parts {
        aside.move_file(part, dir)?;
    }
    dir.sync()?;
    aside.move_file(POINTER, dir)?;
    dir.sync()?;
    Ok(remove_aside(dir)?)
}

/// Not synced: should it come back after a crash, the next start removes it again.
fn remove_aside(dir: &Dir) -> Result<(), IoFailure> {
    dir.remove_tree(ASIDE)
}

/// Removes everything but the lock file; the directory aside goes last, because it is the mark that
/// allows this.
fn clear(dir: &Dir) -> Result<(), IoFailure> {
    for entry in dir.list()? {
        if entry.name == ASIDE || !is_of_a_store(&entry.name) {
            continue;
        }
        if entry.is_directory {
            dir.remove_tree(&entry.name)?;
        } else {
            dir.unlink(&entry.name)?;
        }
    }
    dir.sync()?;
    remove_aside(dir)
}

/// Points `CURRENT` back at the newest manifest that is there, if the one it names is not.
///
/// A start writes a new manifest, renames the pointer and syncs the directory once. A crash before
/// that sync may keep the pointer and lose the manifest's entry. The manifest before is deleted only
/// after that sync, so it is still there, with every record that was acknowledged.
fn mend_pointer(dir: &Dir) -> Result<(), IoFailure> {
    let pointer = dir.read_file(POINTER)?;
    let named = String::from_utf8_lossy(&pointer);
    let named = named.trim_end();
    if !is_manifest(named) || dir.has(named)? {
        return Ok(());
    }
    let mut manifests: Vec<_> = manifest_numbers(dir)?;
    manifests.sort_unstable();
    let Some((_, newest)) = manifests.pop() else {
        return Ok(());
    };
    dir.unlink(NEW_POINTER)?;
    let mut file = dir.create_file(NEW_POINTER)?;
    file.append(format!("{newest}\n").as_bytes())?;
    file.flush()?;
    file.sync()?;
    dir.replace_file(NEW_POINTER, POINTER)?;
    dir.sync()
}

/// Whether this is the name of a manifest: anything else that a pointer holds is left alone.
pub(super) fn is_manifest(name: &str) -> bool {
    let number = name.strip_prefix(MANIFEST_PREFIX).unwrap_or_default();
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

fn manifest_numbers(dir: &Dir) -> Result<Vec<(u64, String)>, IoFailure> {
    let entries = dir.list()?;
    let numbered = entries.iter().filter_map(|entry| {
        let name = entry.name.to_str()?;
        let number = name.strip_prefix(MANIFEST_PREFIX)?.parse().ok()?;
        Some((number, name.to_owned()))
    });
    Ok(numbered.collect())
}
