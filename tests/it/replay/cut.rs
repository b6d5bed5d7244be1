//! Replays a recording on the simulated disk, cuts the power at every call, and opens each crash image with the
//! real RocksDB.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io;
use std::path::Path;

use frostline::sim::{Explored, Limits, PowerLoss, SimDisk};
use frostline::{Catalog, StorageRoots};

use super::trace::Call;

/// The data directory on the simulated disk.
const DATA: &str = "/data";

type Keys = BTreeMap<String, String>;

fn at(path: &str) -> String {
    format!("{DATA}/{path}")
}

/// Applies the calls of the recorded process to a new disk.
fn replay(calls: &[Call]) -> SimDisk {
    let disk = SimDisk::new();
    disk.create_directory(DATA).expect("an empty disk");
    disk.sync_all();
    for call in calls {
        if let Err(error) = apply(&disk, call) {
            panic!(
                "{}: {error}",
                call.line().chars().take(90).collect::<String>()
            );
        }
    }
    disk
}

fn apply(disk: &SimDisk, call: &Call) -> io::Result<()> {
    match call {
        Call::Mkdir(path) => disk.create_directory(at(path)),
        Call::Create(path) => disk.create_file(at(path)).map(drop),
        Call::Write(path, offset, bytes) => disk.open_file(at(path))?.write_at(*offset, bytes),
        Call::Cut(path, length) => disk.open_file(at(path))?.cut(*length),
        Call::Sync(path) => disk.open_file(at(path))?.sync(),
        Call::SyncDir(path) => disk.sync_directory(at(path)),
        Call::Rename(from, to) => disk.rename(at(from), at(to)),
        Call::Unlink(path) => disk.unlink(at(path)),
        Call::Rmdir(path) => disk.remove_directory(at(path)),
        Call::Ack(keys) => {
            disk.acknowledge(keys.iter().cloned().collect());
            Ok(())
        }
    }
}

/// Copies the content of the simulated disk into a real directory.
fn materialize(disk: &SimDisk, directory: &Path) {
    let place = |path: &Path| {
        let below = path.strip_prefix("/").expect("an absolute path");
        directory.join(below)
    };
    let mut files = Vec::new();
    disk.walk(|path, bytes| match bytes {
        None => std::fs::create_dir_all(place(path)).expect("a directory of the test's own"),
        Some(bytes) => files.push((place(path), bytes.to_vec())),
    });
    for (path, bytes) in files {
        std::fs::write(path, bytes).expect("a file of the test's own");
    }
}

/// Opens the disk with the real store, and returns its keys.
fn open(disk: &SimDisk) -> Result<Keys, String> {
    let place = tempfile::tempdir().map_err(|error| error.to_string())?;
    materialize(disk, place.path());
    let data = place.path().join("data");
    let text = |error: &dyn std::error::Error| {
        let cause = error.source().map(ToString::to_string);
        format!("{error}: {}", cause.unwrap_or_default())
    };
    let mut found = Keys::new();
    // The second start must find the same keys as the first.
    for _ in 0..2 {
        let roots = StorageRoots::under(&data).map_err(|error| text(&error))?;
        let locked = roots.lock().map_err(|error| text(&error))?;
        let catalog = Catalog::open(locked).map_err(|error| text(&error))?;
        let entries = catalog
            .chunk_artifact_keys()
            .map_err(|error| text(&error))?;
        let mut keys = Keys::new();
        for entry in entries {
            let (key, state) = entry.map_err(|error| text(&error))?;
            keys.insert(key.to_string(), state.to_string());
        }
        if !found.is_empty() && found != keys {
            return Err(format!(
                "the first start found {found:?}, the second {keys:?}"
            ));
        }
        found = keys;
    }
    Ok(found)
}

/// Cuts the power at every call. Each crash image must open with the acknowledged batches, or with these and the
/// batch in flight.
///
/// # Errors
///
/// Returns the crash trace of the first image that does not.
pub fn cut_everywhere(calls: &[Call], limits: Limits, seed: u64) -> Result<Explored, String> {
    let mut acknowledged: Vec<Keys> = calls
        .iter()
        .filter_map(|call| match call {
            Call::Ack(keys) => Some(keys.iter().cloned().collect()),
            _ => None,
        })
        .collect();
    // A start acknowledges the same keys as the last commit.
    acknowledged.dedup();
    let disk = replay(calls);
    // Equal images are opened once, even if their acknowledged batches differ.
    let opened = RefCell::new(HashMap::new());
    let check = |disk: &SimDisk| {
        let mut opened = opened.borrow_mut();
        let found = opened
            .entry(fingerprint(disk))
            .or_insert_with(|| open(disk));
        let found = found.clone()?;
        let (promised, _) = disk.promised();
        let at = acknowledged.iter().position(|keys| *keys == promised);
        let next = at.map_or(0, |at| at + 1);
        if found == promised || acknowledged.get(next) == Some(&found) {
            return Ok(());
        }
        Err(format!(
            "acknowledged was {promised:?}, and there is {found:?}"
        ))
    };
    let explored = PowerLoss::new(|_| Ok(()), |disk, _| check(disk))
        .with_limits(limits, seed)
        .explore(&disk.history());
    explored.map_err(|storyboard| storyboard.to_string())
}

/// Returns a hash of the disk's content.
fn fingerprint(disk: &SimDisk) -> u64 {
    let mut hasher = DefaultHasher::new();
    disk.walk(|path, bytes| (path, bytes).hash(&mut hasher));
    hasher.finish()
}
