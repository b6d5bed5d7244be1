//! A data directory for each test, the store below it, and faults to order.

use std::collections::BTreeMap;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use frostline::error::Operation;
use frostline::key::FileName;
use frostline::sim::Probe;
use frostline::{
    ArtifactKind, ArtifactState, Catalog, ChunkId, Freezing, FreezingSet, Frozen, HotDebris, Kind,
    LedgerSeq, Ledgers, Ready, RootRole, StorageRoots,
};

// Linux numbers, which are the same on every architecture that this library is built for.
pub const EIO: i32 = 5;
pub const EACCES: i32 = 13;
pub const ENOSPC: i32 = 28;
pub const EROFS: i32 = 30;
pub const EDQUOT: i32 = 122;
pub const EOPNOTSUPP: i32 = 95;

/// A chunk that exists.
pub fn chunk(number: u32) -> ChunkId {
    ChunkId::new(number).unwrap()
}

/// A ledger that exists.
pub fn ledger(sequence: u32) -> LedgerSeq {
    LedgerSeq::new(sequence).unwrap()
}

/// A data directory of its own, removed at the end.
pub struct Data {
    dir: tempfile::TempDir,
}

impl Data {
    pub fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    /// The same, in this directory.
    pub fn below(directory: &str) -> io::Result<Self> {
        let dir = tempfile::tempdir_in(directory)?;
        Ok(Self { dir })
    }

    /// The directory around the data directory.
    pub fn outside(&self) -> &Path {
        self.dir.path()
    }

    /// The data directory, which nothing has made yet.
    pub fn path(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn roots(&self) -> StorageRoots {
        StorageRoots::under(self.path()).unwrap()
    }

    pub fn root(&self, role: RootRole) -> PathBuf {
        self.roots().path(role).to_path_buf()
    }

    pub fn open(&self) -> Catalog {
        Catalog::open(self.roots().lock().unwrap()).unwrap()
    }

    pub fn open_with(&self, faults: &Faults) -> Catalog {
        self.open_probed(faults.probe())
    }

    pub fn open_probed(&self, probe: Probe) -> Catalog {
        Catalog::open(self.roots().lock_with_probe(probe).unwrap()).unwrap()
    }

    /// Returns the path of a chunk's ledgers.
    pub fn pack(&self, number: u32) -> PathBuf {
        let chunk = chunk(number);
        self.path()
            .join(format!("ledgers/{}/{chunk}.pack", chunk.bucket()))
    }

    /// Every path below the data directory, with the bytes of the files; the catalog's own left out.
    pub fn tree(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut tree = tree(&self.path());
        tree.retain(|path, _| !path.starts_with("catalog/rocksdb/"));
        tree
    }

    /// Puts entries into the store behind the library's back. No catalog may be open.
    pub fn write_raw_for_test(&self, entries: &[(&[u8], &[u8])]) {
        let store = self.store();
        for (key, value) in entries {
            store.put(key, value).unwrap();
        }
    }

    /// Everything in the store. No catalog may be open.
    pub fn stored(&self) -> BTreeMap<String, String> {
        entries(&self.store())
    }

    /// Everything in the store, while this catalog is open.
    pub fn stored_while(&self, _: &Catalog) -> BTreeMap<String, String> {
        let options = rocksdb::Options::default();
        let root = self.root(RootRole::Catalog);
        entries(&rocksdb::DB::open_for_read_only(&options, root, false).unwrap())
    }

    fn store(&self) -> rocksdb::DB {
        let options = rocksdb::Options::default();
        rocksdb::DB::open(&options, self.root(RootRole::Catalog)).unwrap()
    }

    /// The text, with `{dir}` in place of the directory around the data directory.
    pub fn redact(&self, text: &str) -> String {
        text.replace(self.outside().to_str().unwrap(), "{dir}")
    }

    /// Everything below the directory, files with their length, sorted.
    pub fn listing(&self) -> Vec<String> {
        let mut entries = Vec::new();
        list(self.outside(), &mut entries);
        let mut entries: Vec<_> = entries.iter().map(|entry| self.redact(entry)).collect();
        entries.sort();
        entries
    }
}

fn list(directory: &Path, entries: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            entries.push(format!("{}/", path.display()));
            list(&path, entries);
        } else {
            let length = entry.metadata().unwrap().len();
            entries.push(format!("{} {length}", path.display()));
        }
    }
}

struct Armed {
    operation: Operation,
    /// Operations of this sort that still succeed.
    spared: usize,
    errno: i32,
}

#[derive(Default)]
struct Watched {
    seen: Vec<Operation>,
    armed: Option<Armed>,
}

/// Records every operation, and makes one of them fail.
#[derive(Clone, Default)]
pub struct Faults {
    watched: Arc<Mutex<Watched>>,
}

impl Faults {
    pub fn new() -> Self {
        Self::default()
    }

    pub fn probe(&self) -> Probe {
        let faults = self.clone();
        Probe::new(move |operation, _path| faults.meet(operation))
    }

    fn meet(&self, operation: Operation) -> io::Result<()> {
        let mut watched = self.watched.lock().unwrap();
        watched.seen.push(operation);
        match &mut watched.armed {
            Some(armed) if armed.operation == operation => {
                if armed.spared > 0 {
                    armed.spared -= 1;
                    return Ok(());
                }
                let errno = armed.errno;
                watched.armed = None;
                Err(io::Error::from_raw_os_error(errno))
            }
            _ => Ok(()),
        }
    }

    /// The next operation of this sort fails, once.
    pub fn fail(&self, operation: Operation, errno: i32) {
        self.fail_after(0, operation, errno);
    }

    /// The operation of this sort after so many that succeed fails, once.
    pub fn fail_after(&self, spared: usize, operation: Operation, errno: i32) {
        self.watched.lock().unwrap().armed = Some(Armed {
            operation,
            spared,
            errno,
        });
    }

    /// As [`Faults::fail_after`], and the record begins anew.
    pub fn arm(&self, operation: Operation, spared: usize, errno: i32) {
        self.watched.lock().unwrap().seen.clear();
        self.fail_after(spared, operation, errno);
    }

    pub fn has_fired(&self) -> bool {
        self.watched.lock().unwrap().armed.is_none()
    }

    /// How often this operation was asked for.
    pub fn count(&self, operation: Operation) -> usize {
        let watched = self.watched.lock().unwrap();
        watched
            .seen
            .iter()
            .filter(|seen| **seen == operation)
            .count()
    }

    /// The operations since the last time of asking. Whatever was to fail must have failed by now.
    pub fn seen(&self) -> Vec<Operation> {
        let mut watched = self.watched.lock().unwrap();
        assert!(watched.armed.is_none(), "the fault did not happen");
        std::mem::take(&mut watched.seen)
    }
}

/// The operations that change the disk or make it durable, as `what where`, paths below the data
/// directory.
#[derive(Clone, Default)]
pub struct Trace {
    lines: Arc<Mutex<Vec<String>>>,
}

impl Trace {
    pub fn probe(&self, data: &Data) -> Probe {
        self.probe_below(&data.path())
    }

    /// The same, with paths below another directory.
    pub fn probe_below(&self, directory: &Path) -> Probe {
        let lines = Arc::clone(&self.lines);
        let directory = directory.to_path_buf();
        Probe::new(move |operation, path| {
            if let Some(what) = verb(operation) {
                let path = path.strip_prefix(&directory).unwrap_or(path);
                let line = format!("{what} {}", path.display());
                lines.lock().unwrap().push(line.trim_end().to_owned());
            }
            Ok(())
        })
    }

    /// Returns the operations since the last call.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().unwrap())
    }
}

/// Returns the verb of an operation that changes the disk or makes it durable.
pub fn verb(operation: Operation) -> Option<&'static str> {
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
        Operation::SetLength => "resize",
        Operation::ReserveSpace => "reserve",
        Operation::OpenStore => "open-store",
        Operation::CreateStore => "create-store",
        Operation::Commit => "commit",
        _ => return None,
    })
}

fn entries(store: &rocksdb::DB) -> BTreeMap<String, String> {
    let entries = store.iterator(rocksdb::IteratorMode::Start);
    entries
        .map(Result::unwrap)
        .map(|(key, value)| {
            let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
            (text(&key), text(&value))
        })
        .collect()
}

pub fn freeze(catalog: &Catalog, number: u32, bytes: &[u8]) -> Frozen<Ledgers> {
    let mut freezing = catalog.begin::<Ledgers>(chunk(number)).unwrap();
    let mut file = freezing.file(Ledgers::PACK).unwrap();
    file.write_all(bytes).unwrap();
    freezing.freeze().unwrap()
}

/// The same artifact, with a few bytes in its file.
pub fn written(mut freezing: Freezing<Ledgers>) -> Freezing<Ledgers> {
    let mut file = freezing.file(Ledgers::PACK).unwrap();
    file.write_all(b"ledgers").unwrap();
    freezing
}

/// Writes one byte into each file of a set.
pub fn write_set(set: &mut FreezingSet) {
    fn write<K: Kind>(member: Option<&mut Freezing<K>>) {
        let Some(member) = member else { return };
        for name in FileName::all() {
            member.file(name).unwrap().write_all(b"1").unwrap();
        }
    }
    write(set.ledgers.as_mut());
    write(set.events.as_mut());
    write(set.txhash.as_mut());
}

/// Discards a hot directory without evidence.
pub fn give_up(catalog: &Catalog, ready: Ready) -> HotDebris {
    catalog.commit(ready.give_up_only_copy()).unwrap()
}

pub fn state(catalog: &Catalog, number: u32) -> Option<ArtifactState> {
    catalog.state(chunk(number), ArtifactKind::Ledgers).unwrap()
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

/// Copies everything below a directory.
pub fn copy_tree(from: &Path, to: &Path) {
    for (path, bytes) in tree(from) {
        let target = to.join(&path);
        if from.join(&path).is_dir() {
            std::fs::create_dir_all(target).unwrap();
        } else {
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::write(target, bytes).unwrap();
        }
    }
}

/// Says that a test could not do its work here.
pub fn skipped(why: &str) {
    let test = std::thread::current();
    let name = test.name().unwrap_or("a test").to_owned();
    report(&format!("SKIPPED {name}: {why}"));
}

/// Says something past the test runner, which swallows what a passing test prints.
pub fn report(line: &str) {
    io::stderr()
        .write_all(format!("{line}\n").as_bytes())
        .unwrap();
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
