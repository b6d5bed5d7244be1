//! The work that meets a failure. It runs in a child process, which reports when it is ready for the failure.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use frostline::index::{Coverage, IndexKey, Promoted};
use frostline::{Artifact, Catalog, Hot, Ledgers, Prunable, RootRole, StorageRoots, TxHash};

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// One kind of work.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Work {
    /// Freezes one artifact with this number of bytes.
    Freeze(usize),
    /// Freezes a group with this number of artifacts, each with this number of bytes.
    Group(u32, usize),
    /// Sweeps this number of artifacts.
    Sweep(u32),
    /// Makes a hot directory ready.
    Ready,
    /// Removes a hot directory.
    Remove,
    /// Freezes one artifact through an owned writer: blocks at offsets from the end to the start, then the length.
    Writer,
    /// Builds a terminal index, and promotes it over its predecessor and its inputs.
    Promote,
    /// Sweeps the last index of a window, and the directory of the window with it.
    SweepIndex,
    /// Does the known steps with bare system calls, to show the kernel's own reports: fsyncs this number of files
    /// with this number of bytes, and their directory.
    Bare(u32, usize),
}

impl Work {
    pub const ALL: [Self; 15] = [
        Self::Freeze(1),
        Self::Freeze(131_071),
        Self::Freeze(131_072),
        Self::Freeze(1 << 20),
        Self::Group(2, 131_072),
        Self::Group(20, 4_096),
        Self::Group(64, 131_072),
        Self::Sweep(3),
        Self::Ready,
        Self::Remove,
        Self::Writer,
        Self::Promote,
        Self::SweepIndex,
        Self::Bare(20, 4_096),
        Self::Bare(64, 131_072),
    ];

    pub const fn is_bare(self) -> bool {
        matches!(self, Self::Bare(..))
    }

    /// Whether the work writes no file whose data the failure could hit.
    pub const fn writes_nothing(self) -> bool {
        matches!(self, Self::Sweep(_) | Self::Remove | Self::SweepIndex)
    }

    pub fn of(text: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|work| format!("{work:?}") == text)
    }
}

/// The paths of the roots and of the catalog.
pub struct Place {
    pub data: PathBuf,
    pub catalog: PathBuf,
    /// The file that the bare calls write once all fsyncs have succeeded.
    pub notes: PathBuf,
}

impl Place {
    fn roots(&self) -> Result<StorageRoots, frostline::error::RootPathError> {
        StorageRoots::under(self.data.join("node"))?.with(RootRole::Catalog, &self.catalog)
    }

    fn open(&self) -> Result<Catalog, Box<dyn std::error::Error>> {
        Ok(Catalog::open(self.roots()?.lock()?)?)
    }

    fn pack(&self, number: u32) -> PathBuf {
        self.data
            .join(format!("node/ledgers/00000/{number:08}.pack"))
    }

    fn txhash(&self, number: u32) -> PathBuf {
        self.data
            .join(format!("node/txhash/raw/00000/{number:08}.bin"))
    }

    fn window(&self) -> PathBuf {
        self.data.join("node/txhash/index/00000000")
    }

    fn hot(&self) -> PathBuf {
        self.data.join(format!("node/hot/{HOT:08}"))
    }

    fn bare(&self, number: u32) -> PathBuf {
        self.data.join(format!("node/bare-{number}"))
    }
}

const HOT: u32 = 700;
/// The length that an owned writer writes, which is no multiple of a block.
const WRITTEN: usize = 300_001;
/// The chunks of the first index, and of the terminal one.
const OLD: (u32, u32) = (998, 998);
const NEW: (u32, u32) = (998, 999);
const INDEX: usize = 70_000;

fn chunk(number: u32) -> frostline::ChunkId {
    frostline::ChunkId::new(number).unwrap_or_else(|_| unreachable!("a small number"))
}

fn bytes(number: u32, size: usize) -> Vec<u8> {
    (0..size)
        .map(|at| (at as u32 + number).to_le_bytes()[0] | 1)
        .collect()
}

/// Creates everything that must exist before the failure: the roots, the bucket, and the artifacts to remove.
pub fn prepare(place: &Place, work: Work) -> Outcome {
    let catalog = place.open()?;
    freeze(&catalog, 999, 10)?;
    match work {
        Work::Sweep(count) => (0..count).try_for_each(|number| freeze(&catalog, number, 5_000)),
        Work::Remove => {
            let transient = catalog.create_hot(chunk(HOT))?;
            fs::write(transient.path().join("database"), b"ledgers")?;
            drop(transient.ready()?);
            Ok(())
        }
        Work::Promote | Work::SweepIndex => {
            for number in [998, 999] {
                let mut freezing = catalog.begin::<TxHash>(chunk(number))?;
                freezing
                    .file(TxHash::BIN)?
                    .write_all(&bytes(number, 5_000))?;
                drop(freezing.freeze()?);
            }
            drop(promote(&catalog, OLD, || Ok(()))?);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn promote(
    catalog: &Catalog,
    (lo, hi): (u32, u32),
    before_the_sync: impl FnOnce() -> Outcome,
) -> Result<Promoted, Box<dyn std::error::Error>> {
    let mut build = catalog.begin_index(Coverage::new(chunk(lo), chunk(hi))?)?;
    let mut file = build.file()?;
    file.write_all(&bytes(hi, INDEX))?;
    file.flush()?;
    before_the_sync()?;
    Ok(catalog.commit(build.sync()?)?)
}

fn freeze(catalog: &Catalog, number: u32, size: usize) -> Outcome {
    let mut freezing = catalog.begin::<Ledgers>(chunk(number))?;
    freezing
        .file(Ledgers::PACK)?
        .write_all(&bytes(number, size))?;
    drop(freezing.freeze()?);
    Ok(())
}

/// Reports to the parent, and waits until the parent has made the file system fail.
fn meet_the_failure() -> Outcome {
    println!("ready");
    io::stdout().flush()?;
    let mut line = [0];
    io::stdin().read_exact(&mut line)?;
    Ok(())
}

/// Does the work. If `late` is set, it writes the files before the failure and makes them durable after it.
pub fn work(place: &Place, work: Work, late: bool) -> Outcome {
    if let Work::Bare(count, size) = work {
        return bare(place, count, size, late);
    }
    let catalog = place.open()?;
    if !late || work.writes_nothing() {
        meet_the_failure()?;
    }
    match work {
        Work::Freeze(size) => {
            let mut freezing = catalog.begin::<Ledgers>(chunk(0))?;
            let mut file = freezing.file(Ledgers::PACK)?;
            file.write_all(&bytes(0, size))?;
            file.flush()?;
            if late {
                meet_the_failure()?;
            }
            drop(freezing.freeze()?);
        }
        Work::Group(count, size) => {
            let mut group = catalog.sync_group();
            for number in 0..count {
                let mut freezing = catalog.begin::<Ledgers>(chunk(number))?;
                freezing
                    .file(Ledgers::PACK)?
                    .write_all(&bytes(number, size))?;
                group.add(freezing)?;
            }
            if late {
                meet_the_failure()?;
            }
            drop(catalog.commit(group.sync()?)?);
        }
        Work::Sweep(count) => {
            let mut batch = Vec::new();
            for number in 0..count {
                if let Artifact::<Ledgers>::Frozen(frozen) = catalog.claim(chunk(number))? {
                    batch.push(Prunable::from(frozen.demote()));
                }
            }
            drop(catalog.sweep_chunk_artifacts(batch)?);
        }
        Work::Ready => {
            let transient = catalog.create_hot(chunk(HOT))?;
            if late {
                meet_the_failure()?;
            }
            drop(transient.ready()?);
        }
        Work::Remove => {
            if let Hot::Ready(ready) = catalog.claim_hot(chunk(HOT))? {
                catalog.commit(ready.give_up_only_copy())?.remove()?;
            }
        }
        Work::Writer => {
            let mut freezing = catalog.begin::<Ledgers>(chunk(0))?;
            let writer = freezing.writer(Ledgers::PACK)?;
            let content = bytes(0, WRITTEN);
            writer.reserve(2 * WRITTEN as u64)?;
            writer.write_all_at(&[1; 4_096], WRITTEN as u64)?;
            let blocks: Vec<_> = content.chunks(10_007).enumerate().collect();
            for (at, block) in blocks.into_iter().rev() {
                writer.write_all_at(block, at as u64 * 10_007)?;
            }
            writer.set_len(WRITTEN as u64)?;
            drop(writer);
            if late {
                meet_the_failure()?;
            }
            drop(freezing.freeze()?);
        }
        Work::Promote => {
            let late = || if late { meet_the_failure() } else { Ok(()) };
            let promoted = promote(&catalog, NEW, late)?;
            let inputs = promoted.inputs.into_iter().map(Prunable::from);
            let batch = inputs.chain(promoted.predecessor);
            drop(catalog.sweep_chunk_artifacts(batch)?);
        }
        Work::SweepIndex => {
            let coverage = Coverage::new(chunk(OLD.0), chunk(OLD.1))?;
            let last = catalog.claim_for_pruning(IndexKey { coverage })?;
            drop(catalog.sweep_chunk_artifacts(last)?);
        }
        Work::Bare(..) => {}
    }
    Ok(())
}

fn bare(place: &Place, count: u32, size: usize, late: bool) -> Outcome {
    let directory = File::open(place.data.join("node"))?;
    if !late {
        meet_the_failure()?;
    }
    let mut files = Vec::new();
    for number in 0..count {
        let mut file = File::create(place.bare(number))?;
        file.write_all(&bytes(number, size))?;
        files.push(file);
    }
    if late {
        meet_the_failure()?;
    }
    for file in &files {
        file.sync_all()?;
    }
    directory.sync_all()?;
    fs::write(&place.notes, "durable")?;
    Ok(())
}

/// Lists the errors of the disk after a repair and a new mount. Reads the catalog with RocksDB, without the
/// library.
pub fn judge(place: &Place, work: Work) -> Result<Vec<String>, String> {
    let mut wrong = Vec::new();
    if let Work::Bare(count, size) = work {
        let is_whole = |number: &u32| is_whole(&place.bare(*number), *number, size);
        let lost = (0..count).filter(|number| !is_whole(number)).count();
        if place.notes.exists() && lost > 0 {
            wrong.push(format!("{lost} of {count} files are lost"));
        }
        return Ok(wrong);
    }
    let keys = keys(&place.catalog)?;
    let of = |key: &str| {
        keys.iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    };
    let size = match work {
        Work::Freeze(size) | Work::Group(_, size) => size,
        Work::Writer => WRITTEN,
        _ => 5_000,
    };
    for number in 0..64 {
        let pack = place.pack(number);
        match of(&format!("chunk:{number:08}:ledgers")) {
            Some("frozen") if !is_whole(&pack, number, size) => {
                wrong.push(format!(
                    "chunk {number} is frozen, and its file is not whole"
                ));
            }
            None if pack.exists() => wrong.push(format!("chunk {number} has a file and no key")),
            _ => {}
        }
    }
    wrong.extend(wrong_indexes(place, work, of));
    match of(&format!("hot:chunk:{HOT:08}")) {
        Some("ready") if !place.hot().is_dir() => wrong.push("`ready` without a directory".into()),
        None if place.hot().exists() => wrong.push("a hot directory without a key".into()),
        _ => {}
    }
    Ok(wrong)
}

/// Lists the errors of the indexes, and of the transaction hashes that they cover.
fn wrong_indexes<'a>(
    place: &Place,
    work: Work,
    of: impl Fn(&str) -> Option<&'a str>,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut states = Vec::new();
    let mut look = |key: String, path: PathBuf, number, size| {
        let state = of(&key);
        match state {
            Some("frozen") if !is_whole(&path, number, size) => {
                wrong.push(format!("{key} is frozen, and its file is not whole"));
            }
            None if path.exists() => wrong.push(format!("{key} has a file and is absent")),
            _ => {}
        }
        states.push(state);
    };
    for (lo, hi) in [OLD, NEW] {
        let path = place.window().join(format!("{lo:08}-{hi:08}.idx"));
        look(format!("index:00000000:{lo:08}:{hi:08}"), path, hi, INDEX);
    }
    for number in [998, 999] {
        let key = format!("chunk:{number:08}:txhash");
        look(key, place.txhash(number), number, 5_000);
    }
    let is_one_batch = match states[..] {
        [old, Some("frozen"), one, other] => {
            ![old, one, other].contains(&Some("frozen")) && one == other
        }
        [old, None | Some("freezing"), one, other] => {
            one == Some("frozen") && other == one && (old == one || work == Work::SweepIndex)
        }
        _ => false,
    };
    if matches!(work, Work::Promote | Work::SweepIndex) && !is_one_batch {
        wrong.push(format!("the states are {states:?}"));
    }
    if states[..2] == [None, None] && place.window().exists() {
        wrong.push("the directory of the window has no index key".to_owned());
    }
    wrong
}

fn is_whole(path: &Path, number: u32, size: usize) -> bool {
    fs::read(path).is_ok_and(|found| found == bytes(number, size))
}

fn keys(catalog: &Path) -> Result<Vec<(String, String)>, String> {
    let options = rocksdb::Options::default();
    let store = rocksdb::DB::open_for_read_only(&options, catalog, false);
    let store = store.map_err(|error| error.to_string())?;
    let entries = store.iterator(rocksdb::IteratorMode::Start);
    let text = |bytes: Box<[u8]>| String::from_utf8_lossy(&bytes).into_owned();
    let entries = entries.map(|entry| entry.map(|(key, value)| (text(key), text(value))));
    entries
        .collect::<Result<_, _>>()
        .map_err(|error| error.to_string())
}
