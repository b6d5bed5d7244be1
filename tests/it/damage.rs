//! A damaged, incomplete or older catalog is refused, and nothing on the disk changes; what a power cut
//! leaves of the real store's files opens with everything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use frostline::error::OpenError;
use frostline::{Catalog, Ledgers, RootRole};

use crate::fixture::{Data, chunk, copy_tree, tree};

/// The names and bytes of files.
type Files = BTreeMap<PathBuf, Vec<u8>>;

pub const SECTOR: usize = 512;

fn catalog_dir(data: &Data) -> PathBuf {
    data.root(RootRole::Catalog)
}

pub fn open(data: &Data) -> Result<Catalog, OpenError> {
    Catalog::open(data.roots().lock().unwrap())
}

fn mark(catalog: &Catalog, numbers: std::ops::Range<u32>) {
    for number in numbers {
        drop(catalog.begin::<Ledgers>(chunk(number)).unwrap());
    }
}

/// A closed catalog with these chunks marked, one record each, in its log.
pub fn marked(count: u32) -> Data {
    let data = Data::new();
    mark(&data.open(), 0..count);
    data
}

/// The same, with the records in a table and an empty log.
fn marked_in_a_table(count: u32) -> Data {
    let data = marked(count);
    drop(data.open());
    data
}

pub fn count(catalog: &Catalog) -> usize {
    let keys = catalog.chunk_artifact_keys().unwrap();
    keys.map(Result::unwrap).count()
}

fn named(data: &Data) -> PathBuf {
    let directory = catalog_dir(data);
    let pointer = std::fs::read_to_string(directory.join("CURRENT")).unwrap();
    directory.join(pointer.trim_end())
}

fn files_ending(data: &Data, end: &str) -> Vec<PathBuf> {
    let names = tree(&catalog_dir(data)).into_keys();
    let names = names.filter(|name| name.to_str().unwrap().ends_with(end));
    names.map(|name| catalog_dir(data).join(name)).collect()
}

/// The newest log.
pub fn log(data: &Data) -> PathBuf {
    files_ending(data, ".log").pop().expect("a log")
}

/// The records of a log or manifest of one block: where each begins, and the end of the last.
pub fn records(bytes: &[u8]) -> Vec<usize> {
    let mut at = vec![0];
    loop {
        let start = at[at.len() - 1];
        let Some(&[_, _, _, _, low, high, kind]) = bytes.get(start..start + 7) else {
            return at;
        };
        if kind == 0 {
            return at;
        }
        at.push(start + 7 + usize::from(u16::from_le_bytes([low, high])));
    }
}

/// Everything but the lock files, which name the process that tried.
fn all_but_locks(data: &Data) -> Files {
    let mut files = tree(&data.path());
    files.retain(|path, _| !path.ends_with(frostline::key::LOCK_FILE));
    files
}

/// Changes a file, and makes sure that the catalog is refused because of it and stays as it is.
#[track_caller]
fn refused(data: &Data, path: &Path, change: impl FnOnce(&mut Vec<u8>)) -> OpenError {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
    refused_as_it_is(data)
}

#[track_caller]
fn refused_as_it_is(data: &Data) -> OpenError {
    let before = all_but_locks(data);
    let error = open(data).expect_err("a damaged catalog");
    assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
    assert!(all_but_locks(data) == before, "a refusal changed the disk");
    error
}

/// One flipped bit in each of the manifest's last two records: RocksDB refuses, and so does the library.
#[test]
fn a_manifest_whose_last_records_are_damaged_is_refused() {
    let data = marked_in_a_table(40);
    let manifest = named(&data);
    let whole = std::fs::read(&manifest).unwrap();
    let ends = records(&whole);
    let [.., first, second, _end] = ends[..] else {
        panic!("two records");
    };
    for offset in 0..7 + 5 {
        for bit in [0, 3, 7] {
            let error = refused(&data, &manifest, |bytes| {
                bytes[first + offset] ^= 1 << bit;
                bytes[second + offset] ^= 1 << bit;
            });
            assert!(error.to_string().contains("MANIFEST-"), "{error}");
            std::fs::write(&manifest, &whole).unwrap();
        }
    }
    // Zeros, or nothing at all, in place of the records: RocksDB alone opens an empty store.
    refused(&data, &manifest, |bytes| bytes[first..].fill(0));
    refused(&data, &manifest, |bytes| bytes.truncate(first));
    // The last one alone says which logs can go, and no more.
    for cut in [second, second + 3] {
        std::fs::write(&manifest, &whole[..cut]).unwrap();
        let copy = Data::new();
        copy_tree(&data.path(), &copy.path());
        assert_eq!(count(&open(&copy).unwrap()), 40);
    }
}

/// RocksDB's recyclable records, which another program's options bring into the log.
#[test]
fn a_log_in_another_format_is_refused() {
    let data = marked_in_a_table(1);
    let mut options = rocksdb::Options::default();
    options.set_recycle_log_file_num(1);
    options.set_wal_recovery_mode(rocksdb::DBRecoveryMode::PointInTime);
    let store = rocksdb::DB::open(&options, catalog_dir(&data)).unwrap();
    let mut write = rocksdb::WriteOptions::default();
    write.set_sync(true);
    for number in 10..20 {
        let key = format!("chunk:{number:08}:ledgers");
        store.put_opt(key, "frozen", &write).unwrap();
    }
    drop(store);
    let log = std::fs::read(log(&data)).unwrap();
    assert!((5..=8).contains(&log[6]), "a recyclable record");
    let error = refused_as_it_is(&data);
    assert!(error.to_string().contains("unknown type"), "{error}");
}

/// The five last batches of the log, each with one flipped bit: none of them is a torn tail.
#[test]
fn damage_in_the_last_records_of_the_log_is_refused() {
    let data = marked(9);
    let log = log(&data);
    let whole = std::fs::read(&log).unwrap();
    let starts = records(&whole);
    for damaged in 1..=5 {
        for offset in 0..7 + 20 {
            println!("bit {} of byte {offset}, in each of {damaged}", offset % 8);
            refused(&data, &log, |bytes| {
                for start in &starts[9 - damaged..9] {
                    bytes[start + offset] ^= 1 << (offset % 8);
                }
            });
            std::fs::write(&log, &whole).unwrap();
        }
    }
    assert_eq!(count(&open(&data).unwrap()), 9);
}

/// A record of the manifest that its readers pass over.
fn padding(length: usize) -> Vec<u8> {
    // The tag of an edit that may be ignored, then a string with its length.
    let content = vec![b'-'; length];
    let mut payload = vec![
        0x80,
        0x42,
        (length & 0x7f) as u8 | 0x80,
        (length >> 7) as u8,
    ];
    payload.extend(content);
    let checksum = crc32c::crc32c_append(crc32c::crc32c(&[1]), &payload);
    let masked = checksum.rotate_right(15).wrapping_add(0xa282_ead8);
    let mut record = masked.to_le_bytes().to_vec();
    record.extend((payload.len() as u16).to_le_bytes());
    record.push(1);
    record.extend(payload);
    record
}

/// A flush writes two edits of the manifest with one sync. A power cut may keep the second one and lose
/// the sector in which the first one begins; the records are still in the log then.
#[test]
fn a_manifest_that_lost_a_sector_in_the_middle_of_its_end_opens_with_everything() {
    let data = marked(20);
    let before = Data::new();
    copy_tree(&data.path(), &before.path());
    drop(data.open());
    // The power cut: this start's manifest and table, and the logs of before, which it removed last.
    let crashed = tree(&catalog_dir(&data));
    for (name, bytes) in crashed {
        if name.extension().is_none_or(|end| end != "log") {
            std::fs::write(catalog_dir(&before).join(name), bytes).unwrap();
        }
    }
    let whole = std::fs::read(named(&before)).unwrap();
    let ends = records(&whole);
    let [.., first, second, end] = ends[..] else {
        panic!("two records");
    };
    // The first one's head is kept, and its end is lost with a large record behind it.
    for into_first in (7..second - first).step_by(9) {
        let start = SECTOR - into_first;
        let mut bytes = whole[..first].to_vec();
        bytes.extend(padding(start - first - 11));
        bytes.extend(&whole[first..second]);
        bytes.extend(padding(SECTOR));
        bytes.extend(&whole[second..end]);
        bytes[SECTOR..2 * SECTOR].fill(0);
        let cut_off = Data::new();
        copy_tree(&before.path(), &cut_off.path());
        std::fs::write(named(&cut_off), &bytes).unwrap();
        assert_eq!(count(&open(&cut_off).unwrap()), 20, "{into_first}");
    }
    // The border of a sector, wherever it may be in these two records.
    for into_them in 1..end - first {
        let start = SECTOR - into_them;
        let mut bytes = whole[..first].to_vec();
        // The padding's head and its edit's take 11 bytes.
        bytes.extend(padding(start - first - 11));
        assert_eq!(bytes.len(), start);
        bytes.extend(&whole[first..end]);
        let sound = Data::new();
        copy_tree(&before.path(), &sound.path());
        bytes[start..SECTOR].fill(0);
        std::fs::write(named(&sound), &bytes).unwrap();
        for _ in 0..2 {
            assert_eq!(
                count(&open(&sound).unwrap()),
                20,
                "{into_them} bytes are lost"
            );
        }
        // The same without the log is no power cut, but damage.
        if into_them % 16 == 0 {
            let sound = Data::new();
            copy_tree(&before.path(), &sound.path());
            std::fs::write(named(&sound), &bytes).unwrap();
            for log in files_ending(&sound, ".log") {
                std::fs::remove_file(log).unwrap();
            }
            refused_as_it_is(&sound);
        }
    }
}

/// A store without its log, whether that has records or is the empty one that each start leaves.
#[test]
fn a_catalog_whose_log_was_deleted_is_refused() {
    for data in [marked(3), marked_in_a_table(3), marked(0)] {
        for log in files_ending(&data, ".log") {
            std::fs::remove_file(log).unwrap();
        }
        let error = refused_as_it_is(&data);
        assert!(error.to_string().contains(".log"), "{error}");
    }
}

/// Copies of an earlier time: of the whole directory, of the log only, of the manifest only.
#[test]
fn an_older_copy_is_refused() {
    // The whole directory, from before the last start.
    let data = marked(3);
    let earlier = tree(&catalog_dir(&data));
    mark(&data.open(), 3..6);
    drop(data.open());
    restore(&data, &earlier);
    let error = refused_as_it_is(&data);
    assert!(error.to_string().contains("acknowledged"), "{error}");

    // The log of the same start, with fewer records than the tables know of.
    let data = marked(3);
    let log_before = (log(&data), std::fs::read(log(&data)).unwrap());
    drop(data.open());
    let manifest = (named(&data), std::fs::read(named(&data)).unwrap());
    mark(&data.open(), 3..6);
    drop(data.open());
    // The older manifest and its log in place of the newer ones.
    std::fs::remove_file(log(&data)).unwrap();
    std::fs::remove_file(named(&data)).unwrap();
    std::fs::write(&manifest.0, &manifest.1).unwrap();
    std::fs::write(&log_before.0, &log_before.1).unwrap();
    let name = manifest.0.file_name().unwrap().to_str().unwrap();
    std::fs::write(catalog_dir(&data).join("CURRENT"), format!("{name}\n")).unwrap();
    refused_as_it_is(&data);

    // A log that does not continue the tables: the batches in between are missing.
    let data = marked_in_a_table(3);
    mark(&data.open(), 3..9);
    let log = log(&data);
    let bytes = std::fs::read(&log).unwrap();
    let ends = records(&bytes);
    let error = refused(&data, &log, |bytes| {
        bytes.drain(..ends[2]);
    });
    assert!(error.to_string().contains("missing"), "{error}");
}

fn restore(data: &Data, files: &Files) {
    let directory = catalog_dir(data);
    std::fs::remove_dir_all(&directory).unwrap();
    std::fs::create_dir(&directory).unwrap();
    for (name, bytes) in files {
        std::fs::write(directory.join(name), bytes).unwrap();
    }
}

/// The record of how far the catalog had come: without it nothing tells an older copy, and a damaged one
/// is no reason to trust the copy.
#[test]
fn a_catalog_without_its_witness_is_refused() {
    let data = marked(3);
    let witness = data.root(RootRole::Ledgers).join("frostline.witness");
    let whole = std::fs::read(&witness).unwrap();
    refused(&data, &witness, |bytes| {
        for byte in bytes {
            *byte ^= 1;
        }
    });
    refused(&data, &witness, Vec::clear);
    std::fs::remove_file(&witness).unwrap();
    let before = all_but_locks(&data);
    let error = open(&data).unwrap_err();
    assert!(matches!(error, OpenError::NoWitness { .. }), "{error}");
    assert!(all_but_locks(&data) == before);
    // One torn slot is no damage: the other one is from the start before.
    for torn in 0..2 {
        let mut bytes = whole.clone();
        bytes[torn * SECTOR..][..SECTOR].fill(0);
        std::fs::write(&witness, bytes).unwrap();
        assert_eq!(count(&open(&data).unwrap()), 3);
    }
}

/// A power cut may leave any part of the log's last batch, sector by sector.
#[test]
fn a_last_batch_that_lost_sectors_is_no_damage() {
    let data = marked(2);
    let catalog = data.open();
    let chunks = (100..160).map(chunk);
    drop(catalog.begin_all::<Ledgers>(chunks).unwrap());
    drop(catalog);
    let log = log(&data);
    let whole = std::fs::read(&log).unwrap();
    let end = records(&whole)[1];
    assert!(end > 3 * SECTOR);
    for lost in 1..1_u32 << (end / SECTOR + 1) {
        let copy = Data::new();
        copy_tree(&data.path(), &copy.path());
        let mut bytes = whole.clone();
        for (bit, sector) in bytes[..end].chunks_mut(SECTOR).enumerate() {
            if lost >> bit & 1 == 1 {
                sector.fill(0);
            }
        }
        let log = catalog_dir(&copy).join(log.file_name().unwrap());
        std::fs::write(log, bytes).unwrap();
        assert_eq!(count(&open(&copy).unwrap()), 2, "without {lost:b}");
    }
}
