//! A data directory of its own for each test, and a record of what is done to it.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use frostline::sim::Probe;
use frostline::{
    ArtifactKind, ArtifactState, Catalog, ChunkId, Frozen, Ledgers, Operation, StorageRoots,
};

pub fn chunk(number: u32) -> ChunkId {
    ChunkId::new(number).unwrap()
}

/// A temporary data directory.
pub struct World {
    dir: tempfile::TempDir,
}

impl World {
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    pub fn data(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn roots(&self) -> StorageRoots {
        StorageRoots::under(self.data()).unwrap()
    }

    pub fn open(&self) -> Catalog {
        Catalog::open(self.roots().lock().unwrap()).unwrap()
    }

    pub fn open_with(&self, probe: Probe) -> Catalog {
        Catalog::open(self.roots().lock_with_probe(probe).unwrap()).unwrap()
    }

    pub fn pack(&self, number: u32) -> PathBuf {
        let chunk = chunk(number);
        self.data()
            .join(format!("ledgers/{}/{chunk}.pack", chunk.bucket()))
    }

    /// Every path below the data directory, with the bytes of the files; the catalog's own left out.
    pub fn tree(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut tree = tree(&self.data());
        tree.retain(|path, _| !path.starts_with("catalog/rocksdb/"));
        tree
    }
}

/// Every path below a directory, relative to it, with the bytes of the files.
pub fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(directory) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&directory) else {
            continue;
        };
        for entry in entries {
            let path = entry.unwrap().path();
            let relative = path.strip_prefix(root).unwrap().to_path_buf();
            if path.is_dir() {
                found.insert(relative, Vec::new());
                open.push(path);
            } else {
                found.insert(relative, std::fs::read(&path).unwrap_or_default());
            }
        }
    }
    found
}

pub fn freeze(catalog: &Catalog, number: u32, bytes: &[u8]) -> Frozen<Ledgers> {
    let mut freezing = catalog.begin::<Ledgers>(chunk(number)).unwrap();
    let mut file = freezing.file(Ledgers::PACK).unwrap();
    file.write_all(bytes).unwrap();
    freezing.freeze().unwrap()
}

pub fn state(catalog: &Catalog, number: u32) -> Option<ArtifactState> {
    catalog.state(chunk(number), ArtifactKind::Ledgers).unwrap()
}

/// The operations that change the disk or make it durable, as `what where`, paths below the data
/// directory.
#[derive(Clone, Default)]
pub struct Trace {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Trace {
    pub fn probe(&self, world: &World) -> Probe {
        let lines = Arc::clone(&self.lines);
        let data = world.data();
        Probe::new(move |operation, path| {
            if let Some(what) = verb(operation) {
                let path = path.strip_prefix(&data).unwrap_or(path);
                let line = format!("{what} {}", path.display());
                lines.lock().unwrap().push(line.trim_end().to_owned());
            }
            Ok(())
        })
    }

    /// What has happened since the last call.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().unwrap())
    }
}

fn verb(operation: Operation) -> Option<&'static str> {
    Some(match operation {
        Operation::CreateDirectory => "mkdir",
        Operation::RemoveDirectory => "rmdir",
        Operation::SyncDirectory => "syncdir",
        Operation::SyncFileSystem => "syncfs",
        Operation::CreateFile => "create",
        Operation::WriteFile => "write",
        Operation::SyncFile => "sync",
        Operation::UnlinkFile => "unlink",
        Operation::RenameFile => "rename",
        Operation::CutFile => "cut",
        Operation::OpenStore => "open-store",
        Operation::CreateStore => "create-store",
        Operation::Commit => "commit",
        _ => return None,
    })
}

/// Fails the nth operation of a kind, from 0, and counts how often it was asked for.
#[derive(Clone, Default)]
pub struct Fault {
    plan: Arc<Mutex<Option<(Operation, usize, i32)>>>,
    seen: Arc<Mutex<Vec<(Operation, PathBuf)>>>,
}

pub const EIO: i32 = 5;
pub const ENOSPC: i32 = 28;

impl Fault {
    pub fn probe(&self) -> Probe {
        let fault = self.clone();
        Probe::new(move |operation, path| {
            fault
                .seen
                .lock()
                .unwrap()
                .push((operation, path.to_path_buf()));
            let mut plan = fault.plan.lock().unwrap();
            match &mut *plan {
                Some((wanted, 0, errno)) if *wanted == operation => {
                    let errno = *errno;
                    *plan = None;
                    Err(io::Error::from_raw_os_error(errno))
                }
                Some((wanted, left, _)) if *wanted == operation => {
                    *left -= 1;
                    Ok(())
                }
                _ => Ok(()),
            }
        })
    }

    /// The nth operation of this kind from now on fails.
    pub fn arm(&self, operation: Operation, nth: usize, errno: i32) {
        *self.plan.lock().unwrap() = Some((operation, nth, errno));
        self.seen.lock().unwrap().clear();
    }

    pub fn has_fired(&self) -> bool {
        self.plan.lock().unwrap().is_none()
    }

    /// Since the fault was armed.
    pub fn count(&self, operation: Operation) -> usize {
        let seen = self.seen.lock().unwrap();
        seen.iter().filter(|(seen, _)| *seen == operation).count()
    }
}

/// The whole text of an error, causes included.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
