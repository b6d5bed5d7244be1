//! Every file of a catalog, damaged in every way that is tried: for each, the start is refused, or all
//! acknowledged keys are there, or the damage is one that a power cut leaves.
//!
//! `FROSTLINE_DAMAGES=all` tries every byte of small files, every seventh of the others, and fewer of the tables and
//! of the files that a start does not read; otherwise some of them are tried.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use frostline::{Catalog, Ledgers, RootRole};

use crate::child::{child, is_child};
use crate::fixture::{Data, chunk, copy_tree, report, tree};

const SECTOR: usize = 512;

/// One damage of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    Flip {
        byte: usize,
        bit: u8,
    },
    ZeroSector(usize),
    Cut(usize),
    Doubled,
    Removed,
    /// The file as it was some starts before.
    Older,
}

impl Damage {
    /// Whether a power cut may leave this of the newest log: a batch at its end is then one that was never
    /// acknowledged, as far as anybody can tell.
    fn is_like_a_power_cut(self) -> bool {
        matches!(self, Self::Cut(_) | Self::ZeroSector(_))
    }

    fn apply(self, path: &Path, older: Option<&[u8]>) {
        let mut bytes = std::fs::read(path).unwrap();
        match self {
            Self::Flip { byte, bit } => bytes[byte] ^= 1 << bit,
            Self::ZeroSector(sector) => {
                let end = bytes.len().min((sector + 1) * SECTOR);
                bytes[sector * SECTOR..end].fill(0);
            }
            Self::Cut(length) => bytes.truncate(length),
            Self::Doubled => bytes.extend_from_within(..),
            Self::Older => bytes = older.unwrap_or_default().to_vec(),
            Self::Removed => return std::fs::remove_file(path).unwrap(),
        }
        std::fs::write(path, bytes).unwrap();
    }
}

/// The damages of a file of this length, each `step`th byte of it.
fn damages(length: usize, step: usize) -> Vec<Damage> {
    let mut damages = vec![Damage::Doubled, Damage::Removed, Damage::Older];
    // Behind the records of a log are zeros.
    let used = length.min(4_096);
    for byte in (0..used).step_by(step) {
        let bit = (byte % 8) as u8;
        damages.push(Damage::Flip { byte, bit });
        damages.push(Damage::Cut(byte));
    }
    damages.extend((0..used.div_ceil(SECTOR)).map(Damage::ZeroSector));
    damages
}

/// The keys of a catalog, if it opens.
fn open(data: &Data) -> Option<usize> {
    let locked = data.roots().lock().ok()?;
    let catalog = Catalog::open(locked).ok()?;
    let keys = catalog.chunk_artifact_keys().unwrap();
    Some(keys.map(Result::unwrap).count())
}

/// The variable with the path of the store that the child opens.
const STORE: &str = "FROSTLINE_TEST_STORE";

/// A child: prints how many keys RocksDB alone finds in a store.
#[test]
fn rocksdb_alone() {
    if is_child() {
        let keys = keys_of(Path::new(&std::env::var_os(STORE).unwrap()));
        println!(
            "\nkeys: {}",
            keys.map_or_else(|| "refused".to_owned(), |keys| keys.to_string())
        );
    }
}

fn keys_of(store: &Path) -> Option<usize> {
    let options = rocksdb::Options::default();
    let store = rocksdb::DB::open(&options, store).ok()?;
    let entries = store.iterator(rocksdb::IteratorMode::Start);
    Some(entries.map_while(Result::ok).count())
}

/// The keys that RocksDB alone finds, if it opens the store; or that it does not come to an end.
fn open_with_rocksdb_alone(data: &Data, file: &Path) -> Result<Option<usize>, ForEver> {
    let store = data.root(RootRole::Catalog);
    let name = file.file_name().unwrap().to_string_lossy();
    // RocksDB 11.8.1 reads some records of an unknown type again and again, in a log and in a manifest.
    if !name.ends_with(".log") && !name.starts_with("MANIFEST") {
        return Ok(keys_of(&store));
    }
    let mut child = child("damages::rocksdb_alone")
        .env(STORE, store)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > Duration::from_secs(10) {
            child.kill().unwrap();
            child.wait().unwrap();
            return Err(ForEver);
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    let said = std::io::read_to_string(child.stdout.take().unwrap()).unwrap();
    let keys = said.lines().find_map(|line| line.strip_prefix("keys: "));
    Ok(keys.and_then(|keys| keys.parse().ok()))
}

struct ForEver;

fn mark(data: &Data, from: u32, count: u32) {
    let catalog = data.open();
    for number in from..from + count {
        drop(catalog.begin::<Ledgers>(chunk(number)).unwrap());
    }
}

/// The subject of the damages: a closed catalog with tables and a log with records, and the files of earlier.
fn subject() -> (Data, BTreeMap<PathBuf, Vec<u8>>, usize) {
    let data = Data::new();
    mark(&data, 0, 5);
    mark(&data, 5, 5);
    let older = tree(&data.path());
    mark(&data, 10, 5);
    mark(&data, 15, 9);
    (data, older, 24)
}

/// An older file of the same name, or of the same kind.
fn older_of<'a>(older: &'a BTreeMap<PathBuf, Vec<u8>>, file: &Path) -> Option<&'a [u8]> {
    let same = older.get(file);
    let end = file.extension();
    let of_the_kind = || {
        let mut others = older.iter();
        others.find(|(path, _)| path.parent() == file.parent() && path.extension() == end)
    };
    let found = same.or_else(|| of_the_kind().map(|(_, bytes)| bytes));
    found.map(Vec::as_slice)
}

/// How many damages ended in which way.
#[derive(Default)]
struct Outcomes {
    tried: usize,
    refused: usize,
    whole: usize,
    like_a_power_cut: usize,
    /// Of those refused: RocksDB alone opens the store with fewer keys.
    lost_by_rocksdb: usize,
    /// Of those refused: RocksDB alone does not come to an end.
    for_ever: usize,
}

/// A closed catalog, and its files at two instants.
struct Subject {
    data: Data,
    files: BTreeMap<PathBuf, Vec<u8>>,
    older: BTreeMap<PathBuf, Vec<u8>>,
    newest_log: PathBuf,
    acknowledged: usize,
}

impl Subject {
    fn new() -> Self {
        let (data, older, acknowledged) = subject();
        let files = tree(&data.path());
        let logs = files.keys();
        let logs = logs.filter(|path| path.extension().is_some_and(|end| end == "log"));
        let newest_log = logs.max().unwrap().clone();
        Self {
            data,
            files,
            older,
            newest_log,
            acknowledged,
        }
    }

    /// Each damage of each file.
    fn damages(&self, all: bool) -> Vec<(&Path, Damage)> {
        let files = self.files.iter();
        let files = files.filter(|(file, _)| self.data.path().join(file).is_file());
        let of_each = files.flat_map(|(file, bytes)| {
            let step = step(all, file, bytes.len());
            let damages = damages(bytes.len(), step).into_iter();
            damages.map(|damage| (file.as_path(), damage))
        });
        of_each.collect()
    }

    fn damaged(&self, file: &Path, damage: Damage) -> Data {
        let copy = Data::new();
        copy_tree(&self.data.path(), &copy.path());
        damage.apply(&copy.path().join(file), older_of(&self.older, file));
        copy
    }

    fn try_it(&self, file: &Path, damage: Damage, outcomes: &mut Outcomes) {
        outcomes.tried += 1;
        let Some(keys) = open(&self.damaged(file, damage)) else {
            outcomes.refused += 1;
            if file.starts_with("catalog/rocksdb") {
                match open_with_rocksdb_alone(&self.damaged(file, damage), file) {
                    Ok(Some(keys)) if keys < self.acknowledged => outcomes.lost_by_rocksdb += 1,
                    Ok(_) => {}
                    Err(ForEver) => outcomes.for_ever += 1,
                }
            }
            return;
        };
        if keys == self.acknowledged {
            outcomes.whole += 1;
            return;
        }
        assert!(
            *file == self.newest_log && damage.is_like_a_power_cut() && keys < self.acknowledged,
            "{}, {damage:?}: {keys} of {} keys",
            file.display(),
            self.acknowledged
        );
        outcomes.like_a_power_cut += 1;
        // Never fewer than RocksDB.
        let alone = open_with_rocksdb_alone(&self.damaged(file, damage), file);
        let alone = alone.ok().flatten().unwrap_or(0);
        assert!(
            keys >= alone,
            "{damage:?}: {keys}, and RocksDB finds {alone}"
        );
    }
}

/// The distance of the bytes that are damaged.
fn step(all: bool, file: &Path, length: usize) -> usize {
    let name = file.file_name().unwrap().to_string_lossy();
    let is_read_at_a_start = !["OPTIONS", "LOG", "frostline.reserve"]
        .iter()
        .any(|start| name.starts_with(start));
    match (all, length) {
        (true, _) if !is_read_at_a_start => 61,
        // A start with a damaged table takes a second, which RocksDB waits.
        (true, _) if name.ends_with(".sst") => 31,
        (true, ..=SECTOR) => 1,
        (true, _) => 7,
        (false, length) => (length.min(4_096) / 12).max(1) | 1,
    }
}

#[test]
fn no_damage_opens_a_catalog_with_fewer_keys() {
    let all = std::env::var("FROSTLINE_DAMAGES").is_ok_and(|which| which == "all");
    let subject = Subject::new();
    let damages = subject.damages(all);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut outcomes = Outcomes::default();
        // Relaxed: each number is taken once, and nothing else depends on it.
        while let Some((file, damage)) = damages.get(next.fetch_add(1, Ordering::Relaxed)) {
            subject.try_it(file, *damage, &mut outcomes);
        }
        outcomes
    };
    let of_each: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
        let ended = workers.into_iter().map(|worker| worker.join().unwrap());
        ended.collect()
    });
    let sum = |count: fn(&Outcomes) -> usize| of_each.iter().map(count).sum::<usize>();
    let refused = sum(|outcomes| outcomes.refused);
    let lost_by_rocksdb = sum(|outcomes| outcomes.lost_by_rocksdb);
    report(&format!(
        "damages: {} tried, {refused} refused, {} opened with every key, {} like a power cut; of those \
         refused, RocksDB alone opens {lost_by_rocksdb} with fewer keys, and reads for ever in {}",
        sum(|outcomes| outcomes.tried),
        sum(|outcomes| outcomes.whole),
        sum(|outcomes| outcomes.like_a_power_cut),
        sum(|outcomes| outcomes.for_ever),
    ));
    assert!(
        refused > 100 && lost_by_rocksdb > 10,
        "{refused}, {lost_by_rocksdb}"
    );
}
