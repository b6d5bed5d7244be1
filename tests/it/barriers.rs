//! The order of operations: nothing is relied upon before it is durable.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::sync::{Arc, Mutex};

use frostline::error::FailureKind;
use frostline::error::Operation;
use frostline::sim::{PowerLoss, Probe, SimDisk, When};
use frostline::{ArtifactSet, Catalog, Events, Ledgers, StorageRoots, TxHash};
use rustix::fs::FallocateFlags;

use crate::fixture::{Data, Trace, chain, chunk, freeze, give_up};
use crate::mounts::data_synced_whole;

/// Returns the position of a line in a trace from `after` on.
#[track_caller]
fn position(trace: &[String], line: &str) -> usize {
    let found: Vec<_> = (0..trace.len()).filter(|at| trace[*at] == line).collect();
    assert!(!found.is_empty(), "no `{line}` in {trace:#?}");
    found[0]
}

/// Row 1: the first chunk of a bucket need not be its lowest. Any first chunk makes the bucket durable.
#[test]
fn freezing_syncs_file_directory_and_every_new_parent_before_the_flip() {
    let world = Data::new();
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    trace.take();
    drop(freeze(&catalog, 5_350, b"ledgers"));
    assert_eq!(
        trace.take(),
        [
            "commit catalog/rocksdb",
            "mkdir ledgers/00005",
            "create ledgers/00005/00005350.pack",
            "write ledgers/00005/00005350.pack",
            "sync ledgers/00005/00005350.pack",
            "syncdir ledgers/00005",
            "syncdir ledgers",
            "commit catalog/rocksdb",
        ]
    );
    // The bucket is durable now; a second chunk pays for its own directory only.
    drop(freeze(&catalog, 5_000, b"ledgers"));
    assert_eq!(
        trace.take(),
        [
            "commit catalog/rocksdb",
            "create ledgers/00005/00005000.pack",
            "write ledgers/00005/00005000.pack",
            "sync ledgers/00005/00005000.pack",
            "syncdir ledgers/00005",
            "commit catalog/rocksdb",
        ]
    );
}

/// Row 2: a directory that another process left is not thereby durable.
#[test]
fn a_bucket_that_exists_is_synced_again_after_a_restart() {
    let world = Data::new();
    drop(freeze(&world.open(), 1, b"one"));
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    trace.take();
    drop(freeze(&catalog, 2, b"two"));
    let trace = trace.take();
    assert!(!trace.iter().any(|line| line.starts_with("mkdir")));
    let parent = position(&trace, "syncdir ledgers");
    assert!(parent < trace.len() - 1, "before the flip: {trace:#?}");
}

/// A bucket that was durable, removed by hand and made again, by this process or by hand: its entry is
/// another one, and is made durable again before the flip.
#[test]
fn a_bucket_that_was_made_again_is_durable_again() {
    for made_by_hand in [false, true] {
        let world = Data::new();
        let trace = Trace::default();
        let catalog = world.open_probed(trace.probe(&world));
        let frozen = freeze(&catalog, 5_350, b"ledgers");
        let swept = catalog.sweep_chunk_artifacts([frozen.demote()]);
        assert_eq!(swept.unwrap().deleted.len(), 1);
        let bucket = world.path().join("ledgers/00005");
        std::fs::remove_dir(&bucket).unwrap();
        if made_by_hand {
            // The number of the inode may be the same one. The time of birth, by which the library tells
            // them apart, is one of the clock's ticks.
            std::thread::sleep(std::time::Duration::from_millis(50));
            std::fs::create_dir(&bucket).unwrap();
        }
        trace.take();
        drop(freeze(&catalog, 5_000, b"ledgers"));
        let again = trace.take();
        let made = again.contains(&"mkdir ledgers/00005".to_owned());
        assert_eq!(made, !made_by_hand);
        let synced = position(&again, "syncdir ledgers");
        assert!(synced < again.len() - 1, "before the flip: {again:#?}");
        // And not a third time.
        drop(freeze(&catalog, 5_001, b"ledgers"));
        assert!(!trace.take().contains(&"syncdir ledgers".to_owned()));
    }
}

/// Each bucket is remembered as durable by its own path.
#[test]
fn two_buckets_are_durable_side_by_side() {
    let world = Data::new();
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    for number in [1_000, 2_000] {
        trace.take();
        drop(freeze(&catalog, number, b"ledgers"));
        assert!(trace.take().contains(&"syncdir ledgers".to_owned()));
    }
    for number in [1_001, 2_001] {
        drop(freeze(&catalog, number, b"ledgers"));
        assert!(!trace.take().contains(&"syncdir ledgers".to_owned()));
    }
}

/// The same for a directory around the bucket: both entries are new.
#[test]
fn a_directory_around_a_bucket_that_was_made_again_is_durable_again() {
    let world = Data::new();
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    let freeze_hashes = |number| {
        let mut freezing = catalog.begin::<TxHash>(chunk(number)).unwrap();
        let mut file = freezing.file(TxHash::BIN).unwrap();
        file.write_all(b"hash").unwrap();
        freezing.freeze().unwrap()
    };
    let frozen = freeze_hashes(7);
    let swept = catalog.sweep_chunk_artifacts([frozen.demote()]);
    assert_eq!(swept.unwrap().deleted.len(), 1);
    std::fs::remove_dir_all(world.path().join("txhash/raw")).unwrap();
    trace.take();
    drop(freeze_hashes(8));
    let trace = trace.take();
    for line in [
        "syncdir txhash/raw/00000",
        "syncdir txhash/raw",
        "syncdir txhash",
    ] {
        assert!(position(&trace, line) < trace.len() - 1, "{trace:#?}");
    }
}

/// Row 2, below a subdirectory: `raw` and the bucket are two entries, each in its own parent.
#[test]
fn every_directory_between_root_and_file_is_synced() {
    let world = Data::new();
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    trace.take();
    let mut freezing = catalog.begin::<TxHash>(chunk(7)).unwrap();
    freezing
        .file(TxHash::BIN)
        .unwrap()
        .write_all(b"hash")
        .unwrap();
    drop(freezing.freeze().unwrap());
    let trace = trace.take();
    let ordered = [
        "sync txhash/raw/00000/00000007.bin",
        "syncdir txhash/raw/00000",
        "syncdir txhash/raw",
        "syncdir txhash",
    ];
    let positions = ordered.map(|line| position(&trace, line));
    assert!(positions.is_sorted(), "{trace:#?}");
    assert_eq!(trace.last().unwrap(), "commit catalog/rocksdb");
}

/// Row 3: the way to a fresh root is durable before the store is opened, on the second start too.
#[test]
fn every_entry_on_the_way_to_the_roots_is_durable_before_anything_is_opened() {
    let world = Data::new();
    for start in ["first", "second"] {
        let trace = Trace::default();
        drop(world.open_probed(trace.probe(&world)));
        let trace = trace.take();
        // The data directory's own entry, then those of the roots and of the catalog's parent.
        let parent = format!("syncdir {}", world.path().parent().unwrap().display());
        for line in [parent.as_str(), "syncdir", "syncdir catalog"] {
            let open = position(&trace, "open-store catalog/rocksdb");
            assert!(
                position(&trace, line) < open,
                "`{line}` at the {start} start: {trace:#?}"
            );
        }
    }
}

#[test]
fn a_set_is_marked_and_flipped_in_one_batch_each() {
    let world = Data::new();
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    trace.take();
    let mut set = catalog.begin_set(chunk(3), ArtifactSet::ALL).unwrap();
    set.ledgers
        .as_mut()
        .unwrap()
        .file(Ledgers::PACK)
        .unwrap()
        .write_all(b"l")
        .unwrap();
    for file in [Events::EVENTS, Events::INDEX, Events::HASH] {
        let events = set.events.as_mut().unwrap();
        events.file(file).unwrap().write_all(b"e").unwrap();
    }
    set.txhash
        .as_mut()
        .unwrap()
        .file(TxHash::BIN)
        .unwrap()
        .write_all(b"t")
        .unwrap();
    let frozen = catalog.commit(set.sync().unwrap()).unwrap();
    let trace = trace.take();
    let commits: Vec<_> = (0..trace.len())
        .filter(|at| trace[*at] == "commit catalog/rocksdb")
        .collect();
    assert_eq!(commits, [0, trace.len() - 1], "{trace:#?}");
    let syncs = trace
        .iter()
        .filter(|line| line.starts_with("sync "))
        .count();
    assert_eq!(syncs, 5);
    drop(frozen);
}

#[test]
fn a_hot_directory_and_its_entry_are_durable_before_it_is_ready() {
    let world = Data::new();
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    trace.take();
    let ready = catalog.create_hot(chunk(9)).unwrap().ready().unwrap();
    assert_eq!(
        trace.take(),
        [
            "commit catalog/rocksdb",
            "mkdir hot/00000009",
            "syncdir hot/00000009",
            "syncdir hot",
            "commit catalog/rocksdb",
        ]
    );
    give_up(&catalog, ready).remove().unwrap();
    assert_eq!(
        trace.take(),
        [
            "commit catalog/rocksdb",
            "rmdir hot/00000009",
            "syncdir hot",
            "commit catalog/rocksdb",
        ]
    );
}

#[test]
fn abandoning_removes_the_files_durably_before_the_key() {
    let world = Data::new();
    let trace = Trace::default();
    let catalog = world.open_probed(trace.probe(&world));
    let mut freezing = catalog.begin::<Ledgers>(chunk(4)).unwrap();
    freezing
        .file(Ledgers::PACK)
        .unwrap()
        .write_all(b"half")
        .unwrap();
    trace.take();
    freezing.abandon().unwrap();
    assert_eq!(
        trace.take(),
        [
            "unlink ledgers/00000/00000004.pack",
            "syncdir ledgers/00000",
            "commit catalog/rocksdb",
        ]
    );
}

/// The same under every power cut: no key at `frozen` without its file.
#[test]
fn no_power_cut_takes_a_bucket_that_was_made_again() {
    // A bucket that was made by hand can be told only by its number.
    for (made_by_hand, reuses_numbers) in [(false, false), (false, true), (true, false)] {
        let disk = SimDisk::new();
        if reuses_numbers {
            disk.reuse_numbers();
        }
        let roots = || StorageRoots::under("/data").unwrap();
        let catalog = Catalog::open(roots().lock_on_simulated(&disk).unwrap()).unwrap();
        drop(freeze(&catalog, 1, b"one"));
        disk.unlink("/data/ledgers/00000/00000001.pack").unwrap();
        disk.remove_directory("/data/ledgers/00000").unwrap();
        disk.sync_all();
        if made_by_hand {
            disk.create_directory("/data/ledgers/00000").unwrap();
        }
        drop(freeze(&catalog, 2, b"two"));
        let history = disk.history();
        drop(catalog);
        let check = |disk: &SimDisk, _: When| {
            let keys = roots().keys_on_simulated(disk);
            let keys = keys.map_err(|error| error.to_string())?;
            let mut frozen = keys.iter().filter(|(_, state)| *state == "frozen");
            let second = frozen.any(|(key, _)| key.contains("00000002"));
            let file = disk.read("/data/ledgers/00000/00000002.pack");
            if second && file.is_err() {
                return Err("`frozen`, and the file is gone".to_owned());
            }
            Ok(())
        };
        let explored = PowerLoss::new(|_| Ok(()), check).explore(&history);
        if let Err(scene) = explored {
            panic!("made by hand: {made_by_hand}\n{scene}");
        }
    }
}

/// The last step of each barrier asks the file system whether it still writes: after every sync, before
/// the key changes. And each file is looked at after its own sync.
#[test]
fn each_barrier_ends_with_a_check_before_the_key_changes() {
    // Of a group, each file is fsynced, or the file system is synced whole.
    let worlds = [Some(Data::new()), data_synced_whole()];
    worlds.iter().flatten().for_each(check_barriers);
}

fn check_barriers(world: &Data) {
    let mut looked_at = BTreeMap::new();
    let lines = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&lines);
    let catalog = world.open_probed(Probe::new(move |operation, path| {
        let path = path.display().to_string();
        seen.lock().unwrap().push((operation, path));
        Ok(())
    }));
    let steps = || {
        let lines = std::mem::take(&mut *lines.lock().unwrap());
        let kept = lines.into_iter().filter(|(operation, _)| {
            matches!(
                operation,
                Operation::SyncFile
                    | Operation::SyncDirectory
                    | Operation::SyncFileSystem
                    | Operation::CheckFile
                    | Operation::CheckFileSystem
                    | Operation::Commit
            )
        });
        kept.collect::<Vec<_>>()
    };
    steps();
    let mut frozen = vec![freeze(&catalog, 1, b"ledgers")];
    let mut group = catalog.sync_group();
    for number in 2..60 {
        let mut freezing = catalog.begin::<Ledgers>(chunk(number)).unwrap();
        let mut file = freezing.file(Ledgers::PACK).unwrap();
        file.write_all(b"ledgers").unwrap();
        group.add(freezing).unwrap();
    }
    frozen.extend(catalog.commit(group.sync().unwrap()).unwrap());
    let frozen = frozen.into_iter().map(frostline::Frozen::demote);
    assert_eq!(
        catalog.sweep_chunk_artifacts(frozen).unwrap().deleted.len(),
        59
    );
    let ready = catalog.create_hot(chunk(7)).unwrap().ready().unwrap();
    give_up(&catalog, ready).remove().unwrap();

    let mut barriers = 0;
    let mut is_owed = false;
    let steps = steps();
    for (at, (operation, path)) in steps.iter().enumerate() {
        match operation {
            Operation::SyncFile if path.ends_with(".pack") => {
                is_owed = true;
                looked_at.insert(path.clone(), false);
            }
            Operation::CheckFile => {
                looked_at.insert(path.clone(), true);
            }
            Operation::SyncFile | Operation::SyncDirectory | Operation::SyncFileSystem => {
                is_owed = true;
            }
            Operation::CheckFileSystem => {
                barriers += usize::from(is_owed);
                is_owed = false;
            }
            _ => {
                assert!(!is_owed, "{at}: a commit follows a sync without a check");
                // A commit is a sync of the catalog's log.
                let next = steps.get(at + 1).map(|(next, _)| *next);
                assert_eq!(next, Some(Operation::CheckFileSystem), "{at}");
            }
        }
    }
    assert!(barriers >= 5, "{barriers}");
    assert_eq!(looked_at.len(), 59);
    assert!(
        looked_at.values().all(|looked_at| *looked_at),
        "{looked_at:?}"
    );
}

/// Bytes that the kernel has dropped, and of which no sync tells, show as a hole.
#[test]
fn bytes_that_are_lost_are_found_before_the_key_changes() {
    let world = Data::new();
    let catalog = world.open_probed(Probe::new(|operation, path| {
        if operation == Operation::CheckFile {
            let file = std::fs::OpenOptions::new().write(true).open(path)?;
            let hole = FallocateFlags::PUNCH_HOLE | FallocateFlags::KEEP_SIZE;
            rustix::fs::fallocate(file, hole, 1 << 16, 1 << 16)?;
        }
        Ok(())
    }));
    let mut freezing = catalog.begin::<Ledgers>(chunk(1)).unwrap();
    let mut file = freezing.file(Ledgers::PACK).unwrap();
    file.write_all(&vec![1; 1 << 18]).unwrap();
    let error = freezing.freeze().unwrap_err();
    assert_eq!(error.kind(), FailureKind::Fatal, "{error}");
    let text = chain(&error);
    assert!(
        text.contains("bytes 0 to 262144 were written, and 65536 are there without a gap"),
        "{text}"
    );
    drop(catalog);
    assert_eq!(world.open().unfinished().freezing, 1);
}
