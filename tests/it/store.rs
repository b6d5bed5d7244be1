//! The catalog's store: it is created all or nothing, tells damage from a torn tail, and stays bounded on disk.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use frostline::error::{OpenError, Operation};
use frostline::sim::Probe;
use frostline::{ArtifactState, Catalog, Ledgers, RootRole};

use crate::damage::SECTOR;
use crate::fixture::{Data, EIO, Faults, Trace, chunk, copy_tree, freeze, state, tree};

fn catalog_dir(world: &Data) -> PathBuf {
    world.path().join("catalog/rocksdb")
}

fn open(world: &Data) -> Result<Catalog, OpenError> {
    Catalog::open(world.roots().lock().unwrap())
}

/// Returns the only log that holds records.
fn log(world: &Data) -> PathBuf {
    let logs = logs(&catalog_dir(world));
    let mut full = logs.into_iter().filter(|path| size(path) > 0);
    let log = full.next().expect("a log with records");
    assert!(full.next().is_none(), "more than one log with records");
    log
}

fn logs(directory: &Path) -> Vec<PathBuf> {
    let mut logs: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|end| end == "log"))
        .collect();
    logs.sort();
    logs
}

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).unwrap().len()
}

/// Creates a closed catalog with chunks 1 to `count` marked, one record each.
fn marked(count: u32) -> Data {
    let world = Data::new();
    let catalog = world.open();
    for number in 1..=count {
        drop(catalog.begin::<Ledgers>(chunk(number)).unwrap());
    }
    drop(catalog);
    world
}

fn count(catalog: &Catalog) -> usize {
    catalog
        .chunk_artifact_keys()
        .unwrap()
        .map(Result::unwrap)
        .count()
}

/// Pitfall 37: a power cut can tear only the last record, and all records before it stay. The file ends at any byte,
/// or sectors are lost.
#[test]
fn a_torn_tail_is_cut_off_and_every_acknowledged_record_stays() {
    let whole = std::fs::read(log(&marked(5))).unwrap();
    let record = whole.len() / 5;
    for keep in [1, 6, 7, 20, record - 1] {
        torn_is_cut_off(5, &whole[..4 * record + keep]);
    }
    // The last record is the first batch that begins in one sector and ends in the next one.
    let records = SECTOR / record + 1;
    let whole = std::fs::read(log(&marked(records.try_into().unwrap()))).unwrap();
    assert!(whole.len() > SECTOR);
    for zeros in [0, 600] {
        let mut torn = whole[..SECTOR].to_vec();
        torn.resize(whole.len() + zeros, 0);
        torn_is_cut_off(records, &torn);
    }
}

/// Replaces the log of a catalog of `records` records by `torn`, and checks that only the last record is lost.
fn torn_is_cut_off(records: usize, torn: &[u8]) {
    let world = marked(records.try_into().unwrap());
    std::fs::write(log(&world), torn).unwrap();
    let catalog = open(&world).unwrap();
    assert_eq!(count(&catalog), records - 1, "{} bytes", torn.len());
    // A new record reuses the number of the torn record, and survives another restart.
    drop(freeze(&catalog, 100, b"after"));
    drop(catalog);
    let catalog = open(&world).unwrap();
    assert_eq!(count(&catalog), records);
    assert_eq!(state(&catalog, 100), Some(ArtifactState::Frozen));
}

/// Pitfall 37: damage before acknowledged records is refused, and the refusal changes nothing.
#[test]
fn damage_in_the_middle_of_the_log_is_refused() {
    let probe = marked(6);
    let length = std::fs::read(log(&probe)).unwrap().len();
    let record = length / 6;
    let mut refused = 0;
    // The damage hits every part of the first five records: checksum, length, type, payload.
    for at in (0..5 * record).step_by(3) {
        for damage in [0xff, 0x01] {
            let world = marked(6);
            let log = log(&world);
            let mut bytes = std::fs::read(&log).unwrap();
            bytes[at] ^= damage;
            std::fs::write(&log, bytes).unwrap();
            let before = tree(&catalog_dir(&world));
            let error = open(&world).expect_err("damage in the middle");
            assert!(
                matches!(error, OpenError::Damaged { .. }),
                "byte {at}: {error}"
            );
            assert!(error.to_string().contains(".log"), "{error}");
            assert_eq!(lockless(tree(&catalog_dir(&world))), lockless(before));
            refused += 1;
        }
    }
    assert!(refused > 100);
}

/// Returns the tree without the lock file, because a start writes its name into it.
fn lockless<T>(
    mut tree: std::collections::BTreeMap<PathBuf, T>,
) -> std::collections::BTreeMap<PathBuf, T> {
    tree.remove(Path::new(frostline::key::LOCK_FILE));
    tree
}

/// Pitfall 37: zeros in the middle are refused. The store's own reader would skip them silently.
#[test]
fn zeros_in_the_middle_of_the_log_are_refused() {
    let world = marked(6);
    let log = log(&world);
    let mut bytes = std::fs::read(&log).unwrap();
    let record = bytes.len() / 6;
    bytes[record..2 * record].fill(0);
    std::fs::write(&log, bytes).unwrap();
    assert!(matches!(open(&world), Err(OpenError::Damaged { .. })));
}

/// The manifest is a log of its own: a torn end is cut off, and damage before it is refused.
#[test]
fn the_manifest_is_read_like_the_log() {
    let manifest = |world: &Data| {
        let pointer = std::fs::read_to_string(catalog_dir(world).join("CURRENT")).unwrap();
        catalog_dir(world).join(pointer.trim_end())
    };
    // The header of a record whose payload was not written, and zeros.
    let begun = [&[1, 2, 3, 4, 200, 0, 1][..], &[0; 200]].concat();
    for tail in [vec![0; 300], begun] {
        let world = marked(3);
        let manifest = manifest(&world);
        let mut bytes = std::fs::read(&manifest).unwrap();
        bytes.extend(tail);
        std::fs::write(&manifest, bytes).unwrap();
        assert_eq!(count(&open(&world).unwrap()), 3);
    }
    for damage in [
        |bytes: &mut Vec<u8>| bytes[9] ^= 1,
        |bytes: &mut Vec<u8>| {
            bytes.extend([0xa5; 300]);
        },
    ] {
        let world = marked(3);
        let manifest = manifest(&world);
        let mut bytes = std::fs::read(&manifest).unwrap();
        damage(&mut bytes);
        std::fs::write(&manifest, bytes).unwrap();
        let error = open(&world).unwrap_err();
        assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("MANIFEST-"), "{error}");
    }
}

/// A torn batch that is larger than a block of the log is a torn tail. Its later parts are not batches.
#[test]
fn a_torn_large_batch_is_a_torn_tail() {
    let world = Data::new();
    let catalog = world.open();
    drop(catalog.begin::<Ledgers>(chunk(0)).unwrap());
    let synced: Vec<_> = (1..=2_400)
        .map(|number| {
            let mut freezing = catalog.begin::<Ledgers>(chunk(number)).unwrap();
            freezing.file(Ledgers::PACK).unwrap();
            freezing.sync().unwrap()
        })
        .collect();
    // Zeros follow the records, so the last nonzero byte is their end.
    let bytes = std::fs::read(log(&world)).unwrap();
    let before = bytes.iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1;
    drop(catalog.commit(synced).unwrap());
    drop(catalog);
    let log = log(&world);
    let whole = std::fs::read(&log).unwrap();
    assert!(
        whole.len() as u64 - before > 2 * 32 * 1024,
        "several blocks"
    );
    // A power cut loses whole sectors.
    let sector = |offset: usize| offset.next_multiple_of(512);
    for hole in [sector(before as usize), sector(before as usize + 40_000)] {
        let mut torn = whole.clone();
        torn[hole..hole + 512].fill(0);
        std::fs::write(&log, &torn).unwrap();
        let copy = Data::new();
        copy_tree(&world.path(), &copy.path());
        let catalog = open(&copy).unwrap();
        assert_eq!(state(&catalog, 2_400), Some(ArtifactState::Freezing));
        assert_eq!(
            state(&catalog, 1),
            Some(ArtifactState::Freezing),
            "one fate"
        );
        assert_eq!(count(&catalog), 2_401);
    }
}

/// Pitfall 38: the catalog's directory holds a bounded number of known files, over many restarts with and without
/// work.
#[test]
fn the_catalogs_own_files_are_bounded() {
    let world = Data::new();
    let mut most = 0;
    for restart in 0..40 {
        let catalog = world.open();
        if restart % 3 != 0 {
            drop(freeze(&catalog, restart, b"bytes"));
        }
        drop(catalog);
        let files: Vec<_> = tree(&catalog_dir(&world)).into_keys().collect();
        most = most.max(files.len());
        for file in &files {
            let name = file.to_str().unwrap();
            let known = [
                "CURRENT",
                "IDENTITY",
                "LOCK",
                "frostline.identity",
                "frostline.reserve",
            ]
            .contains(&name)
                || name == frostline::key::LOCK_FILE
                || name.starts_with("MANIFEST-")
                || name.starts_with("OPTIONS-")
                || name.ends_with(".log")
                || name.ends_with(".sst");
            assert!(known, "{name} at restart {restart}");
        }
        let of = |end: &str| {
            files
                .iter()
                .filter(|file| file.to_str().unwrap().contains(end))
                .count()
        };
        assert!(of("MANIFEST-") <= 2, "{files:?}");
        assert!(of("OPTIONS-") <= 2, "{files:?}");
        assert!(of(".log") <= 2, "{files:?}");
        assert!(of(".sst") <= 5, "{files:?}");
    }
    assert!(most <= 20, "{most} files");
    assert_eq!(count(&world.open()), 26);
}

/// Pitfall 39: creation fails, or the process ends, before any of its operations. The next start succeeds.
#[test]
fn creating_the_catalog_is_all_or_nothing() {
    let operations = [
        Operation::CreateDirectory,
        Operation::SyncDirectory,
        Operation::SyncFile,
        Operation::RenameFile,
        Operation::RemoveDirectory,
        Operation::UnlinkFile,
        Operation::CreateStore,
        Operation::OpenStore,
    ];
    let mut failures = 0;
    for operation in operations {
        for nth in 0.. {
            let world = Data::new();
            let fault = Faults::new();
            fault.arm(operation, nth, EIO);
            let locked = world.roots().lock_with_probe(fault.probe());
            let opened = locked.map(|locked| Catalog::open(locked).map(drop));
            if !fault.has_fired() {
                opened.unwrap().unwrap();
                break;
            }
            failures += 1;
            assert!(!matches!(opened, Ok(Ok(()))), "{operation} {nth} failed");
            let catalog = open(&world).unwrap();
            drop(freeze(&catalog, 1, b"bytes"));
            drop(catalog);
            assert_eq!(count(&open(&world).unwrap()), 1);
            assert!(!catalog_dir(&world).join("frostline.creating").exists());
        }
    }
    assert!(failures > 15, "only {failures}");
}

/// Pitfall 39, at a later start: the disk kept the pointer and lost the manifest that it names.
#[test]
fn a_pointer_without_its_manifest_goes_back_to_the_one_before() {
    let world = Data::new();
    drop(freeze(&world.open(), 1, b"bytes"));
    let before = tree(&catalog_dir(&world));
    let witness = world.root(RootRole::Ledgers).join("frostline.witness");
    let witnessed = std::fs::read(&witness).unwrap();
    drop(world.open());
    let after = tree(&catalog_dir(&world));
    // A crash inside that second start may leave its pointer and every earlier file.
    let directory = catalog_dir(&world);
    for name in after.keys() {
        std::fs::remove_file(directory.join(name)).unwrap();
    }
    for (name, bytes) in &before {
        std::fs::write(directory.join(name), bytes).unwrap();
    }
    let current = Path::new("CURRENT");
    assert_ne!(after[current], before[current]);
    std::fs::write(directory.join(current), &after[current]).unwrap();
    std::fs::write(&witness, witnessed).unwrap();
    // If it was the first start after the creation, the staging directory may have come back too.
    std::fs::create_dir(directory.join("frostline.creating")).unwrap();
    // A start that was killed before this one may have left an empty manifest.
    std::fs::write(directory.join("MANIFEST-000099"), "").unwrap();
    let catalog = open(&world).unwrap();
    assert_eq!(state(&catalog, 1), Some(ArtifactState::Frozen));
    assert!(!directory.join("frostline.creating").exists());
}

/// A remaining manifest with a torn end belongs to a start that was killed, so it is not chosen.
#[test]
fn a_pointer_goes_back_to_a_manifest_that_is_whole() {
    let world = marked(3);
    let directory = catalog_dir(&world);
    let pointer = directory.join("CURRENT");
    let named = std::fs::read_to_string(&pointer).unwrap();
    let whole = std::fs::read(directory.join(named.trim_end())).unwrap();
    let torn = [&whole[..], &[1, 2, 3, 4, 200, 0, 1], &[0; 200]].concat();
    std::fs::write(directory.join("MANIFEST-000098"), torn).unwrap();
    std::fs::write(&pointer, "MANIFEST-000099\n").unwrap();
    let (of_start, mended) = (pointer, Arc::new(Mutex::new(None)));
    let seen = Arc::clone(&mended);
    let roots = world
        .roots()
        .lock_with_probe(Probe::new(move |operation, _| {
            if operation == Operation::OpenStore {
                *seen.lock().unwrap() = std::fs::read_to_string(&of_start).ok();
            }
            Ok(())
        }));
    let catalog = Catalog::open(roots.unwrap()).unwrap();
    assert_eq!(*mended.lock().unwrap(), Some(named));
    assert_eq!(count(&catalog), 3);
}

/// A directory that holds other files is not made into a catalog. A catalog that has lost its pointer is not
/// treated as empty.
#[test]
fn a_directory_without_a_pointer_is_not_overwritten() {
    let world = Data::new();
    drop(freeze(&world.open(), 1, b"bytes"));
    std::fs::remove_file(catalog_dir(&world).join("CURRENT")).unwrap();
    let before = tree(&world.path());
    let error = world.roots().lock().unwrap_err();
    assert!(error.to_string().contains("holds no catalog"), "{error}");
    assert_eq!(tree(&world.path()), before);
    // The open is refused after `start_over` too.
    let error = Catalog::open(world.roots().start_over().unwrap()).unwrap_err();
    assert!(matches!(error, OpenError::NotACatalog { .. }), "{error}");
}

#[test]
fn a_missing_table_is_a_refusal_that_names_the_catalog() {
    let world = Data::new();
    for restart in 0..8 {
        drop(freeze(&world.open(), restart, b"bytes"));
    }
    let tables = tree(&catalog_dir(&world)).into_keys();
    let table = tables
        .into_iter()
        .find(|path| path.extension().is_some_and(|end| end == "sst"));
    std::fs::remove_file(catalog_dir(&world).join(table.expect("a table"))).unwrap();
    let error = open(&world).unwrap_err();
    assert!(error.to_string().contains("catalog/rocksdb"), "{error}");
}

/// A process that was killed inside a commit leaves the record in the page cache only. The next start makes the
/// record durable, or writes it again, before any caller acts on it.
#[test]
fn a_start_makes_the_log_durable_before_it_relies_on_it() {
    let world = marked(3);
    let old = log(&world);
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    let trace = trace.take();
    let name = old.file_name().unwrap().to_str().unwrap();
    let synced = format!("sync catalog/rocksdb/{name}");
    let synced = trace.iter().position(|line| *line == synced);
    let opened = trace.iter().position(|line| line.starts_with("open-store"));
    assert!(synced.is_some() && synced < opened, "{trace:#?}");
    assert_eq!(count(&catalog), 3);
    drop(catalog);
    // The start has written the records into a table, and the log that held them is gone.
    assert!(!old.exists());
    let files = tree(&catalog_dir(&world)).into_keys();
    assert!(
        files
            .into_iter()
            .any(|file| file.extension().is_some_and(|end| end == "sst"))
    );
}

/// A start that finds its own creation finished, except for the last sync, performs that sync first. The staging
/// directory distinguishes an unfinished store from a damaged one.
#[test]
fn the_mark_of_creation_goes_only_once_the_pointer_is_durable() {
    let world = marked(1);
    std::fs::create_dir(catalog_dir(&world).join("frostline.creating")).unwrap();
    let trace = Trace::default();
    drop(world.open_probed(trace.probe(&world)));
    let trace = trace.take();
    let at = |line: &str| trace.iter().position(|entry| entry == line).unwrap();
    assert!(
        at("syncdir catalog/rocksdb") < at("rmdir catalog/rocksdb/frostline.creating"),
        "{trace:#?}"
    );
}

/// A pointer that does not name a manifest is refused, and no other file is truncated.
#[test]
fn a_pointer_to_something_else_touches_nothing() {
    for named in [
        "IDENTITY",
        "../../precious",
        "MANIFEST-",
        "MANIFEST-../../../precious",
        "",
    ] {
        let world = marked(2);
        let precious = world.path().join("precious");
        // Sound records followed by other bytes look like a torn log.
        let mut torn = std::fs::read(log(&world)).unwrap();
        torn.extend_from_slice(b"and more");
        std::fs::write(&precious, &torn).unwrap();
        std::fs::write(catalog_dir(&world).join("CURRENT"), format!("{named}\n")).unwrap();
        let identity = std::fs::read(catalog_dir(&world).join("IDENTITY")).unwrap();
        open(&world).unwrap_err();
        assert_eq!(std::fs::read(&precious).unwrap(), torn, "{named}");
        let after = std::fs::read(catalog_dir(&world).join("IDENTITY")).unwrap();
        assert_eq!(after, identity, "{named}");
    }
}
