//! Every file of a catalog, damaged in every way that is tried: for each, the start is refused, or all
//! acknowledged keys are there, or the damage is one that a power cut leaves.
//!
//! `FROSTLINE_DAMAGES=all` tries every byte of small files and every seventh of the others; otherwise some
//! of them are tried.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use frostline::{Catalog, Ledgers, RootRole};

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

/// The keys that RocksDB alone finds, if it opens the store.
fn open_with_rocksdb_alone(data: &Data) -> Option<usize> {
    let options = rocksdb::Options::default();
    let store = rocksdb::DB::open(&options, data.root(RootRole::Catalog)).ok()?;
    let entries = store.iterator(rocksdb::IteratorMode::Start);
    Some(entries.map_while(Result::ok).count())
}

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

#[test]
fn no_damage_opens_a_catalog_with_fewer_keys() {
    let all = std::env::var("FROSTLINE_DAMAGES").is_ok_and(|which| which == "all");
    let (data, older, acknowledged) = subject();
    let files = tree(&data.path());
    let newest_log = files
        .keys()
        .filter(|path| path.extension().is_some_and(|end| end == "log"));
    let newest_log = newest_log.max().unwrap().clone();
    let (mut tried, mut refused, mut whole, mut like_a_cut, mut rocksdb_lost) = (0, 0, 0, 0, 0);
    for (file, bytes) in &files {
        if data.path().join(file).is_dir() {
            continue;
        }
        // Files of one sector by every byte; larger ones by every seventh, or by some.
        let step = match (all, bytes.len()) {
            (true, ..=SECTOR) => 1,
            (true, _) => 7,
            (false, length) => (length.min(4_096) / 12).max(1) | 1,
        };
        for damage in damages(bytes.len(), step) {
            let damaged = || {
                let copy = Data::new();
                copy_tree(&data.path(), &copy.path());
                damage.apply(&copy.path().join(file), older_of(&older, file));
                copy
            };
            let found = open(&damaged());
            tried += 1;
            match found {
                None => refused += 1,
                Some(keys) if keys == acknowledged => whole += 1,
                Some(keys) => {
                    assert!(
                        *file == newest_log && damage.is_like_a_power_cut() && keys < acknowledged,
                        "{}, {damage:?}: {keys} of {acknowledged} keys",
                        file.display()
                    );
                    like_a_cut += 1;
                    // Never fewer than RocksDB.
                    let alone = open_with_rocksdb_alone(&damaged()).unwrap_or(0);
                    assert!(
                        keys >= alone,
                        "{damage:?}: {keys}, and RocksDB finds {alone}"
                    );
                }
            }
            if found.is_none() && file.starts_with("catalog/rocksdb") {
                let alone = open_with_rocksdb_alone(&damaged());
                rocksdb_lost += usize::from(alone.is_some_and(|keys| keys < acknowledged));
            }
        }
    }
    report(&format!(
        "damages: {tried} tried, {refused} refused, {whole} opened with every key, {like_a_cut} like a \
         power cut; of those refused, RocksDB alone opens {rocksdb_lost} with fewer keys"
    ));
    assert!(
        refused > 100 && rocksdb_lost > 10,
        "{refused}, {rocksdb_lost}"
    );
}
